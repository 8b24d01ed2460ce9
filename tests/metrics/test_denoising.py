"""Denoising losses and their gap, against closed forms."""

import pytest
import torch
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.denoisers.mixture import empirical, population
from byheart.metrics import denoising_loss, distance, loss_gap


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def nothing(x, sigma):
    """Leaves x as it is: its loss is the noise alone."""
    return x


WIENER = population(torch.zeros(1, 20), 1.0)
"""The true denoiser of N(0, I): x/(1 + σ²), with loss σ²/(1 + σ²)."""


@pytest.mark.parametrize("sigma", [0.2, 1.0, 3.0])
def test_the_loss_of_the_true_denoiser_of_a_gaussian(sigma):
    losses = denoising_loss(
        WIENER, draws(4000, 20), sigma, seed=0
    )  # the images' own seed: still other numbers
    expected = sigma**2 / (1 + sigma**2)
    assert losses.shape == (4000,)
    assert abs(losses.mean() - expected) < 4 * losses.std() / 4000**0.5  # 4 standard errors, 2 % of the value
    assert_close(
        losses.var(), torch.tensor(2 * expected**2 / 20), rtol=0.15, atol=0
    )  # χ²₂₀, mean over pixels


def test_the_seed_alone_decides_the_noise():
    x = draws(50, 1, 4, 4)
    first = denoising_loss(nothing, x, 0.5, seed=3)
    assert torch.equal(first, denoising_loss(nothing, x, 0.5, seed=3))
    assert_close(first, denoising_loss(nothing, x + 5, 0.5, seed=3), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(first, denoising_loss(nothing, x, 0.5, seed=4))


def test_images_keep_their_noise_in_any_batch(monkeypatch):
    x = draws(50, 20)
    whole = denoising_loss(WIENER, x, 0.5, seed=0)
    monkeypatch.setattr("byheart.metrics.denoising.BATCH", 7)
    assert_close(denoising_loss(WIENER, x, 0.5, seed=0), whole)


def test_pairs_share_their_noise():
    # A denoiser that returns x has the noise as its error: with the same noise there is no gap at all.
    gap = loss_gap(nothing, draws(40, 9), draws(40, 9, seed=1), 0.7, seed=0)
    assert_close(gap.train_losses, gap.heldout_losses, rtol=1e-4, atol=1e-6)
    assert abs(gap.value) < 1e-6


def test_the_gap_is_heldout_minus_train_of_means():
    train, heldout = draws(30, 20), draws(30, 20, seed=1)
    memorizer = empirical(train)
    gap = loss_gap(memorizer, train, heldout, 0.5, seed=0)
    assert gap.train == pytest.approx(float(denoising_loss(memorizer, train, 0.5, 0).mean()))
    assert gap.heldout == pytest.approx(float(denoising_loss(memorizer, heldout, 0.5, 0).mean()))
    assert gap.value == pytest.approx(gap.heldout - gap.train)
    assert gap.value > 1  # it returns the nearest other point, more than 1 per pixel away, against 0
    assert gap.low < gap.value < gap.high
    difference = gap.heldout_losses - gap.train_losses
    assert gap.stderr == pytest.approx(float(difference.std() / 30**0.5))


def test_swapping_the_sides_flips_the_sign_at_any_sizes():
    train, heldout = draws(12, 20), draws(30, 20, seed=1)
    there, back = (loss_gap(WIENER, *pair, 0.5, seed=0) for pair in ((train, heldout), (heldout, train)))
    assert there.value == pytest.approx(-back.value)
    assert there.stderr == pytest.approx(back.stderr)


def test_a_short_side_is_used_again_but_counts_once():
    gap = loss_gap(WIENER, draws(8, 20), draws(30, 20, seed=1), 0.5, seed=0)
    assert gap.count == 8
    assert len(gap.train_losses) == len(gap.heldout_losses) == 24
    rows = torch.arange(24) % 8
    assert_close(
        gap.train_losses.float(), denoising_loss(WIENER, draws(8, 20)[rows], 0.5, 0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("sizes", [(40, 40), (10, 40)], ids=["equal", "one side again"])
def test_the_interval_of_the_gap_covers(sizes):
    # Images of different difficulty, the same on both sides: the gap is 0.  300 repeats: 95 % ± 2.5 % (2 s.e.).
    def harder(x, sigma):
        return x * (0.2 + x[:, :1].abs())

    hits = 0
    for trial in range(300):
        train, heldout = draws(sizes[0], 4, seed=2 * trial), draws(sizes[1], 4, seed=2 * trial + 1)
        gap = loss_gap(harder, train, heldout, 0.5, seed=trial)
        hits += gap.low <= 0 <= gap.high
    assert 0.915 <= hits / 300 <= 0.985


def test_the_distance_is_relative_and_by_row():
    x, sigma = draws(6, 20), torch.rand(6, generator=torch.Generator().manual_seed(1)) + 0.5

    def longer(x, sigma):
        return WIENER(x, sigma) * 1.25

    assert_close(
        distance(longer, WIENER, x, sigma), torch.full((6,), 0.25, dtype=torch.float64), rtol=1e-5, atol=0
    )
    assert_close(
        distance(WIENER, longer, x, sigma), torch.full((6,), 0.20, dtype=torch.float64), rtol=1e-5, atol=0
    )
    assert torch.equal(distance(WIENER, WIENER, x, sigma), torch.zeros(6, dtype=torch.float64))


def test_the_distance_at_a_reference_of_zero():
    x, sigma = torch.zeros(2, 20), torch.tensor(1.0)
    assert distance(WIENER, WIENER, x, sigma).tolist() == [0, 0]
    assert distance(lambda x, sigma: x + 1, WIENER, x, sigma).tolist() == [float("inf")] * 2


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), float("inf")])
def test_levels_that_are_none_are_refused(sigma):
    with pytest.raises(InputError, match="sigma > 0"):
        denoising_loss(nothing, draws(3, 2), sigma, 0)


def test_broken_images_are_refused():
    with pytest.raises(InputError, match="NaN"):
        denoising_loss(nothing, torch.tensor([[1.0, float("nan")]]), 0.5, 0)
    with pytest.raises(InputError, match="n ≥ 1"):
        denoising_loss(nothing, torch.zeros(0, 3), 0.5, 0)


def test_a_denoiser_that_gives_nan_is_called_so():
    with pytest.raises(InputError, match=r"losses of the denoiser at sigma 0\.5 with 4 values that are NaN"):
        denoising_loss(lambda x, sigma: x / 0 * 0, draws(4, 2), 0.5, 0)


@pytest.mark.parametrize(("train", "heldout"), [((1, 4), (9, 4)), ((9, 4), (1, 4)), ((9, 4), (9, 5))])
def test_a_gap_needs_two_images_of_one_shape_on_each_side(train, heldout):
    with pytest.raises(InputError, match="at least two training and two held-out"):
        loss_gap(nothing, draws(*train), draws(*heldout), 0.5, 0)
