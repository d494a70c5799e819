"""What is held about the persons whom a submission names, as they may be told it.

Pure rules:

1. a value is told behind a mask, never in clear: whoever holds the login is not by that
   the person;
2. beside each value stand the purposes for which it may be used now, with the consents;
   a value that no live consent covers is held sealed, and used by nobody;
3. it is held until the last of these consents ends, is taken back, or deletion is asked
   for, whichever comes first.

Source: 001 §3.5(a); PIPL Art. 45.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bonafides.identity.consent import Consent
from bonafides.identity.submission import Claims
from bonafides.instants import Instant
from bonafides.personal import masks


@dataclass(frozen=True, slots=True)
class HeldField:
    """One value that is held. `keep_until` None: until it is taken back or erased."""

    field: str
    masked: str
    purposes: tuple[str, ...]
    consents: tuple[str, ...]
    keep_until: Instant | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A source that was asked to compare, and whether it answered."""

    source: str
    asked_at: Instant
    answered: bool


@dataclass(frozen=True, slots=True)
class SubmissionHoldings:
    """What one submission brought. Not `readable`: nobody can read the values any more."""

    code: str
    uid: str
    submitted_at: Instant
    readable: bool
    erased_at: Instant | None
    fields: tuple[HeldField, ...]
    asked: tuple[Asked, ...]


def held_fields(
    claims: Claims, ledger: Iterable[Consent], copies: Iterable[bytes], at: Instant
) -> tuple[HeldField, ...]:
    """Returns the values of a submission, masked.

    `ledger` are the consents that came with it, `copies` the digests of the copies of
    licences that it names: a copy shows the person's name.
    """
    live = [consent for consent in ledger if consent.live(at)]
    told: list[tuple[str, str, str]] = []
    for place, each in enumerate(claims.representatives, start=1):
        stem = f"representatives[{place}]"
        told.append((f"{stem}.person", masks.person_name(each.person), "person"))
        told.append((f"{stem}.id_number", repr(each.id_number), "id_number"))
    if claims.phone:
        told.append(("phone", masks.phone(claims.phone), "phone"))
    if claims.email:
        told.append(("email", masks.email(claims.email), "email"))
    told += [("license.copy", masks.HIDDEN, "license") for _ in copies]
    return tuple(_held(field, masked, scope, live) for field, masked, scope in told)


def _held(field: str, masked: str, scope: str, live: Iterable[Consent]) -> HeldField:
    covering = [consent for consent in live if scope in consent.scope]
    ends = [consent.expires_at for consent in covering]
    known = [end for end in ends if end is not None]
    return HeldField(
        field=field,
        masked=masked,
        purposes=tuple(sorted({consent.purpose for consent in covering})),
        consents=tuple(consent.uid for consent in covering),
        keep_until=max(known) if known and len(known) == len(ends) else None,
    )
