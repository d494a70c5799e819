"""Compares what an enterprise claims with what sources say, and gives the verdict.

`CHECKS` is the whole of what is compared: each row names the claim, the evidence,
when the two agree, and what the enterprise can do if they don't. A row's result
from one source is

    MATCH         the source says the same
    MISMATCH      the source says something else
    NOT_FOUND     the source doesn't know the enterprise
    NO_EVIDENCE   the source knows it and holds nothing on this

and of several sources, asked in order of their authority, the first that says
MATCH or MISMATCH decides. The verdict, in this order:

1. Code and title both differ (a name under another's code): REJECTED.
2. The registration was ended (注销, 吊销, 撤销): REJECTED.
3. Anything else differs, an expired term too: ACTION_REQUIRED.
4. A required check didn't match: PENDING. Silence is never held against anybody.
5. Otherwise: VERIFIED.

Every field of the claims is in `CHECKS` or, with the reason, in `NOT_COMPARED`;
an empty table and a field that is in neither are our faults and stop the verdict.

    verify(claims, [evidence], today).state      # State.VERIFIED
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from bonafides.archive.facts import OperatingState, Registration
from bonafides.errors import BugError
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.submission import (
    CheckResult,
    Claims,
    License,
    Outcome,
    Representative,
    State,
)
from bonafides.identity.texts import comparable
from bonafides.instants import DAY, Day, Instant

# Days from each try to the next; the last one repeats.
RECHECK_DAYS: Final = (1, 3, 7, 15)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says of the enterprise that has the claimed code.

    A source says whether the claimed representative is the one it knows; it never
    hands the person's name or number out. None: it holds nothing on that.
    """

    registration: Registration
    representative_agrees: bool | None = None
    id_number_agrees: bool | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A source's answer to one set of claims, and when its data were retrieved.

    `entry` is None when the source doesn't know the code. `codes` are those under
    which it knows the claimed title; where it knows the title under none, the
    claimed code itself if it knows that. Empty: it knows neither.
    """

    source: str
    retrieved_at: Instant
    entry: Entry | None
    codes: frozenset[UnifiedCode]


Agrees = Callable[[Any, Any, Day], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `claim` is a path in Claims, `evidence` a path in Evidence.

    An empty `claim` is what submitting claims by itself: to be in business. A
    check that is required keeps the submission PENDING until it matches.
    """

    name: str
    claim: str
    evidence: str
    agrees: Agrees
    remedy: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """One result for each check that applies, the state they lead to, and why."""

    results: tuple[CheckResult, ...]
    state: State
    reason: str


def _equal(claimed: Any, told: Any, _today: Day) -> bool:
    return bool(claimed == told)


def _same_text(claimed: str, told: str, _today: Day) -> bool:
    return comparable(claimed) == comparable(told)


def _told_so(_claimed: Any, told: bool, _today: Day) -> bool:  # noqa: FBT001 - a row of the table
    return told


def _one_of(claimed: UnifiedCode, told: frozenset[UnifiedCode], _today: Day) -> bool:
    return claimed in told


def _not_over(_claimed: Any, told: Day, today: Day) -> bool:
    return told >= today


def _in_business(_claimed: Any, told: OperatingState, _today: Day) -> bool:
    return told in {OperatingState.IN_BUSINESS, OperatingState.MOVED}


_REGISTRATION: Final = "entry.registration."
_AS_PRINTED: Final = "Copy this field from the license as it is printed, or leave it out."

CHECKS: Final = (
    Check(
        "code",
        "code",
        "codes",
        _one_of,
        "The registry knows this title under another code; copy the code from the license.",
        required=True,
    ),
    Check(
        "title",
        "title",
        _REGISTRATION + "title",
        _same_text,
        "The registry knows this code under another title; copy the title from the license.",
        required=True,
    ),
    Check(
        "operating_state",
        "",
        _REGISTRATION + "operating_state",
        _in_business,
        "The registry doesn't show the enterprise as in business; settle that with the registry.",
        required=True,
    ),
    Check(
        "term",
        "",
        _REGISTRATION + "term_end",
        _not_over,
        "The term of business is over; have it extended, then submit again.",
    ),
    Check(
        "representative",
        "representative.person",
        "entry.representative_agrees",
        _told_so,
        "Give the representative's name as the registry has it; register a change first.",
        required=True,
    ),
    Check(
        "representative_id_number",
        "representative.id_number",
        "entry.id_number_agrees",
        _told_so,
        "Give the number of the representative's resident identity card.",
        required=True,
    ),
    Check(
        "legal_form", "license.legal_form", _REGISTRATION + "legal_form", _same_text, _AS_PRINTED
    ),
    Check(
        "registered_address",
        "license.registered_address",
        _REGISTRATION + "registered_address",
        _same_text,
        _AS_PRINTED,
    ),
    Check(
        "registered_capital",
        "license.registered_capital",
        _REGISTRATION + "registered_capital",
        _equal,
        _AS_PRINTED,
    ),
    Check("established", "license.established", _REGISTRATION + "established", _equal, _AS_PRINTED),
    Check("term_end", "license.term_end", _REGISTRATION + "term_end", _equal, _AS_PRINTED),
    Check(
        "business_scope",
        "license.business_scope",
        _REGISTRATION + "business_scope",
        _same_text,
        _AS_PRINTED,
    ),
)

