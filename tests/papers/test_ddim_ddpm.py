"""DDIM (2010.02502) is Euler in (x, σ), and DDPM (2006.11239) is the ancestral step, in the variables of DDPM."""

import pytest
import torch

from byheart.denoisers import empirical
from byheart.noise import DDPM, VP, process_levels
from byheart.sampling import ancestral_step, euler_step, integrate

TRAIN = torch.randn(30, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
PROCESS = DDPM()
BETA = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
ABAR = (1 - BETA).cumprod(0)
REST = -(-BETA).log1p().cumsum(0).expm1()  # 1 − ᾱ with all its digits
START = torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
PAIRS = [(999, 949), (500, 499), (300, 200), (41, 40), (1, 0)]


def eps_network(x_t, t):
    """What a noise-predicting network with the empirical score would say."""
    sigma = (REST[t] / ABAR[t]).sqrt()
    return (x_t / ABAR[t].sqrt() - empirical(TRAIN)(x_t / ABAR[t].sqrt(), sigma)) / sigma


def relative(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_ddim_is_euler(t, s):
    # Equation 12 with η = 0, in x_t.
    predicted = eps_network(START, t)
    x0 = (START - REST[t].sqrt() * predicted) / ABAR[t].sqrt()
    ddim = ABAR[s].sqrt() * x0 + REST[s].sqrt() * predicted
    euler = euler_step(empirical(TRAIN), START / ABAR[t].sqrt(), PROCESS.level(t), PROCESS.level(s))
    assert relative(euler * PROCESS.alpha(s), ddim) < 3e-15


@pytest.mark.parametrize("process", [VP(), VP(beta_min=0.001, beta_max=3.0)], ids=["vp", "vp of S2"])
@pytest.mark.parametrize(("t", "s"), [(0.9, 0.8), (0.5, 0.45), (0.1, 0.05)])
def test_ddim_is_euler_in_continuous_time(process, t, s):
    # In the form without cancellation: x_s = α_s D + σ_s (x_t − α_t D) / σ_t.
    x_t = process.alpha(t) * TRAIN[:8] + process.sigma(t) * START
    denoised = empirical(TRAIN)(x_t / process.alpha(t), process.level(t))
    ddim = process.alpha(s) * denoised + process.sigma(s) / process.sigma(t) * (
        x_t - process.alpha(t) * denoised
    )
    euler = euler_step(empirical(TRAIN), x_t / process.alpha(t), process.level(t), process.level(s))
    assert relative(euler * process.alpha(s), ddim) < 3e-15


@pytest.mark.parametrize("t", [999, 500, 100, 40, 2, 1])
def test_ddpm_is_the_ancestral_step(t):
    # Equations 6 and 7 with variance β̃.
    s, beta = t - 1, BETA[t]
    noise = torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x_t = ABAR[t].sqrt() * TRAIN[:8] + REST[t].sqrt() * START
    sigma = (REST[t] / ABAR[t]).sqrt()
    x0 = empirical(TRAIN)(x_t / ABAR[t].sqrt(), sigma)
    mean = (ABAR[s].sqrt() * beta * x0 + (1 - beta).sqrt() * REST[s] * x_t) / REST[t]
    ddpm = mean + (REST[s] / REST[t] * beta).sqrt() * noise
    ours = ancestral_step(
        empirical(TRAIN), x_t / ABAR[t].sqrt(), PROCESS.level(t), PROCESS.level(s), lambda shape: noise
    )
    assert relative(ours * PROCESS.alpha(s), ddpm) < 2e-15


def test_the_whole_walk_is_that_of_diffusers():
    import diffusers as schedulers

    scheduler = schedulers.DDIMScheduler(beta_schedule="linear", clip_sample=False, set_alpha_to_one=False)
    torch.testing.assert_close(
        scheduler.alphas_cumprod.double(), ABAR, rtol=1e-5, atol=0
    )  # theirs is in float32
    scheduler.alphas_cumprod, scheduler.final_alpha_cumprod = ABAR, ABAR[0]
    scheduler.set_timesteps(50)
    theirs = START
    for t in scheduler.timesteps:
        theirs = scheduler.step(eps_network(theirs, t), int(t), theirs).prev_sample
    times = [*scheduler.timesteps.tolist(), 0]
    levels = PROCESS.level(torch.tensor(list(dict.fromkeys(times))))
    *_, ours = integrate(euler_step, empirical(TRAIN), START / PROCESS.alpha(times[0]), levels)
    torch.testing.assert_close(ours * PROCESS.alpha(0), theirs, rtol=1e-9, atol=1e-9)


def test_s3_leaves_index_0_in_the_samples():
    levels = process_levels(PROCESS, 99)
    assert len(levels) == 100
    assert levels[-1].item() == pytest.approx(0.0100, abs=5e-5)
