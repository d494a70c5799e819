"""Assembles the archive of an enterprise from its facts: in full, not yet disclosed.

What may be in an archive at all is decided here; who sees which part of it is not
(`bonafides.access.disclosure`). The rules:

1. A platform that the enterprise did not authorize has no section: absent, not
   zero. The inputs hold authorized platforms alone.
2. The business file of an individual business is there only while its proprietor
   consents to showing it (SHOW_BUSINESS_FILE); its shareholders never are.
3. The values of a change are personal unless the item is known to be impersonal:
   items name representatives, investors, proprietors in too many words to list.
   An individual business's address is often a home; its changes are personal too.
4. What a platform's rules show to logged-in users is a table, one row for each
   platform; of a platform without a row only the total of stores is shown.
5. Public records are public information, not the business file: they need no consent,
   and an individual business has them too.
6. What the enterprise says of itself is a section of its own, marked as such by its
   source; a platform's certification corroborates it only if its file may be shown.
7. What is not known is unset, not zero and not empty. A state that is not known
   says so.

    assemble(inputs, rating)     # a v1.Archive with every section that exists
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

from bonafides.archive import facts, published, self_description, shareholding, snapshot
from bonafides.archive.categories import main_category
from bonafides.archive.published import money_message
from bonafides.archive.statistics import Certification, PlatformRecord, Statistics, rate_ppm
from bonafides.archive.stores import store_messages
from bonafides.instants import Day, Instant, to_date_message, to_timestamp
from bonafides.rating.features import RatingInputs
from bonafides.records.links import open_categories
from bonafides.records.money import Money
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2

SHOW_BUSINESS_FILE: Final = "SHOW_BUSINESS_FILE"
_MEMBERSHIP_YEAR_DAYS: Final = 365

# Items of change records whose values name no person, as registries print them,
# without their endings and what stands in brackets.
_IMPERSONAL: Final = re.compile(
    "(企业|公司|字号|英文)?名称|字号"
    "|(经营|业务)范围|(许可|一般)经营项目"
    "|注册(资本|资金)|实收资本|币种"
    "|(企业|公司|市场主体)?类型|经济性质|行业(代码)?"
    "|(经营|营业|合伙)?期限|成立日期"
    "|登记机关|管辖单位|统一社会信用代码|注册号|(经营|登记)状态"
)
_ADDRESS: Final = re.compile("(注册|住所)?地址|住所|(主要)?(生产)?经营(场所|地)|营业场所")
# Any of these, in brackets too, makes an item one that may name a person.
_PERSONAL_WORDS: Final = re.compile("人|者|股东|董事|监事|经理|高管|成员|委员|联络员")
_BRACKETS: Final = re.compile(r"\([^()]*\)")
_ENDINGS: Final = re.compile("(变更|登记|备案|更正)+$")


def assemble(inputs: RatingInputs, rating: rating_pb2.Rating) -> archive_pb2.Archive:
    """Returns the archive as of the inputs' instant, with everything that is known."""
    sheet = inputs.sheet
    archive = archive_pb2.Archive(
        name=f"enterprises/{inputs.code}/archive",
        registration=_registration(inputs),
        changes=[
            _change(change, individual=inputs.code.individual)
            for change in sorted(sheet.changes, key=lambda change: change.day, reverse=True)
        ],
        rating=rating,
        as_of_time=to_timestamp(inputs.as_of),
    )
    if not inputs.code.individual:
        archive.shareholders.extend(_shareholders(sheet.shareholders))
        archive.findings.extend(
            enterprise_pb2.Finding(reason=found.reason, description=found.description)
            for found in shareholding.findings(sheet.shareholders, _capital(inputs))
        )
    if sheet.verification is not None:
        archive.verification.CopyFrom(_verification(sheet.verification, inputs.as_of))
    by_platform: list[PlatformRecord] = []
    if not inputs.code.individual or SHOW_BUSINESS_FILE in inputs.purposes:
        by_platform = sorted(inputs.platforms, key=lambda record: record.platform)
        archive.platforms.extend(
            _platform(record, inputs.code.text, inputs.today) for record in by_platform
        )
    if sheet.self_description not in {None, self_description.NOTHING}:
        archive.self_description.CopyFrom(_self_description(inputs, by_platform))
    if (stand := published.public_records(sheet, stand=True)) is not None:
        archive.public_records.CopyFrom(stand)
    if (withheld := published.public_records(sheet, stand=False)) is not None:
        archive.withheld_records.CopyFrom(withheld)
    archive.freshness.extend(published.freshness(sheet, archive))
    _mark_disputed(archive, inputs)
    archive.etag = snapshot.etag(archive)
    return archive


