"""S2 (Baptista et al., 2501.15785): in (z, r) = (x/m, σ/m) every process has the same closed forms and the same flow.

VP: D_VP(x, t) = Σ softmax(−|x − m xⁿ|² / 2σ²) xⁿ  equals  D(x/m, σ/m);      both flows: dz / d ln r = z − D(z, r)
"""

import numpy as np
import torch
from scipy.integrate import solve_ivp

from byheart.denoisers import empirical, smoothed
from byheart.noise import OU, VP, Flow, S1Process, karras_levels
from byheart.sampling import heun_step, integrate

# S2's own data set and processes.
POINTS = torch.from_numpy(np.random.RandomState(1).randn(20, 2))
VP_OF_S2 = VP(beta_min=0.001, beta_max=3.0)


def vp_posterior_mean(x, alpha, sigma, std=0.0):
    """The posterior mean in the variables of a process, from the definition."""
    v = (alpha * std) ** 2 + sigma**2
    r = torch.softmax(-(x[:, None] - alpha * POINTS).square().sum(2) / (2 * v), 1)
    return (sigma**2 * (r @ POINTS) + alpha * std**2 * x) / v


def test_closed_forms_agree_in_every_process():
    x0, noise = POINTS.roll(1, 0) * 0.7, torch.from_numpy(np.random.RandomState(2).randn(20, 2))
    for process in (VP_OF_S2, VP(), OU(), Flow(), S1Process()):
        for t in (0.01, 0.1, 0.5, 0.9):
            alpha, sigma = process.alpha(t), process.sigma(t)
            x_t = alpha * x0 + sigma * noise
            for std in (0.0, 0.4):
                found = smoothed(POINTS, std)(x_t / alpha, process.level(t))
                expected = vp_posterior_mean(x_t, alpha, sigma, std)
                torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_vp_and_ve_flows_end_in_the_same_points():
    """Claim S2-E: the VP flow in its own time and variables against ours in (x, σ), to 1e-6."""
    end = 0.3
    start = torch.from_numpy(np.random.RandomState(3).randn(8, 2)) * VP_OF_S2.sigma(1.0)

    def velocity(t, flat):
        x, alpha, sigma = torch.from_numpy(flat).reshape(8, 2), VP_OF_S2.alpha(t), VP_OF_S2.sigma(t)
        beta = 0.001 + t * (3.0 - 0.001)
        score = (alpha * vp_posterior_mean(x, alpha, sigma) - x) / sigma**2
        return (-beta / 2 * (x + score)).flatten().numpy()  # f − ½ g² s with f = −½βx and g² = β

    solved = solve_ivp(velocity, (1.0, end), start.flatten().numpy(), method="DOP853", rtol=1e-9, atol=1e-9)
    vp = torch.from_numpy(solved.y[:, -1]).reshape(8, 2) / VP_OF_S2.alpha(end)
    levels = torch.logspace(
        VP_OF_S2.level(1.0).log10().item(), VP_OF_S2.level(end).log10().item(), 1500, dtype=torch.float64
    )
    *_, ours = integrate(heun_step, empirical(POINTS), start / VP_OF_S2.alpha(1.0), levels)
    torch.testing.assert_close(ours, vp, rtol=0, atol=1e-6)


def test_trajectories_end_on_training_points():
    """Section 1.3: almost every trajectory of the empirical flow ends on a training point, at distance O(σ)."""
    start = 20 * torch.from_numpy(np.random.RandomState(4).randn(200, 2))
    *_, end = integrate(heun_step, empirical(POINTS), start, karras_levels(200, 1e-4, 20.0)[:-1])
    assert (
        torch.cdist(end, POINTS).amin(1) < 6e-4
    ).double().mean() > 0.99  # |ζ| > 6 has probability 1e-8 in 2-D
