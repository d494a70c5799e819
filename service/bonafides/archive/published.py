"""Makes the sections of the archive that come from public records, and says how fresh each is.

Records that stand make one section; what was removed, has expired or was matched by
name alone makes another, which staff alone see. Newest first in both.

    public_records(sheet, stand=True)     # a v1.PublicRecords; None: none stands
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bonafides.archive.expiry import Standing, ends_at, public_record, standing
from bonafides.archive.facts import Fact, FactSheet, Kind
from bonafides.archive.public_records import CourtCase, Listing, Penalty, PublicRecord
from bonafides.instants import Instant, to_date_message, to_timestamp
from bonafides.records.money import Money
from bonafides.v1 import archive_pb2, enterprise_pb2

_SECTIONS: Final = {
    "shareholders": Kind.SHAREHOLDERS,
    "changes": Kind.CHANGES,
    "verification": Kind.VERIFICATION,
    "self_description": Kind.SELF_DESCRIPTION,
}


def public_records(sheet: FactSheet, *, stand: bool) -> archive_pb2.PublicRecords | None:
    """Returns the records that stand as of the sheet, or those that do not; None: none."""
    made = archive_pb2.PublicRecords()
    withdrawn = () if stand else sheet.withdrawn
    disputed = {(each.kind, each.item) for each in sheet.disputed if not each.platform}
    # Of one day in the order of their ids, so that nothing but facts moves the tag.
    for fact in sorted(
        (*sheet.public_records, *withdrawn),
        key=lambda fact: (-public_record(fact).begins, fact.kind, fact.item),
    ):
        found = Standing.WITHDRAWN if fact in withdrawn else standing(fact, sheet.as_of)
        if (found is Standing.STANDS) is not stand:
            continue
        common = _record(fact, public_record(fact), found)
        common.disputed = found is Standing.STANDS and (fact.kind.value, fact.item) in disputed
        match record := public_record(fact):
            case CourtCase():
                made.court_cases.append(_court_case(fact.kind, record, common))
            case Listing():
                made.listings.append(_listing(fact.kind, record, common))
            case Penalty():
                made.penalties.append(_penalty(record, common))
    return made if made.ByteSize() else None


def freshness(sheet: FactSheet, archive: archive_pb2.Archive) -> Iterator[archive_pb2.Freshness]:
    """Yields, for each section that the archive has and a source stands behind, how fresh it is.

    Public records have a row for each source; its instant is that of the record which
    was confirmed last.
    """
    if sheet.registration is not None:
        yield _row("registration", sheet.registration.source, sheet.registration.retrieved_at)
    for section, kind in _SECTIONS.items():
        origin = sheet.origins.get(kind)
        # Individual businesses have no shareholders; what was taken back is no section.
        is_absent = (section == "shareholders" and not archive.shareholders) or (
            section == "self_description" and not archive.HasField("self_description")
        )
        if origin is not None and not is_absent:
            yield _row(section, origin.source, origin.retrieved_at)
    latest: dict[str, int] = {}
    for fact in sheet.public_records:
        # A namesake's record must not even show that it is there.
        if standing(fact, sheet.as_of) is Standing.STANDS:
            latest[fact.source] = max(fact.retrieved_at, latest.get(fact.source, 0))
    for source, retrieved_at in sorted(latest.items()):
        yield _row(f"public_records/{source}", source, retrieved_at)
    for file in archive.platforms:
        row = archive_pb2.Freshness(section=f"platforms/{file.platform}", source=file.platform)
        if file.HasField("data_through"):
            row.data_through.CopyFrom(file.data_through)
        yield row


def money_message(amount: Money) -> enterprise_pb2.Money:
    """Returns the amount as a message."""
    return enterprise_pb2.Money(currency_code=amount.currency, amount_minor=amount.minor)


def _row(section: str, source: str, retrieved_at: int) -> archive_pb2.Freshness:
    return archive_pb2.Freshness(
        section=section, source=source, retrieve_time=to_timestamp(Instant(retrieved_at))
    )


def _record(fact: Fact, record: PublicRecord, found: Standing) -> archive_pb2.PublicRecord:
    common = archive_pb2.PublicRecord(
        record_id=fact.item.removeprefix(f"{fact.source}/"),
        matched_by=archive_pb2.PublicRecord.MatchedBy.Value(f"MATCHED_BY_{record.matched_by.name}"),
        standing=archive_pb2.PublicRecord.Standing.Value(f"STANDING_{found.name}"),
        expire_time=to_timestamp(ends_at(fact.kind, record)),
        provenance=enterprise_pb2.Provenance(
            source=fact.source, retrieve_time=to_timestamp(fact.retrieved_at)
        ),
    )
    if record.removed is not None:
        common.removal_date.CopyFrom(to_date_message(record.removed))
    return common


def _court_case(
    kind: Kind, case: CourtCase, common: archive_pb2.PublicRecord
) -> archive_pb2.CourtCase:
    made = archive_pb2.CourtCase(
        kind=archive_pb2.CourtCase.Kind.Value(f"KIND_{kind.name}"),
        record=common,
        case_number=case.case_number,
        court=case.court,
        publish_date=to_date_message(case.begins),
        performance=archive_pb2.CourtCase.Performance.Value(f"PERFORMANCE_{case.performance.name}"),
    )
    if case.amount is not None:
        made.amount.CopyFrom(money_message(case.amount))
    return made


def _listing(kind: Kind, listing: Listing, common: archive_pb2.PublicRecord) -> archive_pb2.Listing:
    removal = listing.removal_ground
    return archive_pb2.Listing(
        kind=archive_pb2.Listing.Kind.Value(f"KIND_{kind.name}"),
        record=common,
        authority=listing.authority,
        list_date=to_date_message(listing.begins),
        ground=listing.ground.name,
        removal_ground="" if removal is None else removal.name,
    )


def _penalty(penalty: Penalty, common: archive_pb2.PublicRecord) -> archive_pb2.Penalty:
    made = archive_pb2.Penalty(
        record=common,
        decision_number=penalty.decision_number,
        authority=penalty.authority,
        decision_date=to_date_message(penalty.begins),
        sanction=penalty.sanction.name,
        severity=archive_pb2.Penalty.Severity.Value(f"SEVERITY_{penalty.severity.name}"),
    )
    if penalty.amount is not None:
        made.amount.CopyFrom(money_message(penalty.amount))
    return made
