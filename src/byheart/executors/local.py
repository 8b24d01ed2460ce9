"""A function and a list of work, done in this process or in local worker processes.

One torch thread a process: on a busy machine two threads that wait for each other are many times slower than one.
Workers start from a clean server process, live as long as the work lasts, and report events while they work.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["Event", "Outcome", "Tell", "Work", "attempt", "run_all"]

Event = dict[str, Any]
"""What happens during work: `kind` and whatever belongs to it."""

Tell = Callable[[Event], None]
"""How work reports an event."""

Item = TypeVar("Item")
Value = TypeVar("Value")

Work = Callable[[Item, Tell], Value]
"""Work on one item; a function of a module, since it travels to other processes by its name."""

POLL_SECONDS = 0.1
LATEST_SECONDS = 0.5  # how long the last event of a worker may take behind its outcome
LAST = "last"
THREAD_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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

    workers: processes; 1 works in this process, and its torch threads stay the caller's choice.
    An item that fails does not stop the others.  Events reach `tell` in this process.
    """
    if workers <= 1 or len(items) <= 1:
        return [attempt(work, item, index, tell) for index, item in enumerate(items)]
    return sorted(_in_processes(work, items, workers, tell), key=lambda outcome: outcome.index)


def attempt(work: Work[Item, Value], item: Item, index: int, tell: Tell) -> Outcome[Value]:
    """The work on one item, in this process: its value, or its error as one."""
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
    with (
        _one_thread_each(),
        ProcessPoolExecutor(min(workers, len(items)), context, _begin, (events,)) as pool,
    ):
        waiting = {pool.submit(_in_worker, work, item, index): index for index, item in enumerate(items)}
        said = 0
        try:
            while waiting:
                finished, _ = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                said += _drain(events, tell)
                for future in finished:
                    yield _outcome(future, waiting.pop(future))
            while said < len(items) and (late := _drain(events, tell, LATEST_SECONDS)):
                said += late
        except BaseException:
            _stop(pool)
            raise


def _outcome(future: Future[Outcome[Value]], index: int) -> Outcome[Value]:
    try:
        return future.result()
    except BrokenProcessPool as error:
        trace = "A worker process died (often: out of memory). Run the same command again to resume."
        return Outcome(index, error=error, trace=trace)
    except Exception as error:  # the result itself could not travel back
        return Outcome(index, error=error, trace="".join(traceback.format_exception(error)))


def _drain(events: multiprocessing.Queue[Event], tell: Tell, patience: float = 0.0) -> int:
    """Pass on the events that come within `patience` seconds of each other; returns how many items said their last."""
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
    # The work is resumable: on an interrupt nobody waits for it.
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


def _begin(events: multiprocessing.Queue[Event]) -> None:
    global _events
    _events = events
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
    _events.put({"kind": LAST})  # events travel on their own: the outcome may overtake them
    return outcome
