"""Studies: recipes in scales, conducted from nothing to claims and a report."""

import csv
import json

import pytest
from pydantic import ValidationError

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.evaluation.measures import LossGap
from byheart.experiments.catalog import study_names
from byheart.experiments.runs.estimate import estimate, makespan
from byheart.experiments.study.claims import read_record, unmeasured
from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.recipe import Study, load_study
from byheart.studies.pages import write_report

REAL_N = {"demo": {32, 64, 128, 256}, "cpu": {32, 64, 128, 256}}


@pytest.fixture(scope="module")
def onset():
    return load_study("onset")


@pytest.fixture(scope="module")
def conducted(onset, tmp_path_factory):
    events = []
    folder = conduct(onset, "ci", root=tmp_path_factory.mktemp("runs"), tell=events.append, page=write_report)
    return folder, events


def test_every_recipe_of_the_package_is_whole():
    for name in study_names():
        study = load_study(name)
        assert study.name == name and study.main_arm in study.arms
        for scale in study.scales:
            assert all(study.runs(scale).values())
        assert len({claim.id for claim in study.claims}) == len(study.claims)
        assert {claim.scale for claim in study.claims} <= set(study.scales)
        for claim in study.claims:
            assert claim.arm in study.runs(claim.scale)


def test_a_claims_id_says_whose_statement_it_is():
    claims = [(study, claim) for study in map(load_study, study_names()) for claim in study.claims]
    ids = [claim.id for _, claim in claims]
    assert len(set(ids)) == len(ids)
    for study, claim in claims:
        letter = claim.id.partition("-")[0]
        if letter in ("A", "B"):
            assert claim.paper == "byheart" and not claim.figure
        else:
            assert claim.paper == letter and study.paper != "byheart"


def test_a_papers_claim_has_the_published_value_unless_it_is_a_bound():
    for claim in (claim for name in study_names() for claim in load_study(name).claims):
        if claim.paper != "byheart" and claim.target is None:
            assert None in claim.accept, claim.id  # an end is open: "closer than", "at most"
        if claim.paper != "byheart" and claim.target is not None:
            low, high = claim.accept
            assert (low is None or low <= claim.target) and (high is None or claim.target <= high), claim.id


def test_the_record_has_rows_of_todays_claims_only():
    for name in study_names():
        claims = {claim.id: claim for claim in load_study(name).claims}
        for row in read_record(name):
            asked = unmeasured(claims[row["id"]]) | {"scale": row["scale"]}
            told = ("paper", "figure", "statement", "quantity", "target", "accept")
            assert [row[key] for key in told] == [asked[key] for key in told], row["id"]


@pytest.mark.parametrize("scale", REAL_N)
def test_onset_trains_the_published_sizes(onset, scale):
    runs = onset.runs(scale)["mlp"]
    assert {run.n for run in runs} == REAL_N[scale]
    assert all(run.steps == 48 * run.n for run in runs)


def test_demo_runs_are_part_of_the_cpu_scale(onset):
    assert {run.id for run in onset.runs("demo")["mlp"]} < {run.id for run in onset.runs("cpu")["mlp"]}


def test_paper_scale_is_the_published_configuration(onset):
    run = onset.runs("paper", Data(name="folder", path="celeba"))["celeba"][0]
    assert run.data.name == "celeba" and run.data.path == "celeba" and run.data.heldout == 2048
    assert run.training.optimizer == "sgd" and run.training.steps == 2_000_000
    assert run.parametrization.process.kind == "ddpm"


def test_study_leaves_everything_a_reader_needs(conducted, onset):
    folder, events = conducted
    page = folder.report.read_text()
    assert page.lower().startswith("<!doctype html>")
    assert onset.title in page
    claims = json.loads((folder.path / "claims.json").read_text())["claims"]
    assert {row["id"] for row in claims} == {claim.id for claim in onset.claims if claim.arm == "mlp"}
    assert all(row["scale"] == "ci" and row["verdict"] for row in claims)
    rows = list(csv.DictReader((folder.path / "table.csv").read_text().splitlines()))
    assert len(rows) == sum(1 for event in events if event["kind"] == "row")
    assert {row["spec.n"] for row in rows} == {"16", "32"}


