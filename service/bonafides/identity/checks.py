"""Compares what an enterprise claims with what sources say, and gives the verdict.

`CHECKS` is the whole of what is compared: each row names the claim, the evidence,
when the two agree, and what the enterprise can do if they don't. A row's result
from one source is

    MATCH         the source says the same
    MISMATCH      the source says something else
    NOT_FOUND     the source doesn't know the enterprise
    NO_EVIDENCE   the source knows it and holds nothing on this, or was not reached

and of several sources, asked in order of their authority, the first that says
MATCH or MISMATCH decides, unless one before it was not reached: what that one would
have decided stays open. A source may compare by itself and tell only whether the
two agree; that counts as the comparison. Rows beyond the depth that was asked for
don't apply. The verdict, in this order:

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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from bonafides.archive.facts import OperatingState
from bonafides.errors import BugError
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.evidence import Evidence
from bonafides.identity.submission import (
    CheckResult,
    Claims,
    Depth,
    License,
    Outcome,
    State,
)
from bonafides.identity.texts import comparable
from bonafides.instants import Day

# The note of a result whose source could not be asked.
NOT_REACHED: Final = "NOT_REACHED"
# The note of a result whose source still shows what an announced change replaces.
VALUE_BEFORE: Final = "VALUE_BEFORE"
# What stands where a source holds nothing.
_NOTHING: Final[tuple[object, ...]] = (None, "", frozenset(), OperatingState.NOT_KNOWN)
_DECIDED: Final = frozenset({Outcome.MATCH, Outcome.MISMATCH})

Agrees = Callable[[Any, Any, Day], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `claim` is a path in Claims, `evidence` a path in Evidence.

    An empty `claim` is what submitting claims by itself: to be in business. A claim
    within `representatives` is compared for each of them. A check that is required
    keeps the submission PENDING until it matches. `depth` is the least depth at
    which it applies.
    """

    name: str
    claim: str
    evidence: str
    agrees: Agrees
    remedy: str
    required: bool = False
    depth: Depth = Depth.TWO


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
_PEOPLE: Final = "representatives."
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
        _PEOPLE + "person",
        "person_agrees",
        _told_so,
        "Give the representative's name as the registry has it; register a change first.",
        required=True,
        depth=Depth.THREE,
    ),
    Check(
        "representative_id_number",
        _PEOPLE + "id_number",
        "id_number_agrees",
        _told_so,
        "Give the number of the document by which the registry knows the representative.",
        required=True,
        depth=Depth.FOUR,
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
    Check(
        "composition", "license.composition", _REGISTRATION + "composition", _same_text, _AS_PRINTED
    ),
)

NOT_COMPARED: Final[Mapping[str, str]] = {
    "phone": "no registry publishes contacts",
    "email": "no registry publishes contacts",
    "license.copy_sha256": "kept as evidence; what the copy shows is for people to compare",
    "authorizations": "looked at when the claims are read",
    "assent": "looked at when the claims are taken in",
    "authorized_platforms": "a grant, true by being made",
    "depth": "says which of these checks apply",
}

_REMEDIES: Final = {check.name: check.remedy for check in CHECKS}
_ORDER: Final = {check.name: place for place, check in enumerate(CHECKS)}
# The elements that are compared at each depth; the deeper has those before it too.
_ELEMENTS: Final = ("code", "title", "representative", "representative_id_number")
# From the worst: one of these in one element is the outcome of the whole.
_WORST_FIRST: Final = (Outcome.MISMATCH, Outcome.NOT_FOUND, Outcome.NO_EVIDENCE)


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
    results = _results(claims, evidence, today, checks)
    state, reason = _conclude(results, evidence, checks)
    return Verdict(results, state, reason)


