"""byheart sample: draws from a trained run or from a closed form, as a picture or as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

from tyro.conf import arg

from byheart.cli.options import (
    Channels,
    Count,
    Fit,
    Orientation,
    OwnData,
    Transparency,
    White,
    of_images,
    tell_notes,
    the_data,
)
from byheart.denoisers.spec import CLOSED_FORMS
from byheart.sampling.spec import SolverName

if TYPE_CHECKING:
    from torch import Tensor

    from byheart.data.spec import Data
    from byheart.denoisers.base import Denoiser
    from byheart.denoisers.spec import ClosedForm

    Pixels = Callable[[Tensor], Tensor]
    from byheart.noise.levels import Grid

    Source = tuple[Denoiser, Pixels, tuple[int, ...], Grid]  # with the shape of a sample and the noise levels

__all__ = ["sample"]

RUN_ONLY = {"--root"}
DATA_ONLY = {
    "--data",
    "--size",
    "--channels",
    "--orientation",
    "--fit",
    "--transparency",
    "--white",
    "--n",
    "--subset",
}
"""Which options say something about a run, and which about the data of any formula."""

ENDINGS = (".png", ".npz", ".safetensors")


def sample(
    *,
    run: Annotated[Optional[str], arg(metavar="RUN")] = None,
    closed_form: Annotated[Optional[str], arg(metavar="{" + ",".join(CLOSED_FORMS) + "}")] = None,
    data: OwnData = None,
    size: Annotated[Optional[int], arg(metavar="PIXELS")] = None,
    channels: Channels = None,
    orientation: Orientation = None,
    fit: Fit = None,
    transparency: Transparency = None,
    white: White = None,
    n: Count = None,
    memorized: Count = None,
    std: Annotated[Optional[float], arg(metavar="WIDTH")] = None,
    subset: Annotated[Optional[int], arg(metavar="SEED")] = None,
    count: int = 64,
    first_seed: int = 0,
    steps: Count = None,
    solver: SolverName = "euler",
    out: Annotated[Path, arg(metavar="FILE.png|npz|safetensors")] = Path("samples.png"),
    root: Annotated[Optional[Path], arg(metavar="FOLDER")] = None,
) -> int:
    """Draw samples from a trained run or from a closed form.

    Sample i depends on its seed only, first_seed + i.

    Args:
        run: A run that trained a network: its id, the beginning of its id, or its folder.
        closed_form: A formula of training points, in the place of a run.
        data: The data of a closed form: a folder, an array file, or the name of a data set; digits by default. Where a word is both, ./NAME is the path and name:NAME the set.
        size: Resize your images to this many pixels a side.
        channels: Read your images as grey (1) or RGB (3).
        orientation: Turn photographs as their rotation mark says (shown, the default), or read their pixels as stored.
        fit: Make squares of other images by cutting out the middle (cut, the default) or by squashing them, as Resize((S, S)) does.
        transparency: Lay transparent images on white (the default) or black, or show the colors that are hidden below (convert("RGB")).
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        n: Number of training points that a closed form is given; all that are not held out by default.
        memorized: Number of training points that a partial denoiser holds.
        std: Width of a smoothed denoiser's components, in units of the data's RMS; 0.1 by default.
        subset: Seed of the choice of the n training points; 0 by default.
        count: Number of samples.
        first_seed: Seed of the first sample.
        steps: Noise levels that the solver walks down; by default those the run was measured with, or 18.
        solver: How the solver walks: euler (DDIM), heun (second order), ancestral or sde (add noise).
        out: A picture of all samples, or their pixel values as an array `samples`.
        root: Where the runs are kept; runs by default.
    """
    images = of_images(size, channels, orientation, fit, transparency, white)
    of_data = {
        f"--{name}": value for name, value in {"data": data, **images, "n": n, "subset": subset}.items()
    }
    _check_request(run, closed_form, out)
    _check_used(closed_form, {**of_data, "--memorized": memorized, "--std": std, "--root": root})
    from byheart._records import write_atomic
    from byheart.sampling.draw import sample as draw

    if run is not None:
        model, to_pixels, shape, grid = _trained(run, root or Path("runs"))
    else:
        spec = _named(str(closed_form), {"std": std, "memorized": memorized})
        chosen = the_data(data or "name:digits", **images)
        model, to_pixels, shape, grid = _formula(spec, chosen, n, subset or 0)
    if out.suffix.lower() == ".png":
        _check_picture(shape)
    levels = (grid if steps is None else grid.model_copy(update={"steps": steps})).levels()
    seeds = range(first_seed, first_seed + count)
    drawn = draw(model, seeds=seeds, shape=shape, levels=levels, solver=solver)
    write_atomic(out, _content(out.suffix.lower(), to_pixels(drawn)))
    print(out)
    return 0


def _check_request(run: str | None, closed_form: str | None, out: Path) -> None:
    from byheart._checks import InputError, meant

    if (run is None) == (closed_form is None):
        raise InputError(
            got="neither --run nor --closed-form" if run is None else "both --run and --closed-form",
            need="one of them: whose samples to draw",
            remedy="for example: byheart sample --closed-form empirical --data digits",
        )
    if closed_form is not None and closed_form not in CLOSED_FORMS:
        raise InputError(
            got=f"--closed-form {closed_form}",
            need="one of " + ", ".join(CLOSED_FORMS),
            remedy=meant(closed_form, CLOSED_FORMS) + "see `byheart sample --help`",
        )
    if out.suffix.lower() not in ENDINGS:
        raise InputError(
            got=f"--out {out}", need="a name that ends in " + ", ".join(ENDINGS), remedy="rename it"
        )
    from byheart.cli.outputs import check_outputs

    check_outputs({"--out": out})


def _check_used(closed_form: str | None, given: Mapping[str, object]) -> None:
    """Refuse options that would be ignored.  given: option -> value, None for an option that was not given."""
    from byheart._checks import InputError

    used = RUN_ONLY if closed_form is None else DATA_ONLY | _flags(CLOSED_FORMS[closed_form])
    ignored = {flag for flag, value in given.items() if value is not None} - used
    if ignored:
        source = "--run" if closed_form is None else f"--closed-form {closed_form}"
        raise InputError(
            got=f"{', '.join(sorted(ignored))} beside {source}, which would ignore it",
            need="; ".join(f"{flag} with {_owner(flag)}" for flag in sorted(ignored)),
            remedy="leave it out, or choose what it belongs to",
        )


def _flags(form: type[ClosedForm]) -> set[str]:
    """The options that name settings of this closed form."""
    return {f"--{setting}" for setting in form.model_fields}


def _owner(flag: str) -> str:
    """What an option says something about."""
    if flag in RUN_ONLY:
        return "--run"
    kinds = [kind for kind, form in CLOSED_FORMS.items() if flag in _flags(form)]
    return f"--closed-form {' or '.join(kinds)}" if kinds else "a --closed-form"


def _named(kind: str, settings: Mapping[str, object]) -> ClosedForm:
    """The closed form of that kind.  settings: its own, None where not given.  Raises InputError where they do not fit."""
    from pydantic import ValidationError

    from byheart._checks import refused

    form = CLOSED_FORMS[kind]
    try:
        return form.model_validate({key: value for key, value in settings.items() if value is not None})
    except ValidationError as error:
        raise refused(error, form, place=lambda key: f"--{key}") from error


def _trained(name: str, root: Path) -> Source:
    from byheart.experiments.runs.load import load

    model = load(name, root)
    return model, model.to_pixels, model.shape, model.grid


def _formula(spec: ClosedForm, data: Data, n: int | None, seed: int) -> Source:
    from byheart.build.closed_form import closed_form
    from byheart.data.dataset import heldout_size, split
    from byheart.data.named import load
    from byheart.experiments.runs.footprint import check_images
    from byheart.noise.levels import Grid

    check_images(data)
    dataset = load(data)
    tell_notes(dataset)
    pool = len(dataset) - heldout_size(len(dataset), data.heldout)
    found = split(dataset, pool if n is None else n, seed=seed, heldout=data.heldout)
    return closed_form(spec, found.train, seed), found.dataset.to_pixels, dataset.shape, Grid()


def _check_picture(shape: tuple[int, ...]) -> None:
    """Raise InputError for samples that are no images of one or three channels, before they are drawn."""
    from byheart._checks import InputError

    if len(shape) != 3 or shape[0] not in (1, 3):
        raise InputError(
            got=f"samples of shape {tuple(shape)}",
            need="images of 1 or 3 channels for a picture",
            remedy="write arrays: --out samples.npz",
        )


def _content(ending: str, pixels: Tensor) -> bytes:
    """Write pixel values (b, *shape) as the bytes of a file of that ending."""
    import io

    stream = io.BytesIO()
    match ending:
        case ".safetensors":
            from safetensors.torch import save

            return save({"samples": pixels.contiguous()})
        case ".npz":
            import numpy

            numpy.savez_compressed(stream, samples=pixels.numpy())
        case _:
            from PIL import Image

            Image.fromarray(_sheet(pixels).numpy()).save(stream, format="PNG")
    return stream.getvalue()


def _sheet(pixels: Tensor, gap: int = 1) -> Tensor:
    """Lay (b, c, h, w) in [0, 1], of 1 or 3 channels, out as one picture (height, width, 3) of bytes, near to square."""
    import torch

    count, _, height, width = pixels.shape
    across = round(count**0.5 + 0.49)
    sheet = torch.full(
        (3, -(-count // across) * (height + gap) - gap, across * (width + gap) - gap), 255, dtype=torch.uint8
    )
    for index, image in enumerate((pixels.clamp(0, 1) * 255).round().to(torch.uint8)):
        top, left = index // across * (height + gap), index % across * (width + gap)
        sheet[:, top : top + height, left : left + width] = image
    return sheet.permute(1, 2, 0)
