"""The disclosure engine, against an oracle that reads the declarations by itself.

Messages are filled by walking the descriptors, so that a field added tomorrow is
tested without a change here.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.access import disclosure
from bonafides.access.disclosure import MASKS, class_of, shown_to, view
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2, record_pb2
from bonafides.v1 import disclosure_pb2 as v1
from scripts import print_disclosure
from tests.disclosed import (
    ADDRESS,
    COMPANY,
    INDIVIDUAL,
    PERSON,
    UNKNOWN,
    dotted,
    expected,
    filled,
    populated,
    viewed,
)
from tests.searching import examples

EVERYBODY = v1.Audience.values()
FIELD = descriptor_pb2.FieldDescriptorProto
SEEING = [
    v1.AUDIENCE_PUBLIC,
    v1.AUDIENCE_MEMBER,
    v1.AUDIENCE_OWNER,
    v1.AUDIENCE_PLATFORM,
    v1.AUDIENCE_INTEGRATOR,
    v1.AUDIENCE_OPERATOR,
]
# What is submitted and what is recorded is in no answer, and keeps to its classes too.
VIEWED = [*viewed(), enterprise_pb2.Claims, record_pb2.Record]

# The list of D1, closed by decision. Nothing else may be populated for the public.
PUBLIC_FIELDS = {
    "registration.title",
    "registration.code",
    "registration.operating_state",
    "registration.term_start",
    "registration.term_end",
    "registration.registered_address",
    "registration.established",
    "registration.registered_capital.currency_code",
    "registration.registered_capital.amount_minor",
    "registration.business_scope",
    # In place of capital and shareholders, of individual businesses.
    "registration.composition",
    "registration.provenance.source",
    "registration.provenance.retrieve_time",
    "changes.change_date",
    "changes.item",
    "changes.before",
    "changes.after",
    "shareholders.title",
    "shareholders.person",
    "shareholders.subscribed.currency_code",
    "shareholders.subscribed.amount_minor",
    "shareholders.subscribe_date",
    "shareholders.paid.currency_code",
    "shareholders.paid.amount_minor",
    "shareholders.pay_date",
    "shareholders.share_ppm",
}


@pytest.mark.feature("L4")
@pytest.mark.parametrize("kind", VIEWED, ids=lambda kind: kind.DESCRIPTOR.name)
@settings(max_examples=examples(60), deadline=None)
@given(seed=st.integers(0, 2**32), share=st.sampled_from([1.0, 0.8, 0.3]))
def test_every_audience_sees_its_classes_and_nothing_else(
    kind: type[Message], seed: int, share: float
) -> None:
    message = filled(kind, seed, share=share)
    before = message.SerializeToString(deterministic=True)
    for audience in EVERYBODY:
        shown = view(message, audience)
        seen = [(dotted(path), value) for path, _holder, value in populated(shown)]
        assert _texts(seen) == _texts(expected(message, audience))
        assert UNKNOWN not in shown.SerializeToString()
    assert message.SerializeToString(deterministic=True) == before


def _texts(seen: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    # Instants and dates carry unknown fields here; their text shows the known ones.
    return [(path, str(value)) for path, value in seen]


@pytest.mark.feature("L4")
@pytest.mark.parametrize("kind", VIEWED, ids=lambda kind: kind.DESCRIPTOR.name)
@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 2**32), share=st.sampled_from([1.0, 0.5]))
def test_view_of_a_view_is_the_same_view(kind: type[Message], seed: int, share: float) -> None:
    message = filled(kind, seed, share=share)
    for audience in EVERYBODY:
        shown = view(message, audience)
        assert view(shown, audience) == shown


@pytest.mark.feature("D1")
def test_public_sees_the_ten_fields_with_their_source_and_no_other() -> None:
    shown = view(filled(archive_pb2.Archive, 1), v1.AUDIENCE_PUBLIC)
    assert {dotted(path) for path, _holder, _value in populated(shown)} == PUBLIC_FIELDS


@pytest.mark.feature("D2")
def test_member_sees_the_public_fields_the_level_and_the_business_file() -> None:
    shown = view(enough_buyers(), v1.AUDIENCE_MEMBER)
    more = {dotted(path) for path, _holder, _value in populated(shown)} - PUBLIC_FIELDS
    assert more == {
        "name",
        "as_of_time",
        "etag",
        "rating.name",
        "rating.level",
        "rating.range_low",
        "rating.range_high",
        "rating.as_of_time",
        "rating.valid_until_time",
        "rating.model_version",
        "rating.basis",
        "rating.coverage.platforms_covered",
        "rating.coverage.platforms_known",
        "rating.stale",
        "rating.overridden",
        "platforms.platform",
        "platforms.open_stores",
        "platforms.displayed.membership_years",
        "platforms.displayed.transactions",
        "platforms.displayed.buyers.buyers",
        "platforms.displayed.buyers.repeat_rate_ppm",
        "platforms.displayed.certifications.agency",
        "platforms.displayed.certifications.scope",
        "platforms.displayed.certifications.inspection_date",
        "platforms.displayed.certifications.expiry_date",
        "platforms.displayed.certifications.expired",
    }


@pytest.mark.feature("D3")
def test_owner_sees_all_but_what_only_staff_need() -> None:
    archive = enough_buyers()
    shown = {dotted(path) for path, _h, _v in populated(view(archive, v1.AUDIENCE_OWNER))}
    hidden = {dotted(path) for path, _h, _v in populated(archive)} - shown
    for_staff = ("withheld_records", "findings")
    assert all(any(path.startswith(part) for path in hidden) for part in for_staff)
    counted = {path for path in hidden if not path.startswith(for_staff)}
    assert {path.split(".")[-1] for path in counted} == {
        "complaint_rate_ppm",
        "dispute_rate_ppm",
        "unmatched_refunds",
    }


def enough_buyers() -> archive_pb2.Archive:
    archive: archive_pb2.Archive = filled(archive_pb2.Archive, 2)
    for platform in archive.platforms:
        for group in (
            platform.displayed.buyers,
            platform.cumulative.buyers,
            platform.last_year.buyers,
        ):
            group.buyers = 5
    return archive


@pytest.mark.feature("C2")
def test_person_named_in_a_change_is_shown_to_the_owner_alone() -> None:
    archive = archive_pb2.Archive(
        changes=[enterprise_pb2.Change(item="法定代表人", personal_before=PERSON)]
    )
    told = {audience: PERSON in str(_readable(view(archive, audience))) for audience in EVERYBODY}
    assert [audience for audience, named in told.items() if named] == [v1.AUDIENCE_OWNER]


def _readable(message: Message) -> list[Any]:
    return [value for _path, _holder, value in populated(message)]


@pytest.mark.feature("D5")
def test_operator_sees_persons_masked() -> None:
    archive = archive_pb2.Archive(shareholders=[enterprise_pb2.Shareholder(person=PERSON)])
    assert view(archive, v1.AUDIENCE_OPERATOR).shareholders[0].person == "**四"
    assert view(archive, v1.AUDIENCE_PUBLIC).shareholders[0].person == PERSON


def kind_with(name: str, **field: Any) -> Any:
    """Returns a message with one field, of the class of persons who hold shares."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"bonafides/tests/{name}.proto", package="bonafides.tests", syntax="proto3"
    )
    file.dependency.append("google/protobuf/duration.proto")
    made = file.message_type.add(name=name).field.add(name="field", number=1, **field)
    person = enterprise_pb2.Shareholder.DESCRIPTOR.fields_by_name["person"]
    made.options.CopyFrom(person.GetOptions())
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"bonafides.tests.{name}"))


