"""Our Adam is torch's, to the bit."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from byheart.random import generator
from byheart.training import Training
from byheart.training.optimizers import FusedAdam, optimizer


def weights():
    shapes = [(5, 7), (5,), (4, 3, 3, 3)]
    return [nn.Parameter(torch.randn(shape, generator=generator(0))) for shape in shapes]


def same(a, b):
    return all(torch.equal(one, other) for one, other in zip(a, b, strict=True))


def walk(rule, of, steps=6, seed=1):
    draws = generator(seed)
    for step in range(steps):
        rule.param_groups[0]["lr"] = 1e-2 * (step + 1)
        for weight in of:
            weight.grad = torch.randn(weight.shape, generator=draws)
        of[1].grad = None if step % 2 else of[1].grad  # a weight that took no part
        rule.step()
    return [weight.detach().clone() for weight in of]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_walks_as_adam_of_torch(decay):
    ours, theirs = weights(), weights()
    peer = torch.optim.Adam(theirs, 1e-3, betas=(0.8, 0.99), weight_decay=decay, fused=True)
    found = walk(FusedAdam(ours, 1e-3, (0.8, 0.99), decay), ours)
    assert same(found, walk(peer, theirs))
    assert not torch.equal(found[0], weights()[0])


def test_its_state_is_that_of_torch():
    ours, theirs = weights(), weights()
    adam, peer = FusedAdam(ours, 1e-3, (0.9, 0.999)), torch.optim.Adam(theirs, 1e-3, fused=True)
    walk(adam, ours)
    walk(peer, theirs)
    resumed = FusedAdam(ours, 1e-3, (0.9, 0.999))
    resumed.load_state_dict(
        {"state": deepcopy(peer.state_dict()["state"]), "param_groups": adam.state_dict()["param_groups"]}
    )
    assert same(walk(resumed, ours, seed=2), walk(peer, theirs, seed=2))


def test_a_recipe_names_its_optimizer():
    model = nn.Linear(2, 2)
    sgd = optimizer(model, Training(steps=1, optimizer="sgd", lr=0.1, momentum=0.5, weight_decay=0.2))
    assert isinstance(sgd, torch.optim.SGD)
    assert [sgd.defaults[name] for name in ("lr", "momentum", "weight_decay")] == [0.1, 0.5, 0.2]
    adam = optimizer(model, Training(steps=1, lr=0.1, betas=(0.5, 0.6), weight_decay=0.2))
    assert isinstance(adam, FusedAdam)
    assert [adam.defaults[name] for name in ("lr", "betas", "weight_decay")] == [0.1, (0.5, 0.6), 0.2]


def test_a_step_without_gradients_is_none():
    ours = weights()
    FusedAdam(ours, 1e-3, (0.9, 0.999)).step()
    assert same(ours, weights())
