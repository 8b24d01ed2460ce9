"""Sentences of a page: written where all that they rest on is reproduced, and refused where they rest on nothing."""

import pytest

from byheart._checks import InputError
from byheart.experiments.study.recipe import Study, load_study
from byheart.experiments.study.sentences import Sentence, say
from byheart.experiments.sweeps.sweep import checked

HEADLINE = Sentence(when=("X-A", "X-B"), place="advice", text="Both, {X-A}.")
DEFAULT = Sentence(place="advice", text="As far as it goes.")
PARTS = Sentence(
    when=("X-A",), place="reason", text="{X-A.value}|{X-A.low}|{X-A.high}|{X-A.percent}|{X-A.count}"
)


def row(claim, verdict="reproduced", measured=0.5, low=0.4567, high=0.6):
    return {"id": claim, "verdict": verdict, "measured": measured, "low": low, "high": high, "count": 1200}


def test_the_first_headline_that_applies_is_taken_with_its_interval():
    said = say([HEADLINE, DEFAULT], [row("X-A"), row("X-B")])
    assert said.advice == "Both, 0.500 [0.457, 0.600]."


@pytest.mark.parametrize("verdict", ["unresolved", "contradicted", None])
def test_one_claim_that_is_not_reproduced_is_enough_to_say_nothing(verdict):
    rows = [row("X-A", verdict), row("X-B")]
    assert say([HEADLINE, PARTS, DEFAULT], rows).advice == "As far as it goes."
    assert say([HEADLINE, PARTS], rows) == say([], []) and not say([], []).advice


AGAINST = Sentence(when=("X-A",), against=("X-B",), place="reason", text="Not as {X-A.value}: {X-B.value}.")


def test_a_sentence_may_rest_on_what_was_contradicted():
    assert say([AGAINST], [row("X-A"), row("X-B", "contradicted", 31.0)]).reasons == ("Not as 0.5: 31.",)
    for other in ("reproduced", "unresolved", None):
        assert say([AGAINST], [row("X-A"), row("X-B", other)]).reasons == ()
    assert say([AGAINST], [row("X-A", "unresolved"), row("X-B", "contradicted")]).reasons == ()
    assert say([AGAINST], [row("X-A")]).reasons == ()


def test_parts_of_what_was_measured():
    (text,) = say([PARTS], [row("X-A")]).reasons
    assert text.replace("\N{NO-BREAK SPACE}", " ") == "0.5|0.457|0.6|50 %|1,200"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"place": "reason", "text": "It is so."}, "rests on no claim"),
        ({"when": ["X-A"], "place": "reason", "text": "At {X-B}."}, "X-B"),
        ({"when": ["X-A"], "place": "reason", "text": "At {X-A.mean}."}, "X-A.mean"),
        ({"when": ["X-A"], "place": "reason", "text": "At {x}."}, "brace"),
        ({"when": ["X-A"], "place": "reason", "text": "At {X-A."}, "brace"),
        ({"place": "advice", "text": "At {X-A}."}, "X-A"),
    ],
)
def test_a_sentence_that_rests_on_nothing_is_refused(settings, words):
    with pytest.raises(InputError, match=words):
        Sentence(**settings)


def test_a_sentence_about_a_claim_that_the_study_lacks_is_refused():
    onset = load_study("onset").model_dump()
    for side in ("when", "against"):
        says = [{side: ["S3-Z"], "place": "reason", "text": "It is so."}]
        with pytest.raises(InputError, match="S3-Z"):
            checked(Study, onset | {"says": says})


def test_a_study_of_fewer_arms_says_what_their_claims_allow():
    whole = load_study("onset")
    fewer = whole.only("cpu", ["mlp"])
    assert {claim for sentence in fewer.says for claim in sentence.when} == {"S3-B"}
    assert (
        Study.model_validate(fewer.model_dump(mode="json")).says == fewer.says
    )  # as it is read from its folder
