"""Data sets by name: reading them, and listing those on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from byheart._checks import InputError, check_default_device, expanded
from byheart.data import clipart, digits, glyphs, idx, toys
from byheart.data.spec import Data, MixtureData, TemplateData

if TYPE_CHECKING:
    from byheart.data.dataset import Dataset
    from byheart.data.raw import Raw
    from byheart.data.templates import ColoredTemplates

__all__ = ["DataInfo", "available", "load", "template_population"]

CLIPART = 8_103  # images in its 8,121 files: the others are damaged or too large
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
FORMULA = "drawn from a formula"
OWN = ("folder", "arrays")  # the user's own files, read as the specification says

FASHION = "sudo apt-get install dataset-fashion-mnist, or give the path of its IDX files"


@dataclass(frozen=True)
class DataInfo:
    """A data set that byheart knows.

    shape: shape of one sample, or None if the files decide.  count: number of samples, or None.  where: its path, or None.
    present: whether the data set can be loaded now by its name alone.  remedy: how to get the data set, or what to give.
    """

    name: str
    shape: tuple[int, ...] | None
    count: int | None
    where: str | None
    present: bool
    remedy: str


@dataclass(frozen=True)
class NamedSet:
    """A line of the table of data sets.

    read: reads the data of a specification.  shape, count: as in DataInfo.  find: returns the path of the data, or None if they
    are not here.  remedy: how to get the data.  path: what the user's path must lead to, for data at a path of the user; None
    for other data.
    """

    read: Callable[[Data], Raw]
    shape: tuple[int, ...] | None = None
    count: int | None = None
    find: Callable[[], Path | str | None] = lambda: None
    remedy: str = ""
    path: str | None = None


def available() -> list[DataInfo]:
    """List the data that byheart knows by name.  This looks for files and reads none."""
    return [_info(name, named) for name, named in SETS.items()]


def _info(name: str, named: NamedSet) -> DataInfo:
    where = named.find()
    remedy = named.remedy if named.path is None else f"give its path: {named.path}"
    return DataInfo(
        name, named.shape, named.count, None if where is None else str(where), where is not None, remedy
    )


def load(spec: Data) -> Dataset:
    """Read the data of a specification, in training units.

    Raises InputError for data that are missing, unreadable, too few, all equal or not finite.
    """
    from byheart.data.dataset import prepared

    check_default_device()
    raw = _read(spec).first(spec.count)
    return prepared(spec.name, raw.distinct() if spec.distinct else raw, spec.standardize)


def _read(spec: Data) -> Raw:
    from byheart.data.images import fitted

    _check_settings(spec)
    return fitted(SETS[spec.name].read(spec), spec.size, spec.channels, spec.reading)


def _draw_mixture(data: Data) -> Raw:
    from byheart.data.mixture import isotropic_mixture
    from byheart.data.raw import Raw
    from byheart.random import derive, generator

    spec = data.mixture or MixtureData()
    population = isotropic_mixture(spec.components, spec.dimension, spec.std, spec.seed)
    points, labels = population.labeled(spec.count, generator(derive(spec.seed, "draws")))
    return Raw(points.numpy(), labels=labels.numpy())


def template_population(spec: Data) -> ColoredTemplates:
    """Return the population of `Data(name="templates", …)`, in the units of the templates: 0 to 1.

    Raises InputError for other data, and as `load` does.
    """
    import torch

    from byheart.data.templates import COLORS, ColoredTemplates, templates_from_folder, templates_of

    if spec.name != "templates":
        raise InputError(
            got=f"the templates of {spec.name}",
            need="data named 'templates'",
            remedy="give Data(name='templates')",
        )
    _check_settings(spec)
    settings = spec.templates or TemplateData()
    source = settings.source or ("fashion_mnist" if spec.path is None else "folder")
    needed = SETS[source].path
    if needed is not None and spec.path is None:
        raise InputError(
            got=f"templates of {source} without a path",
            need=needed,
            remedy="give its path: Data(name='templates', path=…, templates=…)",
        )
    images = Data(name=source, path=spec.path)
    choice = settings.components, settings.side, settings.seed
    if source == "folder":
        templates = templates_from_folder(_path(images), *choice)
    else:
        templates = templates_of(_read(images), *choice)
    return ColoredTemplates(
        templates, torch.zeros(settings.components, COLORS, dtype=torch.float32), settings.std
    )


def _draw_templates(spec: Data) -> Raw:
    from byheart.data.raw import Raw
    from byheart.random import derive, generator

    settings = spec.templates or TemplateData()
    draws = generator(derive(settings.seed, "draws"))
    images, labels = template_population(spec).labeled(settings.count, draws)
    notes = _of_folder(spec) if settings.source in (None, "folder") and spec.path is not None else ()
    return Raw(images.numpy(), labels=labels.numpy(), notes=notes)


def _of_folder(spec: Data) -> tuple[str, ...]:
    """Say what is left out of the folder that templates are chosen from."""
    from byheart.data.reader.path import image_files

    return image_files(_path(spec))[1]


def _read_fashion_mnist(spec: Data) -> Raw:
    if spec.path is None and idx.find_idx(FASHION_MNIST) is None:
        raise InputError(got=f"no Fashion-MNIST in {FASHION_MNIST}", need="its IDX files", remedy=FASHION)
    return idx.read_mnist(FASHION_MNIST if spec.path is None else _path(spec))


def _read_cifar10(spec: Data) -> Raw:
    from byheart.data.cifar import read_cifar10

    return read_cifar10(_path(spec))


def _read_celeba(spec: Data) -> Raw:
    from byheart.data.celeba import read_celeba

    return read_celeba(_path(spec), spec.size, spec.channels)


def _read_folder(spec: Data) -> Raw:
    from byheart.data.reader.whole import read_folder

    return read_folder(_path(spec), spec.size, spec.channels, spec.reading)


def _read_arrays(spec: Data) -> Raw:
    from byheart.data.reader.whole import read_arrays

    return read_arrays(_path(spec), spec.size, spec.channels, spec.reading)


def _read_clipart(spec: Data) -> Raw:
    return clipart.read_clipart(clipart.PLACE if spec.path is None else _path(spec))


def _find_clipart() -> str | None:
    return f"{clipart.PLACE}, more than a minute to read" if any(clipart.PLACE.rglob("*.png")) else None


def _find_templates() -> str | None:
    return f"{FORMULA}, over images of fashion_mnist" if idx.find_idx(FASHION_MNIST) else None


def _path(spec: Data) -> Path:
    if spec.path is None:
        raise InputError(
            got=f"{spec.name} without a path",
            need=str(SETS[spec.name].path),
            remedy=f"give its path: --data {spec.name}=PATH, or Data(name={spec.name!r}, path=…) in Python",
        )
    return expanded(spec.path)


def _check_settings(spec: Data) -> None:
    """Raise InputError for settings that would be ignored."""
    if spec.path is not None and spec.name in {"digits", "mixture", "s2_points", "s2_rectangles"}:
        raise InputError(
            got=f"a path for {spec.name}",
            need="no path: it is not read from your files",
            remedy="your own images: name 'folder'; your own arrays: name 'arrays'",
        )
    if spec.reading.differing and spec.name not in OWN:
        named = ", ".join(spec.reading.differing)
        raise InputError(
            got=f"{named} for {spec.name}",
            need="a folder or a file of your own: a set by name is read in one way",
            remedy=f"leave {named} out",
        )
    for name in ("mixture", "templates"):
        if getattr(spec, name) is not None and spec.name != name:
            raise InputError(
                got=f"settings of {name} for {spec.name}", need=f"name {name!r}", remedy=f"leave `{name}` out"
            )
    if spec.name == "templates" and (spec.size is not None or spec.channels is not None):
        raise InputError(
            got="size or channels for templates",
            need="the side of the templates; they have three channels",
            remedy="leave size and channels out; the side is that of TemplateData(side=…)",
        )


def _by_formula() -> str:
    return FORMULA


_OWN_TEMPLATES = "templates of your own images: give the path of their folder"

SETS: dict[str, NamedSet] = {
    "digits": NamedSet(lambda spec: digits.read_digits(), (1, 8, 8), 1797, digits.find_digits, digits.REMEDY),
    "fashion_mnist": NamedSet(
        _read_fashion_mnist, (1, 28, 28), 60_000, lambda: idx.find_idx(FASHION_MNIST), FASHION
    ),
    "glyphs": NamedSet(
        lambda spec: glyphs.read_glyphs(None if spec.path is None else _path(spec), spec.size, spec.count),
        (1, glyphs.SIZE, glyphs.SIZE),
        glyphs.COUNT,
        glyphs.find_font,
        glyphs.REMEDY,
    ),
    "clipart": NamedSet(
        _read_clipart, (3, clipart.SIDE, clipart.SIDE), CLIPART, _find_clipart, clipart.REMEDY
    ),
    "mixture": NamedSet(_draw_mixture, (MixtureData().dimension,), MixtureData().count, _by_formula),
    "templates": NamedSet(
        _draw_templates,
        (3, TemplateData().side, TemplateData().side),
        TemplateData().count,
        _find_templates,
        f"{FASHION}; {_OWN_TEMPLATES}",
    ),
    "s2_points": NamedSet(lambda spec: toys.points_in_the_plane(), (2,), toys.POINTS, _by_formula),
    "s2_rectangles": NamedSet(
        lambda spec: toys.square_images(), (1, toys.SIDE, toys.SIDE), toys.RECTANGLES, _by_formula
    ),
    "mnist": NamedSet(
        lambda spec: idx.read_mnist(_path(spec)),
        path="the folder with train-images-idx3-ubyte, plain or gzipped",
    ),
    "cifar10": NamedSet(_read_cifar10, path="the folder of CIFAR-10's binary version, with data_batch_1.bin"),
    "celeba": NamedSet(_read_celeba, path="the folder img_align_celeba, with its JPEG files"),
    "folder": NamedSet(_read_folder, path="a folder of images"),
    "arrays": NamedSet(_read_arrays, path="a file .npy, .npz or .safetensors"),
}
"""Every data set by its name, as `Data` knows it: what it is, where it lies, and how it is read."""
