"""The facts behind the golden views, and behind the tests of assembling."""

from __future__ import annotations

import dataclasses
from typing import Any

from bonafides.archive.facts import (
    Change,
    Fact,
    FactSheet,
    Kind,
    Origin,
    Shareholder,
    Verification,
)
from bonafides.archive.public_records import MatchedBy, RemovalGround, Severity
from bonafides.archive.self_description import Employees, HeldCertificate, SelfDescription
from bonafides.archive.statistics import Certification, PlatformRecord, Statistics
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, Day, Instant
from bonafides.rating.features import RatingInputs
from bonafides.records.links import Authentication, AuthenticationKind, Proof, Standing, Store
from bonafides.records.money import Money
from bonafides.v1 import rating_pb2
from tests import builders

COMPANY = builders.code(1)
INDIVIDUAL = builders.code(2, department_and_type="92")
VERIFIED_AT = Instant(builders.NOW - 400 * DAY)
EXPIRES_AT = Instant(builders.NOW + 300 * DAY)


def statistics(**changes: Any) -> Statistics:
    """Returns sums with every kind of case in them."""
    sums = Statistics(
        transactions=200,
        amount_cny_minor=2_000_000,
        buyers=40,
        repeat_buyers=10,
        largest_buyer_transactions=20,
        deliveries_promised=100,
        deliveries_late=5,
        refunds=4,
        refund_cny_minor=30_000,
        complaints=6,
        complaints_upheld=2,
        disputes=3,
        disputes_lost=1,
        unmatched_refunds=1,
        active_months=12,
        responses=(1, 2, 3, 1, 1, 1),
    )
    return dataclasses.replace(sums, **changes)


def platform_record(platform: str = builders.PLATFORM, **changes: Any) -> PlatformRecord:
    """Returns what a platform reported of an enterprise with two open stores."""
    record = PlatformRecord(
        platform=platform,
        open_stores=2,
        oldest_store_day=Day(builders.TODAY - 1_200),
        membership_days=1_100,
        certifications=(
            Certification("九九认证", "厂房", Day(builders.TODAY - 800), Day(builders.TODAY - 70)),
            Certification("九九认证", "厂房", Day(builders.TODAY - 60), Day(builders.TODAY + 670)),
        ),
        cumulative=statistics(transactions=500, buyers=80, repeat_buyers=30),
        last_year=statistics(),
        first_day=Day(builders.TODAY - 1_199),
        last_day=Day(builders.TODAY - 1),
        refund_flags={"late": 2, "unmatched": 1},
        stores=stores(),
    )
    return dataclasses.replace(record, **changes)


def stores() -> tuple[Store, ...]:
    """Returns two open stores, one of them disputed, and one that is contested."""
    day = builders.TODAY
    open_store = Store(
        link_id="l1",
        store_id="s1",
        opened=Day(day - 1_200),
        closed=None,
        standing=Standing.STANDS,
        title="百草店",
        category="百货",
        address="九九省九九市试验区百草路1号",
        proof=Proof.LICENSE_ON_FILE,
        evidence_sha256=bytes(range(32)),
        authentications=(Authentication(AuthenticationKind.LICENSE, Day(day - 1_190)),),
    )
    disputed = dataclasses.replace(
        open_store, link_id="l2", store_id="s2", disputed=True, due=Day(day + 9)
    )
    contested = dataclasses.replace(
        open_store, link_id="l3", store_id="s3", standing=Standing.CONTESTED, claimed=True
    )
    return (open_store, disputed, contested)


def sheet(of: UnifiedCode = COMPANY, **changes: Any) -> FactSheet:
    """Returns the facts of an enterprise; a company's unless told otherwise."""
    told = builders.registration()
    if of.individual:
        told = builders.registration(
            title="九九市试验区测百草店",
            legal_form="个体工商户",
            registered_capital=None,
            composition="个人经营",
            term_end=None,
        )
    facts = builders.registration_facts(of, told=told)
    known = FactSheet(
        code=of.text,
        as_of=builders.NOW,
        registration=next(fact for fact in facts if fact.kind is Kind.REGISTRATION),
        shareholders=(
            Shareholder("测三四", is_person=True, subscribed=Money("CNY", 40_000_000)),
            Shareholder("测七八", is_person=True),
            Shareholder(
                "九九市百草控股有限公司",
                is_person=False,
                subscribed=Money("CNY", 60_000_000),
                subscribed_by=Day(builders.TODAY + 1_000),
                paid=Money("CNY", 61_000_000),
                paid_on=Day(builders.TODAY - 3_000),
                share_ppm=600_000,
            ),
        ),
        changes=(
            Change(Day(builders.TODAY - 1_000), "经营范围变更", "百货", "百货销售"),
            Change(Day(builders.TODAY - 900), "法定代表人变更", "测五六", "测一二"),
            Change(
                Day(builders.TODAY - 800),
                "住所变更",
                "九九省九九市东湾区样例路1号",
                "九九省九九市试验区百草路1号",
            ),
        ),
        verification=Verification("submission", VERIFIED_AT, EXPIRES_AT),
        public_records=public_records(of),
        origins={
            Kind.SHAREHOLDERS: Origin("registry", VERIFIED_AT),
            Kind.CHANGES: Origin("registry", VERIFIED_AT),
            Kind.SELF_DESCRIPTION: Origin("self", VERIFIED_AT),
        },
        self_description=self_description(),
    )
    return dataclasses.replace(known, **changes)


