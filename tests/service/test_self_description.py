"""An enterprise describes itself by a call of its own, and nobody else does it for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from bonafides.cli import app
from bonafides.client import Client, RemoteError
from bonafides.instants import DAY, Instant, to_datetime
from bonafides.v1 import archive_pb2
from tests import builders
from tests.serving import Served

pytestmark = pytest.mark.feature("C8")

CODE = builders.code()


def said(*products: str, of: str = CODE.text, **fields: Any) -> archive_pb2.SelfDescription:
    """Returns a description with these products."""
    return archive_pb2.SelfDescription(
        name=f"enterprises/{of}/self-description", main_products=products, **fields
    )


def owner(served: Served, **changes: Any) -> Client:
    """Returns a client of somebody who acts for the enterprise."""
    return served.client(served.token(owns=[CODE.text], **changes))


def refused(call: Callable[[], object]) -> tuple[str, str]:
    """Returns status code and reason of a call that is refused."""
    with pytest.raises(RemoteError) as fault:
        call()
    return fault.value.code.name, fault.value.reason


def test_owner_describes_the_enterprise_and_reads_it_at_once(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with owner(served) as client:
        stands = client.update_self_description(said("百货", website="https://example.com"))
        shown = client.get_archive(CODE.text)
    assert shown.self_description == stands
    assert (list(stands.main_products), stands.website) == (["百货"], "https://example.com")
    assert stands.provenance.source == "self"
    assert stands.provenance.retrieve_time == builders.stamp(builders.NOW)


def test_new_description_replaces_the_old_one_whole_and_an_empty_one_takes_it_back(
    served: Served,
) -> None:
    builders.enroll(served.store, CODE)
    with owner(served) as client:
        client.update_self_description(said("百货", factory_area_sqm=5))
        served.clock.now = Instant(builders.NOW + 1)
        second = client.update_self_description(said("陶瓷"))
        served.clock.now = Instant(builders.NOW + 2)
        third = client.update_self_description(said())
        shown = client.get_archive(CODE.text)
    assert (list(second.main_products), second.factory_area_sqm) == (["陶瓷"], 0)
    assert third == said()
    assert not shown.HasField("self_description")


@pytest.mark.feature("C10")
def test_archive_as_of_then_shows_what_was_said_then(served: Served) -> None:
    """Nothing was said at first; two descriptions, a day apart; asked for on the second day."""
    builders.enroll(served.store, CODE)
    with owner(served) as client:
        served.clock.now = Instant(builders.NOW + 1)
        client.update_self_description(said("百货"))
        served.clock.now = Instant(builders.NOW + DAY)
    with owner(served, subject="colleague") as client:
        client.update_self_description(said("陶瓷"))
        told = {
            days: list(
                client.get_archive(
                    CODE.text, as_of=to_datetime(Instant(builders.NOW + at))
                ).self_description.main_products
            )
            for days, at in (("before", 0), ("first", DAY - 1), ("second", DAY))
        }
    assert told == {"before": [], "first": ["百货"], "second": ["陶瓷"]}


def test_repeated_request_changes_once_and_another_under_its_id_is_refused(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with owner(served) as client:
        client.update_self_description(said("百货"), builders.request_id(1))
        client.update_self_description(said("陶瓷"), builders.request_id(2))
        again = client.update_self_description(said("百货"), builders.request_id(1))
        assert list(again.main_products) == ["陶瓷"]
        assert refused(
            lambda: client.update_self_description(said("茶叶"), builders.request_id(1))
        ) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


@pytest.mark.feature("D7")
def test_description_of_another_enterprise_is_not_found_whether_it_takes_part_or_not(
    served: Served,
) -> None:
    builders.enroll(served.store, CODE)
    builders.enroll(served.store, builders.code(2))
    absent, other = builders.code(3).text, builders.code(2).text
    with owner(served) as client:
        answers = {
            refused(partial(client.update_self_description, said(of=of))) for of in (absent, other)
        }
    assert answers == {("NOT_FOUND", "RESOURCE_NOT_FOUND")}
    with served.client(served.token(owns=[absent])) as client:
        assert refused(lambda: client.update_self_description(said(of=absent))) in answers


@pytest.mark.feature("D9")
@pytest.mark.parametrize("kind", ["platform", "operator", ""])
def test_nobody_but_the_enterprise_describes_it(served: Served, kind: str) -> None:
    builders.enroll(served.store, CODE)
    with served.client(served.token(kind) if kind else None) as client:
        code, _ = refused(lambda: client.update_self_description(said("百货")))
    assert code == ("PERMISSION_DENIED" if kind else "UNAUTHENTICATED")


def test_faults_of_shape_and_meaning_are_named_together(served: Served) -> None:
    builders.enroll(served.store, CODE)
    bad = said("百货", builders.PHONE, factory_area_sqm=-1, contact_languages=["Chinese"])
    bad.employees = 99  # type: ignore[assignment]  # no such band
    with owner(served) as client, pytest.raises(RemoteError) as fault:
        client.update_self_description(bad)
    assert fault.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {violation.field for violation in fault.value.violations} == {
        "self_description.main_products[1]",
        "self_description.factory_area_sqm",
        "self_description.contact_languages[0]",
        "self_description.employees",
    }
    assert builders.PHONE not in str(fault.value)


def test_name_that_is_none_is_a_fault_of_its_own_field(served: Served) -> None:
    with owner(served) as client, pytest.raises(RemoteError) as fault:
        client.update_self_description(archive_pb2.SelfDescription(name="enterprises/x"))
    assert [violation.field for violation in fault.value.violations] == ["self_description.name"]


@pytest.mark.feature("D8")
def test_twenty_first_change_of_a_day_is_told_when_to_come_back(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with owner(served) as client:
        for number in range(20):
            client.update_self_description(said(f"p{number}"))
        assert refused(lambda: client.update_self_description(said("more"))) == (
            "RESOURCE_EXHAUSTED",
            "RATE_LIMITED",
        )
        assert list(client.get_archive(CODE.text).self_description.main_products) == ["p19"]


@pytest.mark.feature("D11")
def test_command_line_describes_and_says_that_nobody_verified_it(
    served: Served, tmp_path: Path
) -> None:
    builders.enroll(served.store, CODE)
    file = tmp_path / "self.json"
    file.write_text(
        json.dumps({"main_products": ["百货"], "employees": "EMPLOYEES_FROM_1000"}), "utf-8"
    )
    common = ["--server", served.address, "--token", served.token(owns=[CODE.text])]
    done = CliRunner().invoke(app, ["describe", CODE.text, str(file), *common])
    assert done.exit_code == 0
    assert "Self-provided, not verified" in done.stdout
    assert "1,000 or more" in done.stdout
    read = CliRunner().invoke(app, ["archive", CODE.text, *common])
    assert "Self-provided, not verified" in read.stdout
    file.write_text('{"owner": "x"}', "utf-8")
    wrong = CliRunner().invoke(app, ["describe", CODE.text, str(file), *common])
    assert wrong.exit_code != 0
    assert "self_description.owner" in wrong.stderr
