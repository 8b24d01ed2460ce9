"""The page of the planted benchmark in a real browser: nothing is loaded, every number can be read, also on a phone."""

from pathlib import Path

import planted_example as example
import pytest
from playwright.sync_api import Page

from byheart.studies.audit_planted.page import planted_page

pytestmark = pytest.mark.browser

CONTRAST = """
texts => {
  const channels = color => {
    const numbers = color.match(/[\\d.]+/g).slice(0, 3).map(Number)
    return color.startsWith('color(') ? numbers : numbers.map(c => c / 255)
  }
  const luminance = color => channels(color)
    .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0)
  return texts.map(text => {
    const cell = text.closest('td')
    const pair = [getComputedStyle(text).color, getComputedStyle(cell).backgroundColor].map(luminance)
    return (Math.max(...pair) + .05) / (Math.min(...pair) + .05)
  })
}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "planted.html"
    path.write_text(planted_page(example.content()))
    return path


@pytest.fixture(params=[(1200, "light"), (1200, "dark"), (400, "light"), (400, "dark")], ids=str)
def looked_at(request: pytest.FixtureRequest, open_page, file: Path) -> tuple[Page, list[str]]:
    return open_page(file, *request.param)


@pytest.fixture
def opened(looked_at: tuple[Page, list[str]]) -> Page:
    return looked_at[0]


def test_the_page_holds_up(looked_at: tuple[Page, list[str]]):
    opened, heard = looked_at
    assert heard == []
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for visible in (
        "#advice",
        "#question",
        "#claims",
        "#recall table",
        "#impossible",
        "#measured",
        "#cite pre",
    ):
        assert opened.locator(visible).is_visible(), visible
    boxes = opened.evaluate(
        "[...document.querySelectorAll('figure svg')].map(s => [s.clientWidth, s.getBBox().height])"
    )
    assert len(boxes) == 4 and all(min(box) > 100 for box in boxes)


def test_numbers_in_colored_cells_can_be_read(opened: Page):
    opened.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    contrasts = opened.locator(".heat td b, .heat td small").evaluate_all(CONTRAST)
    assert len(contrasts) > 100 and min(contrasts) > 4.5


def test_numbers_fit_into_their_cells(opened: Page):
    opened.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    wide = opened.locator(".heat td > *").evaluate_all(
        "all => all.filter(one => { const text = document.createRange(); text.selectNodeContents(one);"
        " return text.getBoundingClientRect().width > one.closest('td').clientWidth + 1 }).map(one => one.innerText)"
    )
    assert wide == []


def test_every_verdict_is_on_the_screen(opened: Page):
    verdicts = opened.locator("#claims td.verdict")
    assert verdicts.count() == 4
    edges = verdicts.evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert max(edges) <= opened.viewport_size["width"]


def test_a_missed_kind_is_warmer_than_one_that_is_found(open_page, file: Path):
    page, _ = open_page(file)
    rows = page.locator("#recall tr").filter(has=page.locator("td"))
    blue = "one => Number(getComputedStyle(one).backgroundColor.match(/[\\d.]+/g)[2])"
    found, missed = (
        rows.filter(has_text=name).locator("td").first.evaluate(blue)
        for name in ("cropped to 90", "inverted")
    )
    assert missed < 0.75 * found
