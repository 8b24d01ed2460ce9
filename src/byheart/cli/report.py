"""byheart report: the page of a study, an audit or a deduplication, from what is stored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from byheart.auditing.dedup_result import DedupResult
    from byheart.auditing.result import AuditResult

__all__ = ["report"]


def report(
    place: Annotated[Positional[Path], arg(metavar="FOLDER|FILE.json")],
    *,
    html: Annotated[Optional[Path], arg(metavar="FILE")] = None,
) -> int:
    """Write the report of a study, an audit or a deduplication again, from what is stored.

    Args:
        place: What `byheart study` wrote: runs/STUDY-SCALE-…; or what `byheart audit` or `byheart dedup` wrote with --json.
        html: Where to write the page of an audit or a deduplication; by default beside the result.
    """
    from byheart.cli.outputs import check_outputs

    if place.is_file():
        page = place.with_suffix(".html") if html is None else html
        check_outputs({"--html": page})
        print(_result(place).save_html(page))
        return 0
    _check_study(place, html)
    from byheart.experiments.study.folder import StudyFolder
    from byheart.studies.pages import write_report

    page = write_report(place)
    for text in StudyFolder(place).left_out():
        print(f"warning: {text}", file=sys.stderr)
    print(page)
    return 0


def _result(file: Path) -> AuditResult | DedupResult:
    """Read the result of an audit or of a deduplication.  Raises InputError for a file that holds neither."""
    from byheart._checks import InputError
    from byheart.auditing.dedup_result import DedupResult
    from byheart.auditing.result import AuditResult

    try:
        return AuditResult.read(file)
    except InputError as error:
        try:
            return DedupResult.read(file)
        except InputError:
            raise error from None


def _check_study(folder: Path, html: Path | None) -> None:
    from byheart._checks import InputError

    if not (folder / "study.json").is_file():
        raise InputError(
            got=f"{folder}, which holds no study.json",
            need="the folder that `byheart study` wrote, runs/STUDY-SCALE-…, or the --json of an audit",
            remedy="run the study, or see `byheart ls` for single runs",
        )
    if html is not None:
        raise InputError(
            got=f"--html {html} with the folder of a study",
            need="--html with the result of an audit or a deduplication",
            remedy=f"leave it out: the page is {folder / 'report.html'}",
        )
