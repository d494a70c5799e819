"""What promotion and rollback have in common: who answers for it, and whom falls are told to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import typer

from bonafides.archive import operations as archive_operations
from bonafides.instants import Instant, from_datetime, to_datetime
from bonafides.rating.reports import Move
from bonafides.rating.scorecard import Scorecard
from bonafides.storage import announced
from bonafides.storage.announced import AnnouncedLevel
from bonafides.storage.unit_of_work import Store

# Enterprises in one unit of work: ingestion waits no longer than for these.
_BATCH: Final = 100
_MOST_NAME: Final = 80
_MOST_REASON: Final = 500

Reason: TypeAlias = Annotated[
    str, typer.Option(help="Why, in up to 500 characters; names no enterprise and no person.")
]


def require_words(approvers: Sequence[str], reason: str) -> None:
    """Refuses names and reasons that a log can't hold.

    Raises:
        BadParameter: one is empty, too long, or not printable.
    """
    if not all(0 < len(name) <= _MOST_NAME and name.isprintable() for name in approvers):
        raise typer.BadParameter("takes 1 to 80 printable characters", param_hint="--approver")
    if not (0 < len(reason) <= _MOST_REASON and reason.isprintable()):
        raise typer.BadParameter("takes 1 to 500 printable characters", param_hint="--reason")


def announce(
    store: Store, cards: tuple[Scorecard, Scorecard], falls: Sequence[Move], times: tuple[int, int]
) -> int:
    """Stores who falls by the candidate, and refreshes the archives of all that concerns.

    `cards` are the champion and the candidate, `times` now and when the candidate may be
    served. Replaces what was announced before; returns how many see something else.
    """
    served, candidate = cards
    now, effective_at = map(Instant, times)
    rows = [
        AnnouncedLevel(
            code=fall.code,
            model_version=candidate.version,
            model_digest=candidate.digest,
            level=fall.after.value,
            announced_at=now,
            effective_at=effective_at,
        )
        for fall in falls
    ]
    return _replace(store, served, rows, now)


def take_back(store: Store, served: Scorecard, now: Instant) -> int:
    """Deletes what was announced, and refreshes the archives of those who saw it."""
    return _replace(store, served, [], now)


def forget(store: Store) -> None:
    """Deletes what was announced; archives are refreshed by whoever rates all anew."""
    with store.writing() as work:
        announced.replace(work, [])
        work.commit()


def instant_of(text: str) -> Instant:
    """Returns the instant that a log or a report wrote down.

    Raises:
        ValueError: it is none, or without its offset.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its offset")
    return from_datetime(moment)


def text_of(instant: Instant) -> str:
    """Returns an instant as logs and reports write it."""
    return to_datetime(instant).isoformat()


def _replace(store: Store, served: Scorecard, rows: Sequence[AnnouncedLevel], now: Instant) -> int:
    with store.writing() as work:
        changed = announced.replace(work, rows)
        work.commit()
    for start in range(0, len(changed), _BATCH):
        with store.writing() as work:
            for code in changed[start : start + _BATCH]:
                archive_operations.refresh(work, served, code, now)
            work.commit()
    return len(changed)
