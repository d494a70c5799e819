"""What a case of correction is: what it is about, its deadline, its rulings.

Pure rules:

1. a case is about one fact of the archive, one record of a platform, one check of a
   submission, or one override of the level; what isn't held can't be corrected;
2. it is due as a dispute of a store's link is: on the 15th working day;
3. neither who opened it rules on it, nor who entered what it is about: whose ruling put a
   fact in place, who submitted a check's submission, who proposed or started an override;
4. the last ruling counts, and all are kept; ruling otherwise takes back what the ruling
   before did, unless the source has spoken since, whose later word stands. An override
   that was ended stays so: a new one takes two people again;
5. until a ruling what it is about is marked as disputed, and counts. From the first
   instant after the last day, what a platform or staff put in counts no more until
   there is a ruling; what a court or a registry published goes on to count, marked.

What a verification says is corrected by a new submission, what an enterprise says of
itself by saying it anew, whose a store is by disputing its link.

Source: 001 §3.5(b); 000 §6(5); 002 §1.8(1), §7.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from bonafides.archive.facts import PUBLIC_RECORDS
from bonafides.archive.facts import Kind as FactKind
from bonafides.instants import Day, Instant

# How many cases one login may open in 24 hours.
CASES_PER_DAY: Final = 20
# The source of a fact that a ruling put in place.
CORRECTED: Final = "correction"

CORRECTABLE: Final = PUBLIC_RECORDS | {
    FactKind.REGISTRATION,
    FactKind.SHAREHOLDERS,
    FactKind.CHANGES,
}
# An enterprise without any registration could not be shown or rated.
NEVER_WITHDRAWN: Final = frozenset({FactKind.REGISTRATION})


class Sort(enum.StrEnum):
    """What a case is about."""

    FACT = "FACT"
    RECORD = "RECORD"
    CHECK = "CHECK"
    OVERRIDE = "OVERRIDE"


class State(enum.StrEnum):
    """Where a case stands. The values are names of v1.Correction.State."""

    OPEN = "OPEN"
    UPHELD = "UPHELD"
    REFUSED = "REFUSED"
    # The last day passed, and it waits still.
    OVERDUE = "OVERDUE"

    @property
    def decided(self) -> bool:
        """Whether a person has ruled."""
        return self in {State.UPHELD, State.REFUSED}


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be corrected.

    `subject`: of a record its platform, of a check its submission's uid, of an override
    its own. `kind`: of the fact or record, or the check's name. `item`: of the fact, or the
    record's id.
    """

    sort: Sort
    subject: str
    kind: str
    item: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """One ruling. `applied`: archive, records or level were changed by it.

    `by` is empty where the last day passed, which is no person's.
    """

    outcome: State
    reason: str
    by: str
    at: Instant
    applied: bool


@dataclass(frozen=True, slots=True)
class Correction:
    """A case. `wrong` and `right` are empty where they can't be read any more."""

    code: str
    uid: str
    actor: str
    target: Target
    evidence_sha256: bytes
    opened_at: Instant
    due: Day
    state: State
    rulings: tuple[Ruling, ...] = ()
    wrong: str = field(default="", repr=False)
    right: str = field(default="", repr=False)
