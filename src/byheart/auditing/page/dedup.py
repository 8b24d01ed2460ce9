"""The page of a deduplication: how many distinct images a training set has, and which images are duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from byheart.auditing.page.blanks import blank_view
from byheart.auditing.page.pairs import Picture, picture, pictures, shown
from byheart.auditing.page.words import pose_words
from byheart.report.characters import cleaned, visible
from byheart.report.citations import BYHEART
from byheart.report.environment import environment
from byheart.report.palette import TWINS, variable
from byheart.report.words import number, percent, plural

if TYPE_CHECKING:
    from byheart.auditing.record import Cluster, DedupRecord, Member

__all__ = ["CLUSTERS", "MEMBERS", "dedup_page"]

HOME = Path(__file__).parent


CLUSTERS, MEMBERS = 40, 8
"""Clusters shown, and images of each."""
LISTED = 20
"""Entries shown of a list of names."""
_LARGE = 3  # members from which the sizes are told as "3 or more"


@dataclass(frozen=True)
class MemberView:
    """An image, and what to say under it."""

    name: str
    picture: Picture | None
    words: str
    score: str
    kept: bool


@dataclass(frozen=True)
class ClusterView:
    """A cluster.  more: members that are not shown."""

    count: int
    members: tuple[MemberView, ...]
    more: int


def dedup_page(result: DedupRecord) -> str:
    """Write the page as HTML, also where there is no duplicate."""
    source = type(result.source).model_validate(cleaned(result.source.model_dump()))
    return (
        environment(HOME)
        .get_template("dedup.html.j2")
        .render(
            content={"title": f"Duplicates – {source.name}"},
            headline=_headline(result),
            tiles=_tiles(result),
            source=source,
            blank=blank_view("images", source),
            clusters=_views(result.clusters[:CLUSTERS]),
            total=len(result.clusters),
            limit=LISTED,
            meaning=cleaned(result.meaning),
            warnings=cleaned(result.warnings),
            threshold=number(result.threshold),
            provenance=[
                ("seed", str(result.seed)),
                *cleaned(result.versions),
                ("time", f"{result.seconds:.1f} s"),
            ],
            bibtex=[BYHEART],
            colors={variable(light): (light, dark) for light, dark in TWINS.items()},
        )
    )


def _headline(result: DedupRecord) -> str:
    n = result.source.count
    if not result.clusters:
        return f"No duplicates were found among {plural(n, 'image')}."
    verb = "is a duplicate" if result.duplicates == 1 else "are duplicates"
    return (
        f"{result.duplicates:,} of {plural(n, 'image')} {verb} of others: {result.distinct:,} are distinct."
    )


def _tiles(result: DedupRecord) -> list[tuple[str, str, str]]:
    if not result.clusters:
        return []
    n = result.source.count
    sizes = Counter(min(len(cluster.members), _LARGE) for cluster in result.clusters)
    largest = max(len(cluster.members) for cluster in result.clusters)
    many = (
        f"{plural(sizes[2], 'pair')}, {sizes[_LARGE]:,} of three or more images; the largest has {largest:,}"
    )
    return [
        (
            "effect on n",
            f"{n:,} → {result.distinct:,}",
            f"{percent(result.duplicates / n)} of the images add nothing new",
        ),
        ("groups", f"{len(result.clusters):,}", many),
        (
            "exact duplicates",
            f"{result.exact:,}",
            "equal in every value; the other duplicates are nearly equal or changed",
        ),
    ]


def _views(clusters: Sequence[Cluster]) -> list[ClusterView]:
    """Make views of the first clusters and the first images of each, with pictures as large as their number allows."""
    members = [member for cluster in clusters for member in cluster.members[:MEMBERS]]
    uris = iter(_pictures(members))
    return [
        ClusterView(
            len(cluster.members),
            tuple(_view(member, cluster, next(uris)) for member in cluster.members[:MEMBERS]),
            max(0, len(cluster.members) - MEMBERS),
        )
        for cluster in clusters
    ]


def _pictures(members: Sequence[Member]) -> list[Picture | None]:
    arrays = [picture(member.picture) for member in members]
    return [
        None if array is None else shown(uri, visible(member.name), array)
        for uri, member, array in zip(pictures(arrays), members, arrays, strict=True)
    ]


def _view(member: Member, cluster: Cluster, found: Picture | None) -> MemberView:
    kept = member.name == cluster.representative
    words = "kept" if kept else "exact duplicate" if member.exact else pose_words(member.pose)
    if member.source not in (None, cluster.representative):
        words += f" (of {visible(member.source)})"
    return MemberView(visible(member.name), found, words, "" if kept else number(member.score), kept)
