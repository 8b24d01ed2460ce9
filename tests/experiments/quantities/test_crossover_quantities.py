"""Quantities of S1's mixtures, on curves whose answer is known."""

from dataclasses import replace

import pytest

from byheart.experiments.quantities import check_quantity, quantity
from byheart.experiments.runs.curves import Curve
from byheart.experiments.study.recipe import load_study
from byheart.numerics.intervals import mean_interval

PUBLISHED = load_study("s1-crossover").published
TRANSITION = {name: dict(points) for name, points in PUBLISHED["transition"].items()}


def curve(n: int, seed: int, rows) -> Curve:
    return Curve(f"{n}-{seed}", n, seed, rows, {}, {})


def mixture_curve(seed: int, middle: float, **columns) -> Curve:
    """f_mem rises from 0 to 1 between middle − 1/4 and middle + 1/4."""
    shares = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    rows = [
        {
            "step": 9,
            "model": "learned",
            "share": share,
            "f_mem@0.333": min(1.0, max(0.0, 2 * (share - middle) + 0.5)),
        }
        | {name: value(share) for name, value in columns.items()}
        for share in shares
    ]
    return curve(100, seed, [{"step": 0, "model": "true", "f_mem@0.333": 0.01}, *rows])


def level_curve(seed: int, ratios) -> Curve:
    rows = [{"step": at, "snr": snr, "ratio/true": value} for at, (snr, value) in enumerate(ratios.items())]
    return curve(100, seed, rows)


def test_the_transition_lies_where_half_of_the_samples_are_memorized():
    middles = (0.78, 0.80, 0.83)
    found = quantity("m_pt@0.333", [mixture_curve(seed, middle) for seed, middle in enumerate(middles)])
    expected = mean_interval(list(middles))
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    spread = quantity(
        "spread/m_pt@0.333", [mixture_curve(seed, middle) for seed, middle in enumerate(middles)]
    )
    assert spread.value == pytest.approx(0.02517, abs=1e-4)
    assert spread.low < spread.value < spread.high


def test_a_run_without_a_transition_is_missing():
    found = quantity("m_pt@0.333", [mixture_curve(0, 0.8), mixture_curve(1, 2.0)])
    assert (found.value, found.count, found.missing) == (pytest.approx(0.8), 1, 1)
    assert quantity("m_pt@0.5", [mixture_curve(0, 0.8)]).missing == 1


def test_a_record_at_one_size():
    curves = [mixture_curve(seed, 0.8, variance=lambda share, seed=seed: share + seed) for seed in range(3)]
    found = quantity("at/variance@0.7", curves)
    assert (found.value, found.count) == (pytest.approx(1.7), 3)
    assert quantity("at/variance@0.75", curves).missing == 3


def test_the_largest_ratio_to_the_surrogate():
    columns = {
        "variance": lambda share: 1.0 - share / 2,
        "lloyd/variance": lambda share: 1.0 - share / 2 - 0.05 * (share == 0.9),
    }
    curves = [mixture_curve(seed, 0.8, **columns) for seed in range(2)]
    found = quantity("ratio/variance:lloyd/variance@0.5", curves)
    assert found.value == pytest.approx(0.55 / 0.5 - 1)
    assert (found.low, found.high) == pytest.approx((found.value, found.value))


def test_the_largest_gap_to_the_published_curve():
    published = TRANSITION["variance"]
    rows = [
        {"step": 1, "model": "learned", "share": share, "variance": value + 0.03 * (share == 0.5)}
        for share, value in published.items()
    ]
    found = quantity(
        "published/transition/variance@0.1", [curve(200, seed, rows) for seed in range(2)], figures=PUBLISHED
    )
    assert found.value == pytest.approx(0.03)
    losses = [
        {"step": 1, "model": "learned", "share": share, "loss/train": 1.1 * value}
        for share, value in TRANSITION["loss/train"].items()
    ]
    relative = quantity(
        "published/transition/loss/train@0.1",
        [curve(200, seed, losses) for seed in range(2)],
        figures=PUBLISHED,
    )
    assert relative.value == pytest.approx(0.1)


def test_the_published_share_is_that_of_a_third_of_the_second_distance():
    rows = [
        {"step": 1, "model": "learned", "share": share, "f_mem@0.333": value + 0.1 * (share == 0.7)}
        for share, value in TRANSITION["f_mem"].items()
    ]
    found = quantity(
        "published/transition/f_mem@0.1", [curve(200, seed, rows) for seed in range(2)], figures=PUBLISHED
    )
    assert (found.value, found.count) == (pytest.approx(0.1), 2)


