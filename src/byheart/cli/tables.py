"""Tables on stdout: fitted to a terminal, never cut where another program reads them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from byheart._checks import printable

__all__ = ["show"]


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], *, last_wraps: bool = False) -> None:
    """Print a table, its cells without control characters.  last_wraps: in a terminal the last column may take several lines."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        for row in (columns, *rows):
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=not (last_wraps and column == columns[-1]))
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
