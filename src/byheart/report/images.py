"""Images inside the page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST", "png_uri"]

LARGEST = 64
"""Larger images are shown at this many pixels a side: a page is looked at, and must stay light."""


def png_uri(image: NDArray[np.uint8], side: int = LARGEST) -> str:
    """A data URI of the image as PNG.  image: (height, width) grey or (height, width, 3) RGB.  side: the longest shown."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.thumbnail((side, side), Image.Resampling.BOX)
    buffer = BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(buffer.getvalue()).decode()
