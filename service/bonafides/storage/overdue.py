"""Takes out of the score what a case contests, once by a ruling or by an overdue term.

A record is taken out by a revision of ours that voids it, an override by ending it. The
fold runs in the caller's unit of work, so that nobody sees the one without the other.

    withhold(work, code, now)     # whether anything was overdue
"""

from __future__ import annotations

import hashlib
from typing import Final

from bonafides.identity.corrections import CORRECTED, Correction, Ruling, Sort, State
from bonafides.instants import Instant, day_of
from bonafides.records.ingest import MAX_REVISION, Row
from bonafides.storage import archive as archive_rows
from bonafides.storage import corrections as rows
from bonafides.storage import overrides
from bonafides.storage import records as record_rows
from bonafides.storage.identity import take_turns
from bonafides.storage.unit_of_work import UnitOfWork

NOT_DECIDED: Final = "NOT_DECIDED_IN_TIME"

_FOLD_LIMIT: Final = 50_000
# Where the content of a record begins, behind what every revision has.
_HEAD: Final = Row._fields.index("day") + 1


def withhold(work: UnitOfWork, code: str, now: Instant) -> bool:
    """Notes which cases of the enterprise are overdue, and takes out what they contest.

    What a court or a registry published, and a check, are left as they are. Returns
    whether any case was overdue and not noted so. Whoever rates at an instant calls this
    first, and before it takes turns on the archive: the fold comes before that.
    """
    if not rows.past_term(work, code, day_of(now)):
        return False
    take_turns(work, f"corrections of {code}")
    # Looked at again: another may have done it.
    overdue = rows.past_term(work, code, day_of(now))
    for uid in [each.uid for each in overdue]:
        found = rows.find(work, code, uid)
        if found is not None:
            made = found[0]
            applied = take_out(work, made, now, step="APPEAL_OVERDUE", by="")
            rows.rule(work, made, Ruling(State.OVERDUE, NOT_DECIDED, "", now, applied))
    return bool(overdue)


def take_out(work: UnitOfWork, made: Correction, now: Instant, *, step: str, by: str) -> bool:
    """Takes a contested record or override out; returns whether it is out by this case."""
    if made.target.sort is Sort.OVERRIDE:
        held = overrides.find(work, made.code, made.target.subject)
        if held is None or not held.holds(now):
            return False
        overrides.end(work, held, overrides.Step(step, now, by))
        return True
    return made.target.sort is Sort.RECORD and _void(work, made, now)


def put_back(work: UnitOfWork, made: Correction, now: Instant) -> bool:
    """Puts a record back that the case took out, unless its platform has spoken since."""
    latest, *earlier = _revisions(work, made)
    if not _is_ours(latest, made) or not earlier:
        return False
    digest = _digest(made.uid, len(made.rulings) + 1)
    _write(work, earlier[0]._replace(revision=latest.revision + 1, digest=digest), now)
    return True


def _void(work: UnitOfWork, made: Correction, now: Instant) -> bool:
    latest = _revisions(work, made)[0]
    if latest.void:
        return _is_ours(latest, made)
    if latest.revision == MAX_REVISION:
        return False
    voided = Row._make((*latest[:_HEAD], *(None,) * (len(Row._fields) - _HEAD)))
    digest = _digest(made.uid, len(made.rulings) + 1)
    _write(work, voided._replace(revision=latest.revision + 1, void=True, digest=digest), now)
    return True


def _revisions(work: UnitOfWork, made: Correction) -> list[Row]:
    target = made.target
    return rows.revisions(work, made.code, target.subject, target.kind, target.item)


def _is_ours(row: Row, made: Correction) -> bool:
    """Returns whether a ruling in the case voided the record, and nobody spoke since."""
    numbers = range(1, len(made.rulings) + 1)
    return row.void and row.digest in {_digest(made.uid, number) for number in numbers}


def _write(work: UnitOfWork, row: Row, now: Instant) -> None:
    """Appends to the log, and folds up to there: the level is to follow at once."""
    record_rows.write(work, [row], now=now)
    codes: set[str] = set()
    while (step := record_rows.fold(work, _FOLD_LIMIT)).folded:
        codes |= step.codes
    archive_rows.mark_stale(work, sorted(codes), now)


def _digest(uid: str, number: int) -> bytes:
    """Returns the digest of the revision that a ruling writes; no platform's can equal it."""
    return hashlib.sha256(f"{CORRECTED}|{uid}|{number}".encode()).digest()
