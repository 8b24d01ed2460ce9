"""S2 (2501.15785): published curves of regularized sampling, on its own 20 points in the plane, and the formulas for them."""

import math

import numpy as np
import pytest
import torch

from byheart.denoisers.mixture import empirical
from byheart.denoisers.regularized import Shrunk, consistent, tikhonov
from byheart.noise import geometric_levels
from byheart.numerics.neighbors import nearest
from byheart.sampling import sample
from byheart.theory.terminal import consistency_copies, distance_left, tikhonov_copies, tikhonov_distance

POINTS = torch.from_numpy(np.random.RandomState(1).randn(20, 2))  # S2's data
START = 4.637  # σ of S2's VE process at T = 1
COUNT = 2000


def ends(denoiser, last=1e-6, *, final=True):
    """Where COUNT trajectories of the probability flow are at the level `last`, or, finally, without noise."""
    levels = geometric_levels(200, last, START)
    noise = torch.randn(COUNT, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    walk = levels if final else levels[:-1]
    return sample(denoiser, seeds=range(COUNT), start=START * noise, levels=walk, solver="heun", batch=COUNT)


def to_points(x):
    return nearest(x, POINTS, k=1).distance[:, 0]


@pytest.mark.parametrize(
    ("strength", "published"),
    [(1e-5, 0.99), (3.2e-5, 0.80), (1e-4, 0.395), (3.2e-4, 0.137), (1e-3, 0.042), (1e-2, 0.004)],
)
def test_share_of_copies_under_tikhonov(strength, published):
    share = float((to_points(ends(tikhonov(empirical(POINTS), strength))) < 1e-2).double().mean())
    assert share == pytest.approx(published, abs=0.03)
    assert share == pytest.approx(tikhonov_copies(1e-2, strength, 2), abs=0.03)


@pytest.mark.parametrize(("strength", "measured"), [(1e-5, 0.00392), (1e-4, 0.0124), (1e-3, 0.0383)])
def test_mean_distance_under_tikhonov(strength, measured):
    mean = float(to_points(ends(tikhonov(empirical(POINTS), strength))).mean())
    assert mean == pytest.approx(tikhonov_distance(strength, 2), rel=0.06)
    assert mean == pytest.approx(measured, rel=0.06)


@pytest.mark.parametrize(
    ("tau", "published"),
    [(0.01, 0.985), (0.032, 0.975), (0.1, 0.91), (0.32, 0.70), (1.0, 0.165), (10.0, 0.0)],
)
def test_share_of_copies_under_the_consistency_score(tau, published):
    kappa = -2 / 2 * math.log(tau)  # τ = exp(−κ d/2)
    share = float((to_points(ends(consistent(empirical(POINTS), kappa))) < 1e-2).double().mean())
    assert share == pytest.approx(published, abs=0.03)
    if tau <= 0.32:
        assert share == pytest.approx(consistency_copies(kappa, 2), abs=0.03)


def test_the_distance_to_the_data_is_proportional_to_the_noise():
    sigmas = [1e-2, 1e-3, 1e-4, 1e-5]
    distances = [float(to_points(ends(empirical(POINTS), sigma, final=False)).median()) for sigma in sigmas]
    assert np.polyfit(np.log(sigmas), np.log(distances), 1)[0] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("gamma", "slope"), [(1.0, 1 / 2), (3.0, 1 / 4)])
def test_a_constant_shrinkage_only_slows_copying_down(gamma, slope):
    shrunk = Shrunk(empirical(POINTS), lambda x, sigma: torch.tensor(gamma, dtype=torch.float64))
    last = [1e-4, 1e-6, 1e-8]
    means = [float(to_points(ends(shrunk, sigma, final=False)).median()) for sigma in last]
    found = np.polyfit(np.log(last), np.log(means), 1)[0]
    assert found == pytest.approx(slope, abs=0.02)
    assert means[1] / means[2] == pytest.approx(1 / distance_left(lambda r: gamma, 1e-6, 1e-8), rel=0.02)


def test_a_growing_shrinkage_stops_short():
    shrunk = Shrunk(empirical(POINTS), lambda x, sigma: 0.1 / sigma)
    means = [float(to_points(ends(shrunk, sigma, final=False)).mean()) for sigma in (1e-2, 1e-4, 1e-6)]
    assert means == pytest.approx([0.104, 0.095, 0.095], rel=0.06)  # published with the definitions above
