"""A model that knows its training data by heart, exactly: every sample of the empirical denoiser is a copy.

python examples/exact_copies.py
"""

from __future__ import annotations

import byheart
from byheart.data import Data, load, split
from byheart.metrics.memorization import memorized_fraction
from byheart.numerics.neighbors import nearest


def main(n: int = 128, count: int = 64) -> tuple[float, float]:
    """Sample the empirical denoiser of n digits; return f_mem of its samples and of held-out digits."""
    digits = split(load(Data(name="digits")), n, seed=0)
    memorizer = byheart.denoisers.empirical(digits.train)
    copies = byheart.sample(memorizer, seeds=range(count))
    shares = [memorized_fraction(nearest(images, digits.train)) for images in (copies, digits.heldout)]
    for name, share in zip(("empirical denoiser", "held-out digits"), shares, strict=True):
        print(f"{name:20s} f_mem = {share.value:.3f}  [{share.low:.3f}, {share.high:.3f}]  of {share.count}")
    return shares[0].value, shares[1].value


if __name__ == "__main__":
    main()
