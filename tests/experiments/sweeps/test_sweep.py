"""Sweeps: a grid over settings, frozen and hashed."""

import pytest

from byheart._checks import InputError
from byheart.experiments.runs.run import parse_run
from byheart.experiments.sweeps.sweep import Sweep, merged

BASE = {"kind": "training", "model": {"kind": "mlp", "width": 8}, "training": {"lr": 1e-3}}


def sweep(**settings):
    return Sweep(name="test", base=BASE, grid={"n": [4, 8], "seed": [0, 1]}, steps_per_image=2.5, **settings)


def test_every_combination_once_and_the_longest_first():
    runs = sweep().runs()
    assert [(run.n, run.seed) for run in runs] == [(8, 0), (8, 1), (4, 0), (4, 1)]
    assert [run.training.steps for run in runs] == [20, 20, 10, 10]
    assert len({run.id for run in runs}) == 4


def test_identity_depends_on_settings_only():
    assert sweep().id == sweep().id
    assert sweep().runs()[0].id == parse_run(sweep().runs()[0].model_dump(mode="json")).id
    wider = Sweep(
        name="test", base=merged(BASE, {"model": {"width": 9}}), grid={"n": [8]}, steps_per_image=2.5
    )
    assert wider.runs()[0].id not in {run.id for run in sweep().runs()}


def test_dotted_names_reach_into_nested_settings():
    runs = Sweep(name="w", base=BASE, grid={"n": [4], "model.width": [8, 16], "training.steps": [5]}).runs()
    assert [run.model.width for run in runs] == [8, 16]


def test_base_is_left_alone():
    sweep().runs()
    assert BASE["training"] == {"lr": 1e-3}


def test_merging_another_kind_replaces_the_table():
    assert merged(BASE, {"model": {"kind": "unet"}})["model"] == {"kind": "unet"}
    assert merged(BASE, {"model": {"width": 9}})["model"] == {"kind": "mlp", "width": 9}


@pytest.mark.parametrize("kind", ["survey", "theory", "nonsense"])
def test_kinds_that_do_not_exist_are_refused_by_name(kind):
    with pytest.raises(InputError, match=kind):
        parse_run({"kind": kind, "n": 4})


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"n": 4, "widht": 3},
        {"n": 4, "seed": -1},
        {"n": 4, "model": {"kind": "gan"}},
        {},
        {"n": 4, "training": {"steps": 3, "seed": 1}},
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong):
    with pytest.raises(InputError):
        parse_run({"training": {"steps": 3}, **wrong})


@pytest.mark.parametrize(
    "grid", [{"n": []}, {"n": ["64"], "seed": [0, 1]}, {"n": [4], "model.kind.x": [1]}, {"seed": [0]}]
)
def test_grids_that_make_no_sense_are_refused(grid):
    with pytest.raises(ValueError, match=r"(got|Input|Field)"):
        Sweep(name="g", base=BASE, grid=grid, steps_per_image=2).runs()


def test_toml_round_trip(tmp_path):
    file = tmp_path / "my.toml"
    file.write_text('name = "w"\nsteps_per_image = 3\n[base]\nkind = "training"\n[grid]\nn = [4]\n')
    assert Sweep.from_toml(file).runs()[0].training.steps == 12
    file.write_text("name = ")
    with pytest.raises(InputError, match="cannot be read"):
        Sweep.from_toml(file)
    with pytest.raises(InputError, match="absent"):
        Sweep.from_toml(tmp_path / "absent.toml")
