"""Whose code an error comes out of, by the files on its way."""

import sysconfig
from functools import partial
from pathlib import Path

import pytest
import torch

from byheart.cli.blame import Line, line_of_object, line_of_the_user
from byheart.denoisers.base import denoise


def written_in(file):
    """A function that fails, as if it were written in that file."""
    space = {"__name__": "somebody"}
    exec(compile("def failing(*anything):\n    return [][9]\n", file, "exec"), space)
    return space["failing"]


def error_of(action, through=denoise):
    try:
        through(action, torch.zeros(2, 3), torch.ones(()))
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("file", "whose"),
    [
        ("/some/where/mine.py", True),
        ("mine.py", True),
        ("/usr/lib/python3/dist-packages/theirs.py", False),
        ("/some/where/lib/python3.11/site-packages/theirs/deep.py", False),
        (str(Path(sysconfig.get_path("stdlib")) / "queue.py"), False),
        ("<string>", False),
    ],
)
def test_what_is_neither_installed_nor_standard_is_the_users(file, whose):
    assert line_of_the_user(error_of(written_in(file))) == (Line(file, 2) if whose else None)


def test_what_called_byheart_is_not_blamed():
    assert line_of_the_user(error_of(None)) is None  # this file called it with what cannot be called


def test_an_error_that_byheart_is_not_on_the_way_of_is_nobodys():
    assert (
        line_of_the_user(error_of(written_in("mine.py"), through=lambda action, *rest: action(*rest))) is None
    )


class Thing:
    def __call__(self, x, sigma):
        return written_in("/x/site-packages/theirs.py")(x)

    def other(self, x, sigma):
        return 1 / 0


def test_the_line_of_an_object_is_its_own_even_below_a_package():
    thing = Thing()
    found = line_of_object(error_of(thing), thing, "anything")
    assert found.file == __file__ and found.number > 0


@pytest.mark.parametrize(
    "thing", [Thing().other, partial(Thing().other), partial(partial(Thing()), torch.zeros(1))]
)
def test_methods_and_partials_are_what_they_are_made_of(thing):
    assert line_of_object(error_of(thing), thing, __name__) is not None


def test_an_error_of_somebody_else_is_not_of_the_object():
    assert line_of_object(error_of(written_in("/y/site-packages/more.py")), Thing(), "somewhere") is None


def test_a_package_that_was_named_is_blamed_without_a_line():
    failing = written_in("/x/site-packages/theirs.py")
    assert line_of_object(error_of(failing), failing, "somebody") == Line()
    assert str(Line()) == "it"
