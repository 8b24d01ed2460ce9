"""One thread in every process, as the library's own workers have: sums, and so bits, depend on their number."""

import os

import pytest
from parsed_page import Parsed

for _pool in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_pool] = "1"  # read once, when such a library is loaded

# Timed apart, two folders of runs may settle on different backends where these nearly tie: other bits.
os.environ.setdefault("BYHEART_PRODUCTS", "blas")


@pytest.fixture(scope="module")
def page(text: str) -> Parsed:
    """Parse the page that the module's own fixture `text` writes."""
    return Parsed(text)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch):
    """Figures are made but not drawn, which takes most of a page's time."""
    for name in ("auditing.page.page", "report.environment"):
        monkeypatch.setattr(
            f"byheart.{name}.svg", lambda figure, name, description: f'<svg id="{name}"></svg>'
        )