def test_conducting_again_trains_nothing(conducted, onset):
    folder, _ = conducted
    events = []
    assert conduct(onset, "ci", root=folder.path.parent, tell=events.append, page=write_report) == folder
    assert not [event for event in events if event["kind"] == "row"]


def test_scales_and_studies_that_do_not_exist_are_refused(onset):
    with pytest.raises(InputError, match="huge"):
        onset.runs("huge")
    with pytest.raises(InputError, match="offset"):
        load_study("offset")


def broken(onset, *path, to):
    settings = onset.model_dump(mode="json")
    place = settings
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return settings


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (("scales", "ci", "arms", 0, "arm"), "gan", "gan"),
        (("main_arm",), "gan", "gan"),
        (("claims", 0, "arm"), "gan", "gan"),
        (("claims", 0, "quantity"), "exponent/tau", "quantity"),
        (("claims", 0, "scale"), "demos", "demos|Input should be"),
        (("scales", "ci", "arms", 0, "grid"), {"n": [16], "model.width": [8, 16]}, "model.width"),
    ],
)
def test_a_recipe_that_does_not_hang_together_is_refused_before_training(onset, path, to, said):
    with pytest.raises((InputError, ValidationError), match=said):
        Study.model_validate(broken(onset, *path, to=to))


def test_an_arm_stands_once_in_a_scale(onset):
    settings = onset.model_dump(mode="json")
    settings["scales"]["ci"]["arms"] *= 2
    with pytest.raises(ValidationError, match="an arm twice"):
        Study.model_validate(settings)


def test_a_misspelled_arm_is_answered_with_the_nearest_name(onset):
    with pytest.raises(ValidationError, match="did you mean mlp") as caught:
        Study.model_validate(broken(onset, "main_arm", to="mpl"))
    assert "every value of another setting" not in str(caught.value)


@pytest.mark.parametrize("name", ["folder", "celeba"])
def test_celeba_keeps_the_published_preparation(onset, name):
    run = onset.runs("paper", Data(name=name, path="faces"))["celeba"][0]
    assert run.data == onset.runs("paper")["celeba"][0].data.model_copy(update={"path": "faces"})
    with pytest.raises(InputError, match="size"):
        onset.runs("paper", Data(name=name, path="faces", size=64))


def test_only_some_arms(onset):
    mlp = onset.only("cpu", {"mlp"})
    assert set(mlp.runs("cpu")) == {"mlp"} and mlp.runs("cpu")["mlp"] == onset.runs("cpu")["mlp"]
    assert {claim.arm for claim in mlp.claims} == {"mlp"}
    Study.model_validate(onset.only("ci", {"mlp"}).model_dump())  # still whole: it is written and read again


def test_estimate_writes_nothing_and_counts_every_run(onset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = onset.runs("ci")["mlp"]
    found = estimate(runs, workers=2)
    assert len(found.seconds) == len(runs) and all(seconds > 0 for seconds in found.seconds)
    assert max(found.seconds) <= found.wall <= sum(found.seconds)
    assert not list(tmp_path.iterdir())


def test_samples_that_no_measure_needs_take_no_time(onset):
    run = onset.runs("ci")["mlp"][0]
    plan = run.plan.model_copy(update={"samples": 10**9, "measures": (LossGap(images=8),)})
    assert estimate([run.model_copy(update={"plan": plan})]).seconds[0] < 600


def test_makespan_of_known_work():
    assert makespan([3, 2, 2], 2) == 4
    assert makespan([3, 2, 2], 1) == 7
    assert makespan([], 2) == 0
