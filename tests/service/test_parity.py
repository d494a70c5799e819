"""Every engine gives the figures and points that the service serves, to the last unit.

Two data sets, one made up and one real, each in SQLite, in PostgreSQL, and as Parquet
under DuckDB and Spark Connect.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from bonafides.archive import metrics
from bonafides.personal.sealing import Vault
from bonafides.rating import bulk, level_sql, operations, sql
from bonafides.rating.card import Content, Level, score
from bonafides.rating.features import Absent, Share, Value
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import Scorecard, champion, load, models_folder
from bonafides.storage import archive as archive_rows
from bonafides.storage import engines
from bonafides.storage.engines import DuckDb, Engine, Native
from bonafides.storage.rollups import ROLLUPS
from bonafides.storage.tables import rollup_buyer
from bonafides.storage.unit_of_work import Store
from scripts import compare_engines, sampling_features
from tests import databases, grouped
from tests.builders import NOW, TODAY
from tests.databases import Cluster
from tests.service import parity
from tests.service.parity import Ground

pytestmark = pytest.mark.xdist_group("parity")

ENGINES: Final = ("sqlite", "postgresql", "duckdb", "spark")
CARD: Final = champion(None)
GROUPED: Final = grouped.card()
CARDS: Final = [
    *(load(models_folder(None), version) for version in ("expert-1", "expert-2")),
    GROUPED,
]
PARAMETERS: Final = metrics.parameters(TODAY)

Open = Callable[[Ground, str], AbstractContextManager[Engine]]


@pytest.fixture(scope="module")
def spark_endpoint() -> Iterator[str]:
    """A Spark Connect server of this process, on loopback."""
    server = pytest.importorskip(
        "pysail.spark", reason="install the test extra to run on Spark Connect"
    ).SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    yield f"sc://127.0.0.1:{server.listening_address[1]}"
    server.stop()


@pytest.fixture(scope="module", params=[parity.generated, parity.olist], ids=lambda p: p.__name__)
def ground(
    request: pytest.FixtureRequest, postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A data set on every engine; a real one that is absent skips its tests."""
    folder = tmp_path_factory.mktemp("parity")
    with ExitStack() as opened:
        stores = {
            "sqlite": databases.opened(folder / "bonafides.db"),
            "postgresql": Store(opened.enter_context(postgres.database("parity"))),
        }
        for store in stores.values():
            opened.callback(store.close)
            parity.fill(store, Vault(bytes(range(32)), "sandbox"), request.param)
        with stores["sqlite"].reading() as work:
            engines.export(work, folder / "records.parquet")
        yield Ground(stores, folder / "records.parquet")


@pytest.fixture
def opened(spark_endpoint: str) -> Open:
    """Opens an engine over a ground: the records, and roll-ups made of them there."""
    # Its client logs what it can't plan lazily; nothing of it is ours.
    logging.getLogger("pyspark").setLevel(logging.CRITICAL)

    @contextmanager
    def engine(ground: Ground, name: str) -> Iterator[Engine]:
        if name in ground.stores:
            with ground.stores[name].writing() as work:
                yield Native(work)
            return
        with _outside(name, spark_endpoint) as made:
            made.attach("record", str(ground.parquet))
            engines.rollups(made)
            yield made

    return engine


def _outside(name: str, spark_endpoint: str) -> Any:
    if name == "duckdb":
        return DuckDb()
    from bonafides.storage.spark import Spark  # noqa: PLC0415 - skipped where it is not installed

    return Spark(spark_endpoint)


@pytest.mark.feature("L5", "C7")
@pytest.mark.parametrize("name", ENGINES)
def test_metrics_are_those_of_the_fold(ground: Ground, opened: Open, name: str) -> None:
    queries = [
        *(sa.select(*table.c) for table in ROLLUPS),
        metrics.days(),
        metrics.buyers(),
        metrics.unmatched_refunds(),
        metrics.stores(),
        metrics.membership(),
        metrics.certifications(),
    ]
    with opened(ground, "sqlite") as native:
        expected = [_rows(native, query) for query in queries]
    with opened(ground, name) as engine:
        found = [_rows(engine, query) for query in queries]
    assert found == expected
    # The real records hold no unmatched refund, no membership and no certification.
    assert all(expected[place] for place in (0, 1, 3, 4, 6))


