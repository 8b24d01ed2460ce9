"""Wrong arguments, in words for people: what the parser says, without its boxes and its copies of the help."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from inspect import signature
from itertools import takewhile

from byheart._checks import InputError, meant

__all__ = ["check_flags", "refused"]

HELP = ("--help",)


def check_flags(verb: str, function: Callable[..., int], words: Sequence[str]) -> None:
    """Raise InputError for a word that looks like a flag of the verb and is none, with the nearest that is one."""
    parameters = signature(function).parameters.values()
    known = ["--" + name.name.replace("_", "-") for name in parameters if name.kind is name.KEYWORD_ONLY]
    known += HELP
    for word in words:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag.replace("_", "-") not in known:
            raise InputError(
                got=f"the option {flag}, which `byheart {verb}` does not have",
                need="one of " + ", ".join(known),
                remedy=meant(flag, known) + f"see `byheart {verb} --help`",
            )


def refused(verb: str, text: str) -> InputError:
    """The refusal that the parser wrote into its box."""
    said = _unboxed(text)
    if found := re.match(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)", said):
        value, flag, listed = found.groups()
        # A set inside the parser: its order changes from one call to the next.
        choices = sorted(set(re.findall(r"'([^']*)'", listed)) - {"None"})
        return InputError(
            got=f"{flag} {value}",
            need="one of " + ", ".join(choices),
            remedy=meant(value, choices) + f"see `byheart {verb} --help`",
        )
    return InputError(
        got=said or f"arguments that `byheart {verb}` does not take",
        need=f"what `byheart {verb} --help` lists",
        remedy=f"see `byheart {verb} --help`",
    )


def _unboxed(text: str) -> str:
    """What the parser says inside its box, on one line; the title, and what it adds of the help, are left out."""
    lines = (line.strip("│╭╮╰╯ \t") for line in text.splitlines())
    said = [line for line in lines if line.strip("─- ")][1:]
    endings = ("Argument helptext", "For full", "Perhaps you meant", "Arguments similar")
    return " ".join(takewhile(lambda line: not line.startswith(endings), said))
