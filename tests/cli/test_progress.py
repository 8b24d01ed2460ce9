"""What is said while work goes on."""

import io
import sys

import pytest

from byheart.cli import progress
from byheart.cli.progress import Ledger, words


def plan(*runs: tuple[str, str, int]) -> dict:
    return {
        "kind": "plan",
        "runs": [{"run": run, "arm": arm, "n": 8, "seed": 0, "steps": steps} for run, arm, steps in runs],
    }


def ledger(workers: int, *events: dict) -> Ledger:
    found = Ledger(workers)
    for event in events:
        found.hear(event)
    return found


def step(run: str, step: int, seconds: float) -> dict:
    return {"kind": "progress", "run": run, "step": step, "steps": 100, "seconds": seconds}


def done(run: str, *, cached: bool = False) -> dict:
    return {"kind": "done", "run": run, "cached": cached}


def test_nothing_is_promised_before_the_first_step():
    assert ledger(1, plan(("a", "mlp", 100))).eta is None


def test_the_pace_gives_the_time_left():
    assert ledger(1, plan(("a", "mlp", 100)), step("a", 25, 5.0)).eta == pytest.approx(15.0)


def test_workers_share_the_rest_but_not_one_run():
    runs = plan(("a", "mlp", 100), ("b", "mlp", 100))
    assert ledger(2, runs, step("a", 50, 10.0)).eta == pytest.approx(20.0)  # b's 100 steps at 0.2 s
    assert ledger(1, runs, step("a", 50, 10.0)).eta == pytest.approx(30.0)


def test_every_arm_has_its_own_pace():
    runs = plan(("a", "mlp", 100), ("b", "unet", 100))
    assert ledger(1, runs, step("a", 50, 5.0), step("b", 10, 10.0)).eta == pytest.approx(5.0 + 90.0)


def test_runs_kept_from_before_do_not_change_the_pace():
    runs = plan(("a", "mlp", 100), ("b", "mlp", 100))
    found = ledger(1, runs, done("a", cached=True), step("b", 50, 10.0))
    assert (found.eta, found.fraction, found.done) == (pytest.approx(10.0), pytest.approx(0.75), 1)


def test_runs_without_steps_count_as_runs():
    assert ledger(1, plan(("a", "form", 0), ("b", "form", 0)), done("a")).fraction == 0.5


def test_an_unannounced_run_is_taken_in():
    found = ledger(1, {"kind": "start", "run": "a", "n": 8, "seed": 1, "steps": 10}, step("a", 5, 1.0))
    assert found.summary() == "0 of 1 runs, 50%, 1 s left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_in_words(seconds, text):
    assert words(seconds) == text


EVENTS = [
    plan(("a", "mlp", 100), ("b", "mlp", 100)),
    {"kind": "notice", "text": "left out n = 512"},
    {"kind": "start", "run": "a", "n": 8, "seed": 0, "steps": 100},
    step("a", 50, 10.0),
    {"kind": "row", "run": "a", "n": 8, "seed": 0, "step": 100, "f_mem": 0.25},
    done("a"),
    done("b", cached=True),
]


def test_plain_lines_where_nobody_watches(capsys):
    with progress.progress(2) as tell:
        for event in EVENTS:
            tell(event)
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [
        "2 runs, 2 at a time",
        "note: left out n = 512",
        "mlp  n = 8, seed 0: done  f_mem 0.25  (1 of 2 runs, 50%, 20 s left)",
        "mlp  n = 8, seed 0: was done before  (2 of 2 runs, 100%, 0 s left)",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_run_that_goes_on_says_from_where(terminal, monkeypatch, capsys):
    class Stream(io.StringIO):
        def isatty(self):
            return terminal

    monkeypatch.setattr(sys, "stderr", Stream())
    monkeypatch.setenv("TERM", "xterm")
    start = {"kind": "start", "run": "a", "n": 8, "seed": 0, "steps": 100}
    with progress.progress(1) as tell:
        for event in [EVENTS[0], {**start, "step": 40}, {**start, "run": "b", "step": 0}]:
            tell(event)
    text = sys.stderr.getvalue()
    assert "mlp  n = 8, seed 0: goes on from step 40 of 100" in text
    assert text.count("goes on") == 1


def test_steps_of_before_count_as_done():
    begun = {"kind": "start", "run": "a", "n": 8, "seed": 0, "steps": 100, "step": 40}
    assert ledger(1, plan(("a", "mlp", 100)), begun).fraction == pytest.approx(0.4)


def test_swept_settings_are_in_the_label():
    event = plan(("a", "w", 100))
    event["runs"][0]["settings"] = "model.width=8"
    assert ledger(1, event).jobs["a"].label == "w  n = 8, seed 0, model.width=8"


def test_bars_in_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress(2) as tell:
        for event in EVENTS[:5]:
            tell(event)
    text = sys.stderr.getvalue()
    assert "all runs" in text
    assert "f_mem 0.25" in text
    assert "left out n = 512" in text
