"""Models as the source of samples: pipelines, samplers and denoisers, drawn from once by a seed.

    what is passed                                       how it is drawn from
    ---------------------------------------------------------------------------------------------------------------------
    a pipeline in the manner of diffusers                pipeline(batch_size=b, generator=[one a sample]).images
    sampler(n, generator)                                called with at most 256 and one generator, until there are enough
    a denoiser (knows its shape, is a torch module,      `byheart.sampling.draw.sample`, one stream of noise a sample;
      or shape= is given)                                its `to_pixels`, or the one that is given, brings samples into
                                                         [0, 1], where they are cut

A pipeline that needs a prompt, or another number of steps, is bound first: functools.partial(pipeline, prompt="…").
"""

from __future__ import annotations

import copy
import inspect
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from byheart._checks import InputError
from byheart.data.pictures import picture_values
from byheart.data.raw import Array
from byheart.data.reader.tensors import as_numpy
from byheart.data.reader.values import channels_first
from byheart.denoisers.base import Shaped
from byheart.random import derive, generator
from byheart.sampling.draw import sample

__all__ = ["drawn", "is_denoiser", "is_pipeline", "model_name"]

AT_A_TIME = 256
IN_MEMORY = 2**28  # bytes; more lie in a temporary file
_PIPELINE = {"num_inference_steps", "output_type"}


def drawn(
    model: Callable[..., Any],
    count: int,
    seed: int,
    *,
    shape: tuple[int, ...] | None = None,
    levels: Tensor | None = None,
    batch: int | None = None,
    to_pixels: Callable[[Tensor], Tensor] | None = None,
) -> Array:
    """Draw `count` samples of a model, (count, …) as the model makes them.

    shape, levels: of a denoiser that does not know them.  to_pixels: of a denoiser without its own.  batch: samples at a time; None: 8 of a pipeline, else 256.
    Raises InputError for a model that cannot be drawn from by itself, or returns something else than `count` images, for
    settings that it would ignore, and for a batch below 1.
    """
    if batch is not None and batch < 1:
        raise InputError(got=f"batch {batch}", need="at least one sample at a time", remedy="leave it out")
    if is_pipeline(model):
        _check_denoiser(model, shape, levels)
        blocks = _of_pipeline(model, count, seed, batch or 8)
    elif is_denoiser(model, shape):
        own = getattr(model, "to_pixels", to_pixels)
        blocks = _of_denoiser(model, count, seed, shape, levels, batch or AT_A_TIME, own)
    else:
        _check_denoiser(model, shape, levels)
        blocks = _of_sampler(model, count, seed, batch or AT_A_TIME)
    return _kept(blocks, count)


def _check_denoiser(model: object, shape: tuple[int, ...] | None, levels: Tensor | None) -> None:
    """Raise InputError for the shape or the noise levels of what is no denoiser."""
    if shape is None and levels is None:
        return
    pipeline = is_pipeline(model)
    raise InputError(
        got=f"{'shape or levels' if pipeline else 'levels without shape'} for a {model_name(model)}",
        need="a denoiser: a pipeline and a sampler(n, generator) know what they draw, and from where",
        remedy="leave it out" if pipeline else "leave it out, or give a denoiser's shape too",
    )


def is_denoiser(model: object, shape: tuple[int, ...] | None) -> bool:
    """Say whether a model is drawn from as a denoiser.  shape: of one sample, as it was given."""
    return not is_pipeline(model) and (isinstance(model, nn.Module | Shaped) or shape is not None)


def is_pipeline(model: object) -> bool:
    """Say whether a model is called as pipelines of diffusers are."""
    # An attribute of such a pipeline is looked up in its configuration; only its signature can be asked safely.
    inner = model
    while isinstance(inner, partial):
        inner = inner.func
    if not callable(model) or inspect.isroutine(inner) or isinstance(inner, nn.Module):
        return False
    return bool(_PIPELINE & _parameters(model))


def _parameters(model: Callable[..., Any]) -> set[str]:
    try:
        return set(inspect.signature(model).parameters)
    except (TypeError, ValueError):  # a callable written in C
        return set()


