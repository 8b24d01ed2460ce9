"""byheart audit: does a model copy its training data?  A verdict, an exit code, a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, cast

from tyro.conf import arg

from byheart._checks import InputError, printable
from byheart.cli.options import (
    Address,
    Channels,
    Checkpoints,
    Count,
    Executor,
    Fit,
    Orientation,
    Transparency,
    White,
    Workers,
)

if TYPE_CHECKING:
    from byheart.auditing.record import Distinct, Pair
    from byheart.auditing.result import AuditResult
    from byheart.cli.imported import Code
    from byheart.experiments.runs.load import Trained

__all__ = ["audit"]

Set = arg(metavar="FOLDER|FILE|NAME|RUN|MODULE:NAME")
File = Annotated[Optional[Path], arg(metavar="FILE")]

EXIT = {"no evidence": 0, "suspicious": 0, "copying": 2, "cannot tell": 3}
MODEL = "a pipeline, sampler(n, generator) that returns n images, or a denoiser that knows its shape"
DENOISER = "denoiser(x, sigma), which returns the denoised x, of x's own shape"

SHOWN = 8
"""Pairs that are listed in the terminal."""


def audit(
    *,
    samples: Annotated[str, Set],
    train: Annotated[str, arg(metavar="FOLDER|FILE|NAME|SHARDS")],
    heldout: Annotated[Optional[str], arg(metavar="FOLDER|FILE|NAME")] = None,
    html: File = None,
    json: File = None,
    count: Count = None,
    channels: Channels = None,
    pad: Literal["edge", "zero"] = "edge",
    orientation: Orientation = None,
    fit: Fit = None,
    transparency: Transparency = None,
    white: White = None,
    alpha: Annotated[float, arg(metavar="SHARE")] = 0.01,
    rule: Literal["pac", "marginal"] = "pac",
    fail_above: Annotated[Optional[float], arg(metavar="SHARE")] = None,
    allow_overlap: bool = False,
    features: Annotated[str, arg(metavar="ENCODER")] = "pixels",
    cache: Annotated[Optional[Path], arg(metavar="FOLDER")] = None,
    denoiser: Annotated[Optional[str], arg(metavar="RUN|MODULE:NAME")] = None,
    planted: int = 60,
    queries: int = 600,
    seed: int = 0,
    executor: Executor = "local",
    workers: Workers = None,
    address: Address = None,
    checkpoints: Checkpoints = None,
    root: Annotated[Path, arg(metavar="FOLDER")] = Path("runs"),
) -> int:
    """Does a model copy its training data?  Audit a folder of its samples.

    Exit code: 0 no evidence, or suspicious; 2 copying, or a lower bound of the share of copies above --fail-above; 3 cannot tell; 1 an error, of your own code too: nothing was audited; 130 interrupted.

    Args:
        samples: What the model made: a folder of images, an array file, a named set (where a word is both, ./NAME is the path and name:NAME the set); or the model, from which samples are drawn: a trained run, or a pipeline, sampler(n, generator) or denoiser of your own code, as package.module:name, imported from the current folder.
        train: What it was trained on; also a folder of shards (Parquet files and shards.json), which no machine has to hold in memory.
        heldout: Images of the same source that it has not seen: they say how close an innocent image comes. Without them no rate is given.
        html: Where to write the page.
        json: Where to write the whole result.
        count: Number of samples; all samples by default, or 1,000 of a model.
        channels: Read all images as grey (1) or RGB (3).
        pad: What is put around images of 24 to 31 pixels: their border repeated, or black.
        orientation: How training and held-out photographs were read when the model was trained: turned as their rotation mark says (shown), or as stored. Left out, the samples say it, or the audit asks.
        fit: How squares were made of images that are not square: their middle (cut), or the whole image squashed, as Resize((S, S)) does. Left out, as above.
        transparency: What became of transparency: laid on white or black, or left out, so that the colors below it show (hidden), as convert("RGB") does. Left out, as above.
        white: Which integer is white, where the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        alpha: Share of innocent samples that may be accused.
        rule: pac keeps that share with 95 % confidence in this audit; marginal keeps it on average over audits.
        fail_above: Exit with 2 also where the share of copies is above this one for certain: by its lower bound.
        allow_overlap: Go on although held-out images are in the training set too.
        features: Encoder of the fidelity measures: pixels, whitened, convolutions, or a file (see the documentation).
        cache: Where encoded features are kept.
        denoiser: The model's own denoiser, for what its losses give away: a trained run, or denoiser(x, sigma) as package.module:name. Where --samples is a run, its denoiser is used anyway.
        planted: Copies of each kind that are planted to measure what the test sees.
        queries: Training images that are left out to learn what is rare.
        seed: Random seed; the same seed gives the same result.
        executor: Where the shards of a set are searched: by processes of this machine (local), or on a Ray cluster (ray).
        workers: Number of shards that are searched at once; one by default.
        address: The Ray cluster that searches shards, as `ray start --head` prints its address. Without an address Ray starts on this machine alone.
        checkpoints: Folder where the tables of finished shards are kept, so that the same command goes on after an interruption. All machines of a cluster must share this folder.
        root: Where the runs are kept, for --samples RUN and --denoiser RUN.
    """
    from byheart.cli.outputs import check_outputs
    from byheart.cli.stages import stages

    check_outputs({"--html": html, "--json": json})
    _check_share(fail_above)
    reading = {"orientation": orientation, "fit": fit, "transparency": transparency, "white": white}
    search = {"executor": executor, "workers": workers, "address": address, "checkpoints": checkpoints}
    with stages() as tell:
        result = _carried_out(
            samples,
            denoiser,
            root,
            train=train,
            heldout=heldout,
            count=count,
            channels=channels,
            pad=pad,
            alpha=alpha,
            rule=rule,
            allow_overlap=allow_overlap,
            features=features,
            cache=cache,
            planted=planted,
            queries=queries,
            seed=seed,
            tell=tell,
            **cast("Any", reading | search),
        )
    _hand_over(result, html, json)
    low = 0.0 if result.copy_share is None else result.copy_share.low
    return 2 if fail_above is not None and low > fail_above else EXIT[result.verdict]


def _carried_out(samples: str, denoiser: str | None, root: Path, **settings: Any) -> AuditResult:
    """Audit with what --samples and --denoiser mean.  What goes wrong in the user's own code is told as its fault."""
    from byheart.auditing.audit import audit as carry_out
    from byheart.cli.imported import Code, own_faults

    meant: tuple[Any, Any] = (
        _samples(samples, root),
        None if denoiser is None else _denoiser(denoiser, root),
    )
    made, asked = (one.thing if isinstance(one, Code) else one for one in meant)
    with own_faults(*(one for one in meant if isinstance(one, Code))):
        return carry_out(samples=made, denoiser=asked, **settings)


