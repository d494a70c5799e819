"""What of a submission is sealed under its own key, and how that is opened.

claims_of(work, vault, row, consent)      # under a consent to `open_claims` alone
"""

from __future__ import annotations

from collections.abc import Sequence

from bonafides.errors import BugError, ConsentRequiredError
from bonafides.identity.consent import ConsentRef
from bonafides.identity.evidence import Evidence
from bonafides.identity.submission import Claims, Purpose, StoredClaims, from_stored
from bonafides.instants import Instant
from bonafides.personal.sealing import Place, Vault, WrappedKey
from bonafides.storage import identity as rows
from bonafides.storage.unit_of_work import UnitOfWork


def place(uid: str) -> Place:
    """Returns where the personal values of a submission are sealed."""
    return Place("submission", uid, "personal")


def sealed_answers(
    work: UnitOfWork,
    vault: Vault,
    row: rows.SubmissionRow,
    evidence: Sequence[Evidence],
    now: Instant,
) -> list[rows.AnswerRow]:
    """Returns the answers as they are stored, the texts sealed under the submission's key."""
    wrapped = rows.wrapped_keys(work, [row.uid]).get(row.uid)
    # Without a key the personal values were erased meanwhile; so is what they brought.
    key = None if wrapped is None else vault.unwrap(row.uid, wrapped)
    return [
        rows.AnswerRow(
            each.source,
            each.retrieved_at,
            each.fault,
            None
            if key is None or each.raw is None
            else vault.seal(key, answer_place(row.uid, each.source, now), each.raw.encode()),
        )
        for each in evidence
    ]


def answer_place(uid: str, source: str, asked_at: Instant) -> Place:
    """Returns where the text of an answer is sealed."""
    return Place("evidence", uid, f"{source}|{asked_at}")


def claims_of(
    work: UnitOfWork, vault: Vault, row: rows.SubmissionRow, consent: ConsentRef
) -> Claims:
    """Returns what was submitted; `consent` is one to `open_claims`.

    Raises:
        ConsentRequiredError: the personal values were erased.
    """
    if (consent.code, consent.function) != (row.code, "open_claims"):
        raise BugError("claims were to be opened under a consent to something else")
    wrapped = rows.wrapped_keys(work, [row.uid]).get(row.uid)
    if wrapped is None:
        raise ConsentRequiredError(Purpose.VERIFY_IDENTITY.value)
    return opened(vault, row, wrapped)


def opened(vault: Vault, row: rows.SubmissionRow, wrapped: WrappedKey) -> Claims:
    """Returns what was submitted; whoever calls this holds a consent to `open_claims`."""
    personal = vault.open(vault.unwrap(row.uid, wrapped), place(row.uid), row.personal_sealed)
    return from_stored(StoredClaims(row.title, row.license, personal))
