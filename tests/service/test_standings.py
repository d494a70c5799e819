"""What is remembered of memberships: all of a login's at one time, less what changed since."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bonafides.access.callers import Caller, CallerKind, Standing
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.membership import Means, Member, Principal, Role
from bonafides.storage import membership
from bonafides.storage.follower import Follower
from bonafides.storage.standings import Standings
from bonafides.storage.unit_of_work import Store
from tests import builders

CODE, OTHER = builders.code(1), builders.code(2)
ISSUER = "issuer"


class Ticks:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def follower(store: Store, ticks: Ticks) -> Follower:
    return Follower(store, monotonic=ticks)


@pytest.fixture
def standings(store: Store, follower: Follower) -> Standings:
    made = Standings(store, follower)
    follower.look()
    return made


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[Store]:
    """The same database as another process sees it."""
    opened = Store(database_url)
    yield opened
    opened.close()


def caller(name: str) -> Caller:
    return Caller(CallerKind.MEMBER, ISSUER, name)


def join(store: Store, name: str, code: UnifiedCode, role: Role = Role.OWNER) -> Member:
    member = Member(
        code=code.text,
        uid=f"{name}-{role}",
        principal=Principal(ISSUER, name),
        role=role,
        since=builders.NOW,
        submission_uid=None,
        means=Means.INVITED,
        ended_at=None,
    )
    with store.writing() as work:
        membership.add_member(work, member)
        work.commit()
    return member


def leave(store: Store, member: Member) -> None:
    with store.writing() as work:
        membership.end_member(work, member, actor="staff", now=builders.NOW)
        work.commit()


@pytest.mark.feature("A15")
def test_one_question_serves_whatever_a_login_reads(store: Store, standings: Standings) -> None:
    join(store, "owner", CODE)
    assert standings.at_once(caller("owner"), CODE.text) is None
    assert standings.read(caller("owner"), CODE.text) is Standing.OWNER
    assert standings.at_once(caller("owner"), OTHER.text) is Standing.NONE
    assert standings.at_once(caller("stranger"), CODE.text) is None


@pytest.mark.feature("A15")
def test_enterprise_that_changed_is_asked_about_anew_and_others_are_not(
    store: Store, elsewhere: Store, follower: Follower, standings: Standings
) -> None:
    here = join(store, "owner", CODE)
    join(store, "owner", OTHER, Role.STAFF)
    standings.read(caller("owner"), CODE.text)
    leave(store, here)
    assert standings.at_once(caller("owner"), CODE.text) is None
    assert standings.at_once(caller("owner"), OTHER.text) is Standing.STAFF
    assert standings.read(caller("owner"), CODE.text) is Standing.REMOVED
    join(elsewhere, "owner", CODE, Role.STAFF)
    assert standings.at_once(caller("owner"), CODE.text) is Standing.REMOVED
    follower.look()
    assert standings.at_once(caller("owner"), CODE.text) is None
    assert standings.read(caller("owner"), CODE.text) is Standing.STAFF


@pytest.mark.feature("A15")
def test_nothing_is_remembered_past_a_second_without_news(
    store: Store, ticks: Ticks, follower: Follower, standings: Standings
) -> None:
    join(store, "owner", CODE)
    follower.look()
    standings.read(caller("owner"), CODE.text)
    ticks.seconds += 1.0
    assert standings.at_once(caller("owner"), CODE.text) is None
    follower.look()
    assert standings.at_once(caller("owner"), CODE.text) is Standing.OWNER
    # Away for longer than changes are surely kept: everything is forgotten.
    ticks.seconds += 3_600.0
    follower.look()
    assert standings.at_once(caller("owner"), CODE.text) is None
