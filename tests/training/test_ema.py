"""The moving average of weights."""

import pytest
import torch
from torch import nn

from byheart.training import EMA


class Ramp(nn.Module):
    """A weight that is the number of the step, and a buffer that follows it."""

    def __init__(self, layout=torch.contiguous_format):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, 3, 2, 2).contiguous(memory_format=layout))
        self.register_buffer("last", torch.zeros(()))

    def at(self, step):
        nn.init.constant_(self.weight, step)
        self.last.fill_(step)
        return self


def followed(steps, **settings):
    ramp = Ramp()
    average = EMA(ramp, **settings)
    for step in range(1, steps + 1):
        average.update(step, ramp.at(step))
    return average.model


@pytest.mark.parametrize("horizon", [0.05, 0.1, 0.5])
def test_the_horizon_is_a_share_of_the_time_so_far(horizon):
    # On a ramp the average of weight k^(1/h − 1) over the past is k/(1 + h), up to the step between updates.
    found = followed(800, horizon=horizon, every=8).weight.mean()
    torch.testing.assert_close(found / 800, torch.tensor(1 / (1 + horizon)), rtol=1e-2, atol=0)


def test_it_is_the_recursion_of_the_recipe():
    expected = 0.0
    for step in range(8, 41, 8):
        expected += 8 / (0.1 * step + 8) * (step - expected)
    found = followed(47).weight  # 41 … 47 are no multiples of 8
    torch.testing.assert_close(found, torch.full((2, 3, 2, 2), expected))


def test_buffers_follow_as_they_are():
    assert followed(20, every=4).last == 20


def test_the_average_is_a_copy_in_evaluation_mode():
    ramp = Ramp(torch.channels_last).train()
    average = EMA(ramp)
    assert ramp.training and not average.model.training
    average.update(8, ramp.at(8))
    assert average.model.weight.stride() == ramp.weight.stride()
    assert not average.model.weight.requires_grad
    ramp.at(100)
    assert average.model.weight.max() < 8 and ramp.weight.requires_grad


def test_without_averaging_it_is_the_weights_themselves():
    ramp = Ramp().train()
    average = EMA(ramp, horizon=0)
    average.update(3, ramp.at(3))
    assert torch.equal(average.model.weight, ramp.weight) and average.model.last == 3
    assert ramp.training and not average.model.training and average.model.weight.requires_grad
