"""An audit reads training and held-out files as the samples say, or asks; what it finds is not looked at."""

import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.auditing.audit import audit
from byheart.auditing.dedup import dedup
from byheart.auditing.inputs import gather
from byheart.auditing.readings.apply import as_trained, known_reading
from byheart.auditing.sets import Sets
from byheart.auditing.stored.train import Searching, opened
from byheart.data import Data, load
from byheart.data.reader.reading import USUAL, Reading
from byheart.features.shards import numbered, write_shards


@pytest.fixture(scope="module")
def digits():
    whole = load(Data(name="digits", distinct=True))
    pixels = (whole.to_pixels(whole.images)[:, 0] * 255).round().numpy().astype(np.uint8)
    pixels = pixels[np.random.default_rng(0).permutation(len(pixels))]
    return np.stack(
        [np.asarray(Image.fromarray(x).resize((32, 32), Image.Resampling.BICUBIC)) for x in pixels[:700]]
    )


def photographs(folder, images, mark=None, every=1):
    """Write images as files; every so many are stored turned, with the mark by which a viewer shows them upright."""
    folder.mkdir()
    back = {3: 2, 6: 1, 8: -1}
    for row, image in enumerate(images):
        exif, turned = Image.Exif(), mark is not None and row % every == 0
        if turned:
            exif[0x0112] = mark
        stored = np.rot90(image, back[mark]) if turned else image
        Image.fromarray(np.ascontiguousarray(stored)).save(folder / f"{row:03}.png", exif=exif)
    return folder


def plain(folder, images):
    return photographs(folder, images)


def chosen(samples, train, heldout, given=None, known=None):
    given, known = given or {}, known or {}
    reading = USUAL.but({**known, **given})
    sets = Sets(
        *(
            gather(source, what=what, reading=reading, alone=False)
            for what, source in (("samples", samples), ("train", train), ("heldout", heldout))
        )
    )
    return as_trained(sets, given, known, 0.01)


@pytest.mark.parametrize("mark", [6, 8])
@pytest.mark.parametrize("truth", ["shown", "stored"])
def test_samples_say_whether_the_trainer_turned_its_photographs(tmp_path, digits, mark, truth):
    train = photographs(tmp_path / "train", digits[:60], mark)
    heldout = photographs(tmp_path / "heldout", digits[60:360], mark)
    made = digits[500:560] if truth == "shown" else np.rot90(digits[500:560], 1 if mark == 6 else -1, (1, 2))
    sets, said, warnings = chosen(plain(tmp_path / "samples", made), train, heldout)
    assert said.orientation == truth
    assert said.why in warnings
    assert "by facts of single images, not by copies" in said.why
    expected = digits[0] if truth == "shown" else np.rot90(digits[0], 1 if mark == 6 else -1)
    np.testing.assert_allclose(sets.train.small[0, 0], expected / 255, atol=1e-6)
    np.testing.assert_allclose(sets.train.full(0)[0], expected / 255, atol=1e-6)
    assert (
        f"60 of 60 images carry a rotation mark and were {'turned' if truth == 'shown' else 'left'}"
        in (sets.train.notes[-1])
    )


def test_where_samples_do_not_say_it_the_audit_asks_and_obeys(tmp_path, digits):
    """A mark that turns by 180° changes no fact of digits enough."""
    train = photographs(tmp_path / "train", digits[:60], 3)
    heldout = photographs(tmp_path / "heldout", digits[60:360], 3)
    samples = plain(tmp_path / "samples", digits[500:560])
    with pytest.raises(
        InputError, match=r"300 of 300 carry a rotation mark.*--orientation shown or --orientation stored"
    ):
        chosen(samples, train, heldout)
    for orientation in ("shown", "stored"):
        _, said, warnings = chosen(samples, train, heldout, {"orientation": orientation})
        assert (said.orientation, warnings) == (orientation, ())


def test_a_single_marked_file_of_many_does_not_stop_the_audit(tmp_path, digits):
    train = photographs(tmp_path / "train", digits[:60])
    heldout = photographs(tmp_path / "heldout", digits[60:360], 6, every=300)
    sets, said, warnings = chosen(plain(tmp_path / "samples", digits[500:560]), train, heldout)
    assert said.orientation == "shown"
    assert warnings == ()
    assert "1 of 300 images carry a rotation mark and were turned" in sets.heldout.notes[-1]


def test_marks_that_samples_carry_too_are_no_question(tmp_path, digits):
    parts = (digits[500:560], digits[:60], digits[60:360])
    folders = [photographs(tmp_path / str(at), part, 3) for at, part in enumerate(parts)]
    assert chosen(*folders)[1].orientation == "shown"


def test_without_held_out_images_the_training_images_are_compared(tmp_path, digits):
    train = photographs(tmp_path / "train", digits[:300], 6)
    samples = gather(np.rot90(digits[500:600], 1, (1, 2)), what="samples", alone=False)
    sets = Sets(samples, gather(train, what="train", alone=False), None)
    assert as_trained(sets, {}, {}, 0.01)[1].orientation == "stored"


