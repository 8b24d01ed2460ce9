"""The Vendi score against closed forms and the n × n matrix of its definition."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.novelty import vendi_score

ORDERS = [1, 1.5, 2, 7, math.inf]


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def by_definition(samples, q):
    x = samples.flatten(1).double()
    x = x / x.norm(dim=1, keepdim=True)
    values = torch.linalg.eigvalsh(x @ x.T / len(x)).clamp_min(0)
    if q == 1:
        return math.exp(-sum(v * math.log(v) for v in values.tolist() if v > 0))
    return 1 / float(values.max()) if q == math.inf else float(values.pow(q).sum()) ** (1 / (1 - q))


@pytest.mark.parametrize("q", ORDERS)
@pytest.mark.parametrize("shape", [(50, 7), (7, 50), (20, 20), (30, 2, 3), (1, 4)])
def test_it_is_that_of_the_whole_matrix(shape, q):
    x = draws(*shape) + 0.5
    assert vendi_score(x, q=q) == pytest.approx(by_definition(x, q), rel=1e-9)


@pytest.mark.parametrize("q", ORDERS)
def test_identical_and_orthogonal_samples(q):
    assert vendi_score(torch.ones(30, 4), q=q) == pytest.approx(1)
    assert vendi_score(torch.eye(12) * 5, q=q) == pytest.approx(12)
    assert vendi_score(torch.eye(12).repeat(9, 1), q=q) == pytest.approx(12)  # repeats are not different


def test_groups_of_unequal_size():
    share = torch.tensor([0.7, 0.2, 0.1])
    x = torch.eye(3).repeat_interleave(torch.tensor([7, 2, 1]), 0)
    assert vendi_score(x) == pytest.approx(math.exp(-float((share * share.log()).sum())))
    assert vendi_score(x, q=2) == pytest.approx(1 / (0.49 + 0.04 + 0.01))
    assert vendi_score(x, q=math.inf) == pytest.approx(1 / 0.7)


def test_length_order_and_chunks_do_not_matter(monkeypatch):
    x = draws(40, 5)
    expected = vendi_score(x)
    assert vendi_score(x.flip(0) * torch.linspace(1e-30, 1e30, 40)[:, None].double()) == pytest.approx(
        expected
    )
    monkeypatch.setattr("byheart.metrics.novelty.vendi._CHUNK", 7)
    assert vendi_score(x) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("d", [3, 30])
def test_blank_samples_are_one_more_direction(d):
    x = torch.cat([torch.eye(d)[:2], torch.zeros(2, d)])
    assert vendi_score(x) == pytest.approx(math.exp(0.5 * math.log(4) + 0.5 * math.log(2)))
    assert vendi_score(torch.zeros(5, d)) == pytest.approx(1)


def test_collapsed_samples_score_lower():
    x = draws(100, 10)
    assert vendi_score(x[:5].repeat(20, 1)) < 5.001 < vendi_score(x)


@pytest.mark.parametrize(
    ("samples", "q", "message"),
    [
        (torch.ones(3), 1, "at least one sample"),
        (torch.ones(0, 3), 1, "at least one sample"),
        (torch.ones(3, 2) * float("nan"), 1, "NaN"),
        (torch.ones(3, 2), 0.5, "q >= 1"),
        (torch.ones(3, 2), float("nan"), "q >= 1"),
    ],
)
def test_bad_input(samples, q, message):
    with pytest.raises(InputError, match=message):
        vendi_score(samples, q=q)