def _mark_disputed(archive: archive_pb2.Archive, inputs: RatingInputs) -> None:
    """Lists what is disputed, and marks each section that shows it, for whoever sees that."""
    told = inputs.sheet.disputed
    archive.disputed_facts.extend(
        archive_pb2.DisputedFact(
            kind=each.kind,
            item=each.item,
            due_date=to_date_message(each.due),
            platform=each.platform,
            overdue=each.overdue(inputs.today),
        )
        for each in told
    )
    facts_told = {each.kind for each in told if not each.platform}
    archive.registration_disputed = facts.Kind.REGISTRATION.value in facts_told
    archive.changes_disputed = bool(archive.changes) and facts.Kind.CHANGES.value in facts_told
    archive.shareholders_disputed = (
        bool(archive.shareholders) and facts.Kind.SHAREHOLDERS.value in facts_told
    )
    # What is overdue is in no figure any more.
    counted = {each.platform for each in told if not each.overdue(inputs.today)}
    for file in archive.platforms:
        stores = any(store.disputed for store in file.stores)
        file.disputed = stores or file.platform in counted


def may_name_a_person(item: str, *, individual: bool) -> bool:
    """Returns whether the values of this item of a change record may name a person.

    Or, for an individual business, a person's home.
    """
    folded = "".join(unicodedata.normalize("NFKC", item).split())
    if _PERSONAL_WORDS.search(folded):
        return True
    bare = _ENDINGS.sub("", _BRACKETS.sub("", folded))
    if _ADDRESS.fullmatch(bare):
        return individual
    return not _IMPERSONAL.fullmatch(bare)


def _registration(inputs: RatingInputs) -> enterprise_pb2.Registration:
    made = enterprise_pb2.Registration(code=inputs.code.text)
    told = inputs.registration
    if told is None or inputs.sheet.registration is None:
        made.operating_state = enterprise_pb2.OPERATING_STATE_NOT_KNOWN
        return made
    made.title = told.title
    made.operating_state = enterprise_pb2.OperatingState.Value(
        f"OPERATING_STATE_{told.operating_state.name}"
    )
    made.registered_address = told.registered_address or ""
    made.business_scope = told.business_scope or ""
    made.composition = told.composition or ""
    for name in ("established", "term_start", "term_end"):
        day: Day | None = getattr(told, name)
        if day is not None:
            getattr(made, name).CopyFrom(to_date_message(day))
    if told.registered_capital is not None:
        made.registered_capital.CopyFrom(money_message(told.registered_capital))
    made.provenance.source = inputs.sheet.registration.source
    made.provenance.retrieve_time.CopyFrom(to_timestamp(inputs.sheet.registration.retrieved_at))
    return made


def _change(change: facts.Change, *, individual: bool) -> enterprise_pb2.Change:
    made = enterprise_pb2.Change(change_date=to_date_message(change.day), item=change.item)
    if may_name_a_person(change.item, individual=individual):
        made.personal_before, made.personal_after = change.before, change.after
    else:
        made.before, made.after = change.before, change.after
    return made


def _shareholders(
    holders: Iterable[facts.Shareholder],
) -> Iterable[enterprise_pb2.Shareholder]:
    for holder in sorted(holders, key=_size, reverse=True):
        made = enterprise_pb2.Shareholder()
        if holder.is_person:
            made.person = holder.title
        else:
            made.title = holder.title
        if holder.subscribed is not None:
            made.subscribed.CopyFrom(money_message(holder.subscribed))
        if holder.subscribed_by is not None:
            made.subscribe_date.CopyFrom(to_date_message(holder.subscribed_by))
        if holder.paid is not None:
            made.paid.CopyFrom(money_message(holder.paid))
        if holder.paid_on is not None:
            made.pay_date.CopyFrom(to_date_message(holder.paid_on))
        if holder.share_ppm is not None:
            made.share_ppm = holder.share_ppm
        yield made


def _size(holder: facts.Shareholder) -> tuple[int, int]:
    subscribed = -1 if holder.subscribed is None else holder.subscribed.minor
    return subscribed, -1 if holder.share_ppm is None else holder.share_ppm


