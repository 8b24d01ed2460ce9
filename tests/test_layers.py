"""Imports go down only; siblings do not import each other.  Imports in functions count, those for types do not."""

import ast
import shutil
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import byheart

PACKAGE = Path(byheart.__file__).parent
LAYERS = """numerics random _checks _records _version | data noise theory analysis | denoisers
    | models sampling training metrics features | evaluation build store report executors
    | auditing monitor experiments explain | cli dashboard"""
LEVEL = {room: level for level, rooms in enumerate(LAYERS.split("|")) for room in rooms.split()}


def imported(node: ast.AST) -> set[str]:
    """Names that a syntax tree imports, as full as they are written."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return set()
    names = {alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)}
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: a relative import hides its room"
        names = {f"{node.module}.{name}" for name in names}
    return names.union(*map(imported, ast.iter_child_nodes(node)))


def breaches(package: Path) -> list[str]:
    """Every pair of rooms that breaks the contract.  Raises CycleError where rooms of layer 0 form a ring."""
    graph: dict[str, set[str]] = {}
    for file in package.rglob("*.py"):
        room = file.relative_to(package).parts[0].removesuffix(".py")
        names = [name.split(".") for name in imported(ast.parse(file.read_text()))]
        found = {name[1] for name in names if name[0] == "byheart" and len(name) > 1} - {room}
        graph.setdefault(room, set()).update(found)
    rooms = {room: graph[room] for room in graph if room not in {"__init__", "__main__"}}
    list(TopologicalSorter({room: rooms[room] for room in rooms if LEVEL[room] == 0}).static_order())
    return [f"{a} imports {b}" for a in sorted(rooms) for b in sorted(rooms[a]) if LEVEL[a] <= LEVEL[b] != 0]


def test_imports_go_down():
    assert breaches(PACKAGE) == []


PLANTED = ["import byheart.cli", "from byheart import training", "def f():\n import byheart.models.mlp as m"]


@pytest.mark.parametrize("line", PLANTED)
def test_a_planted_breach_is_seen(tmp_path: Path, line: str):
    copy = shutil.copytree(PACKAGE, tmp_path / "byheart")
    (copy / "metrics" / "planted.py").write_text(line)
    assert len(breaches(copy)) == 1
