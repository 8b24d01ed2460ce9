"""The fidelity table, the gaps with their nulls, and KID from float32 products."""

import itertools

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics import frechet, kid, reference_gap
from byheart.metrics.fidelity import gaps, kernel_sums, table
from byheart.metrics.fidelity.eigenvalues import quick_frechet
from byheart.metrics.fidelity.gaps import frechet_gap, kid_gap
from byheart.metrics.fidelity.kernel_sums import fast_kid
from byheart.metrics.fidelity.table import fidelity_table
from byheart.numerics.moments import frechet_distance, moments


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def fd(x, y):
    return frechet(x, y).value


def kernel_distance(x, y):
    return kid(x, y).value


# --- KID from float32 products ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(40, 60), (3, 9), (25, 25)])
@pytest.mark.parametrize("tile", [7, 1024])
def test_kid_is_that_of_float64(sizes, tile, monkeypatch):
    monkeypatch.setattr(kernel_sums, "_TILE", tile)
    x, y = draws(sizes[0], 2, 3), draws(sizes[1], 2, 3, seed=1) * 1.3 + 0.4
    found, expected = fast_kid(x, y), kid(x, y)
    assert found.value == pytest.approx(expected.value, rel=2e-5)
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=1e-5)
    assert found.count == sizes[0]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (draws(2, 3), draws(9, 3), "n >= 3"),
        (draws(9, 3), draws(9, 4), "same shape"),
        (draws(9, 3), draws(9, 3) * float("nan"), "set 2 with"),
    ],
)
def test_kid_refuses(x, y, message):
    with pytest.raises(InputError, match=message):
        fast_kid(x, y)


# --- FD by eigenvalues --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [400, 12, 3])  # of full rank, barely, and not
def test_fd_by_eigenvalues_is_that_of_singular_values(n):
    scale = torch.logspace(0, -2, 10).double()
    a, b = moments(draws(n, 10) * scale), moments(draws(90, 10, seed=1) * scale * 1.5 + 0.1)
    for pair in ((a, b), (b, a), (a, a)):
        assert quick_frechet(*pair) == pytest.approx(frechet_distance(*pair), rel=1e-9, abs=1e-12)


def test_fd_of_pixels_that_never_vary_or_nearly():
    for width in (0.0, 1e-9, 1e-6):
        a, b = moments(draws(60, 5) * torch.tensor([1, 1, 1, 1, width])), moments(draws(60, 5, seed=1))
        assert quick_frechet(a, b) == pytest.approx(frechet_distance(a, b), rel=1e-9)
        assert quick_frechet(a, a) == pytest.approx(0, abs=1e-12)


def test_fd_of_other_dimensions_is_refused():
    with pytest.raises(InputError, match="equal dimensions"):
        quick_frechet(moments(draws(9, 3)), moments(draws(9, 4)))


# --- gaps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(30, 50, 40), (60, 20, 20), (20, 20, 45)])
def test_gaps_are_those_between_references_of_one_size(sizes):
    x, train, heldout = (draws(n, 5, seed=i) * (1 + i / 3) for i, n in enumerate(sizes))
    assert kid_gap(x, train, heldout).value == pytest.approx(
        reference_gap(kernel_distance, x, train, heldout), rel=1e-4
    )
    assert frechet_gap(x, train, heldout, seed=0).value == pytest.approx(reference_gap(fd, x, train, heldout))


