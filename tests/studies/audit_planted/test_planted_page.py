from dataclasses import replace

import planted_example as example
import pytest
from parsed_page import Parsed, check_light, heavy_imports

from byheart._checks import InputError
from byheart.numerics.intervals import Interval, proportion
from byheart.studies.audit_planted.figures import (
    accused_figure,
    blended_figure,
    coverage_figure,
    estimate_figure,
    headline,
)
from byheart.studies.audit_planted.heat import (
    FULL,
    accused_heat,
    blended_heat,
    doubled_heats,
    impossible_heat,
    recall_heat,
    share_heat,
)
from byheart.studies.audit_planted.page import planted_page
from byheart.studies.audit_planted.words import between, copy, mean, share, span, true_share


@pytest.fixture(scope="module")
def text() -> str:
    return planted_page(example.content())


def row(heat, name):
    return next(row for group in heat.groups for row in group.rows if row.name == name)


def test_it_is_one_light_file_that_loads_nothing(text):
    check_light(text, most=1_000_000)


def test_figures_say_what_they_show(page):
    assert all(at["aria-label"] for tag, at in page.tags if tag == "svg")


def test_claims_come_first_and_every_part_is_there(page):
    assert page.sections() == [
        "claims", "recall", "innocents", "rates", "shares", "sources", "copiers", "impossible", "doubled",
        "measured", "provenance", "cite",
    ]  # fmt: skip
    assert len([1 for tag, _ in page.tags if tag == "svg"]) == 4


def test_it_says_what_was_found(page):
    for words in (
        "2 of 4 claims about the copy test are reproduced, 1 contradicted; weak spots are listed below",
        "1 is contradicted (A-RECALL) and 1 is unresolved (A-RECALL-worst).",
        "at a false-positive rate of 1 %",
        "93 % 86.3–96.6",
        "97 % of the unseen images come as close to a training image",
        "by default uses the stricter rule pac",
        "seeds 0, 1 and 11; the numbers here are of seeds 21 and 22",
        "byheart study audit-planted --scale cpu",
        "@software{byheart",
    ):
        assert words in page.line, words
    assert "(byheart)" not in page.line  # every claim is ours: no need to say so in each line


