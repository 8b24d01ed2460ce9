import math

import pytest

from byheart._checks import InputError
from byheart.analysis.scaling import exponent
from byheart.analysis.timescales import (
    Crossing,
    crossing,
    tau_gen,
    tau_mem,
    tau_mem_normalized,
    tau_split,
)


def test_the_crossing_is_linear_in_log_step():
    found = crossing([10, 1000], [0.0, 1.0], 0.5)
    assert found.step == pytest.approx(100)
    assert crossing([10, 1000], [0.2, 0.6], 0.3).step == pytest.approx(10 * 100**0.25)
    assert (found.low, found.high, found.level, found.limit) == (found.step, found.step, 0.5, 1000)


def test_the_first_upward_crossing_counts():
    assert crossing([1, 10, 100, 1000], [0, 2, 0, 2], 1).step == pytest.approx(10**0.5)


def test_the_interval_comes_from_the_band():
    steps, values = [10, 100, 1000], [0.0, 0.5, 1.0]
    found = crossing(steps, values, 0.5, lows=[-0.25, 0.25, 0.75], highs=[0.25, 0.75, 1.25])
    assert found.step == pytest.approx(100)
    assert found.low == pytest.approx(100 / 10**0.5)
    assert found.high == pytest.approx(100 * 10**0.5)


def test_never_is_a_value():
    found = crossing([40, 12288], [0.0, 0.05], 0.1, lows=[0, 0.03], highs=[0.01, 0.08])
    assert (found.step, found.low, found.high) == (None, None, None)
    assert str(found) == "not within 12,288 steps"


def test_an_open_end_is_none():
    found = crossing([10, 1000], [0, 1], 0.9, lows=[-0.2, 0.8], highs=[0.2, 1.2])
    assert found.high is None and found.low is not None
    assert str(found).endswith("later]")
    unreached = crossing([10, 1000], [0, 0.9], 1, lows=[0, 0.8], highs=[0.2, 1.2])
    assert unreached.step is None and unreached.low is not None


def test_a_curve_that_starts_above_may_have_been_there_before():
    found = crossing([40, 100], [0.3, 0.5], 0.1, lows=[0.2, 0.4], highs=[0.4, 0.6])
    assert (found.step, found.low, found.high) == (40, 0, 40)
    assert crossing([40, 100], [0.0, 1.0], 0.1, lows=[0, 0.9], highs=[0.11, 1]).low == 0


def test_evaluations_without_a_number_are_left_out():
    clean = crossing([10, 1000], [0.0, 1.0], 0.5)
    assert crossing([0, 10, 50, 80, 1000], [9, 0.0, None, math.nan, 1.0], 0.5) == clean


