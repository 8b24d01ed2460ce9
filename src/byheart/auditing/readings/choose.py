"""The choice of how a model read its training images, if the files can be read in two ways that differ.

A setting is open if nobody gave it, if in half of alpha of the training or held-out images at least (.5 %) the pictures
would look otherwise, and if none of the samples could be read otherwise: a model that was trained on turned photographs writes
upright files without a mark, one that was trained on squashed pictures writes squares.  The held-out images (the training
images where there are none, or where those cannot be read otherwise) are read in every way that is open, and `contest` says which of
two readings the samples do not have.  If one is left, or several that look alike, it is applied to training and held-out
images; else, and where no set has every open setting, the audit is refused, and the user says how the trainer read its files.
What copies there are is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from byheart._checks import InputError, printable
from byheart.auditing.inputs.sets import Images, Ways
from byheart.auditing.readings.contest import Contest, contest
from byheart.auditing.readings.facts import FACTS, facts_of
from byheart.data.raw import Array
from byheart.data.reader.reading import USUAL, Reading

__all__ = ["Chosen", "chosen"]

ALIKE = 0.05
"""Two pictures look alike if their squared difference is below this share of the variance of the first: correlation 0.975."""

_WAYS: Mapping[str, tuple[Any, ...]] = {
    "orientation": ("shown", "stored"),
    "fit": ("cut", "squash"),
    "transparency": ("white", "black", "hidden"),
}
_TRAITS = {"orientation": "marked", "fit": "oblong", "transparency": "clear"}
_WORDS = {
    "orientation": "carry a rotation mark",
    "fit": "are not square",
    "transparency": "are transparent in places",
    "white": "have integers whose white is not certain",
}
_LOOKED_AT = 128  # pictures that are read again to see whether the reading matters
_COMPARED = 1000  # images and samples whose facts are compared


@dataclass(frozen=True)
class Chosen:
    """A reading of training and held-out images, and in one sentence why it is that one.

    compared: whether the samples were compared with several readings.
    """

    reading: Reading
    why: str
    compared: bool = False


@dataclass(frozen=True, eq=False)
class _Set:
    """One of the sets that are read as the trainer read its files.  what: its name in a sentence."""

    what: str
    images: Images
    ways: Ways

    def rows(self, setting: str) -> Array:
        """Return the rows that another value of the setting would read otherwise, (b,) ascending."""
        if setting == "white":
            return np.arange(0 if self.ways.uncertain is None else len(self.images))
        return np.sort(getattr(self.ways.traits, _TRAITS[setting]))


def chosen(
    samples: Images, train: Images | None, heldout: Images | None, given: Mapping[str, Any], alpha: float
) -> Chosen:
    """Choose the reading of training and held-out images.

    samples, train, heldout: read by the default reading with the given settings.  train: None where it lies in shards.
    given: settings of the reading that are not to be chosen, by name.  alpha: of the audit.
    Raises InputError where the samples do not say which reading it is, and that names the option.
    """
    named = (("held-out", heldout), ("training", train))
    sets = [_Set(what, one, one.ways) for what, one in named if one is not None and one.ways is not None]
    _check_white(sets, given)
    ways = {**_WAYS, "white": _whites(sets)}
    least = alpha / 2
    open_now = {
        setting: [one for one in sets if _affected(one, setting, values, least)]
        for setting, values in ways.items()
        if setting not in given and not _has(samples, setting, least)
    }
    open_now = {setting: affected for setting, affected in open_now.items() if affected}
    base = USUAL.but(dict(given))
    if not open_now:
        return Chosen(base, _settled(given))
    evidence = next((one for one in sets if all(one in affected for affected in open_now.values())), None)
    choices = [ways[setting] for setting in open_now]
    candidates = [base.but(dict(zip(open_now, values, strict=True))) for values in product(*choices)]
    if evidence is None:  # in no set could all open settings be told apart
        raise _refusal({setting: affected[0] for setting, affected in open_now.items()}, candidates)
    return _decided(samples, evidence, list(open_now), candidates, least)


def _settled(given: Mapping[str, Any]) -> str:
    if given:
        return (
            "Pictures were read as "
            + ", ".join(f"{name} {value}" for name, value in given.items())
            + " says."
        )
    return "Pictures were read in the default way; no other way would make a difference that the samples do not share."


def _check_white(sets: Sequence[_Set], given: Mapping[str, Any]) -> None:
    for one in sets:
        if "white" in given and one.ways.uncertain is not None:
            raise InputError(
                got=f"{one.what} images {printable(one.images.name)}, whose white is uncertain and cannot be {given['white']}",
                need="a white that is not below their largest value, of a type that can hold it",
                remedy=f"give --white {one.ways.uncertain[0]}, if that is white",
            )


def _whites(sets: Sequence[_Set]) -> tuple[int, ...]:
    """List the whites that are possible where one is uncertain: the likely one and the largest of the type."""
    uncertain = [one.ways.uncertain for one in sets if one.ways.uncertain is not None]
    return tuple(max(whites) for whites in zip(*uncertain, strict=True))


def _has(samples: Images, setting: str, least: float) -> bool:
    """Say whether the samples themselves could be read otherwise: then they share what the training images have."""
    if samples.ways is None or setting == "white":
        return False
    return len(getattr(samples.ways.traits, _TRAITS[setting])) > least * len(samples)


def _affected(one: _Set, setting: str, values: Sequence[Any], least: float) -> bool:
    """Say whether another value of the setting changes how a share `least` of the images look."""
    rows = one.rows(setting)
    if len(rows) < max(1.0, least * len(one.images)):
        return False
    some = _spread(rows, _LOOKED_AT)
    now = one.images.reading
    others = [now.but({setting: value}) for value in values if value != getattr(now, setting)]
    return any(
        len(rows) / len(one.images) * _changed(one.images.small.numpy()[some], one.ways.some(other, some))
        >= least
        for other in others
    )


def _changed(first: Array, second: Array) -> float:
    """Return the share of pictures (b, c, 32, 32) that do not look alike in two readings."""
    difference = ((first - second) ** 2).mean((1, 2, 3))
    return float((difference > ALIKE * np.maximum(first.var((1, 2, 3)), 1e-6)).mean())


def _spread(rows: Array, count: int) -> Array:
    """Choose at most so many of these rows, evenly."""
    return rows[:: max(1, -(-len(rows) // count))]


def _decided(
    samples: Images, evidence: _Set, settings: Sequence[str], candidates: Sequence[Reading], least: float
) -> Chosen:
    """Compare the samples with the images under every candidate.  Raises InputError where several are left that differ."""
    rows = _spread(np.arange(len(evidence.images)), _COMPARED)
    changing = np.unique(np.concatenate([evidence.rows(setting) for setting in settings]))
    own = facts_of(_spread(samples.small.numpy(), _COMPARED))
    read = [_read(evidence, reading, rows, changing) for reading in candidates]
    facts = [facts_of(small) for small in read]
    contests = {
        pair: contest(own, facts[pair[0]], facts[pair[1]]) for pair in combinations(range(len(read)), 2)
    }
    lost = {pair[1 - one.winner] for pair, one in contests.items() if one.winner is not None}
    left = [at for at in range(len(read)) if at not in lost]
    if not left or any(_changed(read[left[0]], read[at]) >= least for at in left[1:]):
        raise _refusal(dict.fromkeys(settings, evidence), [candidates[at] for at in left or range(len(read))])
    won = left[0]
    return Chosen(candidates[won], _why(evidence, settings, candidates, won, contests), compared=True)


def _read(evidence: _Set, reading: Reading, rows: Array, changing: Array) -> Array:
    """Read some rows of the set by a reading, (b, c, 32, 32).  changing: the rows that another reading reads otherwise."""
    small = evidence.images.small.numpy()[rows]
    if reading == evidence.images.reading:
        return small
    places = np.flatnonzero(np.isin(rows, changing))
    small = small.copy()
    small[places] = evidence.ways.some(reading, rows[places])
    return small


def _why(
    evidence: _Set,
    settings: Sequence[str],
    candidates: Sequence[Reading],
    won: int,
    contests: Mapping[tuple[int, int], Contest],
) -> str:
    taken = ", ".join(f"{name} {getattr(candidates[won], name)}" for name in settings)
    return (
        f"Some {evidence.what} images can be read in several ways; {taken} fits the samples by facts of single images, not by copies"
        f" ({'; '.join(_told(candidates, won, contests))})."
    )


def _told(
    candidates: Sequence[Reading], won: int, contests: Mapping[tuple[int, int], Contest]
) -> Iterator[str]:
    """Say of every reading that lost to the chosen one by which fact, with its means."""
    for pair, one in contests.items():
        if one.winner is not None and pair[one.winner] == won:
            other = candidates[pair[1 - one.winner]]
            fitting = asdict(candidates[won])
            changed = [f"{name} {value}" for name, value in asdict(other).items() if value != fitting[name]]
            samples, fits, fails = one.means[0], one.means[1 + one.winner], one.means[2 - one.winner]
            yield f"{FACTS[one.fact]}: samples {samples:.2f}, so {fits:.2f}, with {', '.join(changed)} {fails:.2f}"


def _refusal(seen: Mapping[str, _Set], left: Sequence[Reading]) -> InputError:
    """Ask for the settings that differ among the readings left.  seen: for each open setting a set that it affects."""
    differing = [name for name in seen if len({getattr(one, name) for one in left}) > 1]
    counts: dict[str, list[str]] = {}
    for name in differing:
        images, rows = seen[name].images, seen[name].rows(name)
        set_name = f"{seen[name].what} images {printable(images.name)}"
        counts.setdefault(set_name, []).append(f"{len(rows):,} of {len(images):,} {_WORDS[name]}")
    sets = [f"{set_name}, of which {' and '.join(parts)}" for set_name, parts in counts.items()]
    options = [
        " or ".join(f"--{name} {value}" for value in dict.fromkeys(getattr(one, name) for one in left))
        for name in differing
    ]
    return InputError(
        got=f"{', '.join(sets)}, and samples that do not say how the model's training read them",
        need="the reading that the training used, so that copies lie as the training images do",
        remedy="give " + ", and ".join(options) + ": what the loader of the training did",
    )
