"""Audits as records, one a verdict, with pictures of real digits: training images, and copies of them in known poses."""

import math
from base64 import b64encode
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from byheart.auditing.record import (
    Channel,
    CopyShare,
    Distinct,
    Histogram,
    Inputs,
    InputSet,
    Measure,
    Pair,
    Planted,
    PopulationCheck,
    Pose,
    Power,
    Share,
    Signal,
)
from byheart.auditing.result import AuditResult
from byheart.data.digits import read_digits
from byheart.numerics.intervals import proportion

SIDE, SAMPLES, HELDOUT, TRAIN, ALPHA, RANK, THRESHOLD = 32, 400, 600, 800, 0.01, 2, 5.31
POSES = (
    Pose(),
    Pose(flip=True, angle=3.2, zoom=0.91, dx=1.1, dy=-0.4),
    Pose(angle=-4.6, zoom=0.95, dx=-1, dy=1),
    Pose(dx=2, dy=0, blur=0.7),
    Pose(flip=True),
    Pose(zoom=0.9),
)


def png(image: np.ndarray) -> str:
    """A PNG in base64.  image: (height, width[, 3]) uint8."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


@cache
def digits() -> np.ndarray:
    """(n, 32, 32) uint8, as the audit's working size has them: 8×8 to 28×28, padded."""
    found = read_digits()
    grey = np.rint(found.values[:, 0] * (255 / found.peak)).astype(np.uint8)
    made = [Image.fromarray(one).resize((28, 28), Image.Resampling.BICUBIC) for one in grey]
    return np.stack([np.pad(np.asarray(one), 2) for one in made])


def posed(image: np.ndarray, pose: Pose) -> np.ndarray:
    """The sample that copies the image in the pose: x(zoom F R⁻¹ w − δ) at the centered place w, and a little noise."""
    cos, sin, half = math.cos(math.radians(pose.angle)), math.sin(math.radians(pose.angle)), SIDE / 2
    flip = -1 if pose.flip else 1
    rows = ((pose.zoom * flip * cos, pose.zoom * flip * sin), (-pose.zoom * sin, pose.zoom * cos))
    shifts = (half - pose.dx, half - pose.dy)
    affine = [n for (a, b), c in zip(rows, shifts, strict=True) for n in (a, b, c - half * (a + b))]
    there = Image.fromarray(image).transform(
        (SIDE, SIDE), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
    )
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    return np.clip(np.asarray(there) + noise, 0, 255).round().astype(np.uint8)


def share(count: int, of: int) -> Share:
    found = proportion(count, of)
    return Share(value=found.value, low=found.low, high=found.high, count=of)


def pair(place: int, **changes) -> Pair:
    """The place-th worst pair: a copy in one of the poses, or from 18 on a digit and another one."""
    pose, row, copied = POSES[place % len(POSES)], (37 * place + 11) % TRAIN, place < 18
    sample = posed(digits()[row], pose) if copied else digits()[TRAIN + place]
    settings = {
        "sample": (53 * place + 7) % SAMPLES,
        "sample_name": f"generated/{(53 * place + 7) % SAMPLES:05d}.png",
        "train": (row,),
        "train_names": (f"train/digit-{row:04d}.png",),
        "channel": "whole",
        "pose": pose,
        "score": round(11.4 * 0.955**place if copied else 4.9 * 0.96 ** (place - 18), 3),
        "residual": round(0.006 * 1.12**place, 4),
        "p": 1 / 601 if copied else (place - 14) / 601,
        "q": 0.021 if copied else min(1.0, 0.03 * (place - 17)),
        "flagged": copied,
        "sample_picture": png(sample),
        "train_pictures": (png(digits()[row]),),
    }
    return Pair(**(settings | changes))


def blend() -> Pair:
    one, other = digits()[3], digits()[74]
    mixed = np.rint((one.astype(float) + other) / 2).astype(np.uint8)
    return pair(
        4,
        channel="blend",
        train=(3, 74),
        train_names=("train/digit-0003.png", "train/digit-0074.png"),
        pose=Pose(),
        sample_picture=png(mixed),
        train_pictures=(png(one), png(other)),
    )


