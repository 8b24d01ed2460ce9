import re
from xml.etree import ElementTree

import onset_rows
import pytest

from byheart.report.palette import INK
from byheart.report.vector import svg
from byheart.studies.onset.figures import memorization

RUNS = onset_rows.content(sizes=(64, 256), seeds=(0,)).runs


@pytest.fixture(scope="module")
def text() -> str:
    return svg(memorization(RUNS), "first", "Copies & more")


def test_it_is_one_element_that_fits_its_place(text):
    root = ElementTree.fromstring(text.replace("xlink:href", "href"))
    assert root.tag == "svg" and root.get("role") == "img" and root.get("aria-label") == "Copies & more"
    assert "width" not in root.attrib and re.fullmatch(r"0 0 [\d.]+ [\d.]+", root.get("viewBox"))


def test_it_loads_nothing_and_styles_nothing_else(text):
    assert not re.search(r"<style|<!DOCTYPE|<\?xml|<metadata|https?://", text)


def test_text_stays_text(text):
    words = [
        element.text for element in ElementTree.fromstring(text.replace("xlink:href", "href")).iter("text")
    ]
    assert "share of copies f_mem" in words and "1,000" in words


def test_colors_follow_the_page(text):
    assert f"var(--ink, {INK})" in text and "var(--line, " in text
    assert not re.search(r"(?<!, )#[0-9a-f]{6}", text)


def test_every_reference_finds_its_id(text):
    ids = re.findall(r'\bid="([^"]+)"', text)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    assert used and used <= set(ids) and len(ids) == len(set(ids))
    assert all(name.startswith("first-") for name in ids)


def test_the_same_figure_gives_the_same_bytes(text):
    assert svg(memorization(RUNS), "first", "Copies & more") == text
