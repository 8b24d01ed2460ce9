"""Execution of a function on every item of a list as Ray tasks: on this machine, or on a cluster that the user names.

The contract is that of `local.run_all`, with one addition: if a worker or a whole machine is lost, its work is done
again, up to RETRIES times.  Work must therefore be repeatable; events of a lost attempt are told again.

A bare `ray.init()` joins whatever cluster it finds, and reports usage over the network.  Neither happens here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from types import ModuleType
from typing import Any, TypeVar

from byheart._checks import InputError, extra_missing
from byheart.executors.local import AGAIN, Event, Outcome, Tell, Work, attempt

__all__ = ["run_all"]

Item = TypeVar("Item")
Value = TypeVar("Value")

POLL_SECONDS = 0.2
RETRIES = 3


def run_all(
    work: Work[Item, Value],
    items: Sequence[Item],
    *,
    workers: int = 1,
    tell: Tell = lambda event: None,
    address: str = "local",
) -> list[Outcome[Value]]:
    """Do the work on every item and return the outcomes in the order of the items.

    workers: Number of tasks at the same time, each with one core and one torch thread.  address: "local" starts Ray on this machine for as
    long as the work lasts; else the address of a cluster ("10.0.0.1:6379", "auto").  A process that is already connected to
    Ray keeps its connection, whatever the address.  Every machine needs this version of byheart.

    An item that fails does not stop the others; an item whose workers are lost again and again ends as BrokenExecutor.
    Raises ImportError without ray, InputError for a cluster that cannot be reached.
    """
    if workers < 1:
        raise InputError(got=f"workers = {workers}", need="workers >= 1", remedy="give at least one")
    ray = _imported()
    with _connection(ray, address, workers):
        return sorted(_in_tasks(ray, work, items, workers, tell), key=lambda outcome: outcome.index)


def _imported() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise extra_missing("running work on Ray", "ray") from None
    found: ModuleType = ray
    return found


@contextmanager
def _connection(ray: ModuleType, address: str, workers: int) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    here = {"num_cpus": workers, "include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error", **here)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            got=f"no Ray cluster at {address!r} ({error})",
            need='"local", or the address of a running cluster',
            remedy="start one with `ray start --head` and name the address that it prints",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _in_tasks(
    ray: ModuleType, work: Work[Item, Value], items: Sequence[Item], workers: int, tell: Tell
) -> Iterator[Outcome[Value]]:
    mailbox = _mailbox(ray)
    task = ray.remote(_in_worker).options(num_cpus=1, max_retries=RETRIES)
    ahead = iter(enumerate(items))
    waiting: dict[Any, int] = {}
    try:
        while True:
            for index, item in islice(ahead, workers - len(waiting)):
                waiting[task.remote(work, item, index, mailbox)] = index
            if not waiting:
                break
            finished, _ = ray.wait(list(waiting), timeout=POLL_SECONDS)
            for done in finished:
                yield _outcome(ray, done, waiting.pop(done))
            _drain(ray, mailbox, tell)  # a task ends after its events have arrived
    except BaseException:
        for unfinished in waiting:  # the work is resumable: after an interrupt nothing waits for its end
            ray.cancel(unfinished, force=True)
        raise
    finally:
        ray.kill(mailbox)


def _outcome(ray: ModuleType, done: Any, index: int) -> Outcome[Value]:
    try:
        outcome: Outcome[Value] = ray.get(done)
    except ray.exceptions.RayTaskError as error:  # the result could not be sent back
        return Outcome(index, error=error.cause, trace=str(error))
    except ray.exceptions.RayError as error:
        text = f"a worker of Ray was lost {RETRIES + 1} times: {error}"
        return Outcome(index, error=BrokenExecutor(text), trace=f"{text}. {AGAIN}")
    return outcome


class _Mailbox:
    """Holds the events of all workers until the caller asks."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)

    def take(self) -> list[Event]:
        taken, self.events = self.events, []
        return taken


def _mailbox(ray: ModuleType) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # On the caller's machine, so that the events of a lost machine are kept.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(_Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()


def _drain(ray: ModuleType, mailbox: Any, tell: Tell) -> None:
    with suppress(ray.exceptions.RayActorError):  # the work continues without events
        for event in ray.get(mailbox.take.remote()):
            tell(event)


def _in_worker(work: Work[Item, Value], item: Item, index: int, mailbox: Any) -> Outcome[Value]:
    import ray
    import torch

    torch.set_num_threads(1)
    sent: list[Any] = []
    outcome = attempt(work, item, index, lambda event: sent.append(mailbox.put.remote(event)))
    with suppress(ray.exceptions.RayActorError):
        ray.get(sent)
    return outcome
