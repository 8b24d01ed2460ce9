"""The table: every row is the measure it names, copies are convicted, a model that knows nothing stands at its reference."""

import warnings

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.copying.classical import (
    authenticity,
    carlini_share,
    cells,
    classical_table,
    data_copying,
    dcr_share,
    exact_duplicates,
    nearest_in_cell,
    nearest_other,
    train_share,
)
from byheart.metrics.memorization import DuplicatesWarning, memorized_fraction
from byheart.numerics.neighbors import Neighbors, nearest
from byheart.random import generator


def normal(count, draws, d=12):
    return torch.randn(count, d, generator=draws)


def table(samples, train, heldout, k=50, **settings):
    found, reference = nearest(samples, train, k=k), nearest(heldout, train, k=k)
    rows = classical_table(found, reference, samples, train, heldout, **settings)
    assert len({row.name for row in rows}) == len(rows)
    return {row.name: row for row in rows}


DRAWS = generator(0)
TRAIN, HELDOUT, FRESH = normal(600, DRAWS), normal(300, DRAWS), normal(250, DRAWS)
COPIES = torch.cat([TRAIN[:200] + 0.02 * normal(200, DRAWS), normal(50, DRAWS)])


def test_the_rows_are_the_measures():
    rows = table(COPIES, TRAIN, HELDOUT, seed=4)
    of, reference = nearest(COPIES, TRAIN, k=50), nearest(HELDOUT, TRAIN, k=50)
    other = nearest(TRAIN, TRAIN, k=1, exclude_self=True).distance[:, 0]
    expected = {
        "f_mem": (memorized_fraction(of), memorized_fraction(reference).value),
        "Carlini": (carlini_share(of), carlini_share(reference).value),
        "AuthPct": (authenticity(of, other), authenticity(reference, other).value),
        "DCR share": (dcr_share(COPIES, TRAIN, HELDOUT, seed=4), 0.5),
    }
    for name, (value, against) in expected.items():
        row = rows[name]
        assert (row.value, row.low, row.high, row.count) == (value.value, value.low, value.high, 250)
        assert row.reference == against
    assert rows["DCR share, all"].reference == 600 / 900
    assert rows["f_mem, calibrated"].reference == rows["Carlini, calibrated"].reference == 3 / 301


def test_c_t_may_be_that_of_the_authors():
    """Of the same cells, with the nearest training image in a sample's own one."""
    rows, theirs = (
        table(COPIES, TRAIN, HELDOUT, seed=4),
        table(COPIES, TRAIN, HELDOUT, seed=4, same_cell=True),
    )
    of_train, *labeled = cells(TRAIN, TRAIN, COPIES, HELDOUT, seed=4)
    inside = [
        nearest_in_cell(TRAIN, x, of_train, of_x) for x, of_x in zip((COPIES, HELDOUT), labeled, strict=True)
    ]
    assert theirs["C_T"].value == data_copying(*inside, *labeled).ct != rows["C_T"].value
    assert theirs["C_T"].definition.endswith("training images of the same cluster")
    assert rows["C_T"].definition.endswith("training images of all clusters")
    changed = {name for name in rows if rows[name] != theirs[name]}
    assert changed == {name for name in rows if name.startswith("C_T")} - {"C_T, one cell", "C_T, AUC"}


def test_copies_are_convicted_by_every_row():
    rows = table(COPIES, TRAIN, HELDOUT)
    for name in ("f_mem", "f_mem, calibrated", "Carlini", "Carlini, calibrated"):
        assert rows[name].low > 0.7 > rows[name].reference + 0.5  # 200 of 250 are copies
    for name in ("DCR share", "DCR share, all", "C_T, AUC"):
        assert rows[name].low > rows[name].reference
    assert rows["AuthPct"].high < 25 < rows["AuthPct"].reference
    for name in ("C_T", "C_T, one cell", "C_T, cluster 1", "C_T, cluster 2", "C_T, cluster 3"):
        assert rows[name].high < 0 == rows[name].reference
    assert rows["C_T, Holm p"].value < 1e-6


