"""Makes the labelled table: for every enterprise and quarter what was known, and what came.

Features are those of the served path: facts by the served functions, everything else by
the expressions of `bonafides.rating.sql` over the log as of the day, on any engine. Who is
not verified that day, is knocked out already, or had no paid order in the year before has
no row.

    table = labelled_table(engine, participants, quarters(first, last), key=key)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from bonafides.archive import metrics
from bonafides.archive.categories import main_category
from bonafides.archive.facts import Kind, Registration
from bonafides.instants import Day
from bonafides.rating import sql
from bonafides.rating.card import PPM
from bonafides.rating.features import FEATURES, identity_established
from bonafides.rating.peers import prior_groups
from bonafides.rating.training.cohorts import Cohort, pseudonym, split_of
from bonafides.rating.training.labelled import GROUPS, Basis, Labelled, joined
from bonafides.rating.training.labels import Outcomes, labels
from bonafides.rating.training.participants import Participant, knocked_out
from bonafides.rating.training.snapshots import (
    log_as_of,
    open_stores,
    outcome,
    outcomes,
    parameters,
)
from bonafides.storage.engines import Engine, rollups
from bonafides.storage.tables import record

_NEW_DAYS: Final = 365
_ENTITY_TYPES: Final = {"91": "company", "92": "individual", "93": "cooperative"}
# Paid orders a year from which on a band begins.
_SIZE_BANDS: Final = {"micro": 0, "small": 30, "medium": 300, "large": 3_000}
_OF_FEATURES: Final = tuple(sql.feature.columns.keys())

Progress = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Looked:
    """One enterprise that is looked at, with what its facts say of the window."""

    of: Participant
    enterprise: str
    registration: Registration | None
    fraud: bool
    dishonest_debtor: bool
    left: bool


def labelled_table(
    engine: Engine,
    participants: Sequence[Participant],
    cohorts: Iterable[Cohort],
    *,
    key: bytes,
    basis: Basis,
    on_cohort: Progress = lambda: None,
) -> Labelled:
    """Returns the rows of all cohorts, by day and pseudonym. The engine knows `history`.

    `key` makes pseudonyms of codes; with another key the splits are others.
    """
    named = [(each, pseudonym(key, each.code.text)) for each in participants]
    by_split: dict[str, list[tuple[Participant, str]]] = {}
    for participant, enterprise in named:
        by_split.setdefault(split_of(enterprise), []).append((participant, enterprise))
    parts = []
    for cohort in cohorts:
        parts.append(_rows(engine, by_split.get(cohort.split, []), cohort, basis))
        on_cohort()
    return joined(parts)


def population(engine: Engine, day: Day, *, basis: Basis) -> Labelled:
    """Returns who trades now, without any outcome: what drifts is told of these rows alone.

    The engine has made `feature` as of the day, and knows `rating_peer`. Split is "served";
    `bad` is 0 and means nothing, and so do the axes; enterprises are numbers.
    """
    traded = sa.select(*sql.feature.c).where(sql.feature.c.paid_orders > 0)
    rows = sorted(row for batch in engine.rows(traded, {}) for row in batch)
    groups = sa.select(sql.peers.c.code, sql.peers.c.peer_group, sql.peers.c.wider_group)
    told = {code: keys for batch in engine.rows(groups, {}) for code, *keys in batch}
    figures = np.array([row[1:] for row in rows], dtype=np.float64)
    cells = figures.reshape(len(rows), len(_OF_FEATURES) - 1)
    columns = dict(zip(_OF_FEATURES[1:], cells.T, strict=True))
    empty = np.full(len(rows), "")
    return Labelled(
        basis=basis,
        enterprise=np.arange(len(rows)).astype(np.str_),
        as_of=np.full(len(rows), np.datetime64(int(day), "D")),
        **_features(columns),
        bad=np.zeros(len(rows), dtype=np.int64),
        component=empty,
        split=np.full(len(rows), "served"),
        entity_type=empty,
        size_band=empty,
        region=empty,
        is_new=np.zeros(len(rows), dtype=np.bool_),
        groups=_columns([told.get(row[0], ()) for row in rows]),
    )


def _rows(
    engine: Engine, members: Iterable[tuple[Participant, str]], cohort: Cohort, basis: Basis
) -> Labelled:
    """Returns the rows of one cohort."""
    looked = _load(engine, members, cohort)
    given = parameters(cohort)
    engine.make(record.name, log_as_of(), given)
    rollups(engine)
    engine.make(sql.feature.name, sql.features(), metrics.parameters(cohort.day))
    engine.make(outcome.name, outcomes(), given)
    came = {
        code: counts for batch in engine.rows(sa.select(*outcome.c), {}) for code, *counts in batch
    }
    traded = sa.select(*sql.feature.c).where(sql.feature.c.paid_orders > 0)
    features = sorted(row for batch in engine.rows(traded, {}) for row in batch)
    order = [looked[row[0]] for row in features]
    figures = np.array([row[1:] for row in features], dtype=np.float64)
    columns = figures.reshape(len(order), len(_OF_FEATURES) - 1)
    by_name = dict(zip(_OF_FEATURES[1:], columns.T, strict=True))
    counts = [came.get(each.of.code.text, (0, 0, 0)) for each in order]
    counted = np.array(counts, dtype=np.int64).reshape(-1, 3)
    groups = _peers(order, categories_of(engine, cohort), cohort.day)
    return _labelled(order, {**by_name, **groups}, counted, cohort, basis)


def _load(
    engine: Engine, members: Iterable[tuple[Participant, str]], cohort: Cohort
) -> dict[str, _Looked]:
    """Loads facts and authorized platforms as of the day; returns who is looked at, by code."""
    facts, pairs = [], []
    looked: dict[str, _Looked] = {}
    for of, enterprise in members:
        inputs = of.inputs(cohort.as_of)
        if not identity_established(inputs) or knocked_out(inputs):
            continue
        facts.append(sql.fact_row(inputs))
        pairs += [(of.code.text, platform) for platform in of.authorized(cohort.day)]
        looked[of.code.text] = _Looked(
            of,
            enterprise,
            inputs.registration,
            fraud=of.listed(Kind.SERIOUS_ILLEGAL, cohort),
            dishonest_debtor=of.listed(Kind.DISHONEST_DEBTOR, cohort),
            left=of.left(cohort),
        )
    engine.load(sql.fact_features, facts)
    engine.load(sql.authorized, pairs)
    return looked


def _labelled(
    order: Sequence[_Looked],
    columns: Mapping[str, Any],
    counts: Any,
    cohort: Cohort,
    basis: Basis,
) -> Labelled:
    came = labels(_outcomes(order, counts, cohort))
    orders = columns["paid_orders"]
    bands = np.searchsorted(list(_SIZE_BANDS.values()), orders, side="right") - 1
    opened, registered = columns["oldest_store_days"], columns["registration_days"]
    made = Labelled(
        basis=basis,
        enterprise=np.array([each.enterprise for each in order], dtype=np.str_),
        as_of=np.full(len(order), np.datetime64(int(cohort.day), "D")),
        **_features(columns),
        bad=came.bad,
        component=came.component.astype(np.str_),
        split=np.full(len(order), cohort.split),
        entity_type=np.array(
            [_ENTITY_TYPES[each.of.code.department] for each in order], dtype=np.str_
        ),
        size_band=np.array(list(_SIZE_BANDS), dtype=np.str_)[bands],
        region=np.array([each.of.region for each in order], dtype=np.str_),
        is_new=~(opened >= _NEW_DAYS) | ~(registered >= _NEW_DAYS),
        groups={name: columns[name] for name in GROUPS},
    )
    known = made.where(came.known)
    return known.where(np.argsort(known.enterprise, kind="stable"))


def categories_of(engine: Engine, cohort: Cohort) -> dict[str, str]:
    """Returns the main category of each code's open stores, as the log of the day has them."""
    found: dict[str, list[str]] = {}
    for batch in engine.rows(open_stores(), parameters(cohort)):
        for code, detail in batch:
            found.setdefault(code, []).append(json.loads(detail or "{}").get("category", ""))
    mains = ((code, main_category(told)) for code, told in found.items())
    return {code: category for code, category in mains if category is not None}