def test_extremes_over_levels_from_a_signal_to_noise_ratio_on():
    curves = [level_curve(seed, {0.1: 0.2, 0.5: 0.99 + seed / 100, 5.0: 1.01}) for seed in range(3)]
    assert quantity("least/ratio/true@0.42", curves).value == pytest.approx(1.0)
    assert quantity("most/ratio/true@0.42", curves).value == pytest.approx(1.01)
    assert quantity("least/ratio/true@0.05", curves).value == pytest.approx(0.2)


def test_an_extreme_rests_on_intervals_that_hold_all_levels_together():
    # Two levels from ψ = 0.42 on: each interval at 97.5 %, and the ends of the smallest are the smallest ends.
    found = quantity(
        "least/ratio/true@0.42",
        [level_curve(seed, {0.5: 0.99 + seed / 100, 5.0: 1.01 - seed / 50}) for seed in range(3)],
    )
    levels = [mean_interval([0.99, 1.00, 1.01], 0.975), mean_interval([1.01, 0.99, 0.97], 0.975)]
    assert found.value == pytest.approx(0.99)
    assert found.low == pytest.approx(min(one.low for one in levels))
    assert found.high == pytest.approx(min(one.high for one in levels))


def test_runs_that_agree_on_a_share_leave_what_their_samples_leave():
    rows = [{"step": 1, "model": "learned", "share": 0.8, "f_mem@0.333": 0.0, "count": 1000}]
    found = quantity("at/f_mem@0.333@0.8", [curve(50, seed, rows) for seed in range(4)])
    assert (found.value, found.low) == (0, 0)
    assert (1 - found.high) ** 4000 == pytest.approx(0.025, rel=0.01)  # Clopper–Pearson


def test_the_published_curve_from_a_size_on():
    rows = [
        {"step": 1, "model": "learned", "share": share, "variance": value + (0.5 if share < 0.3 else 0.01)}
        for share, value in TRANSITION["variance"].items()
    ]
    found = quantity(
        "published/transition/variance@0.3", [curve(200, seed, rows) for seed in range(2)], figures=PUBLISHED
    )
    assert found.value == pytest.approx(0.01)


def test_seeds_of_one_cell_count_as_one():
    def of(cell: int, seed: int, middle: float) -> Curve:
        return replace(mixture_curve(seed, middle), spec={"n": cell, "seed": seed})

    curves = [of(50, 0, 0.78), of(50, 1, 0.80), of(100, 0, 0.82), of(100, 1, 0.82)]
    found = quantity("m_pt@0.333", curves)
    expected = mean_interval([0.79, 0.82])
    assert (found.value, found.low, found.count) == pytest.approx((expected.value, expected.low, 2))
    assert quantity("spread/m_pt@0.333", curves).value == pytest.approx(0.03 / 2**0.5)


def test_networks_without_a_size_are_left_out():
    rows = [{"step": 5, "f_mem": 0.5}]
    found = quantity("stored/f_mem@0.5", [curve(20, 0, rows)])
    assert found.count == 0


def test_networks_by_the_points_that_they_could_store():
    # d N = 10 · 20 numbers; f_mem passes one half in the middle, on a logarithmic axis, between 200 and 800 parameters.
    def network(parameters: int, share: float, seed: int) -> Curve:
        return curve(20, seed, [{"step": 5, "parameters": parameters, "dimension": 10, "f_mem": share}])

    curves = [
        network(p, share, seed) for seed in range(2) for p, share in ((100, 0.0), (200, 0.0), (800, 1.0))
    ]
    found = quantity("stored/f_mem@0.5", curves)
    assert (found.value, found.count) == (pytest.approx(2.0), 2)


def test_the_crossover_of_a_named_weighting_needs_no_run():
    found = quantity("crossover/published@2", [mixture_curve(0, 0.8)])
    assert (found.value, found.low) == (pytest.approx(0.8, abs=1e-4), found.high)
    assert quantity("crossover/x0@1", [mixture_curve(0, 0.8)]).value == pytest.approx(0.660, abs=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        "m_pt@0",
        "m_pt@",
        "spread/f_mem@0.3",
        "at/variance",
        "ratio/variance@0.5",
        "published/transition/mood@0.1",
        "most/x@-1",
        "crossover/mood@2",
    ],
)
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="quantity"):
        check_quantity(name)
