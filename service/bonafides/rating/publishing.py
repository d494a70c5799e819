"""Publishes a level: what the raw level becomes, beside what was published before.

The raw level follows from facts, card and instant alone. The published level moves with
it by these rules, and by nothing else:

1. **Evaluations** are weekly, at the start of Monday in Shanghai. One that nobody made in
   time is made up once, as of the instant at which it is. Until the first one after the
   first level, the published level is the raw one: a platform's past comes in piece by
   piece, and the first piece must not decide for months.
2. **Knock-outs and NR act at once.** When they end, what was published before them is
   restored at once, as far as the raw level allows.
3. **Gains** from what was recorded since are taken at evaluations: one notch, and no
   sooner than 30 days after the last.
4. **Relief** acts at once: something that counted against the enterprise was corrected,
   expired, was taken off or won, or a feed came back. It restores up to what was earned.
5. **Earned** is a second ladder with the same steps, climbed by the clean level: the one
   that the card would give if nothing counted against the enterprise. A penalty does not
   take from it what years of trade have earned, and relief gives no more than that.
6. **Falls** by points are taken at evaluations, down to the raw level: at once if even
   the optimistic end of the range lies below what is published, otherwise at the second
   evaluation in a row that finds the raw level below it.
7. **While a feed is down** nothing falls by points, and what is missing through it gives
   no NR. Knock-outs still act.
8. **A withdrawal** of a platform's data, or a closed store, caps the level at what was
   published then, for 365 days. A later one renews it, at the lower of the two.

`docs/receipt.md` has the same in fewer words, and `scripts/check_receipt.py` a second
implementation, which tests compare with this one.

    publish(before, raw, moment).level      # Level.A
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from bonafides.instants import DAY, Day, Instant, day_of, start_of
from bonafides.rating.card import POINT_LEVELS, Level, lower

STEP_DAYS: Final = 30
CAP_DAYS: Final = 365
# A platform that streams its records, and hasn't for as long, is taken to be down.
FEED_SILENT_HOURS: Final = 48
_WEEK: Final = 7
# 1970-01-01, day 0, was a Thursday.
_THURSDAY: Final = 3


class Down(enum.StrEnum):
    """What does not answer, so that the level is held."""

    # A platform that used to stream its records is silent.
    FEED = "FEED"
    # The verification was to be renewed in time, and a source has not answered.
    SOURCE = "SOURCE"


class Relief(enum.StrEnum):
    """What ended that counted against the enterprise."""

    # A listing that gave D, or wanted a person's look.
    KNOCK_OUT_ENDED = "KNOCK_OUT_ENDED"
    # Less counts against it than before: corrected, won, taken off, or past its term.
    LESS_AGAINST = "LESS_AGAINST"
    # A store that a platform gave it was ruled not to be its own.
    STORE_RULED_OUT = "STORE_RULED_OUT"
    FEED_CAME_BACK = "FEED_CAME_BACK"


class Cause(enum.StrEnum):
    """Why a level is published as it is, where it was not before."""

    FIRST_LEVEL = "FIRST_LEVEL"
    GAINED = "GAINED"
    FELL = "FELL"
    KNOCKED_OUT = "KNOCKED_OUT"
    NOT_RATED = "NOT_RATED"
    RESTORED = "RESTORED"
    # The published level stands; the raw level or the card behind it is another.
    RAW_LEVEL_MOVED = "RAW_LEVEL_MOVED"
    CARD_CHANGED = "CARD_CHANGED"
    # People set the level that is shown, or what they had set is over.
    BY_PEOPLE = "BY_PEOPLE"
    NOTHING = "NOTHING"


# Why NR is given, where something that does not answer may be the reason.
HELD_REASONS: Final = {
    "RECORD_TOO_SHORT": Down.FEED,
    "TOO_FEW_ORDERS": Down.FEED,
    "IDENTITY": Down.SOURCE,
}


@dataclass(frozen=True, slots=True)
class Raw:
    """What the card gives. `high` is the optimistic end of the range.

    `clean` is what it would give if nothing counted against the enterprise; D and NR have
    themselves there. `reasons` are those of the rules that gave NR.
    """

    level: Level
    high: Level
    clean: Level
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """What the published level follows from, beside the raw and the prior one."""

    as_of: Instant
    relief: tuple[Relief, ...] = ()
    down: tuple[Down, ...] = ()
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """What is published, and what the next publication needs to know of it.

    `since` is when `level` began, `evaluated_at` the last evaluation that was made.
    `standing` is the last level of AAA to C that was published, `earned` as rule 5 has it,
    `stepped_at` the last step up of either, or the first evaluation; None before that.
    `weak_since` is the evaluation that found the raw level below; `cap` holds until before
    `cap_until`. `relieved`: relief came while there was no level to restore. `former` was
    published before `level`, from `former_since` on. None: there is none.
    """

    level: Level
    since: Instant
    evaluated_at: Instant
    standing: Level | None = None
    earned: Level | None = None
    stepped_at: Instant | None = None
    weak_since: Instant | None = None
    cap: Level | None = None
    cap_until: Instant | None = None
    relieved: bool = False
    former: Level | None = None
    former_since: Instant | None = None


def publish(prior: Published | None, raw: Raw, moment: Moment) -> Published:
    """Returns what is published now. `prior` is what was before; None: nothing ever was."""
    evaluation = last_evaluation(moment.as_of)
    before = prior or Published(Level.NR, moment.as_of, evaluation)
    after = replace(_capped(before, moment), evaluated_at=evaluation)
    if not (moment.withdrawn or before.relieved):
        after = replace(after, relieved=bool(moment.relief))
    if raw.level in POINT_LEVELS:
        after = _by_points(before, after, raw, moment)
    elif not _is_held(before, raw, moment):
        after = replace(after, level=raw.level, weak_since=None)
    if prior is None or after.level is before.level:
        return after
    return replace(after, since=moment.as_of, former=before.level, former_since=before.since)


def cause_of(prior: Published | None, after: Published, moment: Moment) -> Cause:
    """Returns why the level is another than before; NOTHING if it is not."""
    if prior is None:
        return Cause.NOT_RATED if after.level is Level.NR else Cause.FIRST_LEVEL
    if after.level is prior.level:
        return Cause.NOTHING
    if after.level not in POINT_LEVELS:
        return Cause.NOT_RATED if after.level is Level.NR else Cause.KNOCKED_OUT
    if prior.level in POINT_LEVELS and _is_better(prior.level, after.level):
        return Cause.FELL
    relieved = prior.relieved or (moment.relief and not moment.withdrawn)
    gained = prior.level in POINT_LEVELS and not relieved
    rose = Cause.GAINED if gained else Cause.RESTORED
    return Cause.FIRST_LEVEL if prior.standing is None else rose


class Hold(enum.StrEnum):
    """Why the published level is not the raw one."""

    NEXT_EVALUATION = "NEXT_EVALUATION"
    ONE_NOTCH_A_MONTH = "ONE_NOTCH_A_MONTH"
    WITHDRAWAL = "WITHDRAWAL"
    NO_ANSWER = "NO_ANSWER"


def hold_of(raw: Raw, told: Published, moment: Moment) -> Hold | None:
    """Returns why what is published is not the raw level; None: it is."""
    if raw.level is told.level:
        return None
    if raw.level not in POINT_LEVELS or _is_better(told.level, raw.level):
        return Hold.NO_ANSWER if moment.down else Hold.NEXT_EVALUATION
    if told.cap is not None and not _is_better(told.cap, told.level):
        return Hold.WITHDRAWAL
    may_step_at = (told.stepped_at or 0) + STEP_DAYS * DAY
    soon = may_step_at <= next_evaluation(moment.as_of)
    return Hold.NEXT_EVALUATION if soon else Hold.ONE_NOTCH_A_MONTH


def last_evaluation(at: Instant) -> Instant:
    """Returns the instant of the last evaluation, `at` included."""
    return start_of(_monday(at))


def next_evaluation(at: Instant) -> Instant:
    """Returns the instant of the next evaluation, after `at`."""
    return start_of(Day(_monday(at) + _WEEK))


def _monday(at: Instant) -> Day:
    today = day_of(at)
    return Day(today - (today + _THURSDAY) % _WEEK)


def _by_points(before: Published, after: Published, raw: Raw, moment: Moment) -> Published:
    """Returns what is published where points give the raw level; see the rules above."""
    relieved, after = after.relieved, replace(after, relieved=False)
    base, earned, stepped_at = before.standing, before.earned, before.stepped_at
    due = after.evaluated_at > before.evaluated_at
    if base is None or earned is None or stepped_at is None:
        return _at_first(after, raw, moment, settles=due and base is not None)
    may_step = due and stepped_at + STEP_DAYS * DAY <= after.evaluated_at
    climbs = may_step and _is_better(raw.clean, earned)
    earned = _next_up(earned) if climbs else earned
    most = lower(lower(raw.level, earned), after.cap or earned)
    level, weak_since = base, None if due else before.weak_since
    if _is_better(most, base):
        steps = may_step and not relieved
        climbs = climbs or steps
        level = most if relieved else _next_up(base) if steps else base
    elif _is_better(base, raw.level):
        level, weak_since = _fallen(before, raw, moment, due=due)
    if due and not moment.down and _is_better(earned, raw.clean):
        earned = raw.clean if _is_better(raw.clean, level) else level
    return replace(
        after,
        level=level,
        standing=level,
        earned=earned,
        stepped_at=after.evaluated_at if climbs else stepped_at,
        weak_since=weak_since,
    )


def _at_first(after: Published, raw: Raw, moment: Moment, *, settles: bool) -> Published:
    """Returns what is published until the first evaluation after the first level."""
    level, base = lower(raw.level, after.cap or raw.level), after.standing
    if moment.down and base is not None and _is_better(base, level):
        level = base
    earned = level if _is_better(level, raw.clean) else raw.clean
    stepped_at = after.evaluated_at if settles else None
    return replace(after, level=level, standing=level, earned=earned, stepped_at=stepped_at)


def _fallen(
    before: Published, raw: Raw, moment: Moment, *, due: bool
) -> tuple[Level, Instant | None]:
    """Returns what a raw level below what is published leaves, and `weak_since`."""
    if before.level not in POINT_LEVELS:
        return raw.level, None
    if moment.down or not due:
        return before.level, None if due else before.weak_since
    if _is_better(before.level, raw.high) or before.weak_since is not None:
        return raw.level, None
    return before.level, last_evaluation(moment.as_of)


def _is_held(before: Published, raw: Raw, moment: Moment) -> bool:
    """Tells whether NR is given only because something does not answer."""
    return (
        raw.level is Level.NR
        and before.level in POINT_LEVELS
        and all(HELD_REASONS.get(reason) in moment.down for reason in raw.reasons)
    )


def _capped(before: Published, moment: Moment) -> Published:
    cap, until = before.cap, before.cap_until
    if until is not None and moment.as_of >= until:
        cap = until = None
    if moment.withdrawn and before.standing is not None:
        cap = lower(cap or before.standing, before.standing)
        until = Instant(moment.as_of + CAP_DAYS * DAY)
    return replace(before, cap=cap, cap_until=until)


def _is_better(one: Level, other: Level) -> bool:
    return POINT_LEVELS.index(one) < POINT_LEVELS.index(other)


def _next_up(level: Level) -> Level:
    return POINT_LEVELS[POINT_LEVELS.index(level) - 1]
