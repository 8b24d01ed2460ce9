"""Fréchet, kernel and sliced distances, against closed forms, naive sums and an independent implementation."""

import pytest
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics import frechet, frechet_corrected, frechet_floor, kid, reference_gap, sliced_wasserstein
from byheart.metrics.fidelity import directions
from byheart.numerics.intervals import Interval
from byheart.random import derive, generator


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- Fréchet distance ---------------------------------------------------------------------------------------------


def test_frechet_of_shifted_and_scaled_gaussians():
    x = draws(3000, 6)
    assert frechet(x, x).value == pytest.approx(0, abs=1e-9)
    assert frechet(x + 2, x).value == pytest.approx(6 * 4)  # the shift, exactly: the covariances are the same
    # tr(C + 9C − 2·3C) = 4 tr C for a scaling by 3 about the mean
    centered = x - x.mean(0)
    assert frechet(3 * centered, centered).value == pytest.approx(4 * float(x.T.cov().trace()))


@pytest.mark.parametrize(
    ("d", "n", "m", "power", "measured"),
    [
        (64, 2000, 2000, 0, 1.089),
        (64, 500, 2000, 0, 2.70),
        (256, 1000, 1000, 1, 0.3667),
        (256, 300, 300, 1, 1.2101),
    ],
)
def test_the_floor_is_the_mean_under_the_null(d, n, m, power, measured):
    spectrum = torch.arange(1, d + 1, dtype=torch.float64) ** -power
    floor = frechet_floor(spectrum.diag(), n, m)
    assert floor == pytest.approx(measured, rel=0.04)
    found = [
        frechet(draws(n, d, seed=i) * spectrum**0.5, draws(m, d, seed=i + 50) * spectrum**0.5)
        for i in range(4)
    ]
    assert sum(each.value for each in found) / 4 == pytest.approx(floor, rel=0.05)


def test_the_floor_of_the_identity_in_closed_form():
    assert frechet_floor(torch.eye(64), 400, 400) == pytest.approx((64**2 + 5 * 64) / 800)


def test_pixels_that_never_vary_add_nothing_to_the_floor():
    covariance = torch.zeros(8, 8)
    covariance[:4, :4] = torch.eye(4)
    assert frechet_floor(covariance, 50, 70) == pytest.approx(frechet_floor(torch.eye(4), 50, 70))


def test_the_floor_comes_from_the_reference():
    x, y = draws(80, 5) * 10, draws(90, 5, seed=1)
    found = frechet(x, y)
    assert found.floor == pytest.approx(frechet_floor(y.T.cov(), 80, 90))
    assert (found.count, found.reference_count) == (80, 90)


def corrected(shift: float, repeats: int) -> tuple[list[Interval], torch.Tensor]:
    """Intervals of repeated draws, and how far the plain distances are from the true one."""
    pairs = [(draws(150, 6, seed=i) + shift, draws(200, 6, seed=i + 500)) for i in range(repeats)]
    plain = torch.tensor([frechet(*pair).value for pair in pairs])
    return [frechet_corrected(*pair, halves=16, seed=i) for i, pair in enumerate(pairs)], plain - 6 * shift**2


def test_the_corrected_distance_has_no_bias_and_covers():
    found, bias = corrected(shift=0.5, repeats=80)
    values = torch.tensor([each.value for each in found])
    assert abs(values.mean() - 1.5) < 3 * values.std() / 80**0.5
    assert bias.mean() > 5 * bias.std() / 80**0.5  # it is there to be removed
    assert sum(each.low <= 1.5 <= each.high for each in found) >= 70  # of 80: 95 % less 3 s.e.
    widths = torch.tensor([each.high - each.low for each in found])
    assert widths.mean() / (2 * 1.96) == pytest.approx(
        float(values.std()), rel=0.3
    )  # and no wider than need be


def test_the_corrected_distance_under_the_null():
    found, _ = corrected(shift=0, repeats=40)
    values = torch.tensor([each.value for each in found])
    assert abs(values.mean()) < 3 * values.std() / 40**0.5
    assert sum(each.low <= 0 <= each.high for each in found) >= 36


# --- kernel distance ----------------------------------------------------------------------------------------------


def naive_kid(x: torch.Tensor, y: torch.Tensor) -> float:
    def mean(a, b, *, same):
        total = [
            (float(u @ v) / len(u) + 1) ** 3
            for i, u in enumerate(a)
            for j, v in enumerate(b)
            if not same or i != j
        ]
        return sum(total) / len(total)

    return mean(x, x, same=True) + mean(y, y, same=True) - 2 * mean(x, y, same=False)


@pytest.mark.parametrize("sizes", [(9, 9), (7, 12), (3, 3)])
@pytest.mark.parametrize("block", [1, 25, 1 << 22])
def test_kid_is_the_naive_sum_in_blocks_of_any_size(sizes, block, monkeypatch):
    monkeypatch.setattr("byheart.metrics.fidelity.kernel.BLOCK", block)
    x, y = draws(sizes[0], 4), draws(sizes[1], 4, seed=1) + 0.3
    assert kid(x, y).value == pytest.approx(naive_kid(x, y), rel=1e-10)


