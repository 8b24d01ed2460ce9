"""The three sets of an audit, brought to the reading that the model's training used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from byheart._checks import InputError
from byheart.auditing.inputs import Images, Rows
from byheart.auditing.readings.choose import Chosen, chosen
from byheart.auditing.record import ReadAs
from byheart.auditing.sets import Sets
from byheart.auditing.stored.train import Stored
from byheart.data.reader.reading import Reading

__all__ = ["as_trained", "known_reading"]

_SHARDS = (
    "The training set lies in shards: how its pictures were read was fixed when the shards were written. The reading named here"
    " is that of the held-out images; both must be the same."
)


def known_reading(*models: object) -> dict[str, Any]:
    """List the settings of the reading that a trained run's own data had, by name; none where no model knows it."""
    reading = next(
        (known for model in models if isinstance(known := getattr(model, "reading", None), Reading)), None
    )
    if reading is None:
        return {}
    return {name: value for name, value in asdict(reading).items() if value is not None}


def as_trained(
    sets: Sets, given: Mapping[str, Any], known: Mapping[str, Any], alpha: float
) -> tuple[Sets, ReadAs | None, tuple[str, ...]]:
    """Choose the reading of training and held-out images, read them again where it is another one, and say what to be wary of.

    given: settings of the reading that the user gave.  known: those of the run whose samples these are.  alpha: of the audit.
    Raises InputError for settings of features, for a white that no set takes, and as `chosen` does.
    """
    _check_features(sets, given)
    _check_white(sets, given)
    train, heldout = (one if isinstance(one, Images) else None for one in (sets.train, sets.heldout))
    if not isinstance(sets.samples, Images) or (train is None and heldout is None):
        return sets, None, ()
    found = chosen(sets.samples, train, heldout, {**known, **given}, alpha)
    if known and not given and not found.compared:
        found = replace(found, why="Pictures were read as the trained run read its data.")
    record = ReadAs(**asdict(found.reading), why=found.why)
    read = replace(
        sets,
        train=sets.train if train is None else _read(train, found),
        heldout=sets.heldout if heldout is None else _read(heldout, found),
    )
    return read, record, _warnings(sets, found)


def _read(images: Images, found: Chosen) -> Images:
    """Read images by the reading that was chosen, again where they were read by another one."""
    if images.ways is None or images.reading == found.reading:
        return images
    certain = images.ways.uncertain is None
    if certain and images.reading.but({"white": None}) == found.reading.but({"white": None}):
        return images  # a white that is said of other sets
    return images.ways.again(found.reading)


def _warnings(sets: Sets, found: Chosen) -> tuple[str, ...]:
    warnings = (found.why,) if found.compared else ()
    shards = isinstance(sets.train, Stored) and bool(found.reading.differing or found.compared)
    return (*warnings, _SHARDS) if shards else warnings


def _check_features(sets: Sets, given: Mapping[str, Any]) -> None:
    """Raise InputError for any setting where the sets are features, which are read in one way."""
    if given and isinstance(sets.samples, Rows):
        raise InputError(
            got=", ".join(f"{name} {value}" for name, value in given.items()) + ", and no set of images",
            need=f"images, where {' or '.join(given)} is given: features are taken as they are",
            remedy=f"leave the {' and the '.join(given)} out",
        )


def _check_white(sets: Sets, given: Mapping[str, Any]) -> None:
    """Raise InputError for a white that no set of images takes."""
    white, all_sets = given.get("white"), (sets.samples, sets.train, sets.heldout)
    if white is None or any(isinstance(one, Images) and one.reading.white == white for one in all_sets):
        return
    raise InputError(
        got=f"white {white}, and no set of integers from 0 to it",
        need="integers in one of the sets, of a type that can hold the white, and none above it",
        remedy="leave the white out: of floats and bool it is 1, and of integers at full range the largest of their type",
    )
