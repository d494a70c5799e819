"""What an enterprise submits, and the states that a submission goes through.

A submission is made PENDING and ends by evidence, by time or by its submitter:

    DRAFT            filled in for the enterprise, not confirmed by it
    PENDING          waiting for evidence
    ACTION_REQUIRED  something differs; correct it in a new submission
    VERIFIED         every required check matched
    REJECTED         refuted; correct it in a new submission
    LAPSED           verified once, and the term of the verification is over
    WITHDRAWN        taken back by the enterprise

`TRANSITIONS` is the whole of what may follow what; history is only added to.
Nothing here asks a source or knows a clock.

    advance(State.PENDING, State.VERIFIED)      # State.VERIFIED
    advance(State.REJECTED, State.VERIFIED)     # TransitionNotAllowedError
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from bonafides.errors import TransitionNotAllowedError
from bonafides.identity.codes import Finding, UnifiedCode
from bonafides.identity.id_numbers import IdNumber
from bonafides.instants import Day, Instant
from bonafides.records.money import Money

# JSON has no bytes; digests are stored in hex.
Digest = Annotated[
    bytes,
    PlainSerializer(bytes.hex),
    BeforeValidator(lambda value: bytes.fromhex(value) if isinstance(value, str) else value),
]


class State(enum.StrEnum):
    """Where a submission stands."""

    DRAFT = enum.auto()
    PENDING = enum.auto()
    ACTION_REQUIRED = enum.auto()
    VERIFIED = enum.auto()
    REJECTED = enum.auto()
    LAPSED = enum.auto()
    WITHDRAWN = enum.auto()


TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    State.DRAFT: frozenset({State.PENDING, State.WITHDRAWN}),
    State.PENDING: frozenset(
        {State.ACTION_REQUIRED, State.VERIFIED, State.REJECTED, State.WITHDRAWN}
    ),
    # What was refuted stays refuted: a correction is a submission of its own, so
    # that each verdict stands beside exactly the claims that it judged.
    State.ACTION_REQUIRED: frozenset({State.WITHDRAWN}),
    State.VERIFIED: frozenset({State.LAPSED, State.WITHDRAWN}),
    State.REJECTED: frozenset(),
    State.LAPSED: frozenset(),
    State.WITHDRAWN: frozenset(),
}


def advance(before: State, after: State) -> State:
    """Returns the state entered.

    Raises:
        TransitionNotAllowedError: the table doesn't have this transition.
    """
    if after not in TRANSITIONS[before]:
        raise TransitionNotAllowedError(before.name, after.name)
    return after


class Purpose(enum.StrEnum):
    """What a person may agree to. The values are names of v1.Purpose without the prefix."""

    VERIFY_IDENTITY = "VERIFY_IDENTITY"
    SHOW_BUSINESS_FILE = "SHOW_BUSINESS_FILE"
    RATE = "RATE"
    PROVE_OWNERSHIP = "PROVE_OWNERSHIP"


@dataclass(frozen=True, slots=True)
class License:
    """The fields of a business license as the enterprise copied them. None: not claimed."""

    copy_sha256: Digest
    legal_form: str | None = None
    registered_address: str | None = field(default=None, repr=False)
    registered_capital: Money | None = None
    established: Day | None = None
    term_end: Day | None = None
    business_scope: str | None = None
    composition: str | None = None


class Depth(enum.IntEnum):
    """How many elements are compared: code and title, the person, the person's number.

    Nothing beyond the depth is sent to a source or compared.
    """

    TWO = 2
    THREE = 3
    FOUR = 4


@dataclass(frozen=True, slots=True)
class Representative:
    """The legal representative, or the proprietor of an individual business."""

    person: str = field(repr=False)
    id_number: IdNumber


@dataclass(frozen=True, slots=True)
class Authorization:
    """A person's authorization for one purpose: which fields, by which document, when.

    An empty version: the document itself is the text that the person was shown.
    `expires_at` None: it holds until it is revoked.
    """

    purpose: Purpose
    scope: tuple[str, ...]
    evidence_sha256: Digest
    granted_at: Instant
    text_version: str = ""
    text_sha256: Digest = b""
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Assent:
    """Assent to a version of the service agreement."""

    agreement_version: str
    assented_at: Instant


@dataclass(frozen=True, slots=True)
class Claims:
    """What an enterprise says of itself. Personal values stay out of its repr.

    Of the representatives there is at least one; their order means nothing.
    """

    code: UnifiedCode
    title: str
    phone: str = field(repr=False)
    email: str = field(repr=False)
    license: License
    representatives: tuple[Representative, ...]
    authorizations: tuple[Authorization, ...]
    assent: Assent
    authorized_platforms: tuple[str, ...]
    depth: Depth = Depth.FOUR


@dataclass(frozen=True, slots=True)
class Changes:
    """What an enterprise announces to have changed. None and empty: it stays."""

    title: str | None
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    license: License | None
    representatives: tuple[Representative, ...]
    authorizations: tuple[Authorization, ...]


class Outcome(enum.StrEnum):
    """What a check found.

    NOT_FOUND: the source doesn't know the enterprise. NO_EVIDENCE: the source
    knows it and holds nothing on this, or it could not be asked, which the result's
    note tells.
    """

    MATCH = enum.auto()
    MISMATCH = enum.auto()
    NOT_FOUND = enum.auto()
    NO_EVIDENCE = enum.auto()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found, by which source, retrieved when.

    `remedy` is empty where the enterprise has nothing to do. `note` is NOT_REACHED
    where the source could not be asked, at `retrieved_at`, VALUE_BEFORE where it still
    shows what an announced change replaces; else it is empty. Of the second
    representative on, `check` ends in the place: "representative[2]". `disputed`:
    somebody whom it concerns says that it is wrong, and nobody has ruled on that.
    """

    check: str
    outcome: Outcome
    source: str
    retrieved_at: Instant
    remedy: str
    note: str = ""
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a submission's history."""

    state: State
    at: Instant
    reason: str


