import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.auditing.inputs import check_together, gather, overlap
from byheart.auditing.inputs import together as module


def sets(*sizes, side=32, channels=1, seed=0):
    """Smooth unrelated images: noise that was enlarged."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(sum(sizes), channels, 6, 6, generator=generator)
    x = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return [gather(part, what="train") for part in x.split(list(sizes))]


def again(images, **changed):
    return gather(changed.get("small", images.small), what="train")


def test_apart_sets_pass():
    samples, train, heldout = sets(30, 50, 40)
    assert check_together(samples, train, heldout) == ()
    assert overlap(train, heldout) == ()


def test_equal_images_are_found_and_refused_with_their_names():
    train, heldout = sets(50, 40)
    small = heldout.small.clone()
    small[[3, 17]] = train.small[[41, 8]]
    heldout = again(heldout, small=small)
    assert overlap(train, heldout, allow=True) == (("row 41", "row 3"), ("row 8", "row 17"))
    with pytest.raises(
        InputError, match=r"2 of 40 held-out.*row 41 = row 3, row 8 = row 17.*--allow-overlap"
    ):
        overlap(train, heldout)


@pytest.mark.parametrize("chunk", [7, 2048])
def test_near_equal_images_are_found(monkeypatch, chunk):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    train, heldout = sets(50, 40, channels=3)
    small = heldout.small.clone()
    noise = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))
    small[5] = (0.5 * train.small[30] + 0.2).clamp(0, 1)  # contrast does not count
    small[9] = (train.small[12] + 0.004 * noise).clamp(0, 1)
    small[11] = (train.small[13] + 0.3 * noise).clamp(0, 1)  # no longer the same image
    assert overlap(train, again(heldout, small=small), allow=True) == (
        ("row 30", "row 5"),
        ("row 12", "row 9"),
    )


def test_the_border_of_near_is_a_correlation_of_0_999():
    """In space `soft`, with exact unit norms: a + t·b of orthogonal unit a and b correlates 1/√(1 + t²) with a."""
    (train,) = sets(300)
    response = module.spaces(train.small).soft
    a, b = module.exact_rows(train.small[:2], response)
    b = b - (a @ b) * a
    b = b / b.norm()
    for t, near in ((0.0430, True), (0.0465, False)):  # 1/√(1 + t²) = .99908, .99892
        mixed = torch.fft.irfft2(
            torch.fft.rfft2((a + t * b).view(32, 32)) / response.clamp_min(1e-6), s=(32, 32)
        )
        mixed = (mixed - mixed.min()) / (mixed.max() - mixed.min())
        found = module._near(train.small, torch.stack([mixed[None], train.small[7]]))
        assert (found.get(0) == 0) is near
        assert found[1] == 7


def test_blank_images_are_equal_not_near():
    train, heldout = sets(20, 20)
    for images, level in ((train, 0.7), (heldout, 0.3)):
        images.small[0] = 0.25
        images.small[1] = level
        images.small[1, :, :, :16] += (
            1.2e-7  # what float rounding leaves of a resized blank image, alike in both
        )
    assert overlap(train, heldout, allow=True) == (("row 0", "row 0"),)


def test_equal_rows_of_features():
    values = np.random.default_rng(0).random((30, 5), np.float32)
    heldout = np.random.default_rng(1).random((20, 5), np.float32)
    heldout[4] = values[9]
    pair = overlap(gather(values, what="train"), gather(heldout, what="heldout"), allow=True)
    assert pair == (("row 9", "row 4"),)


ORDERS = {
    "the same 50 in the same order": slice(None),
    "the same 50 in another order": torch.arange(49, -1, -1),
}


@pytest.mark.parametrize("how", ORDERS)
@pytest.mark.parametrize("mistake", ["samples are train", "heldout is train", "samples are heldout"])
def test_one_set_passed_for_another(how, mistake):
    a, b, c = sets(50, 50, 50)
    twin = again(a, small=a.small[ORDERS[how]].clone())
    given = {
        "samples are train": (twin, a, b),
        "heldout is train": (b, a, twin),
        "samples are heldout": (a, b, twin),
    }
    with pytest.raises(InputError, match=f"themselves: {how}.*need different sets"):
        check_together(*given[mistake])
    assert check_together(a, b, c) == ()


def test_the_beginning_of_a_set_and_the_same_path(tmp_path):
    train, other = sets(50, 50)
    with pytest.raises(InputError, match="the same 20 in the same order"):
        check_together(again(train, small=train.small[:20]), train)
    for row, image in enumerate(np.random.default_rng(0).integers(0, 255, (9, 32, 32), dtype=np.uint8)):
        Image.fromarray(image).save(tmp_path / f"{row}.png")
    sets_ = [gather(path, what="train", count=count) for path, count in ((tmp_path, 4), (f"{tmp_path}/.", 5))]
    with pytest.raises(InputError, match="the same path"):
        check_together(*sets_)
    assert check_together(other, train) == ()


def test_a_model_that_copies_is_no_mistake():
    """Copies in random order with repeats are what an audit is for."""
    (train,) = sets(50)
    train.small[0], train.small[1] = 0, 1  # so that both sets have the same extremes at every pixel
    rows = torch.randint(50, (50,), generator=torch.Generator().manual_seed(0))
    rows[10], rows[11] = 0, 1
    assert check_together(again(train, small=train.small[rows]), train) == ()


def test_kinds_channels_and_lengths_must_agree():
    (grey,) = sets(20)
    (color,) = sets(20, channels=3, seed=1)
    features = gather(np.random.default_rng(0).random((20, 5)), what="train")
    longer = gather(np.random.default_rng(0).random((20, 6)), what="train")
    for given, need in (
        ((grey, color), "--channels 1 or --channels 3"),
        ((color, color, grey), "--channels 1 or --channels 3"),
        ((features, grey), "images in all sets, or features in all"),
        ((longer, features), "features of one encoder"),
    ):
        with pytest.raises(InputError, match=need):
            check_together(*given)


def test_what_to_be_wary_of(tmp_path):
    (train,) = sets(40, side=28)
    (samples,) = sets(40, side=64, seed=1)
    (warning,) = check_together(samples, train)
    assert warning.startswith("samples of 64×64 and train of 28×28 pixels are prepared differently")
    for row in range(30):
        Image.fromarray(np.random.default_rng(row).integers(0, 255, (28, 28), dtype=np.uint8)).save(
            tmp_path / f"{row}.png"
        )
    (tmp_path / "b\x1bd.png").write_bytes(b"rubbish")
    (warning,) = check_together(gather(tmp_path, what="samples"), train)
    assert (
        warning
        == "1 of 31 of samples could not be read and are left out, the first b\\x1bd.png (not an image)."
    )


def test_columns_of_tables_are_compared_by_name():
    numbers = np.random.default_rng(0).normal(size=(2, 40, 3))
    train = dict(zip("abc", numbers[0].T, strict=True))
    sets = {
        "in another order": dict(zip("cba", numbers[1].T[::-1], strict=True)),
        "without c and with d": dict(zip("abd", numbers[1].T, strict=True)),
        "without c": dict(zip("ab", numbers[1].T, strict=False)),
    }
    known = gather(train, what="train")
    for said, samples in sets.items():
        with pytest.raises(InputError, match=said):
            check_together(gather(samples, what="samples"), known)
    check_together(gather(dict(zip("abc", numbers[1].T, strict=True)), what="samples"), known)
    check_together(gather(numbers[1], what="samples"), known)
