"""Claims: verdicts, records and the scoreboard."""

import pytest

from byheart.analysis.verdicts import verdict
from byheart.experiments.study.claims import (
    Claim,
    best_row,
    merge_rows,
    read_record,
    unmeasured,
    write_record,
)

CLAIM = Claim(id="S3-A", paper="S3", statement="grows", quantity="q", accept=(0.8, 1.4), arm="mlp")


def row(scale, measured):
    return unmeasured(CLAIM) | {
        "scale": scale,
        "measured": measured,
        "low": measured,
        "high": measured,
        "version": "v",
    }


@pytest.mark.parametrize(
    ("low", "high", "accept", "said"),
    [
        (0.9, 1.2, (0.8, 1.4), "reproduced"),
        (0.8, 1.4, (0.8, 1.4), "reproduced"),
        (0.7, 1.2, (0.8, 1.4), "unresolved"),
        (1.5, 1.9, (0.8, 1.4), "contradicted"),
        (0.1, 0.7, (0.8, 1.4), "contradicted"),
        (1.6, 9.0, (1.5, None), "reproduced"),
        (-9.0, 0.2, (None, 0.35), "reproduced"),
        (None, None, (0.8, 1.4), "unresolved"),
        (1.0, 1.0, (0.8, 1.4), "unresolved"),
    ],
)
def test_verdicts(low, high, accept, said):
    assert verdict(low, high, accept) == said


def test_exact_quantities_need_no_interval():
    assert verdict(1.0, 1.0, (0.8, 1.4), exact=True) == "reproduced"
    assert verdict(2.0, 2.0, (0.8, 1.4), exact=True) == "contradicted"


def test_what_some_runs_never_reached_is_never_decided():
    assert verdict(0.9, 1.2, (0.8, 1.4), complete=False) == "unresolved"
    assert verdict(2.0, 3.0, (0.8, 1.4), complete=False) == "unresolved"


def test_record_has_one_row_per_id_and_scale(tmp_path):
    write_record("onset", merge_rows([row("cpu", 1.0), row("demo", 0.9)], [row("cpu", 1.1)]), tmp_path)
    assert [(r["scale"], r["measured"]) for r in read_record("onset", tmp_path)] == [
        ("demo", 0.9),
        ("cpu", 1.1),
    ]
    assert read_record("absent", tmp_path) == []


def test_scoreboard_prefers_the_claims_own_scale_then_the_largest():
    assert best_row(CLAIM, [row("demo", 0.9), row("cpu", 1.0), row("long", 1.1)])["scale"] == "cpu"
    assert best_row(CLAIM, [row("ci", 0.8), row("demo", 0.9)])["scale"] == "demo"
    assert best_row(CLAIM, [])["measured"] is None
    assert best_row(CLAIM, [])["verdict"] is None
