"""Innocents: what they are made of, and the variances that their definitions promise."""

import pytest
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.metrics.copying.distortions import gaussian_blur, rounded
from byheart.metrics.copying.innocents import INNOCENTS, innocents, population
from byheart.numerics.moments import moments


def pictures(count: int, seed: int, channels: int = 1) -> torch.Tensor:
    """Gaussian images around .5 with a steep spectrum, far from both ends of the range."""
    noise = torch.randn(count, channels, 32, 32, generator=torch.Generator().manual_seed(seed))
    return rounded(0.5 + 0.35 * gaussian_blur(noise, 2.0))


TRAIN, HELDOUT = pictures(600, 0), pictures(400, 1)
GIVEN = population(TRAIN, HELDOUT)
ROWS = list(range(400))
ROUNDING = 1 / (12 * 255**2)


def test_the_vocabulary_says_what_may_be_accused():
    kinds = {
        kind: [n for n, i in INNOCENTS.items() if i.kind == kind] for kind in ("mixture", "parent", "copying")
    }
    assert kinds == {"mixture": ["mean-of-8-nearest"], "parent": ["kde-0.7"], "copying": ["kde-0.3"]}
    assert len(INNOCENTS) == 13


@pytest.mark.parametrize("name", INNOCENTS)
def test_every_image_depends_on_its_row_and_the_seed_only(name):
    before = torch.random.get_rng_state()
    found = innocents(name, GIVEN, [5, 0, 9], seed=2)
    assert found.shape == (3, 1, 32, 32)
    assert torch.equal(rounded(found), found)
    alone = torch.cat([innocents(name, GIVEN, [row], seed=2) for row in (5, 0, 9)])
    assert (found - alone).abs().max() <= 1.001 / 255  # products of one row are summed in another order
    assert torch.equal(found, innocents(name, GIVEN, [5, 0, 9], seed=2))
    assert torch.equal(torch.random.get_rng_state(), before)
    fixed = {"blur-0.7", "blur-1", "blur-2", "contrast-0.3", "pca-100", "mean-of-8-nearest"}
    assert torch.equal(found, innocents(name, GIVEN, [5, 0, 9], seed=3)) == (name in fixed)


@pytest.mark.parametrize("width", ["0.7", "1", "2"])
def test_blurred(width):
    found, expected = innocents(f"blur-{width}", GIVEN, ROWS, 0), gaussian_blur(HELDOUT, float(width))
    # In a batch the sums are taken in another order: a value at a half may be rounded the other way.
    assert (found - expected).abs().max() < 0.501 / 255


@pytest.mark.parametrize("sd", [0.05, 0.15])
def test_noised(sd):
    noise = innocents(f"noise-{sd}", GIVEN, ROWS, 0) - HELDOUT
    assert noise.var() == pytest.approx(sd**2 + ROUNDING, rel=0.03)


def test_faint():
    found = innocents("contrast-0.3", GIVEN, ROWS, 0)
    assert torch.equal(found, rounded((HELDOUT - 0.5) * 0.3 + 0.5))


def test_the_components_are_those_of_a_full_decomposition():
    spectrum = torch.linalg.svdvals(TRAIN.flatten(1).double() - TRAIN.flatten(1).double().mean(0)) / 599**0.5
    assert_close(GIVEN.sd.double(), spectrum[:300], rtol=1e-5, atol=1e-7)
    assert_close(GIVEN.components @ GIVEN.components.T, torch.eye(300), rtol=0, atol=1e-5)
    covariance = moments(TRAIN.flatten(1)).covariance.float()
    assert_close(GIVEN.components @ covariance, GIVEN.sd[:, None] ** 2 * GIVEN.components, rtol=0, atol=1e-6)


def test_more_images_than_pixels_and_fewer_give_the_same_components():
    many = population(pictures(1100, 3), HELDOUT)
    few = many.train[:90]
    wide = population(few, HELDOUT)
    assert len(many.sd) == 300
    assert len(wide.sd) == 89
    spectrum = torch.linalg.svdvals(few.flatten(1).double() - few.flatten(1).double().mean(0)) / 89**0.5
    assert_close(wide.sd.double(), spectrum[:89], rtol=1e-5, atol=1e-7)
    spectrum = torch.linalg.eigvalsh(moments(many.train.flatten(1)).covariance).flip(0)[:300].sqrt()
    assert_close(many.sd.double(), spectrum, rtol=1e-4, atol=1e-6)


def test_repeated_images_have_no_components_of_rounding():
    twice = population(TRAIN[:60].repeat(4, 1, 1, 1), HELDOUT)
    assert len(twice.sd) == 59
    assert_close(twice.components @ twice.components.T, torch.eye(59), rtol=0, atol=1e-5)
    blank = population(torch.full((50, 1, 32, 32), 0.2), HELDOUT)
    assert (innocents("pca-gaussian", blank, [0, 1], 0) == 51 / 255).all()


