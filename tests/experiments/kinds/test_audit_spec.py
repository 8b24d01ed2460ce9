"""What an audit run says before it begins."""

import pytest

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.experiments.runs.run import parse_run

RUN = {"kind": "audit", "population": "digits", "n": 500}


@pytest.mark.parametrize(
    ("population", "name"),
    [("digits", "digits"), ("clipart", "clipart"), ("clipart_strict", "clipart"), ("glyphs", "glyphs")],
)
def test_its_data_are_those_that_it_is_made_from(population, name):
    assert parse_run({**RUN, "population": population}).data == Data(name=name)


@pytest.mark.parametrize(("alpha", "least"), [(0.001, 999), (0.009, 111)])
def test_an_alpha_that_accuses_nobody_is_refused_with_a_remedy_that_works(alpha, least):
    settings = {**RUN, "alpha": alpha, "pool": 3000}
    with pytest.raises(InputError, match=f"no rank is rarer.*at least {least} images"):
        parse_run({**settings, "heldout": least - 1})
    assert parse_run({**settings, "heldout": least}).heldout == least


def test_one_percent_of_one_hundred_is_one():
    assert parse_run({**RUN, "alpha": 0.01, "heldout": 99}).alpha == 0.01


def test_the_rank_is_the_marginal_one():
    assert parse_run({**RUN, "alpha": 0.01, "heldout": 1000}).rank == 10
