"""Counts the roll-ups again from the records themselves, and reports every difference.

By other means than the fold: each record's highest revision is picked by a window
function, grouped by day in plain SQL, and months are reckoned on the calendar. Which
links of stores stand, on which the rest depends, is reckoned in Python first. What
is not folded yet is left out on both sides; how much that is is told. Changes
nothing, and may run while the service does.

    python scripts/verify_rollups.py --json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.instants import Day, Month, month_of, to_date
from bonafides.storage.unit_of_work import UnitOfWork
from scripts.operating import AsJson, DataDir, opened, read_settings, telling

# Measures by name, under (platform, day) or (platform, buyer, month).
_Counts: TypeAlias = "dict[tuple[Any, ...], dict[str, int]]"

_HOUR: Final = 3_600_000_000
_EDGES: Final = (0, 1, 4, 12, 24, 72)
# Beyond these the table says how many more there are; --json lists all.
_SHOWN: Final = 50

_CASE: Final = "kind IN ('complaint', 'dispute')"
_UNDECIDED: Final = "COALESCE(outcome, 'undecided') = 'undecided'"
_SUMS: Final = {
    "transactions": "kind = 'transaction'",
    "deliveries_promised": "kind = 'transaction' AND promised_day >= 0 AND delivered_day >= 0",
    "deliveries_late": "kind = 'transaction' AND delivered_day > promised_day",
    "refunds": "kind = 'refund'",
    "complaints": "kind = 'complaint'",
    "complaints_upheld": "kind = 'complaint' AND outcome = 'upheld'",
    "disputes": "kind = 'dispute'",
    "disputes_lost": "kind = 'dispute' AND outcome = 'lost'",
    "cases_settled": f"{_CASE} AND outcome = 'settled'",
    "cases_open": f"{_CASE} AND {_UNDECIDED}",
    "cases_unanswered": f"{_CASE} AND {_UNDECIDED} AND first_response_at IS NULL",
}
_AMOUNTS: Final = {"amount_cny_minor": "transaction", "refund_cny_minor": "refund"}


def _bucket(number: int) -> str:
    took = "kind IN ('complaint', 'dispute') AND first_response_at - occurred_at"
    above = f"{took} > {_EDGES[number] * _HOUR}" if number else "1 = 1"
    if number + 1 == len(_EDGES):
        return above
    return f"{above} AND {took} <= {_EDGES[number + 1] * _HOUR}"


_MEASURES: Final = {
    **{name: f"CASE WHEN {when} THEN 1 ELSE 0 END" for name, when in _SUMS.items()},
    **{
        name: f"CASE WHEN kind = '{kind}' THEN COALESCE(amount_cny_minor, 0) ELSE 0 END"
        for name, kind in _AMOUNTS.items()
    },
    **{
        f"response_{number}": f"CASE WHEN {_bucket(number)} THEN 1 ELSE 0 END"
        for number in range(len(_EDGES))
    },
}
_CURRENT: Final = """
    SELECT ranked.* FROM (
        SELECT record.*, row_number() OVER (
            PARTITION BY platform, kind, record_id ORDER BY revision DESC
        ) AS place
        FROM record WHERE code = :code AND sequence <= :upto
    ) AS ranked
    WHERE place = 1 AND NOT void AND kind IN ('transaction', 'refund', 'complaint', 'dispute')
      AND (refund_state IS NULL OR refund_state = 'done')
      AND (
        SELECT COUNT(*) FROM store_link
        WHERE store_link.code = ranked.code AND store_link.platform = ranked.platform
          AND store_link.store_id = ranked.store_id AND store_link.stands
          AND ranked.day >= store_link.from_day
          AND (ranked.day <= COALESCE(store_link.to_day, ranked.day) + CASE ranked.kind
              WHEN 'transaction' THEN 0 ELSE 180 END)
      ) > 0
