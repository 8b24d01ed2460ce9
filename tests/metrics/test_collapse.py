"""Collapse from data and denoisers: against the spectrum's formula, exact Jacobians, and published digits."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.data import Data, load
from byheart.denoisers.gaussian import wiener
from byheart.denoisers.mixture import empirical, smoothed
from byheart.metrics.collapse import clone_agreement, collapse_level, jacobian_trace, own_weight
from byheart.random import generator
from byheart.theory import collapse as theory


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def test_own_weight_goes_from_one_over_n_to_one():
    train = normal(200, 2, 8)
    assert own_weight(train, 1e-3).value == pytest.approx(1.0)
    assert own_weight(train, 1e3).value == pytest.approx(1 / 200, rel=0.02)
    found = own_weight(train, 1.0)
    assert found.low < found.value < found.high and found.count == 200


@pytest.mark.parametrize(("d", "n"), [(64, 1000), (128, 2000)])
def test_half_the_weight_is_at_the_collapse_of_the_spectrum(d, n):
    found = collapse_level(normal(n, d))
    assert found.low < found.value < found.high
    # At finite d the transition is broad: E w_own is .55 to .60 at r_c, so that ½ lies a few percent above it.
    assert found.value == pytest.approx(theory.collapse_level(torch.ones(d).numpy(), n), rel=0.08)


def test_digits_collapse_where_published():
    """S2's relatives: 1,797 digits in pixels/8 − 1, r_C from data alone .774."""
    digits = load(Data())
    points = digits.to_pixels(digits.images) * 2 - 1
    assert collapse_level(points).value == pytest.approx(0.774, rel=0.05)


def test_the_level_scales_with_the_data_and_sees_duplicates():
    train = normal(100, 6)
    r = collapse_level(train).value
    assert collapse_level(3 * train).value == pytest.approx(3 * r, rel=1e-3)
    twins = torch.cat([train, train])
    assert own_weight(twins, 1e-3).value == pytest.approx(0.5)  # it cannot tell a twin's source
    with pytest.raises(InputError, match="100 points that repeat"):
        collapse_level(twins)
    with pytest.raises(InputError, match="1 points that repeat"):
        collapse_level(torch.cat([train, train[:1]]))


def test_the_trace_is_that_of_the_jacobian():
    train, sigma = normal(15, 2, 3), torch.tensor([0.3, 0.8, 2.0], dtype=torch.float64)
    x = train[:3] + sigma.reshape(-1, 1, 1) * normal(3, 2, 3, seed=1)
    for denoiser in (empirical(train), smoothed(train, 0.4), wiener(normal(30, 2, 3, seed=2))):
        jacobians = [
            torch.func.jacrev(lambda row, s=s, d=denoiser: d(row[None], s)[0])(row)
            for row, s in zip(x, sigma, strict=True)
        ]
        exact = torch.stack([jacobian.reshape(6, 6).trace() for jacobian in jacobians])
        found = jacobian_trace(denoiser, x, sigma, probes=4000)
        torch.testing.assert_close(found, exact, rtol=0.03, atol=0.03)
    mixture = jacobian_trace(smoothed(train, 0.4), x, sigma)
    hidden = jacobian_trace(lambda x, s: smoothed(train, 0.4)(x, s), x, sigma, probes=4000)
    torch.testing.assert_close(hidden, mixture, rtol=0.03, atol=0.03)


def test_the_trace_falls_to_zero_where_the_posterior_holds_one_point():
    """k = 5 directions in d = 40, n = 2000 (published: 2.46 at σ = 1, 2.00 at .2, 0 at .07)."""
    spectrum = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.25], dtype=torch.float64)
    train = torch.zeros(2000, 40, dtype=torch.float64)
    train[:, :5] = normal(2000, 5) * spectrum.sqrt()
    for sigma, published, slack in ((1.0, 2.46, 0.1), (0.2, 2.0, 0.3), (0.05, 0.0, 0.05)):
        level = torch.tensor(sigma, dtype=torch.float64)
        x = train[:200] + sigma * normal(200, 40, seed=3)
        assert float(jacobian_trace(empirical(train), x, level).mean()) == pytest.approx(published, abs=slack)
    linear = float(jacobian_trace(wiener(train), train[:20], torch.tensor(0.2), probes=200).mean())
    assert linear == pytest.approx(theory.degrees_of_freedom(spectrum.numpy(), 0.2), rel=0.05)


def test_clones_that_agree_are_counted():
    first, second = torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 9, 4])
    found = clone_agreement(first, second)
    assert (found.value, found.count) == (0.75, 4) and found.low < 0.75 < found.high


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: own_weight(torch.ones(1, 3), 1.0),
        lambda: own_weight(torch.ones(4, 3, dtype=torch.int64), 1.0),
        lambda: own_weight(torch.tensor([[1.0], [math.nan]]), 1.0),
        lambda: own_weight(torch.rand(4, 3), 0.0),
        lambda: collapse_level(torch.ones(5, 3)),
        lambda: clone_agreement(torch.tensor([1, 2]), torch.tensor([1])),
        lambda: clone_agreement(torch.tensor([1.0]), torch.tensor([1.0])),
        lambda: jacobian_trace(lambda x, s: x, torch.ones(1, 2), torch.tensor(1.0), probes=0),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()
