"""Equivariant local scores: a pixel's window is compared with the patches of all training images at other positions, too.

    D(x, σ)(p) = Σ_φ w_φ φ(center),        w_φ = softmax_φ( −‖x_Ω − φ‖² / 2σ² )

                      the windows Ω         the dictionary of patches φ
    ---------------------------------------------------------------------------------------------------------
    equivariant       wrap around           all k × k patches that lie inside a training image
    boundary-broken   padded with zeros     the patches of padded training images that overlap the border as Ω does

A padded window is compared on its pixels inside the image, because the padding of window and patch agrees.  So interior
windows are compared with interior patches, a window at an edge with patches at the same distance from the edge, and a window in
a corner with patches at the same position.  With k ≥ max(h, w) every position is compared with itself only, and the
boundary-broken score is `LocalScore`.  The flow of either score ends where every pixel is the center of the patch nearest to
its window.

‖x_Ω − φ‖² is expanded, so that a logit errs by eps · ‖x_Ω‖²/σ².  Images whose channels are OFF_CENTER times as far from 0 as
they spread are therefore shifted by the means of their channels, and x with them: the differences are the same.

The cost is one product, 2 · h w · n (h − k + 1)(w − k + 1) · c k² operations for each image, which suits small n.  At most
AT_ONCE numbers, or the h w · (h − k + 1)(w − k + 1) logits of one image with one training image, are held at a time.

Reference: Kamb, Ganguli, arXiv 2412.20292 (ELS and bbELS).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from itertools import product as pairs
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from byheart.denoisers.local.images import AT_ONCE, Windowed, window_at
from byheart.denoisers.local.softmax import pixel_mean
from byheart.denoisers.local.window import window_logits
from byheart.denoisers.points import OFF_CENTER
from byheart.numerics.softmax import product, start_running

__all__ = ["BoundaryBrokenLocal", "EquivariantLocal"]

CONVERTED = 4096  # images converted at a time for the means


class FromCenter:
    """Base of the equivariant scores: the number to subtract from all pixels of a channel, from the training images."""

    train: Tensor

    @cached_property
    def _center(self) -> Tensor | None:
        """Return the means of the channels (c, 1, 1) in float64 if they are far from 0, else None."""
        sums = [
            torch.stack([part.sum((0, 2, 3)), part.square().sum((0, 2, 3))])
            for part in map(torch.Tensor.double, torch.split(self.train.detach(), CONVERTED))
        ]
        total, squares = torch.stack(sums).sum(0) / self.train[:, 0].numel()
        mean = total.float().double()  # float32: the same number in either precision
        far = mean.square()
        spread = squares - far
        finite = bool(far.isfinite().all())
        return mean.reshape(-1, 1, 1) if finite and bool((far > OFF_CENTER**2 * spread).any()) else None


@dataclass(frozen=True, eq=False)
class EquivariantLocal(FromCenter, Windowed):
    """The equivariant local score ELS: if x is shifted around the border, D shifts with x.

    train: (n, c, h, w).  window: k, odd, at most the shorter side, or a function of σ that returns k.
    precision: a logit errs by about 1e-16 ‖x_Ω‖²/σ² (1e-7 in float32), where x_Ω has the center of the data subtracted.
    Differentiable in x and sigma.  Raises InputError for bad images or windows.
    """

    def _side(self, level: float) -> int:
        return window_at(self.window, level, largest=min(self.shape[1:]))

    def _mean(self, x: Tensor, variance: Tensor, window: int) -> Tensor:
        radius = window // 2
        wrapped = pad(x, (radius,) * 4, mode="circular")
        patch = Patch(window, window, radius, radius)
        return patch_mean(wrapped, self.train, variance, patch, self.chunk, self._center)


@dataclass(frozen=True, eq=False)
class BoundaryBrokenLocal(FromCenter, Windowed):
    """The boundary-broken equivariant local score bbELS.

    window: k, odd, of any size.  All other arguments are as in `EquivariantLocal`.
    """

    def _mean(self, x: Tensor, variance: Tensor, window: int) -> Tensor:
        height, width = x.shape[2:]
        if window >= max(height, width):  # every position is compared with itself only
            return pixel_mean(window_logits(x, variance, window, self._parts(x)))
        mean = torch.zeros_like(x)
        for down, across in pairs(stretches(height, window), stretches(width, window)):
            patch = Patch(down.side, across.side, down.center, across.center)
            seen, known = x[:, :, down.seen, across.seen], self.train[:, :, down.seen, across.seen]
            mean[:, :, down.places, across.places] = patch_mean(
                seen, known, variance, patch, self.chunk, self._center
            )
        return mean


class Patch(NamedTuple):
    """Height and width of a patch, and the row and column of its center."""

    height: int
    width: int
    row: int
    column: int


class Stretch(NamedTuple):
    """Positions along an axis whose windows overlap the border alike.

    seen: the pixels that the windows cover.  side: of each window, without the part outside.  center: the position within its
    window.
    """

    places: slice
    seen: slice
    side: int
    center: int


def stretches(length: int, window: int) -> Iterator[Stretch]:
    """Yield the stretches of an axis: each position near an end is a stretch, and the positions between the ends are one stretch."""
    radius = window // 2

    def outside(place: int) -> tuple[int, int]:
        return max(0, radius - place), max(0, place + radius - (length - 1))

    for (before, after), members in groupby(range(length), key=outside):
        places = list(members)
        first, last = places[0], places[-1]
        center = radius - before
        seen = slice(first - center, last + radius - after + 1)
        yield Stretch(slice(first, last + 1), seen, window - before - after, center)


def patch_mean(
    x: Tensor, train: Tensor, variance: Tensor, patch: Patch, chunk: int | None, center: Tensor | None
) -> Tensor:
    """Compute the weighted center of the patches of all training images, for every patch that lies inside x.

    x: (b, c, h', w').  train: (n, c, h, w).  variance: σ², () or (b, 1, 1, 1, 1).  chunk: training images at a time.
    center: (c, 1, 1), subtracted from x and train; None subtracts nothing.
    Returns (b, c, h' − height + 1, w' − width + 1).
    """
    windows, patches = places(x, patch), places(train, patch)
    length = x.shape[1] * patch.height * patch.width
    many = chunk or max(1, AT_ONCE // (patches * max(windows, length)))
    rows = max(1, AT_ONCE // (windows * max(patches * min(many, len(train)), length)))
    levels = variance.expand(len(x), 1, 1, 1, 1).flatten()
    near = x if center is None else x - center.to(x)
    parts = [
        _patch_mean(part, train, level, patch, many, center)
        for part, level in zip(torch.split(near, rows), torch.split(levels, rows), strict=True)
    ]
    mean = torch.cat(parts)
    return mean if center is None else mean + center.to(mean)


def places(images: Tensor, patch: Patch) -> int:
    """Count the patches that lie inside an image."""
    return (images.shape[2] - patch.height + 1) * (images.shape[3] - patch.width + 1)


def _patch_mean(
    x: Tensor, train: Tensor, levels: Tensor, patch: Patch, many: int, center: Tensor | None
) -> Tensor:
    count = places(x, patch)
    windows = _patches(x, patch).flatten(1)
    own = levels.repeat_interleave(count)[:, None]
    running = start_running(x.new_zeros(len(windows), x.shape[1]))
    for images in torch.split(train, many):
        near = images if center is None else images.double() - center.to(images.device)
        patches = _patches(near.to(x), patch)
        flat = patches.flatten(1)
        # ‖x_Ω‖² cancels in the softmax.
        logits = product(windows, flat, -flat.square().sum(1) / 2) / own
        running = running.add(logits, patches[:, :, patch.row, patch.column])
    high, wide = x.shape[2] - patch.height + 1, x.shape[3] - patch.width + 1
    return running.mean.reshape(len(x), high, wide, x.shape[1]).permute(0, 3, 1, 2)


def _patches(images: Tensor, patch: Patch) -> Tensor:
    """Return all patches of all images: (m · places, c, height, width).  images: (m, c, h, w)."""
    unfolded = images.unfold(2, patch.height, 1).unfold(3, patch.width, 1)
    return unfolded.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
