"""The forecast: its curve, and the coverage of its intervals."""

import numpy as np
import pytest
from s1_points import mixture

from byheart._checks import InputError
from byheart.theory.lloyd import RepeatedPointsWarning
from byheart.theory.transition import (
    Curve,
    crossing,
    default_models,
    joined,
    memorization_curve,
    threshold_rule,
    transition,
)


def test_a_crossing_by_hand():
    shares = np.array([[0.0, 0.0, 0.1], [0.4, 0.1, 0.3], [0.6, 0.9, 0.5], [1.0, 1.0, 1.0]])
    found = transition(shares, [10, 20, 30, 40])
    crossings = [25.0, 25.0, 30.0]
    assert found.mean.value == pytest.approx(np.mean(crossings)) and found.mean.count == 3
    half = 4.302653 * np.std(crossings, ddof=1)
    assert found.mean.high - found.mean.value == pytest.approx(half / np.sqrt(3), rel=1e-6)
    assert found.one.high - found.one.value == pytest.approx(half * np.sqrt(1 + 1 / 3), rel=1e-6)
    assert [crossing(one, [10, 20, 30, 40]) for one in shares.T] == pytest.approx(crossings)
    assert crossing(shares[:, 1], [0.1, 0.2, 0.3, 0.4], level=0.95) == pytest.approx(0.35)


def test_noise_that_crosses_twice_crosses_once():
    # 0.6 and 0.4 become 0.5 each.
    assert transition([[0.0] * 2, [0.6] * 2, [0.4] * 2, [1.0] * 2], [1, 2, 3, 4]).mean.value == 2.0


@pytest.mark.parametrize("models", [[np.nan, 2, 3], [1, np.nan, 3], [1, 2, np.inf]], ids=str)
def test_sizes_that_are_no_numbers_are_refused(models):
    with pytest.raises(InputError, match="increasing M"):
        crossing([0.0, 0.2, 1.0], models)
    with pytest.raises(InputError, match="increasing M"):
        transition([[0.0, 0.0], [0.2, 0.3], [1.0, 1.0]], models)


def test_who_never_passes_has_no_transition():
    assert transition([[0.0, 0.0], [0.6, 0.4]], [1, 2]) is None
    assert transition([[0.7, 0.0], [0.9, 0.8]], [1, 2]) is None  # one is there before the first size
    assert crossing([0.0, 0.4], [1, 2]) is None and crossing([0.5, 0.8], [1, 2]) is None
    assert crossing([0.0, 0.5], [1, 2]) == 2.0


def simulated(replicates, rng, samples=250, spread=0.01, center=0.79):
    """Shares of a known curve that shifts between replicates, seen through binomial noise."""
    at = np.arange(0.5, 1.01, 0.05)
    places = center + spread * rng.normal(size=replicates)
    truth = 1 / (1 + np.exp(-(at[:, None] - places) / 0.04))
    return rng.binomial(samples, truth) / samples, at


def test_intervals_cover():
    rng, trials = np.random.default_rng(0), 600
    mean = one = 0
    for _ in range(trials):
        found = transition(*simulated(8, rng))
        again = transition(*simulated(2, rng))
        mean += found.mean.low <= 0.79 <= found.mean.high
        # A further replicate: the first of two.  Its crossing is the mean minus half the difference, either side alike.
        place = again.mean.value + (again.mean.high - again.mean.value) / (12.7062 / np.sqrt(2)) / np.sqrt(2)
        one += found.one.low <= place <= found.one.high
    assert 0.92 < mean / trials < 0.98
    assert 0.92 < one / trials < 0.985


def test_shares_of_unlike_replicates_count_less():
    first = np.zeros((1, 4, 1000))
    second = np.ones((1, 4, 1000))
    unlike = second.copy()
    first[0, :2], first[0, 2:] = 1.0, 0.0  # two replicates never memorize, two always
    alike = np.concatenate([np.ones((1, 4, 500)), np.zeros((1, 4, 500))], axis=2)
    (wide,) = Curve(10, (5,), np.ones((1, 4)), np.ones((1, 4)), first, unlike).ratios()
    (narrow,) = Curve(10, (5,), np.ones((1, 4)), np.ones((1, 4)), alike, unlike).ratios()
    assert wide.value == narrow.value == 0.5
    assert narrow.count == 4000 and wide.count <= 4
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 0.5 / 4000**0.5, rel=0.01)
    assert wide.high - wide.low > 0.8


