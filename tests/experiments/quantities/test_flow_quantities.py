"""Quantities of flows, on records whose answer is known."""

import math

import pytest

from byheart._checks import InputError
from byheart.experiments.quantities import check_quantity, quantity
from byheart.experiments.runs.curves import Curve
from byheart.theory.terminal import tikhonov_copies


def curve(*rows, seed=0, **spec):
    return Curve("id", 20, seed, list(rows), {}, spec)


def share(value, name="within@0.01", count=1000, **more):
    half = 0.01
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half, "count": count, **more}


def test_the_gap_is_the_largest_and_its_interval_that_of_the_worst():
    near, far = share(0.50, **{"formula/within@0.01": 0.495}), share(0.30, **{"formula/within@0.01": 0.35})
    found = quantity("gap/within@0.01", [curve(near), curve(far)])
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.04, 0.06)) and found.count == 2
    assert quantity("gap/within@0.01", [curve(near)]).low == 0  # the formula lies inside
    assert quantity("gap/within@0.01", [curve(near), curve({"count": 3})]).missing == 1
    assert math.isnan(quantity("gap/within@0.01", [curve({"count": 3})]).value)
    exact = {"rms": 0.2, "formula/rms": 0.3}
    assert quantity("gap/rms", [curve(exact)]).low is None


def test_runs_against_published_points_by_their_setting():
    figures = {"tikhonov": {"within@0.01": [(1e-4, 0.395), (1e-2, 0.004), (1e-1, 0.0)]}}
    name = "against/tikhonov/within@0.01/denoiser.shrinkage.strength"

    def run(c, row):
        return curve(row, denoiser={"shrinkage": {"strength": c}})

    runs = [
        run(1e-4, share(0.425)),
        run(1e-2, share(0.005)),
        run(3e-3, share(0.9)),
    ]  # the last: not published
    found = quantity(name, runs, figures=figures)
    assert (found.value, found.low, found.high) == pytest.approx((0.03, 0.02, 0.04))
    assert (found.count, found.missing) == (2, 0)
    assert quantity(name, [*runs, run(1e-1, {"count": 3})], figures=figures).missing == 1
    check_quantity(name, figures)
    with pytest.raises(InputError, match="published"):
        check_quantity("against/other/within@0.01/seed", figures)
    with pytest.raises(InputError):
        check_quantity("against/tikhonov/seed", figures)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_a_slope_is_that_of_the_bound_part(power):
    def rows(factor):
        return [
            {"level": r, "d": factor * r**power if r < 0.05 else 7.0}
            for r in (1.0, 0.1, 0.04, 0.01, 1e-3, 0.0)
        ]

    found = quantity("slope/d", [curve(*rows(factor)) for factor in (1.0, 2.0)])
    assert found.value == pytest.approx(power) and found.low <= found.high
    assert math.isnan(quantity("slope/d", [curve({"level": 0.01, "d": 1.0})]).value)


def test_worst_and_share():
    curves = [curve(share(0.2, count=100)), curve(share(0.4, count=300))]
    worst, pooled = quantity("worst/within@0.01", curves), quantity("share/within@0.01", curves)
    assert (worst.value, worst.low, worst.high, worst.count) == (0.4, 0.4, 0.4, 2)
    assert pooled.value == pytest.approx(0.35) and pooled.count == 400 and pooled.low < 0.35 < pooled.high
    assert quantity("worst/x", curves).missing == 2 and math.isnan(quantity("share/x", curves).value)


def test_a_record_at_a_relative_level():
    rows = [{"relative": r, "agreement": r / 4, "agreement_count": 200, "trace": r} for r in (2.0, 1.0)]
    pooled = quantity("relative/agreement@1", [curve(*rows), curve(*rows)])
    assert pooled.value == 0.25 and pooled.count == 400
    mean = quantity("relative/trace@2", [curve(*rows), curve(*rows)])
    assert mean.value == 2 and mean.count == 2
    assert math.isnan(quantity("relative/trace@3", [curve(*rows)]).value)


def width(value, size, steps=100):
    """Two seeds that differ by 0.02."""
    return [
        curve(share(value + 0.02 * seed, "within@0.1", step=steps), seed=seed, model={"width": size})
        for seed in (0, 1)
    ]


def test_an_order_holds_where_intervals_part():
    name = "order/within@0.1/model.width/100"
    rising = [*width(0.1, 8), *width(0.4, 32), *width(0.6, 128)]
    assert quantity(name, rising).value == 1 and quantity(name, rising[::-1]).value == 1
    assert quantity(name, [*width(0.4, 8), *width(0.1, 32)]).value == 0
    assert math.isnan(quantity(name, [*width(0.1, 8), *width(0.4, 32), *width(0.2, 128)]).value)
    wobbling = [*width(0.40, 8), *width(0.41, 32)]
    wobbling[3].rows[-1]["within@0.1"] = 0.40  # up by .01 in one seed, down by .02 in the other
    unclear = quantity(name, wobbling)
    assert math.isnan(unclear.value) and unclear.low is None
    early = quantity(name, [*width(0.1, 8), *width(0.4, 32, steps=50)])
    assert math.isnan(early.value) and early.missing == 4
    assert math.isnan(quantity(name, [rising[0], rising[2]]).value)  # one seed has no interval


def test_the_excess_is_over_the_formula_of_the_own_strength():
    def trained(value, strength, steps=100):
        return curve(share(value, "within@0.1", step=steps), loss={"tikhonov": {"strength": strength}})

    curves = [trained(0.40, 1e-2), trained(0.60, 1e-3)]
    found = quantity("excess/within@0.1/2/100", curves)
    expected = [0.40 - tikhonov_copies(0.1, 1e-2, 2), 0.60 - tikhonov_copies(0.1, 1e-3, 2)]
    assert found.value == pytest.approx(max(expected)) and found.count == 2
    assert (found.low, found.high) == pytest.approx((max(expected) - 0.01, max(expected) + 0.01))
    assert quantity("excess/within@0.1/2/100", [trained(0.1, 1e-2, steps=30)]).missing == 1


@pytest.mark.parametrize(
    "name",
    [
        "gap/",
        "order/within@0.1",
        "order/x/y/z",
        "excess/f_mem/2/10",
        "excess/within@a/2/10",
        "relative/x",
        "slope",
    ],
)
def test_names_outside_the_vocabulary_are_refused(name):
    with pytest.raises(InputError, match="quantity"):
        check_quantity(name)
