"""Conformal p-values, the ranks of flags and what they promise: the Beta law, its published table, and simulated audits."""

import numpy as np
import pytest
from scipy.stats import beta, false_discovery_control

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import (
    chosen_rank,
    false_positive_limit,
    flags,
    marginal_rank,
    p_values,
    pac_rank,
    q_values,
    rank_counts,
    threshold,
)

SIZES = (99, 200, 299, 500, 1000, 2000, 5000)


def naive_p(scores, null):
    return [(1 + sum(h >= g for h in null)) / (len(null) + 1) for g in scores]


def test_p_values_are_the_definition_ties_and_guard_included():
    draws = np.random.default_rng(0)
    scores, null, blurred = draws.poisson(4, 60), draws.poisson(4, 35), draws.poisson(5, 35)
    assert p_values(scores, null).tolist() == naive_p(scores, null)
    guarded = np.maximum(naive_p(scores, null), naive_p(scores, blurred))
    assert p_values(scores, null, blurred).tolist() == guarded.tolist()


def test_the_smallest_p_value():
    assert p_values([9.0], np.arange(-299, 0)) == pytest.approx(0.00333, abs=5e-6)
    assert p_values([-np.inf], np.zeros(4)) == 1


def test_p_values_of_innocents_are_valid_and_ties_only_raise_them():
    draws = np.random.default_rng(1)
    audits, heldout = 10_000, 19
    for scores in (draws.normal(size=(audits, 20)), draws.poisson(2.0, (audits, 20))):
        p = np.array([p_values(row[:1], row[1:])[0] for row in scores])
        for rank in (1, 2, 5, 10):
            level = rank / (heldout + 1)
            rate, error = (p <= level).mean(), 3.5 * (level * (1 - level) / audits) ** 0.5
            assert rate <= level + error
            if scores.dtype == float:  # no ties: exactly that level
                assert rate >= level - error


