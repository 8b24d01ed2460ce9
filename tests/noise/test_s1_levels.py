import pytest
import torch

from byheart._checks import InputError
from byheart.noise.process import S1Process
from byheart.noise.s1 import s1_levels


def test_the_published_grid():
    levels = s1_levels()
    expected = torch.tensor([0.999 - 0.998 * step / 25 for step in range(26)], dtype=torch.float64)
    torch.testing.assert_close(S1Process().time(levels), expected, rtol=0, atol=1e-12)
    # The point at which the paper plots its losses: t = 0.3603, signal to noise ψ = 1/σ² = 6.704.
    assert round(S1Process().time(levels[16]).item(), 4) == 0.3603
    assert round(1 / levels[16].item() ** 2, 3) == 6.704


def test_the_ends_stay_where_they_are():
    for count in (2, 11):
        assert len(s1_levels(count)) == count
        torch.testing.assert_close(s1_levels(count)[[0, -1]], s1_levels()[[0, -1]], rtol=0, atol=0)


def test_fewer_than_two_points_are_refused():
    with pytest.raises(InputError, match="1 points"):
        s1_levels(1)
