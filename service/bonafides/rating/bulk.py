"""Points and levels of every enterprise at once, on any engine, and whether they are those served.

    load(engine, work, now=now)                  # who takes part, and what facts say
    make_features(engine, day_of(now))
    for code, points in points_of(engine, card.features): ...
    for code, standing in levels_of(engine, card): ...

The engine must know `record` and the roll-ups. `differences` compares with what the
served path computes of the same facts, enterprise by enterprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from bonafides.archive import metrics
from bonafides.instants import Day, Instant, day_of
from bonafides.rating import level_sql, sql
from bonafides.rating.card import CardFeature, GoldenRow, Level, score, takes_groups
from bonafides.rating.features import FEATURES, Absent, RatingInputs
from bonafides.rating.page_operations import gather_page
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import Scorecard
from bonafides.storage import identity as identity_rows
from bonafides.storage.engines import Engine
from bonafides.storage.unit_of_work import UnitOfWork

_PAGE: Final = 500
# Stands for the code of a golden row.
_GOLDEN: Final = "golden-{:05}"


class Standing(NamedTuple):
    """A raw level and its score; None: no points led to it."""

    level: Level
    score: int | None


class Points(NamedTuple):
    """What each feature of a card gave, in the card's order, and the sum."""

    given: tuple[int, ...]
    score: int


def load(engine: Engine, work: UnitOfWork, *, now: Instant) -> None:
    """Loads what the store knows of all who take part: facts, and authorized platforms."""
    facts, rules, pairs, peers = [], [], [], []
    for page in _pages(work):
        gathered, told = gather_page(work, page, now)
        for code, inputs in gathered.items():
            known = replace(inputs, platforms=(), platforms_known=0)
            facts.append(sql.fact_row(known))
            rules.append(level_sql.rule_row(known))
            # The main category is that of stores: of all platforms that are covered.
            peers.append(sql.peer_row(code, inputs.peer_groups))
            pairs += [(code, platform) for platform in told[code].authorized]
    engine.load(sql.fact_features, facts)
    engine.load(level_sql.rule_facts, rules)
    engine.load(sql.authorized, pairs)
    engine.load(sql.peers, peers)


def make_features(engine: Engine, today: Day) -> None:
    """Makes the tables `feature` and `standing` of what is known to the engine, as of the day."""
    engine.make(sql.feature.name, sql.features(), metrics.parameters(today))
    engine.make(level_sql.standing.name, level_sql.standings(), metrics.parameters(today))


def points_of(engine: Engine, features: tuple[CardFeature, ...]) -> Iterator[tuple[str, Points]]:
    """Yields the points of every enterprise in the table `feature`."""
    for batch in engine.rows(sql.points(features), {}):
        for code, *given, total in batch:
            yield code, Points(tuple(given), total)


def levels_of(engine: Engine, card: Scorecard) -> Iterator[tuple[str, Standing]]:
    """Yields the raw level of every enterprise in the table `feature`."""
    for batch in engine.rows(level_sql.levels(card.content), {}):
        for code, place, total in batch:
            yield code, Standing(level_sql.LEVELS[place], total)


def golden_differences(engine: Engine, card: Scorecard) -> list[int]:
    """Returns the numbers of the golden rows that the engine scores otherwise, in order.

    Replaces the tables `feature` and `rating_peer`.
    """
    golden = card.content.golden
    named = ((number, row.group) for number, row in enumerate(golden) if row.group is not None)
    engine.load(sql.peers, [sql.peer_row(_GOLDEN.format(n), (group,)) for n, group in named])
    engine.load(sql.feature, [_golden_cells(number, row) for number, row in enumerate(golden)])
    found = dict(points_of(engine, card.features))
    order = [part.name for part in card.features]
    return [
        number
        for number, row in enumerate(golden)
        if found.get(_GOLDEN.format(number))
        != Points(tuple(row.points[name] for name in order), row.score)
    ]


def served_points(inputs: RatingInputs, features: tuple[CardFeature, ...]) -> Points:
    """Returns the points that the served path gives, whatever rules then say."""
    values = {part.name: FEATURES[part.name].measure(inputs) for part in features}
    scored = score(features, values, inputs.peer_groups if takes_groups(features) else ())
    return Points(tuple(part.points for part in scored.contributions), scored.total)


def differences(
    engine: Engine, work: UnitOfWork, features: tuple[CardFeature, ...], *, now: Instant
) -> list[str]:
    """Returns the codes whose points on the engine are not those served, in order.

    Loads and makes what is needed, as of now. A code that only one side knows differs.
    """
    load(engine, work, now=now)
    make_features(engine, day_of(now))
    found = dict(points_of(engine, features))
    wrong = []
    for page in _pages(work):
        for code, inputs in gather_page(work, page, now)[0].items():
            if found.pop(code, None) != served_points(inputs, features):
                wrong.append(code)
    return sorted([*wrong, *found])


def level_differences(
    engine: Engine, work: UnitOfWork, card: Scorecard, *, now: Instant
) -> list[str]:
    """Returns the codes whose raw level on the engine is not the served one, in order.

    Loads and makes what is needed, as of now. A code that only one side knows differs.
    """
    load(engine, work, now=now)
    make_features(engine, day_of(now))
    found = dict(levels_of(engine, card))
    wrong = []
    for page in _pages(work):
        for code, inputs in gather_page(work, page, now)[0].items():
            served = rate(inputs, card)
            if found.pop(code, None) != Standing(served.level, served.score):
                wrong.append(code)
    return sorted([*wrong, *found])


def _golden_cells(number: int, row: GoldenRow) -> tuple[str | int | None, ...]:
    cells: dict[str, str | int] = {"code": _GOLDEN.format(number)}
    for name, value in row.values.items():
        cells[f"{name}_applies"] = int(value != Absent.NOT_APPLICABLE.value)
        match value:
            case tuple():
                cells[f"{name}_part"], cells[f"{name}_whole"] = value
            case int():
                cells[name] = value
            case _:
                pass
    return tuple(cells.get(column.name) for column in sql.feature.c)


def _pages(work: UnitOfWork) -> Iterator[list[str]]:
    after = ""
    while codes := identity_rows.enrolled_codes(work, after, _PAGE):
        yield codes
        after = codes[-1]