def beside(image, ratio):
    """An image in the middle of a black one, as wide or as high as the ratio of width to height says."""
    height, width = (32, round(32 * ratio)) if ratio > 1 else (round(32 / ratio), 32)
    larger = np.zeros((height, width), np.uint8)
    top, left = (height - 32) // 2, (width - 32) // 2
    larger[top : top + 32, left : left + 32] = image
    return larger


@pytest.mark.parametrize("ratio", [3 / 2, 2 / 3])
@pytest.mark.parametrize("truth", ["cut", "squash"])
def test_samples_say_how_squares_were_made(tmp_path, digits, ratio, truth):
    oblong = [beside(image, ratio) for image in digits]
    train, heldout = plain(tmp_path / "train", oblong[:60]), plain(tmp_path / "heldout", oblong[60:360])
    squashed = [
        np.asarray(Image.fromarray(x).resize((32, 32), Image.Resampling.BICUBIC)) for x in oblong[500:]
    ]
    samples = plain(tmp_path / "samples", digits[500:] if truth == "cut" else squashed)
    sets, said, _ = chosen(samples, train, heldout)
    assert said.fit == truth
    assert abs(sets.train.small[0, 0].numpy() * 255 - digits[0]).max() < 1 or truth == "squash"


def test_images_that_are_nearly_square_are_no_question(tmp_path, digits):
    nearly = [
        np.pad(np.kron(image, np.ones((3, 3), np.uint8)), [(0, 0), (0, 1)], mode="edge") for image in digits
    ]
    train, heldout = plain(tmp_path / "train", nearly[:60]), plain(tmp_path / "heldout", nearly[60:160])
    assert chosen(plain(tmp_path / "samples", digits[500:560]), train, heldout)[1].fit == "cut"


def sprites(images):
    """Colored glyphs (h, w, 4), transparent around them, where the stored color is black."""
    colors = np.random.default_rng(1).integers(60, 256, (len(images), 1, 1, 3))
    inside = (images > 60)[..., None]
    rgb = (images[..., None] / 255 * colors * inside).round().astype(np.uint8)
    return np.concatenate([rgb, inside.astype(np.uint8) * 255], axis=-1)


@pytest.mark.parametrize("truth", ["white", "black"])
def test_samples_say_what_became_of_transparency(tmp_path, digits, truth):
    clear = sprites(digits)
    train, heldout = plain(tmp_path / "train", clear[:60]), plain(tmp_path / "heldout", clear[60:260])
    paper = np.where(clear[..., 3:] == 0, 255 if truth == "white" else 0, clear[..., :3]).astype(np.uint8)
    sets, said, _ = chosen(plain(tmp_path / "samples", paper[500:560]), train, heldout)
    assert said.transparency == truth  # black and hidden are the same pictures here: the first is taken
    assert sets.train.small[0, :, 0, 0].tolist() == [truth == "white"] * 3


