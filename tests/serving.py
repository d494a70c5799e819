"""Serves in this process: a whole server, or a handler of a test behind the pipeline."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import structlog
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.descriptor import ServiceDescriptor

from bonafides import server
from bonafides.access.budgets import Payer
from bonafides.access.callers import SANDBOX_ISSUER, TokenVerifier, mint
from bonafides.client import Client
from bonafides.errors import NotFoundError
from bonafides.instants import Instant
from bonafides.personal.sealing import Vault
from bonafides.rating import signature
from bonafides.rating.scorecard import ARTIFACT, champion_version, models_folder
from bonafides.rpc.pipeline import Limits, Pipeline, World
from bonafides.settings import Settings
from bonafides.storage.unit_of_work import Store
from tests import builders, databases

AUDIENCE = "bonafides-sandbox"
# What takes longer hangs, however busy the machine is: nothing waits for it when all is well.
PATIENCE_SECONDS = 30.0


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: Instant = builders.NOW) -> None:
        self.now = now

    def __call__(self) -> Instant:
        return self.now


@dataclass
class Served:
    """A server that listens, and what a test needs to talk to it."""

    address: str
    settings: Settings
    store: Store
    vault: Vault
    clock: Clock
    server: server.Server = field(repr=False)
    # What it logged so far; who logs later in this process is in it, too.
    log: Sequence[str] = field(repr=False)

    def token(
        self,
        kind: str = "member",
        *,
        subject: str = "member-1",
        owns: Sequence[str] = (),
        platform: str = "",
        application: str = "",
        ttl_seconds: int = 600,
    ) -> str:
        """Returns an access token of the sandbox; a platform's names the builders' platform."""
        return mint(
            self.server.keys.issuer_private_key,
            issuer=SANDBOX_ISSUER,
            audience=self.settings.token_audience,
            subject=subject,
            kind=kind,
            owns=owns,
            platform=platform or (builders.PLATFORM if kind == "platform" else ""),
            application=application,
            ttl_seconds=ttl_seconds,
            now=self.clock.now,
        )

    def client(self, token: str | None = None, agent_token: str | None = None) -> Client:
        """Returns a client; without a token it is the anonymous caller's."""
        return Client(
            self.address,
            token=token,
            agent_token=agent_token,
            timeout_seconds=PATIENCE_SECONDS,
        )


@contextlib.contextmanager
def serving(folder: Path, database_url: str = "", **changes: Any) -> Iterator[Served]:
    """Serves from the folder, at the time of the builders; settings by keyword."""
    settings = Settings(
        **{
            "data_dir": folder,
            "database_url": database_url,
            "listen": "127.0.0.1:0",
            "drain_seconds": 1.0,
            # What callers may spend is low in the tests about that alone.
            "calls_per_minute": dict.fromkeys(Payer, 1_000_000),
            "enterprises_per_day": dict.fromkeys(Payer, 100_000),
            # A lease is waited for.
            "budget_seconds": PATIENCE_SECONDS,
            **(signed_cards(folder) if changes.get("environment") == "live" else {}),
            **changes,
        }
    )
    clock = Clock()
    databases.place(settings.url)
    with kept_log() as log:
        made = server.build(settings, clock)
        # Rounds are run by the tests that are about them: a first one in the background
        # would come at any moment of a test.
        made.background = "worker_seconds" in changes
        with looping() as loop:
            loop.run(made.start())
            try:
                yield Served(made.address, settings, made.store, made.vault, clock, made, log)
            finally:
                loop.run(made.stop())


def signed_cards(folder: Path) -> dict[str, Any]:
    """Makes cards of which the champion is signed, as live needs them; returns the settings."""
    key, models = Ed25519PrivateKey.generate(), folder / "models"
    shutil.copytree(models_folder(None), models)
    file = models / champion_version(models) / ARTIFACT
    signature.file_of(file).write_bytes(signature.signed(file.read_bytes(), key))
    public = folder / "card-public.pem"
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return {"models_dir": models, "card_key": public}


class _Whole:
    """Handlers of a test, with a refusal for every method of the service that it lacks."""

    def __init__(self, service: object) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        optional = name.startswith(("at_once_", "faults_in_"))
        return getattr(self._service, name) if optional else getattr(self._service, name, _unused)


def _unused(*_: Any) -> Any:
    raise NotFoundError


PROBE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def probe_token(kind: str = "member", **changes: Any) -> str:
    """Returns a token that the pipeline of `probing` takes."""
    claims: dict[str, Any] = {"subject": "member-1", "ttl_seconds": 600, "now": builders.NOW}
    return mint(
        PROBE_KEY, issuer=SANDBOX_ISSUER, audience=AUDIENCE, kind=kind, **(claims | changes)
    )


@contextlib.contextmanager
def probing(
    descriptor: ServiceDescriptor,
    service: object,
    *,
    threads: int = 2,
    default_deadline_seconds: float = 2.0,
    whole: bool = True,
    more: Sequence[ServiceDescriptor] = (),
    **limits: Any,
) -> Iterator[str]:
    """Serves handlers of a test behind the real pipeline; gives the address.

    Methods that the service lacks are refused; unless `whole`, they are missing. `more`
    are services whose methods the same object answers.
    """
    world = World(
        now=lambda: builders.NOW,
        monotonic=time.monotonic,
        new_call_id=lambda: str(uuid.uuid4()),
        pseudonym=lambda code: f"pseudonym of {len(code)}",
    )
    verifier = TokenVerifier({SANDBOX_ISSUER: PROBE_KEY.public_key()}, AUDIENCE, "sandbox")
    pipeline = Pipeline(verifier, Limits(threads, default_deadline_seconds, **limits), world)

    async def start() -> tuple[grpc.aio.Server, int]:
        made = grpc.aio.server(options=server.OPTIONS)
        made.add_generic_rpc_handlers(
            [
                pipeline.handlers(each, _Whole(service) if whole else service)
                for each in (descriptor, *more)
            ]
        )
        port = made.add_insecure_port("127.0.0.1:0")
        await made.start()
        return made, port

    with looping() as loop:
        made, port = loop.run(start())
        try:
            yield f"127.0.0.1:{port}"
        finally:
            loop.run(made.stop(0))
            pipeline.close()


class Loop:
    """An event loop on a thread of its own, as in the serving process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs the coroutine there and returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@contextlib.contextmanager
def looping() -> Iterator[Loop]:
    """Runs an event loop on a thread of its own."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server")
    thread.start()
    try:
        yield Loop(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


_STDERR = 2


class _Log:
    """Keeps lines: stdout belongs to the commands under test, and stderr to whoever reads it."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def msg(self, message: str) -> None:
        self._lines.append(message)

    debug = info = warning = error = critical = msg


@contextlib.contextmanager
def kept_log() -> Iterator[list[str]]:
    """Keeps what the server logs, and tells it on stderr once the server has ended.

    A server logs a moment after it has answered, which may be between two phases of a test:
    pytest captures nothing then, and the lines would stand among its own.
    """
    before, lines = structlog.get_config()["logger_factory"], list[str]()
    structlog.configure(logger_factory=lambda *_: _Log(lines))
    try:
        yield lines
    finally:
        structlog.configure(logger_factory=before)
        with open(_STDERR, "w", encoding="utf-8", closefd=False) as stderr:
            stderr.writelines(f"{line}\n" for line in lines)
