"""Words of the website: whole catalogues, and values as each language writes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from google.type.date_pb2 import Date

from bonafides.v1 import archive_pb2, enterprise_pb2
from bonafides.web import app
from bonafides.web.fields import Group, Items, group_of
from bonafides.web.labels import FIELDS
from bonafides.web.language import LANGUAGES
from bonafides.web.public_pages import withheld
from bonafides.web.site import Provider, Site, SiteError
from tests import builders

WEB = Path(app.__file__).parent
CHINESE, ENGLISH = LANGUAGES
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "N_": None, "say": None, "text": None, "refusal": (2, 3)}


def used() -> set[str]:
    found = extract_from_dir(WEB, method_map=METHODS, keywords=KEYWORDS)
    texts = [message for _, _, message, _, _ in found]
    return {text for one in texts for text in (one if isinstance(one, tuple) else (one,)) if text}


def test_catalogue_has_every_text_and_no_other() -> None:
    file = WEB / "locale" / "zh" / "LC_MESSAGES" / "bonafides.po"
    with file.open("rb") as opened:
        catalogue = read_po(opened, locale="zh")
    written = {message.id for message in catalogue if message.id}
    assert written == used()
    assert [message.id for message in catalogue if message.id and not message.string] == []
    assert not [message.id for message in catalogue if message.fuzzy]


def test_every_field_of_an_archive_has_a_label() -> None:
    # An amount is one value, with the label of the field that holds it.
    seen = {enterprise_pb2.Money.DESCRIPTOR.full_name}
    todo = [archive_pb2.Archive.DESCRIPTOR]
    while todo:
        kind = todo.pop()
        seen.add(kind.full_name)
        assert [field.name for field in kind.fields if field.name not in FIELDS] == []
        inner = [field.message_type for field in kind.fields if field.message_type is not None]
        todo += [
            each
            for each in inner
            if each.full_name.startswith("bonafides") and each.full_name not in seen
        ]


def test_amounts_and_days_are_written_as_each_language_does() -> None:
    money = enterprise_pb2.Money(currency_code="CNY", amount_minor=123_456_789)
    day = Date(year=2026, month=11, day=1)
    assert CHINESE.money(money) == "¥1,234,567.89"
    assert ENGLISH.money(money) == "CN¥1,234,567.89"
    assert CHINESE.day(day) == "2026年11月1日"
    assert ENGLISH.day(day) == "November 1, 2026"
    assert CHINESE.moment(builders.stamp(builders.NOW)) == "2026年11月1日 12:00"
    assert CHINESE.share(33_300) == "3.33%"


def test_amount_without_minor_units_is_whole() -> None:
    yen = enterprise_pb2.Money(currency_code="JPY", amount_minor=1_000)
    assert ENGLISH.money(yen) == "¥1,000"


def test_sections_that_a_login_adds_follow_from_the_protos() -> None:
    assert withheld() == [FIELDS["rating"], FIELDS["platforms"]]


def test_text_in_two_languages_is_one_value_in_that_of_the_page() -> None:
    archive = archive_pb2.Archive()
    archive.rating.reasons.add(text_zh="原因", text_en="Why")
    for language, text in ((CHINESE, "原因"), (ENGLISH, "Why")):
        rating = group_of(archive, language).parts["rating"]
        assert isinstance(rating, Group)
        reasons = rating.parts["reasons"]
        assert isinstance(reasons, Items)
        (leaf,) = reasons.items[0].leaves
        assert leaf.text == text
        assert leaf.paths == "rating.reasons[0].text_zh rating.reasons[0].text_en"


def test_unknown_value_of_an_enum_is_shown_as_its_number() -> None:
    registration = enterprise_pb2.Registration()
    registration.ParseFromString(b"\x18\x63")
    (leaf,) = group_of(registration, ENGLISH).leaves
    assert leaf.text == "99"


def test_chinese_names_on_english_pages_are_marked_as_chinese() -> None:
    archive = archive_pb2.Archive()
    archive.registration.title = builders.registration().title
    registration = group_of(archive, ENGLISH).parts["registration"]
    assert isinstance(registration, Group)
    assert registration.leaves[0].lang == "zh-CN"


@pytest.mark.parametrize(
    ("issuer", "targets"),
    [
        ("https://bona.example/login", "'self'"),
        ("https://login.example/a", "'self' https://login.example"),
        # Another host, whose name begins as ours does.
        ("https://bona.example.org", "'self' https://bona.example.org"),
        ("https://bona.example:8443", "'self' https://bona.example:8443"),
    ],
)
def test_login_form_may_lead_to_the_provider_and_nowhere_else(issuer: str, targets: str) -> None:
    site = Site(
        origin="https://bona.example",
        server="127.0.0.1:1",
        provider=Provider(issuer, "website"),
        seconds=lambda: 0.0,
        clock=lambda: builders.NOW,
    )
    assert app.app(site)._policy.endswith(f"form-action {targets}")


@pytest.mark.parametrize(
    ("origin", "remedy"),
    [
        ("https://Bona.example:443", "give https://bona.example."),
        ("http://127.0.0.1:80", "give http://127.0.0.1."),
        ("https://bona.example/", "give scheme, host and port"),
        ("http://bona.example", "Give an https origin"),
    ],
)
def test_origin_that_no_browser_would_name_is_refused_with_the_right_one(
    origin: str, remedy: str
) -> None:
    with pytest.raises(SiteError, match=re.escape(remedy)):
        Site(
            origin=origin,
            server="127.0.0.1:1",
            provider=Provider("https://login.example", "website"),
            seconds=lambda: 0.0,
            clock=lambda: builders.NOW,
        )
