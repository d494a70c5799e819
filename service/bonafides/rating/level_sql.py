"""Raw levels of a scorecard as SQL, for every enterprise at once, on any engine.

What `bonafides.rating.rate` does in steps 1 to 3, in one expression: a knock-out gives D,
otherwise a rule that hits gives NR, otherwise points and ceilings give a level. Rules:

1. What a rule measures of facts alone is measured by the served function, with no
   platform, and comes in as the table `rating_rule`.
2. What it measures of platforms (`OF_PLATFORMS`) is SQL, from the same figures as the
   features. A rule that is in neither place does not exist: `bonafides.rating.rules` is
   walked, and a parity test holds both ways together.
3. The range, and what a level is published as, are not here.

    engine.make(standing.name, standings(), metrics.parameters(today))
    engine.rows(levels(card.content), {})       # code, place in LEVELS, score or NULL
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
)

from bonafides.archive import metrics
from bonafides.rating import sql
from bonafides.rating.card import POINT_LEVELS, Content, Level, Rule, RuleKind
from bonafides.rating.features import RatingInputs
from bonafides.rating.rules import HUNDRED, RULES
from bonafides.records.fold import div

_metadata: Final = MetaData()
_TODAY: Final = bindparam("today", type_=BigInteger)
_NOTHING: Final = cast(null(), BigInteger)
# Best first, then those that no points give.
LEVELS: Final = (*POINT_LEVELS, Level.D, Level.NR)
_PLACES: Final = {level: place for place, level in enumerate(LEVELS)}
# Rules whose measure is of platforms, and the column of `standing` that has it.
OF_PLATFORMS: Final = {
    "RECORD_TOO_SHORT": "record_days",
    "TOO_FEW_ORDERS": "orders_counted",
    "RECORD_UNDER_TWO_YEARS": "record_days",
    "NO_ON_SITE_EVIDENCE": "evidence",
    "FEW_ORDERS_A_YEAR": "orders_counted",
    "ONE_BUYER_MAKES_THE_RECORD": "orders_of_others",
    "FEW_BUYERS_MAKE_THE_RECORD": "buyers_of_weight",
}
OF_FACTS: Final = tuple(reason for reason in RULES if reason not in OF_PLATFORMS)

rule_facts: Final = Table(
    "rating_rule",
    _metadata,
    Column("code", String(18), primary_key=True),
    *(Column(reason.lower(), BigInteger, nullable=False) for reason in OF_FACTS),
    prefixes=["TEMPORARY"],
)

standing: Final = Table(
    "standing",
    _metadata,
    Column("code", String(18), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in sorted(set(OF_PLATFORMS.values()))),
    prefixes=["TEMPORARY"],
)


def rule_row(inputs: RatingInputs) -> tuple[str | int, ...]:
    """Returns the row of `rating_rule`, by the served measures. `inputs` has no platforms."""
    return (inputs.code.text, *(RULES[reason].measure(inputs) for reason in OF_FACTS))


def standings() -> Select[Any]:
    """Returns the rows of `standing`. Takes the parameters of metrics; needs `feature`."""
    platform = sql.figures().cte("platform_figures").c
    reach = (
        select(
            platform.code,
            func.min(platform.first_day).label("first_day"),
            cast(func.sum(platform[f"{metrics.LAST_YEAR}buyer_squares"]), BigInteger).label(
                "squares"
            ),
        )
        .group_by(platform.code)
        .cte("record_reach")
    )
    first, squares = reach.c.first_day, reach.c.squares
    orders = sql.feature.c.paid_orders
    evidence = sql.feature.c.evidence_level
    largest, named = (sql.feature.c[f"largest_buyer_share_{end}"] for end in ("part", "whole"))
    others = div((named - largest) * HUNDRED, named)
    weight = div(named * named, squares)
    made = {
        "buyers_of_weight": case(
            (named.is_(None), HUNDRED),
            (squares.is_(None), HUNDRED),
            (squares == 0, HUNDRED),
            (weight > HUNDRED, HUNDRED),
            else_=weight,
        ),
        "evidence": case((evidence.is_(None), 0), else_=evidence),
        "orders_counted": case((orders.is_(None), 0), else_=orders),
        "orders_of_others": case((named.is_(None), HUNDRED), (named == 0, HUNDRED), else_=others),
        "record_days": case((first.is_(None), 0), (first > _TODAY, 0), else_=_TODAY - first),
    }
    columns = [made[column.name].label(column.name) for column in standing.c if column.name in made]
    return select(sql.feature.c.code, *columns).select_from(
        sql.feature.outerjoin(reach, reach.c.code == sql.feature.c.code)
    )


def levels(content: Content) -> Select[Any]:
    """Returns, of each enterprise, the place of its raw level in `LEVELS`, and its score.

    Needs `feature`, `rating_rule` and `standing`. The score is NULL where no points led
    to the level.
    """
    points = sql.points(content.features).subquery("points_given")
    joined = points.join(rule_facts, rule_facts.c.code == points.c.code).join(
        standing, standing.c.code == points.c.code
    )
    placed = (
        select(
            points.c.code,
            points.c.score,
            _hit(content, RuleKind.KNOCK_OUT).label("knocked"),
            _hit(content, RuleKind.NOT_RATED).label("unrated"),
            _ceiling(content).label("ceiling"),
            _by_points(content, points.c.score).label("by_points"),
        )
        .select_from(joined)
        .subquery("placed")
        .c
    )
    unscored = placed.knocked + placed.unrated > 0
    return select(
        placed.code,
        case(
            (placed.knocked > 0, _PLACES[Level.D]),
            (placed.unrated > 0, _PLACES[Level.NR]),
            (placed.ceiling > placed.by_points, placed.ceiling),
            else_=placed.by_points,
        ).label("place"),
        case((unscored, _NOTHING), else_=placed.score).label("level_score"),
    )


def _hit(content: Content, kind: RuleKind) -> ColumnElement[int]:
    """Returns 1 where a rule of the kind hits, else 0."""
    hits = [(_hits(rule), 1) for rule in content.rules if rule.kind is kind]
    return case(*hits, else_=0) if hits else literal(0, BigInteger)


def _ceiling(content: Content) -> ColumnElement[int]:
    """Returns the place of the lowest level that a ceiling holds at; 0 where none hits."""
    held = [
        (_hits(rule), _PLACES[rule.holds_at])
        for rule in content.rules
        if rule.kind is RuleKind.CEILING and rule.holds_at is not None
    ]
    held.sort(key=lambda pair: -pair[1])
    return case(*held, else_=0) if held else literal(0, BigInteger)


def _hits(rule: Rule) -> ColumnElement[bool]:
    column = OF_PLATFORMS.get(rule.reason)
    measured = rule_facts.c[rule.reason.lower()] if column is None else standing.c[column]
    return measured < rule.at_least


def _by_points(content: Content, score: ColumnElement[int]) -> ColumnElement[int]:
    cuts = [(score >= cut.min_points, _PLACES[cut.level]) for cut in content.levels]
    # No points at all can't be; engines would put it into the last branch unasked.
    return case((score.is_(None), _PLACES[Level.C]), *cuts, else_=_PLACES[Level.C])
