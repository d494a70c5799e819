"""Applications and their keys in sandbox: through a real channel, on both databases."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.access import application_operations as operations
from bonafides.access import managing
from bonafides.access.applications import (
    APPLICATIONS_PER_DAY,
    CHALLENGE_TERM,
    CHALLENGES_PER_DAY,
    MOST_KEYS,
    Ground,
    Step,
)
from bonafides.client import Client, RemoteError
from bonafides.client.key_proofs import prove, thumbprint
from bonafides.errors import BugError
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, MICROSECONDS, Instant, to_datetime
from bonafides.personal import masks
from bonafides.storage import applications as rows
from bonafides.storage import tables
from bonafides.storage.changes import APPLICATION, since
from bonafides.v1 import application_pb2 as v1
from bonafides.v1 import application_service_pb2, enterprise_pb2
from tests import builders
from tests.applying import EMAIL, key, told
from tests.integrators import integrator, set_state
from tests.serving import Served

STATES = v1.Application
KEYS = v1.ApplicationKey


def login(served: Served, subject: str = "maker") -> Client:
    return served.client(served.token("member", subject=subject, ttl_seconds=3_600))


def staff(served: Served) -> Client:
    return served.client(served.token("operator", subject="staff-1"))


@contextlib.contextmanager
def refused(reason: str, *fields: str) -> Iterator[None]:
    with pytest.raises(RemoteError) as fault:
        yield
    assert fault.value.reason == reason
    if fields:
        assert [each.field for each in fault.value.violations] == list(fields)


def later(served: Served, microseconds: int = MICROSECONDS) -> None:
    served.clock.now = Instant(served.clock.now + microseconds)


@pytest.mark.feature("I2", "I4")
def test_application_is_made_with_what_to_try_things_with(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        assert made.state == STATES.STATE_DRAFT
        assert made.client_id.startswith("sandbox-")
        assert made.masked_email == "m***@example.com"
        assert made.platform.startswith("trial-")
        assert made.missing_for_launch == ["LIVE_DEPLOYMENT", "CONTRACT", "ACCEPTANCE", "KEY"]
        assert not made.sandbox_resources.test_token
        assert client.applications.get(made.client_id) == made
        # The test enterprise is one that verifies at once.
        code = made.sandbox_resources.test_enterprise
        assert code[2:8] == "990000"
        claims = builders.claims()
        claims.code = code
        submitted = client.submit_identity(claims)
        assert submitted.state == enterprise_pb2.Submission.STATE_VERIFIED


@pytest.mark.feature("I4")
def test_integrator_is_given_a_test_token_and_no_platform(served: Served) -> None:
    role = v1.APPLICATION_ROLE_INTEGRATOR
    with login(served) as client, staff(served) as operator:
        made = client.applications.create(**told(application_role=role))
        assert made.sandbox_resources.test_token.startswith("bfa_sandbox_")
        assert not made.platform
        # It acts for the test enterprise, which is not the affair of staff.
        assert not operator.applications.get(made.client_id).sandbox_resources.test_token
        other = client.applications.create(**told(application_role=role))
        assert other.sandbox_resources != made.sandbox_resources
    tried = UnifiedCode(made.sandbox_resources.test_enterprise)
    builders.enroll(served.store, tried)
    set_state(served.store, made.client_id, "TESTING")
    with integrator(served, made.client_id, made.sandbox_resources.test_token) as acting:
        assert acting.get_archive(tried.text).registration.code == tried.text


@pytest.mark.feature("I2")
def test_creation_is_idempotent_by_its_request_id(served: Served) -> None:
    with login(served) as client, login(served, "other") as other:
        request_id = builders.request_id()
        made = client.applications.create(request_id, **told())
        assert client.applications.create(request_id, **told()) == made
        with refused("REQUEST_ID_REUSED"):
            client.applications.create(request_id, **told(title="Another"))
        assert other.applications.create(request_id, **told()).client_id != made.client_id
        assert [each.client_id for each in client.applications.list()] == [made.client_id]


@pytest.mark.feature("I2")
def test_all_faults_of_a_new_application_are_told_at_once(served: Served) -> None:
    faulty = told(
        title=" ",
        description="\u3000",
        country_code="ZZ",
        test_currency_code="XXX",
        email="nobody",
        notification_url="http://example.com",
    )
    fields = (
        "title",
        "description",
        "country_code",
        "test_currency_code",
        "email",
        "notification_url",
    )
    with login(served) as client, refused("INVALID_FIELD", *fields):
        client.applications.create(**faulty)


@pytest.mark.feature("I2")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country_code", "CN"),
        ("product", v1.PRODUCT_RECORD_REPORTING),
        ("test_currency_code", "USD"),
        ("application_role", v1.APPLICATION_ROLE_MERCHANT),
        ("platform", "olist"),
    ],
)
def test_what_never_changes_is_refused_by_name(served: Served, field: str, value: Any) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        wanted = v1.Application(name=made.name, title="New title", **{field: value})
        with refused("INVALID_FIELD", f"application.{field}"):
            client.applications.update(wanted, ["title", field])
        assert client.applications.get(made.client_id) == made


@pytest.mark.feature("I2")
def test_title_description_kind_and_address_change(served: Served) -> None:
    fields = ["title", "description", "kind", "notification_url"]
    with login(served) as client:
        made = client.applications.create(**told())
        later(served)
        wanted = v1.Application(
            name=made.name,
            title="New title",
            description="Another.",
            kind=STATES.KIND_WEB,
            notification_url="https://hooks.example.com/bonafides",
            country_code="CN",
        )
        done = client.applications.update(wanted, fields)
        assert [getattr(done, each) for each in fields] == [getattr(wanted, f) for f in fields]
        assert (done.country_code, done.update_time) != (made.country_code, made.update_time)
        assert done.country_code == "SG"
        for unknown in ("client_id", "created_by", "name", "pending_changes", "email"):
            with pytest.raises(RemoteError) as fault:
                client.applications.update(wanted, [unknown])
            assert fault.value.reason == "INVALID_FIELD"
        with refused("INVALID_FIELD", "update_mask"):
            client.applications.update(wanted, [])


@pytest.mark.feature("I12", "D9")
def test_attack_anothers_application_is_not_found_by_any_method(served: Served) -> None:
    with login(served) as client, login(served, "rival") as rival:
        made = client.applications.create(**told())
        held = client.applications.register_key(made.client_id, key())
        challenge = client.applications.challenge(made.client_id)
        absent = "sandbox-" + "0" * 32
        for client_id in (made.client_id, absent):
            name = f"applications/{client_id}"
            public, signature = prove(key(2), challenge)
            offered = application_service_pb2.RegisterKeyRequest(
                challenge=challenge.name.replace(made.client_id, client_id),
                public_key=public,
                signature=signature,
            )
            attempts: list[Callable[[], object]] = [
                lambda c=client_id: rival.applications.get(c),  # type: ignore[misc]
                lambda n=name: rival.applications.update(  # type: ignore[misc]
                    v1.Application(name=n, title="Mine"), ["title"]
                ),
                lambda c=client_id: rival.applications.challenge(c),  # type: ignore[misc]
                lambda o=offered: rival.applications.send_key(o),  # type: ignore[misc]
                lambda c=client_id: rival.applications.keys(c),  # type: ignore[misc]
                lambda c=client_id: rival.applications.revoke_key(  # type: ignore[misc]
                    held.name.replace(made.client_id, c)
                ),
                lambda n=name: rival.applications.confirm(  # type: ignore[misc]
                    f"{n}/changes/{builders.request_id()}", "12345678"
                ),
                lambda c=client_id: rival.applications.issue_acceptance(  # type: ignore[misc]
                    c, "live-" + "0" * 32
                ),
                lambda c=client_id: rival.applications.launch(c),  # type: ignore[misc]
                lambda c=client_id: rival.applications.close(c),  # type: ignore[misc]
            ]
            for attempt in attempts:
                with pytest.raises(RemoteError) as fault:
                    attempt()
                assert fault.value.reason == "RESOURCE_NOT_FOUND"
        assert not rival.applications.list()
        # Nothing of what was tried was done.
        (left,) = client.applications.keys(made.client_id)
        assert left.state == KEYS.STATE_ACTIVE


@pytest.mark.feature("I2")
def test_list_is_bounded_and_leaves_none_out(served: Served) -> None:
    with login(served) as client, staff(served) as operator, login(served, "other") as other:
        made = []
        for number in range(5):
            made.append(client.applications.create(**told(title=f"Number {number}")).client_id)
            later(served)
        others = other.applications.create(**told()).client_id
        assert [each.client_id for each in client.applications.list(page_size=2)] == made
        assert [each.client_id for each in operator.applications.list()] == [*made, others]


@pytest.mark.feature("I2")
def test_applications_of_a_login_are_limited_by_the_day(served: Served) -> None:
    with login(served) as client:
        for _ in range(APPLICATIONS_PER_DAY):
            client.applications.create(**told())
        with refused("RATE_LIMITED"):
            client.applications.create(**told())
    later(served, DAY)
    with login(served) as client:
        client.applications.create(**told())


# --- Keys ------------------------------------------------------------------------------


@pytest.mark.feature("I6")
def test_key_is_registered_by_proving_it(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        held = client.applications.register_key(made.client_id, key())
        assert held.name == f"{made.name}/keys/{thumbprint(key())}"
        assert (held.algorithm, held.state) == ("EdDSA", KEYS.STATE_ACTIVE)
        assert client.applications.get(made.client_id).state == STATES.STATE_TESTING
        with served.store.reading() as work:
            (stored,) = rows.keys_of(work, made.client_id)
            row = rows.read_application(work, made.client_id)
        assert stored.is_good(served.clock.now)
        assert stored.public_key == held.public_key
        assert row is not None
        assert row.state == "TESTING"


@pytest.mark.feature("I6")
def test_p256_key_signs_by_es256(served: Served) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    with login(served) as client:
        made = client.applications.create(**told())
        held = client.applications.register_key(made.client_id, private)
        assert (held.algorithm, held.state) == ("ES256", KEYS.STATE_ACTIVE)


@pytest.mark.feature("I6")
def test_key_of_another_kind_is_refused(served: Served) -> None:
    content = _der(rsa.generate_private_key(65537, 3072).public_key())
    with login(served) as client:
        made = client.applications.create(**told())
        request = application_service_pb2.RegisterKeyRequest(
            challenge=client.applications.challenge(made.client_id).name,
            public_key=content,
            signature=bytes(64),
        )
        with refused("INVALID_FIELD", "public_key"):
            client.applications.send_key(request)


def _der(public: Any) -> bytes:
    content: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return content


@pytest.mark.feature("I6")
def test_attack_proofs_that_are_not_good_register_nothing(served: Served) -> None:
    """Another's key, another's challenge, one used twice, one that is over."""
    with login(served) as client, login(served, "rival") as rival:
        made = client.applications.create(**told())
        others = rival.applications.create(**told())
        challenge = client.applications.challenge(made.client_id)
        public, signature = prove(key(), challenge)

        def offer(name: str, public: bytes, signature: bytes) -> Any:
            return application_service_pb2.RegisterKeyRequest(
                challenge=name, public_key=public, signature=signature
            )

        # Signed by another key than the one that is offered.
        _, by_another = prove(key(2), challenge)
        with refused("KEY_PROOF_INVALID"):
            client.applications.send_key(offer(challenge.name, public, by_another))
        # The first attempt used the challenge up.
        with refused("KEY_PROOF_INVALID"):
            client.applications.send_key(offer(challenge.name, public, signature))
        # A proof for one application is none for another.
        fresh = client.applications.challenge(made.client_id)
        public, signature = prove(key(), fresh)
        moved = fresh.name.replace(made.client_id, others.client_id)
        with refused("KEY_PROOF_INVALID"):
            rival.applications.send_key(offer(moved, public, signature))
        unknown = f"{made.name}/keyChallenges/{builders.request_id()}"
        with refused("KEY_PROOF_INVALID"):
            client.applications.send_key(offer(unknown, public, signature))
        later(served, CHALLENGE_TERM)
        with refused("KEY_PROOF_INVALID"):
            client.applications.send_key(offer(fresh.name, public, signature))
        assert not client.applications.keys(made.client_id)
        assert not rival.applications.keys(others.client_id)


@pytest.mark.feature("I6")
def test_challenges_are_limited_by_the_day(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        for _ in range(CHALLENGES_PER_DAY):
            client.applications.challenge(made.client_id)
        with refused("RATE_LIMITED"):
            client.applications.challenge(made.client_id)


@pytest.mark.feature("I7")
def test_rotation_overlaps_and_a_fourth_key_is_refused(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        first = client.applications.register_key(made.client_id, key(1))
        later(served)
        for number in range(2, MOST_KEYS + 1):
            client.applications.register_key(made.client_id, key(number))
        states = {each.state for each in client.applications.keys(made.client_id)}
        assert states == {KEYS.STATE_ACTIVE}
        with refused("KEY_NOT_ADDED"):
            client.applications.register_key(made.client_id, key(4))
        assert client.applications.revoke_key(first.name).state == KEYS.STATE_REVOKED
        client.applications.register_key(made.client_id, key(4))
        # What was revoked may be known to others.
        client.applications.revoke_key(first.name)
        with refused("KEY_NOT_ADDED"):
            client.applications.register_key(made.client_id, key(1))


@pytest.mark.feature("I7")
def test_keys_that_come_at_once_are_three_at_most(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        offers = []
        for number in range(1, 7):
            challenge = client.applications.challenge(made.client_id)
            public, signature = prove(key(number), challenge)
            offers.append(
                application_service_pb2.RegisterKeyRequest(
                    challenge=challenge.name, public_key=public, signature=signature
                )
            )

        def send(offer: application_service_pb2.RegisterKeyRequest) -> str:
            try:
                client.applications.send_key(offer)
            except RemoteError as fault:
                return fault.reason
            return "REGISTERED"

        with ThreadPoolExecutor(len(offers)) as threads:
            outcomes = list(threads.map(send, offers))
        assert sorted(outcomes) == ["KEY_NOT_ADDED"] * 3 + ["REGISTERED"] * 3
        assert len(client.applications.keys(made.client_id)) == MOST_KEYS


@pytest.mark.feature("I7")
def test_windows_of_keys_are_kept(served: Served) -> None:
    now = served.clock.now
    begin, expire = to_datetime(Instant(now + DAY)), to_datetime(Instant(now + 2 * DAY))
    with login(served) as client:
        made = client.applications.create(**told())
        held = client.applications.register_key(made.client_id, key(), begin=begin, expire=expire)
        assert held.state == KEYS.STATE_UPCOMING
        with refused("INVALID_FIELD", "expire_time"):
            client.applications.register_key(
                made.client_id, key(2), expire=to_datetime(Instant(now + 731 * DAY))
            )
        with refused("INVALID_FIELD", "expire_time"):
            client.applications.register_key(made.client_id, key(2), begin=expire, expire=begin)
    for days, state in ((1, KEYS.STATE_ACTIVE), (2, KEYS.STATE_EXPIRED)):
        served.clock.now = Instant(now + days * DAY)
        with login(served) as client:
            assert [each.state for each in client.applications.keys(made.client_id)] == [state]


@pytest.mark.feature("I7")
def test_revocation_is_told_to_every_process(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        held = client.applications.register_key(made.client_id, key())
        with served.store.reading() as work:
            last = max((number for number, _ in since(work.connection, 0)), default=0)
        client.applications.revoke_key(held.name)
        with served.store.reading() as work:
            noted = [change for _, change in since(work.connection, last)]
            (stored,) = rows.keys_of(work, made.client_id)
        assert {(each.kind, each.key) for each in noted} == {(APPLICATION, made.client_id)}
        assert not stored.is_good(served.clock.now)
        assert client.applications.get(made.client_id).state == STATES.STATE_DRAFT


# --- Staff -----------------------------------------------------------------------------


@pytest.mark.feature("I12")
def test_misuse_locks_the_keys_and_leaves_a_report(served: Served) -> None:
    with login(served) as client, staff(served) as operator:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
        stopped = operator.applications.suspend(
            made.client_id, v1.SUSPENSION_GROUND_MISUSE, "asks its users for passwords"
        )
        assert stopped.state == STATES.STATE_SUSPENDED
        (held,) = client.applications.keys(made.client_id)
        assert held.state == KEYS.STATE_REVOKED
        for attempt in (
            lambda: client.applications.challenge(made.client_id),
            lambda: client.applications.update(
                v1.Application(name=made.name, title="New"), ["title"]
            ),
            lambda: client.applications.launch(made.client_id),
        ):
            with refused("APPLICATION_STATE"):
                attempt()
        with served.store.reading() as work:
            step = tables.application_step
            report = work.execute(sa.select(step).where(step.c.step == Step.SUSPENDED)).one()
        assert (report.client_id, report.taken_by) == (
            made.client_id,
            "bonafides-sandbox|staff-1",
        )
        assert (report.ground, report.about) == (Ground.MISUSE, "asks its users for passwords")
        resumed = operator.applications.resume(made.client_id, "settled")
        # Its keys stay lost: it begins again with a new one.
        assert resumed.state == STATES.STATE_DRAFT
        assert client.applications.register_key(made.client_id, key(2))


@pytest.mark.feature("I2")
def test_change_that_comes_late_once_more_undoes_no_newer_one(served: Served) -> None:
    first, unchanged = builders.request_id(1), builders.request_id(2)
    with login(served) as client:
        made = client.applications.create(**told(title="Shop"))

        def titled(title: str, request_id: str | None = None) -> str:
            wanted = v1.Application(name=made.name, title=title)
            return client.applications.update(wanted, ["title"], request_id).title

        # One that changed nothing when it came must not come to do so, either.
        assert titled("Shop", unchanged) == "Shop"
        assert titled("Old", first) == "Old"
        assert titled("New") == "New"
        assert titled("Old", first) == titled("Shop", unchanged) == "New"


def test_list_of_many_applications_asks_the_database_no_more_than_one_of_one(
    served: Served,
) -> None:
    room = managing.Register(served.store, served.vault, "sandbox", str, bytes, can_send=False)
    asked: list[str] = []
    with login(served) as client:
        for place in range(3):
            client.applications.create(**told(title=f"Shop {place}"))

    def listed(limit: int) -> int:
        asked.clear()
        found = operations.list_own(room, None, (0, ""), limit, now=served.clock.now)
        assert [each.email for each in found] == [masks.email(EMAIL)] * limit
        return len(asked)

    sa.event.listen(
        served.store.engine, "before_cursor_execute", lambda *what: asked.append(what[2])
    )
    assert listed(1) == listed(3) > 0


@pytest.mark.feature("I12")
def test_what_an_application_is_made_with_no_statement_changes(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
    for column in ("created_by", "client_id", "country", "email_sealed"):
        with served.store.writing() as work, pytest.raises(BugError):
            rows.set_application(work, made.client_id, {column: "x"}, served.clock.now)


@pytest.mark.feature("I12")
def test_suspension_on_request_keeps_the_keys(served: Served) -> None:
    with login(served) as client, staff(served) as operator:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
        operator.applications.suspend(made.client_id, v1.SUSPENSION_GROUND_REQUESTED, "holiday")
        (held,) = client.applications.keys(made.client_id)
        assert held.state == KEYS.STATE_ACTIVE
        # A key can always be revoked.
        client.applications.revoke_key(held.name)
        with refused("APPLICATION_STATE"):
            operator.applications.record_acceptance(made.client_id, bytes(32))


@pytest.mark.feature("I3")
def test_suspended_application_is_changed_in_nothing(served: Served) -> None:
    """Though its keys are good still, and its run was passed."""
    with login(served) as client, staff(served) as operator:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
        operator.applications.record_acceptance(made.client_id, bytes(32))
        challenge = client.applications.challenge(made.client_id)
        public, signature = prove(key(2), challenge)
        operator.applications.suspend(made.client_id, v1.SUSPENSION_GROUND_REQUESTED, "holiday")
        made.title = "Another title"
        attempts: list[Callable[[], object]] = [
            lambda: client.applications.challenge(made.client_id),
            lambda: client.applications.send_key(
                application_service_pb2.RegisterKeyRequest(
                    challenge=challenge.name, public_key=public, signature=signature
                )
            ),
            lambda: client.applications.update(made, ["title"]),
            lambda: client.applications.issue_acceptance(made.client_id, f"live-{'0' * 32}"),
            lambda: operator.applications.record_acceptance(made.client_id, bytes(32)),
        ]
        for attempt in attempts:
            with refused("APPLICATION_STATE"):
                attempt()
        assert len(client.applications.keys(made.client_id)) == 1


@pytest.mark.feature("I7")
def test_key_that_was_revoked_never_comes_back(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told())
        first = client.applications.register_key(made.client_id, key(1))
        client.applications.revoke_key(first.name)
        with refused("KEY_NOT_ADDED"):
            client.applications.register_key(made.client_id, key(1))


@pytest.mark.feature("I7")
def test_revoking_a_key_leaves_those_of_other_applications_alone(served: Served) -> None:
    """Two may hold the same key, as of one maker for two countries."""
    with login(served) as client:
        first, second = (client.applications.create(**told(title=name)) for name in ("a", "b"))
        held = client.applications.register_key(first.client_id, key(1))
        client.applications.register_key(second.client_id, key(1))
        client.applications.revoke_key(held.name)
        (left,) = client.applications.keys(second.client_id)
        assert left.state == KEYS.STATE_ACTIVE
        client.applications.close(first.client_id)
        (left,) = client.applications.keys(second.client_id)
        assert left.state == KEYS.STATE_ACTIVE


@pytest.mark.feature("I3")
def test_closing_is_for_good_and_forgets_the_email(served: Served) -> None:
    with login(served) as client, staff(served) as operator:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
        closed = client.applications.close(made.client_id)
        assert (closed.state, closed.masked_email) == (STATES.STATE_CLOSED, "")
        assert client.applications.close(made.client_id) == closed
        (held,) = client.applications.keys(made.client_id)
        assert held.state == KEYS.STATE_REVOKED
        with refused("APPLICATION_STATE"):
            operator.applications.suspend(made.client_id, v1.SUSPENSION_GROUND_MISUSE, "late")
        with refused("APPLICATION_STATE"):
            operator.applications.resume(made.client_id, "late")
    with served.store.reading() as work:
        subjects = work.execute(sa.select(tables.subject_key.c.subject)).scalars().all()
    assert f"application/{made.client_id}" not in subjects


@pytest.mark.feature("I3")
def test_acceptance_run_without_a_key_is_none(served: Served) -> None:
    with login(served) as client, staff(served) as operator:
        made = client.applications.create(**told())
        with refused("APPLICATION_STATE"):
            operator.applications.record_acceptance(made.client_id, bytes(32))
        with refused("APPLICATION_STATE"):
            client.applications.issue_acceptance(made.client_id, "live-" + "0" * 32)
        client.applications.register_key(made.client_id, key())
        passed = operator.applications.record_acceptance(made.client_id, bytes(32))
        assert passed.state == STATES.STATE_READY


@pytest.mark.feature("I3", "I9")
def test_nothing_is_launched_in_sandbox(served: Served) -> None:
    with login(served) as client, staff(served) as operator:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
        operator.applications.record_acceptance(made.client_id, bytes(32))
        with pytest.raises(RemoteError) as fault:
            client.applications.launch(made.client_id)
        assert fault.value.reason == "LAUNCH_PRECONDITION"
        assert fault.value.metadata["missing"] == "LIVE_DEPLOYMENT,CONTRACT"
        with refused("APPLICATION_STATE"):
            operator.applications.record_contract(
                made.client_id, reference="C-1", signed=to_datetime(served.clock.now), platform="p"
            )


@pytest.mark.feature("I2", "J9")
def test_email_and_token_stand_nowhere_in_clear(served: Served) -> None:
    with login(served) as client:
        made = client.applications.create(**told(application_role=v1.APPLICATION_ROLE_INTEGRATOR))
    needles = [EMAIL.encode(), made.sandbox_resources.test_token.encode()]
    with served.store.reading() as work:
        held = [
            repr(tuple(row)).encode() + b"".join(v for v in row if isinstance(v, bytes))
            for table in tables.metadata.sorted_tables
            for row in work.execute(sa.select(table))
        ]
    assert not [row for row in held if any(needle in row for needle in needles)]


@pytest.mark.feature("I6")
def test_key_of_the_service_is_there_for_everybody(served: Served) -> None:
    with served.client() as client:
        found = client.applications.service_key()
    public = served.server.keys.receipts
    assert public is not None
    assert found.public_key == _der(public.public_key())
    assert (found.algorithm, found.environment) == ("EdDSA", "sandbox")
