"""The result of an audit: its record, and the files it is written to."""

from __future__ import annotations

from pathlib import Path

from byheart._checks import InputError
from byheart._records import write_atomic
from byheart.auditing.record import AuditRecord

__all__ = ["AuditResult"]


class AuditResult(AuditRecord):
    """The whole result of an audit: the record, and how it is read and written."""

    @staticmethod
    def read(file: Path | str) -> AuditResult:
        """Read the result that `save_json` wrote.  Raises InputError for a file that holds no such result."""
        try:
            return AuditResult.model_validate_json(Path(file).read_bytes())
        except ValueError as error:
            raise InputError(
                got=f"{file}, which holds no result of an audit ({str(error).splitlines()[0]})",
                need="JSON as save_json wrote it, by this version of byheart",
                remedy="audit again",
            ) from error

    def save_json(self, file: Path | str) -> Path:
        """Write the whole result as JSON; the file is never half written."""
        write_atomic(Path(file), self.model_dump_json(indent=1))
        return Path(file)

    def save_html(self, file: Path | str) -> Path:
        """Write the page: one file that loads nothing from the network."""
        write_atomic(Path(file), self.to_html())
        return Path(file)

    def to_html(self) -> str:
        """Draw the page."""
        from byheart.auditing.page.page import audit_page

        return audit_page(self)

    def _repr_html_(self) -> str:
        from byheart.auditing.page.page import audit_fragment

        return audit_fragment(self)
