"""Rows of the ledger: consents, platforms, published texts, assents, and their uses.

Rows are only added. What takes a consent back is a row of its own, set once; so the
ledger as of an earlier instant is what was recorded by then and not taken back by then.

`require` alone gives out a `ConsentRef`: whoever holds one has asked, and the asking
stands in the table of uses.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from bonafides.errors import ConsentRequiredError, PurposeNotListedError
from bonafides.identity import consent as rules
from bonafides.identity.consent import (
    SERVICE_AGREEMENT,
    USES,
    Consent,
    ConsentRef,
    PublishedText,
    RecordedAssent,
    Standing,
)
from bonafides.identity.submission import Authorization
from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.unit_of_work import UnitOfWork

USED: Final = "USED"
REFUSED: Final = "CONSENT_REQUIRED"
NOT_LISTED: Final = "PURPOSE_NOT_LISTED"

_consent: Final = tables.consent.c
_revocation: Final = tables.consent_revocation.c
_platform: Final = tables.platform_authorization


# --- Consents ----------------------------------------------------------------------


def ledger(work: UnitOfWork, code: str) -> tuple[Consent, ...]:
    """Returns every consent of the enterprise and of its submissions, the latest first."""
    return tuple(_row(row) for row in work.execute(_LEDGER, {"code": code}))


def ledgers(work: UnitOfWork, codes: Sequence[str]) -> dict[str, tuple[Consent, ...]]:
    """Returns what `ledger` does of each of the enterprises, by code."""
    found: dict[str, list[Consent]] = {code: [] for code in codes}
    for row in work.execute(_LEDGERS, {"codes": list(codes)}):
        found[row.code].append(_row(row))
    return {code: tuple(rows) for code, rows in found.items()}


def standing(work: UnitOfWork, code: str, at: Instant) -> Standing:
    """Returns the live purposes of the enterprise, and until when at most they are."""
    return rules.standing(ledger(work, code), at)


def live_purposes(work: UnitOfWork, code: str, at: Instant) -> frozenset[str]:
    """Returns what the representative agreed to and hasn't revoked, such as "RATE".

    As of an earlier instant: as far as the service had learned of it by then.
    """
    return standing(work, code, at).purposes


def find(
    work: UnitOfWork, code: str, function: str, *, of_submission: str = "", at: Instant
) -> ConsentRef | None:
    """Returns the consent under which the function may be done now, or None.

    Raises:
        PurposeNotListedError: the function has no row in `USES`.
    """
    use = USES.get(function)
    if use is None:
        raise PurposeNotListedError(function)
    found = rules.covering(ledger(work, code), use, of_submission=of_submission, at=at)
    if found is None:
        return None
    return ConsentRef(code, found.uid, function, at, frozenset(found.scope))


def require(
    work: UnitOfWork,
    code: str,
    function: str,
    *,
    of_submission: str = "",
    at: Instant,
) -> ConsentRef:
    """Returns the consent under which the function may be done, and notes the use.

    Raises:
        ConsentRequiredError: there is none that is live and covers its fields.
        PurposeNotListedError: the function has no row in `USES`.
    """
    found = find(work, code, function, of_submission=of_submission, at=at)
    if found is None:
        # Stays only if the caller goes on and commits, as one does who withdraws.
        note_use(work, code, function, outcome=REFUSED, now=at)
        raise ConsentRequiredError(USES[function].purpose.value)
    note_use(work, code, function, outcome=USED, consent_uid=found.uid, now=at)
    return found


def note_use(
    work: UnitOfWork,
    code: str,
    function: str,
    *,
    outcome: str,
    now: Instant,
    consent_uid: str | None = None,
    purpose: str = "",
    actor: str = "",
) -> None:
    """Adds a line to the audit of uses: what was done with a person's values, or refused."""
    use = USES.get(function)
    work.execute(
        tables.consent_use.insert(),
        {
            "code": code,
            "uid": str(uuid.uuid4()),
            "used_at": now,
            "function": function,
            "purpose": purpose or (use.purpose.value if use else ""),
            "outcome": outcome,
            "consent_uid": consent_uid,
            "actor": actor,
        },
    )


