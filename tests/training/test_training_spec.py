"""Recipes of training: learning rates, epochs, losses by name, and when to look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byheart._checks import InputError
from byheart.noise import DDPM, UniformTime
from byheart.training import Loss, Training, log_spaced_steps


def test_the_learning_rate_rises_linearly():
    spec = Training(steps=500, lr=2e-3, warmup=100)
    assert [spec.lr_at(step) for step in (1, 50, 100, 101, 500)] == pytest.approx(
        [2e-5, 1e-3, 2e-3, 2e-3, 2e-3]
    )
    assert Training(steps=5, lr=0.1, warmup=0).lr_at(1) == 0.1


@pytest.mark.parametrize("warmup", [0, 1, 7, 100])
@pytest.mark.parametrize("step", [0, 1, 6, 7, 8, 50])
def test_lr_sum_is_the_sum_of_the_rates(warmup, step):
    spec = Training(steps=50, lr=0.3, warmup=warmup)
    assert spec.lr_sum(step) == pytest.approx(sum(spec.lr_at(k) for k in range(1, step + 1)))


@pytest.mark.parametrize(
    ("batches", "n", "step", "epochs"),
    [
        ("replacement", 100, 30, 9.6),
        ("replacement", 20, 30, 30),  # a small data set is used whole
        ("full", 100, 30, 30),
        ("epochs", 96, 6, 2),  # 32 and 32 and 32 rows
        ("epochs", 100, 6, 1 + 64 / 100),  # 32, 32, 32 and 4 rows are one epoch
    ],
)
def test_epochs_count_how_often_a_row_was_seen(batches, n, step, epochs):
    assert Training(steps=50, batch=32, batches=batches).epochs(step, n) == pytest.approx(epochs)


@pytest.mark.parametrize(
    "wrong", [{"lr": 0}, {"batch": 0}, {"momentum": 1.0}, {"batches": "some"}, {"decay": 1}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        Training(steps=5, **wrong)


def test_a_recipe_names_its_loss():
    process = {"kind": "ddpm"}
    found = Loss.model_validate(
        {"weighting": "eps", "levels": {"kind": "uniform_time", "process": process, "low": 1, "high": 999}}
    )
    assert found == Loss(weighting="eps", levels=UniformTime(process=DDPM(), low=1, high=999))


def test_steps_are_in_equal_ratios():
    assert log_spaced_steps(1, 1000, 4) == [1, 10, 100, 1000]
    assert log_spaced_steps(40, 12288, 16)[:4] == [40, 59, 86, 126]


@given(st.integers(1, 300), st.integers(1, 10_000), st.integers(1, 60))
def test_steps_increase_and_end_at_the_last(first, last, count):
    steps = log_spaced_steps(first, last, count)
    assert steps == sorted(set(steps)) and steps[-1] == last and len(steps) <= count
    assert steps[0] == (first if count > 1 and first < last else last)


def test_steps_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="from 1 on"):
        log_spaced_steps(0, 10, 3)
