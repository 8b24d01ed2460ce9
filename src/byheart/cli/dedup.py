"""byheart dedup: which images of a training set are one image in several poses?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

from tyro.conf import Positional, arg

from byheart.cli.options import (
    Address,
    Channels,
    Checkpoints,
    Executor,
    Fit,
    Orientation,
    Transparency,
    White,
    Workers,
)

if TYPE_CHECKING:
    from byheart.auditing.dedup_result import DedupResult

__all__ = ["dedup"]

File = Annotated[Optional[Path], arg(metavar="FILE")]

SHOWN = 10
"""Clusters that are listed in the terminal."""


def dedup(
    train: Annotated[Positional[str], arg(metavar="FOLDER|FILE|NAME|SHARDS")],
    *,
    html: File = None,
    json: File = None,
    csv: File = None,
    channels: Channels = None,
    pad: Literal["edge", "zero"] = "edge",
    orientation: Orientation = None,
    fit: Fit = None,
    transparency: Transparency = None,
    white: White = None,
    planted: int = 40,
    seed: int = 0,
    executor: Executor = "local",
    workers: Workers = None,
    address: Address = None,
    checkpoints: Checkpoints = None,
) -> int:
    """Find images of a training set that are one image: equal, flipped, moved, cropped, turned, blurred, noisy.

    A duplicate is copied sooner than others, and counts twice where n is counted.

    Args:
        train: A folder of images, an array file, or a named set (where a word is both, ./NAME is the path and name:NAME the set); or a folder of shards (Parquet files and shards.json), of which equal and nearly equal images are told.
        html: Where to write the page.
        json: Where to write the clusters as JSON.
        csv: Where to write one line for each image of a cluster: name, cluster, representative, score.
        channels: Read the images as grey (1) or RGB (3).
        pad: What is put around images of 24 to 31 pixels: their border repeated, or black.
        orientation: Turn photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        planted: Copies of each kind that are planted to learn what a duplicate looks like.
        seed: Random seed; the same seed gives the same result.
        executor: Where the shards of a set are searched: by processes of this machine (local), or on a Ray cluster (ray).
        workers: Number of shards that are searched at once; one by default.
        address: The Ray cluster that searches shards, as `ray start --head` prints its address. Without an address Ray starts on this machine alone.
        checkpoints: Folder where the tables of finished shards are kept, so that the same command goes on after an interruption. All machines of a cluster must share this folder.
    """
    from byheart.cli.outputs import check_outputs, save_page, written
    from byheart.cli.stages import stages

    check_outputs({"--html": html, "--json": json, "--csv": csv})
    from byheart._records import write_atomic
    from byheart.auditing.dedup import dedup as carry_out

    with stages() as tell:
        result = carry_out(
            train,
            channels=channels,
            pad=pad,
            planted=planted,
            seed=seed,
            tell=tell,
            executor=executor,
            workers=workers,
            address=address,
            checkpoints=checkpoints,
            orientation=orientation,
            fit=fit,
            transparency=transparency,
            white=white,
        )
    try:
        if json is not None:
            result.save_json(json)
        if csv is not None:
            write_atomic(csv, result.to_csv())
    finally:
        _show(result)
    print(written({"html": save_page(result, html, json), "json": json, "csv": csv}), end="")
    return 0


def _show(result: DedupResult) -> None:
    from byheart._checks import printable

    n, left = result.source.count, result.distinct
    if not result.clusters:
        print(f"{n:,} images, no duplicates among them")
    else:
        print(
            f"{n:,} images, {left:,} without duplicates ({n - left:,} fewer, {result.exact:,} of them equal in every value)"
        )
        print(
            "The others are as alike as planted copies are; some may only be alike: look at the page before you delete."
        )
    for cluster in result.clusters[:SHOWN]:
        names = "  ".join(printable(member.name) for member in cluster.members[:4])
        more = len(cluster.members) - 4
        print(f"  {len(cluster.members)}  {names}" + (f"  and {more} more" if more > 0 else ""))
    if len(result.clusters) > SHOWN:
        print(f"  and {len(result.clusters) - SHOWN:,} clusters more")
    for warning in result.warnings:
        print(f"  warning: {printable(warning)}")
