import math

import numpy as np
import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import MixtureDenoiser, empirical, empirical_bytes, smoothed
from byheart.denoisers import mixture as room

DRAWS = torch.Generator().manual_seed(0)
TRAIN = torch.randn(30, 1, 4, 4, generator=DRAWS, dtype=torch.float64)
SIGMA = torch.tensor(0.8, dtype=torch.float64)
SOURCE = torch.arange(0, 30, 3)
X = TRAIN[SOURCE] + SIGMA * torch.randn(10, 1, 4, 4, generator=DRAWS, dtype=torch.float64)


def weights_of(x=X, sigma=SIGMA, std=0.0):
    apart = (x[:, None] - TRAIN).flatten(2).square().sum(2)
    return (-apart / (2 * (sigma**2 + std**2))).softmax(1)


@pytest.mark.parametrize("at_once", [1 << 22, 70], ids=["at once", "two rows at a time"])
def test_the_statistics(at_once, monkeypatch):
    monkeypatch.setattr(room, "AT_ONCE", at_once)
    found, weights = empirical(TRAIN).posterior(X, SIGMA, count=4, source=SOURCE), weights_of()
    close = {"rtol": 1e-9, "atol": 1e-12}
    torch.testing.assert_close(found.own, weights[torch.arange(10), SOURCE], **close)
    torch.testing.assert_close(found.n_eff, 1 / weights.square().sum(1), **close)
    torch.testing.assert_close(found.entropy, -(weights * weights.log()).sum(1), **close)
    torch.testing.assert_close(found.top_weights, weights.topk(4).values, **close)
    assert torch.equal(found.top, weights.topk(4).indices)
    torch.testing.assert_close(found.tail, 1 - weights.topk(4).values.sum(1), **close)
    torch.testing.assert_close(found.log_density, empirical(TRAIN).log_density(X, SIGMA))


def test_both_ends():
    memorizer = empirical(TRAIN)
    clean = memorizer.posterior(TRAIN, torch.tensor(1e-3), source=torch.arange(30))
    assert torch.equal(clean.top[:, 0], torch.arange(30))
    assert float(clean.own.min()) == 1 and float(clean.entropy.max()) == 0 and float(clean.n_eff.max()) == 1
    drowned = memorizer.posterior(TRAIN, torch.tensor(1e6))
    torch.testing.assert_close(drowned.n_eff, torch.full((30,), 30.0, dtype=torch.float64))
    torch.testing.assert_close(drowned.entropy, torch.full((30,), math.log(30), dtype=torch.float64))


def test_levels_by_row():
    sigma = torch.linspace(0.2, 2, 10, dtype=torch.float64)
    found = empirical(TRAIN).posterior(X, sigma, source=SOURCE)
    alone = [empirical(TRAIN).posterior(X[i : i + 1], sigma[i], source=SOURCE[i : i + 1]) for i in range(10)]
    torch.testing.assert_close(found.own, torch.cat([one.own for one in alone]))


@pytest.mark.parametrize("std", [0.0, 0.3])
@pytest.mark.parametrize("count", [1, 5, 29, 30, 99])
def test_the_tail_bounds_what_truncation_costs(count, std):
    denoiser = MixtureDenoiser(TRAIN, std=std)
    mean, tail = denoiser.truncated(X, SIGMA, count)
    error = (mean - denoiser(X, SIGMA)).flatten(1).norm(dim=1)
    diameter = torch.cdist(TRAIN.flatten(1), TRAIN.flatten(1)).max()
    assert bool((error <= tail * diameter + 1e-12).all())
    assert (float(tail.max()) == 0) == (count >= 30)
    if count == 1:
        assert float((error / (tail * diameter)).max()) > 0.02  # not idle: within the measured slack


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"count": 0}, "leading"),
        ({"source": torch.arange(9)}, "source"),
        ({"source": torch.arange(10) + 25}, "from 25 to 34"),
        ({"source": torch.arange(10) - 1}, "from -1"),
        ({"source": torch.arange(10.0)}, "integers"),
    ],
)
def test_bad_questions_are_refused(settings, word):
    with pytest.raises(InputError, match=word):
        empirical(TRAIN).posterior(X, SIGMA, **settings)


BYTES = torch.randint(0, 256, (30, 1, 4, 4), generator=DRAWS, dtype=torch.uint8)
PIXEL_SHIFT = torch.randn(1, 4, 4, generator=DRAWS, dtype=torch.float64)


