"""Refusals that many places share: what they let through, and the three parts of what they say."""

import math

import pytest
import torch

from byheart._checks import (
    InputError,
    check_alike,
    check_least,
    check_not_negative,
    check_open,
    check_ratio,
    check_shape,
    check_tensor,
    unknown,
)


def parts(check):
    with pytest.raises(InputError) as refused:
        check()
    return refused.value.got, refused.value.need, refused.value.remedy


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
def test_an_open_interval_lacks_its_ends(value):
    need = ("0 < std < infinity", "take one")
    assert parts(lambda: check_open("std", value, remedy="take one"))[1:] == need
    check_open("std", 1e-300, remedy="")


def test_an_open_interval_with_an_end():
    need = ("level 1", "level between 0 and 1", "take ½")
    assert parts(lambda: check_open("level", 1.0, 1, remedy="take ½")) == need
    check_open("level", 0.999, 1, remedy="")


@pytest.mark.parametrize("value", [-1e-9, math.inf, math.nan])
def test_what_may_not_be_negative_may_be_zero(value):
    assert parts(lambda: check_not_negative("std", value, remedy="x"))[1] == "0 ≤ std < infinity"
    check_not_negative("std", 0, remedy="")


def test_a_count_from_the_least_one_on():
    need = ("N 1", "at least 2 points", "add some")
    assert parts(lambda: check_least("N", 1, 2, "points", remedy="add some")) == need
    check_least("N", 2, 2, remedy="")


@pytest.mark.parametrize("value", [0, 1.01, math.nan])
def test_a_ratio_of_distances_may_be_one(value):
    assert parts(lambda: check_ratio(value))[1] == "a ratio of distances in (0, 1]"
    check_ratio(1)


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("(k, d)", (2, 3), [(2,), (2, 3, 4), (0, 3), (2, 0)]),
        ("(n, *shape)", (2, 3, 4, 5), [(2,), (0, 3)]),
        ("(n, c, h, w)", (1, 1, 1, 1), [(1, 1, 1), (1, 1, 1, 1, 1)]),
    ],
)
def test_a_shape_is_read_from_its_letters(shape, good, bad):
    check_shape("x", torch.zeros(good), "row", shape, remedy="")
    for wrong in bad:
        got, need, _ = parts(
            lambda wrong=wrong: check_shape("x", torch.zeros(wrong), "row", shape, remedy="")
        )
        assert got == f"x of shape {wrong} in torch.float32"
        assert need == f"at least one row, {shape} in floating point"


def test_integers_are_a_matter_of_choice():
    x = torch.zeros(2, 3, dtype=torch.uint8)
    check_shape("x", x, "row", "(n, d)", floats=False, remedy="")
    assert (
        parts(lambda: check_shape("x", x, "row", "(n, d)", remedy=""))[0]
        == "x of shape (2, 3) in torch.uint8"
    )


def test_what_is_no_tensor():
    got, need, remedy = parts(lambda: check_tensor("x", [1.0], "(n,)"))
    assert (got, need) == ("x as list", "a tensor (n,)")
    assert "torch.as_tensor(list)" in remedy


@pytest.mark.parametrize("second", [(3, 5), (1, 4), (4,)])
def test_sets_of_one_shape(second):
    sets = {"a": torch.zeros(2, 4), "b": torch.zeros(second)}
    got, need, _ = parts(lambda: check_alike(sets, 2, remedy=""))
    assert got == f"a of shape (2, 4), b of shape {second}"
    assert need == "(n, *shape) with the same shape and n >= 2"
    check_alike({"a": torch.zeros(2, 4), "b": torch.zeros(9, 4)}, 2, remedy="")


def test_an_unknown_word_meets_the_nearest_known_one():
    error = unknown("solver", "huen", ["euler", "heun"], remedy="correct it")
    assert str(error) == "got solver 'huen'; need one of euler, heun; did you mean heun? correct it"
