"""The operator view of real records equals a recount from the files.

The recount is DuckDB's, straight from the files, and shares nothing with the import
but the definitions: one transaction per (order, seller) or row, all days moved by
the whole days between the data set's last record and the day asked for, last year
= (today - 365, today], for buyers the last twelve calendar months, rates cut down to
millionths. Real sellers are linked to generated enterprises alone.
"""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import pytest

from bonafides.archive import operations as archive_operations
from bonafides.instants import Day, to_date
from bonafides.rating.scorecard import champion
from bonafides.settings import Settings
from bonafides.storage import records as record_rows
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2
from scripts import import_records, load_rates
from tests import builders

_ROOT: Final = Path(__file__).parents[2]
_MAPPINGS: Final = _ROOT / "scripts" / "mappings"
_ENTERPRISES: Final = 40
_END: Final = Day(builders.TODAY - 1)
_MAX_RSS_KIB: Final = 500_000
_RETAIL: Final = "online-retail"

# Imports as the command does, at a given now, and tells how much memory it took.
_CHILD: Final = """
import json, re, sys
from pathlib import Path
from bonafides.instants import Day, Instant
from bonafides.settings import Settings
from scripts.import_records import Job, run

mapping, folder, links, rejects, data, end, now = sys.argv[1:]
job = Job(Path(mapping), Path(folder), Path(links), Day(int(end)), Path(rejects), False)
summary, _ = run(job, Settings(data_dir=Path(data)), Instant(int(now)))
# What getrusage tells of a child begins with the peak of its parent.
peak_kib = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([summary.read, summary.accepted, summary.refused, peak_kib]))
"""


class Figures(NamedTuple):
    """What is compared, over one window. Rates in millionths; None: of nothing."""

    transactions: int
    buyers: int
    repeat_ppm: int | None
    refund_ppm: int | None
    complaint_ppm: int | None


class Told(NamedTuple):
    """What the view of one platform tells."""

    stores: int
    cumulative: Figures
    last_year: Figures


_Recount = dict[tuple[str, str], Told]
_NOTHING: Final = Told(0, Figures(0, 0, None, None, None), Figures(0, 0, None, None, None))

# Wants tables trade(code, platform, day, buyer), refund, complaint and store(code,
# platform[, day]); windows are by day, for buyers by month.
_FIGURES: Final = """
WITH trades AS (
  SELECT code, platform, count(*) AS n FROM trade WHERE day > $after AND day <= $today
  GROUP BY ALL
),
buyer AS (
  SELECT code, platform, buyer, count(DISTINCT day) AS days FROM trade
  WHERE buyer IS NOT NULL AND day >= $buyers_from AND day <= $today GROUP BY ALL
),
buyers AS (
  SELECT code, platform, count(*) AS n, count(*) FILTER (days > 1) AS again FROM buyer
  GROUP BY ALL
),
refunds AS (
  SELECT code, platform, count(*) AS n FROM refund WHERE day > $after AND day <= $today
  GROUP BY ALL
),
complaints AS (
  SELECT code, platform, count(*) AS n FROM complaint WHERE day > $after AND day <= $today
  GROUP BY ALL
)
SELECT
  store.code,
  store.platform,
  count(*),
  coalesce(any_value(trades.n), 0),
  coalesce(any_value(buyers.n), 0),
  any_value(buyers.again * 1000000 // buyers.n),
  any_value(coalesce(refunds.n, 0) * 1000000 // trades.n),
  any_value(coalesce(complaints.n, 0) * 1000000 // trades.n)
FROM store
LEFT JOIN trades USING (code, platform)
LEFT JOIN buyers USING (code, platform)
LEFT JOIN refunds USING (code, platform)
LEFT JOIN complaints USING (code, platform)
GROUP BY ALL
"""

_OLIST: Final = """
CREATE TABLE moved AS
SELECT $last - max(greatest(
    CAST(order_purchase_timestamp AS DATE),
    coalesce(CAST(order_delivered_customer_date AS DATE), DATE '1970-01-01'),
    coalesce(CAST(review_creation_date AS DATE), DATE '1970-01-01')
  )) AS days
FROM orders SEMI JOIN items USING (order_id) LEFT JOIN reviews USING (order_id);

CREATE TABLE sold AS
SELECT DISTINCT
  order_id, seller_id, code, platform, order_status, customer_unique_id AS buyer,
  CAST(order_purchase_timestamp AS DATE) + CAST((FROM moved) AS INTEGER) AS day
FROM items JOIN orders USING (order_id) JOIN links ON links.store_id = items.seller_id;

CREATE TABLE trade AS FROM sold;
CREATE TABLE refund AS FROM sold WHERE order_status IN ('canceled', 'unavailable');
CREATE TABLE complaint AS
SELECT code, platform, CAST(review_creation_date AS DATE) + CAST((FROM moved) AS INTEGER) AS day
FROM reviews JOIN sold USING (order_id) WHERE review_score IN (1, 2);
CREATE TABLE store AS SELECT DISTINCT code, platform, seller_id FROM sold;
"""