@pytest.mark.feature("D5")
def test_each_person_of_a_list_is_masked() -> None:
    kind = kind_with("Persons", label=FIELD.LABEL_REPEATED, type=FIELD.TYPE_STRING)
    assert view(kind(field=[PERSON, PERSON]), v1.AUDIENCE_OPERATOR).field == ["**四", "**四"]


@pytest.mark.feature("L4")
def test_message_that_is_not_ours_is_withheld_whatever_its_field_says() -> None:
    kind = kind_with("Foreign", type=FIELD.TYPE_MESSAGE, type_name=".google.protobuf.Duration")
    shown = view(kind(field=duration_pb2.Duration(seconds=1)), v1.AUDIENCE_PUBLIC)
    assert not shown.HasField("field")


@pytest.mark.feature("D1")
@pytest.mark.parametrize(
    ("code", "public"),
    [(COMPANY, ADDRESS), (INDIVIDUAL, "浙江省杭州市西湖区***"), ("", "浙江省杭州市西湖区***")],
)
def test_address_of_an_individual_business_is_cut_for_public_and_staff(
    code: str, public: str
) -> None:
    registration = enterprise_pb2.Registration(code=code, registered_address=ADDRESS)
    archive = archive_pb2.Archive(registration=registration)
    told = {
        audience: view(archive, audience).registration.registered_address for audience in SEEING
    }
    assert told == {
        v1.AUDIENCE_PUBLIC: public,
        v1.AUDIENCE_MEMBER: ADDRESS,
        v1.AUDIENCE_OWNER: ADDRESS,
        v1.AUDIENCE_PLATFORM: ADDRESS,
        v1.AUDIENCE_INTEGRATOR: ADDRESS,
        v1.AUDIENCE_OPERATOR: public,
    }


