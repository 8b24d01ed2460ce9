"""Laws that every metric of two sets obeys.  A new metric joins by adding one line to METRICS."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.denoisers.mixture import empirical, population
from byheart.metrics import frechet, frechet_corrected, kid, loss_gap, memorized_fraction, sliced_wasserstein
from byheart.noise.levels import karras_levels
from byheart.numerics.neighbors import nearest
from byheart.sampling.draw import sample


@dataclass(frozen=True)
class Metric:
    """of: (samples, reference) -> number.  power: of the scale of the data it goes with; None if no power.

    moved: whether shifting both sets may change it.  random: whether it draws, so that the order of rows matters.
    """

    of: Callable[[Tensor, Tensor], float]
    power: int | None
    moved: bool = False
    random: bool = False


METRICS = {
    "f_mem": Metric(lambda x, y: memorized_fraction(nearest(x, y)).value, 0),
    "f_mem@0.5": Metric(lambda x, y: memorized_fraction(nearest(x, y), 0.5).value, 0),
    "fd": Metric(lambda x, y: frechet(x, y).value, 2),
    "fd/floor": Metric(lambda x, y: frechet(x, y).floor, 2),
    "fd corrected": Metric(lambda x, y: frechet_corrected(x, y, halves=4).value, 2, random=True),
    "kid": Metric(lambda x, y: kid(x, y).value, None, moved=True),
    "kid interval": Metric(lambda x, y: kid(x, y).high - kid(x, y).low, None, moved=True),
    "sw": Metric(sliced_wasserstein, 1),
    "sw, p = 1": Metric(lambda x, y: sliced_wasserstein(x, y, p=1), 1),
}
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def draws(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


REFERENCE = draws(40, 2, 3, seed=1)
SAMPLES = torch.cat([REFERENCE[:10] + 0.05 * draws(10, 2, 3, seed=2), draws(25, 2, 3, seed=3) + 0.3])


@every_metric
def test_it_repeats_and_leaves_its_inputs_alone(metric):
    samples, reference = SAMPLES.clone(), REFERENCE.clone()
    assert metric.of(samples, reference) == metric.of(samples, reference)
    assert torch.equal(samples, SAMPLES)
    assert torch.equal(reference, REFERENCE)


@every_metric
def test_it_leaves_the_global_random_state_alone(metric):
    before = torch.get_rng_state()
    metric.of(SAMPLES, REFERENCE)
    assert torch.equal(torch.get_rng_state(), before)


@every_metric
def test_the_order_of_rows_means_nothing(metric):
    if metric.random:
        return
    shuffled = metric.of(SAMPLES[torch.arange(34, -1, -1)], REFERENCE[draws(40).argsort()])
    assert shuffled == pytest.approx(metric.of(SAMPLES, REFERENCE), rel=1e-9)


@every_metric
def test_the_shape_of_a_sample_means_nothing(metric):
    assert metric.of(SAMPLES.flatten(1), REFERENCE.flatten(1)) == metric.of(SAMPLES, REFERENCE)


@every_metric
def test_the_order_of_pixels_means_nothing(metric):
    if metric.of is METRICS["sw"].of or metric.of is METRICS["sw, p = 1"].of:
        return  # its directions are drawn for pixels in their order
    swapped = metric.of(SAMPLES.transpose(1, 2), REFERENCE.transpose(1, 2))
    assert swapped == pytest.approx(metric.of(SAMPLES, REFERENCE), rel=1e-9)


@every_metric
def test_scaling_the_data_scales_it(metric):
    if metric.power is None:
        return
    expected = metric.of(SAMPLES, REFERENCE) * 3**metric.power
    assert metric.of(3 * SAMPLES, 3 * REFERENCE) == pytest.approx(expected, rel=1e-9)


@every_metric
def test_moving_both_sets_changes_nothing(metric):
    moved = metric.of(SAMPLES + 7, REFERENCE + 7)
    assert (moved == pytest.approx(metric.of(SAMPLES, REFERENCE), rel=1e-7)) is not metric.moved


@every_metric
def test_float32_data_agree_to_their_precision(metric):
    assert metric.of(SAMPLES.float(), REFERENCE.float()) == pytest.approx(
        metric.of(SAMPLES, REFERENCE), rel=1e-5
    )


@every_metric
@pytest.mark.parametrize("where", ["samples", "reference"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(metric, where, value):
    sets = {"samples": SAMPLES.clone(), "reference": REFERENCE.clone()}
    sets[where][3, 1, 1] = value
    with pytest.raises(InputError):
        metric.of(sets["samples"], sets["reference"])


@every_metric
def test_a_reference_of_one_is_refused(metric):
    with pytest.raises(InputError):
        metric.of(SAMPLES, REFERENCE[:1])


@every_metric
def test_no_samples_are_refused(metric):
    with pytest.raises(InputError):
        metric.of(SAMPLES[:0], REFERENCE)


@every_metric
def test_other_shapes_are_refused(metric):
    with pytest.raises(InputError):
        metric.of(SAMPLES[:, :1], REFERENCE)


@pytest.mark.parametrize("name", ["fd", "fd corrected", "kid", "sw"])
def test_distances_between_distributions_refuse_a_single_sample(name):
    with pytest.raises(InputError, match="at least"):
        METRICS[name].of(SAMPLES[:1], REFERENCE)


# --- copies -------------------------------------------------------------------------------------------------------


def test_the_training_set_itself_is_memorized_and_fresh_draws_are_not():
    train, fresh = draws(200, 16), draws(300, 16, seed=1)
    assert memorized_fraction(nearest(train, train)).value == 1
    # In 16 dimensions the two nearest of 200 are about equally far.
    assert memorized_fraction(nearest(fresh, train)).value == 0


def test_f_mem_rises_by_exactly_the_copies_injected():
    train, fresh = draws(200, 16), draws(100, 16, seed=1)
    shares = []
    for copies in range(0, 101, 10):
        mixed = torch.cat([train[:copies] + 0.01 * draws(copies, 16, seed=2), fresh[copies:]])
        shares.append(memorized_fraction(nearest(mixed, train)).value)
    assert_close(torch.tensor(shares), torch.arange(0, 1.01, 0.1))


def test_the_interval_of_f_mem_covers():
    # Samples that copy with probability .2: 400 repeats of 60 samples, 95 % ± 2.2 % (2 s.e.) and Wilson's own ripple.
    train, hits = draws(50, 16), 0
    for trial in range(400):
        coins = torch.rand(60, generator=torch.Generator().manual_seed(trial)) < 0.2
        samples = torch.where(coins[:, None], train[:1], draws(60, 16, seed=trial + 1000))
        found = memorized_fraction(nearest(samples, train))
        hits += found.low <= 0.2 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_a_memorizer_and_the_truth_are_told_apart():
    truth = population(draws(3, 16, seed=9), 0.7)
    train, heldout = (
        truth.centers[torch.arange(90) % 3] + 0.7 * draws(90, 16, seed=seed) for seed in (10, 11)
    )
    memorizer, seeds = empirical(train), range(60)
    copies, honest = (
        memorized_fraction(nearest(sample(each, seeds=seeds, levels=karras_levels(18)), train))
        for each in (memorizer, truth)
    )
    assert copies.value == 1
    assert honest.value <= 0.05
    for sigma in (0.2, 0.5, 1.0):
        of_memorizer, of_truth = (loss_gap(each, train, heldout, sigma, 0) for each in (memorizer, truth))
        assert of_memorizer.low > 0
        assert of_truth.low < 0 < of_truth.high
        assert abs(of_truth.value) < 0.2 * of_memorizer.value
