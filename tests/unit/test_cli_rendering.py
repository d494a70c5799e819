"""What the command line prints: everything that an answer holds, harmlessly and exactly."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from bonafides.cli import (
    claims_file,
    faults,
    figures,
    rendering,
    rendering_advised,
    submission_view,
)
from bonafides.cli.session import hoisted
from bonafides.errors import FieldViolation
from bonafides.records.money import minor_digits
from bonafides.v1 import archive_pb2, document_pb2, enterprise_pb2, error_reason_pb2, rating_pb2

_CODE = "91990000MA00000011"
_ROOT = Path(__file__).parents[2]


def _printed(shown: RenderableType, *, width: int = 400) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(shown)
    return out.getvalue()


def _archive(**changes: object) -> archive_pb2.Archive:
    made = archive_pb2.Archive(
        name=f"enterprises/{_CODE}/archive",
        registration=enterprise_pb2.Registration(
            title="九九市百草贸易有限公司",
            code=_CODE,
            operating_state=enterprise_pb2.OPERATING_STATE_IN_BUSINESS,
            term_start=Date(year=2016, month=11, day=3),
            registered_address="九九省九九市试验区百草路1号",
            registered_capital=enterprise_pb2.Money(currency_code="CNY", amount_minor=100_000_050),
            business_scope="百货销售",
        ),
    )
    made.MergeFrom(archive_pb2.Archive(**changes))  # type: ignore[arg-type]  # fields by keyword
    return made


def _rating() -> rating_pb2.Rating:
    return rating_pb2.Rating(
        name=f"enterprises/{_CODE}/rating",
        level=rating_pb2.LEVEL_A,
        range_low=rating_pb2.LEVEL_B,
        range_high=rating_pb2.LEVEL_AA,
        as_of_time=Timestamp(seconds=1_793_505_600),
        model_version="expert-1",
        basis=rating_pb2.BASIS_EXPERT,
        coverage=rating_pb2.Coverage(platforms_covered=2, platforms_known=3),
        score=42,
        contributions=[
            rating_pb2.Contribution(
                feature="dispute_lost_rate",
                title_zh="败诉率",
                title_en="Disputes lost",
                value=12_345,
                unit="ppm",
                bin="< 20000",
                points=42,
                max_points=60,
                window_days=365,
                facts="3 of 120 orders",
            )
        ],
    )


def _filled(message: Message, numbers: Iterator[int]) -> None:
    """Fills every field, inside too, with values that differ from each other."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None:
            inner = getattr(message, field.name)
            _filled(inner.add() if field.is_repeated else inner, numbers)
        elif field.is_repeated:
            getattr(message, field.name).append(_value(field, next(numbers)))
        else:
            setattr(message, field.name, _value(field, next(numbers)))


def _value(field: Any, number: int) -> object:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            # A currency has three capitals, and decides on the decimals of its amount.
            return "KWD" if field.name == "currency_code" else f"value {number}"
        case FieldDescriptor.TYPE_BYTES:
            return str(number).encode()
        case FieldDescriptor.TYPE_BOOL:
            return True
        case _:
            return 1 + number % 28 if field.name in {"month", "day"} else number


def _without_each_leaf(message: Message) -> Iterator[tuple[str, Message]]:
    """Yields copies of the message, each without one field that holds no message."""
    for field, held in message.ListFields():
        if field.message_type is not None and not field.message_type.full_name.startswith("google"):
            for path, inner in _without_each_leaf(held[0] if field.is_repeated else held):
                copy = type(message)()
                copy.CopyFrom(message)
                slot = getattr(copy, field.name)
                (slot[0] if field.is_repeated else slot).CopyFrom(inner)
                yield f"{field.name}.{path}", copy
        else:
            copy = type(message)()
            copy.CopyFrom(message)
            copy.ClearField(field.name)
            yield field.name, copy


def _shown(message: Message) -> str:
    match message:
        case archive_pb2.Archive():
            return _printed(rendering.archive(message, logged_in=True))
        case rating_pb2.Rating():
            return _printed(rendering.explained(message))
        case enterprise_pb2.Submission():
            return _printed(submission_view.submission(message))
        case document_pb2.Document():
            return _printed(submission_view.document(message))
        case rating_pb2.Advice():
            return _printed(rendering_advised.advice(message))
        case rating_pb2.Simulation():
            return _printed(rendering_advised.simulation(message))
        case _:
            raise AssertionError


