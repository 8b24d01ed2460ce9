"""Images in shards: small sets are audited as in memory; of large ones what is searched is exact, and the rest is named."""

import numpy as np
import pytest
import torch

from byheart import audit, dedup
from byheart._checks import InputError
from byheart.auditing.inputs.collect import collect
from byheart.auditing.sets import Sets, silent
from byheart.auditing.stored import duplicates, images
from byheart.auditing.stored import train as stored_train
from byheart.auditing.stored.duplicates import NOT_TOLD
from byheart.data.named import load
from byheart.data.reader.source import from_array
from byheart.data.spec import Data
from byheart.denoisers import empirical
from byheart.features.shards import numbered, write_shards
from byheart.metrics.copying.scores import copy_scores, copy_tables

N, M = 160, 110
SMALL = {"planted": 4, "queries": 50}
OTHERWISE = {"inputs": True, "seconds": True}


@pytest.fixture(scope="module")
def digits():
    """(n, 1, 32, 32) bytes, shuffled."""
    found = load(Data(name="digits"))
    small = found.to_pixels(found.images).float().clamp(0, 1)
    order = torch.randperm(len(small), generator=torch.Generator().manual_seed(8))
    large = torch.nn.functional.interpolate(small[order], size=32, mode="bicubic", align_corners=False)
    return (large.clamp(0, 1) * 255).round().to(torch.uint8)


@pytest.fixture(scope="module")
def train(digits):
    """Among 160 images two that are equal, and two that are mirror images."""
    return torch.cat([digits[: N - 2], digits[10:11], digits[20:21].flip(-1)])


@pytest.fixture(scope="module")
def sets(digits):
    fresh = digits[N + M :]
    return {"samples": torch.cat([fresh[:45], digits[:25]]).numpy(), "heldout": digits[N : N + M].numpy()}


@pytest.fixture(scope="module")
def plain(sets, train):
    return audit(**sets, train=train.numpy(), **SMALL)


@pytest.fixture
def folder(train, tmp_path):
    write_shards(tmp_path / "shards", numbered(train.split(100)), rows=70)
    return tmp_path / "shards"


def numbers(result):
    return result.model_dump(exclude=OTHERWISE)


def clusters(result):
    return [[(one.name, one.exact, one.source) for one in cluster.members] for cluster in result.clusters]


def test_a_small_set_is_audited_as_in_memory(plain, sets, folder):
    found = audit(**sets, train=folder, **SMALL)
    assert plain.verdict == "copying" and len(plain.measures) > 25
    assert numbers(found) == numbers(plain)
    assert found.inputs.train.count == N


def test_images_as_floats_are_those_as_bytes(plain, sets, train, tmp_path):
    write_shards(tmp_path / "floats", numbered([train.float() / 255]))
    assert numbers(audit(**sets, train=tmp_path / "floats", **SMALL)) == numbers(plain)


