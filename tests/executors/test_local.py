"""The local executor: all the work, in order, whatever fails; and one thread a process."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from works import check_one_thread_each, check_order_and_failures

import byheart
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


def be_killed(item, tell):
    if item:
        os.kill(os.getpid(), item)
    time.sleep(60)


def test_death_of_a_worker_is_an_outcome_that_says_its_exit_code():
    outcomes = run_all(die, [1, 2], workers=2)
    assert isinstance(outcomes[0].error, BrokenExecutor)
    assert "resume" in outcomes[0].trace
    assert "in the middle of its work, with exit code 9" in outcomes[0].trace


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGKILL, "killed by SIGKILL, as the system does when memory runs out"),
        (signal.SIGSEGV, "killed by SIGSEGV, a fault of compiled code"),
        (signal.SIGTERM, "killed by SIGTERM, as schedulers do"),
        (signal.SIGUSR1, "killed by SIGUSR1"),
    ],
)
def test_a_killed_worker_is_an_outcome_that_names_the_signal(number, said):
    outcomes = run_all(be_killed, [0, int(number), 0, 0], workers=2)
    assert [type(outcome.error) for outcome in outcomes] == [BrokenProcessPool] * 4
    assert all(said in str(outcome.error) for outcome in outcomes)


SCRIPT = """
from byheart.executors.local import run_all
from works import square
{guard}
    for outcome in run_all(square, [1, 2], workers=2):
        print("outcome", outcome.value, type(outcome.error).__name__, outcome.error)
"""


def run_as_script(text, folder, *, piped=False):
    (folder / "script.py").write_text(text)
    paths = [str(Path(byheart.__file__).parents[1]), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, *([] if piped else ["script.py"])],
        input=text if piped else None,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def test_a_script_with_a_main_guard_is_imported_by_its_workers(tmp_path):
    said = run_as_script(SCRIPT.format(guard='if __name__ == "__main__":'), tmp_path)
    assert "outcome 1 NoneType" in said and "outcome 4 NoneType" in said


def test_a_script_without_main_guard_is_told_so(tmp_path):
    said = run_as_script(SCRIPT.format(guard="if True:"), tmp_path)
    assert said.count("outcome None InputError") == 2
    assert f"imported {tmp_path / 'script.py'}; " in said
    assert '; put what the script does, indented, below a line `if __name__ == "__main__":`' in said


def test_a_script_that_comes_by_a_pipe_is_told_so(tmp_path):
    said = run_as_script(SCRIPT.format(guard='if __name__ == "__main__":'), tmp_path, piped=True)
    assert "imported <stdin>; " in said and "; save the script as a file, and put" in said


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
