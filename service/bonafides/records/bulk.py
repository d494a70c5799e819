"""Reads records from CSV and Parquet files, in bounded memory, and hands them on.

DuckDB reads the files, limited to 192 MB and to the one folder; whoever calls
takes the records in, batch by batch. What can't be read as a record is refused
with its reason and never keeps the rest. Neither a refusal nor an error text of
ours holds a value of the row beyond its record id.

    with open_folder(Path("data")) as folder:
        source = Source(folder, mapping, links, folder.shift_days(mapping, end_day))
        summary = transfer(source, take, on_refused=print)
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from bonafides.identity.codes import CodeError, UnifiedCode
from bonafides.instants import Day, Instant, day_of
from bonafides.records import mapping as mappings
from bonafides.records.ingest import IngestReport
from bonafides.records.kinds import Outcome, Record, RefundState
from bonafides.records.mapping import DAYS, INSTANTS, NUMBERS, TEXTS, Block, quoted
from bonafides.records.money import Money, parse
from bonafides.records.reported import code_of

BATCH_ROWS: Final = 10_000
MAX_EXAMPLES: Final = 5

_ENGINE: Final[dict[str, str | bool | int | float | list[str]]] = {
    "memory_limit": "192MB",
    "threads": "2",
    # Rows keep the order of the file: row numbers are part of record ids.
    "preserve_insertion_order": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_PATTERNS: Final = ("*.csv", "*.parquet")
# Headings longer than this are no headings.
_MAX_HEADING: Final = 65_536


class UnreadableError(Exception):
    """The files or the mapping's queries can't be read. Holds no value of a row."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not stored: its record id (the line, if it has none) and why."""

    kind: str
    record_id: str
    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class Link:
    """Whose a store is, and of which platform."""

    platform: str
    code: str


@dataclass(frozen=True, slots=True)
class Source:
    """What is read, and how. `links` is by store id; None: the rows themselves say."""

    folder: Folder
    mapping: mappings.Mapping
    links: Mapping[str, Link] | None
    shift_days: int


