import math
from dataclasses import replace

import onset_rows
import pytest

from byheart.analysis.timescales import Crossing
from byheart.studies.onset.content import GEN, MEM, SPLIT, OnsetContent, Onsets, RunContent
from byheart.studies.onset.summary import pooled, summary


def time(step, low=None, high=None, limit=6144):
    return Crossing(step, low, high, 0.1, limit)


def page(*, n=128, exponents=(), **times):
    names = {"mem": MEM, "gen": GEN, "split": SPLIT}
    found = [
        Onsets(n, seed, {names[name]: both[seed] for name, both in times.items()})
        for seed in range(len(next(iter(times.values()), ())))
    ]
    runs = [RunContent("a", n, 0, [{"step": 40}, {"step": 6144}])]
    return OnsetContent("t", "demo", "digits", runs, found, exponents)


COPIES = [time(1123, 1000, 1250), time(1021, 915, 1100)]
GOOD = [time(140, 130, 150)] * 2


def test_pooling_takes_the_geometric_mean_and_the_widest_interval():
    both = pooled(COPIES)
    assert both.step == pytest.approx(math.sqrt(1123 * 1021))
    assert (both.low, both.high, both.reached, both.count, both.limit) == (915, 1250, 2, 2, 6144)


def test_an_end_that_one_seed_leaves_open_is_open():
    both = pooled([*COPIES, time(None)])
    assert (both.low, both.high, both.reached, both.count) == (915, None, 2, 3)
    assert pooled([time(None)]).step is None


def test_the_headline_gives_no_order_and_says_that_copies_come_earlier():
    said = summary(page(mem=COPIES))
    assert said.advice == (
        "With n = 128 training images, 10 % of the samples are copies at step 1,071; the first copies come earlier."
    )
    assert said.reasons[0] == "The 95 % interval of that step is 915 to 1,250 (2 runs)."


def test_how_much_earlier_copies_begin_is_said_where_it_was_measured():
    few = [Onsets(128, seed, {MEM: COPIES[seed], "tau_mem@0.05": time(800 + seed)}) for seed in range(2)]
    said = summary(replace(page(mem=COPIES), crossings=few))
    assert said.reasons[0].endswith(" 5 % are copies already at step 800.")


@pytest.mark.parametrize(
    ("split", "words"),
    [(500, "An earlier sign needs no samples: at step 500"), (1500, "Only at step 1,500 the held-out loss")],
)
def test_the_losses_are_a_sign_only_where_they_differ_before_the_copies(split, words):
    both = [words in reason for reason in summary(page(mem=COPIES, split=[time(split)] * 2)).reasons]
    assert both == [False, True]


def test_the_demo_in_words():
    said = summary(onset_rows.content())
    assert said.n == 128
    text = " ".join(said.reasons)
    assert "An earlier sign needs no samples: at step 424" in text
    assert "whatever n (exponent 0.05, 95 % interval −0.15 to 0.24)" in text
    assert "Twice as many images take 2.1 times as many steps to 10 % copies (exponent 1.10" in text
    assert "; n = 64 to 256)" in text


def test_no_copies_is_good_news_not_a_gap():
    said = summary(page(mem=[time(None), time(None)]))
    assert (
        said.advice == "With n = 128 training images, copies stay below 10 % of the samples for 6,144 steps."
    )
    assert "In 2 runs, fewer than 10 %" in said.reasons[0]


def test_one_seed_of_two():
    said = summary(page(mem=[COPIES[0], time(None)]))
    assert "2 runs, 1 of which came that far" in said.reasons[0]
    assert "to beyond the last step" in said.reasons[0]


def test_too_few_samples_to_say_from_when_on():
    assert (
        summary(page(mem=[time(1000, 0, 1200)])).advice
        == "With n = 128 training images, 10 % of the samples are copies by step 1,000."
    )


def test_a_window_that_never_opens():
    said = summary(page(mem=COPIES, gen=[time(2000, 1900, 2100)] * 2))
    assert "at no step of this training are samples both good and new" in " ".join(said.reasons)
    unsettled = summary(page(mem=COPIES, gen=[time(None)] * 2))
    assert "had not settled where these runs end" in " ".join(unsettled.reasons)


def test_whatever_n_is_said_only_where_it_was_measured():
    (plain,) = [text for text in summary(page(mem=COPIES, gen=GOOD)).reasons if "Fréchet" in text]
    assert plain.startswith(
        "The Fréchet distance of the samples has covered 90 % of its fall at step 140: it is then 0.1."
    )
    steep = onset_rows.exponent([32, 64, 128, 256], [100, 200, 400, 801], [0] * 4, GEN)
    said = summary(page(mem=COPIES, gen=GOOD, exponents=[steep]))
    assert "whatever n" not in " ".join(said.reasons)
    one_seed = " ".join(summary(onset_rows.content(seeds=(0,))).reasons)  # its interval is −0.46 to 0.58
    assert "90 % of its fall at step 151" in one_seed


def test_where_claims_decide_whatever_n_is_said_by_them_alone():
    for says in ((), ("Samples get good after as many steps, whatever n.",)):
        said = summary(replace(onset_rows.content(), says=says))
        whatever = [reason for reason in said.reasons if "whatever n" in reason]
        assert whatever == list(says) and "90 % of its fall at step 149" in " ".join(said.reasons)


def test_an_exponent_that_may_be_zero_is_no_law():
    wild = onset_rows.exponent([32, 64, 128], [100, 900, 200], [0] * 3, MEM)
    assert any("stays open" in reason for reason in summary(page(mem=COPIES, exponents=[wild])).reasons)


def test_without_times_it_says_so():
    assert summary(page()).advice == "No onset times yet."


def test_the_distance_that_is_left_stands_beside_that_of_real_images():
    said = page(mem=COPIES, gen=GOOD)
    run = replace(said.runs[0], references={"fd/floor": 1.46})
    assert "it is then 0.1 (real images: 1.46). Look at" in " ".join(
        summary(replace(said, runs=[run])).reasons
    )


def test_the_exponents_of_other_thresholds_are_said():
    sizes = [64, 128, 256]
    fits = [
        onset_rows.exponent(sizes, [100, 210, 390], [0] * 3, MEM),
        onset_rows.exponent(sizes, [50, 101, 199], [0] * 3, "tau_mem@0.05"),
        onset_rows.exponent(sizes, [200, 560, 1590], [0] * 3, "tau_mem@0.5"),
    ]
    (law,) = [text for text in summary(page(mem=COPIES, exponents=fits)).reasons if "Twice" in text]
    assert law.endswith("The exponent depends on the threshold: 1.00 at 5 % copies, 1.50 at 50 % copies.")
    alone = " ".join(summary(page(mem=COPIES, exponents=fits[:2])).reasons)
    assert "Twice" in alone and "threshold" not in alone
