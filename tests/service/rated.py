"""What happens to an enterprise that has a level: records, facts, a week that passes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bonafides.archive import operations as archive
from bonafides.archive.facts import Fact
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, HOUR, Day, Instant, day_of, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating.card import Level
from bonafides.rating.operations import get_rating as read_rating
from bonafides.rating.scorecard import champion, models_folder
from bonafides.records.kinds import Kind as RecordKind
from bonafides.records.kinds import Outcome, Record
from bonafides.records.operations import fold, ingest
from bonafides.storage import rating as rating_rows
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from scripts import check_receipt
from tests import builders
from tests.builders import NOW, PLATFORM, TODAY

CODE = builders.code(1)
CARD = champion(None)
CARD_FILE = models_folder(None) / CARD.version / "scorecard.json"
CHECKER = Path(check_receipt.__file__)
# A week before: by NOW the first evaluation has been.
BEGUN = Instant(NOW - 7 * DAY)


# --- What happens to an enterprise ----------------------------------------------------


def take_in(
    store: Store, vault: Vault, records: Sequence[Record], *, now: Instant, of: UnifiedCode = CODE
) -> None:
    """Stores and folds the records, and refreshes the enterprise."""
    assert not ingest(store, vault, builders.rates(), records, now=now).rejected
    fold(store, now=now)
    refresh(store, now, of=of)


def refresh(store: Store, now: Instant, *, of: UnifiedCode = CODE) -> None:
    """Rates and shows the enterprise as of now."""
    with store.writing() as work:
        archive.refresh(work, CARD, of.text, now)
        work.commit()


def tell(store: Store, told: Fact, *, now: Instant, of: UnifiedCode = CODE) -> None:
    """Records the fact, and refreshes the enterprise."""
    with store.writing() as work:
        archive.record_facts(work, [told], now=now)
        archive.refresh(work, CARD, of.text, now)
        work.commit()


def level(store: Store, now: Instant, *, of: UnifiedCode = CODE) -> int:
    """Returns the level as anybody reads it who may; a better one is the lower number."""
    return read_rating(store, CARD, of.text, now=now).level


def name_of(value: int) -> str:
    """Returns the level in words."""
    return list(Level)[value - 1].value


def opened(platform: str = PLATFORM, *, of: UnifiedCode = CODE, **changes: Any) -> Record:
    """Returns what a platform says of a store that has been open for years."""
    common = {"store_id": f"s-{of.text[8:17]}-{platform}", "from_day": Day(TODAY - 1_000)}
    return builders.store_record("open", of=of, platform=platform, **(common | changes))


def orders(
    count: int, today: Day, *, of: UnifiedCode = CODE, platform: str = PLATFORM, label: str = "t"
) -> list[Record]:
    """Returns orders of as many buyers, over the last hundred days."""
    return [
        builders.transaction(
            f"{label}{number}",
            of=of,
            platform=platform,
            store_id=f"s-{of.text[8:17]}-{platform}",
            buyer=f"{label}{number}",
            occurred_at=Instant(start_of(Day(today - 1 - number * 99 // count)) + HOUR),
        )
        for number in range(count)
    ]


def lost(
    count: int, today: Day, *, of: UnifiedCode = CODE, platform: str = PLATFORM, label: str = "d"
) -> list[Record]:
    """Returns disputes that were decided against the enterprise."""
    return [
        builders.transaction(
            f"{label}{number}",
            of=of,
            platform=platform,
            kind=RecordKind.DISPUTE,
            store_id=f"s-{of.text[8:17]}-{platform}",
            occurred_at=Instant(start_of(Day(today - 1)) + HOUR),
            amount=None,
            buyer=None,
            outcome=Outcome.LOST,
        )
        for number in range(count)
    ]


def traded(store: Store, vault: Vault, *more: Record) -> None:
    """Makes the enterprise take part, with a record that gives it a level that settles."""
    builders.enroll(store, CODE, now=Instant(BEGUN - 1))
    take_in(store, vault, more or [opened(), *orders(150, day_of(BEGUN))], now=BEGUN)
    refresh(store, NOW)


def rows(store: Store, of: UnifiedCode = CODE) -> list[rating_rows.RatingRow]:
    """Returns the levels that are kept, the oldest first."""
    with store.reading() as work:
        table = tables.rating
        found = work.execute(
            sa.select(table.c.as_of).where(table.c.code == of.text).order_by(table.c.as_of)
        )
        kept = [rating_rows.latest(work, of.text, at) for at in found.scalars()]
    return [row for row in kept if row is not None]


def checked(folder: Path, receipt: bytes, *more: str) -> subprocess.CompletedProcess[str]:
    """Runs the checker as a stranger would, with nothing of ours to import."""
    file = folder / "receipt.json"
    file.write_bytes(receipt)
    command = [sys.executable, "-I", str(CHECKER), str(file), str(CARD_FILE), *more]
    return subprocess.run(  # noqa: S603 - our own script
        command, capture_output=True, text=True, timeout=60, check=False
    )