@pytest.mark.parametrize("shift", [-1.0, PIXEL_SHIFT], ids=["number", "per pixel"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-10), ("float32", 2e-5)])
def test_bytes_are_points_in_other_units(shift, precision, tolerance):
    plain = empirical(BYTES.double() * (2 / 255) + shift)
    packed = empirical_bytes(BYTES, 2 / 255, shift, precision=precision)
    close = {"rtol": tolerance, "atol": tolerance}
    torch.testing.assert_close(packed(X, SIGMA), plain(X, SIGMA), **close)
    there, here = packed.posterior(X, SIGMA, source=SOURCE), plain.posterior(X, SIGMA, source=SOURCE)
    torch.testing.assert_close(there.own.double(), here.own, **close)
    torch.testing.assert_close(
        packed.log_density(X, SIGMA).double(), plain.log_density(X, SIGMA), rtol=1e-4, atol=1e-3
    )
    assert packed.shape == (1, 4, 4) and packed.device == BYTES.device


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_points_mapped_from_a_file(tmp_path, dtype):
    values = (BYTES.numpy() if dtype == np.uint8 else TRAIN.numpy()).astype(dtype)
    values.tofile(tmp_path / "points")
    mapped = torch.from_numpy(np.memmap(tmp_path / "points", dtype, "r+", shape=values.shape))
    denoiser = empirical_bytes(mapped, 2 / 255, -1) if dtype == np.uint8 else empirical(mapped)
    inside = (
        empirical(torch.from_numpy(values) * (2 / 255) - 1) if dtype == np.uint8 else empirical(TRAIN.float())
    )
    torch.testing.assert_close(denoiser(X, SIGMA), inside(X, SIGMA), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: empirical(BYTES), "empirical_bytes"),
        (lambda: smoothed(BYTES, 1.0), "empirical_bytes"),
        (lambda: empirical(BYTES.long()), "uint8"),
        (lambda: empirical(TRAIN.numpy()), "from_numpy"),
        (lambda: empirical(TRAIN * 1e200), "overflows"),
        (lambda: empirical_bytes(TRAIN, 1.0), "torch.uint8"),
        (lambda: empirical_bytes(BYTES, 0.0), "scale"),
        (lambda: empirical_bytes(BYTES, 1.0, math.nan), "shift"),
        (lambda: empirical_bytes(BYTES, 1.0, torch.zeros(3)), "broadcasts"),
    ],
)
def test_bad_points_are_refused(make, word):
    with pytest.raises(InputError, match=word):
        make()


def test_one_point_is_always_the_answer():
    alone = empirical(TRAIN[:1])
    torch.testing.assert_close(alone(X, SIGMA), TRAIN[:1].expand(10, -1, -1, -1))
    found = alone.posterior(X, SIGMA, source=torch.zeros(10, dtype=torch.long))
    assert float(found.own.min()) == 1 and found.top.shape == (10, 1)


def test_duplicates_share_the_weight():
    twice = empirical(torch.cat([TRAIN, TRAIN[:1]]))
    found = twice.posterior(TRAIN[:1], torch.tensor(1e-3), source=torch.tensor([0]))
    assert float(found.own) == pytest.approx(0.5) and float(found.n_eff) == pytest.approx(2)
    assert sorted(found.top[0, :2].tolist()) == [0, 30]


@pytest.mark.parametrize("sigma", [3e-3, 1e-2])
def test_float32_tells_near_duplicates_apart_by_subtraction(sigma):
    """Points of length 10⁴ whose distance is a few σ: the expanded square has lost every digit of the logit."""
    base = 1e3 * torch.randn(1, 100, generator=DRAWS, dtype=torch.float64)
    near = base + 0.004 * torch.randn(6, 100, generator=DRAWS, dtype=torch.float64)
    train = (
        torch.cat([near, base + 3 * torch.randn(40, 100, generator=DRAWS, dtype=torch.float64)])
        .float()
        .double()
    )
    x = (near + sigma * torch.randn(6, 100, generator=DRAWS, dtype=torch.float64)).float().double()
    exact = (-(x[:, None] - train).square().sum(2) / (2 * sigma**2)).softmax(1)
    denoiser = MixtureDenoiser(train.float(), precision="float32")
    found = denoiser.responsibilities(x.float(), torch.tensor(sigma))
    mean = denoiser(x, torch.tensor(sigma, dtype=torch.float64))
    torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mean, exact @ train, rtol=0, atol=2e-4)


def test_float32_counts_more_near_duplicates_than_it_takes_again():
    """Twenty-four points within a few σ of each other, a hundred times as far from 0: more than the candidates."""
    base = 10 * torch.randn(1, 300, generator=DRAWS, dtype=torch.float64)
    near = base + 0.0008 * torch.randn(24, 300, generator=DRAWS, dtype=torch.float64)
    around = torch.cat([near, base + torch.randn(10, 300, generator=DRAWS, dtype=torch.float64)])
    train = (
        torch.cat([around, -around]).float().double()
    )  # about 0: points far from it are taken from their mean
    x = (near[:4] + 0.03 * torch.randn(4, 300, generator=DRAWS, dtype=torch.float64)).float().double()
    exact, found = (
        MixtureDenoiser(points, precision=precision).posterior(x, torch.tensor(0.03), source=torch.arange(4))
        for points, precision in ((train, "float64"), (train.float(), "float32"))
    )
    assert float(exact.n_eff.min()) > 16
    torch.testing.assert_close(found.log_density, exact.log_density, rtol=0, atol=1e-3)
    torch.testing.assert_close(found.own.double(), exact.own, rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch.func's own import
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("sigma", [1e-3, 0.8])
def test_transformations_of_torch_func_pass_through(precision, sigma):
    denoiser, level = MixtureDenoiser(TRAIN, precision=precision), torch.tensor(sigma, dtype=torch.float64)
    mapped = torch.vmap(lambda row: denoiser(row[None], level)[0])(X)
    torch.testing.assert_close(mapped, denoiser(X, level), rtol=1e-4, atol=1e-4)
    _, along = torch.func.jvp(lambda at: denoiser(at, level), (X,), (torch.ones_like(X),))
    assert bool(along.isfinite().all())


@pytest.mark.parametrize(
    ("ask", "word"),
    [
        (lambda: empirical(TRAIN).posterior(X, "1.0"), "torch.tensor"),
        (lambda: empirical(TRAIN).posterior(X, torch.ones(3)), "shape"),
        (lambda: MixtureDenoiser(TRAIN, chunk=2.5), "chunk"),
        (lambda: MixtureDenoiser(TRAIN, log_weights=[0.0]), "log_weights"),
    ],
)
def test_more_bad_input_is_refused(ask, word):
    with pytest.raises(InputError, match=word):
        ask()