def test_the_interval_of_kid_is_the_naive_jackknife():
    x, y = draws(8, 3), draws(6, 3, seed=1) + 1
    without_x = torch.tensor(
        [naive_kid(torch.cat([x[:i], x[i + 1 :]]), y) for i in range(8)], dtype=torch.float64
    )
    without_y = torch.tensor(
        [naive_kid(x, torch.cat([y[:i], y[i + 1 :]])) for i in range(6)], dtype=torch.float64
    )
    variance = 7 * without_x.var(correction=0) + 5 * without_y.var(correction=0)
    found = kid(x, y)
    assert found.high - found.value == pytest.approx(1.959964 * float(variance.sqrt()), rel=1e-6)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_kid_of_shifted_gaussians_in_closed_form():
    # One dimension: (xy + 1)³ = Σ C(3,j) xʲyʲ, so KID = 3(Δm₁)² + 3(Δm₂)² + (Δm₃)² with moments m of N(a, 1) and N(0, 1).
    shift = 0.5
    expected = 3 * shift**2 + 3 * shift**4 + (3 * shift + shift**3) ** 2
    found = [kid(draws(150, 1, seed=i) + shift, draws(120, 1, seed=i + 1000)) for i in range(300)]
    values = torch.tensor([each.value for each in found])
    assert abs(values.mean() - expected) < 3 * values.std() / 300**0.5
    # Skewed at this size: 92 % rather than 95 % is what a symmetric interval reaches.
    assert 0.9 <= sum(each.low <= expected <= each.high for each in found) / 300 <= 0.98


def test_kid_under_the_null_has_mean_zero_and_a_cautious_interval():
    found = [kid(draws(60, 5, seed=i), draws(40, 5, seed=i + 1000)) for i in range(300)]
    values = torch.tensor([each.value for each in found])
    assert abs(values.mean()) < 3 * values.std() / 300**0.5
    assert values.min() < 0
    assert sum(each.low <= 0 <= each.high for each in found) / 300 >= 0.95


# --- sliced Wasserstein distance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(50, 50), (50, 70), (30, 60), (2, 9)])
def test_sliced_wasserstein_equals_pot(sizes, p):
    from ot.sliced import sliced_wasserstein_distance

    x, y = draws(sizes[0], 7), draws(sizes[1], 7, seed=1) * 2 + 1
    theirs = sliced_wasserstein_distance(x.numpy(), y.numpy(), p=p, projections=directions(7, 40, 3).numpy())
    assert sliced_wasserstein(x, y, projections=40, p=p, seed=3) == pytest.approx(float(theirs), rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, 7, 16, 33])
def test_directions_are_nested_in_their_number(d):
    most = directions(d, 300, 3)
    for count in (1, 2, 3, 16, 40, 127, 128, 129, 256, 299):
        assert torch.equal(directions(d, count, 3), most[:, :count])
    assert not torch.equal(most[:, :128], most[:, 128:256])
    # Those of the default number are one draw, as recorded values had them.
    draw = torch.randn(d, 128, generator=generator(derive(3, "directions")), dtype=torch.float64)
    assert torch.equal(directions(d, 128, 3), draw / torch.linalg.vector_norm(draw, dim=0))


def test_sliced_wasserstein_of_a_shift():
    x, shift = draws(40, 5), torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0]).double()
    along = directions(5, 128, 0)
    assert sliced_wasserstein(x + shift, x) == pytest.approx(float((shift @ along).square().mean().sqrt()))
    assert sliced_wasserstein(x, x) == 0
    assert sliced_wasserstein(x.repeat(3, 1), x) == pytest.approx(
        0, abs=1e-12
    )  # the same distribution, other size


def test_directions_are_uniform_unit_vectors():
    along = directions(3, 20_000, 0)
    assert_close(along.norm(dim=0), torch.ones(20_000).double())
    assert_close(along @ along.T / 20_000, torch.eye(3).double() / 3, rtol=0, atol=0.01)  # 3 s.e. of .003
    assert torch.equal(directions(3, 5, 1), directions(3, 5, 1))
    assert not torch.allclose(directions(3, 5, 1), directions(3, 5, 2))


@pytest.mark.parametrize("settings", [{"projections": 0}, {"p": 0.5}, {"p": float("inf")}])
def test_settings_of_sliced_wasserstein_are_checked(settings):
    with pytest.raises(InputError, match="at least one projection"):
        sliced_wasserstein(draws(5, 2), draws(5, 2), **settings)


# --- the gap between references -----------------------------------------------------------------------------------


def fd(x, y):
    return frechet(x, y).value


@pytest.mark.parametrize(
    "divergence", [fd, sliced_wasserstein, lambda x, y: kid(x, y).value], ids=["fd", "sw", "kid"]
)
def test_equal_sizes_leave_no_gap_under_the_null(divergence):
    gaps = torch.tensor(
        [
            reference_gap(
                divergence, draws(60, 6, seed=i), draws(30, 6, seed=i + 999), draws(90, 6, seed=i + 5000)
            )
            for i in range(100)
        ]
    )
    assert abs(gaps.mean()) < 3 * gaps.std() / 10
    x, train, heldout = draws(60, 6), draws(30, 6, seed=1), draws(90, 6, seed=2)
    assert reference_gap(divergence, x, train, heldout) == -reference_gap(divergence, x, heldout, train)
    assert reference_gap(divergence, train, train, heldout) > 0  # a copier is closer to what it copied


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("halves", [0, 1])
def test_halves_are_at_least_two(halves):
    with pytest.raises(InputError, match="at least two halves"):
        frechet_corrected(draws(8, 2), draws(8, 2), halves=halves)


@pytest.mark.parametrize("covariance", [torch.ones(3), torch.ones(3, 4)])
def test_a_floor_needs_a_square_covariance(covariance):
    with pytest.raises(InputError, match=r"\(d, d\)"):
        frechet_floor(covariance, 10, 10)
