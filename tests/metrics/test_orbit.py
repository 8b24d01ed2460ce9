"""Poses, shortlist and orbit ratio, against their definitions and published vectors."""

import math

import pytest
import torch
from images_at_32 import digits
from torch.nn.functional import pad

from byheart._checks import InputError
from byheart.metrics.copying.orbit import BLURS, orbit_table
from byheart.metrics.copying.poses import posed, undone
from byheart.metrics.copying.shortlist import shortlist_table
from byheart.metrics.copying.spaces import SIDE, check_images, filtered, softened, spaces, unit

N = 300


@pytest.fixture(scope="module")
def images():
    return digits()


@pytest.fixture(scope="module")
def table(images):
    return orbit_table(images[:N], spaces(images[:N]))


def pose(flip=1.0, angle=0.0, zoom=1.0, dx=0.0, dy=0.0):
    return torch.tensor([[flip, angle, zoom, dx, dy]])


def test_a_filter_scales_each_frequency_by_its_response():
    found = spaces(torch.rand(50, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)))
    rows = torch.arange(SIDE)
    wave = torch.cos(2 * math.pi * 5 * rows / SIDE).expand(1, 1, SIDE, SIDE)
    torch.testing.assert_close(filtered(wave, found.half), wave * found.half[0, 5], atol=1e-5, rtol=0)
    assert float(filtered(torch.ones(1, 1, SIDE, SIDE), found.white).abs().max()) < 1e-6


def test_the_response_is_the_formula():
    """Images with a power of exactly 1/(1 + ring)² in every coefficient: h = (P/P_max + .003)^(−γ/2) exp(−f²/2f₀²)."""
    noise = torch.fft.fft2(torch.randn(20, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1)))
    frequency = torch.fft.fftfreq(SIDE)
    ring = (SIDE * torch.hypot(frequency[:, None], frequency)).round()
    images = torch.fft.ifft2(noise / noise.abs() / (1 + ring)).real
    found = spaces(images - images.amin() + 0.1)
    for response, whitening, band in (
        (found.soft, 0.8, 0.17),
        (found.half, 0.5, 0.25),
        (found.white, 1.0, 0.5),
    ):
        for at in (1, 6, 13):
            f, level = at / SIDE, (2 / (1 + at)) ** 2 + 0.003
            expected = level ** (-whitening / 2) * math.exp(-(f**2) / (2 * band**2))
            assert float(response[0, at]) == pytest.approx(expected, rel=1e-3)
    blur = math.exp(-2 * math.pi**2 * 0.7**2 * (6 / SIDE) ** 2)
    assert float(softened(found.soft, 0.7)[0, 6] / found.soft[0, 6]) == pytest.approx(blur)


def test_only_the_first_2000_images_make_the_spectrum():
    draws = torch.Generator().manual_seed(2)
    noise = torch.rand(2000, 1, SIDE, SIDE, generator=draws)
    more = torch.cat([noise, torch.zeros(10, 1, SIDE, SIDE)])
    assert torch.equal(spaces(noise).soft, spaces(more).soft)


def test_unit_rows_have_no_mean_and_norm_1_unless_blank():
    rows = unit(torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(3)))
    torch.testing.assert_close(rows.mean(1), torch.zeros(4), atol=1e-6, rtol=0)
    assert bool((rows.norm(dim=1) > 0.995).all()) and bool((rows.norm(dim=1) <= 1).all())
    assert float(unit(torch.full((1, 1, 28, 28), 0.7)).abs().max()) < 1e-4


def test_a_shift_of_the_training_image_moves_it_right_and_down(images):
    moved = posed(images[:1], pose(dx=1.0, dy=2.0))
    torch.testing.assert_close(moved[:, :, 4:28, 4:28], images[:1, :, 2:26, 3:27], atol=1e-5, rtol=0)


def test_a_flip_mirrors_left_and_right(images):
    torch.testing.assert_close(
        posed(images[:3], pose(flip=-1.0).repeat(3, 1)), images[:3].flip(3), atol=1e-5, rtol=0
    )


def test_a_zoom_below_1_enlarges_the_middle():
    disk = torch.zeros(1, 1, SIDE, SIDE)
    disk[:, :, 12:20, 12:20] = 1
    assert float(posed(disk, pose(zoom=0.8)).sum() / disk.sum()) == pytest.approx(1 / 0.64, rel=0.03)


@pytest.mark.parametrize("flip", [1.0, -1.0])
@pytest.mark.parametrize("angle", [-5.0, 5.0])
@pytest.mark.parametrize("zoom", [1.0, 0.9])
def test_undoing_a_pose_gives_the_image_back(flip, angle, zoom):
    """On a smooth image, where bilinear warps lose next to nothing: undone(posed(x)) = x in the middle."""
    line = torch.linspace(-3, 3, SIDE)
    smooth = torch.exp(-((line[:, None] - 0.7) ** 2) / 2 - (line[None] + 0.4) ** 2)[None, None]
    copy = posed(smooth, pose(flip, angle, zoom))
    back = undone(copy, *(torch.tensor([value]) for value in (flip, angle, zoom)))
    torch.testing.assert_close(back[..., 6:26, 6:26], smooth[..., 6:26, 6:26], atol=0.03, rtol=0)