@pytest.mark.feature("D11")
@pytest.mark.parametrize(
    "kind",
    [
        archive_pb2.Archive,
        rating_pb2.Rating,
        enterprise_pb2.Submission,
        document_pb2.Document,
        rating_pb2.Advice,
        rating_pb2.Simulation,
    ],
)
def test_every_field_of_an_answer_is_printed(kind: type[Message]) -> None:
    whole = kind()
    _filled(whole, iter(range(1_000, 2_000)))
    printed = _shown(whole)
    assert [path for path, less in _without_each_leaf(whole) if _shown(less) == printed] == []
    assert "value 1000" in printed


@pytest.mark.feature("D1")
def test_anonymous_archive_says_what_logging_in_adds() -> None:
    printed = _printed(rendering.archive(_archive(), logged_in=False))
    assert "九九市百草贸易有限公司" in printed
    assert "in business (存续)" in printed
    assert "CNY 1,000,000.50" in printed
    assert "2016-11-03 to no end, or not known" in printed
    assert "Log in to see the level and the business file" in printed
    assert "Integrity level" not in printed


@pytest.mark.feature("D2")
def test_logged_in_archive_has_level_and_business_file_and_no_invitation() -> None:
    platform = archive_pb2.PlatformFile(
        platform="1688",
        open_stores=2,
        displayed=archive_pb2.DisplayedFile(
            membership_years=5,
            transactions=12_345,
            buyers=archive_pb2.BuyerStatistics(buyers=900, repeat_rate_ppm=255_000),
        ),
    )
    shown = _archive(rating=_rating(), platforms=[platform])
    printed = _printed(rendering.archive(shown, logged_in=True))
    assert "A, range B to AA" in printed
    assert "2 of 3 platforms" in printed
    assert "Chengxintong (诚信通)" in printed
    assert "12,345" in printed
    assert "25.5 %" in printed
    assert "Log in" not in printed


@pytest.mark.feature("D2")
def test_section_without_records_is_absent_not_zero() -> None:
    shown = _archive(platforms=[archive_pb2.PlatformFile(platform="1688", open_stores=0)])
    printed = _printed(rendering.archive(shown, logged_in=True))
    assert "Open stores" in printed
    assert "Buyers" not in printed
    assert "certification" not in printed
    assert "All time" not in printed


@pytest.mark.feature("D3")
def test_window_without_statistics_shows_dashes_not_zeros() -> None:
    platform = archive_pb2.PlatformFile(
        platform="1688", cumulative=archive_pb2.TradeStatistics(transactions=7)
    )
    printed = _printed(rendering.archive(_archive(platforms=[platform]), logged_in=True))
    row = next(line for line in printed.splitlines() if "Transactions" in line)
    assert "7" in row
    assert "–" in row
    assert "0" not in row


@pytest.mark.feature("E14")
@pytest.mark.parametrize("render", [rendering.level, rendering.explained])
def test_level_never_stands_without_basis_and_what_it_is_not(render: object) -> None:
    assert callable(render)
    printed = _printed(render(_rating()))
    assert "EXPERT" in printed
    assert "Not a credit rating" in printed
    assert "expert-1" in printed
    assert "2026-11-01" in printed


@pytest.mark.feature("E4")
def test_not_rated_is_said_to_be_no_judgement() -> None:
    printed = _printed(rendering.level(rating_pb2.Rating(level=rating_pb2.LEVEL_NR)))
    assert "NR (not rated: too little to say; no judgement)" in printed
    assert "range" not in printed


@pytest.mark.feature("E6")
def test_a_fall_that_was_announced_is_printed_with_both_levels_and_its_day() -> None:
    shown = _rating()
    shown.announced.level = rating_pb2.LEVEL_B
    shown.announced.model_version = "fitted-2"
    shown.announced.effective_time.FromJsonString("2026-12-20T00:00:00Z")
    printed = _printed(rendering.explained(shown))
    assert "Announced" in printed
    assert "fitted-2" in printed
    assert "2026-12-20" in printed
    assert "Announced" not in _printed(rendering.explained(_rating()))


@pytest.mark.feature("E2")
def test_explanation_shows_points_bar_window_and_facts() -> None:
    printed = _printed(rendering.explained(_rating()))
    for part in ("败诉率", "1.2345 %", "+42 of 60", "█", "last 365 days", "3 of 120 orders"):
        assert part in printed
    assert "42 points" in printed


@pytest.mark.feature("E2")
def test_explanation_that_is_not_shown_is_said_to_be_of_the_owner() -> None:
    shown = _rating()
    shown.ClearField("contributions")
    shown.ClearField("score")
    printed = _printed(rendering.explained(shown))
    assert "shown to the enterprise itself and to staff" in printed


