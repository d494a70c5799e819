"""Generates features of enterprises by the block, and scores them with numpy alone.

What is generated has every case that engines could tell apart: figures on each edge, one
below and one beyond, far ones, none, and what does not apply; measures of rules around
their thresholds. It is the same for the same card, block and seed.

`expected` is a second implementation of points and raw levels: searchsorted over columns,
no expression of SQL and nothing of the served path. What it says of a million rows must
be what every engine says.

    block = invent(card, number=0, rows=100_000)
    expected(card, block).scores          # array([812, 655, ...])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from bonafides.rating import level_sql, sql
from bonafides.rating.card import POINT_LEVELS, PPM, CardFeature, Level, Rule, RuleKind
from bonafides.rating.features import FEATURES, Direction
from bonafides.rating.scorecard import Scorecard

Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_FAR: Final = 2**40
_MOST_WHOLE: Final = 5_000
# Of a hundred figures so many are absent: half missing, half not applicable.
_ABSENT_PERCENT: Final = 10
# Of a hundred measures so many hit their rule, rule by rule, so that all levels come.
_HIT_PERCENT: Final = 4
# Of a hundred enterprises so many do well, in so many of a hundred things.
_FINE_PERCENT: Final = 40
_BEST_PERCENT: Final = 92


@dataclass(frozen=True, slots=True)
class Column:
    """A column of whole numbers, and where it has none."""

    values: Integers
    absent: Flags


@dataclass(frozen=True, slots=True)
class Block:
    """So many enterprises: their codes, and the columns of each table by name."""

    codes: tuple[str, ...]
    tables: Mapping[str, Mapping[str, Column]]

    @property
    def feature(self) -> Mapping[str, Column]:
        """The columns of `feature`, but for the code."""
        return self.tables[sql.feature.name]


@dataclass(frozen=True, slots=True)
class Expected:
    """Points by feature, in the card's order, shape (n, features), and what follows.

    `scored` is False where a rule gave the level, and no points led to it.
    """

    points: Integers
    scores: Integers
    places: Integers
    scored: Flags


# Of `rating_peer` what statements look at.
_peers: Final = sa.Table(
    sql.peers.name,
    sa.MetaData(),
    sa.Column("code", sa.String(18), primary_key=True),
    sa.Column("peer_number", sa.BigInteger),
    sa.Column("wider_number", sa.BigInteger),
    prefixes=["TEMPORARY"],
)
# What an engine must know to give points and levels.
TABLES: Final[tuple[sa.Table, ...]] = (
    sql.feature,
    level_sql.rule_facts,
    level_sql.standing,
    _peers,
)


def invent(card: Scorecard, *, number: int, rows: int, seed: int = 1) -> Block:
    """Returns one block of generated enterprises; their codes follow from `number`."""
    random = np.random.default_rng((seed, number))
    fine = random.integers(0, 100, rows) < _FINE_PERCENT
    feature: dict[str, Column] = {}
    by_name = {part.name: part for part in card.features}
    for name, policy in FEATURES.items():
        # So that the upper levels come: figures by chance alone are those of nobody good.
        best = fine & (random.integers(0, 100, rows) < _BEST_PERCENT)
        kind = np.where(best, 99, random.integers(0, 100, rows))
        absent = kind < _ABSENT_PERCENT
        up = policy.direction is Direction.HIGHER_IS_BETTER
        part = by_name.get(name)
        if policy.is_share:
            of, whole = _share(random, part, rows)
            of[best] = whole[best] if up else 0
            made = {"part": of, "whole": whole}
            feature |= {f"{name}_{end}": Column(each, absent) for end, each in made.items()}
        else:
            figure = _around(random, part.edges if part else (1,), rows)
            figure[best] = _FAR if up else 0
            feature[name] = Column(figure, absent)
        applies = kind >= _ABSENT_PERCENT // 2
        feature[f"{name}_applies"] = _whole(applies.astype(np.int64))
    rules = {rule.reason: rule for rule in card.content.rules}
    facts = {
        reason.lower(): _whole(_measures(random, rules.get(reason), rows))
        for reason in level_sql.OF_FACTS
    }
    thresholds: dict[str, list[int]] = {}
    for reason, column in level_sql.OF_PLATFORMS.items():
        if reason in rules:
            thresholds.setdefault(column, []).append(rules[reason].at_least)
    standing = {}
    for column in (each.name for each in level_sql.standing.c if each.name != "code"):
        measure = _around(random, tuple(sorted(thresholds.get(column, [1]))), rows)
        measure[fine & (random.integers(0, 100, rows) < _BEST_PERCENT)] = _FAR
        standing[column] = _whole(measure)
    # Last, so that what a card without groups is asked of stays as it was.
    peers = {
        column.name: _whole(_groups(random, card, rows))
        for column in _peers.c
        if column.name != "code"
    }
    first = number * rows
    return Block(
        tuple(f"9199000{first + place:011}" for place in range(rows)),
        dict(zip((table.name for table in TABLES), (feature, facts, standing, peers), strict=True)),
    )


def expected(card: Scorecard, block: Block) -> Expected:
    """Returns what the card gives to every enterprise of the block."""
    peers = block.tables[_peers.name]
    points = np.column_stack([_points(part, block.feature, peers) for part in card.features])
    scores: Integers = points.sum(axis=1)
    places = np.full(scores.size, len(POINT_LEVELS) - 1)
    for cut in reversed(card.content.levels):
        places[scores >= cut.min_points] = POINT_LEVELS.index(cut.level)
    unscored = np.zeros(scores.size, dtype=np.bool_)
    # From the weakest rule to the strongest: the last one has the say.
    for kind in (RuleKind.CEILING, RuleKind.NOT_RATED, RuleKind.KNOCK_OUT):
        for rule in card.rules(kind):
            hit = _measure(rule, block) < rule.at_least
            if rule.holds_at is not None:
                held = POINT_LEVELS.index(rule.holds_at)
                places[hit] = np.maximum(places[hit], held)
                continue
            level = Level.D if kind is RuleKind.KNOCK_OUT else Level.NR
            places[hit] = level_sql.LEVELS.index(level)
            unscored |= hit
    return Expected(points, scores, places, ~unscored)


def _around(random: np.random.Generator, edges: tuple[int, ...], rows: int) -> Integers:
    """Returns numbers on the edges, beside them, between them and far beyond, none below 0."""
    near = np.array([edge + step for edge in (0, *edges) for step in (-1, 0, 1)] + [_FAR])
    chosen = near[random.integers(0, near.size, rows)]
    between = random.integers(0, 2 * edges[-1] + 2, rows)
    return np.maximum(np.where(random.integers(0, 2, rows) == 1, chosen, between), 0)


def _share(
    random: np.random.Generator, part: CardFeature | None, rows: int
) -> tuple[Integers, Integers]:
    """Returns parts and wholes; half of the shares lie next to an edge, as they are drawn."""
    whole = random.integers(1, _MOST_WHOLE, rows)
    anywhere = random.integers(0, whole + 1)
    if part is None or part.prior is None:
        return anywhere, whole
    edges = np.array(part.edges)[random.integers(0, len(part.edges), rows)]
    drawn = edges * (whole + part.prior.alpha + part.prior.beta) // PPM - part.prior.alpha
    near = np.clip(drawn + random.integers(-1, 2, rows), 0, whole)
    return np.where(random.integers(0, 2, rows) == 1, near, anywhere), whole


def _measures(random: np.random.Generator, rule: Rule | None, rows: int) -> Integers:
    at_least = rule.at_least if rule else 1
    hits = random.integers(0, 100, rows) < _HIT_PERCENT
    return np.where(hits, at_least - 1, at_least).astype(np.int64)


def _whole(values: Integers) -> Column:
    return Column(values, np.zeros(values.size, dtype=np.bool_))


def _groups(random: np.random.Generator, card: Scorecard, rows: int) -> Integers:
    """Returns numbers of the card's groups, one that no card has, and 0 for none."""
    known = {each.group for part in card.features for each in part.group_priors or ()}
    numbers = np.array([0, 1, *sorted(map(sql.group_number, known))], dtype=np.int64)
    chosen: Integers = numbers[random.integers(0, numbers.size, rows)]
    return chosen


