"""The parts of a record that compare images with the held-out ones."""

import pytest
from evaluation_example import SPLIT

from byheart.evaluation.measures.frechet import frechet_record, perfect_frechet_record
from byheart.evaluation.measures.kernel import kernel_record
from byheart.evaluation.measures.sliced import sliced_record
from byheart.metrics.fidelity import frechet, kid, sliced_wasserstein

X, Y = SPLIT.train, SPLIT.heldout
FLAT = X.flatten(1), Y.flatten(1)


def test_the_parts_are_the_metrics_of_the_pixels():
    distance, kernel = frechet(*FLAT), kid(*FLAT)
    assert frechet_record(X, Y) == {"fd": distance.value, "fd/floor": distance.floor}
    assert kernel_record(X, Y) == {"kid": kernel.value, "kid_low": kernel.low, "kid_high": kernel.high}
    assert sliced_record(X, Y) == {"sw": sliced_wasserstein(*FLAT)}


@pytest.mark.parametrize("where", ["/train", "/fresh"])
def test_names_end_in_what_stands_in_the_place_of_the_samples(where):
    names = {**frechet_record(X, Y, where), **kernel_record(X, Y, where), **sliced_record(X, Y, where)}
    assert list(names) == [
        f"fd{where}", f"fd{where}_floor", f"kid{where}", f"kid{where}_low", f"kid{where}_high", f"sw{where}",
    ]  # fmt: skip


def test_the_floor_of_so_many_samples_needs_none_of_them():
    assert perfect_frechet_record(len(X), Y)["fd/floor"] == pytest.approx(frechet_record(X, Y)["fd/floor"])
    assert perfect_frechet_record(10, Y)["fd/floor"] > perfect_frechet_record(100, Y)["fd/floor"]


def test_large_images_are_shrunk():
    big = [part.repeat_interleave(8, 2).repeat_interleave(8, 3) for part in (X, Y)]
    assert frechet_record(*big)["fd"] == pytest.approx(
        frechet(*(part.repeat_interleave(4, 2).repeat_interleave(4, 3).flatten(1) for part in (X, Y))).value,
        rel=1e-4,
    )
