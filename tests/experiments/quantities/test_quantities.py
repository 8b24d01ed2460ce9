"""Quantities of claims, on curves whose answer is known."""

import math
from dataclasses import replace

import pytest

from byheart._checks import InputError
from byheart.experiments.quantities import quantity
from byheart.experiments.quantities.onset import crossings
from byheart.experiments.runs.curves import Curve

STEPS = [40 * 1.2**k for k in range(40)]


def curve(n, seed, *, power=1.0, wobble=0.0):
    """f_mem and the gap rise with step / n^power; FD falls at the same step whatever n."""
    scale = 96 * (n / 32) ** power * math.exp(wobble * (seed - 0.5))
    rows = [
        {
            "step": step,
            **band("f_mem", rise(step / scale, 10)),
            "f_mem_count": 500,
            **{key + "@0.5": value for key, value in band("gap", 0.3 * rise(step / scale, 4)).items()},
            "fd": 20 * math.exp(-step / 40) + 1,
        }
        for step in STEPS
    ]  # fmt: skip
    return Curve(f"{n}-{seed}", n, seed, rows, {}, {})


def rise(time, middle):
    return 1 / (1 + (time / middle) ** -2)


def band(name, value):
    return {name: value, f"{name}_low": 0.95 * value, f"{name}_high": 1.05 * value}


def curves(**shape):
    return [curve(n, seed, **shape) for n in (32, 64, 128, 256) for seed in (0, 1)]


@pytest.mark.parametrize("power", [1.0, 0.5])
@pytest.mark.parametrize("rule", ["tau_mem@0.1", "tau_split@0.1"])
def test_exponent_is_the_one_that_was_put_in(rule, power):
    found = quantity(f"exponent/{rule}", curves(power=power, wobble=0.1))
    assert found.low <= power <= found.high
    assert found.value == pytest.approx(power, abs=0.02) and found.count == 8


def test_tau_gen_does_not_move():
    found = quantity("exponent/tau_gen@0.1", curves(wobble=0.1))
    assert abs(found.value) < 0.05


def test_crossing_is_where_the_curve_says():
    (found,) = crossings("tau_mem@0.5", [curve(64, 0)])
    assert found.step == pytest.approx(1920, rel=0.01)
    assert found.low < found.step < found.high


def test_times_that_never_came_are_counted():
    found = quantity("exponent/tau_mem@0.1", [*curves(wobble=0.1), curve(10**9, 0), curve(10**9, 1)])
    assert (found.count, found.missing) == (8, 2)


@pytest.mark.parametrize(
    "name", ["exponent/tau_mem@0.1", "collapse/f_mem", "reached/f_mem@0.5@48", "last/fd", "last/x"]
)
def test_too_little_gives_no_number_and_no_crash(name):
    for few in ([], curves()[:1]):
        found = quantity(name, few)
        assert found.low is None or found.count == 1


def test_each_rule_reads_its_own_curve():
    (split,), (gen,) = crossings("tau_split@0.1", [curve(64, 0)]), crossings("tau_gen@0.1", [curve(64, 0)])
    assert split.step == pytest.approx(192 * 4 * math.sqrt(0.5), rel=0.01)
    assert gen.step == pytest.approx(40 + 40 * math.log(10), rel=0.05)


def test_small_n_are_left_out():
    assert quantity("exponent/tau_mem@0.1", curves(wobble=0.1), n_min=64).count == 6


def test_collapse_is_large_where_n_explains_time_and_small_where_not():
    assert quantity("collapse/f_mem", curves(wobble=0.05)).value > 3
    assert quantity("collapse/gap@0.5", curves(wobble=0.05)).value > 3
    assert quantity("collapse/f_mem", curves(power=0.2, wobble=0.05)).value < 1


def test_collapse_compares_exponents():
    found = quantity("collapse_best/f_mem", curves(power=1.5, wobble=0.05))
    assert found.value == pytest.approx(1.5, abs=0.1) and found.low <= found.value <= found.high
    rival, plain = (
        quantity(name, curves(power=1.5)).value for name in ("collapse/f_mem^1.5", "collapse/f_mem")
    )
    assert rival > plain > 1
    assert quantity("collapse/gap@0.5^1", curves()) == quantity("collapse/gap@0.5", curves())
    for name in ("collapse/f_mem^", "collapse/f_mem^x", "collapse_best/fd", "collapse_best/f_mem^1"):
        with pytest.raises(InputError):
            quantity(name, curves())


def test_curves_of_different_heights_collapse_once_they_are_normalized():
    lower = [
        replace(found, rows=[row | {"f_mem": row["f_mem"] * 64 / found.n} for row in found.rows])
        for found in curves(wobble=0.01)
        if found.n >= 64
    ]
    normalized = quantity("collapse_best/f_mem_normalized", lower)
    raw = quantity("collapse_best/f_mem", lower)
    assert normalized.value == pytest.approx(1, abs=0.1)
    assert raw.value is None or not abs(raw.value - 1) < 0.1
    nobody = [replace(found, rows=[row | {"f_mem": 0.0} for row in found.rows]) for found in lower]
    assert math.isnan(quantity("collapse/f_mem_normalized", nobody).value)


def test_reached_counts_runs():
    steps = max(curve.rows[-1]["step"] / curve.n for curve in curves())
    found = quantity(f"reached/f_mem@0.5@{steps:g}", curves())
    assert (found.value, found.count) == (1.0, 8) and found.low < 1
    assert quantity("reached/f_mem@0.5@1", curves()).value == 0
    assert quantity("reached/f_mem@0.5@1", curves(power=3.0)).value < 1


def test_a_run_that_ended_before_the_horizon_says_nothing():
    short = curves(power=3.0)
    found = quantity("reached/f_mem@0.5@100000", short)
    uncrossed = sum(time.step is None for time in crossings("tau_mem@0.5", short))
    assert found.missing == uncrossed > 0 and found.value == 1.0 and found.count == 8 - uncrossed


def test_last_is_a_mean_over_runs():
    found = quantity("last/fd", curves())
    assert found.value == pytest.approx(1.0, abs=1e-3) and found.count == 8


@pytest.mark.parametrize(
    "name",
    [
        "exponent/tau@0.1",
        "exponent/tau_mem",
        "spread/f_mem",
        "f_mem",
        "exponent/tau_mem@x",
        "exponent/tau_mem@0",
        "exponent/tau_mem@1.5",
        "exponent/tau_mem_normalized@nan",
        "exponent/tau_split@inf",
        "exponent/tau_gen@1",
        "exponent/tau_gen@-0.1",
        "reached/f_mem@0.5",
        "reached/f_mem@1.5@48",
    ],
)
def test_names_outside_the_vocabulary_are_refused(name):
    with pytest.raises(InputError, match="quantity"):
        quantity(name, curves())
