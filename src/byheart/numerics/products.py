"""The one place where float32 matrices are multiplied: x · wᵀ + bias, by whichever library is faster here.

On some processors the float32 product of oneDNN runs at up to 2.2 times the rate of the BLAS behind `torch.mm`
(where that one keeps to AVX2), on others they tie.  The choice is made once a process by timing both; a tie goes to BLAS, so that the bits of a
result change only where it is worth it.  Both have ordinary float32 error.

    backend    product
    ------------------------------------------------------------------------------
    "onednn"   `torch.ops.mkldnn._linear_pointwise`, a private operator: checked before use
    "mixed"    that one without gradients, `torch.addmm` with them: a small gain is lost in autograd's way through Python
    "blas"     `torch.addmm`, always there; also every other precision and device

The environment variable BYHEART_PRODUCTS names a backend and settles the matter.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor
from torch.nn import functional

from byheart._checks import InputError

__all__ = ["Backend", "linear", "matmul_t", "product_backend", "use_backend"]

Backend = Literal["onednn", "mixed", "blas"]

_WORTH_GRADIENTS = (
    1.5  # a training step of small products is 5 to 10 % slower through oneDNN where that gains 7 %
)
_WORTH_IT = 1.05  # below this gain the two are a tie: noise must not decide which bits a run gets
_AGREEMENT = 1e-5  # largest error over largest value; float32 itself errs by about 1e-6

_chosen: Backend | None = None


def product_backend() -> Backend:
    """The backend of this process: pinned, or named by BYHEART_PRODUCTS, or timed at the first call.

    Raises InputError if BYHEART_PRODUCTS names an unknown or absent backend.
    """
    if _chosen is None:
        use_backend(cast(Backend, os.environ.get("BYHEART_PRODUCTS") or _faster()))
    return cast(Backend, _chosen)


def use_backend(name: Backend) -> None:
    """Pin the backend, as a resumed run does to get the bits it would have got undisturbed.

    Raises InputError for an unknown name, and for "onednn" or "mixed" where this build of torch has no oneDNN.
    """
    global _chosen
    if name not in get_args(Backend):
        raise InputError(
            got=f"product backend {name!r}",
            need=f"one of {', '.join(get_args(Backend))}",
            remedy="name one of these in BYHEART_PRODUCTS, or unset it",
        )
    if name != "blas" and not _onednn_present():
        raise InputError(
            got=f"product backend {name!r}",
            need="a build of torch that has oneDNN's linear",
            remedy="choose 'blas' (other bits, the same float32 accuracy)",
        )
    _chosen = name


@torch.no_grad()
def matmul_t(x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    """x · wᵀ + bias without gradient.

    x: (m, d).  w: (n, d).  bias: (n,).  Returns (m, n).  float32 on the CPU goes through the backend, all
    else through `addmm`.
    """
    if _through_onednn(x) and product_backend() != "blas":
        return _onednn(x, w, bias)
    return torch.mm(x, w.T) if bias is None else torch.addmm(bias, x, w.T)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x · weightᵀ + bias with gradient, in place of `torch.nn.functional.linear`.

    x: (*, d).  weight: (n, d).  bias: (n,).  Returns (*, n).
    """
    taken = ("onednn",) if torch.is_grad_enabled() else ("onednn", "mixed")
    if not _through_onednn(x) or product_backend() not in taken:
        return functional.linear(x, weight, bias)
    rows: Tensor = _OneDNNLinear.apply(x.reshape(-1, x.shape[-1]), weight, bias)  # type: ignore[no-untyped-call]
    return rows.reshape(*x.shape[:-1], len(weight))


class _OneDNNLinear(torch.autograd.Function):
    """oneDNN's product has no derivative of its own; both gradients are again products of the same form."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _onednn(x, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.save_for_forward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        return (
            linear(grad, weight.T) if ctx.needs_input_grad[0] else None,
            linear(grad.T, x.T) if ctx.needs_input_grad[1] else None,
            grad.sum(0) if ctx.needs_input_grad[2] else None,
        )

    @staticmethod
    def jvp(ctx: Any, dx: Tensor | None, dw: Tensor | None, db: Tensor | None) -> Tensor:
        x, weight = ctx.saved_tensors
        terms = [
            None if dx is None else linear(dx, weight),
            None if dw is None else linear(x, dw),
            None if db is None else db.expand(len(x), -1),
        ]
        return cast(Tensor, sum(term for term in terms if term is not None))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        # The operator has no batching rule; under vmap the stacked product of BLAS is the right form anyway.
        return torch.vmap(functional.linear, in_dims)(*inputs), 0


def _through_onednn(x: Tensor) -> bool:
    # oneDNN refuses a product over an empty axis.
    return x.dtype == torch.float32 and x.device.type == "cpu" and x.numel() > 0


def _onednn(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(x, w, bias, "none", [], ""))


def _onednn_present() -> bool:
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(available) and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _faster(size: int = 512, rounds: int = 9) -> Backend:
    """Time both backends on one product of two (size, size) matrices, alternating: about 70 ms."""
    if not _onednn_present():
        return "blas"
    x, w = torch.rand(2, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float32) - 0.5
    exact = x.double() @ w.double().T
    error = float((_onednn(x, w, None) - exact).abs().max() / exact.abs().max())
    if not error <= _AGREEMENT:  # NaN neither
        return "blas"
    seconds: dict[str, list[float]] = {"onednn": [], "blas": []}
    for _ in range(rounds):
        seconds["onednn"].append(_seconds(lambda: _onednn(x, w, None)))
        seconds["blas"].append(_seconds(lambda: torch.mm(x, w.T)))
    # Minima of processor time: whoever else uses the machine can only add to it, and must not decide.
    gain = min(seconds["blas"]) / min(seconds["onednn"])
    if gain >= _WORTH_GRADIENTS:
        return "onednn"
    return "mixed" if gain >= _WORTH_IT else "blas"


def _seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start
