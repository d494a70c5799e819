"""Makes the labelled table of the deployment's own store: who took part, and what was known.

The same as of generated years: `bonafides.rating.labelling` looks at each quarter as it was
known then. Rules beyond those of a history in files:

1. Only who lets the service rate now is looked at, and only platforms that are authorized
   still: what was taken back holds for the past too. Who withdrew a platform within a window
   is censored there, as ever.
2. A ruling that took a fact out takes it out of every day after it; a listing that was taken
   out before its outcome was ripe makes nobody bad.
3. The log is copied to a file of the operator's folder that only its owner reads, without
   any value of a person, and deleted when this is done.
4. Codes leave as keyed pseudonyms, regions as their first two digits. The store is read and
   not changed.

    table = labelled_store(store, key=key, folder=out, now=now)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bonafides.identity import consent
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Instant, day_of
from bonafides.rating.labelling import Progress, labelled_table
from bonafides.rating.training.cohorts import TooYoungError, quarters
from bonafides.rating.training.labelled import Labelled
from bonafides.rating.training.participants import Grant, Learned, Participant
from bonafides.rating.training.snapshots import history
from bonafides.storage import consents
from bonafides.storage import history as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.engines import DuckDb
from bonafides.storage.rollups import STANDS
from bonafides.storage.unit_of_work import Store, UnitOfWork

_PAGE: Final = 500
_RATE: Final = "RATE"
# The first two digits of a region name the province; of fewer a group is too small to judge.
_PROVINCE_DIGITS: Final = 2


def labelled_store(
    store: Store,
    *,
    key: bytes,
    folder: Path,
    now: Instant,
    memory_mb: int = 700,
    threads: int = 1,
    on_cohort: Progress = lambda: None,
) -> Labelled:
    """Returns the labelled rows of all ripe quarters of the store, as of now.

    `key` makes pseudonyms of codes. `folder` is where the log is copied to for as long.

    Raises:
        TooYoungError: the log is too short, or holds nothing.
        EngineError: the log can't be copied or read.
        OSError: the folder can't be written.
    """
    with tempfile.TemporaryDirectory(prefix="history-", dir=folder) as private:
        file = Path(private) / "history.parquet"
        with DuckDb(memory_mb=memory_mb, threads=threads) as engine:
            with store.reading() as work:
                told = rows.extent(work)
                if told is None:
                    raise TooYoungError("the log holds no record yet")
                cohorts = quarters(*map(day_of, told))
                names = [column.name for column in history.c if column.name != STANDS]
                engine.write_parquet(history, map(tuple, rows.revisions(work, names)), file)
                members = tuple(participants(work, now=now))
            engine.attach(history.name, str(file))
            return labelled_table(
                engine, members, cohorts, key=key, basis="OUTCOMES", on_cohort=on_cohort
            )


def participants(work: UnitOfWork, *, now: Instant) -> Iterator[Participant]:
    """Yields who takes part and lets the service rate now, by code, with all that was learned."""
    after = ""
    while codes := identity_rows.enrolled_codes(work, after, _PAGE):
        ledgers = consents.ledgers(work, codes)
        facts = rows.learned(work, codes)
        grants = rows.authorizations(work, codes)
        for code in codes:
            if _RATE in consent.standing(ledgers[code], now).purposes:
                yield _participant(code, facts[code], grants[code])
        after = codes[-1]


def _participant(code: str, facts: list[rows.Known], grants: list[rows.Authorized]) -> Participant:
    of = UnifiedCode.parse(code)
    return Participant(
        code=of,
        region=of.region[:_PROVINCE_DIGITS].ljust(len(of.region), "0"),
        verification=None,
        grants=tuple(
            Grant(
                each.platform,
                day_of(each.granted_at),
                None if each.revoked_at is None else day_of(each.revoked_at),
                usable=each.revoked_at is None,
            )
            for each in grants
        ),
        learned=tuple(Learned(each.at, each.fact, each.until) for each in facts),
    )
