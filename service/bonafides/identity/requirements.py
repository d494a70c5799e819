"""Tells an enterprise what it must do from what is being checked, by what is stored.

The rules:

1. What differs from the evidence is due, with the remedy of its check; evidence that is
   late or out of reach is being checked, and never the enterprise's to mend.
2. A verification is due for renewal `RENEWAL` before it ends, and past due from then on.
3. A new version of an agreement is due while nobody assented to it.
4. What a person may refuse is optional, whatever rests on it: a consent that could be
   refused only at the price of a reproach would not be free. So are findings about the
   copy of a license.
5. A store under dispute is being checked, with the day by which that is decided.
6. What came before a verification is settled by it; of each submitter the latest
   submission counts.
7. What a platform asks is due until it is answered or closed, in its own words, under its
   name; nothing of the service depends on it.

    of_submission(status, now=now, verified=False)     # what is open about one submission
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bonafides.identity import checks
from bonafides.identity.consent import Consent, PublishedText, RecordedAssent
from bonafides.identity.submission import (
    CheckResult,
    Depth,
    Outcome,
    Purpose,
    State,
    SubmissionStatus,
)
from bonafides.instants import DAY, Day, Instant, start_of

# A license or a consent takes people's time to renew.
RENEWAL: Final = 60 * DAY


class Turn(enum.IntEnum):
    """Whose turn it is, the most pressing first. Names of v1.Requirement.State."""

    PAST_DUE = 1
    CURRENTLY_DUE = 2
    BEING_CHECKED = 3
    OPTIONAL = 4


class Effect(enum.StrEnum):
    """What is not to be had meanwhile. Names of v1.Requirement.Effect."""

    VERIFICATION = "VERIFICATION"
    LEVEL = "LEVEL"
    BUSINESS_FILE = "BUSINESS_FILE"
    NEW_REQUESTS = "NEW_REQUESTS"
    CHANGE = "CHANGE"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that is open. `remedy` is empty only of what is being checked.

    `deadline` None: there is none. `submission` empty: about the enterprise itself.
    """

    turn: Turn
    item: str
    reason: str
    remedy: str = ""
    deadline: Instant | None = None
    disables: tuple[Effect, ...] = ()
    submission: str = ""
    source: str = ""
    next_check_at: Instant | None = None
    # Of what a platform asks: who, and in which words. Empty: the service itself asks.
    platform: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a platform asks of the enterprise, unanswered."""

    platform: str
    uid: str
    text: str
    deadline: Instant


_UNVERIFIED: Final = (Effect.VERIFICATION, Effect.LEVEL)
_SUBMIT_AGAIN: Final = "Submit the identity again; what is verified anew replaces what ends."
_EXPRESS: Final[Mapping[Purpose, tuple[Effect, str]]] = {
    Purpose.RATE: (
        Effect.LEVEL,
        "If the proprietor agrees, grant RATE. Refusing is held against nobody.",
    ),
    Purpose.SHOW_BUSINESS_FILE: (
        Effect.BUSINESS_FILE,
        "If the proprietor agrees, grant SHOW_BUSINESS_FILE. Refusing is held against nobody.",
    ),
}
_UPLOAD: Final = (
    "Upload the copy whose SHA-256 was submitted, if you like; nothing depends on it by itself."
)


def relevant(found: Sequence[SubmissionStatus]) -> list[SubmissionStatus]:
    """Returns what counts of one submitter's submissions, given oldest first (6).

    The latest, and the verification before it, if there is one that the latest didn't end.
    """
    decided = [each for each in found if each.state in {State.VERIFIED, State.LAPSED}]
    counts = [*decided[-1:], *found[-1:]]
    if len(counts) > 1 and counts[0].uid == counts[1].uid:
        return counts[:1]
    if counts and counts[0].state is State.LAPSED and counts[-1].state is State.PENDING:
        # It was submitted again: nothing is left to do but wait.
        return counts[1:]
    return counts


def of_submission(
    status: SubmissionStatus, *, now: Instant, verified: bool
) -> tuple[Requirement, ...]:
    """Returns what is open about one submission.

    `verified`: the enterprise is verified by another one, whatever becomes of this.
    """
    match status.state:
        case State.PENDING:
            return (*_waiting(status, verified=verified), *_copy(status))
        case State.ACTION_REQUIRED | State.REJECTED:
            return (*_differing(status, verified=verified), *_copy(status))
        case State.VERIFIED | State.LAPSED:
            return (*_term(status, now), *_copy(status))
        case State.WITHDRAWN:
            taken_back = Requirement(
                Turn.OPTIONAL,
                "verification",
                status.history[-1].reason if status.history else "WITHDRAWN",
                "It was taken back. To be verified, submit the identity again.",
                disables=() if verified else _UNVERIFIED,
                submission=status.uid,
            )
            return () if verified else (taken_back,)
        case State.DRAFT:
            return ()


def is_verified(status: SubmissionStatus) -> bool:
    """Returns whether the submission stands as a whole verification."""
    return status.state is State.VERIFIED and status.depth is Depth.FOUR


def of_agreements(
    current: Iterable[PublishedText], assents: Iterable[RecordedAssent]
) -> tuple[Requirement, ...]:
    """Returns the versions that wait for assent (3)."""
    given = {(each.kind, each.version) for each in assents}
    return tuple(
        Requirement(
            Turn.CURRENTLY_DUE,
            f"agreements/{text.kind}",
            "AGREEMENT_NOT_CURRENT",
            f"Read version {text.version} and assent to it.",
            disables=(Effect.NEW_REQUESTS,),
        )
        for text in current
        if (text.kind, text.version) not in given
    )


def of_consents(
    ledger: Iterable[Consent], *, individual: bool, now: Instant
) -> tuple[Requirement, ...]:
    """Returns the consents that are missing or end soon (4)."""
    live = [each for each in ledger if not each.of_submission and each.live(now)]
    found = []
    for purpose in Purpose:
        held = [each.expires_at for each in live if each.purpose == purpose.value]
        effect, remedy = _EXPRESS.get(purpose, (None, ""))
        ends = None if None in held else max((end for end in held if end), default=None)
        item = f"consents/{purpose.value}"
        if not held and individual and effect is not None:
            missing = Requirement(Turn.OPTIONAL, item, "CONSENT_MISSING", remedy)
            found.append(replace(missing, disables=(effect,)))
        elif ends is not None and ends <= now + RENEWAL:
            shown = _UNVERIFIED if purpose is Purpose.VERIFY_IDENTITY else ()
            text = f"The consent ends. If the person agrees again, grant {purpose.value} anew."
            disables = (effect,) if effect and individual else shown
            found.append(Requirement(Turn.OPTIONAL, item, "CONSENT_ENDS", text, ends, disables))
    return tuple(found)


def of_stores(disputes: Mapping[tuple[str, str], Day]) -> tuple[Requirement, ...]:
    """Returns the disputes that staff have not decided, by platform and link (5)."""
    return tuple(
        Requirement(
            Turn.BEING_CHECKED,
            f"stores/{platform}/{link}",
            "STORE_DISPUTED",
            # Its last day is still inside.
            deadline=start_of(Day(due + 1)),
        )
        for (platform, link), due in sorted(disputes.items())
    )


def of_inquiries(asked: Iterable[Asked], now: Instant) -> tuple[Requirement, ...]:
    """Returns what platforms ask before they decide (7)."""
    return tuple(
        Requirement(
            Turn.PAST_DUE if each.deadline <= now else Turn.CURRENTLY_DUE,
            f"inquiries/{each.platform}/{each.uid}",
            "PLATFORM_ASKS",
            f"Answer the inquiry; questions about it go to {each.platform}, which decides.",
            each.deadline,
            platform=each.platform,
            question=each.text,
        )
        for each in asked
    )


def in_order(found: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Returns the most pressing first; within a turn, what has a deadline first."""
    return tuple(
        sorted(found, key=lambda each: (each.turn, each.deadline is None, each.deadline or 0))
    )