@pytest.mark.parametrize(
    ("verdicts", "headline_words"),
    [
        (["reproduced"] * 3, "All 3 claims about the copy test are reproduced"),
        (["reproduced"], "1 of 1 claim about the copy test is reproduced"),
        (["reproduced", "unresolved"], "1 of 2 claims about the copy test are reproduced"),
        (["reproduced", None], "1 of 2 claims about the copy test are reproduced"),
        (["contradicted"], "0 of 1 claim about the copy test is reproduced, 1 contradicted"),
        ([], "What the copy test finds, and what it flags by mistake"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_the_headline_counts_the_claims(verdicts, headline_words):
    claims = [example.claim(f"A-{place}", verdict) for place, verdict in enumerate(verdicts)]
    assert headline_words in Parsed(planted_page(example.content(claims=claims))).line


def test_plain_populations_stand_side_by_side_and_others_apart():
    shown = [one.arm for one in example.content().shown]
    assert shown == ["fashion", "glyphs", "digits"]
    only = example.populations()[3:]
    assert example.content(populations=only).shown == only  # nothing else to show


def test_a_cell_says_everything_to_those_who_point_or_listen(page):
    cells = [at for tag, at in page.tags if tag == "td" and "title" in at]
    assert cells and all(at["title"] == at["aria-label"] for at in cells)
    words = {at["title"].replace("\N{NO-BREAK SPACE}", " ") for at in cells}
    assert "Fashion-MNIST, cropped to 90 %: 93 % [86.3, 96.6] flagged, of 100" in words
    assert "Glyphs, low contrast (× 0.3): 3.1 % [2.2, 4.4] flagged, of 1,000, over 2 %" in words


def test_the_color_goes_with_the_root_of_what_was_missed():
    fashion = [row(recall_heat(example.populations()[:1]), copy(name)).cells[0] for name in example.COPIES]
    assert [cell.warm for cell in fashion] == [
        round(FULL * (1 - r) ** 0.5) for r in (1, 0.93, 0.88, 0.98, 0.01)
    ]
    assert recall_heat(example.populations()).key[0][1] == 0
    assert recall_heat(example.populations()).key[-1][1] == FULL


def test_only_innocents_over_the_limit_are_marked():
    heat = accused_heat(example.populations()[:2])
    faint, near = (
        row(heat, "low contrast (×\N{NO-BREAK SPACE}0.3)"),
        row(heat, "smoothed density, h\N{NO-BREAK SPACE}0.3"),
    )
    assert [cell.mark.replace("\N{NO-BREAK SPACE}", " ") for cell in faint.cells] == ["", "over 2 %"]
    assert [cell.warm > 0 for cell in faint.cells] == [False, True]
    assert [cell.mark for cell in near.cells] == ["", ""]  # such images are copies
    assert not any(
        cell.mark for cell in row(blended_heat(example.populations()[:2]), faint.name).cells
    )  # 1.5 %


def test_the_limit_itself_is_kept():
    at_limit = example.population("a", "A", numbers=example.numbers(faint=20))
    over = example.population("a", "A", numbers=example.numbers(faint=21))
    marks = [
        row(accused_heat([one]), "low contrast (×\N{NO-BREAK SPACE}0.3)").cells[0].mark
        for one in (at_limit, over)
    ]
    assert [bool(mark) for mark in marks] == [False, True]


def test_doubled_training_sets_stand_beside_the_plain_one():
    (heat,) = doubled_heats(example.populations())
    assert heat.columns == ("Fashion-MNIST", "every image twice")
    assert [cell.value[:2] for cell in row(heat, copy("crop-90")).cells] == ["93", "91"]
    lone = [replace(one, once="") for one in example.populations()]
    assert doubled_heats(lone) == []


def test_where_it_cannot_tell_little_is_found_and_the_share_is_estimated():
    heat = impossible_heat(example.populations()[3])
    assert row(heat, "unseen images as close as copies").cells[0].value.startswith("97")
    assert row(heat, "the main kinds together").cells[0].value.startswith("51")
    assert [row.name.replace("\N{NO-BREAK SPACE}", " ") for row in heat.groups[3].rows] == [
        "0 %", "0.5 %", "2 %", "10 %", "50 %", "100 %",
    ]  # fmt: skip


def test_a_population_may_lack_a_kind():
    few = {"planted": {"exact": example.measured(10, 10, "main")}}
    heat = recall_heat([*example.populations()[:1], example.population("b", "B", numbers=few)])
    assert [cell is None for cell in row(heat, copy("crop-90")).cells] == [False, True]
    assert not share_heat([example.population("b", "B", numbers=few)]).groups


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"populations": [example.population("a", "A", numbers={})]}, {"recall", "innocents", "rates", "shares", "sources", "copiers"}),
        ({"populations": example.populations()[:3]}, {"impossible", "doubled"}),
        ({"claims": (), "provenance": {}, "command": "", "design": ""}, set()),
    ],
    ids=["no numbers", "plain ones only", "bare"],
)  # fmt: skip
@pytest.mark.usefixtures("undrawn")
def test_it_works_with_parts_missing(changes, absent):
    page = Parsed(planted_page(example.content(**changes)))
    assert page.depth == [] and not absent & set(page.sections())
    goals = {at["href"][1:] for tag, at in page.tags if tag == "a"}
    assert goals <= {at["id"] for _, at in page.tags if "id" in at}


@pytest.mark.usefixtures("undrawn")
def test_names_from_outside_are_escaped():
    hostile = '"><script>alert(1)</script>'
    text = planted_page(
        example.content(
            title=hostile,
            populations=[example.population(hostile, hostile, facts={hostile: hostile})],
            cautions=[hostile],
            provenance={hostile: hostile},
        )
    )
    assert "<script" not in text and "&lt;script&gt;" in text


