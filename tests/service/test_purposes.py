"""What platforms are shown for which purpose and through which mask, on both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bonafides.client import NOT_MODIFIED, Client, RemoteError
from bonafides.identity.access_operations import Watch
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.storage import platform_reads, tables
from bonafides.storage.follower import Follower
from bonafides.storage.masks import Masks
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, archive_service_pb2
from bonafides.v1.purpose_pb2 import (
    READ_PURPOSE_ACCESS_ASSESSMENT,
    READ_PURPOSE_AUTHENTICATION,
    READ_PURPOSE_DISPLAY_TO_USERS,
    READ_PURPOSE_ELIGIBILITY,
    READ_PURPOSE_UNSPECIFIED,
)
from bonafides.worker import watch_platforms
from tests import builders, rated
from tests.serving import PATIENCE_SECONDS, Served

COMPANY = builders.code()
CODE = COMPANY.text
ELIGIBILITY = READ_PURPOSE_ELIGIBILITY
DISPLAY = READ_PURPOSE_DISPLAY_TO_USERS
WHOLE = (READ_PURPOSE_ACCESS_ASSESSMENT, ELIGIBILITY)
REASON = "Not agreed with this platform."


@pytest.fixture
def shop(served: Served) -> Iterator[Client]:
    """A platform, and an enterprise that has a level, penalties and a business file."""
    rated.rated(served, COMPANY, facts=[builders.penalty(), builders.listing()])
    with served.client(served.token("platform", subject="shop")) as client:
        yield client


def mask(served: Served, *paths: str, platform: str = builders.PLATFORM) -> None:
    with rated.staff(served) as clerk:
        clerk.platforms.set_mask(platform, paths, reason=REASON)


def fields(shown: archive_pb2.Archive) -> set[str]:
    return {field.name for field, _ in shown.ListFields()}


# --- Purposes --------------------------------------------------------------------------


@pytest.mark.feature("F1")
def test_platform_that_names_no_purpose_is_told_which_there_are(shop: Client) -> None:
    for read in (shop.get_archive, shop.get_rating):
        with pytest.raises(RemoteError) as refused:
            read(CODE)
        assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
        (fault,) = refused.value.violations
        assert (fault.field, fault.reason) == ("purpose", "PURPOSE_REQUIRED")
        assert "READ_PURPOSE_ELIGIBILITY" in fault.description


@pytest.mark.feature("F1")
def test_purpose_is_named_beside_every_other_fault_of_the_request(
    served: Served, shop: Client
) -> None:
    request = archive_service_pb2.GetArchiveRequest(min_revision=-1)
    with grpc.insecure_channel(served.address) as channel:
        call: Any = channel.unary_unary("/bonafides.v1.ArchiveService/GetArchive")
        token = served.token("platform", subject="shop")
        with pytest.raises(grpc.RpcError) as refused:
            call(
                request.SerializeToString(),
                metadata=(("authorization", f"Bearer {token}"),),
                timeout=PATIENCE_SECONDS,
            )
    trailers = str(refused.value.trailing_metadata())
    assert all(field in trailers for field in ("min_revision", "name", "purpose"))
    assert shop.get_archive(CODE, purpose=ELIGIBILITY).name


@pytest.mark.feature("F1")
def test_nobody_but_a_platform_names_a_purpose(served: Served, shop: Client) -> None:
    assert shop
    for client in (
        rated.member(served),
        rated.staff(served),
        rated.owner(served, CODE),
        served.client(),
    ):
        with client, pytest.raises(RemoteError) as refused:
            client.get_archive(CODE, purpose=ELIGIBILITY)
        assert [fault.reason for fault in refused.value.violations] == ["PURPOSE_NOT_YOURS"]


@pytest.mark.feature("F1")
def test_level_is_not_given_to_tell_who_an_enterprise_is(shop: Client) -> None:
    with pytest.raises(RemoteError) as refused:
        shop.get_rating(CODE, purpose=READ_PURPOSE_AUTHENTICATION)
    assert refused.value.reason == "PURPOSE_NOT_ALLOWED"
    assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED
    shown = shop.get_archive(CODE, purpose=READ_PURPOSE_AUTHENTICATION)
    assert shown.HasField("verification")
    assert not fields(shown) & {"rating", "platforms", "public_records", "self_description"}
    whole = shop.get_archive(CODE, purpose=ELIGIBILITY)
    assert fields(whole) >= {"rating", "platforms", "public_records", "verification"}


@pytest.mark.feature("F1", "D11")
def test_what_is_shown_to_users_is_the_members_view_byte_for_byte(
    served: Served, shop: Client
) -> None:
    with rated.member(served) as member:
        seen, etag = member.get_archive_and_etag(CODE)
        level = member.get_rating(CODE)
    shown, same = shop.get_archive_and_etag(CODE, purpose=DISPLAY)
    assert shown.SerializeToString(deterministic=True) == seen.SerializeToString(deterministic=True)
    assert same == etag
    assert shown.HasField("as_of_time")
    assert shop.get_rating(CODE, purpose=DISPLAY) == level
    assert shop.get_archive(CODE, purpose=DISPLAY, etag=etag) is NOT_MODIFIED


@pytest.mark.feature("F1")
def test_what_is_shown_to_users_says_until_when_it_may_be(served: Served, shop: Client) -> None:
    told = {}
    for purpose in (DISPLAY, ELIGIBILITY):
        # Once more than needed: the first read of a day takes another way than the next.
        for _ in range(2):
            (answer,) = shop.platforms.batch([CODE], purpose=purpose)
            trailers = _trailers(served, purpose)
            told[purpose] = trailers.get("valid-until")
            assert answer.HasField("valid_until_time") == (purpose == DISPLAY)
    assert told[ELIGIBILITY] is None
    until = dt.datetime.fromisoformat(str(told[DISPLAY]))
    (answer,) = shop.platforms.batch([CODE], purpose=DISPLAY)
    assert answer.valid_until_time.ToDatetime(tzinfo=dt.UTC) == until
    assert 0 < until.timestamp() * 1_000_000 - served.clock.now <= DAY


def _trailers(served: Served, purpose: int) -> dict[str, str]:
    request = archive_service_pb2.GetArchiveRequest(
        name=f"enterprises/{CODE}/archive",
        purpose=purpose,  # type: ignore[arg-type]  # a number is one
    )
    token = served.token("platform", subject="shop")
    with grpc.insecure_channel(served.address) as channel:
        method: Any = channel.unary_unary("/bonafides.v1.ArchiveService/GetArchive")
        _, call = method.with_call(
            request.SerializeToString(), metadata=(("authorization", f"Bearer {token}"),)
        )
        return dict(call.trailing_metadata())


# --- Masks -----------------------------------------------------------------------------


@pytest.mark.feature("D4")
def test_mask_withholds_from_its_platform_alone_and_from_nobody_else(
    served: Served, shop: Client
) -> None:
    whole = shop.get_archive(CODE, purpose=ELIGIBILITY)
    mask(served, "rating", "public_records.penalties", "platforms.displayed")
    shown = shop.get_archive(CODE, purpose=ELIGIBILITY)
    assert not shown.HasField("rating")
    assert not shown.public_records.penalties
    assert shown.public_records.listings == whole.public_records.listings
    assert [file.platform for file in shown.platforms] == [
        file.platform for file in whole.platforms
    ]
    assert not any(file.HasField("displayed") for file in shown.platforms)
    other = served.client(served.token("platform", subject="b", platform="other"))
    with other, rated.member(served) as member:
        assert other.get_archive(CODE, purpose=ELIGIBILITY) == whole
        assert member.get_archive(CODE).HasField("rating")


@pytest.mark.feature("D4")
def test_mask_narrows_every_way_to_the_same_thing(served: Served, shop: Client) -> None:
    """By the archive for whichever purpose, by the level, by a batch."""
    mask(served, "rating")
    for purpose in (*WHOLE, DISPLAY, READ_PURPOSE_AUTHENTICATION):
        for _ in range(2):
            assert not shop.get_archive(CODE, purpose=purpose).HasField("rating")
        (answer,) = shop.platforms.batch([CODE], purpose=purpose)
        assert not answer.archive.HasField("rating")
    for purpose in (*WHOLE, DISPLAY):
        assert not shop.get_rating(CODE, purpose=purpose).ListFields()
    mask(served, "rating.coverage")
    level = shop.get_rating(CODE, purpose=ELIGIBILITY)
    assert level.level
    assert not level.HasField("coverage")


@pytest.mark.feature("D4")
def test_mask_has_a_tag_of_its_own_and_follows_what_changes(served: Served, shop: Client) -> None:
    whole, before = shop.get_archive_and_etag(CODE, purpose=ELIGIBILITY)
    mask(served, "rating")
    shown, etag = shop.get_archive_and_etag(CODE, purpose=ELIGIBILITY)
    assert etag != before
    assert shown.etag == etag
    rated.later(served)
    with rated.owner(served, CODE) as owner:
        told = archive_pb2.SelfDescription(name=f"enterprises/{CODE}/self-description")
        told.main_products.append("百货")
        owner.update_self_description(told)
    again, changed = shop.get_archive_and_etag(CODE, purpose=ELIGIBILITY)
    assert changed != etag
    assert list(again.self_description.main_products) == ["百货"]
    assert not again.HasField("rating")
    mask(served)
    assert shop.get_archive(CODE, purpose=ELIGIBILITY).rating.level == whole.rating.level


@pytest.mark.feature("D4")
def test_masked_view_is_made_once_and_read_as_stored(served: Served, shop: Client) -> None:
    mask(served, "rating")
    first = shop.get_archive(CODE, purpose=ELIGIBILITY)
    assert shop.get_archive(CODE, purpose=ELIGIBILITY) == first
    with served.store.reading() as work:
        stored = work.execute(
            sa.select(tables.snapshot.c.view, tables.snapshot.c.revision).where(
                tables.snapshot.c.code == CODE
            )
        ).all()
    assert sorted(row.view for row in stored) == [
        "INTEGRATOR",
        "MEMBER",
        "OPERATOR",
        "OWNER",
        "PLATFORM",
        "PLATFORM:1",
        "PUBLIC",
    ]
    assert len({row.revision for row in stored}) == 1


@pytest.mark.feature("D4")
def test_every_mask_is_kept_with_reason_and_who_set_it(served: Served, shop: Client) -> None:
    with rated.staff(served) as clerk:
        first = clerk.platforms.set_mask(
            builders.PLATFORM, ["rating"], reason=REASON, request_id=builders.request_id(1)
        )
        again = clerk.platforms.set_mask(
            builders.PLATFORM, ["rating"], reason=REASON, request_id=builders.request_id(1)
        )
        assert again == first
        rated.later(served)
        clerk.platforms.set_mask(builders.PLATFORM, [], reason="Agreed since.")
        kept = clerk.platforms.masks(builders.PLATFORM)
        assert [(each.version, list(each.withheld_paths)) for each in kept] == [
            (2, []),
            (1, ["rating"]),
        ]
        assert all(each.set_by and each.HasField("set_time") for each in kept)
        assert clerk.platforms.mask("other").version == 0
        with pytest.raises(RemoteError) as reused:
            clerk.platforms.set_mask(
                builders.PLATFORM, ["changes"], reason=REASON, request_id=builders.request_id(1)
            )
        assert reused.value.reason == "REQUEST_ID_REUSED"
    assert shop.platforms.mask(builders.PLATFORM).reason == "Agreed since."
    assert not shop.platforms.mask(builders.PLATFORM).set_by
    with pytest.raises(RemoteError) as hidden:
        shop.platforms.mask("other")
    assert hidden.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("D4")
def test_path_that_is_none_is_refused_by_its_place(served: Served) -> None:
    with rated.staff(served) as clerk, pytest.raises(RemoteError) as refused:
        clerk.platforms.set_mask(
            builders.PLATFORM,
            ["rating", "ratings", "rating.level.name", "etag", "as_of_time.seconds"],
            reason=REASON,
        )
    assert {fault.field: fault.reason for fault in refused.value.violations} == {
        "withheld_paths[1]": "UNKNOWN_PATH",
        "withheld_paths[2]": "UNKNOWN_PATH",
        "withheld_paths[3]": "NOT_MASKABLE",
        "withheld_paths[4]": "UNKNOWN_PATH",
    }


@pytest.mark.feature("D4")
def test_another_process_forgets_a_mask_that_was_replaced(served: Served) -> None:
    """Two processes: the second learns of it by the table of changes."""
    seconds = iter(range(1_000))
    other = Follower(served.store, monotonic=lambda: next(seconds) / 1_000)
    masks = Masks(served.store, other)
    # What this process commits itself is told at once; the table of changes tells the rest.
    other.look()
    mask(served, "rating")
    assert masks.read(builders.PLATFORM).withheld == {"rating"}
    assert masks.at_once(builders.PLATFORM) == masks.read(builders.PLATFORM)
    mask(served, "changes")
    assert masks.at_once(builders.PLATFORM) is None
    other.look()
    assert masks.read(builders.PLATFORM).withheld == {"changes"}


# --- Who reads -------------------------------------------------------------------------


@pytest.mark.feature("F1")
def test_reads_of_a_platform_are_noted_once_a_day(served: Served, shop: Client) -> None:
    def noted() -> list[tuple[str, Instant, Instant]]:
        with served.store.reading() as work:
            reader = tables.platform_reader
            return [
                (row.platform, Instant(row.first_read_at), Instant(row.last_read_at))
                for row in work.execute(sa.select(reader).where(reader.c.code == CODE))
            ]

    assert noted() == []
    began = served.clock.now
    shop.get_archive(CODE, purpose=ELIGIBILITY)
    rated.later(served)
    shop.get_rating(CODE, purpose=ELIGIBILITY)
    assert noted() == [(builders.PLATFORM, began, began)]
    rated.later(served, DAY)
    with served.client(served.token("platform", subject="shop")) as next_day:
        next_day.get_archive(CODE, purpose=ELIGIBILITY)
    assert noted() == [(builders.PLATFORM, began, served.clock.now)]
    with rated.member(served) as member:
        member.get_archive(CODE)
    assert len(noted()) == 1


def test_purpose_of_nobody_is_none(served: Served, shop: Client) -> None:
    with rated.member(served) as member:
        assert member.get_archive(CODE, purpose=READ_PURPOSE_UNSPECIFIED).name
    assert shop.get_archive(CODE, purpose=ELIGIBILITY).name


@pytest.mark.feature("D8")
def test_platform_that_reads_many_more_new_enterprises_than_usual_is_told_of_once_a_day(
    store: Store,
) -> None:
    def read(platform: str, count: int, at: Instant) -> None:
        with store.writing() as work:
            for number in range(count):
                platform_reads.note(work, platform, f"{at}-{number}"[-18:], at)
            work.commit()

    for back in range(1, 15):
        read("steady", 60, Instant(builders.NOW - back * DAY))
        read("stolen", 60, Instant(builders.NOW - back * DAY))
    read("steady", 180, builders.NOW)
    read("stolen", 181, builders.NOW)
    read("begins", 100, builders.NOW)
    watch = Watch()
    with capture_logs() as events:
        watch_platforms(store, watch, builders.NOW)
        for minutes in (1, 11, 21):
            watch_platforms(store, watch, Instant(builders.NOW + minutes * 60 * MICROSECONDS))
    assert [each for each in events if each["event"] == "unusual_reads"] == [
        {
            "event": "unusual_reads",
            "log_level": "error",
            "platform": "stolen",
            "today": 181,
            "usual": 60,
        }
    ]