@pytest.mark.feature("J2", "L5")
@pytest.mark.parametrize("name", ENGINES)
def test_no_engine_counts_a_buyer_who_was_erased(ground: Ground, opened: Open, name: str) -> None:
    gone = parity.erased(Vault(bytes(range(32)), "sandbox"))
    with opened(ground, name) as engine:
        found = {bytes(row[0]) for row in _rows(engine, sa.select(rollup_buyer.c.buyer))}
    assert found
    assert gone not in found


@pytest.mark.feature("L5")
@pytest.mark.parametrize("name", ENGINES)
def test_every_metric_is_the_served_one(ground: Ground, opened: Open, name: str) -> None:
    figures = sql.figures()
    names = [column.name for column in figures.selected_columns]
    with ground.stores["sqlite"].reading() as work, opened(ground, name) as engine:
        bulk.load(engine, work, now=NOW)
        told = [dict(zip(names, row, strict=True)) for row in _rows(engine, figures)]
        assert len(told) > 10
        for row in told:
            (served,) = archive_rows.platform_records(work, row["code"], [row["platform"]], TODAY)
            found = archive_rows.platform_record(
                row["platform"], row, served.certifications, served.stores
            )
            # Flags are made by the store's fold alone, and weigh nothing.
            assert found == dataclasses.replace(served, refund_flags={})


@pytest.mark.feature("L5")
@pytest.mark.parametrize("name", ENGINES)
def test_every_feature_and_point_is_the_served_one(ground: Ground, opened: Open, name: str) -> None:
    with ground.stores["sqlite"].reading() as work, opened(ground, name) as engine:
        assert bulk.differences(engine, work, CARD.features, now=NOW) == []
        points = dict(bulk.points_of(engine, CARD.features))
        rated = {code: rate(operations.gather(work, code, NOW), CARD) for code in points}
    assert len({given.score for given in points.values()}) > 10
    # What the points led to when it was served, rules aside.
    scored = {code: result.score for code, result in rated.items() if result.score is not None}
    assert scored != {}
    assert {code: points[code].score for code in scored} == scored


@pytest.mark.feature("L5", "E4")
@pytest.mark.parametrize("name", ENGINES)
def test_shares_are_drawn_towards_the_served_group_of_peers(
    ground: Ground, opened: Open, name: str
) -> None:
    with ground.stores["sqlite"].reading() as work, opened(ground, name) as engine:
        assert bulk.differences(engine, work, GROUPED.features, now=NOW) == []
        grouped_points = dict(bulk.points_of(engine, GROUPED.features))
        plain = dict(bulk.points_of(engine, CARD.features))
        served = {code: operations.gather(work, code, NOW).peer_groups for code in plain}
        told = {row[0]: row[1:3] for row in _rows(engine, sa.select(*sql.peers.c))}
    assert {code: tuple(key for key in keys if key) for code, keys in told.items()} == served
    assert grouped_points != plain


@pytest.mark.feature("L5", "E5")
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.version)
@pytest.mark.parametrize("name", ENGINES)
def test_every_raw_level_is_the_served_one(
    ground: Ground, opened: Open, name: str, card: Scorecard
) -> None:
    with ground.stores["sqlite"].reading() as work, opened(ground, name) as engine:
        bulk.load(engine, work, now=NOW)
        bulk.make_features(engine, TODAY)
        found = dict(bulk.levels_of(engine, card))
        rated = {code: rate(operations.gather(work, code, NOW), card) for code in found}
    # A knock-out, a review, too little to say, and points with and without a ceiling.
    given = {standing.level for standing in found.values()}
    assert {Level.D, Level.NR} < given
    assert card is GROUPED or Level.A in given
    assert found == {
        code: bulk.Standing(result.level, result.score) for code, result in rated.items()
    }


@pytest.mark.feature("L5", "E6")
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.version)
@pytest.mark.parametrize("name", ENGINES)
def test_golden_rows_score_alike(ground: Ground, opened: Open, name: str, card: Scorecard) -> None:
    with opened(ground, name) as engine:
        assert bulk.golden_differences(engine, card) == []


