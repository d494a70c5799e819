"""Points of every enterprise at once, on any engine, and whether they are those served.

    load(engine, work, now=now)                  # who takes part, and what facts say
    make_features(engine, day_of(now))
    for code, points in points_of(engine, card.features): ...

The engine must know `record` and the roll-ups. `differences` compares with what the
served path computes of the same facts, enterprise by enterprise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from bonafides.archive import metrics
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, Instant, day_of
from bonafides.rating import operations, sql
from bonafides.rating.card import CardFeature, score
from bonafides.rating.features import FEATURES, RatingInputs
from bonafides.storage import archive as archive_rows
from bonafides.storage import consents as consent_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.engines import Engine
from bonafides.storage.unit_of_work import UnitOfWork

_PAGE: Final = 500


class Points(NamedTuple):
    """What each feature of a card gave, in the card's order, and the sum."""

    given: tuple[int, ...]
    score: int


def load(engine: Engine, work: UnitOfWork, *, now: Instant) -> None:
    """Loads what the store knows of all who take part: facts, and authorized platforms."""
    facts, pairs = [], []
    for code in _enrolled(work):
        facts.append(sql.fact_row(_without_platforms(work, code, now)))
        authorized = consent_rows.authorized_platforms(work, code, now)
        pairs += [(code, platform) for platform in authorized]
    engine.load(sql.fact_features, facts)
    engine.load(sql.authorized, pairs)


def make_features(engine: Engine, today: Day) -> None:
    """Makes the table `feature` of what is known to the engine, as of the day."""
    engine.make(sql.feature.name, sql.features(), metrics.parameters(today))


def points_of(engine: Engine, features: tuple[CardFeature, ...]) -> Iterator[tuple[str, Points]]:
    """Yields the points of every enterprise in the table `feature`."""
    for batch in engine.rows(sql.points(features), {}):
        for code, *given, total in batch:
            yield code, Points(tuple(given), total)


def served_points(inputs: RatingInputs, features: tuple[CardFeature, ...]) -> Points:
    """Returns the points that the served path gives, whatever rules then say."""
    values = {part.name: FEATURES[part.name].measure(inputs) for part in features}
    scored = score(features, values)
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
    for code in _enrolled(work):
        served = served_points(operations.gather(work, code, now), features)
        if found.pop(code, None) != served:
            wrong.append(code)
    return sorted([*wrong, *found])


def _enrolled(work: UnitOfWork) -> Iterator[str]:
    after = ""
    while codes := identity_rows.enrolled_codes(work, after, _PAGE):
        yield from codes
        after = codes[-1]


def _without_platforms(work: UnitOfWork, code: str, now: Instant) -> RatingInputs:
    return RatingInputs(
        code=UnifiedCode.parse(code),
        as_of=now,
        sheet=archive_rows.fact_sheet(work, code, now),
        platforms=(),
        platforms_known=0,
        purposes=frozenset(),
    )