def test_the_shortlist_score_is_the_largest_correlation_of_the_definition(images):
    """Written again for one pair: the sample flipped or not, shifted, blurred, averaged, on every second pixel."""
    found = spaces(images[:N])
    scores = shortlist_table(images[:N], found).scores(images[N : N + 2])

    def coarse(x):
        taps = torch.exp(-(torch.arange(-3.0, 4) ** 2) / 1.28)
        taps = taps / taps.sum()
        wide = pad(x[None, None], (3, 3, 3, 3), mode="replicate")[0, 0]
        blurred = sum(
            taps[i] * taps[j] * wide[i : i + SIDE, j : j + SIDE] for i in range(7) for j in range(7)
        )
        return (blurred[1:, 1:] + blurred[:-1, 1:] + blurred[1:, :-1] + blurred[:-1, :-1]) / 4

    for row in range(2):
        x, t = (filtered(one, found.soft)[0] for one in (images[N + row], images[11]))
        best = -1.0
        for flipped in (x, x.flip(1)):
            for zoom, first, side in ((1.0, 2, 14), (0.9, 4, 12)):
                small = undone(flipped[None, None], torch.ones(1), torch.zeros(1), torch.tensor([zoom]))[0, 0]
                grid = slice(first, first + 2 * side - 1, 2)
                fixed = unit(coarse(t)[grid, grid][None, None])[0]
                for dy in range(-2, 3):
                    for dx in range(-2, 3):
                        rows, columns = (slice(first + d, first + d + 2 * side - 1, 2) for d in (dy, dx))
                        best = max(best, float(unit(coarse(small)[rows, columns][None, None])[0] @ fixed))
        assert float(scores[row, 11]) == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize(
    ("flip", "angle", "zoom", "dx", "dy"),
    [
        (1, 0, 1, 0, 0),
        (-1, 0, 1, 0, 0),
        (1, 0, 1, 2, -1),
        (1, 5, 1, 0, 0),
        (-1, -4, 1, 1, 0),
        (1, 0, 0.9, 0, 0),
        (-1, 3, 0.93, 0.5, -1.2),
    ],
)
def test_a_copy_in_a_pose_is_found_with_its_pose(images, table, flip, angle, zoom, dx, dy):
    sources = torch.arange(16)
    true = pose(flip, angle, zoom, dx, dy).float().repeat(16, 1)
    found = table(posed(images[sources], true))
    assert int((found.source == sources).sum()) >= 15
    assert float(found.residual.median()) < 0.01
    right = found.source == sources
    assert bool((found.pose[right, 0] == flip).all())
    error = (found.pose - true)[right].abs()
    assert (
        float(error[:, 3:].median()) < 0.35
        and float(error[:, 1].median()) < 2
        and float(error[:, 2].median()) < 0.03
    )


def test_a_blurred_copy_is_matched_with_a_blurred_training_image(images, table):
    kernel = torch.exp(-(torch.arange(-3.0, 4) ** 2) / (2 * 0.8**2))
    kernel = torch.outer(kernel, kernel) / kernel.sum() ** 2
    blurred = torch.nn.functional.conv2d(images[:32], kernel[None, None], padding=3)
    found = table(blurred)
    assert int((found.source == torch.arange(32)).sum()) >= 31
    assert bool((found.blur[:, None] - torch.tensor(BLURS)).abs().amin(1).le(1e-6).all())
    assert float((found.blur > 0).float().mean()) > 0.9


def test_innocents_and_exact_copies_part(images, table):
    """Section 12 of the measured method, at its order of magnitude: innocents' median .4, exact copies' 2.6 and more."""
    innocent = torch.cat([table(part).score for part in images[N : N + 192].split(16)])
    exact = torch.cat([table(part).score for part in images[:64].split(16)])
    assert float(innocent.median()) < 0.6 and float(innocent.quantile(0.99)) < 1.6
    assert float(exact.quantile(0.05)) > 2.0


def test_the_ratio_skips_two_others_and_averages_seven(images):
    """Three of an image do no harm (two others at residual 0); ten leave nothing to contrast with: collapse them first."""
    others = images[40 : N + 40]
    for copies, told in ((3, True), (10, False)):
        train = torch.cat([images[:1].repeat(copies, 1, 1, 1), others])
        score = orbit_table(train, spaces(train))(images[:1]).score
        assert (float(score[0]) > 2) == told


def test_leave_one_out_never_matches_what_is_masked(images, table):
    own = torch.zeros(16, N, dtype=torch.bool)
    own[torch.arange(16), torch.arange(16)] = True
    found = table(images[:16], own)
    assert not bool((found.source == torch.arange(16)).any())
    assert not bool((found.candidates == torch.arange(16)[:, None]).any())


def test_rows_are_independent(images, table):
    together = table(images[N : N + 9])
    alone = torch.cat([table(images[N + i : N + i + 1]).score for i in range(9)])
    torch.testing.assert_close(together.score, alone, atol=1e-4, rtol=0)


def test_contrast_and_brightness_do_not_matter(images, table):
    plain, faint = table(images[N : N + 32]).score, table(images[N : N + 32] * 0.5 + 0.2).score
    assert float((plain - faint).abs().max()) <= 0.06


def test_blank_images_are_no_copies(table):
    found = table(torch.full((2, 1, SIDE, SIDE), 0.5))
    assert bool(found.score.isfinite().all()) and float(found.score.max()) < 0.1


def test_color_is_compared_jointly(images):
    """An image whose channels are permuted is another image."""
    train = images[:900].view(300, 3, SIDE, SIDE)
    table = orbit_table(train, spaces(train))
    same, other = table(train[:16]), table(train[:16].roll(1, 1))
    assert bool((same.source == torch.arange(16)).all()) and float(same.score.min()) > 1.5
    assert float(other.score.median()) < 1


@pytest.mark.parametrize("shape", [(0, 1, 32, 32), (3, 32, 32), (3, 5, 32, 32), (3, 1, 28, 28)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="32, 32"):
        check_images("train", torch.zeros(shape))
