"""What is in an archive, before anybody looks at it."""

from __future__ import annotations

import dataclasses

import pytest

from bonafides.archive.assemble import assemble, may_name_a_person
from bonafides.archive.facts import OperatingState, Registration, Shareholder
from bonafides.archive.snapshot import etag, next_change_at
from bonafides.archive.statistics import Certification
from bonafides.instants import DAY, HOUR, Day, Instant, day_of, from_timestamp, start_of
from bonafides.records.money import Money
from bonafides.v1 import enterprise_pb2
from bonafides.v1.archive_pb2 import Archive
from tests.builders import NOW, TODAY, registration, registration_facts
from tests.views.inputs import (
    COMPANY,
    EXPIRES_AT,
    INDIVIDUAL,
    inputs,
    platform_record,
    rating,
    sheet,
    statistics,
)


def archive(**changes: object) -> Archive:
    return assemble(inputs(**changes), rating())  # type: ignore[arg-type]  # by keyword


def told(**changes: object) -> Archive:
    """Returns the archive of a company of which the registry says this."""
    fact = registration_facts(COMPANY, told=registration(**changes))[0]
    return archive(sheet=sheet(registration=fact))


@pytest.mark.feature("C1")
def test_registration_says_its_source_and_when_it_was_asked() -> None:
    provenance = archive().registration.provenance
    assert provenance.source == "registry"
    assert from_timestamp(provenance.retrieve_time) == NOW - 400 * DAY


@pytest.mark.feature("C1")
def test_state_that_the_registry_does_not_tell_reads_not_known() -> None:
    not_known = enterprise_pb2.OPERATING_STATE_NOT_KNOWN
    assert told(operating_state=OperatingState.NOT_KNOWN).registration.operating_state == not_known
    assert archive(sheet=sheet(registration=None)).registration.operating_state == not_known


@pytest.mark.parametrize("state", OperatingState)
def test_every_state_has_a_name_in_the_archive(state: OperatingState) -> None:
    shown = told(operating_state=state).registration.operating_state
    assert enterprise_pb2.OperatingState.Name(shown) == f"OPERATING_STATE_{state.name}"


def test_what_the_registry_does_not_tell_is_unset() -> None:
    bare = registration_facts(
        COMPANY, told=Registration("九九市百草贸易有限公司", OperatingState.IN_BUSINESS)
    )[0]
    shown = archive(sheet=sheet(registration=bare)).registration
    assert {field.name for field, _value in shown.ListFields()} == {
        "title",
        "code",
        "operating_state",
        "provenance",
    }


@pytest.mark.feature("C2")
def test_changes_are_shown_newest_first() -> None:
    assert [change.item for change in archive().changes] == [
        "住所变更",
        "法定代表人变更",
        "经营范围变更",
    ]


@pytest.mark.feature("C2")
@pytest.mark.parametrize(
    "item",
    [
        "名称变更",
        "名称变更（字号名称、集团名称等变更）",
        "经营范围变更",
        "经营范围",
        "注册资本变更（注册资金、资金数额等变更）",
        "企业类型变更",
        "市场主体类型变更登记",
        "期限变更（经营期限、营业期限等变更）",
        "登记机关变更",
        "行业代码变更",
    ],
)
def test_item_on_the_short_list_names_no_person(item: str) -> None:
    assert not may_name_a_person(item, individual=False)


@pytest.mark.feature("C2")
@pytest.mark.parametrize(
    "item",
    [
        "法定代表人变更",
        "负责人变更（法定代表人、负责人、首席代表、合伙事务执行人等变更）",
        "负 责 人",
        "经营者变更",
        "经营者姓名",
        "股东变更",
        "投资人变更（包括出资额、出资方式、出资日期、投资人名称等）",
        "出资情况",
        "董事备案",
        "监事",
        "高级管理人员备案（董事、监事、经理等）",
        "联络员备案",
        "执行事务合伙人",
        "主要成员",
        "名称变更（投资人名称）",
        "章程备案",
        "其他事项备案",
        "名称地址",
        "",
    ],
)
def test_any_other_item_may_name_a_person(item: str) -> None:
    assert may_name_a_person(item, individual=False)


@pytest.mark.feature("C2")
@pytest.mark.parametrize(
    "item", ["住所变更", "经营场所", "地址变更（住所地址、经营场所、驻在地址等变更）"]
)
def test_change_of_address_tells_of_a_home_where_the_business_is_individual(item: str) -> None:
    assert may_name_a_person(item, individual=True)
    assert not may_name_a_person(item, individual=False)


@pytest.mark.feature("C2")
def test_values_of_a_change_go_to_one_place_alone() -> None:
    named = [change for change in archive().changes if change.personal_after]
    others = [change for change in archive().changes if change.after]
    assert [change.item for change in named] == ["法定代表人变更"]
    assert [change.item for change in others] == ["住所变更", "经营范围变更"]


@pytest.mark.feature("C3")
def test_shareholders_are_shown_largest_first_persons_apart() -> None:
    shown = [(holder.title, holder.person) for holder in archive().shareholders]
    assert shown == [("九九市百草控股有限公司", ""), ("", "测三四"), ("", "测七八")]


