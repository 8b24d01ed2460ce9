"""What it costs to look at 32 pixels: copies of images of 64 and 128 pixels, found at the working size.

The thirteen main kinds of copy are planted twice: at full size, with every length in pixels times side/32, and then reduced
as the audit reduces them; and at 32 pixels, in the same training images reduced before.  Test, held-out images and threshold
(marginal 1 %, with the guard) are the same, so that the difference is what the reduction costs.  Four more kinds exist at
full size only: shifts by half a working pixel, and noise that is still as strong after the reduction.

Then every pair is compared at full size under the pose that was found, as the audit prints it: copies beside their right
training image, and held-out images beside their best match, which is wrong by definition.  The same at 32 pixels beside it.

Glyphs are drawn by the font at each size; clip art (strict: no near-duplicates) is read at each size.  One thread, two to
five minutes each for glyphs, three times that for clip art, and as much once more to find the strict set, which is kept.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # read once, when torch is loaded

# isort: split
import numpy as np
import torch
from full_size_images import MAIN, clipart, glyphs, planted, steps
from torch import Tensor

from byheart.analysis.calibration.ranks import flags, marginal_rank
from byheart.auditing.inputs import working_size
from byheart.experiments.kinds.audit.populations import shuffled
from byheart.metrics.auc import auc
from byheart.metrics.copying.card import background
from byheart.metrics.copying.copy_test import CopyTest, Matches, copy_test
from byheart.metrics.copying.distortions import gaussian_blur
from byheart.metrics.copying.null import Null, heldout_null
from byheart.metrics.copying.planted import plant
from byheart.metrics.copying.poses import posed
from byheart.metrics.copying.spaces import SIDE, unit
from byheart.numerics.intervals import Interval, proportion
from byheart.random import derive, generator

ALPHA, SIDES, CHUNK = 0.01, (64, 128), 128


@dataclass(frozen=True)
class Sizes:
    """train, heldout: images.  planted: copies of each kind.  queries: training images left out."""

    train: int
    heldout: int
    planted: int = 200
    queries: int = 600
    seed: int = 0


POPULATIONS = {"glyphs": (glyphs, Sizes(2000, 1000)), "clipart": (clipart, Sizes(1600, 800))}


@dataclass(frozen=True, eq=False)
class Correlations:
    """Of pairs (b,), under the pose that was found: at full size, and at 32 pixels."""

    full: Tensor
    small: Tensor


@dataclass(frozen=True, eq=False)
class Kind:
    """Copies of one kind.  direct: recall where they are planted at 32 pixels, or None.  full: where at full size.

    named: share of the latter whose training image was named right.  right: correlations of these.
    """

    name: str
    direct: Interval | None
    full: Interval
    named: Interval
    right: Correlations


@dataclass(frozen=True, eq=False)
class Outcome:
    """kinds: of copies.  wrong: held-out images and their best match.  worst: the 1 % of them with the highest scores."""

    kinds: tuple[Kind, ...]
    wrong: Correlations
    worst: Correlations

    def mean(self, which: str) -> float:
        """Mean recall of the main kinds: which is direct or full."""
        return float(np.mean([getattr(kind, which).value for kind in self.kinds[:MAIN]]))


def reduced(images: Tensor) -> Tensor:
    """Bytes (n, c, side, side) as the audit sees them, (n, c, 32, 32)."""
    return torch.cat([working_size(part.float() / 255) for part in torch.split(images, CHUNK)])


def correlation(samples: Tensor, images: Tensor, pose: Tensor, blur: Tensor) -> Tensor:
    """Of samples (b, c, s, s) with training images in their pose (b, 5) and blur (b,): `full_size` of an audit's pairs."""
    side = samples.shape[2]
    edge = side // 16  # the border of a moved image is unknown
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    moved = posed(images, pose)
    for width in blur.unique().tolist():
        if width > 0:
            moved[blur == width] = gaussian_blur(moved[blur == width], width * side / SIDE)
    first, second = (unit(one[inner], floor=1e-6) for one in (samples, moved))
    return (first * second).sum(1)


def poses(seen: Matches) -> tuple[Tensor, Tensor]:
    """Pose (b, 5) and blur (b,) of every match; a flip or nothing where only the noise ratio found that image."""
    plain, orbit = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0]).repeat(len(seen), 1), seen.found.orbit
    plain[seen.found.noise.flip, 0] = -1
    same = orbit.source == seen.source
    return torch.where(same[:, None], orbit.pose, plain), torch.where(same, orbit.blur, 0.0)


