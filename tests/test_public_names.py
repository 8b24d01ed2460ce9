"""What `import byheart` offers."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import byheart
from byheart._version import public_homes

HOMES = {name: home for name, home in public_homes("byheart").items() if home != "byheart"}
PACKAGE = Path(byheart.__file__).parent
LAZY = [
    ".".join(("byheart", *file.parent.relative_to(PACKAGE).parts))
    for file in sorted(PACKAGE.rglob("__init__.py"))
    if "lazy(__name__)" in file.read_text()
]


def test_all_names_are_sorted_and_unique():
    *names, version = byheart.__all__
    assert names == sorted(set(names))
    assert version == "__version__"


def test_nine_rooms_can_be_reached_from_the_top():
    rooms = ["data", "denoisers", "features", "metrics", "models", "noise", "sampling", "theory", "training"]
    assert sorted(set(byheart.__all__) - set(HOMES)) == ["__version__", *rooms]


@pytest.mark.parametrize("name", LAZY)
def test_every_lazy_name_resolves_to_what_its_home_defines(name):
    package = importlib.import_module(name)
    for word, home in public_homes(name).items():
        thing = getattr(package, word)
        assert thing is (sys.modules[f"{name}.{word}"] if home == name else getattr(sys.modules[home], word))
        assert word in package.__all__
        assert word in dir(package)


@pytest.mark.parametrize("name", LAZY)
def test_no_module_takes_the_place_of_a_lazy_name(name):
    package = importlib.import_module(name)
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules & {word for word, home in public_homes(name).items() if home != name} == set()


@pytest.mark.parametrize("name", LAZY)
def test_a_star_brings_every_lazy_name(name):
    brought = {}
    exec(f"from {name} import *", brought)
    assert set(public_homes(name)) <= set(brought)


@pytest.mark.parametrize("name", byheart.__all__)
def test_every_name_resolves_and_is_listed(name):
    assert getattr(byheart, name) is not None
    assert name in dir(byheart)


@pytest.mark.parametrize("name", sorted(HOMES))
def test_a_name_is_public_where_it_lives(name):
    home = importlib.import_module(HOMES[name])
    assert name in home.__all__
    assert getattr(byheart, name) is getattr(home, name)


def test_nothing_public_lives_in_the_command_line():
    assert [name for name, home in HOMES.items() if home.startswith("byheart.cli")] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'audti'"):
        byheart.audti  # noqa: B018


def test_importing_byheart_imports_nothing_but_the_standard_library():
    code = "import sys; before = set(sys.modules); import byheart; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert {name for name in names if name.startswith("byheart")} == {"byheart", "byheart._version"}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"byheart"}
