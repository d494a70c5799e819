"""Says on what an enterprise lost the most points, in words for its people.

- The features on which the most points were lost, at most four; of equals, the one
  that stands first in the card. A high score has reasons too.
- What does not apply is exactly neutral and no reason. Without points, rules are the
  reasons, and they have words of their own.
- Each reason names its figures, the days looked at, who told the facts, what can be
  done, and where to correct a fact that is wrong. Of a share it says how many cases more
  it takes until the enterprise's own weigh more than the expected mean.

    reasons(inputs, rate(inputs, card))[0].text.en
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final, assert_never

from bonafides.archive.expiry import standing_records
from bonafides.archive.facts import Kind
from bonafides.instants import Day, to_date
from bonafides.rating.card import CardFeature, Contribution, GroupPrior
from bonafides.rating.features import FEATURES
from bonafides.rating.measures import Absent, Counted, RatingInputs, Share, Words
from bonafides.rating.rate import RatingResult

MOST: Final = 4
# Which public records a feature counts.
_RECORDS: Final = {
    "unfulfilled_cases": (Kind.ENFORCEMENT, Kind.JUDGMENT),
    "penalty_weight": (Kind.PENALTY,),
    "abnormal_list_days": (Kind.ABNORMAL_OPERATIONS,),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why points were lost. `since` None: all time.

    `cases_until_full`: how many more cases until the enterprise's own weigh more than the
    expected mean; None where the feature is no share. `target` is what a correction is about.
    """

    part: Contribution
    points_lost: int
    text: Words
    since: Day | None
    until: Day
    sources: tuple[str, ...]
    cases_until_full: int | None
    target: str


def reasons(inputs: RatingInputs, result: RatingResult) -> tuple[Reason, ...]:
    """Returns the reasons of a level that was given to the inputs, the most lost first."""
    lost = [
        (part.feature.max_points - part.points, part)
        for part in result.contributions
        if part.slot is not Absent.NOT_APPLICABLE
    ]
    # Sorting keeps the order of equals, which is the card's.
    lost.sort(key=lambda each: -each[0])
    return tuple(_reason(inputs, part, points) for points, part in lost[:MOST] if points > 0)


def facts(part: Contribution) -> Words:
    """Returns which facts were counted, in words with their figures."""
    counted = FEATURES[part.feature.name].counted
    match part.value:
        case Absent.MISSING:
            return Words("没有已知信息", "nothing is known of it")
        case Absent.NOT_APPLICABLE:
            return Words("不适用：恰为中性", "does not apply: exactly neutral")
        case Share():
            figures = {"part": part.value.part, "whole": part.value.whole}
        case int():
            figures = {"value": part.value}
        case _:
            assert_never(part.value)
    drawn = _drawn(part.feature)
    return Words(counted.zh.format(**figures) + drawn.zh, counted.en.format(**figures) + drawn.en)


def _drawn(feature: CardFeature) -> Words:
    if feature.prior is None:
        return Words("", "")
    whole, hundredths = divmod(feature.prior.mean_ppm // 100, 100)
    mean = f"{whole}.{hundredths:02}"
    if isinstance(feature.prior, GroupPrior):
        zh, en = feature.prior.title.zh, feature.prior.title.en
        return Words(
            f"；向同类（{zh}）预期均值{mean}%收缩",
            f"; drawn towards the expected mean of {mean} % of its peers ({en})",
        )
    return Words(f"；向预期均值{mean}%收缩", f"; drawn towards the expected mean of {mean} %")


def _reason(inputs: RatingInputs, part: Contribution, points_lost: int) -> Reason:
    counted = FEATURES[part.feature.name].counted
    sources, target = _told_by(inputs, part.feature.name, counted.target)
    since = Day(inputs.today - counted.window_days + 1) if counted.window_days else None
    why = Reason(
        part=part,
        points_lost=points_lost,
        text=Words("", ""),
        since=since,
        until=inputs.today,
        sources=sources,
        cases_until_full=_cases_until_full(part),
        target=target,
    )
    return dataclasses.replace(why, text=_text(inputs, why, counted))


def _cases_until_full(part: Contribution) -> int | None:
    prior = part.feature.prior
    if prior is None:
        return None
    whole = part.value.whole if isinstance(part.value, Share) else 0
    return max(0, prior.alpha + prior.beta + 1 - whole)


def _told_by(inputs: RatingInputs, name: str, target: str) -> tuple[tuple[str, ...], str]:
    """Returns who told the facts, sorted, and what a correction of them is about."""
    sheet = inputs.sheet
    match target.partition(":")[0]:
        case "record":
            platforms = tuple(sorted({each.platform for each in inputs.platforms}))
            # Of several, the enterprise knows on which one the record is.
            only = platforms[0] if len(platforms) == 1 else "PLATFORM"
            return platforms, target.replace("PLATFORM", only)
        case "check":
            origin = sheet.origins.get(Kind.VERIFICATION)
            told = (origin.source,) if origin is not None else ()
            uid = sheet.verification.uid if sheet.verification is not None else "UID"
            return told, target.replace("UID", uid)
    if name not in _RECORDS:
        return ((sheet.registration.source,) if sheet.registration is not None else ()), target
    standing = standing_records(sheet, *_RECORDS[name])
    if len(standing) == 1:
        target = f"fact:{standing[0].kind}:{standing[0].item}"
    return tuple(sorted({fact.source for fact in standing})), target


def _text(inputs: RatingInputs, why: Reason, counted: Counted) -> Words:
    part, told = why.part, facts(why.part)
    feature = part.feature
    until = to_date(why.until).isoformat()
    since = to_date(why.since).isoformat() if why.since is not None else None
    days = Words(f"{since}至{until}", f"{since} to {until}")
    if since is None:
        days = Words(f"截至{until}", f"as of {until}")
    told_by = Words("、".join(why.sources) or "无", ", ".join(why.sources) or "none")
    little = _counts_little(why, counted)
    command = f"bonafides appeal {inputs.code.text} {why.target}"
    zh = [
        f"{feature.reason.text.zh}：{told.zh}（{days.zh}）",
        f"满分{feature.max_points}分，得{part.points}分",
        *([little.zh] if little else []),
        f"来源：{told_by.zh}",
        feature.remedy.text.zh.rstrip("。"),
        f"记录有误？可申请更正：{command}",
    ]
    en = [
        f"{feature.reason.text.en}: {told.en} ({days.en})",
        f"{part.points} of {feature.max_points} points",
        *([little.en] if little else []),
        f"Source: {told_by.en}",
        feature.remedy.text.en.rstrip("."),
        f"Is a record wrong? Ask for its correction: {command}",
    ]
    return Words("。".join(zh), ". ".join(en))


def _counts_little(why: Reason, counted: Counted) -> Words | None:
    """Says how little a share counts yet; None where it counts fully, or is none."""
    cases, value = counted.cases, why.part.value
    if not why.cases_until_full or cases is None or not isinstance(value, Share):
        return None
    full = value.whole + why.cases_until_full
    return Words(
        f"{value.whole}{cases.zh}计入较少：满{full}{cases.zh}后，"
        f"本企业的记录重于预期均值，还需{why.cases_until_full}{cases.zh}",
        f"{value.whole} {cases.en} count little: from {full} {cases.en} on, "
        f"{why.cases_until_full} more, the enterprise's own weigh more than the expected mean",
    )