@pytest.mark.feature("F2")
def test_no_answer_speaks_of_accepting_or_denying() -> None:
    for kind in (archive_pb2.Archive, rating_pb2.Rating):
        whole = kind()
        _filled(whole, iter(range(1_000, 2_000)))
        printed = _shown(whole).lower()
        assert "accept" not in printed
        assert "deny" not in printed
        assert "denied" not in printed


@pytest.mark.feature("E1")
def test_scorecard_digest_is_checked_before_it_is_shown() -> None:
    artifact = json.dumps(
        {
            "features": [
                {
                    "name": "verified_days",
                    "title": {"zh": "认证天数", "en": "Days verified"},
                    "direction": "HIGHER_IS_BETTER",
                    "points": [-3, 10],
                    "missing": 0,
                    "not_applicable": 1,
                }
            ],
            "levels": [{"level": "AAA", "min_points": 90}],
        }
    ).encode()
    card = rating_pb2.Scorecard(
        name="scorecards/x", artifact=artifact, digest=hashlib.sha256(artifact).hexdigest()
    )
    printed = _printed(rendering.scorecard(card))
    assert "agrees with the artifact" in printed
    assert "-3 to +10" in printed
    card.artifact += b" "
    assert "DOES NOT AGREE" in _printed(rendering.scorecard(card))


@pytest.mark.parametrize("artifact", [b"", b"[]", b"{}", b'{"features": [1]}', b"\xff"])
def test_scorecard_of_another_schema_is_said_to_be_unreadable(artifact: bytes) -> None:
    printed = _printed(rendering.scorecard(rating_pb2.Scorecard(artifact=artifact)))
    assert "can't read the card" in printed


def test_title_with_escape_sequence_cannot_repaint_the_terminal() -> None:
    shown = _archive()
    shown.registration.title = "百草\x1b[2J\x1b]0;x\x07\u202e公司\nLevel  AAA"
    printed = _printed(rendering.archive(shown, logged_in=True))
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert not any(line.strip().startswith("Level") for line in printed.splitlines())


def test_title_with_markup_is_printed_as_it_is() -> None:
    shown = _archive(shareholders=[enterprise_pb2.Shareholder(title="[red]甲[/blue]")])
    assert "[red]甲[/blue]" in _printed(rendering.archive(shown, logged_in=True))


@given(st.text())
def test_plain_text_stays_plain_and_on_one_line(text: str) -> None:
    once = figures.plain(text)
    assert figures.plain(once) == once
    assert not {unicodedata.category(char) for char in once} & {"Cc", "Cf", "Cs"}
    assert len(once.splitlines()) <= 1


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_money_loses_no_minor_unit(minor: int, currency: str) -> None:
    written = figures.money(
        enterprise_pb2.Money(currency_code=currency, amount_minor=minor)
    ).replace(",", "")
    digits = written.removeprefix(f"{currency} ").replace(".", "")
    assert int(digits) == minor
    assert len(written.partition(".")[2]) == minor_digits(currency)


@given(st.integers(min_value=0, max_value=10**6))
def test_percent_is_exact(rate_ppm: int) -> None:
    whole, _, rest = figures.percent(rate_ppm).removesuffix(" %").partition(".")
    assert int(whole) * 10_000 + int(rest.ljust(4, "0")) == rate_ppm


@given(st.integers(-200, 200), st.integers(0, 200), st.integers(1, 200))
def test_bar_fits_and_something_is_never_drawn_as_nothing(
    points: int, max_points: int, widest: int
) -> None:
    drawn = figures.bar(points, max_points, max(widest, max_points))
    assert len(drawn) <= figures.BAR_CELLS
    assert ("█" in drawn) == (points > 0 and max_points > 0)


