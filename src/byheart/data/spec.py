"""Which data, and how they are prepared: the specification that a run stores."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.data.reader.reading import Fit, Orientation, Reading, Transparency

__all__ = ["NAMES", "Data", "MixtureData", "TemplateData"]

NAMES = (
    "digits",
    "fashion_mnist",
    "mnist",
    "glyphs",
    "cifar10",
    "celeba",
    "clipart",
    "folder",
    "arrays",
    "mixture",
    "templates",
    "s2_points",
    "s2_rectangles",
)
"""Every name that `load` knows."""


class MixtureData(Spec):
    """`count` draws from an isotropic Gaussian mixture; the defaults are S1's population (2508.17689, section 4).

    components: k.  dimension: d.  std: within a component; the means lie on the sphere of radius √d.
    seed: of the means and of the draws, each with its own stream.
    """

    components: PositiveInt = 12
    dimension: PositiveInt = 50
    std: float = Field(default=1.0, gt=0)
    count: PositiveInt = 4096
    seed: NonNegativeInt = 0


class TemplateData(Spec):
    """`count` draws of colored templates (n, 3, side, side); the defaults are S1's population (2508.17689).

    source: the images that templates are chosen from; None is Fashion-MNIST, or the folder of images at the data's path
    where that is given.  components: templates.  side: theirs; a U-Net needs an even one.  std: of the colors around black.
    seed: of the choice and of the draws, each with its own stream.
    """

    source: (
        Literal[
            "digits", "fashion_mnist", "mnist", "glyphs", "cifar10", "celeba", "clipart", "folder", "arrays"
        ]
        | None
    ) = None
    components: PositiveInt = 4
    side: PositiveInt = 15
    std: float = Field(default=1.0, gt=0)
    count: PositiveInt = 4096
    seed: NonNegativeInt = 0


class Data(Spec):
    """What is trained on: a data set by name, or the user's own.

    name: one of NAMES; clipart takes more than a minute to read.
    path: the folder or file, where the data do not lie at a known place; the font, for glyphs; of templates, their source's.
    size: side of the square images after resizing; None leaves them as stored (glyphs: 32, celeba: 32).
    channels: 1 (grey) or 3 (RGB); None as stored (celeba: 1).  count: only the first so many; None is all.
    heldout: how many images nobody trains on; None is two fifths, from 3 to 700.  split_seed: which ones.
    standardize: subtract the mean image of the whole set and divide by its global RMS.  False subtracts one number, the
    mean of the training subset, and divides by nothing, as S3 does (2505.17638, code).
    distinct: keep every image once, the first in file order; which ones repeat is decided after resizing.
    sequential: train on the first n in file order and hold out the last ones, as S3 does, in the place of a shuffle.
    mixture, templates: settings of the data of that name; None are their defaults.
    orientation, fit, transparency, white: how pictures are read that can be read in two ways; see `Reading`.
    """

    name: str = "digits"
    path: str | None = None
    size: PositiveInt | None = None
    channels: Literal[1, 3] | None = None
    count: PositiveInt | None = None
    heldout: int | None = None
    split_seed: NonNegativeInt = 0
    standardize: bool = True
    distinct: bool = False
    sequential: bool = False
    mixture: MixtureData | None = None
    templates: TemplateData | None = None
    orientation: Orientation = "shown"
    fit: Fit = "cut"
    transparency: Transparency = "white"
    white: PositiveInt | None = None

    @property
    def reading(self) -> Reading:
        """Return how pictures of these data are read."""
        return Reading(self.orientation, self.fit, self.transparency, self.white)

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in NAMES:
            raise InputError(
                got=f"data {name!r}",
                need="one of " + ", ".join(NAMES),
                remedy="correct the name; your own images: give their folder (name 'folder', with its path)",
            )
        return name
