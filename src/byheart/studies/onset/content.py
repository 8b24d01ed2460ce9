"""What a page shows, handed in whole: plain records, times and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byheart._checks import InputError
from byheart._records import Scalar
from byheart.analysis.collapse_quality import Collapse
from byheart.analysis.scaling import Exponent
from byheart.analysis.timescales import Crossing

__all__ = ["GEN", "MEM", "SPLIT", "OnsetContent", "Onsets", "RunContent", "Strip"]

Record = Mapping[str, Scalar]

GEN, SPLIT, MEM = "tau_gen@0.1", "tau_split@0.1", "tau_mem@0.1"
"""The three times that the page is about; times at other levels go to a table of their own."""


@dataclass(frozen=True)
class RunContent:
    """One training run.  rows: its flat records, by step.  references: what they are read against."""

    id: str
    n: int
    seed: int
    rows: Sequence[Record]
    references: Record = field(default_factory=dict)


@dataclass(frozen=True)
class Onsets:
    """The times of one run.  times: rule (such as `tau_mem@0.1`) -> when."""

    n: int
    seed: int
    times: Mapping[str, Crossing]


@dataclass(frozen=True, eq=False)
class Strip:
    """What a run draws from the same noise at successive steps of its training.

    images: (k samples, s steps, height, width) grey or (…, 3) RGB, uint8.  nearest: (k, height, width[, 3]), the training
    image nearest to each last sample.  ratios: (k, s) nearest over second nearest distance to the training set, d1/d2.
    Raises InputError for shapes that do not belong together, or images that are not uint8.
    """

    n: int
    seed: int
    steps: Sequence[int]
    images: NDArray[np.uint8]
    nearest: NDArray[np.uint8]
    ratios: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape, steps = self.images.shape, len(self.steps)
        matches = (
            self.images.ndim in (4, 5)
            and (self.images.ndim == 4 or shape[4] == 3)
            and shape[1] == steps
            and self.nearest.shape == (shape[0], *shape[2:])
            and self.ratios.shape == shape[:2]
            and self.images.dtype == self.nearest.dtype == np.uint8
        )
        if not matches:
            raise InputError(
                got=f"images {self.images.dtype} {shape}, nearest {self.nearest.dtype} {self.nearest.shape}, "
                f"ratios {self.ratios.shape}, {steps} steps",
                need="uint8 images (k, s, height, width[, 3]), nearest (k, height, width[, 3]), ratios (k, s), s steps",
                remedy="scale pixels to 0 … 255 and stack samples first, steps second",
            )


@dataclass(frozen=True, eq=False)
class OnsetContent:
    """The page of the onset study.

    title: of the page.  scale: of the study.  data_name: such as `digits`.  runs, crossings, exponents, strips: any
    number, also none.  collapses: record name (`f_mem`, `gap@0.5`) -> its collapse.  claims: rows of the scoreboard, none
    where the data are not the paper's.  facts: name -> value, how it was measured.  cautions: what keeps numbers from meaning
    what they say.  provenance: name -> value, with which code and machine.  threshold: d1/d2 below which a sample is a
    copy.  command: repeats it.  says: sentences whose claims were reproduced, None where none is decided.
    others: further arms, each shown as the first one under its title.
    """

    title: str
    scale: str
    data_name: str
    runs: Sequence[RunContent] = ()
    crossings: Sequence[Onsets] = ()
    exponents: Sequence[Exponent] = ()
    collapses: Mapping[str, Collapse] = field(default_factory=dict)
    claims: Sequence[Mapping[str, Any]] = ()
    strips: Sequence[Strip] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    cautions: Sequence[str] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)
    threshold: float = 1 / 3
    command: str = ""
    says: Sequence[str] | None = None
    others: Sequence[OnsetContent] = ()

    def times(self, rule: str, n: int | None = None) -> list[Crossing]:
        """List the times of one rule: of all runs, or of the runs of one n."""
        return [found.times[rule] for found in self.crossings if rule in found.times and n in (None, found.n)]

    def sizes(self) -> list[int]:
        """List every n that has times, increasing."""
        return sorted({found.n for found in self.crossings})

    def exponent(self, rule: str) -> Exponent | None:
        """Look up the fitted power law of a time; None if no power law was fitted to this time."""
        found = (fit for fit in self.exponents if fit.definition == rule and fit.value == fit.value)
        return next(found, None)
