"""Looking enterprises up by their exact registered name, through a real channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from bonafides.archive import operations as archive
from bonafides.archive.facts import Fact, Kind
from bonafides.client import RemoteError
from bonafides.instants import DAY, Instant
from bonafides.rating.scorecard import champion
from tests import builders
from tests.serving import Served

CODE = builders.code()
TITLE = builders.registration().title


def enrolled(served: Served, number: int, title: str) -> str:
    of = builders.code(number)
    told = builders.registration(title=title)
    builders.enroll(served.store, of, facts=builders.registration_facts(of, told=told))
    return of.text


def refusal(look: Callable[[], Any]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        look()
    return caught.value


@pytest.mark.feature("D8")
@pytest.mark.parametrize("kind", [None, "member", "platform", "operator"])
def test_exact_name_finds_its_enterprise_for_everybody(served: Served, kind: str | None) -> None:
    builders.enroll(served.store, CODE)
    with served.client(None if kind is None else served.token(kind)) as client:
        assert client.names.look_up(TITLE) == [CODE.text]


def test_name_is_found_however_it_is_printed(served: Served) -> None:
    code = enrolled(served, 1, "九九市（试验）ABC·百草有限公司")
    with served.client() as client:
        for written in ("九九市(试验)abc・百草有限公司", " 九九市（试验）ＡＢＣ•百草 有限公司"):
            assert client.names.look_up(written) == [code]


@pytest.mark.feature("D8")
def test_part_of_a_name_finds_nothing(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client() as client:
        for part in (TITLE[:-1], TITLE[1:], "%", "九九市%"):
            assert refusal(lambda part=part: client.names.look_up(part)).code.name == "NOT_FOUND"  # type: ignore[misc]  # bound at once


@pytest.mark.feature("D8")
def test_absent_name_answers_like_that_of_one_who_takes_no_part(served: Served) -> None:
    of = builders.code(7)
    told = builders.registration(title="九九市未参与有限公司")
    with served.store.writing() as work:
        archive.record_facts(
            work, builders.registration_facts(of, told=told), now=Instant(builders.NOW)
        )
        archive.refresh(work, champion(None), of.text, builders.NOW)
        work.commit()
    with served.client() as client:
        absent = refusal(lambda: client.names.look_up("九九市没有这家有限公司"))
        unknown = refusal(lambda: client.names.look_up("九九市未参与有限公司"))
        by_code = refusal(lambda: client.get_archive(of.text))
    assert absent.code is grpc.StatusCode.NOT_FOUND
    assert (absent.message, absent.reason) == (unknown.message, unknown.reason)
    assert (absent.message, absent.reason) == (by_code.message, by_code.reason)


def test_namesakes_are_all_told_up_to_ten(served: Served) -> None:
    codes = [enrolled(served, number, "九九市同名商行") for number in range(1, 12)]
    with served.client() as client:
        assert client.names.look_up("九九市同名商行") == sorted(codes)[:10]


def test_renamed_enterprise_is_found_by_its_new_name_alone(served: Served) -> None:
    builders.enroll(served.store, CODE)
    later = Instant(builders.NOW + DAY)
    renamed = Fact(
        code=CODE.text,
        kind=Kind.REGISTRATION,
        value=builders.registration(title="九九市新名有限公司"),
        source="registry",
        retrieved_at=later,
        valid_from=later,
    )
    with served.store.writing() as work:
        archive.record_facts(work, [renamed], now=later)
        archive.refresh(work, champion(None), CODE.text, later)
        work.commit()
    served.clock.now = later
    with served.client() as client:
        assert client.names.look_up("九九市新名有限公司") == [CODE.text]
        assert refusal(lambda: client.names.look_up(TITLE)).code is grpc.StatusCode.NOT_FOUND


def test_faulty_name_is_refused_with_the_field(served: Served) -> None:
    with served.client() as client:
        for wrong in ("", "x" * 201, "a\u202eb"):
            error = refusal(lambda wrong=wrong: client.names.look_up(wrong))  # type: ignore[misc]  # bound at once
            assert [fault.field for fault in error.violations] == ["title"]
