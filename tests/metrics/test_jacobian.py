import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import GaussianDenoiser, MixtureDenoiser, empirical
from byheart.metrics.collapse import jacobian_trace, last_switch
from byheart.metrics.jacobian import jacobian_eigenvalues, local_dimension
from byheart.models import Preconditioned, UNet, UNetSpec
from byheart.random import generator

DRAWS = torch.Generator().manual_seed(0)
VARIANCES = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.25], dtype=torch.float64)


def normal(*shape):
    return torch.randn(*shape, generator=DRAWS, dtype=torch.float64)


def wiener(d):
    basis = torch.linalg.qr(normal(d, d)).Q
    return GaussianDenoiser(torch.zeros(d, dtype=torch.float64), VARIANCES, basis[:, :5])


@pytest.mark.parametrize(("d", "count"), [(12, None), (12, 3), (100, 6)], ids=["all", "dense", "Lanczos"])
def test_a_gaussian_s_are_known(d, count):
    sigma, denoiser = torch.tensor(0.7, dtype=torch.float64), wiener(d)
    found = jacobian_eigenvalues(denoiser, normal(3, d), sigma, count=count)
    exact = torch.zeros(d, dtype=torch.float64)
    exact[:5] = VARIANCES / (VARIANCES + 0.49)
    torch.testing.assert_close(found, exact[:count].expand(3, -1), rtol=0, atol=1e-6)
    assert local_dimension(found).tolist() == [min(4, count or 4)] * 3  # 0.25 / (0.25 + 0.49) is below ½


@pytest.mark.parametrize("std", [0.0, 0.4])
def test_a_mixture_s_are_those_of_its_jacobian(std):
    points, sigma = normal(9, 2, 3), torch.tensor([0.5, 1.5], dtype=torch.float64)
    denoiser, x = MixtureDenoiser(points, std=std), normal(2, 2, 3)
    found = jacobian_eigenvalues(denoiser, x, sigma)
    for row in range(2):
        jacobian = torch.autograd.functional.jacobian(
            lambda at, row=row: denoiser(at, sigma[row]), x[row : row + 1]
        )
        exact = torch.linalg.eigvalsh(jacobian.reshape(6, 6)).flip(0)
        torch.testing.assert_close(found[row], exact, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(found.sum(1), jacobian_trace(denoiser, x, sigma), rtol=1e-8, atol=1e-10)


def test_memorization_loses_every_direction_and_passes_one_on_the_way():
    """n = 2,000 draws of 5 of 40 dimensions: the published top eigenvalue is above 1 at σ = .3, and 0 at .05."""
    points = normal(2000, 5) * VARIANCES.sqrt() @ torch.linalg.qr(normal(40, 40)).Q[:5]
    memorizer, x = empirical(points), points[:40]
    at = {
        sigma: jacobian_eigenvalues(memorizer, x + sigma * normal(40, 40), torch.tensor(sigma), count=6)
        for sigma in (1.0, 0.3, 0.05)
    }
    assert at[1.0].sum(1).mean() == pytest.approx(2.46, abs=0.2)
    assert at[0.3][:, 0].mean() > 1
    assert at[0.05].sum(1).mean() < 0.1
    assert bool((local_dimension(at[0.05]) == 0).float().mean() > 0.9)


def test_a_jacobian_that_is_not_symmetric_gives_its_symmetric_part():
    matrix = normal(80, 80) / 9
    found = jacobian_eigenvalues(lambda x, sigma: x @ matrix.T, normal(1, 80), torch.tensor(1.0), count=4)
    exact = torch.linalg.eigvalsh((matrix + matrix.T) / 2).flip(0)[:4]
    torch.testing.assert_close(found[0], exact, rtol=1e-6, atol=1e-8)


def test_a_network_s_are_those_of_its_jacobian():
    network = Preconditioned(UNet((1, 8, 8), UNetSpec(width=16), generator(0)))
    for weight in network.parameters():  # zero at first: it would say nothing
        torch.nn.init.normal_(weight, std=0.2, generator=generator(1))
    x, sigma = torch.randn(1, 1, 8, 8, generator=generator(2)), torch.tensor(0.5)
    found = jacobian_eigenvalues(network, x, sigma, count=3)
    exact = torch.linalg.eigvalsh(
        symmetric(torch.autograd.functional.jacobian(lambda at: network(at, sigma), x).reshape(64, 64))
    )
    torch.testing.assert_close(found[0], exact.flip(0)[:3], rtol=1e-3, atol=1e-4)


def symmetric(matrix):
    return (matrix + matrix.T).detach().double() / 2


@pytest.mark.parametrize("count", [0, 13])
def test_counts_that_make_no_sense_are_refused(count):
    with pytest.raises(InputError, match="eigenvalues"):
        jacobian_eigenvalues(wiener(12), normal(1, 12), torch.tensor(1.0), count=count)


def test_the_last_switch():
    nearest = torch.tensor([[0, 0, 0, 3], [1, 0, 0, 3], [1, 0, 2, 3], [1, 5, 2, 3]])
    levels = torch.tensor([8.0, 4.0, 2.0, 1.0])
    torch.testing.assert_close(last_switch(nearest, levels), torch.tensor([32.0, 2.0, 8.0, 64.0]).sqrt())
    for wrong in (nearest[0], nearest.float(), nearest[:1]):
        with pytest.raises(InputError, match="nearest"):
            last_switch(wrong, levels)


def test_what_is_no_number_has_no_eigenvalues_and_no_dimension():
    broken = torch.tensor([[1.0, float("nan")], [1.0, 0.2]])
    with pytest.raises(InputError, match="eigenvalues with 1 values"):
        local_dimension(broken)
    with pytest.raises(InputError, match="x with 1 values"):
        jacobian_eigenvalues(lambda x, sigma: x / 2, broken, torch.tensor(1.0))
