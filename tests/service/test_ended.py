"""What ended long ago is forgotten: links, challenges, changes, agent tokens; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.instants import DAY, Instant
from bonafides.storage import ended, tables
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.integrators import application, at, authorized, integrator, owner
from tests.serving import Served

APP = "app-1"
CODE, OTHER = builders.code(1), builders.code(2)
KEYS = {"client_id": APP, "uid": "one"}
# What stands in the tables beside the end.
LINK = {"url_index": b"1", "scopes": "archive.read", "created_at": 0}
CHALLENGE = {"nonce": b"1", "created_at": 0}
CHANGE = {
    "kind": "KEY",
    "change": "{}",
    "state": "PENDING",
    "requested_at": 0,
    "code_index": b"1",
    "tries": 0,
}
TABLES = [
    (tables.authorization_url, LINK),
    (tables.key_challenge, CHALLENGE),
    (tables.application_change, CHANGE),
]


def put(store: Store, table: sa.Table, *rows: dict[str, Any]) -> None:
    with store.writing() as work:
        work.execute(table.insert(), list(rows))
        work.commit()


def kept(store: Store, table: sa.Table) -> int:
    with store.reading() as work:
        return len(work.execute(sa.select(table)).all())


def forget(store: Store, now: Instant) -> int:
    return ended.forget(store, ended.Forgotten(), now=now)


@pytest.mark.feature("I2", "I9")
@pytest.mark.parametrize(("table", "told"), TABLES, ids=["link", "challenge", "change"])
def test_what_was_asked_for_is_forgotten_a_month_after_its_end(
    store: Store, table: sa.Table, told: dict[str, Any]
) -> None:
    put(store, table, KEYS | told | {"expires_at": builders.NOW})
    assert forget(store, Instant(builders.NOW + ended.KEPT)) == 0
    assert forget(store, Instant(builders.NOW + ended.KEPT + 1)) == 1
    assert kept(store, table) == 0


def test_more_than_one_step_takes_is_forgotten_whole(store: Store) -> None:
    links = [
        KEYS | LINK | {"uid": str(number), "url_index": str(number).encode(), "expires_at": 0}
        for number in range(2_001)
    ]
    put(store, tables.authorization_url, *links)
    assert forget(store, builders.NOW) == 2_001


def test_process_looks_for_it_once_a_day(store: Store) -> None:
    forgotten = ended.Forgotten()
    assert ended.forget(store, forgotten, now=builders.NOW) == 0
    put(store, tables.authorization_url, KEYS | LINK | {"expires_at": 0})
    assert ended.forget(store, forgotten, now=builders.NOW) == 0
    assert ended.forget(store, forgotten, now=Instant(builders.NOW + DAY)) == 1


@pytest.mark.feature("I10")
def test_agent_token_is_forgotten_after_its_term_and_its_authorization_is_told(
    served: Served,
) -> None:
    builders.enroll(served.store, CODE)
    _, name = authorized(served, application(served.store, APP), CODE, term_days=60)
    # Its link is over, and gone, sooner.
    over = Instant(builders.NOW + 60 * DAY)
    forget(served.store, Instant(over + ended.KEPT))
    assert kept(served.store, tables.agent_token) == 1
    assert forget(served.store, Instant(over + ended.KEPT + 1)) == 1
    assert kept(served.store, tables.agent_token) == 0
    with owner(served, CODE) as looking:
        assert [
            each.name for each in looking.integrators.authorizations(f"enterprises/{CODE.text}")
        ] == [name]


@pytest.mark.feature("I10")
def test_agent_token_that_was_taken_back_is_forgotten_and_no_other(served: Served) -> None:
    application(served.store, APP)
    tokens = {}
    for code in (CODE, OTHER):
        builders.enroll(served.store, code)
        tokens[code] = authorized(served, APP, code, term_days=365)
    with owner(served, CODE) as giving:
        giving.integrators.revoke(tokens[CODE][1])
    later = Instant(builders.NOW + ended.KEPT + 1)
    assert forget(served.store, later) == 1
    with at(served, later), integrator(served, APP, tokens[OTHER][0]) as acting:
        assert acting.get_archive(OTHER.text).registration.code == OTHER.text


def test_worker_forgets_what_ended(served: Served) -> None:
    put(served.store, tables.key_challenge, KEYS | CHALLENGE | {"expires_at": 0})
    (forgets,) = (each for each in served.server.worker._rounds if each.name == "forget_ended")
    forgets.run(builders.NOW)
    assert kept(served.store, tables.key_challenge) == 0
