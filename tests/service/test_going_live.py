"""From sandbox to live: two deployments that share nothing but a signed statement.

The sandbox keeps its database on SQLite, live its own on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from bonafides import server
from bonafides.access import acceptance
from bonafides.access.applications import (
    ACCEPTANCE_TERM,
    CHANGES_PER_DAY,
    CODE_TERM,
    MOST_TRIES,
)
from bonafides.client import Client, RemoteError
from bonafides.client.key_proofs import prove
from bonafides.identity.integrator_operations import test_token as token_for_tests
from bonafides.instants import DAY, Instant, to_datetime
from bonafides.personal.sealing import Place, Sealed, Vault
from bonafides.settings import Settings, SettingsError
from bonafides.storage import applications as rows
from bonafides.storage import identity as identity_rows
from bonafides.v1 import application_pb2 as v1
from bonafides.v1 import application_service_pb2
from tests import builders
from tests.applying import EMAIL, key, live, live_client, live_token, mailed_code, public_pem, told
from tests.mailbox import Mailbox, receiving
from tests.serving import Served, serving

STATES = v1.Application
KEYS = v1.ApplicationKey
URL = "https://hooks.example.com/bonafides"


@dataclass
class Pair:
    """A sandbox, and the live deployment that takes its word."""

    sandbox: Served
    live: Served
    box: Mailbox

    def trying(self, subject: str = "maker", kind: str = "member") -> Client:
        """A client of the sandbox."""
        return self.sandbox.client(self.sandbox.token(kind, subject=subject, ttl_seconds=3_600))

    def working(self, subject: str = "maker", kind: str = "member") -> Client:
        """A client of live."""
        return live_client(self.live, subject, kind)


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Iterator[Pair]:
    with serving(tmp_path / "sandbox") as sandbox, receiving() as (box, smtp):
        folder = tmp_path / "live"
        changes = live(
            folder,
            smtp_server=f"127.0.0.1:{smtp.port}",
            smtp_sender=smtp.sender,
            smtp_tls="none",
            sandbox_key=_sandbox_key(sandbox, tmp_path),
        )
        with serving(folder, database_url, **changes) as running:
            yield Pair(sandbox, running, box)


def _sandbox_key(sandbox: Served, folder: Path) -> Path:
    signing = sandbox.server.keys.receipts
    assert signing is not None
    file = folder / "sandbox-public.pem"
    file.write_bytes(public_pem(signing))
    return file


@contextlib.contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(RemoteError) as fault:
        yield
    assert fault.value.reason == reason


def passed(pair: Pair, live_client_id: str, **changes: Any) -> str:
    """Makes an application in sandbox that passes; returns the statement for live."""
    with pair.trying() as client, pair.trying("staff-1", "operator") as operator:
        made = client.applications.create(**told(**changes))
        client.applications.register_key(made.client_id, key())
        operator.applications.record_acceptance(made.client_id, bytes(range(32)))
        issued = client.applications.issue_acceptance(made.client_id, live_client_id)
        return issued.statement


def contracted(pair: Pair, client_id: str, platform: str = "olist") -> None:
    with pair.working("staff-1", "operator") as operator:
        operator.applications.record_contract(
            client_id,
            reference="C-2026-1",
            signed=to_datetime(Instant(builders.NOW - DAY)),
            platform=platform,
        )


def launched(pair: Pair, **changes: Any) -> str:
    """Brings an application to live, and returns its client id there."""
    with pair.working() as client:
        made = client.applications.create(**told(**changes))
        client.applications.register_key(made.client_id, key())
        contracted(pair, made.client_id)
        client.applications.present_acceptance(made.client_id, passed(pair, made.client_id))
        assert client.applications.launch(made.client_id).state == STATES.STATE_LIVE
        return made.client_id


# --- Launching ---------------------------------------------------------------------------


@pytest.mark.feature("I3")
def test_launch_waits_for_key_contract_and_acceptance_in_any_order(pair: Pair) -> None:
    with pair.working() as client:
        made = client.applications.create(**told())
        assert made.client_id.startswith("live-")
        assert not made.HasField("sandbox_resources")
        assert not made.platform
        steps: list[tuple[str, Callable[[], object]]] = [
            (
                "CONTRACT,ACCEPTANCE,KEY",
                lambda: client.applications.present_acceptance(
                    made.client_id, passed(pair, made.client_id)
                ),
            ),
            ("CONTRACT,KEY", lambda: contracted(pair, made.client_id)),
            ("KEY", lambda: client.applications.register_key(made.client_id, key())),
        ]
        for missing, step in steps:
            with pytest.raises(RemoteError) as fault:
                client.applications.launch(made.client_id)
            assert fault.value.reason == "LAUNCH_PRECONDITION"
            assert fault.value.metadata["missing"] == missing
            step()
        assert client.applications.get(made.client_id).state == STATES.STATE_READY
        done = client.applications.launch(made.client_id)
        assert (done.state, done.platform) == (STATES.STATE_LIVE, "olist")
        assert client.applications.launch(made.client_id) == done
        assert not done.missing_for_launch


@pytest.mark.feature("I3")
def test_contract_names_a_platform_that_goes_with_the_role(pair: Pair) -> None:
    signed = to_datetime(Instant(builders.NOW - DAY))
    role = v1.APPLICATION_ROLE_INTEGRATOR
    with pair.working() as client, pair.working("staff-1", "operator") as operator:
        acquirer = client.applications.create(**told()).client_id
        integrator = client.applications.create(**told(application_role=role)).client_id
        for client_id, platform in ((acquirer, ""), (integrator, "olist"), (acquirer, "A B")):
            with refused("INVALID_FIELD"):
                operator.applications.record_contract(
                    client_id, reference="C", signed=signed, platform=platform
                )
        for wrong in (
            to_datetime(Instant(builders.NOW + DAY)),
            dt.datetime(1, 1, 1, tzinfo=dt.UTC),
        ):
            with refused("INVALID_FIELD"):
                operator.applications.record_contract(
                    acquirer, reference="C", signed=wrong, platform="olist"
                )
        operator.applications.record_contract(integrator, reference="C", signed=signed)
        with refused("METHOD_NOT_ALLOWED"):
            client.applications.record_contract(
                acquirer, reference="C", signed=signed, platform="olist"
            )
        client_id = launched(pair)
        contracted(pair, client_id)
        # Whose records it calls for is settled by then.
        with refused("APPLICATION_STATE"):
            contracted(pair, client_id, "another")


@pytest.mark.feature("I3")
def test_attack_statement_serves_one_application_of_the_same_make_once(pair: Pair) -> None:
    with pair.working() as client, pair.working("rival") as rival:
        made = client.applications.create(**told())
        others = rival.applications.create(**told())
        statement = passed(pair, made.client_id)
        # Another's client id, and one of another country, product or role.
        with refused("ACCEPTANCE_INVALID"):
            rival.applications.present_acceptance(others.client_id, statement)
        for changes in (
            {"country_code": "HK"},
            {"product": v1.PRODUCT_RECORD_REPORTING},
            {"application_role": v1.APPLICATION_ROLE_MERCHANT},
        ):
            wrong = passed(pair, made.client_id, **changes)
            with refused("ACCEPTANCE_INVALID"):
                client.applications.present_acceptance(made.client_id, wrong)
        taken = client.applications.present_acceptance(made.client_id, statement)
        assert client.applications.present_acceptance(made.client_id, statement) == taken
        again = client.applications.create(**told())
        with refused("ACCEPTANCE_INVALID"):
            client.applications.present_acceptance(again.client_id, statement)
    with pair.trying() as client:
        # The sandbox states it for one application alone.
        for each in client.applications.list():
            with refused("APPLICATION_STATE"):
                client.applications.issue_acceptance(each.client_id, again.client_id)
            with refused("INVALID_FIELD"):
                client.applications.issue_acceptance(each.client_id, each.client_id)


@pytest.mark.feature("I3")
def test_attack_one_run_is_not_taken_for_two_applications_whoever_signs(pair: Pair) -> None:
    """Even a sandbox that signs for a second client id brings live no second launch."""
    with pair.working() as client:
        made = client.applications.create(**told())
        statement = passed(pair, made.client_id)
        client.applications.present_acceptance(made.client_id, statement)
        second = client.applications.create(**told())
        signing = pair.sandbox.server.keys.receipts
        assert signing is not None
        told_of = acceptance.read(statement, signing.public_key(), builders.NOW)
        for signer, client_id in (
            (signing, second.client_id),
            # For the right application, by another sandbox.
            (key(9), second.client_id),
            (key(9), made.client_id),
        ):
            forged = dataclasses.replace(told_of, live_client_id=client_id)
            with refused("ACCEPTANCE_INVALID"):
                client.applications.present_acceptance(client_id, acceptance.sign(forged, signer))
        assert "ACCEPTANCE" in client.applications.get(second.client_id).missing_for_launch


@pytest.mark.feature("I3")
def test_statement_that_is_over_is_refused(pair: Pair) -> None:
    with pair.working() as client:
        made = client.applications.create(**told())
        statement = passed(pair, made.client_id)
    pair.live.clock.now = Instant(builders.NOW + ACCEPTANCE_TERM)
    with pair.working() as client, refused("ACCEPTANCE_INVALID"):
        client.applications.present_acceptance(made.client_id, statement)


# --- Changes after the launch --------------------------------------------------------------


@pytest.mark.feature("I8")
def test_key_after_launch_waits_for_the_code_that_was_mailed(pair: Pair) -> None:
    client_id = launched(pair)
    with pair.working() as client:
        held = client.applications.register_key(client_id, key(2))
        assert (held.state, held.HasField("create_time")) == (KEYS.STATE_PENDING, False)
        states = [each.state for each in client.applications.keys(client_id)]
        assert states == [KEYS.STATE_PENDING, KEYS.STATE_ACTIVE]
        with pair.live.store.reading() as work:
            # What verifies calls knows nothing of it.
            assert len(rows.keys_of(work, client_id)) == 1
        (waiting,) = client.applications.get(client_id).pending_changes
        assert waiting.name == held.pending_change
        code = mailed_code(pair.live, pair.box)
        done = client.applications.confirm(waiting.name, code)
        assert done.state == v1.ApplicationChange.STATE_DONE
        with refused("CODE_NOT_VALID"):
            client.applications.confirm(waiting.name, code)
        states = [each.state for each in client.applications.keys(client_id)]
        assert states == [KEYS.STATE_ACTIVE, KEYS.STATE_ACTIVE]
        assert not client.applications.get(client_id).pending_changes
        # To take a key away nobody waits.
        first = client.applications.keys(client_id)[-1]
        assert client.applications.revoke_key(first.name).state == KEYS.STATE_REVOKED


@pytest.mark.feature("I8")
def test_address_after_launch_waits_for_the_code_and_the_rest_does_not(pair: Pair) -> None:
    client_id = launched(pair)
    wanted = v1.Application(
        name=f"applications/{client_id}", title="New title", notification_url=URL
    )
    with pair.working() as client:
        told_of = client.applications.update(wanted, ["title", "notification_url"])
        assert (told_of.title, told_of.notification_url) == ("New title", "")
        (waiting,) = told_of.pending_changes
        assert waiting.proposal == URL
        # Asked for again, it is the same change, and nothing more is sent.
        again = client.applications.update(wanted, ["title", "notification_url"])
        assert again.pending_changes == told_of.pending_changes
        code = mailed_code(pair.live, pair.box)
        assert len(pair.box.received) == 1
        client.applications.confirm(waiting.name, code)
        assert client.applications.get(client_id).notification_url == URL


@pytest.mark.feature("I8")
def test_attack_codes_are_guessed_late_used_twice_or_of_another_change(pair: Pair) -> None:
    client_id = launched(pair)
    with pair.working() as client, pair.working("rival") as rival:
        held = client.applications.register_key(client_id, key(2))
        right = mailed_code(pair.live, pair.box)
        wrong = f"{(int(right) + 1) % 10**8:08d}"
        with refused("RESOURCE_NOT_FOUND"):
            rival.applications.confirm(held.pending_change, right)
        for _ in range(MOST_TRIES):
            with refused("CODE_NOT_VALID"):
                client.applications.confirm(held.pending_change, wrong)
        with refused("CODE_NOT_VALID"):
            client.applications.confirm(held.pending_change, right)
        # A newer change ends the one before, and a code is of one change alone.
        before = client.applications.register_key(client_id, key(3))
        code = mailed_code(pair.live, pair.box)
        after = client.applications.register_key(client_id, key(4))
        for change in (before, after):
            with refused("CODE_NOT_VALID"):
                client.applications.confirm(change.pending_change, code)
        fresh = mailed_code(pair.live, pair.box)
        pair.live.clock.now = Instant(pair.live.clock.now + CODE_TERM)
    with pair.working() as client:
        with refused("CODE_NOT_VALID"):
            client.applications.confirm(after.pending_change, fresh)
        assert len(client.applications.keys(client_id)) == 1


@pytest.mark.feature("I8")
def test_changes_after_launch_are_limited_by_the_day(pair: Pair) -> None:
    client_id = launched(pair)
    with pair.working() as client:
        for number in range(CHANGES_PER_DAY):
            client.applications.register_key(client_id, key(number + 2))
        with refused("RATE_LIMITED"):
            client.applications.register_key(client_id, key(20))
        wanted = v1.Application(name=f"applications/{client_id}", notification_url=URL)
        with refused("RATE_LIMITED"):
            client.applications.update(wanted, ["notification_url"])


@pytest.mark.feature("I8", "I12")
def test_suspension_ends_what_waits_for_a_code(pair: Pair) -> None:
    client_id = launched(pair)
    with pair.working() as client, pair.working("staff-1", "operator") as operator:
        held = client.applications.register_key(client_id, key(2))
        code = mailed_code(pair.live, pair.box)
        operator.applications.suspend(client_id, v1.SUSPENSION_GROUND_KEY_COMPROMISED, "reported")
        with refused("APPLICATION_STATE"):
            client.applications.confirm(held.pending_change, code)
        operator.applications.resume(client_id, "made safe")
        with refused("CODE_NOT_VALID"):
            client.applications.confirm(held.pending_change, code)
        assert client.applications.get(client_id).state == STATES.STATE_LIVE
        states = {each.state for each in client.applications.keys(client_id)}
        assert states == {KEYS.STATE_REVOKED}


@pytest.mark.feature("I8")
def test_change_without_a_mail_server_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox") as sandbox:
        settings = live(tmp_path / "live", sandbox_key=_sandbox_key(sandbox, tmp_path))
        with serving(tmp_path / "live", **settings) as running:
            both = Pair(sandbox, running, Mailbox())
            client_id = launched(both)
            with both.working() as client, refused("MAIL_UNAVAILABLE"):
                client.applications.register_key(client_id, key(2))


@pytest.mark.feature("I3")
def test_stopped_application_is_neither_contracted_nor_accepted_nor_launched(pair: Pair) -> None:
    """Though everything is there that a launch waits for."""
    with pair.working() as client, pair.working("staff-1", "operator") as operator:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
        contracted(pair, made.client_id)
        statement = passed(pair, made.client_id)
        client.applications.present_acceptance(made.client_id, statement)
        operator.applications.suspend(made.client_id, v1.SUSPENSION_GROUND_REQUESTED, "holiday")
        attempts: list[Callable[[], object]] = [
            lambda: contracted(pair, made.client_id),
            lambda: client.applications.present_acceptance(made.client_id, statement),
            lambda: client.applications.launch(made.client_id),
        ]
        for attempt in attempts:
            with refused("APPLICATION_STATE"):
                attempt()
        assert client.applications.get(made.client_id).state == STATES.STATE_SUSPENDED


@pytest.mark.feature("I3", "I4")
def test_runs_are_accepted_in_sandbox_alone(pair: Pair) -> None:
    with pair.working() as client, pair.working("staff-1", "operator") as operator:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
        with refused("APPLICATION_STATE"):
            operator.applications.record_acceptance(made.client_id, bytes(32))
        assert client.applications.get(made.client_id).state == STATES.STATE_DRAFT


@pytest.mark.feature("I7")
def test_key_whose_term_is_over_before_its_code_came_is_not_added(pair: Pair) -> None:
    client_id = launched(pair)
    ends = Instant(pair.live.clock.now + CODE_TERM // 3)
    with pair.working() as client:
        held = client.applications.register_key(client_id, key(2), expire=to_datetime(ends))
        code = mailed_code(pair.live, pair.box)
        pair.live.clock.now = ends
        with refused("KEY_NOT_ADDED"):
            client.applications.confirm(held.pending_change, code)
        states = {each.state for each in client.applications.keys(client_id)}
        assert states == {KEYS.STATE_ACTIVE, KEYS.STATE_PENDING}


# --- Crossing ----------------------------------------------------------------------------


@pytest.mark.feature("I4")
def test_attack_what_is_of_the_sandbox_is_nothing_in_live(pair: Pair) -> None:
    """Client ids, names, tokens, proofs, statements and test tokens, both ways."""
    role = v1.APPLICATION_ROLE_INTEGRATOR
    request_id = builders.request_id()
    with pair.trying() as trying, pair.working() as working:
        here = trying.applications.create(request_id, **told(application_role=role))
        there = working.applications.create(request_id, **told(application_role=role))
        assert here.client_id.partition("-")[2] != there.client_id.partition("-")[2]
        held = trying.applications.register_key(here.client_id, key())
        # Client ids and names.
        for client, client_id in ((working, here.client_id), (trying, there.client_id)):
            for attempt in (
                client.applications.get,
                client.applications.challenge,
                client.applications.keys,
                client.applications.launch,
                client.applications.close,
            ):
                with refused("RESOURCE_NOT_FOUND"):
                    attempt(client_id)
        with refused("RESOURCE_NOT_FOUND"):
            working.applications.revoke_key(held.name)
        # A proof that was made for the one is none for the other, even under its name.
        challenge = trying.applications.challenge(here.client_id)
        public, signature = prove(key(2), challenge)
        uid = challenge.name.rpartition("/")[2]
        mine = working.applications.challenge(there.client_id)
        for name in (f"{there.name}/keyChallenges/{uid}", mine.name):
            offered = application_service_pb2.RegisterKeyRequest(
                challenge=name, public_key=public, signature=signature
            )
            with refused("KEY_PROOF_INVALID"):
                working.applications.send_key(offered)
        mixed = v1.KeyChallenge(name=mine.name, nonce=mine.nonce, environment="sandbox")
        fresh = working.applications.challenge(there.client_id)
        public, signature = prove(key(2), mixed)
        offered = application_service_pb2.RegisterKeyRequest(
            challenge=fresh.name, public_key=public, signature=signature
        )
        with refused("KEY_PROOF_INVALID"):
            working.applications.send_key(offered)
        assert not working.applications.keys(there.client_id)
        # What is done in the one alone.
        with pair.working("staff-1", "operator") as operator, refused("APPLICATION_STATE"):
            operator.applications.record_acceptance(there.client_id, bytes(32))
        with refused("APPLICATION_STATE"):
            working.applications.issue_acceptance(there.client_id, there.client_id)
        with refused("APPLICATION_STATE"):
            trying.applications.present_acceptance(here.client_id, "a.b.c")
        # Test tokens stand in neither database, and live makes none like it.
        token = here.sandbox_resources.test_token
        for vault in (pair.live.vault, Vault(bytes(range(32)), "sandbox")):
            assert token_for_tests(vault, here.client_id) != token
        assert token_for_tests(pair.sandbox.vault, here.client_id) == token


@pytest.mark.feature("I4", "I6")
@pytest.mark.parametrize("kind", ["member", "operator", "platform"])
def test_attack_access_tokens_of_one_open_nothing_in_the_other(pair: Pair, kind: str) -> None:
    crossed = {
        pair.live.address: pair.sandbox.token(kind, subject="staff-1"),
        pair.sandbox.address: live_token(pair.live, "staff-1", kind),
    }
    for address, token in crossed.items():
        with Client(address, token=token) as client, refused("CREDENTIAL_INVALID"):
            # It is open to everybody, but for who comes with a credential that is not good.
            client.applications.service_key()


@pytest.mark.feature("I4")
def test_attack_sealed_values_open_in_their_own_deployment_alone(pair: Pair) -> None:
    """A row that is carried over whole, its key with it, stays shut, whatever the key."""
    with pair.trying() as client:
        made = client.applications.create(**told())
    subject = f"application/{made.client_id}"
    place = Place("application", subject, "email")
    with pair.sandbox.store.reading() as work:
        row = rows.read_application(work, made.client_id)
        wrapped = identity_rows.wrapped_keys(work, [subject])[subject]
    assert row is not None
    sandbox = pair.sandbox.vault
    opened = sandbox.open(sandbox.unwrap(subject, wrapped), place, Sealed(row.email_sealed))
    assert opened == EMAIL.encode()
    for kek in (bytes(range(32)), pair.sandbox.server.keys.kek):
        foreign = Vault(kek, "live")
        with pytest.raises(InvalidTag):
            foreign.unwrap(subject, wrapped)
        with pytest.raises(InvalidTag):
            # Even with the subject's key in hand: the environment is sealed with the value.
            foreign.open(sandbox.unwrap(subject, wrapped), place, Sealed(row.email_sealed))


@pytest.mark.feature("I4")
def test_attack_rows_of_the_sandbox_in_lives_database_do_not_live(pair: Pair) -> None:
    """Whoever can write to live's database still makes no application that runs."""
    with pair.trying() as client:
        made = client.applications.create(**told())
        client.applications.register_key(made.client_id, key())
    with pair.sandbox.store.reading() as work:
        row = rows.read_application(work, made.client_id)
        (held,) = rows.keys_of(work, made.client_id)
    assert row is not None
    with pair.live.store.writing() as work:
        rows.insert_application(work, row)
        rows.insert_key(work, held)
        work.commit()
    # Its maker is a login of the sandbox's issuer, which live doesn't know.
    with pair.working() as client, refused("RESOURCE_NOT_FOUND"):
        client.applications.get(made.client_id)
    with pair.working("staff-1", "operator") as operator:
        carried = operator.applications.get(made.client_id)
        assert carried.masked_email == ""
        assert carried.state == STATES.STATE_TESTING


