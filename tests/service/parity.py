"""Grounds for the parity test: the same records in SQLite, in PostgreSQL, and as Parquet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from bonafides.archive import operations as archive_operations
from bonafides.archive.facts import OperatingState
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, HOUR, Day, Instant, start_of
from bonafides.personal.sealing import Vault
from bonafides.records import bulk, mapping
from bonafides.records.ingest import BUYER_BYTES, IngestReport
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.money import Money, Rate, RateTable
from bonafides.records.operations import fold, ingest
from bonafides.storage import buyers, tables
from bonafides.storage.unit_of_work import Store
from tests.builders import NOW, TODAY, code, registration, registration_facts, shared_data

PLATFORMS = ("1688", "olist", "third")
CATEGORIES = ("百货", "服装", "")
MAPPINGS = Path(__file__).parents[2] / "scripts" / "mappings"
# One seller in so many is taken, so that the suite stays quick.
SELLERS_IN = 12
ENTERPRISES = 40

Take = Callable[[Sequence[Record]], IngestReport]


@dataclass(frozen=True, slots=True)
class Ground:
    """One data set on both databases, and its export."""

    stores: Mapping[str, Store]
    parquet: Path


def fill(store: Store, vault: Vault, records: Callable[[Take], None]) -> None:
    """Takes the records in, folds them, and enrolls three of four enterprises."""
    rates = RateTable(
        (currency, Rate(1_300_000_000_007 + age, Day(TODAY - age), "made up"))
        for currency in ("BRL", "USD")
        for age in range(0, 4_000, 5)
    )

    def take(batch: Sequence[Record]) -> IngestReport:
        return ingest(store, vault, rates, batch, now=NOW)

    records(take)
    while fold(store, now=NOW).folded:
        pass
    for number in range(ENTERPRISES):
        if number % 4:
            _enroll(store, number)
    with store.writing() as work:
        buyer, platform = erased(vault), PLATFORMS[0]
        buyers.hold(work)
        buyers.erase(work, buyers.codes_naming(work, platform, buyer), platform, buyer)
        work.commit()


def erased(vault: Vault) -> bytes:
    """Returns the buyer that was taken out of the records of the first platform."""
    return vault.index(f"buyer|{PLATFORMS[0]}", "b3")[:BUYER_BYTES]


def generated(take: Take) -> None:
    """Gives made-up records: each kind, with revisions, voids, gaps and edges."""
    random = Random(20_261)  # noqa: S311 - not for secrets
    records = [_made(random, number) for number in range(2_500)]
    take(records)
    again = [record for record in records if random.random() < 0.1]
    take([_revised(random, record) for record in again])


def olist(take: Take) -> None:
    """Gives real records of a marketplace, attached to generated enterprises."""
    data = shared_data() / "olist"
    read = mapping.load(MAPPINGS / "olist.toml")
    with bulk.open_folder(data) as folder:
        shift = folder.shift_days(read, Day(TODAY - 1))
        source = bulk.Source(folder, read, _links(data), shift)
        bulk.transfer(source, take, on_refused=lambda _refused: None)


def _links(data: Path) -> dict[str, bulk.Link]:
    with duckdb.connect() as files:
        asked = f"SELECT DISTINCT seller_id FROM '{data / 'sellers.parquet'}'"  # noqa: S608 - ours
        found = files.execute(asked).fetchall()
    sellers = sorted(seller for (seller,) in found)
    return {
        seller: bulk.Link(PLATFORMS[place % 3], _code(place % ENTERPRISES).text)
        for place, seller in enumerate(sellers[::SELLERS_IN])
    }


def _code(number: int) -> UnifiedCode:
    return code(number, department_and_type="92" if number % 5 == 0 else "91")


def _enroll(store: Store, number: int) -> None:
    """Makes an enterprise take part, with facts that reach every case of the features."""
    of = _code(number)
    capitals = (None, Money("USD", 10**9), *(Money("CNY", 10**n) for n in range(6, 12)))
    told = registration(
        established=Day(TODAY - 97 * number) if number % 7 else None,
        registered_capital=capitals[number % len(capitals)],
        legal_form=("有限责任公司", "合伙企业", None)[number % 3],
        # A knock-out for the company, and a person's review for the individual business.
        operating_state=(
            OperatingState.REVOKED if number in {13, 25} else OperatingState.IN_BUSINESS
        ),
    )
    verified = Instant(NOW - (1 + 23 * number) * DAY)
    facts = registration_facts(
        of,
        told=told,
        verified_at=verified,
        expires_at=Instant(NOW + (DAY if number % 9 else -HOUR)),
    )
    if number % 6 == 1:
        facts = [fact for fact in facts if fact.kind.value != "REGISTRATION"]
    with store.writing() as work:
        row = {"code": of.text, "uid": str(number), "enrolled_at": verified}
        work.execute(tables.enterprise.insert(), row)
        for platform in PLATFORMS[: number % 4]:
            granted = {"code": of.text, "platform": platform, "uid": "u", "granted_at": verified}
            work.execute(tables.platform_authorization.insert(), granted)
        archive_operations.record_facts(work, facts, now=verified)
        work.commit()


def _made(random: Random, number: int) -> Record:
    kind = random.choices(list(Kind), [60 if k is Kind.TRANSACTION else 8 for k in Kind])[0]
    # A few enterprises have most of the records, and some only old ones.
    place = min(random.randrange(ENTERPRISES), random.randrange(ENTERPRISES))
    reach = 900 if place % 3 else 300
    day = Day(TODAY - random.randrange(reach) - (200 if place % 11 == 10 else 0))
    record = Record(
        code=_code(place),
        platform=random.choice(PLATFORMS),
        kind=kind,
        record_id=f"r{number}",
        # One store in five is given to several enterprises.
        store_id=f"s{place}" if place % 5 else "shared",
        occurred_at=Instant(start_of(day) + random.randrange(DAY)),
    )
    return dataclasses.replace(record, **_parts(random, kind, day, record.occurred_at))


def _parts(random: Random, kind: Kind, day: Day, at: Instant) -> dict[str, Any]:
    maybe = random.random
    amount = Money(random.choice(["CNY", "BRL"]), random.randrange(1, 10**6))
    original = f"r{random.randrange(3_000)}" if maybe() < 0.9 else None
    promised = Day(day + random.randrange(9))
    delivered = Day(min(TODAY, day + random.randrange(12)))
    match kind:
        case Kind.TRANSACTION:
            return {
                "buyer": f"b{random.randrange(12)}" if maybe() < 0.8 else None,
                "amount": amount,
                "promised_day": promised if maybe() < 0.7 else None,
                "delivered_day": delivered if maybe() < 0.7 else None,
            }
        case Kind.REFUND:
            return {"amount": amount, "original_id": original}
        case Kind.COMPLAINT | Kind.DISPUTE:
            last = Outcome.UPHELD if kind is Kind.COMPLAINT else Outcome.LOST
            took = random.choice([0, 1, 4, 12, 24, 72, 100]) * HOUR + random.randrange(2)
            return {
                "original_id": original,
                "outcome": random.choice([Outcome.SETTLED, Outcome.UNDECIDED, last]),
                "first_response_at": Instant(at + took) if maybe() < 0.6 else None,
            }
        case _:
            end = Day(day + random.choice([0, 30, 400, 1_000]))
            told = {"from_day": day, "to_day": end if maybe() < 0.7 else None}
            of_a_store = {"detail": {"category": CATEGORIES[day % len(CATEGORIES)]}}
            return told | (of_a_store if kind is Kind.STORE else {})


def _revised(random: Random, record: Record) -> Record:
    if random.random() < 0.5:
        return dataclasses.replace(record, revision=3, void=True)
    revision = random.choice([2, 5])
    if record.kind is Kind.TRANSACTION:
        return dataclasses.replace(record, revision=revision, buyer="b99", amount=Money("CNY", 7))
    return dataclasses.replace(record, revision=revision, store_id="s2")
