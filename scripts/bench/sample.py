"""Makes what is read: sample enterprises with archives, and many more like one of them.

Two enterprises come in by the operators' scripts, as in `make run`: registry,
submission, records, fold. What their archives look like is thus what the service
made of them. A database of many enterprises is then filled with copies under other
generated codes, which a reader can't tell from archives built one by one; their
snapshots are not due before a month has passed, so that no midnight comes between.

    sample = load(folder)
    fill(store, sample, codes(20_000))
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from bonafides.access.callers import SANDBOX_ISSUER, CallerKind, mint
from bonafides.identity.codes import GENERATED_REGION, compose
from bonafides.instants import DAY, Instant, from_datetime
from bonafides.keys import load_or_create
from bonafides.settings import Settings
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_service_pb2
from scripts.run_sandbox import load_sample, run_script

_ENTERPRISES: Final = 2
# Above every serial number that sample data use.
_FIRST_COPY: Final = 1_000_000
_VIEWS: Final = ("PUBLIC", "MEMBER")
_MOST_MINUTES: Final = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """An enterprise that takes part, and what two audiences see of it, as stored."""

    enterprise: dict[str, Any]
    views: tuple[dict[str, Any], ...]

    @property
    def code(self) -> str:
        """Its code."""
        return str(self.enterprise["code"])

    def size(self, view: str) -> int:
        """Returns how many bytes the view has."""
        return next(len(one["archive"]) for one in self.views if one["view"] == view)


def load(folder: Path) -> Sample:
    """Loads sample data into a data folder and returns one enterprise of them."""
    data = folder / "data"
    files = folder / "sample"
    run_script("make_sample_data.py", "--out", str(files), "--enterprises", str(_ENTERPRISES))
    environment = {"BONAFIDES_ENVIRONMENT": "sandbox", "BONAFIDES_DATA_DIR": str(data)}
    load_sample(files, environment=environment | {"BONAFIDES_DATABASE_URL": ""})
    store = Store(settings(data).url)
    try:
        with store.reading() as work:
            enterprises = work.execute(sa.select(tables.enterprise)).mappings().all()
            made = dict(enterprises[-1])
            views = sa.select(tables.snapshot).where(
                tables.snapshot.c.code == made["code"], tables.snapshot.c.view.in_(_VIEWS)
            )
            return Sample(made, tuple(dict(row) for row in work.execute(views).mappings()))
    finally:
        store.close()


def audited(data: Path) -> int:
    """Returns how many answers to known callers are written down in the data folder."""
    store = Store(settings(data).url)
    try:
        with store.reading() as work:
            rows = sa.select(sa.func.count()).select_from(tables.disclosure)
            return int(work.execute(rows).scalar_one())
    finally:
        store.close()


def settings(data: Path) -> Settings:
    """Returns the settings of a sandbox in the data folder, whatever the environment says."""
    return Settings(environment="sandbox", data_dir=data, database_url="")


def codes(count: int) -> list[str]:
    """Returns codes that no sample enterprise has."""
    return [
        compose("91", GENERATED_REGION, f"{_FIRST_COPY + number:08d}").text
        for number in range(count)
    ]


def fill(store: Store, sample: Sample, of: Sequence[str]) -> None:
    """Adds a copy of the sample's enterprise under each code, in one commit."""
    due = now() + 30 * DAY
    with store.writing() as work:
        work.execute(
            tables.enterprise.insert(), [sample.enterprise | {"code": code} for code in of]
        )
        for view in sample.views:
            work.execute(
                tables.snapshot.insert(),
                [
                    view
                    | {
                        "code": code,
                        "next_change_at": due,
                        # All codes have one length: nothing else in the bytes changes.
                        "archive": view["archive"].replace(sample.code.encode(), code.encode()),
                    }
                    for code in of
                ],
            )
        work.commit()


def bodies(of: Sequence[str]) -> list[str]:
    """Returns the request for each archive, in hex."""
    return [
        archive_service_pb2.GetArchiveRequest(name=f"enterprises/{code}/archive")
        .SerializeToString()
        .hex()
        for code in of
    ]


def member_token(data: Path) -> str:
    """Returns an access token of a logged-in user of the sandbox in the data folder."""
    return _token(data, CallerKind.MEMBER, "")


def platform_token(data: Path, platform: str) -> str:
    """Returns an access token of a platform, in the same way."""
    return _token(data, CallerKind.PLATFORM, platform)


def _token(data: Path, kind: CallerKind, platform: str) -> str:
    told = settings(data)
    return mint(
        load_or_create(told).issuer_private_key,
        issuer=SANDBOX_ISSUER,
        audience=told.token_audience,
        subject="bench",
        kind=kind,
        platform=platform,
        ttl_seconds=_MOST_MINUTES * 60,
        now=now(),
    )


def now() -> Instant:
    """Returns the time of this machine."""
    return from_datetime(dt.datetime.now(dt.UTC))
