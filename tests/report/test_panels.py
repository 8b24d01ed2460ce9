import crossover_example as example
import pytest
from matplotlib.colors import to_hex

from byheart.numerics.intervals import Interval
from byheart.report.axes import log_ticks, panel
from byheart.report.palette import COPY, ramp
from byheart.report.panels import Line, Panel, level_line, measured_lines, panel_figure, ring_lines


def drawn(place: int):
    return panel_figure(example.panels()[place]).axes[0]


def test_names_stand_at_their_places():
    axes = drawn(1)
    assert list(axes.get_xticks()) == [0, 1, 2, 3]
    assert [text.get_text() for text in axes.get_xticklabels()][1] == "points"
    assert axes.get_xlim() == (-0.5, 3.5)


def test_what_has_no_label_is_not_in_the_legend():
    texts = [text.get_text() for text in drawn(0).get_legend().get_texts()]
    assert texts == ["copies", "S1's figures", "Lloyd", "trained"]


def test_limits_are_those_asked_for():
    assert drawn(0).get_ylim() == (-0.03, 1.05)


def test_a_region_lies_between_its_lines_or_between_two_places():
    between, along = drawn(2).collections[0], drawn(0).patches[0]
    corners = between.get_paths()[0].vertices
    assert {(50.0, 40.0), (50.0, 50.0), (200.0, 160.0), (200.0, 200.0)} <= {
        tuple(c) for c in corners.tolist()
    }
    assert (along.get_x(), along.get_width()) == (0.8, pytest.approx(0.2))
    assert to_hex(along.get_facecolor()) == to_hex(between.get_facecolor()[0]) == COPY


def test_shades_and_colors_of_the_palette_go_together():
    lines = [line.get_color() for line in drawn(2).lines]
    assert lines == list(ramp(5))


def test_an_interval_reaches_from_low_to_high():
    line = Line("measured", [1.0], [0.5], [0.4], [0.9])
    axes = panel_figure(Panel("h", "c", "x", "y", [line])).axes[0]
    (bar,) = axes.collections[0].get_segments()
    assert bar[:, 1].tolist() == pytest.approx([0.4, 0.9])


def test_what_was_not_measured_has_no_mark_and_an_interval_keeps_its_bounds():
    points = [(1.0, Interval(0.9, 0.7, 1.2, 5)), (2.0, Interval(float("nan"), 0.0, 0.0, 0))]
    (line,) = measured_lines("a", points, "line", 2, (0.0, 1.0))
    assert line == Line("a", [1.0], [0.9], [0.7], [1.0], "line", 2)
    assert measured_lines("a", points[1:]) == []


def test_published_points_are_rings_and_a_true_value_is_a_level():
    (rings,) = ring_lines("figure 1", [(1, 0.5), (2, 0.0)])
    assert (rings.x, rings.y, rings.style) == ([1, 2], [0.5, 0.0], "published")
    assert ring_lines("", [(1, 0.5), (2, 0.0)], positive=True)[0].x == [1] and ring_lines("", []) == []
    assert level_line("true", 0.3, (1, 4), 0).y == (0.3, 0.3)


@pytest.mark.parametrize(
    ("low", "high", "places"),
    [
        (1, 40, [1, 2, 5, 10, 20]),
        (1e-3, 2.0, [1e-3, 1e-2, 1e-1, 1]),
        (2e-3, 1e7, [1e-2, 1, 1e2, 1e4, 1e6]),
        (2e-4, 1e6, [1e-2, 1, 1e2, 1e4, 1e6]),
    ],
)
def test_ticks_of_powers_are_few_enough_to_be_read(low, high, places):
    _, axes = panel("x", "y")
    log_ticks(axes.xaxis, low, high)
    assert axes.xaxis.get_ticklocs().tolist() == pytest.approx(places)
