import math

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.bandwidth import best_strength, leave_one_out

DRAWS = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, generator=DRAWS, dtype=torch.float64)


def test_the_likelihood_is_the_kernel_density_s():
    train, c = normal(7, 3), 0.4
    expected = 0.0
    for i in range(7):
        others = torch.cat([train[:i], train[i + 1 :]])
        logs = torch.distributions.Normal(others, math.sqrt(c)).log_prob(train[i]).sum(1)
        expected += float(logs.logsumexp(0) - math.log(6)) / 7
    assert leave_one_out(train, c) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("d", [2, 16])
def test_the_best_strength_predicts_fresh_points_best(d):
    train, fresh = normal(500, d), normal(4000, d)
    best = best_strength(train)

    def fit(c):  # held-out log likelihood of the kernel density
        logs = -torch.cdist(fresh, train).square() / (2 * c)
        return float(logs.logsumexp(1).mean()) - d / 2 * math.log(2 * math.pi * c)

    assert fit(best) > max(fit(best * 1.5), fit(best / 1.5)) - 0.01
    assert leave_one_out(train, best) >= max(
        leave_one_out(train, best * 1.2), leave_one_out(train, best / 1.2)
    )


def test_it_scales_like_a_squared_distance():
    train = normal(200, 1, 2, 2)
    assert best_strength(3 * train) == pytest.approx(9 * best_strength(train), rel=0.02)


def test_few_queries_are_a_fair_draw():
    train = normal(800, 4)
    assert best_strength(train, queries=200) == pytest.approx(best_strength(train), rel=0.25)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: best_strength(torch.zeros(1, 3)), "at least two"),
        (lambda: best_strength(normal(3, 2)[[0, 0, 1]]), "repeat"),
        (lambda: leave_one_out(normal(5, 2), 0.0), "strength"),
        (lambda: leave_one_out(normal(5), 1.0), "shape"),
        (lambda: best_strength([[1.0], [2.0]]), "list"),
        (lambda: best_strength(torch.zeros(4, 2, dtype=torch.uint8)), "floating"),
        (lambda: best_strength(normal(4, 2) / 0), "NaN or infinite"),
        (
            lambda: best_strength(torch.cat([normal(1, 3) + 1e-9 * normal(5, 3), normal(1, 3)])),
            "nearly repeat",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::byheart.metrics.memorization.DuplicatesWarning")
def test_bad_points_are_refused(call, word):
    with pytest.raises(InputError, match=word):
        call()
