"""How pictures are read where a file can be read in two ways, and both are usual.

    setting         value      what becomes of a picture
    ------------------------------------------------------------------------------------------------------------
    orientation     shown      turned as its rotation mark (EXIF) says, which is how a viewer shows it
                    stored     left as its pixels are stored, as loaders do that ignore the mark
    fit             cut        of a picture that is not square the centered square is kept
                    squash     its longer side is reduced to the shorter one, as Resize((S, S)) does
    transparency    white      laid on white
                    black      laid on black
                    hidden     shown without its transparency, as convert("RGB") does: the color below it is kept
    white           None       the type of integers says which of them is white; where it cannot, they are refused
                    4095, …    that integer is white

The defaults are those of `Reading`, the same for study, theory, sample, audit and dedup.  A TIFF file is always as shown: its
reader, Pillow, turns it for every loader.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from numbers import Integral
from typing import Any, Literal, get_args

from byheart._checks import InputError

__all__ = ["USUAL", "Fit", "Orientation", "Reading", "Transparency", "asked"]

Orientation = Literal["shown", "stored"]
Fit = Literal["cut", "squash"]
Transparency = Literal["white", "black", "hidden"]

_ALLOWED = {
    "orientation": get_args(Orientation),
    "fit": get_args(Fit),
    "transparency": get_args(Transparency),
}


@dataclass(frozen=True)
class Reading:
    """How pictures are read; see the table above.  Raises InputError for a value that is not in the table."""

    orientation: Orientation = "shown"
    fit: Fit = "cut"
    transparency: Transparency = "white"
    white: int | None = None

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            if (value := getattr(self, name)) not in allowed:
                raise InputError(
                    got=f"{name} {value!r}",
                    need="one of " + ", ".join(allowed),
                    remedy=f"leave it out for {getattr(type(self), name)}",
                )
        if self.white is not None and not _is_white(self.white):
            raise InputError(
                got=f"white {self.white!r}",
                need="an integer of at least 1: the value of white",
                remedy="leave it out where the type says it, as bytes and floats do",
            )

    def but(self, settings: dict[str, Any]) -> Reading:
        """Return this reading with other values of these settings."""
        return replace(self, **settings)

    @property
    def differing(self) -> dict[str, Any]:
        """List the settings that are not the defaults, by name."""
        usual = asdict(USUAL)
        return {name: value for name, value in asdict(self).items() if value != usual[name]}


def _is_white(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and 1 <= int(value) < 2**63


USUAL = Reading()
"""The default reading."""


def asked(
    orientation: Orientation | None, fit: Fit | None, transparency: Transparency | None, white: int | None
) -> dict[str, Any]:
    """List the settings that were given, by name.  Raises InputError for a value that no reading has."""
    settings = {"orientation": orientation, "fit": fit, "transparency": transparency, "white": white}
    given = {name: value for name, value in settings.items() if value is not None}
    USUAL.but(given)
    return given
