"""byheart audit: are the samples of a model copies of its training images?  A verdict, an exit code, a page."""

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
    from byheart.auditing.page.advice import Flags
    from byheart.auditing.record import Distinct, Pair, Planted
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

FOUND = 0.9
"""Share of test copies of a kind that is flagged, from which on the terminal does not name the kind."""


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
    """Say whether the samples of a model are copies of its training images, how many are, and which images they copy.

    Example: byheart audit --samples samples/ --train train/ --heldout heldout/ --html audit.html

    Verdicts: "copying"; "suspicious" (signs of copying, but no proof); "no evidence"; "cannot tell" (the reason is printed). All images are compared at 32 x 32 pixels. With 500 samples or more and 500 held-out images or more, shares of copies of a few per cent are found; for smaller shares take more of both. Folders are read with all subfolders; files are not changed.

    Exit code: 0 no evidence, or suspicious; 2 copying, or a lower bound of the share of copies above --fail-above; 3 cannot tell; 1 an error, of your own code too: nothing was audited; 130 interrupted.

    Args:
        samples: The samples to audit: a folder of images, an array file, or a named set (if a word is both, ./NAME is the path and name:NAME the set). Or the model, from which samples are drawn: a trained run, or package.module:name of a pipeline, a function sampler(n, generator) or a denoiser in your own code, imported from the current folder.
        train: The images on which the model was trained: a folder, an array file, or a named set; or, for a set larger than memory, a folder of shards (Parquet files and shards.json).
        heldout: Held-out images: from the same source as the training images, but not used to train the model. They show how close unseen images come to the training images. Without them the verdict is "cannot tell".
        html: Write a page with the verdict, the closest pairs and all numbers to this file.
        json: Write all results as JSON to this file.
        count: Number of samples, drawn at random from a folder or file. Without it all samples are audited, or 1,000 are drawn from a model.
        channels: Convert all images to grey (1) or RGB (3). Without it images keep their channels.
        pad: How images of 24 to 31 pixels, and images of 8 pixels after enlarging to 28, are filled up to 32: their border repeated (edge), or black (zero). Other smaller images are enlarged to 32, larger ones are reduced.
        orientation: How training and held-out photographs were read when the model was trained: rotated as their rotation mark says (shown), or as stored. Without it the samples decide, or the audit asks.
        fit: How squares were made of images that are not square: by cutting out the middle (cut), or by squashing the whole image, as Resize((S, S)) does. Without it the samples decide, or the audit asks.
        transparency: What became of transparency: laid on white or black, or left out, so that the colors below it show (hidden), as convert("RGB") does. Without it the samples decide, or the audit asks.
        white: Which integer is white if the type of the numbers does not say, for example 1 for masks, 4095 for 12 bits.
        alpha: False-positive rate, from 0 to 1: the share of samples that copy nothing and may be flagged, in each of the three tests (whole image, mixture of two, part of an image).
        rule: How the false-positive rate is kept. pac: it is at most --alpha in this audit, with 95 % confidence (for 0.01 this takes 299 held-out images). marginal: it is at most --alpha on average over many audits (99 held-out images).
        fail_above: Exit with 2 also if the lower bound of the share of copies (97.5 % confidence) is above this share, for example 0.05 for 5 %.
        allow_overlap: Continue even if held-out images are in the training set too. They are kept and listed; they look like copies and make the audit flag less.
        features: Encoder of the quality measures: pixels, whitened, convolutions, or a file (docs/how-to/features.md). It does not change the verdict.
        cache: Folder in which encoded features are stored, so that the next audit of these images is faster.
        denoiser: The denoiser of the model, to compare its losses on training and held-out images: a trained run, or package.module:name of a function denoiser(x, sigma). If --samples is a run or a denoiser, this option is not needed.
        planted: Number of test copies of each kind. The audit makes them from training images, in memory, and counts how many it finds: more copies take longer and give narrower intervals.
        queries: Number of training images that are compared with the other training images, to learn which similarity is rare among different images.
        seed: Random seed; the same seed gives the same result.
        executor: Where a training set in shards is searched: by processes of this machine (local), or on a Ray cluster (ray).
        workers: Number of shards that are searched at once. Without it one.
        address: Address of the Ray cluster, as `ray start --head` prints it. Without it Ray starts on this machine alone.
        checkpoints: Folder for intermediate results of a training set in shards (no checkpoints of a model): after an interruption the same command continues from there. All machines of a cluster must see this folder.
        root: Folder of the runs that --samples RUN and --denoiser RUN name.
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
    """Audit what --samples and --denoiser name.  An error in the user's own code is reported as an error of that code."""
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
    """Find what --samples names: a model if a model has that name and no file does, else whatever lies at that path."""
    from byheart.cli.imported import Code, imported, names_code
    from byheart.data.words import lies, set_name

    if set_name(words) is not None or (lies(Path(words)) and not _is_run(Path(words))):
        return words
    if names_code(words):
        return Code("--samples", words, MODEL, imported("--samples", words, MODEL))
    found = _run(words, root)
    return words if found is None else found