"""
_DAYS: Final = sa.text(
    f"SELECT platform, day, {', '.join(f'SUM({sql}) AS {name}' for name, sql in _MEASURES.items())}"  # noqa: S608 - all parts are constants
    f" FROM ({_CURRENT}) AS current_record GROUP BY platform, day"
)
_BUYERS: Final = sa.text(
    "SELECT platform, buyer, day, COUNT(*) AS transactions"  # noqa: S608 - all parts are constants
    f" FROM ({_CURRENT}) AS current_record"
    " WHERE kind = 'transaction' AND buyer IS NOT NULL GROUP BY platform, buyer, day"
)
# Joined to no current transaction, whatever became of it: a voided one is known.
_UNMATCHED: Final = sa.text(
    "SELECT platform, record_id, day FROM"  # noqa: S608 - all parts are constants
    f" ({_CURRENT}) AS refund"
    " WHERE kind = 'refund' AND original_id IS NOT NULL AND NOT EXISTS ("
    "SELECT 1 FROM record AS original WHERE original.code = :code"
    " AND original.platform = refund.platform AND original.kind = 'transaction'"
    " AND original.record_id = refund.original_id AND original.sequence <= :upto)"
)
_STORED_UNMATCHED: Final = sa.text(
    "SELECT platform, record_id, day FROM unmatched_refund WHERE code = :code"
)
_STORED_DAYS: Final = sa.text("SELECT * FROM rollup_day WHERE code = :code")
_STORED_BUYERS: Final = sa.text("SELECT * FROM rollup_buyer WHERE code = :code")
_CODES: Final = sa.text(
    "SELECT code FROM record UNION SELECT code FROM rollup_day"
    " UNION SELECT code FROM rollup_buyer UNION SELECT code FROM unmatched_refund ORDER BY code"
)
_STORES: Final = sa.text(
    "SELECT code, platform, record_id, revision, sequence, void, store_id, from_day, to_day"
    " FROM record WHERE kind = 'store' AND sequence <= :upto ORDER BY revision"
)
_RULINGS: Final = sa.text(
    "SELECT code, platform, record_id, ruling FROM link_ruling ORDER BY number"
)
_STORED_LINKS: Final = sa.text("SELECT * FROM store_link")
_COUNTER: Final = sa.text("SELECT value FROM counter WHERE name = :name")

# Beyond any day that a platform could name.
_NEVER: Final = 10**9

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure that is not what the records say. Where there is no roll-up, it is 0."""

    code: str
    platform: str
    # A day, or a month and the digest of a buyer, in hexadecimal.
    when: str
    buyer: str
    measure: str
    rolled_up: int
    recounted: int


@dataclass(frozen=True, slots=True)
class _Link:
    key: tuple[str, str, str]
    store_id: str
    from_day: int
    to_day: int
    stated: int

    def precedes(self, other: _Link) -> bool:
        """Whether it gives some of the other's days to another enterprise, and did so before."""
        overlap = self.from_day <= other.to_day and other.from_day <= self.to_day
        return overlap and self.key[0] != other.key[0] and self.stated < other.stated


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared: enterprises, roll-ups, records that wait for the fold."""

    enterprises: int
    rollups: int
    not_folded: int
    differences: list[Difference]


@app.command()
def main(
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Counts the roll-ups again; exits 1 if one differs."""
    with (
        telling("Nothing was compared"),
        opened(read_settings(data_dir), migrate=False) as store,
        store.reading() as work,
    ):
        report = verify(work)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        _show(report)
    if report.differences:
        raise typer.Exit(1)


def verify(work: UnitOfWork) -> Report:
    """Compares every roll-up with the records, enterprise by enterprise."""
    upto, last = (_counter(work, name) for name in ("fold", "record"))
    codes = [row.code for row in work.execute(_CODES)]
    rollups = 0
    differences = _differing_links(work, upto)
    for code in codes:
        told = {"code": code, "upto": upto}
        days, buyers = _stored_days(work, told), _stored_buyers(work, told)
        unmatched = _unmatched(work, _STORED_UNMATCHED, {"code": code})
        rollups += len(days) + len(buyers) + len(unmatched)
        differences += _differences(code, days, _recounted_days(work, told))
        differences += _differences(code, buyers, _recounted_buyers(work, told))
        differences += _differences(code, unmatched, _unmatched(work, _UNMATCHED, told))
    return Report(len(codes), rollups, last - upto, differences)


def _differing_links(work: UnitOfWork, upto: int) -> list[Difference]:
    """Compares which links stand, 1, with what the records of stores and the rulings say."""
    stated = _stated_links(work, upto)
    rulings = {tuple(row[:3]): row.ruling for row in work.execute(_RULINGS)}
    by_store: dict[tuple[str, str], list[_Link]] = {}
    for link in stated.values():
        by_store.setdefault((link.key[1], link.store_id), []).append(link)
    counted = {}
    for key, link in stated.items():
        rivals = (
            rival
            for rival in by_store[key[1], link.store_id]
            if rulings.get(rival.key) in {None, "upheld"} and rival.precedes(link)
        )
        ruling = rulings.get(key)
        counted[key, link.store_id] = int(ruling == "upheld" or (not ruling and not any(rivals)))
    stored = {
        ((row.code, row.platform, row.record_id), row.store_id): int(row.stands)
        for row in work.execute(_STORED_LINKS)
    }
    return [
        Difference(key[0], key[1], "", "", "link stands", stored.get((key, store), 0), stands)
        for (key, store), stands in sorted({**dict.fromkeys(stored, 0), **counted}.items())
        if stored.get((key, store), 0) != stands
    ]


