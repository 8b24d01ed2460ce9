"""CelebA as S3 prepares it (2505.17638, code): the aligned faces in file order, grey, 32×32.

The shorter side is resized to 32 (bilinear, antialiased, as torchvision's Resize does on images), the middle is cut out
(as its CenterCrop does), then RGB becomes grey.  178×218 pixels become 32×39, and rows 4 … 35 remain.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from byheart.data.raw import Array, Raw
from byheart.data.reader.folder import read_each
from byheart.data.reader.path import image_files

__all__ = ["SIZE", "read_celeba"]

SIZE = 32


def read_celeba(path: Path | str, size: int | None = None, channels: int | None = None) -> Raw:
    """Read the faces of a folder (img_align_celeba), (n, channels, size, size) bytes; grey 32×32 unless given.

    Raises InputError for a folder without images, and for files that cannot be read.
    """
    side, mode = size or SIZE, "RGB" if channels == 3 else "L"
    files, notes = image_files(path)
    faces = read_each(files, lambda file: _face(file, side, mode))
    return Raw(np.stack(faces), peak=255, notes=notes)


def _face(file: Path, side: int, mode: str) -> Array:
    """Read one image as (c, side, side)."""
    from PIL import Image

    with Image.open(file) as image:
        width, height = (int(side * extent / min(image.size)) for extent in image.size)
        small = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - side) / 2), round((height - side) / 2)
    pixels = np.asarray(small.crop((left, top, left + side, top + side)).convert(mode))
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)
