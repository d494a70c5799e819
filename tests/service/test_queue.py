"""Staff's queue through a real channel and the command line, on both databases."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from bonafides.cli import app
from bonafides.client import RemoteError
from bonafides.identity import registry_operations
from bonafides.identity.membership import Claim, ClaimState, Principal
from bonafides.instants import DAY, Instant, day_of, to_date
from bonafides.once import Request
from bonafides.rating.scorecard import champion
from bonafides.records import linking
from bonafides.records import operations as records
from bonafides.records.links import Ground, due_day
from bonafides.storage import membership as member_rows
from bonafides.v1 import enterprise_pb2, rights_pb2
from tests import builders
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
KINDS = rights_pb2.QueueItem
FACT = rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind="registration"))


def differing(served: Served, number: int = 1) -> str:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=served.clock.now
    )
    with served.client(served.token(subject=f"member-{number}")) as member:
        told = builders.claims(title="九九别名样例有限公司")
        made = member.submit_identity(told, builders.request_id(number))
    assert made.state == enterprise_pb2.Submission.STATE_ACTION_REQUIRED
    return made.name


def claimed(served: Served) -> None:
    made = Claim(
        CODE,
        str(uuid.UUID(int=7)),
        Principal("issuer", "other"),
        str(uuid.UUID(int=8)),
        ClaimState.DISPUTED,
        served.clock.now,
    )
    with served.store.writing() as work:
        member_rows.put_claim(work, made)
        work.commit()


def contested(served: Served) -> None:
    told = linking.Contest(
        link=(CODE, builders.PLATFORM, "l1"),
        ground=next(iter(Ground)),
        evidence_sha256=None,
        submitter="issuer|owner",
        request=Request(builders.request_id(), bytes(32)),
    )
    linking.dispute(served.store, champion(served.settings.models_dir), told, now=served.clock.now)


def corrected(served: Served) -> str:
    with served.client(served.token(subject="owner", owns=[CODE])) as owner:
        return owner.rights.correct(CODE, FACT, wrong="wrong", right="right").name


def later(served: Served, days: int) -> None:
    served.clock.now = Instant(served.clock.now + days * DAY)


def everything(served: Served) -> None:
    """One of each sort, a day apart: submission, claim, link, case."""
    link = builders.store_record("l1")
    records.ingest(served.store, served.vault, builders.rates(), [link], now=builders.NOW)
    records.fold(served.store, now=builders.NOW)
    builders.enroll(served.store, COMPANY)
    for make in (differing, claimed, contested, corrected):
        make(served)
        later(served, 1)


@pytest.mark.feature("K9")
def test_queue_holds_all_that_waits_by_deadline_with_age_and_four_eyes(served: Served) -> None:
    everything(served)
    with served.client(served.token("operator", subject="clerk")) as clerk:
        items = clerk.rights.queue()
        assert clerk.rights.queue(page_size=1) == items
    assert [item.kind for item in items] == [
        KINDS.KIND_SUBMISSION,
        KINDS.KIND_OWNERSHIP,
        KINDS.KIND_STORE,
        KINDS.KIND_CORRECTION,
    ]
    assert [item.age_days for item in items] == [4, 3, 2, 1]
    assert [item.four_eyes for item in items] == [False, True, False, False]
    assert not any(item.overdue for item in items)
    dues = [dt.date(i.due_date.year, i.due_date.month, i.due_date.day) for i in items]
    assert dues == sorted(dues)
    assert dues[0] == to_date(due_day(day_of(builders.NOW)))


@pytest.mark.feature("K9")
def test_overdue_items_are_marked_and_what_is_done_leaves(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    name = corrected(served)
    later(served, 30)
    with served.client(served.token("operator", subject="clerk")) as clerk:
        (item,) = clerk.rights.queue()
        assert (item.name, item.overdue) == (name, True)
        clerk.rights.decide(name, upheld=False, reason="It is as it was.")
        assert not clerk.rights.queue()


@pytest.mark.feature("K9")
def test_submission_that_was_followed_by_another_waits_for_nobody(served: Served) -> None:
    differing(served)
    later(served, 0)
    served.clock.now = Instant(served.clock.now + 1)
    with served.client(served.token(subject="member-1")) as member:
        member.submit_identity(builders.claims(), builders.request_id(2))
    with served.client(served.token("operator", subject="clerk")) as clerk:
        assert not clerk.rights.queue()


@pytest.mark.feature("K9", "D9")
def test_queue_is_for_staff_alone(served: Served) -> None:
    for kind in ("member", "platform"):
        with served.client(served.token(kind)) as caller, pytest.raises(RemoteError) as caught:
            caller.rights.queue()
        assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED


def run(served: Served, token: str, *arguments: str) -> Any:
    done = CliRunner().invoke(
        app,
        [*arguments, "--json"],
        env={"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token},
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.feature("K9", "J2")
def test_cases_are_opened_shown_and_decided_by_commands(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    owner = served.token(subject="owner", owns=[CODE])
    clerk = served.token("operator", subject="clerk")
    told = ("--wrong", "a letter", "--right", "another")
    made = run(served, owner, "appeal", CODE, "fact:registration", *told)
    name = made["name"]
    (item,) = run(served, clerk, "queue")["items"]
    assert item["name"] == name
    assert run(served, clerk, "queue", "show", name)["wrong"] == "a letter"
    ended = run(served, clerk, "queue", "decide", name, "refuse", "--reason", "No.")
    assert ended["state"] == "STATE_REFUSED"
    (case,) = run(served, owner, "corrections", CODE)["corrections"]
    assert case["rulings"][0]["reason"] == "No."


@pytest.mark.feature("J2")
def test_holdings_and_erasures_are_asked_for_by_commands(served: Served, tmp_path: Path) -> None:
    name = differing(served)
    member = served.token(subject="member-1")
    told = run(served, member, "holdings", CODE)
    assert told["submissions"][0]["readable"]
    done = run(served, member, "erase", name, "--yes")
    assert done["erased"]
    pseudonym = tmp_path / "buyer.txt"
    pseudonym.write_text("nobody\n", encoding="utf-8")
    shop = served.token("platform", subject="shop")
    assert run(served, shop, "erase-buyer", str(pseudonym)) == {"records": 0}
