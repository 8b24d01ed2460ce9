"""byheart dedup: which images of a training set are duplicates?"""

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
"""Groups of duplicates that are listed in the terminal."""


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
    """Find duplicates in a training set: equal, flipped, shifted, cropped, rotated, blurred and noisy images.

    A model copies repeated images earlier than others, and the size of a training set is the number of distinct images. All images are compared at 32 x 32 pixels; files are not changed. Two images count as duplicates if their similarity score is as high as that of 95 % of the copies that byheart makes itself for comparison; copies that were changed more strongly are missed.

    Example: byheart dedup my-images/ --html duplicates.html --csv duplicates.csv

    Args:
        train: A folder of images, an array file, or a named set (if a word is both, ./NAME is the path and name:NAME the set); or a folder of shards (Parquet files and shards.json), in which only equal and nearly equal images are found.
        html: Write a page with the groups of duplicates to this file.
        json: Write the groups of duplicates as JSON to this file.
        csv: Write a CSV file with one line for each image that has a duplicate: its name, the number of its group (cluster), the image of the group to keep (representative), and the similarity score.
        channels: Convert all images to grey (1) or RGB (3). Without it images keep their channels.
        pad: How images of 24 to 31 pixels, and images of 8 pixels after enlarging to 28, are filled up to 32: their border repeated (edge), or black (zero). Other smaller images are enlarged to 32, larger ones are reduced.
        orientation: Rotate photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white if the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        planted: Number of copies of each kind that byheart makes from the images, in memory, to learn how similar duplicates are.
        seed: Random seed; the same seed gives the same result.
        executor: Where a set in shards is searched: by processes of this machine (local), or on a Ray cluster (ray).
        workers: Number of shards that are searched at once. Without it one.
        address: Address of the Ray cluster, as `ray start --head` prints it. Without it Ray starts on this machine alone.
        checkpoints: Folder for intermediate results of a set in shards: after an interruption the same command continues from there. All machines of a cluster must see this folder.
    """
    from byheart.cli.outputs import Outputs, check_outputs
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
    outputs = Outputs()
    outputs.save("JSON", json, result.save_json)
    outputs.save("CSV", csv, lambda file: write_atomic(file, result.to_csv()))
    outputs.show(lambda: _show(result))
    outputs.draw("HTML page", html, result)
    outputs.close()
    return 0


def _show(result: DedupResult) -> None:
    """Print how many images are duplicates, the largest groups, and what counts as a duplicate."""
    from byheart._checks import printable
    from byheart.report.words import plural

    n, left = result.source.count, result.distinct
    if not result.clusters:
        print(f"No duplicates were found among {plural(n, 'image')}.")
    else:
        duplicates = f"{n - left:,} {'is a duplicate' if n - left == 1 else 'are duplicates'}"
        print(
            f"{left:,} of {plural(n, 'image')} are distinct; {duplicates} of others ({result.exact:,} equal in every value)."
        )
        if result.exact < n - left:
            print(
                "Duplicates that are not equal may only look alike: look at the page (--html) before you delete them."
            )
        print("Groups of duplicates, the image to keep first:")
    for cluster in result.clusters[:SHOWN]:
        names = "  ".join(printable(member.name) for member in cluster.members[:4])
        more = len(cluster.members) - 4
        print(f"  {len(cluster.members)} images:  {names}" + (f"  and {more} more" if more > 0 else ""))
    if len(result.clusters) > SHOWN:
        print(f"  and {len(result.clusters) - SHOWN:,} more groups")
    print(f"Two images count as duplicates if they reach {result.meaning}.")
    for warning in result.warnings:
        print(f"  warning: {printable(warning)}")
