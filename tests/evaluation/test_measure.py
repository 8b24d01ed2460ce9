"""One evaluation: the record, its references, and that it leaves no trace."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from evaluation_example import MEANS, SPLIT, TRUTH, dataset
from torch import nn

from byheart._checks import InputError
from byheart.data.dataset import split
from byheart.denoisers.mixture import empirical
from byheart.evaluation.measure import measure, references
from byheart.evaluation.measures import Copies, FrechetDistance, KernelDistance, LossGap, SlicedWasserstein
from byheart.evaluation.plan import Plan
from byheart.metrics import DuplicatesWarning, frechet
from byheart.noise.levels import Grid
from byheart.numerics.neighbors import nearest

PLAN = Plan(samples=40, grid=Grid(steps=12))


class Shrinking(nn.Module):
    """A network in all but quality: with dropout, and one part frozen in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.dropout, self.frozen = nn.Dropout(0.5), nn.Dropout(0.5)
        self.frozen.eval()

    def forward(self, x, sigma):
        return self.frozen(self.dropout(x)) / (1 + sigma**2).reshape(-1, *[1] * (x.ndim - 1))


def test_a_memorizer_and_the_truth():
    copies, honest = (measure(each, SPLIT, PLAN).record for each in (empirical(SPLIT.train), TRUTH))
    assert copies["f_mem"] == 1
    assert honest["f_mem"] <= 0.05
    for sigma in ("0.2", "0.5", "1"):
        assert copies[f"gap_low@{sigma}"] > 0
        assert honest[f"gap_low@{sigma}"] < 0 < honest[f"gap_high@{sigma}"]
        assert copies[f"gap@{sigma}"] == pytest.approx(
            copies[f"loss/heldout@{sigma}"] - copies[f"loss/train@{sigma}"]
        )
    assert copies["ratio/median"] < 0.05 < 0.5 < honest["ratio/q10"] < honest["ratio/median"]
    assert honest["fd"] < 2 * honest["fd/floor"]


def test_the_record_can_be_counted_again_from_what_is_stored():
    found = measure(TRUTH, SPLIT, PLAN)
    assert found.samples.shape == (40, 1, 4, 4)
    again = nearest(found.samples, SPLIT.train)
    assert torch.equal(found.neighbors.index, again.index)
    assert torch.equal(found.neighbors.distance, again.distance)
    assert found.record["f_mem@0.5"] == pytest.approx(float((again.ratio < 0.5).double().mean()))
    assert found.record["f_mem_count"] == 40


def test_the_same_seeds_at_every_evaluation():
    first, second = measure(TRUTH, SPLIT, PLAN), measure(TRUTH, SPLIT, PLAN)
    assert torch.equal(first.samples, second.samples)
    assert first.record == second.record
    moved = measure(TRUTH, SPLIT, PLAN.model_copy(update={"first_seed": 1}))
    torch.testing.assert_close(moved.samples[:-1], first.samples[1:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "make", [lambda: measure(TRUTH, SPLIT, PLAN).record, lambda: references(SPLIT, PLAN)]
)
def test_values_are_plain_and_finite(make):
    for name, value in make().items():
        assert value is None or isinstance(value, str | int | float), name
        assert not isinstance(value, float) or math.isfinite(value), name


def test_every_name_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "reference" / "records.md").read_text()
    documented = set(re.findall(r"`([^`\s]+)`", text))
    names = measure(TRUTH, SPLIT, PLAN).record | references(SPLIT, PLAN)
    general = {re.sub(r"^((?:loss/\w+|gap|gap_low|gap_high)@).*", r"\1σ", name) for name in names}
    assert general - documented == set()


def test_references_hold_the_floor_and_the_ceiling():
    found = references(SPLIT, PLAN)
    assert found["f_mem/empirical"] == 1
    assert found["f_mem/heldout"] <= 0.05
    assert found["f_mem/heldout_count"] == 60
    assert 0.7 < found["ratio/heldout_median"] <= 1
    assert found["fd/floor"] == pytest.approx(measure(TRUTH, SPLIT, PLAN).record["fd/floor"])
    assert 0.5 < found["fd/fresh"] / found["fd/fresh_floor"] < 2
    assert (found["train/count"], found["heldout/count"], found["fresh/count"]) == (30, 60, 40)
    assert found["features"] == "pixels 1×4×4"
    assert found["train/duplicates"] == 0


def test_fresh_images_are_in_neither_part_and_a_fair_draw():
    assert references(split(dataset(100), 30, seed=0, heldout=60), PLAN)["fresh/count"] == 10
    everything = references(split(dataset(90), 30, seed=0, heldout=60), PLAN)
    assert everything["fresh/count"] == 0
    assert "fd/fresh" not in everything
    # Rows class by class, as folders give them: the first 40 left over would all be of the first class.
    images = (dataset(300).images + 3 * MEANS.repeat(100, 1, 1, 1))[
        (torch.arange(300) % 3).argsort(stable=True)
    ]
    by_class = split(replace(dataset(300), images=images), 30, seed=0, heldout=60)
    assert references(by_class, PLAN)["fd/fresh"] < 0.2 * frechet(images[:40], by_class.heldout).value


