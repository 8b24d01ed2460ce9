"""Which code measured a number: the hash moves with the code that makes it, and with nothing else."""

import shutil

import pytest

from byheart.experiments import version


@pytest.fixture
def package(tmp_path, monkeypatch):
    copy = tmp_path / "byheart"
    shutil.copytree(version.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(version, "PACKAGE", copy)
    version.code_version.cache_clear()
    yield copy
    version.code_version.cache_clear()


def changed(package, name, old, new):
    before = version.run_code("training")
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    version.code_version.cache_clear()
    return version.run_code("training") != before


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
    "name", ["store/folders.py", "executors/local.py", "report/pages.py", "cli/study.py"]
)
def test_it_stays_where_numbers_are_only_carried(package, name):
    assert not changed(package, name, "from __future__", "import os\nfrom __future__")


@pytest.mark.parametrize(
    "name", ["denoisers/spec.py", "experiments/kinds/closed_form.py", "experiments/run.py"]
)
def test_it_stays_where_other_kinds_change(package, name):
    assert not changed(package, name, "from __future__", "import os\nfrom __future__")


def test_comments_and_docstrings_do_not_count(package):
    assert not changed(package, "training/ema.py", "The moving average", "Of the moving average")
    with (package / "training/ema.py").open("a") as file:
        file.write("# a remark\n")
    before = version.run_code("training")
    version.code_version.cache_clear()
    assert version.run_code("training") == before
