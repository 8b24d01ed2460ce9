"""The tail map: its two pieces in closed form, its order, and that validity does not hang on it."""

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import p_values
from byheart.analysis.calibration.tails import tail_map

LEFT_OUT = np.random.default_rng(0).gumbel(size=600)


def test_the_body_is_the_empirical_survival():
    mapped = tail_map(LEFT_OUT)
    for s in np.quantile(LEFT_OUT, [0.0, 0.3, 0.5, 0.8]):
        at_least = sum(left_out >= s for left_out in LEFT_OUT)
        assert mapped(s) == pytest.approx(-np.log((at_least + 1) / 601))
    assert mapped(-100.0) == 0


def test_the_tail_goes_through_the_98_percent_quantile():
    mapped = tail_map(LEFT_OUT)
    t, far = np.quantile(LEFT_OUT, [0.9, 0.98])
    assert mapped(np.nextafter(t, 9)) == pytest.approx(np.log(10))
    assert mapped(far) == pytest.approx(np.log(50))
    assert mapped(far + (far - t)) == pytest.approx(np.log(250))


def test_exponential_scores_map_to_themselves():
    draws = np.random.default_rng(1).exponential(size=200_000)
    s = np.array([0.5, 1.0, 2.0, 5.0, 9.0])
    assert tail_map(draws)(s) == pytest.approx(s, rel=0.02)
    assert tail_map(3 * draws - 7)(3 * s - 7) == pytest.approx(tail_map(draws)(s))  # whatever the units


def test_the_order_is_kept():
    s = np.sort(np.random.default_rng(2).gumbel(size=3000) * 3)
    assert (np.diff(tail_map(LEFT_OUT)(s)) >= 0).all()


def test_equal_scores_make_a_step_and_no_division_by_zero():
    mapped = tail_map(np.ones(50))
    assert mapped(1.0) == 0
    assert mapped(0.0) == 0
    assert np.isfinite(mapped(1.5)) and mapped(1.5) > 1e6


def test_ranks_of_the_larger_of_two_components_stay_exact_under_a_bad_map():
    draws = np.random.default_rng(3)
    maps = tail_map(draws.normal(size=20) - 2), tail_map(draws.normal(size=20) * 5)  # neither fits

    def whole(count):
        first = draws.normal(size=count)
        return np.maximum(maps[0](first), maps[1](0.5 * first + draws.gumbel(size=count)))

    p = np.concatenate([p_values(whole(1), whole(19)) for _ in range(4000)])
    for level in (0.05, 0.1, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=3.5 * (level * (1 - level) / 4000) ** 0.5)


@pytest.mark.parametrize(
    "scores", [np.ones(9), np.ones((20, 2)), np.r_[np.ones(20), np.inf], np.full(20, np.nan)]
)
def test_left_out_scores_are_checked(scores):
    with pytest.raises(InputError):
        tail_map(scores)


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="NaN"):
        tail_map(LEFT_OUT)([1.0, np.nan])