def _waiting(status: SubmissionStatus, *, verified: bool) -> list[Requirement]:
    disables = (Effect.CHANGE,) if verified else _UNVERIFIED
    waits = [
        each
        for each in status.checks
        if each.outcome is not Outcome.MATCH and (checks.is_required(each.check) or each.note)
    ]
    return [
        Requirement(
            Turn.BEING_CHECKED,
            item,
            reason,
            disables=disables,
            submission=status.uid,
            source=source,
            next_check_at=status.recheck_at,
        )
        for item, reason, source in (
            [(checks.claim_of(each.check), _why(each), each.source) for each in waits]
            or [("verification", "NOT_ASKED_YET", "")]
        )
    ]


def _why(result: CheckResult) -> str:
    if result.note == checks.NOT_REACHED:
        return "SOURCE_NOT_REACHED"
    return result.note or result.outcome.name


def _differing(status: SubmissionStatus, *, verified: bool) -> list[Requirement]:
    return [
        Requirement(
            Turn.CURRENTLY_DUE,
            checks.claim_of(each.check),
            each.outcome.name,
            each.remedy,
            disables=(Effect.CHANGE,) if verified else _UNVERIFIED,
            submission=status.uid,
            source=each.source,
        )
        for each in status.checks
        if each.outcome is Outcome.MISMATCH
    ]


def _term(status: SubmissionStatus, now: Instant) -> list[Requirement]:
    ends = status.expires_at
    if ends is None or ends > now + RENEWAL:
        return []
    over = status.state is State.LAPSED
    return [
        Requirement(
            Turn.PAST_DUE if over else Turn.CURRENTLY_DUE,
            "verification",
            "LAPSED" if over else "VERIFICATION_ENDS",
            _SUBMIT_AGAIN,
            ends,
            _UNVERIFIED,
            status.uid,
        )
    ]


def _copy(status: SubmissionStatus) -> list[Requirement]:
    noted = [
        Requirement(
            Turn.OPTIONAL,
            "license.copy_sha256",
            finding.reason,
            finding.description,
            submission=status.uid,
        )
        for finding in status.document_findings
        if finding.reason == "DOCUMENT_QR_DIFFERS"
    ]
    if status.document is None:
        reason = "LICENSE_COPY_NOT_UPLOADED"
        noted.append(
            Requirement(
                Turn.OPTIONAL, "license.copy_sha256", reason, _UPLOAD, submission=status.uid
            )
        )
    return noted