@pytest.mark.feature("D6")
@pytest.mark.parametrize(("buyers", "visible"), [(None, False), (0, False), (4, False), (5, True)])
def test_below_five_buyers_member_and_platform_see_none(
    buyers: int | None, *, visible: bool
) -> None:
    group = archive_pb2.BuyerStatistics(buyers=buyers, repeat_rate_ppm=400_000)
    archive = archive_pb2.Archive(
        platforms=[archive_pb2.PlatformFile(displayed=archive_pb2.DisplayedFile(buyers=group))]
    )
    told = {
        audience: view(archive, audience).platforms[0].displayed.HasField("buyers")
        for audience in SEEING[1:]
    }
    assert told == {
        v1.AUDIENCE_MEMBER: visible,
        v1.AUDIENCE_OWNER: True,
        v1.AUDIENCE_PLATFORM: visible,
        v1.AUDIENCE_INTEGRATOR: visible,
        v1.AUDIENCE_OPERATOR: True,
    }


@pytest.mark.parametrize("audience", [a for a in [*EVERYBODY, 99] if a not in SEEING])
def test_audience_that_no_class_names_sees_nothing(audience: v1.Audience.ValueType) -> None:
    for kind in VIEWED:
        assert view(filled(kind, 3), audience) == kind()


def test_what_is_submitted_is_shown_to_nobody() -> None:
    claims = filled(enterprise_pb2.Claims, 4)
    assert [view(claims, audience) for audience in EVERYBODY] == [
        enterprise_pb2.Claims() for _ in EVERYBODY
    ]


@pytest.mark.feature("L4")
def test_every_field_that_describes_an_enterprise_is_classified() -> None:
    fields = [field for message in print_disclosure.described() for field in message.fields]
    assert [field.full_name for field in fields if not class_of(field)] == []


def test_every_class_but_what_is_submitted_is_shown_to_somebody() -> None:
    unseen = [one for one in v1.InformationClass.values() if not shown_to(one)]
    assert unseen == [v1.INFORMATION_CLASS_UNSPECIFIED, v1.INFORMATION_CLASS_SUBMITTED]


def test_every_mask_is_known_to_the_engine() -> None:
    assert sorted(MASKS) == v1.Mask.values()[1:]


def test_mask_that_this_build_does_not_know_withholds_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the declarations are newer than the code."""
    archive = archive_pb2.Archive(shareholders=[enterprise_pb2.Shareholder(person=PERSON)])
    monkeypatch.setattr(disclosure, "MASKS", {})
    disclosure._plan.cache_clear()
    try:
        assert view(archive, v1.AUDIENCE_OPERATOR).shareholders[0].person == ""
    finally:
        disclosure._plan.cache_clear()


def test_message_without_classes_is_withheld() -> None:
    card = rating_pb2.Scorecard(name="scorecards/1", digest="00")
    assert view(card, v1.AUDIENCE_OPERATOR) == rating_pb2.Scorecard()


def test_page_shows_what_is_declared() -> None:
    assert print_disclosure.PAGE.read_text(encoding="utf-8") == print_disclosure.rendered()
