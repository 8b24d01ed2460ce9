"""Distinct sources: the published count, and simulated audits with the share as it is estimated, not as it is."""

import numpy as np
import pytest

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import flags, p_values
from byheart.analysis.calibration.share import share_of_copies
from byheart.analysis.calibration.sources import Sources, chao1, distinct_sources, false_singletons


def test_the_published_vector():
    once, twice, thrice = range(30), range(30, 40), range(40, 45)
    found = distinct_sources([*once, *twice, *twice, *thrice, *thrice, *thrice])
    assert (found.observed, found.singletons, found.doubletons) == (45, 30, 10)
    assert found.estimate == found.raw_estimate == pytest.approx(45 + 30 * 29 / 22)
    assert chao1(45, 30, 10) == pytest.approx(84.545, abs=0.001)


def test_a_count_by_hand():
    found = distinct_sources(["a", "b", "b", "c", "c", "c", "d"], false=0.5)
    assert (found.observed, found.singletons, found.doubletons) == (4, 2, 1)
    assert found.raw_estimate == 4 + 2 * 1 / 4
    assert found.corrected == 3.5
    assert found.estimate == 3.5 + 1.5 * 0.5 / 4


def test_more_false_sources_than_were_seen_leave_none():
    found = distinct_sources([1, 2, 2], false=7.0)
    assert (found.corrected, found.estimate) == (0, 0)
    assert distinct_sources([]).estimate == 0


def test_false_singletons_are_false_flags_and_wrong_names():
    assert false_singletons(1000, 0.3, 0.01, 0.98) == pytest.approx(0.01 * 700 + 0.02 * 300)


def audit(draws: np.random.Generator, distinct: int, share: float) -> Sources:
    """1,000 samples, a share of them copies of `distinct` images; 97 % are seen, and 2 % of the matches are wrong."""
    samples, heldout, rank, train = 1000, 1000, 10, 5000

    def seen(count):  # scores of copies: 97 % beyond everything, the others like innocents
        return np.where(draws.random(count) < 0.97, 9.0, draws.normal(size=count))

    null, copied = draws.normal(size=heldout), draws.random(samples) < share
    p = p_values(np.where(copied, seen(samples), draws.normal(size=samples)), null)
    card = list(p_values(seen(780), null).reshape(13, 60))
    right = copied & (draws.random(samples) < 0.98)
    source = np.where(right, draws.integers(0, distinct, samples), draws.integers(0, train, samples))
    estimate = share_of_copies(p, card, heldout, draws).corrected.value
    false = false_singletons(samples, estimate, rank / (heldout + 1), 0.98)
    return distinct_sources(source[flags(p, rank, heldout)].tolist(), false)


def means(distinct: int, share: float, audits: int) -> tuple[float, float, float]:
    found = [audit(np.random.default_rng([distinct, seed]), distinct, share) for seed in range(audits)]
    fields = ("observed", "estimate", "raw_estimate")
    return tuple(float(np.mean([getattr(each, field) for each in found])) for field in fields)


@pytest.mark.parametrize(("distinct", "observed", "raw"), [(20, 32, 109), (100, 107, 124), (300, 195, 337)])
def test_the_number_of_sources_is_recovered(distinct, observed, raw):
    found = means(distinct, 0.3, audits=60)
    assert found[0] == pytest.approx(observed, rel=0.06)
    assert found[1] == pytest.approx(distinct, rel=0.2)
    assert found[2] == pytest.approx(raw, rel=0.2)  # what it would be with the false matches left in


@pytest.mark.slow
@pytest.mark.parametrize(("distinct", "share"), [(20, 0.3), (100, 0.3), (300, 0.3), (100, 0.05)])
def test_the_number_of_sources_is_recovered_in_300_audits(distinct, share):
    assert means(distinct, share, audits=300)[1] == pytest.approx(distinct, rel=0.2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: distinct_sources([1], false=-1.0),
        lambda: distinct_sources([1], false=float("nan")),
        lambda: false_singletons(-1, 0.5, 0.1, 0.9),
        lambda: false_singletons(10, 1.5, 0.1, 0.9),
        lambda: false_singletons(10, 0.5, 0.1, 98),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(InputError):
        call()