def add(work: UnitOfWork, rows: Sequence[Consent]) -> None:
    """Adds consents to the ledger; one that is there already stays as it is."""
    if rows:
        insert = work.insert(tables.consent)
        work.execute(
            insert.on_conflict_do_nothing(index_elements=["code", "uid"]),
            [
                {
                    "code": row.code,
                    "uid": row.uid,
                    "of_submission": row.of_submission,
                    "purpose": row.purpose,
                    "scope": ",".join(row.scope),
                    "text_version": row.text_version,
                    "text_sha256": row.text_sha256,
                    "evidence_sha256": row.evidence_sha256,
                    "granted_at": row.granted_at,
                    "recorded_at": row.recorded_at,
                    "expires_at": row.expires_at,
                    "actor": row.actor,
                }
                for row in rows
            ],
        )


def from_submission(
    code: str,
    submission_uid: str,
    authorizations: Sequence[Authorization],
    *,
    established: bool,
    actor: str,
    now: Instant,
) -> tuple[Consent, ...]:
    """Returns what a submission brings to the ledger.

    Not `established`: for its own values alone. What a submission claims to allow
    counts for the enterprise once it is VERIFIED, and not before.
    """
    return tuple(
        Consent(
            code=code,
            uid=_uid(submission_uid, each.purpose.value, established=established),
            of_submission="" if established else submission_uid,
            purpose=each.purpose.value,
            scope=each.scope,
            text_version=each.text_version,
            text_sha256=each.text_sha256,
            evidence_sha256=each.evidence_sha256,
            granted_at=each.granted_at,
            recorded_at=now,
            expires_at=each.expires_at,
            revoked_at=None,
            actor=actor,
        )
        for each in authorizations
    )


def brought_by(submission_uid: str, purpose: str) -> str:
    """Returns the uid of the consent for the enterprise that a submission brings."""
    return _uid(submission_uid, purpose, established=True)


def _uid(submission_uid: str, purpose: str, *, established: bool) -> str:
    return str(uuid.uuid5(uuid.UUID(submission_uid), f"{established}|{purpose}"))


def revoke(work: UnitOfWork, taken_back: Sequence[Consent], *, actor: str, now: Instant) -> None:
    """Adds the revocations; one that was taken back before keeps its instant."""
    if taken_back:
        insert = work.insert(tables.consent_revocation)
        work.execute(
            insert.on_conflict_do_nothing(index_elements=["code", "uid"]),
            [
                {"code": row.code, "uid": row.uid, "revoked_at": now, "actor": actor}
                for row in taken_back
            ],
        )


# --- Platforms ---------------------------------------------------------------------


def authorized_platforms(work: UnitOfWork, code: str, at: Instant) -> tuple[str, ...]:
    """Returns the platforms whose records the enterprise lets the service use, sorted."""
    table = _platform.c
    found = work.execute(
        sa.select(table.platform)
        .distinct()
        .where(
            table.code == code,
            table.granted_at <= at,
            sa.or_(table.revoked_at.is_(None), table.revoked_at > at),
        )
    )
    # Sorted here: the collations of the databases differ.
    return tuple(sorted(found.scalars()))


def authorized_of_page(
    work: UnitOfWork, codes: Sequence[str], at: Instant
) -> dict[str, tuple[str, ...]]:
    """Returns what `authorized_platforms` does of each of the enterprises, by code."""
    table = _platform.c
    found: dict[str, set[str]] = {code: set() for code in codes}
    for row in work.execute(
        sa.select(table.code, table.platform).where(
            table.code.in_(list(codes)),
            table.granted_at <= at,
            sa.or_(table.revoked_at.is_(None), table.revoked_at > at),
        )
    ):
        found[row.code].add(row.platform)
    return {code: tuple(sorted(platforms)) for code, platforms in found.items()}


def platform_history(
    work: UnitOfWork, code: str
) -> tuple[tuple[str, Instant, Instant | None], ...]:
    """Returns platform, granted and revoked of every authorization, by platform, latest first."""
    table = _platform.c
    found = work.execute(
        sa.select(table.platform, table.granted_at, table.revoked_at)
        .where(table.code == code)
        .order_by(table.granted_at.desc(), table.uid)
    )
    rows = [
        (
            row.platform,
            Instant(row.granted_at),
            None if row.revoked_at is None else Instant(row.revoked_at),
        )
        for row in found
    ]
    return tuple(sorted(rows, key=lambda row: row[0]))