def verify_changes(
    claims: Claims,
    before: Claims,
    kept: Mapping[str, CheckResult],
    evidence: Sequence[Evidence],
    today: Day,
    *,
    patient: bool,
) -> Verdict:
    """Returns the verdict on claims that amend verified ones.

    `kept` are the results that don't depend on what changed: they stand as they were
    found. Every other check has to be decided, but one on which the sources hold
    nothing. While `patient`, a source that still shows the value `before` is late and
    contradicts nobody: a registry lags 3 to 15 working days.
    """
    fresh = _results(claims, evidence, today, CHECKS) if evidence else ()
    matched = {
        each.check
        for each in (_results(before, evidence, today, CHECKS) if evidence and patient else ())
        if each.outcome is Outcome.MATCH
    }
    made = {
        each.check: dataclasses.replace(
            each, outcome=Outcome.NO_EVIDENCE, remedy="", note=VALUE_BEFORE
        )
        if each.outcome is Outcome.MISMATCH and each.check in matched
        else each
        for each in fresh
        if each.check not in kept
    }
    results = tuple(sorted((*kept.values(), *made.values()), key=lambda each: order(each.check)))
    silent = {name for name, each in made.items() if each.outcome is Outcome.NO_EVIDENCE}
    wanted = {name for name in made if name not in silent or made[name].note}
    return Verdict(results, *_conclude(results, evidence, CHECKS, wanted))


def dependent(changed: Iterable[str]) -> frozenset[str]:
    """Returns the checks that depend on these fields of the claims.

    The code is found by the title, so that a new title puts it in question too.
    """
    fields = set(changed)
    found = {check.name for check in CHECKS if check.claim in fields}
    if "representatives" in fields:
        found |= {check.name for check in CHECKS if check.claim.startswith(_PEOPLE)}
    return frozenset(found | ({"code"} if "title" in fields else set()))


def settled(claims: Claims, evidence: Sequence[Evidence], today: Day) -> bool:
    """Returns whether the evidence decides every required check.

    Further sources could change nothing then, and need not learn of the claims.
    """
    if not evidence:
        return False
    required = {check.name for check in CHECKS if check.required}
    results = _results(claims, evidence, today, CHECKS)
    return all(each.outcome in _DECIDED for each in results if _row(each.check) in required)


def uncovered(claims: Claims, checks: Sequence[Check] = CHECKS) -> tuple[str, ...]:
    """Returns the paths of claims that no check and no exemption covers; empty is right."""
    covered = {check.claim for check in checks} | set(NOT_COMPARED)
    return tuple(path for path in _paths(claims) if path not in covered)


def by_depth(results: Sequence[CheckResult], asked: Depth) -> tuple[tuple[Depth, Outcome], ...]:
    """Returns the outcome at each depth up to the one asked for, in that order.

    A depth matches where each of its elements does; else it has the worst of their
    outcomes. Empty before the first verdict.
    """
    if not results:
        return ()
    told = []
    for depth in Depth:
        elements = _ELEMENTS[:depth]
        outcomes = {each.outcome for each in results if _row(each.check) in elements}
        worst = (outcome for outcome in _WORST_FIRST if outcome in outcomes)
        told.append((depth, next(worst, Outcome.MATCH)))
    return tuple(told[: asked - Depth.TWO + 1])


def remedy(check: str, outcome: Outcome) -> str:
    """Returns what the enterprise can do about the outcome; empty where it is nothing."""
    return _REMEDIES.get(_row(check), "") if outcome is Outcome.MISMATCH else ""


def claim_of(check: str) -> str:
    """Returns the field of the claims that a result is about; its own name if none is."""
    name, _, place = check.partition("[")
    claim = next((row.claim for row in CHECKS if row.name == name), "")
    if not claim.startswith(_PEOPLE):
        return claim or name
    # The second representative is the first of the others.
    place = place.rstrip("]")
    where = f"other_representatives[{int(place) - 2}]" if place else "representative"
    return f"{where}.{claim.removeprefix(_PEOPLE)}"


def is_required(check: str) -> bool:
    """Returns whether a submission waits until the check matches."""
    return any(row.required for row in CHECKS if row.name == _row(check))


def order(check: str) -> tuple[int, str]:
    """Returns a key that sorts the names of results as the table does."""
    return _ORDER.get(_row(check), len(_ORDER)), check


def _row(check: str) -> str:
    """Returns the row of the table that a result's name is of."""
    return check.partition("[")[0]


def _paths(claims: Claims) -> Iterator[str]:
    for part in dataclasses.fields(claims):
        value = getattr(claims, part.name)
        if isinstance(value, License):
            yield from (f"{part.name}.{inner.name}" for inner in dataclasses.fields(value))
        elif part.name == "representatives":
            yield from (_PEOPLE + inner.name for inner in dataclasses.fields(value[0]))
        else:
            yield part.name


