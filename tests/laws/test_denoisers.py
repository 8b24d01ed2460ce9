"""Laws that every closed form obeys.  A new denoiser joins by adding one line to DENOISERS."""

from dataclasses import dataclass, fields

import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers.barycenter import barycentric
from byheart.denoisers.base import Shaped, eps, score
from byheart.denoisers.by_condition import EmpiricalByClass, EmpiricalByKernel
from byheart.denoisers.gaussian import GaussianDenoiser, wiener
from byheart.denoisers.gaussian_mixture import GaussianMixtureDenoiser, lowrank_mixture
from byheart.denoisers.local import (
    BoundaryBrokenLocal,
    EquivariantLocal,
    LocalScore,
    PatchPosterior,
    PCALocal,
)
from byheart.denoisers.mixture import MixtureDenoiser, empirical, partial, population, smoothed
from byheart.denoisers.regularized import Shrunk, TikhonovByCovariance, consistent, tikhonov
from byheart.denoisers.templates import ColoredTemplateDenoiser
from byheart.denoisers.units import empirical_bytes


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


SHAPE = (3, 4)
TRAIN = normal(20, *SHAPE)
WEIGHTS = torch.linspace(1, 3, 20, dtype=torch.float64) / 40
SPREAD = normal(12, 12, seed=1)
TURNED = normal(3, 12, 12, seed=14)
MIX = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)

IMAGES = normal(8, 2, 3, 4, seed=14)
SPECTRUM = (torch.linspace(0.1, 3, 12, dtype=torch.float64), torch.linalg.qr(SPREAD).Q)
BYTES = torch.randint(0, 256, (20, *SHAPE), generator=torch.Generator().manual_seed(15), dtype=torch.uint8)


@dataclass
class Asked:
    """A conditional denoiser, asked for one condition by all rows."""

    model: EmpiricalByClass | EmpiricalByKernel
    condition: torch.Tensor

    @property
    def shape(self):
        return self.model.shape

    @property
    def device(self):
        return self.model.device

    def __call__(self, x, sigma):
        return self.model(x, sigma, self.condition.expand((*x.shape[:1], *self.condition.shape)))


DENSITIES = {
    "empirical": empirical(TRAIN),
    "empirical in chunks": MixtureDenoiser(TRAIN, chunk=3),
    "partial": partial(TRAIN, 7, seed=0),
    "smoothed": smoothed(TRAIN, 0.5),
    "population": population(TRAIN, 0.8, WEIGHTS),
    "weighted points": MixtureDenoiser(TRAIN, log_weights=WEIGHTS.log(), chunk=8),
    "one point": empirical(TRAIN[:1]),
    "gaussian": GaussianDenoiser.from_covariance(TRAIN[0], SPREAD @ SPREAD.T / 12),
    "gaussian of many points": wiener(normal(40, *SHAPE, seed=2)),
    "gaussian of few points": wiener(TRAIN[:5]),
    "mixture of gaussians": GaussianMixtureDenoiser(
        tuple(
            GaussianDenoiser.from_covariance(TRAIN[k], turned @ turned.T / 12)
            for k, turned in enumerate(TURNED)
        ),
        MIX,
    ),
    "mixture of low rank": lowrank_mixture(
        TRAIN[:3], [0.7 * TURNED[k][:, : k + 1] for k in range(3)], 0.2, MIX
    ),
    "colored templates": ColoredTemplateDenoiser(TRAIN[:3, 0], normal(3, 3, seed=16), 0.8, MIX),
}
PIECEWISE = {  # denoisers of no density: put together from those of windows, or of shifted x
    "local": LocalScore(IMAGES, 3, chunk=3),
    "local by level": LocalScore(IMAGES, lambda sigma: 1 if sigma < 0.5 else 5),
    "patches": PatchPosterior(IMAGES, 2, chunk=3),
    "equivariant": EquivariantLocal(IMAGES, 3, chunk=3),
    "boundary-broken": BoundaryBrokenLocal(IMAGES, 3, chunk=3),
    "by covariance": PCALocal(IMAGES, 0.2, chunk=3),
    "barycentric": barycentric(empirical(TRAIN), 3, 0.3, seed=0),
    "half shrunk": Shrunk(empirical(TRAIN), lambda x, sigma: 1 / (1 + sigma.double() ** 2)),
    "tikhonov": tikhonov(empirical(TRAIN), 0.1),
    "consistent": consistent(empirical(TRAIN), 1.5),
    "shrunk by covariance": TikhonovByCovariance(empirical(TRAIN), 0.1, *SPECTRUM),
    "bytes": empirical_bytes(BYTES, 0.02, -2.5),
    "by class": Asked(EmpiricalByClass(TRAIN, torch.arange(20) % 2), torch.tensor(1)),
    "by kernel": Asked(EmpiricalByKernel(TRAIN, torch.arange(20.0)[:, None] % 2, 0.1), torch.tensor([1.0])),
}
NARROW = {  # laws of 1e-12 are not for float32
    "empirical in float32": MixtureDenoiser(TRAIN, precision="float32", chunk=8),
    "bytes in float32": empirical_bytes(BYTES, 0.02, -2.5, precision="float32"),
    "by kernel in float32": Asked(
        EmpiricalByKernel(TRAIN, torch.arange(20.0)[:, None] % 2, 0.1, "float32"), torch.tensor([1.0])
    ),
    "local in float32": LocalScore(IMAGES, 3, "float32", chunk=3),
    "equivariant in float32": EquivariantLocal(IMAGES, 3, "float32", chunk=3),
}
DENOISERS = DENSITIES | PIECEWISE
MEANS = {  # of the distribution: what is left of it under very much noise
    "partial": DENSITIES["partial"].centers.mean(0),
    "population": (WEIGHTS.reshape(-1, 1, 1) * TRAIN).sum(0),
    "weighted points": (WEIGHTS.reshape(-1, 1, 1) * TRAIN).sum(0),
    "one point": TRAIN[0],
    "gaussian": TRAIN[0],
    "gaussian of many points": normal(40, *SHAPE, seed=2).mean(0),
    "gaussian of few points": TRAIN[:5].mean(0),
    "mixture of gaussians": (MIX.reshape(-1, 1, 1) * TRAIN[:3]).sum(0),
    "mixture of low rank": (MIX.reshape(-1, 1, 1) * TRAIN[:3]).sum(0),
    "colored templates": torch.einsum("k,kc,kp->cp", MIX, normal(3, 3, seed=16), TRAIN[:3, 0]),
    "bytes": 0.02 * BYTES.double().mean(0) - 2.5,
    "by class": TRAIN[1::2].mean(0),
    "by kernel": TRAIN[1::2].mean(0),
    **dict.fromkeys(("local", "local by level", "patches", "by covariance"), IMAGES.mean(0)),
    # The centers of all patches inside, and of those at the same distance from the border.
    "equivariant": IMAGES[:, :, 1:-1, 1:-1].mean((0, 2, 3)).reshape(2, 1, 1).expand(2, 3, 4),
    "boundary-broken": (IMAGES.mean(0)[:, :, [0, 1, 1, 3]] + IMAGES.mean(0)[:, :, [0, 2, 2, 3]]) / 2,
}


