"""Curves of S1 (2508.17689) as published: read off its vector figures, to the width of a line.

TRANSITION  one training set of d = 50, K = 12, N = 200; by M/N: the learned variance, the share of memorized samples, losses
            E‖D − x₀‖² at ψ = 6.704 on training and fresh points, mean distances of centers to the nearest training point and true mean
SEEDS       the share of memorized samples, mean of three seeds
COLORED     colored templates, by M/N (the notebook's printout)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["COLORED", "PUBLISHED", "SEEDS", "TRANSITION"]

Curve = Mapping[float, float]

_SHARES = (0.1, 0.3, 0.5, 0.6, 0.7, 0.76, 0.8, 0.84, 0.9, 0.96, 1.0)


def _curve(*values: float, shares: tuple[float, ...] = _SHARES) -> Curve:
    return MappingProxyType(dict(zip(shares, values, strict=True)))


TRANSITION: Mapping[str, Curve] = MappingProxyType(
    {
        "f_mem": _curve(0, 0, 0, 0.02, 0.14, 0.24, 0.56, 0.62, 0.76, 1.0, 1.0),
        "loss/train": _curve(6.38, 6.04, 5.52, 5.16, 4.61, 4.21, 3.79, 3.30, 2.48, 1.28, 0),
        "loss/heldout": _curve(6.58, 6.98, 8.18, 9.53, 12.2, 14.9, 17.9, 22.1, 31.2, 47.5, 70.4),
        "variance": _curve(0.884, 0.635, 0.426, 0.335, 0.243, 0.191, 0.154, 0.119, 0.075, 0.031, 0),
        "distance/point": _curve(4.50, 3.35, 2.23, 1.70, 1.10, 1.05, 0.82, 0.74, 0.45, 0.15, 0),
        "distance/mean": _curve(3.56, 5.40, 6.15, 6.41, 6.65, 6.66, 6.78, 6.79, 6.88, 6.97, 7.02),
    }
)

SEEDS: Curve = _curve(
    0.10,
    0.23,
    0.46,
    0.56,
    0.68,
    0.62,
    0.80,
    0.92,
    1.0,
    shares=(0.7, 0.76, 0.79, 0.8, 0.82, 0.84, 0.88, 0.92, 0.96),
)

_TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

COLORED: Mapping[str, Curve] = MappingProxyType(
    {
        "f_mem": _curve(0.06, 0.04, 0.02, 0.06, 0.04, 0.14, 0.18, 0.26, 0.58, 1.0, shares=_TENTHS),
        "loss/train": _curve(
            5.00, 0.448, 0.445, 0.442, 0.439, 0.428, 0.405, 0.386, 0.325, 0.0026, shares=_TENTHS
        ),
        "loss/heldout": _curve(
            5.43, 0.457, 0.467, 0.475, 0.482, 0.635, 0.967, 1.16, 3.41, 39.5, shares=_TENTHS
        ),
    }
)

PUBLISHED: Mapping[str, Mapping[str, Curve]] = MappingProxyType(
    {"transition": TRANSITION, "seeds": MappingProxyType({"f_mem": SEEDS}), "colored": COLORED}
)
"""Every published figure by name."""
