"""Invents what courts and authorities published of the sample's enterprises.

A few of the cast have a record each, so that every fate of one occurs: one that stands,
one that was taken off, one whose term is over, and a namesake's, which counts for
nothing. Whoever is drawn has none. Courts and authorities are of the place that does
not exist. Everything follows from the last day.

    published(enterprises, end=dt.date(2026, 11, 20))     # rows for load_public_records.py
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from scripts.sampling import CAST, Enterprise

COLUMNS: Final = (
    "kind",
    "code",
    "source",
    "record_id",
    "matched_by",
    "begins",
    "removed",
    "removal_ground",
    "case_number",
    "court",
    "performance",
    "decision_number",
    "authority",
    "ground",
    "sanction",
    "severity",
    "amount",
    "retrieved_at",
)
_COURT: Final = "九九市东湾区人民法院"
_REGULATOR: Final = "九九市市场监督管理局"

# By part in the cast: kind, how many days ago it began, and what else the source says.
# Days ago of a removal stand in `removed`.
_Told = tuple[str, int, Mapping[str, str]]
_PUBLISHED: Final[Mapping[str, tuple[_Told, ...]]] = {
    "sound": (
        (
            "ABNORMAL_OPERATIONS",
            500,
            {"ground": "未按期公示年度报告", "removed": "440", "removal_ground": "已补报"},
        ),
    ),
    "uneven": (
        ("PENALTY", 120, {"sanction": "警告、罚款", "severity": "一般", "amount": "3000.00"}),
        ("PENALTY", 200, {"sanction": "警告", "severity": "轻微"}),
        (
            "ABNORMAL_OPERATIONS",
            300,
            {"ground": "通过登记的住所无法联系", "removed": "250", "removal_ground": "已改正"},
        ),
        ("DISHONEST_DEBTOR", 90, {"matched_by": "NAME", "performance": "未履行"}),
    ),
    "poor": (
        ("ENFORCEMENT", 60, {"performance": "未履行", "amount": "86000.00"}),
        ("JUDGMENT", 150, {"performance": "履行完毕", "amount": "12000.00"}),
    ),
}


def published(made: Iterable[Enterprise], *, end: dt.date) -> list[dict[str, str]]:
    """Returns one row for each record, in the order of the enterprises."""
    return [
        _row(of, number, told, end)
        for of in made
        if of.character in CAST
        for number, told in enumerate(_PUBLISHED.get(of.character.name, ()), start=1)
    ]


def _row(of: Enterprise, number: int, told: _Told, end: dt.date) -> dict[str, str]:
    kind, days_ago, more = told
    begins = end - dt.timedelta(days=days_ago)
    serial = f"{of.code.text[8:16]}{number}"
    row = {
        "kind": kind,
        "code": of.code.text,
        "record_id": serial,
        "matched_by": "CODE",
        "begins": begins.isoformat(),
        "retrieved_at": f"{end.isoformat()}T03:00:00+08:00",
        **more,
    }
    if kind in {"DISHONEST_DEBTOR", "ENFORCEMENT", "JUDGMENT"}:
        row |= {"source": "court-list", "court": _COURT}
        row["case_number"] = f"({begins.year})九9901执{int(serial) % 10_000}号"
    else:
        row |= {"source": "regulator-list", "authority": _REGULATOR}
    if kind == "PENALTY":
        row["decision_number"] = f"九市监罚〔{begins.year}〕{int(serial) % 10_000}号"
    if "removed" in more:
        row["removed"] = (end - dt.timedelta(days=int(more["removed"]))).isoformat()
    return row
