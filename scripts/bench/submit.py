"""Submitting an identity that the registry's table bears out, against a bare write RPC.

    submit.<database>.over_bare_write   time of SubmitIdentity until VERIFIED, one caller,
                                        over a bare gRPC method that stores its request's
                                        bytes in one durable commit
    submit.sealing.over_bare_write      making a subject's key, wrapping it and sealing
                                        claims and two answers under it, over the same

A submission is three durable commits, the bare write one, so three is the least there
is with a disk that is slow. As a program it is the bare server:

    python -m scripts.bench.submit sqlite:////tmp/plain.db 127.0.0.1:40000
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, Final

import grpc
import sqlalchemy as sa
import uvloop

from bonafides.access.callers import SANDBOX_ISSUER, CallerKind, mint
from bonafides.client import Client
from bonafides.identity.codes import GENERATED_REGION, compose
from bonafides.identity.registry_operations import load_registry
from bonafides.instants import to_timestamp
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Place, Vault
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import enterprise_pb2 as enterprise
from bonafides.v1 import identity_service_pb2 as identity_service
from scripts.bench import sample, workload
from scripts.bench.databases import DIALECTS, Databases
from scripts.bench.effort import Effort
from scripts.bench.figures import of_rounds, ratios
from scripts.bench.processes import NotMeasuredError, ours, service, started
from scripts.measured import Figure

_PUT: Final = "/bench.Write/Put"
_TOKEN_SECONDS: Final = 3_600
_SHARE: Final = 20
_ID_NUMBER: Final = "990000199003070021"
_PERSON: Final = "测一二"
_ANSWER_BYTES: Final = 600
_SEALED: Final = (700, _ANSWER_BYTES, _ANSWER_BYTES)


def measure(folder: Path, made: Databases, effort: Effort) -> Iterator[Figure]:
    """Yields the rows of submitting."""
    calls = max(effort.calls // _SHARE, 20)
    for dialect in DIALECTS:
        data = folder / f"submit_{dialect}"
        url = "" if dialect == "sqlite" else made.fresh(dialect)
        bodies = _prepared(data, url, count=calls * (effort.rounds + 1))
        command = service(data, database_url=url)
        told = {**command.environment, "BONAFIDES_SUBMISSIONS_PER_DAY": str(len(bodies) + 1)}
        commands = {
            "service": dataclasses.replace(command, environment=told),
            "bare": ours("submit", made.fresh(dialect)),
        }
        with started(commands, folder) as servers:
            addresses = {name: server.address for name, server in servers.items()}
            yield from _compared(dialect, addresses, data, bodies, effort)


def _compared(
    dialect: str,
    addresses: Mapping[str, str],
    data: Path,
    bodies: Sequence[identity_service.SubmitIdentityRequest],
    effort: Effort,
) -> Iterator[Figure]:
    calls = len(bodies) // (effort.rounds + 1)
    submitting: list[float] = []
    writing: list[float] = []
    with (
        Client(addresses["service"], token=_token(data)) as client,
        grpc.insecure_channel(addresses["bare"]) as channel,
    ):
        put: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_PUT)
        # The first round warms both up and is left out.
        for start in range(0, len(bodies), calls):
            part = bodies[start : start + calls]
            submitting.append(_each_ms(lambda one: _verified(client, one), part))
            wire = [one.SerializeToString() for one in part]
            writing.append(_each_ms(put, wire))
    ours_, bare = submitting[1:], writing[1:]
    beside = f"{median(ours_):.2f} ms to {median(bare):.2f}, one caller"
    yield of_rounds(f"submit.{dialect}.over_bare_write", ratios(ours_, bare), beside)
    if dialect == "sqlite":
        sealing = [_sealing_ms(effort.scores // _SHARE) for _ in bare]
        beside = f"{median(sealing) * 1_000:.0f} us to {median(bare):.2f} ms"
        yield of_rounds("submit.sealing.over_bare_write", ratios(sealing, bare), beside)


def _prepared(data: Path, url: str, count: int) -> list[identity_service.SubmitIdentityRequest]:
    """Returns as many submissions, each of an enterprise that the registry's table knows."""
    settings = sample.settings(data)
    vault = Vault(load_or_create(settings).kek, settings.environment)
    codes = [compose("91", GENERATED_REGION, f"{70_000_000 + n}").text for n in range(count)]
    now = sample.now()
    store = Store(url or settings.url)
    try:
        store.migrate()
        table = [_row(code) for code in codes]
        if load_registry(store, vault, table, now=now).rejected:
            raise NotMeasuredError("the registry's rows were refused")
    finally:
        store.close()
    stamp = to_timestamp(now)
    return [
        identity_service.SubmitIdentityRequest(
            request_id=str(uuid.uuid4()),
            claims=enterprise.Claims(
                code=code,
                title=f"九九市{code[8:16]}贸易有限公司",
                phone="19900000000",
                email="contact@example.com",
                license=enterprise.License(copy_sha256=hashlib.sha256(code.encode()).digest()),
                representative=enterprise.Representative(person=_PERSON, id_number=_ID_NUMBER),
                authorizations=[
                    enterprise.Authorization(
                        purpose=enterprise.PURPOSE_VERIFY_IDENTITY,
                        scope=["person", "id_number"],
                        evidence_sha256=bytes(32),
                        grant_time=stamp,
                    )
                ],
                assent=enterprise.Assent(
                    agreement_version=settings.agreement_version, assent_time=stamp
                ),
            ),
        )
        for code in codes
    ]