@pytest.mark.feature("C3")
def test_subscription_that_is_not_known_is_unset() -> None:
    holders = (Shareholder("测三四", is_person=True), Shareholder("九九", False, Money("CNY", 0)))
    first, second = archive(sheet=sheet(shareholders=holders)).shareholders
    assert first.subscribed.currency_code == "CNY"
    assert not second.HasField("subscribed")


@pytest.mark.feature("C3")
def test_individual_business_has_no_shareholders() -> None:
    assert not assemble(inputs(INDIVIDUAL), rating()).shareholders


@pytest.mark.feature("B4")
def test_business_file_of_an_individual_business_needs_consent() -> None:
    consented = frozenset({"VERIFY_IDENTITY", "SHOW_BUSINESS_FILE"})
    refused = frozenset({"VERIFY_IDENTITY", "RATE"})
    assert len(assemble(inputs(INDIVIDUAL, purposes=consented), rating()).platforms) == 2
    assert not assemble(inputs(INDIVIDUAL, purposes=refused), rating()).platforms
    assert len(archive(purposes=refused).platforms) == 2


@pytest.mark.feature("B6")
def test_platform_that_is_not_authorized_is_absent_not_zero() -> None:
    assert [file.platform for file in archive(platforms=()).platforms] == []


@pytest.mark.feature("D2")
def test_1688_displays_its_file_and_others_their_stores_alone() -> None:
    shop, other = archive().platforms
    assert (shop.platform, shop.displayed.membership_years, shop.displayed.transactions) == (
        "1688",
        3,
        500,
    )
    assert (other.platform, other.open_stores) == ("olist", 2)
    assert not other.HasField("displayed")


@pytest.mark.feature("D2")
def test_enterprise_without_membership_or_inspection_shows_neither() -> None:
    bare = platform_record(membership_days=0, certifications=())
    displayed = archive(platforms=(bare,)).platforms[0].displayed
    assert not displayed.HasField("membership_years")
    assert not displayed.certifications


@pytest.mark.feature("D2")
def test_first_year_of_membership_is_year_zero() -> None:
    young = platform_record(membership_days=364)
    assert archive(platforms=(young,)).platforms[0].displayed.membership_years == 0
    assert archive(platforms=(young,)).platforms[0].displayed.HasField("membership_years")


@pytest.mark.feature("C9")
@pytest.mark.parametrize(
    ("expires", "expired"), [(Day(TODAY - 1), True), (TODAY, False), (None, False)]
)
def test_certification_expires_after_its_last_day(expires: Day | None, *, expired: bool) -> None:
    held = Certification("九九认证", "厂房", Day(TODAY - 9), expires)
    shown = archive(platforms=(platform_record(certifications=(held,)),)).platforms[0]
    assert shown.displayed.certifications[0].expired is expired
    assert shown.displayed.certifications[0].HasField("expiry_date") is (expires is not None)


@pytest.mark.feature("C9")
def test_certifications_are_shown_newest_first() -> None:
    shown = archive().platforms[0].displayed.certifications
    assert [held.expired for held in shown] == [False, True]


@pytest.mark.feature("C7")
def test_rates_are_unset_without_anything_to_be_a_rate_of() -> None:
    none = statistics(transactions=0, buyers=0, repeat_buyers=0, deliveries_promised=0)
    shown = archive(platforms=(platform_record(last_year=none),)).platforms[0].last_year
    assert {field.name for field, _value in shown.ListFields()} == {
        "amount",
        "buyers",
        "unmatched_refunds",
    }
    assert shown.buyers.buyers == 0
    assert not shown.buyers.HasField("repeat_rate_ppm")


@pytest.mark.feature("A13")
@pytest.mark.parametrize(
    ("as_of", "state"),
    [
        (EXPIRES_AT - 1, enterprise_pb2.Submission.STATE_VERIFIED),
        (EXPIRES_AT, enterprise_pb2.Submission.STATE_LAPSED),
    ],
)
def test_verification_lapses_at_the_instant_its_term_ends(
    as_of: int, state: enterprise_pb2.Submission.State.ValueType
) -> None:
    assert archive(as_of=Instant(as_of)).verification.state == state


@pytest.mark.feature("C13")
def test_archive_changes_by_itself_at_the_next_midnight_in_shanghai() -> None:
    assert next_change_at(archive()) == start_of(Day(day_of(NOW) + 1))


@pytest.mark.feature("C13")
def test_end_of_verification_or_level_within_the_day_comes_first() -> None:
    made = archive()
    made.verification.expire_time.FromMicroseconds(NOW + 3 * HOUR)
    made.rating.valid_until_time.FromMicroseconds(NOW + 2 * HOUR)
    assert next_change_at(made) == NOW + 2 * HOUR


@pytest.mark.feature("C13")
def test_what_ended_before_changes_the_archive_no_more() -> None:
    made = archive()
    made.verification.expire_time.FromMicroseconds(NOW)
    assert next_change_at(made) == start_of(Day(day_of(NOW) + 1))


def test_tag_stays_while_only_the_as_of_time_moves() -> None:
    later = Instant(NOW + HOUR)
    assert etag(archive(as_of=later)) == archive().etag
    assert archive(platforms=()).etag != archive().etag


def test_sheet_is_not_changed_by_assembling() -> None:
    given = inputs()
    before = dataclasses.replace(given)
    assemble(given, rating())
    assert given == before
