"""audit(samples=, train=, heldout=): does this model copy its training data?

    inputs ─ blank images out ─ copy test ─ channels, share, distinct images, power ─ verdict
           └ pixels, or an encoder ─ classical measures, fidelity, novelty
           └ a denoiser ─ losses, membership, local dimension; the copy test again on denoised samples

The method, and what it was measured to find and to miss, is in docs/theory/copy-test.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from byheart._checks import InputError, check_default_device, expanded, unknown
from byheart.auditing.blanks import told
from byheart.auditing.findings import copies_of_images
from byheart.auditing.inputs import Images, Rows, check_together, gather, overlap
from byheart.auditing.inputs.sets import What
from byheart.auditing.inputs.size import Pad
from byheart.auditing.inputs.together import reported
from byheart.auditing.measures import Measures, measures
from byheart.auditing.model import ModelFindings, model_findings
from byheart.auditing.provenance import source_of, versions
from byheart.auditing.readings.apply import as_trained, known_reading
from byheart.auditing.record import Inputs, ReadAs
from byheart.auditing.result import AuditResult
from byheart.auditing.sets import Body, Request, Sets, Tell, check_counts, silent
from byheart.auditing.stored.images import copies_of_stored_images
from byheart.auditing.stored.train import Stored, searching, trained_on
from byheart.auditing.units import Fitted, sampled_units
from byheart.auditing.vectors import copies_of_rows
from byheart.data.reader.reading import USUAL, Fit, Orientation, Transparency, asked
from byheart.features.encoders import Encoder, encoder
from byheart.features.encoding import encode
from byheart.random import derive

__all__ = ["audit"]

CITE = ("byheart", "2104.08279", "rogan1978", "chao1984", "2301.13188")
"""Sources of a result: conformal ranks, the share of copies, distinct training images, Carlini's ratio."""


_UNASKED = "The losses of the model were not computed: this needs a training set in memory, not in shards."


