import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import denoise, eps, per_row, score


def halves(x, sigma):
    return x / 2


def test_score_and_eps_by_hand():
    x, sigma = torch.full((2, 3), 4.0), torch.tensor([1.0, 2.0])
    torch.testing.assert_close(score(halves, x, sigma), torch.tensor([-2.0, -0.5])[:, None].expand(2, 3))
    torch.testing.assert_close(eps(halves, x, sigma), torch.tensor([2.0, 1.0])[:, None].expand(2, 3))


def test_per_row_broadcasts_over_rows():
    x = torch.zeros(5, 2, 3, 4)
    assert per_row(torch.tensor(1.0), x).shape == ()
    assert per_row(torch.ones(5), x).shape == (5, 1, 1, 1)


@pytest.mark.parametrize("shape", [(4,), (5, 1), (1,)])
def test_per_row_refuses_other_shapes(shape):
    with pytest.raises(InputError, match=r"\(\) or \(5,\)"):
        per_row(torch.ones(shape), torch.zeros(5, 2))


def test_importing_the_specification_needs_no_torch():
    import subprocess
    import sys

    code = "import sys, byheart.denoisers.spec; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_resolves():
    import byheart.denoisers as room

    assert all(callable(getattr(room, name)) for name in room.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        room.nonsense  # noqa: B018


def test_a_denoiser_of_another_shape_is_refused():
    x = torch.zeros(3, 2, 4, 4)
    for wrong in (lambda x, sigma: x[:, :1], lambda x, sigma: x[0], lambda x, sigma: x.flatten(1)):
        with pytest.raises(InputError, match=r"shape \(3, 2, 4, 4\) with shape"):
            denoise(wrong, x, torch.tensor(1.0))
        with pytest.raises(InputError, match="one denoised image for each row"):
            score(wrong, x, torch.tensor(1.0))
