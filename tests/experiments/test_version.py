"""Which code measured a number: the digest moves with the code that makes it, and with nothing else."""

import ast
import re
import shutil
from pathlib import Path

import pytest

from byheart.experiments import version


@pytest.fixture
def package(tmp_path, monkeypatch):
    copy = tmp_path / "byheart"
    shutil.copytree(version.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(version, "PACKAGE", copy)
    version.forget()
    yield copy
    version.forget()


def code(kind="training"):
    version.forget()
    return version.run_code(kind)


def changed(package, name, old, new):
    before = code()
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    return code() != before


def move(package: Path, old: str, new: str) -> None:
    """Move a module of the package and mend every import of it, as a person would."""
    (package / new).parent.mkdir(exist_ok=True)
    shutil.move(package / old, package / new)
    here, there = (f"byheart.{name[:-3].replace('/', '.')}" for name in (old, new))
    parent, stem = here.rsplit(".", 1)
    for file in package.rglob("*.py"):
        text = re.sub(rf"\b{re.escape(here)}\b", there, file.read_text())
        text = text.replace(
            f"from {parent} import {stem}\n", f"from {there.rsplit('.', 1)[0]} import {stem}\n"
        )
        file.write_text(text)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sampling/solvers.py", "def euler_step", "def euler_stride"),
        ("training/ema.py", "self.horizon * step", "2 * self.horizon * step"),
        ("metrics/memorization.py", "< threshold", "<= threshold"),
        ("numerics/neighbors.py", "\nimport torch\n", "\nimport torch\nimport os\n"),
    ],
)
def test_it_moves_with_the_code_that_makes_numbers(package, name, old, new):
    assert changed(package, name, old, new)


@pytest.mark.parametrize(
    "name", ["store/folders.py", "executors/local.py", "report/panels.py", "cli/study.py"]
)
def test_it_stays_where_numbers_are_only_carried(package, name):
    assert not changed(package, name, "from __future__", "import os\nfrom __future__")


def test_the_code_of_one_kind_stays_where_another_changes(package):
    before = code("closed_form"), code("collapse")
    with (package / "training" / "ema.py").open("a") as file:
        file.write("\nimport os\n")
    assert (code("closed_form"), code("collapse")) == before


def test_comments_and_docstrings_do_not_count(package):
    assert not changed(package, "training/ema.py", "The moving average", "Of the moving average")
    before = code()
    with (package / "training/ema.py").open("a") as file:
        file.write("# a remark\n")
    assert code() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [("sampling/solvers.py", "sampling/steps/solvers.py"), ("numerics/softmax.py", "numerics/weights.py")],
)
def test_a_file_may_move(package, old, new):
    before, files = code(), version.code_files((version.run_module("training"),))
    move(package, old, new)
    assert code() == before
    assert version.changed_files(files, version.code_files((version.run_module("training"),))) == []


def test_a_function_of_the_same_name_from_another_file_counts(package):
    before = code()
    loop = package / "training" / "loop.py"
    (package / "training" / "other.py").write_text(
        (package / "training" / "optimizers.py").read_text() + "\nX = 1\n"
    )
    assert "byheart.training.optimizers" in loop.read_text()
    loop.write_text(loop.read_text().replace("byheart.training.optimizers", "byheart.training.other"))
    assert code() != before


def test_imports_for_types_do_not_count(package):
    loop = package / "training" / "loop.py"
    before = code()
    loop.write_text(loop.read_text() + "\nif TYPE_CHECKING:\n    from byheart.report.panels import Panel\n")
    assert code() == before
    loop.write_text(loop.read_text() + "\nif True:\n    from byheart.report.panels import Panel\n")
    assert code() != before


def test_a_name_that_a_package_hands_on_is_followed_to_its_file(package):
    assert (
        "from byheart.metrics.fidelity import"
        in (package / "evaluation" / "measures" / "kernel.py").read_text()
    )
    assert changed(package, "metrics/fidelity/kernel.py", "from __future__", "import os\nfrom __future__")


def test_a_circle_is_refused(package):
    with (package / "training" / "ema.py").open("a") as file:
        file.write("\nfrom byheart.training.loop import State\n")
    with (package / "training" / "loop.py").open("a") as file:
        file.write("\nfrom byheart.training.ema import EMA\n")
    with pytest.raises(
        RuntimeError, match=r"training/ema\.py -> training/loop\.py|training/loop\.py -> training/ema\.py"
    ):
        code()


def test_the_changed_file_is_named(package):
    files = version.code_files((version.run_module("training"),))
    assert changed(package, "training/ema.py", "self.horizon * step", "2 * self.horizon * step")
    now = version.code_files((version.run_module("training"),))
    assert version.changed_files(files, now) == ["training/ema.py"]


def test_a_name_that_is_no_module_is_refused():
    with pytest.raises(ImportError, match="nowhere"):
        version.code_version(("byheart.nowhere",))


def test_a_tree_is_the_same_in_every_version_of_python():
    tree = ast.parse("def f(x, *, y=1):\n    return [x[0], None, y]\n")
    name = lambda text: ("Name", ("ctx", ("Load",)), ("id", text))  # noqa: E731
    item = ("Subscript", ("ctx", ("Load",)), ("slice", ("Constant", ("value", 0))), ("value", name("x")))
    returned = ("Return", ("value", ("List", ("ctx", ("Load",)), ("elts", [item, ("Constant",), name("y")]))))
    arguments = (
        "arguments",
        ("args", [("arg", ("arg", "x"))]),
        ("kw_defaults", [("Constant", ("value", 1))]),
        ("kwonlyargs", [("arg", ("arg", "y"))]),
    )
    function = ("FunctionDef", ("args", arguments), ("body", [returned]), ("name", "f"))
    assert version._plain(tree) == ("Module", ("body", [function]))


@pytest.mark.parametrize(
    ("one", "other"), [("None", "'None'"), ("x = 1", "x = True"), ("0.5", "0.25"), ("1", "1.0")]
)
def test_what_differs_is_told_apart(one, other):
    plain = [repr(version._plain(ast.parse(text))) for text in (one, other)]
    assert plain[0] != plain[1]
