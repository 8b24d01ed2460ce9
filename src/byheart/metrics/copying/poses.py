"""Poses: how a training image may lie in a sample, and warps from one frame into the other.

With centered coordinates v (pixels, x to the right, y down), flip F, rotation R(angle), zoom z and shift δ = (dx, dy),

    sample side     undone(v) = g(R F v / z)                shows the sample with the pose removed
    training side   posed(w)  = x(z F R⁻¹ w − δ)             shows the training image in the sample's frame

so that a copy g(w) = x(z F R⁻¹ w − δ) has undone(v + δ) = x(v).  zoom < 1 is a crop: the sample shows that part of the
training image, enlarged.  Warps are bilinear with the border repeated.  A tensor of poses (…, 5) has the columns flip
(1 or −1), angle in degrees, zoom, dx and dy.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from byheart.metrics.copying.spaces import SIDE

__all__ = ["ANGLES", "FLIPS", "REACH", "ZOOMS", "posed", "undone"]

FLIPS = (1.0, -1.0)
ANGLES = (-5.0, 0.0, 5.0)
ZOOMS = (1.0, 0.95, 0.9)
REACH = 2
"""Shifts of −2 … 2 whole pixels are searched."""


def posed(x: Tensor, pose: Tensor) -> Tensor:
    """Warp training images x (b, c, 32, 32) into the frame of the sample.  pose: (b, 5)."""
    flip, angle, zoom, dx, dy = pose.unbind(1)
    cos, sin = _turn(angle)
    shift = -2 / SIDE * torch.stack([dx, dy], 1)
    linear = torch.stack(
        [torch.stack([zoom * flip * cos, zoom * flip * sin], 1), torch.stack([-zoom * sin, zoom * cos], 1)], 1
    )
    return _warped(x, torch.cat([linear, shift[:, :, None]], 2))


def undone(x: Tensor, flip: Tensor, angle: Tensor, zoom: Tensor) -> Tensor:
    """Remove the pose, except for the shift, from samples x (b, c, 32, 32).  flip, angle, zoom: (b,)."""
    cos, sin = _turn(angle)
    linear = torch.stack(
        [
            torch.stack([flip * cos, -sin], 1) / zoom[:, None],
            torch.stack([flip * sin, cos], 1) / zoom[:, None],
        ],
        1,
    )
    return _warped(x, torch.cat([linear, linear.new_zeros(len(x), 2, 1)], 2))


def _turn(angle: Tensor) -> tuple[Tensor, Tensor]:
    radians = torch.deg2rad(angle)
    return radians.cos(), radians.sin()


def _warped(x: Tensor, affine: Tensor) -> Tensor:
    grid = affine_grid(affine, list(x.shape), align_corners=False)
    return grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
