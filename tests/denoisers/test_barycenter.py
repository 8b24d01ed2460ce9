import math

import numpy as np
import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import Barycentric, barycentric, empirical
from byheart.denoisers.base import score
from byheart.noise import geometric_levels
from byheart.numerics.neighbors import nearest
from byheart.sampling import sample

POINTS = torch.from_numpy(np.random.RandomState(1).randn(20, 2))  # S2's data
MEMORIZER = empirical(POINTS)
DRAWS = torch.Generator().manual_seed(0)
OFFSETS = torch.randn(3, 2, generator=DRAWS, dtype=torch.float64)
X = torch.randn(6, 2, generator=DRAWS, dtype=torch.float64)
LEVELS = torch.linspace(0.1, 2, 6, dtype=torch.float64)


@pytest.mark.parametrize("sigma", [LEVELS, torch.tensor(0.4, dtype=torch.float64)], ids=["by row", "of all"])
def test_it_is_the_mean_over_shifts_of_the_flow_variable(sigma):
    # In z = t x₀ + (1 − t) ε, the logits −(‖z − t xₙ‖² − 2 width t ⟨εⱼ, xₙ⟩) / 2(1 − t)² of the paper.
    t = (1 / (1 + sigma)).reshape(-1, 1).expand(6, 1)
    z, width = t * X, 0.3
    expected = torch.zeros_like(X)
    for offset in OFFSETS:
        apart = (z[:, None] - t[:, None] * POINTS).square().sum(2)
        logits = -(apart - 2 * width * t * (POINTS @ offset)) / (2 * (1 - t) ** 2)
        expected += logits.softmax(1) @ POINTS / 3
    found = Barycentric(MEMORIZER, OFFSETS, width)(X, sigma)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def test_no_width_is_the_denoiser():
    torch.testing.assert_close(Barycentric(MEMORIZER, OFFSETS, 0.0)(X, LEVELS), MEMORIZER(X, LEVELS))


def test_centered_shifts_have_the_mean_score():
    centered = OFFSETS - OFFSETS.mean(0)
    width = 0.3 * (1 + LEVELS[:, None])
    expected = sum(score(MEMORIZER, X + width * offset, LEVELS) for offset in centered) / 3
    torch.testing.assert_close(score(Barycentric(MEMORIZER, centered, 0.3), X, LEVELS), expected)


@pytest.mark.parametrize("shape", [(1,), (2,), (3,), (5,), (15,), (16,), (17,), (2, 3, 4), (40,)])
def test_shifts_are_nested_in_their_number(shape):
    points = empirical(torch.ones(2, *shape))
    many = barycentric(points, 40, 0.3, seed=5).offsets
    for count in (1, 2, 3, 4, 7, 8, 16, 39):
        assert torch.equal(barycentric(points, count, 0.3, seed=5).offsets, many[:count])


def test_shifts_belong_to_the_seed():
    few = barycentric(MEMORIZER, 2, 0.3, seed=5)
    assert not torch.equal(few.offsets, barycentric(MEMORIZER, 2, 0.3, seed=6).offsets)
    assert few.shape == (2,) and few.device == torch.device("cpu")


def ends(denoiser, levels, count=500):
    start = levels[0] * torch.randn(count, 2, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return sample(denoiser, seeds=range(count), start=start, levels=levels, solver="heun", batch=count)


def share_of_copies(x):
    return float((nearest(x, POINTS, k=1).distance[:, 0] < 1e-2).double().mean())


def test_two_shifts_end_at_the_middle_of_two_points():
    denoiser = barycentric(MEMORIZER, 2, 0.3, seed=6)
    levels = geometric_levels(200, 1e-5, 20.0)
    middles = ((POINTS[:, None] + POINTS) / 2).flatten(0, 1)
    nearly, x = (ends(denoiser, walk) for walk in (levels[:-1], levels))
    # The few on their way across a border between two cells come last.
    assert float(nearest(nearly, middles, k=1).distance.quantile(0.99)) < 4e-3
    assert float(nearest(x, middles, k=1).distance.max()) < 1e-12
    # Few of the 210 middles, and few of them points; another draw of shifts, farther or less far apart, changes that.
    assert share_of_copies(x) == pytest.approx(0.10, abs=0.03)
    assert 15 <= len(x.mul(1e6).round().unique(dim=0)) <= 21


def test_shifts_that_are_close_together_copy():
    copies = [
        share_of_copies(ends(Barycentric(MEMORIZER, apart * OFFSETS[:2], 0.3), geometric_levels(100, 1e-3)))
        for apart in (0.0, 0.3, 1.0, 3.0)
    ]
    assert copies[0] == 1.0
    assert copies == sorted(copies, reverse=True) and copies[-1] < 0.1


def test_shapes_and_types():
    images = empirical(torch.randn(5, 1, 3, 4, generator=DRAWS))
    found = barycentric(images, 3, 0.2, seed=0)(torch.zeros(2, 1, 3, 4), torch.tensor(0.5))
    assert found.shape == (2, 1, 3, 4) and found.dtype == torch.float32


def test_bad_input_is_refused():
    with pytest.raises(InputError, match=r"shape \(\) or \(6,\)"):
        Barycentric(MEMORIZER, OFFSETS, 0.3)(X, torch.ones(5))
    with pytest.raises(InputError, match=r"torch\.tensor"):
        Barycentric(MEMORIZER, OFFSETS, 0.3)(X, "0.5")
    with pytest.raises(InputError, match=r"\(b, 2\)"):
        Barycentric(MEMORIZER, OFFSETS, 0.3)(X[:, :1], LEVELS)
    for offsets in (OFFSETS[:0], OFFSETS[0], OFFSETS.long()):
        with pytest.raises(InputError, match="offsets of shape"):
            Barycentric(MEMORIZER, offsets, 0.3)
    with pytest.raises(InputError, match="NaN"):
        Barycentric(MEMORIZER, OFFSETS * math.nan, 0.3)
    for width in (-0.1, math.inf, math.nan):
        with pytest.raises(InputError, match="0 ≤ width"):
            Barycentric(MEMORIZER, OFFSETS, width)
    with pytest.raises(InputError, match="at least one shift"):
        barycentric(MEMORIZER, 0, 0.3, seed=0)
    with pytest.raises(InputError, match="knows the shape"):
        barycentric(lambda x, sigma: x, 2, 0.3, seed=0)
