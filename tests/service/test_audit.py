"""Every disclosure to a known caller has its row, before its answer; and the owner's log of them.

"Before the answer" is looked at from outside: whoever holds an answer finds its row.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from bonafides.access.audit import OK, Count, Entry, Shape, Shown, entry
from bonafides.access.callers import ANONYMOUS, SANDBOX_ISSUER, Caller, CallerKind, mint
from bonafides.client import Client, RemoteError
from bonafides.client.aio import AsyncClient
from bonafides.client.requests import NO_PURPOSE
from bonafides.errors import BugError, StoreUnavailableError
from bonafides.identity.access_operations import forget_accesses
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, Day, Instant, day_of, start_of
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
from bonafides.rpc.call import Call, Received, bound
from bonafides.rpc.events import Event
from bonafides.rpc.recording import MOST_COUNTS, Recorder
from bonafides.server import system_clock
from bonafides.settings import Settings
from bonafides.storage import audit, tables
from bonafides.storage.audit_log import AuditLog
from bonafides.storage.shared_batch import SharedBatch
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import (
    access_pb2,
    access_service_pb2,
    access_service_pb2_grpc,
    archive_service_pb2,
    consent_service_pb2,
    consent_service_pb2_grpc,
    purpose_pb2,
)
from tests import builders
from tests.builders import NOW, PLATFORM, TODAY
from tests.service.test_rights import later, submitted
from tests.serving import Served

ELIGIBILITY = purpose_pb2.READ_PURPOSE_ELIGIBILITY
CODE = builders.code(1)
OTHER = builders.code(2)
ARCHIVE = f"enterprises/{CODE.text}/archive"
Access = access_pb2.Access
_COUNT = tables.disclosure_count.c


def rows(store: Store) -> Sequence[sa.Row[Any]]:
    key = (tables.disclosure.c.day, tables.disclosure.c.writer, tables.disclosure.c.number)
    with store.reading() as work:
        return work.execute(sa.select(tables.disclosure).order_by(*key)).all()


def counts(store: Store) -> dict[str, int]:
    with store.reading() as work:
        found = work.execute(sa.select(_COUNT.method, _COUNT["count"].label("times"))).all()
        return {row.method: row.times for row in found}


def drop(served: Served, table: sa.Table) -> None:
    with served.store.writing() as work:
        work.connection.exec_driver_sql(f"DROP TABLE {table.name}")
        work.commit()


def owner_of(served: Served, code: UnifiedCode = CODE) -> Client:
    return served.client(served.token(subject="owner", owns=[code.text]))


def read_twice(client: Client, code: UnifiedCode = CODE) -> None:
    """Reads on a thread, and then, what is known by now, on the event loop."""
    client.get_archive(code.text)
    client.get_archive(code.text)


# --- The rows -------------------------------------------------------------------------


@pytest.mark.feature("F4")
def test_row_says_who_what_when_and_the_digests_of_the_very_bytes(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client(served.token("platform")) as client:
        answer = client.get_archive(CODE.text, purpose=ELIGIBILITY)
    (row,) = rows(served.store)
    asked = archive_service_pb2.GetArchiveRequest(name=ARCHIVE, purpose=ELIGIBILITY)
    request = asked.SerializeToString()
    assert (row.day, row.shown_at, row.outcome) == (TODAY, NOW, "OK")
    assert (row.kind, row.platform, row.audience) == ("platform", PLATFORM, "PLATFORM")
    assert (row.method, row.purpose) == ("ArchiveService/GetArchive", "ELIGIBILITY")
    assert row.request_sha256 == hashlib.sha256(request).digest()
    shown = answer.SerializeToString(deterministic=True)
    assert row.view_sha256 == hashlib.sha256(shown).digest()
    assert row.token_id


@pytest.mark.feature("F4", "D5")
def test_rows_hold_neither_code_nor_subject(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client(served.token(subject="somebody-by-name")) as client:
        read_twice(client)
        client.get_rating(CODE.text)
    found = rows(served.store)
    assert len(found) == 3
    told = repr([tuple(row) for row in found])
    assert CODE.text not in told
    assert "somebody-by-name" not in told
    assert len({row.enterprise for row in found}) == len({row.caller for row in found}) == 1


@pytest.mark.feature("F4")
def test_each_of_many_reads_at_once_is_answered_for_itself_and_has_its_row(served: Served) -> None:
    enterprises = [builders.code(number) for number in range(1, 11)]
    for enterprise in enterprises:
        builders.enroll(served.store, enterprise)
    codes = [enterprise.text for enterprise in enterprises]
    token = served.token(subject="reader")

    async def read() -> None:
        async with AsyncClient(served.address, token=token) as client:
            # On a thread, so that it is known afterwards.
            for code in codes:
                await client.get_archive(code)
            for _ in range(3):
                answers = await asyncio.gather(*map(client.get_archive, codes * 2))
                assert [answer.registration.code for answer in answers] == codes * 2

    asyncio.run(read())
    found = Counter(row.enterprise for row in rows(served.store))
    assert sorted(found.values()) == [7] * len(codes)


@pytest.mark.feature("F4")
def test_audience_of_a_row_is_that_of_the_view(served: Served) -> None:
    builders.enroll(served.store, CODE)
    for kind, owns in (("member", []), ("member", [CODE.text]), ("operator", [])):
        with served.client(served.token(kind, subject=f"s{len(owns)}", owns=owns)) as client:
            read_twice(client)
            client.get_rating(CODE.text)
    assert Counter(row.audience for row in rows(served.store)) == {
        "MEMBER": 3,
        "OWNER": 3,
        "OPERATOR": 3,
    }


def test_unknown_enterprise_leaves_no_row(served: Served) -> None:
    with served.client(served.token()) as client, pytest.raises(RemoteError):
        client.get_archive(CODE.text)
    assert rows(served.store) == []


def test_list_over_enterprises_leaves_a_row_for_each(served: Served) -> None:
    for code in (CODE, OTHER):
        builders.enroll(served.store, code)
        with owner_of(served, code) as owner:
            owner.reviews.request(code.text)
    before = len(rows(served.store))
    with served.client(served.token("operator")) as staff:
        staff.rights.queue()
    listed = rows(served.store)[before:]
    assert {row.method for row in listed} == {"RightsService/ListQueue"}
    assert len({row.enterprise for row in listed}) == 2


@pytest.mark.feature("B4")
def test_refusal_for_a_purpose_nobody_listed_leaves_a_line(served: Served) -> None:
    builders.enroll(served.store, CODE)
    request = consent_service_pb2.GrantConsentRequest(
        request_id=builders.request_id(),
        parent=f"enterprises/{CODE.text}",
        purpose=99,  # type: ignore[arg-type]  # a purpose that nobody published
        scope=["registration"],
        text_version="1",
        text_sha256=bytes(32),
        evidence_sha256=bytes(32),
        grant_time=builders.stamp(Instant(NOW - DAY)),
    )
    with owner_of(served) as owner:
        stub = consent_service_pb2_grpc.ConsentServiceStub(owner._connection.channel)
        with pytest.raises(RemoteError) as caught:
            owner._connection.call(stub.GrantConsent, request)
    assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
    (row,) = rows(served.store)
    assert (row.method, row.outcome) == ("ConsentService/GrantConsent", caught.value.reason)


def test_method_that_is_not_for_the_caller_leaves_a_line(served: Served) -> None:
    with served.client(served.token()) as client, pytest.raises(RemoteError):
        client.rights.queue()
    (row,) = rows(served.store)
    assert (row.kind, row.outcome, row.enterprise) == ("member", "METHOD_NOT_ALLOWED", None)


def test_reads_of_the_public_are_counted_and_leave_no_row(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client() as client:
        for _ in range(5):
            client.get_archive(CODE.text)
    wait_for_counts(served, 5)
    assert rows(served.store) == []


def wait_for_counts(served: Served, reads: int) -> None:
    """Waits until the counts are in the database; they are written behind the answers."""
    deadline = time.monotonic() + 20
    while sum(counts(served.store).values()) < reads:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert counts(served.store) == {"ArchiveService/GetArchive": reads}


# --- The store is away ----------------------------------------------------------------


@pytest.mark.feature("F4")
def test_logged_in_read_that_cannot_be_written_down_is_not_answered(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client(served.token()) as client, served.client() as anybody:
        read_twice(client)
        drop(served, tables.disclosure)
        # On the event loop, and on a thread.
        for read in (client.get_archive, client.get_rating):
            with pytest.raises(RemoteError) as caught:
                read(CODE.text)
            assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        assert anybody.get_archive(CODE.text).registration.code == CODE.text


def test_public_is_served_until_a_thousand_counts_are_not_written(
    store: Store, vault: Vault
) -> None:
    with store.writing() as work:
        work.connection.exec_driver_sql("DROP TABLE disclosure_count")
        work.commit()
    batch = SharedBatch(store)
    batch.start()
    descriptor = archive_service_pb2.DESCRIPTOR.services_by_name["ArchiveService"]
    method = bound(descriptor.methods_by_name["GetArchive"], _Handlers())
    event = Event("id")
    event.enterprise = CODE.text
    received = Received((), [])
    received.call = Call(ANONYMOUS, NOW, received, event)

    async def reads() -> None:
        recorder = Recorder(AuditLog(store, batch, audit.Writer(vault)), batch, vault)
        for _ in range(MOST_COUNTS):
            assert recorder.answered(method, received, event, b"") is None
        waiting = recorder.answered(method, received, event, b"")
        assert waiting is not None
        with pytest.raises(StoreUnavailableError):
            await waiting
        await recorder.drain()

    try:
        asyncio.run(reads())
    finally:
        # Its thread keeps the process until it is closed.
        batch.close()


@pytest.mark.feature("F4")
def test_answer_that_does_not_say_of_whom_it_is_is_a_fault_and_leaves_no_row(
    store: Store, vault: Vault
) -> None:
    batch = SharedBatch(store)
    descriptor = archive_service_pb2.DESCRIPTOR.services_by_name["ArchiveService"]
    method = bound(descriptor.methods_by_name["GetArchive"], _Handlers())
    event = Event("id")
    received = Received((), [])
    received.call = Call(Caller(CallerKind.MEMBER, "issuer", "subject"), NOW, received, event)

    async def read() -> None:
        recorder = Recorder(AuditLog(store, batch, audit.Writer(vault)), batch, vault)
        with pytest.raises(BugError):
            recorder.answered(method, received, event, b"")

    asyncio.run(read())
    assert rows(store) == []


class _Handlers:
    def get_archive(self, _request: object, _call: Call) -> bytes:
        return b""


_SERVE = (
    "from bonafides.server import serve; from bonafides.settings import Settings; serve(Settings())"
)
_ANSWERS = 60
_THREADS = 8


@pytest.mark.feature("F4")
def test_no_answer_is_without_its_row_after_the_process_was_killed(
    database_url: str, tmp_path: Path
) -> None:
    """Callers read side by side, each with a token of its own; the process is killed.

    Rows without an answer may be there; an answer without its row never is.
    """
    now = system_clock()
    settings = Settings(data_dir=tmp_path / "data", database_url=database_url)
    key = load_or_create(settings).issuer_private_key
    store = Store(database_url)
    store.migrate()
    builders.enroll(store, CODE, now=now)
    process, address = _started(settings)
    answered: list[str] = []

    def read() -> None:
        with contextlib.suppress(RemoteError):
            while True:
                token = mint(
                    key,
                    issuer=SANDBOX_ISSUER,
                    audience=settings.token_audience,
                    subject="reader",
                    kind="member",
                    ttl_seconds=600,
                    now=now,
                )
                with Client(address, token=token) as client:
                    client.get_archive(CODE.text)
                answered.append(_id_of(token))

    threads = [threading.Thread(target=read) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while len(answered) < _ANSWERS and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    for thread in threads:
        thread.join()
    assert len(answered) >= _ANSWERS
    assert set(answered) <= {row.token_id for row in rows(store)}
    store.close()


def _started(settings: Settings) -> tuple[subprocess.Popen[bytes], str]:
    """Returns a serving process and its address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = os.environ | {
        "BONAFIDES_DATA_DIR": str(settings.data_dir),
        "BONAFIDES_DATABASE_URL": settings.database_url,
        "BONAFIDES_LISTEN": address,
    }
    process = subprocess.Popen(  # noqa: S603 - our own server
        [sys.executable, "-c", _SERVE],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with Client(address) as client:
                client.get_archive(CODE.text)
        except RemoteError:
            time.sleep(0.05)
        else:
            return process, address
    process.kill()
    raise AssertionError("it does not answer")


def _id_of(token: str) -> str:
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return str(claims["jti"])


# --- The owner's log ------------------------------------------------------------------


@pytest.mark.feature("F4")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_log_of_the_owner_is_complete_against_the_audit(served: Served, seed: int) -> None:
    """All kinds of callers read at random, on several days; page by page it is all there."""
    drawn = random.Random(seed)  # noqa: S311 - a test's own reads
    for code in (CODE, OTHER):
        builders.enroll(served.store, code)
    for _ in range(25):
        served.clock.now = Instant(NOW + drawn.randrange(3) * DAY + drawn.randrange(1_000))
        _read_at_random(served, drawn)
    served.clock.now = Instant(NOW + 3 * DAY)
    expected = _expected(served)
    with owner_of(served) as owner:
        told = owner.accesses.log(CODE.text)
        stub = access_service_pb2_grpc.AccessServiceStub(owner._connection.channel)
        paged = _paged(owner, stub)
    # Its own reading of the log is in it from then on: of this day, and left out here.
    earlier = [line for line in told if _day(line) != day_of(served.clock.now)]
    assert _lines(earlier) == expected
    assert [line for line in paged if _day(line) != day_of(served.clock.now)] == earlier
    order = [(-_day(line), line.kind in _NAMED) for line in told]
    assert order == sorted(order)


_PURPOSES = (ELIGIBILITY, purpose_pb2.READ_PURPOSE_ACCESS_ASSESSMENT)
_NAMED = {Access.KIND_PLATFORM, Access.KIND_STAFF}


def _read_at_random(served: Served, drawn: random.Random) -> None:
    code = drawn.choice([CODE, CODE, OTHER])
    kind = drawn.choice(["member", "owner", "platform", "platform-b", "operator", "nobody"])
    token = {
        "member": served.token(subject=f"m{drawn.randrange(3)}"),
        "owner": served.token(subject="owner", owns=[code.text]),
        "platform": served.token("platform"),
        "platform-b": served.token("platform", platform="platform-b"),
        "operator": served.token("operator"),
        "nobody": None,
    }[kind]
    purpose = drawn.choice(_PURPOSES) if kind.startswith("platform") else NO_PURPOSE
    with served.client(token) as client:
        if kind == "nobody" or drawn.random() < 0.5:
            client.get_archive(code.text, purpose=purpose)
        else:
            client.get_rating(code.text, purpose=purpose)


def _expected(served: Served) -> Counter[tuple[Any, ...]]:
    """Returns the lines that the rows of the audit amount to."""
    with served.store.reading() as work:
        known = audit.find_pseudonym(work, served.vault, CODE.text)
    lines: Counter[tuple[Any, ...]] = Counter()
    for row in rows(served.store):
        if row.enterprise != known:
            continue
        if row.kind == "member":
            own = Access.KIND_OWN_PERSONS if row.audience == "OWNER" else Access.KIND_PERSONS
            lines[own, row.day, 0, "", "", ""] += 1
        else:
            kind = Access.KIND_PLATFORM if row.platform else Access.KIND_STAFF
            lines[kind, row.day, row.shown_at, row.platform, row.method, row.purpose] += 1
    return lines


def _lines(told: Sequence[access_pb2.Access]) -> Counter[tuple[Any, ...]]:
    lines: Counter[tuple[Any, ...]] = Counter()
    for line in told:
        at = line.access_time.ToMicroseconds() if line.HasField("access_time") else 0
        named = purpose_pb2.ReadPurpose.Name(line.purpose) if line.purpose else ""
        purpose = named.removeprefix("READ_PURPOSE_")
        lines[line.kind, _day(line), at, line.platform, line.method, purpose] += line.count
    return lines


def _day(line: access_pb2.Access) -> int:
    return (dt.date(line.date.year, line.date.month, line.date.day) - dt.date(1970, 1, 1)).days


def _paged(owner: Client, stub: Any) -> list[access_pb2.Access]:
    found: list[access_pb2.Access] = []
    request = access_service_pb2.ListAccessesRequest(parent=f"enterprises/{CODE.text}", page_size=3)
    while True:
        answer, _ = owner._connection.call(stub.ListAccesses, request)
        assert len(answer.accesses) <= 3
        found += answer.accesses
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


@pytest.mark.feature("F4")
def test_log_says_never_which_person_it_was(served: Served) -> None:
    builders.enroll(served.store, CODE)
    for subject in ("first", "second", "second"):
        with served.client(served.token(subject=subject)) as client:
            client.get_archive(CODE.text)
    with owner_of(served) as owner:
        (line,) = owner.accesses.log(CODE.text)
    assert line == Access(kind=Access.KIND_PERSONS, date=line.date, count=3)


@pytest.mark.feature("F4")
@pytest.mark.parametrize("kind", ["member", "platform", "operator"])
def test_log_is_for_those_who_act_for_the_enterprise(served: Served, kind: str) -> None:
    builders.enroll(served.store, CODE)
    told = []
    for code in (CODE, OTHER):
        with served.client(served.token(kind)) as client, pytest.raises(RemoteError) as caught:
            client.accesses.log(code.text)
        told.append((caught.value.code, str(caught.value.reason)))
    member = kind == "member"
    refused = grpc.StatusCode.NOT_FOUND if member else grpc.StatusCode.PERMISSION_DENIED
    # Of another's enterprise and of none, the same.
    assert told[0] == told[1]
    assert told[0][0] is refused


@pytest.mark.parametrize("token", ["x", "1.2.3", "1.2.3.4.-5", "1.2.3.4.5.6", "9" * 90])
def test_page_token_of_nobody_is_refused(served: Served, token: str) -> None:
    builders.enroll(served.store, CODE)
    request = access_service_pb2.ListAccessesRequest(
        parent=f"enterprises/{CODE.text}", page_token=token
    )
    with owner_of(served) as owner:
        stub = access_service_pb2_grpc.AccessServiceStub(owner._connection.channel)
        with pytest.raises(RemoteError) as caught:
            owner._connection.call(stub.ListAccesses, request)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT


# --- Unlinking, the term -----------------------------------------------------------------


@pytest.mark.feature("J2")
def test_unlinked_rows_stay_and_are_nobodys(served: Served) -> None:
    builders.enroll(served.store, CODE)
    with served.client(served.token("platform")) as client:
        client.get_archive(CODE.text, purpose=ELIGIBILITY)
        with served.store.writing() as work:
            audit.unlink(work, CODE.text)
            work.commit()
        with owner_of(served) as owner:
            assert owner.accesses.log(CODE.text) == []
        client.get_archive(CODE.text, purpose=ELIGIBILITY)
    first, asked, second = rows(served.store)
    assert first.enterprise != second.enterprise == asked.enterprise


@pytest.mark.feature("J2")
def test_erasure_that_ends_the_verification_unlinks_and_a_strangers_does_not(
    served: Served,
) -> None:
    company = builders.code().text

    def known() -> bytes | None:
        with served.store.reading() as work:
            return audit.find_pseudonym(work, served.vault, company)

    with served.client(served.token()) as member:
        made = submitted(served, member)
        before = known()
    assert before is not None
    with served.client(served.token(subject="stray")) as stray:
        wrong = stray.submit_identity(
            builders.claims(title="九九别名样例有限公司"), builders.request_id(2)
        )
        later(served)
        stray.rights.erase(wrong.name)
    assert known() == before
    later(served)
    with served.client(served.token()) as member:
        member.rights.erase(made.name)
    # The answer to the erasure itself is written down, under the name that begins there.
    assert known() not in {before, None}


def made(code: UnifiedCode, *, acts_for: str = "") -> Entry:
    shape = Shape("MEMBER", "ArchiveService/GetArchive", 0, 0)
    caller = Caller(CallerKind.MEMBER, "issuer", "subject", token_id="token", acts_for=acts_for)
    return entry(caller, b"c", shape, Shown(code.text, NOW, "", OK), (b"q", b"a"))


@pytest.mark.feature("F4")
def test_rows_of_one_statement_bear_the_salt_that_stands_and_all_go_in_or_none(
    tmp_path: Path, vault: Vault
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'audit.sqlite'}")
    store.migrate()
    writer = audit.Writer(vault)

    def added(*entries: Entry) -> int:
        with contextlib.closing(sqlite3.connect(str(store.url.database))) as connection:
            told = writer.statement(connection, entries)
        assert told is not None
        with store.writing() as work:
            done = work.connection.exec_driver_sql(told.text, tuple(told.values)).rowcount
            work.commit()
        return done

    # There are no salts yet: they are made in a unit of work.
    with contextlib.closing(sqlite3.connect(str(store.url.database))) as connection:
        assert writer.statement(connection, [made(CODE)]) is None
    with store.writing() as work:
        writer(work, [made(CODE, acts_for=OTHER.text), made(OTHER)])
        work.commit()
    assert added(made(CODE, acts_for=OTHER.text), made(OTHER)) == 2
    kept = rows(store)
    first, second = [(row.enterprise, row.acts_for) for row in kept[:2]]
    assert first[1] == second[0] is not None
    assert second[1] is None
    assert [(row.enterprise, row.acts_for) for row in kept[2:]] == [first, second]
    # Unlinked, by another process: what this one remembers is no longer the salt.
    with store.writing() as work:
        audit.unlink(work, CODE.text)
        work.commit()
    assert added(made(OTHER), made(CODE)) == 0
    assert len(rows(store)) == len(kept)
    with store.writing() as work:
        writer(work, [made(CODE)])
        work.commit()
    assert rows(store)[-1].enterprise not in {None, first[0], second[0]}
    assert added(made(CODE)) == 1
    store.close()


def test_rows_go_after_their_term_and_not_before(store: Store, vault: Vault) -> None:
    writer = audit.Writer(vault)
    shape = Shape("MEMBER", "ArchiveService/GetArchive", 0, 0)
    caller = Caller(CallerKind.MEMBER, "issuer", "subject", token_id="token")
    days = (TODAY, TODAY - audit.KEPT_DAYS, TODAY - audit.KEPT_DAYS - 1)
    with store.writing() as work:
        made = [
            entry(caller, b"c", shape, Shown(CODE.text, start_of(Day(day)), "", OK), (b"q", b"a"))
            for day in days
        ]
        writer(work, made)
        audit.add_counts(work, [Count(Day(day), "m", 1) for day in days])
        work.commit()
    assert forget_accesses(store, now=NOW) == 1
    assert forget_accesses(store, now=NOW) == 0
    assert {row.day for row in rows(store)} == set(days[:2])
