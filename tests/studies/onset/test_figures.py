import numpy as np
import onset_rows
import pytest
from matplotlib.colors import to_hex

from byheart.report.palette import COPY, GOOD, ramp
from byheart.report.vector import png
from byheart.studies.onset import figures
from byheart.studies.onset.content import MEM, Onsets, RunContent

PAGE = onset_rows.content()


def curves(figure):
    """Lines of more than two points: the runs."""
    return [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]


def dots(figure, color):
    return [
        line
        for line in figure.axes[0].lines
        if to_hex(line.get_color()) == color and len(line.get_xdata()) == 1
    ]


def test_a_curve_a_run_one_shade_a_size():
    lines = curves(figures.memorization(PAGE.runs))
    assert len(lines) == 8
    assert [to_hex(line.get_color()) for line in lines[::2]] == list(ramp(4))
    np.testing.assert_allclose(lines[0].get_ydata(), [row["f_mem"] for row in PAGE.runs[0].rows])


def test_over_n_divides_the_step():
    plain, scaled = (curves(figures.loss_gap(PAGE.runs, over_n=over_n)) for over_n in (False, True))
    for run, before, after in zip(PAGE.runs, plain, scaled, strict=True):
        np.testing.assert_allclose(after.get_xdata(), before.get_xdata() / run.n)


def test_times_are_marked_where_the_curve_crosses():
    marks = dots(figures.memorization(PAGE.runs, PAGE.crossings), COPY)
    assert {line.get_ydata()[0] for line in marks} == {0.1}
    assert sorted(line.get_xdata()[0] for line in marks) == sorted(time.step for time in PAGE.times(MEM))
    assert len(dots(figures.fidelity(PAGE.runs, PAGE.crossings), GOOD)) == 8


def test_bands_are_the_intervals():
    figure = figures.memorization(PAGE.runs[:1])
    (band,) = figure.axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(max(row["f_mem_high"] for row in PAGE.runs[0].rows))


def test_references_stand_beside_the_curves():
    words = [text.get_text() for text in figures.memorization(PAGE.runs).axes[0].texts]
    assert words == ["empirical denoiser: 1", "held-out images: 0"]
    assert [text.get_text() for text in figures.fidelity(PAGE.runs).axes[0].texts] == ["real images: 0.98"]


def test_the_fit_is_drawn_over_its_sizes():
    figure = figures.scaling(PAGE.crossings, PAGE.exponents)
    fitted = next(line for line in curves(figure) if to_hex(line.get_color()) == COPY)
    np.testing.assert_allclose(fitted.get_xdata(), [64, 128, 256])
    slope = np.polyfit(np.log(fitted.get_xdata()), np.log(fitted.get_ydata()), 1)[0]
    assert slope == pytest.approx(PAGE.exponent(MEM).value)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[0] == "10 % copies (tau_mem) ∝ n^1.10 [0.99, 1.21]"


def test_the_clocks_show_every_size_also_where_one_alone_has_times():
    alone = [found if found.n == 64 else Onsets(found.n, found.seed, {}) for found in PAGE.crossings]
    figure = figures.scaling(alone)
    figure.draw_without_rendering()
    low, high = figure.axes[0].get_xlim()
    assert low < 32 and high > 256
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["32", "64", "128", "256"]


def test_evaluations_without_the_number_are_left_out():
    rows = [
        {"step": 40, "fd": None},
        {"step": 80, "fd": 9.0},
        {"step": 160, "fd": float("nan")},
        {"step": 320, "fd": 4.0},
    ]
    (line,) = figures.fidelity([RunContent("a", 64, 0, rows)]).axes[0].lines
    assert list(line.get_ydata()) == [9, 4]


def test_the_ramp_runs_one_way():
    for count in (1, 2, 3, 9):
        shades = ramp(count)
        assert len(shades) == count
        brightness = [sum(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in shades]
        assert brightness == sorted(brightness, reverse=True)
        assert [sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in shades.values()] == sorted(
            sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in shades.values()
        )


def test_the_headline_shows_both_axes():
    figure = figures.headline(PAGE.runs, PAGE.crossings)
    left, right = figure.axes
    assert [axes.get_xlabel() for axes in (left, right)] == ["training step", "training step / n"]
    first = PAGE.runs[0]
    np.testing.assert_allclose(right.lines[0].get_xdata(), left.lines[0].get_xdata() / first.n)
    assert png(figure).startswith(b"\x89PNG") and png(figure) == png(figure)
