"""Precision, recall, density and coverage against balls counted one by one, and against their exact nulls."""

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.fidelity import manifold as module
from byheart.metrics.fidelity.manifold import coverage_null, prdc


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(found):
    return (found.precision.value, found.recall.value, found.density.value, found.coverage)


def slowly(samples, real, k=3, k_density=5):
    """The definitions over the whole table of distances, in float64 by subtraction."""

    def distances(a, b):
        return (a.double()[:, None] - b.double()).norm(dim=2)

    inner, outer = (
        distances(real, real).fill_diagonal_(torch.inf).sort(1).values[:, i - 1] for i in (k, k_density)
    )
    own = distances(samples, samples).fill_diagonal_(torch.inf).sort(1).values[:, k - 1]
    table = distances(real, samples)
    return (
        float((table < inner[:, None]).any(0).double().mean()),
        float((table < own).any(1).double().mean()),
        float((table < outer[:, None]).sum()) / k_density / len(samples),
        float((table < outer[:, None]).any(1).double().mean()),
    )


SETS = {
    "ordinary": (draws(40, 3) * 1.2, draws(31, 3, seed=1)),
    "fewer samples": (draws(9, 5) + 0.3, draws(40, 5, seed=1)),
    "far from the origin": (draws(30, 4) + 1e4, draws(30, 4, seed=1) + 1e4),
    "ties on a lattice": (draws(40, 2).mul(2).round(), draws(50, 2, seed=1).mul(2).round()),
    "copies among them": (torch.cat([draws(20, 6, seed=1)] * 2), draws(30, 6, seed=1)),
    "tiny": (draws(20, 3) * 1e-25, draws(20, 3, seed=1) * 1e-25),
    "one far point": (draws(20, 3), torch.cat([draws(20, 3, seed=1), torch.full((1, 3), 1e4)])),
}


@pytest.mark.parametrize(("samples", "real"), SETS.values(), ids=SETS)
@pytest.mark.parametrize("tile", [7, 1024])
@pytest.mark.parametrize("ks", [(3, 5), (5, 5), (2, 1), (8, 3)])
def test_the_balls_are_those_counted_one_by_one(samples, real, tile, ks, monkeypatch):
    monkeypatch.setattr(module, "_TILE", tile)
    assert numbers(prdc(samples, real, k=ks[0], k_density=ks[1])) == pytest.approx(
        slowly(samples, real, *ks), abs=1e-12
    )


def test_every_other_point_may_be_the_last_neighbor():
    samples, real = draws(9, 2), draws(9, 2, seed=1)
    assert numbers(prdc(samples, real, k=8, k_density=8)) == pytest.approx(slowly(samples, real, 8, 8))


@pytest.mark.parametrize("coarse", ["bfloat16", "noise"])
def test_products_coarser_than_float32_leave_the_radii_right(coarse, monkeypatch):
    def product(x, w):
        exact = x @ w.T
        noisy = exact + 0.5 * (1e3 * exact).sin()
        return noisy if coarse == "noise" else x.bfloat16().float() @ w.bfloat16().float().T

    real = draws(200, 6)
    points = module._points("real", real, real.double().mean(0))
    monkeypatch.setattr(module, "matmul_t", product)
    for k in (1, 3):
        expected = (real.double()[:, None] - real.double()).norm(dim=2).sort(1).values[:, k]
        torch.testing.assert_close(module._radii(points, (k,))[0], expected)


@pytest.mark.parametrize("tile", [30, 1024])
def test_ordinary_points_are_searched_once(tile, monkeypatch):
    monkeypatch.setattr(module, "_TILE", tile)
    monkeypatch.setattr(module, "nearest", None)
    real = draws(200, 50) + 3
    radii = module._radii(module._points("real", real, real.double().mean(0)), (3, 5))
    exact = (real.double()[:, None] - real.double()).norm(dim=2).sort(1).values
    torch.testing.assert_close(torch.stack(radii, 1), exact[:, [3, 5]], rtol=1e-14, atol=0)


