"""The preprocessing of an encoder's images, as one record.

    channels → size → clamp to [0, 1] → (peak · x − mean) / std

Color: grey is repeated three times, or RGB becomes 0.299 R + 0.587 G + 0.114 B.  Size: the whole image is resampled by
`torch.nn.functional.interpolate`, antialiased; nothing is cropped.  Another resampling gives other features:
Fréchet distances are comparable only at equal preprocessing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BeforeValidator, Field, model_validator
from torch import Tensor
from torch.nn.functional import interpolate

from byheart._checks import InputError, check_finite
from byheart._records import Spec

__all__ = ["Preprocessing", "check_images", "recolored"]

_LUMINANCE = (0.299, 0.587, 0.114)
_SLACK = 1e-4  # how far resampling in float32 may leave [0, 1] by rounding


def _listed(value: Any) -> Any:
    """Parse `0.5,0.4,0.3` as a list; a single number is a list of one."""
    if isinstance(value, str):
        return value.split(",")
    return [value] if isinstance(value, int | float) else value


PerChannel = Annotated[tuple[float, ...], Field(min_length=1, max_length=3), BeforeValidator(_listed)]


class Preprocessing(Spec):
    """Preprocessing before an encoder.  size: side in pixels after resizing.  channels: 1 or 3.  None: as the images are.

    mean, std: one number or one per channel, in units of `peak`, the value of white.
    Raises InputError for sizes below 1, other channels, a std that is not positive, and lists that do not fit the channels.
    """

    size: int | None = Field(default=None, ge=1, le=4096)
    channels: int | None = None
    mean: PerChannel = (0.0,)
    std: PerChannel = (1.0,)
    peak: float = Field(default=1.0, gt=0)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    antialias: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.channels not in (None, 1, 3):
            raise InputError(
                got=f"{self.channels} channels", need="1 (grey) or 3 (RGB)", remedy="correct `channels`"
            )
        wanted = self.channels or max(len(self.mean), len(self.std))
        if {len(self.mean), len(self.std)} - {1, wanted} or wanted == 2 or min(self.std) <= 0:
            raise InputError(
                got=f"mean {self.mean} and std {self.std} for {self.channels or 'any'} channels",
                need="one number, or one a channel, and every std above 0",
                remedy="give for example mean=0.485,0.456,0.406 and std=0.229,0.224,0.225",
            )
        return self

    def __call__(self, images: Tensor) -> Tensor:
        """Prepare images (b, c, h, w) in [0, 1] for the network, float32 on the images' device."""
        check_images(images)
        x = images.float()
        if self.channels is not None:
            x = recolored(x, self.channels)
        if self.size is not None and x.shape[2:] != (self.size, self.size):
            size = (self.size, self.size)
            x = interpolate(x, size=size, mode=self.interpolation, antialias=self.antialias)
            x = x.clamp(0, 1)  # bicubic overshoots at edges
        mean, std = (x.new_tensor(values).reshape(-1, 1, 1) for values in (self.mean, self.std))
        return (self.peak * x - mean) / std

    def __str__(self) -> str:
        color = {1: "grey, ", 3: "RGB, "}.get(self.channels or 0, "")
        size = "as given" if self.size is None else f"{self.size}×{self.size} {self.interpolation}"
        plain = self.size is not None and not self.antialias
        numbers = [f"{name} {','.join(f'{value:g}' for value in values)}" for name, values in self._scale()]
        return color + ", ".join([size + (" without antialias" if plain else ""), *numbers])

    def _scale(self) -> list[tuple[str, tuple[float, ...]]]:
        """List those of peak, mean and std that change the images."""
        named = (("peak", (self.peak,), 1.0), ("mean", self.mean, 0.0), ("std", self.std, 1.0))
        return [
            (name, values) for name, values, neutral in named if any(value != neutral for value in values)
        ]


def check_images(images: Tensor) -> None:
    """Raise InputError unless images are floating (b, c, h, w) with b, h, w ≥ 1 and c 1 or 3, all in [0, 1]."""
    fits = images.ndim == 4 and images.numel() and images.shape[1] in (1, 3)
    if not fits or not images.is_floating_point():
        raise InputError(
            got=f"images of shape {tuple(images.shape)} and type {str(images.dtype).removeprefix('torch.')}",
            need="(b, c, h, w) in floating point with 1 or 3 channels, at least one image",
            remedy="divide bytes by 255; `recolored` in byheart.data.images brings other channels to 1 or 3",
        )
    low, high = (float(value) for value in images.aminmax())
    if not (low >= -_SLACK and high <= 1 + _SLACK):
        check_finite("images", images)
        raise InputError(
            got=f"images with values from {low:.4g} to {high:.4g}",
            need="values in [0, 1]",
            remedy="bring them there: divide bytes by 255, or take (x + 1) / 2 of values in [−1, 1]",
        )


def recolored(x: Tensor, channels: int) -> Tensor:
    """Convert images (b, c, h, w) of 1 or 3 channels to `channels` channels."""
    if x.shape[1] == channels:
        return x
    if channels == 3:
        return x.expand(-1, 3, -1, -1)
    return torch.einsum("bchw,c->bhw", x, x.new_tensor(_LUMINANCE))[:, None]
