"""A page of the crossover made of invented numbers: every style of line, named places, a region, a fit."""

from typing import Any

from byheart.report.laboratory import LaboratoryContent
from byheart.report.palette import COPY, INK
from byheart.report.panels import Line, Panel
from byheart.studies.s1_crossover.page import CrossoverContent, WeightingContent

SIZES = (0.2, 0.5, 0.8, 1.0)
SHARES = (0.0, 0.02, 0.5, 1.0)


def panels() -> list[Panel]:
    return [
        Panel(
            "The transition",
            "Caption. " * 20,
            "components M over points N",
            "share memorized",
            [
                Line("copies", (0.8, 1.0), (), style="region", color=COPY),
                Line("S1's figures", SIZES, SHARES, style="published"),
                Line("Lloyd", SIZES, SHARES, style="formula", color=INK),
                Line("", SIZES, SHARES, style="formula"),
                Line("trained", SIZES, SHARES, (0.0, 0.0, 0.4, 0.98), (0.01, 0.04, 0.6, 1.0)),
            ],
            log_x=False,
            limits=(-0.03, 1.05),
        ),
        Panel(
            "Starts",
            "Caption.",
            "start",
            "share memorized",
            [Line("trained", (0, 1, 2, 3), (0.6, 0.5, 0.0, 0.0))],
            log_x=False,
            names=("nearest pairs", "points", "fresh samples", "Gaussian"),
        ),
        Panel(
            "Phase diagram",
            "Caption.",
            "points N",
            "components M",
            [
                Line("copies", (50, 200), (), (40, 160), (50, 200), "region", COPY),
                *(Line(f"d = {30 + place}, K = 12", (50, 200), (40, 160), color=place) for place in range(5)),
            ],
            shades=5,
        ),
    ]


def weighting(**changes: Any) -> WeightingContent:
    whole = {
        "cells": 6,
        "heldout": 3,
        "numbers": 26,
        "constraints": 1,
        "errors": (1.2e-4, 2.4e-4),
        "constant": 0.801,
        "constant_errors": (1.3e-4, 2.5e-4),
        "floor": 1.1e-4,
    }
    return WeightingContent(**(whole | changes))


def laboratory(**changes: Any) -> LaboratoryContent:
    whole = {
        "title": "When does a mixture model memorize?",
        "scale": "cpu",
        "advice": "A mixture copies half of its samples once it can hold four fifths of the points.",
        "reasons": ["A long sentence about what it means. " * 5] * 3,
        "panels": panels(),
        "cautions": ("these runs were made by different versions of the code",),
        "provenance": {"byheart": "0.1.0", "runs": 3},
        "command": "byheart study s1-crossover --scale cpu",
    }
    return LaboratoryContent(**(whole | changes))


def content(**changes: Any) -> CrossoverContent:
    return CrossoverContent(laboratory(**changes), weighting())
