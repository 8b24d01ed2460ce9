"""Errors as three lines for people."""

import sys

import pytest
from pydantic import Field

from byheart._checks import InputError, extra_missing
from byheart._records import Spec
from byheart.cli.errors import explained


class Inner(Spec):
    width: int = Field(gt=0)


class Outer(Spec):
    inner: Inner


def caught(action) -> str:
    try:
        action()
    except Exception as error:
        return explained(error)
    raise AssertionError("nothing was raised")


def raising(error):
    def action():
        raise error

    return action


def test_an_input_error_keeps_its_parts():
    error = InputError(got="7 images", need="8", remedy="add one")
    assert explained(error) == "error: got 7 images\nneed: 8\nremedy: add one"


def test_settings_are_named_by_their_path():
    text = caught(lambda: Outer.model_validate({"inner": {"width": -3}}))
    assert (
        text
        == "error: got inner.width = -3\nneed: input should be greater than 0\nremedy: mend `inner.width` of Outer"
    )


def test_further_settings_are_counted():
    text = caught(lambda: Outer.model_validate({"inner": {"width": -3, "depth": 1}, "other": 2}))
    assert "(and 2 more that do not fit)" in text


def test_a_refusal_inside_a_specification_keeps_its_parts():
    from pydantic import model_validator

    class Refusing(Spec):
        @model_validator(mode="after")
        def refuse(self):
            raise InputError(got="a", need="b", remedy="c")

    assert caught(Refusing) == "error: got a\nneed: b\nremedy: c"


def test_a_missing_file_is_named(tmp_path):
    text = caught(lambda: (tmp_path / "absent.toml").read_text())
    assert f"error: got {tmp_path / 'absent.toml'} (No such file or directory)" in text
    assert "need: a path that exists" in text


def test_a_folder_in_the_place_of_a_file(tmp_path):
    assert "need: a file" in caught(lambda: tmp_path.read_text())


def test_a_missing_extra_gives_the_pip_line():
    text = caught(raising(extra_missing("writing Parquet", "parquet")))
    assert text.endswith(f"remedy: {sys.executable} -m pip install 'byheart[parquet]'")


def test_a_broken_installation_is_called_so():
    assert "an installation without no_such_module" in caught(lambda: __import__("no_such_module"))


def test_anything_else_is_one_mistake_of_ours():
    lines = explained(RuntimeError("first\nsecond")).splitlines()
    assert lines[0] == "error: got RuntimeError: first"
    assert "--debug" in lines[2]


@pytest.mark.parametrize("text", ["", "x" * 5000, "a\nb\nc"])
def test_always_three_lines(text):
    lines = explained(InputError(got=text, need=text, remedy=text)).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "need", "remedy"]
    assert max(map(len, lines)) < 450