def half() -> Pair:
    one, other = digits()[15], digits()[321]
    return pair(
        5,
        channel="local",
        pose=Pose(),
        train=(15,),
        train_names=("train/digit-0015.png",),
        sample_picture=png(np.concatenate([one[:, :16], other[:, 16:]], 1)),
        train_pictures=(png(one),),
    )


def lot() -> tuple[Pair, ...]:
    """Pairs at random: samples that are other digits than their match."""
    return tuple(
        pair(
            k,
            sample_picture=png(digits()[900 + 17 * k]),
            train_pictures=(png(digits()[(29 * k + 5) % TRAIN]),),
            train_names=(f"train/digit-{(29 * k + 5) % TRAIN:04d}.png",),
            train=((29 * k + 5) % TRAIN,),
            score=round(0.3 + 0.12 * k, 2),
            residual=0.31,
            p=round(0.9 - 0.03 * k, 3),
            q=0.94,
            flagged=False,
        )
        for k in range(24)
    )


def histograms(copies: int) -> tuple[Histogram, ...]:
    """Exponential scores for held-out images; for samples too, but for the copies at 6 to 12."""
    edges = np.linspace(0, 12, 37)
    chance = np.exp(-edges[:-1]) - np.exp(-edges[1:])
    near = np.exp(-(((edges[:-1] - 8.5) / 1.5) ** 2))
    counts = np.rint(chance * HELDOUT), np.rint(chance * (SAMPLES - copies) + copies * near / near.sum())
    return tuple(
        Histogram(name=name, edges=tuple(edges.tolist()), counts=tuple(int(n) for n in one))
        for name, one in zip(("samples", "held-out images"), counts[::-1], strict=True)
    )


def card() -> tuple[Planted, ...]:
    rows = (
        *((name, "whole", True, seen) for name, seen in MAIN.items()),
        ("crop-80", "whole", False, 4),
        ("rotation-10", "whole", False, 41),
        ("noise-0.30", "whole", False, 52),
        ("inversion", "whole", False, 0),
        ("blend", "blend", False, 60),
        ("collage", "local", False, 58),
    )
    return tuple(
        Planted(
            name=name,
            channel=channel,
            main=main,
            recall=share(seen, 60),
            matched=min(1.0, round(seen / 60 + 0.01, 3)) if channel == "whole" else None,
            shortlisted=1.0 if main else None,
        )
        for name, channel, main, seen in rows
    )


MAIN = {
    "exact": 60,
    "noise-0.05": 60,
    "noise-0.15": 57,
    "shift-1": 60,
    "shift-2": 60,
    "flip": 60,
    "crop-90": 53,
    "gain-0.8": 60,
    "gain-1.2": 58,
    "contrast-0.7": 60,
    "jpeg-50": 60,
    "blur-0.8": 60,
    "rotation-5": 59,
}


def channels(flags: int, fires: bool) -> tuple[Channel, ...]:
    """Whole, blend and local; only the first may fire."""
    common = {"rule": "pac", "rank": RANK, "count": SAMPLES}
    return (
        Channel(
            name="whole",
            global_p=2.1e-9 if fires else 0.43,
            threshold=THRESHOLD,
            flags=flags,
            fires=fires,
            **common,
        ),
        Channel(name="blend", global_p=0.38, threshold=2.94, flags=1, fires=False, **common),
        Channel(name="local", global_p=0.71, threshold=6.02, flags=0, fires=False, **common),
    )


