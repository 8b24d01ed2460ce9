import math

import onset_rows
import pytest

from byheart.analysis.timescales import Crossing
from byheart.report.tables import claim_lines, tally
from byheart.report.words import interval, number
from byheart.studies.onset.content import GEN, MEM, SPLIT, Onsets
from byheart.studies.onset.tables import collapse_table, crossing_table, exponent_table, reference_table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.9, "0.9"),
        (1.1044, "1.1"),
        (-0.1459, "−0.146"),
        (12288, "12,288"),
        (1234.5, "1,234"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        ("digits", "–"),
    ],
    ids=str,
)
def test_numbers(value, text):
    assert number(value) == text


def test_intervals_keep_their_zeros():
    assert interval(1.1, 1.0, 1.208) == "1.10 [1.00, 1.21]"
    assert interval(100.0, 99.0, 120) == "100 [99.0, 120]"
    assert interval(2.37, None, None) == "2.37"
    assert interval(None, None, None) == "–"


def test_times_of_each_run():
    table = crossing_table(onset_rows.content().crossings, (GEN, SPLIT, MEM))
    assert table.columns == (
        "n",
        "seed",
        "FD down (tau_gen)",
        "losses differ (tau_split)",
        "10 % copies (tau_mem)",
    )
    assert len(table.rows) == 8 and table.rows[4][:2] == ("128", "0")
    never = [Onsets(64, 0, {MEM: Crossing(None, None, None, 0.1, 3072)}), Onsets(32, 0, {})]
    table = crossing_table(never, (GEN, MEM))
    assert (table.columns[2:], [row[2] for row in table.rows]) == (
        ("10 % copies (tau_mem)",),
        ["–", "not within 3,072 steps"],
    )


def test_exponents():
    rows = exponent_table(onset_rows.content().exponents).rows
    fitted = ("tau_mem@0.1", "1.10 [0.99, 1.21]", "1.10 [0.58, 1.63], 2 seeds")
    assert rows[0] == (*fitted, "64 128 256", "6", "0")
    nothing = onset_rows.exponent([64, 128], [None, 100.0], [0, 0], MEM)
    assert exponent_table([nothing]).rows == (("tau_mem@0.1", "–", "–", "128", "1", "1"),)


def test_collapses_and_references():
    page = onset_rows.content()
    assert [row[0] for row in collapse_table(page.collapses).rows] == ["f_mem", "gap@0.5"]
    references = reference_table(page.runs)
    assert references.rows[0] == ("32", "0", "1.00", "0 [0, 0.00526]", "0.910", "15.4", "0.980")
    assert reference_table([onset_rows.RunContent("a", 32, 0, [])]).rows == ()


def test_claims():
    reproduced, unresolved, nobody = claim_lines(onset_rows.CLAIMS)
    assert (reproduced.measured, reproduced.accept, reproduced.sign) == (
        "1.10 [1.00, 1.20]",
        "[0.8, 1.2]",
        "✓",
    )
    assert (unresolved.accept, unresolved.target, unresolved.source) == ("[1.5, ∞]", "–", "byheart")
    assert (nobody.verdict, nobody.measured, nobody.sign) == ("not measured", "–", "–")


def test_ranges_have_the_digits_that_tell_their_ends_apart():
    assert claim_lines([{"id": "A", "accept": [0.7999, 0.8001]}])[0].accept == "[0.7999, 0.8001]"
    assert claim_lines([{"id": "A", "accept": [-0.12500001, -0.125]}])[0].accept == "[−0.12500001, −0.125]"
    assert claim_lines([{"id": "A", "accept": [1, 1]}])[0].accept == "[1, 1]"
    assert claim_lines([{"id": "A", "accept": [None, 1e-6]}])[0].accept == "[−∞, 1e−06]"


def test_a_source_without_a_number_is_quoted():
    rows = [{"id": "A", "paper": "S2", "figure": figure} for figure in ("abstract", "1 and 7", "3", "")]
    assert [line.source for line in claim_lines(rows)] == [
        "S2, “abstract”",
        "S2, figures 1 and 7",
        "S2, figure 3",
        "S2",
    ]


def test_a_tally_names_what_is_contradicted_and_what_little_is_unresolved():
    verdicts = ["reproduced"] * 2 + ["contradicted", "unresolved", None]
    rows = [{"id": f"A-{at}", "verdict": verdict} for at, verdict in enumerate(verdicts)]
    assert tally(rows) == (
        "Of 5 claims, 2 are reproduced, 1 is contradicted (A-2), 1 is unresolved (A-3) and 1 is not measured."
    )
    many = tally([{"id": f"A-{at}", "verdict": "unresolved"} for at in range(4)])
    assert many == "Of 4 claims, 4 are unresolved."
    assert tally(rows[:2]) == "All 2 claims are reproduced." and tally([]) == ""