def test_the_null_of_coverage_in_closed_form():
    assert coverage_null(600, 500) == pytest.approx(0.9523, abs=5e-5)
    assert coverage_null(10**6, 10**6) == pytest.approx(1 - 2**-5, abs=1e-5)
    assert coverage_null(2, 1, 1) == pytest.approx(1 / 2)  # of the two others either is the nearer one


@pytest.mark.parametrize("law", ["normal", "heavy tails"])
def test_density_and_coverage_under_the_null(law):
    found = []
    for seed in range(60):
        x = draws(110, 4, seed=seed)
        x = x.pow(3) if law == "heavy tails" else x
        found.append(prdc(x[:50], x[50:]))
    density = torch.tensor([each.density.value for each in found])
    coverage = torch.tensor([each.coverage for each in found])
    assert abs(density.mean() - 1) < 3 * density.std() / 60**0.5
    assert abs(coverage.mean() - coverage_null(60, 50)) < 3 * coverage.std() / 60**0.5
    assert found[0].coverage_null == coverage_null(60, 50)


def test_coverage_at_the_size_of_the_derivation():
    found = []
    for seed in range(8):
        x = draws(1100, 8, seed=seed)
        found.append(prdc(x[:500], x[500:]).coverage)
    assert sum(found) / 8 == pytest.approx(0.952, abs=0.012)


def test_collapse_and_noise_are_told_apart():
    real = draws(200, 4, seed=1)
    collapsed = prdc(real[:1] + 0.01 * draws(200, 4), real)
    assert collapsed.precision.value == 1 and collapsed.recall.value < 0.1 and collapsed.coverage < 0.1
    noise = prdc(8 * draws(200, 4), real)
    assert noise.precision.value < 0.2 and noise.density.value < 0.1
    assert prdc(real, real).coverage == 1
    assert numbers(prdc(real + 1e3, real)) == (0, 0, 0, 0)


def test_identical_points_have_empty_balls():
    assert numbers(prdc(torch.ones(9, 2), torch.ones(8, 2))) == (0, 0, 0, 0)


def test_order_type_and_shape_do_not_matter():
    samples, real = (draws(30, 2, 3) * 40).to(torch.int16), (draws(40, 2, 3, seed=1) * 40).to(torch.int16)
    found = numbers(prdc(samples, real))
    assert found == pytest.approx(numbers(prdc(samples.flip(0).flatten(1).double(), real.flip(0).flatten(1))))
    assert 0 < found[0] < 1


def test_intervals_and_counts():
    found = prdc(draws(40, 3) * 1.5, draws(50, 3, seed=1))
    assert (found.precision.count, found.recall.count, found.density.count) == (40, 50, 40)
    assert found.density.low < found.density.value < found.density.high


@pytest.mark.parametrize(
    ("samples", "real", "options", "message"),
    [
        (draws(9, 2), draws(9, 3), {}, "same shape"),
        (draws(9), draws(9), {}, "same shape"),
        (draws(5, 2), draws(9, 2), {}, "more rows than k"),
        (draws(9, 2), draws(5, 2), {}, "more rows than k"),
        (draws(9, 2), draws(9, 2), {"k": 0}, "k >= 1"),
        (draws(9, 2), draws(9, 2) * float("nan"), {}, "NaN"),
        (draws(9, 2) * float("inf"), draws(9, 2), {}, "infinite"),
        (draws(9, 2) * 1e25, draws(9, 2), {}, "fit float32"),
    ],
)
def test_bad_input(samples, real, options, message):
    with pytest.raises(InputError, match=message):
        prdc(samples, real, **options)


@pytest.mark.parametrize("sizes", [(5, 5, 5), (5, 0, 2), (5, 5, 0)])
def test_a_null_of_nothing_is_refused(sizes):
    with pytest.raises(InputError, match="at least one sample"):
        coverage_null(*sizes)
