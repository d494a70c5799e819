"""What staff let accounts spend.

set_limit      sets what a kind of account, a platform or an application may spend
list_limits    those that hold; replaced ones too, if asked

A limit that is set goes before the settings, one of a platform or application before one
of its kind. Every row names its author and his reason, and stays. Processes hear of it
with the commit, or within a second; what they leased under the limit before is void, and
what was spent under it stays spent.

Sources: 002 §2.2(2); 000 §6(9, 10).
"""

from __future__ import annotations

from dataclasses import dataclass

from bonafides.access.budgets import SetLimit
from bonafides.identity.membership import Principal
from bonafides.identity.operations import Desk
from bonafides.instants import Instant
from bonafides.once import Request, require_same
from bonafides.storage import spending_limits as rows
from bonafides.storage.identity import take_turns
from bonafides.storage.spending_limits import LimitRow


@dataclass(frozen=True, slots=True)
class Allowing:
    """What a member of staff lets somebody spend, why, by which request."""

    # As `bonafides.access.spending_limits.read_payer` writes it.
    payer: str
    limit: SetLimit
    reason: str
    request: Request


def set_limit(desk: Desk, staff: Principal, asked: Allowing, *, now: Instant) -> LimitRow:
    """Sets a limit in place of the one before; idempotent by the request id.

    Raises:
        RequestIdReusedError: the request id came before with another digest.
    """
    mark = asked.request.mark(desk.vault, "spending limit", staff.name)
    with desk.store.writing() as work:
        take_turns(work, "spending limits")
        known = rows.find(work, mark.uid)
        if known is not None:
            require_same(known.request_digest, mark.digest.hex())
            return known
        made = LimitRow(
            payer=asked.payer,
            number=rows.last_number(work, asked.payer) + 1,
            uid=mark.uid,
            limit=asked.limit,
            reason=asked.reason,
            set_at=now,
            set_by=staff.name,
            request_digest=mark.digest.hex(),
        )
        rows.add(work, made)
        work.commit()
    return made


def list_limits(desk: Desk, *, ended: bool) -> list[tuple[LimitRow, Instant | None]]:
    """Returns limits by payer, the latest first, and when each was replaced; None: it holds."""
    with desk.store.reading() as work:
        found = rows.limits(work)
    told: list[tuple[LimitRow, Instant | None]] = []
    later: LimitRow | None = None
    for row in found:
        replaced = later is not None and later.payer == row.payer
        if ended or not replaced:
            told.append((row, later.set_at if later is not None and replaced else None))
        later = row
    return told
