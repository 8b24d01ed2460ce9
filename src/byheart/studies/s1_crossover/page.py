"""The page of S1's study: at which size a mixture knows its points by heart, and what the losses say of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from byheart.report.laboratory import LaboratoryContent, laboratory_page
from byheart.report.tables import Table
from byheart.report.words import number

__all__ = ["CrossoverContent", "WeightingContent", "crossover_page"]


@dataclass(frozen=True)
class WeightingContent:
    """A weighting of the losses that was fitted to transitions, and the best constant beside it.

    cells, heldout: populations that it was fitted to, and tried on.  numbers: of the weighting.  constraints: how many of its
    directions the predictions depend on.  errors, constant_errors: mean squares over the fitted and the held-out cells.
    floor: of a perfect prediction.
    """

    cells: int
    heldout: int
    numbers: int
    constraints: int
    errors: tuple[float, float]
    constant: float
    constant_errors: tuple[float, float]
    floor: float


@dataclass(frozen=True, eq=False)
class CrossoverContent:
    """The page.  laboratory: what every such page has.  weighting: the fit, or None."""

    laboratory: LaboratoryContent
    weighting: WeightingContent | None = None


def crossover_page(content: CrossoverContent) -> str:
    """The page as HTML.  It works with parts missing.  Raises InputError without any figure."""
    found = content.weighting
    return laboratory_page(
        content.laboratory,
        Path(__file__).parent / "crossover.html.j2",
        ["2508.17689"],
        weighting=found,
        predictors=None if found is None else _predictors(found),
        says_more=found is not None and found.errors[1] < NOTHING_GAINED * found.constant_errors[1],
    )


NOTHING_GAINED = 0.9
"""Of the constant's error on held-out cells: a fit that does not come below has explained nothing."""


def _scaled(errors: Sequence[float]) -> tuple[str, ...]:
    return tuple(number(1e4 * error) for error in errors)


def _predictors(found: WeightingContent) -> Table:
    rows = (
        ("fitted weighting", f"{found.numbers}", f"{found.constraints}", *_scaled(found.errors)),
        (f"constant {number(found.constant)}", "1", "1", *_scaled(found.constant_errors)),
        ("a perfect prediction", "–", "–", *_scaled([found.floor, found.floor])),
    )
    columns = ("M_pt/N from", "numbers", "that matter", "error, fitted", "error, held out")
    cells = f"{found.cells} fitted and {found.heldout} held-out populations"
    return Table(f"Predictions of the transition: mean square errors, times 10⁴, over {cells}", columns, rows)
