"""The page of S1's study: at which size a mixture begins to copy its points, and what the losses say of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from byheart.report.laboratory import LaboratoryContent, check_figures, laboratory_page
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
    """Write the page as HTML; parts of the content may be missing.  Raises InputError without any figure."""
    check_figures(content.laboratory)
    fit = content.weighting
    return laboratory_page(
        content.laboratory,
        Path(__file__).parent / "crossover.html.j2",
        ["2508.17689"],
        weighting=fit,
        predictors=None if fit is None else _predictors(fit),
        says_more=fit is not None and fit.errors[1] < NOTHING_GAINED * fit.constant_errors[1],
    )


NOTHING_GAINED = 0.9
"""Of the constant's error on held-out cells: a fit that does not come below has explained nothing."""


def _scaled(errors: Sequence[float]) -> tuple[str, ...]:
    return tuple(number(1e4 * error) for error in errors)


def _predictors(fit: WeightingContent) -> Table:
    rows = (
        ("fitted weighting", f"{fit.numbers}", f"{fit.constraints}", *_scaled(fit.errors)),
        (f"constant {number(fit.constant)}", "1", "1", *_scaled(fit.constant_errors)),
        ("a perfect prediction", "–", "–", *_scaled([fit.floor, fit.floor])),
    )
    columns = ("M_pt/N from", "parameters", "effective parameters", "error, fitted", "error, held out")
    cells = f"{fit.cells} data sets used for the fit and {fit.heldout} held out"
    return Table(f"Predictions of the transition: mean square errors, times 10⁴, over {cells}", columns, rows)