def test_the_table_of_ranks():
    assert [pac_rank(0.01, size) for size in SIZES] == [None, None, 1, 2, 5, 13, 39]
    assert [marginal_rank(0.01, size) for size in SIZES] == [1, 2, 3, 5, 10, 20, 50]
    limits = [false_positive_limit(size // 99 if size < 300 else size // 100, size) for size in SIZES]
    assert np.round(np.multiply(limits, 100), 2).tolist() == [2.98, 2.35, 2.09, 1.82, 1.57, 1.39, 1.24]
    means = [100 * chosen_rank(0.01, size).mean for size in SIZES[2:]]
    assert np.round(means, 2).tolist() == [0.33, 0.40, 0.50, 0.65, 0.78]


def test_one_rank_of_299_in_closed_form():
    # The largest of 299 uniform scores leaves at most 1 % above it unless all 299 are below .99.
    confidence = 1 - 0.99**299
    assert confidence == pytest.approx(0.9505, abs=5e-5)
    assert false_positive_limit(1, 299, confidence) == pytest.approx(0.01)
    assert pac_rank(0.01, 298) is None


@pytest.mark.parametrize("alpha", [0.002, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("heldout", [37, 400, 1733])
def test_a_pac_rank_is_the_largest_that_keeps_the_promise(alpha, heldout):
    rank = pac_rank(alpha, heldout) or 0
    assert rank == 0 or beta.cdf(alpha, rank, heldout + 1 - rank) >= 0.95
    assert beta.cdf(alpha, rank + 1, heldout - rank) < 0.95


def test_no_rank_is_lost_to_rounding():
    assert 0.29 * 100 < 29  # in floating point
    assert marginal_rank(0.29, 99) == 29


@pytest.mark.parametrize(
    ("heldout", "rule", "rank"),
    [(98, "none", None), (99, "marginal", 1), (298, "marginal", 2), (299, "pac", 1), (1000, "pac", 5)],
)
def test_the_strongest_rule_that_the_held_out_images_allow(heldout, rule, rank):
    found = chosen_rank(0.01, heldout)
    assert (found.rule, found.rank) == (rule, rank)
    assert (found.limit is None) == (rank is None)
    if rule == "pac":
        assert found.limit <= 0.01


def test_the_weaker_rule_on_request():
    found = chosen_rank(0.01, 1000, rule="marginal")
    assert (found.rule, found.rank) == ("marginal", 10)
    assert found.limit == pytest.approx(0.0157, abs=5e-5)


@pytest.mark.parametrize("heldout", [299, 500, 1000])
def test_the_promise_is_kept_in_simulated_audits(heldout):
    draws = np.random.default_rng(heldout)
    rank, audits = pac_rank(0.01, heldout), 2000
    # Uniform scores: what is above the threshold is the false positive rate itself.
    rates = np.array([1 - threshold(draws.random(heldout), rank) for _ in range(audits)])
    exceeded = 1 - beta.cdf(0.01, rank, heldout + 1 - rank)
    assert (rates > 0.01).mean() <= 0.07
    assert (rates > 0.01).mean() == pytest.approx(exceeded, abs=0.015)  # 3 s.e.
    assert rates.mean() == pytest.approx(rank / (heldout + 1), rel=0.1)


def test_a_flag_is_a_score_strictly_above_the_threshold():
    draws = np.random.default_rng(2)
    scores, null = draws.integers(0, 130, 500), draws.integers(0, 120, 120)
    for rank in (1, 2, 7, 120):
        above = scores > np.sort(null)[::-1][rank - 1]
        assert threshold(null, rank) == np.sort(null)[::-1][rank - 1]
        assert flags(p_values(scores, null), rank, 120).tolist() == above.tolist()
        assert 0 < above.sum() < 500
    assert not flags(p_values(scores, null), None, 120).any()


def test_adjusted_p_values_are_those_of_scipy():
    p = np.random.default_rng(3).beta(0.4, 1.5, 200).round(2).clip(0.01)
    assert q_values(p) == pytest.approx(false_discovery_control(p))
    assert q_values([]).tolist() == []


@pytest.mark.parametrize("heldout", [199, 499, 1999])
def test_nobody_is_named_below_the_share_that_the_ranks_can_resolve(heldout):
    samples, level = 1000, 0.05
    needed = round(samples / (level * (heldout + 1)))  # 100, 40 and 10 of them
    smallest = 1 / (heldout + 1)
    for copies, named in ((needed, needed), (needed - 1, 0)):
        p = np.r_[np.full(copies, smallest), np.full(samples - copies, 0.9)]
        assert (q_values(p) <= level + 1e-12).sum() == named


def test_names_are_rarely_wrong():
    draws, wrong = np.random.default_rng(4), []
    for _ in range(300):
        scores = draws.normal(size=1000)
        scores[:100] += 8
        named = q_values(p_values(scores, draws.normal(size=500))) <= 0.05
        assert named[:100].all() or not named.any()
        wrong.append(named[100:].sum() / max(named.sum(), 1))
    assert 0.03 < np.mean(wrong) <= 0.05


@pytest.mark.parametrize(
    "call",
    [
        lambda: p_values([1.0]),
        lambda: p_values([1.0], []),
        lambda: p_values([np.nan], [1.0]),
        lambda: p_values([[1.0]], [1.0]),
        lambda: rank_counts([0.015], 99),
        lambda: rank_counts([0.0], 99),
        lambda: rank_counts([1.01], 99),
        lambda: flags(p_values([3.0], np.arange(10)), 1, 11),
        lambda: threshold([1.0, 2.0], 3),
        lambda: threshold([1.0, 2.0], 0),
        lambda: pac_rank(1.0, 100),
        lambda: marginal_rank(0.01, 0),
        lambda: chosen_rank(0.01, 100, confidence=1.0),
        lambda: false_positive_limit(0, 100),
        lambda: q_values([np.nan]),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InputError):
        call()
