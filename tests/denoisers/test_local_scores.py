"""Local scores against their formulas, written out pixel by pixel."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import empirical
from byheart.denoisers.base import score
from byheart.denoisers.local import (
    CELEBA_UNET,
    CIFAR10_PATCHES,
    CIFAR10_RESNET,
    CIFAR10_UNET,
    MNIST_UNET,
    BoundaryBrokenLocal,
    EquivariantLocal,
    LocalScore,
    PatchPosterior,
    PCALocal,
    Scale,
)
from byheart.denoisers.local import dictionary as dictionaries
from byheart.denoisers.local import images as room
from byheart.sampling.solvers import euler_step, integrate

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def number(value):
    return torch.tensor(value, dtype=torch.float64)


SHAPES = [(1, 5, 5), (3, 4, 6), (2, 6, 3)]
LEVELS = torch.tensor([0.3, 0.9, 2.5], dtype=torch.float64)


def set_of(shape):
    """Training images of every kind of neighborhood, and noisy x of them."""
    train = normal(7, *shape)
    return train, train[:3] + LEVELS.reshape(-1, 1, 1, 1) * normal(3, *shape, seed=1)


def inside(shape, row, column, radius):
    """Offsets of the window around a pixel that lie inside the image."""
    reach = range(-radius, radius + 1)
    return [(i, j) for i in reach for j in reach if 0 <= row + i < shape[1] and 0 <= column + j < shape[2]]


def weighted(apart, values, sigma):
    """apart: (n,).  values: (n, c).  The mean, and 1 / Σ w²."""
    weights = (-apart / (2 * sigma**2)).softmax(0)
    return weights @ values, 1 / weights.square().sum()


def local_by_hand(train, x, sigma, window):
    """x: (c, h, w).  D (c, h, w) and n_eff (h, w)."""
    mean, shared = torch.zeros_like(x), torch.zeros_like(x[0])
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            seen = inside(x.shape, row, column, window // 2)
            apart = sum(
                (train[:, :, row + i, column + j] - x[:, row + i, column + j]).square().sum(1)
                for i, j in seen
            )
            mean[:, row, column], shared[row, column] = weighted(apart, train[:, :, row, column], sigma)
    return mean, shared


def patches_by_hand(train, x, sigma, window):
    pasted, count = torch.zeros_like(x), torch.zeros_like(x)
    for row in range(x.shape[1] - window + 1):
        for column in range(x.shape[2] - window + 1):
            place = (..., slice(row, row + window), slice(column, column + window))
            apart = (train[place] - x[place]).flatten(1).square().sum(1)
            pasted[place] += weighted(apart, train[place].flatten(1), sigma)[0].reshape(x[place].shape)
            count[place] += 1
    return pasted / count


def equivariant_by_hand(train, x, sigma, window):
    mean, radius = torch.zeros_like(x), window // 2
    reach = range(-radius, radius + 1)
    height, width = x.shape[1:]
    for row in range(height):
        for column in range(width):
            apart, centers = [], []
            for image in train:
                for at in range(radius, height - radius):
                    for beside in range(radius, width - radius):
                        apart.append(
                            sum(
                                (
                                    image[:, at + i, beside + j]
                                    - x[:, (row + i) % height, (column + j) % width]
                                )
                                .square()
                                .sum()
                                for i in reach
                                for j in reach
                            )
                        )
                        centers.append(image[:, at, beside])
            mean[:, row, column] = weighted(torch.stack(apart), torch.stack(centers), sigma)[0]
    return mean


def broken_by_hand(train, x, sigma, window):
    """Windows padded with zeros; patches of padded images whose part outside is the same."""
    mean, radius = torch.zeros_like(x), window // 2
    side, (height, width) = 2 * radius + 1, x.shape[1:]

    def padded(image):
        return torch.nn.functional.pad(image, (radius,) * 4)

    present = padded(torch.ones(height, width))
    for row in range(height):
        for column in range(width):
            window_of = (..., slice(row, row + side), slice(column, column + side))
            apart, centers = [], []
            for at in range(height):
                for beside in range(width):
                    other = (..., slice(at, at + side), slice(beside, beside + side))
                    if torch.equal(present[window_of], present[other]):
                        difference = padded(train)[other] - padded(x)[window_of]
                        apart.append(difference.flatten(1).square().sum(1))
                        centers.append(train[:, :, at, beside])
            mean[:, row, column] = weighted(torch.cat(apart), torch.cat(centers), sigma)[0]
    return mean


def masked_by_hand(train, x, sigma, threshold):
    flat = train.flatten(1)
    covariance = torch.cov(flat.T, correction=0)
    wiener = covariance @ torch.linalg.inv(covariance + sigma**2 * torch.eye(len(covariance)).double())
    wiener = wiener / wiener.diagonal()[:, None]
    mean, shared = torch.zeros(x.numel()).double(), torch.zeros(x.numel()).double()
    for i in range(x.numel()):
        seen = wiener[i].abs() >= threshold * wiener[i].abs().max()
        apart = (flat - x.flatten())[:, seen].square().sum(1)
        value, shared[i] = weighted(apart, flat[:, i : i + 1], sigma)
        mean[i] = value[0]
    return mean.reshape(x.shape), shared.reshape(x.shape)


def by_row(formula, train, x, setting):
    return torch.stack(
        [formula(train, row, sigma, setting) for row, sigma in zip(x, LEVELS.tolist(), strict=True)]
    )


def check_mean(denoiser, formula, train, x, setting):
    torch.testing.assert_close(denoiser(x, LEVELS), by_row(formula, train, x, setting), **CLOSE)


def check_mean_and_n_eff(denoiser, formula, train, x, setting):
    """formula: both of one row, written out."""
    check_mean(denoiser, lambda *known: formula(*known)[0], train, x, setting)
    shared = by_row(lambda *known: formula(*known)[1], train, x, setting)
    torch.testing.assert_close(denoiser.n_eff(x, LEVELS), shared, **CLOSE)


@pytest.mark.parametrize("chunk", [1, 3, 7, None])
@pytest.mark.parametrize("window", [1, 3, 5, 7, 11])
@pytest.mark.parametrize("shape", SHAPES)
def test_local_score(shape, window, chunk):
    train, x = set_of(shape)
    check_mean_and_n_eff(LocalScore(train, window, chunk=chunk), local_by_hand, train, x, window)


@pytest.mark.parametrize("chunk", [1, 3, None])
@pytest.mark.parametrize("shape", SHAPES)
def test_patch_posterior(shape, chunk):
    train, x = set_of(shape)
    for window in range(1, min(shape[1:]) + 1):
        check_mean(PatchPosterior(train, window, chunk=chunk), patches_by_hand, train, x, window)


@pytest.mark.parametrize("chunk", [1, 3, None])
@pytest.mark.parametrize(
    ("shape", "window"), [((1, 5, 5), 1), ((1, 5, 5), 5), ((3, 4, 6), 3), ((2, 6, 3), 3)]
)
def test_equivariant_local(shape, window, chunk):
    train, x = set_of(shape)
    check_mean(EquivariantLocal(train, window, chunk=chunk), equivariant_by_hand, train, x, window)


@pytest.mark.parametrize("chunk", [1, 3, None])
@pytest.mark.parametrize("window", [1, 3, 5, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_boundary_broken_local(shape, window, chunk):
    train, x = set_of(shape)
    check_mean(BoundaryBrokenLocal(train, window, chunk=chunk), broken_by_hand, train, x, window)


@pytest.mark.parametrize("chunk", [1, 3, None])
@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_pca_local(shape, threshold, chunk):
    train, x = set_of(shape)
    check_mean_and_n_eff(PCALocal(train, threshold, chunk=chunk), masked_by_hand, train, x, threshold)


@pytest.mark.parametrize("shape", SHAPES)
def test_those_that_see_all_are_the_empirical_denoiser(shape):
    train, x = set_of(shape)
    whole = 2 * max(shape[1:]) - 1
    expected = empirical(train)(x, LEVELS)
    for denoiser in (LocalScore(train, whole), BoundaryBrokenLocal(train, whole), PCALocal(train, 0.0)):
        torch.testing.assert_close(denoiser(x, LEVELS), expected, **CLOSE)
    shared = empirical(train).posterior(x, LEVELS).n_eff.reshape(-1, 1, 1).expand(-1, *shape[1:])
    torch.testing.assert_close(LocalScore(train, whole).n_eff(x, LEVELS), shared, **CLOSE)
    # One step less does not see all from the corner.
    assert (LocalScore(train, whole - 2)(x, LEVELS) - expected).abs().max() > 1e-3


def test_one_patch_is_the_empirical_denoiser():
    train, x = set_of((1, 5, 5))
    torch.testing.assert_close(PatchPosterior(train, 5)(x, LEVELS), empirical(train)(x, LEVELS), **CLOSE)


def test_one_pixel_is_the_empirical_denoiser_of_that_pixel():
    train, x = set_of((2, 6, 3))
    alone = empirical(train[:, :, 4, 1])(x[:, :, 4, 1], LEVELS)
    for denoiser in (LocalScore(train, 1), PatchPosterior(train, 1)):
        torch.testing.assert_close(denoiser(x, LEVELS)[:, :, 4, 1], alone, **CLOSE)


@pytest.mark.parametrize("window", [1, 3])
def test_shifted_images_have_shifted_denoised_images(window):
    train, x = set_of((3, 4, 6))
    denoiser = EquivariantLocal(train, window)
    for shift in ((1, 0), (0, 1), (2, 5)):
        moved = denoiser(x.roll(shift, (2, 3)), LEVELS)
        torch.testing.assert_close(moved, denoiser(x, LEVELS).roll(shift, (2, 3)), **CLOSE)
    if window == 3:
        assert (BoundaryBrokenLocal(train, 3)(x.roll(1, 2), LEVELS) - moved).abs().max() > 0.1


@pytest.mark.parametrize("window", [5, 7, 9])
def test_a_window_of_the_image_breaks_all_equivariance(window):
    train, x = set_of((1, 5, 5))
    found = BoundaryBrokenLocal(train, window)(x, LEVELS)
    assert torch.equal(found, LocalScore(train, window)(x, LEVELS))
    torch.testing.assert_close(found, by_row(broken_by_hand, train, x, window), **CLOSE)


def flow_of(denoiser, x, steps=60, last=-3):
    levels = torch.cat([torch.logspace(0.5, last, steps, dtype=torch.float64), number([0.0])])
    return list(integrate(euler_step, denoiser, x, levels))[-1]


def test_a_black_and_a_white_image_make_every_pixel_the_color_of_its_majority():
    train = torch.stack([-torch.ones(1, 6, 6), torch.ones(1, 6, 6)]).double()
    denoiser = EquivariantLocal(train, 3)
    mosaic = flow_of(denoiser, 10**0.5 * normal(40, 1, 6, 6, seed=3))
    torch.testing.assert_close(mosaic.abs(), torch.ones_like(mosaic), rtol=0, atol=1e-6)
    around = torch.nn.functional.pad(mosaic, (1,) * 4, mode="circular")
    majority = torch.nn.functional.avg_pool2d(around, 3, 1).sign()
    torch.testing.assert_close(mosaic, majority, rtol=0, atol=1e-6)
    # More than the two images: mosaics, of both colors.
    both = (mosaic.flatten(1).amin(1) < 0) & (mosaic.flatten(1).amax(1) > 0)
    assert 5 <= int(both.sum()) <= 39


@pytest.mark.parametrize(
    ("kind", "lasting"), [(EquivariantLocal, 2), (BoundaryBrokenLocal, 1), (LocalScore, 0)]
)
def test_the_flow_ends_at_images_that_are_locally_consistent(kind, lasting):
    denoiser = kind(normal(4, 1, 5, 5), 3)
    mosaic = flow_of(denoiser, 10**0.5 * normal(20, 1, 5, 5, seed=4), steps=600, last=-6)
    # Without noise D takes the center of the nearest patch: it is there already.  Near ties take longer than this.
    moved = (denoiser(mosaic, number(1e-6)) - mosaic).abs().flatten(1).amax(1) > 1e-6
    assert int(moved.sum()) <= lasting


@pytest.mark.parametrize(
    "kind",
    [LocalScore, PatchPosterior, EquivariantLocal, BoundaryBrokenLocal],
    ids=lambda kind: kind.__name__,
)
def test_a_window_by_level_is_that_window_at_each_level(kind):
    train, x = set_of((1, 5, 5))
    x, sigma = torch.cat([x, x]), number([2.5, 0.3, 0.31, 0.9, 2.4, 0.8])
    asked = []

    def window(level):
        asked.append(level)
        return 1 if level < 0.5 else 3 if level < 2 else 5

    found = kind(train, window)(x, sigma)
    sides = [window(level) for level in sigma.tolist()]
    alone = [kind(train, side)(row[None], level) for row, level, side in zip(x, sigma, sides, strict=True)]
    torch.testing.assert_close(found, torch.cat(alone), **CLOSE)
    torch.testing.assert_close(kind(train, window)(x, sigma[1]), kind(train, 1)(x, sigma[1]), **CLOSE)
    assert set(asked) == set(sigma.tolist())
    if kind is LocalScore:
        shared = [
            kind(train, side).n_eff(row[None], level)
            for row, level, side in zip(x, sigma, sides, strict=True)
        ]
        torch.testing.assert_close(kind(train, window).n_eff(x, sigma), torch.cat(shared), **CLOSE)


KINDS = {
    "local": lambda **how: LocalScore(TRAIN, 3, **how),
    "patches": lambda **how: PatchPosterior(TRAIN, 2, **how),
    "equivariant": lambda **how: EquivariantLocal(TRAIN, 3, **how),
    "broken": lambda **how: BoundaryBrokenLocal(TRAIN, 3, **how),
    "pca": lambda **how: PCALocal(TRAIN, 0.1, **how),
}
TRAIN, X = set_of((2, 4, 5))
every_kind = pytest.mark.parametrize("name", KINDS)


@every_kind
def test_float32_arithmetic(name):
    found = KINDS[name](precision="float32")(X.float(), LEVELS.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), KINDS[name]()(X, LEVELS), rtol=0, atol=2e-5)
    in_double = KINDS[name]()(X.float(), LEVELS.float())  # the arithmetic is not what decides the type
    assert in_double.dtype == torch.float32
    torch.testing.assert_close(
        in_double.double(), KINDS[name]()(X.float().double(), LEVELS), rtol=1e-5, atol=1e-5
    )


@every_kind
def test_memory_changes_nothing(name, monkeypatch):
    expected = KINDS[name]()(X, LEVELS)
    for numbers in (1, 500, 3000):
        monkeypatch.setattr(room, "AT_ONCE", numbers)
        monkeypatch.setattr(dictionaries, "AT_ONCE", numbers)
        torch.testing.assert_close(KINDS[name]()(X, LEVELS), expected, **CLOSE)


@every_kind
def test_no_rows(name):
    assert KINDS[name]()(X[:0], number(0.5)).shape == (0, 2, 4, 5)
    assert KINDS[name]()(X[:0], LEVELS[:0]).shape == (0, 2, 4, 5)


@every_kind
def test_gradients(name):
    x = X[:2].clone().requires_grad_()
    denoiser = KINDS[name](chunk=3)
    assert torch.autograd.gradcheck(lambda x: denoiser(x, number(0.7)), x)
    with torch.no_grad():
        plain = denoiser(x, number(0.7))
    torch.testing.assert_close(plain, denoiser(x, number(0.7)).detach(), **CLOSE)


@every_kind
def test_the_input_is_left_as_it_is(name):
    x, train = X.clone(), TRAIN.clone()
    KINDS[name]()(x, LEVELS)
    assert torch.equal(x, X) and torch.equal(train, TRAIN)


def test_many_images_with_a_far_constant_lose_no_digits():
    # Sums over windows are not differences of sums over the image: a bright pixel far off spoils nothing.
    train, x = set_of((1, 5, 5))
    bright, seen = train.clone(), x.clone()
    bright[:, :, 4, 4], seen[:, :, 4, 4] = 1e9, -1e9
    near = (..., slice(0, 3), slice(0, 3))
    for denoise in (LocalScore(bright, 3), PatchPosterior(bright, 1)):
        expected = type(denoise)(train, denoise.window)(x, LEVELS)
        assert torch.equal(denoise(seen, LEVELS)[near], expected[near])


@pytest.mark.parametrize("sigma", [1e-3, 0.1])
def test_the_number_that_share(sigma):
    train = torch.cat([TRAIN, TRAIN])  # every image twice
    for denoiser in (LocalScore(train, 3), PCALocal(train, 0.05)):
        shared = denoiser.n_eff(TRAIN, number(sigma))
        torch.testing.assert_close(shared, torch.full_like(shared, 2.0), rtol=0.02, atol=0)
        drowned = denoiser.n_eff(TRAIN, number(1e6))
        torch.testing.assert_close(drowned, torch.full_like(drowned, 14.0))


def test_masks_grow_with_the_noise():
    place = torch.arange(8).double()
    smooth = (-(place[:, None] - place).abs() / 2).exp()  # nearby pixels are alike
    train = (normal(4000, 8) @ torch.linalg.cholesky(smooth).T).reshape(-1, 1, 2, 4)
    denoiser = PCALocal(train, 0.05)
    seen = [float(denoiser.mask(sigma).sum(1).double().mean()) for sigma in (1e-3, 0.3, 1.0, 10.0)]
    assert seen[0] == 1
    assert seen == sorted(seen) and seen[-1] > 6
    assert torch.equal(denoiser.mask(1e-300), torch.eye(8) > 0)
    assert torch.equal(denoiser.mask(1e40), denoiser.mask(1e300))


def test_pixels_that_never_vary():
    train = TRAIN.clone()
    train[:, :, 0] = 0.25
    found = PCALocal(train, 0.05)(X, LEVELS)
    torch.testing.assert_close(found[:, :, 0], torch.full_like(found[:, :, 0], 0.25))
    assert bool(found.isfinite().all())


SCALES = [CIFAR10_RESNET, CIFAR10_UNET, MNIST_UNET, CELEBA_UNET]


@pytest.mark.parametrize("scale", SCALES)
def test_published_windows(scale):
    assert len(scale.windows) == 20 and list(scale.windows) == sorted(scale.windows)
    for step, window in enumerate(scale.windows, 1):
        kept = math.cos(math.pi * step / 20 / 2.016) ** 2  # ᾱ
        sigma = math.sqrt((1 - kept) / kept)
        assert scale(sigma) == scale(sigma * 1.01) == window
    assert scale(1e-6) == scale.windows[0] and scale(1e6) == scale.windows[-1]
    assert LocalScore(TRAIN, scale)(X, LEVELS).shape == X.shape


def test_published_windows_by_name():
    assert [scale(80.0) for scale in SCALES] == [17, 25, 27, 27]
    assert [scale(1.0) for scale in SCALES] == [7, 7, 9, 5]  # step 10 of 20
    edm = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    assert [CIFAR10_PATCHES(sigma) for sigma in edm] == [32] * 7 + [23, 15, 11, 7, 5] + [3] * 6


def test_between_levels_the_nearest_in_log_counts():
    scale = Scale((1.0, 100.0), (3, 5))
    assert [scale(sigma) for sigma in (9.9, 10.1)] == [3, 5]
    with pytest.raises(InputError, match="2 levels and 1 windows"):
        Scale((1.0, 2.0), (3,))
    with pytest.raises(InputError, match="positive level"):
        Scale((0.0,), (3,))


@pytest.mark.parametrize("kind", [LocalScore, EquivariantLocal, BoundaryBrokenLocal, PatchPosterior])
@pytest.mark.parametrize("window", [0, -3, 2.5, "five"])
def test_windows_that_are_none_are_refused(kind, window):
    with pytest.raises(InputError, match="whole number"):
        kind(TRAIN, window)
    with pytest.raises(InputError, match=r"at sigma 0\.5; need .*whole number"):
        kind(TRAIN, lambda level: window)(X, number(0.5))


@pytest.mark.parametrize("kind", [LocalScore, EquivariantLocal, BoundaryBrokenLocal])
def test_windows_without_a_center_are_refused(kind):
    with pytest.raises(InputError, match="got window 4; need an odd"):
        kind(TRAIN, 4)


@pytest.mark.parametrize("kind", [EquivariantLocal, PatchPosterior])
def test_patches_that_do_not_fit_are_refused(kind):
    with pytest.raises(InputError, match="from 1 to 4"):
        kind(TRAIN, 5)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(InputError, match="0 ≤ threshold ≤ 1"):
        PCALocal(TRAIN, threshold)


@pytest.mark.parametrize(
    ("train", "words"),
    [
        (TRAIN[:, 0], r"\(n, c, h, w\)"),
        (TRAIN[:0], "at least one image"),
        (TRAIN.byte(), "floating point"),
        ([[1.0]], r"torch\.from_numpy"),
        (TRAIN * math.nan, "NaN"),
    ],
    ids=["no channels", "none", "bytes", "a list", "not a number"],
)
@every_kind
def test_images_that_are_none_are_refused(name, train, words):
    kind = type(KINDS[name]())
    with pytest.raises(InputError, match=words):
        kind(train, 1)


@every_kind
def test_settings_that_make_no_sense_are_refused(name):
    with pytest.raises(InputError, match="chunk 0"):
        KINDS[name](chunk=0)
    with pytest.raises(InputError, match="precision 'half'"):
        KINDS[name](precision="half")


def test_the_score_follows():
    denoiser = LocalScore(TRAIN, 3)
    torch.testing.assert_close(
        score(denoiser, X, LEVELS), (denoiser(X, LEVELS) - X) / LEVELS.reshape(-1, 1, 1, 1) ** 2
    )


@pytest.mark.parametrize("name", ["local", "patches", "by covariance"])
def test_the_posterior_at_every_pixel(name):
    """Against the full-window case, where every pixel's posterior is that of the empirical denoiser."""
    draws = torch.Generator().manual_seed(9)
    train = torch.randn(12, 2, 4, 4, generator=draws, dtype=torch.float64)
    source = torch.tensor([3, 0, 7])
    sigma = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    x = train[source] + sigma[:, None, None, None] * torch.randn(
        3, 2, 4, 4, generator=draws, dtype=torch.float64
    )
    whole = {
        "local": LocalScore(train, 7, chunk=5),
        "patches": PatchPosterior(train, 4, chunk=5),
        "by covariance": PCALocal(train, 0.0, chunk=5),
    }[name]
    found, exact = (
        whole.posterior(x, sigma, source=source),
        empirical(train).posterior(x, sigma, source=source),
    )
    for of in ("n_eff", "entropy", "own"):
        values = getattr(found, of)
        torch.testing.assert_close(values, getattr(exact, of)[:, None, None, None].expand_as(values))
    assert torch.equal(found.top, exact.top[:, :1, None, None].expand_as(found.top))
    torch.testing.assert_close(
        found.top_weight, exact.top_weights[:, :1, None, None].expand_as(found.top_weight)
    )
    volume = 16 * (2 * math.pi * sigma**2).log()
    torch.testing.assert_close(found.log_mean[:, 0, 0, 0] - volume, exact.log_density)
    alone = whole.posterior(x[1:2], sigma[1])
    torch.testing.assert_close(alone.n_eff, found.n_eff[1:2])
    assert alone.own is None
    with pytest.raises(InputError, match="source"):
        whole.posterior(x, sigma, source=torch.tensor([12, 0, 0]))
