"""Builders for tests: one valid thing each, with the part under test changed by keyword.

Everything here is made up: codes lie in the reserved region 990000, names and
persons do not exist.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from bonafides.archive import operations as archive_operations
from bonafides.archive.facts import (
    Change,
    Fact,
    Kind,
    OperatingState,
    Registration,
    Shareholder,
    Verification,
)
from bonafides.archive.public_records import (
    CourtCase,
    Ground,
    Listing,
    MatchedBy,
    Penalty,
    Performance,
    PublicRecord,
    Sanction,
    Severity,
)
from bonafides.identity.codes import UnifiedCode, compose
from bonafides.instants import DAY, Day, Instant, start_of, to_date_message, to_datetime
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import Scorecard, champion
from bonafides.records.ingest import Intake, Row
from bonafides.records.kinds import Kind as RecordKind
from bonafides.records.kinds import Record
from bonafides.records.money import Money, Rate, RateTable
from bonafides.storage import records as record_rows
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import enterprise_pb2 as enterprise
from bonafides.v1 import record_pb2

# 2026-11-01T04:00:00Z, noon in Shanghai.
NOW = Instant(1_793_505_600_000_000)
TODAY = Day(20_758)
_VERIFIED_AT = Instant(NOW - 400 * DAY)
_EXPIRES_AT = Instant(NOW + 300 * DAY)
REGION = "990000"
AGREEMENT = "2026-11-01"
PLATFORM = "1688"

# A resident ID number of the reserved region with a right check digit.
ID_NUMBER = "990000199003070021"
PHONE = "13800138000"
EMAIL = "owner@example.com"
PERSON = "测一二"


def shared_data() -> Path:
    """Returns the folder of real data beside the project, or skips the test."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data beside the project are absent: ../shared/data")
    return folder


def code(number: int = 1, *, department_and_type: str = "91") -> UnifiedCode:
    """Returns the number-th generated code; "92" makes it an individual business's."""
    return compose(department_and_type, REGION, f"{number:08d}")


def registration(**changes: Any) -> Registration:
    """Returns what the registry says of a company in business."""
    told = Registration(
        title="九九市百草贸易有限公司",
        operating_state=OperatingState.IN_BUSINESS,
        legal_form="有限责任公司",
        registered_address="九九省九九市试验区百草路1号",
        established=Day(TODAY - 3_650),
        term_start=Day(TODAY - 3_650),
        term_end=Day(TODAY + 3_650),
        registered_capital=Money("CNY", 100_000_000),
        business_scope="百货销售",
    )
    return dataclasses.replace(told, **changes)


def registration_facts(
    of: UnifiedCode,
    *,
    told: Registration | None = None,
    verified_at: Instant = _VERIFIED_AT,
    expires_at: Instant = _EXPIRES_AT,
) -> list[Fact]:
    """Returns the facts of a verified enterprise: registration, shareholders, changes."""
    told = told or registration()
    common: dict[str, Any] = {
        "code": of.text,
        "source": "registry",
        "retrieved_at": verified_at,
        "valid_from": verified_at,
    }
    holders = (
        Shareholder("九九市百草控股有限公司", is_person=False, subscribed=Money("CNY", 60_000_000)),
        Shareholder("测三四", is_person=True, subscribed=Money("CNY", 40_000_000)),
    )
    changes = (
        Change(Day(TODAY - 900), "法定代表人变更", "测五六", PERSON),
        Change(Day(TODAY - 1_000), "经营范围变更", "百货", "百货销售"),
    )
    verification = Verification(_uid(of), verified_at, expires_at)
    return [
        Fact(kind=Kind.REGISTRATION, value=told, **common),
        Fact(kind=Kind.SHAREHOLDERS, value=() if of.individual else holders, **common),
        Fact(kind=Kind.CHANGES, value=changes, **common),
        Fact(kind=Kind.VERIFICATION, value=verification, **common),
    ]


