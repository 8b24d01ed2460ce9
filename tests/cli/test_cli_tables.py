"""Tables that other programs can read."""

import io
import re
import sys

from byheart.cli.tables import show


def test_columns_line_up_and_nothing_is_cut(capsys):
    long = "word " * 60
    show(("id", "statement"), [("a", long), ("longer", "[brackets] stay")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["id      statement", f"a       {long}".rstrip(), "longer  [brackets] stay"]


def test_in_a_terminal_the_last_column_wraps(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "40")
    show(("id", "statement"), [("a", "word " * 30), ("b", "[bold]not markup[/]")], last_wraps=True)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue()).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 40
    assert len(lines) > 4
    assert any("[bold]not markup[/]" in line for line in lines)
