"""Settings that do not fit are named by their key in the TOML file, with the nearest that exists."""

import pytest

from byheart._checks import InputError
from byheart.experiments.study.recipe import load_study
from byheart.experiments.sweeps.sweep import Sweep

SWEEP = """
name = "w"
steps_per_image = 2
[base]
model = { kind = "mlp", width = 8 }
training = { optimizer = "adam" }
[grid]
n = [8]
"plan.samples" = [8, 9]
"""

STUDY = """
name = "s"
title = "A study."
paper = "2505.17638"
page = "onset"
main_arm = "mlp"
[arms.mlp]
steps_per_image = 2
[arms.mlp.base]
model = { kind = "mlp", width = 8 }
[scales.ci]
takes = "seconds"
[[scales.ci.arms]]
arm = "mlp"
grid = { n = [8, 16] }
base = { plan = { samples = 8 } }
[[claims]]
id = "A-1"
paper = "S3"
statement = "few copies"
quantity = "last/f_mem"
accept = [0.0, 0.5]
arm = "mlp"
scale = "ci"
"""


def refusal(text, tmp_path, read):
    file = tmp_path / "x.toml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read(file)
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "got", "need", "remedy"),
    [
        ("width = 8", "widht = 8", "base.model.widht = 8, a", "blocks, ", "did you mean width? "),
        ("plan.samples", "plan.smaples", 'grid."plan.smaples" = 8, a', "samples", "did you mean samples? "),
        (
            "plan.samples",
            "plan.loss_images",
            "base.plan: loss_images among",
            "`measures` of the",
            "images = … }",
        ),
        ("n = [8]", 'n = ["a"]', "grid.n = 'a'", "valid integer", "correct `grid.n`"),
        ("n = [8]", "", "no base.n", "`base.n`", "add `base.n`"),
        ('"mlp", width', '"mpl", width', "base.model.kind = 'mpl'", "one of mlp, unet", "did you mean mlp? "),
        ('kind = "mlp", ', "", "no base.model.kind", "one of mlp, unet", "correct `base.model.kind`"),
        ('"adam"', '"adma"', "base.training.optimizer = 'adma'", "one of adam, sgd", "did you mean adam? "),
        ("[base]", '[base]\nkind = "trainin"', "a run of kind 'trainin'", "training", "mean training? "),
        ("steps_per_image", "step_per_image", "step_per_image = 2, a", "grid, ", "mean steps_per_image? "),
    ],
)
def test_a_sweep(old, new, got, need, remedy, tmp_path):
    found = refusal(SWEEP.replace(old, new), tmp_path, lambda file: Sweep.from_toml(file).runs())
    assert found.got.startswith(got) and need in found.need and remedy in found.remedy


@pytest.mark.parametrize(
    ("old", "new", "got", "remedy"),
    [
        ("main_arm", "main_amr", "main_amr = 'mlp', a", "did you mean main_arm? "),
        ("accept =", "acept =", "claims (entry 1).acept = [0.0, 0.5], a", "did you mean accept? "),
        ("width = 8", "widht = 8", "arms.mlp.base.model.widht = 8, a", "did you mean width? "),
        (
            "samples = 8",
            "smaples = 8",
            "scales.ci.arms (entry 1).base.plan.smaples = 8",
            "did you mean samples? ",
        ),
        (
            "samples = 8",
            "loss_images = 8",
            "scales.ci.arms (entry 1).base.plan: loss_images among",
            "write measures = [",
        ),
        ("n = [8, 16]", "n = [8, 0]", "scales.ci.arms (entry 1).grid.n = 0", "correct `scales.ci.arms"),
        (
            "steps_per_image",
            "steps_per_imge",
            "arms.mlp.steps_per_imge = 2",
            "did you mean steps_per_image? ",
        ),
    ],
)
def test_a_study(old, new, got, remedy, tmp_path):
    found = refusal(STUDY.replace(old, new), tmp_path, lambda file: load_study(str(file)).runs("ci"))
    assert found.got.startswith(got) and remedy in found.remedy


def test_a_table_is_never_poured_out(tmp_path):
    found = refusal(STUDY.replace('title = "A study."', ""), tmp_path, lambda file: load_study(str(file)))
    assert str(found) == "got no title; need the setting `title`; add `title`"


def test_a_sweep_is_no_study_and_a_study_no_sweep(tmp_path):
    assert "use byheart sweep" in refusal(SWEEP, tmp_path, lambda file: load_study(str(file))).remedy
    assert "use byheart study" in refusal(STUDY, tmp_path, Sweep.from_toml).remedy


def test_the_file_as_it_stands_is_good(tmp_path):
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "study.toml").write_text(STUDY)
    assert len(Sweep.from_toml(tmp_path / "sweep.toml").runs()) == 2
    assert len(load_study(str(tmp_path / "study.toml")).runs("ci")["mlp"]) == 2


def test_a_file_that_is_not_there(tmp_path):
    for read in (lambda file: load_study(str(file)), Sweep.from_toml):
        with pytest.raises(InputError, match=r"no such file: .*absent\.toml.*onset"):
            read(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="did you mean onset"):
        load_study("onste")