@pytest.mark.parametrize("white", [1, 1023, 4095, 16383])
def test_samples_of_certain_range_say_what_white_is(digits, white):
    if white == 1:
        integers, made = (digits > 127).astype(np.uint8), (digits > 127).astype(np.float32)
    else:
        integers, made = (digits.astype(int) * white // 255).astype(np.uint16), digits
    sets, said, _ = chosen(made[500:560], integers[:60], integers[60:260])
    assert said.white == white
    np.testing.assert_allclose(sets.train.small[:, 0], integers[:60] / white, atol=1e-6)


def test_sets_that_are_all_uncertain_are_refused_and_audited_with_their_white(digits):
    twelve = digits.astype(np.uint16) * 16
    parts = twelve[500:560], twelve[:60], twelve[60:260]
    with pytest.raises(InputError, match=r"samples .*white is uncertain.*--white 4095"):
        chosen(*parts)
    sets, said, _ = chosen(*parts, {"white": 4095})
    assert said.white == 4095
    np.testing.assert_allclose(sets.heldout.small[0, 0], twelve[60] / 4095, atol=1e-6)
    mixed = digits[500:560] / 255, parts[1], parts[2]  # samples in floats are what they are
    assert chosen(*mixed, {"white": 4095})[0].samples.small.max() > 0.99


@pytest.mark.parametrize("white", [255, 70_000])
def test_a_white_that_the_sets_cannot_have_is_refused(digits, white):
    twelve = digits.astype(np.uint16) * 16
    with pytest.raises(InputError, match=f" {white}[,;]"):
        chosen(digits[500:560], twelve[:60], twelve[60:260], {"white": white})


def test_the_reading_of_a_trained_run_is_applied(tmp_path, digits):
    class Run:
        reading = Reading(orientation="stored")

    train = photographs(tmp_path / "train", digits[:60], 3)
    heldout = photographs(tmp_path / "heldout", digits[60:160], 3)
    known = known_reading(None, Run())
    sets, said, _ = chosen(digits[500:560], train, heldout, known=known)
    assert said.orientation == "stored"
    assert said.why == "Pictures were read as the trained run read its data."
    np.testing.assert_allclose(sets.train.small[0, 0], np.rot90(digits[0], 2) / 255, atol=1e-6)
    obeyed = chosen(digits[500:560], train, heldout, {"orientation": "shown"}, known)
    assert obeyed[1].orientation == "shown"
    assert known_reading("folder", None) == {}


def test_an_audit_finds_the_copies_of_a_trainer_that_ignores_marks_and_shows_them_so(tmp_path, digits):
    train = photographs(tmp_path / "train", digits[:50], 6)
    heldout = photographs(tmp_path / "heldout", digits[60:220], 6)
    as_seen = np.rot90(np.concatenate([digits[:20], digits[500:530]]), 1, (1, 2))
    samples = plain(tmp_path / "samples", as_seen)
    result = audit(samples=samples, train=train, heldout=heldout, planted=4, queries=50)
    assert result.verdict == "copying"
    assert result.inputs.reading.orientation == "stored"
    assert {pair.train_names[0] for pair in result.pairs if pair.flagged} >= {"000.png", "013.png"}
    result.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "as stored, whatever their rotation mark says" in page
    again = type(result).model_validate_json(result.model_dump_json())
    assert again.inputs.reading == result.inputs.reading


def test_shards_keep_the_reading_that_they_were_written_in(tmp_path, digits):
    images = torch.from_numpy(digits[:60].copy())[:, None]
    write_shards(tmp_path / "shards", numbered([images]))
    heldout = photographs(tmp_path / "heldout", digits[60:260], 6)
    samples = plain(tmp_path / "samples", digits[500:560])
    stored = opened(tmp_path / "shards", Searching(), lambda stage, done, total: None)
    for given in ({}, {"orientation": "stored"}):
        reading = USUAL.but(given)
        sets = Sets(
            gather(samples, what="samples", reading=reading, alone=False),
            stored,
            gather(heldout, what="heldout", reading=reading, alone=False),
        )
        _, said, warnings = as_trained(sets, given, {}, 0.01)
        assert said.orientation == given.get("orientation", "shown")
        assert "fixed when the shards were written" in warnings[-1]
    with pytest.raises(InputError, match="orientation with a set in shards"):
        dedup(tmp_path / "shards", orientation="stored")


def test_dedup_of_a_faint_set_is_refused_and_right_with_its_white(digits):
    large = np.kron(digits[:60], np.ones((1, 2, 2), np.uint8))
    with pytest.raises(InputError, match=r"--white 4095"):
        dedup(large.astype(np.uint16) * 16, planted=4, queries=50)
    with pytest.raises(InputError, match=r"--white 15 .*--white 255 if these images are that dark"):
        dedup(large // 16, planted=4, queries=50)
    result = dedup(large.astype(np.uint16) * 16, planted=4, queries=50, white=4095)
    assert result.distinct == 60
    assert any("White is 4,095" in warning for warning in result.warnings)


def test_settings_that_no_set_shows_together_are_asked_for(tmp_path, digits):
    """The held-out pictures are only marked, the training pictures only oblong: neither tells both settings."""
    train = plain(tmp_path / "train", [beside(image, 3 / 2) for image in digits[:60]])
    heldout = photographs(tmp_path / "heldout", digits[60:360], 6)
    samples = plain(tmp_path / "samples", digits[500:560])
    with pytest.raises(InputError, match=r"300 of 300 carry.*60 of 60 are not.*--orientation.*--fit"):
        chosen(samples, train, heldout)
    assert chosen(samples, train, heldout, {"fit": "cut"})[1].orientation == "shown"


def test_a_comparison_of_the_samples_keeps_its_reason_beside_a_known_run(digits):
    integers = (digits.astype(int) * 4095 // 255).astype(np.uint16)
    known = {"orientation": "stored"}
    _, said, _ = chosen(digits[500:560], integers[:60], integers[60:360], known=known)
    assert said.white == 4095
    assert "white 4095 fits the samples" in said.why


@pytest.mark.parametrize(
    "given", [{"orientation": "stored"}, {"fit": "cut"}, {"transparency": "black"}, {"white": 9}]
)
def test_features_have_no_setting_of_pictures(given):
    features = np.random.default_rng(0).normal(size=(3, 20, 4))
    with pytest.raises(InputError, match=f"{next(iter(given))} .*no set of images"):
        chosen(*features, given)


def test_some_images_of_a_set_have_no_ways_of_the_whole_set(tmp_path, digits):
    images = gather(photographs(tmp_path / "a", digits[:12], 6), what="train", alone=False)
    assert images.ways is not None
    assert images.some(torch.tensor([3, 5])).ways is None
