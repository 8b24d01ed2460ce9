"""Sentences of a study's page: each may be read only where the claims that it rests on are reproduced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import model_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.report.words import interval, number, percent

__all__ = ["Said", "Sentence", "reproduced", "say"]

PLACEHOLDER = re.compile(r"\{([A-Z][A-Za-z0-9-]*)(?:\.([a-z]+))?\}")

Row = Mapping[str, Any]

PARTS: Mapping[str, Callable[[Row], str]] = {
    "": lambda row: interval(row["measured"], row.get("low"), row.get("high")),
    "value": lambda row: number(row["measured"]),
    "low": lambda row: number(row.get("low")),
    "high": lambda row: number(row.get("high")),
    "percent": lambda row: percent(row["measured"]),
    "count": lambda row: f"{row['count']:,}",
}
"""What {ID} and {ID.part} write of a claim's row."""


class Sentence(Spec):
    """A sentence of a study's page, and what it rests on.

    when: ids of the claims that must all be reproduced.  text: may hold {ID}, what was measured for one of them with its
    interval, or {ID.value}, {ID.low}, {ID.high}, {ID.percent}, {ID.count}.  place: "advice" for the headline, which is the first
    that applies and may have no `when` to stand where nothing is reproduced; "reason" for a sentence below it.
    """

    when: tuple[str, ...] = ()
    text: str
    place: Literal["advice", "reason"]

    @model_validator(mode="after")
    def _says_what_it_rests_on(self) -> Sentence:
        if self.place == "reason" and not self.when:
            raise InputError(
                got=f"the sentence {self.text!r}, which rests on no claim",
                need="`when`: the ids of the claims that must be reproduced",
                remedy='name them, or make it the default headline with place = "advice"',
            )
        for claim, part in PLACEHOLDER.findall(self.text):
            if claim not in self.when or part not in PARTS:
                raise InputError(
                    got=f"{{{claim}{part and f'.{part}'}}} in the sentence {self.text!r}",
                    need=f"a claim of its `when` ({', '.join(self.when)}), alone or with ."
                    + ", .".join(filter(None, PARTS)),
                    remedy="add the claim to `when`, or mend the name",
                )
        if {"{", "}"} & set(PLACEHOLDER.sub("", self.text)):
            raise InputError(
                got=f"a brace that holds no claim in the sentence {self.text!r}",
                need="{ID} or {ID.value}",
                remedy="write the id of a claim into it, or leave it out",
            )
        return self


@dataclass(frozen=True)
class Said:
    """What a page says.  advice: its headline, "" where none applies.  reasons: the sentences below it."""

    advice: str
    reasons: tuple[str, ...]


def reproduced(rows: Iterable[Row]) -> dict[str, Row]:
    """Pick the rows with the verdict `reproduced`, by the id of their claim."""
    return {str(row["id"]): row for row in rows if row.get("verdict") == "reproduced"}


def say(sentences: Sequence[Sentence], rows: Iterable[Row]) -> Said:
    """Write the sentences whose claims are all reproduced.  rows: the claims as these runs measured them."""
    measured = reproduced(rows)
    applying = [sentence for sentence in sentences if set(sentence.when) <= measured.keys()]
    texts = {
        place: [_filled(sentence.text, measured) for sentence in applying if sentence.place == place]
        for place in ("advice", "reason")
    }
    return Said(next(iter(texts["advice"]), ""), tuple(texts["reason"]))


def _filled(text: str, measured: Mapping[str, Row]) -> str:
    return PLACEHOLDER.sub(lambda hit: PARTS[hit[2] or ""](measured[hit[1]]), text)
