"""The check that all fidelity metrics share: two sets of features that can be compared."""

from __future__ import annotations

from torch import Tensor

from byheart._checks import InputError, check_alike, check_finite

__all__ = ["two_sets"]


def two_sets(samples: Tensor, reference: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """Return both sets as float64 rows (n, d) and (m, d).

    Raises InputError for fewer than `least` rows, different sample shapes, or values that are not finite.
    """
    check_alike(
        {"samples": samples, "a reference": reference}, 0, remedy="bring both through the same features"
    )
    if min(len(samples), len(reference)) < least:
        raise InputError(
            got=f"{len(samples)} samples and {len(reference)} rows of the reference",
            need=f"at least {least} in each set",
            remedy="draw more samples or hold out more images",
        )
    check_finite("samples", samples)
    check_finite("the reference", reference)
    return samples.flatten(1).double(), reference.flatten(1).double()
