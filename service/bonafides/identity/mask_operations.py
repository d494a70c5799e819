"""What staff can do about what a platform is not shown.

set_mask      sets the paths that are withheld from a platform, with a reason
get_mask      tells what is withheld from a platform now
list_masks    tells every mask that it ever had: no change is lost

A mask takes away from what the classes of information let every platform see, and never
adds (access.field_masks). It acts at once in this process, within a second in others.

Source: 002 §1.8(2).
"""

from __future__ import annotations

from dataclasses import dataclass

from bonafides.access.field_masks import faults
from bonafides.errors import InvalidFieldsError
from bonafides.identity.membership import Principal
from bonafides.identity.operations import Desk
from bonafides.instants import Instant
from bonafides.once import Request
from bonafides.storage import platform_masks as rows
from bonafides.storage.identity import take_turns
from bonafides.storage.platform_masks import MaskRow


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be withheld, why, by which request."""

    withheld: tuple[str, ...]
    reason: str
    request: Request


def set_mask(
    desk: Desk, staff: Principal, platform: str, wanted: Wanted, *, now: Instant
) -> MaskRow:
    """Adds a mask, which holds from now on; idempotent by the request id.

    Raises:
        InvalidFieldsError: a path is no field of an archive, or can't be withheld.
        RequestIdReusedError: the request id came before with another digest.
    """
    found = faults(wanted.withheld, "withheld_paths")
    if found:
        raise InvalidFieldsError(found)
    mark = wanted.request.mark(desk.vault, "mask", staff.name, platform)
    with desk.store.writing() as work:
        # One line for all platforms: their masks are numbered together.
        take_turns(work, "platform masks")
        before = rows.history(work, platform)
        known = mark.answer(next((each for each in before if each.uid == mark.uid), None))
        if known is not None:
            return known
        made = MaskRow(
            platform=platform,
            version=before[0].version + 1 if before else 1,
            number=rows.last_number(work) + 1,
            uid=mark.uid,
            request_digest=mark.digest,
            withheld=tuple(sorted(set(wanted.withheld))),
            reason=wanted.reason,
            set_at=now,
            set_by=staff.name,
        )
        rows.add(work, made)
        work.commit()
    return made


def get_mask(desk: Desk, platform: str) -> MaskRow | None:
    """Returns the mask that holds; None: there never was one."""
    return next(iter(list_masks(desk, platform)), None)


def list_masks(desk: Desk, platform: str) -> tuple[MaskRow, ...]:
    """Returns every mask that the platform had, the latest first."""
    with desk.store.reading() as work:
        return tuple(rows.history(work, platform))
