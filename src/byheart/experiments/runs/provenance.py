"""The code, the machine and the data behind numbers, for the foot of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from byheart.store.folders import RunFolder

__all__ = ["provenance"]


NAMES = {"backend": "matrix products"}
"""Entry of a run's header -> what a page calls the entry, where the name alone says too little."""

FEW = 4
"""At most so many fingerprints are listed."""


def provenance(folders: Sequence[RunFolder]) -> dict[str, Any]:
    """Return name -> value over at least one run: code, versions, machine, data, seeds, time."""
    headers, data = (
        [folder.header() for folder in folders],
        [folder.read_record("data") for folder in folders],
    )
    seconds = sum(float(folder.read_record("done").get("seconds", 0.0)) for folder in folders)
    kept = ("byheart", "code", "torch", "numpy", "python", "platform", "threads", "backend", "device")
    return {NAMES.get(name, name): _all_of(str(header.get(name)) for header in headers) for name in kept} | {
        "date": _span(str(header.get("date")) for header in headers),
        "data": _all_of(str(facts.get("name")) for facts in data),
        "data fingerprint": _some_of(str(facts.get("fingerprint"))[:16] for facts in data),
        "seeds": _all_of(str(header["spec"]["seed"]) for header in headers),
        "runs": len(folders),
        "time of all runs": f"{seconds / 60:.1f} minutes on one thread each",
    }


def _all_of(values: Iterable[str]) -> str:
    """List every different value: runs kept from before may have been made on another machine."""
    return ", ".join(sorted(set(values)))


def _span(dates: Iterable[str]) -> str:
    """Write the first and the last of several dates in ISO format."""
    ordered = sorted(set(dates))
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _some_of(values: Iterable[str]) -> str:
    """List the different values, or their number and the first of them where there are many."""
    different = sorted(set(values))
    return (
        ", ".join(different)
        if len(different) <= FEW
        else f"{len(different)} different ones, such as {different[0]}"
    )