def _denoiser(words: str, root: Path) -> Code | Trained:
    """Find what --denoiser names: code, or a trained run.  Raises InputError for an object that cannot be called."""
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
    """Load the trained run of that id, beginning of an id, or folder; None if there is no such run."""
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
    """Write the numbers first, then print the verdict whether or not that worked, and draw the page, which may fail, last."""
    from byheart.cli.outputs import Outputs

    outputs = Outputs()
    outputs.save("JSON", json, result.save_json)
    outputs.say(lambda: _told(result, outputs.file("JSON")))
    outputs.draw("HTML page", html, result)
    outputs.close()


def _told(result: AuditResult, json: Path | None) -> str:
    """Tell the result in words, in color if stdout is a terminal.  json: the file that lists all pairs."""
    from rich.console import Console
    from rich.text import Text

    from byheart.auditing.page.advice import advice, flags_of

    color = {"copying": "red", "suspicious": "yellow", "no evidence": "green"}.get(result.verdict, "magenta")
    lines = [Text.assemble((result.verdict, f"bold {color}"), f"  {result.sentence}\n")]
    lines += [Text(f"  {reason}") for reason in result.reasons]
    if result.distinct is not None and result.verdict == "copying":
        lines.append(Text(f"  {_distinct(result.distinct)}"))
    if table := _detection(result.card):
        lines.append(Text(f"  {table}"))
    if result.verdict != "copying":
        lines.append(Text(f"  {result.power.sentence}"))
    warnings = map(printable, result.warnings)
    lines += [Text.assemble("  ", ("warning", "yellow"), f" {warning}") for warning in warnings]
    flagged = [pair for pair in result.pairs if pair.flagged]
    if flagged:
        lines.append(Text(f"\n  {_flagged(flags_of(result), result.verdict)}"))
        lines += [Text(f"  {_line(pair, result)}") for pair in flagged[:SHOWN]]
    if len(flagged) > SHOWN:
        where = "--json FILE lists all" if json is None else f"all are in {printable(str(json))}"
        lines.append(Text(f"  and {len(flagged) - SHOWN:,} more pairs: {where}"))
    lines.append(Text.assemble("\n  ", ("Next:", "bold"), f" {advice(result)}"))
    console = Console(soft_wrap=True, highlight=False)
    with console.capture() as captured:  # Text, not markup: names hold brackets and :words:
        console.print(*lines, sep="\n")
    return captured.get()


def _flagged(flags: Flags, verdict: str) -> str:
    """Count the flagged samples, and say how many flags are expected by chance."""
    some = f", {flags.others:,} of them only as a mixture or in part" if flags.others else ""
    samples = f"{flags.total:,} {'sample is' if flags.total == 1 else 'samples are'} flagged{some}"
    chance = f"{samples}; {flags.by_chance}"
    if verdict == "no evidence":
        return f"{chance}. These flags are no evidence of copying. The closest pairs:"
    return f"{chance}. The closest pairs:"


def _detection(card: Sequence[Planted]) -> str:
    """Say which kinds of test copies the audit misses, in the order of the detection table; empty if that is unknown."""
    from byheart.auditing.page.words import PLANTED
    from byheart.report.words import SPACE, plain_percent

    rows = [(PLANTED.get(row.name, row.name), row.recall.value) for row in card if row.recall is not None]
    if not rows:
        return ""
    weak = [f"{name} {plain_percent(share)}" for name, share in rows if share < FOUND]
    begin = (
        "Detection table (copies of training images that the audit made itself, and the share that it flags):"
    )
    if not weak:
        return f"{begin} {plain_percent(FOUND)} or more of every kind."
    others = f"; {plain_percent(FOUND)} or more of every other kind" if len(weak) < len(rows) else ""
    return f"{begin} {', '.join(weak)}{others}.".replace(SPACE, " ")


def _distinct(distinct: Distinct) -> str:
    """Say of how many training images there are copies."""
    copied = f"The samples contain copies of about {distinct.corrected:.0f} different training images"
    if not distinct.bounded:
        return f"{copied}; too few were copied twice to say how many a larger set of samples would contain."
    return f"{copied}; a larger set of samples would contain copies of at least about {distinct.estimate:.0f} (Chao)."


def _line(pair: Pair, result: AuditResult) -> str:
    """Write a flagged pair as a sentence.  In a test that finds no copying the two images only resemble each other."""
    from byheart.auditing.page.words import pose_words
    from byheart.report.words import SPACE

    sample, names = printable(pair.sample_name), [printable(name) for name in pair.train_names]
    fires = any(channel.fires for channel in result.channels if channel.name == pair.channel)
    copied = result.verdict == "copying" if pair.channel == "whole" else fires
    image = "training image" if len(result.inputs.train.shape) > 1 else "training"
    p = f"p = {pair.p:.2g}"
    match pair.channel:
        case "whole":
            verb = "copies" if copied else "resembles"
            pose = pose_words(pair.pose).replace(SPACE, " ")
            return f"sample {sample} {verb} {image} {names[0]} ({pose}; {p})"
        case "blend":
            verb = "is" if copied else "resembles"
            return f"sample {sample} {verb} a mixture of {image}s {' and '.join(names)} ({p})"
    return f"one half of sample {sample} {'copies' if copied else 'resembles'} {image} {names[0]} ({p})"
