"""Both backends multiply alike, differentiate alike, and the choice between them can be named and pinned."""

import pytest
import torch
from torch.nn import functional

from byheart._checks import InputError
from byheart.numerics import products
from byheart.numerics.products import linear, matmul_t, product_backend, use_backend
from byheart.random import generator

BACKENDS = ["blas", "mixed", "onednn"]


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    """Every test finds a process that has not chosen yet, and leaves the real one as it was."""
    monkeypatch.setattr(products, "_chosen", None)
    monkeypatch.delenv("BYHEART_PRODUCTS", raising=False)


@pytest.fixture(params=BACKENDS)
def backend(request):
    use_backend(request.param)
    return request.param


def operands(*shapes, dtype=torch.float32):
    g = generator(0)
    return [torch.randn(shape, generator=g, dtype=torch.float64).to(dtype) for shape in shapes]


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize(
    ("m", "n", "d"), [(1, 1, 1), (7, 5, 3), (64, 33, 257), (0, 4, 3), (4, 0, 3), (2, 3, 0)]
)
def test_the_product_is_that_of_float64(backend, m, n, d, with_bias):
    x, w, bias = operands((m, d), (n, d), (n,))
    exact = x.double() @ w.double().T + (bias.double() if with_bias else 0)
    result = matmul_t(x, w, bias if with_bias else None)
    assert result.dtype == torch.float32 and result.shape == (m, n)
    # 257 terms of about 1: float32 errs by some 1e-5 in all, bf16 by a thousand times that.
    torch.testing.assert_close(result.double(), exact, rtol=1e-5, atol=5e-5)


def test_the_backends_agree_to_1e_5_of_the_largest_value():
    x, w = operands((256, 784), (512, 784))
    results = []
    for name in BACKENDS:
        use_backend(name)
        results.append(matmul_t(x, w))
    for other in results[1:]:
        assert (results[0] - other).abs().max() <= 1e-5 * results[0].abs().max()


def test_mixed_leaves_gradients_to_blas(monkeypatch):
    calls = []
    monkeypatch.setattr(products, "_onednn", lambda x, w, bias: calls.append(1) or torch.addmm(bias, x, w.T))
    use_backend("mixed")
    x, w, bias = operands((4, 3), (5, 3), (5,))
    linear(x, w.requires_grad_(), bias)
    assert calls == []
    with torch.no_grad():
        linear(x, w, bias)
    matmul_t(x, w.detach(), bias)
    assert calls == [1, 1]


def test_strided_operands(backend):
    x, w = operands((6, 40), (9, 20))
    strided = x[::2, ::2]
    torch.testing.assert_close(matmul_t(strided, w), strided @ w.T, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(matmul_t(w.T, x[:, :9]), w.T @ x[:, :9].T, rtol=1e-5, atol=1e-5)


def test_float64_stays_float64(backend):
    x, w, bias = operands((5, 300), (4, 300), (4,), dtype=torch.float64)
    torch.testing.assert_close(matmul_t(x, w, bias), x @ w.T + bias, rtol=1e-14, atol=1e-13)


def test_the_product_has_no_gradient(backend):
    x, w = operands((3, 4), (5, 4))
    assert not matmul_t(x.requires_grad_(), w).requires_grad


@pytest.mark.parametrize("shape", [(4,), (6, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_linear_and_its_gradients_are_those_of_torch(backend, shape, with_bias):
    inputs = operands(shape, (5, 4), (5,))[: 3 if with_bias else 2]
    for x in inputs:
        x.requires_grad_()
    ours, theirs = linear(*inputs), functional.linear(*inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    gradients = [torch.autograd.grad(y.sin().sum(), inputs) for y in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-5)


def test_linear_skips_the_gradients_nobody_needs():
    use_backend("onednn")
    x, weight = operands((3, 4), (5, 4))
    linear(x, weight.requires_grad_()).sum().backward()
    assert x.grad is None and weight.grad.shape == weight.shape


def of(function):
    return lambda x, weight, bias: function(x, weight, bias).tanh().square().sum()


def second_order(f, inputs):
    first = torch.autograd.grad(f(*inputs), inputs, create_graph=True)
    return torch.autograd.grad(sum(g.square().sum() for g in first), inputs)


TRANSFORMS = {
    "double backward": second_order,
    "grad": lambda f, inputs: torch.func.grad(f, argnums=(0, 1, 2))(*inputs),
    "vmap": lambda f, inputs: torch.vmap(f, (0, None, None))(*inputs),
    "grad per sample": lambda f, inputs: torch.vmap(torch.func.grad(f, 1), (0, None, None))(*inputs),
    "jvp": lambda f, inputs: torch.func.jvp(f, tuple(inputs), tuple(2 * x for x in inputs)),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own jvp
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_linear_under_function_transforms(backend, transform):
    inputs = [x.requires_grad_() for x in operands((2, 3, 4), (5, 4), (5,))]
    ours, theirs = (transform(of(f), inputs) for f in (linear, functional.linear))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_the_environment_settles_the_backend(monkeypatch):
    for name in BACKENDS:
        monkeypatch.setattr(products, "_chosen", None)
        monkeypatch.setenv("BYHEART_PRODUCTS", name)
        assert product_backend() == name


@pytest.mark.parametrize(
    ("onednn", "blas", "chosen"),
    [
        (1.0, 2.0, "onednn"),
        (1.0, 1.4, "mixed"),
        (1.0, 1.07, "mixed"),
        (1.0, 1.03, "blas"),
        (2.0, 1.0, "blas"),
    ],
)
def test_the_faster_backend_is_chosen_and_a_tie_goes_to_blas(monkeypatch, onednn, blas, chosen):
    calls = iter([onednn, blas] * 9)
    monkeypatch.setattr(products, "_seconds", lambda work: next(calls))
    assert product_backend() == chosen
    assert product_backend() == chosen  # once a process: the clock has run out


def test_a_backend_that_gives_nan_is_not_chosen(monkeypatch):
    monkeypatch.setattr(products, "_onednn", lambda x, w, bias: x @ w.T * float("nan"))
    calls = iter([1.0, 9.0] * 9)
    monkeypatch.setattr(products, "_seconds", lambda work: next(calls))
    assert product_backend() == "blas"


def test_one_slow_moment_does_not_choose(monkeypatch):
    calls = iter([1.0, 9.0] * 8 + [1.0, 1.0])
    monkeypatch.setattr(products, "_seconds", lambda work: next(calls))
    assert product_backend() == "blas"


def test_a_product_that_is_not_float32_is_not_chosen(monkeypatch):
    def coarse(x, w, bias):
        return (x.bfloat16() @ w.bfloat16().T).float()

    monkeypatch.setattr(products, "_onednn", coarse)
    monkeypatch.setattr(products, "_seconds", lambda work: 1 / 0)
    assert product_backend() == "blas"


def test_a_pinned_backend_stays():
    for name in BACKENDS:
        use_backend(name)
        assert product_backend() == name


def test_an_unknown_backend_is_refused(monkeypatch):
    with pytest.raises(InputError, match="onednn, mixed, blas"):
        use_backend("mkl")
    monkeypatch.setenv("BYHEART_PRODUCTS", "cuda")
    with pytest.raises(InputError, match="'cuda'"):
        product_backend()


def test_an_absent_backend_is_refused_and_never_chosen(monkeypatch):
    monkeypatch.setattr(products, "_onednn_present", lambda: False)
    assert product_backend() == "blas"
    with pytest.raises(InputError, match="choose 'blas'"):
        use_backend("onednn")