def test_intervals_of_shares_cover_the_mean_over_starts():
    rng, hit = np.random.default_rng(0), 0
    for _ in range(400):
        own = rng.beta(6, 6, 8)  # the share of each replicate, mean 0.5
        copied = rng.random((1, 8, 250)) < own[:, None]
        shape = np.ones((1, 8))
        (found,) = Curve(9, (5,), shape, shape, 1.0 - copied, np.ones((1, 8, 250))).ratios()
        hit += found.low <= 0.5 <= found.high
    assert 0.88 < hit / 400 < 0.99


def test_the_curve_of_one_cell():
    curve = memorization_curve(mixture(), [50, 10, 40, 40], [0, 1, 2])
    assert curve.models == (10, 40, 50) and curve.first.shape == (3, 3, 500)
    assert (curve.variance[-1] == 0).all() and (curve.singles[-1] == 1).all()
    assert (curve.shares()[0] == 0).all() and (curve.shares()[-1] == 1).all()
    assert (curve.shares(1 / 2) >= curve.shares(1 / 5)).all()
    assert 0.1 < curve.variance[1].mean() < 0.17
    again = memorization_curve(mixture(), [40], [0, 1, 2])
    assert (again.first[0] == curve.first[1]).all()  # a model does not depend on the others


def drawn(seed, d=30, k=3, n=50):
    """Points and further draws of the same population."""
    both = mixture(d, k, 2 * n, seed)
    return both[:n], both[None, n:]


def test_the_start_decides():
    """d = 30, K = 3, N = 50, M = 40, by 4 draws: variances and shares of docs/theory/crossover.md."""
    found = {}
    for start in ("training", "population", "gaussian", "pairs"):
        curves = []
        for seed in range(4):
            points, fresh = drawn(seed)
            given = {"fresh": fresh} if start == "population" else {}
            curves.append(memorization_curve(points, [40], [seed], start=start, **given))
        found[start] = joined(curves)
    share = {start: curve.shares().mean() for start, curve in found.items()}
    variance = {start: curve.variance.mean() for start, curve in found.items()}
    assert share["population"] < 0.01 and share["gaussian"] < 0.01 < 0.4 < share["training"] < share["pairs"]
    assert (
        variance["pairs"] < variance["training"] < 0.2 < 0.4 < variance["population"] < variance["gaussian"]
    )


def test_pairs_are_one_start():
    curve = memorization_curve(mixture(), [30, 40], [0, 1], 50, start="pairs")
    assert (curve.variance[:, 0] == curve.variance[:, 1]).all()
    assert (curve.first[:, 0] != curve.first[:, 1]).any()


@pytest.mark.parametrize("start", ["population", "gaussian"])
def test_starts_outside_of_the_span_keep_their_distance(start):
    # Points that differ along one line of 40 dimensions: a center far from it and without a point stays there.
    x = np.outer(np.arange(12.0), np.eye(40)[0])
    fresh = {"fresh": np.random.default_rng(0).normal(size=(1, 10, 40))} if start == "population" else {}
    curve = memorization_curve(x, [10], [0], 2000, start=start, **fresh)
    assert curve.first.max() > 4


def test_excess_losses_are_measured_where_asked_for():
    x = mixture()
    curve = memorization_curve(x, [20, 40, 50], range(4), 5, snr=6.704)
    assert (curve.excess[-1] == 0).all()
    true = 30 / 7.704  # d s/(1 + ψ s), of the population's denoiser: these models know the points better
    assert true > curve.excess[0].mean() > 1.4 * curve.excess[1].mean() > 2
    assert memorization_curve(x, [20], [0], 5).excess is None
    parts = [memorization_curve(x, [20, 40, 50], [seed], 5, snr=6.704) for seed in range(4)]
    assert (joined(parts).excess == curve.excess).all()
    assert joined([parts[0], memorization_curve(x, [20, 40, 50], [1], 5)]).excess is None