def self_description(**changes: Any) -> SelfDescription:
    """Returns what an enterprise says of itself; a platform reports the first certificate, too."""
    told = SelfDescription(
        main_products=("百货", "日用陶瓷"),
        website="https://www.example.com/",
        employees=Employees.FROM_10_TO_49,
        factory_area_sqm=1_200,
        contact_languages=("zh", "en"),
        certificates=(
            HeldCertificate("厂房", "九九认证", Day(builders.TODAY + 670)),
            HeldCertificate("ISO 9001:2015", "别处认证"),
        ),
    )
    return dataclasses.replace(told, **changes)


def public_records(of: UnifiedCode) -> tuple[Fact, ...]:
    """Returns records of which three stand; the others were removed, expired, or a namesake's."""
    day = builders.TODAY
    return (
        builders.court_case(of=of),
        builders.penalty(of=of),
        builders.listing(of=of),
        builders.listing(
            of=of,
            item="removed",
            begins=Day(day - 400),
            removed=Day(day - 300),
            removal_ground=RemovalGround.CORRECTED,
        ),
        builders.penalty(
            of=of, item="expired", begins=Day(day - 200), severity=Severity.MINOR, amount=None
        ),
        builders.court_case(
            Kind.DISHONEST_DEBTOR, of=of, item="namesake", matched_by=MatchedBy.NAME
        ),
    )


def inputs(of: UnifiedCode = COMPANY, **changes: Any) -> RatingInputs:
    """Returns all that is known of an enterprise on two platforms, one of them 1688."""
    told = RatingInputs(
        code=of,
        as_of=builders.NOW,
        sheet=sheet(of),
        platforms=(platform_record(), platform_record("olist", membership_days=0)),
        platforms_known=3,
        purposes=frozenset({"VERIFY_IDENTITY", "SHOW_BUSINESS_FILE", "RATE"}),
    )
    return dataclasses.replace(told, **changes)


def rating() -> rating_pb2.Rating:
    """Returns a level of no card, so that a new card does not move the golden views."""
    return rating_pb2.Rating(
        name="enterprises/x/rating",
        level=rating_pb2.LEVEL_A,
        raw_level=rating_pb2.LEVEL_AA,
        hold=rating_pb2.HOLD_ONE_NOTCH_A_MONTH,
        publish_time=builders.stamp(builders.NOW - 20 * DAY),
        prior_level=rating_pb2.LEVEL_B,
        prior_publish_time=builders.stamp(builders.NOW - 90 * DAY),
        next_evaluation_time=builders.stamp(builders.NOW + 2 * DAY),
        cap_end_time=builders.stamp(builders.NOW + 100 * DAY),
        receipt_digest="0" * 64,
        range_low=rating_pb2.LEVEL_B,
        range_high=rating_pb2.LEVEL_AA,
        as_of_time=builders.stamp(builders.NOW),
        valid_until_time=builders.stamp(builders.NOW + 7 * DAY),
        model_version="test-1",
        basis=rating_pb2.BASIS_EXPERT,
        coverage=rating_pb2.Coverage(platforms_covered=2, platforms_known=3),
        score=612,
        contributions=[
            rating_pb2.Contribution(
                feature="late_delivery_rate",
                title_zh="迟延交付率",
                title_en="Late delivery rate",
                value=50_000,
                unit="ppm",
                bin="< 60000",
                points=12,
                max_points=40,
                window_days=365,
                facts="5 of 100 deliveries late",
                facts_zh="100次交付中5次迟延",
            )
        ],
        reasons=[
            rating_pb2.Reason(
                feature="late_delivery_rate",
                kind=rating_pb2.Reason.KIND_YOU_CAN_CHANGE,
                reason="LATE_DELIVERIES",
                points_lost=28,
                text_zh="有迟延交付：100次交付中5次迟延。",
                text_en="Deliveries came late: 5 of 100 deliveries late.",
                from_date=builders.date(2025, 11, 2),
                to_date=builders.date(2026, 11, 1),
                sources=["1688", "olist"],
                cases_until_full=0,
                correction_target="record:PLATFORM:transaction:ID",
            )
        ],
        rules=[
            rating_pb2.RuleHit(
                kind=rating_pb2.RuleHit.KIND_CEILING,
                reason="EVIDENCE",
                text_zh="需要实地认证",
                text_en="An on-site certification lifts this.",
            )
        ],
        model_digest="00",
    )
