"""Facts of single images tell two readings apart, or leave it; they never tell the wrong one."""

import numpy as np
import pytest

from byheart.auditing.readings.contest import contest, effective
from byheart.auditing.readings.facts import FACTS, KINDS, facts_of
from byheart.data import Data, load
from byheart.data.images import area_resized

DIRECTION, SLANT = FACTS.index("direction"), FACTS.index("slant")


def fields(count, ratio=1.0, seed=0):
    """Random fields with the spectrum of photographs, alike in all directions: (n, 1, 96, 96 · ratio)."""
    rng, width = np.random.default_rng(seed), round(96 * ratio)
    f = np.hypot(np.fft.fftfreq(96)[:, None] * 96, np.fft.rfftfreq(width)[None] * 96)
    f[0, 0] = 1
    x = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(count, 96, width))) / f**1.2, s=(96, width))
    return (x / x.std((1, 2), keepdims=True) * 0.18 + 0.47).clip(0, 1)[:, None]


def digits(count, seed=0):
    whole = load(Data(name="digits", distinct=True))
    rows = np.random.default_rng(seed).permutation(len(whole))[:count]
    return np.kron(whole.to_pixels(whole.images[rows]).numpy(), np.ones((4, 4)))


def test_there_is_a_kind_for_every_fact():
    assert facts_of(digits(5)).shape == (5, len(FACTS)) == (5, len(KINDS))


def test_turning_swaps_direction_and_mirrors_change_slant():
    x = digits(50)
    facts, turned, mirrored = facts_of(x), facts_of(np.rot90(x, 1, (2, 3))), facts_of(x[..., ::-1])
    np.testing.assert_allclose(turned[:, DIRECTION], -facts[:, DIRECTION], atol=1e-9)
    np.testing.assert_allclose(mirrored[:, SLANT], -facts[:, SLANT], atol=1e-9)
    np.testing.assert_allclose(mirrored[:, DIRECTION], facts[:, DIRECTION], atol=1e-9)


def test_white_noise_has_no_direction_and_no_slant():
    facts = facts_of(np.random.default_rng(0).random((4000, 1, 32, 32)))
    for fact in (DIRECTION, SLANT):
        assert abs(facts[:, fact].mean()) < 4 * facts[:, fact].std() / 4000**0.5


@pytest.mark.parametrize("turn", [1, 3])
@pytest.mark.parametrize("truth", [0, 1])
def test_turned_digits_are_told_from_upright_ones(turn, truth):
    x = digits(760)
    readings = [facts_of(x), facts_of(np.rot90(x, turn, (2, 3)))]
    found = contest(readings[truth][:360], *(facts[360:] for facts in readings))
    assert found.winner == truth


@pytest.mark.parametrize("truth", [0, 1])
def test_squashed_fields_are_told_from_cut_ones(truth):
    x = fields(370, 1.5)
    readings = [facts_of(area_resized(x[..., 24:120], 32)), facts_of(area_resized(x, 32))]
    assert contest(readings[truth][:60], *(facts[60:] for facts in readings)).winner == truth


@pytest.mark.parametrize("truth", [0, 1])
def test_turned_fields_are_not_told_apart(truth):
    x = area_resized(fields(370), 32)
    readings = [facts_of(x), facts_of(np.rot90(x, 1, (2, 3)))]
    assert contest(readings[truth][:60], *(facts[60:] for facts in readings)).winner is None


@pytest.mark.parametrize(("count", "winner"), [(4, None), (400, 1)])
def test_a_few_samples_tell_nothing_even_where_their_mean_fits(count, winner):
    first = np.random.default_rng(0).normal(size=(400, len(FACTS)))
    second = first.copy()
    second[:, DIRECTION] += 0.6
    samples = second[:count] - second[:count].mean(0) + second.mean(0)
    assert contest(samples, first, second).winner == winner


def test_equal_readings_are_not_told_apart():
    facts = facts_of(digits(100))
    assert contest(facts[:50], facts[50:], facts[50:]).winner is None


def test_samples_between_two_readings_are_not_told():
    x = digits(700)
    upright, turned = facts_of(x), facts_of(np.rot90(x, 1, (2, 3)))
    half = np.concatenate([upright[:150], turned[150:300]])
    assert contest(half, upright[300:], turned[300:]).winner is None


def test_samples_of_a_few_images_count_as_a_few():
    facts = facts_of(digits(400))
    spread = facts.std(0)
    repeated = np.repeat(facts[:3], 100, axis=0)
    assert effective(repeated, facts, spread) == pytest.approx(3, rel=0.05)
    assert effective(facts[:300], facts, spread) > 250


def test_noise_on_samples_does_not_tell_the_wrong_reading():
    """A fifth of the images is turned, and the samples are upright and noisy: noise draws their direction to that of the mixture."""
    x = digits(1000)
    mixed = x.copy()
    mixed[::5] = np.rot90(x[::5], 1, (2, 3))
    noisy = (x[:400] + np.random.default_rng(0).normal(0, 0.1, x[:400].shape)).clip(0, 1)
    assert contest(facts_of(noisy), facts_of(x[400:]), facts_of(mixed[400:])).winner != 1
