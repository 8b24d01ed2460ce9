"""The Ray executor keeps the contract of the local one, and does lost work again."""

import os
import signal
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from works import check_one_thread_each, check_order_and_failures, square

from byheart._checks import InputError
from byheart.executors import ray as on_ray
from byheart.executors.ray import run_all


def die_once(item, tell):
    """Killed at the first attempt, half-way: after the event, before the value."""
    tell({"kind": "progress", "item": item})
    marker = Path(os.environ["BYHEART_TEST_MARKERS"]) / str(item)
    if item == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die(item, tell):
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def unspeakable(item, tell):
    return (one for one in [item])  # a generator cannot travel


def test_without_ray_the_pip_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"running work on Ray needs: pip install 'byheart\[ray\]'"):
        run_all(square, [1, 2])


def test_no_workers_are_refused():
    with pytest.raises(InputError, match="workers >= 1"):
        run_all(square, [1, 2], workers=0)


class RayError(Exception):
    pass


class RayTaskError(RayError):
    cause = ValueError("cannot travel")


def stub(error):
    """What of Ray the reading of a result touches."""

    def get(_):
        raise error

    return SimpleNamespace(get=get, exceptions=SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError))


def test_a_lost_worker_and_a_lost_result_are_told_apart():
    lost = on_ray._outcome(stub(RayError("the worker died")), None, 4)
    assert lost.index == 4 and isinstance(lost.error, BrokenExecutor) and "resume" in lost.trace
    failed = on_ray._outcome(stub(RayTaskError("…")), None, 4)
    assert isinstance(failed.error, ValueError)


def test_an_unreachable_cluster_is_refused(monkeypatch):
    def init(**options):
        assert options["address"] == "10.0.0.1:6379" and "num_cpus" not in options
        raise ConnectionError("no answer")

    ray = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setattr(on_ray, "_imported", lambda: ray)
    with pytest.raises(InputError, match=r"no Ray cluster at '10\.0\.0\.1:6379' \(no answer\)"):
        run_all(square, [1], address="10.0.0.1:6379")


@pytest.fixture
def workers_see_this_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setenv("BYHEART_TEST_MARKERS", str(tmp_path))


slow = pytest.mark.slow
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning:ray")


@slow
def test_the_contract_on_this_machine(workers_see_this_folder):
    ray = pytest.importorskip("ray")
    check_order_and_failures(run_all, 2)
    assert not ray.is_initialized()


@slow
def test_workers_are_processes_with_one_thread(workers_see_this_folder):
    pytest.importorskip("ray")
    check_one_thread_each(run_all)


@slow
def test_work_of_a_killed_worker_is_done_again(workers_see_this_folder):
    pytest.importorskip("ray")
    events = []
    outcomes = run_all(die_once, [1, 2, 3], workers=2, tell=events.append)
    assert [outcome.value for outcome in outcomes] == [1, 2, 3]
    assert [event["item"] for event in events].count(2) >= 1


@slow
def test_work_that_kills_every_worker_is_an_outcome(workers_see_this_folder):
    pytest.importorskip("ray")
    outcomes = run_all(die, [1, 2, 3], workers=2)
    assert [outcome.value for outcome in outcomes] == [1, None, 3]
    assert isinstance(outcomes[1].error, BrokenExecutor) and "resume" in outcomes[1].trace


@slow
def test_a_connection_of_the_process_is_kept_and_used(workers_see_this_folder):
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        outcomes = run_all(unspeakable, [1])
        assert outcomes[0].error is not None and not isinstance(outcomes[0].error, BrokenExecutor)
        assert ray.is_initialized()
    finally:
        ray.shutdown()