def audit(
    *,
    samples: Any,
    train: Any,
    heldout: Any = None,
    count: int | None = None,
    channels: int | None = None,
    alpha: float = 0.01,
    rule: Literal["pac", "marginal"] = "pac",
    allow_overlap: bool = False,
    denoiser: Callable[[Tensor, Tensor], Tensor] | None = None,
    features: Any = "pixels",
    cache: Path | str | None = None,
    planted: int = 60,
    queries: int = 600,
    seed: int = 0,
    pad: Literal["edge", "zero"] = "edge",
    tell: Tell = silent,
    shape: tuple[int, ...] | None = None,
    levels: Tensor | None = None,
    batch: int | None = None,
    executor: Literal["local", "ray"] = "local",
    workers: int | None = None,
    address: str | None = None,
    checkpoints: Path | str | None = None,
    orientation: Orientation | None = None,
    fit: Fit | None = None,
    transparency: Transparency | None = None,
    white: int | None = None,
) -> AuditResult:
    """Say whether samples are copies of training images, compared with how held-out images score.

    samples, train, heldout: a folder of images, a file of arrays (.npy, .npz, .safetensors, .parquet), a named set or a
    slice of it, an array (n, h, w), (n, c, h, w), (n, h, w, c) or features (n, d), a data set; as samples also a model (a
    pipeline, sampler(n, generator), a denoiser), from which `count` are drawn; as train also a folder of shards
    (`features.shards`), which is never held in memory.  heldout: images of the same source on which the model was not trained;
    without held-out images the verdict is "cannot tell".
    count: number of samples; None: all samples, or 1,000 drawn from a model.  channels: 1 or 3, to which all images are converted.
    alpha: false-positive rate of each test, the share of samples that copy nothing and may be flagged, in (0, 0.5).
    rule: pac (at most alpha, with 95 % confidence in this audit), or marginal (at most alpha on average over audits).
    allow_overlap: continue even if held-out images are in the training set, too; these images are kept and listed.
    denoiser: of the model, D(x, sigma): adds a comparison of its losses; samples that are a denoiser need no other denoiser.
    features: encoder of the quality and novelty measures, see `byheart.features`.  cache: folder for encoded features.
    planted: number of test copies of each kind, which the audit makes itself from training images.
    queries: number of training images that are compared with the others to learn which similarity is rare.
    seed: Random seed; the same seed gives the same result.  pad: what fills images of 24 to 31 pixels up to 32.
    tell: is called with the name of a stage, how much of the stage is done, and of how much.
    shape, levels: *shape of one sample, and (s,) decreasing noise levels, of a denoiser that does not know them.
    batch: number of samples that a model draws at a time.
    executor, workers, address, checkpoints: of a training set in shards: local processes or a Ray cluster at that address, how
    many shards are searched at once (1), and the folder in which the tables of finished shards are kept, so that a search can
    continue after an interruption.
    orientation, fit, transparency, white: how pictures are read that can be read in two ways, see `data.reader.reading`; None:
    as the data of the trained run that made the samples, else as the samples show (see `readings.choose`).
    Images that are blank compared with the training images are counted, and left out of the copy test and the measures of copying.
    Raises InputError for sets that cannot be read or compared or are blank, for settings out of range, and for settings that do
    not apply.
    """
    check_default_device()
    began = time.perf_counter()
    request = _request(alpha, rule, seed, planted, queries, pad, tell)
    tell("reading the images", 0, 1)
    options, of_run = asked(orientation, fit, transparency, white), known_reading(samples, denoiser)
    reading = USUAL.but({**of_run, **options})
    read = partial(gather, channels=channels, pad=pad, reading=reading, alone=False)
    by = searching(executor, workers, address, checkpoints)
    stored = trained_on(train, by, channels=channels, tell=tell)
    _check_unstored(stored, denoiser, features)
    draw = partial(read, count=count, seed=derive(seed, "samples"), shape=shape, levels=levels, batch=batch)
    sets, sampled = _gathered(samples, draw, stored, read, train, heldout, shape, seed)
    sets, read_as, doubts = as_trained(sets, options, of_run, alpha)
    wary = (*check_together(sets.samples, _in_memory(sets), sets.heldout), *doubts)
    seen = told(sets)
    both = _overlap(seen.sets, allow=allow_overlap)
    # The encoder and the folder are refused now, not after the copy test.
    chosen, folder = _encoder(features, sets), None if cache is None else expanded(cache)
    body = seen.numbered(_body(seen.sets, request))
    found = measures(sets, seen.sets, features=chosen, cache=folder, seed=seed, tell=tell)
    own = samples if _is_denoiser(samples) else None
    model = _model(own if denoiser is None else denoiser, seen.sets, request, body)
    said = () if sampled is None or (own is not None and denoiser is None) else sampled.warnings
    warnings = (*wary, *seen.warnings, *_kept(both), *said, *body.warnings, *found.warnings, *model.warnings)
    inputs = _inputs(sets, seen.blank, both, read_as)
    result = _result(inputs, request, body, found, model, warnings, time.perf_counter() - began)
    return result.model_copy(update={"settings": _settings(request, channels, chosen)})


def _gathered(
    samples: Any,
    draw: Callable[..., Images | Rows],
    stored: Stored | None,
    read: Callable[..., Images | Rows],
    train: Any,
    heldout: Any,
    shape: tuple[int, ...] | None,
    seed: int,
) -> tuple[Sets, Fitted | None]:
    """Read the three sets; of a denoiser from which samples are drawn also the units, which its training images tell."""
    given = None if callable(samples) else draw(samples, what="samples")
    known = read(train, what="train") if stored is None else stored
    units = sampled_units(samples, shape, known, seed)
    if given is None:
        given = draw(samples, what="samples", to_pixels=None if units is None else units.to_pixels)
    return Sets(given, known, None if heldout is None else read(heldout, what="heldout")), units


def _body(sets: Sets, request: Request) -> Body:
    """Make the copy test of images or of features, with a training set in memory or in shards."""
    if isinstance(sets.samples, Rows):
        return copies_of_rows(sets, request)
    if isinstance(sets.train, Stored):
        return copies_of_stored_images(sets, sets.train, request)
    return copies_of_images(sets, request)


def _model(
    asked: Callable[[Tensor, Tensor], Tensor] | None, sets: Sets, request: Request, body: Body
) -> ModelFindings:
    """Compute what the losses of a denoiser show; nothing without a denoiser, or without a test of images in memory."""
    if asked is not None and isinstance(sets.train, Stored):
        return ModelFindings((), (), (_UNASKED,))
    if asked is None or body.test is None:
        return ModelFindings((), (), ())
    return model_findings(asked, sets, request, body.test)