@dataclass(frozen=True, eq=False)
class Bench:
    """images: training images, bytes at full size.  small: at 32 pixels."""

    images: Tensor
    small: Tensor
    test: CopyTest
    null: Null
    sizes: Sizes

    def recall(self, seen: Matches) -> Interval:
        """Share accused by the marginal rank with the guard."""
        count = len(self.null)
        accused = flags(self.null.whole(seen.whole), marginal_rank(ALPHA, count), count)
        return proportion(int(accused.sum()), len(seen))

    def correlations(self, samples: Tensor, seen: Matches, chosen: Tensor) -> Correlations:
        """Of the samples `chosen` (r,) of (b, c, side, side), bytes, and what they match."""
        (pose, blur), found = poses(seen), []
        for rows in torch.split(chosen, CHUNK):
            part, source = samples[rows].float() / 255, seen.source[rows]
            full = correlation(part, self.images[source].float() / 255, pose[rows], blur[rows])
            found.append((full, correlation(working_size(part), self.small[source], pose[rows], blur[rows])))
        return Correlations(*(torch.cat(each) for each in zip(*found, strict=True)))

    def kinds(self) -> Iterator[Kind]:
        fill, seed = background(self.small), self.sizes.seed
        for at, name in enumerate(steps(self.images.shape[2])):
            order = torch.randperm(len(self.small), generator=generator(derive(seed, "rows", name)))
            rows, direct = order[: self.sizes.planted], None
            if at < MAIN:
                copies = plant(name, self.small, rows, seed, fill).images
                direct = self.recall(self.test(copies, whole_only=True))
            copies = planted(name, self.images, rows, seed, fill)
            seen = self.test(working_size(copies), whole_only=True)
            right = seen.source == rows
            named = proportion(int(right.sum()), len(rows))
            pairs = self.correlations((copies * 255).round(), seen, right.nonzero()[:, 0])
            yield Kind(name, direct, self.recall(seen), named, pairs)


def measured(images: Tensor, sizes: Sizes) -> Outcome:
    """The outcome of a population (k, c, side, side), bytes in random order."""
    train, heldout = images[: sizes.train], images[sizes.train : sizes.train + sizes.heldout]
    small = reduced(train)
    test = copy_test(small, seed=sizes.seed, queries=sizes.queries)
    bench = Bench(train, small, test, heldout_null(test, reduced(heldout)), sizes)
    seen = bench.null.plain
    wrong = bench.correlations(heldout, seen, torch.arange(len(heldout)))
    highest = torch.from_numpy(seen.whole).topk(max(2, round(ALPHA * len(heldout)))).indices
    worst = Correlations(wrong.full[highest], wrong.small[highest])
    return Outcome(tuple(bench.kinds()), wrong, worst)


def show(title: str, found: Outcome) -> None:
    print(f"\n{title}\n")
    print(
        "| copies | planted at 32 px | at full size | named right | r full: 5 %, median | r 32: 5 %, median |"
    )
    print("|---|---|---|---|---|---|")
    for kind in found.kinds:
        cells = (
            _share(kind.direct),
            _share(kind.full),
            f"{kind.named.value:.3f}",
            *map(_low, (kind.right.full, kind.right.small)),
        )
        print(f"| {kind.name} | " + " | ".join(cells) + " |")
    direct, full = found.mean("direct"), found.mean("full")
    print(f"| mean of the main kinds | {direct:.4f} | {full:.4f} | difference {full - direct:+.4f} | | |\n")
    for name in ("full", "small"):
        right = torch.cat([getattr(kind.right, name) for kind in found.kinds[:MAIN]])
        wrong, worst = getattr(found.wrong, name), getattr(found.worst, name)
        limit = float(wrong.quantile(1 - ALPHA))
        print(
            f"r {name}: wrong pairs median {float(wrong.median()):.3f}, 99 % {limit:.3f}, most {float(wrong.max()):.3f};"
            f" right pairs over the 99 % {float((right > limit).float().mean()):.3f}, AUC {auc(wrong, right).value:.4f};"
            f" the {len(worst)} highest-scored wrong: median {float(worst.median()):.3f}, AUC {auc(worst, right).value:.4f}"
        )
    sys.stdout.flush()


def _share(found: Interval | None) -> str:
    return "" if found is None else f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _low(values: Tensor) -> str:
    return f"{float(values.quantile(0.05)):.3f}, {float(values.median()):.3f}" if len(values) else ""


def main(names: Sequence[str], sides: Sequence[int] = SIDES) -> dict[tuple[str, int], Outcome]:
    """Measure and print the populations of these names; the strict clip art is kept in the system's temporary folder."""
    torch.set_num_threads(1)
    found, cache = {}, Path(tempfile.gettempdir()) / "byheart-populations"
    for name in names or POPULATIONS:
        read, sizes = POPULATIONS[name]
        for side, images in read(sides, cache).items():
            found[name, side] = measured(shuffled(images, sizes.seed), sizes)
            show(
                f"{name}, {side} px, {sizes.train} training and {sizes.heldout} held-out images",
                found[name, side],
            )
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
