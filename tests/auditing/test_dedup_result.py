import csv
from io import StringIO

import pytest

from byheart._checks import InputError
from byheart.auditing.dedup_result import DedupResult
from byheart.auditing.record import Cluster, InputSet, Member, Pose


def members(*names: str) -> tuple[Member, ...]:
    first, *others = names
    return (Member(name=first), *(Member(name=name, source=first, score=7.25) for name in others))


def source(count: int = 10) -> InputSet:
    return InputSet(name="train/", count=count, shape=(1, 8, 8), resized="as they are", fingerprint="0" * 64)


def result(**changes) -> DedupResult:
    settings = {
        "source": source(),
        "distinct": 7,
        "exact": 1,
        "threshold": 4.5,
        "meaning": "they match as copies do.",
        "seed": 0,
        "clusters": (
            Cluster(
                representative="a",
                members=(*members("a", "b"), Member(name="c", source="b", exact=True, score=9)),
            ),
            Cluster(representative='d,"\n', members=members('d,"\n', "e")),
        ),
    }
    return DedupResult(**(settings | changes))


def test_n_is_counted_once_a_cluster():
    found = result()
    assert (found.distinct, found.duplicates) == (7, 3)


def test_json_round_trip():
    found = result()
    assert DedupResult.model_validate_json(found.to_json()) == found


def test_csv_has_a_row_a_member_and_any_name():
    rows = list(csv.DictReader(StringIO(result().to_csv(), newline="")))
    assert [(row["name"], row["cluster"], row["representative"], row["score"]) for row in rows] == [
        ("a", "1", "a", ""),
        ("b", "1", "a", "7.25"),
        ("c", "1", "a", "9"),
        ('d,"\n', "2", 'd,"\n', ""),
        ("e", "2", 'd,"\n', "7.25"),
    ]
    assert result(clusters=(), distinct=10, exact=0).to_csv() == "name,cluster,representative,score\n"


@pytest.mark.parametrize("changes", [{"distinct": 8}, {"exact": 0}, {"source": source(11)}])
def test_counts_that_do_not_follow_are_refused(changes):
    with pytest.raises(InputError, match="count from the clusters"):
        result(**changes)


@pytest.mark.parametrize(
    ("representative", "names"), [("a", ("a",)), ("a", ("a", "a")), ("b", ("a", "b")), ("z", ("a", "b"))]
)
def test_clusters_that_are_none_are_refused(representative, names):
    with pytest.raises(InputError, match="representative first"):
        Cluster(representative=representative, members=members(*names))


def test_records_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        result().distinct = 3  # type: ignore[misc]
    assert Member(name="a").pose == Pose()
