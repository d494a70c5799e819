"""Mappings: what they must say, and what is read through them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bonafides.instants import DAY, HOUR, Day, Instant, from_date, start_of
from bonafides.records.bulk import (
    Link,
    Refused,
    Source,
    Summary,
    UnreadableError,
    load_links,
    open_folder,
    transfer,
)
from bonafides.records.ingest import IngestReport
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.mapping import Mapping, MappingError, load
from bonafides.records.money import Money
from tests import builders

_MAPPINGS = Path(__file__).parents[2] / "scripts" / "mappings"
_CODE = builders.code().text
_COLUMNS = {"record_id": "id", "store_id": "store", "occurred_at": "ordered"}
_OWNED = {**_COLUMNS, "code": "code", "platform": "'1688'"}
_HEADING = "id,store,ordered,code"
_LINE = f"t1,s1,2026-10-01 08:30:00,{_CODE}"


def mapping(columns: dict[str, str] | None = None, **changes: Any) -> Mapping:
    """Returns a mapping of one block of complaints over orders.csv."""
    block = {"kind": "complaint", "from": "orders.csv", "columns": columns or _OWNED}
    top = {key: changes.pop(key) for key in ("dataset", "last_record") if key in changes}
    return Mapping.model_validate({"records": [block | changes], **top})


def read(
    folder: Path,
    how: Mapping,
    *,
    links: dict[str, Link] | None = None,
    end_day: Day = builders.TODAY,
) -> tuple[list[Record], list[Refused], Summary]:
    """Reads everything; returns the records, the refusals and the summary."""
    records: list[Record] = []
    refused: list[Refused] = []

    def take(batch: Sequence[Record]) -> IngestReport:
        records.extend(batch)
        return IngestReport(len(batch), 0, ())

    with open_folder(folder) as opened:
        source = Source(opened, how, links, opened.shift_days(how, end_day))
        summary = transfer(source, take, on_refused=refused.append)
    return records, refused, summary


def written(folder: Path, *lines: str, name: str = "orders.csv") -> Path:
    """Writes a CSV file and returns its folder."""
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("file", sorted(_MAPPINGS.glob("*.toml")), ids=lambda file: file.stem)
def test_mappings_that_come_with_the_project_load(file: Path) -> None:
    assert load(file).records


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("records = [", "faulty.toml"),
        ("records = []", "records"),
        ('[[records]]\nkind = "order"\nfrom = "a.csv"\ncolumns = {}', "records.0.kind"),
        ('[[records]]\nkind = "refund"\nfrom = "a.csv"\ncolumns = {record_id = "a"}', "lack"),
        ('[[records]]\nkind = "refund"\ncolumns = {}', "either from or sql"),
        ("surprise = 1", "surprise"),
    ],
)
def test_faulty_mapping_is_refused_with_the_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "faulty.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match=told):
        load(file)


@pytest.mark.parametrize(
    "columns",
    [
        {**_OWNED, "stars": "stars"},
        {**_OWNED, "agency": "agency"},
        {**_COLUMNS, "code": "code"},
        _COLUMNS,
    ],
    ids=["unknown part", "detail of another kind", "code without platform", "no dataset"],
)
def test_mapping_that_can_not_mean_anything_is_refused(columns: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="Value error"):
        mapping(columns)


def test_row_becomes_a_record_with_times_of_shanghai(tmp_path: Path) -> None:
    columns = {
        **_OWNED,
        "outcome": "'UPHELD'",
        "first_response_at": "ordered || 'Z'",
        "buyer": "nullif('', '')",
    }
    (one,), refused, _ = read(written(tmp_path, _HEADING, _LINE), mapping(columns))
    at = Instant(start_of(_day(2026, 10, 1)) + 8 * HOUR + HOUR // 2)
    assert (one.code.text, one.platform, one.record_id, one.store_id) == (_CODE, "1688", "t1", "s1")
    assert (one.kind, one.outcome, one.occurred_at) == (Kind.COMPLAINT, Outcome.UPHELD, at)
    assert one.first_response_at == at + 8 * HOUR
    assert (one.revision, one.void, one.buyer, refused) == (1, False, None, [])


def test_parquet_and_csv_are_read_alike(tmp_path: Path) -> None:
    folders = [tmp_path / "csv", tmp_path / "parquet"]
    for folder in folders:
        folder.mkdir()
    written(folders[0], _HEADING, _LINE, _LINE.replace("t1", "t2"))
    rows = duckdb.read_csv(str(folders[0] / "orders.csv"))
    typed = rows.project("id, store, CAST(ordered AS TIMESTAMP) AS ordered, code")
    typed.write_parquet(str(folders[1] / "orders.parquet"))
    columns = {**_OWNED, "record_id": "id || '#' || file_row", "outcome": "'UNDECIDED'"}
    told = [read(folder, mapping(columns))[0] for folder in folders]
    assert told[0] == told[1]
    assert [one.record_id for one in told[0]] == ["t1#1", "t2#2"]


def test_amounts_are_decimal_and_details_are_taken_where_they_are_told(tmp_path: Path) -> None:
    columns = {**_OWNED, "amount": "'19.90'", "currency": "'CNY'"}
    (order,), _, _ = read(written(tmp_path, _HEADING, _LINE), mapping(columns, kind="transaction"))
    assert order.amount == Money("CNY", 1_990)
    columns = {**_OWNED, "from_day": "ordered", "title": "store", "category": "NULL"}
    (store,), _, _ = read(tmp_path, mapping(columns, kind="store"))
    assert (store.detail, store.from_day) == ({"title": "s1"}, _day(2026, 10, 1))


@pytest.mark.parametrize(
    ("line", "changes", "reason"),
    [
        (f"t1,s1,yesterday,{_CODE}", {}, "FIELD_UNREADABLE"),
        (f"t1,s1,2026-02-30,{_CODE}", {}, "FIELD_UNREADABLE"),
        (f"t1,,2026-10-01,{_CODE}", {}, "FIELD_MISSING"),
        (f",s1,2026-10-01,{_CODE}", {}, "FIELD_MISSING"),
        ("t1,s1,2026-10-01,", {}, "FIELD_MISSING"),
        ("t1,s1,2026-10-01,911", {}, "CODE_FAULTY"),
        (_LINE, {"outcome": "'WON'"}, "OUTCOME_NOT_ALLOWED"),
        (_LINE, {"amount": "'0.001'", "currency": "'CNY'"}, "AMOUNT_FAULTY"),
        (_LINE, {"amount": "'1'"}, "AMOUNT_FAULTY"),
        (_LINE, {"revision": "'two'"}, "FIELD_UNREADABLE"),
    ],
    ids=[
        "no time",
        "no such day",
        "no store",
        "no id",
        "no code",
        "faulty code",
        "no such outcome",
        "amount too fine",
        "amount without currency",
        "revision is no number",
    ],
)
def test_row_that_is_no_record_is_refused_and_keeps_no_other(
    tmp_path: Path, line: str, changes: dict[str, str], reason: str
) -> None:
    of_first = {part: f"CASE WHEN id = 't1' THEN {told} END" for part, told in changes.items()}
    columns = {**_OWNED, **of_first}
    folder = written(tmp_path, _HEADING, line, _LINE.replace("t1", "t2"))
    (kept,), (refused,), summary = read(folder, mapping(columns))
    assert (kept.record_id, refused.reason) == ("t2", reason)
    assert (summary.read, summary.accepted, summary.refused) == (2, 1, {reason: 1})


def test_line_that_is_no_row_is_refused_by_its_number(tmp_path: Path) -> None:
    folder = written(tmp_path, _HEADING, "t1,s1", _LINE, "t3,s1,2026-10-01,x,y,z")
    kept, refused, summary = read(folder, mapping())
    assert [one.record_id for one in kept] == ["t1"]
    assert [(one.record_id, one.reason) for one in refused] == [
        ("orders.csv:2", "LINE_FAULTY"),
        ("orders.csv:4", "LINE_FAULTY"),
    ]
    assert summary.read == 3


def test_links_say_whose_a_store_is(tmp_path: Path) -> None:
    links_file = tmp_path / "links.txt"
    links_file.write_text(
        f"dataset,store_id,platform,code\nshop,s1,taobao,{_CODE}\nother,s2,taobao,{_CODE}\n",
        encoding="utf-8",
    )
    links = load_links(links_file, "shop")
    folder = written(tmp_path, _HEADING, _LINE, _LINE.replace("t1,s1", "t2,s2"))
    (kept,), (refused,), _ = read(folder, mapping(_COLUMNS, dataset="shop"), links=links)
    assert (kept.platform, kept.code.text) == ("taobao", _CODE)
    assert (refused.record_id, refused.reason) == ("t2", "STORE_NOT_LINKED")
    with pytest.raises(UnreadableError, match="links no store"):
        load_links(links_file, "third")


def test_last_record_falls_on_the_day_asked_for_and_hours_stay(tmp_path: Path) -> None:
    columns = {**_OWNED, "outcome": "'UNDECIDED'", "decided_at": "ordered"}
    how = mapping(
        columns, dataset="shop", last_record="SELECT max(CAST(ordered AS TIMESTAMP)) FROM orders"
    )
    folder = written(tmp_path, _HEADING, _LINE, "t2,s1,2026-10-03 23:59:59," + _CODE)
    (first, last), _, _ = read(folder, how, end_day=Day(builders.TODAY - 1))
    end = start_of(builders.TODAY)
    assert last.occurred_at == end - 1_000_000
    assert first.occurred_at == first.decided_at == end - 3 * DAY + 8 * HOUR + HOUR // 2


def test_refusal_repeats_no_value_of_the_row(tmp_path: Path) -> None:
    columns = {**_OWNED, "buyer": "store", "outcome": "store", "occurred_at": "store"}
    folder = written(tmp_path, _HEADING, f"t1,planted-13800138000,2026-10-01,{_CODE}")
    _, (refused,), _ = read(folder, mapping(columns))
    assert "13800138000" not in str(refused)


def test_mapping_reads_nothing_outside_its_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        written(folder, _HEADING, _LINE)
    query = f"FROM read_csv('{outside}/orders.csv')"
    how = mapping(sql=query, **{"from": None})
    with pytest.raises(UnreadableError, match="PermissionException"):
        read(inside, how)


def test_query_that_fails_on_a_value_does_not_tell_it(tmp_path: Path) -> None:
    columns = {**_OWNED, "revision": "CAST(store AS INTEGER)"}
    folder = written(tmp_path, _HEADING, f"t1,planted-13800138000,2026-10-01,{_CODE}")
    with pytest.raises(UnreadableError) as told:
        read(folder, mapping(columns))
    assert "13800138000" not in str(told.value)


def test_unknown_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no_such_column"):
        read(written(tmp_path, _HEADING, _LINE), mapping({**_OWNED, "buyer": "no_such_column"}))


@pytest.mark.parametrize("heading", ["", "id,id,ordered,code", "id,,ordered,code"])
def test_file_without_a_heading_of_distinct_names_is_refused(tmp_path: Path, heading: str) -> None:
    with pytest.raises(UnreadableError, match="heading"):
        read(written(tmp_path, heading, _LINE), mapping())


def _day(year: int, month: int, day: int) -> Day:
    return from_date(dt.date(year, month, day))
