"""Specifications become networks: the right one, with weights that follow from the seed alone."""

import pytest
import torch

from byheart._checks import InputError
from byheart.build.network import device, network
from byheart.models.adapt import Preconditioned, ProcessModel
from byheart.models.mlp import MLP
from byheart.models.spec import EDM, MLPSpec, OnProcess, UNetSpec
from byheart.models.unet import UNet
from byheart.noise.process import DDPM

SHAPE = (1, 8, 8)
SMALL = {"mlp": MLPSpec(width=16, blocks=1), "unet": UNetSpec(width=8)}


def weights(model):
    return torch.cat([weight.flatten() for weight in model.parameters()])


@pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)
def test_weights_follow_from_the_seed_alone(spec):
    before = torch.random.get_rng_state()
    first, again, other = (weights(network(spec, EDM(), SHAPE, seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("spec", "kind"), [(SMALL["mlp"], MLP), (SMALL["unet"], UNet)])
def test_every_parametrization_of_every_network_is_a_denoiser(spec, kind):
    x, sigma = torch.ones(2, *SHAPE), torch.tensor(0.5)
    for parametrization, adapter in (
        (EDM(), Preconditioned),
        (OnProcess(process=DDPM(), predicts="eps"), ProcessModel),
    ):
        model = network(spec, parametrization, SHAPE, 0)
        assert isinstance(model, adapter) and isinstance(model.network, kind)
        assert model(x, sigma).shape == x.shape


def test_a_discrete_process_tells_its_network_the_index():
    on_index = network(SMALL["unet"], OnProcess(process=DDPM(), predicts="eps"), SHAPE, 0).network
    on_level = network(SMALL["unet"], EDM(), SHAPE, 0).network
    assert on_index.embed.frequencies.max() == pytest.approx(1.0)
    assert on_level.embed.frequencies.max() == pytest.approx(8.0)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="side divisible"):
        network(SMALL["unet"], EDM(), (1, 7, 7), 0)


def test_devices():
    assert device("cpu").type == "cpu" and device("auto").type in {"cpu", "cuda"}
    with pytest.raises(InputError, match="mps"):
        device("mps")
