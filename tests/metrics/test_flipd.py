"""Local intrinsic dimension against closed forms, and against the derivative of the log density that defines it."""

import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers.gaussian import GaussianDenoiser
from byheart.denoisers.mixture import empirical, smoothed
from byheart.metrics import flipd
from byheart.metrics.flipd import dimension_gap, local_intrinsic_dimension
from byheart.random import generator


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def plane(d, k):
    """N(0, I) on a random k-plane in d dimensions, and its basis (d, k)."""
    basis = torch.linalg.qr(normal(d, k)).Q
    return GaussianDenoiser(
        torch.zeros(d, dtype=torch.float64), torch.ones(k, dtype=torch.float64), basis
    ), basis


@pytest.mark.parametrize("sigma", [0.05, 0.5, 2.0])
def test_a_gaussian_on_a_plane(sigma):
    """k (1 − σ²/(1 + σ²)) at the mean; elsewhere on the plane σ²‖x‖²/(1 + σ²)² more."""
    model, basis = plane(12, 4)
    at_mean = torch.zeros(1, 12, dtype=torch.float64)
    expected = 4 * (1 - sigma**2 / (1 + sigma**2))
    assert float(local_intrinsic_dimension(model, at_mean, sigma, probes=12)) == pytest.approx(expected)
    x = normal(5, 4, seed=1) @ basis.T
    more = sigma**2 * x.square().sum(1) / (1 + sigma**2) ** 2
    torch.testing.assert_close(local_intrinsic_dimension(model, x, sigma, probes=12), expected + more)


def test_it_is_d_plus_the_slope_of_the_log_density_in_log_sigma():
    model, x = smoothed(normal(20, 2, 3), 0.3), normal(6, 2, 3, seed=1)
    sigma = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    slopes = [
        torch.autograd.grad(density, sigma, retain_graph=True)[0] * sigma
        for density in model.log_density(x, sigma)
    ]
    expected = 6 + torch.stack(slopes).detach()
    torch.testing.assert_close(local_intrinsic_dimension(model, x, 0.7), expected)

    def hidden(x, sigma):  # not known to be a mixture: by columns, and by random signs
        return model(x, sigma)

    torch.testing.assert_close(local_intrinsic_dimension(hidden, x, 0.7, probes=6), expected)
    estimate = torch.stack(
        [local_intrinsic_dimension(hidden, x, 0.7, probes=5, seed=seed) for seed in range(120)]
    )
    assert not torch.allclose(estimate[0], expected)
    error = (estimate.mean(0) - expected).abs() / (estimate.std(0) / 120**0.5)
    assert float(error.max()) < 4  # standard errors: without bias


def test_a_point_known_by_heart_has_no_dimension_left():
    train = normal(50, 10)
    found = local_intrinsic_dimension(empirical(train), train, 0.05)
    assert float(found.abs().max()) < 1e-6
    elsewhere = local_intrinsic_dimension(empirical(train), normal(20, 10, seed=1), 0.05)
    assert float(elsewhere.min()) > 100  # ‖D − x‖²/σ²: it is not on the learned set


def test_the_gap_convicts_the_memorizer_and_clears_the_truth():
    truth, basis = plane(16, 5)
    train, heldout = normal(100, 5, seed=1) @ basis.T, normal(60, 5, seed=2) @ basis.T
    # Between noise and collapse level a model of half-memory: narrow around the training points.
    memorizer = dimension_gap(empirical(train), train, heldout, 0.3)
    assert memorizer.gap.low > 1 and memorizer.train.high < 1
    assert memorizer.gap.value == pytest.approx(memorizer.heldout.value - memorizer.train.value)
    assert memorizer.train.count == memorizer.heldout.count == memorizer.gap.count == 60
    cleared = dimension_gap(truth, train, heldout, 0.3, probes=4)
    assert cleared.gap.low < 0 < cleared.gap.high


def test_both_sides_share_their_probes():
    """A linear map of unequal entries: Hutchinson's error is the same for all images of one row."""
    matrix = normal(9, 9)

    def linear(x, sigma):
        return x @ matrix.T

    zero = torch.zeros(7, 9, dtype=torch.float64)  # no score: what is left is the trace
    found, other = (dimension_gap(linear, zero, zero.clone(), 1.0, probes=2, seed=seed) for seed in (0, 1))
    assert found.gap.value == 0 and found.train.high > found.train.low
    assert found.train.value != other.train.value
    apart = local_intrinsic_dimension(linear, zero, 1.0, probes=2, seed=1)
    assert not torch.allclose(apart, local_intrinsic_dimension(linear, zero, 1.0, probes=2, seed=2))


def test_the_batch_changes_only_the_probes(monkeypatch):
    train = normal(20, 4)
    whole = local_intrinsic_dimension(empirical(train), normal(11, 4, seed=1), 0.5)
    monkeypatch.setattr(flipd, "BATCH", 3)
    torch.testing.assert_close(local_intrinsic_dimension(empirical(train), normal(11, 4, seed=1), 0.5), whole)


def test_float32_and_images():
    train = normal(30, 1, 5, 5).float()
    found = local_intrinsic_dimension(empirical(train), train[:4], 0.1)
    assert found.shape == (4,) and found.dtype == torch.float64
    assert not found.requires_grad


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda x: local_intrinsic_dimension(empirical(x), x, 0.0), "sigma > 0"),
        (lambda x: local_intrinsic_dimension(empirical(x), x, 1.0, probes=0), "one probe"),
        (lambda x: local_intrinsic_dimension(empirical(x), x[:0], 1.0), "b ≥ 1"),
        (lambda x: dimension_gap(empirical(x), x[:1], x, 1.0), "at least two"),
        (lambda x: dimension_gap(empirical(x), x, x[:, :2], 1.0), "of one shape"),
        (lambda x: local_intrinsic_dimension(lambda y, s: y[:, :1], x, 1.0, probes=9), "denoised x"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        wrong(torch.rand(6, 3, generator=generator(3)))
