"""What tells runs apart."""

from byheart.experiments.runs.differences import differences
from byheart.experiments.runs.run import parse_run


def runs(*changes):
    base = {"n": 8, "training": {"steps": 3}, "model": {"kind": "mlp", "width": 8}}
    return [parse_run(base | change).model_dump(mode="json") for change in changes]


def test_n_seed_and_steps_have_their_own_place():
    assert differences(runs({}, {"n": 9}, {"seed": 1}, {"training": {"steps": 4}})) == [""] * 4


def test_the_swept_settings_are_named_with_every_run_s_value():
    found = runs({}, {"training": {"steps": 3, "batch": 16, "lr": 2e-3}})
    assert differences(found) == [
        "training.batch=64, training.lr=0.001",
        "training.batch=16, training.lr=0.002",
    ]


def test_a_setting_that_one_kind_lacks_is_left_out_there():
    unet = {"kind": "unet", "width": 8, "blocks": 3}
    found = runs({}, {"model": unet | {"groups": 2}}, {"model": unet | {"groups": 4}})
    assert differences(found) == [
        "model.kind=mlp",
        "model.kind=unet, model.groups=2",
        "model.kind=unet, model.groups=4",
    ]


def test_how_runs_are_measured_is_said_only_where_nothing_else_tells_them_apart():
    few, many = {"plan": {"samples": 8}}, {"plan": {"samples": 9}}
    assert differences(runs(few, many)) == ["plan.samples=8", "plan.samples=9"]
    assert differences(runs(few, many | {"n": 9})) == ["", ""]


def test_measures_are_told_apart_by_their_kinds_and_settings():
    few, more = {"kind": "loss_gap", "images": 8}, {"kind": "loss_gap", "images": 9}
    plans = [{"plan": {"measures": measures}} for measures in ([few], [more], [more, {"kind": "fd"}])]
    assert differences(runs(*plans)) == [
        "plan.measures=loss_gap, plan.measures.loss_gap.images=8",
        "plan.measures=loss_gap, plan.measures.loss_gap.images=9",
        "plan.measures=loss_gap+fd, plan.measures.loss_gap.images=9",
    ]
