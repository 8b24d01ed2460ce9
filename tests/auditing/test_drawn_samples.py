import functools

import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.auditing.audit import audit
from byheart.auditing.inputs import drawn as module
from byheart.auditing.inputs import gather
from byheart.denoisers import empirical
from byheart.noise.levels import karras_levels

TRAIN = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))


class Pipeline:
    """What byheart uses of a pipeline of diffusers: its call."""

    asked: list

    def __init__(self):
        self.asked = []

    def __call__(self, batch_size=1, generator=None, num_inference_steps=50, output_type="pil"):
        self.asked.append((batch_size, num_inference_steps))
        arrays = [(255 * torch.rand(32, 32, 3, generator=one)).byte().numpy() for one in generator]
        return type("Output", (), {"images": [Image.fromarray(array) for array in arrays]})


class TextPipeline:
    def __call__(self, prompt=None, num_images_per_prompt=1, generator=None, num_inference_steps=50):
        assert prompt == "a cat"
        return type(
            "Output", (), {"images": np.stack([torch.rand(32, 32, 3, generator=g) for g in generator])}
        )


def test_a_pipeline_is_called_in_batches_with_one_generator_a_sample():
    pipeline = Pipeline()
    images = gather(pipeline, what="samples", count=19)
    assert pipeline.asked == [(8, 50), (8, 50), (3, 50)]
    assert images.small.shape == (19, 3, 32, 32)
    alone = gather(Pipeline(), what="samples", count=19, batch=1)
    assert torch.equal(alone.small, images.small)  # a sample depends on its own stream only
    assert not torch.equal(gather(Pipeline(), what="samples", count=19, seed=1).small, images.small)
    assert images.name == "19 samples of Pipeline"


def test_bound_settings_and_prompts_reach_the_pipeline():
    pipeline = Pipeline()
    gather(functools.partial(pipeline, num_inference_steps=3), what="samples", count=4)
    assert pipeline.asked == [(4, 3)]
    images = gather(functools.partial(TextPipeline(), prompt="a cat"), what="samples", count=5)
    assert images.small.shape == (5, 3, 32, 32)
    with pytest.raises(InputError, match=r"functools\.partial"):
        gather(TextPipeline(), what="samples", count=5)


def test_a_sampler_may_have_settings_of_its_own():
    def draw(n, generator, num_inference_steps=4):
        return torch.rand(n, num_inference_steps, 32, 32, generator=generator)

    few = functools.partial(draw, num_inference_steps=1)
    assert gather(few, what="samples", count=5).shape == (1, 32, 32)


def test_a_pipeline_of_diffusers_itself():
    diffusers = pytest.importorskip("diffusers")
    with torch.random.fork_rng():
        network = diffusers.UNet2DModel(
            sample_size=16,
            in_channels=1,
            out_channels=1,
            block_out_channels=(8,),
            layers_per_block=1,
            down_block_types=("DownBlock2D",),
            up_block_types=("UpBlock2D",),
            norm_num_groups=4,
        )
    pipeline = diffusers.DDPMPipeline(network, diffusers.DDPMScheduler(10))
    images = gather(functools.partial(pipeline, num_inference_steps=2), what="samples", count=3)
    assert (len(images), images.shape) == (3, (1, 16, 16))
    assert not getattr(pipeline, "_progress_bar_config", {})  # the user's own object is left as it was


def test_a_sampler_is_called_until_there_are_enough():
    asked = []

    def sampler(n, generator):
        asked.append(n)
        return torch.rand(n, 3, 40, 40, generator=generator) * 2 - 1

    images = gather(sampler, what="samples", count=600)
    assert asked == [256, 256, 88]
    assert (len(images), images.shape) == (600, (3, 40, 40))
    assert images.small.unique(dim=0).shape[0] == 600
    assert torch.equal(gather(sampler, what="samples", count=600).small, images.small)
    assert images.full(599).shape == (3, 40, 40)
    assert len(gather(sampler, what="samples")) == 1000