def authorize_platforms(
    work: UnitOfWork, code: str, uid: str, platforms: Sequence[str], now: Instant
) -> None:
    """Lets the service use what the platforms report."""
    if platforms:
        work.execute(
            _platform.insert(),
            [
                {"code": code, "uid": uid, "platform": platform, "granted_at": now}
                for platform in platforms
            ],
        )


def revoke_platform(work: UnitOfWork, code: str, platform: str, now: Instant) -> bool:
    """Takes every live authorization of the platform back; returns whether there was one."""
    table = _platform.c
    done = work.execute(
        sa.update(_platform)
        .where(table.code == code, table.platform == platform, table.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return done.rowcount > 0


# --- Texts and assents --------------------------------------------------------------


def published_texts(work: UnitOfWork) -> tuple[PublishedText, ...]:
    """Returns every agreement and notice that was published, past ones too."""
    table = tables.published_text.c
    found = work.execute(
        sa.select(tables.published_text).order_by(table.effective_at, table.recorded_at)
    )
    return tuple(
        PublishedText(
            row.kind, row.version, Instant(row.effective_at), row.sha256, row.title, row.text
        )
        for row in found
    )


def agreements(work: UnitOfWork, named: str, now: Instant) -> dict[str, PublishedText]:
    """Returns by kind the agreements and notices that are in effect.

    `named` is the version of the service agreement until one is published.
    """
    text = PublishedText(SERVICE_AGREEMENT, named, None, b"", "", "")
    return rules.current_texts((text, *published_texts(work)), now)


def publish(work: UnitOfWork, text: PublishedText, now: Instant) -> bool:
    """Adds the text; returns False if its kind has this version already, which stays."""
    insert = work.insert(tables.published_text)
    done = work.execute(
        insert.on_conflict_do_nothing(index_elements=["kind", "version"]).returning(
            tables.published_text.c.version
        ),
        {
            "kind": text.kind,
            "version": text.version,
            "effective_at": text.effective_at or 0,
            "recorded_at": now,
            "sha256": text.sha256,
            "title": text.title,
            "text": text.text,
        },
    )
    return done.first() is not None


def assents(work: UnitOfWork, code: str) -> tuple[RecordedAssent, ...]:
    """Returns what was assented to on behalf of the enterprise, the latest first."""
    table = tables.assent.c
    found = work.execute(
        sa.select(tables.assent)
        .where(table.code == code)
        .order_by(table.recorded_at.desc(), table.kind, table.version)
    )
    return tuple(
        RecordedAssent(row.kind, row.version, Instant(row.assented_at), row.actor) for row in found
    )


def add_assent(work: UnitOfWork, code: str, given: RecordedAssent, now: Instant) -> None:
    """Adds the assent; an earlier one to the same version stays."""
    insert = work.insert(tables.assent)
    work.execute(
        insert.on_conflict_do_nothing(index_elements=["code", "kind", "version"]),
        {
            "code": code,
            "kind": given.kind,
            "version": given.version,
            "assented_at": given.assented_at,
            "recorded_at": now,
            "actor": given.actor,
        },
    )


# --- Helpers -------------------------------------------------------------------------


def _row(row: sa.Row[Any]) -> Consent:
    return Consent(
        code=row.code,
        uid=row.uid,
        of_submission=row.of_submission,
        purpose=row.purpose,
        scope=tuple(row.scope.split(",")),
        text_version=row.text_version,
        text_sha256=row.text_sha256,
        evidence_sha256=row.evidence_sha256,
        granted_at=Instant(row.granted_at),
        recorded_at=Instant(row.recorded_at),
        expires_at=None if row.expires_at is None else Instant(row.expires_at),
        revoked_at=None if row.revoked_at is None else Instant(row.revoked_at),
        actor=row.actor,
    )


# Made once: building a statement takes longer than running it.
_CONSENTS: Final = (
    sa.select(tables.consent, _revocation.revoked_at)
    .select_from(
        tables.consent.outerjoin(
            tables.consent_revocation,
            sa.and_(_revocation.code == _consent.code, _revocation.uid == _consent.uid),
        )
    )
    .order_by(_consent.recorded_at.desc(), _consent.purpose, _consent.uid)
)
_LEDGER: Final = _CONSENTS.where(_consent.code == sa.bindparam("code"))
_LEDGERS: Final = _CONSENTS.where(_consent.code.in_(sa.bindparam("codes", expanding=True)))