def measures() -> tuple[Measure, ...]:
    return (
        Measure(name="f_mem, d₁/d₂ < 1/3", family="copying", value=0.0375, low=0.021, high=0.061, reference=0.0, count=SAMPLES,
                definition="Share of samples whose nearest training image is at most a third as far as the second nearest."),
        Measure(name="DCR share", family="copying", value=0.61, low=0.56, high=0.66, reference=0.5, count=SAMPLES,
                definition="Share of samples that are closer to the training than to the held-out set, of equal sizes."),
        Measure(name="C_T", family="copying", value=-2.9, reference=0.0, against="no copying", count=SAMPLES,
                definition="Mann–Whitney's Z of distances to the training set, samples against held-out images."),
        Measure(name="Fréchet distance", family="fidelity", value=18.4, low=16.1, high=20.9, reference=9.7, against="null floor",
                count=SAMPLES, definition="Between Gaussians fitted to features of samples and of held-out images."),
        Measure(name="precision", family="fidelity", value=0.93, low=0.9, high=0.95, reference=0.95, count=SAMPLES,
                definition="Share of samples inside the balls around held-out images, five neighbors wide."),
        Measure(name="Vendi score", family="novelty", value=41.2, reference=48.9, count=SAMPLES,
                definition="The effective number of different images: e to the entropy of the similarity matrix."),
    )  # fmt: skip


def signals() -> tuple[Signal, ...]:
    rows = (
        (0.1, 0.0061, 0.0066, 0.08),
        (0.3, 0.031, 0.036, 0.16),
        (1.0, 0.142, 0.187, 0.32),
        (3.0, 0.391, 0.415, 0.06),
    )
    return tuple(
        Signal(
            sigma=sigma,
            loss_train=train,
            loss_heldout=heldout,
            gap=Share(value=gap, low=gap - 0.03, high=gap + 0.03, count=HELDOUT),
            log_ratio=math.log(heldout / train),
            auc=Share(value=0.5 + gap, low=0.47 + gap, high=0.53 + gap, count=HELDOUT),
            tpr=0.01 + gap / 5,
            tpr_low=0.0,
            tpr_high=0.05 + gap,
            dimension_train=21.4 - 10 * gap,
            dimension_heldout=22.0,
        )
        for sigma, train, heldout, gap in rows
    )


def source(name: str, count: int, **changes) -> InputSet:
    settings = {
        "shape": (1, 8, 8),
        "resized": "8×8, enlarged to 28×28 (bicubic) and padded to 32×32",
        "fingerprint": "9f86d081884c7d65" * 4,
    }
    return InputSet(name=name, count=count, **(settings | changes))


def inputs(**changes) -> Inputs:
    settings = {
        "samples": source("generated/", SAMPLES, unreadable=(("generated/00007.png", "truncated file"),)),
        "train": source("train/", TRAIN),
        "heldout": source("heldout/", HELDOUT),
    }
    return Inputs(**(settings | changes))


def copying(**changes) -> AuditResult:
    settings = {
        "verdict": "copying",
        "sentence": "At least 3.1 % of the samples are copies of training images, and 18 of them can be named.",
        "reasons": (
            "18 of 400 samples score higher than the 2nd highest of 600 held-out images; of innocent samples at most 1 % do, with 95 % confidence.",
            "Taken together, the samples score so high by chance once in 480 million audits (p = 2.1e-09).",
            "Copies within the tested changes are found: of those planted on purpose, 97 %.",
            "It cannot see copies that are cropped below 85 %, turned by 10° or more, inverted, or recolored.",
        ),
        "warnings": (
            "One sample could not be read and was left out.",
            "14 groups of training images are duplicates of one another: the audit names one image of each.",
        ),
        "inputs": inputs(),
        "alpha": ALPHA,
        "seed": 0,
        "channels": channels(18, True),
        "copy_share": CopyShare(
            raw=share(18, SAMPLES),
            low=0.0312,
            corrected=Share(value=0.0431, low=0.0247, high=0.0689, count=SAMPLES),
            cross_check=Share(value=0.051, low=0.0, high=0.118, count=SAMPLES),
            alpha=ALPHA,
            rank=6,
            mix="the 13 changes of the sensitivity card in equal parts",
        ),
        "distinct": Distinct(observed=17, once=12, twice=4, corrected=16.1, estimate=31.4, raw_estimate=44.0),
        "power": Power(below=0.0247, smallest_p=1 / 601, sentence="That fewer than 2.5 % of the samples are copies is excluded with 97.5 % confidence; more than 6.9 % are excluded as well, if copies look like those that were planted."),
        "population": PopulationCheck(share=share(0, HELDOUT), limit=0.005, as_close=0.0, flags_on=True),
        "card": card(),
        "pairs": (*(pair(k) for k in range(4)), blend(), half(), *(pair(k) for k in range(6, 30))),
        "random_pairs": lot(),
        "histograms": histograms(18),
        "measures": measures(),
        "signals": signals(),
        "denoised": channels(21, True)[:1],
        "duplicates": tuple((f"train/digit-{k:04d}.png", f"train/digit-{k + 300:04d}.png") for k in range(14)),
        "cite": ("2505.17638",),
        "versions": (("byheart", "0.1.0"), ("torch", "2.13.0"), ("python", "3.11.2")),
        "seconds": 21.7,
    }  # fmt: skip
    return AuditResult(**(settings | changes))