@dataclass(frozen=True, slots=True)
class SubmissionStatus:
    """What became of a submission; nothing of what was claimed.

    `checks` are in the order of the table of checks, empty before the first
    verdict; `history` is oldest first. `recheck_at` None: not asked again.
    `expires_at` None: never verified.
    """

    code: UnifiedCode
    uid: str
    state: State
    checks: tuple[CheckResult, ...]
    history: tuple[Transition, ...]
    submitted_at: Instant
    recheck_at: Instant | None
    expires_at: Instant | None
    depth: Depth = Depth.FOUR
    # SHA-256 of the license's copy, if its submitter uploaded it and did not delete it.
    document: bytes | None = None
    # What the copy's QR code says.
    document_findings: tuple[Finding, ...] = ()
    # Field and supplier, where a draft was confirmed; empty: all by the submitter.
    supplies: tuple[tuple[str, str], ...] = ()
    # The submission that this one amends, and field, value before and after of each change.
    amends: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is peculiar about the code, and what the copy's QR code says beside it."""
        return (*self.code.findings, *self.document_findings)


@dataclass(frozen=True, slots=True)
class StoredClaims:
    """Claims as they are stored. `personal` is sealed before it is written."""

    title: str
    license: str
    personal: bytes = field(repr=False)


_CLAIMS: Final = TypeAdapter(Claims)
_LICENSE: Final = TypeAdapter(License)
_OPEN: Final = {"title", "license"}


def to_stored(claims: Claims) -> StoredClaims:
    """Returns the claims in a form that `from_stored` reads back equal."""
    return StoredClaims(
        title=claims.title,
        license=_LICENSE.dump_json(claims.license).decode(),
        personal=_CLAIMS.dump_json(claims, exclude=_OPEN),
    )


def stored_license(license_: str) -> License:
    """Returns the license that was stored."""
    return _LICENSE.validate_json(license_)


def license_digest(license_: str) -> bytes | None:
    """Returns the SHA-256 of the copy that a stored license names; None if it names none."""
    told = json.loads(license_).get("copy_sha256")
    return bytes.fromhex(told) if told else None


def from_stored(stored: StoredClaims) -> Claims:
    """Returns the claims that were stored."""
    fields = json.loads(stored.personal)
    fields |= {"title": stored.title, "license": json.loads(stored.license)}
    return _CLAIMS.validate_python(fields)
