"""Dots: every mark stands in the row of its kind, with its interval, beside the limit."""

import pytest

from byheart.numerics.intervals import Interval
from byheart.report.dots import Dots, Marks, dots_figure

FIRST = [(0, Interval(0.01, 0.005, 0.02, 500)), (2, Interval(0.03, 0.02, 0.05, 500))]
SECOND = [(1, Interval(0.0, 0.0, 0.004, 900))]
KINDS = ("blurred", "noisy", "faint")


def dots(limit=0.02):
    return Dots("accused", KINDS, [Marks("A", FIRST), Marks("B", SECOND)], limit)


def bars(axes):
    return {bar.get_label(): bar for bar in axes.containers}


def test_series_stand_beside_each_other_in_the_row_of_their_kind():
    (axes,) = dots_figure(dots()).axes
    marks = {label: bar[0].get_xydata().tolist() for label, bar in bars(axes).items()}
    assert marks["A"] == [[0.01, pytest.approx(-0.18)], [0.03, pytest.approx(1.82)]]
    assert marks["B"] == [[0.0, pytest.approx(1.18)]]
    assert [text.get_text() for text in axes.get_yticklabels()] == list(KINDS)
    assert axes.yaxis_inverted()


def test_intervals_reach_from_low_to_high_along_the_shares():
    (axes,) = dots_figure(dots()).axes
    (lines,) = bars(axes)["A"][2]
    assert [segment[:, 0].tolist() for segment in lines.get_segments()] == [
        pytest.approx([0.005, 0.02]),
        pytest.approx([0.02, 0.05]),
    ]


def test_the_limit_is_dashed_and_on_the_axis_even_where_nothing_comes_near():
    (axes,) = dots_figure(dots(limit=0.5)).axes
    (dashed,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert set(dashed.get_xdata()) == {0.5} and axes.get_xlim()[1] >= 0.5


def test_without_a_limit_all_shares_are_on_the_axis():
    left, right = dots_figure(dots(limit=None), dots()).axes
    assert left.get_xlim() == (-0.02, 1.02) and right.get_xlim()[1] < 0.1
    assert not [line for line in left.lines if line.get_linestyle() == "--"]
