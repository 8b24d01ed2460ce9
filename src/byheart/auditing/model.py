"""What the model itself shows: its losses on training and held-out images, and its samples after denoising.

The denoiser works on its own device, and in its own units (see `units`).  A denoiser of `byheart.load` knows its units (`center`,
`scale`, `shape`); any other denoiser gets images at the size of the files, in the units in which it denoises training images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from byheart._checks import InputError
from byheart.analysis.calibration.ranks import chosen_rank
from byheart.auditing.assess import channel, share
from byheart.auditing.inputs import Images, working_size
from byheart.auditing.inputs.full_size import drawn_pixels, pixels_of
from byheart.auditing.inputs.window import windowed
from byheart.auditing.record import Channel, Signal
from byheart.auditing.sets import Request, Sets
from byheart.auditing.units import Denoiser, Units, device_of, units_of
from byheart.denoisers.base import denoise
from byheart.metrics.copying.copy_test import CopyTest
from byheart.metrics.copying.null import heldout_null
from byheart.metrics.denoising import loss_gap
from byheart.metrics.flipd import dimension_gap
from byheart.metrics.membership import ModelSignal, signal
from byheart.random import derive
from byheart.sampling.draw import evaluating

__all__ = ["LEVELS", "ModelFindings", "model_findings"]

LEVELS = (0.1, 0.2, 0.5, 1.0)
"""Noise levels of the losses, in units of the data's RMS about its mean."""

DENOISED_AT = 0.1
_IMAGES = 512  # on each side of the losses
_DIMENSION = 64  # images on each side of the local dimension
_BATCH = 256


@dataclass(frozen=True)
class ModelFindings:
    """Findings by noise level in `signals`.  denoised: tests of samples that were denoised first.  warnings: what was left out."""

    signals: tuple[Signal, ...]
    denoised: tuple[Channel, ...]
    warnings: tuple[str, ...]


@torch.no_grad()
def model_findings(denoiser: Denoiser, sets: Sets, request: Request, test: CopyTest) -> ModelFindings:
    """Compute the losses of a denoiser on images at their own size; nothing, with the reason, if the denoiser cannot be evaluated.

    test: of the training images, with which denoised samples are compared as well.
    """
    _, train, heldout = sets.images
    if heldout is None:
        return ModelFindings(
            (),
            (),
            ("The losses of the model were not computed: there are no held-out images to compare with.",),
        )
    shape = tuple(getattr(denoiser, "shape", train.shape))
    if not train.shape == heldout.shape == shape:
        text = f"The model works on {shape}, the images are {train.shape} and {heldout.shape}: its losses were not computed."
        return ModelFindings((), (), (text,))
    try:
        with evaluating(denoiser):
            return _asked(denoiser, sets, request, test)
    except InputError as error:
        return ModelFindings((), (), (f"The losses of the model were not computed: {error}.",))


def _asked(denoiser: Denoiser, sets: Sets, request: Request, test: CopyTest) -> ModelFindings:
    samples, train, heldout = sets.images
    assert heldout is not None
    request.tell("computing losses of the model", 0, 1)
    chosen = [drawn_pixels(one, _IMAGES, request.seed) for one in (train, heldout)]
    fitted = units_of(denoiser, chosen[0], request.seed)
    units = fitted.units
    known, fresh = (units.inward(x).to(device_of(denoiser)) for x in chosen)
    levels = [level * units.rms for level in LEVELS]
    seed = derive(request.seed, "losses")
    gaps = {level: loss_gap(denoiser, known, fresh, level, seed) for level in levels}
    exact = [level for level, gap in gaps.items() if min(gap.train, gap.heldout) == 0]
    found = [
        signal(gap, level, len(known), len(fresh))
        for level, gap in gaps.items()
        if level not in exact  # without a loss there is no quotient of losses
    ]
    few = [x[:_DIMENSION] for x in (known, fresh)]
    return ModelFindings(
        tuple(_signal(denoiser, one, few, units.rms, request.seed) for one in found),
        _denoised(denoiser, units, samples, heldout, request, test) if samples.shape == train.shape else (),
        fitted.warnings
        + tuple(
            f"At noise of {level / units.rms:g} times the data's RMS the model returns every training image exactly."
            for level in exact
        ),
    )


def _signal(denoiser: Denoiser, one: ModelSignal, few: list[Tensor], rms: float, seed: int) -> Signal:
    size = min(map(len, few))
    dimension = dimension_gap(
        denoiser, few[0][:size], few[1][:size], one.sigma, seed=derive(seed, "dimension")
    )
    tpr = one.membership.tpr
    return Signal(
        sigma=one.sigma / rms,
        loss_train=one.losses.train,
        loss_heldout=one.losses.heldout,
        gap=share(one.gap),
        log_ratio=one.log_ratio.value,
        auc=share(one.membership.auc),
        tpr=None if tpr is None else tpr.value,
        tpr_low=None if tpr is None else tpr.low,
        tpr_high=None if tpr is None else tpr.high,
        dimension_train=dimension.train.value,
        dimension_heldout=dimension.heldout.value,
    )


def _denoised(
    denoiser: Denoiser, units: Units, samples: Images, heldout: Images, request: Request, test: CopyTest
) -> tuple[Channel, ...]:
    """Make the test of whole images with samples and held-out images that were both denoised a little first."""
    request.tell("comparing denoised samples", 0, 1)
    device = device_of(denoiser)
    level = torch.tensor(DENOISED_AT * units.rms, dtype=torch.float32, device=device)

    def through(one: Images) -> Tensor:
        parts = []
        for start in range(0, len(one), _BATCH):
            rows = range(start, min(start + _BATCH, len(one)))
            x = units.inward(pixels_of(one, rows)).to(device)
            denoised = units.outward(denoise(denoiser, x, level).to("cpu"))
            parts.append(windowed(working_size(denoised.clamp(0, 1), request.pad), one.window))
        return torch.cat(parts)

    null, seen = heldout_null(test, through(heldout)), test(through(samples), whole_only=True)
    rank = chosen_rank(request.alpha, len(heldout), rule=request.rule)
    p, may_flag = null.whole(seen.whole), rank.rank is not None
    return (channel("whole", p, null.plain.whole, rank, may_flag=may_flag, guard=null.blurred).record,)
