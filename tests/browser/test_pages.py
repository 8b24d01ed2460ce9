"""The pages in a real browser: nothing is loaded, nothing fails, nothing is wider than the screen."""

from pathlib import Path

import crossover_example
import numpy as np
import onset_rows
import pytest
from playwright.sync_api import Page

from byheart.report.laboratory import LaboratoryContent
from byheart.report.panels import Line, Panel
from byheart.studies.onset.content import MEM, RunContent
from byheart.studies.onset.page import onset_page
from byheart.studies.s1_crossover.page import crossover_page
from byheart.studies.s2_regularization.page import Copies, RegularizationContent, regularization_page
from byheart.studies.s2_regularization.plane import PlaneContent

pytestmark = pytest.mark.browser


def long_rows(n, seed):
    steps = onset_rows.schedule(48 * n)
    f_mem = onset_rows.through(steps, [4 * n, 48 * n], [0.0, 0.7])
    return [onset_rows.record(*row) for row in zip(steps, f_mem, f_mem, [9.0] * 15 + [8.0], strict=True)]


def nine_sizes():
    runs = [
        RunContent(f"{n}-{seed}", n, seed, long_rows(n, seed))
        for n in [128 * 2**k for k in range(9)]
        for seed in (0, 1)
    ]
    times = [onset_rows.onsets(run) for run in runs]
    return onset_rows.content(
        runs=runs, crossings=times, strips=[onset_rows.strip(run.n) for run in runs[::2]]
    )


def regularization():
    draws = np.random.default_rng(0)
    x = np.geomspace(1e-5, 1e-2, 6)
    shares = Line("measured", x, 1 / (1 + 1e4 * x), 0.9 / (1 + 1e4 * x), 1.1 / (1 + 1e4 * x))
    formula = Line("formula", x, 1 / (1 + 1e4 * x), style="formula", color=3)
    images = draws.integers(0, 256, (2, 64, 64), dtype=np.uint8)
    laboratory = LaboratoryContent(
        title="What keeps a model from copying?",
        scale="ci",
        advice="Only what grows as the noise vanishes.",
        reasons=["A long sentence about what it means. " * 5] * 3,
        panels=[Panel("Head", "Caption. " * 20, "strength c", "share", [formula, shares])] * 2,
        claims=onset_rows.content().claims,
        command="byheart study s2-regularization --scale ci",
    )
    plane = PlaneContent(
        draws.normal(size=(20, 2)),
        draws.normal(size=(8, 5, 2)),
        draws.random(8) < 0.3,
        kept="30 % [28 %, 32 %]",
    )
    return RegularizationContent(laboratory, plane, Copies(images, images, images, np.array([0.62, 0.61])))


PAGES = {
    "demo": lambda: onset_page(onset_rows.content()),
    "one seed, RGB": lambda: onset_page(
        onset_rows.content(
            seeds=(0,), strips=[onset_rows.strip(64, samples=3, side=32, channels=3)], claims=()
        )
    ),
    "nine sizes": lambda: onset_page(nine_sizes()),
    "no times": lambda: onset_page(onset_rows.content(crossings=(), exponents=(), collapses={}, strips=())),
    "regularization": lambda: regularization_page(regularization()),
    "crossover": lambda: crossover_page(crossover_example.content()),
}


@pytest.fixture(scope="module", params=PAGES)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "onset.html"
    path.write_text(PAGES[request.param]())
    return path


@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_holds_up(open_page, file: Path, width: int):
    page, heard = open_page(file, width)
    assert heard == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for visible in (
        "#advice",
        "#summary, #meaning",
        "#figures svg >> nth=0",
        "#claims",
        "#measured",
        "#cite pre",
    ):
        assert page.locator(visible).is_visible(), visible
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    boxes = page.evaluate(
        "[...document.querySelectorAll('figure svg')].map(s => [s.clientWidth, s.getBBox().width, s.getBBox().height])"
    )
    assert all(min(box) > 100 for box in boxes)


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "onset.html"
    path.write_text(onset_page(onset_rows.content()))
    return path


@pytest.fixture
def demo(open_page, demo_file: Path) -> Page:
    return open_page(demo_file, scheme="dark")[0]


def test_strips_open_on_the_headline_and_change_by_mouse_and_keyboard(demo: Page):
    shown = demo.locator("#strips .panel:visible table")
    assert shown.get_attribute("aria-label") == "Samples along training, n = 128"
    demo.get_by_text("256", exact=True).locator("visible=true").first.click()
    assert shown.get_attribute("aria-label") == "Samples along training, n = 256"
    demo.keyboard.press("ArrowLeft")
    assert shown.get_attribute("aria-label") == "Samples along training, n = 128"


def test_pixels_stay_crisp_and_large(demo: Page):
    image = demo.locator("#strips .panel:visible img").first
    assert image.evaluate("i => [i.naturalWidth, getComputedStyle(i).imageRendering]") == [8, "pixelated"]
    assert image.bounding_box()["width"] > 80


def test_a_dark_page_has_light_words_in_its_figures(demo: Page):
    brightness = (
        "s => getComputedStyle(s).fill.match(/\\d+/g).slice(0, 3).reduce((sum, c) => sum + Number(c), 0)"
    )
    words = demo.locator("#figures svg text")
    assert min(words.nth(i).evaluate(brightness) for i in range(words.count())) > 380
    ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((sum, c) => sum + Number(c), 0)"
    assert demo.evaluate(ground) < 120


def test_the_timeline_marks_the_times_it_names(demo: Page):
    """The copies begin in the lane of n = 128 around its tau_mem, by the ticks of the axis."""
    lane = demo.locator(".lane").nth(2)
    unsure, ticks = lane.locator(".unsure").bounding_box(), demo.locator(".ticks span")
    places = {ticks.nth(i).inner_text(): ticks.nth(i).bounding_box() for i in range(ticks.count())}
    hundred, thousand = (places[text]["x"] + places[text]["width"] / 2 for text in ("100", "1,000"))
    times = onset_rows.content().times(MEM, 128)
    for edge, time in (
        (unsure["x"], min(t.low for t in times)),
        (unsure["x"] + unsure["width"], max(t.high for t in times)),
    ):
        step = 100 * 10 ** ((edge - hundred) / (thousand - hundred))
        assert step == pytest.approx(time, rel=0.01)
