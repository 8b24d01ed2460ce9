"""byheart data ls: the data sets that byheart knows by name."""

from __future__ import annotations

from byheart.cli.tables import show

__all__ = ["ls"]


def ls() -> int:
    """List the data sets and where they were found."""
    from byheart.data.named import available

    rows = [
        (
            info.name,
            "×".join(map(str, info.shape)) if info.shape else "–",
            "–" if info.count is None else str(info.count),
            "yes" if info.present else "no",
            str(info.where) if info.present else info.remedy,
        )
        for info in available()
    ]
    show(("data", "shape", "images", "here", "where, or how to get it"), rows, last_wraps=True)
    return 0
