"""The softmax over points where float arithmetic is short of digits: near ties, data far from 0, x far from the data."""

import math

import pytest
import torch

from byheart.denoisers import (
    BoundaryBrokenLocal,
    EmpiricalByKernel,
    EquivariantLocal,
    LocalScore,
    MixtureDenoiser,
    empirical,
    partial,
)
from byheart.denoisers.points import COARSE, OFF_CENTER, Points


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ties(d, apart, sharing):
    """Points in groups of `sharing`, about `apart` from each other, and x in the middle of each group: float32."""
    first = normal(60, d)
    groups = [first] + [first + apart * normal(60, d, seed=k) / math.sqrt(d) for k in range(1, sharing)]
    points = torch.stack(groups).float()
    return points, points.mean(0)


@pytest.mark.parametrize("d", [2, 16, 256, 3072])
@pytest.mark.parametrize("apart", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("sharing", [2, 5])
def test_float32_errs_by_5e3_of_the_distance_between_points_that_tie(d, apart, sharing):
    points, x = ties(d, apart, sharing)
    train, distance = points.flatten(0, 1), (points[0] - points[1]).double().norm(dim=1)
    worst = 0.0
    for share in (0.3, 0.6, 0.99):  # of the error from which on logits are made again
        unit = torch.finfo(torch.float32).eps * x.square().sum(1) / (share * COARSE)
        sigma = unit.sqrt()
        with torch.no_grad():
            found = empirical(train, precision="float32")(x, sigma).double()
        error = (found - empirical(train)(x.double(), sigma)).norm(dim=1)
        worst = max(worst, (error / distance).max().item())
    assert worst < 5e-3


def test_at_a_tie_the_error_is_not_that_of_noised_points():
    points, x = ties(256, 30.0, 2)
    train, sigma = points.flatten(0, 1), (torch.finfo(torch.float32).eps * x.square().sum(1) / COARSE).sqrt()
    exact = empirical(train)(x.double(), sigma)
    with torch.no_grad():
        error = (empirical(train, precision="float32")(x, sigma) - exact).norm(dim=1) / exact.norm(dim=1)
    assert error.max() > 2e-4  # ten times what noised training points show


def test_a_local_score_errs_by_a_quarter_of_its_logits_at_a_tie():
    # Two images that tie at a distance of many σ: 1e-7 r²/σ² of the difference between them.
    images = normal(2, 1, 6, 6, seed=3).float()
    middle, sigma = images.mean(0, keepdim=True), 0.05
    exact = LocalScore(images, 11)(middle.double(), sigma)
    error = (LocalScore(images, 11, "float32")(middle, sigma) - exact).abs().max()
    apart = (images[0] - images[1]).abs().max()
    r2 = (images[0] - middle[0]).double().square().sum()
    assert error < 1e-7 * r2 / sigma**2 * apart


FAR = {
    "pixels about 1,000": 1000 + 2 * torch.rand(400, 48, generator=torch.Generator().manual_seed(1)).double(),
    "features of a large mean": normal(400, 48) + 3000 * normal(48, seed=2),
    "one column far off": normal(400, 48) + torch.eye(48, dtype=torch.float64)[7] * 1e4,
}


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("gradients", [True, False], ids=["gradients on", "off"])
@pytest.mark.parametrize("sigma", [0.05, 0.5, 2.0, 8.0])
@pytest.mark.parametrize("std", [0.0, 0.3])
def test_data_far_from_0_lose_only_the_digits_of_x(name, gradients, sigma, std):
    train = FAR[name].float()
    x = (train[:40].double() + sigma * normal(40, 48, seed=4)).float().requires_grad_(gradients)
    center = train.double().mean(0)
    exact = MixtureDenoiser(train.double() - center, std)(x.detach().double() - center, sigma) + center
    with torch.set_grad_enabled(gradients):
        found = MixtureDenoiser(train, std, precision="float32", chunk=64)(x, sigma)
    last_digit = torch.finfo(torch.float32).eps * train.abs().max()
    assert (found.double() - exact).abs().max() < 2 * last_digit


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_data_far_from_0_have_the_same_posterior(name, precision):
    train = FAR[name].float().double()
    x, center = train[:40] + 2 * normal(40, 48, seed=4).float().double(), train.mean(0).float().double()
    found, near = MixtureDenoiser(train, 0.3, precision=precision), MixtureDenoiser(train - center, 0.3)
    x = x.float().double()
    for method in ("log_density", "log_kernel_sum", "responsibilities"):
        expected = getattr(near, method)(x - center, 2.0)
        torch.testing.assert_close(getattr(found, method)(x, 2.0).double(), expected, rtol=1e-4, atol=2e-5)
    torch.testing.assert_close(found.eps(x, 2.0), near.eps(x - center, 2.0), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("gradients", [True, False], ids=["gradients on", "off"])
@pytest.mark.parametrize("score", [EquivariantLocal, BoundaryBrokenLocal])
@pytest.mark.parametrize("shift", [1000.0, torch.tensor([0.0, -3000.0]).reshape(2, 1, 1)], ids=["all", "one"])
def test_equivariant_scores_of_images_far_from_0(score, gradients, shift):
    images = (torch.rand(9, 2, 8, 8, generator=torch.Generator().manual_seed(5)) * 2 - 1 + shift).float()
    x = (images[:3] + 0.2 * normal(3, 2, 8, 8, seed=6)).float().requires_grad_(gradients)
    exact = score(images.double() - shift, 3)(x.detach().double() - shift, 0.2) + shift
    with torch.set_grad_enabled(gradients):
        found = score(images, 3, "float32", chunk=4)(x, 0.2)
    assert (found.double() - exact).abs().max() < 2 * torch.finfo(torch.float32).eps * images.abs().max()


@pytest.mark.parametrize("ratio", [0.0, 1.0, 0.99 * OFF_CENTER])
def test_points_about_0_are_taken_as_they_are(ratio):
    # No bit of theirs depends on the rule for the others.
    points = normal(500, 9)
    points = (points - points.mean(0)) / points.std(0, correction=0)
    assert Points(points + ratio, 64).center is None
    assert Points(points + 1.01 * OFF_CENTER, 64).center is not None
    assert Points(torch.zeros(3, 4), 64).center is None


def test_learned_points_far_from_0_have_the_gradient_of_those_near():
    near, x = normal(6, 3), normal(4, 3, seed=1)
    gradients = []
    for shift in (0.0, 1000.0):
        centers = (near + shift).requires_grad_()
        loss = (MixtureDenoiser(centers, 0.2)(x + shift, 0.5) - shift).square().sum()
        gradients.append(torch.autograd.grad(loss, centers)[0])
    torch.testing.assert_close(*gradients, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("far", [1e10, 1e17, 1e100])
@pytest.mark.parametrize("gradients", [True, False], ids=["gradients on", "off"])
def test_x_far_from_the_data_goes_to_the_point_farthest_in_its_direction(far, gradients):
    # ‖x − μ‖² by subtraction is one number for all points there: their mean would look like an answer.
    train, along = normal(12, 5), normal(3, 5, seed=7)
    expected = train[(along @ train.T).argmax(1)]
    for denoiser in (empirical(train), partial(train, 12, seed=0), MixtureDenoiser(train, chunk=5)):
        x = (far * along).requires_grad_(gradients)
        with torch.set_grad_enabled(gradients):
            torch.testing.assert_close(denoiser(x, 0.5), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("sigma", [0.5, 1e-9])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 1e200])
def test_a_condition_that_is_no_number_gives_none(precision, sigma, bad):
    train, places = normal(30, 4), normal(30, 1, seed=1)
    model, x, asked = EmpiricalByKernel(train, places, 0.2, precision), train[:6] + 0.1, places[:6].clone()
    asked[4] = asked[0]
    with torch.no_grad():
        expected = model(x, sigma, asked)
        asked[4] = bad
        found, statistics = model(x, sigma, asked), model.posterior(x, sigma, asked)
    others = [0, 1, 2, 3, 5]
    assert torch.equal(found[others], expected[others])
    assert not bool(found[4].isfinite().any())
    with torch.no_grad():
        assert not bool(model(x[4:5], sigma, asked[4:5]).isfinite().any())
    assert statistics.n_eff.isnan().tolist() == [row == 4 for row in range(6)]
