"""Execution of a function on every item of a list, in this process or in local worker processes.

Each worker uses one torch thread: on a busy machine two threads that wait for each other are many times slower than one thread.
Workers start from a clean server process, live as long as the work lasts, and report events while they work.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event as Flag
from pathlib import Path
from typing import Any, Generic, TypeVar

from byheart._checks import InputError

__all__ = ["Event", "Outcome", "Tell", "Work", "attempt", "run_all"]

Event = dict[str, Any]
"""Something that happened during work: `kind`, and further entries that depend on the kind."""

Tell = Callable[[Event], None]
"""A function through which work reports an event."""

Item = TypeVar("Item")
Value = TypeVar("Value")

Work = Callable[[Item, Tell], Value]
"""Work on one item; a function of a module, since other processes receive the function by its name."""

POLL_SECONDS = 0.1
LATEST_SECONDS = 0.5  # how long after its outcome the last event of a worker may arrive
LAST = "last"
AGAIN = "Run the same command again to resume."
DEATH_SECONDS = 5.0  # how long to wait for the exit codes of workers that died
THREAD_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

KILLERS = {
    "SIGKILL": "as the system does when memory runs out",
    "SIGTERM": "as schedulers do at the end of their time",
    "SIGXCPU": "its processor time was used up",
    "SIGSEGV": "a fault of compiled code",
    "SIGBUS": "a fault of compiled code, or a full /dev/shm",
    "SIGABRT": "compiled code gave up",
    "SIGILL": "compiled code for another processor",
}
"""Name of a signal -> its most frequent cause."""


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """How work on items[index] ended: a value, or an error with its traceback as text."""

    index: int
    value: Value | None = None
    error: BaseException | None = None
    trace: str = ""


def run_all(
    work: Work[Item, Value], items: Sequence[Item], *, workers: int = 1, tell: Tell = lambda event: None
) -> list[Outcome[Value]]:
    """Do the work on every item and return the outcomes in the order of the items.

    workers: Number of processes; with 1 the work is done in this process, with the caller's number of torch threads.
    An item that fails does not stop the others.  Events reach `tell` in this process.  If a worker process dies, the
    items that are not done end with a BrokenProcessPool that says how the process died.
    Raises InputError in a worker process that is still importing the script: the script lacks its main guard.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise _unguarded()
    if workers <= 1 or len(items) <= 1:
        return [attempt(work, item, index, tell) for index, item in enumerate(items)]
    return sorted(_in_processes(work, items, workers, tell), key=lambda outcome: outcome.index)


def attempt(work: Work[Item, Value], item: Item, index: int, tell: Tell) -> Outcome[Value]:
    """Do the work on one item in this process and return its outcome: the value, or the error."""
    try:
        return Outcome(index, value=work(item, tell))
    except Exception as error:
        return Outcome(index, error=error, trace=traceback.format_exc())


def _in_processes(
    work: Work[Item, Value], items: Sequence[Item], workers: int, tell: Tell
) -> Iterator[Outcome[Value]]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch"]
    )  # the server imports it once; every worker then starts in milliseconds
    events: multiprocessing.Queue[Event] = context.Queue()
    began = context.Event()
    with (
        _one_thread_each(),
        ProcessPoolExecutor(min(workers, len(items)), context, _begin, (events, began)) as pool,
    ):
        waiting = {_submit(pool, work, item, index): index for index, item in enumerate(items)}
        said = 0
        try:
            while waiting:
                finished, _ = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                said += _drain(events, tell)
                for future in finished:
                    yield _outcome(future, waiting.pop(future), pool, began)
            while said < len(items) and (late := _drain(events, tell, LATEST_SECONDS)):
                said += late
        except BaseException:
            _stop(pool)
            raise


def _submit(
    pool: ProcessPoolExecutor, work: Work[Item, Value], item: Item, index: int
) -> Future[Outcome[Value]]:
    try:
        return pool.submit(_in_worker, work, item, index)
    except BrokenProcessPool as error:  # a worker died before all items were handed out
        future: Future[Outcome[Value]] = Future()
        future.set_exception(error)
        return future


def _outcome(
    future: Future[Outcome[Value]], index: int, pool: ProcessPoolExecutor, began: Flag
) -> Outcome[Value]:
    try:
        return future.result()
    except BrokenProcessPool:
        death = _death(pool, began.is_set())
        return Outcome(index, error=death, trace=f"{death}. {AGAIN}")
    except Exception as error:  # the result could not be sent back
        return Outcome(index, error=error, trace="".join(traceback.format_exception(error)))


def _death(pool: ProcessPoolExecutor, began: bool) -> BrokenProcessPool | InputError:
    """Say how the first worker died.  began: whether any worker reached its work."""
    processes = list((pool._processes or {}).values())
    if (manager := getattr(pool, "_executor_manager_thread", None)) is not None:
        manager.join(
            DEATH_SECONDS
        )  # until the manager has the exit codes: two threads that both ask for them can lose them
    codes = [process.exitcode for process in processes if process.exitcode is not None]
    # When a worker has died the others are terminated.
    code = next((code for code in codes if code not in (0, -signal.SIGTERM)), next(iter(codes), 0))
    if code < 0:
        name = _signal_name(-code)
        meaning = f", {KILLERS[name]}" if name in KILLERS else ""
        return BrokenProcessPool(f"a worker process was killed by {name}{meaning}")
    if code == 1 and not began:
        return _unguarded()
    when = "in the middle of its work" if began else "before its work began"
    return BrokenProcessPool(f"a worker process ended {when}, with exit code {code}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _unguarded() -> InputError:
    """Make the error for a script that starts its work again in every worker process, because each worker imports the script."""
    script = getattr(sys.modules["__main__"], "__file__", None) or "the main script"
    save = (
        "" if Path(script).is_file() else "save the script as a file, and "
    )  # the script came through a pipe
    return InputError(
        got=f"worker processes that ended while they imported {script}",
        need="a file that can be imported without starting the work again",
        remedy=f'{save}put what the script does, indented, below a line `if __name__ == "__main__":` (a main guard)',
    )


def _drain(events: multiprocessing.Queue[Event], tell: Tell, patience: float = 0.0) -> int:
    """Pass on the events that arrive within `patience` seconds of each other; return how many items sent their last event."""
    ended = 0
    while True:
        try:
            event = events.get(timeout=patience) if patience else events.get_nowait()
        except queue.Empty:
            return ended
        if event["kind"] == LAST:
            ended += 1
        else:
            tell(event)


def _stop(pool: ProcessPoolExecutor) -> None:
    # The work is resumable: after an interrupt nothing waits for its end.
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


_events: multiprocessing.Queue[Event] | None = None


def _begin(events: multiprocessing.Queue[Event], began: Flag) -> None:
    global _events
    _events = events
    began.set()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    import torch

    torch.set_num_threads(1)


def _end_with_the_parent() -> None:
    # A parent that was killed cannot stop its workers; left alone they would hold their runs for hours.
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _in_worker(work: Work[Item, Value], item: Item, index: int) -> Outcome[Value]:
    assert _events is not None
    outcome = attempt(work, item, index, _events.put)
    _events.put({"kind": LAST})  # events have their own channel: the outcome may overtake them
    return outcome