def court_case(
    kind: Kind = Kind.ENFORCEMENT,
    *,
    of: UnifiedCode | None = None,
    item: str = "r1",
    **changes: Any,
) -> Fact:
    """Returns an unperformed court case, published a hundred days ago, matched by code."""
    case = CourtCase(
        matched_by=MatchedBy.CODE,
        begins=Day(TODAY - 100),
        case_number="(2026)九9901执1号",
        court="九九市东湾区人民法院",
        performance=Performance.UNPERFORMED,
        amount=Money("CNY", 12_345_600),
    )
    return public_fact(kind, dataclasses.replace(case, **changes), of=of, item=item)


def listing(
    kind: Kind = Kind.ABNORMAL_OPERATIONS,
    *,
    of: UnifiedCode | None = None,
    item: str = "r1",
    **changes: Any,
) -> Fact:
    """Returns an entry on a list, made a hundred days ago, matched by code."""
    entry = Listing(
        matched_by=MatchedBy.CODE,
        begins=Day(TODAY - 100),
        authority="九九市市场监督管理局",
        ground=Ground.NO_ANNUAL_REPORT,
    )
    return public_fact(kind, dataclasses.replace(entry, **changes), of=of, item=item)


def penalty(*, of: UnifiedCode | None = None, item: str = "r1", **changes: Any) -> Fact:
    """Returns a moderate penalty, decided a hundred days ago, matched by code."""
    made = Penalty(
        matched_by=MatchedBy.CODE,
        begins=Day(TODAY - 100),
        decision_number="九市监罚〔2026〕1号",
        authority="九九市市场监督管理局",
        sanction=Sanction.FINE,
        severity=Severity.MODERATE,
        amount=Money("CNY", 500_000),
    )
    return public_fact(Kind.PENALTY, dataclasses.replace(made, **changes), of=of, item=item)


def public_fact(
    kind: Kind, value: PublicRecord, *, of: UnifiedCode | None = None, item: str = "r1"
) -> Fact:
    """Returns the fact that a source told of the record yesterday."""
    return Fact(
        code=(of or code()).text,
        kind=kind,
        value=value,
        source="court-list",
        retrieved_at=Instant(NOW - DAY),
        valid_from=start_of(value.begins),
        valid_to=None if value.removed is None else start_of(value.removed),
        item=f"court-list/{item}",
    )


def public_record_row(**changes: str) -> dict[str, str]:
    """Returns a row as scripts/load_public_records.py reads it: an enforcement of this year."""
    row = {
        "kind": "ENFORCEMENT",
        "code": code().text,
        "source": "court-list",
        "record_id": "r1",
        "matched_by": "CODE",
        "begins": "2026-07-24",
        "retrieved_at": to_datetime(Instant(NOW - DAY)).isoformat(),
        "case_number": "（2026）九9901执1号",
        "court": "九九市东湾区人民法院",
        "performance": "全部未履行",
        "amount": "123456.00",
    }
    return row | changes


def enroll(
    store: Store,
    of: UnifiedCode,
    *,
    facts: Sequence[Fact] | None = None,
    platforms: Sequence[str] = (PLATFORM,),
    purposes: Sequence[str] = ("VERIFY_IDENTITY",),
    card: Scorecard | None = None,
    now: Instant = NOW,
) -> None:
    """Makes the enterprise take part, as a verified submission would, and refreshes its archive."""
    uid = _uid(of)
    granted = Instant(now - 400 * DAY)
    with store.writing() as work:
        work.execute(
            tables.enterprise.insert(),
            {"code": of.text, "uid": uid, "enrolled_at": granted},
        )
        for purpose in purposes:
            work.execute(
                tables.consent.insert(),
                {
                    "code": of.text,
                    "uid": str(uuid.uuid5(uuid.UUID(uid), purpose)),
                    "of_submission": "",
                    "purpose": purpose,
                    "scope": "email" if purpose == "PROVE_OWNERSHIP" else "id_number,person",
                    "text_version": "",
                    "text_sha256": b"",
                    "evidence_sha256": bytes(32),
                    "granted_at": granted,
                    "recorded_at": granted,
                    "actor": "issuer|subject",
                },
            )
        work.execute(
            tables.assent.insert(),
            {
                "code": of.text,
                "kind": "SERVICE_AGREEMENT",
                "version": AGREEMENT,
                "assented_at": granted,
                "recorded_at": granted,
                "actor": "issuer|subject",
            },
        )
        for platform in platforms:
            work.execute(
                tables.platform_authorization.insert(),
                {"code": of.text, "platform": platform, "uid": uid, "granted_at": granted},
            )
        told = registration_facts(of) if facts is None else facts
        archive_operations.record_facts(work, told, now=granted)
        archive_operations.refresh(work, card or champion(None), of.text, now)
        work.commit()


