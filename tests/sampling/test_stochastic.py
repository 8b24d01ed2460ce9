"""Euler and Maruyama in a process's own time, and the adaptive flow, against what a Gaussian's paths are known to do."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import GaussianDenoiser, empirical
from byheart.noise import DDPM, OU, S2_VP, S2VE, VE, VP, Flow, geometric_levels, process_levels
from byheart.random import SeededNoise
from byheart.sampling import euler_maruyama, integrate, probability_flow, process_flow

VARIANCES = torch.tensor([0.05, 0.6, 2.0], dtype=torch.float64)
MEAN = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
GAUSSIAN = GaussianDenoiser(MEAN, VARIANCES, torch.eye(3, dtype=torch.float64))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def last(states):
    *_, state = states
    return state


@pytest.mark.parametrize("process", [S2VE(), S2_VP, VP(), OU()], ids=["S2's VE", "S2's VP", "VP", "OU"])
def test_the_reverse_sde_ends_in_the_data_s_distribution(process):
    count, levels = 20_000, process_levels(process, 4000)
    noise = SeededNoise([1])
    start = MEAN + normal(count, 3) * (VARIANCES + levels[0] ** 2).sqrt()
    found = last(
        integrate(
            euler_maruyama(process), GAUSSIAN, start, levels[:-1], lambda shape: noise((count, *shape))[0]
        )
    )
    variances = VARIANCES + levels[-2] ** 2  # what noise the last level leaves
    assert bool(((found.mean(0) - MEAN).abs() < 5 * (variances / count).sqrt() + 0.01).all())
    # 4,000 steps err by the size of a step times the score's slope; a wrong drift or diffusion by tens of per cent.
    assert bool(((found.var(0) / variances - 1).abs() < 0.06).all())


def test_one_step_by_hand():
    # S2's VP at t = 1: β = 3, f = −3/2, g² = 3.
    step, process = euler_maruyama(S2_VP), S2_VP
    now, then = process.level(1.0), process.level(0.99)
    x = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    origin = empirical(torch.zeros(1, 2, dtype=torch.float64))  # the score is −x_t/σ_t²
    alpha, sigma = process.alpha(1.0), process.sigma(1.0)
    state = alpha * x
    expected = state + (1.5 * state - 3 * state / sigma**2) * 0.01 + math.sqrt(0.03)
    found = step(origin, x, now, then, lambda shape: torch.ones(1, *shape))
    torch.testing.assert_close(found, expected / process.alpha(0.99), rtol=1e-9, atol=1e-9)


def test_a_discrete_process_has_no_sde():
    with pytest.raises(InputError, match="ancestral"):
        euler_maruyama(DDPM())
    with pytest.raises(InputError, match="noise"):
        euler_maruyama(OU())(GAUSSIAN, MEAN[None], torch.tensor(1.0), torch.tensor(0.5), None)


@pytest.mark.parametrize("rtol", [1e-4, 1e-8])
@pytest.mark.parametrize("count", [1, 40])
def test_the_adaptive_flow_keeps_its_promise(rtol, count):
    levels = torch.tensor([5.0, 1.0, 0.3, 0.01], dtype=torch.float64)
    x = MEAN + 5 * normal(count, 3)
    states = probability_flow(GAUSSIAN, x, levels, rtol=rtol, atol=rtol)
    factor = ((VARIANCES + levels[:, None] ** 2) / (VARIANCES + 25)).sqrt()
    exact = MEAN + (x - MEAN) * factor[:, None]
    assert states.shape == (4, count, 3)
    error = (states - exact).square().mean(2).sqrt().max()
    assert error < 30 * rtol and error > 0  # tens of steps add up
    assert torch.equal(states[0], x)


def test_the_adaptive_flow_ends_with_the_denoised_state():
    levels = geometric_levels(5, 0.01, 5.0)
    states = probability_flow(GAUSSIAN, MEAN + normal(2, 3), levels)
    torch.testing.assert_close(states[-1], GAUSSIAN(states[-2], levels[-2]))


@pytest.mark.parametrize("process", [DDPM(), Flow()])
def test_a_process_without_its_own_flow_is_refused(process):
    with pytest.raises(InputError, match="probability_flow"):
        process_flow(GAUSSIAN, process, MEAN[None], 1.0, 0.1)


TOPS = [(S2_VP, 1.8665), (S2VE(), 4.6367), (VE(sigma_max=2.0), 2.0), (OU(), 1e4)]


@pytest.mark.parametrize(("process", "top"), TOPS, ids=["S2's VP", "S2's VE", "VE", "OU"])
def test_the_flow_of_a_process_refuses_levels_that_the_process_does_not_reach(process, top):
    x = torch.tensor([[3.0, 4.0, 0.0]], dtype=torch.float64)
    with pytest.raises(
        InputError, match=f"level {1.5 * top:g}, which {type(process).__name__} does not reach"
    ):
        process_flow(GAUSSIAN, process, x, 1.5 * top, 0.1)
    with pytest.raises(InputError, match="does not reach"):
        process_flow(GAUSSIAN, process, x, 1.0, 1.5 * top)


@pytest.mark.parametrize(("process", "top"), TOPS[:3], ids=["S2's VP", "S2's VE", "VE"])
def test_the_flow_of_a_process_may_begin_at_its_last_level(process, top):
    last = process.level(process.t_max)
    assert float(last) == pytest.approx(top, rel=1e-4)
    x = torch.tensor([[3.0, 4.0, 0.0]], dtype=torch.float64)
    expected = probability_flow(GAUSSIAN, x, torch.stack([last, torch.tensor(0.1)]), rtol=1e-9, atol=1e-9)[-1]
    rounded = float(last.float())  # is still the last one
    for start in (float(last), rounded):
        found = process_flow(GAUSSIAN, process, x, start, 0.1, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_the_sde_of_a_process_refuses_levels_that_the_process_does_not_reach():
    step, one = euler_maruyama(S2_VP), torch.tensor(1.0)
    for sigma, sigma_next in ((3.0, 1.0), (4.0, 3.0)):
        with pytest.raises(InputError, match=f"level {sigma:g}, which VP does not reach"):
            step(GAUSSIAN, MEAN[None], sigma * one, sigma_next * one, SeededNoise([0]))


def test_a_flow_of_states_that_are_no_numbers_is_refused():
    with pytest.raises(InputError, match="NaN"):
        process_flow(GAUSSIAN, S2VE(), MEAN[None] * math.nan, 1.0, 0.1)
    with pytest.raises(InputError, match="end"):
        process_flow(GAUSSIAN, S2VE(), MEAN[None], 1.0, 0.0)


def test_no_samples_no_states():
    none = MEAN[None][:0]
    assert probability_flow(GAUSSIAN, none, torch.tensor([1.0, 0.5])).shape == (2, 0, 3)
    assert process_flow(GAUSSIAN, S2VE(), none, 1.0, 0.1).shape == (0, 3)


@pytest.mark.parametrize("levels", [[1.0], [1.0, 2.0], [1.0, 0.0], [2.0, 1.0, -1.0], [math.nan, 1.0]])
def test_bad_levels_are_refused(levels):
    with pytest.raises(InputError, match="levels"):
        probability_flow(GAUSSIAN, MEAN[None], torch.tensor(levels))


def test_a_sample_among_still_ones_is_as_exact_as_alone():
    levels = torch.tensor([5.0, 0.01], dtype=torch.float64)
    moving = MEAN + 5 * normal(1, 3, seed=4)
    crowd = torch.cat([moving, MEAN.expand(400, 3)])
    factor = ((VARIANCES + 0.01**2) / (VARIANCES + 25)).sqrt()
    exact = MEAN + (moving - MEAN) * factor
    alone, among = (
        float((probability_flow(GAUSSIAN, x, levels, rtol=1e-5, atol=1e-5)[-1][:1] - exact).norm())
        for x in (moving, crowd)
    )
    assert among < 3 * alone
