"""A real browser, and pages opened in it together with what they ask for and complain about."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Containers run as root, where Chromium's own sandbox cannot start.
        launched = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    """Opens a file: the page, and all that it asks for outside of itself, logs or throws, from its first moment."""
    pages = []

    def opening(file: Path, width: int = 1200, scheme: str = "light") -> tuple[Page, list[str]]:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        own, heard = file.as_uri(), []

        def asked(url: str) -> None:
            if url != own and not url.startswith("data:"):
                heard.append(url)

        page.on("request", lambda request: asked(request.url))
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto(own)
        page.wait_for_load_state("networkidle")
        return page, heard

    yield opening
    for page in pages:
        page.close()
