"""What an enterprise says of itself: read whole, free of persons, shown as no more than that."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from google.type.date_pb2 import Date

from bonafides.archive.assemble import assemble
from bonafides.archive.facts import Fact, Kind, from_json, to_json
from bonafides.archive.self_description import NOTHING, read
from bonafides.archive.snapshot import VIEWS, shown
from bonafides.archive.statistics import Certification
from bonafides.errors import InvalidFieldsError
from bonafides.instants import Day
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import champion
from bonafides.v1 import archive_pb2, disclosure_pb2
from tests import builders
from tests.rating_inputs import inputs as rating_inputs
from tests.views.inputs import (
    COMPANY,
    INDIVIDUAL,
    inputs,
    platform_record,
    rating,
    self_description,
    sheet,
)

pytestmark = pytest.mark.feature("C8")


def said(**fields: Any) -> archive_pb2.SelfDescription:
    """Returns a description with these fields."""
    return archive_pb2.SelfDescription(name="enterprises/x/self-description", **fields)


def faults(**fields: Any) -> list[tuple[str, str]]:
    """Returns field and reason of what is refused."""
    try:
        read(said(**fields))
    except InvalidFieldsError as error:
        return [(fault.field, fault.reason) for fault in error.violations]
    return []


def certificate(**fields: Any) -> archive_pb2.HeldCertificate:
    """Returns a certificate."""
    return archive_pb2.HeldCertificate(**({"title": "ISO", "agency": "九九认证"} | fields))


def test_what_the_archive_shows_is_read_back_equal() -> None:
    made = assemble(inputs(COMPANY), rating()).self_description
    assert read(made) == self_description()


def test_fact_is_read_back_equal_from_the_store() -> None:
    told = Fact(
        code=COMPANY.text,
        kind=Kind.SELF_DESCRIPTION,
        value=self_description(),
        source="self",
        retrieved_at=builders.NOW,
        valid_from=builders.NOW,
    )
    assert from_json(told.kind, to_json(told)) == self_description()


@pytest.mark.parametrize(
    "text",
    [
        f"call {builders.PHONE}",
        "138-0013-8000",
        "0571 8888 7777",
        "１３８００１３８０００",
        builders.EMAIL,
        "a＠b",
        builders.ID_NUMBER,
    ],
)
def test_text_with_contact_data_is_refused(text: str) -> None:
    field = "self_description.main_products[1]"
    assert faults(main_products=["百货", text]) == [(field, "CONTACT_DATA")]
    assert faults(certificates=[certificate(title=text)]) == [
        ("self_description.certificates[0]", "CONTACT_DATA")
    ]


@pytest.mark.parametrize("text", ["GB/T 19001-2016", "ISO 9001:2015", "304不锈钢", "20 x 30 cm"])
def test_name_of_a_standard_or_a_product_is_no_contact(text: str) -> None:
    assert faults(main_products=[text], certificates=[certificate(title=text)]) == []


@pytest.mark.parametrize(
    "text",
    [
        "www.example.com",
        "ftp://example.com",
        "https://user:secret@example.com",
        "https://192.0.2.7/",
        "https://[::1]/",
        "https://localhost/",
        "https://example.com:8443/",
        "https://example.com/?visitor=1",
        "https://example.com/#part",
        "https://example.com:x/",
        "javascript:alert(1)",
        "https://exa mple.com/",
    ],
)
def test_website_is_one_plain_address_with_a_name(text: str) -> None:
    assert faults(website=text) == [("self_description.website", "WEBSITE")]


def test_website_is_kept_with_its_host_as_the_network_writes_it() -> None:
    assert read(said(website="https://WWW.Example.COM/Shop")).website == (
        "https://www.example.com/Shop"
    )
    assert read(said(website="https://百货.example/")).website == "https://xn--bxy869b.example/"


def test_all_faults_are_named_at_once() -> None:
    assert faults(
        main_products=["  ", "ok", "\x00"],
        website="x",
        certificates=[certificate(agency=" "), certificate(expiry_date=Date(year=2027, month=13))],
    ) == [
        ("self_description.main_products[0]", "REQUIRED"),
        ("self_description.main_products[2]", "FORBIDDEN_CHARACTER"),
        ("self_description.website", "WEBSITE"),
        ("self_description.certificates[0]", "REQUIRED"),
        ("self_description.certificates[1]", "DATE"),
    ]


def test_what_only_the_service_fills_in_is_not_taken_over() -> None:
    forged = said(certificates=[certificate(corroborated_by="registry")])
    forged.provenance.source = "registry"
    made = assemble(inputs(sheet=sheet(self_description=read(forged))), rating())
    assert made.self_description.provenance.source == "self"
    assert made.self_description.certificates[0].corroborated_by == ""


def test_same_entry_twice_is_one() -> None:
    told = read(said(main_products=["a", "a "], contact_languages=["zh", "zh"]))
    assert (told.main_products, told.contact_languages) == (("a",), ("zh",))


def test_certificate_is_corroborated_by_the_platform_that_reports_the_same() -> None:
    made = assemble(inputs(COMPANY), rating()).self_description
    assert [held.corroborated_by for held in made.certificates] == ["1688", ""]


def test_expired_certification_corroborates_nothing() -> None:
    old = Certification("九九认证", "厂房", Day(builders.TODAY - 800), Day(builders.TODAY - 1))
    reported = (platform_record(certifications=(old,)),)
    made = assemble(inputs(platforms=reported), rating()).self_description
    assert [held.corroborated_by for held in made.certificates] == ["", ""]


@pytest.mark.feature("B4")
def test_file_that_may_not_be_shown_corroborates_nothing() -> None:
    purposes = frozenset({"VERIFY_IDENTITY"})
    made = assemble(inputs(INDIVIDUAL, purposes=purposes), rating()).self_description
    assert [held.corroborated_by for held in made.certificates] == ["", ""]


@pytest.mark.feature("D1", "D2")
def test_public_and_members_see_nothing_of_it() -> None:
    made = assemble(inputs(COMPANY), rating())
    seen = {
        audience
        for audience in VIEWS
        if shown(made, audience).HasField("self_description")
        or "self" in {row.source for row in shown(made, audience).freshness}
    }
    assert seen == {
        disclosure_pb2.AUDIENCE_OWNER,
        disclosure_pb2.AUDIENCE_PLATFORM,
        disclosure_pb2.AUDIENCE_INTEGRATOR,
        disclosure_pb2.AUDIENCE_OPERATOR,
    }


@pytest.mark.feature("C13")
def test_description_that_was_taken_back_is_no_section_and_has_no_freshness() -> None:
    made = assemble(inputs(sheet=sheet(self_description=NOTHING)), rating())
    assert not made.HasField("self_description")
    assert "self_description" not in {row.section for row in made.freshness}


@pytest.mark.feature("B5")
@pytest.mark.parametrize(
    "told",
    [
        NOTHING,
        self_description(),
        self_description(factory_area_sqm=9_999_999),
        self_description(certificates=()),
        self_description(main_products=("别的",), website=""),
    ],
)
def test_rating_is_the_same_whatever_the_enterprise_says_of_itself(told: Any) -> None:
    silent = rating_inputs()
    spoken = dataclasses.replace(
        silent, sheet=dataclasses.replace(silent.sheet, self_description=told)
    )
    card = champion(None)
    assert rate(spoken, card) == rate(silent, card)