def _samples(words: str, root: Path) -> object:
    """Find what --samples means: a model where a model has that name and no file does, else whatever lies at that path."""
    from byheart.cli.imported import Code, imported, names_code
    from byheart.data.words import lies, set_name

    if set_name(words) is not None or (lies(Path(words)) and not _is_run(Path(words))):
        return words
    if names_code(words):
        return Code("--samples", words, MODEL, imported("--samples", words, MODEL))
    found = _run(words, root)
    return words if found is None else found


def _denoiser(words: str, root: Path) -> Code | Trained:
    """Find what --denoiser means: code, or a trained run.  Raises InputError for what cannot be called."""
    from byheart.cli.imported import Code, imported, names_code

    if names_code(words):
        thing = imported("--denoiser", words, DENOISER)
        if callable(thing):
            return Code("--denoiser", words, DENOISER, thing)
        which = f"of type {type(thing).__name__}"
    elif (run := _run(words, root)) is not None:
        return run
    else:
        which = "which is no run"
    raise InputError(
        got=f"--denoiser {words}, {which}",
        need=f"a trained run, or package.module:name of {DENOISER}",
        remedy="see `byheart ls` for runs; code is imported from the current folder",
    )


def _is_run(folder: Path) -> bool:
    return (folder / "run.json").exists()


