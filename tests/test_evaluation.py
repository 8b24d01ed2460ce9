"""One evaluation: the record, its references, and that it leaves no trace."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from byheart._checks import InputError
from byheart.data.dataset import Dataset, split
from byheart.denoisers.mixture import empirical, population
from byheart.evaluation.measure import measure, references
from byheart.evaluation.plan import Plan
from byheart.metrics import DuplicatesWarning, frechet
from byheart.noise.levels import Grid
from byheart.numerics.neighbors import nearest

PLAN = Plan(samples=40, grid=Grid(steps=12), loss_images=60)
MEANS = 0.7 * torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(7))
TRUTH = population(MEANS, 0.6)


def dataset(count: int = 220) -> Dataset:
    draws = torch.Generator().manual_seed(0)
    images = MEANS[torch.arange(count) % 3] + 0.6 * torch.randn(count, 1, 4, 4, generator=draws)
    return Dataset(name="mixture", images=images, center=torch.zeros(1, 4, 4), scale=1.0, fingerprint="none")


SPLIT = split(dataset(), 30, seed=0, heldout=60)


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
    text = (Path(__file__).parents[1] / "docs" / "reference" / "records.md").read_text()
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
    plan = Plan(samples=5, sigmas=(), fidelity=("sw",), thresholds=(0.4,), grid=Grid(steps=3))
    assert set(measure(TRUTH, SPLIT, plan).record) == {
        "f_mem", "f_mem_low", "f_mem_high", "f_mem_count", "ratio/median", "ratio/q10", "sw",
    }  # fmt: skip
    assert "fd/floor" not in references(SPLIT, plan)


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
    with pytest.raises(InputError, match="at least 2 and 3"):
        measure(TRUTH, replace(SPLIT, **{part: getattr(SPLIT, part)[:1]}), PLAN)


def test_a_diverged_model_is_called_so():
    with pytest.raises(InputError, match="samples with 640 values that are NaN"):
        measure(lambda x, sigma: x * float("nan"), SPLIT, PLAN)


@pytest.mark.parametrize(
    "settings",
    [
        {"samples": 2}, {"sigmas": (0.0,)}, {"sigmas": (0.5, 0.5)}, {"thresholds": ()}, {"thresholds": (1.2,)},
        {"thresholds": (0.5, 0.5000001)}, {"loss_images": 1}, {"fidelity": ("fid",)}, {"solver": "magic"},
        {"first_seed": -1}, {"typo": 1},
    ],
)  # fmt: skip
def test_plans_that_make_no_sense_are_refused(settings):
    with pytest.raises(InputError):
        Plan(**settings)


def test_a_plan_needs_no_torch():
    code = "import sys, byheart.evaluation.plan; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_losses_are_in_units_of_the_data_whatever_units_they_are_trained_in():
    whole = split(dataset(), 40, seed=0, heldout=60)
    rms = whole.train.square().mean().sqrt()
    unit = replace(whole, train=whole.train / rms, heldout=whole.heldout / rms)
    quarter = replace(
        unit,
        train=unit.train / 4,
        heldout=unit.heldout / 4,
        dataset=replace(unit.dataset, standardized=False),
    )
    plan = Plan(samples=8, sigmas=(0.5,), fidelity=(), grid=Grid(steps=4))
    expected, found = (measure(empirical(part.train), part, plan).record for part in (unit, quarter))
    for name in ("loss/train@0.5", "loss/heldout@0.5", "gap@0.5", "gap_low@0.5"):
        assert found[name] == pytest.approx(expected[name], rel=1e-4)


def test_shares_within_tolerances():
    some = split(dataset(), 20, seed=0)
    record = measure(empirical(some.train), some, Plan(samples=20, tolerances=(0.01, 1e4))).record
    assert record["within@0.01"] == record["within@10000"] == 1.0 and record["within@0.01_low"] < 1
    far = measure(lambda x, sigma: torch.zeros_like(x) + 9, some, Plan(samples=20, tolerances=(0.01,))).record
    assert far["within@0.01"] == 0.0 and far["within@0.01_high"] > 0
    assert "within@0.01/heldout" in references(some, Plan(samples=20, tolerances=(0.01,)))


def test_a_misspelled_setting_of_a_plan_is_named_with_the_right_one():
    with pytest.raises(
        InputError, match=r"sample = 5, a setting that does not exist.*did you mean samples\?"
    ):
        Plan(sample=5)
    with pytest.raises(InputError, match=r"got grid\.step = 3.*did you mean steps\?"):
        Plan(grid={"step": 3})


def test_what_is_no_split_is_refused():
    images = torch.zeros(5, 1, 4, 4)
    with pytest.raises(InputError, match="Tensor in the place of a split"):
        measure(empirical(images), images, Plan())
