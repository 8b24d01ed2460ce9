"""Lloyd's iteration in batches: against scikit-learn, by hand, and where it ends exactly."""

import warnings

import numpy as np
import pytest
from s1_points import mixture
from sklearn.cluster import KMeans

from byheart._checks import InputError
from byheart.theory import lloyd
from byheart.theory.lloyd import (
    RepeatedPointsWarning,
    cluster,
    distinct,
    in_span,
    sample_distances,
    within_variances,
)
from byheart.theory.starts import gaussian_starts, paired_starts, training_starts


@pytest.mark.parametrize("m", [2, 7, 25, 49])
def test_every_restart_is_scikit_learns(m):
    x = mixture()
    starts = training_starts(x, m, range(5))
    found = cluster(x, starts)
    for r in range(5):
        peer = KMeans(m, init=starts[r], n_init=1, algorithm="lloyd", tol=0, max_iter=1000).fit(x)
        assert found.variance[r] == pytest.approx(peer.inertia_ / x.size, rel=1e-10)
        assert found.centers[r] == pytest.approx(peer.cluster_centers_, abs=1e-10)
        assert (found.labels[r] == peer.labels_).all()
        assert (found.sizes[r] == np.bincount(peer.labels_, minlength=m)).all()


def test_four_points_by_hand():
    found = cluster([[0.0], [1.0], [10.0], [14.0]], [[[0.0], [10.0], [14.0]], [[0.0], [1.0], [10.0]]])
    assert found.centers[..., 0].tolist() == [[0.5, 10.0, 14.0], [0.0, 1.0, 12.0]]
    assert found.variance == pytest.approx([0.5 / 4, 8 / 4])
    assert found.singles == pytest.approx([2 / 3, 2 / 3]) and found.rounds.tolist() == [2, 2]


def test_blocks_of_points_change_nothing(monkeypatch):
    x = mixture()
    whole = cluster(x, training_starts(x, 20, range(7)))
    monkeypatch.setattr(lloyd, "SCORES", 7 * 20 * 13)  # 13, 13, 13 and 11 points
    parts = cluster(x, training_starts(x, 20, range(7)))
    for name in ("centers", "labels", "sizes", "variance", "rounds"):
        assert (getattr(whole, name) == getattr(parts, name)).all()


def test_a_center_without_points_stays():
    found = cluster([[0.0], [1.0]], [[[0.4], [50.0]]])
    assert found.centers[0, :, 0].tolist() == [0.5, 50.0] and found.empty.tolist() == [0.5]


def test_all_points_stored_are_copied_exactly():
    x = mixture()
    first, second = sample_distances(x, cluster(x, training_starts(x, 50, [3])), 200, [3])
    assert (first == 0).all() and (second > 1).all()


def test_distances_of_samples_are_those_of_a_direct_search():
    x = mixture(d=4, n=30)
    found = cluster(x, training_starts(x, 20, [0]))
    first, second = sample_distances(x, found, 4000, [0])
    assert (first <= second).all()
    rng = np.random.default_rng(9)
    drawn = found.centers[0, rng.integers(20, size=4000)]
    drawn = drawn + np.sqrt(found.variance[0]) * rng.normal(size=drawn.shape)
    direct = np.sort(np.linalg.norm(drawn[:, None] - x, axis=2), axis=1)
    for ours, theirs in ((first, direct[:, 0]), (second, direct[:, 1])):
        assert np.quantile(ours, [0.1, 0.5, 0.9]) == pytest.approx(
            np.quantile(theirs, [0.1, 0.5, 0.9]), rel=0.05
        )


def test_the_span_of_few_points_holds_all_their_distances():
    x = mixture(d=300, n=20)
    inside, outside = in_span(x)
    assert inside.shape == (20, 20) and outside == 280
    gaps = [np.linalg.norm(p[:, None] - p, axis=2) for p in (x, inside)]
    assert gaps[1] == pytest.approx(gaps[0], rel=1e-9, abs=1e-9)
    assert in_span(mixture())[1] == 0


