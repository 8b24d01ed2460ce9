"""What `import byheart` offers."""

import importlib
import subprocess
import sys

import pytest

import byheart


def test_all_names_are_sorted_and_unique():
    homes, rooms = sorted(byheart._HOMES), sorted(byheart._ROOMS)
    assert byheart.__all__ == [*homes, "__version__", *rooms]
    assert len(set(byheart.__all__)) == len(byheart.__all__)


@pytest.mark.parametrize("name", byheart.__all__)
def test_every_name_resolves_and_is_listed(name):
    assert getattr(byheart, name) is not None
    assert name in dir(byheart)


@pytest.mark.parametrize("name", sorted(byheart._HOMES))
def test_a_name_is_public_where_it_lives(name):
    home = importlib.import_module(f"byheart.{byheart._HOMES[name]}")
    assert name in home.__all__
    assert getattr(byheart, name) is getattr(home, name)


def test_type_checkers_see_the_same_names():
    source = importlib.util.find_spec("byheart").loader.get_source("byheart")
    typed = {line.split(" as ")[1] for line in source.splitlines() if line.startswith("    from byheart.")}
    assert typed == set(byheart._HOMES)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'audti'"):
        byheart.audti  # noqa: B018


def test_importing_byheart_imports_nothing_but_the_standard_library():
    code = "import sys; before = set(sys.modules); import byheart; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert {name for name in names if name.startswith("byheart")} == {"byheart"}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"byheart"}
