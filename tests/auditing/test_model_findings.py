"""A denoiser is asked where it lies: on its own device, in evaluation mode, in its own units."""

import pytest
import torch
from torch import nn

from byheart.auditing.inputs import gather
from byheart.auditing.model import LEVELS, _denoised, model_findings
from byheart.auditing.sets import Request, Sets, silent
from byheart.auditing.units import Units, device_of
from byheart.metrics.copying.copy_test import copy_test
from byheart.random import generator

REQUEST = Request(alpha=0.01, rule="pac", seed=0, planted=4, queries=50, pad="edge", tell=silent)


def images(count, seed):
    """Smooth ones, (n, 1, 32, 32) in [0, 1]."""
    noise = torch.randn(count, 1, 40, 40, generator=generator(seed))
    return (nn.functional.avg_pool2d(noise, 9, stride=1) / 0.4 + 0.5).clamp(0, 1)


SETS = Sets(
    gather(images(12, 1), what="samples"),
    gather(images(40, 2), what="train"),
    gather(images(24, 3), what="heldout"),
)


@pytest.fixture(scope="module")
def test():
    return copy_test(SETS.train.small, queries=40)


class Blurring(nn.Module):
    """A network that answers its input, a little dimmer, and notes where and how it was asked."""

    def __init__(self):
        super().__init__()
        self.dim = nn.Parameter(torch.tensor(0.9))
        self.dropout = nn.Dropout(0.5)
        self.asked = set()

    def forward(self, x, sigma):
        self.asked.add((x.device.type, sigma.device.type, self.training))
        return self.dropout(x * self.dim)


class Elsewhere:
    """Says that it lies on the meta device, and answers from the CPU: nothing can be computed there."""

    device = torch.device("meta")

    def __init__(self):
        self.asked = []

    def __call__(self, x, sigma):
        self.asked.append((x.device.type, sigma.device.type))
        return torch.rand(x.shape, generator=generator(len(x)))


def test_samples_are_denoised_on_the_denoisersdevice_of(test):
    model, units = Elsewhere(), Units(torch.zeros(()), 1.0, rms=0.3)
    (found,) = _denoised(model, units, SETS.samples, SETS.heldout, REQUEST, test)
    assert model.asked == [("meta", "meta")] * 2
    assert found.name == "whole" and found.count == 12


def test_the_device_is_the_models_its_weights_or_the_cpu():
    assert device_of(Elsewhere()).type == "meta"
    assert device_of(Blurring().to("meta")).type == "meta"
    assert device_of(lambda x, sigma: x).type == device_of(nn.Identity()).type == "cpu"


def test_a_network_is_asked_in_evaluation_mode_and_left_in_its_own(test):
    model = Blurring()
    found = model_findings(model, SETS, REQUEST, test)
    assert model.asked == {("cpu", "cpu", False)} and model.training
    assert [one.sigma for one in found.signals] == pytest.approx(LEVELS)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_network_on_a_gpu_says_what_it_says_on_the_cpu(test):
    here = model_findings(Blurring(), SETS, REQUEST, test)
    model = Blurring().to("cuda")
    there = model_findings(model, SETS, REQUEST, test)
    assert model.asked == {("cuda", "cuda", False)}
    for one, other in zip(here.signals, there.signals, strict=True):
        assert one.loss_train == pytest.approx(other.loss_train, rel=1e-4)
    assert here.denoised[0].count == there.denoised[0].count == 12