def _run(words: str, root: Path) -> Trained | None:
    """Load the trained run of that id, beginning of an id, or folder; None where there is no such run."""
    from byheart.store.folders import list_runs

    if not _is_run(Path(words)) and not any(folder.id.startswith(words) for folder in list_runs(root)):
        return None
    from byheart.experiments.runs.load import load

    return load(words, root)


def _check_share(fail_above: float | None) -> None:
    if fail_above is not None and not 0 <= fail_above <= 1:
        raise InputError(
            got=f"--fail-above {fail_above}", need="a share in [0, 1]", remedy="write 0.01 for 1 %"
        )


def _hand_over(result: AuditResult, html: Path | None, json: Path | None) -> None:
    """Write the numbers first, then say the verdict whatever became of that file, and draw the page, which may fail, last."""
    from byheart.cli.outputs import save_page, written

    try:
        if json is not None:
            result.save_json(json)
    finally:
        print(_told(result), end="", flush=True)
    print(written({"page": save_page(result, html, json), "result": json}), end="", flush=True)


def _told(result: AuditResult) -> str:
    """Tell the result in words, in color where stdout is a terminal."""
    from rich.console import Console
    from rich.text import Text

    color = {"copying": "red", "suspicious": "yellow", "no evidence": "green"}.get(result.verdict, "magenta")
    lines = [Text.assemble((result.verdict, f"bold {color}"), f"  {result.sentence}\n")]
    lines += [Text(f"  {reason}") for reason in result.reasons]
    if result.distinct is not None and result.verdict == "copying":
        lines.append(Text(f"  {_distinct(result.distinct)}"))
    warnings = map(printable, result.warnings)
    lines += [Text.assemble("  ", ("warning", "yellow"), f" {warning}") for warning in warnings]
    flagged = [pair for pair in result.pairs if pair.flagged]
    if flagged:
        chance = f"chance alone accuses about {_by_chance(result):,.1f} of {result.inputs.samples.compared:,} innocent samples"
        lines.append(Text(f"\n  {_accused(flagged)}, the least probable first ({chance}):"))
        lines += [Text(f"  {_line(pair)}") for pair in flagged[:SHOWN]]
        if len(flagged) > SHOWN:
            lines.append(Text(f"  and {len(flagged) - SHOWN:,} pairs more: see --html or --json"))
    lines.append(Text(f"\n  {result.power.sentence}"))
    console = Console(soft_wrap=True, highlight=False)
    with console.capture() as captured:  # Text, not markup: names hold brackets and :words:
        console.print(*lines, sep="\n")
    return captured.get()


def _accused(flagged: Sequence[Pair]) -> str:
    """Count the accused: `33 samples accused, 2 of them as a mixture or in part`."""
    every, whole = (
        {pair.sample for pair in flagged},
        {pair.sample for pair in flagged if pair.channel == "whole"},
    )
    some = f", {len(every - whole):,} of them as a mixture or in part" if every - whole else ""
    return f"{len(every):,} {'sample' if len(every) == 1 else 'samples'} accused{some}"


def _by_chance(result: AuditResult) -> float:
    """Count the accusations that are expected where no sample is a copy, in all channels together."""
    heldout = 0 if result.inputs.heldout is None else result.inputs.heldout.compared
    ranks = [(one.rank or 0) * one.count for one in result.channels if one.rule != "none"]
    return sum(ranks) / (heldout + 1)


def _distinct(found: Distinct) -> str:
    seen = f"Distinct training images copied: about {found.corrected:.0f} seen"
    if not found.bounded:
        return f"{seen}; too few of them more than once to say how many in all."
    return f"{seen}, at least {found.estimate:.0f} in all (Chao)."


def _line(pair: Pair) -> str:
    names = " + ".join(printable(name) for name in pair.train_names)
    return f"{printable(pair.sample_name)}  =  {names}  ({pair.channel}, p = {pair.p:.2g})"
