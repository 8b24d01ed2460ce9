"""Imports go down only; siblings do not import each other; no study imports another; no files form a circle.

Imports inside functions count, and so do those for type checkers.
"""

import ast
import shutil
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import byheart

PACKAGE = Path(byheart.__file__).parent
LAYERS = """numerics random _checks _records _version | data noise theory analysis | denoisers
    | models sampling training metrics features | evaluation build store report executors
    | auditing monitor experiments | studies explain | cli dashboard"""
LEVEL = {room: level for level, rooms in enumerate(LAYERS.split("|")) for room in rooms.split()}
FREE = {"__init__", "__main__"}  # the package's own face sees everything


def imported(file: Path) -> Iterator[str]:
    """Names below the package that a file imports, as full as they are written: `theory.terminal.escape_level`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import hides its room"
            names = [f"{node.module}.{name.name}" for name in node.names]
        elif isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        else:
            continue
        yield from (name.removeprefix("byheart.") for name in names if name.startswith("byheart."))


def room(name: str) -> str:
    return name.split(".")[0].removesuffix(".py")


def module(file: Path, package: Path) -> str:
    return ".".join(file.relative_to(package).with_suffix("").parts)


def breaches(package: Path) -> list[str]:
    """Every import that breaks the contract between rooms, and between studies."""
    found = []
    for file in sorted(package.rglob("*.py")):
        here = module(file, package)
        mine = room(here)
        for name in imported(file) if mine not in FREE else ():
            other = room(name)
            if other != mine and LEVEL[mine] <= LEVEL[other] != 0:
                found.append(f"{here} imports {name}")
            if mine == other == "studies" and here.count(".") > 1:
                study, of = here.split(".")[1], name.split(".")[1]
                found += [f"{here} imports {name}"] if of not in (study, "pages") else []
    return found


def files_of(package: Path) -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports."""
    modules = {module(file, package): file for file in package.rglob("*.py")}

    def origin(name: str) -> str | None:
        candidates = (
            name,
            f"{name}.__init__",
            name.rpartition(".")[0],
            f"{name.rpartition('.')[0]}.__init__",
        )
        return next((candidate for candidate in candidates if candidate in modules), None)

    return {
        here: {at for name in imported(file) if (at := origin(name)) is not None} - {here}
        for here, file in modules.items()
        if here not in FREE
    }


def circle(package: Path) -> list[str]:
    """Files that import each other in a circle, or none."""
    try:
        list(TopologicalSorter(files_of(package)).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def families(package: Path) -> list[str]:
    """Three files of one folder that share the word before their first underscore: they want a folder of their own."""
    stems: dict[tuple[Path, str], list[str]] = {}
    for file in package.rglob("*.py"):
        if file.stem.strip("_"):
            stems.setdefault((file.parent, file.stem.lstrip("_").split("_")[0]), []).append(file.name)
    return [f"{folder.name}: {sorted(names)}" for (folder, _), names in stems.items() if len(names) > 2]


def test_imports_go_down():
    assert breaches(PACKAGE) == []


def test_no_files_form_a_circle():
    assert circle(PACKAGE) == []


def test_no_files_share_a_prefix_in_the_place_of_a_folder():
    assert families(PACKAGE) == []


PLANTED = [
    "import byheart.cli",
    "from byheart import training",
    "def f():\n import byheart.models.mlp as m",
    "if TYPE_CHECKING:\n    from byheart.report.panels import Panel",
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(PACKAGE, tmp_path / "byheart", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize("line", PLANTED)
def test_a_planted_breach_is_seen(copy: Path, line: str):
    (copy / "metrics" / "planted.py").write_text(line)
    assert len(breaches(copy)) == 1


def test_a_study_that_imports_another_is_seen(copy: Path):
    (copy / "studies" / "onset" / "planted.py").write_text("from byheart.studies.s1_crossover import words")
    assert breaches(copy) == ["studies.onset.planted imports studies.s1_crossover.words"]


def test_a_planted_circle_is_seen(copy: Path):
    (copy / "metrics" / "one.py").write_text("if TYPE_CHECKING:\n    from byheart.metrics.two import x")
    (copy / "metrics" / "two.py").write_text("def f():\n    from byheart.metrics import one")
    assert {"metrics.one", "metrics.two"} <= set(circle(copy))
