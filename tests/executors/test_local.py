"""The local executor: all the work, in order, whatever fails; and one thread a process."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from works import check_one_thread_each, check_order_and_failures

from byheart.executors.local import run_all


def die(item, tell):
    if item == 1:
        os._exit(9)
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_keep_the_order_and_failures_stop_nobody(workers):
    check_order_and_failures(run_all, workers)


def test_workers_are_processes_with_one_thread():
    before = os.environ.get("OMP_NUM_THREADS")
    check_one_thread_each(run_all)
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
