"""byheart claims: statements of papers, and what was measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from byheart.cli.options import Device, Root, Workers, cores
from byheart.cli.tables import show
from byheart.report.words import distinct_ends, plain_number

if TYPE_CHECKING:
    from byheart.experiments.study.due import Due

__all__ = ["claims", "verdicts"]

SCALE = "cpu"

# A help text of several lines stands here: in a docstring its line breaks would be printed.
MEASURE = (
    "Measure these claims again, by their ids, or `due`: all claims that were never measured, or were measured with an older "
    "version of the code. Without this option nothing is measured. Claims whose runs are stored in the package take seconds, "
    "the others up to hours: see --dry-run."
)


def claims(
    *,
    json: bool = False,
    measure: Annotated[tuple[str, ...], arg(metavar="ID… | due", help=MEASURE)] = (),
    scale: str = SCALE,
    record: bool = False,
    dry_run: bool = False,
    device: Device = "auto",
    workers: Workers = None,
    root: Root = Path("runs"),
) -> int:
    """Show which published statements were measured, and with what result.

    Prints one summary line per paper, then one row per claim, from the measurements stored in the package.

    A claim is a statement with a range that accepts it. Reproduced: the whole 95 % interval lies in this range. Contradicted:
    no part of the interval does. Unresolved: anything else. Ids S1-…, S2-… and S3-… are statements of three papers; B-… are
    our own statements about the same experiments; A-… are our own statements about the copy test of `byheart audit`.

    Args:
        json: Print all rows, one per id and scale, as JSON to standard output.
        measure: Measure these claims again.
        scale: Size of the studies at which claims are measured: ci, demo, cpu, long or paper.
        record: For developers: also store the new rows, and the records of their runs, in the package.
        dry_run: With --measure due: list the claims that are due, why, and how long their runs take. Measures nothing.
        device: Device for training: cpu, cuda, or auto (cuda if available).
        workers: Number of runs at the same time. By default one per CPU core, or one in total on a GPU.
        root: Folder in which runs are stored.
    """
    if dry_run:
        _check_dry(measure, record, json)
        return _show_due(scale, cores(workers, device))
    if not measure:
        _check_alone(scale, record)
        from byheart.experiments.study.scoreboard import all_rows, scoreboard

        rows = all_rows() if json else scoreboard()
    else:
        rows = _measured(measure, scale, record, device, cores(workers, device), root)
    if json:
        _print_json(rows)
    else:
        if not measure:
            _lead()
        verdicts(rows)
        if not rows:
            print("nothing is due")
    return 0


def _show_due(scale: str, workers: int) -> int:
    """Print what is due at a scale: a row a claim, and the time of all runs."""
    from byheart.experiments.study.due import due_claims
    from byheart.report.words import plural

    rows = due_claims(scale)
    if not rows:
        print("nothing is due")
        return 0
    columns = ("claim", "study", "runs", "minutes", "because of")
    show(columns, [_due_line(row) for row in rows], last_wraps=True)
    arms = {(row.study, row.arm): row for row in rows if row.runs}.values()
    minutes, untimed = sum(row.minutes or 0.0 for row in arms), sum(row.minutes is None for row in arms)
    runs = plural(sum(row.runs for row in arms), "run")
    text = f"{plural(len(rows), 'claim')} of scale {scale}: {runs} to carry out"
    if len(arms) > untimed:
        text += f", about {minutes / workers:.0f} minutes, {workers} at a time"
    if untimed:
        text += f"; nobody timed the runs of {plural(untimed, 'arm')}: see byheart study STUDY --scale {scale} --dry-run"
    print(f"\n{text}.")
    if decided := sum(not row.runs for row in rows):
        print(f"{plural(decided, 'claim')} can be decided from the committed records, in seconds.")
    return 0


def _check_dry(ids: Sequence[str], record: bool, json: bool) -> None:
    """Refuse --dry-run with anything but what it is about."""
    from byheart._checks import InputError

    beside = [flag for flag, given in (("--record", record), ("--json", json)) if given]
    if list(ids) != ["due"] or beside:
        words = [*beside, *([f"--measure {' '.join(ids)}"] if ids else [])]
        raise InputError(
            got="--dry-run" + (f" with {' and '.join(words)}" if words else ""),
            need="--measure due alone: it says what would be measured",
            remedy="write: byheart claims --measure due --dry-run",
        )


def _due_line(row: Due) -> list[str]:
    minutes = "–" if row.minutes is None else f"{row.minutes:.1f}"
    return [row.id, row.study, str(row.runs), minutes, row.reason]


def _lead() -> None:
    """Print how the claims of every paper came out, and which claims are contradicted."""
    from byheart.experiments.study.scoreboard import contradicted, standings

    for standing in standings():
        print(standing.line)
    if ids := contradicted():
        print(f"\ncontradicted: {', '.join(ids)}")
    print("what the verdicts and ids mean: byheart claims --help\n")


def _check_alone(scale: str, record: bool) -> None:
    """Refuse options that would be ignored."""
    from byheart._checks import InputError

    if record or scale != SCALE:
        raise InputError(
            got="--record" if record else f"--scale {scale}",
            need="--measure with it: they say how claims are measured",
            remedy="add --measure ID… or --measure due",
        )


def verdicts(rows: Sequence[dict[str, Any]]) -> None:
    """Print a row a claim."""
    if rows:
        columns = ("claim", "verdict", "measured", "95 % interval", "accepted", "scale", "statement")
        show(columns, [_line(row) for row in rows], last_wraps=True)


def _line(row: dict[str, Any]) -> list[str]:
    old = "" if row.get("current") in (True, None) else " (by older code)"
    return [
        row["id"],
        (row["verdict"] or "not measured") + old,
        plain_number(row["measured"]),
        _range(row["low"], row["high"]),
        _range(*row["accept"]),
        row["scale"],
        row["statement"],
    ]


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "–"
    first, last = distinct_ends(low, high, plain_number)
    return f"{first or '–'} … {last or '–'}"


def _measured(
    ids: Sequence[str], scale: str, record: bool, device: Device, workers: int, root: Path
) -> list[dict[str, Any]]:
    from byheart.cli.progress import progress
    from byheart.experiments.study.measure import measure_again

    with progress(workers) as tell:
        return measure_again(
            ids, scale=scale, root=root, workers=workers, device=device, record=record, tell=tell
        )


def _print_json(rows: Sequence[dict[str, Any]]) -> None:
    from byheart._records import plain_json

    print("[" + ",\n ".join(plain_json(row) for row in rows) + "]")
