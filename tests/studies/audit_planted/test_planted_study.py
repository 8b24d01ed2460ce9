"""The study audit-planted, conducted whole at its smallest scale; its quantities and its page, from records made by hand."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.experiments.quantities import check_quantity, quantity
from byheart.experiments.runs.curves import Curve
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run
from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.folder import StudyFolder
from byheart.experiments.study.recipe import load_study
from byheart.numerics.intervals import proportion
from byheart.store.folders import RunFolder
from byheart.studies.audit_planted.gather import planted_content
from byheart.studies.pages import write_report


@pytest.fixture(scope="module")
def study():
    return load_study("audit-planted")


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return conduct(study, "ci", root=tmp_path_factory.mktemp("runs"), workers=1, page=write_report)


def group(folder, name):
    (runs,) = folder.folders().values()
    return [row for row in runs[0].rows() if row["group"] == name]


def test_the_scale_cpu_decides_every_claim(study):
    arms = {cell.arm for cell in study.scale("cpu").arms}
    assert arms == set(study.arms) == {cell.arm for cell in study.scale("long").arms}
    assert {claim.arm for claim in study.claims} <= arms and study.main_arm in arms
    ids = [claim.id for claim in study.claims]
    promised = [
        "FPR",
        "PAC",
        "RECALL",
        "BLEND",
        "COLLAGE",
        "INNOCENT",
        "COPIER",
        "SHARE",
        "CHAO",
        "DOUBLED",
        "SOURCE",
        "RAW",
    ]
    assert all(any(one.startswith(f"A-{name}") for one in ids) for name in promised)
    assert not {0, 1, 11} & {seed for cell in study.scale("cpu").arms for seed in cell.grid["seed"]}


def test_the_claims_are_what_the_records_say(folder):
    rows = {row["id"]: row for row in folder.claims()}
    assert set(rows) == {"A-RECALL-digits", "A-BLEND-digits", "A-INNOCENT-digits"}
    main = [row for row in group(folder, "planted") if row["kind"] == "main"]
    assert len(main) == 13 and {row["count"] for row in main} == {6}
    recall = rows["A-RECALL-digits"]
    assert (
        recall["measured"] == pytest.approx(np.mean([row["value"] for row in main])) and recall["count"] == 78
    )
    assert recall["low"] < recall["measured"] < recall["high"]
    worst = max(row["value"] for row in group(folder, "accused") if row["kind"] == "safe")
    assert rows["A-INNOCENT-digits"]["measured"] == worst
    assert all(row["verdict"] and row["version"] and row["seconds"] > 0 for row in rows.values())


def test_few_images_already_tell_copies_from_innocents(folder):
    recall = {row["name"]: row["value"] for row in group(folder, "planted")}
    assert min(recall[name] for name in ("exact", "shift-1", "flip", "gain-0.8", "jpeg-50")) > 0.9
    assert recall["inversion"] < 0.5  # outside the poses that are searched
    named = {row["name"]: row["value"] for row in group(folder, "matched")}
    assert named["exact"] == 1 and named["inversion"] < 0.5
    assert max(row["value"] for row in group(folder, "accused") if row["kind"] == "safe") < 0.2
    (copier, _) = group(folder, "copier")
    assert copier["value"] > 0.9
    assert group(folder, "exceeded")[0]["value"] is None  # 120 held-out images allow no such promise


def test_stages_that_were_scored_are_not_scored_again(folder, tmp_path, monkeypatch):
    (runs,) = folder.folders().values()
    run, before = parse_run(runs[0].header()["spec"]), runs[0].rows()
    place = tmp_path / run.id
    place.mkdir()
    for file in runs[0].path.iterdir():
        if file.name != "done.json":
            (place / file.name).write_bytes(file.read_bytes())
    (place / "rows.jsonl").write_text("")
    monkeypatch.setattr("byheart.experiments.kinds.audit.run.copy_test", None)  # a score would need it
    assert execute(run, tmp_path).rows() == before


def test_the_page_shows_what_was_measured(folder):
    (population,), page = planted_content(folder).populations, folder.report.read_text()
    assert population.title == "Digits" and population.arm == "digits"
    for name in (
        "planted",
        "matched",
        "shortlisted",
        "accused",
        "blended",
        "fpr",
        "coverage",
        "bound",
        "chao",
    ):
        for row in group(folder, name):
            assert population.at(name, row["name"]).value == pytest.approx(row["value"]), row
    assert "A-RECALL-digits" in page and "byheart study audit-planted --scale ci" in page
    assert not re.search(
        r"\b(nan|None)\b", re.sub(r"<svg.*?</svg>|<style>.*?</style>", "", page, flags=re.DOTALL)
    )
    assert (folder.path / "planted.png").read_bytes()[1:4] == b"PNG"


def test_the_page_can_be_written_again(folder):
    before = folder.report.read_text()
    folder.report.unlink()
    assert write_report(folder.path).read_text() == before


def test_other_data_are_refused(study, tmp_path):
    with pytest.raises(InputError, match="other data"):
        conduct(study, "ci", root=tmp_path, data=Data())


# --- quantities ----------------------------------------------------------------------------------------------------------


def record(group, name, value, count=100, kind="", reach=0.0):
    low, high = (None, None) if value is None else (value - reach, value + reach)
    return {
        "group": group,
        "name": name,
        "kind": kind,
        "value": value,
        "low": low,
        "high": high,
        "count": count,
    }


def curve(*rows, seed=21):
    return Curve(f"r{seed}", 5000, seed, [{"step": step, **row} for step, row in enumerate(rows)], {}, {})


def test_shares_are_pooled_over_all_that_they_count():
    curves = [
        curve(record("planted", "exact", 0.9, 100), seed=21),
        curve(record("planted", "exact", 1.0, 300), seed=22),
    ]
    found, expected = quantity("audit/planted/exact", curves), proportion(390, 400)
    assert (found.value, found.count) == (pytest.approx(0.975), 400)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_a_mean_over_splits_lies_in_its_interval():
    found = quantity("audit/planted/exact", [curve(record("planted", "exact", 0.9996, 150))])
    assert (
        found.value == pytest.approx(0.9996)
        and found.low == pytest.approx(proportion(150, 150).low)
        and found.high == 1
    )
    found = quantity("audit/accused/blur-1", [curve(record("accused", "blur-1", 0.0004, 1000))])
    assert (
        found.value == pytest.approx(0.0004)
        and found.low == 0
        and found.high == pytest.approx(proportion(0, 1000).high)
    )


def test_main_takes_the_main_kinds_only():
    rows = [
        record("planted", "exact", 1.0, 150, "main"),
        record("planted", "crop-90", 0.9, 50, "main"),
        record("planted", "inversion", 0.0, 100, "outside"),
        record("matched", "exact", 0.0, 150, "main"),
    ]
    found = quantity("audit/planted/main", [curve(*rows)])
    assert (found.value, found.count) == (pytest.approx(195 / 200), 200)


def test_the_worst_kind_is_the_worst_over_all_runs():
    """Not the one with the worst single run."""
    first = [record("planted", "a", 0.5, 10, "main"), record("planted", "b", 0.9, 50, "main")]
    second = [record("planted", "a", 1.0, 90, "main"), record("planted", "b", 0.9, 50, "main")]
    outside = record("planted", "inversion", 0.0, 100, "outside")
    found = quantity("audit/planted/worst", [curve(*first, outside), curve(*second, outside, seed=22)])
    assert (found.value, found.count) == (pytest.approx(0.9), 100)


def test_the_most_accused_are_innocent():
    rows = [
        record("accused", "blur-1", 0.01, 300, "safe"),
        record("accused", "noise-0.05", 0.02, 300, "safe"),
        record("accused", "kde-0.3", 0.7, 300, "copying"),
    ]
    found = quantity("audit/accused/most", [curve(*rows)])
    assert (found.value, found.count) == (pytest.approx(0.02), 300)


def test_the_worst_of_a_group_without_kinds_is_the_smallest():
    rows = [
        record("coverage", name, value, 1000) for name, value in (("0", 0.97), ("0.5", 0.93), ("1", 0.99))
    ]
    assert quantity("audit/coverage/worst", [curve(*rows)]).value == pytest.approx(0.93)


def test_means_are_averaged_with_their_intervals():
    curves = [
        curve(record("fpr", "marginal", 0.010, 200, reach=0.001)),
        curve(record("fpr", "marginal", 0.012, 200, reach=0.002), seed=22),
    ]
    found = quantity("audit/fpr/marginal", curves)
    assert (found.value, found.low, found.high) == pytest.approx(
        (0.011, 0.0095, 0.0125)
    ) and found.count == 400


@pytest.mark.parametrize(
    "name", ["exceeded/pac", "fpr/marginal", "planted/worst", "accused/most", "planted/main"]
)
def test_what_was_not_measured_is_missing_in_every_run(name):
    rows = record("exceeded", "pac", None, 0), record("population", "close", 0.0, 3500)
    found = quantity(f"audit/{name}", [curve(*rows), curve(*rows, seed=22)])
    assert math.isnan(found.value) and found.low is None and found.missing == 2


def test_a_run_without_it_takes_nothing_from_the_others():
    curves = [curve(record("exceeded", "pac", None, 0)), curve(record("exceeded", "pac", 0.04, 200), seed=22)]
    found = quantity("audit/exceeded/pac", curves)
    assert (found.value, found.count) == (pytest.approx(0.04), 200)


@pytest.mark.parametrize(
    "name", ["audit/nothing/exact", "audit/planted", "audit/planted/", "audits/planted/exact"]
)
def test_names_outside_the_vocabulary_are_refused(name):
    with pytest.raises(InputError, match="quantity"):
        check_quantity(name)


# --- the page, of records made by hand -----------------------------------------------------------------------------------


def stored(root: Path, name: str, rows, **spec) -> str:
    """A finished run with these records."""
    whole = parse_run({"kind": "audit", "population": "fashion_mnist", "n": 5000, "seed": 21} | spec)
    run = RunFolder(root / name)
    run.path.mkdir(parents=True)
    run.start({"spec": whole.model_dump(mode="json"), "code": "c", "byheart": "0", "torch": "2"})
    run.write_record("data", {"name": whole.population, "count": 60000})
    run.write_record("done", {"seconds": 60.0})
    for step, row in enumerate(rows):
        run.append({"step": step, **row})
    return name


@pytest.fixture
def by_hand(study, tmp_path):
    def rows(recall, close=0.0):
        return [
            record("planted", "exact", recall, 100, "main"),
            record("population", "close", close, 1000),
            record("exceeded", "pac", None, 0),
        ]

    runs = {
        "glyphs": [stored(tmp_path, "a", rows(1.0), population="glyphs")],
        "fashion": [stored(tmp_path, "b", rows(0.9)), stored(tmp_path, "c", rows(1.0), seed=22, main=300)],
        "twice": [stored(tmp_path, "d", rows(0.8), doubled="exactly")],
        "clipart-raw": [stored(tmp_path, "e", rows(0.1, close=0.006), population="clipart", n=3500)],
    }
    folder = StudyFolder(tmp_path / "audit-planted-cpu-0")
    folder.path.mkdir()
    header = {"study": study.model_dump(mode="json"), "scale": "cpu", "runs": runs, "command": ""}
    (folder.path / "study.json").write_text(json.dumps(header))
    (folder.path / "claims.json").write_text(json.dumps({"claims": []}))
    return folder


def test_populations_are_told_apart(by_hand):
    content = planted_content(by_hand)
    assert [one.title for one in content.populations] == [
        "Fashion-MNIST",  # the main arm first
        "Glyphs",
        "Fashion-MNIST, every image twice",
        "Clip art, near-duplicates",
    ]
    assert [one.accusable for one in content.populations] == [True, True, True, False]
    assert [one.once for one in content.populations] == ["", "", "fashion", ""]
    assert content.seeds == "21 and 22" and content.cautions == []


def test_doubled_images_stand_beside_their_own_population_only(by_hand):
    run = RunFolder(by_hand.path.parent / "d")
    header = run.header()
    for changes, once in (
        ({"population": "digits"}, ""),
        ({"n": 4000}, ""),
        ({"population": "glyphs"}, "glyphs"),
    ):
        run.start({**header, "spec": {**header["spec"], **changes}})
        assert next(one for one in planted_content(by_hand).populations if one.arm == "twice").once == once


def test_numbers_are_pooled_over_the_seeds(by_hand):
    fashion = planted_content(by_hand).populations[0]
    assert fashion.at("planted", "exact").value == pytest.approx(0.95)
    assert fashion.at("planted", "main").count == 200 and fashion.names("planted", "pooled") == ["main"]
    assert fashion.at("exceeded", "pac") is None
    assert fashion.facts["test copies per main kind"] == "150, 300" and fashion.facts["seeds"] == "21, 22"
    assert fashion.facts["judged unseen images per division"] == "2,500"


def test_half_of_alpha_is_the_limit_of_the_population_check(study, by_hand):
    run = RunFolder(by_hand.path.parent / "e")
    for close, accusable in ((0.005, True), (0.0051, False)):
        (run.path / "rows.jsonl").write_text(
            json.dumps({"step": 0, **record("population", "close", close, 10000)}) + "\n"
        )
        assert planted_content(by_hand).populations[3].accusable is accusable


def test_two_arms_of_one_population_have_names_of_their_own(by_hand):
    stored(
        by_hand.path.parent, "f", [record("planted", "exact", 1.0, 100, "main")], population="glyphs", n=1000
    )
    header = json.loads((by_hand.path / "study.json").read_text())
    header["runs"]["digits"] = ["f"]
    (by_hand.path / "study.json").write_text(json.dumps(header))
    titles = [one.title for one in planted_content(by_hand).populations]
    assert "Glyphs (glyphs)" in titles and "Glyphs (digits)" in titles


def test_seeds_of_the_design_are_a_caution(by_hand):
    run = RunFolder(by_hand.path.parent / "a")
    header = run.header()
    run.start({**header, "spec": {**header["spec"], "seed": 11}})
    assert any("seed 11" in text for text in planted_content(by_hand).cautions)


def test_the_page_needs_no_claims_and_no_other_numbers(by_hand):
    page = write_report(by_hand.path).read_text()
    assert "single copies cannot be named" in page and "Training sets with duplicates" in page
    assert "0.60" in page and "None" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
