"""Ranks of two sets: against scipy, against pairs counted one by one, and by simulation."""

import math
from statistics import NormalDist

import pytest
import torch
from scipy.stats import mannwhitneyu

from byheart._checks import InputError
from byheart.metrics.auc import auc, mann_whitney
from byheart.random import generator
from byheart.report.words import number

DRAWS = generator(0)


def normal(count, shift=0.0):
    return torch.randn(count, generator=DRAWS, dtype=torch.float64) + shift


def whole(low, high, count):
    return torch.randint(low, high, (count,), generator=DRAWS)


@pytest.mark.parametrize(
    ("x", "y"),
    [(normal(40), normal(55, 0.4)), (whole(0, 9, 40), whole(1, 12, 55)), (whole(0, 2, 30), whole(0, 2, 7))],
    ids=["no ties", "ties", "two values"],
)
def test_the_test_is_that_of_scipy(x, y):
    found = mann_whitney(x, y)
    u, p = mannwhitneyu(x.numpy(), y.numpy(), alternative="less", method="asymptotic", use_continuity=True)
    assert found.u == pytest.approx(u)
    assert found.p == pytest.approx(p, rel=1e-9)
    assert NormalDist().cdf(found.z) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("count", [20, 75, 300, 700])
def test_small_p_values_keep_their_digits(count):
    """All of the first set below all of the second: z about -5, -10, -21 and -32."""
    x, y = normal(count) - 1000, normal(count)
    found = mann_whitney(x, y)
    expected = mannwhitneyu(x.numpy(), y.numpy(), alternative="less", method="asymptotic").pvalue
    assert found.z < -5 and 0 < found.p < 1e-6
    assert found.p == pytest.approx(expected, rel=1e-10, abs=0)


def test_a_p_value_is_never_0():
    found = mann_whitney(normal(2000) - 1000, normal(2000))
    assert found.z < -50
    assert found.p == 2.2250738585072014e-308
    assert number(found.p) == "2.23e−308"


def test_without_ties_the_score_is_the_published_formula():
    x, y = normal(30), normal(20, 1.0)
    u = int((x[:, None] > y).sum())
    assert mann_whitney(x, y).z == pytest.approx((u - (600 / 2 - 0.5)) / math.sqrt(600 * 51 / 12))


def test_the_auc_counts_pairs_ties_half():
    x, y = whole(0, 6, 30), whole(1, 8, 40)
    pairs = (x[:, None] < y).double() + (x[:, None] == y) / 2
    assert auc(x, y).value == pytest.approx(float(pairs.mean()))
    assert auc(y, x).value == pytest.approx(1 - float(pairs.mean()))
    assert auc(y, x).low == pytest.approx(1 - auc(x, y).high)
    assert auc(x, y).count == 30


def test_the_interval_is_delong_s_on_the_logit_scale():
    x, y = normal(50), normal(30, 0.8)
    pairs = (x[:, None] < y).double()
    variance = float(pairs.mean(1).var() / 50 + pairs.mean(0).var() / 30)
    found, value = auc(x, y), float(pairs.mean())
    middle, reach = math.log(value / (1 - value)), 1.959964 * math.sqrt(variance) / (value * (1 - value))
    assert math.log(found.low / (1 - found.low)) == pytest.approx(middle - reach, rel=1e-6)
    assert math.log(found.high / (1 - found.high)) == pytest.approx(middle + reach, rel=1e-6)


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.5], ids=["null", "apart", "nearly separate"])
def test_the_interval_covers(shift):
    true, hits = NormalDist().cdf(shift / math.sqrt(2)), 0
    for _ in range(400):
        found = auc(normal(60), normal(40, shift))
        hits += found.low <= true <= found.high
    assert hits / 400 >= 0.925  # 95 % − 2.3 standard errors


def test_sets_that_do_not_overlap_still_leave_doubt():
    found = auc(torch.arange(20.0), torch.arange(20.0) + 100)
    assert found.value == 1.0 == found.high
    assert 0.8 < found.low < 0.95
    more = auc(torch.arange(200.0), torch.arange(200.0) + 1000)
    assert found.low < more.low < 1


def test_columns_of_a_table_are_taken_as_they_are():
    table = torch.rand(40, 3, generator=DRAWS, dtype=torch.float64)
    found = auc(table[:20, 1], table[20:, 1])
    assert found == auc(table[:20, 1].clone(), table[20:, 1].clone())


def test_numbers_that_are_all_equal_say_nothing():
    same = torch.ones(9)
    assert mann_whitney(same, same).z == 0.0
    assert mann_whitney(same, same).p == 0.5
    assert auc(same, same).value == 0.5


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (torch.ones(1), torch.ones(5), "at least two"),
        (torch.ones(5), torch.ones(1), "at least two"),
        (torch.ones(5, 2), torch.ones(5), "at least two"),
        (torch.tensor([1.0, math.nan]), torch.ones(5), "NaN"),
        (torch.ones(5), torch.tensor([1.0, math.inf]), "NaN"),
    ],
)
def test_what_has_no_ranks_is_refused(x, y, said):
    for test in (auc, mann_whitney):
        with pytest.raises(InputError, match=said):
            test(x, y)