def no_evidence(**changes) -> AuditResult:
    """A model that generalizes: scores as held-out images have them."""
    settings = {
        "verdict": "no evidence",
        "sentence": "The samples are no closer to the training images than held-out images are.",
        "reasons": (
            "2 of 400 samples score higher than the 2nd highest of 600 held-out images; chance alone explains that (p = 0.43).",
            "It cannot see copies that are cropped below 85 %, turned by 10° or more, inverted, or recolored.",
        ),
        "warnings": (),
        "channels": channels(0, False),
        "copy_share": CopyShare(
            raw=share(2, SAMPLES), low=0.0, corrected=Share(value=0.0, low=0.0, high=0.0118, count=SAMPLES),
            cross_check=Share(value=0.0, low=0.0, high=0.09, count=SAMPLES), alpha=ALPHA, rank=6, mix="the 13 changes of the sensitivity card in equal parts",
        ),
        "distinct": None,
        "power": Power(below=0.0118, smallest_p=1 / 601, sentence="With 400 samples and 600 held-out images, a share of copies below 1.2 % cannot be excluded."),
        "pairs": tuple(pair(k) for k in range(18, 48)),
        "histograms": histograms(0),
        "signals": (),
        "denoised": (),
        "duplicates": (),
    }  # fmt: skip
    return copying(**(settings | changes))


def suspicious(**changes) -> AuditResult:
    """Only blends fire."""
    whole, mixed, local = channels(1, False)
    settings = {
        "verdict": "suspicious",
        "sentence": "Some samples look like blends of two training images; none is a copy of one.",
        "channels": (whole, mixed.model_copy(update={"flags": 9, "fires": True, "global_p": 0.0004}), local),
        "pairs": tuple(blend() for _ in range(9)),
        "reasons": ("9 of 400 samples are fitted better by two training images than the 2nd best fitted held-out image (p = 0.0004).",),
    }  # fmt: skip
    return no_evidence(**(settings | changes))


def cannot_tell(**changes) -> AuditResult:
    """No held-out images: nothing to measure with, and so hardly anything to show."""
    blind = {"p": None, "q": None, "flagged": False}
    settings = {
        "verdict": "cannot tell",
        "sentence": "Without held-out images nobody can say how much likeness is chance.",
        "reasons": ("The pairs below are the closest ones; whether they are copies is yours to judge.",),
        "warnings": ("No held-out set: give images of the same kind that the model never saw, at least 300.",),
        "inputs": inputs(heldout=None),
        "channels": (),
        "copy_share": None,
        "power": Power(below=None, smallest_p=None, sentence="Without held-out images no share of copies can be excluded."),
        "population": None,
        "card": (),
        "pairs": tuple(pair(k, **blind) for k in range(8)),
        "random_pairs": (),
        "histograms": (),
        "measures": (),
    }  # fmt: skip
    return no_evidence(**(settings | changes))


VERDICTS = {
    "copying": copying,
    "suspicious": suspicious,
    "no evidence": no_evidence,
    "cannot tell": cannot_tell,
}
