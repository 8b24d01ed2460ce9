"""The verdict: every word, its conditions, and the sentences that go with it."""

from dataclasses import replace

import pytest

from byheart.auditing.verdict import Evidence, decide

CLEAN = Evidence(samples=1000, heldout=1000, global_p=0.4, below=0.01)
COPYING = replace(CLEAN, global_p=1e-6, flags=30, low=0.02, share=(0.03, 0.02, 0.05))


def test_copies_are_said_with_their_number_and_their_bound():
    found = decide(COPYING)
    assert found.verdict == "copying"
    assert "30 of 1000 samples" in found.sentence and "At least 2 % of all samples" in found.sentence
    assert any("share of copies: 3 % (95 % interval 2 % to 5 %)" in reason for reason in found.reasons)


@pytest.mark.parametrize("lacks", [{"global_p": 0.011}, {"low": 0.0}, {"flags": 2}])
def test_copying_needs_all_three(lacks):
    assert decide(replace(COPYING, **lacks)).verdict != "copying"


@pytest.mark.parametrize("sign", [{"global_p": 0.049}, {"fires": ("blend",)}, {"fires": ("local",)}])
def test_one_sign_is_suspicious(sign):
    assert decide(replace(CLEAN, **sign)).verdict == "suspicious"


def test_no_evidence_says_what_it_leaves_open():
    found = decide(CLEAN)
    assert found.verdict == "no evidence"
    assert "Copies that make up less than 1 % of all samples" in found.sentence
    assert "does not search for, could have gone unseen" in found.sentence
    assert any("rotated by 10°" in reason for reason in found.reasons)


def test_without_held_out_images_nobody_can_tell():
    assert decide(Evidence(samples=10, heldout=0)).verdict == "cannot tell"
    few = decide(replace(COPYING, heldout=98))
    assert few.verdict == "cannot tell" and "0.0101" in few.sentence
    assert decide(replace(COPYING, heldout=99)).verdict == "copying"


def test_between_99_and_299_the_weaker_promise_is_named():
    assert any("not with 95 % confidence" in reason for reason in decide(replace(CLEAN, heldout=298)).reasons)
    assert not any(
        "not with 95 % confidence" in reason for reason in decide(replace(CLEAN, heldout=299)).reasons
    )


def test_where_held_out_images_look_like_copies_only_the_excess_counts():
    crowded = replace(CLEAN, flags_on=False, as_close=0.38)
    found = decide(crowded)
    assert found.verdict == "cannot tell" and "38 %" in found.sentence
    more = decide(replace(crowded, global_p=1e-4, low=0.05))
    assert more.verdict == "copying" and "cannot say which samples" in more.sentence


def test_unlike_sharpness_allows_only_a_large_share_of_flags():
    assert decide(replace(CLEAN, unlike=True)).verdict == "cannot tell"
    assert decide(replace(COPYING, unlike=True)).verdict == "cannot tell"
    assert decide(replace(COPYING, unlike=True, flags_low=0.06)).verdict == "copying"


def test_what_can_be_told_depends_on_alpha():
    """At 0.1 % no sample can be flagged with 500 held-out images; at 5 % ninety-nine keep the rate with confidence."""
    strict = decide(replace(COPYING, alpha=0.001, heldout=500))
    assert strict.verdict == "cannot tell" and "999 are needed" in strict.reasons[0]
    lenient = decide(replace(COPYING, alpha=0.05, heldout=99))
    assert lenient.verdict == "copying" and not any("on average" in reason for reason in lenient.reasons)


@pytest.mark.parametrize(
    ("blind", "seeing", "said"),
    [
        (
            {"spared": 7},
            {"spared": 0},
            "7 more samples would be flagged without the comparison with blurred held-out images",
        ),
        ({"spared": 1}, {}, "1 more sample would be flagged"),
        (
            {"collages": 0.35},
            {"collages": 0.5},
            "held-out images match in halves as well: 35 % of such test copies",
        ),
        (
            {"noisy": 0.1},
            {"noisy": 0.86},
            "(black is 0, white is 1) are mostly missed: 10 % of such test copies",
        ),
        ({"blank": 3}, {"blank": 0}, "3 of the 1,003 samples are blank or nearly so, and cannot be tested"),
    ],
)
def test_what_a_population_hides_is_said_where_it_does(blind, seeing, said):
    assert any(said in reason for reason in decide(replace(CLEAN, **blind)).reasons)
    assert decide(replace(CLEAN, **seeing)).reasons == decide(CLEAN).reasons


def test_of_features_nothing_is_said_of_images():
    crowded = decide(replace(COPYING, images=False, flags_on=False, low=0.0, as_close=0.2))
    assert crowded.verdict == "cannot tell" and "20 % of the held-out rows" in crowded.sentence
    assert "of training rows: 30 of 1000" in decide(replace(COPYING, images=False)).sentence
