"""Planted copies: each is exactly what its name says, and depends on nothing but its image, its name and the seed."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics.copying.distortions import gaussian_blur
from byheart.metrics.copying.planted import CLOSE, PLANTED, near_duplicates, plant

ROWS = list(range(24))
EIGHTS = {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)} - {(0, 0)}


def pictures(channels: int = 1, count: int = 40, seed: int = 0) -> torch.Tensor:
    """Smooth 8-bit images: filtered noise, stretched to [.1, .9]."""
    noise = torch.randn(count, channels, 32, 32, generator=torch.Generator().manual_seed(seed))
    smooth = gaussian_blur(noise, 2.0).flatten(1)
    low, high = smooth.amin(1, keepdim=True), smooth.amax(1, keepdim=True)
    return ((0.1 + 0.8 * (smooth - low) / (high - low)) * 255).round().reshape(count, channels, 32, 32) / 255


TRAIN = pictures()


def bits(x: torch.Tensor) -> torch.Tensor:
    return (255 * x.clamp(0, 1) + 0.5).floor() / 255


def test_the_vocabulary_is_that_of_the_published_card():
    main = [name for name, planting in PLANTED.items() if planting.main]
    assert main == [
        *(
            "exact",
            "noise-0.05",
            "noise-0.15",
            "shift-1",
            "shift-2",
            "flip",
            "crop-90",
            "gain-0.8",
            "gain-1.2",
        ),
        *("contrast-0.7", "jpeg-50", "blur-0.8", "rotation-5"),
    ]
    assert main[:11] == list(CLOSE)
    groups = {
        group: [n for n, p in PLANTED.items() if p.group == group]
        for group in ("blend", "local", "compound", "outside")
    }
    assert groups == {
        "blend": ["blend"],
        "local": ["collage"],
        "compound": ["flip-crop-noise", "jpeg-shift-gain"],
        "outside": ["crop-80", "rotation-10", "noise-0.30", "inversion"],
    }
    channels = {name: planting.channel for name, planting in PLANTED.items() if planting.channel != "whole"}
    assert channels == {"blend": "blend", "collage": "local"}
    assert all(planting.name == name for name, planting in PLANTED.items())


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", PLANTED)
def test_every_copy_is_an_8_bit_image_that_no_other_copy_changes(name, channels):
    train = pictures(channels, count=9)
    found = plant(name, train, [3, 0, 7], seed=5)
    assert found.images.shape == (3, channels, 32, 32)
    assert found.images.dtype == torch.float32
    assert torch.equal((found.images * 255).round() / 255, found.images)
    assert found.images.min() >= 0 and found.images.max() <= 1
    alone = [plant(name, train, [row], seed=5) for row in (3, 0, 7)]
    assert torch.equal(torch.cat([each.images for each in alone]), found.images)
    assert torch.equal(torch.cat([each.sources for each in alone]), found.sources)
    assert found.sources[:, 0].tolist() == [3, 0, 7]
    assert (
        (found.sources[:, 1] >= 0).all()
        == (found.sources[:, 1] != -1).any()
        == (PLANTED[name].channel != "whole")
    )


@pytest.mark.parametrize("name", ["noise-0.05", "shift-1", "crop-90", "blend", "collage"])
def test_another_seed_makes_other_choices(name):
    assert not torch.equal(plant(name, TRAIN, ROWS, seed=0).images, plant(name, TRAIN, ROWS, seed=1).images)


def test_every_kind_has_streams_of_its_own():
    grey = torch.full((5, 1, 32, 32), 0.5)
    weak, strong = (plant(f"noise-0.{sd}", grey, range(5), seed=0).images.flatten() for sd in ("05", "15"))
    assert abs(torch.stack([weak, strong]).corrcoef()[0, 1]) < 0.06  # 4 s.e.


def test_the_global_stream_is_not_touched():
    before = torch.random.get_rng_state()
    for name in PLANTED:
        plant(name, TRAIN, [0], seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_exact_is_exact():
    assert torch.equal(plant("exact", TRAIN, ROWS, seed=0).images, TRAIN[:24])


def test_flipped_twice_is_the_image():
    once = plant("flip", TRAIN, ROWS, seed=0).images
    assert torch.equal(once[..., 0], TRAIN[:24, ..., 31])
    assert torch.equal(plant("flip", once, ROWS, seed=0).images, TRAIN[:24])


@pytest.mark.parametrize("pixels", [1, 2])
def test_a_shift_is_a_roll_away_from_the_border_in_eight_directions(pixels):
    train = pictures(count=120)
    found, seen = plant(f"shift-{pixels}", train, range(120), seed=0).images, set()
    inner = (slice(None), slice(pixels, -pixels), slice(pixels, -pixels))
    for image, moved in zip(train, found, strict=True):
        fits = [
            move
            for move in EIGHTS
            if torch.equal(image.roll((pixels * move[0], pixels * move[1]), (1, 2))[inner], moved[inner])
        ]
        assert len(fits) == 1
        seen.add(fits[0])
        down, right = fits[0]
        if down > 0:  # the first row is repeated where the image has moved away from the edge
            assert torch.equal(moved[:, 0], moved[:, pixels])
        if right < 0:
            assert torch.equal(moved[:, :, -1], moved[:, :, -1 - pixels])
    assert seen == EIGHTS


@pytest.mark.parametrize(("name", "sd"), [("noise-0.05", 0.05), ("noise-0.15", 0.15), ("noise-0.30", 0.30)])
def test_noise_has_its_standard_deviation_and_is_new_for_every_image(name, sd):
    grey = torch.full((40, 1, 32, 32), 128 / 255)
    noise = plant(name, grey, range(40), seed=0).images - 128 / 255
    if sd < 0.3:  # more is clipped
        assert noise.std() == pytest.approx((sd**2 + 1 / (12 * 255**2)) ** 0.5, rel=0.02)
    else:
        z = torch.randn(10**6, generator=torch.Generator().manual_seed(0)) * sd
        assert noise.std() == pytest.approx(float(z.clamp(-128 / 255, 127 / 255).std()), rel=0.02)
    assert abs(noise.mean()) < 4 * sd / 40960**0.5
    assert noise.flatten(1).corrcoef().triu(1).abs().max() < 0.2


def test_brightness_contrast_and_inversion():
    x = TRAIN[:24]
    assert torch.equal(plant("gain-0.8", TRAIN, ROWS, seed=0).images, bits(0.8 * x))
    assert torch.equal(plant("gain-1.2", TRAIN, ROWS, seed=0).images, bits(1.2 * x))
    assert (1.2 * x).max() > 1
    assert torch.equal(plant("contrast-0.7", TRAIN, ROWS, seed=0).images, bits((x - 0.5) * 0.7 + 0.5))
    assert torch.equal(plant("inversion", TRAIN, ROWS, seed=0).images, bits(1 - x))


def test_the_blur_is_that_of_scipy():
    from scipy.ndimage import gaussian_filter

    for width in (0.7, 0.8, 1.0, 2.0):
        expected = gaussian_filter(TRAIN[0, 0].double().numpy(), width, mode="nearest", truncate=4)
        assert_close(
            gaussian_blur(TRAIN[:1], width)[0, 0].double(), torch.from_numpy(expected), rtol=0, atol=1e-6
        )
    blurred = plant("blur-0.8", TRAIN, ROWS, seed=0).images
    assert (blurred - gaussian_blur(TRAIN[:24], 0.8)).abs().max() < 0.501 / 255


def ramps(count: int) -> torch.Tensor:
    """Images that say where they are: red rises by 4/255 a column, green a row."""
    line = (16 + 4 * torch.arange(32.0)) / 255
    image = torch.stack([line.expand(32, 32), line[:, None].expand(32, 32)])
    return image.expand(count, 2, 32, 32)


@pytest.mark.parametrize(("name", "share"), [("crop-90", 0.9), ("crop-80", 0.8)])
def test_a_crop_keeps_its_share_of_the_side_anywhere(name, share):
    found = 255 * plant(name, ramps(200), range(200), seed=0).images
    columns, rows = found[:, 0, 16], found[:, 1, :, 16]
    for line in (columns, rows):
        # away from the border the ramp is reproduced with its slope times the share
        slope = (line[:, 26] - line[:, 6]) / 20
        assert_close(slope, torch.full((200,), 4 * share), rtol=0, atol=0.06)  # rounding: 1 in 20 pixels
        # pixel j shows place left + share·(j + ½) − ½
        place = (line[:, 16] - 16) / 4 + 0.5 - share * 16.5
        room = 32 * (1 - share)
        assert place.min() == pytest.approx(0, abs=0.15 + room / 20)
        assert place.max() == pytest.approx(room, abs=0.15 + room / 20)
        assert place.mean() == pytest.approx(room / 2, abs=4 * room / (12 * 200) ** 0.5)
        assert (place % 1 - 0.5).abs().min() < 0.2  # positions between pixels too
    left, top = columns[:, 16], rows[:, 16]
    assert abs(np.corrcoef(left, top)[0, 1]) < 0.2


@pytest.mark.parametrize(("name", "degrees"), [("rotation-5", 5), ("rotation-10", 10)])
def test_a_rotation_turns_to_either_side(name, degrees):
    found = 255 * plant(name, ramps(40), range(40), seed=0).images
    rise = (found[:, 0, 22, 15] - found[:, 0, 9, 15]) / 13  # of the column ramp, going down: ∓ 4 sin
    expected = 4 * np.sin(np.radians(degrees))
    assert_close(rise.abs(), torch.full((40,), float(expected)), rtol=0, atol=0.08)
    assert (rise > 0).any() and (rise < 0).any()


def test_what_comes_in_at_the_corners_is_the_fill():
    corners = (..., [0, 0, 31, 31], [0, 31, 0, 31])
    half = torch.full((4, 3, 32, 32), 0.5)
    assert (plant("rotation-10", half, range(4), seed=0).images[corners] == 0).all()
    assert (plant("rotation-10", half, range(4), seed=0, fill=1.0).images[corners] == 1).all()
    assert torch.equal(
        plant("rotation-10", half, range(4), seed=0).images[..., 16, 16], bits(half[..., 16, 16])
    )


def jpeg(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)  # as Pillow does by default
    return np.array(Image.open(file))


def test_jpeg_is_pillows_with_its_defaults():
    color = pictures(3, count=3)
    expected = [jpeg((255 * x).round().byte().permute(1, 2, 0).numpy()) for x in color]
    found = plant("jpeg-50", color, range(3), seed=0).images
    assert torch.equal((255 * found).round().byte().permute(0, 2, 3, 1), torch.from_numpy(np.stack(expected)))
    grey = [jpeg((255 * x[0]).round().byte().numpy()) for x in TRAIN[:3]]
    found = plant("jpeg-50", TRAIN, range(3), seed=0).images
    assert torch.equal((255 * found[:, 0]).round().byte(), torch.from_numpy(np.stack(grey)))


def test_jpeg_of_four_channels_is_that_of_colors_and_a_grey_fourth():
    four = pictures(4, count=2)
    found = plant("jpeg-50", four, range(2), seed=0).images
    assert torch.equal(found[:, :3], plant("jpeg-50", four[:, :3], range(2), seed=0).images)
    assert torch.equal(found[:, 3:], plant("jpeg-50", four[:, 3:], range(2), seed=0).images)


def test_a_blend_is_the_mean_of_its_two_sources():
    found = plant("blend", TRAIN, range(40), seed=0)
    first, second = found.sources.unbind(1)
    assert torch.equal(found.images, bits((TRAIN[first] + TRAIN[second]) / 2))
    assert (first != second).all()
    assert len(set(second.tolist())) > 15


def test_the_second_source_is_any_other_image():
    for row in range(3):
        seen = {int(plant("blend", TRAIN[:3], [row], seed=s).sources[0, 1]) for s in range(30)}
        assert seen == {0, 1, 2} - {row}


def test_a_collage_has_one_half_of_four_from_its_second_source():
    found, seen = plant("collage", TRAIN, range(40), seed=0), set()
    for image, (first, second) in zip(found.images, found.sources.tolist(), strict=True):
        other = image == TRAIN[second]
        same = image == TRAIN[first]
        halves = {
            "left": (other[..., :16], same[..., 16:]),
            "right": (other[..., 16:], same[..., :16]),
            "top": (other[:, :16], same[:, 16:]),
            "bottom": (other[:, 16:], same[:, :16]),
        }
        seen |= {name for name, (a, b) in halves.items() if a.all() and b.all()}
        assert any(a.all() and b.all() for a, b in halves.values())
    assert seen == {"left", "right", "top", "bottom"}


def test_compounds_do_their_steps_in_order():
    flat = torch.full((30, 1, 32, 32), 0.5)
    flat[..., 16:] = 1.0  # bright on the right
    found = plant("flip-crop-noise", flat, range(30), seed=0).images
    assert found[..., :12].mean() == pytest.approx(0.98, abs=0.01)  # flipped, noise clipped at 1
    assert found[..., 20:].std() == pytest.approx(0.05, rel=0.05)  # noised after the resampling, not before
    dim = plant("jpeg-shift-gain", TRAIN, ROWS, seed=0).images
    assert dim.mean() == pytest.approx(0.8 * float(TRAIN[:24].mean()), rel=0.01)
    pressed = bits(plant("jpeg-50", TRAIN, ROWS, seed=0).images * 0.8)
    for image, whole in zip(dim, pressed, strict=True):
        moved = [whole.roll(move, (1, 2))[:, 1:-1, 1:-1] for move in EIGHTS]
        assert any(torch.equal(image[:, 1:-1, 1:-1], each) for each in moved)


def test_a_near_duplicate_is_moved_dimmed_and_noised():
    found = near_duplicates(TRAIN, seed=0)
    assert torch.equal(found, near_duplicates(TRAIN, seed=0))
    for image, near in zip(TRAIN, found, strict=True):
        rest = [(near - 0.95 * image.roll(move, (1, 2)))[:, 1:-1, 1:-1].std() for move in EIGHTS]
        assert min(rest) == pytest.approx(0.02, rel=0.1)
    assert found.mean() == pytest.approx(0.95 * float(TRAIN.mean()), rel=0.005)


def test_the_rounding_of_a_float_is_no_value_outside():
    x = TRAIN[:2].clone()
    x[0, 0, 0, 0], x[1, 0, 0, 0] = -1e-7, 1 + 1e-6
    found = plant("exact", x, [0, 1], seed=0).images
    assert found[:, 0, 0, 0].tolist() == [0, 1]


BAD = TRAIN.clone()
BAD[1, 0, 3, 4] = float("nan")


@pytest.mark.parametrize(
    "call",
    [
        lambda: plant("shift", TRAIN, ROWS, seed=0),
        lambda: plant("exact", TRAIN, [40], seed=0),
        lambda: plant("exact", TRAIN, [-1], seed=0),
        lambda: plant("exact", TRAIN, [], seed=0),
        lambda: plant("exact", TRAIN, torch.tensor([0.5]), seed=0),
        lambda: plant("exact", TRAIN, torch.zeros(1, 1, dtype=torch.long), seed=0),
        lambda: plant("exact", TRAIN, torch.tensor([True]), seed=0),
        lambda: plant("exact", TRAIN[:, :, :28], [0], seed=0),
        lambda: plant("exact", TRAIN * 255, [0], seed=0),
        lambda: plant("exact", TRAIN - 0.5, [0], seed=0),
        lambda: plant("exact", TRAIN + 0.25, [0], seed=0),
        lambda: plant("exact", BAD, [1], seed=0),
        lambda: plant("rotation-5", TRAIN, [0], seed=0, fill=255),
        lambda: plant("blend", TRAIN[:1], [0], seed=0),
        lambda: plant("collage", TRAIN[:1], [0], seed=0),
        lambda: near_duplicates(TRAIN * 255, seed=0),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InputError):
        call()
