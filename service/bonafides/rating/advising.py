"""What an enterprise may ask of its level beside the level: what if, and what would help.

    simulate_rating(store, card, code, steps, day, now=now)    # the level they would lead to
    get_advice(store, card, code, now=now)                     # the cheapest honest ways up

Both are answered with the served card from the facts as of now, and store nothing. The
arithmetic is done when the unit of work is over.
"""

from __future__ import annotations

from collections.abc import Collection

from bonafides.errors import FieldViolation, InvalidFieldsError, NotFoundError
from bonafides.instants import Day, Instant, day_of, to_date_message, to_timestamp
from bonafides.rating import advice as rules
from bonafides.rating import explain
from bonafides.rating.operations import gather
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import Scorecard
from bonafides.rating.simulation import HORIZON_DAYS, Present, Step, imagined
from bonafides.storage import archive as archive_rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import rating_pb2


def simulate_rating(
    store: Store,
    card: Scorecard,
    code: str,
    steps: Collection[Step],
    day: Day | None = None,
    *,
    now: Instant,
) -> rating_pb2.Simulation:
    """Returns the level that the steps would lead to on the day, in full. None: today.

    Raises:
        NotFoundError: the enterprise does not take part.
        InvalidFieldsError: the day is past, or beyond the horizon.
    """
    today = day_of(now)
    day = today if day is None else day
    if not today <= day <= today + HORIZON_DAYS:
        text = f"Give today or one of the {HORIZON_DAYS} days that follow, or leave it out."
        raise InvalidFieldsError((FieldViolation("date", "OUT_OF_RANGE", text),))
    inputs = imagined(_present(store, code, now), steps, day)
    return rating_pb2.Simulation(
        name=f"enterprises/{code}/rating",
        steps=[_step(step) for step in Step if step in steps],
        date=to_date_message(day),
        rating=explain.explained(inputs, rate(inputs, card), card),
    )


def get_advice(store: Store, card: Scorecard, code: str, *, now: Instant) -> rating_pb2.Advice:
    """Returns the cheapest honest ways to the next level.

    Raises:
        NotFoundError: the enterprise does not take part.
    """
    advice = rules.advise(_present(store, code, now), card)
    told = rating_pb2.Advice(
        name=f"enterprises/{code}/advice",
        as_of_time=to_timestamp(now),
        model_version=card.version,
        level=rating_pb2.Level.Value(f"LEVEL_{advice.present.level}"),
        paths=map(_path, advice.ways),
        horizon_days=rules.HORIZON_DAYS,
        text_zh=advice.text.zh,
        text_en=advice.text.en,
    )
    if advice.target is not None:
        told.target_level = rating_pb2.Level.Value(f"LEVEL_{advice.target}")
    if advice.time_alone is not None:
        told.time_alone_date.CopyFrom(to_date_message(advice.time_alone.day))
    return told


def _present(store: Store, code: str, now: Instant) -> Present:
    with store.reading() as work:
        if not identity_rows.is_enrolled(work, code):
            raise NotFoundError
        inputs = gather(work, code, now)
        platforms = [each.platform for each in inputs.platforms]
        cases = archive_rows.case_days(work, code, platforms, inputs.today)
    return Present(inputs, cases)


def _path(way: rules.Way) -> rating_pb2.AdvicePath:
    return rating_pb2.AdvicePath(
        steps=[
            rating_pb2.AdviceStep(
                step=_step(step),
                text_zh=rules.STEPS[step].words.zh,
                text_en=rules.STEPS[step].words.en,
                command=rules.STEPS[step].command,
            )
            for step in way.steps
        ],
        earliest_date=to_date_message(way.day),
        level=rating_pb2.Level.Value(f"LEVEL_{way.promised.level}"),
        score=sum(part.points for part in way.promised.contributions),
    )


def _step(step: Step) -> rating_pb2.Step.ValueType:
    return rating_pb2.Step.Value(f"STEP_{step.name}")
