"""The servers that reading is measured on, all up at once, and what each is asked.

    bare              raw bytes in, as many bytes out as the archive has
    sqlite            the service on SQLite; archives spread over all codes
    warm, miss        the service on PostgreSQL: few codes again and again; codes
                      that were never read before
    peer_*            the peer on the same databases, with as many rows
    crowd             the service on SQLite, 64 callers at once with one token
    bare_crowd        the bare server under the same

Every server is a process of its own and stays up until the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bonafides.client import Client
from bonafides.storage.unit_of_work import Store
from scripts.bench import bare, peer, sample
from scripts.bench.databases import DIALECTS, Databases
from scripts.bench.effort import Effort
from scripts.bench.load import Plan
from scripts.bench.processes import NotMeasuredError, Server, ours, service, started
from scripts.bench.sample import Sample

CONTENDERS: Final = (
    "bare",
    "sqlite",
    "warm",
    "miss",
    "peer_sqlite",
    "peer_postgresql",
    "bare_crowd",
    "crowd",
)
CROWD: Final = 64

_ARCHIVE: Final = "/bonafides.v1.ArchiveService/GetArchive"
# As many as a server of default settings takes at once.
_CALLERS: Final = 16
# Twice as many calls as threads are admitted.
_CROWD_THREADS: Final = CROWD // 2
_WARM_CODES: Final = 100
# The peer takes several times as long, and its CPU per call settles as soon.
_PEER_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Scene:
    """The servers by contender, and what they are asked."""

    servers: Mapping[str, Server]
    codes: Sequence[str]
    token: str
    effort: Effort

    def plan(self, contender: str, number: int) -> Plan:
        """Returns what the contender is asked in the round of this number, from 0."""
        address, codes = self.servers[contender].address, self._codes(contender, number)
        if contender.startswith("peer"):
            calls = int(self.effort.calls * _PEER_SHARE)
            return Plan(address, "/archives/", codes, calls, _CALLERS, http1=True)
        crowd = contender.endswith("crowd")
        return Plan(
            address,
            bare.GET if contender.startswith("bare") else _ARCHIVE,
            sample.bodies(codes),
            self.effort.calls,
            CROWD if crowd else _CALLERS,
            token=self.token if crowd else None,
        )

    def _codes(self, contender: str, number: int) -> Sequence[str]:
        if contender == "warm":
            return self.codes[:_WARM_CODES]
        if contender != "miss":
            return self.codes
        # Each round has a part of its own, of codes that `warm` never reads.
        part = (len(self.codes) - _WARM_CODES) // self.effort.rounds
        return self.codes[_WARM_CODES + number * part :][:part]


@contextmanager
def staged(folder: Path, made: Databases, shown: Sample, effort: Effort) -> Iterator[Scene]:
    """Fills the databases, starts every server, and makes one real call to each of ours.

    Raises:
        NotMeasuredError: a server does not start, or answers with something else.
    """
    data = folder / "data"
    codes = sample.codes(effort.archives)
    url = made.fresh("postgresql")
    for one in (sample.settings(data).url, url):
        _fill(one, shown, codes)
    commands = {
        "bare": ours("bare", shown.size("PUBLIC")),
        "bare_crowd": ours("bare", shown.size("MEMBER")),
        "sqlite": service(data),
        "warm": service(data, database_url=url),
        "crowd": service(data, threads=_CROWD_THREADS),
    }
    for dialect in DIALECTS:
        rows = made.fresh(dialect)
        peer.fill(rows, codes)
        commands[f"peer_{dialect}"] = ours("peer", rows)
    with started(commands, folder) as servers:
        scene = Scene(servers | {"miss": servers["warm"]}, codes, sample.member_token(data), effort)
        for name in ("sqlite", "warm", "crowd"):
            _require_archive(servers[name], codes[-1])
        yield scene


def _fill(url: str, shown: Sample, codes: Sequence[str]) -> None:
    store = Store(url)
    try:
        store.migrate()
        sample.fill(store, shown, codes)
    finally:
        store.close()


def _require_archive(server: Server, code: str) -> None:
    """Refuses to measure a server that would answer fast with something else."""
    with Client(server.address) as client:
        if client.get_archive(code).registration.code != code:
            raise NotMeasuredError(f"{server.address} answers with another archive")