NOT_COMPARED: Final[Mapping[str, str]] = {
    "phone": "no registry publishes contacts",
    "email": "no registry publishes contacts",
    "license.copy_sha256": "kept as evidence; what the copy shows is for people to compare",
    "authorizations": "looked at when the claims are read",
    "assent": "looked at when the claims are taken in",
    "authorized_platforms": "a grant, true by being made",
}

_REMEDIES: Final = {check.name: check.remedy for check in CHECKS}


def verify(
    claims: Claims,
    evidence: Sequence[Evidence],
    today: Day,
    *,
    checks: Sequence[Check] = CHECKS,
) -> Verdict:
    """Returns the verdict on the claims, by evidence in order of authority.

    Raises:
        BugError: no evidence, no checks, or a claim that no check covers.
    """
    if not evidence or not checks:
        raise BugError("a verdict without evidence or checks")
    if unlisted := uncovered(claims, checks):
        raise BugError(f"claims without a check: {', '.join(unlisted)}")
    results = tuple(
        result for check in checks if (result := _decide(check, claims, evidence, today))
    )
    state, reason = _conclude(results, evidence, checks)
    return Verdict(results, state, reason)


def uncovered(claims: Claims, checks: Sequence[Check] = CHECKS) -> tuple[str, ...]:
    """Returns the paths of claims that no check and no exemption covers; empty is right."""
    covered = {check.claim for check in checks} | set(NOT_COMPARED)
    return tuple(path for path in _paths(claims) if path not in covered)


def remedy(check: str, outcome: Outcome) -> str:
    """Returns what the enterprise can do about the outcome; empty where it is nothing."""
    return _REMEDIES.get(check, "") if outcome is Outcome.MISMATCH else ""


def next_recheck(now: Instant, tries: int) -> Instant:
    """Returns when evidence is asked for again, after so many tries (1 or more)."""
    days = RECHECK_DAYS[min(tries, len(RECHECK_DAYS)) - 1]
    return Instant(now + days * DAY)


def _paths(claims: Claims) -> Iterator[str]:
    for field in dataclasses.fields(claims):
        value = getattr(claims, field.name)
        if isinstance(value, (License, Representative)):
            yield from (f"{field.name}.{inner.name}" for inner in dataclasses.fields(value))
        else:
            yield field.name


def _decide(
    check: Check, claims: Claims, evidence: Sequence[Evidence], today: Day
) -> CheckResult | None:
    """Returns the result of the first source that decides, else of the first that knows more.

    None: the enterprise doesn't claim this, so there is nothing to compare.
    """
    claimed = attrgetter(check.claim)(claims) if check.claim else ""
    if claimed is None:
        return None
    answers = [(_compare(check, claimed, each, today), each) for each in evidence]
    by_weight = (Outcome.MATCH, Outcome.MISMATCH), (Outcome.NO_EVIDENCE,), (Outcome.NOT_FOUND,)
    outcome, source = next(
        answer for outcomes in by_weight for answer in answers if answer[0] in outcomes
    )
    return CheckResult(
        check.name, outcome, source.source, source.retrieved_at, remedy(check.name, outcome)
    )


def _compare(check: Check, claimed: Any, evidence: Evidence, today: Day) -> Outcome:
    if evidence.entry is None and (check.evidence.startswith("entry.") or not evidence.codes):
        return Outcome.NOT_FOUND
    told = attrgetter(check.evidence)(evidence)
    if told is None or told is OperatingState.NOT_KNOWN:
        return Outcome.NO_EVIDENCE
    return Outcome.MATCH if check.agrees(claimed, told, today) else Outcome.MISMATCH


def _conclude(
    results: Sequence[CheckResult], evidence: Sequence[Evidence], checks: Sequence[Check]
) -> tuple[State, str]:
    differing = {result.check for result in results if result.outcome is Outcome.MISMATCH}
    if {"code", "title"} <= differing:
        return State.REJECTED, "CODE_AND_TITLE_MISMATCH"
    if "operating_state" in differing and any(_ended(each) for each in evidence):
        return State.REJECTED, "REGISTRATION_ENDED"
    if differing:
        return State.ACTION_REQUIRED, "MISMATCH"
    outcomes = {result.check: result.outcome for result in results}
    open_outcomes = {
        outcomes[check.name]
        for check in checks
        if check.required and outcomes[check.name] is not Outcome.MATCH
    }
    if Outcome.NOT_FOUND in open_outcomes:
        return State.PENDING, "NOT_FOUND"
    if open_outcomes:
        return State.PENDING, "NO_EVIDENCE"
    return State.VERIFIED, "EVIDENCE_MATCHES"


def _ended(evidence: Evidence) -> bool:
    entry = evidence.entry
    return entry is not None and entry.registration.operating_state.ended
