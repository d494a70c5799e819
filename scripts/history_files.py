"""Reads the folder that `scripts/make_history.py` writes: who took part, and what was learned.

The truth that lies beside it is never opened.

    history = open_history(Path("build/history"))
    history.participants[0].sheet(as_of)
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonafides.archive.facts import Fact, Kind, OperatingState, Registration, Verification
from bonafides.archive.public_record_rows import read_row
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.registry import RowError
from bonafides.instants import Day, Instant, day_of, from_date, from_datetime, start_of
from bonafides.rating.training.participants import Grant, Learned, Participant
from bonafides.records.money import Money
from scripts.make_history import PARTICIPATION, PUBLIC_RECORDS, RECORDS, REGISTRY

_FEN: int = 100
_STATES = {"存续": OperatingState.IN_BUSINESS, "注销": OperatingState.DEREGISTERED}


class HistoryError(Exception):
    """A folder holds no history that can be read. Says which file, and the remedy."""


@dataclass(frozen=True, slots=True)
class History:
    """A history: its log as a Parquet file, its participants by code, its first and last day."""

    records: Path
    participants: tuple[Participant, ...]
    first: Day
    last: Day


def open_history(folder: Path) -> History:
    """Returns the history in a folder.

    Raises:
        HistoryError: a file is not there, or is not what it should be.
    """
    for name in (RECORDS, REGISTRY, PUBLIC_RECORDS, PARTICIPATION):
        if not (folder / name).is_file():
            raise HistoryError(
                f"{folder / name} is not there; make it with scripts/make_history.py"
            )
    try:
        learned = _learned(folder)
        participants = tuple(
            sorted(_participants(folder, learned), key=lambda each: each.code.text)
        )
        times = pq.read_table(folder / RECORDS, columns=["recorded_at"]).column("recorded_at")
        ends = pc.min_max(times).as_py()
    except (pa.ArrowInvalid, KeyError, RowError) as fault:
        raise HistoryError(f"{folder} can't be read: {fault}; make it anew") from None
    return History(
        folder / RECORDS,
        participants,
        day_of(Instant(ends["min"])),
        day_of(Instant(ends["max"])),
    )


def _learned(folder: Path) -> dict[str, list[Learned]]:
    """Returns what was learned of each code, in the order of learning."""
    found: dict[str, list[Learned]] = defaultdict(list)
    for row in pq.read_table(folder / REGISTRY).to_pylist():
        found[row["code"]].append(_registration(row))
    now = from_datetime(dt.datetime.max.replace(year=2100, tzinfo=dt.UTC))
    for row in pq.read_table(folder / PUBLIC_RECORDS).to_pylist():
        fact = read_row(row, now=now)
        found[row["code"]].append(Learned(fact.retrieved_at, fact))
    for each in found.values():
        each.sort(key=lambda one: one.at)
    return found


def _registration(row: dict[str, str]) -> Learned:
    at = from_datetime(dt.datetime.fromisoformat(row["retrieved_at"]))
    capital = Money(row["capital_currency"], int(row["capital"]) * _FEN) if row["capital"] else None
    value = Registration(
        title=row["title"],
        operating_state=_STATES[row["operating_state"]],
        legal_form=row["legal_form"],
        established=from_date(dt.date.fromisoformat(row["established"])),
        registered_capital=capital,
    )
    return Learned(at, Fact(row["code"], Kind.REGISTRATION, value, "registry", at, at))


def _participants(folder: Path, learned: dict[str, list[Learned]]) -> Iterator[Participant]:
    grants: dict[str, list[Grant]] = defaultdict(list)
    seen: dict[str, dict[str, Any]] = {}
    for row in pq.read_table(folder / PARTICIPATION).to_pylist():
        grants[row["code"]].append(Grant(row["platform"], row["from_day"], row["to_day"]))
        seen[row["code"]] = row
    for code, row in seen.items():
        yield Participant(
            code=UnifiedCode(code),
            region=row["region"],
            verification=Verification(
                uid=code,
                verified_at=start_of(row["verified_day"]),
                expires_at=start_of(row["expires_day"]),
            ),
            grants=tuple(grants[code]),
            learned=tuple(learned.get(code, ())),
        )
