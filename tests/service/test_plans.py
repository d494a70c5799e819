"""What is looked up with many calls is found by an index, on both databases.

How much a statement reads shows in a test only where it reads whole tables: what is asked
here must have another way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bonafides.access.agents import Agent
from bonafides.instants import Day, Instant
from bonafides.storage import (
    access_log,
    agents,
    applications,
    audit_index,
    changed,
    platforms,
    switches,
)
from bonafides.storage.access_log import Place as LogPlace
from bonafides.storage.platforms import Place, Whose
from bonafides.storage.tables import metadata
from bonafides.storage.unit_of_work import Store, UnitOfWork
from tests.builders import PLATFORM

NOW = Instant(1_000_000)
CODE = "91990000MA0000001T"
PLACE = Place(0, "", 50)
# Few rows by their kind: what is on its way, and a row for each day and some of today.
SMALL = {"disclosure_unfiled", "disclosure_run"}
LOOKUPS: dict[str, Callable[[UnitOfWork], Any]] = {
    "what changed": lambda work: changed.moments(
        work, PLATFORM, "PLATFORM", since=NOW, after=(-1, ""), size=50, now=NOW
    ),
    "levels found wrong": lambda work: changed.corrected(work, [CODE], NOW),
    "when a platform read": lambda work: changed.reads(work, PLATFORM, [CODE]),
    "the access log": lambda work: access_log.lines(work, b"p", None, 50),
    "a later page of it": lambda work: access_log.lines(
        work, b"p", LogPlace(Day(7), audit_index.NAMED, 1, 2, 3), 50
    ),
    "an agent token": lambda work: agents.resolve(
        work, "app", b"token", environment="live", now=NOW
    ),
    "who acts": lambda work: agents.holds(work, CODE, Agent("app", "uid", NOW)),
    "a link": lambda work: agents.open_url(work, b"index", NOW),
    "authorizations of an integrator": lambda work: agents.of_application(
        work, "app", after=(0, ""), limit=50
    ),
    "authorizations of an enterprise": lambda work: agents.of_enterprise(work, CODE),
    "how many authorizations": lambda work: agents.count(work, client_id="app", now=NOW),
    "an application": lambda work: applications.read_application(work, "app"),
    "its keys": lambda work: applications.keys_of(work, "app"),
    "applications of a login": lambda work: applications.list_own(work, "me", (0, ""), 50),
    "how many it made": lambda work: applications.created_since(work, "me", NOW),
    "who was accepted": lambda work: applications.is_accepted_by(work, "sandbox-app"),
    "decisions of a platform": lambda work: platforms.decisions(work, Whose("", PLATFORM), PLACE),
    "decisions on an enterprise": lambda work: platforms.decisions(work, Whose(CODE), PLACE),
    "inquiries of a platform": lambda work: platforms.inquiries(work, Whose("", PLATFORM), PLACE),
    "inquiries to an enterprise": lambda work: platforms.open_inquiries(work, CODE),
    "a switch": lambda work: switches.find(work, "uid"),
}


def _plans(work: UnitOfWork, look_up: Callable[[UnitOfWork], Any]) -> str:
    """Returns how the database does what the look-up asks for."""
    asked: list[tuple[str, Any]] = []
    sa.event.listen(
        work.connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3]))
    )
    look_up(work)
    explain = "EXPLAIN QUERY PLAN" if work.dialect == "sqlite" else "EXPLAIN"
    told = [work.connection.exec_driver_sql(f"{explain} {said}", has) for said, has in tuple(asked)]
    return "\n".join(str(row[-1]) for plan in told for row in plan)


@pytest.mark.parametrize("what", LOOKUPS)
def test_looking_up_reads_no_table_whole(store: Store, what: str) -> None:
    with store.writing() as work:
        # So that what is not filed yet is asked for.
        audit_index.note(work, [audit_index.Range(1, 2, 3, 4)])
        if work.dialect != "sqlite":
            # Tables are empty here: whole ones are read only where there is no index.
            work.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = _plans(work, LOOKUPS[what])
    assert plans
    read = re.findall(r"^\s*SCAN (\w+)$|Seq Scan on (\w+)", plans, re.MULTILINE)
    assert {name for pair in read for name in pair if name in metadata.tables} <= SMALL
