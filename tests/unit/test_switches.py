"""What a switch closes, and to whom."""

from __future__ import annotations

import pytest

from bonafides.access.switches import NEVER, Closed, Switch, read_caller
from bonafides.instants import HOUR, Instant
from tests import builders

NOW = builders.NOW
LATER = Instant(NOW + HOUR)
GET = "/bonafides.v1.ArchiveService/GetArchive"
KEY = "key:" + "a" * 32
PREFIX = "prefix:203.0.113.0/24"


def is_closed(interface: str, caller: str, method: str = GET) -> bool:
    closed = Closed([Switch(interface, caller, LATER)])
    return closed.until(method, [KEY, PREFIX], NOW) is not None


@pytest.mark.feature("D8")
@pytest.mark.parametrize(
    ("interface", "caller", "closed"),
    [
        ("bonafides.v1.ArchiveService", "", True),
        ("bonafides.v1.ArchiveService/GetArchive", "", True),
        ("bonafides.v1.ArchiveService/GetArchive", KEY, True),
        ("", PREFIX, True),
        ("bonafides.v1.ArchiveService/UpdateSelfDescription", "", False),
        ("bonafides.v1.RatingService", "", False),
        ("bonafides.v1.ArchiveService", "key:" + "b" * 32, False),
        ("", "prefix:198.51.100.0/24", False),
    ],
)
def test_switch_closes_what_it_names_to_whom_it_names(
    interface: str,
    caller: str,
    closed: bool,  # noqa: FBT001 - what the case expects
) -> None:
    assert is_closed(interface, caller) is closed


@pytest.mark.feature("D8")
def test_switches_can_be_taken_back_unless_a_login_is_shut_out_by_its_key() -> None:
    method = "/bonafides.v1.SwitchService/DeleteSwitch"
    assert not is_closed("bonafides.v1.SwitchService", "", method)
    assert not is_closed("", PREFIX, method)
    assert is_closed("", KEY, method)


def test_switch_opens_by_itself_at_its_time() -> None:
    closed = Closed([Switch("", PREFIX, LATER)])
    assert closed.until(GET, [PREFIX], Instant(LATER - 1)) == LATER
    assert closed.until(GET, [PREFIX], LATER) is None


def test_of_two_switches_the_later_end_is_told() -> None:
    closed = Closed([Switch("", PREFIX, LATER), Switch("bonafides.v1.ArchiveService", "", NEVER)])
    assert closed.until(GET, [PREFIX], NOW) == NEVER


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("prefix", "203.0.113.0/25"),
        ("prefix", "203.0.113.9/24"),
        ("prefix", "203.0.113.0"),
        ("prefix", "somewhere"),
        ("key", "A" * 32),
        ("key", "a" * 31),
        ("application", ""),
        ("application", "two words"),
    ],
)
def test_nobody_is_called_so(kind: str, name: str) -> None:
    assert read_caller(kind, name) is None


def test_whoever_can_be_named_is_written_in_one_way() -> None:
    assert read_caller("prefix", "2001:db8:0:100::/56") == "prefix:2001:db8:0:100::/56"
    assert read_caller("key", "a" * 32) == KEY
    assert read_caller("application", "app-1") == "application:app-1"
