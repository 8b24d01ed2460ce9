"""What `import byheart` offers."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

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


def test_type_checkers_see_the_same_names_at_the_same_homes():
    source = Path(byheart.__file__).read_text()
    typed = re.findall(r"^    from byheart\.(\S+) import (\w+) as \2$", source, flags=re.M)
    assert {name: home for home, name in typed} == byheart._HOMES


def test_nothing_public_lives_in_the_command_line():
    assert [name for name, home in byheart._HOMES.items() if home.startswith("cli")] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'audti'"):
        byheart.audti  # noqa: B018


def test_importing_byheart_imports_nothing_but_the_standard_library():
    code = "import sys; before = set(sys.modules); import byheart; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert {name for name in names if name.startswith("byheart")} == {"byheart", "byheart._version"}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"byheart"}
