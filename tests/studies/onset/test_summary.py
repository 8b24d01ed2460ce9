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


def test_pooling_takes_the_geometric_mean_and_the_widest_interval():
    both = pooled(COPIES)
    assert both.step == pytest.approx(math.sqrt(1123 * 1021))
    assert (both.low, both.high, both.reached, both.count, both.limit) == (915, 1250, 2, 2, 6144)


def test_an_end_that_one_seed_leaves_open_is_open():
    both = pooled([*COPIES, time(None)])
    assert (both.low, both.high, both.reached, both.count) == (915, None, 2, 3)
    assert pooled([time(None)]).step is None


def test_the_advice_is_the_safe_end_of_the_interval():
    said = summary(page(mem=COPIES))
    assert said.advice == "With n = 128 images, stop before step 915."
    assert said.reasons[0].startswith(
        "From step 1,071 on (95 % interval 915 to 1,250; 2 runs), more than one"
    )


def test_the_demo_in_words():
    said = summary(onset_rows.content())
    assert said.n == 128
    text = " ".join(said.reasons)
    assert "The first sign is at step 424" in text
    assert "whatever n (exponent 0.05, 95 % interval −0.15 to 0.24)" in text
    assert "Twice the images buy 2.1 times the steps before copying (exponent 1.10" in text


def test_no_copies_is_good_news_not_a_gap():
    said = summary(page(mem=[time(None), time(None)]))
    assert said.advice == "With n = 128 images, copies stay rare for 6,144 steps."
    assert "in 2 runs, to the last step" in said.reasons[0]


def test_one_seed_of_two():
    said = summary(page(mem=[COPIES[0], time(None)]))
    assert "2 runs, 1 of which came that far" in said.reasons[0]
    assert "to beyond the last step" in said.reasons[0]


def test_too_few_samples_to_say_from_when_on():
    assert (
        summary(page(mem=[time(1000, 0, 1200)])).advice == "With n = 128 images, copies appear by step 1,000."
    )


def test_a_window_that_never_opens():
    said = summary(page(mem=COPIES, gen=[time(2000, 1900, 2100)] * 2))
    assert "no step of this training is both good and new" in " ".join(said.reasons)
    unsettled = summary(page(mem=COPIES, gen=[time(None)] * 2))
    assert "Quality is not yet settled" in " ".join(unsettled.reasons)


def test_whatever_n_is_said_only_where_it_was_measured():
    assert (
        "Samples get good around step 140."
        in summary(page(mem=COPIES, gen=[time(140, 130, 150)] * 2)).reasons
    )
    steep = onset_rows.exponent([32, 64, 128, 256], [100, 200, 400, 801], [0] * 4, GEN)
    said = summary(page(mem=COPIES, gen=[time(140, 130, 150)] * 2, exponents=[steep]))
    assert "whatever n" not in " ".join(said.reasons)
    one_seed = " ".join(summary(onset_rows.content(seeds=(0,))).reasons)  # its interval is −0.46 to 0.58
    assert "Samples get good around step 151." in one_seed


def test_where_claims_decide_whatever_n_is_said_by_them_alone():
    for says in ((), ("Samples get good after as many steps, whatever n.",)):
        said = summary(replace(onset_rows.content(), says=says))
        whatever = [reason for reason in said.reasons if "whatever n" in reason]
        assert whatever == list(says) and "Samples get good around step 149." in said.reasons


def test_an_exponent_that_may_be_zero_is_no_law():
    wild = onset_rows.exponent([32, 64, 128], [100, 900, 200], [0] * 3, MEM)
    assert any("stays open" in reason for reason in summary(page(mem=COPIES, exponents=[wild])).reasons)


def test_without_times_it_says_so():
    assert summary(page()).advice == "No onset times yet."
