"""The study s1-crossover, the whole way through at scale ci: trained mixtures memorize where they should."""

import pytest

from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.recipe import load_study
from byheart.studies.pages import write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return conduct(load_study("s1-crossover"), "ci", root=tmp_path_factory.mktemp("runs"), page=write_report)


def measured(folder, name: str) -> float:
    return next(row["measured"] for row in folder.claims() if row["id"] == name)


def test_half_of_the_samples_are_memorized_at_four_fifths(folder):
    assert measured(folder, "B-S1-F-small-half") < 0.05
    assert 0.35 < measured(folder, "B-S1-F-small") < 0.65
    assert measured(folder, "B-S1-F-small-all") > 0.97


def test_what_needs_no_more_than_two_seeds_is_decided(folder):
    verdicts = {row["id"]: row["verdict"] for row in folder.claims()}
    assert {verdicts[name] for name in ("S1-D", "S1-E", "B-S1-E-trained")} == {"reproduced"}
    assert "contradicted" not in verdicts.values()


def test_the_page_is_written(folder):
    text = folder.report.read_text()
    assert "B-S1-F-small" in text
    assert (folder.path / "crossover.png").stat().st_size > 5000
