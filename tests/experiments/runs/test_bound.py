"""The I-MMSE bound of a trained run, which takes the total error over all pixels."""

import pytest

from byheart._checks import InputError
from byheart.experiments.kinds.shared.split import the_split
from byheart.experiments.runs.bound import bound_of_run
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run
from byheart.metrics.collapse import collapse_level


def test_the_bound_is_of_the_size_of_the_data_s_own_level(finished, tiny):
    found = bound_of_run(finished)
    split = the_split(tiny.data, tiny.n, tiny.seed)
    own = collapse_level(split.train).value * split.dataset.scale
    assert found.n == tiny.n and found.images == len(split.heldout)
    # At n = 16 the two definitions, half of the weight and log n nats, are apart; one pixel for all would be far below.
    assert own / 2 < found.value < 4 * own


def test_a_closed_form_has_no_held_out_losses(tmp_path):
    run = parse_run({"kind": "closed_form", "n": 8, "plan": {"samples": 4}})
    with pytest.raises(InputError, match="closed_form"):
        bound_of_run(execute(run, tmp_path))