def claims(of: UnifiedCode | None = None, **changes: Any) -> enterprise.Claims:
    """Returns claims that match `registry_row` of the same code."""
    of = of or code()
    told = registration()
    made = enterprise.Claims(
        code=of.text,
        title=told.title,
        phone=PHONE,
        email=EMAIL,
        license=enterprise.License(
            legal_form=told.legal_form or "",
            registered_address=told.registered_address or "",
            copy_sha256=hashlib.sha256(b"licence").digest(),
        ),
        representative=enterprise.Representative(person=PERSON, id_number=ID_NUMBER),
        authorizations=[authorization()],
        assent=enterprise.Assent(agreement_version=AGREEMENT, assent_time=stamp(NOW - DAY)),
        authorized_platforms=[PLATFORM],
    )
    if not of.individual:
        made.license.registered_capital.CopyFrom(
            enterprise.Money(currency_code="CNY", amount_minor=100_000_000)
        )
    for name, value in changes.items():
        made.ClearField(name)  # type: ignore[arg-type]  # names come as keywords
        if isinstance(value, str):
            setattr(made, name, value)
        elif isinstance(value, (list, tuple)):
            getattr(made, name).extend(value)
        elif value is not None:
            getattr(made, name).CopyFrom(value)
    return made


def authorization(
    purpose: enterprise.Purpose.ValueType = enterprise.PURPOSE_VERIFY_IDENTITY,
) -> enterprise.Authorization:
    """Returns a person's authorization, granted yesterday."""
    return enterprise.Authorization(
        purpose=purpose,
        scope=["person", "id_number"],
        evidence_sha256=hashlib.sha256(b"authorization").digest(),
        grant_time=stamp(NOW - DAY),
    )


def registry_row(of: UnifiedCode | None = None, **changes: str) -> dict[str, str]:
    """Returns a row as scripts/load_registry.py reads it, agreeing with `claims`."""
    told = registration()
    row = {
        "code": (of or code()).text,
        "title": told.title,
        "operating_state": "存续",
        "legal_form": told.legal_form or "",
        "registered_address": told.registered_address or "",
        "established": "2016-11-03",
        "term_start": "2016-11-03",
        "term_end": "2036-10-29",
        "capital": "1000000.00",
        "capital_currency": "CNY",
        "business_scope": told.business_scope or "",
        "composition": told.composition or "",
        "representative": PERSON,
        "representative_id_number": ID_NUMBER,
        "shareholders": "[]",
        "changes": "[]",
        "retrieved_at": to_datetime(Instant(NOW - 2 * DAY)).isoformat(),
    }
    return row | changes