def _points(
    part: CardFeature, columns: Mapping[str, Column], peers: Mapping[str, Column]
) -> Integers:
    applies = columns[f"{part.name}_applies"].values != 0
    if part.prior is None:
        figure, absent = columns[part.name].values, columns[part.name].absent
    else:
        of, whole = columns[f"{part.name}_part"], columns[f"{part.name}_whole"]
        alpha = np.full(of.values.size, part.prior.alpha)
        beta = np.full(of.values.size, part.prior.beta)
        for column in ("wider_number", "peer_number"):
            for each in part.group_priors or ():
                members = peers[column].values == sql.group_number(each.group)
                alpha[members], beta[members] = each.alpha, each.beta
        figure = (of.values + alpha) * PPM // (whole.values + alpha + beta)
        absent = of.absent | whole.absent
    slots = np.searchsorted(np.array(part.edges), figure, side="right")
    slots[absent & applies] = len(part.points)
    slots[absent & ~applies] = len(part.points) + 1
    given: Any = np.array([*part.points, part.missing, part.not_applicable])
    made: Integers = given[slots]
    return made


def _measure(rule: Rule, block: Block) -> Integers:
    column = level_sql.OF_PLATFORMS.get(rule.reason)
    if column is None:
        return block.tables[level_sql.rule_facts.name][rule.reason.lower()].values
    return block.tables[level_sql.standing.name][column].values
