"""Digits: 1,797 real images of 8×8 pixels in 17 greys, from the installed scikit-learn's own file.

The file is found without importing scikit-learn, whose import takes longer than reading it.
Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), its test part.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from byheart._checks import InputError
from byheart.data.raw import Raw

__all__ = ["REMEDY", "find_digits", "read_digits"]

REMEDY = "pip install scikit-learn, which brings the file"


def find_digits() -> Path | None:
    """Find the file; None if scikit-learn is not installed."""
    package = find_spec("sklearn")
    places = package.submodule_search_locations if package else None
    files = [Path(place, "datasets", "data", "digits.csv.gz") for place in places or ()]
    return next((file for file in files if file.is_file()), None)


def read_digits() -> Raw:
    """Read the images (1797, 1, 8, 8), 0 … 16, and the digit that each image shows.  Raises InputError if the file is missing."""
    file = find_digits()
    if file is None:
        raise InputError(got="no scikit-learn here", need="its file of digits", remedy=REMEDY)
    rows = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    return Raw(rows[:, :-1].reshape(-1, 1, 8, 8), peak=16, labels=rows[:, -1])
