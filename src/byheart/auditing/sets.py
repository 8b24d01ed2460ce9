"""The three sets of an audit, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from byheart._checks import InputError
from byheart.auditing.inputs import Images, Rows
from byheart.auditing.inputs.size import Pad
from byheart.auditing.record import (
    Channel,
    CopyShare,
    Distinct,
    Histogram,
    Pair,
    Planted,
    PopulationCheck,
    Power,
)
from byheart.auditing.stored.train import Stored
from byheart.auditing.verdict import Decision
from byheart.metrics.copying.copy_test import CopyTest

__all__ = ["Body", "Request", "Sets", "Tell", "check_counts", "silent"]

Tell = Callable[[str, int, int], None]
"""Is called with the name of a stage, how much of the stage is done, and how much there is in all."""


def silent(stage: str, done: int, total: int) -> None:
    """Do nothing."""


def check_counts(planted: int, queries: int) -> None:
    """Raise InputError for too few test copies, or too few training images that are compared with the others."""
    if planted < 4:
        raise InputError(
            got=f"{planted} test copies of each kind",
            need="at least 4",
            remedy="leave planted out for the defaults",
        )
    if queries < 50:
        raise InputError(
            got=f"{queries} queries (training images that are compared with the others)",
            need="at least 50",
            remedy="leave queries out for the defaults",
        )


@dataclass(frozen=True, eq=False)
class Sets:
    """Three sets of one kind; the training set in memory, or in shards.  heldout: None without held-out images.

    least: contrast below which an image is blank (see `blanks`); blank: samples that were left out as blank.
    """

    samples: Images | Rows
    train: Images | Rows | Stored
    heldout: Images | Rows | None
    least: float = 0.0
    blank: int = 0

    @property
    def images(self) -> tuple[Images, Images, Images | None]:
        """Return the three sets as images in memory.  Raises InputError for features, and for a training set in shards."""
        match self.samples, self.train, self.heldout:
            case Images() as samples, Images() as train, (Images() | None) as heldout:
                return samples, train, heldout
        raise InputError(got="features", need="images", remedy="pass the images that they were made from")

    @property
    def rows(self) -> tuple[Rows, Rows | Stored, Rows | None]:
        """Return the three sets as features.  Raises InputError for images."""
        match self.samples, self.train, self.heldout:
            case Rows() as samples, (Rows() | Stored()) as train, (Rows() | None) as heldout:
                return samples, train, heldout
        raise InputError(got="images", need="features", remedy="encode them first")


@dataclass(frozen=True)
class Request:
    """Settings: see `audit`."""

    alpha: float
    rule: Literal["pac", "marginal"]
    seed: int
    planted: int
    queries: int
    pad: Pad
    tell: Tell


@dataclass(frozen=True, eq=False)
class Body:
    """What the copy test gave, in the records of the result.  test: of images, to compare other images with."""

    decision: Decision
    warnings: tuple[str, ...]
    power: Power
    channels: tuple[Channel, ...] = ()
    copy_share: CopyShare | None = None
    distinct: Distinct | None = None
    population: PopulationCheck | None = None
    card: tuple[Planted, ...] = ()
    pairs: tuple[Pair, ...] = ()
    random_pairs: tuple[Pair, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    test: CopyTest | None = None
