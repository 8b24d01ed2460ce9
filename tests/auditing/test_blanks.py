"""Blank images among training images, held-out images and samples: counted, named, left out, and nothing else is changed."""

import json

import numpy as np
import pytest
import torch

from byheart._checks import InputError
from byheart.auditing.audit import audit
from byheart.auditing.blanks import told
from byheart.auditing.dedup import dedup
from byheart.auditing.inputs import gather
from byheart.auditing.page.dedup import dedup_page
from byheart.auditing.page.page import audit_page
from byheart.auditing.result import AuditResult
from byheart.auditing.sets import Sets
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.features.shards import numbered, write_shards

N, M, BLANK = 60, 100, 12
SMALL = {"planted": 4, "queries": 50}


@pytest.fixture(scope="module")
def digits():
    """(n, 32, 32) bytes: different ones, in larger squares."""
    found = load(Data(name="digits", distinct=True))
    order = torch.randperm(len(found.images), generator=torch.Generator().manual_seed(8))
    small = (found.to_pixels(found.images[order])[:, 0] * 255).round().numpy().astype(np.uint8)
    return np.kron(small[:400], np.ones((1, 4, 4), np.uint8))


def pages(count, seed=1):
    """Scans of empty paper with the noise of a sensor, (count, 32, 32) bytes."""
    noise = np.random.default_rng(seed).normal(0, 1, (count, 32, 32))
    return np.clip(250 + noise, 0, 255).round().astype(np.uint8)


def skies(count):
    """Empty skies: a slow gradient, another one each."""
    slopes = np.random.default_rng(2).uniform(0.1, 0.25, (count, 1, 1))
    return (180 + slopes * np.arange(32)[None, :, None] + np.zeros((1, 1, 32))).round().astype(np.uint8)


@pytest.fixture(scope="module")
def plain(digits):
    samples = np.concatenate([digits[300:312], digits[:18]])
    return audit(samples=samples, train=digits[:N], heldout=digits[N : N + M], **SMALL)


@pytest.fixture(scope="module")
def mixed(digits):
    """The same sets with blank images before them."""
    samples = np.concatenate([pages(5, 3), digits[300:312], digits[:18]])
    train = np.concatenate([pages(BLANK), digits[:N]])
    return audit(
        samples=samples, train=train, heldout=np.concatenate([digits[N : N + M], pages(7, 4)]), **SMALL
    )


def test_an_audit_says_the_same_with_blank_images_and_counts_them(plain, mixed):
    assert plain.verdict == mixed.verdict == "copying"
    assert [one.flags for one in mixed.channels] == [one.flags for one in plain.channels]
    assert all(one.count == 30 for one in mixed.channels)
    assert mixed.copy_share == plain.copy_share and mixed.card == plain.card
    assert mixed.population == plain.population and mixed.power == plain.power
    inputs = mixed.inputs
    assert [
        (one.count, one.blank, one.compared) for one in (inputs.samples, inputs.train, inputs.heldout)
    ] == [
        (35, 5, 30),
        (N + BLANK, BLANK, N),
        (M + 7, 7, M),
    ]
    assert inputs.samples.blank_names == tuple(f"row {row}" for row in range(5))


def test_pairs_keep_the_numbers_and_names_of_all_images(plain, mixed):
    for one, other in zip(plain.pairs, mixed.pairs, strict=True):
        assert other.sample == one.sample + 5 and other.sample_name == f"row {one.sample + 5}"
        assert other.train == tuple(row + BLANK for row in one.train)
        assert other.train_names == tuple(f"row {row + BLANK}" for row in one.train)
    flagged = {pair.sample: pair.train for pair in mixed.pairs if pair.flagged and pair.channel == "whole"}
    assert len(flagged) >= 16 and all(flagged[row] == (row - 17 + BLANK,) for row in flagged)
    assert all(pair.sample >= 5 for pair in mixed.random_pairs)


def test_what_is_counted_is_said(mixed):
    said = " ".join(mixed.warnings)
    assert "5 of the 35 samples (14 %) are blank or nearly so" in said
    assert "p-values and shares of the copy test refer to the other 30" in said
    assert (
        f"{BLANK} of the {N + BLANK} training images" in said
        and f"compares samples with the other {N}" in said
    )
    assert f"ranked among the other {M}" in said
    assert "of the 30 samples that are not blank are copies" in mixed.sentence
    assert any("5 of the 35 samples are blank" in reason for reason in mixed.reasons)
    page = audit_page(mixed)
    assert "Blank samples, left out of the copy test: 5 of 35" in page and "blank, left out" in page
    assert f"30 samples against {N} training images" in page and "24 blank images left out" in page
    assert "of samples that are not blank" in page


def test_a_result_from_before_there_were_blank_images_is_read(plain, tmp_path):
    kept = json.loads(plain.model_dump_json())
    for source in kept["inputs"].values():
        if isinstance(source, dict) and "blank" in source:
            del source["blank"], source["blank_names"]
    (tmp_path / "old.json").write_text(json.dumps(kept))
    assert AuditResult.read(tmp_path / "old.json") == plain
    assert "blank" not in audit_page(plain).split("<h2>How it was measured")[0].split("</style>")[1]


