"""Writes messages about reviews, refused automation, overrides and wrong levels."""

from __future__ import annotations

from bonafides.identity.override_operations import Overridden
from bonafides.instants import Instant, to_date_message, to_timestamp
from bonafides.rating.card import Level
from bonafides.storage.corrections import WrongLevel
from bonafides.storage.overrides import OverrideRow
from bonafides.storage.reviews import Finding, Refusal, ReviewRow
from bonafides.v1 import rating_pb2, review_pb2

_STATES = review_pb2.Override


def review(made: ReviewRow) -> review_pb2.Review:
    """Returns the review."""
    return review_pb2.Review(
        name=f"enterprises/{made.code}/reviews/{made.uid}",
        cause=review_pb2.Review.Cause.Value(f"CAUSE_{made.cause}"),
        state=_state("ENDED" if made.ended_at is not None else made.state),
        open_time=to_timestamp(made.opened_at),
        due_date=to_date_message(made.due),
        findings=[_finding(each) for each in made.findings],
        four_eyes=made.four_eyes,
    )


def automatic_rating(code: str, said: Refusal | None) -> review_pb2.AutomaticRating:
    """Returns whether automatic levels are taken."""
    made = review_pb2.AutomaticRating(name=f"enterprises/{code}/automaticRating")
    if said is not None:
        made.refused = said.refused
        made.say_time.CopyFrom(to_timestamp(said.at))
    return made


def override(told: Overridden, now: Instant) -> review_pb2.Override:
    """Returns the override, as of now."""
    row = told.row
    made = review_pb2.Override(
        name=f"enterprises/{row.code}/overrides/{row.uid}",
        level=_level(row.level),
        reason=row.reason,
        term_days=row.term_days,
        state=_override_state(row, now),
        propose_time=to_timestamp(row.proposed_at),
        steps=[
            review_pb2.OverrideStep(
                step=each.step,
                step_time=to_timestamp(each.at),
                taken_by=each.by,
                reason=each.reason,
            )
            for each in told.steps
        ],
    )
    for field, at in (
        ("start_time", row.started_at),
        ("expire_time", row.expires_at),
        ("end_time", row.ended_at),
    ):
        if at is not None:
            getattr(made, field).CopyFrom(to_timestamp(at))
    return made


def wrong_level(code: str, told: WrongLevel) -> review_pb2.WrongLevel:
    """Returns a level that was wrong."""
    return review_pb2.WrongLevel(
        correction=f"enterprises/{code}/corrections/{told.uid}",
        level=_level(told.span.level),
        restored_level=_level(told.restored),
        begin_time=to_timestamp(told.span.begin),
        end_time=to_timestamp(told.span.end),
    )


def _finding(told: Finding) -> review_pb2.ReviewFinding:
    return review_pb2.ReviewFinding(
        outcome=_state(told.outcome.value),
        reason=told.reason,
        find_time=to_timestamp(told.at),
        final=told.final,
        found_by=told.by,
    )


def _override_state(row: OverrideRow, now: Instant) -> review_pb2.Override.State.ValueType:
    if row.holds(now):
        return _STATES.STATE_LIVE
    proposed = row.started_at is None and row.ended_at is None
    return _STATES.STATE_PROPOSED if proposed else _STATES.STATE_ENDED


def _state(name: str) -> review_pb2.Review.State.ValueType:
    return review_pb2.Review.State.Value(f"STATE_{name}")


def _level(level: Level) -> rating_pb2.Level.ValueType:
    return rating_pb2.Level.Value(f"LEVEL_{level.value}")
