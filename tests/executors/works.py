"""Work for any executor to do, and the contract that all of them keep about it."""

import os

from byheart._checks import InputError


def square(item, tell):
    tell({"kind": "progress", "item": item})
    if item == 3:
        raise InputError(got="a three", need="another number", remedy="choose one")
    return item * item


def threads(item, tell):
    import torch

    return torch.get_num_threads(), os.getpid()


def check_order_and_failures(run_all, workers):
    """Outcomes keep the order of the work, a failure stops nobody, and every event arrives once."""
    events = []
    outcomes = run_all(square, [1, 2, 3, 4], workers=workers, tell=events.append)
    assert [outcome.value for outcome in outcomes] == [1, 4, None, 16]
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3]
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, True]
    assert isinstance(outcomes[2].error, InputError) and outcomes[2].error.remedy == "choose one"
    assert "a three" in outcomes[2].trace
    assert sorted(event["item"] for event in events) == [1, 2, 3, 4]


def check_one_thread_each(run_all):
    outcomes = run_all(threads, [0, 1], workers=2)
    assert all(outcome.value[0] == 1 and outcome.value[1] != os.getpid() for outcome in outcomes)
