"""The study s2-regularization, conducted whole at its smallest scale, and its page."""

import json
import re

import pytest

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.experiments.study.conduct import conduct
from byheart.experiments.study.recipe import Study, load_study
from byheart.report.laboratory import LaboratoryContent
from byheart.studies.pages import write_report
from byheart.studies.s2_regularization.gather import regularization_content
from byheart.studies.s2_regularization.page import RegularizationContent, regularization_page


@pytest.fixture(scope="module")
def study():
    return load_study("s2-regularization")


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return conduct(study, "ci", root=tmp_path_factory.mktemp("runs"), workers=1, page=write_report)


def test_every_arm_of_the_paper_is_there_at_every_scale(study):
    for scale in ("ci", "cpu"):
        assert (
            {cell.arm for cell in study.scale(scale).arms}
            == set(study.arms)
            == {claim.arm for claim in study.claims}
        )
    ids = " ".join(claim.id for claim in study.claims)
    assert all(f"S2-{letter}" in ids for letter in "ABCDEFGHIJ")


def test_what_needs_no_many_samples_is_reproduced(folder):
    verdicts = {row["id"]: row["verdict"] for row in folder.claims()}
    for name in (
        "S2-C",
        "S2-D",
        "B-S2-D-escape",
        "B-S2-E",
        "B-S2-F-half",
        "B-S2-F-quarter",
        "B-S2-I-denoised",
        "B-S2-collapse",
    ):
        assert verdicts[name] == "reproduced"
    assert "contradicted" not in verdicts.values()
    assert verdicts["S2-G"] == verdicts["B-S2-H"] == "unresolved"  # 300 steps say nothing of 32,000


def test_the_page_shows_every_arm(folder):
    content, page = regularization_content(folder), folder.report.read_text()
    assert len(content.laboratory.panels) == 6 and content.plane is not None and content.copies is not None
    assert page.count("<svg") == 7 and page.count("<img") == 3 * len(content.copies.ratios)
    assert "S2-A" in page and "<script" not in page and 'src="http' not in page
    assert not re.search(r"\b(nan|None)\b", re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))
    assert not content.laboratory.cautions


def test_the_page_can_be_written_again(folder):
    before = folder.report.read_text()
    folder.report.unlink()
    assert write_report(folder.path).read_text() == before


def test_a_sentence_leaves_the_page_with_its_claim(folder):
    words, kept = "only slows copying", folder.claims()
    assert words in folder.report.read_text()
    rows = [row | ({"verdict": "unresolved"} if row["id"] == "B-S2-F-quarter" else {}) for row in kept]
    try:
        (folder.path / "claims.json").write_text(json.dumps({"claims": rows}))
        page = write_report(folder.path).read_text()
    finally:
        (folder.path / "claims.json").write_text(json.dumps({"claims": kept}))
        write_report(folder.path)
    assert words not in page and "Such noisy copies are still copies" in page


def test_a_page_without_figures_is_refused():
    with pytest.raises(InputError, match="figures"):
        regularization_page(RegularizationContent(LaboratoryContent("t", "ci", "a", [], [])))


def test_other_data_are_refused(study, tmp_path):
    with pytest.raises(InputError, match="theory collapse"):
        conduct(study, "ci", root=tmp_path, data=Data())


def test_a_study_of_one_s_own_has_a_page(tmp_path):
    recipe = {
        "name": "mine",
        "title": "Mine",
        "paper": "none",
        "page": "s2-regularization",
        "varies": [],
        "main_arm": "a",
        "arms": {
            "a": {
                "base": {
                    "kind": "flow",
                    "count": 8,
                    "grid": {"kind": "geometric", "steps": 20, "low": 1e-3, "high": 4.0},
                }
            }
        },
        "scales": {"ci": {"takes": "seconds", "arms": [{"arm": "a", "grid": {"seed": [0, 1]}}]}},
    }
    page = conduct(Study.model_validate(recipe), "ci", root=tmp_path, page=write_report).report.read_text()
    assert page.count("<svg") == 1 and "Only a regularizer" not in page
    assert '<h1 id="advice">Mine</h1>' in page  # without sentences its title is its headline