CURVES = {  # steps, values, level -> step, low, high, limit
    "step 0 is left out": ([0, 10, 100], [0, 0.5, 0.6], 0.1, (10, 0, 10, 100)),
    "step 0 is left out though it is there": ([0, 10, 100], [0.5, 0, 0.6], 0.3, (10 * 10**0.5,) * 3 + (100,)),
    "the first evaluation has no number": ([1, 10, 100], [None, 0.5, 0.6], 0.1, (10, 0, 10, 100)),
    "all before the crossing have none": (
        [0, 1, 10, 100],
        [0.0, None, math.nan, 0.6],
        0.1,
        (100, 0, 100, 100),
    ),
    "it falls back": ([1, 10, 100], [0.5, 0.0, 0.0], 0.1, (1, 0, 1, 100)),
    "never": ([0, 10, 100], [0, 0.05, 0.06], 0.1, (None, None, None, 100)),
    "never, and the last has no number": ([1, 10, 100], [0, 0.05, None], 0.1, (None, None, None, 10)),
    "nothing but step 0": ([0], [0.5], 0.1, (None, None, None, 0)),
    "no number at all": ([1, 10], [None, None], 0.1, (None, None, None, 0)),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_crossing_is_a_measured_step_or_lies_between_two(name):
    steps, values, level, (step, low, high, limit) = CURVES[name]
    found = crossing(steps, values, level)
    assert (found.step, found.low, found.high, found.limit) == (
        None if step is None else pytest.approx(step),
        None if low is None else pytest.approx(low),
        None if high is None else pytest.approx(high),
        limit,
    )


def test_a_crossing_before_the_first_look_does_not_stop_an_exponent():
    sizes = [64, 128, 256, 512]
    times = [crossing([0, 10 * n, 100 * n], [0, 0.5, 0.6], 0.1).step for n in sizes]
    assert exponent(sizes, times, [0] * 4).value == pytest.approx(1)


def test_an_evaluation_without_its_band_is_left_out():
    whole = crossing([10, 1000], [0, 1], 0.5, lows=[-0.1, 0.9], highs=[0.1, 1.1])
    assert crossing([10, 50, 1000], [0, 0.9, 1], 0.5, lows=[-0.1, None, 0.9], highs=[0.1, 1, 1.1]) == whole
    assert whole.low <= whole.step <= whole.high


def test_a_band_that_does_not_hold_its_values_is_refused():
    with pytest.raises(InputError, match="1 outside its band from"):
        crossing([10, 1000], [0, 1], 0.5, lows=[0, 1.1], highs=[0, 0.9])


@pytest.mark.parametrize("steps", [[1, math.nan, 3], [1, 2, math.nan], [1, math.inf, 3]], ids=str)
def test_steps_that_are_no_numbers_are_refused(steps):
    with pytest.raises(InputError, match="increase"):
        crossing(steps, [0, 1, 2], 0.5)


BAD_HEIGHTS = [
    (lambda h: crossing([1, 2], [0, 1], h), [math.nan]),
    (lambda h: tau_mem(MEMORY, h), [0, -0.1, 1.5, math.nan]),
    (lambda h: tau_mem_normalized(MEMORY, h), [0, -0.1, 1.5, math.nan]),
    (lambda h: tau_split(MEMORY, h), [0, -0.1, math.nan, math.inf]),
    (lambda h: tau_gen(quality([99, 21, 5, 1, 1], [0] * 5), h), [1, 1.5, -0.1, math.nan]),
]


@pytest.mark.parametrize(("read", "height"), [(read, h) for read, heights in BAD_HEIGHTS for h in heights])
def test_a_height_that_no_curve_can_tell_is_refused(read, height):
    with pytest.raises(InputError, match=f"got (level|c|gap|share) {height:g}; need"):
        read(height)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_tau_gen_lies_in_its_interval(share):
    found = tau_gen(quality([99, 21, 5, 1, 1], [0] * 5), share)
    assert found.low < found.step <= found.high


@pytest.mark.parametrize("fd", [[0, 0, 0, 0], [-1, -1, -1, -1], [-1, 0, 0, 0]], ids=str)
def test_a_distance_that_is_least_at_the_start_never_came_down(fd):
    assert tau_gen(quality([99, *fd], [0] * 5)).step is None


def test_tau_gen_says_how_far_it_looked():
    assert str(tau_gen(quality([99, 9, 9, 9, None], [0] * 5))) == "not within 4,000 steps"


def test_the_last_value_is_the_last_that_was_measured():
    longer = [*MEMORY, {"step": 40000, "f_mem": None, "f_mem_low": None, "f_mem_high": None}]
    assert tau_mem_normalized(longer, c=0.5) == tau_mem_normalized(MEMORY, c=0.5)


@pytest.mark.parametrize(
    ("steps", "values"), [([1, 2], [0.0]), ([2, 1], [0, 1]), ([1, 1], [0, 1]), ([], [])], ids=str
)
def test_bad_curves_are_refused(steps, values):
    with pytest.raises(InputError):
        crossing(steps, values, 0.5)
    with pytest.raises(InputError, match="one value for each step"):
        crossing([1, 2], [0, 1], 0.5, highs=[1])


def records(steps, **columns):
    return [
        {"step": step} | {name.replace("_at_", "@"): values[i] for name, values in columns.items()}
        for i, step in enumerate(steps)
    ]


STEPS = [40, 400, 4000]
MEMORY = records(STEPS, f_mem=[0, 0.2, 0.6], f_mem_low=[0, 0.1, 0.5], f_mem_high=[0.02, 0.3, 0.7])


@pytest.mark.parametrize("rows", [MEMORY, MEMORY[::-1]], ids=["in order", "reversed"])
def test_tau_mem(rows):
    found = tau_mem(rows)
    assert found.step == pytest.approx(40 * 10**0.5)
    assert (found.low, found.high) == (pytest.approx(40 * 10 ** (0.08 / 0.28)), pytest.approx(400))
    assert found.definition == "f_mem ≥ 0.1"
    assert tau_mem(rows, level=0.4).step == pytest.approx(400 * 10**0.5)


def test_tau_mem_normalized_crosses_a_share_of_the_last_value():
    assert tau_mem_normalized(MEMORY, c=0.5).step == tau_mem(MEMORY, level=0.3).step
    zeros = records(STEPS, f_mem=[0, 0, 0], f_mem_low=[0, 0, 0], f_mem_high=[0, 0, 0])
    assert tau_mem_normalized(zeros).step is None


def test_tau_split_reads_the_gap_at_its_sigma():
    gaps = {
        f"gap{edge}_at_0.5": [0.0 + e, 0.2 + e, 0.3 + e]
        for edge, e in (("", 0), ("_low", -0.05), ("_high", 0.05))
    }
    rows = records(STEPS, **gaps)
    assert tau_split(rows).step == pytest.approx(40 * 10**0.5)
    assert tau_split(rows).low == pytest.approx(40 * 10**0.25)
    assert tau_split(rows, gap=0.25).step == pytest.approx(400 * 10**0.5)
    with pytest.raises(InputError, match=r"gap@0\.2"):
        tau_split(rows, sigma=0.2)


def quality(fd, f_mem, steps=(8, 40, 400, 4000, 40000)):
    return records(steps, fd=fd, f_mem=f_mem)


def test_tau_gen_is_within_a_tenth_of_the_way():
    # from 21 at step 40 to 1: the level is 3, half way (in log step) between 5 at 400 and 1 at 4000
    found = tau_gen(quality([99, 21, 5, 1, 1], [0, 0, 0, 0, 0]))
    assert found.level == pytest.approx(3)
    assert found.step == pytest.approx(400 * 10**0.5)
    assert (found.low, found.high) == (400, 4000)
    assert tau_gen(quality([99, 21, 5, 1, 1], [0] * 5), share=0.2).step == pytest.approx(400)


def test_tau_gen_takes_the_minimum_before_memorization():
    found = tau_gen(quality([99, 21, 5, 1, 0.1], [0, 0, 0, 0.05, 0.1]))
    assert found.level == pytest.approx(3)


def test_tau_gen_that_never_comes():
    assert tau_gen(quality([99, 2, 3, 4, 5], [0] * 5)).step is None
    assert tau_gen(quality([99, 9, 3, 2, 1], [0.5] * 5)).step is None
    assert tau_gen(quality([None] * 5, [0] * 5)).step is None
    assert tau_gen(quality([99, 29, 28.5, 28, 28], [0] * 5)).step is None  # noise: a twentieth is no fall
    assert tau_gen(quality([99, 29, 20, 10, 1], [0] * 5)).step is None  # still falling where training ends
    assert str(tau_gen(records([8, 16], fd=[2, 1], f_mem=[0, 0]))) == "not within 16 steps"


@pytest.mark.parametrize("read", [tau_gen, tau_mem, tau_split, tau_mem_normalized])
def test_rows_without_the_record_are_refused(read):
    with pytest.raises(InputError, match="without"):
        read([{"step": 40, "loss": 1.0}])
    with pytest.raises(InputError):
        read([])


def test_crossings_speak():
    assert str(Crossing(1123.4, 1009.6, 1250.2, 0.1, 6144)) == "1,123 [1,010, 1,250]"
