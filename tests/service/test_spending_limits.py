"""What staff let callers spend while the service runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bonafides.cli import app
from bonafides.client import Client, RemoteError
from bonafides.instants import MICROSECONDS, Instant
from bonafides.v1 import purpose_pb2
from tests import builders
from tests.service.test_budgets import get
from tests.service.test_hot_read import wait_until
from tests.serving import Served, serving

CODES = [builders.code(number).text for number in range(1, 40)]


@contextmanager
def staff(served: Served) -> Iterator[Client]:
    with served.client(served.token("operator", subject="staff-1")) as client:
        yield client


def shown(served: Served, count: int, token: str | None = None) -> int:
    """Returns how many of the first enterprises, none of which takes part, were looked up."""
    told = [get(served, code, token).code.name for code in CODES[:count]]
    assert set(told) <= {"NOT_FOUND", "RESOURCE_EXHAUSTED"}
    return told.count("NOT_FOUND")


def of_platform(served: Served, count: int) -> int:
    with served.client(served.token("platform", platform="shop")) as client:
        told = 0
        for code in CODES[:count]:
            with pytest.raises(RemoteError) as refusal:
                client.get_archive(code, purpose=purpose_pb2.READ_PURPOSE_ELIGIBILITY)
            assert refusal.value.reason in {"RESOURCE_NOT_FOUND", "BUDGET_SPENT"}
            told += refusal.value.reason == "RESOURCE_NOT_FOUND"
    return told


@pytest.mark.feature("D8")
def test_platform_sees_as_many_as_staff_set_at_once_and_what_it_saw_stays_seen(
    served: Served,
) -> None:
    with staff(served) as client:
        client.switches.set_limit("platforms/shop/limit", enterprises=3, reason="trial")
        client.switches.set_limit("platforms/mall/limit", enterprises=1, reason="trial")
        assert of_platform(served, 5) == 3
        client.switches.set_limit("platforms/shop/limit", enterprises=6, reason="2026-1")
        assert of_platform(served, 9) == 6
        client.switches.set_limit("platforms/shop/limit", enterprises=2, reason="ended")
        # Those seen today cost nothing more; there are no others.
        assert of_platform(served, 9) == 6
        client.switches.set_limit("platforms/shop/limit", reason="as usual")
        assert of_platform(served, 20) == 20


@pytest.mark.feature("D8")
def test_block_that_was_leased_under_a_wider_limit_is_void(served: Served) -> None:
    with staff(served) as client:
        # A block is a sixth of them.
        client.switches.set_limit("payers/anonymous/limit", enterprises=120, reason="wide")
        assert shown(served, 1) == 1
        client.switches.set_limit("payers/anonymous/limit", enterprises=20, reason="narrow")
        # What was leased of the day and not shown is lost to the caller.
        assert shown(served, 10) == 1


@pytest.mark.feature("D8")
def test_limit_acts_in_every_other_process(
    served: Served, database_url: str, tmp_path: Path
) -> None:
    url = database_url
    if url.startswith("sqlite"):
        url = f"sqlite:///{served.store.url.database}"
    with serving(tmp_path / "other", url) as other, staff(served) as client:
        client.switches.set_limit("payers/anonymous/limit", enterprises=2, reason="crawled")
        assert shown(served, 4) == 2
        # Another one each time: what was seen costs nothing more.
        left = iter(map(builders.code, range(100, 900)))
        wait_until(lambda: get(other, next(left).text).code.name == "RESOURCE_EXHAUSTED")
        client.switches.set_limit("payers/anonymous/limit", enterprises=900, reason="over")
        wait_until(lambda: get(other, next(left).text).code.name == "NOT_FOUND")


@pytest.mark.feature("D8")
def test_calls_of_a_kind_of_caller_are_limited(served: Served) -> None:
    with staff(served) as client:
        client.switches.set_limit("payers/member/limit", calls=2, reason="load")
        token = served.token()
        told = [get(served, CODES[0], token).code.name for _ in range(4)]
        client.switches.set_limit("payers/member/limit", reason="over")
        # An empty bucket fills at the new pace.
        served.clock.now = Instant(served.clock.now + MICROSECONDS)
        assert get(served, CODES[0], token).code.name == "NOT_FOUND"
    assert told == ["NOT_FOUND", "NOT_FOUND", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"]


@pytest.mark.feature("D8")
def test_every_limit_is_kept_with_reason_and_who_set_it(served: Served) -> None:
    request_id = "6f2f1b1c-7f2e-4f5e-8a53-3f9c1f3f2a10"
    name = "platforms/shop/limit"
    with staff(served) as client:
        first, again = (
            client.switches.set_limit(name, enterprises=7, reason="one", request_id=request_id)
            for _ in range(2)
        )
        assert first == again
        with pytest.raises(RemoteError) as refusal:
            client.switches.set_limit(name, enterprises=8, reason="one", request_id=request_id)
        assert refusal.value.reason == "REQUEST_ID_REUSED"
        client.switches.set_limit(name, calls=50, reason="two")
        client.switches.set_limit("applications/sandbox-1/limit", enterprises=5, reason="three")
        held = client.switches.limits()
        kept = client.switches.limits(ended=True)
    assert [(each.name, each.reason) for each in held] == [
        ("applications/sandbox-1/limit", "three"),
        (name, "two"),
    ]
    assert [each.reason for each in kept] == ["three", "two", "one"]
    assert [each.HasField("end_time") for each in kept] == [False, False, True]
    assert all(each.set_by.endswith("|staff-1") for each in kept)
    assert [each.HasField("enterprises_per_day") for each in kept] == [True, False, True]


@pytest.mark.feature("D8")
def test_platform_is_not_told_that_its_limit_was_lowered_nor_may_it_set_one(served: Served) -> None:
    with served.client(served.token("platform", platform="shop")) as client:
        for call in (
            client.switches.limits,
            lambda: client.switches.set_limit("platforms/shop/limit", reason="more"),
        ):
            with pytest.raises(RemoteError) as refusal:
                call()
            assert refusal.value.code.name == "PERMISSION_DENIED"


def test_limit_of_nobody_is_refused_by_its_field(served: Served) -> None:
    faults: dict[str, dict[str, Any]] = {
        "name": {"name": "payers/somebody/limit"},
        "enterprises_per_day": {"name": "platforms/shop/limit", "enterprises": 0},
        "calls_per_minute": {"name": "platforms/shop/limit", "calls": 60_000_001},
        "reason": {"name": "platforms/shop/limit", "reason": ""},
    }
    with staff(served) as client:
        for field, asked in faults.items():
            with pytest.raises(RemoteError) as refusal:
                client.switches.set_limit(**{"reason": "why", **asked})
            assert [each.field for each in refusal.value.violations] == [field]


def test_commands_set_and_show_limits(served: Served) -> None:
    token = served.token("operator")

    def told(*words: str) -> Any:
        env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
        env |= {"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token}
        result = CliRunner().invoke(app, [*words, "--json"], env=env)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    made = told(
        "limit", "set", "platforms/shop/limit", "--enterprises", "20000", "--reason", "2026-1"
    )
    assert made["name"] == "platforms/shop/limit"
    (found,) = told("limit", "list")["limits"]
    assert found["reason"] == "2026-1"
