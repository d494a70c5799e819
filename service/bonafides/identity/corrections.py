"""What a case of correction is: what it is about, its deadline, its rulings.

Pure rules:

1. a case is about one fact of the archive, one record of a platform, or one check of a
   submission; what isn't held can't be corrected;
2. it is due as a dispute of a store's link is: on the 15th working day;
3. whoever opened it doesn't rule on it;
4. the last ruling counts, and all are kept; ruling otherwise takes back what the ruling
   before did, unless the source has spoken since, whose later word stands.

What a verification says is corrected by a new submission, what an enterprise says of
itself by saying it anew, whose a store is by disputing its link.

Source: 001 §3.5(b); 000 §6(5).
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


class State(enum.StrEnum):
    """Where a case stands. The values are names of v1.Correction.State."""

    OPEN = "OPEN"
    UPHELD = "UPHELD"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be corrected.

    `subject`: of a record its platform, of a check its submission's uid. `kind`: of the
    fact or record, or the check's name. `item`: of the fact, or the record's id.
    """

    sort: Sort
    subject: str
    kind: str
    item: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """One ruling. `applied`: archive or records were changed by it."""

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