def rows(name, count, seed=0):
    return normal(count, *(DENOISERS | NARROW)[name].shape, seed=seed)


@pytest.fixture(autouse=True, params=[True, False], ids=["gradients on", "off"])
def gradients(request):
    """What a denoiser says does not depend on whether torch would record it."""
    with torch.set_grad_enabled(request.param):
        yield


every_density = pytest.mark.parametrize("name", DENSITIES)
every_denoiser = pytest.mark.parametrize("name", DENOISERS)


@every_density
@pytest.mark.parametrize("sigma", [0.1, 0.7, 3.0, 50.0])
def test_tweedie(name, sigma):
    denoiser, level = DENOISERS[name], torch.tensor(sigma, dtype=torch.float64)
    x = (TRAIN[:6] + sigma * normal(6, *SHAPE, seed=3)).requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(denoiser.log_density(x, level).sum(), x)
    torch.testing.assert_close(score(denoiser, x, level), gradient, rtol=1e-8, atol=1e-8)


@every_density
def test_log_density_is_normalized_noise(name):
    # Under very much noise the density is N(mean, σ²I), to first order in (width / σ)².
    denoiser, sigma = DENOISERS[name], torch.tensor(1e5, dtype=torch.float64)
    x = sigma * normal(5, *SHAPE, seed=4)
    expected = torch.distributions.Normal(MEANS.get(name, TRAIN.mean(0)), sigma).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(denoiser.log_density(x, sigma), expected, rtol=1e-6, atol=0)


@every_denoiser
def test_rows_are_independent(name):
    denoiser, x, sigma = DENOISERS[name], rows(name, 7, seed=5), normal(7, seed=6).abs() + 0.1
    alone = torch.cat([denoiser(x[i : i + 1], sigma[i]) for i in range(7)])
    torch.testing.assert_close(denoiser(x, sigma), alone, rtol=1e-12, atol=1e-12)


@every_denoiser
def test_one_level_for_all_is_that_level_for_each(name):
    denoiser, x, sigma = DENOISERS[name], rows(name, 5, seed=7), torch.tensor(0.6, dtype=torch.float64)
    torch.testing.assert_close(denoiser(x, sigma), denoiser(x, sigma.expand(5)), rtol=1e-13, atol=1e-13)
    if name in DENSITIES:
        torch.testing.assert_close(
            denoiser.log_density(x, sigma), denoiser.log_density(x, sigma.expand(5)), rtol=1e-13, atol=1e-13
        )


