"""Colors: told apart by readers with any color vision, on a light and on a dark page.

Every color has a twin for the dark page; `svg` turns the light one into a style variable, which the page sets.
One hue, from light to dark, orders the training set sizes; three hues (Okabe & Ito's, darkened) are the three times.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["COPY", "GOOD", "GRID", "INK", "MUTED", "SIGN", "TWINS", "ramp", "variable"]

INK, MUTED, GRID = "#22262b", "#646b75", "#e2e5e9"
GOOD, SIGN, COPY = "#0a8f6c", "#a87900", "#cc4e00"
"""Samples are good; the losses part; samples are copies."""

TWINS = {
    INK: "#e8eaed",
    MUTED: "#9aa3ae",
    GRID: "#31363d",
    GOOD: "#2fc39b",
    SIGN: "#e0b13c",
    COPY: "#ff8a4a",
}
"""Color on the light page -> on the dark page."""

NAMES = dict(zip(TWINS, ("--ink", "--muted", "--line", "--good", "--sign", "--copy"), strict=True))

_LIGHT = ((0x86, 0xBC, 0xEC), (0x2B, 0x6F, 0xBF), (0x0B, 0x25, 0x52))
_DARK = ((0x2E, 0x5F, 0xA3), (0x5C, 0xA2, 0xEE), (0xDB, 0xEC, 0xFF))
Stops = Sequence[tuple[int, int, int]]


def ramp(count: int) -> dict[str, str]:
    """`count` shades of one hue, for increasing n: on the light page -> on the dark page."""
    places = [0.5] if count == 1 else [i / (count - 1) for i in range(count)]
    return {_between(_LIGHT, place): _between(_DARK, place) for place in places}


def variable(color: str) -> str:
    """Name of the style variable of a color, e.g. --ink."""
    return NAMES.get(color, f"--n{color.removeprefix('#')}")


def _between(stops: Stops, place: float) -> str:
    first = min(int(place * (len(stops) - 1)), len(stops) - 2)
    part = place * (len(stops) - 1) - first
    mixed = (round(a + (b - a) * part) for a, b in zip(stops[first], stops[first + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
