"""Writes what platforms and enterprises reconcile a day by, or tells how they stand.

    python scripts/reconcile.py --platform 1688 --day 2026-10-31 --into statements
    python scripts/reconcile.py --platform 1688 --status

One CSV file is written for each enterprise that has a transaction or a refund on the day,
named by platform, day and code: its records as they stand in the log, then a total for
each currency. Amounts are in minor units. With --status nothing is written: each
enterprise is one row, of the day or, without --day, of all that was ever reported.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Column, Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.identity.codes import CodeError, UnifiedCode
from bonafides.instants import Day, from_date, to_date
from bonafides.records.money import Money, as_text
from bonafides.records.reconciliation import Entry, Standing, Status, Total, table, totals
from bonafides.storage import reconciliation as statement_rows
from bonafides.storage.unit_of_work import Store
from scripts.operating import AsJson, DataDir, opened, read_settings, telling

# \b: the lines of what is indented stay as they are.
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Written:
    """A statement that was written: whose, where, and its totals by line and currency."""

    code: str
    file: Path
    totals: dict[tuple[str, str], Total]


@app.command(help=_HELP)
def main(
    *,
    platform: Annotated[str, typer.Option(help="The platform that reported the records.")],
    day: Annotated[str, typer.Option(help="Day in Shanghai, as 2026-10-31.")] = "",
    code: Annotated[str, typer.Option(help="One enterprise's code; unset: all.")] = "",
    status: Annotated[
        bool, typer.Option("--status", help="Tell how each enterprise stands; write nothing.")
    ] = False,
    into: Annotated[
        Path | None, typer.Option(help="Folder of the files; unset: in the folder of the data.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Writes the statements of a day, or tells how enterprises stand."""
    the_day, of = _day(day), _code(code)
    if the_day is None and not status:
        raise typer.BadParameter("give the day to reconcile", param_hint="--day")
    with telling("Nothing was reconciled"):
        settings = read_settings(data_dir)
        with opened(settings) as store:
            if status or the_day is None:
                with store.reading() as work:
                    found = statement_rows.statuses(work, platform, day=the_day, code=of)
                _show_statuses(found, as_json=as_json)
                return
            folder = into or settings.data_dir / "statements"
            _show_written(write(store, platform, the_day, folder, code=of), as_json=as_json)


def write(
    store: Store, platform: str, day: Day, folder: Path, *, code: str | None = None
) -> list[Written]:
    """Writes one file for each enterprise, in place of those of earlier runs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    with store.reading() as work:
        for of, entries in statement_rows.statements(work, platform, day, code=code):
            file = folder / f"{platform}-{to_date(day).isoformat()}-{of}.csv"
            _write(file, entries)
            written.append(Written(of, file, totals(entries)))
    return written


def _write(file: Path, entries: Sequence[Entry]) -> None:
    # Whole or not at all: whoever reads the folder never sees half a statement.
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(table(entries))
    partial.replace(file)


def _day(text: str) -> Day | None:
    if not text:
        return None
    try:
        return from_date(dt.date.fromisoformat(text))
    except ValueError:
        raise typer.BadParameter("give a day as 2026-10-31", param_hint="--day") from None


def _code(text: str) -> str | None:
    if not text:
        return None
    try:
        return UnifiedCode.parse(text).text
    except CodeError as fault:
        raise typer.BadParameter(fault.description, param_hint="--code") from None


def _show_written(written: Sequence[Written], *, as_json: bool) -> None:
    if as_json:
        document = [
            {
                "code": each.code,
                "file": str(each.file),
                "totals": [
                    {
                        "line": line,
                        "currency": currency,
                        "records": total.records,
                        "amount_minor": total.amount_minor,
                        "amount_cny_minor": total.amount_cny_minor,
                    }
                    for (line, currency), total in each.totals.items()
                ],
            }
            for each in written
        ]
        print(json.dumps({"statements": document}, indent=2))
        return
    shown = Table(Column("Enterprise", no_wrap=True), "What", "Records", "Amount", "In CNY")
    for each in written:
        for (line, currency), total in each.totals.items():
            amount = as_text(Money(currency, total.amount_minor))
            shown.add_row(each.code, line, str(total.records), amount, _yuan(total))
    Console().print(shown)
    for each in written:
        Console(soft_wrap=True).print(f"Written: {each.file}", markup=False)


def _show_statuses(found: Sequence[Status], *, as_json: bool) -> None:
    if as_json:
        document = [
            {
                "code": each.code,
                "platform": each.platform,
                "last_day": to_date(each.last_day).isoformat(),
                "lines": {
                    line: {"records": total.records, "amount_cny_minor": total.amount_cny_minor}
                    for line, total in each.lines.items()
                },
                "flags": each.flags,
            }
            for each in found
        ]
        print(json.dumps({"enterprises": document}, indent=2))
        return
    shown = Table(Column("Enterprise", no_wrap=True), "What", "Records", "In CNY", "Last day")
    for each in found:
        last_day = to_date(each.last_day).isoformat()
        for line, standing in each.lines.items():
            shown.add_row(each.code, line, str(standing.records), _yuan(standing), last_day)
        for reason, refunds in each.flags.items():
            shown.add_row(each.code, f"refund, {reason}", str(refunds), "", "")
    Console().print(shown)


def _yuan(total: Total | Standing) -> str:
    return as_text(Money("CNY", total.amount_cny_minor))


if __name__ == "__main__":
    app()