def _stated_links(work: UnitOfWork, upto: int) -> dict[tuple[str, str, str], _Link]:
    revisions: dict[tuple[str, str, str], list[Any]] = {}
    for row in work.execute(_STORES, {"upto": upto}):
        revisions.setdefault((row.code, row.platform, row.record_id), []).append(row)
    links = {}
    for key, rows in revisions.items():
        last = rows[-1]
        if last.void:
            continue
        since: list[int] = []
        for row in rows:
            covers = not row.void and row.store_id == last.store_id
            covers = covers and row.from_day <= last.from_day
            covers = covers and (row.to_day or _NEVER) >= (last.to_day or _NEVER)
            since = [*since, row.sequence] if covers else []
        links[key] = _Link(key, last.store_id, last.from_day, last.to_day or _NEVER, min(since))
    return links


def _counter(work: UnitOfWork, name: str) -> int:
    return int(work.execute(_COUNTER, {"name": name}).scalar() or 0)


def _stored_days(work: UnitOfWork, told: Mapping[str, Any]) -> _Counts:
    return {
        (row.platform, row.day): {name: getattr(row, name) for name in _MEASURES}
        for row in work.execute(_STORED_DAYS, {"code": told["code"]})
    }


def _recounted_days(work: UnitOfWork, told: Mapping[str, Any]) -> _Counts:
    # PostgreSQL's sums of BIGINT are decimals.
    return {
        (row.platform, row.day): {name: int(getattr(row, name)) for name in _MEASURES}
        for row in work.execute(_DAYS, told)
    }


def _stored_buyers(work: UnitOfWork, told: Mapping[str, Any]) -> _Counts:
    names = ("transactions", "first_day", "last_day")
    return {
        (row.platform, bytes(row.buyer), row.month): {name: getattr(row, name) for name in names}
        for row in work.execute(_STORED_BUYERS, {"code": told["code"]})
    }


def _recounted_buyers(work: UnitOfWork, told: Mapping[str, Any]) -> _Counts:
    months: _Counts = {}
    for row in work.execute(_BUYERS, told):
        key = (row.platform, bytes(row.buyer), month_of(Day(row.day)))
        had = months.setdefault(key, {"transactions": 0, "first_day": row.day, "last_day": row.day})
        had["transactions"] += row.transactions
        had["first_day"] = min(had["first_day"], row.day)
        had["last_day"] = max(had["last_day"], row.day)
    return months


def _unmatched(work: UnitOfWork, query: sa.TextClause, told: Mapping[str, Any]) -> _Counts:
    """Returns the refunds without a transaction, each counted on its day."""
    days: _Counts = {}
    for row in work.execute(query, told):
        measures = days.setdefault((row.platform, row.day), {})
        name = f"unmatched_refund {row.record_id}"
        measures[name] = measures.get(name, 0) + 1
    return days


def _differences(code: str, stored: _Counts, counted: _Counts) -> Iterator[Difference]:
    for key in sorted(stored.keys() | counted.keys()):
        had, has = stored.get(key, {}), counted.get(key, {})
        for measure in sorted(had.keys() | has.keys()):
            pair = had.get(measure, 0), has.get(measure, 0)
            if pair[0] != pair[1]:
                yield Difference(code, key[0], *_place(key), measure, *pair)


def _place(key: tuple[Any, ...]) -> tuple[str, str]:
    """Returns when, and whose: a day, or the month of a buyer."""
    if len(key) == 2:  # noqa: PLR2004 - platform and day
        return to_date(key[1]).isoformat(), ""
    month: Month = key[2]
    return f"{1970 + month // 12}-{month % 12 + 1:02d}", key[1].hex()


def _show(report: Report) -> None:
    console = Console()
    console.print(
        f"{report.rollups} roll-ups of {report.enterprises} enterprises compared,"
        f" {report.not_folded} records not folded yet, {len(report.differences)} differences."
    )
    if not report.differences:
        return
    table = Table("Enterprise", "Platform", "Day or month", "Buyer", "Measure", "Is", "Should be")
    for one in report.differences[:_SHOWN]:
        place = (one.code, one.platform, one.when, one.buyer[:8], one.measure)
        table.add_row(*place, str(one.rolled_up), str(one.recounted))
    console.print(table)
    if len(report.differences) > _SHOWN:
        console.print(f"And {len(report.differences) - _SHOWN} more; --json lists all.")


if __name__ == "__main__":
    app()
