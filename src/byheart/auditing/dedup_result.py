"""Duplicates of a training set: its images in clusters, each of which is one image in several poses.

    n = images,    distinct = n − Σ over clusters (members − 1)

Two images belong together if one matches the other as a copy would; a cluster is a connected component of such matches.
A name that is written to CSV is written as it is: a spreadsheet may take one that begins with = for a formula.
"""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from pydantic import model_validator

from byheart._checks import InputError
from byheart._records import Spec, write_atomic
from byheart.auditing.result import Pose, Source

__all__ = ["Cluster", "DedupResult", "Member"]

SCHEMA = 1


class Member(Spec):
    """An image of a cluster and what it matches there.

    score: calibrated, of the match; None for the image that others match.  source: name of the matched image.
    exact: whether all its values are those of the matched image.  picture: PNG in base64, of the images that the page shows.
    """

    name: str
    score: float | None = None
    source: str | None = None
    pose: Pose = Pose()
    exact: bool = False
    picture: str | None = None


class Cluster(Spec):
    """Images that are one.  representative: the name of the member to keep.  members: the representative first.

    Raises InputError unless there are two members or more, under different names, the representative first.
    """

    representative: str
    members: tuple[Member, ...]

    @model_validator(mode="after")
    def _check(self) -> Cluster:
        names = [member.name for member in self.members]
        if len(names) < 2 or len(set(names)) < len(names) or names[0] != self.representative:
            raise InputError(
                got=f"a cluster of {len(names)} images under {len(set(names))} names, kept {self.representative!r}",
                need="two or more under different names, the one to keep first",
                remedy="leave single images out, and put the representative first",
            )
        return self


class DedupResult(Spec):
    """The duplicates of one set.

    source: the set; its count is n.  distinct: images left if one of each cluster is kept.  exact: images that equal
    another one value by value, beyond the first.  threshold: calibrated score from which two images are one; meaning:
    what it stands for, in a sentence.  clusters: the largest first.
    Raises InputError where distinct or exact do not follow from the clusters.
    """

    version: int = SCHEMA
    source: Source
    distinct: int
    exact: int
    threshold: float | None
    meaning: str
    seed: int
    clusters: tuple[Cluster, ...] = ()
    warnings: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    @model_validator(mode="after")
    def _check(self) -> DedupResult:
        distinct = self.source.count - sum(len(cluster.members) - 1 for cluster in self.clusters)
        exact = sum(member.exact for cluster in self.clusters for member in cluster.members)
        if (self.distinct, self.exact) != (distinct, exact):
            raise InputError(
                got=f"{self.distinct} distinct images and {self.exact} exact duplicates",
                need=f"{distinct} and {exact}, as the {len(self.clusters)} clusters of {self.source.count} images have them",
                remedy="count from the clusters",
            )
        return self

    @property
    def duplicates(self) -> int:
        """Images that may go: all but one of each cluster."""
        return self.source.count - self.distinct

    def save_json(self, file: Path | str) -> Path:
        """Write all of it as JSON, whole or not at all."""
        write_atomic(Path(file), self.to_json())
        return Path(file)

    def save_html(self, file: Path | str) -> Path:
        """Write the page: one file that loads nothing from anywhere."""
        from byheart.report.dedup import dedup_page

        write_atomic(Path(file), dedup_page(self))
        return Path(file)

    def to_json(self) -> str:
        """The whole record; `DedupResult.model_validate_json` reads it."""
        return self.model_dump_json(indent=2)

    def to_csv(self) -> str:
        """A row an image that has a duplicate: name, cluster (from 1), representative, score."""
        stream = StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("name", "cluster", "representative", "score"))
        for place, cluster in enumerate(self.clusters, 1):
            for member in cluster.members:
                score = "" if member.score is None else f"{member.score:.6g}"
                writer.writerow((member.name, place, cluster.representative, score))
        return stream.getvalue()