@pytest.mark.feature("I4")
def test_attack_database_of_one_is_not_opened_by_the_other(tmp_path: Path) -> None:
    with serving(tmp_path / "sandbox") as sandbox:
        url = str(sandbox.store.url.render_as_string(hide_password=False))
    settings = live(tmp_path / "live")
    # The database by its URL, and a copy of its file where live looks for its own.
    copied = tmp_path / "live" / "bonafides.db"
    shutil.copy(tmp_path / "sandbox" / "bonafides.db", copied)
    for database_url in (url, f"sqlite:///{copied}"):
        with (
            pytest.raises(SettingsError, match="sandbox and live share nothing"),
            serving(tmp_path / "live", database_url, **settings),
        ):
            pass
        shutil.rmtree(tmp_path / "live" / "models")
    with serving(tmp_path / "sandbox", url):
        pass


@pytest.mark.feature("I4")
def test_sandbox_takes_nobodys_word(tmp_path: Path) -> None:
    file = tmp_path / "public.pem"
    file.write_bytes(public_pem(key()))
    with pytest.raises(SettingsError, match="BONAFIDES_SANDBOX_KEY"):
        server.build(
            Settings(data_dir=tmp_path / "sandbox", sandbox_key=file), lambda: builders.NOW
        )
    for faulty in (tmp_path / "absent.pem", tmp_path / "live" / "kek.bin"):
        settings = live(tmp_path / "live", sandbox_key=faulty)
        with (
            pytest.raises(SettingsError, match="BONAFIDES_SANDBOX_KEY"),
            serving(tmp_path / "live", **settings),
        ):
            pass
        shutil.rmtree(tmp_path / "live")
