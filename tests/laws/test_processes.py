"""Laws that every noising process obeys.  A new process joins by adding one line to PROCESSES."""

import pytest
import torch
from pydantic import TypeAdapter

from byheart._checks import InputError
from byheart._records import canonical_json
from byheart.noise import (
    DDPM,
    OU,
    S2_VP,
    S2VE,
    SIGMA_MAX,
    VE,
    VP,
    AnyProcess,
    Flow,
    S1Process,
    process_levels,
)

PROCESSES = {
    "vp": VP(),
    "vp of S2": S2_VP,
    "vp of constant rate": VP(beta_min=2.0, beta_max=2.0),
    "ou": OU(),
    "ve": VE(sigma_max=50.0),
    "ve of S2": S2VE(),
    "flow": Flow(),
    "ddpm": DDPM(),
    "short ddpm": DDPM(steps=20, beta_start=0.01, beta_end=0.4),
    "s1": S1Process(),
    "vp beyond the cap": VP(beta_min=1.0, beta_max=60.0),
    "ddpm beyond the cap": DDPM(steps=300, beta_start=0.01, beta_end=0.9),
}
PRESERVING = ["vp", "vp of S2", "vp of constant rate", "ou", "ddpm", "short ddpm", "s1"]
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)


def times(process, count=401):
    return torch.linspace(process.t_min, process.t_max, count, dtype=torch.float64)


@every_process
def test_level_is_sigma_over_alpha_capped(process):
    t = times(process)
    ratio = (process.sigma(t) / process.alpha(t)).clamp(max=SIGMA_MAX)
    torch.testing.assert_close(process.level(t), ratio, rtol=1e-9, atol=1e-12)


@every_process
def test_level_increases_with_time(process):
    level = process.level(times(process))
    assert bool((level.diff()[level[1:] < SIGMA_MAX] > 0).all())
    assert level.max() <= SIGMA_MAX


@every_process
def test_time_inverts_level(process):
    t = times(process)
    inside = process.level(t) < SIGMA_MAX  # at the cap many times share a level
    torch.testing.assert_close(process.time(process.level(t))[inside], t[inside], rtol=1e-9, atol=1e-9)


@every_process
def test_level_inverts_time(process):
    low, high = process.level(process.t_min).item(), process.level(process.t_max).item()
    level = torch.logspace(-3, 4, 200, dtype=torch.float64).clamp(low, high)
    # Near α = 0 a time in float64 has the digits for a level of 1e4 to about 1e-8 only.
    torch.testing.assert_close(process.level(process.time(level)), level, rtol=1e-7, atol=0)


@pytest.mark.parametrize("name", PRESERVING)
def test_squares_of_alpha_and_sigma_sum_to_one(name):
    process, t = PROCESSES[name], times(PROCESSES[name])
    total = process.alpha(t).square() + process.sigma(t).square()
    torch.testing.assert_close(total, torch.ones_like(t), rtol=1e-14, atol=0)


@every_process
def test_shapes_and_dtypes(process):
    middle = (process.t_min + process.t_max) // 2
    for t in (middle, torch.tensor(middle), torch.full((2, 3), middle, dtype=torch.float32)):
        for value in (process.alpha(t), process.sigma(t), process.level(t), process.time(process.level(t))):
            assert value.shape == torch.as_tensor(t).shape
            assert value.dtype == torch.float64


@every_process
def test_levels_beyond_the_ends_have_the_times_of_the_ends(process):
    beyond = process.time(torch.tensor([0.0, float("inf")], dtype=torch.float64))
    assert beyond[0] == process.t_min
    assert process.level(beyond[1]).item() == pytest.approx(process.level(process.t_max).item(), rel=1e-6)


@every_process
@pytest.mark.parametrize("where", ["before", "after", "nan"])
def test_a_time_outside_is_refused(process, where):
    span = process.t_max - process.t_min
    bad = {"before": process.t_min - 0.1 * span, "after": process.t_max + 0.1 * span, "nan": float("nan")}[
        where
    ]
    for function in (process.alpha, process.sigma, process.level):
        with pytest.raises(InputError, match="outside the process"):
            function(torch.tensor([process.t_min, bad]))


@every_process
@pytest.mark.parametrize("level", [-0.1, float("nan")])
def test_a_bad_level_is_refused(process, level):
    with pytest.raises(InputError, match="negative or NaN"):
        process.time(torch.tensor([1.0, level]))


@every_process
def test_float32_rounding_at_the_end_is_forgiven(process):
    end = torch.tensor(process.t_max, dtype=torch.float32) * (1 + 2**-23)
    assert process.level(end) == process.level(process.t_max)


@every_process
def test_json_round_trip(process):
    again = TypeAdapter(AnyProcess).validate_json(canonical_json(process))
    assert again == process
    assert type(again) is type(process)


@every_process
def test_a_grid_walks_from_the_most_noise_to_the_least(process):
    levels = process_levels(process, 10)
    assert levels.shape == (11,)
    # Whole indices need not meet the cap.
    assert levels[0].item() == pytest.approx(
        process.level(process.t_max).item(), rel=0.3 if process.discrete else 1e-6
    )
    assert levels[-1] == process.level(process.t_min)
    assert bool((levels.diff() < 0).all())