def sets(samples, train, heldout):
    named = {"samples": samples, "train": train, "heldout": heldout}
    return Sets(**{what: None if x is None else gather(x, what=what) for what, x in named.items()})


def test_the_limit_is_that_of_the_training_set(digits):
    """What is blank beside digits is not among pages; so held-out images and samples are asked by one rule."""
    faint = (250 + digits[:60].astype(float) / 255).astype(np.uint8)
    found = told(sets(np.concatenate([digits[300:302], faint]), digits[:N], digits[N : N + M]))
    assert len(found.sets.samples) == 2 and found.sets.blank == 60
    assert found.sets.train.small.shape[0] == N and "train" not in found.kept
    again = told(sets(digits[300:310], digits[:N], np.concatenate([faint, digits[N : N + 2]])))
    assert again.sets.least == found.sets.least and len(again.sets.heldout) == 2


def test_without_blank_images_the_sets_are_those_that_went_in(digits):
    given = sets(digits[300:310], digits[:N], None)
    found = told(given)
    assert found.sets.samples is given.samples and found.sets.train is given.train
    assert not found.warnings and not found.kept


def test_half_of_the_training_set_may_be_blank(digits):
    found = told(sets(digits[300:310], np.concatenate([pages(N), digits[:N]]), None))
    assert found.kept["train"].tolist() == list(range(N, 2 * N))


def test_too_few_that_show_something_are_refused(digits):
    shades = np.arange(0, 240, 6, dtype=np.uint8)[:, None, None] + np.zeros((1, 32, 32), np.uint8)
    some, train, heldout = digits[200:205], digits[:N], digits[N : N + M]
    for given, said in (
        ((pages(5), train, heldout), "5 samples, of which all are blank"),
        ((some, train, pages(5)), "5 held-out images, of which all are blank"),
        ((some, shades, heldout), "40 training images, of which all are blank"),
        (
            (some, np.concatenate([digits[:33], pages(9)]), None),
            "42 training images, of which all but 33 are blank",
        ),
    ):
        with pytest.raises(InputError, match=said):
            told(sets(*given))


@pytest.mark.parametrize("empty", [pages, skies])
def test_dedup_joins_no_digits_because_others_are_blank(digits, empty):
    found = dedup(np.concatenate([digits[:N], empty(BLANK)]), **SMALL)
    assert not [one for cluster in found.clusters for one in cluster.members if not one.exact and one.source]
    assert found.source.blank == BLANK and found.source.blank_names[0] == f"row {N}"
    assert any("look alike whatever they show" in words for words in found.warnings)
    assert found.threshold == dedup(digits[:N], **SMALL).threshold
    assert "Blank or nearly so: 12 of 72" in dedup_page(found)


def test_blank_images_are_duplicates_where_they_are_equal_and_digits_as_ever(digits):
    white = np.full((3, 32, 32), 255, np.uint8)
    found = dedup(np.concatenate([digits[:N], pages(4), digits[5:6], white, digits[9:10, :, ::-1]]), **SMALL)
    together = {cluster.representative: cluster.members for cluster in found.clusters}
    whites, flipped = [f"row {N + 5 + at}" for at in range(3)], f"row {N + 8}"
    assert {name: [one.name for one in members] for name, members in together.items()} == {
        "row 5": ["row 5", f"row {N + 4}"],
        "row 9": ["row 9", flipped],
        whites[0]: whites,
    }
    assert together[whites[0]][0].score is None and together[whites[0]][0].source is None
    assert (found.exact, found.distinct, found.source.blank) == (3, N + 5, 7)


def test_dedup_of_blank_images_alone_tells_equal_ones(digits):
    shades = np.repeat(np.arange(0, 240, 6, dtype=np.uint8), 2)[:, None, None] + np.zeros(
        (1, 32, 32), np.uint8
    )
    found = dedup(shades, **SMALL)
    assert found.source.blank == 80 and found.exact == found.duplicates == 40 and found.threshold is None


def test_a_stored_set_tells_blank_images_only_where_they_are_equal(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("byheart.auditing.stored.train.FIRST", 40)
    images = np.concatenate([digits[:50], skies(3), skies(3) + 1, skies(3)[:1], digits[3:4]])[:, None]
    write_shards(tmp_path / "shards", numbered([torch.from_numpy(images)]), rows=30)
    found = dedup(tmp_path / "shards")
    assert [[member.name for member in cluster.members] for cluster in found.clusters] == [
        ["row 3", "row 57"],
        ["row 50", "row 56"],
    ]
    assert found.source.blank == 7 and "7 of the 58 images" in found.warnings[1]


def test_blank_images_of_a_stored_set_are_left_out_of_what_is_compared(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("byheart.auditing.stored.train.FIRST", 70)
    train = torch.from_numpy(np.concatenate([pages(20), digits[:N]]))[:, None]
    write_shards(tmp_path / "shards", numbered([train]), rows=30)
    samples = np.concatenate([digits[300:304], digits[10:14], pages(2, 5)])
    found = audit(samples=samples, train=tmp_path / "shards", heldout=digits[N : N + 9], **SMALL)
    assert any("20 of the 80 training images that samples" in words for words in found.warnings)
    best = {pair.sample: pair.train for pair in found.pairs if pair.channel == "whole"}
    assert all(best[row] == (row + 6 + 20,) for row in range(4, 8)) and not {8, 9} & set(best)
