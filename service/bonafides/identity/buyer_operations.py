"""What can be done for buyers, by the pseudonym under which their platform reports them.

get_buyer       tells what is held of a buyer, and for what it is used
correct_buyer   puts another buyer, or none, into one record
erase_buyer     takes a buyer out of a platform's records; totals stay
place_buyers    notes behind the log where buyers are named

A buyer has no login here. The platform that supplies the pseudonym knows whose it is,
asks on the buyer's behalf, and reaches its own records alone.

1. What is told names records and days: no amount, and no pseudonym, which the platform
   has already.
2. A correction is the platform's own word, so nobody has to decide it: a revision of
   ours follows the record's latest, and the pseudonym leaves the revisions before.
   Everything else of a record is corrected by the platform's next revision.
3. What is erased leaves a row that says that it was done, never of whom.

Source: 001 §3.5; 000 §6(5).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Final

from bonafides.archive import operations as archive
from bonafides.errors import FieldViolation, InvalidFieldsError, NotFoundError
from bonafides.identity.corrections import CORRECTED
from bonafides.identity.operations import Desk
from bonafides.instants import Day, Instant
from bonafides.records.ingest import BUYER_BYTES, MAX_REVISION
from bonafides.storage import archive as archive_rows
from bonafides.storage import buyers, erasures
from bonafides.storage import corrections as correction_rows
from bonafides.storage import records as record_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork

# The latest of them; of a buyer with more, the kinds tell how many.
MOST_TOLD: Final = 100
# What a pseudonym in a record is used for, and nothing else.
USES: Final = {
    "BUYERS": "Counting the buyers of an enterprise, from five buyers on.",
    "REPEAT_RATE": "The share of buyers who bought on two days, from five buyers on.",
    "LARGEST_BUYER": "The share of the largest buyer, in the enterprise's level.",
}
_STEP: Final = 50_000


@dataclass(frozen=True, slots=True)
class HeldOfKind:
    """Records of a kind that name the buyer. `revisions`: earlier ones among them."""

    kind: str
    records: int
    revisions: int
    first_day: Day
    last_day: Day


@dataclass(frozen=True, slots=True)
class BuyerHoldings:
    """What is held of a buyer. `latest`: at most `MOST_TOLD` records, the newest first."""

    enterprises: int
    kinds: tuple[HeldOfKind, ...]
    latest: tuple[buyers.Named, ...]


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A record as its platform names it."""

    code: str
    platform: str
    kind: str
    record_id: str


def get_buyer(desk: Desk, platform: str, pseudonym: str) -> BuyerHoldings:
    """Returns what is held of the platform's buyer. Nothing held is an answer, too."""
    buyer = _keyed(desk, platform, pseudonym)
    with desk.store.reading() as work:
        codes = buyers.codes_naming(work, platform, buyer)
        found = buyers.told(work, codes, platform, buyer)
    records = {(each.code, each.kind, each.record_id): each for each in reversed(found)}
    counts = Counter(kind for _, kind, _ in records)
    kinds = tuple(
        HeldOfKind(
            kind=kind,
            records=counts[kind],
            revisions=sum(each.kind == kind for each in found),
            first_day=min(each.day for each in found if each.kind == kind),
            last_day=max(each.day for each in found if each.kind == kind),
        )
        for kind in sorted(counts)
    )
    newest = tuple(reversed(records.values()))[:MOST_TOLD]
    return BuyerHoldings(len({code for code, _, _ in records}), kinds, newest)


def correct_buyer(desk: Desk, key: RecordKey, wrong: str, right: str, *, now: Instant) -> int:
    """Puts `right` in the place of `wrong` in a record; empty: the record is no buyer's.

    Records, level and views follow in the same unit of work. Returns the revision that
    holds from then on; the platform's next word needs a higher one. Done again, it
    changes nothing.

    Raises:
        NotFoundError: no such record, or its latest revision names another buyer.
        InvalidFieldsError: its latest revision has the highest number that there is.
    """
    old = _keyed(desk, key.platform, wrong)
    new = _keyed(desk, key.platform, right) if right else None
    names = (key.code, key.platform, key.kind, key.record_id)
    with desk.store.writing() as work:
        buyers.hold(work)
        found = correction_rows.revisions(work, *names)
        if not found:
            raise NotFoundError
        latest = found[0]
        if latest.buyer == old and old != new:
            if latest.revision == MAX_REVISION:
                text = "No revision can follow its latest one; erase the buyer instead."
                raise InvalidFieldsError((FieldViolation("record_id", "LAST_REVISION", text),))
            number = latest.revision + 1
            said = f"{CORRECTED}|buyer|{'|'.join(names)}|{number}"
            digest = hashlib.sha256(said.encode()).digest()
            latest = latest._replace(revision=number, digest=digest, buyer=new)
            record_rows.write(work, [latest], now=now)
            fold_all(work, now)
        elif latest.buyer not in {new, None}:
            raise NotFoundError
        # What is superseded counts for nothing, and is not to name the buyer either.
        if old != new:
            buyers.detach(work, names, old, before=latest.revision)
        archive.refresh(work, desk.card, key.code, now)
        work.commit()
    return latest.revision


def erase_buyer(desk: Desk, platform: str, pseudonym: str, *, actor: str, now: Instant) -> int:
    """Takes the buyer out of what the platform reported; returns of how many revisions.

    Totals, levels' sums and digests stay: a replay of an old record is known as one. A
    later record of that buyer counts as one of a new buyer. 0: no record names it.
    """
    buyer = _keyed(desk, platform, pseudonym)
    with desk.store.writing() as work:
        buyers.hold(work)
        codes = buyers.codes_naming(work, platform, buyer)
        done = buyers.erase(work, codes, platform, buyer)
        if done:
            row = erasures.ErasureRow(erasures.BUYER, "", platform, now, actor, done)
            erasures.add(work, row)
            archive_rows.mark_stale(work, sorted(codes), now)
        work.commit()
    for code in sorted(codes):
        with desk.store.writing() as work:
            archive.refresh(work, desk.card, code, now)
            work.commit()
    return done


def place_buyers(store: Store) -> int:
    """Notes where buyers are named, as far as the log goes; returns how many records it read."""
    with store.reading() as work:
        behind = buyers.is_behind(work)
    read = 0
    while behind:
        with store.writing() as work:
            step = buyers.place(work, _STEP)
            work.commit()
        read += step
        behind = step >= _STEP
    return read


def fold_all(work: UnitOfWork, now: Instant) -> None:
    """Folds the log to its end, where what was just written is to be seen at once."""
    codes: set[str] = set()
    while (step := record_rows.fold(work, _STEP)).folded:
        codes |= step.codes
    archive_rows.mark_stale(work, sorted(codes), now)


def _keyed(desk: Desk, platform: str, pseudonym: str) -> bytes:
    return desk.vault.index(f"buyer|{platform}", pseudonym)[:BUYER_BYTES]