def _results(
    claims: Claims, evidence: Sequence[Evidence], today: Day, checks: Sequence[Check]
) -> tuple[CheckResult, ...]:
    return tuple(
        _decide(name, [(each, compare(each, today)) for each in evidence])
        for check in checks
        if check.depth <= claims.depth
        for name, compare in _comparisons(check, claims)
    )


Compare = Callable[[Evidence, Day], Outcome]


def _comparisons(check: Check, claims: Claims) -> Iterator[tuple[str, Compare]]:
    """Yields what the check compares, each under the name of its result.

    Nothing where the enterprise doesn't claim this.
    """
    if check.claim.startswith(_PEOPLE):
        claim = attrgetter(check.claim.removeprefix(_PEOPLE))
        for place, person in enumerate(claims.representatives):
            name = f"{check.name}[{place + 1}]" if place else check.name
            yield name, _comparison(check, claim(person), _of_person(check, place))
        return
    claimed = attrgetter(check.claim)(claims) if check.claim else ""
    if claimed is not None:
        yield check.name, _comparison(check, claimed, attrgetter(check.evidence))


def _of_person(check: Check, place: int) -> Callable[[Evidence], Any]:
    def told(evidence: Evidence) -> Any:
        people = () if evidence.entry is None else evidence.entry.people
        return attrgetter(check.evidence)(people[place]) if place < len(people) else None

    return told


def _comparison(check: Check, claimed: Any, tell: Callable[[Evidence], Any]) -> Compare:
    of_entry = check.evidence != "codes"

    def compare(evidence: Evidence, today: Day) -> Outcome:
        if evidence.fault:
            return Outcome.NO_EVIDENCE
        if evidence.entry is None and (of_entry or not evidence.codes):
            return Outcome.NOT_FOUND
        flag = None if evidence.entry is None else evidence.entry.flags.get(check.name)
        if flag is None:
            told = tell(evidence)
            if told in _NOTHING:
                return Outcome.NO_EVIDENCE
            flag = check.agrees(claimed, told, today)
        return Outcome.MATCH if flag else Outcome.MISMATCH

    return compare


def _decide(name: str, answers: Sequence[tuple[Evidence, Outcome]]) -> CheckResult:
    """Returns the result of the first source that decides or was not reached.

    Else that of the first that knows more.
    """
    firm = [each for each in answers if each[0].fault or each[1] in _DECIDED]
    silent = [each for each in answers if each[1] is Outcome.NO_EVIDENCE]
    source, outcome = (firm or silent or answers)[0]
    return CheckResult(
        name,
        outcome,
        source.source,
        source.retrieved_at,
        remedy(name, outcome),
        NOT_REACHED if source.fault else "",
    )


def _conclude(
    results: Sequence[CheckResult],
    evidence: Sequence[Evidence],
    checks: Sequence[Check],
    wanted: Collection[str] = (),
) -> tuple[State, str]:
    differing = {_row(each.check): each for each in results if each.outcome is Outcome.MISMATCH}
    if {"code", "title"} <= set(differing):
        return State.REJECTED, "CODE_AND_TITLE_MISMATCH"
    if "operating_state" in differing and _ended(differing["operating_state"].source, evidence):
        return State.REJECTED, "REGISTRATION_ENDED"
    if differing:
        return State.ACTION_REQUIRED, "MISMATCH"
    required = {check.name for check in checks if check.required}
    waiting = [
        each
        for each in results
        if (_row(each.check) in required or each.check in wanted)
        and each.outcome is not Outcome.MATCH
    ]
    if not waiting:
        return State.VERIFIED, "EVIDENCE_MATCHES"
    return State.PENDING, _why(waiting)


def _why(waiting: Sequence[CheckResult]) -> str:
    """Returns why a submission waits."""
    notes = {each.note for each in waiting}
    if NOT_REACHED in notes:
        return "SOURCE_NOT_REACHED"
    if VALUE_BEFORE in notes:
        return VALUE_BEFORE
    unknown = any(each.outcome is Outcome.NOT_FOUND for each in waiting)
    return "NOT_FOUND" if unknown else "NO_EVIDENCE"


def _ended(source: str, evidence: Sequence[Evidence]) -> bool:
    """Returns whether the source whose word counts says that the registration was ended."""
    entries = (each.entry for each in evidence if each.source == source)
    return any(entry is not None and entry.registration.operating_state.ended for entry in entries)