def _capital(inputs: RatingInputs) -> Money | None:
    return None if inputs.registration is None else inputs.registration.registered_capital


def _verification(told: facts.Verification, as_of: Instant) -> archive_pb2.Verification:
    lapsed = as_of >= told.expires_at
    return archive_pb2.Verification(
        state=(
            enterprise_pb2.Submission.STATE_LAPSED
            if lapsed
            else enterprise_pb2.Submission.STATE_VERIFIED
        ),
        verify_time=to_timestamp(told.verified_at),
        expire_time=to_timestamp(told.expires_at),
    )


def _self_description(
    inputs: RatingInputs, platforms: Iterable[PlatformRecord]
) -> archive_pb2.SelfDescription:
    told = inputs.sheet.self_description or self_description.NOTHING
    made = self_description.section(told, platforms, inputs.today)
    made.name = f"enterprises/{inputs.code}/self-description"
    origin = inputs.sheet.origins.get(facts.Kind.SELF_DESCRIPTION)
    if origin is not None:
        made.provenance.source = origin.source
        made.provenance.retrieve_time.CopyFrom(to_timestamp(origin.retrieved_at))
    return made


def _platform(record: PlatformRecord, code: str, today: Day) -> archive_pb2.PlatformFile:
    made = archive_pb2.PlatformFile(
        platform=record.platform,
        open_stores=record.open_stores,
        cumulative=_trade(record.cumulative),
        last_year=_trade(record.last_year),
        refund_flags=[
            archive_pb2.RefundFlagCount(flag=flag.upper(), refunds=count)
            for flag, count in sorted(record.refund_flags.items())
        ],
        stores=store_messages(record.stores, code, today),
        main_category=main_category(open_categories(record.stores, today)) or "",
    )
    displays = _DISPLAYED.get(record.platform)
    if displays is not None:
        made.displayed.CopyFrom(displays(record, today))
    if record.last_day is not None:
        made.data_through.CopyFrom(to_date_message(record.last_day))
    return made


def _displayed_on_1688(record: PlatformRecord, today: Day) -> archive_pb2.DisplayedFile:
    made = archive_pb2.DisplayedFile(
        transactions=record.cumulative.transactions,
        buyers=_buyers(record.cumulative),
        certifications=[
            _certification(held, today)
            for held in sorted(record.certifications, key=lambda held: held.inspected, reverse=True)
        ],
    )
    if record.membership_days:
        made.membership_years = record.membership_days // _MEMBERSHIP_YEAR_DAYS
    return made


# What each platform's rules show to logged-in users. Source: 002 §1.9(2).
_DISPLAYED: Final[dict[str, Callable[[PlatformRecord, Day], archive_pb2.DisplayedFile]]] = {
    "1688": _displayed_on_1688,
}


def _certification(held: Certification, today: Day) -> archive_pb2.Certification:
    made = archive_pb2.Certification(
        agency=held.agency,
        scope=held.scope,
        inspection_date=to_date_message(held.inspected),
        expired=held.expires is not None and held.expires < today,
    )
    if held.expires is not None:
        made.expiry_date.CopyFrom(to_date_message(held.expires))
    return made


def _trade(sums: Statistics) -> archive_pb2.TradeStatistics:
    return archive_pb2.TradeStatistics(
        transactions=sums.transactions,
        amount=money_message(Money("CNY", sums.amount_cny_minor)),
        buyers=_buyers(sums),
        refund_rate_ppm=rate_ppm(sums.refunds, sums.transactions),
        upheld_complaint_rate_ppm=rate_ppm(sums.complaints_upheld, sums.transactions),
        lost_dispute_rate_ppm=rate_ppm(sums.disputes_lost, sums.transactions),
        late_delivery_rate_ppm=rate_ppm(sums.deliveries_late, sums.deliveries_promised),
        complaint_rate_ppm=rate_ppm(sums.complaints, sums.transactions),
        dispute_rate_ppm=rate_ppm(sums.disputes, sums.transactions),
        unmatched_refunds=sums.unmatched_refunds,
    )


def _buyers(sums: Statistics) -> archive_pb2.BuyerStatistics:
    return archive_pb2.BuyerStatistics(
        buyers=sums.buyers, repeat_rate_ppm=rate_ppm(sums.repeat_buyers, sums.buyers)
    )
