"""Decides what a link between a store and an enterprise is, and which records it carries.

A record of kind STORE is its platform's statement that the store is the enterprise's
from a day (opened, or linked) to a day (closed, or unlinked). The rules:

1. a transaction counts if a link that stands covers its day, first and last day
   included. What follows a sale (a refund, a complaint, a dispute) counts for
   FOLLOW_UP_DAYS more: whoever closes a store doesn't leave behind what was sold in it;
2. a record without such a link is kept in the log and counts for nobody. It counts
   from the moment at which a link covers it, and no longer than that;
3. certifications and memberships are about the enterprise, not about what a store
   sold: they need no link;
4. of two enterprises to which the platform gives one store for the same days, the one
   that has been given it for longer keeps it, and the later link is contested: it
   carries nothing until it is ruled on. A link is as old as the first of its revisions
   from which on the platform has said the same of all its days: what is made shorter
   keeps its age, what is made longer begins anew;
5. an enterprise may dispute a link. It is decided by staff within DECISION_DAYS working
   days; until then nothing changes but that it is marked. A link that is not decided on
   by then carries nothing until it is (OVERDUE), as any fact that a platform supplied;
6. of several rulings the last holds, for later revisions of the link too.

How a platform knows whose a store is (its proof) is shown, and changes nothing here.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bonafides.instants import Day, from_date, to_date
from bonafides.workdays import nth_workday

# A refund can be asked for up to the 90th day (003 G06); as long again for what comes of it.
FOLLOW_UP_DAYS: Final = 180
DECISION_DAYS: Final = 15

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MOST_AUTHENTICATIONS: Final = 16


class Proof(enum.StrEnum):
    """How a platform established whose a store is."""

    NOT_TOLD = enum.auto()
    # The platform holds a copy of the business licence.
    LICENSE_ON_FILE = enum.auto()
    # The store is paid out to an account in the enterprise's name.
    PAYMENT_ACCOUNT = enum.auto()
    # The enterprise was authenticated on the platform.
    AUTHENTICATED_ON_PLATFORM = enum.auto()
    # Whoever opened the store said so.
    SELF_DECLARED = enum.auto()


class AuthenticationKind(enum.StrEnum):
    """What a platform looked at when it authenticated a store."""

    LICENSE = enum.auto()
    REPRESENTATIVE = enum.auto()
    BANK_ACCOUNT = enum.auto()
    SITE_VISIT = enum.auto()


class Ruling(enum.StrEnum):
    """What was ruled on a link."""

    # It is the enterprise's, contested or not.
    UPHELD = enum.auto()
    # It is not.
    REJECTED = enum.auto()
    # A dispute was not decided in time.
    OVERDUE = enum.auto()


class Ground(enum.StrEnum):
    """Why an enterprise disputes a link."""

    NOT_OURS = enum.auto()
    WRONG_DATES = enum.auto()
    OTHER = enum.auto()


class Standing(enum.StrEnum):
    """Whether a link carries records, and why not."""

    STANDS = enum.auto()
    # Another enterprise was given the store before.
    CONTESTED = enum.auto()
    REJECTED = enum.auto()
    OVERDUE = enum.auto()


@dataclass(frozen=True, slots=True)
class Authentication:
    """One authentication of a store by its platform."""

    kind: AuthenticationKind
    day: Day


@dataclass(frozen=True, slots=True)
class Store:
    """A store as its platform states it, and how the statement stands.

    `disputed`: a dispute waits to be decided, by `due` at the latest. `claimed`: another
    enterprise is said to have the store on some of the same days.
    """

    link_id: str
    store_id: str
    opened: Day
    closed: Day | None
    standing: Standing
    title: str = ""
    category: str = ""
    address: str = ""
    proof: Proof = Proof.NOT_TOLD
    evidence_sha256: bytes = b""
    authentications: tuple[Authentication, ...] = ()
    disputed: bool = False
    due: Day | None = None
    claimed: bool = False

    def is_open(self, today: Day) -> bool:
        """Returns whether it counts as open: it stands, has opened, and does not close by today."""
        return (
            self.standing is Standing.STANDS
            and self.opened <= today
            and (self.closed is None or self.closed > today)
        )


def open_categories(stores: Iterable[Store], today: Day) -> list[str]:
    """Returns the category of each open store, "" where it names none."""
    return [store.category for store in stores if store.is_open(today)]


def due_day(disputed: Day) -> Day:
    """Returns the last day for a decision: the 15th working day after."""
    return nth_workday(disputed, DECISION_DAYS)


def detail_fault(detail: Mapping[str, str]) -> str | None:
    """Returns what is wrong with the proofs in a store's detail; None: nothing.

    proof is a name of `Proof` in lower case, evidence_sha256 64 lower-case hexadecimal
    digits, authentications up to 16 parts KIND:YYYY-MM-DD divided by blanks, with the
    kinds of `AuthenticationKind` in lower case.
    """
    proof = detail.get("proof")
    if proof is not None and proof not in set(Proof):
        return f"proof must be one of {sorted(Proof)}."
    digest = detail.get("evidence_sha256")
    if digest is not None and not _DIGEST.fullmatch(digest):
        return "evidence_sha256 must be the SHA-256 of the evidence, 64 hexadecimal digits."
    try:
        told = authentications_of(detail)
    except ValueError:
        return f"authentications must be KIND:YYYY-MM-DD, of {sorted(AuthenticationKind)}."
    if len(told) > _MOST_AUTHENTICATIONS:
        return f"authentications must be at most {_MOST_AUTHENTICATIONS}; send the last ones."
    return None


def authentications_of(detail: Mapping[str, str]) -> tuple[Authentication, ...]:
    """Returns the authentications in a store's detail, the newest first.

    Raises:
        ValueError: they can't be read.
    """
    told = []
    for part in detail.get("authentications", "").split():
        kind, _, day = part.partition(":")
        told.append(Authentication(AuthenticationKind(kind), from_date(dt.date.fromisoformat(day))))
    return tuple(sorted(told, key=lambda one: (-one.day, one.kind)))


def authentications_text(told: Iterable[Authentication]) -> str:
    """Returns authentications as a store's detail holds them: the same ones, the same text."""
    return " ".join(sorted(f"{one.kind}:{to_date(one.day).isoformat()}" for one in told))


def standing_of(ruling: str | None, *, stands: bool) -> Standing:
    """Returns how a link stands, by its last ruling and by whether it carries records."""
    if stands:
        return Standing.STANDS
    if ruling in {Ruling.REJECTED, Ruling.OVERDUE}:
        return Standing(ruling)
    return Standing.CONTESTED
