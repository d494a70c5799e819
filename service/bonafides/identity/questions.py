"""Makes what a source is asked, and nothing more, out of what was claimed.

The rules:

1. Code and title are public and are always asked about.
2. A person's name is in the question from three elements on, the number of the
   document at four, and each only if the person's authorization to verify the
   identity covers it. Without it the question is asked without the person.
3. Nothing else of the claims is in a question: no contact, no license, no document.

    question(claims, may_use=consent.fields, submitted_at=now).people
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final, Protocol

from bonafides.identity.codes import UnifiedCode
from bonafides.identity.evidence import Evidence
from bonafides.identity.id_numbers import IdNumber
from bonafides.identity.submission import Claims, Depth
from bonafides.instants import Instant

PERSON: Final = "person"
ID_NUMBER: Final = "id_number"


@dataclass(frozen=True, slots=True)
class PersonAsked:
    """A person who is asked about; without a number, by name alone."""

    person: str = field(repr=False)
    id_number: IdNumber | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a source is asked. `people` are in the order of the claims; none: not asked."""

    code: UnifiedCode
    title: str
    people: tuple[PersonAsked, ...]
    submitted_at: Instant


class Fault(enum.StrEnum):
    """Why a source gave no answer."""

    TIMED_OUT = "TIMED_OUT"
    UNREACHABLE = "UNREACHABLE"
    BUSY = "BUSY"
    # Our key, our right or our credit there: for an operator to settle.
    REFUSED = "REFUSED"
    UNREADABLE = "UNREADABLE"
    # It failed again and again, and is left alone for a while.
    RESTING = "RESTING"

    @property
    def passing(self) -> bool:
        """Whether the same question may well be answered a moment later."""
        return self in {Fault.TIMED_OUT, Fault.UNREACHABLE, Fault.BUSY}


class SourceError(Exception):
    """A source gave no answer. Holds the fault and nothing of question or answer."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault: Final = fault


class Source(Protocol):
    """Where evidence comes from. `name` is what results call it, at most 40 characters."""

    @property
    def name(self) -> str:
        """Returns the name."""

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        """Returns what the source says, within the time; never called in a unit of work.

        What the source doesn't know is an answer: evidence without an entry.

        Raises:
            SourceError: it gave no answer.
        """


def question(claims: Claims, *, may_use: frozenset[str], submitted_at: Instant) -> Question:
    """Returns the question at the depth of the claims, as far as `may_use` goes."""
    people: tuple[PersonAsked, ...] = ()
    if claims.depth >= Depth.THREE and PERSON in may_use:
        numbered = claims.depth >= Depth.FOUR and ID_NUMBER in may_use
        people = tuple(
            PersonAsked(each.person, each.id_number if numbered else None)
            for each in claims.representatives
        )
    return Question(claims.code, claims.title, people, submitted_at)
