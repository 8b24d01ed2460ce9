"""Networks and parametrizations by name, for recipes; imports no torch."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.noise.process import AnyProcess

__all__ = ["EDM", "AnyModel", "AnyParametrization", "MLPSpec", "OnProcess", "Predicts", "UNetSpec"]

Predicts = Literal["eps", "x0", "v", "score", "flow"]
"""The meaning of the output of a network on a process; the formulas are in `models.adapt`."""


class MLPSpec(Spec):
    """A residual multilayer perceptron on flat samples.

    width: of every layer.  blocks: residual blocks.  frequencies: of the noise embedding.
    """

    kind: Literal["mlp"] = "mlp"
    width: PositiveInt = 512
    blocks: PositiveInt = 3
    frequencies: PositiveInt = 16


class UNetSpec(Spec):
    """A U-Net on square images; the defaults suit 8×8.

    width: channels of the first level.  multipliers: of the width, one per level; every level halves the side.
    blocks: residual blocks per level (one more on the way up).
    attention: "middle", at the lowest resolution only, or the levels (0 first) that have attention besides.
    head_width: channels of an attention head; None takes max(width, 16), because narrower heads are slow.
    dropout: probability with which a residual block drops a channel in training.
    groups: of the group normalization; None takes one group for 16 channels of the width, because narrower groups are slow.
    The network of S3 (arXiv 2505.17638) is multipliers=(1, 2, 4), blocks=2, attention=(1, 2), dropout=0.1, groups=8.
    Raises InputError for widths that do not divide into groups or heads, or a level that does not exist.
    """

    kind: Literal["unet"] = "unet"
    width: PositiveInt = 32
    multipliers: tuple[PositiveInt, ...] = Field(default=(1, 2), min_length=1)
    blocks: PositiveInt = 1
    attention: Literal["middle"] | tuple[NonNegativeInt, ...] = "middle"
    head_width: PositiveInt | None = None
    dropout: float = Field(default=0.0, ge=0, lt=1)
    groups: PositiveInt | None = None

    @property
    def channels(self) -> tuple[int, ...]:
        """Return the channels of every level."""
        return tuple(self.width * multiplier for multiplier in self.multipliers)

    @property
    def attentive_levels(self) -> frozenset[int]:
        """Return the levels with attention in their own blocks."""
        return frozenset() if self.attention == "middle" else frozenset(self.attention)

    @property
    def norm_groups(self) -> int:
        """Return the number of groups of every normalization."""
        return self.groups or math.gcd(self.width, max(1, self.width // 16))

    @model_validator(mode="after")
    def _divides(self) -> UNetSpec:
        if self.width % self.norm_groups or self.width % 2:
            raise InputError(
                got=f"width {self.width} with {self.norm_groups} groups",
                need="an even width that is a multiple of groups",
                remedy=f"set width to a multiple of {math.lcm(2, self.norm_groups)}, or fewer groups",
            )
        if any(level >= len(self.multipliers) for level in self.attentive_levels):
            raise InputError(
                got=f"attention at levels {sorted(self.attentive_levels)} of {len(self.multipliers)}",
                need=f"levels from 0 to {len(self.multipliers) - 1}",
                remedy="leave the other levels out, or add multipliers",
            )
        attentive = [self.channels[level] for level in sorted(self.attentive_levels)] + [self.channels[-1]]
        if self.head_width and any(channels % self.head_width for channels in attentive):
            raise InputError(
                got=f"heads of {self.head_width} channels for levels of {attentive}",
                need="a head width that divides the channels wherever there is attention",
                remedy="leave head_width out",
            )
        return self


AnyModel = Annotated[MLPSpec | UNetSpec, Field(discriminator="kind")]
"""Any network, as a field of a specification."""


class EDM(Spec):
    """The preconditioning of Karras et al. 2022 for data of RMS 1: the network works on unit variance at every level."""

    kind: Literal["edm"] = "edm"


class OnProcess(Spec):
    """A network that sees (x_t, t) of a process and predicts eps, x0, v, the score or the flow."""

    kind: Literal["process"] = "process"
    process: AnyProcess
    predicts: Predicts = "eps"


AnyParametrization = Annotated[EDM | OnProcess, Field(discriminator="kind")]
"""Any parametrization, as a field of a specification."""
