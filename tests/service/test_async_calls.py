"""Each area of the asynchronous client against a served process: as the other client has it.

What both ask is the same: reads of one state, and writes with one request id, which are
done once and answered twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, assert_type

import pytest

from bonafides.client import Client, NotModified, NotServingError, RemoteError
from bonafides.client.aio import AsyncClient
from bonafides.identity import registry_operations
from bonafides.v1 import (
    application_pb2,
    archive_pb2,
    enterprise_pb2,
    integrator_pb2,
    platform_pb2,
    rating_pb2,
    rights_pb2,
)
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY as PURPOSE
from tests import applying, builders, integrators, licenses, rated
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
PARENT = f"enterprises/{CODE}"
TITLE = builders.registration().title
IMAGE = licenses.png(licenses.license_image(COMPANY))
T = TypeVar("T")


def awaited(
    served: Served,
    token: str | None,
    work: Callable[[AsyncClient], Awaitable[T]],
    agent_token: str | None = None,
) -> T:
    async def connected() -> T:
        async with AsyncClient(served.address, token=token, agent_token=agent_token) as client:
            return await work(client)

    return asyncio.run(connected())


def both(served: Served, token: str | None, *calls: Callable[[Any], Any]) -> list[Any]:
    """Returns what the calls answer, which is the same with each client."""

    async def each(client: AsyncClient) -> list[Any]:
        return [await call(client) for call in calls]

    with served.client(token) as client:
        blocking = [call(client) for call in calls]
    assert awaited(served, token, each) == blocking
    return blocking


def test_owner_has_the_same_answers(served: Served) -> None:
    rated.rated(served, COMPANY, purposes=("VERIFY_IDENTITY", "RATE"))
    told = archive_pb2.SelfDescription(name=f"{PARENT}/self-description", main_products=["百货"])
    answers = both(
        served,
        served.token(subject="owner", owns=[CODE]),
        lambda client: client.update_self_description(told, builders.request_id(1)),
        lambda client: client.reviews.request(CODE, builders.request_id(2)),
        lambda client: client.get_archive(CODE),
        lambda client: client.get_rating(CODE),
        lambda client: client.list_stores(CODE),
        lambda client: client.consents.ledger(CODE),
        lambda client: client.ownership.members(CODE),
        lambda client: client.rights.holdings(CODE),
        lambda client: client.reviews.reviews(CODE),
        lambda client: client.reviews.automatic_rating(CODE),
        lambda client: client.levels.history(CODE),
        lambda client: client.levels.receipt(CODE),
        lambda client: client.identities.requirements(CODE),
        lambda client: client.advising.advice(CODE),
        lambda client: client.advising.simulate(CODE),
        lambda client: client.platforms.inquiries(CODE),
        lambda client: client.integrators.statistics(PARENT),
    )
    assert answers[0].main_products == ["百货"]
    assert answers[1].name.startswith(f"{PARENT}/reviews/")


def test_access_log_is_read_as_far_as_is_asked(served: Served) -> None:
    rated.rated(served, COMPANY)
    owner = served.token(subject="owner", owns=[CODE])
    with rated.staff(served) as clerk:
        clerk.get_rating(CODE)

    async def read(client: AsyncClient) -> list[list[Any]]:
        await client.get_archive(CODE)
        shown = (
            await client.accesses.log(CODE),
            await client.accesses.log(CODE, most=1),
            (await client.accesses.page(CODE)).accesses,
        )
        # Each of these is counted in the lines of the ones behind it.
        return [[(line.kind, line.date) for line in lines] for lines in shown]

    whole, first, page = awaited(served, owner, read)
    assert len(whole) > 1
    assert (whole[:1], whole) == (first, page)


def test_anonymous_caller_has_the_same_answers(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    archive, (found,), *_ = both(
        served,
        None,
        lambda client: client.get_archive(CODE),
        lambda client: client.names.look_up(TITLE),
        lambda client: client.get_scorecard(),
        lambda client: client.consents.agreements(),
        lambda client: client.applications.service_key(),
        lambda client: client.wait_until_serving(),
    )
    assert (archive.registration.title, found) == (TITLE, CODE)


def test_staff_have_the_same_answers_and_close_an_interface_once(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    interface = "bonafides.v1.ArchiveService/LookUpEnterprise"
    closed, limit, switches, limits, *_ = both(
        served,
        served.token("operator", subject="clerk"),
        lambda client: client.switches.close(
            interface, reason="trial", request_id=builders.request_id(1)
        ),
        lambda client: client.switches.set_limit(
            "platforms/shop/limit", calls=7, reason="trial", request_id=builders.request_id(2)
        ),
        lambda client: client.switches.switches(),
        lambda client: client.switches.limits(),
        lambda client: client.switches.canaries(),
        lambda client: client.rights.queue(),
        lambda client: client.reviews.overrides(CODE),
        lambda client: client.ownership.disputes(),
        lambda client: client.platforms.masks(builders.PLATFORM),
    )
    assert (switches, limits) == ([closed], [limit])


def test_platform_has_the_same_answers_and_writes_once(served: Served) -> None:
    rated.rated(served, COMPANY)
    ended = platform_pb2.PlatformDecision.OUTCOME_ENDED
    made, decisions, *_ = both(
        served,
        served.token("platform", subject="shop"),
        lambda client: client.platforms.decide(
            CODE, ended, purpose=PURPOSE, reason="LEFT", request_id=builders.request_id(1)
        ),
        lambda client: client.platforms.decisions(),
        lambda client: client.platforms.batch([CODE, (CODE, "other")], purpose=PURPOSE),
        lambda client: client.platforms.changed(purpose=PURPOSE),
        lambda client: client.platforms.mask(builders.PLATFORM),
        lambda client: client.get_write_cursor("orders"),
        lambda client: client.rights.erase_buyer("buyer-of-nobody"),
    )
    assert decisions == [made]


def test_etags_and_revisions_are_told_as_by_the_other_client(served: Served) -> None:
    rated.rated(served, COMPANY)

    async def read(client: AsyncClient) -> None:
        assert client.last_revision(CODE) == 0
        archive, etag = await client.get_archive_and_etag(CODE, purpose=PURPOSE)
        assert archive == await client.get_archive(CODE, purpose=PURPOSE)
        again = await client.get_archive(CODE, etag=etag, purpose=PURPOSE)
        assert again is NotModified.NOT_MODIFIED
        assert client.last_revision(CODE) > 0

    awaited(served, served.token("platform", subject="shop"), read)


def test_licence_and_submission_go_up_and_come_back(served: Served, tmp_path: Path) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=served.clock.now
    )
    file, told = tmp_path / "licence.png", []
    file.write_bytes(IMAGE)

    async def work(client: AsyncClient) -> str:
        copy = await client.upload_license(
            file, CODE, progress=lambda done, whole: told.append((done, whole))
        )
        assert await client.get_document(copy.name) == copy
        assert await client.read_document(copy.name) == IMAGE
        made = await client.submit_identity(builders.claims(), builders.request_id())
        assert made == await client.submit_identity(builders.claims(), builders.request_id())
        assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
        assert client.last_revision(CODE) > 0
        await client.delete_document(copy.name)
        with pytest.raises(RemoteError):
            await client.read_document(copy.name)
        return made.name

    submission = awaited(served, served.token(), work)
    assert told[-1] == (len(IMAGE), len(IMAGE))
    with served.client(served.token()) as client:
        assert client.get_submission(submission).name == submission


def test_draft_of_a_platform_is_confirmed_once(served: Served) -> None:
    from tests.service.test_drafts import prefill, registered, supplement  # noqa: PLC0415 - of that file alone

    registered(served)
    made = awaited(
        served,
        served.token("platform", subject="shop"),
        lambda client: client.identities.create_draft(CODE, prefill(), builders.request_id(1)),
    )
    confirmed, _ = both(
        served,
        served.token(),
        lambda client: client.identities.confirm_draft(
            made.name, supplement(), builders.request_id(2)
        ),
        lambda client: client.identities.get_draft(made.name),
    )
    assert confirmed.state == enterprise_pb2.Submission.STATE_VERIFIED


def test_maker_registers_the_key_of_an_application(served: Served) -> None:
    async def work(client: AsyncClient) -> application_pb2.Application:
        made = await client.applications.create(builders.request_id(1), **applying.told())
        await client.applications.register_key(made.client_id, applying.key())
        return made

    token = served.token(subject="maker")
    made = awaited(served, token, work)
    found, keys, _ = both(
        served,
        token,
        lambda client: client.applications.get(made.client_id),
        lambda client: client.applications.keys(made.client_id),
        lambda client: client.applications.list(),
    )
    assert found.client_id == made.client_id
    assert len(keys) == 1


@pytest.mark.feature("I6")
def test_integrator_comes_to_act_for_an_enterprise(served: Served) -> None:
    builders.enroll(served.store, COMPANY)
    integrators.application(served.store, "app-1")
    own = served.token("integrator", subject="app-1", application="app-1")
    owner = served.token(subject="owner", owns=[CODE])

    link = awaited(
        served, own, lambda client: client.integrators.create_url(integrators.EVERY_SCOPE)
    )
    given = awaited(
        served,
        owner,
        lambda client: client.integrators.authorize(CODE, link.url, ["archive.read"], term_days=90),
    )
    fetched = awaited(
        served, own, lambda client: client.integrators.exchange(given.authorization_code)
    )
    shown = awaited(served, own, lambda each: each.get_archive(CODE), fetched.agent_token)
    with served.client(own, fetched.agent_token) as client:
        assert shown == client.get_archive(CODE)
    parent = "applications/app-1"
    ((authorization,),) = both(
        served, own, lambda client: client.integrators.authorizations(parent)
    )
    assert authorization == fetched.authorization
    ended = awaited(served, own, lambda client: client.integrators.revoke(authorization.name))
    assert ended.state != integrator_pb2.IntegratorAuthorization.STATE_ACTIVE
    with pytest.raises(RemoteError):
        awaited(served, own, lambda each: each.get_archive(CODE), fetched.agent_token)


def test_nobody_who_listens_is_waited_for_no_longer_than_asked() -> None:
    async def work() -> None:
        async with AsyncClient("127.0.0.1:1") as client:
            await client.wait_until_serving(0.1)

    with pytest.raises(NotServingError):
        asyncio.run(work())


async def types_of_the_calls(one: Client, other: AsyncClient, name: str) -> None:
    """Is never called: the type checker reads that both answer by the same types."""
    assert_type(one.get_archive(name), archive_pb2.Archive)
    assert_type(await other.get_archive(name), archive_pb2.Archive)
    assert_type(one.get_archive(name, etag="e"), archive_pb2.Archive | NotModified)
    assert_type(await other.get_archive(name, etag="e"), archive_pb2.Archive | NotModified)
    assert_type(one.platforms.decisions(), list[platform_pb2.PlatformDecision])
    assert_type(await other.platforms.decisions(), list[platform_pb2.PlatformDecision])
    assert_type(one.levels.receipt(name), rating_pb2.Receipt)
    assert_type(await other.levels.receipt(name), rating_pb2.Receipt)
    assert_type(one.rights.erase(name), rights_pb2.Erasure)
    assert_type(await other.rights.erase(name), rights_pb2.Erasure)
    assert_type(other.last_revision(name), int)
