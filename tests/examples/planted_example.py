"""A planted benchmark as numbers: three plain populations, one full of near-duplicates, and one with every image twice."""

from collections.abc import Mapping

from byheart.numerics.intervals import Interval, proportion
from byheart.studies.audit_planted.content import POOLED, Measured, PlantedContent, Population

COPIES = {
    "exact": "main",
    "crop-90": "main",
    "flip-crop-noise": "compound",
    "blend": "blend",
    "inversion": "outside",
}
INNOCENTS = {"blur-1": "safe", "contrast-0.3": "safe", "kde-0.3": "copying"}
SHARES = ("0", "0.005", "0.02", "0.1", "0.5", "1")


def measured(successes: int, count: int, kind: str = "") -> Measured:
    return Measured(proportion(successes, count), kind)


def mean(value: float, half: float, count: int = 300) -> Measured:
    return Measured(Interval(value, value - half, value + half, count))


def numbers(crops: int = 93, faint: int = 5, close: int = 2) -> dict[str, dict[str, Measured]]:
    """crops: of 100 that are accused.  faint: innocents of 1,000 that are.  close: of 3,500 that score like copies."""
    found = {"exact": 100, "crop-90": crops, "flip-crop-noise": 88, "blend": 98, "inversion": 1}
    accused = {"blur-1": 6, "contrast-0.3": faint, "kde-0.3": 640}
    return {
        "planted": {"main": measured(100 + crops, 200, POOLED)}
        | {name: measured(found[name], 100, kind) for name, kind in COPIES.items()},
        "matched": {"main": measured(196, 200, POOLED)}
        | {name: measured(found[name], 100, kind) for name, kind in COPIES.items()},
        "shortlisted": {"exact": measured(100, 100, "main")},
        "accused": {name: measured(accused[name], 1000, kind) for name, kind in INNOCENTS.items()},
        "blended": {name: measured(accused[name] // 2, 1000, kind) for name, kind in INNOCENTS.items()},
        "copier": {"0.02": measured(100, 100), "0.15": measured(94, 100)},
        "fpr": {"marginal": mean(0.0101, 0.0005), "guarded": mean(0.0089, 0.0005)},
        "exceeded": {"pac": measured(8, 200)},
        "population": {"close": measured(close, 3500)},
        "coverage": {name: measured(960 + place, 1000) for place, name in enumerate(SHARES)},
        "bound": {name: measured(990, 1000) for name in (*SHARES, "crops-0.1", "crops-0.5")},
        "estimate": {name: mean(float(name), 0.0002, 1000) for name in SHARES},
        "chao": {"20": mean(1.1, 0.06), "300": mean(0.994, 0.011)},
    }


def population(arm: str, title: str, **changes: object) -> Population:
    parts = {"numbers": numbers(), "facts": {"training images": "5,000", "seeds": "21, 22"}}
    return Population(arm, title, **(parts | changes))  # type: ignore[arg-type]


def populations() -> list[Population]:
    return [
        population("fashion", "Fashion-MNIST"),
        population("glyphs", "Glyphs", numbers=numbers(crops=100, faint=31)),
        population("digits", "Digits"),
        population("clipart-raw", "Clip art (raw)", numbers=numbers(crops=2, close=3395), accusable=False),
        population(
            "twice",
            "Fashion-MNIST, every image twice",
            numbers=numbers(crops=91),
            doubled="every image twice",
            once="fashion",
        ),
    ]


def claim(name: str, verdict: str | None, value: float | None = 0.97) -> Mapping[str, object]:
    return {
        "id": name,
        "paper": "byheart",
        "figure": "",
        "statement": "mixtures of two training images are seen: Fashion-MNIST",
        "target": 0.973,
        "accept": [0.95, 1],
        "measured": value,
        "low": value and value - 0.01,
        "high": value and value + 0.01,
        "verdict": verdict,
    }


def content(**changes: object) -> PlantedContent:
    parts = {
        "title": "Does the copy test keep its promises?",
        "scale": "cpu",
        "alpha": 0.01,
        "populations": populations(),
        "seeds": "21 and 22",
        "design": "0, 1 and 11",
        "claims": [
            claim("A-BLEND", "reproduced"),
            claim("A-FPR", "reproduced"),
            claim("A-RECALL", "contradicted"),
            claim("A-RECALL-worst", "unresolved"),
        ],
        "provenance": {"torch": "2.13.0+cpu", "seeds": "21, 22"},
        "command": "byheart study audit-planted --scale cpu",
    }
    return PlantedContent(**(parts | changes))  # type: ignore[arg-type]