def _of_pipeline(model: Callable[..., Any], count: int, seed: int, batch: int) -> Iterator[Array]:
    pipeline, takes = _quiet(model), _parameters(model)
    bound = set(model.keywords) if isinstance(model, partial) else set()
    if "batch_size" not in takes and not (
        bound & {"prompt", "prompt_embeds"} and "num_images_per_prompt" in takes
    ):
        raise InputError(
            got=f"a {model_name(model)}, which cannot draw by itself",
            need="a call with batch_size, or a bound prompt",
            remedy='bind what it needs, functools.partial(pipeline, prompt="…"), or pass a function sampler(n, generator)',
        )
    number = "batch_size" if "batch_size" in takes else "num_images_per_prompt"
    for first in range(0, count, batch):
        rows = range(first, min(first + batch, count))
        streams = [generator(derive(seed, "samples", row)) for row in rows]
        answer = pipeline(**{number: len(rows), "generator": streams})
        yield _stacked(model, getattr(answer, "images", answer), len(rows))


def _quiet(model: Any) -> Any:
    """Copy the pipeline without its progress bar; the user's own pipeline keeps the bar."""
    if isinstance(model, partial):
        return partial(_quiet(model.func), *model.args, **model.keywords)
    if not hasattr(type(model), "set_progress_bar_config"):
        return model
    twin = copy.copy(model)
    twin.set_progress_bar_config(disable=True)
    return twin


def _of_sampler(model: Callable[..., Any], count: int, seed: int, batch: int) -> Iterator[Array]:
    stream = generator(derive(seed, "samples"))
    for first in range(0, count, batch):
        size = min(batch, count - first)
        yield _stacked(model, model(size, stream), size)


def _of_denoiser(
    model: Callable[..., Tensor],
    count: int,
    seed: int,
    shape: tuple[int, ...] | None,
    levels: Tensor | None,
    batch: int,
    to_pixels: Callable[[Tensor], Tensor] | None,
) -> Iterator[Array]:
    for first in range(0, count, batch):
        seeds = [derive(seed, "samples", row) for row in range(first, min(first + batch, count))]
        x = sample(model, seeds=seeds, shape=shape, levels=levels)
        if to_pixels is not None:
            x = to_pixels(x) if x.ndim == 2 else to_pixels(x).clamp(0, 1)
        yield as_numpy(x)


def _stacked(model: object, images: Any, size: int) -> Array:
    """Stack the images that a model returned, (size, …)."""
    if isinstance(images, Tensor):
        values = as_numpy(images)
    elif isinstance(images, list | tuple) and images:
        label = f"an image of a {model_name(model)}"
        values = _alike(label, [channels_first(label, _array(label, one)) for one in images])
    else:
        values = np.asarray(images)
    if values.ndim < 2 or len(values) != size:
        raise InputError(
            got=f"a {model_name(model)} that returned {values.shape} for {size} samples",
            need=f"({size}, c, h, w), (… h, w, c), or a list of {size} images",
            remedy="return one image for each sample, whatever the number asked",
        )
    return values


def _array(label: str, image: Any) -> Array:
    """Read one image that a model returned.  Raises InputError for what is no image, or one that cannot be read."""
    try:
        if hasattr(image, "getbands"):  # a picture of Pillow
            return picture_values(image)
        return as_numpy(image) if isinstance(image, Tensor) else np.asarray(image)
    except ValueError as error:  # lists of different lengths, too
        raise InputError(
            got=f"{label} that cannot be read ({error})",
            need="arrays, tensors, or pictures of 8 bits a channel",
            remedy="return arrays (c, h, w)",
        ) from error


def _alike(label: str, images: list[Array]) -> Array:
    """Stack images, (b, c, h, w).  Raises InputError for images of several shapes."""
    shapes = list(dict.fromkeys(image.shape for image in images))
    if len(shapes) > 1:
        raise InputError(
            got=f"{label} of shape {shapes[1]} beside others of {shapes[0]}",
            need="samples of one shape",
            remedy="bring them to one size before they are returned",
        )
    return np.stack(images)


def model_name(model: object) -> str:
    """Return the name of a model for sentences: the name of its function or of its type."""
    return (
        model_name(model.func)
        if isinstance(model, partial)
        else getattr(model, "__name__", type(model).__name__)
    )


def _kept(blocks: Iterator[Array], count: int) -> Array:
    """Join all blocks into one array, which is a temporary file if it is large."""
    kept, at = np.empty(0), 0
    for block in blocks:
        if not at:
            kept = _room((count, *block.shape[1:]), block.dtype)
        if block.shape[1:] != kept.shape[1:]:
            raise InputError(
                got=f"samples of shape {block.shape[1:]} after others of {kept.shape[1:]}",
                need="samples of one shape",
                remedy="bring them to one size before they are returned",
            )
        kept[at : at + len(block)] = block
        at += len(block)
    return kept


def _room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    if int(np.prod(shape)) * dtype.itemsize <= IN_MEMORY:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:  # without a name: it is gone when the map is
        return np.memmap(file, dtype, "w+", shape=shape)