def gaps_of_all_splits(x, images, distance):
    """Of the images into halves of training and held-out ones."""
    values, everything = [], set(range(len(images)))
    for half in itertools.combinations(everything, len(images) // 2):
        rest = sorted(everything - set(half))
        values.append(reference_gap(distance, x, images[list(half)], images[rest]))
    return torch.tensor(values)


def test_the_null_of_the_kid_gap_is_that_of_all_splits():
    x, images = draws(7, 3), draws(8, 3, seed=1)
    values = gaps_of_all_splits(x, images, kernel_distance)
    assert values.mean() == pytest.approx(0, abs=1e-6)
    found = kid_gap(x, images[:4], images[4:])
    assert found.high - found.value == pytest.approx(1.959964 * float(values.std(correction=0)), rel=1e-4)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_the_null_of_the_fd_gap_is_that_of_all_splits():
    x, images = draws(12, 2), draws(8, 2, seed=1)
    spread = float(gaps_of_all_splits(x, images, fd).std(correction=0))
    found = frechet_gap(x, images[:4], images[4:], splits=600, seed=0)
    assert found.high - found.value == pytest.approx(1.964 * spread, rel=0.08)
    once = frechet_gap(x, images[:4], images[4:], splits=1, seed=0)
    assert once.high - once.low > found.high - found.low  # one split: Student's t with one degree of freedom


def test_the_rest_of_a_set_has_the_moments_of_the_rest():
    x = draws(30, 4).double() + 3
    found, expected = gaps._without(moments(x), moments(x[:11])), moments(x[11:])
    assert found.count == 19
    torch.testing.assert_close(found.mean, expected.mean)
    torch.testing.assert_close(found.scatter, expected.scatter)


@pytest.mark.parametrize(
    "gap", [kid_gap, lambda *sets: frechet_gap(*sets, splits=8, seed=0)], ids=["kid", "fd"]
)
def test_gaps_hold_their_level_and_see_copies(gap):
    fresh = [
        gap(draws(60, 4, seed=i), draws(50, 4, seed=i + 999), draws(50, 4, seed=i + 5000)) for i in range(100)
    ]
    assert 88 <= sum(each.low <= 0 <= each.high for each in fresh) <= 99
    train, heldout = draws(50, 4, seed=1), draws(50, 4, seed=2)
    assert gap(train, train, heldout).low > 0
    assert gap(heldout, train, heldout).high < 0


@pytest.mark.parametrize("options", [{"splits": 0}, {"confidence": 1.0}])
def test_a_gap_needs_a_split_and_a_confidence(options):
    with pytest.raises(InputError, match="at least one split"):
        frechet_gap(draws(9, 2), draws(9, 2), draws(9, 2), seed=0, **options)


# --- the table ----------------------------------------------------------------------------------------------------

NAMES = [
    "FD",
    "FD, bias removed",
    "FD gap",
    "KID",
    "KID gap",
    "sliced Wasserstein (p = 2, 128 projections, seed 7)",
    "precision (k = 3)",
    "recall (k = 3)",
    "density (k = 5)",
    "density of training images (k = 5)",
    "coverage (k = 5)",
    "coverage by training images (k = 5)",
    "Vendi",
    "FLD",
    "FLD gap",
]


def rows(samples, heldout, train, seed=7):
    return {score.name: score for score in fidelity_table(samples, heldout, train, seed=seed)}


def test_rows_of_fresh_samples_agree_with_their_references():
    found = rows(draws(300, 8), draws(250, 8, seed=1), draws(400, 8, seed=2))
    assert list(found) == NAMES
    for name in ("FD, bias removed", "FD gap", "KID", "KID gap"):
        assert found[name].low <= 0 <= found[name].high and found[name].reference == 0
    assert found["FD"].value == pytest.approx(found["FD"].reference, rel=0.3)
    assert found["FD"].value == pytest.approx(fd(draws(300, 8), draws(250, 8, seed=1)))
    for name in NAMES[5:13]:
        assert found[name].value == pytest.approx(found[name].reference, rel=0.2)
    assert abs(found["FLD"].value) < 3
    assert found["FLD gap"].value == pytest.approx(found["FLD gap"].reference, abs=3)
    assert found["Vendi"].family == "novelty" and found["FD"].family == "fidelity"
    # Compared at equal sizes: 300 samples beside 300 training images, 250 beside 250 held-out ones.
    assert (found["precision (k = 3)"].count, found["Vendi"].count, found["FD"].count) == (300, 250, 300)


def test_vendi_counts_equally_many():
    found = rows(draws(12, 30), draws(250, 30, seed=1), draws(40, 30, seed=2))["Vendi"]
    assert found.value <= 12 and found.reference <= 12 and found.count == 12


def test_copies_are_faithful_and_not_new():
    train, heldout = draws(200, 6, seed=2), draws(200, 6, seed=1)
    fresh, copies = rows(draws(200, 6), heldout, train), rows(train, heldout, train)
    for name in ("FD", "precision (k = 3)", "density (k = 5)", "coverage (k = 5)"):
        assert copies[name].value == pytest.approx(copies[name].reference, rel=0.5)
    assert copies["FD gap"].low > 0 and copies["KID gap"].low > 0
    assert copies["FLD gap"].value < -1000 < fresh["FLD gap"].value


def test_train_and_heldout_are_not_mixed_up():
    train, heldout = draws(60, 4, seed=2), draws(50, 4, seed=1)
    found, other = rows(train, heldout, train), rows(train, train, heldout)
    assert found["FD gap"].value == pytest.approx(-other["FD gap"].value, rel=0.5)
    assert found["FD"].value > 1e-3 > other["FD"].value
    assert found["coverage (k = 5)"].value < 1 == other["coverage (k = 5)"].value
    assert found["coverage by training images (k = 5)"].value < 1


def test_collapse_shows():
    found = rows(draws(1, 6) + 0.05 * draws(100, 6, seed=3), draws(100, 6, seed=1), draws(100, 6, seed=2))
    assert found["Vendi"].value < 0.5 * found["Vendi"].reference
    assert found["coverage (k = 5)"].value < 0.5 * found["coverage (k = 5)"].reference
    assert found["KID"].low > 0 and found["FD, bias removed"].low > 0


def test_the_seed_settles_everything_and_shape_and_order_of_files_little():
    sets = [draws(60, 2, 3, seed=i) for i in range(3)]
    assert fidelity_table(*sets, seed=1) == fidelity_table(*(each.flatten(1) for each in sets), seed=1)
    ordered = rows(*(each[each[:, 0, 0].argsort()] for each in sets))
    for name, score in rows(*sets).items():
        if name in {"FD", "KID", "precision (k = 3)", "density (k = 5)", "Vendi"}:
            assert ordered[name].value == pytest.approx(score.value, rel=0.1, abs=0.02)


def test_sorted_files_make_no_gap():
    train = draws(300, 3, seed=1)
    train = train[train[:, 0].argsort()]  # the first 60 alone would look like another distribution
    found = rows(draws(100, 3), draws(60, 3, seed=2), train)
    assert found["KID gap"].low <= 0 <= found["KID gap"].high


def test_at_most_so_many_rows_enter_what_is_quadratic(monkeypatch):
    monkeypatch.setattr(table, "_ROWS", 50)
    found = rows(draws(120, 3), draws(90, 3, seed=1), draws(70, 3, seed=2))
    assert found["FD"].count == 120
    assert {found[name].count for name in NAMES if name != "FD"} == {50}


@pytest.mark.parametrize(
    ("samples", "heldout", "message"),
    [
        (draws(5, 2), draws(9, 2), "n >= 6"),
        (draws(9, 2), draws(5, 2), "n >= 6"),
        (draws(9, 3), draws(9, 2), "same shape"),
        (draws(9), draws(9, 2), "same shape"),
        (draws(9, 2) * float("nan"), draws(9, 2), "NaN"),
        (draws(9, 2), torch.ones(9, 2), "held-out images that differ"),
    ],
)
def test_bad_input(samples, heldout, message):
    with pytest.raises(InputError, match=message):
        fidelity_table(samples, heldout, draws(9, 2, seed=3), seed=0)