def test_many_samples_lie_in_a_file(monkeypatch):
    def draw(n, generator):
        return torch.rand(n, 1, 32, 32, generator=generator)

    held = gather(draw, what="samples", count=300)
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    mapped = module.drawn(draw, 300, 0)
    assert isinstance(mapped, np.memmap)
    assert torch.equal(gather(draw, what="samples", count=300).small, held.small)


def test_a_closed_form_gives_its_training_images():
    images = gather(empirical(TRAIN), what="samples", count=30)
    assert images.shape == (1, 8, 8)
    distance = (torch.from_numpy(images.full(3)) - TRAIN).flatten(1).norm(dim=1)
    assert distance.min() < 1e-4
    again = gather(empirical(TRAIN), what="samples", count=30, batch=7)
    torch.testing.assert_close(again.small, images.small)


class InTrainingUnits:
    """A denoiser that knows its data, as `byheart.load` gives it."""

    shape, device = (1, 8, 8), torch.device("cpu")
    center, scale = TRAIN.mean(0), 0.3

    def __call__(self, x, sigma):
        return empirical((TRAIN - self.center) / self.scale)(x, sigma)

    def to_pixels(self, x):
        return x * self.scale + self.center


def test_samples_in_training_units_come_in_pixels():
    images = gather(InTrainingUnits(), what="samples", count=10)
    distance = (torch.from_numpy(images.full(3)) - TRAIN).flatten(1).norm(dim=1)
    assert distance.min() < 1e-4


def test_a_denoiser_that_does_not_know_its_shape():
    def denoiser(x, sigma):
        return empirical(TRAIN)(x, sigma)

    images = gather(denoiser, what="samples", count=5, shape=(1, 8, 8), levels=karras_levels(5))
    assert images.shape == (1, 8, 8)
    with pytest.raises(InputError, match="shape"):
        gather(torch.nn.Identity(), what="samples", count=5)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda n: torch.rand(n + 1, 1, 32, 32), r"for 4 samples"),
        (lambda n: torch.rand(1, 32, 32), r"for 4 samples"),
        (lambda n: [], r"for 4 samples"),
        (lambda n: torch.randn(n, 1, 32, 32), r"\.clip\(0, 1\)"),
        (lambda n: torch.rand(n, 1, 32, 32) / 0, "NaN or infinite"),
        (lambda n: torch.ones(n, 1, 32, 32), "it makes one image only"),
    ],
)
def test_what_a_sampler_may_not_return(answer, said):
    with pytest.raises(InputError, match=said):
        gather(lambda n, generator: answer(n), what="samples", count=4)


@pytest.mark.parametrize("what", ["train", "heldout"])
def test_only_samples_are_drawn(what):
    with pytest.raises(InputError, match="only samples are drawn"):
        gather(Pipeline(), what=what)


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        (TRAIN, {"batch": 4}, "batch with samples that are stored"),
        (
            TRAIN,
            {"shape": (1, 8, 8), "levels": karras_levels(5)},
            "shape, levels with samples that are stored",
        ),
        ("digits:0-40", {"levels": karras_levels(5)}, "levels with samples that are stored"),
        (Pipeline(), {"shape": (3, 32, 32)}, "shape or levels for a Pipeline"),
        (lambda n, generator: torch.rand(n, 1, 8, 8), {"levels": karras_levels(5)}, "levels without shape"),
        (empirical(TRAIN), {"batch": 0}, "batch 0"),
    ],
)
def test_settings_of_a_model_that_would_be_ignored_are_refused(model, settings, said):
    with pytest.raises(InputError, match=said):
        gather(model, what="samples", count=4, **settings)


def test_a_mistyped_setting_is_no_setting():
    with pytest.raises(TypeError, match="bacth"):
        audit(samples=empirical(TRAIN), train=TRAIN, bacth=4)


def test_settings_of_a_model_reach_it():
    with pytest.raises(InputError, match=r"shape \(1, 9, 9\)"):
        audit(samples=empirical(TRAIN), train=TRAIN, count=4, shape=(1, 9, 9))
