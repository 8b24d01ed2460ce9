"""The orbit ratio: is one training image, in some pose, much nearer to a sample than the next ones?

    o = −log( e₁ / mean of the 3rd … 9th smallest of the others' e ),    e = 1 − correlation under the best pose

(a) The shortlist gives 32 candidates.  (b) Each candidate is compared under 450 poses of the sample: 2 flips × 3 angles × 3
zooms × 25 shifts.  (c) The 12 best are refined by coordinate descent: the training image, in its pose, blurred or not, is
compared with the sample.  (d) The two best are refined once more with small steps.  The denominator skips two others, so
that three copies of an image in the training set do no harm.  It takes the near ranks 3–9, because a blurred image is near
to many at once and must be contrasted with near competitors, not with distant images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from byheart.metrics.copying.poses import ANGLES, FLIPS, REACH, ZOOMS, posed, undone
from byheart.metrics.copying.shortlist import CANDIDATES, ShortlistTable, shortlist_table
from byheart.metrics.copying.spaces import Spaces, filtered, softened, unit

__all__ = ["OrbitFound", "OrbitTable", "orbit_table"]

BLURS = (0.0, 0.7, 1.1)
_WHOLE, _INNER = (2, 28), (4, 24)  # first pixel and side of the windows; the border of a crop is unknown
_REFINED, _FINAL = 12, 2
_STEPS = ((0.4, 0.4, 0.02, 2.0), (0.25, 0.25, 0.012, 1.0), (0.12, 0.12, 0.006, 0.5))  # dx, dy, zoom, angle
_ORDER = (3, 4, 2, 1)  # columns of a pose in the order in which they are tried
_NEAREST = 1e-6  # smallest residual: that of an exact copy
_FLOOR = 1e-3


@dataclass(frozen=True, eq=False)
class OrbitFound:
    """The result of the orbit ratio for b samples.

    score: (b,) o.  residual: (b,) e₁.  source: (b,) training image.  pose: (b, 5).  blur: (b,) pixels.
    candidates: (b, 32) the shortlist, best first; −1 where there were fewer.  others: (b, 31) the residuals of the other
    candidates, ascending; infinite where there were fewer.
    """

    score: Tensor
    residual: Tensor
    source: Tensor
    pose: Tensor
    blur: Tensor
    candidates: Tensor
    others: Tensor


@dataclass(frozen=True, eq=False)
class OrbitTable:
    """The training images, ready for the orbit ratio.

    train: (n, c, 32, 32), unchanged.  whole: (n, c·28²), inner: (n, c·24²): unit windows of the filtered images.
    responses: (3, 32, 17), the filter followed by each blur.
    """

    shortlist: ShortlistTable
    train: Tensor
    whole: Tensor
    inner: Tensor
    responses: Tensor

    @torch.no_grad()
    def __call__(self, x: Tensor, without: Tensor | None = None) -> OrbitFound:
        """Find the best match of samples x (b, c, 32, 32) in [0, 1].

        without: (b, n) True where a training image must not be matched.
        """
        _, candidates = self.shortlist(x, without)
        soft = filtered(x, self.responses[0])
        coarse, pose = self._searched(soft, candidates)
        target = unit(_window(soft, *_WHOLE))
        first, order = coarse.topk(min(_REFINED, coarse.shape[1]), dim=1)
        poses = _gathered(pose, order)
        images = candidates.gather(1, order)
        refined, poses, blur = self._descended(target, images, poses, None, _STEPS[:1])
        best = torch.maximum(first, refined)
        final, chosen = best.topk(min(_FINAL, best.shape[1]), dim=1)
        fine, fine_poses, blurs = self._descended(
            target,
            images.gather(1, chosen),
            _gathered(poses, chosen),
            (refined.gather(1, chosen), blur.gather(1, chosen)),
            _STEPS[1:],
        )
        top, winner = torch.maximum(final, fine).max(1)
        position = order.gather(1, chosen.gather(1, winner[:, None]))
        others = (1 - coarse.scatter(1, order, best)).scatter(1, position, torch.inf).sort(1).values[:, :-1]
        residual = (1 - top).clamp_min(_NEAREST)
        return OrbitFound(
            score=-(residual / _beside(others)).log(),
            residual=residual,
            source=candidates.gather(1, position)[:, 0],
            pose=_gathered(fine_poses, winner[:, None])[:, 0],
            blur=blurs.gather(1, winner[:, None])[:, 0],
            candidates=pad(candidates, (0, CANDIDATES - candidates.shape[1]), value=-1),
            others=pad(others, (0, CANDIDATES - 1 - others.shape[1]), value=torch.inf),
        )

    def _searched(self, soft: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Return the best correlation (b, k) and pose (b, k, 5) of every candidate over the 450 poses."""
        best: list[Tensor] = []
        pose: list[Tensor] = []
        for zooms, table, window in (
            (ZOOMS[:1], self.whole, _WHOLE),
            (ZOOMS[1:], self.inner, _INNER),
        ):
            axes = (torch.tensor(axis, dtype=torch.float32) for axis in (FLIPS, ANGLES, zooms))
            grid = torch.cartesian_prod(*axes).to(soft)
            warps = undone(
                soft.repeat_interleave(len(grid), 0), *(column.repeat(len(soft)) for column in grid.unbind(1))
            )
            warps = warps.view(len(soft), len(grid), *soft.shape[1:])
            products = _correlated(warps, table[candidates], *window)
            value, position = products.max(1)
            best.append(value)
            pose.append(_pose(grid, position))
        value, which = torch.stack(best).max(0)
        return value, torch.where(which[..., None] == 0, pose[0], pose[1])

    def _descended(
        self,
        target: Tensor,
        images: Tensor,
        pose: Tensor,
        start: tuple[Tensor, Tensor] | None,
        steps: tuple[tuple[float, ...], ...],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return correlation (b, k), pose (b, k, 5) and blur (b, k) after one round of coordinate descent per row of steps.

        target: (b, c·28²) the samples.  images: (b, k) rows of the training set.
        start: correlation and blur of the first pose, if they were computed before.
        """
        train = self.train[images]
        value, blur = self._matched(target, train, pose) if start is None else start
        for row in steps:
            for column, step in zip(_ORDER, row, strict=True):
                moved = torch.stack([pose, pose], 2)
                moved[:, :, 0, column] -= step
                moved[:, :, 1, column] += step
                values, blurs = self._matched(target, train, moved)
                side = (values[..., 0] <= value).long()  # the step back comes first, and is kept if better
                moved_value = values.gather(2, side[..., None])[..., 0]
                better = moved_value > value
                value = torch.where(better, moved_value, value)
                blur = torch.where(better, blurs.gather(2, side[..., None])[..., 0], blur)
                step_to = moved.gather(2, side[..., None, None].expand(-1, -1, 1, 5))[:, :, 0]
                pose = torch.where(better[..., None], step_to, pose)
        return value, pose, blur

    def _matched(self, target: Tensor, train: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        """Return the best correlation over the blurs, and that blur, of training images in their poses.

        target: (b, p).  train: (b, k, c, 32, 32).  pose: (b, k, …, 5).  Returns (b, k, …) twice.
        """
        inner = pose.shape[2:-1]
        images = train if not inner else train[:, :, None].expand(-1, -1, *inner, -1, -1, -1)
        warped = posed(images.flatten(0, -4), pose.flatten(0, -2))
        spectrum = torch.fft.rfft2(warped)[:, None] * self.responses[:, None]
        rows = _window(torch.fft.irfft2(spectrum, s=warped.shape[-2:]), *_WHOLE).flatten(2)
        rows = rows.view(len(target), -1, rows.shape[-1])
        value = _cosine(rows, target[:, :, None])[..., 0].view(*pose.shape[:-1], len(BLURS))
        best, which = value.max(-1)
        return best, torch.tensor(BLURS, dtype=best.dtype)[which]


@torch.no_grad()
def orbit_table(train: Tensor, found: Spaces, batch: int = 256) -> OrbitTable:
    """Prepare the tables of training images (n, c, 32, 32) in [0, 1].  found: the spaces of the training set."""
    whole, inner = [], []
    for part in torch.split(train, batch):
        soft = filtered(part, found.soft)
        whole.append(unit(_window(soft, *_WHOLE)))
        inner.append(unit(_window(soft, *_INNER)))
    responses = torch.stack([softened(found.soft, blur) for blur in BLURS])
    return OrbitTable(shortlist_table(train, found), train, torch.cat(whole), torch.cat(inner), responses)


def _window(x: Tensor, first: int, side: int) -> Tensor:
    return x[..., first : first + side, first : first + side]


def _gathered(poses: Tensor, index: Tensor) -> Tensor:
    return poses.gather(1, index[..., None].expand(-1, -1, poses.shape[-1]))


def _cosine(rows: Tensor, target: Tensor) -> Tensor:
    """Correlate rows (b, q, p) with unit columns (b, p, k) of mean 0, so that the rows' means drop out of the product."""
    size = rows.shape[-1]
    spread = (rows.square().sum(-1) - rows.sum(-1).square() / size).clamp_min(0).sqrt()
    cosine: Tensor = (rows @ target) / (spread + _FLOOR * size**0.5)[..., None]
    return cosine


def _correlated(warps: Tensor, table: Tensor, first: int, side: int) -> Tensor:
    """Correlate every shifted window of the warps (b, w, c, 32, 32) with table (b, k, c·side²): (b, w·25, k)."""
    span = 2 * REACH + 1
    start = first - REACH
    area = warps[..., start : start + side + span - 1, start : start + side + span - 1]
    windows = area.unfold(-2, side, 1).unfold(-2, side, 1)  # (b, w, c, 5, 5, side, side)
    rows = windows.permute(0, 1, 3, 4, 2, 5, 6).reshape(len(warps), -1, table.shape[-1])
    size = table.shape[-1]
    flat, count = area.flatten(0, 1), side * side
    total = avg_pool2d(flat, side, stride=1).sum(1) * count
    square = avg_pool2d(flat.square(), side, stride=1).sum(1) * count
    spread = (square - total.square() / size).clamp_min(0).sqrt().view(len(warps), -1, 1)
    products: Tensor = torch.bmm(rows, table.transpose(1, 2)) / (spread + _FLOOR * size**0.5)
    return products


def _pose(grid: Tensor, at: Tensor) -> Tensor:
    """Return poses (b, k, 5) from indices (b, k) into grid × rows × columns of shifts."""
    span = 2 * REACH + 1
    dy, dx = (at // span) % span - REACH, at % span - REACH
    return torch.cat([grid[at // span**2], torch.stack([dx, dy], -1).to(grid)], -1)


def _beside(others: Tensor) -> Tensor:
    """Compute the mean of the 3rd to 9th of ascending residuals (b, k), or of those that exist if there are fewer."""
    low = min(2, others.shape[1] - 1)
    return others[:, low:9].clamp_min(_NEAREST).mean(1)