@every_denoiser
@pytest.mark.parametrize("sigma", [1e6, 1e30, 1e160, 1e300])
def test_huge_noise_leaves_the_mean(name, sigma):
    denoiser, level = DENOISERS[name], torch.tensor(sigma, dtype=torch.float64)
    found = denoiser(rows(name, 4, seed=8), level)
    mean, slack = (
        MEANS.get(name, TRAIN.mean(0)),
        1 / sigma if name == "barycentric" else 0.0,
    )  # it shifts by σ
    torch.testing.assert_close(found, mean.expand_as(found), rtol=1e-9, atol=1e-9 + slack)


@every_denoiser
@pytest.mark.parametrize("sigma", [1e-6, 1e-12, 1e-30, 1e-160, 1e-300])
def test_no_noise_is_safe(name, sigma):
    denoiser, level = DENOISERS[name], torch.tensor(sigma, dtype=torch.float64)
    x = rows(name, 4, seed=9)
    first, again = denoiser(x, level), denoiser(denoiser(x, level), level)
    assert bool(first.isfinite().all())
    if name in PIECEWISE:  # a mosaic of pieces may not be its own nearest one
        return
    # What the noiseless denoiser returns has no noise left in it: a second pass leaves it as it is.
    torch.testing.assert_close(again, first, rtol=1e-8, atol=1e-8)


@every_denoiser
def test_float32_in_float32_out(name):
    denoiser, x, sigma = DENOISERS[name], rows(name, 5, seed=10), torch.tensor(0.5, dtype=torch.float64)
    found = denoiser(x.float(), sigma.float())
    assert found.dtype == torch.float32
    assert found.shape == x.shape
    torch.testing.assert_close(found.double(), denoiser(x.float().double(), sigma), rtol=1e-6, atol=1e-6)


@every_denoiser
def test_eps_and_score_are_the_same_statement(name):
    denoiser, x, sigma = DENOISERS[name], rows(name, 5, seed=11), torch.tensor(0.5, dtype=torch.float64)
    torch.testing.assert_close(eps(denoiser, x, sigma), -sigma * score(denoiser, x, sigma))


@every_density
def test_the_error_is_orthogonal_to_what_is_known(name):
    """E[(D(x, σ) − x₀) g(x)] = 0 for every g, which is what "posterior mean" says: here g = 1, D and x."""
    denoiser, sigma = DENOISERS[name], torch.tensor(0.9, dtype=torch.float64)
    x0 = draw(name, 20_000)
    x = x0 + sigma * normal(*x0.shape, seed=13)
    denoised = denoiser(x, sigma)
    for known in (torch.ones_like(x), denoised, x):
        product = (denoised - x0) * known
        standard_error = product.std(0) / len(x) ** 0.5
        assert bool((product.mean(0).abs() < 5 * standard_error + 1e-9).all())


def draw_gaussian(denoiser, count):
    coefficients = normal(count, len(denoiser.variances), seed=12) * denoiser.variances.sqrt()
    return denoiser.mean + (coefficients @ denoiser.directions.T).reshape(-1, *SHAPE)


def draw(name, count):
    denoiser, generator = DENOISERS[name], torch.Generator().manual_seed(12)
    if isinstance(denoiser, GaussianMixtureDenoiser):
        chosen = torch.multinomial(denoiser.weights, count, replacement=True, generator=generator)
        parts = torch.stack([draw_gaussian(part, count) for part in denoiser.components])
        return parts[chosen, torch.arange(count)]
    if isinstance(denoiser, GaussianDenoiser):
        return draw_gaussian(denoiser, count)
    if isinstance(denoiser, ColoredTemplateDenoiser):
        chosen = torch.multinomial(denoiser.weights, count, replacement=True, generator=generator)
        colors = denoiser.means[chosen] + denoiser.std * normal(count, 3, seed=12)
        return colors[:, :, None] * denoiser.templates[chosen][:, None]
    weights = (
        torch.ones(len(denoiser.centers)) if denoiser.log_weights is None else denoiser.log_weights.exp()
    )
    chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
    return denoiser.centers[chosen] + denoiser.std * normal(count, *SHAPE, seed=12)


@every_denoiser
def test_shape_and_device(name):
    denoiser = DENOISERS[name]
    assert isinstance(denoiser, Shaped)
    assert denoiser.shape == MEANS.get(name, TRAIN.mean(0)).shape
    assert denoiser.device == torch.device("cpu")


@every_denoiser
@pytest.mark.parametrize("shape", [(4,), (5, 1), (1,), (5, 3, 4)])
def test_a_wrong_shape_of_sigma_is_refused(name, shape):
    with pytest.raises(InputError, match=r"shape \(\) or \(5,\)"):
        DENOISERS[name](rows(name, 5), torch.ones(shape))


