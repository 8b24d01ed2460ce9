"""The scoreboard: what is due, what is measured again, and what happens to runs of older code."""

import pytest

from byheart._checks import InputError
from byheart.experiments.study import scoreboard
from byheart.experiments.study.claims import read_record, unmeasured
from byheart.experiments.study.recipe import Study, load_study
from byheart.store.folders import RunFolder


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The onset study with its claims at scale ci, and a record of its own."""
    settings = load_study("onset").model_dump(mode="json")
    settings["claims"] = [claim | {"scale": "ci"} for claim in settings["claims"] if claim["arm"] == "mlp"]
    study = Study.model_validate(settings)
    record = tmp_path / "record"
    monkeypatch.setattr(scoreboard, "_studies", lambda: [study])
    monkeypatch.setattr(scoreboard, "read_record", lambda name: read_record(name, record))
    write = scoreboard.write_record
    monkeypatch.setattr(scoreboard, "write_record", lambda name, rows: write(name, rows, record))
    return study


def test_nothing_measured_says_so(small):
    rows = scoreboard.scoreboard()
    assert {row["id"] for row in rows} == {claim.id for claim in small.claims}
    assert all(row["measured"] is None and row["verdict"] is None and row["current"] is None for row in rows)
    assert scoreboard.due("ci") == [claim.id for claim in small.claims]
    assert scoreboard.all_rows() == [unmeasured(claim) for claim in small.claims]


def test_papers_stand_by_the_verdicts_of_their_own_claims(small, monkeypatch):
    verdicts = {"S3-A": "unresolved", "S3-B": "reproduced", "S3-C": "contradicted", "B-S3-A": "contradicted"}
    rows = [
        unmeasured(claim) | {"verdict": verdicts[claim.id], "version": "v"}
        for claim in small.claims
        if claim.id in verdicts
    ]
    monkeypatch.setattr(scoreboard, "read_record", lambda name: rows)
    paper, ours = scoreboard.standings()
    assert paper.line == "S3 (2505.17638): 1 reproduced, 1 contradicted, 1 unresolved, 2 not measured of 5"
    others = sum(claim.paper == "byheart" for claim in small.claims) - 1
    assert (
        ours.line
        == f"byheart: 0 reproduced, 1 contradicted, 0 unresolved, {others} not measured of {others + 1}"
    )


def test_what_is_due_is_measured_once(small, tmp_path, monkeypatch):
    rows = scoreboard.measure_again(["due"], scale="ci", root=tmp_path / "runs", record=True)
    assert [row["id"] for row in rows] == [claim.id for claim in small.claims]
    assert scoreboard.due("ci") == []
    assert all(row["current"] for row in scoreboard.scoreboard())
    assert scoreboard.measure_again(["due"], scale="ci", root=tmp_path / "runs") == []

    monkeypatch.setattr(scoreboard, "run_code", lambda kind: "newer")
    assert scoreboard.due("ci") == [claim.id for claim in small.claims]
    assert not any(row["current"] for row in scoreboard.scoreboard())


def test_one_claim_leaves_the_record_of_the_others_alone(small, tmp_path):
    (row,) = scoreboard.measure_again(["S3-B"], scale="ci", root=tmp_path / "runs")
    assert row["id"] == "S3-B" and row["scale"] == "ci"
    assert all(found["measured"] is None for found in scoreboard.all_rows())


def test_runs_of_older_code_are_set_aside_not_deleted(small, tmp_path):
    root = tmp_path / "runs"
    run = small.runs("ci")["mlp"][0]
    folder = RunFolder(root / run.id)
    folder.start({"spec": run.model_dump(mode="json"), "code": "older"})
    events = []
    scoreboard.measure_again(["S3-B"], scale="ci", root=root, tell=events.append)
    assert RunFolder(root / ".stale" / f"{run.id}-older").header()["code"] == "older"
    assert folder.done and folder.header()["code"] != "older"
    assert any("older code" in event.get("text", "") for event in events)


def test_a_claim_is_not_measured_at_a_scale_without_its_arm(tmp_path):
    with pytest.raises(InputError, match="a scale that has it: ci, demo, cpu"):
        scoreboard.measure_again(["S3-A"], scale="paper", root=tmp_path / "runs")
