"""Every kind of run is a folder with the same three functions, and a shortened run says how long the whole one takes."""

import inspect

import pytest

from byheart.experiments.kinds.shared.short import Short
from byheart.experiments.runs import estimate as timing
from byheart.experiments.runs.estimate import estimate
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import KINDS, kind_of, parse_run

MIXTURE = {"name": "mixture", "standardize": False, "mixture": {"components": 2, "dimension": 8}}
AUDIT = {"planted": 4, "main": 4, "innocents": 4, "queries": 50, "splits": 2, "repetitions": 2}
RUNS = {
    "training": {"n": 16, "training": {"steps": 400, "batch": 8}, "model": {"kind": "mlp", "width": 8}},
    "closed_form": {"n": 16},
    "flow": {"count": 64},
    "collapse": {"n": 20, "clones": 64, "images": 20},
    "audit": {"population": "digits", "n": 400, "heldout": 99, "pool": 200, "copiers": 0, **AUDIT},
    "losses": {"n": 20, "data": MIXTURE},
    "mixtures": {"n": 12, "data": MIXTURE, "shares": [0.5, 1.0], "samples": 50, "heldout": 20},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def a_run(kind):
    return parse_run({"kind": kind, **RUNS[kind]})


@every_kind
def test_a_kind_offers_the_three_functions(kind):
    module = kind_of(a_run(kind))
    names = {name: list(inspect.signature(getattr(module, name)).parameters) for name in ("prepare", "short")}
    assert names == {"prepare": ["run", "root"], "short": ["run", "effort"]}
    run, _, *rest = inspect.signature(module.carry_out).parameters  # the second is named by what was prepared
    assert [run, *rest] == ["run", "folder", "device", "tell"]


@every_kind
def test_a_shortened_run_is_a_run_of_its_kind_and_never_longer(kind):
    run = a_run(kind)
    for effort in timing.EFFORTS:
        short = kind_of(run).short(run, effort)
        assert parse_run(short.run.model_dump(mode="json")) == short.run and short.run.kind == kind
        assert min(short.once, short.step, short.evaluation) >= 1


FACTORS = {
    "training": [("step", lambda run: run.steps), ("once", lambda run: run.plan.samples)],
    "closed_form": [("evaluation", lambda run: run.plan.samples), ("once", lambda run: run.plan.samples)],
    "flow": [("once", lambda run: run.grid.steps)],
    "collapse": [("once", lambda run: run.clones)],
    "audit": [("once", lambda run: run.samples * run.n)],
    "losses": [("once", lambda run: run.grid)],
    "mixtures": [("step", lambda run: run.steps)],
}
"""Kind -> what is shortened, and the factor of it."""


@every_kind
def test_factors_are_those_of_what_was_shortened(kind):
    run = a_run(kind)
    short = kind_of(run).short(run, 1)
    for factor, amount in FACTORS[kind]:
        assert getattr(short, factor) * amount(short.run) == pytest.approx(amount(run))
        assert getattr(short, factor) > 1


def test_a_training_run_is_evaluated_as_often_as_its_schedule_says():
    run = a_run("training")
    short = kind_of(run).short(run, 1)
    evaluations = len(run.schedule.steps(run.steps))
    assert evaluations > 1 and short.evaluation * short.run.plan.samples == evaluations * run.plan.samples


@every_kind
def test_enough_effort_is_the_whole_run_but_for_noise_images(kind):
    run = a_run(kind)
    short = kind_of(run).short(run, 10**6)
    assert (short.once, short.step) == pytest.approx((1, 1), rel=0.5 if kind == "audit" else 1e-9)
    assert kind == "audit" or short.run.model_dump(exclude={"schedule"}) == run.model_dump(
        exclude={"schedule"}
    ) | ({"training_steps": run.steps} if kind == "mixtures" else {})


@every_kind
def test_an_estimate_is_near_what_it_takes(kind, tmp_path):
    """Within a factor of thirty, on a machine that does other things: no factor is forgotten, or counted twice."""
    run = a_run(kind)
    (expected,) = estimate([run]).seconds
    took = execute(run, tmp_path).read_record("done")["seconds"]
    assert took / 30 < expected < 30 * max(took, 0.2)


def test_the_whole_follows_from_the_parts():
    short = Short(a_run("training"), once=2.0, step=10.0, evaluation=3.0)
    # one second of what is done once, four of steps, two of evaluations
    assert short.whole(seconds=7.0, clock=6.0, rows=2.0) == 2 * 1 + 10 * 4 + 3 * 2


def test_what_does_not_grow_is_not_multiplied():
    """A run of 1,000 steps of 0.1 s, 10 evaluations of 2 s, and 3 s of what is done once, whatever its length."""

    def taken(steps):
        short = Short(a_run("training"), once=100 / steps, step=1000 / steps, evaluation=10 * 100 / steps)
        once, evaluation = 3.0, 2.0 * steps / 100
        clock = 0.1 * steps + evaluation
        return short, timing.Time(once + clock, clock, evaluation)

    assert timing.extrapolated([taken(1), taken(8)]) == pytest.approx(3 + 100 + 20)
    assert timing.extrapolated([taken(8)]) > 2 * (3 + 100 + 20) - 100  # one alone cannot tell


def test_what_takes_long_is_timed_once_and_in_short(monkeypatch):
    monkeypatch.setattr(timing, "PATIENCE", 0.0)
    run, carried = a_run("training"), []
    module = kind_of(run)
    carry_out = module.carry_out
    monkeypatch.setattr(module, "carry_out", lambda *parts: (carried.append(parts[0]), carry_out(*parts)))
    estimate([run, run])
    assert [shortened.steps for shortened in carried] == [1]


def test_data_are_read_once_before_the_first_number(tmp_path, monkeypatch):
    from byheart.experiments.kinds.shared import split

    read, load = [], split.load
    split._read.cache_clear()
    monkeypatch.setattr(split, "load", lambda data: (read.append(data), load(data))[1])
    monkeypatch.setattr(split, "_read", lambda data, stamp: split.load(data))  # nothing is remembered
    execute(a_run("closed_form"), tmp_path)
    assert len(read) == 1