def _row(code: str) -> dict[str, str | None]:
    return {
        "code": code,
        "title": f"九九市{code[8:16]}贸易有限公司",
        "retrieved_at": "2026-01-01T00:00:00+08:00",
        "operating_state": "存续",
        "representative": _PERSON,
        "representative_id_number": _ID_NUMBER,
    }


def _verified(client: Client, request: identity_service.SubmitIdentityRequest) -> None:
    made = client.submit_identity(request.claims, request_id=request.request_id)
    if made.state != enterprise.Submission.STATE_VERIFIED:
        raise NotMeasuredError("a submission was not verified")


def _token(data: Path) -> str:
    settings = sample.settings(data)
    return mint(
        load_or_create(settings).issuer_private_key,
        issuer=SANDBOX_ISSUER,
        audience=settings.token_audience,
        subject="bench",
        kind=CallerKind.MEMBER,
        ttl_seconds=_TOKEN_SECONDS,
        now=sample.now(),
    )


def _each_ms(work: Callable[[Any], object], parts: Sequence[Any]) -> float:
    start = time.perf_counter()
    for part in parts:
        work(part)
    return (time.perf_counter() - start) / len(parts) * 1_000


def _sealing_ms(number: int) -> float:
    vault = workload.vault()
    values = [os.urandom(size) for size in _SEALED]

    def seal(place: int) -> None:
        key, _wrapped = vault.new_key(f"subject {place}")
        for value in values:
            vault.seal(key, Place("submission", str(place), "personal"), value)

    return _each_ms(seal, range(number))


async def _serve_bare(url: str, address: str) -> None:
    """Serves a method that stores its request durably, until the process is ended."""
    store = Store(url, connections=1)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS plain (body TEXT NOT NULL)")
    insert = sa.text("INSERT INTO plain VALUES (:body)")

    def write(body: bytes) -> None:
        with store.writing() as work:
            work.execute(insert, {"body": body.hex()})
            work.commit()

    thread = ThreadPoolExecutor(1)

    async def put(body: bytes, _context: object) -> bytes:
        await asyncio.get_running_loop().run_in_executor(thread, write, body)
        return b""

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler: Any = grpc.unary_unary_rpc_method_handler(put)
    _root, name, method = _PUT.split("/")
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, {method: handler})])
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve_bare(sys.argv[1], sys.argv[2]))
