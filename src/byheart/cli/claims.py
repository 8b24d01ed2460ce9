"""byheart claims: published statements, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import arg

from byheart.cli.options import Device, Root, Workers, cores
from byheart.cli.tables import show
from byheart.report.words import plain_number

__all__ = ["claims", "verdicts"]

SCALE = "cpu"


def claims(
    *,
    json: bool = False,
    measure: Annotated[tuple[str, ...], arg(metavar="ID… | due")] = (),
    scale: str = SCALE,
    record: bool = False,
    device: Device = "auto",
    workers: Workers = None,
    root: Root = Path("runs"),
) -> int:
    """Show which published statements were measured, and with what result.

    One row an id, from the record inside the package; a row that nobody measured says so.

    Args:
        json: Print all rows, one per id and scale, as JSON.
        measure: Measure these again, or `due`: those never measured, or measured by other code than today's.
        scale: At which scale to measure.
        record: Also write the measured rows into the package's record.
        device: Where to train.
        workers: Runs at a time; by default one for every core, or one on a GPU.
        root: Where the runs are kept.
    """
    if not measure:
        _check_alone(scale, record)
        from byheart.experiments.study.scoreboard import all_rows, scoreboard

        rows = all_rows() if json else scoreboard()
    else:
        rows = _measured(measure, scale, record, device, cores(workers, device), root)
    if json:
        _print_json(rows)
    else:
        verdicts(rows)
        if not rows:
            print("nothing is due")
    return 0


def _check_alone(scale: str, record: bool) -> None:
    """Refuse what would be ignored."""
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
        columns = ("claim", "verdict", "measured", "95 %", "accepted", "scale", "statement")
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
    return "–" if low is None and high is None else f"{plain_number(low)} … {plain_number(high)}"


def _measured(
    ids: Sequence[str], scale: str, record: bool, device: Device, workers: int, root: Path
) -> list[dict[str, Any]]:
    from byheart.cli.progress import progress
    from byheart.experiments.study.scoreboard import measure_again

    with progress(workers) as tell:
        return measure_again(
            ids, scale=scale, root=root, workers=workers, device=device, record=record, tell=tell
        )


def _print_json(rows: Sequence[dict[str, Any]]) -> None:
    from byheart._records import plain_json

    print("[" + ",\n ".join(plain_json(row) for row in rows) + "]")
