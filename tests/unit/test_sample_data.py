"""The sample data: made up, the same from the same seed, and like real marketplaces."""

from __future__ import annotations

import collections
import csv
import datetime as dt
import json
import math
import statistics
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse

from bonafides.archive.expiry import Standing, standing
from bonafides.archive.public_record_rows import read_row
from bonafides.identity.codes import UnifiedCode, out_of_scope
from bonafides.identity.id_numbers import IdNumber, IdType
from bonafides.instants import SHANGHAI, from_date, from_datetime
from bonafides.v1 import identity_service_pb2 as service
from scripts import make_sample_data, sampling, sampling_trade
from tests import builders

END = dt.date(2026, 11, 20)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sample data of the usual size."""
    folder = tmp_path_factory.mktemp("sample")
    make_sample_data.main(folder, seed=7, end_day=END.isoformat())
    return folder


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def latest(folder: Path, kind: str) -> list[dict[str, str]]:
    """The last revision of each record that was not taken back."""
    last = {(row["code"], row["record_id"]): row for row in rows(folder, kind)}
    return [row for row in last.values() if row["void"] == "false"]


def test_same_seed_and_day_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    make_sample_data.main(tmp_path, seed=7, end_day=END.isoformat())
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        file.name: file.read_bytes() for file in sample.iterdir()
    }


def test_another_seed_gives_other_trade(sample: Path, tmp_path: Path) -> None:
    make_sample_data.main(tmp_path, seed=8, end_day=END.isoformat())
    assert (tmp_path / "transactions.csv").read_bytes() != (
        sample / "transactions.csv"
    ).read_bytes()


def test_every_code_is_submittable_and_lies_in_the_reserved_region(sample: Path) -> None:
    codes = [UnifiedCode.parse(row["code"]) for row in rows(sample, "registry")]
    assert {code.region for code in codes} == {"990000"}
    assert {code.department for code in codes} == {"91", "92", "93"}
    assert [code for code in codes if code.findings or out_of_scope(code)] == []


def test_every_id_number_is_well_formed_and_of_no_real_county(sample: Path) -> None:
    # Of several representatives the first has a resident's number.
    numbers = [
        row["representative_id_number"].partition("、")[0] for row in rows(sample, "registry")
    ]
    assert [IdNumber.parse(number, today=from_date(END)).text[:6] for number in numbers] == [
        "990000"
    ] * len(numbers)


@pytest.mark.feature("A9")
def test_one_enterprise_has_representatives_with_every_type_of_document(sample: Path) -> None:
    several = [row for row in rows(sample, "registry") if "、" in row["representative"]]
    (row,) = several
    names, numbers = (
        row[column].split("、") for column in ("representative", "representative_id_number")
    )
    assert len(names) == len(numbers) == len(set(numbers)) == len(IdType)
    today = from_date(END)
    for number, type_ in zip(
        numbers,
        ("RESIDENT_ID", "PASSPORT", "HK_MACAO_PERMIT", "TAIWAN_PERMIT"),
        strict=False,
    ):
        assert IdNumber.parse(number, IdType(type_), today=today).text == number


def test_no_generated_title_is_a_real_enterprise() -> None:
    with (builders.shared_data() / "companies_dev.csv").open(encoding="utf-8") as opened:
        real = opened.read()
    made = sampling.invent(7, 300, attached=0, end=END)
    assert [of.title for of in made if of.title in real] == []
    assert len({of.title for of in made}) == len(made)


def test_shares_sum_to_the_capital_and_individual_businesses_have_none() -> None:
    made = sampling.invent(7, 60, attached=0, end=END)
    assert [of.code for of in made if of.code.individual and of.shareholders] == []
    assert [
        of.code
        for of in made
        if sum(holder.subscribed_minor for holder in of.shareholders) != (of.capital_minor or 0)
    ] == []


def test_every_submission_is_a_request_of_its_own(sample: Path) -> None:
    lines = (sample / "submissions.jsonl").read_text(encoding="utf-8").splitlines()
    requests = [Parse(line, service.SubmitIdentityRequest()) for line in lines]
    assert len({request.request_id for request in requests}) == len(requests) == 40
    assert {request.claims.code for request in requests} >= {
        row["code"] for row in rows(sample, "registry")
    }


def test_nothing_but_an_expiry_is_dated_after_the_last_day(sample: Path) -> None:
    dated = ("occurred_at", "delivered_day", "first_response_at", "decided_at", "from_day")
    late = [
        (kind, column, row["record_id"])
        for kind in sampling_trade.COLUMNS
        for row in rows(sample, kind)
        for column in dated
        if row.get(column, "")[:10] > END.isoformat()
    ]
    assert late == []


@pytest.mark.feature("C5")
def test_every_fate_of_a_public_record_occurs_and_every_row_can_be_read(sample: Path) -> None:
    end = from_datetime(dt.datetime.combine(END, dt.time(23), SHANGHAI))
    facts = [read_row(row, now=end) for row in rows(sample, "public_records")]
    # Withdrawn is what a ruling made of one, which no file tells.
    assert {standing(fact, end) for fact in facts} == set(Standing) - {Standing.WITHDRAWN}
    assert {fact.code[2:8] for fact in facts} == {"990000"}


def test_every_outcome_and_a_revoked_licence_occur(sample: Path) -> None:
    outcomes = {
        row["outcome"] for kind in ("complaints", "disputes") for row in latest(sample, kind)
    }
    assert outcomes == {"UPHELD", "LOST", "REJECTED", "SETTLED", "UNDECIDED"}
    assert [row["operating_state"] for row in rows(sample, "registry_update")] == ["吊销"]
    changed = [json.loads(row["changes"]) for row in rows(sample, "registry")]
    assert {change["item"] for changes in changed for change in changes} >= {"法定代表人变更"}


def test_trade_grows_and_spans_two_years_on_several_platforms(sample: Path) -> None:
    orders = latest(sample, "transactions")
    ages = [(END - dt.date.fromisoformat(row["occurred_at"][:10])).days for row in orders]
    assert max(ages) > 730
    assert sum(age < 365 for age in ages) > sum(365 <= age < 730 for age in ages)
    assert {row["platform"] for row in orders} == {"1688", "taobao", "tmall", "alibaba"}
    assert {row["currency"] for row in orders} == {"CNY", "USD", "EUR"}


def test_every_rate_that_a_record_needs_is_at_most_a_month_old(sample: Path) -> None:
    days = collections.defaultdict(list)
    for row in rows(sample, "rates"):
        days[row["currency"]].append(dt.date.fromisoformat(row["date"]))
    assert set(days) == {"USD", "EUR", "GBP", "BRL"}
    for quoted in days.values():
        gaps = [b - a for a, b in zip(quoted, [*quoted[1:], END], strict=True)]
        assert max(gaps) <= dt.timedelta(days=10)


def test_ordinary_trade_looks_like_the_measured_marketplaces() -> None:
    """Pooled over 600 generated enterprises; bounds allow for what one seed may do."""
    made = [
        sampling_trade.trade(of, 7, end=END)
        for of in sampling.invent(7, 600, attached=0, end=END)
        if of.character.name == "ordinary"
    ]
    orders = [row for rows_ in made for row in rows_["transactions"] if row["revision"] == "1"]
    complained = {
        (row["code"], row["original_id"]) for rows_ in made for row in rows_["complaints"]
    }
    delivered = [row for row in orders if row["delivered_day"]]
    late = [row for row in delivered if row["delivered_day"] > row["promised_day"]]
    late_complained = sum((row["code"], row["record_id"]) in complained for row in late)
    values = [math.log(float(row["amount"])) for row in orders]
    per_store = collections.Counter(row["store_id"] for row in orders)

    assert statistics.mean(values) == pytest.approx(4.69, abs=0.05)
    assert statistics.stdev(values) == pytest.approx(0.81, abs=0.05)
    assert len(late) / len(delivered) == pytest.approx(0.08, abs=0.03)
    assert len(complained) / len(orders) == pytest.approx(0.15, abs=0.04)
    assert late_complained / len(late) == pytest.approx(0.637, abs=0.12)
    assert statistics.mean(map(math.log, per_store.values())) == pytest.approx(2.02, abs=0.25)
    assert max(per_store.values()) > 300


def test_wholesale_buyers_come_back_and_retail_buyers_rarely_do(sample: Path) -> None:
    days = collections.defaultdict(set)
    for row in latest(sample, "transactions"):
        if row["buyer"]:
            days[row["platform"], row["buyer"]].add(row["occurred_at"][:10])
    repeat = {
        platform: statistics.mean(
            len(bought) > 1 for (on, _), bought in days.items() if on == platform
        )
        for platform in ("1688", "taobao")
    }
    assert repeat["1688"] == pytest.approx(0.655, abs=0.08)
    assert repeat["taobao"] == pytest.approx(0.031, abs=0.025)


def test_every_real_seller_goes_to_one_enterprise_that_trades_nothing_of_its_own(
    tmp_path: Path,
) -> None:
    make_sample_data.main(
        tmp_path, seed=7, end_day=END.isoformat(), attach=builders.shared_data(), attached=30
    )
    links = rows(tmp_path, "store_links")
    assert collections.Counter(row["dataset"] for row in links) == {
        "olist": 787,
        "online-retail": 1,
    }
    assert len({row["store_id"] for row in links}) == len(links)
    assert {row["platform"] for row in links} == {"1688", "olist", "online-retail"}
    trading = {row["code"] for row in rows(tmp_path, "transactions")}
    assert trading.isdisjoint(row["code"] for row in links)
