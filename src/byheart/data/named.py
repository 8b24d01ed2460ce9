"""Data by name: reading them, and saying which ones are here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from byheart._checks import InputError
from byheart.data import clipart, digits, glyphs, idx, toys
from byheart.data.spec import Data, MixtureData, TemplateData

if TYPE_CHECKING:
    from byheart.data.dataset import Dataset
    from byheart.data.raw import Raw
    from byheart.data.templates import ColoredTemplates

__all__ = ["DataInfo", "available", "load", "template_population"]

CLIPART = 8_103  # images in its 8,121 files: the others are damaged or too large
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
OWN_PATH = {
    "mnist": "the folder with train-images-idx3-ubyte, plain or gzipped",
    "cifar10": "the folder of CIFAR-10's binary version, with data_batch_1.bin",
    "celeba": "the folder img_align_celeba, with its JPEG files",
    "folder": "a folder of images, or of Parquet files",
    "arrays": "a file .npy, .npz, .safetensors or .parquet",
}
"""Data that lie where the user says."""


@dataclass(frozen=True)
class DataInfo:
    """A data set that byheart knows.

    shape: of one sample, or None if the files decide.  count: samples, or None.  where: where it lies, or None.
    present: whether it can be loaded now by its name alone.  remedy: how to get it, or what to give.
    """

    name: str
    shape: tuple[int, ...] | None
    count: int | None
    where: str | None
    present: bool
    remedy: str


def available() -> list[DataInfo]:
    """The data that byheart knows by name.  Looks for files; reads none."""
    fashion = "sudo apt-get install dataset-fashion-mnist, or give the path of its IDX files"
    mixture, templates = MixtureData(), TemplateData()
    drawings = f"{clipart.PLACE}, more than a minute to read" if any(clipart.PLACE.rglob("*.png")) else None
    return [
        _info("digits", (1, 8, 8), 1797, digits.find_digits(), digits.REMEDY),
        _info("fashion_mnist", (1, 28, 28), 60_000, idx.find_idx(FASHION_MNIST), fashion),
        _info("glyphs", (1, glyphs.SIZE, glyphs.SIZE), glyphs.COUNT, glyphs.find_font(), glyphs.REMEDY),
        _info("clipart", (3, clipart.SIDE, clipart.SIDE), CLIPART, drawings, clipart.REMEDY),
        _info("mixture", (mixture.dimension,), mixture.count, "drawn from a formula", ""),
        _info(
            "templates",
            (3, templates.side, templates.side),
            templates.count,
            "drawn from a formula, over images of fashion_mnist" if idx.find_idx(FASHION_MNIST) else None,
            f"{fashion}; templates of your own images: give the path of their folder",
        ),
        _info("s2_points", (2,), toys.POINTS, "drawn from a formula", ""),
        _info("s2_rectangles", (1, toys.SIDE, toys.SIDE), toys.RECTANGLES, "drawn from a formula", ""),
        *(_info(name, None, None, None, f"give its path: {need}") for name, need in OWN_PATH.items()),
    ]


def _info(
    name: str, shape: tuple[int, ...] | None, count: int | None, where: Path | str | None, remedy: str
) -> DataInfo:
    return DataInfo(name, shape, count, None if where is None else str(where), where is not None, remedy)


def load(spec: Data) -> Dataset:
    """Read the data of a specification, in training units.

    Raises InputError for data that are missing, unreadable, too few, all the same or not finite.
    """
    from byheart.data.dataset import prepared

    raw = _read(spec).first(spec.count)
    return prepared(spec.name, raw.distinct() if spec.distinct else raw, spec.standardize)


def _read(spec: Data) -> Raw:
    from byheart.data.celeba import read_celeba
    from byheart.data.cifar import read_cifar10
    from byheart.data.images import fitted
    from byheart.data.reader.whole import read_arrays, read_folder

    _check_settings(spec)
    match spec.name:
        case "digits":
            raw = digits.read_digits()
        case "fashion_mnist":
            raw = _read_fashion_mnist(spec.path)
        case "mnist":
            raw = idx.read_mnist(_path(spec))
        case "glyphs":
            raw = glyphs.read_glyphs(spec.path, spec.size, spec.count)
        case "cifar10":
            raw = read_cifar10(_path(spec))
        case "celeba":
            raw = read_celeba(_path(spec), spec.size, spec.channels)
        case "folder":
            raw = read_folder(_path(spec), spec.size, spec.channels)
        case "arrays":
            raw = read_arrays(_path(spec), spec.size, spec.channels)
        case "clipart":
            raw = clipart.read_clipart(clipart.PLACE if spec.path is None else _path(spec))
        case "templates":
            raw = _draw_templates(spec)
        case "s2_points":
            raw = toys.points_in_the_plane()
        case "s2_rectangles":
            raw = toys.square_images()
        case _:
            raw = _draw(spec.mixture or MixtureData())
    return fitted(raw, spec.size, spec.channels)


def _draw(spec: MixtureData) -> Raw:
    from byheart.data.mixture import isotropic_mixture
    from byheart.data.raw import Raw
    from byheart.random import derive, generator

    population = isotropic_mixture(spec.components, spec.dimension, spec.std, spec.seed)
    points, labels = population.labeled(spec.count, generator(derive(spec.seed, "draws")))
    return Raw(points.numpy(), labels=labels.numpy())


def template_population(spec: Data) -> ColoredTemplates:
    """The population that `Data(name="templates", …)` are draws of, in the units of the templates: 0 to 1.

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
    if source in OWN_PATH and spec.path is None:
        raise InputError(
            got=f"templates of {source} without a path",
            need=OWN_PATH[source],
            remedy="give its path: Data(name='templates', path=…, templates=…)",
        )
    images = Data(name=source, path=spec.path)
    choice = settings.components, settings.side, settings.seed
    if source == "folder":
        templates = templates_from_folder(_path(images), *choice)
    else:
        templates = templates_of(_read(images), *choice)
    return ColoredTemplates(templates, torch.zeros(settings.components, COLORS), settings.std)


def _draw_templates(spec: Data) -> Raw:
    from byheart.data.raw import Raw
    from byheart.random import derive, generator

    settings = spec.templates or TemplateData()
    draws = generator(derive(settings.seed, "draws"))
    images, labels = template_population(spec).labeled(settings.count, draws)
    return Raw(images.numpy(), labels=labels.numpy())


def _read_fashion_mnist(path: str | None) -> Raw:
    if path is None and idx.find_idx(FASHION_MNIST) is None:
        raise InputError(
            got=f"no Fashion-MNIST in {FASHION_MNIST}",
            need="its IDX files",
            remedy=next(info.remedy for info in available() if info.name == "fashion_mnist"),
        )
    return idx.read_mnist(path or FASHION_MNIST)


def _path(spec: Data) -> Path:
    if spec.path is None:
        raise InputError(
            got=f"{spec.name} without a path",
            need=OWN_PATH[spec.name],
            remedy=f"give its path: --data {spec.name}=PATH, or Data(name={spec.name!r}, path=…) in Python",
        )
    return Path(spec.path).expanduser()


def _check_settings(spec: Data) -> None:
    """Refuse settings that would be ignored."""
    if spec.path is not None and spec.name in {"digits", "mixture", "s2_points", "s2_rectangles"}:
        raise InputError(
            got=f"a path for {spec.name}",
            need="no path: it is not read from your files",
            remedy="your own images: name 'folder'; your own arrays: name 'arrays'",
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