def test_more_dimensions_than_points_change_nothing():
    x = mixture(d=20, n=60)
    wide = np.concatenate([x, np.zeros((60, 80))], axis=1)
    slim, wider = (memorization_curve(points, [45], range(6), 1000, snr=5.0) for points in (x, wide))
    # In the dimensions that the points leave empty the model keeps v/(v + σ²) of the noise.
    v = wider.variance.mean()
    assert wider.excess.mean() > 0.9 * 80 * (v / (v + 0.2)) ** 2 * 0.2
    assert wider.variance.mean() * 100 / 20 == pytest.approx(slim.variance.mean(), rel=0.1)
    assert wider.shares().mean() == pytest.approx(slim.shares().mean(), abs=0.1)


@pytest.mark.parametrize("d", [4, 80])  # more than points: copies differ by rounding once rotated
def test_repeated_points_are_told_once(d):
    x = mixture(d=d, n=20)
    with pytest.warns(RepeatedPointsWarning, match="3 of 23 points repeat") as told:
        memorization_curve(np.concatenate([x, x[:3]]), [10, 20, 23], [0, 1], 5)
    assert len(told) == 1


def test_replicates_of_several_data_sets():
    parts = [memorization_curve(mixture(seed=seed), [30, 45], [seed], 50) for seed in range(3)]
    both = joined(parts)
    assert both.first.shape == (2, 3, 50) and (both.variance[:, 1] == parts[1].variance[:, 0]).all()
    with pytest.raises(InputError, match="equal N, models"):
        joined([parts[0], memorization_curve(mixture(), [30], [0], 50)])


def test_sizes_and_the_short_rule():
    assert default_models(200) == tuple(range(10, 201, 10))
    assert default_models(5) == (1, 2, 3, 4, 5)  # of the steps of N/20 the whole ones
    assert default_models(200, "pairs") == tuple(range(100, 201, 10)) and default_models(5, "pairs")[0] == 3
    assert threshold_rule(1 / 3) == pytest.approx(0.75)
    assert threshold_rule(1 / 4) == pytest.approx(13 / 15)


@pytest.mark.parametrize(
    ("call", "need"),
    [
        (lambda: memorization_curve(mixture(), [51], [0]), "1 ≤ M ≤ N"),
        (lambda: memorization_curve(mixture(), [0, 5], [0]), "1 ≤ M ≤ N"),
        (lambda: memorization_curve(mixture(), [], [0]), "at least one M"),
        (lambda: memorization_curve(mixture(), [5], [0], 9).shares(0.0), "(0, 1]"),
        (lambda: memorization_curve(mixture(), [24, 40], [0], start="pairs"), "M ≥ N/2"),
        (lambda: memorization_curve(mixture(), [40], [0], start="noise"), "gaussian"),
        (lambda: memorization_curve(mixture(), [40], [0], start="population"), "(1, 40, 30)"),
        (lambda: memorization_curve(mixture(), [40], [0], fresh=mixture()[None]), "no other"),
        (
            lambda: memorization_curve(mixture(), [40], [0], start="population", fresh=mixture()[None, :39]),
            "(1, 40, 30)",
        ),
        (lambda: default_models(1), "2 points"),
        (lambda: threshold_rule(0.9), "√⅓"),
        (lambda: transition([[0.0], [1.0]], [1, 2]), "at least 2"),
        (lambda: transition([0.0, 1.0], [1, 2]), "(k, r)"),
        (lambda: crossing([[0.0], [1.0]], [1, 2]), "(k,)"),
        (lambda: crossing([0.0, np.nan], [1, 2]), "finite"),
        (lambda: crossing([0.0, 1.0], [2, 2]), "increasing"),
        (lambda: crossing([0.0, 1.0], [1, 2], level=0.0), "level"),
        (lambda: transition([[0.0, 0.0], [1.0, 1.0]], [2, 1]), "increasing"),
        (lambda: transition([[0.0, 0.0], [1.0, 1.0]], [1, 2], level=1.0), "level"),
        (lambda: joined([]), "equal N, models"),
    ],
)
def test_what_makes_no_sense_is_refused(call, need):
    with pytest.raises(InputError) as refused:
        call()
    assert need in refused.value.need
