"""The features and points of a scorecard as SQL, for every enterprise at once.

The served points are computed by `bonafides.rating.features` and `.card`, enterprise
by enterprise; this module says the same in expressions that every engine runs, and a
parity test holds the two together. Rules:

1. What follows from facts (identity, registration) is measured by the served
   functions themselves, with no platform, and comes in as the table `rating_fact`.
   What follows from metrics (store, trade, service, certification) is SQL. The one
   feature of both, `evidence_level`, comes in without certifications and is raised here.
2. Only the platforms in `authorized_platform` that report count, as when served.
3. Each feature has columns of its own: its figure, or `_part` and `_whole` of a share,
   and `_applies`. No figure is MISSING, unless `_applies` is 0: NOT_APPLICABLE.
4. NULL and NaN are tested first. Every engine that knows NaN sorts it above all
   numbers, so that `figure > MAX_INTEGER` finds it without a function of its own.
5. The groups of peers of an enterprise, which follow from facts and stores, come in as
   the table `rating_peer`, by the served function. Statements know them by number alone: a
   category is a platform's word, and engines quote texts differently. A card without
   priors of groups does not look at the table.
6. Levels, rules and ranges are not here: a level is given by `bonafides.rating.rate`.

    engine.make("feature", features(), metrics.parameters(today))
    engine.rows(points(card.features), {})       # code, points of each feature, score
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    MetaData,
    Select,
    String,
    Table,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union,
)

from bonafides.archive import metrics
from bonafides.rating.card import PPM, CardFeature, Prior, takes_groups
from bonafides.rating.features import FEATURES, Absent, RatingInputs
from bonafides.rating.trade import (
    ONE_BUYER_ORDERS,
    OPEN_CERTIFICATION_DAYS,
    OTHERS_PER_ONE_BUYER,
    YEAR_DAYS,
)
from bonafides.records.fold import RESPONSE_HOURS, div
from bonafides.records.kinds import Kind
from bonafides.storage.tables import record, store_link

# The largest integer that a card may hold; no figure is above it, and NaN is.
MAX_INTEGER: Final = 2**53 - 1
# The features that follow from facts alone; of evidence_level, all but certifications.
OF_FACTS: Final = (
    "verified_days",
    "evidence_level",
    "registration_days",
    "capital_band",
    "unfulfilled_cases",
    "penalty_weight",
    "abnormal_list_days",
)
_REGISTRY_LEVEL: Final = 2
_ON_SITE_LEVEL: Final = 3
_MONTHS: Final = 12

_metadata: Final = MetaData()
_TODAY: Final = bindparam("today", type_=BigInteger)
_NOTHING: Final = cast(null(), BigInteger)
_YES: Final = literal(1, BigInteger)

fact_features: Final = Table(
    "rating_fact",
    _metadata,
    Column("code", String(18), primary_key=True),
    *(Column(name, BigInteger) for name in OF_FACTS),
    *(Column(f"{name}_applies", BigInteger, nullable=False) for name in OF_FACTS),
    prefixes=["TEMPORARY"],
)

authorized: Final = Table(
    "authorized_platform",
    _metadata,
    Column("code", String(18), primary_key=True),
    Column("platform", String(40), primary_key=True),
    prefixes=["TEMPORARY"],
)

# The groups of peers, the closest first: "" and 0 where there is none.
peers: Final = Table(
    "rating_peer",
    _metadata,
    Column("code", String(18), primary_key=True),
    Column("peer_group", String(120), nullable=False),
    Column("wider_group", String(120), nullable=False),
    Column("peer_number", BigInteger, nullable=False),
    Column("wider_number", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
_MOST_GROUPS: Final = 2
# Of a digest so many hexadecimal digits: 52 bits, which every engine keeps exactly.
_NUMBER_DIGITS: Final = 13


def _columns(name: str) -> list[str]:
    figures = [f"{name}_part", f"{name}_whole"] if FEATURES[name].is_share else [name]
    return [*figures, f"{name}_applies"]


# What `features` gives, as a table: made of it on an engine, or loaded from elsewhere.
feature: Final = Table(
    "feature",
    _metadata,
    Column("code", String(18), primary_key=True),
    *(Column(column, BigInteger) for name in FEATURES for column in _columns(name)),
    prefixes=["TEMPORARY"],
)


def fact_row(inputs: RatingInputs) -> tuple[str | int | None, ...]:
    """Returns the row of `rating_fact`, by the served functions. `inputs` has no platforms."""
    values = [FEATURES[name].measure(inputs) for name in OF_FACTS]
    figures = [value if isinstance(value, int) else None for value in values]
    applies = [int(value is not Absent.NOT_APPLICABLE) for value in values]
    return (inputs.code.text, *figures, *applies)


def peer_row(code: str, groups: Sequence[str]) -> tuple[str | int, ...]:
    """Returns the row of `rating_peer` of an enterprise with these groups, at most two."""
    both = (*groups, *[""] * _MOST_GROUPS)[:_MOST_GROUPS]
    return (code, *both, *(group_number(group) if group else 0 for group in both))


def group_number(group: str) -> int:
    """Returns the number by which statements know a group of peers."""
    return int(hashlib.sha256(group.encode()).hexdigest()[:_NUMBER_DIGITS], 16)


def figures() -> Select[Any]:
    """Returns every metric of each authorized platform that reported of an enterprise."""
    about_it = [Kind.CERTIFICATION.value, Kind.MEMBERSHIP.value]
    # As `bonafides.storage.records.platforms` has it.
    reporting = union(
        select(store_link.c.code, store_link.c.platform).where(store_link.c.stands.is_(True)),
        select(record.c.code, record.c.platform).where(record.c.kind.in_(about_it)),
    ).cte("reporting")
    key = (authorized.c.code, authorized.c.platform)
    parts: list[FromClause] = [
        made().cte(f"of_{made.__name__}")
        for made in (
            metrics.days,
            metrics.buyers,
            metrics.unmatched_refunds,
            metrics.stores,
            metrics.membership,
        )
    ]
    joined: FromClause = authorized.join(reporting, _same(key, reporting))
    for part in parts:
        joined = joined.outerjoin(part, _same(key, part))
    told = [
        column for part in parts for column in part.c if column.name not in {"code", "platform"}
    ]
    return select(*key, *map(_or_zero, told)).select_from(joined)


def features() -> Select[Any]:
    """Returns the rows of `feature`. Takes the parameters of metrics.

    Needs the roll-ups, `record`, `store_link`, `rating_fact` and `authorized_platform`.
    """
    platform = figures().cte("platform_figures").c
    sums = _sums(platform).cte("enterprise_sums")
    visits = _visits().cte("enterprise_visits")
    joined = fact_features.outerjoin(sums, sums.c.code == fact_features.c.code).outerjoin(
        visits, visits.c.code == fact_features.c.code
    )
    made: dict[str, ColumnElement[Any]] = {f"{name}_applies": _YES for name in FEATURES}
    made |= {c.name: c for c in fact_features.c if c.name != "code"}
    made |= _trade(sums.c) | _service(sums.c) | _certification(fact_features.c, visits.c)
    columns = [made[c.name].label(c.name) for c in feature.c if c.name != "code"]
    return select(fact_features.c.code, *columns).select_from(joined)


def points(card: Sequence[CardFeature]) -> Select[Any]:
    """Returns, of each row of `feature`, the points that each feature gives, and the score.

    For a card with priors of groups of peers `rating_peer` is needed too.
    """
    known = _with_priors(card).subquery("drawn").c if takes_groups(card) else feature.c
    given = {part.name: _points(part, known) for part in card}
    # The points are made first and once, so that the score only adds them.
    made = select(known.code, *(p.label(name) for name, p in given.items())).subquery("given")
    return select(*made.c, cast(_total(list(made.c)[1:]), BigInteger).label("score"))


def _with_priors(card: Sequence[CardFeature]) -> Select[Any]:
    """Returns the rows of `feature` with the prior that draws each share of this enterprise."""
    made = []
    for part in card:
        if part.prior is None or part.group_priors is None:
            continue
        by_group: list[tuple[ColumnElement[bool], Prior]] = [
            (number == group_number(each.group), each)
            for number in (peers.c.peer_number, peers.c.wider_number)
            for each in part.group_priors
        ]
        for end in ("alpha", "beta"):
            drawn = case(
                *((of, getattr(prior, end)) for of, prior in by_group),
                else_=getattr(part.prior, end),
            )
            made.append(cast(drawn, BigInteger).label(f"{part.name}_{end}"))
    joined = feature.outerjoin(peers, peers.c.code == feature.c.code)
    return select(*feature.c, *made).select_from(joined)


def _points(part: CardFeature, known: Any) -> ColumnElement[int]:
    *figures, applies = (known[name] for name in _columns(part.name))
    nothing = or_(*(t for column in figures for t in (column.is_(None), column > MAX_INTEGER)))
    # Looked at where there is no figure: what does not apply has none.
    absent = case(
        (and_(applies.is_not(None), applies == 0), part.not_applicable), else_=part.missing
    )
    bins = zip(_below(part, figures, known), part.points, strict=False)
    return case((nothing, absent), *bins, else_=part.points[-1])


def _below(part: CardFeature, figures: Sequence[Any], known: Any) -> list[ColumnElement[bool]]:
    """Whether what is binned lies below each edge."""
    if part.prior is None:
        return [figures[0] < edge for edge in part.edges]
    # The estimate is a quotient cut down: it is below a whole edge if, and only if, the
    # dividend is below the edge times the divisor. Exact, and without dividing.
    if part.group_priors is None:
        drawn = (figures[0] + part.prior.alpha) * PPM
        of = figures[1] + (part.prior.alpha + part.prior.beta)
    else:
        alpha, beta = (known[f"{part.name}_{end}"] for end in ("alpha", "beta"))
        drawn, of = (figures[0] + alpha) * PPM, figures[1] + (alpha + beta)
    return [drawn < of * edge for edge in part.edges]


def _sums(platform: Any) -> Select[Any]:
    """Sums of the last year over platforms, one row per enterprise."""
    year = metrics.LAST_YEAR
    orders = platform[year + "transactions"]
    largest = _least(platform[year + "largest_buyer_transactions"], orders)
    others = orders - largest
    bound = div(others, OTHERS_PER_ONE_BUYER)
    most = case((bound > ONE_BUYER_ORDERS, bound), else_=ONE_BUYER_ORDERS)
    named = platform[year + "buyers"] > 0
    # What the largest buyer has beyond these is left out of rates.
    beyond = case((largest > ONE_BUYER_ORDERS, largest - ONE_BUYER_ORDERS), else_=0)
    promised, late = (platform[f"{year}deliveries_{name}"] for name in ("promised", "late"))
    summed = (
        "buyers",
        "repeat_buyers",
        "disputes_lost",
        "complaints_upheld",
        "cases_settled",
        "deliveries_late",
        *metrics.RESPONSE_BUCKETS,
    )
    return select(
        platform.code,
        func.min(platform.oldest_store_day).label("oldest_store_day"),
        func.max(platform.active_months).label("active_months"),
        _sum(others + _least(largest, most)).label("orders_counted"),
        _sum(orders - beyond).label("orders_in_rates"),
        _sum(case((promised - beyond > late, promised - beyond), else_=late)).label(
            "deliveries_counted"
        ),
        func.max(case((named, platform[year + "largest_buyer_transactions"]), else_=0)).label(
            "largest"
        ),
        _sum(case((named, orders), else_=0)).label("named_orders"),
        *(_sum(platform[year + name]).label(name) for name in summed),
    ).group_by(platform.code)


def _trade(sums: Any) -> dict[str, ColumnElement[Any]]:
    opened, active, buyers = sums.oldest_store_day, sums.active_months, sums.buyers
    orders = sums.orders_counted
    # As when served: orders without any buyer mean that nobody names buyers.
    unnamed = and_(buyers == 0, orders.is_not(None), orders > 0)
    return {
        "oldest_store_days": case(
            (opened.is_(None), _NOTHING), (opened > _TODAY, 0), else_=_TODAY - opened
        ),
        "active_months": case(
            (active.is_(None), _NOTHING), (active > _MONTHS, _MONTHS), else_=active
        ),
        "paid_orders": orders,
        "distinct_buyers": case(
            (buyers.is_(None), _NOTHING),
            (unnamed, _NOTHING),
            else_=buyers,
        ),
        **_share("repeat_buyer_rate", sums.repeat_buyers, sums.buyers),
        **_share("largest_buyer_share", sums.largest, sums.named_orders),
    }


def _service(sums: Any) -> dict[str, ColumnElement[Any]]:
    steps = [func.coalesce(sums[name], 0) for name in metrics.RESPONSE_BUCKETS]
    passed = [_total(steps[: n + 1]) for n in range(len(steps))]
    answered = passed[-1]
    lost = sums.complaints_upheld + sums.disputes_lost
    decided = func.coalesce(lost, 0)
    # Half of the cases, rounded up, have passed: twice as many are all of them or more.
    middles = [
        (2 * count >= answered, start)
        for count, start in zip(passed[:-1], (0, *RESPONSE_HOURS), strict=False)
    ]
    return {
        "first_response_hours": case((answered == 0, _NOTHING), *middles, else_=RESPONSE_HOURS[-1]),
        "first_response_hours_applies": case((and_(answered == 0, decided == 0), 0), else_=1),
        **_share("dispute_lost_rate", sums.disputes_lost, sums.orders_in_rates),
        **_share("complaint_upheld_rate", sums.complaints_upheld, sums.orders_in_rates),
        **_share("late_delivery_rate", sums.deliveries_late, sums.deliveries_counted),
        **_share("case_settled_rate", sums.cases_settled, sums.cases_settled + lost),
        # Nothing is known where no platform reports; there the sums are null.
        "case_settled_rate_applies": case(
            (lost.is_(None), 1), (sums.cases_settled + lost == 0, 0), else_=1
        ),
    }


def _certification(known: Any, visits: Any) -> dict[str, ColumnElement[Any]]:
    last, level = visits.last_visit_day, known.evidence_level
    return {
        "on_site_level": case((last.is_(None), 0), (last >= _TODAY - YEAR_DAYS, 2), else_=1),
        "evidence_level": case(
            (level.is_(None), _NOTHING),
            (and_(level == _REGISTRY_LEVEL, last.is_not(None)), _ON_SITE_LEVEL),
            else_=level,
        ),
    }


def _visits() -> Select[Any]:
    """The last inspection whose certification is valid, one row per enterprise that has one."""
    made = metrics.certifications().order_by(None).cte("of_certifications").c
    until = case(
        (made.to_day.is_(None), made.from_day + OPEN_CERTIFICATION_DAYS), else_=made.to_day
    )
    return (
        select(made.code, func.max(made.from_day).label("last_visit_day"))
        .join_from(
            authorized,
            made.code.table,
            and_(authorized.c.code == made.code, authorized.c.platform == made.platform),
        )
        .where(made.from_day <= _TODAY, until >= _TODAY)
        .group_by(made.code)
    )


def _share(name: str, part: Any, whole: Any) -> dict[str, ColumnElement[Any]]:
    nothing = or_(part.is_(None), whole.is_(None), whole == 0)
    return {
        f"{name}_part": case((nothing, _NOTHING), else_=_least(part, whole)),
        f"{name}_whole": case((nothing, _NOTHING), else_=whole),
    }


def _same(key: Sequence[ColumnElement[Any]], part: FromClause) -> ColumnElement[bool]:
    return and_(part.c.code == key[0], part.c.platform == key[1])


def _or_zero(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if column.name in {"first_day", "last_day", "oldest_store_day"}:
        return column
    return func.coalesce(column, 0).label(column.name)


def _total(parts: Iterable[ColumnElement[Any]]) -> ColumnElement[Any]:
    return reduce(operator.add, parts)


def _least(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((or_(one.is_(None), other.is_(None)), _NOTHING), (one < other, one), else_=other)


def _sum(what: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(what), BigInteger)
