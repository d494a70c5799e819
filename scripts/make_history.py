"""Writes years of generated trade with known truth, to train and try scorecards on.

    python scripts/make_history.py build/history --seed 1 --enterprises 20000

Everything follows from the seed, the number of enterprises and the last day. Nobody in
it is real: codes lie in the reserved region 990000. The files, in a folder:

    records.parquet          the log of what platforms reported, every revision, with the
                             instant at which it was learned; mapping.toml has it read by
                             scripts/import_records.py
    registry.parquet         what the registry said; scripts/load_registry.py
    public_records.parquet   what was published; scripts/load_public_records.py
    participation.parquet    who was verified when, and which platforms were authorized
    truth/truth.parquet      what nobody knows: integrity, and who manipulates how. The
                             service never reads it, and training neither.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.instants import from_date
from scripts import sampling_latent, sampling_ledger, sampling_listings
from scripts.sampling_latent import MANIPULATIONS, NEVER, PLATFORMS, Block, Span, invent_block

RECORDS: Final = "records.parquet"
REGISTRY: Final = "registry.parquet"
PUBLIC_RECORDS: Final = "public_records.parquet"
PARTICIPATION: Final = "participation.parquet"
TRUTH: Final = Path("truth", "truth.parquet")
# The same data every year, unless a day is asked for: a clock would change the digest.
LAST_DAY: Final = dt.date(2026, 9, 30)
YEARS: Final = 4
# Enterprises that are in memory at once.
BLOCK: Final = 2_500

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")


@app.command(help=_HELP)
def main(
    folder: Annotated[Path, typer.Argument(help="Folder to write; files in it are replaced.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same data.")] = 1,
    enterprises: Annotated[int, typer.Option(min=50, max=500_000, help="How many.")] = 20_000,
    end_day: Annotated[str, typer.Option(help="Last day.")] = LAST_DAY.isoformat(),
) -> None:
    """Writes years of generated trade into a folder."""
    try:
        end = dt.date.fromisoformat(end_day)
    except ValueError:
        raise typer.BadParameter("give a day as 2026-09-30", param_hint="--end-day") from None
    count = write(folder, seed=seed, enterprises=enterprises, end=end)
    Console().print(f"{enterprises} generated enterprises and {count} records are in {folder}.")


def write(folder: Path, *, seed: int, enterprises: int, end: dt.date = LAST_DAY) -> int:
    """Writes all files of the folder, block by block; returns how many records there are."""
    last = from_date(end)
    span = Span(first=last - YEARS * sampling_latent.YEAR, last=last)
    (folder / TRUTH).parent.mkdir(parents=True, exist_ok=True)
    sizes = [min(BLOCK, enterprises - done) for done in range(0, enterprises, BLOCK)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    count = 0
    with (
        _Files(folder) as files,
        Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("Inventing", total=enterprises)
        for number, size in enumerate(sizes):
            block = invent_block(seed, number, size, span)
            records = sampling_ledger.rows(block, seed)
            sequence = pa.array(np.arange(count + 1, count + 1 + records.num_rows))
            files.add(RECORDS, records.append_column("sequence", sequence))
            told = sampling_listings.published(block, seed)
            files.add(PUBLIC_RECORDS, _texts(told, sampling_listings.PUBLISHED))
            asked = sampling_listings.registered(block)
            files.add(REGISTRY, _texts(asked, sampling_listings.REGISTRY))
            files.add(PARTICIPATION, _participation(block))
            files.add(str(TRUTH), _truth(block))
            count += records.num_rows
            progress.advance(task, size)
    (folder / "mapping.toml").write_text(_mapping(), encoding="utf-8")
    return count


class _Files:
    """Parquet files that grow by one group of rows a block."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._open: Final[dict[str, pq.ParquetWriter]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._open.values():
            writer.close()

    def add(self, name: str, table: pa.Table) -> None:
        """Appends rows to a file."""
        if name not in self._open:
            self._open[name] = pq.ParquetWriter(
                self._folder / name, table.schema, compression="zstd"
            )
        self._open[name].write_table(table)


def _texts(rows: Iterable[Mapping[str, str]], names: Sequence[str]) -> pa.Table:
    told = list(rows)
    return pa.table({name: pa.array([row[name] for row in told], pa.string()) for name in names})


def _participation(block: Block) -> pa.Table:
    rows = list(sampling_listings.participating(block))
    columns: dict[str, Any] = {
        "code": pa.array([row["code"] for row in rows], pa.string()),
        "region": pa.array([row["region"] for row in rows], pa.string()),
        "platform": pa.array([PLATFORMS[int(str(row["platform"]))] for row in rows], pa.string()),
    }
    for name in ("verified_day", "expires_day", "from_day", "to_day"):
        columns[name] = pa.array([row[name] for row in rows], pa.int64())
    return pa.table(columns)


def _truth(block: Block) -> pa.Table:
    return pa.table(
        {
            "code": pa.array(block.codes),
            "integrity": block.integrity,
            "turns_day": pa.array(block.turns, mask=block.turns == NEVER),
            "leaves_day": pa.array(block.leaves, mask=block.leaves == NEVER),
            "manipulation": pa.array([MANIPULATIONS[kind] for kind in block.manipulation.tolist()]),
            "ring": pa.array(block.ring, mask=block.ring < 0),
        }
    )


_MOMENT: Final = "make_timestamp({} + 28800000000)"
_DAY: Final = "DATE '1970-01-01' + CAST({} AS INTEGER)"
_PARTS: Final = {
    "store": ("from_day", "to_day"),
    "transaction": ("buyer", "amount", "promised_day", "delivered_day"),
    "complaint": ("buyer", "original_id", "outcome", "first_response_at", "decided_at"),
    "dispute": ("buyer", "original_id", "outcome", "first_response_at", "decided_at"),
    "certification": ("from_day", "to_day"),
}


def _mapping() -> str:
    """Returns the mapping by which the records are imported as any platform's."""
    lines = ["# Maps the generated log for scripts/import_records.py."]
    for kind, parts in _PARTS.items():
        lines += ["", "[[records]]", f'kind = "{kind}"', f'from = "{RECORDS}"']
        lines += [f"where = \"kind = '{kind}'\"", "", "[records.columns]"]
        lines += [f'{name} = "{name}"' for name in ("code", "platform", "record_id", "revision")]
        lines += ['store_id = "store_id"', f'occurred_at = "{_MOMENT.format("occurred_at")}"']
        for part in parts:
            lines += _part(part)
    return "\n".join(lines) + "\n"


def _part(name: str) -> list[str]:
    if name == "amount":
        return ['amount = "CAST(amount_cny_minor AS DECIMAL(18, 2)) / 100"', "currency = \"'CNY'\""]
    if name == "buyer":
        return ['buyer = "CAST(buyer AS VARCHAR)"']
    if name.endswith("_at"):
        return [f'{name} = "{_MOMENT.format(name)}"']
    if name.endswith("_day"):
        return [f'{name} = "{_DAY.format(name)}"']
    return [f'{name} = "{name}"']


if __name__ == "__main__":
    app()