def _kept(both: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    if not both:
        return ()
    return (f"{len(both)} held-out images are in the training set too, and were kept as requested.",)


def _in_memory(sets: Sets) -> Images | Rows:
    """Return the training set; of a set in shards the beginning, one row longer than another set: enough to tell the sets apart."""
    if not isinstance(sets.train, Stored):
        return sets.train
    return sets.train.beginning(1 + max(len(sets.samples), 0 if sets.heldout is None else len(sets.heldout)))


def _overlap(sets: Sets, *, allow: bool) -> tuple[tuple[str, str], ...]:
    """List the images that are both in the training set and among the held-out images, see `inputs.overlap`."""
    train, heldout = sets.train, sets.heldout
    if heldout is None:
        return ()
    if not isinstance(train, Stored):
        return overlap(train, heldout, allow=allow)
    values = heldout.small if isinstance(heldout, Images) else heldout.values
    return reported(train.partners(values), train.names, heldout, allow=allow)


def _check_unstored(stored: Stored | None, denoiser: object, features: object) -> None:
    """Raise InputError for settings that a training set in shards does not allow."""
    if stored is None:
        return
    if denoiser is not None:
        raise InputError(
            got="a denoiser with a training set in shards",
            need="training images in memory, for which its losses are computed",
            remedy="leave the denoiser out, or pass a folder or an array of training images",
        )
    if stored.are_images and isinstance(features, str) and features.startswith("whitened"):
        raise InputError(
            got="the encoder whitened with a training set in shards",
            need="an encoder that is not fitted on the training images",
            remedy="choose another one, for example pixels or convolutions",
        )


def _request(
    alpha: float,
    rule: Literal["pac", "marginal"],
    seed: int,
    planted: int,
    queries: int,
    pad: Pad,
    tell: Tell,
) -> Request:
    check_counts(planted, queries)
    if not 0 < alpha < 0.5:
        raise InputError(
            got=f"alpha = {alpha:g}",
            need="a share between 0 and 0.5",
            remedy="leave alpha out for the defaults",
        )
    if rule not in ("pac", "marginal"):
        raise unknown("the rule", rule, ("pac", "marginal"), remedy="leave the rule out for the defaults")
    return Request(alpha, rule, seed, planted, queries, pad, tell)


def _settings(request: Request, channels: int | None, chosen: Encoder | None) -> tuple[tuple[str, str], ...]:
    """List the settings that determine the numbers, by name."""
    settings = {
        "rule": request.rule,
        "planted": request.planted,
        "queries": request.queries,
        "pad": request.pad,
        "channels": channels,
        "encoder": None if chosen is None else chosen.name,
    }
    return tuple((name, str(value)) for name, value in settings.items() if value is not None)


def _encoder(features: Any, sets: Sets) -> Encoder | None:
    """Make the encoder of the settings and try it on two training images; None if features were passed."""
    train = sets.train.beginning(2) if isinstance(sets.train, Stored) else sets.train
    if not isinstance(train, Images):
        return None
    chosen = encoder(features, train=train.small)
    encode(train.small[:2], chosen)
    return chosen


def _is_denoiser(source: Any) -> bool:
    """Say whether a source is a callable that knows the shape of a sample, as closed forms and loaded runs do."""
    return callable(source) and hasattr(source, "shape") and not hasattr(source, "__getitem__")


def _inputs(
    sets: Sets,
    blank: Mapping[What, tuple[str, ...]],
    both: tuple[tuple[str, str], ...],
    read_as: ReadAs | None,
) -> Inputs:
    """Record the three sets.  blank: names of the images that the copy test leaves out, by set."""
    return Inputs(
        samples=source_of(sets.samples, blank.get("samples", ())),
        train=source_of(sets.train, blank.get("train", ())),
        heldout=None if sets.heldout is None else source_of(sets.heldout, blank.get("heldout", ())),
        overlap=both,
        reading=read_as,
    )


def _result(
    inputs: Inputs,
    request: Request,
    body: Body,
    found: Measures,
    model: ModelFindings,
    warnings: tuple[str, ...],
    seconds: float,
) -> AuditResult:
    return AuditResult(
        verdict=body.decision.verdict,
        sentence=body.decision.sentence,
        reasons=body.decision.reasons,
        warnings=warnings,
        inputs=inputs,
        alpha=request.alpha,
        seed=request.seed,
        channels=body.channels,
        copy_share=body.copy_share,
        distinct=body.distinct,
        power=body.power,
        population=body.population,
        card=body.card,
        pairs=body.pairs,
        random_pairs=body.random_pairs,
        histograms=body.histograms,
        measures=found.measures,
        signals=model.signals,
        denoised=model.denoised,
        duplicates=body.duplicates,
        cite=CITE,
        versions=versions(),
        seconds=round(seconds, 1),
    )
