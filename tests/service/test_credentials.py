"""Applications call by what they sign, and by the tokens that they get for that."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from bonafides.access.callers import Caller, CallerKind
from bonafides.access.credentials import ApplicationCredentials
from bonafides.access.issuers import OWN_ISSUER
from bonafides.access.policy import POLICIES
from bonafides.cli import app
from bonafides.client import Client, Credentials, KeyUnusableError, RemoteError
from bonafides.client.signed_channel import SignedChannel
from bonafides.client.signing import SIGNED
from bonafides.instants import DAY, HOUR, MICROSECONDS, Instant, day_of
from bonafides.storage import assertions, tables
from bonafides.storage.follower import Follower
from bonafides.storage.known_applications import KnownApplications
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import (
    archive_service_pb2,
    record_pb2,
    record_service_pb2,
    record_service_pb2_grpc,
    rights_service_pb2,
)
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY as ELIGIBILITY
from tests import builders
from tests.credential_attacks import CURSOR, asking, bearing, honest
from tests.credentials import (
    add_key,
    claims,
    client,
    ed25519,
    header,
    p256,
    registered,
    revoke,
    set_state,
    signed,
)
from tests.serving import PATIENCE_SECONDS, Served, serving

_GET_ARCHIVE = "/bonafides.v1.ArchiveService/GetArchive"


def reason(call: Callable[[], object]) -> str:
    """Returns the reason for which a call is refused; OK if it is answered."""
    try:
        call()
    except RemoteError as error:
        return error.reason
    return "OK"


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until something holds, which it does in the end."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end
        pause.wait(0.02)


def batch(number: int) -> list[record_pb2.Record]:
    return [builders.record_message(builders.transaction(f"t{number}"))]


@pytest.mark.feature("I6")
@pytest.mark.parametrize("key", [ed25519(), p256()], ids=["EdDSA", "ES256"])
def test_application_reads_by_a_token_and_writes_by_signatures(served: Served, key: Any) -> None:
    enterprise = builders.code()
    builders.enroll(served.store, enterprise)
    application = registered(served.store, private_key=key)
    with client(served, application) as calling:
        assert calling.get_archive(enterprise.text, purpose=ELIGIBILITY).HasField("rating")
        assert calling.get_write_cursor("orders") == 0
        answers = list(calling.write_records(map(batch, range(3)), source="orders"))
        assert answers[-1].sequence == 3
        assert calling.get_write_cursor("orders") == 3
        assert calling.rights.erase_buyer("buyer") == 0


@pytest.mark.feature("I6")
def test_token_of_an_application_is_refused_where_it_has_to_sign(served: Served) -> None:
    application = registered(served.store)
    with client(served, application) as calling:
        token, _ = calling.access_token()
    with served.client(token) as reading:
        assert reading.get_write_cursor("orders") == 0
        assert reason(lambda: reading.rights.erase_buyer("buyer")) == "SIGNED_REQUEST_REQUIRED"
        unsigned = reading.write_records([batch(1)], source="orders")
        assert reason(lambda: list(unsigned)) == "SIGNED_REQUEST_REQUIRED"


@pytest.mark.feature("I6")
def test_sandbox_platform_without_an_application_needs_no_key(served: Served) -> None:
    with served.client(served.token("platform")) as trial:
        assert trial.rights.erase_buyer("buyer") == 0


def test_client_signs_exactly_what_the_policy_wants_signed() -> None:
    assert {row.method for row in POLICIES if row.signed} == SIGNED


def test_tokens_of_one_application_that_are_remembered_are_bounded(store: Store) -> None:
    application = registered(store)
    follower = Follower(store, monotonic=time.monotonic)
    known = KnownApplications(store, follower)
    credentials = ApplicationCredentials(
        store, known, environment="sandbox", audience="bonafides", token_key=None
    )

    def calling(number: int) -> Caller:
        return Caller(
            CallerKind.PLATFORM,
            issuer=OWN_ISSUER,
            subject=application.client_id,
            platform=builders.PLATFORM,
            application=application.client_id,
            token_id=f"token {number}",
            role="ACQUIRER",
            key_id=application.key_id,
        )

    follower.start()
    try:
        until(follower.is_fresh)
        for number in range(200):
            credentials.require_standing(calling(number), builders.NOW)
        found = known.at_once(application.client_id)
        assert found is not None
        assert 0 < len(found.standing) <= 64
        assert credentials.stands_at_once(calling(199), builders.NOW)
        # What is not remembered is looked up, and stands as before.
        credentials.require_standing(calling(0), builders.NOW)
    finally:
        follower.stop()


# --- Revocation ----------------------------------------------------------------------------


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """Two servers with one database, as two processes have it."""
    folder = tmp_path / "data"
    with serving(folder, database_url) as one, serving(folder, database_url) as other:
        yield one, other


@pytest.mark.feature("I7")
@pytest.mark.parametrize("end", ["key", "suspended", "closed", "another platform"])
def test_what_is_taken_out_of_use_at_one_server_is_out_at_all(
    pair: tuple[Served, Served], end: str
) -> None:
    one, other = pair
    application = registered(one.store)
    with client(one, application) as calling:
        token, _ = calling.access_token()
        with other.client(token) as elsewhere:
            assert elsewhere.get_write_cursor("orders") == 0
            match end:
                case "key":
                    revoke(one.store, application)
                case "suspended" | "closed":
                    set_state(one.store, application, end.upper())
                case _:
                    set_state(one.store, application, "LIVE", platform="olist")
            # At once where it was done, soon everywhere else.
            with one.client(token) as same:
                assert reason(lambda: same.get_write_cursor("orders")) in REFUSED
            until(lambda: reason(lambda: elsewhere.get_write_cursor("orders")) in REFUSED)
        if end != "another platform":
            assert reason(lambda: calling.rights.erase_buyer("buyer")) in REFUSED


REFUSED = {"CREDENTIAL_INVALID", "APPLICATION_NOT_ACTIVE"}


@pytest.mark.feature("I7")
def test_server_that_does_not_hear_of_changes_asks_the_database(
    pair: tuple[Served, Served],
) -> None:
    one, other = pair
    application = registered(one.store)
    with client(one, application) as calling:
        token, _ = calling.access_token()
    with other.client(token) as elsewhere:
        assert elsewhere.get_write_cursor("orders") == 0
        other.server.follower.stop()
        revoke(one.store, application)
        assert reason(lambda: elsewhere.get_write_cursor("orders")) == "CREDENTIAL_INVALID"


@pytest.mark.feature("I7")
def test_read_that_is_answered_at_once_ends_with_the_key(served: Served) -> None:
    code = builders.code()
    builders.enroll(served.store, code)
    application = registered(served.store)
    with client(served, application) as calling:
        token, _ = calling.access_token()
    with served.client(token) as reading:
        # Remembered by now: who calls, and what is read.
        for _ in range(3):
            assert reading.get_archive(code.text, purpose=ELIGIBILITY).HasField("rating")
        revoke(served.store, application)
        assert (
            reason(lambda: reading.get_archive(code.text, purpose=ELIGIBILITY))
            == "CREDENTIAL_INVALID"
        )


@pytest.mark.feature("I7")
def test_both_keys_are_good_while_one_follows_the_other(served: Served) -> None:
    application = registered(served.store)
    newer = ed25519(2)
    add_key(served.store, application.client_id, newer)
    clock = lambda: served.clock.now / MICROSECONDS  # noqa: E731 - the same clock for both
    both = (
        application.credentials(clock),
        Credentials(application.client_id, newer, clock=clock),
    )
    for credentials in both:
        with Client(served.address, credentials=credentials) as calling:
            assert calling.rights.erase_buyer("buyer") == 0
    revoke(served.store, application)
    told = []
    for credentials in both:
        with Client(served.address, credentials=credentials) as calling:
            told.append(reason(lambda: calling.rights.erase_buyer("buyer")))
    assert told == ["CREDENTIAL_INVALID", "OK"]


@pytest.mark.feature("I7")
def test_key_that_comes_to_its_end_takes_its_token_along(served: Served) -> None:
    application = registered(served.store)
    short = ed25519(2)
    end = Instant(builders.NOW + HOUR // 2)
    add_key(served.store, application.client_id, short, not_after=end)
    credentials = Credentials(
        application.client_id, short, clock=lambda: builders.NOW / MICROSECONDS
    )
    with Client(served.address, credentials=credentials) as calling:
        token, _ = calling.access_token()
    with served.client(token) as reading:
        assert reason(lambda: reading.get_write_cursor("orders")) == "OK"
        served.clock.now = end
        assert reason(lambda: reading.get_write_cursor("orders")) == "CREDENTIAL_INVALID"


@pytest.mark.feature("I7")
def test_stream_ends_when_its_key_is_revoked(served: Served) -> None:
    application = registered(served.store)
    revoked = threading.Event()

    def batches() -> Iterator[list[record_pb2.Record]]:
        yield batch(1)
        assert revoked.wait(20)
        yield batch(2)

    with client(served, application) as calling:
        answers = calling.write_records(batches(), source="orders")
        assert next(answers).sequence == 1
        revoke(served.store, application)
        revoked.set()
        assert reason(lambda: list(answers)) == "CREDENTIAL_INVALID"


# --- What is signed, once ------------------------------------------------------------------


def test_call_that_waits_for_a_revision_is_not_its_own_replay(served: Served) -> None:
    enterprise = builders.code()
    builders.enroll(served.store, enterprise)
    application = registered(served.store)
    request = archive_service_pb2.GetArchiveRequest(
        name=f"enterprises/{enterprise.text}/archive", min_revision=1_000_000, purpose=ELIGIBILITY
    ).SerializeToString()
    attempt = honest(application, _GET_ARCHIVE, request)
    with grpc.insecure_channel(served.address) as channel:
        call: Any = channel.unary_unary(_GET_ARCHIVE)
        with pytest.raises(grpc.RpcError) as refusal:
            call(attempt.request, timeout=1.5, metadata=tuple(attempt.metadata))
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.feature("I6")
def test_stream_is_bound_to_its_first_message(served: Served) -> None:
    application = registered(served.store)
    method = "/bonafides.v1.RecordService/WriteRecords"
    metadata = tuple(honest(application, method, asking()).metadata)
    with grpc.insecure_channel(served.address) as channel:
        call: Any = channel.stream_stream(method)
        for messages in ([asking("other")], []):
            with pytest.raises(grpc.RpcError) as refusal:
                list(call(iter(messages), timeout=PATIENCE_SECONDS, metadata=metadata))
            assert refusal.value.code() in {
                grpc.StatusCode.UNAUTHENTICATED,
                grpc.StatusCode.INVALID_ARGUMENT,
            }


def test_what_was_signed_is_forgotten_on_the_day_after_the_next(store: Store) -> None:
    once = "A" * 22
    for days, expected in ((0, True), (0, False), (1, False), (2, True)):
        now = Instant(builders.NOW + days * DAY)
        assertions.forget(store, now=now)
        with store.writing() as work:
            assert assertions.use(work, "sandbox-1", once, now=now) is expected
            work.commit()
    with store.reading() as work:
        assert len(work.execute(tables.used_assertion.select()).all()) == 1


def test_what_a_busy_day_left_is_forgotten_step_by_step_and_whole(store: Store) -> None:
    """Some more than one step takes, and one of today."""
    today = day_of(builders.NOW)
    used = [
        {"client_id": "sandbox-1", "jti": f"{place:022}", "day": today - (2 if place else 0)}
        for place in range(10_002)
    ]
    with store.writing() as work:
        work.execute(tables.used_assertion.insert(), used)
        work.commit()
    assert assertions.forget(store, now=builders.NOW) == 10_001
    assert assertions.forget(store, now=builders.NOW) == 0
    with store.reading() as work:
        assert len(work.execute(tables.used_assertion.select()).all()) == 1


def test_one_of_many_that_come_at_once_with_the_same_id_is_taken(served: Served) -> None:
    application = registered(served.store)
    attempt = honest(application)
    told: list[grpc.StatusCode] = []
    with grpc.insecure_channel(served.address) as channel:
        call: Any = channel.unary_unary(CURSOR)
        calls = [
            call.future(attempt.request, timeout=PATIENCE_SECONDS, metadata=tuple(attempt.metadata))
            for _ in range(8)
        ]
        told = [each.code() for each in calls]
    assert told.count(grpc.StatusCode.OK) == 1
    assert told.count(grpc.StatusCode.UNAUTHENTICATED) == 7


# --- The client ----------------------------------------------------------------------------


def test_client_gets_one_token_for_many_reads_and_a_new_one_before_it_ends(
    served: Served,
) -> None:
    application = registered(served.store)

    def used() -> int:
        with served.store.reading() as work:
            return len(work.execute(tables.used_assertion.select()).all())

    with client(served, application) as calling:
        for _ in range(3):
            calling.get_write_cursor("orders")
        assert used() == 1
        served.clock.now = Instant(served.clock.now + HOUR - 59 * MICROSECONDS)
        calling.get_write_cursor("orders")
        assert used() == 2


def test_client_whose_token_is_taken_no_more_gets_another_one(
    served: Served, tmp_path: Path
) -> None:
    application = registered(served.store)
    credentials = application.credentials(lambda: served.clock.now / MICROSECONDS)
    with serving(tmp_path / "other") as other:
        stranger = registered(other.store)
        with Client(other.address, credentials=credentials) as calling:
            assert calling.get_write_cursor("orders") == 0
        assert stranger.client_id == application.client_id
    # Its token is of another deployment now.
    with Client(served.address, credentials=credentials) as calling:
        assert calling.get_write_cursor("orders") == 0


def test_private_key_and_token_are_in_no_repr(served: Served) -> None:
    application = registered(served.store)
    credentials = application.credentials(lambda: served.clock.now / MICROSECONDS)
    with Client(served.address, credentials=credentials) as calling:
        calling.get_write_cursor("orders")
        shown = repr((calling, credentials, credentials._token))
    assert application.client_id in shown
    assert "ey" not in shown.replace("_Token", "").replace("key", "")
    assert "Private" not in shown


def test_key_of_another_kind_is_refused_by_the_client(tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_text("not a key")
    with pytest.raises(KeyUnusableError):
        Credentials.read("sandbox-1", file)


def test_command_line_calls_as_an_application(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as served:
        # Commands have the clock of this machine.
        served.clock.now = Instant(time.time_ns() // 1_000)
        key = ed25519()
        application = registered(served.store, private_key=key)
        file = tmp_path / "app.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        shared = ["--server", served.address, "--client-id", application.client_id]
        signing = [*shared, "--key-file", str(file)]
        done = CliRunner().invoke(app, [*signing, "erase-buyer", "-"], input="buyer")
        assert done.exit_code == 0
        token = CliRunner().invoke(app, [*signing, "access-token"]).stdout.strip()
        with served.client(token) as reading:
            assert reading.get_write_cursor("orders") == 0
        assert CliRunner().invoke(app, [*shared, "access-token"]).exit_code == 2
        both = [*signing, "--token", token, "access-token"]
        assert CliRunner().invoke(app, both).exit_code == 2
        assert CliRunner().invoke(app, ["access-token"]).exit_code == 1


def test_example_of_the_documentation_erases_a_buyer(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "credentials.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    told: dict[str, Any] = {}
    exec(example, told)  # noqa: S102 - our own text
    with serving(tmp_path / "data") as served:
        served.clock.now = Instant(time.time_ns() // 1_000)
        application = registered(served.store)
        with grpc.insecure_channel(served.address) as channel:
            answer = told["erase_buyer"](
                channel, application.client_id, application.private_key, "buyer"
            )
    assert rights_service_pb2.EraseBuyerResponse.FromString(answer).records == 0


def test_agent_token_beside_a_call_is_bound_into_its_signature(served: Served) -> None:
    application = registered(served.store)
    credentials = application.credentials(lambda: served.clock.now / MICROSECONDS)
    beside = (("bonafides-agent-token", "of an enterprise"),)
    with (
        grpc.insecure_channel(served.address) as plain,
        SignedChannel(plain, credentials) as channel,
    ):
        records = record_service_pb2_grpc.RecordServiceStub(channel)
        request = record_service_pb2.GetWriteCursorRequest(source="orders")
        with pytest.raises(grpc.RpcError) as refusal:
            records.GetWriteCursor(request, timeout=PATIENCE_SECONDS, metadata=beside)
        # The signature is good; the token is none.
        assert "agent token" in (refusal.value.details() or "")
        with served.store.reading() as work:
            # One signature of its own, and none for an access token.
            assert len(work.execute(tables.used_assertion.select()).all()) == 1


# --- Live ----------------------------------------------------------------------------------


def live(folder: Path, **changes: Any) -> dict[str, Any]:
    """Brings the keys of a live deployment; returns its settings."""
    folder.mkdir(mode=0o700)
    for name, content in (
        ("kek.bin", bytes(range(32))),
        (
            "tokens.pem",
            ed25519(77).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        ),
    ):
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(content)
    return {"environment": "live", "token_key": folder / "tokens.pem"} | changes


@pytest.mark.feature("I4")
@pytest.mark.parametrize("state", ["DRAFT", "TESTING", "READY", "SUSPENDED", "CLOSED"])
def test_application_calls_live_once_it_is_launched(tmp_path: Path, state: str) -> None:
    folder = tmp_path / "live"
    with serving(folder, **live(folder)) as served:
        application = registered(served.store, environment="live")
        with client(served, application) as calling:
            assert calling.get_write_cursor("orders") == 0
            set_state(served.store, application, state)
            assert reason(lambda: calling.get_write_cursor("orders")) == "APPLICATION_NOT_ACTIVE"
            assert reason(lambda: calling.rights.erase_buyer("b")) == "APPLICATION_NOT_ACTIVE"


@pytest.mark.feature("I4")
def test_what_is_signed_for_the_sandbox_is_worth_nothing_in_live(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    with serving(folder, **live(folder)) as served:
        # The same application with the same key, in both.
        application = registered(served.store, environment="live")
        wire = asking()
        sandbox = claims(application, CURSOR, wire, environment="sandbox")
        metadata = bearing(signed(header(application), sandbox, application.private_key))
        with grpc.insecure_channel(served.address) as channel:
            call: Any = channel.unary_unary(CURSOR)
            with pytest.raises(grpc.RpcError) as refusal:
                call(wire, timeout=PATIENCE_SECONDS, metadata=metadata)
        assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_live_without_a_token_key_takes_signed_reads_and_exchanges_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "live"
    with serving(folder, **live(folder, token_key=None)) as served:
        application = registered(served.store, environment="live")
        wire = asking()
        told = claims(application, CURSOR, wire, environment="live")
        metadata = bearing(signed(header(application), told, application.private_key))
        with grpc.insecure_channel(served.address) as channel:
            call: Any = channel.unary_unary(CURSOR)
            assert call(wire, timeout=PATIENCE_SECONDS, metadata=metadata) == b"\n\x06orders"
        with client(served, application) as calling:
            assert reason(calling.access_token) == "TOKENS_NOT_ISSUED"