def test_fresh_samples_stand_at_the_reference():
    rows = table(FRESH, TRAIN, HELDOUT)
    outside = [
        name
        for name, row in rows.items()
        if row.low is not None and row.reference is not None and not row.low <= row.reference <= row.high
    ]
    assert outside == []
    assert rows["C_T, Holm p"].value > 0.05


def test_every_row_holds_its_definition_and_the_order_of_samples_means_nothing():
    rows, again = table(COPIES, TRAIN, HELDOUT), table(COPIES.flip(0), TRAIN, HELDOUT.flip(0))
    for name, row in rows.items():
        assert len(row.definition) > 20
        assert again[name].value == pytest.approx(row.value, rel=1e-9, abs=1e-12)
        assert (again[name].low, again[name].high) == pytest.approx((row.low, row.high))


def test_few_held_out_images_and_few_neighbors_leave_rows_out_and_say_so():
    rows = table(COPIES, TRAIN, HELDOUT[:98], k=5)
    assert "f_mem, calibrated" not in rows and "Carlini, calibrated" not in rows
    assert "the 5 nearest training images" in rows["Carlini"].definition
    assert "f_mem, calibrated" in table(COPIES, TRAIN, HELDOUT[:99], k=2)
    assert "C_T" not in table(COPIES[:15], TRAIN, HELDOUT, k=2)  # no cell of more than 20
    assert "C_T, one cell" in table(COPIES[:15], TRAIN, HELDOUT, k=2)


def test_images_stay_within_a_bounded_memory_and_shape():
    draws = generator(1)
    train, heldout, samples = (torch.rand(count, 1, 9, 9, generator=draws) for count in (150, 40, 60))
    rows = table(samples, train, heldout, k=10)  # 81 > 64 dimensions
    assert rows["DCR share"].count == 60


def test_a_training_image_that_repeats_is_warned_of_as_by_f_mem():
    train = torch.cat([TRAIN, TRAIN[:1]])
    with pytest.warns(DuplicatesWarning, match="1 of 250"):
        table(torch.cat([TRAIN[:1], FRESH[1:]]), train, HELDOUT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table(FRESH, train, HELDOUT)


def test_tables_of_other_sets_are_refused():
    found, reference = nearest(FRESH, TRAIN, k=2), nearest(HELDOUT, TRAIN, k=2)
    with pytest.raises(InputError, match="one row for each image"):
        classical_table(found, found, FRESH, TRAIN, HELDOUT)
    with pytest.raises(InputError, match="two neighbors"):
        classical_table(nearest(FRESH, TRAIN, k=1), reference, FRESH, TRAIN, HELDOUT)
    with pytest.raises(InputError, match="that were searched"):
        classical_table(found, reference, FRESH, TRAIN[:100], HELDOUT)
    one = Neighbors(reference.distance[:1], reference.index[:1])
    with pytest.raises(InputError, match="two rows"):
        classical_table(found, one, FRESH, TRAIN, HELDOUT[:1])
    assert nearest_other(TRAIN, found.index[:, 0]).shape == (600,)


BROKEN = nearest(FRESH, TRAIN, k=50)
BROKEN = Neighbors(BROKEN.distance.clone().index_fill_(0, torch.tensor([3]), torch.nan), BROKEN.index)
SOUND = nearest(HELDOUT, TRAIN, k=50)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: classical_table(BROKEN, SOUND, FRESH, TRAIN, HELDOUT),
        lambda: classical_table(SOUND, BROKEN, HELDOUT, TRAIN, FRESH),
        lambda: carlini_share(BROKEN),
        lambda: authenticity(BROKEN, torch.ones(len(TRAIN))),
        lambda: train_share(BROKEN, nearest(FRESH, HELDOUT, k=1), len(TRAIN), len(HELDOUT)),
        lambda: train_share(nearest(FRESH, HELDOUT, k=1), BROKEN, len(HELDOUT), len(TRAIN)),
        lambda: exact_duplicates(FRESH / 0, TRAIN),
    ],
    ids=["table", "null", "Carlini", "AuthPct", "DCR, train", "DCR, held-out", "exact duplicates"],
)
def test_distances_that_are_no_numbers_are_refused(measure):
    with pytest.raises(InputError, match="NaN"):
        measure()