def test_the_same_content_gives_the_same_bytes(text):
    assert planted_page(example.content()) == text


def test_nothing_to_show_is_refused():
    with pytest.raises(InputError, match="no records"):
        planted_page(example.content(populations=()))


def test_it_needs_no_torch():
    assert heavy_imports("byheart.studies.audit_planted.page") == "[]"


def drawn(axes, label):
    """(x, y) of the marks of a population, and the ends of its horizontal intervals."""
    bars = next(found for found in axes.containers if found.get_label() == label)
    marks, _, (lines,) = bars
    return marks.get_xydata(), [segment[:, 0] for segment in lines.get_segments()]


@pytest.mark.parametrize(
    ("figure", "group", "limit"), [(accused_figure, "accused", 0.02), (blended_figure, "blended", 0.03)]
)
def test_innocents_are_drawn_with_their_intervals_and_the_limit(figure, group, limit):
    populations = example.populations()[:2]
    (axes,) = figure(populations).axes
    marks, ends = drawn(axes, "Glyphs")
    expected = [
        populations[1].at(group, name) for name in ("blur-1", "contrast-0.3")
    ]  # not the smoothed density
    assert marks[:, 0] == pytest.approx([at.value for at in expected])
    assert [end for pair in ends for end in pair] == pytest.approx(
        [end for at in expected for end in (at.low, at.high)]
    )
    assert axes.get_yticklabels()[0].get_text().startswith("blurred")
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [limit] and axes.get_xlim()[1] > limit
    assert axes.yaxis_inverted()  # the first kind on top


def test_shares_are_drawn_where_they_are():
    populations = example.populations()[:2]
    (axes,) = coverage_figure(populations).axes
    marks = next(found for found in axes.containers if found.get_label() == "Glyphs")[0].get_xydata()
    assert marks[:, 1] == pytest.approx([0.96 + place / 1000 for place in range(6)])
    assert sorted(
        line.get_ydata()[0]
        for line in axes.lines
        if len(set(line.get_ydata())) == 1 and len(line.get_ydata()) == 2
    ) == [0.92, 0.95]
    (axes,) = estimate_figure(populations).axes
    marks = next(found for found in axes.containers if found.get_label() == "Glyphs")[0].get_xydata()
    assert marks[:, 0] == pytest.approx([0, 0.005, 0.02, 0.1, 0.5, 1]) and marks[:, 1] == pytest.approx(
        marks[:, 0]
    )


def test_the_headline_shows_copies_and_innocents():
    left, right = headline(example.populations()[:3]).axes
    assert len(left.get_yticks()) == len(example.COPIES) and len(right.get_yticks()) == 2
    assert [label.get_text() for label in left.get_yticklabels()][3] == "mixture of two"


def test_numbers_in_words():
    plain = lambda words: words.replace("\N{NO-BREAK SPACE}", " ")  # noqa: E731
    assert plain(share(proportion(150, 150))) == "100 % [97.6, 100]"
    assert plain(share(Interval(0.9996, 0.9757, 0.9999, 150))) == "> 99.9 % [97.6, 99.99]"
    assert plain(share(Interval(0.9999, 0.99, 0.999999, 150))) == "> 99.9 % [99, 99.99]"  # not 100
    assert between(Interval(0.0001, 0.00001, 0.01, 9)) == "<0.01–1.0"
    assert plain(mean(Interval(0.0194, 0.01921, 0.0196, 9))) == "1.94 % [1.92, 1.96]"
    assert span(Interval(0.994, 0.983, 1.005, 9)) == "0.983–1"
    assert [plain(true_share(name)) for name in ("0", "0.005", "crops-0.5")] == [
        "0 %",
        "0.5 %",
        "50 %, all copies crops",
    ]
