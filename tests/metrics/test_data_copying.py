"""C_T: against scipy cell by cell, its null by simulation, and a copied mode that the average hides."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import kstest, mannwhitneyu, norm

from byheart._checks import InputError
from byheart.metrics.copying.classical import cells, data_copying, nearest_in_cell
from byheart.metrics.copying.classical.data_copying import _holm
from byheart.numerics.neighbors import nearest
from byheart.random import generator


def normal(*shape, draws):
    return torch.randn(*shape, generator=draws, dtype=torch.float64)


def labels(*counts):
    return torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])


def test_every_cell_is_the_test_of_scipy_and_c_t_their_mean_by_held_out_images():
    draws = generator(0)
    ours, theirs = normal(100, draws=draws), normal(80, draws=draws) + 0.3
    of_ours, of_theirs = labels(50, 30, 20), labels(20, 50, 10)  # the third has 20 samples: not more than 20
    found = data_copying(ours, theirs, of_ours, of_theirs)
    p = [
        mannwhitneyu(x.numpy(), y.numpy(), alternative="less", method="asymptotic").pvalue
        for x, y in ((ours[:50], theirs[:20]), (ours[50:80], theirs[20:70]))
    ]
    assert [cell.test.p for cell in found.cells] == pytest.approx(p)
    assert [(cell.label, cell.samples, cell.heldout) for cell in found.cells] == [(0, 50, 20), (1, 30, 50)]
    assert found.left_out == 1
    z = norm.ppf(p)
    assert found.ct == pytest.approx((20 * z[0] + 50 * z[1]) / 70)
    assert found.ct_std == pytest.approx(math.hypot(20, 50) / 70)
    assert found.ct_p == pytest.approx(norm.cdf(found.ct / found.ct_std))
    whole = mannwhitneyu(ours.numpy(), theirs.numpy(), alternative="less", method="asymptotic")
    assert found.pooled.p == pytest.approx(whole.pvalue)
    assert found.auc.value == pytest.approx(1 - whole.statistic / 8000)


def test_the_p_values_of_cells_after_holm():
    """The smallest times 3, the next times 2, never less than the one before, never above 1."""
    assert _holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert _holm([0.7, 0.001, 0.6]) == pytest.approx([1.0, 0.003, 1.0])
    draws = generator(1)
    ours = torch.cat([normal(60, draws=draws) - shift for shift in (0.7, 0.4, 0.0)])
    found = data_copying(ours, normal(180, draws=draws), labels(60, 60, 60), labels(60, 60, 60))
    assert [cell.adjusted for cell in found.cells] == _holm([cell.test.p for cell in found.cells])


def test_small_p_values_of_cells_keep_their_digits():
    draws = generator(9)
    heldout = normal(900, draws=draws)
    samples = normal(900, draws=draws) - 1000
    of_both = labels(300, 300, 300)
    found = data_copying(samples, heldout, of_both, of_both)
    z = [cell.test.z for cell in found.cells]
    assert max(z) < -20
    assert [cell.test.p for cell in found.cells] == pytest.approx(norm.cdf(z), rel=1e-10, abs=0)
    assert found.cells[0].adjusted == pytest.approx(3 * norm.cdf(min(z)), rel=1e-10, abs=0)
    assert found.ct / found.ct_std < -30
    assert found.ct_p == pytest.approx(norm.cdf(found.ct / found.ct_std), rel=1e-10, abs=0)


def test_scores_are_normal_under_the_null():
    """Given one training set, samples and held-out images of one distribution: p uniform, C_T/sd normal."""
    draws, z, p, rejected = generator(2), [], [], 0
    train, fresh = normal(400, 6, draws=draws), normal(300 * 300, 6, draws=draws)
    distances, (labeled,) = nearest(fresh, train, k=1).distance[:, 0], cells(train, fresh)
    for distance, label in zip(distances.split(300), labeled.split(300), strict=True):
        found = data_copying(distance[:150], distance[150:], label[:150], label[150:])
        z.append(found.ct / found.ct_std)
        p.append(found.pooled.p)
        rejected += min(cell.adjusted for cell in found.cells) < 0.05
    assert kstest(z, "norm").pvalue > 0.01
    assert kstest(p, "uniform").pvalue > 0.01
    assert rejected / 300 < 0.08  # Holm over three cells: 5 %, standard error 1.3 %


def test_copies_are_far_below_zero_and_poor_samples_far_above():
    draws = generator(3)
    train, heldout = normal(500, 8, draws=draws), normal(200, 8, draws=draws)
    for samples, sign in ((train[:200] + 0.05, -1), (2 * normal(200, 8, draws=draws), 1)):
        distances = [nearest(x, train, k=1).distance[:, 0] for x in (samples, heldout)]
        found = data_copying(*distances, *cells(train, samples, heldout))
        assert sign * found.ct > 3 and sign * found.pooled.z > 3
        assert sign * (0.5 - found.auc.value) > 0.3
        assert (found.ct_p < 1e-6) == (sign < 0)


def test_a_copied_mode_is_seen_in_its_cell_though_the_average_is_calm():
    draws = generator(4)
    modes = 20 * torch.eye(3, 8, dtype=torch.float64)
    train, heldout, samples = (
        (modes[:, None] + normal(3, count, 8, draws=draws)).flatten(0, 1) for count in (200, 100, 100)
    )
    samples[:100] = train[:100] + 0.05  # the first mode is copied,
    samples[100:] += 0.5 * normal(200, 8, draws=draws)  # the others are poor
    distances = [nearest(x, train, k=1).distance[:, 0] for x in (samples, heldout)]
    found = data_copying(*distances, *cells(train, samples, heldout))
    assert found.ct > -3
    assert [cell.samples for cell in found.cells] == [100, 100, 100]  # the modes are the cells
    assert sorted(cell.test.z < -8 for cell in found.cells) == [False, False, True]
    assert min(cell.adjusted for cell in found.cells) < 1e-12


def test_cells_are_repeatable_and_see_only_training_images():
    draws = generator(5)
    train, x = normal(300, 10, 10, draws=draws), normal(50, 10, 10, draws=draws)  # 100 > 64 dimensions: PCA
    (first,), (again, alone) = cells(train, x), cells(train, x, x[:7] * 1.0)
    assert torch.equal(first, again) and torch.equal(first[:7], alone)
    assert set(first.tolist()) <= {0, 1, 2}
    assert [len(part) for part in cells(train, x[:0], x)] == [0, 50]


def test_cells_after_pca_are_those_of_the_directions_that_vary():
    draws = generator(6)
    groups = torch.arange(90) % 3
    train = 0.1 * normal(90, 200, draws=draws)
    train[torch.arange(90), groups] += 10  # three groups, in 200 dimensions
    (found,) = cells(train, train)
    assert all(len(set(found[groups == group].tolist())) == 1 for group in range(3))
    assert len(set(found.tolist())) == 3


def test_no_cell_with_enough_samples_leaves_the_pooled_test():
    draws = generator(7)
    found = data_copying(normal(12, draws=draws), normal(12, draws=draws), labels(6, 6), labels(6, 6))
    assert found.cells == () and found.left_out == 2
    assert math.isnan(found.ct) and math.isnan(found.ct_p)
    assert 0 < found.pooled.p < 1


def authors(heldout, of_heldout, samples, of_samples, train, of_train, least):
    """C_T and its scores as the authors compute them: in each cell by itself, training images included."""
    scores, weights = [], []
    for label in np.unique(of_heldout):
        ours, theirs = samples[of_samples == label], heldout[of_heldout == label]
        among = train[of_train == label]
        d_ours, d_theirs = (cdist(x, among).min(1) for x in (ours, theirs))
        q, m = len(ours), len(theirs)
        u = mannwhitneyu(d_ours, d_theirs, alternative="less").statistic
        scores.append((u - (q * m / 2 - 0.5)) / math.sqrt(q * m * (q + m + 1) / 12))
        weights.append(m * (q > least))
    return np.average(scores, weights=weights), scores


def test_c_t_within_cells_is_that_of_the_authors():
    draws = generator(10)
    train, heldout = normal(400, 5, draws=draws), normal(150, 5, draws=draws)
    samples = torch.cat([train[:60] + 0.3 * normal(60, 5, draws=draws), normal(90, 5, draws=draws)])
    of_train, of_samples, of_heldout = labeled = cells(train, train, samples, heldout)
    distances = [nearest(x, train, k=1).distance[:, 0] for x in (samples, heldout)]
    inside = [
        nearest_in_cell(train, x, of_train, of_x)
        for x, of_x in ((samples, of_samples), (heldout, of_heldout))
    ]
    found = data_copying(*distances, of_samples, of_heldout, within=(inside[0], inside[1]))
    ct, scores = authors(
        *(x.numpy() for x in (heldout, of_heldout, samples, of_samples, train, of_train)), least=20
    )
    assert [cell.test.z for cell in found.cells] == pytest.approx(scores, rel=1e-9)
    assert found.ct == pytest.approx(ct, rel=1e-9)
    whole = data_copying(*distances, of_samples, of_heldout)
    gaps = [abs(one.test.z - other.test.z) for one, other in zip(whole.cells, found.cells, strict=True)]
    assert max(gaps) > 0.05  # some nearest training images lie across a border
    assert (whole.pooled, whole.auc) == (found.pooled, found.auc)
    assert all(bool((near >= far - 1e-12).all()) for near, far in zip(inside, distances, strict=True))
    assert len(labeled) == 3


def test_a_cell_without_training_images_has_no_nearest_one():
    x = torch.rand(10, 3, generator=generator(11))
    with pytest.raises(InputError, match="cell 1 without training images"):
        nearest_in_cell(x, x, labels(10), labels(5, 5))
    with pytest.raises(InputError, match="one cell for each image"):
        nearest_in_cell(x, x, labels(9), labels(10))
    with pytest.raises(InputError, match="one cell for each distance"):
        data_copying(x[:, 0], x[:, 0], labels(10), labels(10), within=(x[:9, 0], x[:, 0]))


def test_what_does_not_fit_is_refused():
    x = torch.rand(10, generator=generator(8))
    with pytest.raises(InputError, match="one cell for each distance"):
        data_copying(x, x, labels(9), labels(10))
    with pytest.raises(InputError, match="fewer clusters"):
        cells(torch.rand(2, 4), torch.rand(5, 4))