def test_the_projection_is_the_nearest_point_of_100_components():
    found = innocents("pca-100", GIVEN, ROWS, 0).flatten(1) - GIVEN.mean
    inside, outside = found @ GIVEN.components[:100].T, found @ GIVEN.components[100:].T
    assert_close(inside, (HELDOUT.flatten(1) - GIVEN.mean) @ GIVEN.components[:100].T, rtol=0, atol=0.01)
    assert outside.var() == pytest.approx(ROUNDING, rel=0.1)  # nothing but the rounding to 8 bits


def test_a_mean_of_two_has_half_the_variance():
    found = innocents("mean-of-2", GIVEN, ROWS, 0)
    assert found.var(0).sum() == pytest.approx(float(HELDOUT.var(0).sum()) / 2, rel=0.05)
    others = 2 * found - HELDOUT
    index = torch.stack([(HELDOUT - other).abs().amax((1, 2, 3)).argmin() for other in others[:50]])
    assert (others[:50] - HELDOUT[index]).abs().max() < 1.1 / 255  # a held-out image
    assert (index != torch.arange(50)).all()


def test_the_other_of_two_is_another_one():
    given = population(TRAIN[:50], HELDOUT[:2])
    for seed in range(12):
        found = innocents("mean-of-2", given, [0, 1], seed)
        assert (found - HELDOUT[:2].mean(0)).abs().max() < 0.51 / 255


def test_a_mean_of_50_of_50_training_images_is_their_mean():
    found = innocents("mean-of-50", population(TRAIN[:50], HELDOUT), [0, 1], 0)
    assert (found - TRAIN[:50].mean(0)).abs().max() < 0.51 / 255


def test_a_mean_of_50_has_a_fiftieth_of_the_variance():
    # Without replacement: (1/50)(1 − 50/600) of the variance of train.
    found = innocents("mean-of-50", GIVEN, ROWS, 0)
    expected = float(TRAIN.var(0).sum()) / 50 * (1 - 50 / 600) + 1024 * ROUNDING
    assert found.var(0).sum() == pytest.approx(expected, rel=0.05)


def test_a_mean_of_the_nearest_by_brute_force():
    found = innocents("mean-of-8-nearest", GIVEN, ROWS[:20], 0)
    for x, mean in zip(HELDOUT[:20], found, strict=True):
        order = (TRAIN - x).square().sum((1, 2, 3)).argsort()
        assert (mean - TRAIN[order[:8]].mean(0)).abs().max() < 0.51 / 255


def along(x: torch.Tensor) -> torch.Tensor:
    """(b, 300) coordinates along the components, in standard deviations of train."""
    return (x.flatten(1) - GIVEN.mean) @ GIVEN.components.T / GIVEN.sd


@pytest.mark.parametrize("name", ["pca-gaussian", "kde-0.7", "kde-0.3"])
def test_the_variance_is_that_of_the_training_images(name):
    found = along(innocents(name, GIVEN, ROWS, 0))
    assert found[:, :60].var(0).mean() == pytest.approx(1, abs=0.03)  # where the rounding to 8 bits is small
    assert found[:, :60].mean(0).abs().max() < 0.25  # 5 s.e.


@pytest.mark.parametrize("h", [0.7, 0.3])
def test_a_smoothed_density_has_one_parent_a_sample(h):
    found, train = along(innocents(f"kde-{h}", GIVEN, ROWS, 0))[:, :60], along(TRAIN)[:, :60]
    shrunk = train / (1 + h**2) ** 0.5
    parents = torch.stack([(shrunk - x).square().sum(1).argmin() for x in found])
    rest = found - shrunk[parents]
    assert rest.var() == pytest.approx(h**2 / (1 + h**2), rel=0.05)
    assert len(parents.unique()) == pytest.approx(
        600 * (1 - (1 - 1 / 600) ** 400), rel=0.06
    )  # drawn with replacement


def test_a_draw_of_the_gaussian_has_no_parent():
    found, train = along(innocents("pca-gaussian", GIVEN, ROWS, 0))[:, :60], along(TRAIN)[:, :60]
    nearest_train = torch.stack([(train - x).square().sum(1).min() for x in found]).mean()
    nearest_heldout = torch.stack([(train - x).square().sum(1).min() for x in along(HELDOUT)[:, :60]]).mean()
    assert nearest_train == pytest.approx(float(nearest_heldout), rel=0.05)


def test_colors():
    given = population(pictures(60, 4, channels=3), pictures(10, 5, channels=3))
    for name in INNOCENTS:
        assert innocents(name, given, [0, 9], 0).shape == (2, 3, 32, 32)


@pytest.mark.parametrize(
    "call",
    [
        lambda: innocents("blur", GIVEN, [0], 0),
        lambda: innocents("blur-1", GIVEN, [400], 0),
        lambda: innocents("blur-1", GIVEN, [], 0),
        lambda: population(TRAIN[:49], HELDOUT),
        lambda: population(TRAIN, HELDOUT[:1]),
        lambda: population(TRAIN, pictures(5, 0, channels=3)),
        lambda: population(TRAIN * 255, HELDOUT),
        lambda: population(TRAIN, HELDOUT - 1),
        lambda: population(TRAIN[..., :28], HELDOUT),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InputError):
        call()
