"""The audit's pages in a real browser: nothing is loaded, nothing fails, nothing is wider than the screen."""

from pathlib import Path

import audit_example
import dedup_example
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from byheart.auditing.page.dedup import dedup_page
from byheart.auditing.page.page import audit_fragment, audit_page
from byheart.auditing.result import AuditResult

pytestmark = pytest.mark.browser

LONG = "folder/" + 40 * "no-place-to-break" + ".png"


def long_names() -> AuditResult:
    """Every text long, without a place to break."""
    pair = audit_example.pair(1, sample_name=LONG, train_names=(LONG,))
    inputs = audit_example.inputs(
        samples=audit_example.source(LONG, 400, unreadable=((LONG, LONG),)), overlap=((LONG, LONG),)
    )
    return audit_example.copying(
        pairs=(pair,),
        inputs=inputs,
        warnings=(LONG, LONG),
        reasons=(LONG,),
        sentence=LONG,
        versions=((LONG, LONG),),
    )


PAGES = {
    **{verdict: lambda made=made: audit_page(made()) for verdict, made in audit_example.VERDICTS.items()},
    "long names": lambda: audit_page(long_names()),
    "duplicates": lambda: dedup_page(dedup_example.duplicates()),
}


@pytest.fixture(scope="module", params=PAGES)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "audit.html"
    path.write_text(PAGES[request.param]())
    return path


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_holds_up(open_page, file: Path, width: int, scheme: str):
    page, heard = open_page(file, width, scheme)
    assert heard == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#verdict").bounding_box()["y"] < 60
    assert page.locator("#provenance").is_visible() and page.locator("#cite pre").is_visible()
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    decoded = "Promise.all([...document.querySelectorAll('svg image')].map(i => i.decode().then(() => true)))"
    assert all(page.evaluate(decoded))


@pytest.fixture
def copying(open_page, tmp_path: Path) -> Page:
    path = tmp_path / "audit.html"
    path.write_text(audit_page(audit_example.copying()))
    return open_page(path, scheme="dark")[0]


def test_the_aligned_training_image_looks_like_the_sample(copying: Page, tmp_path: Path):
    """In a flipped, turned, cropped and moved copy: as the browser draws both."""
    pair = copying.locator("#pairs .pair").nth(1)
    shots = []
    for place in (0, 1, 2):
        path = tmp_path / f"{place}.png"
        pair.locator("figure").nth(place).locator("img, svg").first.screenshot(path=path)
        shots.append(
            np.asarray(Image.open(path).convert("L").resize((32, 32), Image.Resampling.BOX), float)[
                2:-2, 2:-2
            ]
        )
    sample, training, aligned = (shot.ravel() for shot in shots)
    assert np.corrcoef(sample, aligned)[0, 1] > 0.95 > 0.8 > np.corrcoef(sample, training)[0, 1]


def test_bars_are_as_long_as_they_say(copying: Page):
    row = copying.locator("#card .bars li").filter(has_text="cropped to 90")
    track, bar = row.locator(".bar").bounding_box(), row.locator(".bar i").bounding_box()
    assert bar["width"] / track["width"] == pytest.approx(53 / 60, abs=0.005)


def test_words_can_be_read_on_a_dark_page(copying: Page):
    """Contrast of the verdict, the notes and the figures' text to the page: 4.5 at least."""
    luminance = (
        "s => getComputedStyle(s).{}.match(/[\\d.]+/g).slice(0, 3).map(c => c / 255)"
        ".map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)"
        ".reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0)"
    )
    ground = copying.locator("body").evaluate(luminance.format("backgroundColor"))
    texts = [
        (".word", "color"),
        (".tiles dd", "color"),
        (".bars .note", "color"),
        ("#scores svg text", "fill"),
    ]
    for where, what in texts:
        bright = copying.locator(where).first.evaluate(luminance.format(what))
        assert (bright + 0.05) / (ground + 0.05) > 4.5, where


def test_a_notebook_shows_the_fragment(browser: Browser):
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.set_content(audit_fragment(audit_example.copying()))
    assert page.get_by_text("copying", exact=True).is_visible()
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
