"""Numbers and lists in words.  A percentage never rounds to none, or to all, of what it counts.

Pages take typographic spaces and minus signs; the `plain_` functions have none, for terminals and records.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

__all__ = [
    "SPACE",
    "counted",
    "distinct_ends",
    "interval",
    "listed",
    "number",
    "percent",
    "plain_number",
    "plain_percent",
    "plural",
    "rate",
]

SPACE = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line


def percent(share: float | None) -> str:
    """Write a share in per cent, `5.2 %`, with two digits or more; a dash for None.

    `0 %` and `100 %` are written only for exactly these shares.
    """
    return "–" if share is None else f"{_percentage(100 * share)}{SPACE}%".replace("-", "−")


def _percentage(value: float) -> str:
    if value in (0, 100):
        return f"{value:.0f}"
    if abs(value) < 0.01:
        return f"<{SPACE}0.01" if value > 0 else f">{SPACE}-0.01"
    if 99.9 < value < 100:
        return f">{SPACE}99.9"
    text = f"{value:.{2 if abs(value) < 1 else 1}f}"
    return text.removesuffix(".0") if abs(value) >= 10 else text


def counted(count: int, of: int) -> str:
    """Write a count among a total: `41 of 1,000`."""
    return f"{count:,} of {of:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 pair`, `2 pairs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """List words in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def rate(alpha: float) -> str:
    """Write a share that was chosen, not measured, in per cent: `1 %`."""
    return f"{100 * alpha:g}{SPACE}%"


def number(value: object) -> str:
    """Write a number with at most three significant digits and a true minus; a dash for None."""
    return _text(value, "g")


def distinct_ends(
    low: float | None, high: float | None, write: Callable[[float], str] = number
) -> tuple[str, str]:
    """Write the ends of a range, with as many digits as tell the ends apart; "" for an open end.

    write: writes one end, with three significant digits.
    """
    texts = ["" if end is None else write(end) for end in (low, high)]
    if low is not None and high is not None and low != high and texts[0] == texts[1]:
        digits = next(count for count in range(4, 18) if f"{low:.{count}g}" != f"{high:.{count}g}")
        texts = [f"{end:.{digits}g}" for end in (low, high)]
    return texts[0], texts[1]


def interval(value: object, low: object, high: object) -> str:
    """Write a value with its interval, `1.10 [1.00, 1.21]`, or the value alone where it has no interval, or is exact."""
    bounds = [_text(low, "#g"), _text(high, "#g")]
    exact = bounds[0] == bounds[1] == _text(value, "#g")
    return _text(value, "#g") if "–" in bounds or exact else f"{_text(value, '#g')} [{', '.join(bounds)}]"


def _text(value: object, style: str) -> str:
    if not isinstance(value, int | float) or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    plain = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:{style[:-1]}.3{style[-1]}}"
    return plain.removesuffix(".").replace("-", "−")


def plain_percent(share: float) -> str:
    """Write a share in per cent for a terminal, `5.2 %`, with two significant digits.

    The text is `100 %` only for a share of exactly 1, and never holds a power of ten.
    """
    if 0.995 <= share < 1:
        return f"{math.floor(1000 * share) / 10:.1f} %"
    if 0 < share < 1e-4:
        return "less than 0.01 %"
    return f"{100 * share:.2g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def plain_number(value: float | None) -> str:
    """Write a number with three significant digits for a terminal; a dash for what was not measured."""
    return "–" if value is None else f"{value:.3g}"