@dataclass(slots=True)
class Summary:
    """What became of the rows; `examples` are record ids, at most five for each reason."""

    read: int = 0
    accepted: int = 0
    replayed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, refused: Refused) -> None:
        """Counts a refusal."""
        self.refused[refused.reason] += 1
        examples = self.examples.setdefault(refused.reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(f"{refused.kind} {refused.record_id}".strip())


class Folder:
    """The files of one folder as tables of DuckDB, named by their stems."""

    def __init__(self, path: Path, spill: str) -> None:
        self._connection: Final = duckdb.connect(":memory:", config=_ENGINE)
        # Its own bar would go to stdout, into the summary that a program reads.
        self._run("SET enable_progress_bar = false")
        self._run("SET TimeZone = 'Asia/Shanghai'")
        self._run(f"SET temp_directory = {_literal(spill)}")
        files = sorted(file for pattern in _PATTERNS for file in path.glob(pattern))
        for file in files:
            self._run(_view(file))
        # A mapping comes from somebody else, perhaps: it reads this folder alone.
        allowed = f"[{_literal(str(path))}, {_literal(spill)}]"
        self._run(f"SET allowed_directories = {allowed}")
        self._run("SET enable_external_access = false")
        self._run("SET lock_configuration = true")

    def shift_days(self, mapping: mappings.Mapping, end_day: Day) -> int:
        """Returns by how many days the data set must move so that it ends on the day.

        0 for a mapping without `last_record`.

        Raises:
            UnreadableError: the query fails or finds nothing.
        """
        if mapping.last_record is None:
            return 0
        query = f"SELECT epoch_us(CAST(({mapping.last_record}) AS TIMESTAMPTZ))"
        last = self._run(query).fetchone()
        if last is None or last[0] is None:
            raise UnreadableError("last_record finds no instant")
        return end_day - day_of(Instant(last[0]))

    def count(self, block: Block) -> int:
        """Returns how many rows a block has.

        Raises:
            UnreadableError: the query fails.
        """
        told = self._run(block.count_query()).fetchone()
        return int(told[0]) if told else 0

    def rows(self, block: Block, shift_days: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yields the rows of a block's query, batch by batch.

        Raises:
            UnreadableError: the query fails.
        """
        told = self._run(block.query(shift_days))
        with _faults_are_ours():
            while batch := told.fetchmany(BATCH_ROWS):
                yield batch

    def faulty_lines(self) -> list[Refused]:
        """Returns the lines of CSV files that were passed over in all reading so far."""
        # DuckDB makes the table with the first CSV file that it reads.
        made = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'"
        if self._run(made).fetchone() is None:
            return []
        told = self._run(
            "SELECT DISTINCT file_path, line, error_type FROM reject_errors"
            " JOIN reject_scans USING (scan_id, file_id) ORDER BY ALL"
        )
        return [
            Refused(
                "", f"{Path(path).name}:{line}", "LINE_FAULTY", f"The line has {error.lower()}."
            )
            for path, line, error in told.fetchall()
        ]

    def close(self) -> None:
        """Lets go of the files."""
        self._connection.close()

    def _run(self, statement: str) -> duckdb.DuckDBPyConnection:
        with _faults_are_ours():
            return self._connection.execute(statement)


@contextmanager
def open_folder(path: Path) -> Iterator[Folder]:
    """Opens the CSV and Parquet files of a folder.

    Raises:
        UnreadableError: a file can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="bonafides-") as spill:
        folder = Folder(path.resolve(), spill)
        try:
            yield folder
        finally:
            folder.close()


def load_links(path: Path, dataset: str) -> dict[str, Link]:
    """Returns whose each store of a data set is, from a CSV file.

    Its columns are dataset, store_id, platform and code.

    Raises:
        UnreadableError: columns are missing, or the data set is not in it.
    """
    with path.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        if not {"dataset", "store_id", "platform", "code"} <= set(reader.fieldnames or ()):
            raise UnreadableError(f"{path.name} lacks columns: dataset, store_id, platform, code")
        links = {
            row["store_id"]: Link(row["platform"], row["code"])
            for row in reader
            if row["dataset"] == dataset
        }
    if not links:
        raise UnreadableError(f"{path.name} links no store of the data set {dataset}")
    return links


def transfer(
    source: Source,
    take: Callable[[Sequence[Record]], IngestReport],
    *,
    on_refused: Callable[[Refused], None],
    on_progress: Callable[[int], None] = lambda _rows: None,
) -> Summary:
    """Reads all records of the source, has them taken in batch by batch, and sums up.

    `on_refused` is called for each row that is not stored, `on_progress` with the
    number of rows of each batch when it is done with.

    Raises:
        UnreadableError: the files can't be read; what was taken in until then stays.
    """
    summary = Summary()

    def refuse(refused: Refused) -> None:
        summary.refuse(refused)
        on_refused(refused)

    for block in source.mapping.records:
        for rows in source.folder.rows(block, source.shift_days):
            records = []
            for row in rows:
                made = _record(row, block, source.links)
                if isinstance(made, Refused):
                    refuse(made)
                else:
                    records.append(made)
            report = take(records)
            for one in report.rejected:
                told = records[one.index]
                refuse(Refused(told.kind.value, told.record_id, one.reason, one.description))
            summary.read += len(rows)
            summary.accepted += report.accepted
            summary.replayed += report.replayed
            on_progress(len(rows))
    for line in source.folder.faulty_lines():
        summary.read += 1
        refuse(line)
    return summary


class _RowError(Exception):
    """A row is no record. Holds why, and never a value."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason
        self.description: Final = description


_PARTS: Final = (*TEXTS, *NUMBERS, *INSTANTS, *DAYS)


def _record(
    row: tuple[Any, ...], block: Block, links: Mapping[str, Link] | None
) -> Record | Refused:
    """Returns the record of one row of a block's query, or why there is none."""
    told = dict(zip(_PARTS, row, strict=False))
    try:
        return _read(told, row, block, links)
    except _RowError as fault:
        record_id = told["record_id"] or ""
        return Refused(block.kind.value, record_id, fault.reason, fault.description)


def _read(
    told: dict[str, Any], row: tuple[Any, ...], block: Block, links: Mapping[str, Link] | None
) -> Record:
    if row[-1]:
        raise _RowError("FIELD_UNREADABLE", f"Not of its type: {row[-1]}.")
    for name in ("record_id", "store_id", "occurred_at"):
        if told[name] is None:
            raise _RowError("FIELD_MISSING", f"A record needs {name}.")
    link = _link(told, links) if block.linked else Link(told["platform"], told["code"])
    if link.code is None or link.platform is None:
        raise _RowError("FIELD_MISSING", "A record needs code and platform.")
    return Record(
        code=_code(link.code),
        platform=link.platform,
        kind=block.kind,
        record_id=told["record_id"],
        store_id=told["store_id"],
        occurred_at=told["occurred_at"],
        revision=1 if told["revision"] is None else told["revision"],
        void=bool(told["void"]),
        buyer=told["buyer"],
        amount=_amount(told["amount"], told["currency"]),
        original_id=told["original_id"],
        promised_day=told["promised_day"],
        delivered_day=told["delivered_day"],
        first_response_at=told["first_response_at"],
        outcome=_outcome(told["outcome"]),
        decided_at=told["decided_at"],
        from_day=told["from_day"],
        to_day=told["to_day"],
        detail=_detail(block, row),
        refund_state=_refund_state(told["refund_state"]),
        requested_at=told["requested_at"],
    )


def _link(told: Mapping[str, Any], links: Mapping[str, Link] | None) -> Link:
    link = (links or {}).get(told["store_id"])
    if link is None:
        raise _RowError("STORE_NOT_LINKED", "No link says whose this store is.")
    return link


def _amount(text: str | None, currency: str | None) -> Money | None:
    if text is None:
        return None
    try:
        return parse(text, currency or "")
    except ValueError as fault:
        raise _RowError("AMOUNT_FAULTY", f"The amount is {fault}.") from None


def _outcome(text: str | None) -> Outcome | None:
    if text is None:
        return None
    try:
        return Outcome(text.lower())
    except ValueError:
        raise _RowError("OUTCOME_NOT_ALLOWED", "There is no such outcome.") from None


def _refund_state(text: str | None) -> RefundState | None:
    if text is None:
        return None
    try:
        return RefundState(text.lower())
    except ValueError:
        raise _RowError("REFUND_STATE_UNKNOWN", "There is no such state of a refund.") from None


def _detail(block: Block, row: tuple[Any, ...]) -> Mapping[str, str]:
    if not block.details:
        return {}
    told = zip(block.details, row[len(_PARTS) : -1], strict=True)
    return {name: text for name, text in told if text}


def _code(text: str) -> UnifiedCode:
    code = code_of(text)
    if isinstance(code, CodeError):
        raise _RowError("CODE_FAULTY", code.description)
    return code


def _view(file: Path) -> str:
    """Returns the statement that makes a table of a file, with file_name and file_row."""
    if file.suffix == ".parquet":
        read = f"read_parquet({_literal(str(file))}, file_row_number = true)"
        columns, number = "* EXCLUDE (file_row_number)", "file_row_number + 1"
    else:
        types = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in _heading(file))
        # Nothing is guessed: what a guess finds depends on the first rows. Lines
        # that are no rows are kept apart, not silently dropped.
        read = (
            f"read_csv({_literal(str(file))}, columns = {{{types}}}, auto_detect = false,"
            " header = true, delim = ',', quote = '\"', escape = '\"', store_rejects = true,"
            " rejects_limit = 0)"
        )
        columns, number = "*", "row_number() OVER ()"
    return (
        f"CREATE VIEW {quoted(file.stem)} AS SELECT {columns},"  # noqa: S608 - all parts are quoted
        f" {_literal(file.name)} AS file_name, {number} AS file_row FROM {read}"
    )


def _heading(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        line = opened.readline(_MAX_HEADING)
    names = next(csv.reader([line]), [])
    if not names or len(set(names)) < len(names) or not all(names):
        raise UnreadableError(f"{file.name} has no heading of distinct column names")
    return names


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _faults_are_ours() -> Iterator[None]:
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as fault:
        # These speak of the mapping's own text. All others may quote a value.
        raise UnreadableError(str(fault)) from None
    except duckdb.Error as fault:
        raise UnreadableError(f"reading failed: {type(fault).__name__}") from None
