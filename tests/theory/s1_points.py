"""S1's points, for the tests of what is learned from them without training."""

import numpy as np


def mixture(d=30, k=3, n=50, seed=0):
    """n draws (n, d) of k Gaussians of variance 1, with means on the sphere of radius √d."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(k, d))
    means *= np.sqrt(d) / np.linalg.norm(means, axis=1, keepdims=True)
    return means[rng.integers(k, size=n)] + rng.normal(size=(n, d))
