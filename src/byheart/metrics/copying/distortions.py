"""Changes of images on their way into and out of a model: single steps, each exactly stated.

An image is (c, 32, 32) in [0, 1].  A step takes it, a generator that makes its random choices (a direction, a position, a
sign, noise), and the value that comes in from outside when it is rotated.  Nothing is rounded in between, except by the steps
that a file or a resampler does in 8 bits: cropping, rotating (Pillow's bicubic) and JPEG.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from byheart.metrics.copying.spaces import SIDE

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "Step",
    "blurred",
    "compressed",
    "contrasted",
    "cropped",
    "flipped",
    "gained",
    "gaussian_blur",
    "inverted",
    "noised",
    "rotated",
    "rounded",
    "shifted",
]

Step = Callable[[Tensor, torch.Generator, float], Tensor]
"""image (c, 32, 32), generator, fill in [0, 1] -> image."""

DIRECTIONS = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0))
REACH = 4  # standard deviations after which a Gaussian kernel ends


def rounded(x: Tensor) -> Tensor:
    """Clip x to [0, 1] and round to 8 bits, halves up, as in a saved image.  Any shape; float32."""
    return _bytes(x).float() / 255


def gaussian_blur(x: Tensor, width: float) -> Tensor:
    """Blur images x (…, c, h, w) by a Gaussian of `width` pixels, cut at 4 widths, the edge repeated."""
    reach = max(1, round(REACH * width))
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).to(x) ** 2) / (2 * width**2))
    kernel = kernel / kernel.sum()
    planes = x.reshape(-1, 1, *x.shape[-2:])
    planes = conv2d(pad(planes, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    planes = conv2d(pad(planes, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    return planes.reshape(x.shape)


def noised(sd: float) -> Step:
    """Make the step that adds independent normal noise of standard deviation `sd` to every value, and clips."""
    return lambda x, draws, fill: (x + sd * torch.randn(x.shape, generator=draws, dtype=torch.float32)).clamp(
        0, 1
    )


def shifted(pixels: int) -> Step:
    """Make the step that shifts by `pixels` up or down, left or right, or both: one of eight directions.  The edge is repeated."""

    def step(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
        down, right = DIRECTIONS[int(torch.randint(len(DIRECTIONS), (), generator=draws))]
        grid = torch.arange(SIDE)
        rows, columns = ((grid - pixels * move).clamp(0, SIDE - 1) for move in (down, right))
        return x[:, rows][:, :, columns]

    return step


def flipped(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
    """Exchange left and right."""
    return x.flip(-1)


def inverted(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
    """Compute the negative, 1 − x."""
    return 1 - x


def gained(factor: float) -> Step:
    """Make the step that multiplies the brightness by `factor`, and clips."""
    return lambda x, draws, fill: (factor * x).clamp(0, 1)


def contrasted(factor: float) -> Step:
    """Make the step that multiplies the contrast about the middle of the range: (x − ½)·factor + ½."""
    return lambda x, draws, fill: (x - 0.5) * factor + 0.5


def blurred(width: float) -> Step:
    """Make the step `gaussian_blur` of that width in pixels."""
    return lambda x, draws, fill: gaussian_blur(x, width)


def cropped(share: float) -> Step:
    """Make the step that cuts out a square with `share` of the side, anywhere (at fractions of a pixel too), and enlarges the square."""

    def step(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
        from PIL.Image import Resampling

        room = SIDE * (1 - share)
        left, top = (room * torch.rand(2, generator=draws, dtype=torch.float64)).tolist()
        box = (left, top, left + SIDE - room, top + SIDE - room)
        return _by_channel(x, lambda plane: plane.resize((SIDE, SIDE), Resampling.BICUBIC, box=box))

    return step


def rotated(degrees: float) -> Step:
    """Make the step that rotates about the center by `degrees`, to either side, with `fill` at the corners."""

    def step(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
        from PIL.Image import Resampling

        angle = degrees if int(torch.randint(2, (), generator=draws)) else -degrees
        corner = round(255 * fill)
        return _by_channel(x, lambda plane: plane.rotate(angle, Resampling.BICUBIC, fillcolor=corner))

    return step


def compressed(quality: int) -> Step:
    """Make the step that writes and reads a JPEG file of that quality, colors at half resolution (4:2:0).

    Three channels are RGB.  A fourth, and both of two, are compressed as grey images of their own.
    """

    def step(x: Tensor, draws: torch.Generator, fill: float) -> Tensor:
        colors = 3 if len(x) >= 3 else 0
        parts = [_rgb_through_jpeg(x[:3], quality)] if colors else []
        if len(x) > colors:
            parts.append(_by_channel(x[colors:], lambda plane: _through_jpeg(plane, quality)))
        return torch.cat(parts)

    return step


def _through_jpeg(image: Image.Image, quality: int) -> Image.Image:
    from PIL import Image

    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return Image.open(file)


def _rgb_through_jpeg(x: Tensor, quality: int) -> Tensor:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(_bytes(x).permute(1, 2, 0).contiguous().numpy())
    return torch.from_numpy(np.array(_through_jpeg(image, quality))).permute(2, 0, 1).float() / 255


def _by_channel(x: Tensor, change: Callable[[Image.Image], Image.Image]) -> Tensor:
    """Change every channel as an 8-bit grey image."""
    import numpy as np
    from PIL import Image

    planes = [np.array(change(Image.fromarray(plane))) for plane in _bytes(x).numpy()]
    return torch.from_numpy(np.stack(planes)).float() / 255


def _bytes(x: Tensor) -> Tensor:
    return (255 * x.clamp(0, 1) + 0.5).floor().to(torch.uint8)
