"""What may be measured: what a plan refuses, and what it needs."""

import subprocess
import sys

import pytest

from byheart._checks import InputError
from byheart._records import canonical_json
from byheart.evaluation.measures import Copies, FrechetDistance, KernelDistance, LossGap, SlicedWasserstein
from byheart.evaluation.plan import Plan


@pytest.mark.parametrize(
    "settings",
    [
        {"samples": 2}, {"solver": "magic"}, {"first_seed": -1}, {"typo": 1}, {"measures": ()},
        {"measures": [{"kind": "fid"}]}, {"measures": [{"sigmas": [0.5]}]},
        {"measures": [{"kind": "loss_gap", "images": 1}]}, {"measures": [{"kind": "fd", "images": 16}]},
    ],
)  # fmt: skip
def test_plans_that_make_no_sense_are_refused(settings):
    with pytest.raises(InputError):
        Plan(**settings)


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        (LossGap, {"sigmas": (0.0,)}), (LossGap, {"sigmas": ()}), (LossGap, {"sigmas": (0.5, 0.5)}),
        (LossGap, {"images": 1}), (LossGap, {"seed": -1}), (Copies, {"thresholds": ()}), (Copies, {"thresholds": (1.2,)}),
        (Copies, {"thresholds": (0.5, 0.5000001)}), (Copies, {"tolerances": (0.1, 0.1)}), (Copies, {"tolerances": (0.0,)}),
    ],
)  # fmt: skip
def test_measures_that_make_no_sense_are_refused(spec, settings):
    with pytest.raises(InputError):
        spec(**settings)


def test_the_default_is_every_measure():
    kinds = [measure.kind for measure in Plan().measures]
    assert kinds == ["copies", "loss_gap", "fd", "kid", "sw"]
    assert Plan(measures=[{"kind": kind} for kind in kinds]) == Plan()


def test_two_measures_of_a_kind_are_refused():
    with pytest.raises(InputError, match="several measures of kind copies; need one measure of each kind"):
        Plan(measures=(Copies(), LossGap(), Copies(thresholds=(0.4,))))


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"sigmas": [0.5]}, r'write measures = \[\{ kind = "loss_gap", sigmas = … \}, …\]'),
        ({"loss_images": 32}, 'kind = "loss_gap", images = '),
        ({"loss_seed": 1}, 'kind = "loss_gap", seed = '),
        ({"thresholds": [0.5]}, 'kind = "copies", thresholds = '),
        ({"tolerances": [0.1]}, 'kind = "copies", tolerances = '),
        ({"fidelity": ["fd"]}, 'kind = "fd" }'),
        (
            {"loss_images": 2, "fidelity": []},
            'got loss_images and fidelity among .* images = … }, { kind = "fd" }',
        ),
    ],
)
def test_a_setting_that_moved_into_a_measure_is_refused_with_its_new_place(settings, remedy):
    with pytest.raises(InputError, match=remedy):
        Plan(**settings)


@pytest.mark.parametrize(
    ("measures", "draws"),
    [
        ((LossGap(),), False),
        ((Copies(),), True),
        ((LossGap(), FrechetDistance()), True),
        ((KernelDistance(),), True),
        ((SlicedWasserstein(),), True),
    ],
)
def test_samples_are_drawn_where_a_measure_needs_them(measures, draws):
    assert Plan(measures=measures).draws is draws


def test_an_identity_names_the_measures_and_what_is_no_default():
    plan = Plan(measures=(Copies(), LossGap(images=16)))
    assert canonical_json(plan) == '{"measures":[{"kind":"copies"},{"images":16,"kind":"loss_gap"}]}'
    assert Plan.model_validate_json(canonical_json(plan)) == plan


@pytest.mark.parametrize("module", ["plan", "measures", "measures.copies", "measures.frechet"])
def test_a_plan_needs_no_torch(module):
    code = f"import sys, byheart.evaluation.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_misspelled_setting_of_a_plan_is_named_with_the_right_one():
    with pytest.raises(
        InputError, match=r"sample = 5, a setting that does not exist.*did you mean samples\?"
    ):
        Plan(sample=5)
    with pytest.raises(InputError, match=r"got grid\.step = 3.*did you mean steps\?"):
        Plan(grid={"step": 3})
    with pytest.raises(InputError, match=r"got measures \(entry 2\)\.sigma = 3.*did you mean sigmas\?"):
        Plan(measures=[{"kind": "fd"}, {"kind": "loss_gap", "sigma": 3}])
    with pytest.raises(InputError, match=r"measures \(entry 1\)\.kind = 'copy'.*did you mean copies\?"):
        Plan(measures=[{"kind": "copy"}])


def test_a_shortened_plan_asks_the_same_of_less():
    plan = Plan(samples=400, measures=(Copies(), LossGap(images=100, sigmas=(0.5,))))
    short = plan.shortened(100)
    assert short == Plan(samples=100, measures=(Copies(), LossGap(images=25, sigmas=(0.5,))))
    assert plan.shortened(400) == plan
