import re

import onset_rows
import pytest
from parsed_page import Parsed, check_light, heavy_imports

from byheart._checks import InputError
from byheart.studies.onset.content import RunContent
from byheart.studies.onset.page import onset_page


@pytest.fixture(scope="module")
def text() -> str:
    return onset_page(onset_rows.content())


def test_it_is_one_light_file_that_loads_nothing(text):
    check_light(text, most=5_000_000)


def test_it_says_what_was_found(page):
    for words in (
        "With n = 128 training images, 10 % of the samples are copies at step",
        "Bonnaire et al. 2025 (arXiv 2505.17638), called S3 below",
        "Of 3 claims, 1 is reproduced, 1 is unresolved (B-S3-C-factor) and 1 is not measured.",
        "whatever n",
        "2,326 [2,079, 2,600]",
        "1.10 [0.99, 1.21]",
        "✓ reproduced",
        "– not measured",
        "0 [0, 0.00526]",
        "byheart study onset --scale demo",
        "2505.17638",
        "@software{byheart",
    ):
        assert words in page.words, words


def test_it_shows_every_part(page):
    figures = [at for tag, at in page.tags if tag == "svg"]
    tabs = [at for tag, at in page.tags if tag == "input"]
    images = [at for tag, at in page.tags if tag == "img"]
    assert (len(figures), len(tabs), len(images)) == (6, 4, 4 * 4 * (6 + 1))
    assert [tab.get("id") for tab in tabs if "checked" in tab] == ["a0-strip3"]
    assert all(at["alt"] for at in images) and all(at["aria-label"] for at in figures)


def test_copies_are_framed(text, page):
    framed = [at for tag, at in page.tags if tag == "td" and at.get("class") == "copied"]
    assert len(framed) == 4 * 2
    assert re.search(r'class="copied"><img [^>]*d1/d2 = 0.31">0.31', text)


@pytest.mark.parametrize(
    ("changes", "absent", "present"),
    [
        (
            {"crossings": (), "exponents": (), "collapses": {}},
            "The three times against n",
            "No onset times yet.",
        ),
        ({"claims": ()}, "reproduced if", "No claim is decided here"),
        ({"strips": ()}, "See it happen", "The evidence"),
        ({"seeds": (0,)}, "2 runs", "1 run)"),
        ({"sizes": (64,)}, "Twice as many images", "are copies at step"),
        (
            {"sizes": (64, 256), "facts": {}, "provenance": {}, "command": ""},
            "study onset --scale",
            "Repeat it",
        ),
        (
            {"strips": [onset_rows.strip(64, side=32, channels=3), onset_rows.strip(64, 1)]},
            "<script",
            "64 · seed 1",
        ),
    ],
    ids=["no times", "no claims", "no strips", "one seed", "one size", "bare", "RGB"],
)
@pytest.mark.usefixtures("undrawn")
def test_it_works_with_parts_missing(changes, absent, present):
    words = Parsed(onset_page(onset_rows.content(**changes))).words
    assert absent not in words and present in words


@pytest.mark.usefixtures("undrawn")
def test_rows_may_lack_what_the_plan_did_not_measure():
    runs = [RunContent("a", 64, 0, [{"step": 40, "f_mem": None}, {"step": 80, "loss": 1.0}])]
    empty = Parsed(
        onset_page(onset_rows.content(runs=runs, crossings=(), exponents=(), collapses={}, strips=()))
    )
    assert "svg" not in {tag for tag, _ in empty.tags}


@pytest.mark.usefixtures("undrawn")
def test_further_arms_follow_under_their_titles():
    other = onset_rows.content(sizes=(64, 128), title="The same with a U-Net", claims=())
    page = Parsed(onset_page(onset_rows.content(sizes=(32, 64), others=[other])))
    ids = [at["id"] for _, at in page.tags if "id" in at]
    assert "The same with a U-Net" in page.words and len(ids) == len(set(ids))
    assert len([1 for tag, _ in page.tags if tag == "svg"]) == 12


@pytest.mark.usefixtures("undrawn")
def test_names_from_outside_are_escaped():
    hostile = "<script>alert(1)</script>"
    text = onset_page(
        onset_rows.content(sizes=(64,), title=hostile, data_name=hostile, facts={hostile: hostile})
    )
    assert "<script" not in text and "&lt;script&gt;" in text


def test_the_same_content_gives_the_same_bytes(text):
    assert onset_page(onset_rows.content()) == text


def test_nothing_to_show_is_refused():
    with pytest.raises(InputError, match="no runs"):
        onset_page(onset_rows.content(runs=()))


def test_it_needs_no_torch():
    assert heavy_imports("byheart.studies.onset.page") == "[]"


def test_the_page_follows_the_threshold_of_the_runs(undrawn):
    text = onset_page(onset_rows.content(threshold=0.25))
    assert "d₁/d₂ &lt; 1/4" in text and "below 1/4 counts" in text and "1/3" not in text
    framed = [at for tag, at in Parsed(text).tags if tag == "td" and at.get("class") == "copied"]
    assert len(framed) == 4  # the sample at 0.31 is none


def test_every_arm_says_how_it_was_measured(undrawn):
    other = onset_rows.content(title="Another network", facts={"network": "unet, width 16"}, sizes=(64,))
    page = Parsed(onset_page(onset_rows.content(others=[other])))
    assert "mlp, width 512" in page.words and "unet, width 16" in page.words
    assert page.words.count(other.runs[0].id) == 2  # it is a run of both arms here


def test_cautions_stand_at_the_top(undrawn):
    page = onset_page(onset_rows.content(cautions=["3 images <repeat>"]))
    assert page.index("Take care:</strong> 3 images &lt;repeat&gt;") < page.index("<main>")
