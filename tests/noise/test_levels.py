import math
import subprocess
import sys

import pytest
import torch
from pydantic import TypeAdapter
from torch.overrides import TorchFunctionMode

from byheart._checks import InputError
from byheart.noise import (
    DDPM,
    OU,
    S2_VP,
    S2VE,
    VE,
    VP,
    AnyLevelLaw,
    Flow,
    Grid,
    LogNormal,
    S1Process,
    UniformTime,
    geometric_levels,
    karras_levels,
    process_levels,
    shifted_levels,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_karras_is_equation_5():
    levels = karras_levels(18, 0.02, 20.0)
    assert levels.shape == (19,)
    assert (levels[0], levels[17], levels[18]) == (20.0, 0.02, 0.0)
    fifth = (20 ** (1 / 7) + 5 / 17 * (0.02 ** (1 / 7) - 20 ** (1 / 7))) ** 7
    assert levels[5].item() == pytest.approx(fifth, rel=1e-12)


def test_geometric_levels_have_equal_ratios():
    levels = geometric_levels(9, 0.01, 100.0)
    ratios = levels[1:-1] / levels[:-2]
    torch.testing.assert_close(ratios, torch.full_like(ratios, 1e-4 ** (1 / 8)))
    assert (levels[0], levels[8], levels[9]) == (100.0, 0.01, 0.0)


@pytest.mark.parametrize("grid", [karras_levels, geometric_levels])
def test_one_step(grid):
    assert grid(1, 0.02, 20.0).tolist() == [20.0, 0.0]


@pytest.mark.parametrize("grid", [karras_levels, geometric_levels])
@pytest.mark.parametrize(
    "bad",
    [
        (0, 0.02, 20.0),
        (5, 0.0, 20.0),
        (5, 20.0, 0.02),
        (5, -1.0, 1.0),
        (5, math.nan, 1.0),
        (5, 0.1, math.inf),
    ],
)
def test_bad_ranges_are_refused(grid, bad):
    with pytest.raises(InputError, match="0 < low < high"):
        grid(*bad)


@pytest.mark.parametrize("rho", [0.0, -7.0, math.nan, math.inf])
def test_bad_rho_is_refused(rho):
    with pytest.raises(InputError, match="rho"):
        karras_levels(5, rho=rho)


def test_process_levels_are_uniform_in_time():
    times = VP().time(process_levels(VP(), 8))
    torch.testing.assert_close(times, torch.linspace(1, 0, 9, dtype=torch.float64), rtol=1e-9, atol=1e-9)
    assert process_levels(Flow(), 4)[-1] == 0


def test_ddpm_levels_are_those_of_the_official_sampler():
    # S3's code: np.linspace(0, 999, S).astype(int), walked backwards.
    for points in (2, 100, 200, 1000):
        indices = [int(999 * i / (points - 1)) for i in range(points)][::-1]
        torch.testing.assert_close(process_levels(DDPM(), points - 1), DDPM().level(torch.tensor(indices)))


def test_a_discrete_process_has_no_more_steps_than_indices():
    assert len(process_levels(DDPM(steps=10), 9)) == 10
    with pytest.raises(InputError, match="≤ 9"):
        process_levels(DDPM(steps=10), 10)
    with pytest.raises(InputError, match="steps ≥ 1"):
        process_levels(VP(), 0)


def test_grid_resolves_by_name():
    torch.testing.assert_close(Grid().levels(), karras_levels(18, 0.02, 20.0, 7.0))
    torch.testing.assert_close(Grid(rho=3.0).levels(), karras_levels(18, rho=3.0))
    torch.testing.assert_close(Grid(kind="geometric", high=5.0).levels(), geometric_levels(18, 0.02, 5.0))
    torch.testing.assert_close(Grid(kind="process", process=OU(), steps=7).levels(), process_levels(OU(), 7))
    assert Grid.model_validate_json(Grid(kind="process", process=OU()).model_dump_json()).process == OU()


@pytest.mark.parametrize(
    "settings",
    [{"kind": "process"}, {"process": OU()}, {"low": 3.0, "high": 1.0}, {"steps": 0}, {"kind": "cosine"}],
)
def test_inconsistent_grids_are_refused(settings):
    with pytest.raises(InputError):
        Grid(**settings)


def test_lognormal_moments():
    logs = LogNormal(mean=-0.5, std=0.6).draw(200_000, seeded()).log()
    assert logs.dtype == torch.float32
    # standard errors: 0.6/√200000 = 0.0013 and 0.00095
    assert logs.mean().item() == pytest.approx(-0.5, abs=0.006)
    assert logs.std().item() == pytest.approx(0.6, abs=0.005)


def test_uniform_time_is_uniform():
    law = UniformTime(process=OU(), low=0.2, high=1.7)
    times = OU().time(law.draw(100_000, seeded()))
    assert 0.2 - 1e-6 < times.min() < 0.201
    assert 1.699 < times.max() < 1.7 + 1e-6
    assert times.mean().item() == pytest.approx(0.95, abs=0.007)  # five standard errors


def test_uniform_time_of_ddpm_draws_whole_indices_and_both_ends():
    law = UniformTime(process=DDPM(steps=10), low=1, high=9)
    indices = DDPM(steps=10).time(law.draw(9_000, seeded()))
    torch.testing.assert_close(indices, indices.round(), rtol=0, atol=1e-4)
    counts = indices.round().long().bincount(minlength=10)
    assert counts[0] == 0  # S3 never trains index 0
    assert bool(((counts[1:] > 850) & (counts[1:] < 1150)).all())  # five standard deviations of 1000 ± 30


def test_a_law_is_never_drawn_at_level_zero():
    class Zeros(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            found = func(*args, **(kwargs or {}))
            return torch.zeros_like(found) if func is torch.rand else found

    for process in (VP(), OU(), Flow(), S1Process(), VE()):
        with Zeros():  # the smallest number that torch.rand can return
            at_zero = UniformTime(process=process).draw(3, seeded())
        assert bool((at_zero > 0).all())


def test_draws_depend_on_the_generator_only():
    for law in (LogNormal(), UniformTime(process=VP())):
        first, second = law.draw(5, seeded(3)), law.draw(5, seeded(3))
        assert torch.equal(first, second)
        assert not torch.equal(first, law.draw(5, seeded(4)))


@pytest.mark.parametrize(
    ("low", "high"), [(0.5, 0.5), (0.7, 0.2), (-0.1, 0.5), (0.5, 1.1), (float("nan"), None)]
)
def test_bad_time_ranges_are_refused(low, high):
    with pytest.raises(InputError):
        UniformTime(process=VP(), low=low, high=high)


def test_ddpm_laws_need_whole_times():
    with pytest.raises(InputError, match="whole times"):
        UniformTime(process=DDPM(), low=0.5)


def test_laws_travel_as_json():
    adapter = TypeAdapter(AnyLevelLaw)
    for law in (LogNormal(mean=-1.2, std=1.2), UniformTime(process=DDPM(), low=1, high=999)):
        assert adapter.validate_json(adapter.dump_json(law)) == law


def test_specifications_need_no_torch():
    code = (
        "import sys, byheart.noise as noise; noise.Grid(kind='process', process=noise.DDPM()); "
        "noise.UniformTime(process=noise.VP()); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_shifted_levels_step_evenly_in_the_regularized_noise():
    levels = shifted_levels(8, 0.04, 3.0)
    assert len(levels) == 9 and levels[0] == 3 and levels[-1] == 0 and bool((levels.diff() < 0).all())
    steps = (levels.square() + 0.04).log().diff()
    torch.testing.assert_close(steps, steps.mean().expand(8), rtol=1e-12, atol=0)
    torch.testing.assert_close(Grid(kind="shifted", steps=8, high=3.0, strength=0.04).levels(), levels)


@pytest.mark.parametrize("settings", [(0, 0.1, 1.0), (3, 0.0, 1.0), (3, 0.1, 0.0), (3, math.inf, 1.0)])
def test_shifted_levels_refuse(settings):
    with pytest.raises(InputError, match="strength"):
        shifted_levels(*settings)


@pytest.mark.parametrize("settings", [{"kind": "shifted"}, {"strength": 0.1}])
def test_a_strength_belongs_to_shifted_grids(settings):
    with pytest.raises(ValueError, match="strength"):
        Grid(**settings)


def test_s2_s_processes_end_where_its_paper_says():
    assert float(S2VE().level(1.0)) == pytest.approx(4.637, abs=1e-3)
    assert float(S2_VP.alpha(1.0)) == pytest.approx(0.472, abs=1e-3)
    assert float(S2_VP.sigma(1.0)) == pytest.approx(0.881, abs=1e-3)
    assert len(process_levels(S2VE(), 10)) == 11  # a grid by the process's name
