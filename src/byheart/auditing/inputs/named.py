"""Sets by name, and slices of them: `digits`, `fashion_mnist:0-5000`, `cifar10=FOLDER:5000-6000`.

NAME[=PATH][:A-B] are images A to B − 1 of the set, each image once, in one fixed random order, the same on every machine:
two slices that do not overlap share no image and are alike in distribution, as training and held-out images must be.
(In file order they need not be: characters come sorted by their radical, digits by their writer.)
An image keeps its row in file order as its name.
"""

from __future__ import annotations

import re
from dataclasses import replace

import torch

from byheart._checks import InputError
from byheart.data.named import load
from byheart.data.reader.source import Numbered, Source, from_array
from byheart.data.spec import NAMES, Data
from byheart.random import derive, generator

__all__ = ["KNOWN", "is_named", "named"]

KNOWN = tuple(name for name in NAMES if name not in ("folder", "arrays"))  # these two are given by their path
_FORM = re.compile(r"(?P<set>[a-z0-9_]+)(=(?P<path>.+?))?(:(?P<low>\d*)-(?P<high>\d*))?")


def is_named(text: str) -> bool:
    """Whether the text begins with a set's name in the form NAME[=PATH][:A-B]."""
    form = _FORM.fullmatch(text)
    return form is not None and form["set"] in KNOWN


def named(text: str) -> Source:
    """The images of a named set or of a slice of it.

    Raises InputError for a slice outside the set, and as `load` does.
    """
    form = _FORM.fullmatch(text)
    if form is None or form["set"] not in KNOWN:
        raise InputError(
            got=repr(text),
            need="NAME or NAME:A-B with one of " + ", ".join(KNOWN),
            remedy="for example fashion_mnist:0-5000",
        )
    dataset = load(Data(name=form["set"], path=form["path"], distinct=True, standardize=False))
    low, high = int(form["low"] or 0), int(form["high"] or len(dataset))
    if not low < high <= len(dataset):
        raise InputError(
            got=f"{text}, of a set of {len(dataset):,} distinct samples",
            need=f"A < B ≤ {len(dataset)}",
            remedy=f"for example {form['set']}:0-{len(dataset) // 2}",
        )
    order = torch.randperm(len(dataset), generator=generator(derive(0, "named set")))[low:high]
    names = Numbered(order.tolist())
    return replace(from_array(text, dataset.images[order].numpy(), names=names), notes=dataset.notes)
