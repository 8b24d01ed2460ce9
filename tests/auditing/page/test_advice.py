"""What to do after each verdict, and how many flags chance alone gives."""

import audit_example as example
import pytest

from byheart.auditing.page.advice import advice, flags_of


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("copying", "do not publish these samples"),
        ("suspicious", "Look at the flagged pairs"),
        ("no evidence", "the share that could have gone unseen (1.2 %)"),
        ("cannot tell", "Hold out images of the same source"),
    ],
)
def test_every_verdict_says_what_to_do(verdict, said):
    assert said in advice(example.VERDICTS[verdict]())


def test_what_an_audit_needs_that_cannot_tell_depends_on_why():
    there = example.copying(verdict="cannot tell")
    assert "Prepare samples and held-out images in the same way" in advice(there)
    close = there.population.model_copy(update={"flags_on": False})
    assert "byheart dedup" in advice(there.model_copy(update={"population": close}))
    few = tuple(
        channel.model_copy(update={"rule": "none", "rank": None, "threshold": None})
        for channel in there.channels
    )
    assert "Hold out images" in advice(there.model_copy(update={"channels": few}))


def test_a_sample_counts_once_however_many_tests_flag_it():
    result = example.copying()
    whole, half = example.pair(0), example.half()
    both = half.model_copy(update={"sample": whole.sample})
    flags = flags_of(result.model_copy(update={"pairs": (whole, both, half, half)}))
    assert (flags.whole, flags.others, flags.total) == (18, 1, 19)


def test_the_flags_of_chance_are_those_of_all_tests_that_may_flag():
    result = example.copying()
    expected = sum(channel.rank * channel.count for channel in result.channels) / 601
    assert flags_of(result).expected == pytest.approx(expected)
    off = tuple(channel.model_copy(update={"rule": "none"}) for channel in result.channels)
    assert flags_of(result.model_copy(update={"channels": off})).expected == 0
    assert "samples would be flagged by chance if nothing was copied" in flags_of(result).by_chance
