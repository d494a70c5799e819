"""Snapshots know what was recorded by their day, and nothing that came to be known later."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from bonafides.archive import metrics
from bonafides.archive.facts import Fact, Kind
from bonafides.archive.public_records import CourtCase, MatchedBy, Performance
from bonafides.instants import DAY, Day, Instant, start_of
from bonafides.rating import sql
from bonafides.rating.features import FEATURES
from bonafides.rating.training.cohorts import Cohort, pseudonym
from bonafides.rating.training.labelled import Labelled
from bonafides.rating.training.participants import Learned, Participant
from bonafides.storage.engines import DuckDb, rollups
from scripts.history_files import History
from scripts.make_history import TRUTH
from tests.history import KEY, cohort_of, looked_at, made

# One history for all tests of this module: they stay in one process.
pytestmark = pytest.mark.xdist_group("snapshots")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """A small history, read by every test here and changed by none."""
    return made(tmp_path_factory.mktemp("history"), enterprises=300)


@pytest.fixture(scope="module")
def cohort(history: History) -> Cohort:
    return cohort_of(history, "train")


@pytest.fixture(scope="module")
def table(history: History, cohort: Cohort) -> Labelled:
    return looked_at(history, cohort)


def _same_features(one: Labelled, other: Labelled) -> None:
    assert one.enterprise.tolist() == other.enterprise.tolist()
    for name in FEATURES:
        assert np.array_equal(one.figures[name], other.figures[name], equal_nan=True)


def _with_records(history: History, folder: Path, log: pa.Table) -> History:
    pq.write_table(log, folder / "records.parquet")
    return dataclasses.replace(history, records=folder / "records.parquet")


def _replaced(rows: pa.Table, **columns: Any) -> pa.Table:
    for name, value in columns.items():
        place = rows.column_names.index(name)
        rows = rows.set_column(place, rows.schema.field(name), value)
    return rows


@pytest.mark.feature("E6")
def test_records_that_are_learned_later_change_no_feature(
    history: History, cohort: Cohort, table: Labelled, tmp_path: Path
) -> None:
    """Disputes of before the day, lost, but recorded a day after it; and orders never seen."""
    log = pq.read_table(history.records)
    known = log.filter(pc.field("day") < cohort.day)
    late = known.filter(pc.is_in(known["kind"], pa.array(["transaction", "dispute"])))
    planted = _replaced(
        late,
        record_id=pc.binary_join_element_wise("planted", late["record_id"], "-"),
        recorded_at=pa.array([cohort.as_of + 1] * late.num_rows),
        outcome=pa.array(["lost"] * late.num_rows),
    )
    told = looked_at(_with_records(history, tmp_path, pa.concat_tables([log, planted])), cohort)
    _same_features(told, table)


def test_revision_that_is_learned_later_changes_no_feature(
    history: History, cohort: Cohort, table: Labelled, tmp_path: Path
) -> None:
    """Every record of before the day is taken back, a day after it."""
    log = pq.read_table(history.records)
    known = log.filter(pc.field("recorded_at") <= cohort.as_of)
    taken = _replaced(
        known,
        revision=pa.array([9] * known.num_rows, pa.int64()),
        recorded_at=pa.array([cohort.as_of + DAY] * known.num_rows),
        void=pa.array([True] * known.num_rows),
    )
    told = looked_at(_with_records(history, tmp_path, pa.concat_tables([log, taken])), cohort)
    # What is taken back is no outcome either: rows may leave, none may look different.
    kept = np.isin(table.enterprise, told.enterprise)
    assert 0 < kept.sum() <= len(table)
    _same_features(told, table.where(kept))


def _case(begins: Day) -> CourtCase:
    return CourtCase(
        matched_by=MatchedBy.CODE,
        begins=begins,
        case_number="(2024)九9901执1号",
        court="九九市东湾区人民法院",
        performance=Performance.UNPERFORMED,
    )


def _with_case(history: History, kind: Kind, begins: Day, at: Instant) -> History:
    def with_case(of: Participant) -> Participant:
        fact = Fact(
            of.code.text, kind, _case(begins), "court-list", at, start_of(begins), None, "p"
        )
        return dataclasses.replace(of, learned=(*of.learned, Learned(at, fact)))

    return dataclasses.replace(history, participants=tuple(map(with_case, history.participants)))


@pytest.mark.feature("E6")
def test_enforcement_that_is_learned_later_changes_no_feature(
    history: History, cohort: Cohort, table: Labelled
) -> None:
    later = Instant(cohort.as_of + 1)
    _same_features(
        looked_at(_with_case(history, Kind.ENFORCEMENT, Day(cohort.day - 90), later), cohort), table
    )


def test_enforcement_that_was_learned_in_time_is_in_the_features(
    history: History, cohort: Cohort, table: Labelled
) -> None:
    in_time = cohort.as_of
    told = looked_at(_with_case(history, Kind.ENFORCEMENT, Day(cohort.day - 90), in_time), cohort)
    more = told.figures["unfulfilled_cases"] - table.figures["unfulfilled_cases"]
    assert more.tolist() == [1.0] * len(table)


def test_listing_in_the_window_makes_everybody_bad_and_changes_no_feature(
    history: History, cohort: Cohort, table: Labelled
) -> None:
    begins = Day(cohort.day + 100)
    told = looked_at(
        _with_case(history, Kind.DISHONEST_DEBTOR, begins, start_of(Day(begins + 5))), cohort
    )
    assert told.bad.min() == 1
    # Who left meanwhile is bad now, and was censored.
    assert np.isin(table.enterprise, told.enterprise).all()
    _same_features(told.where(np.isin(told.enterprise, table.enterprise)), table)


def test_listing_of_shortly_before_that_is_learned_after_the_day_is_a_label(
    history: History, cohort: Cohort, table: Labelled
) -> None:
    """Nobody knew of it on the day: no feature has it, so the label must."""
    begins, learned = Day(cohort.day - 5), Instant(cohort.as_of + 3 * DAY)
    told = looked_at(_with_case(history, Kind.DISHONEST_DEBTOR, begins, learned), cohort)
    assert told.bad.min() == 1
    _same_features(told.where(np.isin(told.enterprise, table.enterprise)), table)


def test_listing_that_is_learned_after_outcomes_are_ripe_is_no_label(
    history: History, cohort: Cohort, table: Labelled
) -> None:
    begins = Day(cohort.day + 100)
    late = Instant(cohort.ripe_at + 1)
    told = looked_at(_with_case(history, Kind.DISHONEST_DEBTOR, begins, late), cohort)
    assert told.bad.tolist() == table.bad.tolist()


def test_who_is_listed_already_has_no_row(history: History, cohort: Cohort) -> None:
    listed = _with_case(history, Kind.DISHONEST_DEBTOR, Day(cohort.day - 9), cohort.as_of)
    assert len(looked_at(listed, cohort)) == 0


def test_end_of_stores_after_the_day_makes_nobody_bad(
    history: History, cohort: Cohort, table: Labelled, tmp_path: Path
) -> None:
    """What a platform does because of our own level is no label: it censors."""
    log = pq.read_table(history.records)
    stores = log.filter((pc.field("kind") == "store") & (pc.field("revision") == 1))
    closed = _replaced(
        stores,
        revision=pa.array([9] * stores.num_rows, pa.int64()),
        recorded_at=pa.array([cohort.as_of + 60 * DAY] * stores.num_rows),
        to_day=pa.array([cohort.day + 50] * stores.num_rows, pa.int64()),
    )
    told = looked_at(_with_records(history, tmp_path, pa.concat_tables([log, closed])), cohort)
    before = dict(zip(table.enterprise.tolist(), table.bad.tolist(), strict=True))
    assert set(told.enterprise.tolist()) == {name for name, bad in before.items() if bad}


def test_snapshot_has_the_features_of_the_whole_log_as_it_was_known(
    history: History, cohort: Cohort, table: Labelled
) -> None:
    """The same features, of all days, from the latest revisions recorded by the day."""
    inputs = {of.code.text: of.inputs(cohort.as_of) for of in history.participants}
    with DuckDb(memory_mb=400, threads=1) as engine:
        log = pq.read_table(history.records).filter(pc.field("recorded_at") <= cohort.as_of)
        latest = log.sort_by("revision").to_pylist()
        record = {(r["code"], r["platform"], r["kind"], r["record_id"]): r for r in latest}
        file = history.records.parent / "whole.parquet"
        pq.write_table(pa.Table.from_pylist(list(record.values()), schema=log.schema), file)
        engine.attach("record", str(file))
        rollups(engine)
        engine.load(sql.fact_features, [sql.fact_row(each) for each in inputs.values()])
        pairs = [
            (of.code.text, platform)
            for of in history.participants
            for platform in of.authorized(cohort.day)
        ]
        engine.load(sql.authorized, pairs)
        engine.make(sql.feature.name, sql.features(), metrics.parameters(cohort.day))
        rows = [row for batch in engine.rows(sa.select(*sql.feature.c), {}) for row in batch]
    whole = {pseudonym(KEY, row[0]): row for row in rows}
    names = sql.feature.columns.keys()
    for name in ("paid_orders", "active_months", "distinct_buyers", "verified_days"):
        expected = [whole[of][names.index(name)] for of in table.enterprise.tolist()]
        assert np.array_equal(table.figures[name], np.array(expected, float), equal_nan=True)
    for place, of in enumerate(table.enterprise.tolist()):
        lost = whole[of][names.index("dispute_lost_rate_part")]
        orders = whole[of][names.index("dispute_lost_rate_whole")]
        assert table.figures["dispute_lost_rate"][place] == lost / orders * 1e6


def test_truth_is_never_read(history: History, cohort: Cohort, table: Labelled) -> None:
    truth = history.records.parent / TRUTH
    hidden = truth.rename(truth.with_suffix(".hidden"))
    try:
        again = looked_at(history, cohort)
    finally:
        hidden.rename(truth)
    _same_features(again, table)


@pytest.fixture(scope="module")
def whole(history: History) -> Labelled:
    return looked_at(history)


def test_every_row_is_of_its_split_and_holds_no_code(whole: Labelled) -> None:
    assert set(whole.split.tolist()) == {"train", "recent", "out_of_time"}
    splits = set(zip(whole.enterprise.tolist(), whole.split.tolist(), strict=True))
    assert len(splits) == np.unique(whole.enterprise).size
    assert {len(name) for name in whole.enterprise.tolist()} == {32}
