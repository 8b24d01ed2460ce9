"""Duplicates of real digits in known poses."""

import audit_example as example

from byheart.auditing.dedup_result import DedupResult
from byheart.auditing.record import Cluster, Member, Pose

POSES = (
    Pose(),
    Pose(flip=True),
    Pose(angle=-4.6, zoom=0.95, dx=-1, dy=1),
    Pose(dx=2, blur=0.7),
    Pose(zoom=0.9),
)


def cluster(row: int, size: int) -> Cluster:
    """A digit, an exact duplicate of it, and copies in poses."""
    kept = f"train/digit-{row:04d}.png"
    first = Member(name=kept, picture=example.png(example.digits()[row]))
    others = (
        Member(
            name=f"train/copy-{row:04d}-{k}.png",
            score=round(11 - 0.4 * k, 3),
            source=kept,
            pose=POSES[k % len(POSES)],
            exact=k == 0,
            picture=example.png(
                example.digits()[row]
                if k == 0
                else example.posed(example.digits()[row], POSES[k % len(POSES)])
            ),
        )
        for k in range(size - 1)
    )
    return Cluster(representative=kept, members=(first, *others))


def duplicates(sizes: tuple[int, ...] = (11, 5, 3, 2, 2, 2), **changes) -> DedupResult:
    clusters = tuple(cluster(17 * place + 2, size) for place, size in enumerate(sizes))
    settings = {
        "source": example.source("train/", 800, unreadable=(("train/broken.png", "truncated file"),)),
        "distinct": 800 - sum(sizes) + len(sizes),
        "exact": len(sizes),
        "threshold": 4.87,
        "meaning": "Two images are one if they match as closely as copies made on purpose do, all but the weakest 5 % of those.",
        "seed": 0,
        "clusters": clusters,
        "warnings": ("One image could not be read and was left out.",),
        "versions": (("byheart", "0.1.0"), ("torch", "2.13.0")),
        "seconds": 6.2,
    }
    return DedupResult(**(settings | changes))