@pytest.mark.feature("L5")
@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_nan_is_missing_and_not_the_last_bin(
    ground: Ground, opened: Open, name: str, tmp_path: Path
) -> None:
    """Data frames write a missing integer as a NaN among doubles."""
    columns = ", ".join(f"'NaN'::DOUBLE AS {c.name}" for c in sql.feature.c if c.name != "code")
    with DuckDb() as writer:
        writer._run(f"COPY (SELECT 'g' AS code, {columns}) TO '{tmp_path / 'f.parquet'}'")
    with opened(ground, name) as engine:
        engine.attach("feature", str(tmp_path / "f.parquet"))
        found = dict(bulk.points_of(engine, CARD.features))
    assert found["g"].given == tuple(part.missing for part in CARD.features)


@pytest.fixture(scope="module")
def empty(
    postgres: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Store]]:
    """Both databases, without a table of ours."""
    file = tmp_path_factory.mktemp("empty") / "empty.db"
    with ExitStack() as opened:
        stores = {
            "sqlite": Store(f"sqlite:///{file}"),
            "postgresql": Store(opened.enter_context(postgres.database("empty", migrated=False))),
        }
        for store in stores.values():
            opened.callback(store.close)
        yield stores


@pytest.mark.feature("L5", "E5")
def test_every_engine_gives_what_numpy_gives_to_a_hundred_thousand_generated_rows(
    empty: dict[str, Store], spark_endpoint: str
) -> None:
    """`make engines` does the same with a million."""
    found = compare_engines.compare(CARD, empty, spark_endpoint, rows=100_000, block=50_000)
    assert {
        name: (told.rows, told.points_differ, told.levels_differ) for name, told in found.items()
    } == dict.fromkeys(ENGINES, (100_000, 0, 0))


@pytest.mark.parametrize("card", [*CARDS, CARD], ids=lambda card: card.version)
def test_generated_rows_reach_every_slot_and_level_and_numpy_gives_what_is_served(
    card: Scorecard,
) -> None:
    block = sampling_features.invent(card, number=0, rows=2_000)
    right = sampling_features.expected(card, block)
    reached: dict[str, set[object]] = {part.name: set() for part in card.features}
    for row in range(len(block.codes)):
        values = {part.name: _value(block, part.name, row) for part in card.features}
        served = score(card.features, values, _groups(block, row))
        assert right.points[row].tolist() == [each.points for each in served.contributions]
        assert right.scores[row] == served.total
        for each in served.contributions:
            reached[each.feature.name].add(each.slot)
    for part in card.features:
        assert reached[part.name] == {*range(len(part.points)), *Absent}
    assert {level_sql.LEVELS[place] for place in right.places.tolist()} == {*Level}


def test_a_card_that_differs_by_one_point_is_told_on_every_engine(
    empty: dict[str, Store], spark_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = json.loads(CARD.artifact)
    draft["features"][0]["points"][-1] += 1
    other = dataclasses.replace(CARD, content=Content.model_validate_json(json.dumps(draft)))
    right = sampling_features.expected
    monkeypatch.setattr(compare_engines, "expected", lambda _card, block: right(other, block))
    found = compare_engines.compare(CARD, empty, spark_endpoint, rows=1_000)
    assert all(told.points_differ > 100 for told in found.values())


def _groups(block: sampling_features.Block, row: int) -> list[str]:
    """Returns the groups of peers of one row that the card knows."""
    known = {sql.group_number(key): key for key in (grouped.GOODS, grouped.CLOTHES, grouped.ELDERS)}
    columns = block.tables[sql.peers.name]
    numbers = [int(columns[name].values[row]) for name in ("peer_number", "wider_number")]
    return [known[number] for number in numbers if number in known]


def _value(block: sampling_features.Block, name: str, row: int) -> Value:
    """Returns the value of a feature in one row, as the served path has it."""
    columns = block.feature
    if columns[f"{name}_applies"].values[row] == 0:
        return Absent.NOT_APPLICABLE
    figures = [columns[end] for end in (name, f"{name}_part", f"{name}_whole") if end in columns]
    if figures[0].absent[row]:
        return Absent.MISSING
    told = [int(each.values[row]) for each in figures]
    return Share(*told) if len(told) == 2 else told[0]


def _rows(engine: Engine, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Returns the rows of a query, in an order of our own: engines sort texts differently."""
    told = [tuple(row) for batch in engine.rows(query, PARAMETERS) for row in batch]
    return sorted(told, key=repr)