@every_denoiser
@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("method", ["__call__", "log_density", "n_eff"])
def test_a_level_that_is_none_is_refused(name, bad, method):
    function = getattr(DENOISERS[name], method, DENOISERS[name])
    with pytest.raises(InputError, match=r"0 < sigma < infinity.*step to 0"):
        function(rows(name, 2), torch.tensor(bad))
    with pytest.raises(InputError, match="0 < sigma"):
        function(rows(name, 2), torch.tensor([1.0, bad]))
    with pytest.raises(InputError, match="0 < sigma"):
        function(rows(name, 2)[:0], bad)


def questions(name):
    """All that a denoiser can be asked with (x, sigma)."""
    names = ("__call__", "eps", "log_density", "log_kernel_sum", "n_eff", "posterior", "responsibilities")
    return [getattr(DENOISERS[name], method) for method in names if hasattr(DENOISERS[name], method)]


def numbers(answer):
    """The tensors of an answer: itself, or its statistics."""
    if isinstance(answer, torch.Tensor):
        return [answer]
    return [part for one in fields(answer) if (part := getattr(answer, one.name)) is not None]


@every_denoiser
@pytest.mark.parametrize("sigma", [0.3, 2])
def test_a_number_is_one_level_for_all(name, sigma):
    x, level = rows(name, 3), torch.tensor(float(sigma), dtype=torch.float64)
    for function in questions(name):
        for found, expected in zip(numbers(function(x, sigma)), numbers(function(x, level)), strict=True):
            assert torch.equal(found, expected)
    for function in (eps, score):
        assert torch.equal(function(DENOISERS[name], x, sigma), function(DENOISERS[name], x, level))


@every_denoiser
@pytest.mark.parametrize("bad", ["0.5", None, [0.5, 0.5]])
def test_what_is_no_level_is_refused(name, bad):
    for function in questions(name):
        with pytest.raises(InputError, match=r"torch\.tensor"):
            function(rows(name, 2), bad)


@every_denoiser
@pytest.mark.parametrize("sigma", [0.5, torch.tensor(0.5), torch.ones(0)], ids=["number", "one", "none"])
def test_no_rows_give_no_rows(name, sigma):
    x = rows(name, 2)
    for function in questions(name):
        for found, some in zip(numbers(function(x[:0], sigma)), numbers(function(x, 0.5)), strict=True):
            assert found.shape == (0, *some.shape[1:])


@every_denoiser
@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.transpose(-1, -2),
        lambda x: x[0],
        lambda x: torch.tensor(1.0),
        lambda x: x.long(),
        lambda x: x[:0, :1],
    ],
    ids=["another shape", "one sample", "a number", "integers", "no rows of another shape"],
)
def test_a_wrong_x_is_refused(name, wrong):
    with pytest.raises(InputError, match=r"\(b, (2, )?3, 4\)"):
        DENOISERS[name](wrong(rows(name, 5)), torch.tensor(1.0))


def reference(centers, std, log_weights, x, sigma):
    """The mixture's denoiser as its docstring writes it, row by row in float64: D, eps and log p."""
    rows, means = x.flatten(1).double(), centers.flatten(1).double()
    noise = sigma.double().expand(len(x)).unsqueeze(1)
    variance = std**2 + noise**2
    logits = log_weights - (rows.unsqueeze(1) - means).square().sum(2) / (2 * variance)
    mean = logits.softmax(1) @ means
    denoised = (noise**2 * mean + std**2 * rows) / variance
    eps_hat = noise * (rows - mean) / variance
    log_volume = means.shape[1] / 2 * (2 * torch.pi * variance.squeeze(1)).log()
    return denoised.reshape(x.shape), eps_hat.reshape(x.shape), logits.logsumexp(1) - log_volume


@pytest.mark.parametrize(
    "name",
    ["empirical", "empirical in chunks", "partial", "smoothed", "population", "weighted points", "one point"],
)
@pytest.mark.parametrize("sigma", [0.05, 0.7, 30.0])
def test_a_mixture_is_the_formula_of_its_docstring(name, sigma):
    mixture, x, level = DENSITIES[name], normal(9, *SHAPE, seed=21), torch.tensor(sigma)
    k = len(mixture.centers)
    logs = torch.full((k,), 1 / k).log().double() if mixture.log_weights is None else mixture.log_weights
    denoised, eps_hat, log_density = reference(mixture.centers, mixture.std, logs, x, level)
    torch.testing.assert_close(mixture(x, level), denoised, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(eps(mixture, x, level), eps_hat, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(mixture.log_density(x, level), log_density, rtol=1e-6, atol=1e-6)
