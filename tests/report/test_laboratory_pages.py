from dataclasses import replace

import crossover_example as example
import pytest
from parsed_page import Parsed, check_light, heavy_imports

from byheart._checks import InputError
from byheart.report.environment import SHARED, FigureView
from byheart.report.laboratory import laboratory_page
from byheart.studies.s1_crossover.page import CrossoverContent, crossover_page

PLAIN = SHARED / "laboratory.html.j2"


@pytest.fixture(scope="module")
def text() -> str:
    return crossover_page(example.content())


def test_it_is_one_light_file_that_loads_nothing(text):
    check_light(text, most=1_000_000)


def test_the_answer_comes_first_and_every_part_is_there(page):
    assert page.sections() == ["meaning", "figures", "weighting", "claims", "measured", "provenance", "cite"]
    assert page.ids()[0] == "advice" and "four fifths" in page.line
    assert "Take care: these runs were made" in page.line and "study s1-crossover --scale cpu" in page.line
    assert "2508.17689" in page.line and "The byheart authors" in page.line


def test_figures_say_what_they_show(page):
    said = [at["aria-label"] for tag, at in page.tags if tag == "svg"]
    assert [words.partition(".")[0] for words in said] == ["The transition", "Starts", "Phase diagram"]


def test_every_color_has_a_twin_on_the_dark_page(text):
    used = {part.partition(",")[0] for part in text.split("var(")[1:] if part.startswith("--n")}
    assert len(used) == 5
    light, dark = text.partition("@media (prefers-color-scheme: dark) { :root { --")[::2]
    assert all(f"{color}:#" in light and f"{color}:#" in dark.partition("}")[0] for color in used)


def test_the_constant_stands_beside_the_fit(page):
    rows = page.line.partition("error, held out")[2]
    assert rows.startswith(
        " fitted weighting 26 1 1.2 2.4 constant 0.801 1 1 1.3 2.5 a perfect prediction – – 1.1 1.1"
    )
    assert "comes no closer than the constant" in page.line


def test_a_fit_that_explains_something_is_said_to():
    better = example.weighting(errors=(1e-5, 2e-5))
    page = Parsed(crossover_page(CrossoverContent(example.laboratory(), better)))
    assert "comes closer than the constant" in page.line and "not why" not in page.line


def test_without_a_fit_nothing_is_said_of_it():
    page = Parsed(crossover_page(CrossoverContent(example.laboratory(claims=()))))
    assert "weighting" not in page.sections() and "hypothesis" not in page.line


def test_other_figures_stand_before_the_panels():
    first = FigureView("<svg id='own' aria-label='own'></svg>", "Own", "Caption")
    text = laboratory_page(example.laboratory(), PLAIN, ["2501.15785"], [first])
    assert text.index("<h3>Own</h3>") < text.index("<h3>The transition</h3>")
    alone = laboratory_page(example.laboratory(panels=[]), PLAIN, [], [first])
    assert alone.count("<figure>") == 1


def test_a_page_without_figures_is_refused():
    with pytest.raises(InputError, match="figures"):
        crossover_page(replace(example.content(), laboratory=example.laboratory(panels=[])))


def test_pages_are_made_without_heavy_imports():
    assert heavy_imports("byheart.studies.s1_crossover.page") == "[]"


def test_the_crossover_says_whose_intervals_and_which_parameters_it_counts(page):
    assert "Networks are trained on subsets of one pool" in page.line
    assert "M d + 1 parameters" in page.line and "M (h w + 3) + 1" in page.line
