"""Refusals that teach: every bad input is answered with what was got, what is needed, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

__all__ = ["InputError", "check_finite", "extra_missing", "meant"]


class InputError(ValueError):
    """Bad input, in three parts: what was `got`, what the code `need`s, and the `remedy`.

    The command line prints the parts one a line; in Python they read as one sentence.
    """

    def __init__(self, *, got: str, need: str, remedy: str) -> None:
        super().__init__(got, need, remedy)
        self.got, self.need, self.remedy = got, need, remedy

    def __str__(self) -> str:
        return f"got {self.got}; need {self.need}; {self.remedy}"

    def __reduce__(self) -> tuple[object, tuple[str, str, str]]:
        # Keyword-only construction would break the trip back from a worker process.
        return _rebuild, (self.got, self.need, self.remedy)


def _rebuild(got: str, need: str, remedy: str) -> InputError:
    return InputError(got=got, need=need, remedy=remedy)


def check_finite(name: str, x: Tensor) -> None:
    """Raise InputError if x holds a NaN or an infinity, saying how many and where the first one is.

    name: what the caller calls x.  x: any shape.
    """
    good = x.isfinite()
    if bool(good.all()):
        return
    bad = (~good).nonzero()
    raise InputError(
        got=f"{name} with {len(bad)} values that are NaN or infinite (first at index {tuple(bad[0].tolist())})",
        need="finite numbers only",
        remedy=f"remove or repair those rows of {name}",
    )


def meant(word: str, known: Iterable[str]) -> str:
    """`did you mean …? `, for the front of a remedy, or nothing where no known word is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}? " if near else ""


def extra_missing(purpose: str, extra: str) -> ImportError:
    """The ImportError for a missing optional part, with the exact pip line that brings it."""
    return ImportError(f"{purpose} needs: pip install 'byheart[{extra}]'")
