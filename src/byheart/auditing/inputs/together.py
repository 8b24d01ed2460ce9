"""Checks whether three sets can be compared: the same kind, different sets, and prepared in the same way.

An image is in both of two sets if it has the same values at the working size, or if the correlation of the two in the
space `soft`, with exact unit norms, is above 0.999.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from byheart._checks import InputError, printable
from byheart.auditing.inputs.sets import Images, Rows
from byheart.auditing.inputs.size import framing
from byheart.metrics.copying.classical.duplicates import digests, exact_duplicates
from byheart.metrics.copying.clusters import SAME
from byheart.metrics.copying.spaces import exact_rows, spaces
from byheart.numerics.products import matmul_t

__all__ = ["check_together", "overlap", "reported"]

_CHUNK = 2048  # images whose filtered rows are held at a time
_FRAMES = 0.02  # images whose scale differs by more are not the same image at the working size
_LISTED = 5


def check_together(
    samples: Images | Rows, train: Images | Rows, heldout: Images | Rows | None = None
) -> tuple[str, ...]:
    """List warnings about sets that were read one by one, a sentence each.

    Raises InputError for sets of different kinds, channels or lengths, and if one set was passed as another.
    """
    sets = {"samples": samples, "train": train} | ({} if heldout is None else {"heldout": heldout})
    for flag, one in sets.items():
        _check_kind(flag, one, train)
    _check_apart(
        samples,
        train,
        "samples",
        "train",
        "samples are images that the model made, train is the set on which the model was trained",
    )
    if heldout is not None:
        _check_apart(
            heldout, train, "heldout", "train", "held-out images are images that the model has never seen"
        )
        _check_apart(
            samples,
            heldout,
            "samples",
            "heldout",
            "held-out images are real images, not samples of the model",
        )
    return (*_of_notes(sets), *_of_unreadable(sets), *_of_framing(sets))


def overlap(
    train: Images | Rows, heldout: Images | Rows, *, allow: bool = False
) -> tuple[tuple[str, str], ...]:
    """List the names (train, held-out) of images that are in both sets, one pair for each such held-out image, in their order.

    Of features only equal rows count.  allow: return the pairs.  Raises InputError that names the first pairs if not allowed.
    """
    partner = _equal(train, heldout)
    if isinstance(train, Images) and isinstance(heldout, Images):
        partner = _near(train.small, heldout.small) | partner
    return reported(partner, train.names, heldout, allow=allow)


def reported(
    partner: Mapping[int, int], names: Sequence[str], heldout: Images | Rows, *, allow: bool
) -> tuple[tuple[str, str], ...]:
    """Return the names (train, held-out) of images that are in both sets, or raise InputError: see `overlap`.

    partner: held-out row -> the equal training row.  names: of the training rows.
    """
    pairs = tuple((names[partner[row]], heldout.names[row]) for row in sorted(partner))
    if pairs and not allow:
        first = ", ".join(f"{printable(a)} = {printable(b)}" for a, b in pairs[:_LISTED])
        more = f" and {len(pairs) - _LISTED:,} more" if len(pairs) > _LISTED else ""
        raise InputError(
            got=f"{len(pairs):,} of {len(heldout):,} held-out images that are in the training set too "
            f"(training = held-out): {first}{more}",
            need="held-out images that the model has never seen: they show how close unseen images come to the training images",
            remedy="take them out of the held-out set, or give --allow-overlap to keep and list them",
        )
    return pairs


def _check_kind(flag: str, one: Images | Rows, train: Images | Rows) -> None:
    if type(one) is not type(train):
        raise InputError(
            got=f"{flag} {_seen(one)} and train {_seen(train)}",
            need="images in all sets, or features in all",
            remedy="pass the images from which the features were made",
        )
    if isinstance(one, Images) and isinstance(train, Images) and one.small.shape[1] != train.small.shape[1]:
        raise InputError(
            got=f"{flag} {_seen(one)} and train {_seen(train)}",
            need="one number of channels for all sets",
            remedy="give --channels 1 or --channels 3",
        )
    if isinstance(one, Rows) and isinstance(train, Rows):
        _check_columns(flag, one, train)
    if isinstance(one, Rows) and one.shape != train.shape:
        raise InputError(
            got=f"{flag} {_seen(one)} and train {_seen(train)}",
            need="features of one encoder",
            remedy="encode all sets alike",
        )


def _check_columns(flag: str, one: Rows, train: Rows) -> None:
    """Raise InputError for tables whose columns differ, in name or in order: a number would be compared with another one."""
    if not (one.columns and train.columns) or one.columns == train.columns:
        return
    lacking, strange = (
        [printable(name) for name in mine if name not in others][:_LISTED]
        for mine, others in ((train.columns, one.columns), (one.columns, train.columns))
    )
    how = [
        f"{what} {', '.join(names)}" for what, names in (("without", lacking), ("with", strange)) if names
    ] or ["in another order"]
    raise InputError(
        got=f"{flag} {printable(one.name)}, with the columns of train {printable(train.name)}, but {' and '.join(how)}",
        need="the same columns in the same order in all sets",
        remedy="bring the columns into one order: table[list(train.columns)]",
    )


def _seen(one: Images | Rows) -> str:
    if isinstance(one, Rows):
        return f"{printable(one.name)} (features of {one.shape[0]} numbers)"
    channels = one.small.shape[1]
    return f"{printable(one.name)} (images of {channels} channel{'s' if channels > 1 else ''})"


def _check_apart(one: Images | Rows, other: Images | Rows, flag: str, against: str, remedy: str) -> None:
    """Raise InputError if `one` is `other`, or the beginning of `other`."""
    if one.place and one.place == other.place:
        how = "the same path"
    elif _is_beginning(_values(one), _values(other)):
        how = f"the same {len(one):,} in the same order"
    elif _is_shuffled(_values(one), _values(other)):
        how = f"the same {len(one):,} in another order"
    else:
        return
    raise InputError(
        got=f"{flag} {printable(one.name)} that are {against} {printable(other.name)} themselves: {how}",
        need="different sets",
        remedy=f"check what was passed: {remedy}",
    )


def _values(one: Images | Rows) -> Tensor:
    return one.small if isinstance(one, Images) else one.values


def _is_beginning(x: Tensor, whole: Tensor) -> bool:
    if len(x) > len(whole):
        return False
    return all(torch.equal(part, whole[at : at + len(part)]) for at, part in _parts(x))


def _is_shuffled(x: Tensor, y: Tensor) -> bool:
    if len(x) != len(y) or not torch.equal(x.amin(0), y.amin(0)) or not torch.equal(x.amax(0), y.amax(0)):
        return False  # most sets differ here already, without a digest of every row
    return sorted(digests(x)) == sorted(digests(y))


def _parts(x: Tensor) -> Iterator[tuple[int, Tensor]]:
    yield from ((at, x[at : at + _CHUNK]) for at in range(0, len(x), _CHUNK))


def _equal(train: Images | Rows, heldout: Images | Rows) -> dict[int, int]:
    """Return held-out row -> the first training row with the same values."""
    found = exact_duplicates(_values(heldout), _values(train))
    return {row: int(found[row]) for row in (found >= 0).nonzero().flatten().tolist()}


def _near(train: Tensor, heldout: Tensor) -> dict[int, int]:
    """Return held-out row -> the training row that correlates most with that image, if above 0.999.

    train: (n, c, 32, 32).  heldout: (m, c, 32, 32).
    """
    response, found = spaces(train).soft, {}
    for start, queries in _parts(heldout):
        rows = exact_rows(queries, response)
        best, index = (
            torch.full((len(rows),), SAME, dtype=rows.dtype),
            torch.full((len(rows),), -1, dtype=torch.int64),
        )
        for at, part in _parts(train):
            value, nearest = matmul_t(rows, exact_rows(part, response)).max(1)
            better = value > best
            best, index = torch.where(better, value, best), torch.where(better, nearest + at, index)
        found.update({start + int(row): int(index[row]) for row in (index >= 0).nonzero().flatten()})
    return found


def _of_notes(sets: dict[str, Images | Rows]) -> Iterator[str]:
    for flag, one in sets.items():
        yield from (f"{flag} {printable(one.name)}: {note}" for note in one.notes)


def _of_unreadable(sets: dict[str, Images | Rows]) -> Iterator[str]:
    for flag, one in sets.items():
        if one.unreadable:
            name, reason = one.unreadable[0]
            total = len(one.unreadable) + len(one)
            yield (
                f"{len(one.unreadable):,} of {total:,} of {flag} could not be read and are left out, "
                f"the first {printable(name)} ({reason})."
            )


def _of_framing(sets: dict[str, Images | Rows]) -> Iterator[str]:
    train = sets["train"]
    for flag, one in sets.items():
        if not isinstance(one, Images) or not isinstance(train, Images):
            return
        sizes = (
            f"{flag} of {one.shape[2]}×{one.shape[1]} and train of {train.shape[2]}×{train.shape[1]} pixels"
        )
        if abs(_framed(one) - _framed(train)) > _FRAMES:
            yield (
                f"{sizes} are prepared differently ({one.resized}; {train.resized}): copies may be missed. Bring both sets to"
                " one size."
            )
        elif (
            flag == "samples"
            and one.shape[1] != one.shape[2]
            and abs(_aspect(one) / _aspect(train) - 1) > _FRAMES
        ):
            yield f"{sizes} differ in shape: copies may be missed. Bring both sets to one shape."


def _framed(one: Images) -> float:
    return framing(one.shape[1], one.shape[2], one.reading.fit)


def _aspect(one: Images) -> float:
    return one.shape[2] / one.shape[1]
