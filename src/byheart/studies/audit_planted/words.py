"""Words and numbers of the page of a planted benchmark."""

from __future__ import annotations

from byheart.auditing.page.words import PLANTED
from byheart.numerics.intervals import Interval
from byheart.report.words import SPACE, number, percent, rate

__all__ = [
    "COPY_GROUPS",
    "INNOCENT_GROUPS",
    "between",
    "copy",
    "copy_alone",
    "innocent",
    "mean",
    "share",
    "span",
    "true_share",
]

COPY_GROUPS = {
    "main": "Main kinds: changed as models and files change images",
    "compound": "Several changes at once",
    "blend": "Mixtures of two training images",
    "local": "Collages of two training images",
    "outside": "Changes that the audit does not search for",
}
"""Kind of planted copies -> its heading."""

INNOCENT_GROUPS = {
    "safe": "Images that copy nothing: must not be flagged",
    "mixture": "Mixtures of training images: may be flagged",
    "parent": "Made from one training image, far from this image: neither copies nor unseen",
    "copying": "Made from one training image, near this image: copies",
}
"""Kind of innocents -> its heading."""

_INNOCENTS = {
    "blur-0.7": "blurred by 0.7 px",
    "blur-1": "blurred by 1 px",
    "blur-2": "blurred by 2 px",
    "noise-0.05": "faint noise (σ 0.05)",
    "noise-0.15": "noise (σ 0.15)",
    "contrast-0.3": "low contrast (× 0.3)",
    "pca-100": "100 principal components",
    "mean-of-2": "mean of two held-out images",
    "pca-gaussian": "draws from a Gaussian",
    "mean-of-50": "mean of 50 training images",
    "mean-of-8-nearest": "mean of the 8 nearest training images",
    "kde-0.7": "smoothed density, h 0.7",
    "kde-0.3": "smoothed density, h 0.3",
}


_ALONE = {"blend": "mixture of two", "collage": "collage of two"}


def copy(name: str) -> str:
    """Name a kind of planted copies for people; a kind without words keeps its name."""
    return _unbroken(PLANTED.get(name, name))


def copy_alone(name: str) -> str:
    """Name a kind of planted copies where no heading says that copies are meant."""
    return _ALONE.get(name) or copy(name)


def innocent(name: str) -> str:
    """Name a kind of innocents for people; a kind without words keeps its name."""
    return _unbroken(_INNOCENTS.get(name, name))


def _unbroken(words: str) -> str:
    """Keep numbers on a line with their sign and unit."""
    for sign in ("σ ", "× ", "h ", " px"):
        words = words.replace(sign, sign.replace(" ", SPACE))
    return words


def true_share(name: str) -> str:
    """Write the true share that a record's name says, and whether all copies are crops."""
    return rate(float(name.rpartition("-")[2])) + (", all copies crops" if name.startswith("crops-") else "")


def share(found: Interval) -> str:
    """Write a share with its interval: `5.2 % [3.9, 6.6]`."""
    return f"{percent(found.value)} [{_end(found.low)}, {_end(found.high)}]"


def between(found: Interval) -> str:
    """Write the interval of a share alone, in per cent: `3.9–6.6`."""
    return f"{_end(found.low)}–{_end(found.high)}"


def mean(found: Interval) -> str:
    """Write a share that is a mean, with three digits: `1.94 % [1.92, 1.96]`."""
    return f"{number(100 * found.value)}{SPACE}% [{number(100 * found.low)}, {number(100 * found.high)}]"


def span(found: Interval, scale: float = 1) -> str:
    """Write an interval alone, with three digits, times `scale`: `1.92–1.96`."""
    return f"{number(scale * found.low)}–{number(scale * found.high)}"


def _end(share: float) -> str:
    """Write one end of an interval of shares, in per cent, without the unit and without `>`."""
    value = 100 * share
    if 99.9 < value < 100:
        return f"{min(value, 99.99):.2f}"
    return percent(share).removesuffix(f"{SPACE}%").replace(f"<{SPACE}", "<")