def test_of_a_larger_set_the_likest_are_compared_and_the_rest_is_named(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(stored_train, "FIRST", 40)
    monkeypatch.setattr("byheart.auditing.stored.images.GUARD", ())  # few queries: not all images are taken
    train, chosen = digits[:1500], [1100, 1203, 1306]
    write_shards(tmp_path / "shards", numbered([train]), rows=400)
    samples = torch.cat([digits[1500:1505], train[chosen]])
    sets = {"samples": samples.numpy(), "heldout": digits[1510:1522].numpy()}
    found = audit(**sets, train=tmp_path / "shards", **SMALL)
    (named,) = (warning for warning in found.warnings if "lies in shards" in warning)
    taken = int(named.split(" images were compared in full")[0].split()[-1].replace(",", ""))
    assert 40 < taken < 700 and "all 1,500 images were searched" in named
    source = {pair.sample: pair.train for pair in found.pairs}
    assert [source[row] for row in (5, 6, 7)] == [(row,) for row in chosen]
    for pair in (*found.pairs, *found.random_pairs):
        assert pair.train_names == tuple(f"row {row}" for row in pair.train)
    plain = audit(**sets, train=train.numpy(), **SMALL)
    assert found.measures == plain.measures  # these see the whole set, whatever was taken


def test_orbit_ratios_among_what_is_taken_are_those_of_the_whole_set(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(stored_train, "FIRST", 40)
    monkeypatch.setattr("byheart.metrics.copying.spaces._IMAGES", 40)  # in memory the filters are those, too
    train, chosen = digits[:1200], [1100, 1003]
    write_shards(tmp_path / "shards", numbered([train]), rows=400)
    samples = collect(
        from_array("samples", torch.cat([digits[1500:1503], train[chosen]]).numpy()), what="samples"
    )
    stored = stored_train.opened(tmp_path / "shards", stored_train.Searching(), silent)
    rows = images._taken(Sets(samples, stored, None), stored)
    assert 40 < len(rows) < 300
    part = copy_scores(samples.small, copy_tables(stored.chosen(rows)), whole_only=True).orbit
    whole = copy_scores(samples.small, copy_tables(train.float() / 255), whole_only=True).orbit
    assert torch.equal(rows[part.source], whole.source) and whole.source[3:].tolist() == chosen
    assert torch.equal(rows[part.candidates], whole.candidates)
    torch.testing.assert_close(part.score, whole.score, rtol=0, atol=1e-6)


def test_overlap_with_held_out_images_is_found_in_all_shards(digits, folder, train):
    noisy = (train[150].float() + torch.randint(0, 2, (1, 32, 32))).clamp(0, 255).to(torch.uint8)
    heldout = torch.cat([digits[N : N + M], train[3:4], noisy[None]])
    sets = {"samples": digits[N + M : N + M + 40].numpy(), "heldout": heldout.numpy()}
    with pytest.raises(InputError, match=r"2 of 112 held-out .*row 3 = row 110, row 150 = row 111"):
        audit(**sets, train=folder)


def test_images_that_are_not_between_0_and_1_are_refused(sets, train, tmp_path):
    write_shards(tmp_path / "shards", numbered([train.float()]))
    with pytest.raises(InputError, match="bytes from 0 to 255, or floats from 0 to 1"):
        audit(**sets, train=tmp_path / "shards")


def test_what_is_not_available_is_refused_or_named(sets, folder, train):
    with pytest.raises(InputError, match="the encoder whitened"):
        audit(**sets, train=folder, features="whitened")
    with pytest.raises(InputError, match="channels 3 and shards"):
        audit(**sets, train=folder, channels=3)

    denoiser = empirical(train.float() / 255)
    found = audit(
        samples=denoiser,
        train=folder,
        heldout=sets["heldout"],
        count=20,
        **SMALL,
    )
    assert not found.signals and any(
        "The losses of the model were not computed" in warning for warning in found.warnings
    )


def test_a_small_set_has_the_duplicates_that_it_has_in_memory(folder, train):
    plain, found = dedup(train.numpy(), planted=4), dedup(folder, planted=4)
    assert len(clusters(plain)) >= 2  # the equal and the mirrored one
    rest = {"source", "seconds"}
    assert found.model_dump(exclude=rest) == plain.model_dump(exclude=rest)


@pytest.fixture
def noise():
    """Images like no other one, but for 10 equal ones, 3 nearly equal and a crowd of 50."""
    images = torch.rand(200, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    slight = torch.rand(60, 1, 32, 32, generator=torch.Generator().manual_seed(4)) * 0.002
    near = (images[[7, 8, 9]] * 0.99 + slight[:3]).clamp(0, 1)
    crowd = (images[5:6] * 0.99 + slight[10:]).clamp(0, 1)
    return torch.cat([images, images[:10], near, crowd])


@pytest.mark.parametrize("workers", [1, 2])
def test_equal_and_nearly_equal_images_of_a_large_set(noise, tmp_path, monkeypatch, workers):
    plain = dedup(noise.numpy(), planted=4)
    monkeypatch.setattr(stored_train, "FIRST", 100)
    monkeypatch.setattr(duplicates, "_BLOCK", 64)
    monkeypatch.setattr(duplicates, "_PAIRS", 40)
    write_shards(tmp_path / "shards", numbered([noise]), rows=77)
    found = dedup(tmp_path / "shards", planted=4, workers=workers, checkpoints=tmp_path / "kept")
    assert len(found.clusters[0].members) == 52 and len(found.clusters) == 10
    assert clusters(found) == clusters(plain)
    assert (found.distinct, found.exact) == (plain.distinct, plain.exact) == (200, 10)
    assert found.warnings == (NOT_TOLD,) and found.threshold is None
    assert found.clusters[0].members[0].picture and found.source.count == len(noise)


def test_an_image_between_two_others_joins_them(tmp_path, monkeypatch):
    """The middle one is like both, these are not like each other: no partner may be passed over."""
    images = torch.rand(60, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    step = 0.03 * (images[50:51] - 0.5)
    middle = 0.1 + 0.8 * images[:1]
    images = torch.cat([middle, images[1:], middle + 0.8 * step, middle - 0.8 * step])
    plain = dedup(images.numpy(), planted=4)
    monkeypatch.setattr(stored_train, "FIRST", 30)
    monkeypatch.setattr(duplicates, "_PARTNERS", 1)
    write_shards(tmp_path / "shards", numbered([images]), rows=25)
    found = dedup(tmp_path / "shards")
    assert clusters(found) == clusters(plain)
    assert [one.name for one in found.clusters[0].members] == ["row 0", "row 60", "row 61"]


def test_duplicates_of_blank_images_are_equal_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_train, "FIRST", 10)
    images = torch.rand(60, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    images[[4, 40, 50]], images[45] = 0.0, 1.0
    write_shards(tmp_path / "shards", numbered([(images * 255).to(torch.uint8)]), rows=25)
    found = dedup(tmp_path / "shards")
    assert clusters(found) == [[("row 4", False, None), ("row 40", True, "row 4"), ("row 50", True, "row 4")]]
    assert np.isclose(found.distinct, 58)
