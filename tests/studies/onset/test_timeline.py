import math

import onset_rows
import pytest

from byheart.analysis.timescales import Crossing
from byheart.studies.onset.content import GEN, MEM, SPLIT, OnsetContent, Onsets, RunContent
from byheart.studies.onset.timeline import timeline


def lanes(mem, gen=None, split=None, last=10_000):
    times = {rule: found for rule, found in ((MEM, mem), (GEN, gen), (SPLIT, split)) if found is not None}
    runs = [RunContent("a", 64, 0, [{"step": 1}, {"step": last}])]
    return timeline(OnsetContent("t", "demo", "digits", runs, [Onsets(64, 0, times)]))


def time(step, low, high, limit=10_000):
    return Crossing(step, low, high, 0.1, limit)


def test_places_are_shares_of_the_log_axis():
    shown = lanes(time(300, 100, 1000), gen=time(10, 5, 20), split=time(31.62, 20, 50))
    parts = [(part.kind, part.left, part.width) for part in shown.lanes[0].parts]
    assert parts == [("wait", 0, 25), ("good", 25, 25), ("unsure", 50, 25), ("copy", 75, 25)]
    assert shown.lanes[0].sign == pytest.approx(37.5, abs=0.01)
    assert [(tick.at, tick.label) for tick in shown.ticks] == [
        (0, "1"), (25, "10"), (50, "100"), (75, "1,000"), (100, "10,000"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mem", "gen", "kinds"),
    [
        (time(None, None, None), time(10, 5, 20), ["wait", "good"]),
        (time(300, 100, None), time(10, 5, 20), ["wait", "good", "unsure"]),
        (time(None, 100, None), time(10, 5, 20), ["wait", "good", "open"]),
        (time(None, 0, None), None, ["open"]),
        (time(300, 100, 1000), None, ["wait", "unsure", "copy"]),
        (time(300, 100, 1000), time(None, None, None), ["wait", "unsure", "copy"]),
        (time(300, 100, 1000), time(5000, 4000, 6000), ["wait", "copy"]),
        (time(300, 0, 1000), time(10, 5, 20), ["wait", "unsure", "copy"]),
        (time(300, 0, 1000), None, ["unsure", "copy"]),
    ],
    ids=[
        "no copies",
        "open end",
        "few copies seen, more not excluded",
        "nothing seen, nothing excluded",
        "quality unknown",
        "never good",
        "good too late",
        "from the start",
        "nothing known",
    ],
)
def test_a_lane_never_calls_good_what_may_be_copied(mem, gen, kinds):
    shown = lanes(mem, gen).lanes[0]
    assert [part.kind for part in shown.parts] == kinds
    assert math.fsum(part.width for part in shown.parts) == pytest.approx(100, abs=0.05)


def test_the_demo_has_a_lane_a_size_that_ends_with_its_training():
    shown = timeline(onset_rows.content())
    ends = [lane.parts[-1].left + lane.parts[-1].width for lane in shown.lanes]
    assert [lane.n for lane in shown.lanes] == [32, 64, 128, 256]
    assert ends == sorted(ends) and ends[-1] == pytest.approx(100, abs=0.02)
    assert shown.lanes[2].words == "FD down at 149 · 10 % copies at 1,049"


def test_no_times_no_timeline():
    assert timeline(onset_rows.content(crossings=())) is None
    assert lanes(time(None, None, None, limit=1), last=1) is None