_ONLINE_RETAIL: Final = """
CREATE TABLE moved AS SELECT $last - max(CAST(InvoiceDate AS DATE)) AS days FROM invoices;
CREATE TABLE row_ AS
SELECT
  code, platform, Quantity AS quantity, CustomerID AS buyer,
  CAST(InvoiceDate AS DATE) + CAST((FROM moved) AS INTEGER) AS day
FROM invoices, links
-- Refused: no price, an adjustment of debts, prices of a tenth of a penny.
WHERE row <= $rows AND UnitPrice >= 0.01;
CREATE TABLE trade AS FROM row_ WHERE quantity > 0;
CREATE TABLE refund AS FROM row_ WHERE quantity < 0;
CREATE TABLE complaint AS SELECT code, platform, day FROM row_ LIMIT 0;
CREATE TABLE store AS SELECT code, platform FROM links;
"""


def enterprise(store_id: str) -> str:
    """Returns the code of the generated enterprise that a real store is given to."""
    number = hashlib.sha256(store_id.encode()).digest()[1] % _ENTERPRISES
    return builders.code(number + 1).text


def links_to(file: Path, dataset: str, stores: Sequence[str]) -> Path:
    """Writes which enterprise and platform each store goes to, half and half."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("dataset", "store_id", "platform", "code"))
        for store in stores:
            platform = ("1688", "olist")[hashlib.sha256(store.encode()).digest()[0] % 2]
            given = _RETAIL if dataset == _RETAIL else platform
            writer.writerow((dataset, store, given, enterprise(store)))
    return file


def prepared(store: Store, platforms: Sequence[str]) -> None:
    """Lets every enterprise take part and loads the rates."""
    for number in range(1, _ENTERPRISES + 1):
        builders.enroll(store, builders.code(number), platforms=platforms)
    with store.writing() as work:
        record_rows.save_rates(work, load_rates.from_ecb(["BRL", "GBP"]))
        work.commit()


def recounted(tables: dict[str, str], links: Path, script: str, **values: Any) -> _Recount:
    """Recounts in DuckDB from the files: `tables` by name, `script` makes what is counted."""
    connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "1GB"})
    for name, source in {**tables, "links": f"FROM '{links}'"}.items():
        connection.execute(f"CREATE VIEW {name} AS {source}")
    for statement in script.split(";\n"):
        if statement.strip():
            wanted = {name: value for name, value in values.items() if f"${name}" in statement}
            connection.execute(statement, wanted or None)
    today = to_date(builders.TODAY)
    first_month = today.replace(year=today.year - 1, month=today.month % 12 + 1, day=1)
    # In December the twelve months began in January.
    if today.month == 12:
        first_month = first_month.replace(year=today.year)
    ever = {
        "today": today,
        "after": today.replace(year=1990),
        "buyers_from": first_month.replace(year=1990),
    }
    year = {"today": today, "after": to_date(Day(builders.TODAY - 365)), "buyers_from": first_month}
    counted = [connection.execute(_FIGURES, window).fetchall() for window in (ever, year)]
    connection.close()
    last_year = {(row[0], row[1]): Figures(*row[3:]) for row in counted[1]}
    return {
        (row[0], row[1]): Told(row[2], Figures(*row[3:]), last_year[row[0], row[1]])
        for row in counted[0]
    }


def shown(store: Store) -> _Recount:
    """Reads the same figures from the operator view of every enterprise."""
    told: _Recount = {}
    for number in range(1, _ENTERPRISES + 1):
        code = builders.code(number).text
        view = archive_operations.get_archive(
            store,
            champion(None),
            code,
            audience=disclosure_pb2.AUDIENCE_OPERATOR,
            now=builders.NOW,
        )
        for file in archive_pb2.Archive.FromString(view).platforms:
            cumulative, last_year = figures(file.cumulative), figures(file.last_year)
            told[code, file.platform] = Told(file.open_stores, cumulative, last_year)
    return {key: one for key, one in told.items() if one != _NOTHING}


def figures(told: archive_pb2.TradeStatistics) -> Figures:
    """Returns the figures of one window, None for what is not set."""

    def optional(holder: Any, name: str) -> int | None:
        return getattr(holder, name) if holder.HasField(name) else None

    return Figures(
        transactions=told.transactions,
        buyers=told.buyers.buyers,
        repeat_ppm=optional(told.buyers, "repeat_rate_ppm"),
        refund_ppm=optional(told, "refund_rate_ppm"),
        complaint_ppm=optional(told, "complaint_rate_ppm"),
    )


@pytest.mark.feature("C6")
@pytest.mark.feature("C7")
def test_operator_view_of_olist_equals_a_recount_from_the_files(
    store: Store, tmp_path: Path
) -> None:
    folder = builders.shared_data() / "olist"
    sellers = duckdb.read_parquet(str(folder / "sellers.parquet")).project("seller_id")
    stores = sorted(seller for (seller,) in sellers.fetchall())
    links = links_to(tmp_path / "links.csv", "olist", stores)
    prepared(store, ["1688", "olist"])
    job = import_records.Job(
        _MAPPINGS / "olist.toml", folder, links, _END, tmp_path / "rejects.csv", dry_run=False
    )
    url = store.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path, database_url=url)
    summary, _ = import_records.run(job, settings, builders.NOW)
    assert (summary.read, summary.accepted) == (summary.accepted, 7_015)
    tables = {
        name: f"FROM '{folder / file}.parquet'"
        for name, file in (
            ("orders", "orders"),
            ("items", "order_items"),
            ("reviews", "order_reviews"),
        )
    }
    recount = recounted(tables, links, _OLIST, last=to_date(_END))
    assert len({code for code, _ in recount}) == _ENTERPRISES
    assert sum(told.cumulative.transactions for told in recount.values()) == 5_631
    assert shown(store) == recount


def _online_retail(
    store: Store, tmp_path: Path, *, rows: int, mapping: Path
) -> tuple[list[Any], _Recount]:
    """Imports rows of Online Retail in a process of its own; returns its summary, and a recount."""
    folder = builders.shared_data() / "online_retail"
    links = links_to(tmp_path / "links.csv", _RETAIL, [_RETAIL])
    prepared(store, [_RETAIL])
    url = store.url.render_as_string(hide_password=False)
    values = (mapping, folder, links, tmp_path / "rejects.csv", tmp_path, _END, builders.NOW)
    told = subprocess.run(  # noqa: S603 - our own import
        [sys.executable, "-c", _CHILD, *map(str, values)],
        capture_output=True,
        check=True,
        cwd=_ROOT,
        env={"BONAFIDES_DATABASE_URL": url},
    )
    file = f"read_parquet('{folder}/*.parquet', file_row_number = true)"
    tables = {"invoices": f"FROM {file} SELECT *, file_row_number + 1 AS row"}
    recount = recounted(tables, links, _ONLINE_RETAIL, last=to_date(_END), rows=rows)
    summary: list[Any] = json.loads(told.stdout)
    return summary, recount


@pytest.mark.feature("C7")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_operator_view_of_all_online_retail_equals_a_recount_in_bounded_memory(
    store: Store, tmp_path: Path
) -> None:
    mapping = _MAPPINGS / "online_retail.toml"
    summary, recount = _online_retail(store, tmp_path, rows=541_909, mapping=mapping)
    read, accepted, refused, peak_kib = summary
    # The store beside the rows.
    assert read == 541_909 + 1
    assert refused == {"AMOUNT_NOT_POSITIVE": 2_517, "AMOUNT_FAULTY": 4}
    assert accepted == read - 2_521
    assert peak_kib < _MAX_RSS_KIB
    assert shown(store) == recount


@pytest.mark.feature("C7")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_operator_view_of_some_online_retail_equals_a_recount(store: Store, tmp_path: Path) -> None:
    whole = (_MAPPINGS / "online_retail.toml").read_text(encoding="utf-8")
    mapping = tmp_path / "online_retail.toml"
    mapping.write_text(
        whole.replace('where = "', 'where = "file_row <= 30000 AND '), encoding="utf-8"
    )
    summary, recount = _online_retail(store, tmp_path, rows=30_000, mapping=mapping)
    assert summary[0] == 30_000 + 1
    assert shown(store) == recount
