r"""Text from outside, such as file names, made visible: what a terminal or a browser would act on is written out.

    escape (U+001B)                  \x1b        a byte that is no UTF-8 (0xE9)     \xe9
    right-to-left mark (U+202E)      \u202e      a letter nobody assigned           \U000xxxxx

HTML is another matter: the templates escape it.
"""

from __future__ import annotations

from typing import TypeVar, cast
from unicodedata import category

__all__ = ["cleaned", "visible"]

Record = TypeVar("Record")


def visible(text: str) -> str:
    """The text with every control, format, unassigned and undecodable character as its escape; spaces stay."""
    return text if text.isprintable() else "".join(map(_visible_character, text))


def cleaned(record: Record) -> Record:
    """The same record with every text in it made visible.  record: nested mappings, tuples and lists, as of `model_dump`."""
    return cast("Record", _cleaned(record))


def _cleaned(value: object) -> object:
    match value:
        case str():
            return visible(value)
        case dict():
            return {key: _cleaned(inner) for key, inner in value.items()}
        case list() | tuple():
            return tuple(_cleaned(inner) for inner in value)
    return value


def _visible_character(character: str) -> str:
    if character.isprintable() or category(character) == "Zs":
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python hands on a byte of a file name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
