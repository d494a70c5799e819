"""Composes the server, and serves. Read this first: it shows how the rooms hang together.

Settings, clocks, randomness and keys come in here and nowhere else; every room is
given what it needs. The order is that of the doing:

1. Keys from the data folder; the store, migrated; the scorecard that is served.
2. The desk where identities are submitted, with its evidence sources.
3. The pipeline around every method; health; reflection, but not in live.
4. The writer that stores the records of all streams, and the worker, for what
   nobody waits for.

With several workers this process serves nothing itself: it makes sure that a server
could start and the port is free, and supervises as many processes (processes), of
which the first does the background work.

Plaintext is served on loopback alone. SIGTERM drains: health says NOT_SERVING,
calls under way finish, streams end behind what they have sent, the worker ends its
round, the store is closed.

    serve(Settings())      # until SIGTERM or Ctrl-C
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing.connection import Connection
from typing import Final

import grpc
import structlog
import uvloop
from google.protobuf.descriptor import ServiceDescriptor

from bonafides import issuing, listening, logs, mail, opening, processes
from bonafides.access.callers import TokenVerifier
from bonafides.access.credentials import ApplicationCredentials
from bonafides.card_keys import served_card
from bonafides.card_watch import CardWatch
from bonafides.identity import qr
from bonafides.identity.filing import Shelf
from bonafides.identity.integrator_operations import AGENT_INDEX, Integration
from bonafides.identity.operations import Desk
from bonafides.identity.ownership_operations import Ownership
from bonafides.instants import Instant
from bonafides.keys import Keys, load_or_create
from bonafides.login_keys import LoginKeys
from bonafides.personal.sealing import Vault
from bonafides.records import operations as records
from bonafides.records.group_commit import GroupCommit
from bonafides.registers import register
from bonafides.rpc.access_services import AccessService
from bonafides.rpc.application_services import ApplicationService
from bonafides.rpc.consent_services import ConsentService, OwnershipService
from bonafides.rpc.documents import DocumentService
from bonafides.rpc.draft_services import DraftService
from bonafides.rpc.eyes import Eyes
from bonafides.rpc.health import StockServices
from bonafides.rpc.integrator_services import IntegratorService
from bonafides.rpc.pipeline import Limits, Pipeline, World
from bonafides.rpc.platform_services import PlatformService
from bonafides.rpc.rating_services import RatingService
from bonafides.rpc.recording import Recorder
from bonafides.rpc.review_services import ReviewService
from bonafides.rpc.rights_services import RightsService
from bonafides.rpc.services import ArchiveService, IdentityService, RecordService
from bonafides.rpc.sights import Sights
from bonafides.rpc.switch_services import SwitchService
from bonafides.rpc.token_services import TokenService
from bonafides.settings import Settings, SettingsError
from bonafides.sourcing import evidence_sources, magic
from bonafides.storage.agencies import Agents
from bonafides.storage.audit import Writer
from bonafides.storage.audit_log import AuditLog
from bonafides.storage.follower import Follower
from bonafides.storage.known_applications import KnownApplications
from bonafides.storage.masks import Masks
from bonafides.storage.platform_reads import Readers
from bonafides.storage.shared_batch import SharedBatch
from bonafides.storage.snapshots import Snapshots
from bonafides.storage.standings import Standings
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import (
    access_service_pb2,
    application_service_pb2,
    archive_service_pb2,
    consent_service_pb2,
    document_service_pb2,
    draft_service_pb2,
    identity_service_pb2,
    integrator_service_pb2,
    ownership_service_pb2,
    platform_service_pb2,
    rating_service_pb2,
    record_service_pb2,
    review_service_pb2,
    rights_service_pb2,
    switch_service_pb2,
    token_service_pb2,
)
from bonafides.worker import Worker, read_documents, rounds

Clock = Callable[[], Instant]

_PSEUDONYM_BYTES: Final = 8
_MOST_PSEUDONYMS: Final = 8_192
# Far above what the pipeline admits: its refusals say when to come back, the
# core's do not. This one only bounds memory.
_MOST_RPCS: Final = 1_000
_KIBI: Final = 1_024
_YOUNG_OBJECTS: Final = 4_000
_LOG_LINGER_SECONDS: Final = 0.02
OPTIONS: Final = (
    # 4 MiB of empty sub-messages become 158 MiB of objects; 256 KiB become 10.
    ("grpc.max_receive_message_length", 256 * _KIBI),
    ("grpc.max_concurrent_streams", 100),
    ("grpc.max_metadata_size", 12 * _KIBI),
    ("grpc.absolute_max_metadata_size", 16 * _KIBI),
    ("grpc.max_connection_idle_ms", 60_000),
    ("grpc.max_connection_age_ms", 30 * 60_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
    # A peer that went silent is found in a minute; one that pings too often is cut off.
    ("grpc.keepalive_time_ms", 40_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 60_000),
    ("grpc.http2.max_ping_strikes", 2),
)
# A second server on a taken port must fail, and not quietly get half the calls. The
# processes of one server do share theirs.
_ALONE: Final = ("grpc.so_reuseport", 0)
_SHARED: Final = ("grpc.so_reuseport", 1)


@dataclass(slots=True)
class Server:
    """Everything that one process serves with."""

    settings: Settings
    store: Store
    snapshots: Snapshots
    follower: Follower
    # Has a card that is promoted while this process runs served by it.
    watch: CardWatch
    vault: Vault
    keys: Keys
    pipeline: Pipeline
    writer: GroupCommit
    # What calls leave in the database before they are answered: rows of the audit.
    batch: SharedBatch
    audit: AuditLog
    recorder: Recorder
    worker: Worker
    services: Mapping[ServiceDescriptor, object]
    # The published keys of OIDC issuers, and the thread that fetches them.
    login_keys: LoginKeys
    stock: StockServices
    # Stores uploads, one after the other.
    storing: ThreadPoolExecutor
    # Has the QR codes of uploads read.
    reading: Worker
    address: str = ""
    # Whether other processes serve the same port, and whether this one has the worker.
    shared: bool = False
    background: bool = True
    _grpc: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listens, and begins with the background work.

        Raises:
            SettingsError: the address can't be listened on.
        """
        self._grpc = grpc.aio.server(
            options=(*OPTIONS, _SHARED if self.shared else _ALONE),
            maximum_concurrent_rpcs=_MOST_RPCS,
        )
        self._grpc.add_generic_rpc_handlers(
            [
                *(self.pipeline.handlers(*bound) for bound in self.services.items()),
                *self.stock.handlers(),
            ]
        )
        self.snapshots.start()
        self.follower.start()
        self.watch.start()
        self.login_keys.start()
        self.address = listening.listen(self._grpc, self.settings)
        await self._grpc.start()
        self.writer.start()
        self.batch.start()
        self.audit.start()
        await self.stock.serving()
        if self.background:
            self.worker.start()
            self.reading.start()

    async def stop(self) -> None:
        """Drains: lets calls under way finish, for as long as the settings say."""
        await self.stock.draining()
        await self.pipeline.drain()
        if self._grpc is not None:
            await self._grpc.stop(self.settings.drain_seconds)
        await asyncio.to_thread(self.worker.stop)
        await asyncio.to_thread(self.reading.stop)
        await asyncio.to_thread(self.pipeline.close)
        await asyncio.to_thread(self.storing.shutdown)
        await asyncio.to_thread(self.writer.close)
        await self.recorder.drain()
        await self.audit.drain()
        await asyncio.to_thread(self.batch.close)
        self.follower.stop()
        self.watch.stop()
        self.login_keys.stop()
        self.close()

    def close(self) -> None:
        """Gives back what `build` opened."""
        self.snapshots.close()
        self.store.close()


