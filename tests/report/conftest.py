"""What makes a page's tests quick."""

import pytest


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch):
    """Figures are made but not drawn, which takes most of a page's time."""
    for name in ("audit", "pages", "planted"):
        monkeypatch.setattr(
            f"byheart.report.{name}.svg", lambda figure, name, description: f'<svg id="{name}"></svg>'
        )
