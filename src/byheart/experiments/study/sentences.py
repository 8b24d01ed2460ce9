"""Sentences of a study's page: each may be read only where the claims that it rests on came out as it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import model_validator

from byheart._checks import InputError
from byheart._records import Spec
from byheart.report.words import interval, number, percent

__all__ = ["Said", "Sentence", "say"]

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

    when: ids of the claims that must all be reproduced.  against: ids of the claims that must all be contradicted.
    text: may hold {ID}, what was measured for one of these claims with its interval, or {ID.value}, {ID.low}, {ID.high},
    {ID.percent}, {ID.count}.  place: "advice" for the headline, which is the first that applies and may rest on no claim, to
    stand where nothing is decided; "reason" for a sentence below the headline.
    """

    when: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    text: str
    place: Literal["advice", "reason"]

    @property
    def rests_on(self) -> tuple[str, ...]:
        """List the ids of all claims that must be decided for the sentence to be read."""
        return (*self.when, *self.against)

    @model_validator(mode="after")
    def _says_what_it_rests_on(self) -> Sentence:
        if self.place == "reason" and not self.rests_on:
            raise InputError(
                got=f"the sentence {self.text!r}, which rests on no claim",
                need="`when` or `against`: the ids of the claims that must be reproduced, or contradicted",
                remedy='name them, or make it the default headline with place = "advice"',
            )
        for claim, part in PLACEHOLDER.findall(self.text):
            if claim not in self.rests_on or part not in PARTS:
                raise InputError(
                    got=f"{{{claim}{part and f'.{part}'}}} in the sentence {self.text!r}",
                    need=f"a claim of its `when` or `against` ({', '.join(self.rests_on)}), alone or with ."
                    + ", .".join(filter(None, PARTS)),
                    remedy="add the claim to `when` or `against`, or mend the name",
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


def say(sentences: Sequence[Sentence], rows: Iterable[Row]) -> Said:
    """Write the sentences whose claims all came out as the sentences say.  rows: the claims as these runs measured them."""
    measured = {str(row["id"]): row for row in rows}
    applying = [sentence for sentence in sentences if _applies(sentence, measured)]
    texts = {
        place: [_filled(sentence.text, measured) for sentence in applying if sentence.place == place]
        for place in ("advice", "reason")
    }
    return Said(next(iter(texts["advice"]), ""), tuple(texts["reason"]))


def _applies(sentence: Sentence, measured: Mapping[str, Row]) -> bool:
    """Say whether all that the sentence rests on is reproduced, or contradicted where the sentence says so."""
    verdicts = {claim: row.get("verdict") for claim, row in measured.items()}
    return all(verdicts.get(claim) == "reproduced" for claim in sentence.when) and all(
        verdicts.get(claim) == "contradicted" for claim in sentence.against
    )


def _filled(text: str, measured: Mapping[str, Row]) -> str:
    return PLACEHOLDER.sub(lambda hit: PARTS[hit[2] or ""](measured[hit[1]]), text)
