"""A denoiser is asked in its own units: those that it names, else those in which it denoises best."""

import numpy as np
import pytest
import torch

from byheart._checks import InputError
from byheart.auditing.audit import audit
from byheart.auditing.inputs import gather
from byheart.auditing.model import model_findings
from byheart.auditing.sets import Request, Sets, silent
from byheart.auditing.units import sampled_units, units_of
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.denoisers import empirical
from byheart.metrics.copying.copy_test import copy_test
from byheart.noise.levels import karras_levels
from byheart.sampling.draw import sample

REQUEST = Request(alpha=0.01, rule="pac", seed=0, planted=4, queries=50, pad="edge", tell=silent)


@pytest.fixture(scope="module")
def digits():
    """(300, 1, 8, 8) in [0, 1]."""
    found = load(Data(name="digits", distinct=True))
    order = torch.randperm(len(found.images), generator=torch.Generator().manual_seed(3))
    return found.to_pixels(found.images[order[:300]]).float().clamp(0, 1)


@pytest.fixture(scope="module")
def pixels(digits):
    return digits[:60]


def exact(points):
    """The denoiser of these points, in their units; it knows nothing else."""
    rows = points.flatten(1)

    def denoiser(x, sigma):
        distance = torch.cdist(x.flatten(1), rows).square()
        return (torch.softmax(-distance / (2 * sigma.reshape(-1, 1) ** 2), 1) @ rows).view_as(x)

    return denoiser


def skipping(points):
    """The denoiser of a Gaussian at each pixel: at small noise it returns its input, whatever the units are."""
    mean, variance = points.mean(0), points.var(0, correction=0) + 1e-3

    def denoiser(x, sigma):
        return mean + variance / (variance + sigma**2) * (x - mean)

    return denoiser


def refusing(points):
    def denoiser(x, sigma):
        assert x.abs().max() < 8, "not in [-1, 1]"
        return exact(points)(x, sigma)

    return denoiser


def told(model, pixels):
    found = units_of(model, pixels, seed=0)
    return float(found.units.center), found.units.scale, found.warnings


@pytest.mark.parametrize("kind", [exact, skipping])
@pytest.mark.parametrize("form", ["[0, 1]", "[−1, 1]", "[0, 255]"])
def test_a_denoiser_is_asked_where_it_was_trained(pixels, kind, form):
    center, scale = {"[0, 1]": (0, 1), "[−1, 1]": (0.5, 0.5), "[0, 255]": (0, 1 / 255)}[form]
    *units, warnings = told(kind((pixels - center) / scale), pixels)
    assert units == pytest.approx([center, scale])
    assert bool(warnings) == (form != "[0, 1]")
    assert all(f"gave it images in {form}." in words and "center and scale" in words for words in warnings)


def test_units_that_a_denoiser_refuses_are_not_its_own(pixels):
    center, scale, _ = told(refusing(2 * pixels - 1), pixels)
    assert (center, scale) == (0.5, 0.5)
    assert told(refusing(pixels), pixels)[:2] == (0, 1)


def test_standardized_pixels_are_named_not_guessed(pixels):
    mean, spread = pixels.mean(), pixels.std()
    center, scale, (words,) = told(exact((pixels - mean) / spread), pixels)
    assert (center, scale) == (0, 1)
    assert f"about {mean:.2g} and {spread:.2g}" in words and "cannot be trusted" in words


def test_a_denoiser_of_other_standard_units_is_warned_of(pixels):
    center, scale, (words,) = told(exact((pixels - 0.1307) / 0.3081), pixels)
    assert (center, scale) == (0, 1) and "cannot be trusted" in words and "center and scale" in words


@pytest.mark.parametrize("predicts", ["eps", "velocity", "nothing"])
@pytest.mark.parametrize("signed", [False, True])
def test_what_is_no_denoiser_is_warned_of_with_its_number(pixels, predicts, signed):
    denoiser = exact(2 * pixels - 1 if signed else pixels)

    def network(x, sigma):
        noise = (x - denoiser(x, sigma)) / sigma
        return {"eps": noise, "velocity": noise - denoiser(x, sigma), "nothing": 0 * x}[predicts]

    center, scale, (words,) = told(network, pixels)
    assert (center, scale) == (0, 1)
    assert "times the noise" in words and "ProcessModel" in words


def test_units_that_are_named_are_kept(pixels):
    model = exact(2 * pixels - 1)
    model.center, model.scale = 0.5, 0.5
    assert told(model, pixels) == (0.5, 0.5, ())
    model.center, model.scale = torch.zeros(1, 8, 8), 1
    found = units_of(model, pixels, seed=0)
    assert found.units.scale == 1 and not found.fits and "in its own units" in found.warnings[0]


@pytest.mark.parametrize(
    ("center", "scale"), [("half", 0.5), (0.5, "half"), (0.5, 0), (0.5, -1), (np.nan, 1), ([0.0] * 3, 1)]
)
def test_units_that_are_none_are_refused(pixels, center, scale):
    model = exact(pixels)
    model.center, model.scale = center, scale
    with pytest.raises(InputError, match="set both to"):
        units_of(model, pixels, seed=0)


def test_losses_are_the_same_in_all_units(digits):
    sets = Sets(
        *(gather(part.numpy(), what=what) for part, what in zip(
            (digits[:12], digits[:60], digits[100:140]), ("samples", "train", "heldout"), strict=True
        ))
    )  # fmt: skip
    test = copy_test(sets.train.small, queries=50)
    plain, signed = (
        model_findings(exact(points), sets, REQUEST, test) for points in (digits[:60], 2 * digits[:60] - 1)
    )
    assert [one.auc.value for one in signed.signals] == pytest.approx(
        [one.auc.value for one in plain.signals], abs=1e-4
    )
    assert any("gave it images in [−1, 1]" in words for words in signed.warnings)
    assert not any("gave it images in" in words for words in plain.warnings)


class Signed:
    """A denoiser of images in [−1, 1] that knows its shape only."""

    shape, device = (1, 8, 8), torch.device("cpu")

    def __init__(self, pixels):
        self.denoiser = exact(2 * pixels - 1)

    def __call__(self, x, sigma):
        return 1.02 * self.denoiser(x, sigma)  # networks overshoot


def test_samples_of_a_denoiser_come_back_to_pixels_from_its_units(digits):
    model, seeds, levels = Signed(digits[:60]), range(110), karras_levels(6)
    result = audit(
        samples=model, levels=levels, count=12, train=digits[:60].numpy(), heldout=digits[60:69].numpy(),
        planted=4, queries=50,
    )  # fmt: skip
    assert len(result.pairs) == 12 and all(pair.score > 5 and pair.residual < 0.1 for pair in result.pairs)
    assert sum("gave it images in [−1, 1]" in words for words in result.warnings) == 1
    found = sampled_units(model, None, gather(digits[:60].numpy(), what="train"), 0)
    drawn = found.to_pixels(sample(model, seeds=seeds, levels=levels))
    nearest = torch.cdist(drawn.flatten(1), digits[:60].flatten(1)).amin(1)
    assert float(nearest.max()) < 0.2


def test_samples_that_no_units_explain_are_read_as_before(digits):
    train = gather(digits[:60].numpy(), what="train")
    found = sampled_units(lambda x, sigma: x / sigma, (1, 8, 8), train, 0)
    assert found.to_pixels is None and found.warnings
    assert sampled_units(empirical(digits[:5]), (1, 9, 9), train, 0) is None
    assert sampled_units(lambda count, stream: None, None, train, 0) is None
    assert sampled_units(digits.numpy(), None, train, 0) is None
