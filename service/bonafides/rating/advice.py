"""Says by which honest steps an enterprise reaches the next level, and when at the soonest.

1. The next level is the next better one that points give; from D and NR it is any of them.
2. A way is a set of at most three steps of `bonafides.rating.simulation`, each of them
   needed, that reaches it within the horizon and sooner than time alone does. More orders,
   buyers or repeated buyers are no steps: advice to have them is a recipe for faking them.
   Age is none either.
3. Every way is tried out with the served card, day by day as far as anything turns, and
   promises exactly the level of that simulation.
4. The cheapest ways come first: by the sum of their steps' costs, then by their day.
5. Where there is none, that is said, and what time alone does.

    advise(present, card).ways[0].steps      # (Step.CERTIFY_ON_SITE,)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

from bonafides.archive.expiry import ends_at, public_record, restorable_from, standing_records
from bonafides.archive.public_records import Penalty
from bonafides.instants import Day, day_of, to_date
from bonafides.rating.card import POINT_LEVELS, Level
from bonafides.rating.features import PENALTY_HALVES_DAYS
from bonafides.rating.measures import RatingInputs, Words
from bonafides.rating.rate import RatingResult
from bonafides.rating.rules import RULES
from bonafides.rating.scorecard import Scorecard
from bonafides.rating.simulation import Present, Step, matters, simulate
from bonafides.rating.trade import YEAR_DAYS, record_days

# What is further off than a year rests on assumptions alone, and is no advice.
HORIZON_DAYS: Final = 365
MOST_WAYS: Final = 3
MOST_STEPS: Final = 3
# By then a penalty weighs nothing.
_FADED_DAYS: Final = 11 * PENALTY_HALVES_DAYS


class Told(NamedTuple):
    """What a step costs beside the others, how it is told, and the command that begins it."""

    cost: int
    words: Words
    command: str = ""


STEPS: Final[dict[Step, Told]] = {
    Step.RENEW_VERIFICATION: Told(
        1,
        Words("在核验失效前续期。", "Have the verification renewed before it lapses."),
        "bonafides submit",
    ),
    Step.ANSWER_OPEN_CASES: Told(
        1,
        Words(
            "今日对所有未决投诉和纠纷作出首次答复。",
            "Give the first answer to every open complaint and dispute today.",
        ),
    ),
    Step.SETTLE_OPEN_CASES: Told(
        2,
        Words(
            "答复所有未决投诉和纠纷，并与对方协商和解。",
            "Answer every open complaint and dispute, and come to an agreement on it.",
        ),
    ),
    Step.COMPLETE_VERIFICATION: Told(
        2, Words("完成身份核验。", "Complete the verification of the identity."), "bonafides submit"
    ),
    Step.END_ABNORMAL_LISTING: Told(
        3,
        Words(
            "改正列入经营异常名录的原因，并申请移出。",
            "Correct the ground of the listing of abnormal operations, and ask to be taken off.",
        ),
    ),
    Step.RESTORE_PENALTIES: Told(
        3,
        Words(
            "履行行政处罚，并在规则允许时申请信用修复。",
            "Settle the penalties, and ask for restoration as soon as the rules allow it.",
        ),
    ),
    Step.CERTIFY_ON_SITE: Told(
        5,
        Words(
            "请独立机构实地检查并认证。",
            "Ask an independent agency for an on-site inspection and certification.",
        ),
    ),
    Step.PERFORM_COURT_ORDERS: Told(
        6,
        Words(
            "履行生效裁判，并请法院更新公示。",
            "Perform what courts decided, and ask them to publish that it is done.",
        ),
    ),
    Step.END_SERIOUS_LISTING: Told(
        6,
        Words(
            "改正后，在规则允许时申请移出严重违法失信名单。",
            "Correct the ground, and ask to be taken off the list of serious illegality "
            "as soon as the rules allow it.",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Way:
    """Steps of today, the first day on which they reach the level, and what they reach."""

    steps: tuple[Step, ...]
    day: Day
    promised: RatingResult


@dataclass(frozen=True, slots=True)
class Advice:
    """What would raise a level. `target` None: nothing is above.

    `time_alone` is the first day on which the target is reached without any step; None:
    not within the horizon.
    """

    present: RatingResult
    target: Level | None
    ways: tuple[Way, ...]
    time_alone: Way | None

    @property
    def text(self) -> Words:
        """All of it in words."""
        return _text(self)


def advise(present: Present, card: Scorecard) -> Advice:
    """Returns the cheapest honest ways to the next level."""
    now = simulate(present, card, ())
    target = _next(now.level)
    if target is None:
        return Advice(now, None, (), None)
    days = _turning_days(present, card)
    alone = _first(present, card, target, (), days)
    ways: list[Way] = []
    useful = [step for step in Step if matters(present, step)]
    sets = [each for size in range(1, MOST_STEPS + 1) for each in combinations(useful, size)]
    # A set comes after all that are part of it, for these cost less.
    for steps in sorted(sets, key=_cost):
        if len(ways) >= MOST_WAYS and _cost(steps) > _cost(ways[-1].steps):
            break
        # A step more is worth it only if it is sooner than with fewer, or than waiting.
        less = [way.day for way in ways if set(way.steps) < set(steps)]
        less += [alone.day] if alone is not None else []
        sooner = [day for day in days if not less or day < min(less)]
        way = _first(present, card, target, steps, sooner)
        ways += [way] if way is not None else []
    ways.sort(key=lambda way: (_cost(way.steps), way.day))
    return Advice(now, target, tuple(ways[:MOST_WAYS]), alone)


def reaches(result: RatingResult, target: Level) -> bool:
    """Tells whether the level is the target or a better one."""
    if result.level not in POINT_LEVELS:
        return False
    return POINT_LEVELS.index(result.level) <= POINT_LEVELS.index(target)


def _next(level: Level) -> Level | None:
    """Returns the level above; the lowest that points give, where points give none."""
    if level not in POINT_LEVELS:
        return POINT_LEVELS[-1]
    place = POINT_LEVELS.index(level)
    return POINT_LEVELS[place - 1] if place else None


def _cost(steps: Sequence[Step]) -> int:
    return sum(STEPS[step].cost for step in steps)


def _first(
    present: Present, card: Scorecard, target: Level, steps: tuple[Step, ...], days: Sequence[Day]
) -> Way | None:
    for day in days:
        result = simulate(present, card, frozenset(steps), day)
        if reaches(result, target):
            return Way(steps, day, result)
    return None


def _turning_days(present: Present, card: Scorecard) -> list[Day]:
    """Returns today and the days within the horizon on which anything may turn, sorted."""
    today = present.inputs.today
    days = {today, *_of_ages(present.inputs, card), *_of_records(present.inputs)}
    days |= {Day(each.day + YEAR_DAYS) for each in present.cases}
    return sorted(day for day in days if today <= day <= today + HORIZON_DAYS)


def _of_ages(inputs: RatingInputs, card: Scorecard) -> Iterator[Day]:
    """Yields the days on which something is as old as an edge or a rule asks for."""
    for part in card.features:
        for since in BEGUN.get(part.name, _never)(inputs):
            yield from (Day(since + edge) for edge in part.edges)
    asked = {
        rule.at_least for rule in card.content.rules if RULES[rule.reason].measure is record_days
    }
    for platform in inputs.platforms:
        if platform.first_day is not None:
            yield from (Day(platform.first_day + days) for days in asked)


def _verified(inputs: RatingInputs) -> list[Day]:
    # Who is verified today anew begins today.
    known = inputs.sheet.verification
    return [inputs.today, *([day_of(known.verified_at)] if known is not None else [])]


def _registered(inputs: RatingInputs) -> list[Day]:
    told = inputs.registration
    begun = [told.established] if told is not None and told.established is not None else []
    return [*begun, *(change.day for change in inputs.sheet.changes)]


def _opened(inputs: RatingInputs) -> list[Day]:
    days = (platform.oldest_store_day for platform in inputs.platforms)
    return [day for day in days if day is not None]


def _never(_inputs: RatingInputs) -> list[Day]:
    return []


# Since when that which grows with time has grown, for the features that count days.
BEGUN: Final = {
    "verified_days": _verified,
    "registration_days": _registered,
    "oldest_store_days": _opened,
}


def _of_records(inputs: RatingInputs) -> Iterator[Day]:
    """Yields the days on which a public record ends, may be taken off, or weighs less."""
    for fact in standing_records(inputs.sheet):
        record = public_record(fact)
        # A record that ends in the course of a day is gone as the next one begins.
        ends = day_of(ends_at(fact.kind, record))
        yield from (ends, Day(ends + 1), restorable_from(fact.kind, record))
        if isinstance(record, Penalty):
            halves = range(PENALTY_HALVES_DAYS, _FADED_DAYS, PENALTY_HALVES_DAYS)
            yield from (Day(record.begins + past) for past in halves)


def _text(advice: Advice) -> Words:
    now, target = advice.present.level, advice.target
    if target is None:
        return Words(
            f"仅按事实、评分卡和日期，等级为{now}，已是最高。",
            f"By facts, card and date alone the level is {now}; none is above.",
        )
    zh = [f"仅按事实、评分卡和日期，等级为{now}，下一等级为{target}。"]
    en = [f"By facts, card and date alone the level is {now}; the next is {target}."]
    for number, way in enumerate(advice.ways, start=1):
        reached, day = way.promised, to_date(way.day).isoformat()
        zh.append(
            f"办法{number}：{''.join(STEPS[step].words.zh for step in way.steps)}"
            f"最早{day}可达{reached.level}（{reached.score}分）。"
        )
        en.append(
            f"Way {number}: {' '.join(STEPS[step].words.en for step in way.steps)} "
            f"Reaches {reached.level} ({reached.score} points) on {day} at the soonest."
        )
    if not advice.ways:
        zh.append(f"{HORIZON_DAYS}天内没有比等待更快的诚信办法。")
        en.append(f"No honest step reaches it within {HORIZON_DAYS} days sooner than time alone.")
    alone = advice.time_alone
    if alone is None:
        zh.append(f"仅凭时间，{HORIZON_DAYS}天内不能达到。")
        en.append(f"Time alone does not reach it within {HORIZON_DAYS} days.")
    else:
        day = to_date(alone.day).isoformat()
        zh.append(f"仅凭时间，{day}可达。")
        en.append(f"Time alone reaches it on {day}.")
    zh.append("以上以步骤今日完成、经营照旧为前提。")
    en.append("All this supposes steps that are done today, and business that goes on as it does.")
    return Words("".join(zh), " ".join(en))
