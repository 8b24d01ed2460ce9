import re

import audit_example as example
import dedup_example
import numpy as np
import pytest
from parsed_page import Parsed, check_closed
from test_audit_page import HOSTILE, SHOWN

from byheart.auditing.page.dedup import CLUSTERS, MEMBERS, dedup_page
from byheart.auditing.record import Cluster, Member


def test_the_effect_comes_first():
    text = dedup_page(dedup_example.duplicates())
    check_closed(text)
    page = Parsed(text)
    words = " ".join(page.words.split())
    assert words.startswith("19 of 800 images are duplicates of others: 781 are distinct.")
    for said in (
        "800 → 781",
        "3 pairs, 3 of three or more images; the largest has 11",
        "exact duplicates6",
        "All 6 groups",
        "and 3 more",
        "flipped",
        "a score of 4.87",
        "Unreadable, left out: 1",
    ):
        assert said in words, said
    kept = [at for tag, at in page.tags if tag == "li" and at.get("class") == "kept"]
    assert len(kept) == 6 and len([1 for tag, _ in page.tags if tag == "img"]) == MEMBERS + 5 + 3 + 2 * 3


def test_one_duplicate_and_none():
    one = dedup_page(dedup_example.duplicates((2,)))
    assert "1 of 800 images is a duplicate of others: 799 are distinct." in one
    none = dedup_page(dedup_example.duplicates((), warnings=(), threshold=None))
    assert "No duplicates were found among 800 images." in none
    words = Parsed(none).words
    assert "clusters" not in Parsed(none).sections() and "Threshold" not in words and "exact" not in words


def test_matches_within_a_group_are_named():
    chain = Cluster(
        representative="a",
        members=(Member(name="a"), Member(name="b", source="a"), Member(name="c", source="b")),
    )
    words = Parsed(dedup_page(dedup_example.duplicates((), distinct=798, clusters=(chain,)))).words
    assert "in the same pose (of b)" in words and "(of a)" not in words


def test_names_from_outside_are_shown_and_do_nothing():
    name = HOSTILE.replace("\udce9", "")
    pair = Cluster(representative=name, members=(Member(name=name), Member(name="b", source=name)))
    text = dedup_page(
        dedup_example.duplicates(
            (), distinct=799, clusters=(pair,), source=example.source(name, 800, unreadable=((name, name),)),
            warnings=(name,), meaning=name, versions=((name, name),),
        )
    )  # fmt: skip
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    assert "<img src=x" not in text and "&lt;img src=x" in text and SHOWN in text


def test_whatever_goes_in_the_page_stays_light():
    rng = np.random.default_rng(0)
    noise = [
        example.png(rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)) for _ in range(CLUSTERS * MEMBERS)
    ]
    clusters = tuple(
        Cluster(
            representative=f"{k}-0",
            members=tuple(
                Member(name=f"{k}-{j}", picture=noise[(k * MEMBERS + j) % len(noise)]) for j in range(9)
            ),
        )
        for k in range(2000)
    )
    source = example.source("train/", 100_000)
    text = dedup_page(
        dedup_example.duplicates((), source=source, distinct=100_000 - 8 * 2000, clusters=clusters)
    )
    size = len(text.encode())
    assert size < 5_000_000
    assert f"The first {CLUSTERS} of 2,000 groups" in text


@pytest.mark.parametrize("picture", [None, "!", ""])
def test_images_without_a_picture_keep_their_names(picture):
    pair = Cluster(
        representative="a", members=(Member(name="a", picture=picture), Member(name="b", picture=picture))
    )
    text = dedup_page(dedup_example.duplicates((), distinct=799, clusters=(pair,)))
    assert "<img" not in text and ">b</span>" in text