def build(settings: Settings, clock: Clock) -> Server:
    """Composes a server; nothing listens yet.

    Raises:
        SettingsError: keys, issuers or the address are not fit for this environment.
    """
    listening.require_private(settings)
    keys = load_or_create(settings)  # 1
    vault = Vault(keys.kek, settings.environment)
    card = served_card(settings)
    store = opening.open_store(settings)
    follower = Follower(store, monotonic=time.monotonic)
    snapshots = Snapshots(store, follower)
    eyes = Eyes(Standings(store, follower))
    sights = Sights(eyes, Masks(store, follower), Readers(store))
    courier = mail.courier(settings)
    desk = Desk(  # 2
        store=store,
        vault=vault,
        sources=evidence_sources(settings, store, vault),
        card=card,
        agreement_version=settings.agreement_version,
        submissions_per_day=settings.submissions_per_day,
        verification_days=settings.verification_days,
        source_seconds=settings.source_seconds,
        sandbox=magic(settings),
    )
    integration = Integration(
        desk, settings.environment, settings.site_url.rstrip("/"), secrets.token_bytes
    )
    agents = Agents(
        store, follower, lambda token: vault.index(AGENT_INDEX, token), settings.environment
    )
    issuers, login_keys = issuing.issuers(settings, keys)
    verifier = TokenVerifier(issuers, settings.token_audience, settings.environment)
    login_keys.hear(verifier.forget)
    applications = ApplicationCredentials(
        store,
        KnownApplications(store, follower),
        environment=settings.environment,
        audience=settings.token_audience,
        token_key=keys.tokens,
    )
    world = World(
        now=clock,
        monotonic=time.monotonic,
        new_call_id=opening.CallIds(),
        pseudonym=lru_cache(_MOST_PSEUDONYMS)(
            lambda code: vault.index("audit", code)[:_PSEUDONYM_BYTES].hex()
        ),
    )
    limits = Limits(
        settings.threads,
        settings.default_deadline_seconds,
        log_linger_seconds=_LOG_LINGER_SECONDS,
    )
    writer = GroupCommit(  # 4
        lambda batches, now: records.take_in(store, batches, now=now), now=clock
    )
    batch = SharedBatch(store)
    audit = AuditLog(store, batch, Writer(vault))
    recorder = Recorder(audit, batch, vault)
    shelf = Shelf(store, vault, settings.documents_per_day)
    storing = ThreadPoolExecutor(1, thread_name_prefix="document")
    reading = read_documents(shelf, qr.QrReader() if qr.installed() else None)
    services = {  # 3
        _service(identity_service_pb2, "IdentityService"): IdentityService(desk, eyes),
        _service(archive_service_pb2, "ArchiveService"): ArchiveService(
            store, snapshots, lambda: desk.card, sights
        ),
        _service(rating_service_pb2, "RatingService"): RatingService(
            store,
            lambda: desk.card,
            settings.models_dir,
            sights,
            receipt_key=keys.receipts,
        ),
        _service(record_service_pb2, "RecordService"): RecordService(
            store, vault, writer, served=lambda: desk.card, eyes=eyes
        ),
        _service(consent_service_pb2, "ConsentService"): ConsentService(desk),
        _service(ownership_service_pb2, "OwnershipService"): OwnershipService(
            Ownership(desk, opening.digits, courier)
        ),
        _service(document_service_pb2, "DocumentService"): DocumentService(shelf, storing, eyes),
        _service(rights_service_pb2, "RightsService"): RightsService(desk),
        _service(draft_service_pb2, "DraftService"): DraftService(desk),
        _service(review_service_pb2, "ReviewService"): ReviewService(desk),
        _service(application_service_pb2, "ApplicationService"): ApplicationService(
            register(
                settings, store, vault, keys, draw=opening.digits, can_send=courier is not None
            )
        ),
        _service(switch_service_pb2, "SwitchService"): SwitchService(desk),
        _service(platform_service_pb2, "PlatformService"): PlatformService(desk, snapshots, sights),
        _service(access_service_pb2, "AccessService"): AccessService(desk),
        _service(integrator_service_pb2, "IntegratorService"): IntegratorService(integration),
        _service(token_service_pb2, "TokenService"): TokenService(applications),
    }
    return Server(
        settings=settings,
        store=store,
        snapshots=snapshots,
        follower=follower,
        watch=CardWatch(
            settings, card, take=partial(setattr, desk, "card"), monotonic=time.monotonic
        ),
        vault=vault,
        keys=keys,
        pipeline=Pipeline(
            verifier,
            limits,
            world,
            applications=applications,
            meter=opening.open_meter(settings, store, follower, vault),
            recorder=recorder,
            agents=agents,
        ),
        login_keys=login_keys,
        writer=writer,
        batch=batch,
        audit=audit,
        recorder=recorder,
        worker=Worker(rounds(desk, courier), now=clock, pause_seconds=settings.worker_seconds),  # 4
        services=services,
        stock=StockServices(
            (descriptor.full_name for descriptor in services),
            # In live the schema is not handed out to whoever asks.
            reflected=settings.environment != "live",
        ),
        storing=storing,
        # Apart from the worker: a page that is drawn to be slow must not delay the fold.
        reading=Worker((reading,), now=clock, pause_seconds=settings.worker_seconds),
    )


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or Ctrl-C, then drains.

    Raises:
        SettingsError: it can't start like this; the text names the remedy.
    """
    logs.configure()
    if settings.workers > 1:
        _supervise(settings)
    else:
        _run(build(settings, system_clock))


def _supervise(settings: Settings) -> None:
    """Serves with several processes on one port."""
    # Whatever keeps a server from starting shows here, once, and keys are made.
    build(settings, system_clock).close()
    with listening.reserved(settings.listen) as listen:
        served = settings.model_copy(update={"listen": listen})
        try:
            processes.supervise(
                _serve_shared,
                served,
                count=settings.workers,
                drain_seconds=settings.drain_seconds,
            )
        except processes.StartError as fault:
            raise SettingsError(str(fault)) from None


def _serve_shared(settings: Settings, number: int, news: Connection) -> None:
    """Serves beside others, in a process of its own."""
    logs.configure()
    try:
        server = build(settings, system_clock)
    except SettingsError as fault:
        news.send(str(fault))
        return
    server.shared = True
    # One is enough; if it dies, its successor has the same number.
    server.background = number == 0
    _run(server, news)


def _run(server: Server, news: Connection | None = None) -> None:
    # What is built lives as long as the process. Records come by the thousand and are
    # gone at once, without cycles: looking for those at every 700 objects costs 30 % of
    # the time that reading records takes. Each call leaves six objects in a cycle of the
    # library's: looking for those of 3,000 calls at once, all would wait 10 ms for it, and
    # as long for what outlived twenty looks: hence five. At all objects every 400th looks.
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 5, 80)
    uvloop.run(_serve(server, news))


def system_clock() -> Instant:
    """Returns the time of this machine."""
    return Instant(time.time_ns() // 1_000)


async def _serve(server: Server, news: Connection | None = None) -> None:
    """Serves until it is told to stop; `news` is told that it is up, or why it is not."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    log = structlog.get_logger("bonafides.server")
    try:
        try:
            await server.start()
        except SettingsError as fault:
            if news is None:
                raise
            news.send(str(fault))
            return
        if news is not None:
            # Before the log says so: whoever reads it may end this process at once.
            news.send("")
            loop.add_reader(processes.parent_died(), stopping.set)
        log.info(
            "serving",
            address=server.address,
            environment=server.settings.environment,
            process=os.getpid(),
            background=server.background,
        )
        await stopping.wait()
        log.info("draining", seconds=server.settings.drain_seconds)
    finally:
        await server.stop()


def _service(module: object, name: str) -> ServiceDescriptor:
    descriptor: ServiceDescriptor = module.DESCRIPTOR.services_by_name[name]  # type: ignore[attr-defined]  # modules share no type
    return descriptor
