"""Makes up what registry, courts and authorities come to say of a block of enterprises.

The lower the integrity, the likelier a penalty, an enforcement, a listing; whoever turns
worse is found out later at a higher rate. Each row stands with the instant at which the
service learned of it; that an entry was taken off is a row of its own, learned later.
The rows are those that `scripts/load_public_records.py` and `load_registry.py` read.

    published(block, seed=1)      # rows of what was published, in the order of learning
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bonafides.instants import SHANGHAI, Day, to_date
from scripts.sampling_latent import NEVER, REGIONS, YEAR, Block, Floats, Integers, generator

PUBLISHED: Final = (
    *("kind", "code", "source", "record_id", "matched_by", "begins", "retrieved_at", "removed"),
    *("removal_ground", "case_number", "court", "performance", "decision_number"),
    *("authority", "ground", "sanction", "severity"),
)
REGISTRY: Final = (
    *("code", "title", "operating_state", "legal_form", "established"),
    *("capital", "capital_currency", "retrieved_at"),
)
_COURT: Final = "九九市东湾区人民法院"
_REGULATOR: Final = "九九市市场监督管理局"
_FORMS: Final = ("有限责任公司", "个体工商户", "农民专业合作社")
_SEVERITIES: Final = ("轻微", "一般", "严重")
_FEN: Final = 100
_YEARS_OF_TERM: Final = 12


@dataclass(frozen=True, slots=True)
class Hazard:
    """How often a kind is published of an enterprise: exp(level + slope * integrity) a year.

    `taken_off` is the share that is taken off again, after `days` on average.
    """

    kind: str
    level: float
    slope: float
    taken_off: float
    days: int
    words: Mapping[str, str]


_CASE: Final = {"source": "court-list", "court": _COURT}
_LISTED: Final = {"source": "regulator-list", "authority": _REGULATOR}
HAZARDS: Final = (
    Hazard("PENALTY", -2.9, -0.8, 0.1, 200, _LISTED | {"sanction": "罚款"}),
    Hazard("ABNORMAL_OPERATIONS", -3.4, -0.6, 0.7, 120, _LISTED | {"ground": "未按期公示年度报告"}),
    Hazard("ENFORCEMENT", -3.9, -0.9, 0.5, 300, _CASE | {"performance": "未履行"}),
    Hazard("DISHONEST_DEBTOR", -4.6, -1.0, 0.4, 400, _CASE | {"performance": "未履行"}),
    Hazard("SERIOUS_ILLEGAL", -5.2, -1.1, 0.1, 500, _LISTED | {"ground": "其他"}),
)
# A namesake's entries, matched by name: nobody's integrity is behind them.
_NAMESAKES: Final = 0.004


def published(block: Block, seed: int) -> list[dict[str, str]]:
    """Returns what was published by the last day, a removal as a row of its own."""
    chance = generator(seed, block.number, 3)
    made = []
    for place, hazard in enumerate(HAZARDS):
        of, day = _events(block, hazard, chance)
        off = day + np.ceil(chance.exponential(hazard.days, day.size)).astype(np.int64)
        off = np.where(chance.random(day.size) < hazard.taken_off, off, NEVER)
        lag = chance.integers(1, 21, size=day.size)
        severity = chance.choice(3, day.size, p=(0.6, 0.3, 0.1))
        name = chance.random(day.size) < _NAMESAKES
        columns = (of, day, off, lag, severity, name)
        for number, event in enumerate(zip(*(each.tolist() for each in columns), strict=True)):
            made += _rows(block, hazard, f"{place}{block.number:03d}{number:06d}", event)
    return sorted(made, key=lambda row: (row["retrieved_at"], row["record_id"]))


def registered(block: Block) -> Iterator[dict[str, str]]:
    """Yields what the registry says: once when it was asked, again when an enterprise ended."""
    for number, code in enumerate(block.codes):
        department = int(block.department[number])
        capital = int(block.capital_minor[number])
        row = {
            "code": code,
            "title": f"九九市样例{code[8:16]}{_FORMS[department][:2]}",
            "operating_state": "存续",
            "legal_form": _FORMS[department],
            "established": _date(int(block.established[number])),
            "capital": "" if capital < 0 else str(capital // _FEN),
            "capital_currency": "" if capital < 0 else "CNY",
            "retrieved_at": _moment(int(block.joins[number])),
        }
        yield row
        ends = int(block.leaves[number]) + 20
        if block.deregistered[number] and ends <= block.span.last:
            yield row | {"operating_state": "注销", "retrieved_at": _moment(ends)}


def participating(block: Block) -> Iterator[dict[str, object]]:
    """Yields who was verified from when to when, and which platform was authorized then."""
    for number, code in enumerate(block.codes):
        joins, ends = int(block.joins[number]), int(block.leaves[number])
        until = ends + 60 if ends != NEVER else joins + _YEARS_OF_TERM * YEAR
        for place, withdrawn in (
            (int(block.first[number]), NEVER),
            (int(block.second[number]), int(block.withdraws[number])),
        ):
            if place >= 0:
                yield {
                    "code": code,
                    "region": REGIONS[int(block.region[number])],
                    "verified_day": joins,
                    "expires_day": until,
                    "platform": place,
                    "from_day": joins,
                    "to_day": None if withdrawn > block.span.last else max(withdrawn, joins + 1),
                }


def _events(block: Block, hazard: Hazard, chance: np.random.Generator) -> tuple[Integers, Integers]:
    """Returns of whom and on which day, the first part of life and the one after a turn apart."""
    begin = np.maximum(block.joins - YEAR, block.established)
    end = np.minimum(block.leaves + YEAR // 2, block.span.last + 1)
    turn = np.clip(block.turns, begin, end)
    parts = [
        _counted(block.integrity, begin, turn, hazard, chance),
        _counted(block.integrity - 2.0, turn, end, hazard, chance),
    ]
    of, day = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((of, day))
    return of[order], day[order]


def _counted(
    integrity: Floats, begin: Integers, end: Integers, hazard: Hazard, chance: np.random.Generator
) -> tuple[Integers, Integers]:
    years = np.maximum(end - begin, 0) / YEAR
    count = chance.poisson(np.minimum(2.0, np.exp(hazard.level + hazard.slope * integrity)) * years)
    of = np.repeat(np.arange(integrity.size), count)
    day = begin[of] + (chance.random(of.size) * (end - begin)[of]).astype(np.int64)
    return of, day


def _rows(
    block: Block, hazard: Hazard, record_id: str, event: tuple[int, int, int, int, int, bool]
) -> list[dict[str, str]]:
    of, day, off, lag, severity, name = event
    learned = day + lag
    if learned > block.span.last:
        return []
    year, serial = to_date(Day(day)).year, int(record_id) % 1_000_000
    row = dict.fromkeys(PUBLISHED, "") | {
        "kind": hazard.kind,
        "code": block.codes[of],
        "record_id": record_id,
        "matched_by": "NAME" if name else "CODE",
        "begins": _date(day),
        "retrieved_at": _moment(learned),
        **hazard.words,
    }
    if hazard.kind == "PENALTY":
        row["severity"] = _SEVERITIES[severity]
        row["decision_number"] = f"九市监罚〔{year}〕{serial}号"
    elif "court" in hazard.words:
        row["case_number"] = f"({year})九9901执{serial}号"
    gone = off + 3
    if gone > block.span.last or off <= learned:
        return [row]
    return [row, row | {"removed": _date(off), "retrieved_at": _moment(gone)}]


def _date(day: int) -> str:
    return to_date(Day(day)).isoformat()


def _moment(day: int) -> str:
    return dt.datetime.combine(to_date(Day(day)), dt.time(3), SHANGHAI).isoformat()
