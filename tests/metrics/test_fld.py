"""Feature likelihood divergence against its definition written with autograd, and against what it must tell apart."""

import math

import pytest
import torch

from byheart._checks import InputError
from byheart.metrics.novelty import feature_likelihood
from byheart.metrics.novelty import likelihood as module
from byheart.random import derive, generator


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gaussians(squared, log_var, d):
    return -squared / (2 * log_var.exp()) - d / 2 * (log_var + math.log(2 * math.pi))


def squares(x, y):
    return (x[:, None] - y).square().sum(2)


def fitted(centers, x, batch):
    d, far = x.shape[1], 0.81 * squares(x, x.mean(0, keepdim=True))
    log_var = ((squares(x, centers).amin(0) + 1e-3) / d).log().requires_grad_()
    origin = torch.zeros((), dtype=torch.float64, requires_grad=True)
    adam, losses = torch.optim.Adam([log_var, origin], lr=0.5), []
    for epoch in range(50):
        found = []
        for rows in torch.arange(len(x)).split(batch):
            logs = gaussians(squares(x[rows], centers), log_var, d) - math.log(len(centers))
            loss = -torch.cat([logs, gaussians(far[rows], origin, d)], 1).logsumexp(1).mean() / d
            adam.zero_grad()
            loss.backward()
            adam.step()
            log_var.data.clamp_(-40, 40)
            found.append(loss.item())
        losses.append(sum(found) / len(found))
        if epoch > 5 and max(abs(losses[-1] - losses[-j]) for j in range(1, 6)) < 5e-4:
            break
    return log_var.detach(), epoch


def nll(x, centers, log_var):
    logs = gaussians(squares(x, centers), log_var, x.shape[1]) - math.log(len(centers))
    return float(-logs.logsumexp(1).mean()) / x.shape[1]


def by_definition(samples, train, heldout, seed, batch=10_000):
    mean, std = heldout.mean(0), heldout.std(0)
    samples, train, heldout = ((each - mean) / std for each in (samples, train, heldout))
    train = train[torch.randperm(len(train), generator=generator(derive(seed, "halves")))]
    log_var, _ = fitted(samples, train, batch)
    half = min(len(samples), len(train) // 2)
    of_half, _ = fitted(train[:half], train[half:], batch)
    base, rest = nll(heldout, train[:half], of_half), nll(train[half:], train[:half], of_half)
    of_train, of_heldout = nll(train, samples, log_var), nll(heldout, samples, log_var)
    return 100 * (of_heldout - base), 100 * (of_train - of_heldout), 100 * (rest - base), base


def numbers(found):
    return found.fld, found.gap, found.base_gap, found.base


SETS = {
    "fresh": (draws(40, 6), draws(60, 6, seed=1), draws(50, 6, seed=2)),
    "narrow": (draws(30, 3) * 0.2, draws(41, 3, seed=1) * 3 + 5, draws(20, 3, seed=2) * 3 + 5),
    "near copies": (
        draws(60, 4, seed=1)[:30] + 0.05 * draws(30, 4),
        draws(60, 4, seed=1),
        draws(40, 4, seed=2),
    ),
    "exact copies": (draws(60, 4, seed=1)[:30], draws(60, 4, seed=1), draws(40, 4, seed=2)),
    "more samples than halves": (draws(90, 5), draws(30, 5, seed=1), draws(30, 5, seed=2)),
    "one sample": (draws(1, 5), draws(30, 5, seed=1), draws(30, 5, seed=2)),
}


@pytest.mark.parametrize(("samples", "train", "heldout"), SETS.values(), ids=SETS)
@pytest.mark.parametrize("seed", [0, 5])
def test_it_is_the_definition(samples, train, heldout, seed):
    found = feature_likelihood(samples, train, heldout, seed=seed)
    assert numbers(found) == pytest.approx(by_definition(samples, train, heldout, seed), rel=1e-6, abs=1e-7)
    assert found.fld == pytest.approx(100 * (found.heldout - found.base))
    assert found.gap == pytest.approx(100 * (found.train - found.heldout))


def test_the_fit_stops_when_the_loss_stands_still():
    train = draws(60, 6, seed=1)
    _, last = fitted(draws(40, 6), train, 100)
    assert 6 < last < 49  # so the comparison above has seen the rule at work


def test_batches_take_a_step_each(monkeypatch):
    monkeypatch.setattr(module, "_BATCH", 25)
    expected = by_definition(*SETS["fresh"], seed=3, batch=25)
    assert numbers(feature_likelihood(*SETS["fresh"], seed=3)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "value"), [("_TILE", 1), ("_BLOCK", 7), ("_KEPT", 0)])
def test_pieces_do_not_change_the_result(name, value, monkeypatch):
    expected = numbers(feature_likelihood(*SETS["near copies"], seed=0))
    monkeypatch.setattr(module, name, value)
    assert numbers(feature_likelihood(*SETS["near copies"], seed=0)) == pytest.approx(expected, rel=1e-8)


def test_copies_fresh_and_poor_samples_in_order():
    samples, train, heldout = draws(200, 8), draws(200, 8, seed=1), draws(200, 8, seed=2)
    fresh, copies, near, poor = (
        feature_likelihood(each, train, heldout, seed=0)
        for each in (samples, train, train + 0.01 * samples, 2 * samples + 1)
    )
    assert abs(fresh.fld) < 3 and fresh.fld < poor.fld
    assert abs(fresh.gap - fresh.base_gap) < 3
    assert near.gap < -100 and near.fld > 30  # faithful, and yet it explains nothing new
    assert copies.gap < -1000 and copies.gap < near.gap  # the authors' mark of a complete copy


def test_units_order_and_constant_features_do_not_matter():
    samples, train, heldout = SETS["fresh"]
    expected = numbers(feature_likelihood(samples, train, heldout, seed=0))

    def changed(x):
        return torch.cat([x * torch.logspace(-3, 3, 6) + 7, torch.full((len(x), 2), 0.1)], 1).reshape(
            -1, 2, 4
        )

    found = feature_likelihood(changed(samples.flip(0)), changed(train), changed(heldout.flip(0)), seed=0)
    assert numbers(found) == pytest.approx(expected, rel=1e-5)
    assert found.dimensions == 6


def test_at_most_so_many_samples_enter(monkeypatch):
    samples, train, heldout = SETS["fresh"]
    monkeypatch.setattr(module, "_SAMPLES", 30)
    found = feature_likelihood(samples, train, heldout, seed=4)
    assert found.count == 30
    chosen = samples[torch.randperm(40, generator=generator(derive(4, "samples")))[:30]]
    assert numbers(found) == pytest.approx(numbers(feature_likelihood(chosen, train, heldout, seed=4)))
    assert found.base == feature_likelihood(samples[:30], train, heldout, seed=4).base


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"train": draws(9, 3)}, "same shape"),
        ({"heldout": draws(9)}, "same shape"),
        ({"samples": draws(0, 2)}, "at least one sample"),
        ({"train": draws(1, 2)}, "two training images"),
        ({"heldout": draws(1, 2)}, "two held-out images"),
        ({"heldout": torch.ones(9, 2)}, "held-out images that differ"),
        ({"samples": draws(9, 2) * float("nan")}, "samples with 18 values"),
        ({"train": draws(9, 2) * float("inf")}, "train with 18 values"),
    ],
)
def test_bad_input(sizes, message):
    sets = {name: draws(9, 2, seed=i) for i, name in enumerate(("samples", "train", "heldout"))}
    with pytest.raises(InputError, match=message):
        feature_likelihood(**{**sets, **sizes}, seed=0)
