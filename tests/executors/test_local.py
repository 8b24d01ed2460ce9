"""The local executor: all the work, in order, whatever fails; and one thread a process."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from byheart._checks import InputError
from byheart.executors.local import run_all


def square(item, tell):
    tell({"kind": "progress", "item": item})
    if item == 3:
        raise InputError(got="a three", need="another number", remedy="choose one")
    return item * item


def threads(item, tell):
    import torch

    return torch.get_num_threads(), os.getpid()


def die(item, tell):
    if item == 1:
        os._exit(9)
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_keep_the_order_and_failures_stop_nobody(workers):
    events = []
    outcomes = run_all(square, [1, 2, 3, 4], workers=workers, tell=events.append)
    assert [outcome.value for outcome in outcomes] == [1, 4, None, 16]
    assert isinstance(outcomes[2].error, InputError) and outcomes[2].error.remedy == "choose one"
    assert "a three" in outcomes[2].trace
    assert sorted(event["item"] for event in events) == [1, 2, 3, 4]


def test_workers_are_processes_with_one_thread():
    before = os.environ.get("OMP_NUM_THREADS")
    outcomes = run_all(threads, [0, 1], workers=2)
    assert all(outcome.value[0] == 1 and outcome.value[1] != os.getpid() for outcome in outcomes)
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_death_of_a_worker_is_an_outcome():
    outcomes = run_all(die, [1, 2], workers=2)
    assert outcomes[0].error is not None and "resume" in outcomes[0].trace


def sleep_for_minutes(item, tell):
    tell({"kind": "pid", "pid": os.getpid()})
    time.sleep(120)


def kill_the_parent(event):
    Path(os.environ["BYHEART_TEST_PIDS"]).write_text(str(event["pid"]))
    os.kill(os.getpid(), signal.SIGKILL)


def start_and_be_killed():
    run_all(sleep_for_minutes, [0, 1], workers=2, tell=kill_the_parent)


def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    pids = tmp_path / "pids"
    parent = multiprocessing.get_context("spawn").Process(target=start_and_be_killed)
    os.environ["BYHEART_TEST_PIDS"] = str(pids)
    try:
        parent.start()
        parent.join(60)
    finally:
        del os.environ["BYHEART_TEST_PIDS"]
    assert parent.exitcode == -signal.SIGKILL
    assert gone(int(pids.read_text()))


def gone(pid):
    for _ in range(100):
        try:
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]:
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False