def transaction(record_id: str = "t1", *, of: UnifiedCode | None = None, **changes: Any) -> Record:
    """Returns a transaction of 100.00 CNY, made ten days ago at noon.

    Every enterprise has a store of its own: s1, and others by their codes.
    """
    of = of or code()
    made = Record(
        code=of,
        platform=PLATFORM,
        kind=RecordKind.TRANSACTION,
        record_id=record_id,
        store_id="s1" if of == code() else f"s-{of.text[8:17]}",
        occurred_at=Instant(start_of(Day(TODAY - 10)) + DAY // 2),
        buyer="b1",
        amount=Money("CNY", 10_000),
    )
    return dataclasses.replace(made, **changes)


def store_record(record_id: str = "l1", *, of: UnifiedCode | None = None, **changes: Any) -> Record:
    """Returns what a platform says of the store s1: the enterprise's for a hundred days."""
    common: dict[str, Any] = {
        "kind": RecordKind.STORE,
        "amount": None,
        "buyer": None,
        "occurred_at": Instant(start_of(Day(TODAY - 100))),
        "from_day": Day(TODAY - 100),
    }
    return transaction(record_id, of=of, **(common | changes))


def link_stores(store: Store, records: Sequence[Record], *, now: Instant = NOW) -> None:
    """Links the stores that the records come from to their enterprises, and folds that.

    From long ago until today, so that no store counts as open. Stores that are linked
    already are left alone.
    """
    wanted = {
        (one.code, one.platform, one.store_id)
        for one in records
        if one.kind is not RecordKind.STORE
    }
    with store.writing() as work:
        links = tables.store_link.c
        found = work.execute(sa.select(links.code, links.platform, links.store_id)).all()
        known = {(row.code, row.platform, row.store_id) for row in found}
        told = [
            store_record(
                f"link-{store_id}",
                of=of,
                platform=platform,
                store_id=store_id,
                from_day=Day(TODAY - 4_000),
                to_day=TODAY,
            )
            for of, platform, store_id in sorted(wanted, key=lambda one: (one[0].text, *one[1:]))
            if (of.text, platform, store_id) not in known
        ]
        if not told:
            return
        intake = Intake(Vault(bytes(range(32)), "sandbox"), rates(), now)
        made = [intake.row(one) for one in told]
        record_rows.write(work, [row for row in made if isinstance(row, Row)], now=now)
        while record_rows.fold(work, 1_000).folded:
            pass
        work.commit()


def record_message(told: Record) -> record_pb2.Record:
    """Returns a record as its platform sends it."""
    made = record_pb2.Record(
        code=told.code.text,
        platform=told.platform,
        kind=record_pb2.RecordKind.Value(f"RECORD_KIND_{told.kind.name}"),
        record_id=told.record_id,
        store_id=told.store_id,
        occur_time=stamp(told.occurred_at),
        revision=told.revision,
        void=told.void,
        buyer=told.buyer or "",
        original_id=told.original_id or "",
    )
    if told.amount is not None:
        money = enterprise.Money(currency_code=told.amount.currency, amount_minor=told.amount.minor)
        made.amount.CopyFrom(money)
    if told.outcome is not None:
        made.outcome = record_pb2.RecordOutcome.Value(f"RECORD_OUTCOME_{told.outcome.name}")
    days = {
        "promised_date": told.promised_day,
        "delivered_date": told.delivered_day,
        "from_date": told.from_day,
        "to_date": told.to_day,
    }
    for name, day in days.items():
        if day is not None:
            getattr(made, name).CopyFrom(to_date_message(day))
    times = {"first_response_time": told.first_response_at, "decide_time": told.decided_at}
    for name, at in times.items():
        if at is not None:
            getattr(made, name).CopyFrom(stamp(at))
    for name, text in told.detail.items():
        setattr(made.detail, name, text)
    return made


def rates() -> RateTable:
    """Returns a table with one quote each of USD and GBP, a week old."""
    day = Day(TODAY - 7)
    return RateTable(
        [
            ("USD", Rate(7_100_000_000_000, day, "made up")),
            ("GBP", Rate(9_500_000_000_000, day, "made up")),
        ]
    )


def stamp(at: int) -> Timestamp:
    """Returns an instant as a protobuf timestamp."""
    made = Timestamp()
    made.FromMicroseconds(at)
    return made


def date(year: int, month: int, day: int) -> Date:
    """Returns a date message."""
    return Date(year=year, month=month, day=day)


def request_id(number: int = 1) -> str:
    """Returns the number-th request id."""
    return str(uuid.UUID(int=number, version=4))


def _uid(of: UnifiedCode) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, of.text))