def test_only_what_the_plan_asks_for():
    plan = Plan(samples=5, measures=(Copies(thresholds=(0.4,)), SlicedWasserstein()), grid=Grid(steps=3))
    assert list(measure(TRUTH, SPLIT, plan).record) == [
        "f_mem_count", "f_mem", "f_mem_low", "f_mem_high", "ratio/median", "ratio/q10", "sw",
    ]  # fmt: skip
    assert "fd/floor" not in references(SPLIT, plan)


def test_a_measure_says_the_same_alone_and_among_others():
    everything, beside = measure(TRUTH, SPLIT, PLAN), references(SPLIT, PLAN)
    alone, beside_alone = [], {}
    for each in PLAN.measures:
        plan = PLAN.model_copy(update={"measures": (each,)})
        alone += measure(TRUTH, SPLIT, plan).record.items()
        beside_alone |= references(SPLIT, plan)
    assert alone == list(everything.record.items())
    assert beside_alone == beside


def test_the_order_of_the_record():
    assert [re.sub(r"@.*", "", name) for name in measure(TRUTH, SPLIT, PLAN).record] == [
        "f_mem_count", "f_mem", "f_mem_low", "f_mem_high", "f_mem", "f_mem", "f_mem", "ratio/median", "ratio/q10",
        *["loss/train", "loss/heldout", "gap", "gap_low", "gap_high"] * 3, "fd", "fd/floor", "kid", "kid_low", "kid_high", "sw",
    ]  # fmt: skip
    order = [name for name in references(SPLIT, PLAN) if not re.search(r"_low|_high|count|@", name)]
    assert order == [
        "train/duplicates", "features", "f_mem/heldout", "ratio/heldout_median", "f_mem/empirical",
        "fd/train", "fd/train_floor", "kid/train", "sw/train", "fd/fresh", "fd/fresh_floor", "kid/fresh", "sw/fresh", "fd/floor",
    ]  # fmt: skip


def test_a_loss_gap_alone_draws_nothing():
    plan = Plan(measures=(LossGap(sigmas=(0.5,)),))
    levels = []

    def denoiser(x, sigma):
        levels.append(float(sigma))
        return TRUTH(x, sigma)

    found = measure(denoiser, SPLIT, plan)
    assert set(levels) == {0.5} and found.samples is None and found.neighbors is None
    assert list(found.record) == [
        "loss/train@0.5",
        "loss/heldout@0.5",
        "gap@0.5",
        "gap_low@0.5",
        "gap_high@0.5",
    ]
    assert set(references(SPLIT, plan)) == {
        "train/count", "train/duplicates", "heldout/count", "fresh/count", "features",
    }  # fmt: skip


def test_distances_alone_ask_for_no_samples_of_the_empirical_denoiser():
    found = references(SPLIT, Plan(samples=10**9, measures=(KernelDistance(), FrechetDistance())))
    assert list(found)[5:7] == ["kid/train", "kid/train_low"] and list(found)[-1] == "fd/floor"
    assert "f_mem/empirical" not in found


def test_nothing_of_it_remains():
    model, state = Shrinking(), torch.get_rng_state()
    model.frozen.eval()
    first = measure(model, SPLIT, PLAN)
    assert (model.training, model.dropout.training, model.frozen.training) == (True, True, False)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.record == measure(model.eval(), SPLIT, PLAN).record  # dropout was off


def test_nothing_of_it_remains_when_the_model_fails():
    class Failing(Shrinking):
        def forward(self, x, sigma):
            torch.rand(3)  # a model may draw from the global stream
            if sigma < 1:
                raise RuntimeError("out of luck")
            return super().forward(x, sigma)

    model, state = Failing(), torch.get_rng_state()
    with pytest.raises(RuntimeError, match="out of luck"):
        measure(model, SPLIT, PLAN)
    assert (model.training, model.dropout.training, model.frozen.training) == (True, True, False)
    assert torch.equal(torch.get_rng_state(), state)


def test_nothing_is_differentiated():
    weight = torch.ones((), requires_grad=True)
    found = measure(lambda x, sigma: x * weight * 0.5, SPLIT, PLAN)
    assert not found.samples.requires_grad
    assert weight.grad is None


def test_a_training_set_that_repeats_an_image_is_called_out():
    twice = replace(SPLIT, train=torch.cat([SPLIT.train, SPLIT.train[:3]]))
    with pytest.warns(DuplicatesWarning, match="3 of 33 training images"):
        measure(TRUTH, twice, PLAN)
    with pytest.warns(DuplicatesWarning):
        assert references(twice, PLAN)["train/duplicates"] == 3


@pytest.mark.parametrize("part", ["train", "heldout"])
def test_too_few_images_are_refused(part):
    with pytest.raises(InputError, match="at least 2 training and 3 held-out"):
        measure(TRUTH, replace(SPLIT, **{part: getattr(SPLIT, part)[:1]}), PLAN)


def test_a_diverged_model_is_called_so():
    with pytest.raises(InputError, match="samples with 640 values that are NaN"):
        measure(lambda x, sigma: x * float("nan"), SPLIT, PLAN)


def test_what_is_no_split_is_refused():
    images = torch.zeros(5, 1, 4, 4)
    with pytest.raises(InputError, match="Tensor in place of a split"):
        measure(empirical(images), images, Plan())
