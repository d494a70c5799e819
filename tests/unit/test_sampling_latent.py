"""The generated years: integrity drives what happens, and manipulation is labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bonafides.archive.public_record_rows import read_row
from bonafides.identity.codes import GENERATED_REGION, UnifiedCode
from bonafides.identity.registry import read_row as read_registry_row
from bonafides.instants import Day, Instant, start_of
from bonafides.records.mapping import load
from scripts.make_history import (
    PARTICIPATION,
    PUBLIC_RECORDS,
    RECORDS,
    REGISTRY,
    TRUTH,
    write,
)
from scripts.sampling_latent import (
    BOUGHT,
    HOPPING,
    MANIPULATIONS,
    NEVER,
    RING,
    RING_SIZE,
    WITHDRAWN,
    Block,
    Span,
    invent_block,
)
from scripts.sampling_ledger import rows

SPAN = Span(19_000, 20_460)


@pytest.fixture(scope="module")
def block() -> Block:
    return invent_block(3, 0, 2_500, SPAN)


@pytest.fixture(scope="module")
def log(block: Block) -> pa.Table:
    return rows(block, 3)


def _rate(block: Block, log: pa.Table, kind: str, outcome: str) -> tuple[float, float]:
    """Returns the cases that ended so for each order, of the low in integrity and of the high."""
    numbers = {code: number for number, code in enumerate(block.codes)}
    of = np.array([numbers[code] for code in log["code"].to_pylist()])
    integrity, usual = block.integrity[of], block.manipulation[of] == 0
    ordered = np.array(log["kind"].to_pylist()) == "transaction"
    kinds, outcomes = np.array(log["kind"].to_pylist()), np.array(log["outcome"].to_pylist())
    ended = (kinds == kind) & (outcomes == outcome)
    low, high = usual & (integrity < -0.5), usual & (integrity > 0.5)
    return (
        float((ended & low).sum() / (ordered & low).sum()),
        float((ended & high).sum() / (ordered & high).sum()),
    )


def test_low_integrity_loses_more_disputes_and_complaints(block: Block, log: pa.Table) -> None:
    for kind, outcome in (("dispute", "lost"), ("complaint", "upheld")):
        low, high = _rate(block, log, kind, outcome)
        assert low > 2 * high


def test_every_manipulation_is_planted_and_labelled(block: Block) -> None:
    assert set(np.unique(block.manipulation).tolist()) == set(range(len(MANIPULATIONS)))
    rings, members = np.unique(block.ring[block.ring >= 0], return_counts=True)
    assert rings.size
    assert set(members.tolist()) == {RING_SIZE}
    assert (block.second[block.manipulation == WITHDRAWN] >= 0).all()
    assert (block.withdraws[block.manipulation == WITHDRAWN] < NEVER).all()
    # Rivals buy complaints against the good.
    assert block.integrity[block.manipulation == BOUGHT].min() > 0


def test_ring_buys_from_itself_by_few_hands(block: Block, log: pa.Table) -> None:
    codes = pa.array(np.array(block.codes)[block.manipulation == RING])
    orders = log.filter(pc.and_(pc.is_in(log["code"], codes), pc.equal(log["kind"], "transaction")))
    of = orders.group_by(["code", "store_id", "buyer"]).aggregate([("record_id", "count")])
    most = of.sort_by([("record_id_count", "descending")])["record_id_count"].to_pylist()
    # Four hands a store bought three of four orders.
    hands = of.group_by(["code", "store_id"]).aggregate([("record_id_count", "max")]).num_rows * 4
    assert sum(most[:hands]) > 0.6 * orders.num_rows


def test_whoever_hops_has_store_after_store(block: Block, log: pa.Table) -> None:
    stores = log.filter(pc.and_(pc.equal(log["kind"], "store"), pc.equal(log["revision"], 1)))
    count = dict(
        zip(*(each.to_pylist() for each in stores["code"].value_counts().flatten()), strict=True)
    )
    hops = [count.get(block.codes[of], 0) for of in np.flatnonzero(block.manipulation == HOPPING)]
    assert max(hops) >= 4
    assert max(count[code] for code in count) == max(hops)


def test_nothing_is_recorded_before_it_happened_or_after_the_last_day(log: pa.Table) -> None:
    last = start_of(Day(SPAN.last + 1))
    assert pc.max(log["recorded_at"]).as_py() < last
    assert pc.all(pc.greater_equal(log["recorded_at"], log["occurred_at"])).as_py()
    decided = log.filter(pc.is_valid(log["decided_at"]))
    assert pc.all(pc.greater_equal(decided["recorded_at"], decided["decided_at"])).as_py()


def test_cases_are_recorded_when_opened_and_again_when_decided(log: pa.Table) -> None:
    cases = log.filter(pc.is_in(log["kind"], pa.array(["complaint", "dispute"])))
    first = cases.filter(pc.equal(cases["revision"], 1))
    assert set(pc.unique(first["outcome"]).to_pylist()) == {"undecided"}
    assert cases.num_rows > 1.9 * first.num_rows


@pytest.mark.feature("E6")
def test_same_seed_gives_the_same_bytes_and_another_gives_others(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        write(tmp_path / name, seed=seed, enterprises=60)
    for file in (RECORDS, REGISTRY, PUBLIC_RECORDS, PARTICIPATION, TRUTH):
        one, again = ((tmp_path / name / file).read_bytes() for name in ("one", "again"))
        assert one == again
    assert (tmp_path / "one" / RECORDS).read_bytes() != (tmp_path / "other" / RECORDS).read_bytes()


def test_importers_read_what_is_written(tmp_path: Path) -> None:
    write(tmp_path, seed=1, enterprises=60)
    mapping = load(tmp_path / "mapping.toml")
    assert {block.kind.value for block in mapping.records} >= {"store", "transaction", "dispute"}
    now = Instant(start_of(Day(25_000)))
    published = pq.read_table(tmp_path / PUBLIC_RECORDS).to_pylist()
    registered = pq.read_table(tmp_path / REGISTRY).to_pylist()
    assert len([read_row(row, now=now) for row in published]) == len(published) > 0
    assert len([read_registry_row(row, now=now) for row in registered]) == len(registered)


def test_every_code_is_generated_and_none_is_twice(tmp_path: Path) -> None:
    write(tmp_path, seed=1, enterprises=60)
    codes = pq.read_table(tmp_path / TRUTH)["code"].to_pylist()
    assert {UnifiedCode.parse(code).region for code in codes} == {GENERATED_REGION}
    assert len(set(codes)) == 60


def test_enterprises_turn_worse_in_the_first_years_as_in_the_last() -> None:
    """Were it otherwise, what training sees of the first years would not hold in the last."""
    turns = np.concatenate([invent_block(3, number, 10_000, SPAN).turns for number in range(2)])
    turned = turns[(turns > SPAN.first) & (turns < NEVER)]
    years = np.bincount((turned - SPAN.first - 1) // 365, minlength=4)
    # Enterprises come and add to those that may turn; none waits for a year.
    assert years.min() > 0.5 * years.max() > 50
