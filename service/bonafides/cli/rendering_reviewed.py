"""Lays out reviews, refused automation, overrides and wrong levels for people.

See `rendering` for the rules.

    console.print(overrides(found))
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from bonafides.cli import figures, layout
from bonafides.cli.figures import day, moment, word
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1 import review_pb2


def reviews(shown: Iterable[review_pb2.Review]) -> RenderableType:
    """Returns reviews, with what was found."""
    kinds = review_pb2.Review
    return table_of(
        shown,
        ("Review", lambda r: r.name),
        ("Cause", lambda r: kinds.Cause.Name(r.cause).removeprefix("CAUSE_")),
        ("State", lambda r: _state(r.state)),
        ("Opened", lambda r: moment(r.open_time)),
        ("Due", lambda r: day(r.due_date)),
        ("Four eyes", lambda r: "yes" if r.four_eyes else ""),
        ("Found", lambda r: "\n".join(map(_finding, r.findings))),
    )


def automatic_rating(shown: review_pb2.AutomaticRating) -> RenderableType:
    """Returns whether automatic levels are taken."""
    said = layout.moment_of(shown, "say_time")
    words = "refused" if shown.refused else "taken"
    return Text(f"Automatic levels are {words}{f', since {said}' if said else ''}.")


def overrides(shown: Iterable[review_pb2.Override]) -> RenderableType:
    """Returns overrides, with their steps."""
    states = review_pb2.Override.State
    return table_of(
        shown,
        ("Override", lambda o: o.name),
        ("Level", lambda o: word(figures.LEVELS, o.level)),
        ("State", lambda o: states.Name(o.state).removeprefix("STATE_")),
        ("Days", lambda o: str(o.term_days)),
        ("Proposed", lambda o: moment(o.propose_time)),
        ("From", lambda o: layout.moment_of(o, "start_time") or ""),
        ("Until", lambda o: layout.moment_of(o, "expire_time") or ""),
        ("Ended", lambda o: layout.moment_of(o, "end_time") or ""),
        ("Why", lambda o: o.reason),
        ("Steps", lambda o: "\n".join(map(_step, o.steps))),
    )


def wrong_levels(shown: Iterable[review_pb2.WrongLevel]) -> RenderableType:
    """Returns levels that were wrong."""
    return table_of(
        shown,
        ("Shown", lambda w: word(figures.LEVELS, w.level)),
        ("Restored", lambda w: word(figures.LEVELS, w.restored_level)),
        ("From", lambda w: moment(w.begin_time)),
        ("Until", lambda w: moment(w.end_time)),
        ("Case", lambda w: w.correction),
    )


def _finding(told: review_pb2.ReviewFinding) -> str:
    waits = "" if told.final else ", waits for a second person"
    who = f" by {told.found_by}" if told.found_by else ""
    return f"{moment(told.find_time)} {_state(told.outcome)}{waits}{who}: {told.reason}"


def _step(told: review_pb2.OverrideStep) -> str:
    who = f" by {told.taken_by}" if told.taken_by else ""
    why = f": {told.reason}" if told.reason else ""
    return f"{moment(told.step_time)} {told.step}{who}{why}"


def _state(state: review_pb2.Review.State.ValueType) -> str:
    return review_pb2.Review.State.Name(state).removeprefix("STATE_")
