"""Weak spots: named where the numbers show them, whether a claim is about them or not."""

from dataclasses import replace

import planted_example as example

from byheart.numerics.intervals import proportion
from byheart.studies.audit_planted.weak import missed_shares, weak_spots


def said(*populations):
    sentences = weak_spots(example.content(populations=list(populations), claims=()))
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in sentences]


def changed(group, name, share, of=1000, kind="", title="A"):
    """A population of which one number is another one, and which does not miss the copies that are not searched for."""
    numbers = example.numbers()
    numbers["planted"] = {**numbers["planted"], "inversion": example.measured(90, 100, "outside")}
    numbers[group] = {**numbers[group], name: example.measured(round(share * of), of, kind)}
    return example.population("a", title, numbers=numbers)


def test_good_numbers_have_no_weak_spot():
    assert said(changed("planted", "blend", 0.98, kind="blend")) == []


def test_few_copies_of_a_kind_are_a_weak_spot_in_the_data_sets_that_have_it():
    good, bad = (
        changed("planted", "collage", 0.5, kind="local"),
        changed("planted", "collage", 0.408, kind="local", title="B"),
    )
    assert said(good, bad) == [
        "Of the test copies “collage of two”, few are flagged in some data sets: 40.8 % (B)."
    ]


def test_changes_that_are_not_searched_for_are_named_together():
    (text,) = said(example.populations()[0])
    assert text.startswith("The audit does not search for “inverted”")


def test_images_that_copy_nothing_are_a_weak_spot_over_the_limit():
    (copies,) = said(changed("accused", "blur-1", 0.021, kind="safe"))
    assert (
        copies
        == "More than 2 % of the images “blurred by 1 px”, which copy nothing, are flagged as copies: 2.1 % (A)."
    )
    (mixtures,) = said(changed("blended", "blur-1", 0.031, kind="safe"))
    assert "flagged as mixtures of two training images: 3.1 % (A)." in mixtures
    assert said(changed("accused", "blur-1", 0.02, kind="safe")) == []


def test_a_promise_is_broken_where_the_whole_interval_lies_above():
    (text,) = said(changed("exceeded", "pac", 0.1, of=400))
    assert "A: under the rule pac more than 1 %" in text and "10 % [7.4, 13.3]" in text
    assert said(changed("exceeded", "pac", 0.06, of=400)) == []


def test_intervals_that_miss_the_truth_are_named_with_their_share():
    (text,) = said(changed("coverage", "0.005", 0.888))
    assert text.startswith("A, true share 0.5 %: the 95 % interval holds the true share in only 88.8 %")
    assert missed_shares([changed("coverage", "0.005", 0.92)]) == []


def test_where_no_copy_can_be_named_the_page_says_so():
    plain = changed("planted", "blend", 0.98, kind="blend")
    raw = replace(plain, arm="raw", title="R", accusable=False)
    raw = replace(raw, numbers={**raw.numbers, "population": {"close": example.measured(800, 1000)}})
    (text,) = said(plain, raw)
    assert text == (
        "R: 80 % of the unseen images come as close to a training image as copies do, so that the audit names no single copy; "
        "96.5 % of the test copies are flagged."
    )
    assert proportion(193, 200).value == 0.965