def _peers(order: Sequence[_Looked], categories: Mapping[str, str], day: Day) -> dict[str, Any]:
    return _columns(
        [prior_groups(each.registration, categories.get(each.of.code.text), day) for each in order]
    )


def _columns(groups: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Returns the groups of each row in the columns of `GROUPS`, "" where there is none."""
    cells = [(*each, *[""] * len(GROUPS))[: len(GROUPS)] for each in groups]
    made = np.array(cells, dtype=np.str_).reshape(-1, len(GROUPS))
    return {name: made[:, place] for place, name in enumerate(GROUPS)}


def _outcomes(order: Sequence[_Looked], counts: Any, cohort: Cohort) -> Outcomes:
    left = np.array([each.left for each in order], dtype=np.bool_)
    return Outcomes(
        orders=counts[:, 0],
        disputes_lost=counts[:, 1],
        fraud=np.array([each.fraud for each in order], dtype=np.bool_),
        dishonest_debtor=np.array([each.dishonest_debtor for each in order], dtype=np.bool_),
        left=left | (counts[:, 2] < cohort.ends),
    )


def _features(columns: Mapping[str, Any]) -> dict[str, Any]:
    shares = [name for name, feature in FEATURES.items() if feature.is_share]
    return {
        "figures": {name: _figure(columns, name) for name in FEATURES},
        "wholes": {name: columns[f"{name}_whole"] for name in shares},
        "applies": {name: columns[f"{name}_applies"] != 0 for name in FEATURES},
    }


def _figure(columns: Mapping[str, Any], name: str) -> Any:
    if not FEATURES[name].is_share:
        return columns[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        return columns[f"{name}_part"] / columns[f"{name}_whole"] * PPM
