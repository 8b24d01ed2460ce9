"""The duplicates of a training set: their record, and the files it is written to.

A name that is written to CSV is written as it is: a spreadsheet may take one that begins with = for a formula.
"""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from byheart._checks import InputError
from byheart._records import write_atomic
from byheart.auditing.record import DedupRecord

__all__ = ["DedupResult"]


class DedupResult(DedupRecord):
    """The duplicates of one set: the record, and how it is written."""

    @staticmethod
    def read(file: Path | str) -> DedupResult:
        """Read the duplicates that `save_json` wrote.  Raises InputError for a file that holds no such result."""
        try:
            return DedupResult.model_validate_json(Path(file).read_bytes())
        except ValueError as error:
            raise InputError(
                got=f"{file}, which holds no duplicates of a set ({str(error).splitlines()[0]})",
                need="JSON as save_json wrote it, by this version of byheart",
                remedy="look for the duplicates again",
            ) from error

    def save_json(self, file: Path | str) -> Path:
        """Write the whole record as JSON; the file is never half written."""
        write_atomic(Path(file), self.to_json())
        return Path(file)

    def save_html(self, file: Path | str) -> Path:
        """Write the page: one file that loads nothing from the network."""
        write_atomic(Path(file), self.to_html())
        return Path(file)

    def to_html(self) -> str:
        """Draw the page."""
        from byheart.auditing.page.dedup import dedup_page

        return dedup_page(self)

    def to_json(self) -> str:
        """Return the whole record as JSON; `DedupResult.model_validate_json` reads the text."""
        return self.model_dump_json(indent=2)

    def to_csv(self) -> str:
        """Return CSV with one row for each image that has a duplicate: name, cluster (from 1), representative, score."""
        stream = StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("name", "cluster", "representative", "score"))
        for place, cluster in enumerate(self.clusters, 1):
            for member in cluster.members:
                score = "" if member.score is None else f"{member.score:.6g}"
                writer.writerow((member.name, place, cluster.representative, score))
        return stream.getvalue()
