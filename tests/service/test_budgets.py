"""Budgets in the database and through a real channel: shared, refused, closed, taken away."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.rpc.error_details_pb2 import RetryInfo
from typer.testing import CliRunner

from bonafides.access.budgets import Account, Limit, Payer
from bonafides.access.purses import Purses, Seen, Want
from bonafides.cli import app
from bonafides.client import Client, RemoteError
from bonafides.errors import BudgetSpentError, StoreUnavailableError
from bonafides.identity.codes import compose
from bonafides.instants import DAY, MICROSECONDS, Instant, day_of, to_datetime
from bonafides.storage import budgets as rows
from bonafides.storage import tables
from bonafides.storage.budgets import StoredLedger
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_service_pb2, rating_service_pb2, switch_pb2
from tests import builders
from tests.logged import captured
from tests.service.test_hot_read import wait_until
from tests.service.test_pipeline import Answer, ask
from tests.serving import Served, serving

NOW = builders.NOW
TODAY = day_of(NOW)
CODE = builders.code(1)
ABSENT = builders.code(2)
LIMIT = Limit(calls=60, enterprises=30)
SHOP = Account(Payer.PLATFORM, "s" * 32, LIMIT)
GET_SCORECARD = "/bonafides.v1.RatingService/GetScorecard"
SCORECARD = rating_service_pb2.GetScorecardRequest(name="scorecards/champion").SerializeToString()

Events = list[MutableMapping[str, Any]]


def get(served: Served, code: str, token: str | None = None, **metadata: str) -> Answer:
    wire = archive_service_pb2.GetArchiveRequest(name=f"enterprises/{code}/archive")
    return ask(
        served.address,
        wire.SerializeToString(),
        token=token,
        metadata=tuple((key.replace("_", "-"), value) for key, value in metadata.items()),
    )


def want(**changes: Any) -> Want:
    return replace(Want(SHOP.key, LIMIT, TODAY), **changes)


@contextmanager
def taken_away(store: Store) -> Iterator[None]:
    """Takes the database away, from all who have it open too, and brings it back."""
    name = store.url.database or ""
    if store.url.get_backend_name() == "sqlite":
        store.engine.dispose()
        files = [Path(f"{name}{end}") for end in ("", "-wal", "-shm")]
        held = [(file, file.rename(f"{file}.away")) for file in files if file.exists()]
        Path(name).mkdir()
        try:
            yield
        finally:
            store.engine.dispose()
            Path(name).rmdir()
            for file, away in held:
                away.rename(file)
        return
    admin = sa.create_engine(store.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
        try:
            yield
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    admin.dispose()


def count(store: Store, table: sa.Table) -> int:
    with store.reading() as work:
        found: int = work.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    return found


def spend_all(url: str, first: int) -> int:
    """Reads 200 enterprises as one process of several; returns how many were shown."""
    store = Store(url)
    purses = Purses(StoredLedger(store), processes=2, wait_seconds=60)
    shown = 0
    for code in range(first, first + 200):
        try:
            purses.look_up([SHOP], code, NOW, waits=True)
        except BudgetSpentError:
            continue
        shown += 1
    store.close()
    return shown


@pytest.mark.feature("D8")
def test_two_processes_together_show_no_more_than_the_limit(
    store: Store, database_url: str
) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        shown = pool.starmap(spend_all, [(database_url, 0), (database_url, 1_000)])
    assert LIMIT.enterprises - 2 * LIMIT.enterprises_block <= sum(shown) <= LIMIT.enterprises
    assert count(store, tables.budget_day) == 1


@pytest.mark.feature("D8")
def test_enterprises_are_leased_in_blocks_and_in_the_end_singly(store: Store) -> None:
    ledger = StoredLedger(store)
    leases = [ledger.lease([want(enterprises=True)], [], NOW)[0].enterprises for _ in range(12)]
    assert leases == [5, 5, 5, 5, 5, 1, 1, 1, 1, 1, 0, 0]


@pytest.mark.feature("D8")
def test_tokens_are_leased_until_the_bucket_is_empty_and_come_back(store: Store) -> None:
    ledger = StoredLedger(store)

    def lease(now: Instant, calls: int = 1) -> tuple[int, Instant]:
        made = ledger.lease([want(calls=calls)], [], now)[0]
        return made.calls, made.again_at

    assert [lease(NOW)[0] for _ in range(8)] == [7] * 8
    assert [lease(NOW)[0] for _ in range(4)] == [1] * 4
    assert lease(NOW, calls=3) == (0, NOW + 3 * MICROSECONDS)
    assert lease(Instant(NOW + 3 * MICROSECONDS), calls=3) == (3, 0)


def test_first_lease_of_the_day_tells_who_was_seen(store: Store) -> None:
    ledger = StoredLedger(store)
    seen = [Seen(SHOP.key, TODAY, 7), Seen(SHOP.key, TODAY, -8), Seen("other", TODAY, 9)]
    ledger.lease([], [*seen, *seen], NOW)
    ledger.lease([], seen, NOW)
    (first,) = ledger.lease([want(enterprises=True, first=True)], [], NOW)
    assert first.seen == {7, -8}


def test_what_is_over_is_forgotten(store: Store) -> None:
    ledger = StoredLedger(store)
    seen = [Seen(SHOP.key, TODAY, 7)]
    ledger.lease([want(calls=1, enterprises=True)], seen, NOW)
    assert rows.prune(store, NOW) == 0
    assert rows.prune(store, Instant(NOW + 2 * DAY)) == 3
    assert rows.prune(store, Instant(NOW + 2 * DAY)) == 0


@pytest.mark.feature("D8")
def test_while_the_database_is_away_the_public_has_a_part_and_others_nothing(
    store: Store,
) -> None:
    public = Account(Payer.ANONYMOUS, "p" * 32, LIMIT)
    purses = Purses(StoredLedger(store), processes=6, wait_seconds=60)
    shown = 0
    with taken_away(store):
        for code in range(20):
            try:
                purses.look_up([public], code, NOW, waits=True)
                shown += 1
            except BudgetSpentError:
                pass
        with pytest.raises(StoreUnavailableError):
            purses.look_up([SHOP], 1, NOW, waits=True)
    assert shown == LIMIT.enterprises // 6
    purses.look_up([SHOP], 1, Instant(NOW + 2 * MICROSECONDS), waits=True)


@pytest.mark.feature("D8")
def test_server_without_its_database_answers_the_public_alone(
    database_url: str, tmp_path: Path
) -> None:
    limits = {"calls_per_minute": {"anonymous": 24}, "budget_processes": 8}
    with serving(tmp_path / "data", database_url, **limits) as served:
        token = served.token()
        with taken_away(served.store):
            asked = [ask(served.address, SCORECARD, path=GET_SCORECARD) for _ in range(5)]
            member = ask(served.address, SCORECARD, path=GET_SCORECARD, token=token)
    codes = [answer.code for answer in asked]
    assert codes == [grpc.StatusCode.OK] * 3 + [grpc.StatusCode.RESOURCE_EXHAUSTED] * 2
    assert member.code is grpc.StatusCode.UNAVAILABLE
    assert member.info.reason == "STORE_UNAVAILABLE"


@pytest.mark.feature("D8")
def test_spent_budget_tells_neither_which_limit_nor_whether_an_enterprise_is_there(
    database_url: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", database_url, enterprises_per_day={"anonymous": 3}) as served:
        builders.enroll(served.store, CODE)
        for number in range(10, 13):
            assert get(served, builders.code(number).text).code is grpc.StatusCode.NOT_FOUND
        refused = [get(served, code.text) for code in (CODE, ABSENT)]
    for answer in refused:
        assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert answer.info.reason == "BUDGET_SPENT"
        assert set(answer.info.metadata) == {"retry_after_seconds", "call_id"}
        wait = answer.detail(RetryInfo).retry_delay.seconds
        assert 0 < wait <= DAY // MICROSECONDS
        assert answer.trailers["retry-after"] == str(wait)
        assert answer.body == b""
    assert len({(answer.message, answer.trailers["retry-after"]) for answer in refused}) == 1


@pytest.mark.feature("D8")
def test_too_many_calls_are_refused_in_the_same_words_as_too_many_enterprises(
    database_url: str, tmp_path: Path
) -> None:
    limits = {
        "calls_per_minute": {"anonymous": 5, "member": 1_000},
        "enterprises_per_day": {"member": 1},
    }
    with serving(tmp_path / "data", database_url, **limits) as served:
        builders.enroll(served.store, CODE)
        calls = [get(served, CODE.text) for _ in range(6)]
        token = served.token()
        reads = [get(served, code.text, token) for code in (CODE, CODE, ABSENT)]
    spent, other = calls[-1], reads[-1]
    assert [answer.code for answer in calls[:-1]] == [grpc.StatusCode.OK] * 5
    assert [answer.code for answer in reads[:-1]] == [grpc.StatusCode.OK] * 2
    assert spent.detail(RetryInfo).retry_delay.seconds == 12
    assert (spent.code, spent.info.reason, spent.message) == (
        other.code,
        other.info.reason,
        other.message,
    )


@pytest.mark.feature("D8")
def test_reads_that_a_lease_pays_for_write_nothing(served: Served) -> None:
    builders.enroll(served.store, CODE)
    get(served, CODE.text)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            statements.append(statement)

    sa.event.listen(served.store.engine, "before_cursor_execute", note)
    codes = [get(served, CODE.text).code for _ in range(50)]
    assert codes == [grpc.StatusCode.OK] * 50
    # The public's reads are counted in passing, many at once; nothing is paid by a write.
    assert [each for each in statements if "disclosure_count" not in each] == []


@pytest.mark.feature("D8")
def test_proxy_that_is_believed_tells_the_address_and_nobody_else_does(
    database_url: str, tmp_path: Path
) -> None:
    limits: dict[str, Any] = {"enterprises_per_day": {"anonymous": 1}}
    believed = {"trusted_proxies": ["127.0.0.1"]}
    for number, (settings, codes) in enumerate([(limits | believed, "NNR"), (limits, "NRR")]):
        folder, url = tmp_path / str(number), database_url if number == 0 else ""
        with serving(folder, url, **settings) as served:
            answers = [
                get(served, builders.code(10).text, x_forwarded_for="203.0.113.1"),
                get(served, builders.code(11).text, x_forwarded_for="x, 198.51.100.1"),
                get(served, builders.code(12).text, x_forwarded_for="198.51.100.9"),
            ]
        assert "".join(answer.code.name[0] for answer in answers) == codes


def test_what_was_seen_outlives_the_server(database_url: str, tmp_path: Path) -> None:
    limits = {"enterprises_per_day": {"anonymous": 5}}
    codes = [builders.code(number).text for number in range(10, 15)]
    for _ in range(2):
        with serving(tmp_path / "data", database_url, **limits) as served:
            for code in codes:
                assert get(served, code).code is grpc.StatusCode.NOT_FOUND
            assert get(served, CODE.text).code is grpc.StatusCode.RESOURCE_EXHAUSTED


@contextmanager
def staff(served: Served, name: str = "staff-1") -> Iterator[Client]:
    with served.client(served.token("operator", subject=name)) as client:
        yield client


@pytest.mark.feature("D8")
def test_closed_interface_answers_nobody_until_it_is_opened(served: Served) -> None:
    builders.enroll(served.store, CODE)
    assert get(served, CODE.text).code is grpc.StatusCode.OK
    with staff(served) as client:
        made = client.switches.close("bonafides.v1.ArchiveService/GetArchive", reason="crawled")
        for token in (None, served.token(), served.token("operator")):
            answer = get(served, CODE.text, token)
            assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert answer.info.reason == "INTERFACE_CLOSED"
            assert "retry-after" not in answer.trailers
        assert [each.name for each in client.switches.switches()] == [made.name]
        ended = client.switches.open(made.name)
        assert client.switches.open(made.name) == ended
        assert get(served, CODE.text).code is grpc.StatusCode.OK
        assert client.switches.switches() == []
        (kept,) = client.switches.switches(ended=True)
    assert kept.set_by.endswith("|staff-1")
    assert kept.ended_by == kept.set_by
    assert kept.reason == "crawled"


@pytest.mark.feature("D8")
def test_switch_acts_in_every_other_process(
    served: Served, database_url: str, tmp_path: Path
) -> None:
    url = database_url
    if url.startswith("sqlite"):
        url = f"sqlite:///{served.store.url.database}"
    builders.enroll(served.store, CODE)
    with serving(tmp_path / "other", url) as other:
        assert get(other, CODE.text).code is grpc.StatusCode.OK
        with staff(served) as client:
            client.switches.close("bonafides.v1.ArchiveService", reason="crawled")
        closed = grpc.StatusCode.RESOURCE_EXHAUSTED
        wait_until(lambda: get(other, CODE.text).code is closed)


@pytest.mark.feature("D8")
def test_switch_closes_to_one_prefix_or_one_login_and_to_nobody_else(served: Served) -> None:
    builders.enroll(served.store, CODE)
    token, other = served.token(subject="crawler"), served.token(subject="other")
    get(served, CODE.text, token)
    with served.store.reading() as work:
        keys = set(work.execute(sa.select(tables.budget_calls.c.key)).scalars())
    get(served, CODE.text, other)
    target = switch_pb2.Switch.Target
    with staff(served) as client:
        # Of the login's two accounts one is its own, and one its prefix's, which closes to all.
        shut: list[tuple[bool, bool, bool]] = []
        for key in sorted(keys):
            made = client.switches.close(reason="crawls", target=target(key=key))
            told = [get(served, CODE.text, each).code.name for each in (token, other, None)]
            shut.append((told[0] == "OK", told[1] == "OK", told[2] == "OK"))
            client.switches.open(made.name)
        assert sorted(shut) == [(False, False, True), (False, True, True)]
        client.switches.close(reason="crawls", target=target(prefix="127.0.0.0/24"))
        assert get(served, CODE.text, token).info.reason == "INTERFACE_CLOSED"
        assert get(served, CODE.text).info.reason == "INTERFACE_CLOSED"
        # Staff of the same prefix can still take it back.
        client.switches.open(client.switches.switches()[0].name)
    assert get(served, CODE.text, token).code is grpc.StatusCode.OK


@pytest.mark.feature("D8")
def test_switch_with_a_time_says_when_it_opens_and_does(served: Served) -> None:
    token = served.token("operator")
    until = to_datetime(Instant(NOW + 3_600 * MICROSECONDS))
    with served.client(token) as client:
        client.switches.close("bonafides.v1.RatingService", reason="load", until=until)
    answer = ask(served.address, SCORECARD, path=GET_SCORECARD)
    assert answer.detail(RetryInfo).retry_delay.seconds == 3_600
    served.clock.now = Instant(NOW + 3_600 * MICROSECONDS)
    assert ask(served.address, SCORECARD, path=GET_SCORECARD).code is grpc.StatusCode.OK


def test_switch_that_closes_nothing_or_everything_is_refused(served: Served) -> None:
    target = switch_pb2.Switch.Target
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("interface", {}),
        ("interface", {"interface": "bonafides.v1.ArchiveServise"}),
        ("interface", {"interface": "bonafides.v1.ArchiveService/Get"}),
        ("interface", {"interface": "grpc.health.v1.Health"}),
        ("target.prefix", {"target": target(prefix="10.0.0.0/8")}),
        ("target.key", {"target": target(key="short")}),
        ("target.application", {"target": target(application="two words")}),
        ("expire_time", {"interface": "bonafides.v1.RatingService", "until": to_datetime(NOW)}),
    )
    with staff(served) as client:
        for field, asked in cases:
            with pytest.raises(RemoteError) as refusal:
                client.switches.close(reason="why", **asked)
            assert [violation.field for violation in refusal.value.violations] == [field]


def test_switch_is_set_once_for_a_request_id_and_in_place_of_one_for_the_same(
    served: Served,
) -> None:
    request_id = "6f2f1b1c-7f2e-4f5e-8a53-3f9c1f3f2a10"
    with staff(served) as client:
        first, again = (
            client.switches.close("bonafides.v1.RatingService", reason="one", request_id=request_id)
            for _ in range(2)
        )
        assert first == again
        with pytest.raises(RemoteError) as refusal:
            client.switches.close("bonafides.v1.RatingService", reason="x", request_id=request_id)
        assert refusal.value.reason == "REQUEST_ID_REUSED"
        second = client.switches.close("bonafides.v1.RatingService", reason="two")
        assert [each.name for each in client.switches.switches()] == [second.name]
        assert len(client.switches.switches(ended=True)) == 2
        with pytest.raises(RemoteError) as refusal:
            client.switches.open("switches/of-nobody")
        assert refusal.value.reason == "RESOURCE_NOT_FOUND"


def test_switch_is_answered_again_when_its_time_is_over(served: Served) -> None:
    told: dict[str, Any] = {
        "reason": "one",
        "until": to_datetime(Instant(NOW + DAY)),
        "request_id": "6f2f1b1c-7f2e-4f5e-8a53-3f9c1f3f2a10",
    }
    with staff(served) as client:
        first = client.switches.close("bonafides.v1.RatingService", **told)
        served.clock.now = Instant(NOW + 2 * DAY)
    with staff(served) as client:
        assert client.switches.close("bonafides.v1.RatingService", **told).name == first.name
        with pytest.raises(RemoteError) as refusal:
            client.switches.close("bonafides.v1.RatingService", **(told | {"request_id": None}))
        assert [each.field for each in refusal.value.violations] == ["expire_time"]


@pytest.mark.feature("D8")
def test_canary_that_is_looked_up_is_told_of_in_the_log_by_pseudonyms(served: Served) -> None:
    with staff(served) as client:
        client.switches.set_canary(ABSENT.text)
        with captured() as events:
            assert get(served, ABSENT.text).code is grpc.StatusCode.NOT_FOUND
            get(served, CODE.text)
        again = client.switches.set_canary(ABSENT.text)
        client.switches.set_canary(ABSENT.text, marked=False)
        with captured() as later:
            get(served, ABSENT.text)
        (kept,) = client.switches.canaries()
    (alarm,) = [event for event in events if event["event"] == "canary_looked_up"]
    assert alarm["log_level"] == "error"
    assert alarm["caller"] == "anonymous"
    assert len(alarm["key"]) == 32
    assert ABSENT.text not in repr(events)
    assert [event for event in later if event["event"] == "canary_looked_up"] == []
    assert again.marked
    assert not kept.marked


def test_code_of_a_real_enterprise_is_no_canary(served: Served) -> None:
    real = compose("91", "110105", "MA000000").text
    with staff(served) as client, pytest.raises(RemoteError) as refusal:
        client.switches.set_canary(real)
    assert [violation.reason for violation in refusal.value.violations] == ["NOT_GENERATED"]


def test_log_names_the_account_that_is_spent_by_the_key_that_a_switch_takes(
    database_url: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", database_url, calls_per_minute={"member": 1}) as served:
        token = served.token()
        with captured() as events:
            codes = [get(served, ABSENT.text, token).code.name for _ in range(2)]
            # The journal writes a little later.
            wait_until(lambda: any("key" in event for event in events))
        assert codes == ["NOT_FOUND", "RESOURCE_EXHAUSTED"]
        (key,) = [event["key"] for event in events if "key" in event]
        with staff(served) as client:
            client.switches.close(reason="crawls", target=switch_pb2.Switch.Target(key=key))
        assert get(served, ABSENT.text, token).info.reason == "INTERFACE_CLOSED"


def test_commands_close_and_open_and_mark(served: Served) -> None:
    token = served.token("operator")

    def told(*words: str) -> Any:
        env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
        env |= {"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token}
        run = CliRunner().invoke(app, [*words, "--json"], env=env)
        assert run.exit_code == 0, run.output
        return json.loads(run.stdout)

    made = told("switch", "close", "--prefix", "198.51.100.0/24", "--reason", "crawls")
    assert made["target"] == {"prefix": "198.51.100.0/24"}
    assert [each["name"] for each in told("switch", "list")["switches"]] == [made["name"]]
    assert "end_time" in told("switch", "open", made["name"])
    assert told("canary", "mark", ABSENT.text)["marked"]
    assert len(told("canary", "list")["canaries"]) == 1


@pytest.mark.parametrize("hours", ["-1", "9000", "nan", "inf"])
def test_command_that_closes_for_no_time_there_is_names_the_option(hours: str) -> None:
    told = CliRunner().invoke(
        app, ["switch", "close", "--key", "x", "--hours", hours, "--reason", "x"]
    )
    assert told.exit_code == 2
    assert "--hours" in told.stderr
    assert "8760" in told.stderr