def test_noise_outside_the_span_counts():
    x = mixture(d=300, n=20)
    inside, outside = in_span(x)
    whole, part = (cluster(p, training_starts(p, 12, [1])) for p in (x, inside))
    part.variance[:] *= 20 / 300
    assert part.variance == pytest.approx(whole.variance)
    first = sample_distances(x, whole, 3000, [0])[0]
    again = sample_distances(inside, part, 3000, [0], outside=outside)[0]
    assert np.quantile(again, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(first, [0.1, 0.5, 0.9]), rel=0.03)


def test_pairs_are_the_nearest():
    x = [[0.0], [1.0], [5.0], [5.5], [9.0]]
    assert sorted(paired_starts(x, 4)[0, :, 0].tolist()) == [0.0, 1.0, 5.25, 9.0]
    assert sorted(paired_starts(x, 3)[0, :, 0].tolist()) == [0.5, 5.25, 9.0]
    assert sorted(paired_starts([[0.0], [1.0], [1.9], [5.0]], 2)[0, :, 0].tolist()) == [1.45, 2.5]
    assert paired_starts(x, 5)[0, :, 0].tolist() == [0.0, 1.0, 5.0, 5.5, 9.0]


def test_starts_are_training_points_by_seed():
    x = mixture()
    starts = training_starts(x, 30, [0, 1, 0])
    assert (starts[0] == starts[2]).all() and (starts[0] != starts[1]).any()
    rows = {row.tobytes() for row in x}
    assert all(row.tobytes() in rows for row in starts[0]) and len(np.unique(starts[0], axis=0)) == 30


def test_variances_inside_two_known_clusters():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(4000, 2)) * [1, 0.2] + [30 * side, 0] for side in (-1, 1)])
    found = cluster(x, [[[-30.0, 0.0], [30.0, 0.0]]])
    assert within_variances(x, found) == pytest.approx([1, 0.04], rel=0.05)


def test_repeated_points_are_told_and_can_be_collapsed():
    x = np.concatenate([mixture()[:10], mixture()[3:5]])
    with pytest.warns(RepeatedPointsWarning, match="2 of 12 points repeat"):
        first, second = sample_distances(x, cluster(x, training_starts(x, 12, [0])), 300, [0])
    assert 0 < (first == second).mean() < 1  # copies of the repeated ones: 0 and 0, blind
    assert (distinct(x) == x[:10]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample_distances(distinct(x), cluster(distinct(x), training_starts(x[:10], 10, [0])), 9, [0])


@pytest.mark.parametrize(
    ("call", "need"),
    [
        (lambda x: training_starts(x, 51, [0]), "1 ≤ M ≤ N"),
        (lambda x: training_starts(x, 0, [0]), "1 ≤ M ≤ N"),
        (lambda x: training_starts(x, 5, []), "at least 1"),
        (lambda x: training_starts(np.ones((5, 3)), 5, [0]), "points that differ"),
        (lambda x: training_starts(x[0], 5, [0]), "(n, d)"),
        (lambda x: training_starts(np.where(x > 2, np.nan, x), 5, [0]), "finite"),
        (lambda x: cluster(x, np.zeros((1, 51, 30))), "1 ≤ M ≤ N"),
        (lambda x: cluster(x, np.zeros((1, 5, 29))), "(r, m, 30)"),
        (lambda x: cluster(x, np.full((1, 5, 30), np.inf)), "finite centers"),
        (lambda x: cluster(x, x[None], rounds=0), "at least 1"),
        (lambda x: gaussian_starts(0, 3, [0]), "at least 1"),
        (lambda x: paired_starts(x, 24), "M ≥ N/2"),
        (lambda x: sample_distances(x, cluster(x, x[None]), 0, [0]), "at least 1"),
        (lambda x: sample_distances(x, cluster(x, x[None]), 5, [0, 1]), "1, one for each restart"),
    ],
)
def test_what_makes_no_sense_is_refused(call, need):
    with pytest.raises(InputError) as refused:
        call(mixture())
    assert need in refused.value.need
