"""Claims: what is due and why, how it is measured again, and the records from which it is decided without a run."""

import gzip
from functools import partial

import pytest

from byheart._checks import InputError
from byheart.experiments.study import due as due_module
from byheart.experiments.study import measure, records, scoreboard
from byheart.experiments.study.claims import read_record, unmeasured, write_record
from byheart.experiments.study.due import due, due_claims
from byheart.experiments.study.measure import measure_again
from byheart.experiments.study.recipe import Study, load_study
from byheart.experiments.study.records import (
    CodeTables,
    current_records,
    read_code_tables,
    read_run_records,
    record_of,
    write_run_records,
)
from byheart.store.folders import RunFolder


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The onset study with its claims at scale ci, and a home of its own for what is committed."""
    settings = load_study("onset").model_dump(mode="json")
    settings["claims"] = [claim | {"scale": "ci"} for claim in settings["claims"] if claim["arm"] == "mlp"]
    settings["says"] = []
    study, home = Study.model_validate(settings), tmp_path / "record"
    for module in (due_module, measure, scoreboard):
        monkeypatch.setattr(module, "studies", lambda: [study])
        for function in (read_record, write_record, records.read_run_records, records.write_run_records):
            if hasattr(module, function.__name__):
                monkeypatch.setattr(module, function.__name__, partial(function, root=home))
        for function in (records.read_code_tables, records.write_code_tables):
            if hasattr(module, function.__name__):
                monkeypatch.setattr(module, function.__name__, partial(function, root=home))
    return study


@pytest.fixture
def measured(small, tmp_path):
    measure_again(["due"], scale="ci", root=tmp_path / "runs", record=True)
    return small


def no_runs(monkeypatch):
    monkeypatch.setattr(measure, "conduct", lambda *_, **__: pytest.fail("runs were carried out"))


def test_nothing_measured_says_so(small):
    rows = scoreboard.scoreboard()
    assert {row["id"] for row in rows} == {claim.id for claim in small.claims}
    assert all(row["measured"] is None and row["verdict"] is None and row["current"] is None for row in rows)
    assert due("ci") == [claim.id for claim in small.claims]
    assert {(claim.reason, claim.minutes) for claim in due_claims("ci")} == {("never measured", None)}
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
    assert paper.line == (
        "S3, Bonnaire et al. 2025 (arXiv 2505.17638): 1 of 5 reproduced, 1 contradicted, 1 unresolved, 2 not measured"
    )
    others = sum(claim.paper == "byheart" for claim in small.claims) - 1
    assert (
        ours.line
        == f"byheart's own claims: 0 of {others + 1} reproduced, 1 contradicted, 0 unresolved, {others} not measured"
    )
    assert scoreboard.contradicted() == ["S3-C", "B-S3-A"]
    assert (scoreboard.Standing("S9", "2601.00001", 0, 0, 0, 1).line).startswith(
        "S9 (arXiv 2601.00001): 0 of 1 reproduced"
    )


def test_what_is_due_is_measured_once(small, tmp_path, monkeypatch):
    rows = measure_again(["due"], scale="ci", root=tmp_path / "runs", record=True)
    assert [row["id"] for row in rows] == [claim.id for claim in small.claims]
    assert due("ci") == []
    assert all(row["current"] for row in scoreboard.scoreboard())
    assert measure_again(["due"], scale="ci", root=tmp_path / "runs") == []

    monkeypatch.setattr(due_module, "run_code", lambda kind: "newer")
    monkeypatch.setattr(records, "run_code", lambda kind: "newer")
    assert due("ci") == [claim.id for claim in small.claims]
    assert not any(row["current"] for row in scoreboard.scoreboard())
    assert all(claim.runs > 0 and claim.minutes > 0 for claim in due_claims("ci"))


def test_another_range_is_decided_from_the_records(measured, tmp_path, monkeypatch):
    no_runs(monkeypatch)
    settings = measured.model_dump(mode="json")
    for claim in settings["claims"]:
        claim["accept"] = [-100, 100]
    changed = Study.model_validate(settings)
    for module in (due_module, measure, scoreboard):
        monkeypatch.setattr(module, "studies", lambda: [changed])
    assert {(claim.reason, claim.runs, claim.minutes) for claim in due_claims("ci")} == {
        ("the claim itself", 0, 0)
    }
    before = {row["id"]: row["measured"] for row in scoreboard.all_rows()}
    measure_again(["due"], scale="ci", root=tmp_path / "elsewhere", record=True)
    assert {row["id"]: row["measured"] for row in scoreboard.all_rows()} == before
    assert due("ci") == [] and not (tmp_path / "elsewhere").exists()


def test_the_file_that_made_a_claim_due_is_named(measured, monkeypatch):
    own = records.code_files

    def changed(modules):
        files = own(modules)
        return {path: digest[::-1] if path == "training/ema.py" else digest for path, digest in files.items()}

    monkeypatch.setattr(due_module, "code_files", changed)
    monkeypatch.setattr(due_module, "run_code", lambda kind: "newer")
    monkeypatch.setattr(records, "run_code", lambda kind: "newer")
    assert {claim.reason for claim in due_claims("ci")} == {"training/ema.py"}


def test_one_claim_leaves_the_record_of_the_others_alone(small, tmp_path):
    (row,) = measure_again(["S3-B"], scale="ci", root=tmp_path / "runs")
    assert row["id"] == "S3-B" and row["scale"] == "ci"
    assert all(row["measured"] is None for row in scoreboard.all_rows())


def test_runs_of_older_code_are_set_aside_not_deleted(small, tmp_path):
    root = tmp_path / "runs"
    run = small.runs("ci")["mlp"][0]
    folder = RunFolder(root / run.id)
    folder.start({"spec": run.model_dump(mode="json"), "code": "older"})
    events = []
    measure_again(["S3-B"], scale="ci", root=root, tell=events.append)
    assert RunFolder(root / ".stale" / f"{run.id}-older").header()["code"] == "older"
    assert folder.done and folder.header()["code"] != "older"
    assert any("older code" in event.get("text", "") for event in events)


def test_a_claim_is_not_measured_at_a_scale_without_its_arm(tmp_path):
    with pytest.raises(InputError, match="a scale that has it: ci, demo, cpu"):
        measure_again(["S3-A"], scale="paper", root=tmp_path / "runs")


def test_records_are_read_as_they_were_written(measured, tmp_path):
    home, root = tmp_path / "record", tmp_path / "runs"
    runs = measured.runs("ci")["mlp"]
    known = read_run_records("onset", "ci", home)
    assert known.keys() == {run.id for run in runs}
    for run in runs:
        folder = record_of(RunFolder(root / run.id))
        assert known[run.id].curve == folder.curve and known[run.id].code == folder.code
    assert current_records(runs, known) == [known[run.id] for run in runs]
    del known[runs[0].id]
    assert current_records(runs, known) is None


def test_equal_records_are_equal_bytes_and_hold_no_samples(measured, tmp_path):
    file = tmp_path / "record" / "onset" / "records" / "ci.jsonl.gz"
    before = file.read_bytes()
    known = read_run_records("onset", "ci", tmp_path / "record")
    write_run_records("onset", "ci", reversed(known.values()), tmp_path / "record")
    assert file.read_bytes() == before
    assert str(tmp_path) not in gzip.decompress(before).decode()
    assert len(before) < 100_000


def test_the_tables_hold_the_code_of_the_records_alone(measured, tmp_path):
    tables = read_code_tables("onset", tmp_path / "record")
    codes = {record.code for record in read_run_records("onset", "ci", tmp_path / "record").values()}
    assert tables.runs.keys() == codes and "training/ema.py" in tables.runs[codes.pop()]
    assert CodeTables({"old": {}}, {}).only(set()) == CodeTables({}, {})


@pytest.mark.parametrize("name", ["onset", "s1-crossover", "s2-regularization", "audit-planted"])
def test_every_committed_row_is_decided_by_committed_records(name):
    """What the scoreboard says follows from what lies beside it: the value, its interval and its verdict."""
    study = load_study(name)
    for scale in {row["scale"] for row in read_record(name) if row["version"]}:
        known, arms = read_run_records(name, scale), study.runs(scale)
        curves = {
            arm: [known[run.id] for run in runs]
            for arm, runs in arms.items()
            if all(run.id in known for run in runs)
        }
        decided = {row["id"]: row for row in measure.measure_claims(study, scale, curves)}
        for row in (row for row in read_record(name) if row["scale"] == scale and row["version"]):
            again = decided[row["id"]]
            for key in ("measured", "low", "high"):
                assert again[key] == pytest.approx(row[key], rel=1e-9, abs=1e-12), (row["id"], key)
            assert again["verdict"] == row["verdict"]
