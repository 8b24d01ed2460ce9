"""The only module that multiplies float32 matrices, x · wᵀ + bias, with the library that is faster on this machine.

On some processors the float32 product of oneDNN runs at up to 2.2 times the rate of the BLAS behind `torch.mm`
(if that BLAS is limited to AVX2); on others the two tie.  The choice is made once per process by timing both.  A tie goes to
BLAS, so that the bits of a result change only for a real gain.  Both have ordinary float32 error.

    backend    product
    ------------------------------------------------------------------------------
    "onednn"   `torch.ops.mkldnn._linear_pointwise`, a private operator: checked before use
    "mixed"    "onednn" without gradients, `torch.addmm` with gradients: autograd's way through Python costs a small gain
    "blas"     `torch.addmm`, always there; also for every other precision and device

The environment variable BYHEART_PRODUCTS names a backend and overrides the timing.
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

# Where oneDNN gains 7 %, a training step of small products is still 5 to 10 % slower through oneDNN.
_WORTH_GRADIENTS = 1.5
_WORTH_IT = 1.05  # a smaller gain counts as a tie, because timing noise must not decide which bits a run gets
_AGREEMENT = 1e-5  # largest error over largest value; float32 itself errs by about 1e-6

_chosen: Backend | None = None


def product_backend() -> Backend:
    """Return the backend of this process: pinned, named by BYHEART_PRODUCTS, or timed at the first call.

    Raises InputError if BYHEART_PRODUCTS names an unknown or absent backend.
    """
    if _chosen is None:
        use_backend(cast(Backend, os.environ.get("BYHEART_PRODUCTS") or _faster()))
    return cast(Backend, _chosen)


def use_backend(name: Backend) -> None:
    """Pin the backend, so that a resumed run gets the same bits as an undisturbed run.

    Raises InputError for an unknown name, and for "onednn" or "mixed" if this build of torch has no oneDNN.
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
    """Compute x · wᵀ + bias without gradient.

    x: (m, d).  w: (n, d).  bias: (n,).  Returns (m, n).  float32 on the CPU goes through the backend, everything
    else through `addmm`.
    """
    if _through_onednn(x) and product_backend() != "blas":
        return _onednn(x, w, bias)
    return torch.mm(x, w.T) if bias is None else torch.addmm(bias, x, w.T)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute x · weightᵀ + bias with gradient, in place of `torch.nn.functional.linear`.

    x: (*, d).  weight: (n, d).  bias: (n,).  Returns (*, n).
    """
    taken = ("onednn",) if torch.is_grad_enabled() else ("onednn", "mixed")
    if not _through_onednn(x) or product_backend() not in taken:
        return functional.linear(x, weight, bias)
    rows: Tensor = _OneDNNLinear.apply(x.reshape(-1, x.shape[-1]), weight, bias)  # type: ignore[no-untyped-call]
    return rows.reshape(*x.shape[:-1], len(weight))


class _OneDNNLinear(torch.autograd.Function):
    """oneDNN's product, which has no derivative of its own; both gradients are again products of the same form."""

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
        # The operator has no batching rule, and under vmap the stacked product of BLAS is the better form.
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
    """Time both backends on one product of two (size, size) matrices, alternating, in about 70 ms; return the faster one."""
    if not _onednn_present():
        return "blas"
    x, w = torch.rand(2, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float32) - 0.5
    exact = x.double() @ w.double().T
    error = float((_onednn(x, w, None) - exact).abs().max() / exact.abs().max())
    if not error <= _AGREEMENT:  # written so that NaN fails, too
        return "blas"
    seconds: dict[str, list[float]] = {"onednn": [], "blas": []}
    for _ in range(rounds):
        seconds["onednn"].append(_seconds(lambda: _onednn(x, w, None)))
        seconds["blas"].append(_seconds(lambda: torch.mm(x, w.T)))
    # Minima of processor time, because other programs can only add time and must not decide.
    gain = min(seconds["blas"]) / min(seconds["onednn"])
    if gain >= _WORTH_GRADIENTS:
        return "onednn"
    return "mixed" if gain >= _WORTH_IT else "blas"


def _seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start