def test_moment_is_on_the_clock_of_shanghai() -> None:
    assert figures.moment(Timestamp(seconds=1_793_505_600)) == "2026-11-01 12:00:00 Shanghai"
    assert figures.moment(Timestamp(seconds=10**15)) == "out of range"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (figures.OPERATING_STATES, enterprise_pb2.OperatingState.DESCRIPTOR),
        (figures.LEVELS, rating_pb2.Level.DESCRIPTOR),
        (figures.BASES, rating_pb2.Basis.DESCRIPTOR),
        (figures.RULES, rating_pb2.RuleHit.Kind.DESCRIPTOR),
        (figures.OUTCOMES, enterprise_pb2.Outcome.DESCRIPTOR),
        (figures.STATES, enterprise_pb2.Submission.State.DESCRIPTOR),
        (figures.COURT_CASES, archive_pb2.CourtCase.Kind.DESCRIPTOR),
        (figures.PERFORMANCES, archive_pb2.CourtCase.Performance.DESCRIPTOR),
        (figures.LISTINGS, archive_pb2.Listing.Kind.DESCRIPTOR),
        (figures.SEVERITIES, archive_pb2.Penalty.Severity.DESCRIPTOR),
        (figures.MATCHES, archive_pb2.PublicRecord.MatchedBy.DESCRIPTOR),
        (figures.STANDINGS, archive_pb2.PublicRecord.Standing.DESCRIPTOR),
    ],
)
def test_every_value_of_an_enum_has_its_word(words: object, numbers: EnumDescriptor) -> None:
    assert isinstance(words, dict)
    assert set(words) == {value.number for value in numbers.values}


def test_value_of_a_newer_server_is_printed_by_its_number() -> None:
    shown = _rating()
    shown.level = 99  # type: ignore[assignment]  # an enum is open on the wire
    assert "not known (99)" in _printed(rendering.level(shown))


def test_every_reason_has_a_next_step() -> None:
    names = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    reasons = {name.removeprefix("ERROR_REASON_") for name in names} - {"UNSPECIFIED"}
    assert set(faults.NEXT_STEPS) == reasons


def test_fault_says_what_why_and_what_to_do() -> None:
    told = faults.Fault(
        "Too many calls; come back later.",
        "RESOURCE_EXHAUSTED",
        "Wait.",
        "RATE_LIMITED",
        (FieldViolation("claims.code", "LENGTH", "Give 18 characters.\x1b[2J"),),
        {"call_id": "c-1", "retry_after_seconds": "7"},
        6.2,
    )
    out = io.StringIO()
    faults.show(told, Console(file=out, width=400), as_json=False)
    assert out.getvalue().splitlines() == [
        "error: These fields are at fault:",
        "  claims.code: Give 18 characters.\ufffd[2J",
        "why: RATE_LIMITED (call_id c-1)",
        "come back in: 7 s",
        "what to do: Wait.",
    ]


def test_shared_options_may_stand_after_the_command() -> None:
    assert hoisted(["archive", "CODE", "--json", "--token", "t", "--server=s"]) == [
        "--json",
        "--token",
        "t",
        "--server=s",
        "archive",
        "CODE",
    ]
    assert hoisted(["submit", "--", "--json"]) == ["submit", "--", "--json"]


@pytest.mark.feature("A1")
def test_claims_file_names_every_faulty_field_and_repeats_no_value() -> None:
    content = json.dumps(
        {
            "code": 5,
            "licence": {},
            "license": {"established": {"year": "planted"}, "copySha256": {}},
            "representative": {"id_number": ["planted"]},
            "authorizations": [{"purpose": "planted", "grantTime": "planted"}, 7],
            "authorized_platforms": "1688",
            "assent": {"assent_time": "2026-13-01T00:00:00Z"},
        }
    ).encode()
    with pytest.raises(claims_file.FaultyClaimsError) as caught:
        claims_file.read(content)
    assert [fault.field for fault in caught.value.violations] == [
        "claims.code",
        "claims.licence",
        "claims.license.established.year",
        "claims.license.copy_sha256",
        "claims.representative.id_number",
        "claims.authorizations[0].purpose",
        "claims.authorizations[0].grant_time",
        "claims.authorizations[1]",
        "claims.authorized_platforms",
        "claims.assent.assent_time",
    ]
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "NOT_JSON"),
        (b"\xff", "NOT_JSON"),
        (b"[" * 100_000, "NOT_JSON"),
        (b"1" * 10_000, "NOT_JSON"),
        (b" " * (claims_file.MAX_BYTES + 1), "TOO_LARGE"),
        (b"[]", "WRONG_TYPE"),
        (b'{"license": {"copySha256": "", "copy_sha256": ""}}', "NAMED_TWICE"),
    ],
)
def test_file_that_holds_no_claims_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(claims_file.FaultyClaimsError) as caught:
        claims_file.read(content)
    assert [fault.reason for fault in caught.value.violations] == [reason]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["license", "code", "assent", "x"]), inner)
        ),
    )
)
def test_whatever_stands_in_a_claims_file_is_claims_or_named_faults(document: object) -> None:
    with contextlib.suppress(claims_file.FaultyClaimsError):
        assert isinstance(claims_file.read(json.dumps(document).encode()), enterprise_pb2.Claims)
