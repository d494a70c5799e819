"""Writes single values for people: money, shares, days, instants, bars, states.

Exact, never rounded: a share of 12,345 millionths is 1.2345 %, not 1 %. Instants are
shown on the clock of Shanghai, on which the service counts its days. Text that came
from outside is made harmless before it reaches a terminal.

    money(Money(currency_code="CNY", amount_minor=100_050))      # "CNY 1,000.50"
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from bonafides.instants import SHANGHAI, from_timestamp, to_datetime
from bonafides.records.money import minor_digits
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2

BAR_CELLS: Final = 20
NOT_KNOWN: Final = "not known"

_PPM_IN_PERCENT: Final = Decimal(10_000)
# Controls and what turns the direction of writing around could repaint the terminal,
# or make one name read as another; a line break could pass for a line of ours.
_HARMFUL: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

_Value = TypeVar("_Value", bound=int)

OPERATING_STATES: Final = {
    enterprise_pb2.OPERATING_STATE_UNSPECIFIED: NOT_KNOWN,
    enterprise_pb2.OPERATING_STATE_NOT_KNOWN: NOT_KNOWN,
    enterprise_pb2.OPERATING_STATE_IN_BUSINESS: "in business (存续)",
    enterprise_pb2.OPERATING_STATE_MOVED: "moved to another registry (迁移)",
    enterprise_pb2.OPERATING_STATE_SUSPENDED: "suspended (停业)",
    enterprise_pb2.OPERATING_STATE_IN_LIQUIDATION: "in liquidation (清算)",
    enterprise_pb2.OPERATING_STATE_DEREGISTERED: "deregistered (注销)",
    enterprise_pb2.OPERATING_STATE_REVOKED: "licence revoked (吊销)",
    enterprise_pb2.OPERATING_STATE_ANNULLED: "registration annulled (撤销)",
}
LEVELS: Final = {
    rating_pb2.LEVEL_UNSPECIFIED: "not shown",
    rating_pb2.LEVEL_AAA: "AAA",
    rating_pb2.LEVEL_AA: "AA",
    rating_pb2.LEVEL_A: "A",
    rating_pb2.LEVEL_B: "B",
    rating_pb2.LEVEL_C: "C",
    rating_pb2.LEVEL_D: "D",
    rating_pb2.LEVEL_NR: "NR",
}
BASES: Final = {
    rating_pb2.BASIS_UNSPECIFIED: NOT_KNOWN,
    rating_pb2.BASIS_EXPERT: "EXPERT: points set by people who know the field",
    rating_pb2.BASIS_SYNTHETIC: "SYNTHETIC: points fitted on generated data, for tests alone",
    rating_pb2.BASIS_OUTCOMES: "OUTCOMES: points fitted on what happened to enterprises",
}
CAUSES: Final = {
    rating_pb2.CAUSE_UNSPECIFIED: NOT_KNOWN,
    rating_pb2.CAUSE_FIRST_LEVEL: "the first level",
    rating_pb2.CAUSE_GAINED: "gained by what was recorded since",
    rating_pb2.CAUSE_FELL: "fell to what facts give",
    rating_pb2.CAUSE_KNOCKED_OUT: "a public record gives D",
    rating_pb2.CAUSE_NOT_RATED: "too little to say, no consent or no identity",
    rating_pb2.CAUSE_RESTORED: "restored: what counted against it ended",
    rating_pb2.CAUSE_RAW_LEVEL_MOVED: "the raw level moved; the level stands",
    rating_pb2.CAUSE_CARD_CHANGED: "another scorecard; the level stands",
    rating_pb2.CAUSE_BY_PEOPLE: "set by people, or what they set is over",
}
HOLDS: Final = {
    rating_pb2.HOLD_UNSPECIFIED: "",
    rating_pb2.HOLD_NEXT_EVALUATION: "waits for the next evaluation",
    rating_pb2.HOLD_ONE_NOTCH_A_MONTH: "one notch a month is gained at most",
    rating_pb2.HOLD_WITHDRAWAL: "data was withdrawn, or a store closed",
    rating_pb2.HOLD_NO_ANSWER: "a feed or source does not answer",
}
RULES: Final = {
    rating_pb2.RuleHit.KIND_UNSPECIFIED: "rule",
    rating_pb2.RuleHit.KIND_KNOCK_OUT: "gives D",
    rating_pb2.RuleHit.KIND_NOT_RATED: "gives NR",
    rating_pb2.RuleHit.KIND_CEILING: "ceiling",
}
REMEDIES: Final = {
    rating_pb2.Reason.KIND_UNSPECIFIED: NOT_KNOWN,
    rating_pb2.Reason.KIND_YOU_CAN_CHANGE: "you can change it",
    rating_pb2.Reason.KIND_TIME_CHANGES: "time changes it",
    rating_pb2.Reason.KIND_LISTED_FACT: "a public record; who published it takes it off",
}
OUTCOMES: Final = {
    enterprise_pb2.OUTCOME_UNSPECIFIED: NOT_KNOWN,
    enterprise_pb2.OUTCOME_MATCH: "match",
    enterprise_pb2.OUTCOME_MISMATCH: "MISMATCH",
    enterprise_pb2.OUTCOME_NOT_FOUND: "not found, asked again later",
    enterprise_pb2.OUTCOME_NO_EVIDENCE: "no evidence yet",
}
NOTES: Final = {"NOT_REACHED": "(the source was not reached; asked again soon)"}
DEPTHS: Final = {
    enterprise_pb2.CHECK_DEPTH_UNSPECIFIED: NOT_KNOWN,
    enterprise_pb2.CHECK_DEPTH_TWO: "two elements: code, name",
    enterprise_pb2.CHECK_DEPTH_THREE: "three: and the representative",
    enterprise_pb2.CHECK_DEPTH_FOUR: "four: and the document's number",
}
STATES: Final = {
    enterprise_pb2.Submission.STATE_UNSPECIFIED: (NOT_KNOWN, ""),
    enterprise_pb2.Submission.STATE_DRAFT: ("DRAFT", "The enterprise has yet to confirm it."),
    enterprise_pb2.Submission.STATE_PENDING: (
        "PENDING",
        "Waiting for evidence; the sources are asked again. Nothing to do.",
    ),
    enterprise_pb2.Submission.STATE_ACTION_REQUIRED: (
        "ACTION_REQUIRED",
        "Correct what the checks name, and submit again.",
    ),
    enterprise_pb2.Submission.STATE_VERIFIED: ("VERIFIED", "Every required check matched."),
    enterprise_pb2.Submission.STATE_REJECTED: (
        "REJECTED",
        "Refuted by evidence. Archive and level of the code are untouched.",
    ),
    enterprise_pb2.Submission.STATE_LAPSED: (
        "LAPSED",
        "The term of the verification is over; submit again to renew it.",
    ),
    enterprise_pb2.Submission.STATE_WITHDRAWN: ("WITHDRAWN", "Withdrawn by the enterprise."),
}
COURT_CASES: Final = {
    archive_pb2.CourtCase.KIND_UNSPECIFIED: NOT_KNOWN,
    archive_pb2.CourtCase.KIND_DISHONEST_DEBTOR: "dishonest debtor (失信被执行人)",
    archive_pb2.CourtCase.KIND_ENFORCEMENT: "enforcement (被执行人)",
    archive_pb2.CourtCase.KIND_JUDGMENT: "judgment (裁判)",
    archive_pb2.CourtCase.KIND_EQUITY_FREEZE: "freeze of shares (股权冻结)",
}
PERFORMANCES: Final = {
    archive_pb2.CourtCase.PERFORMANCE_UNSPECIFIED: NOT_KNOWN,
    archive_pb2.CourtCase.PERFORMANCE_NOT_KNOWN: NOT_KNOWN,
    archive_pb2.CourtCase.PERFORMANCE_UNPERFORMED: "not performed",
    archive_pb2.CourtCase.PERFORMANCE_PARTLY_PERFORMED: "performed in part",
    archive_pb2.CourtCase.PERFORMANCE_PERFORMED: "performed",
}
LISTINGS: Final = {
    archive_pb2.Listing.KIND_UNSPECIFIED: NOT_KNOWN,
    archive_pb2.Listing.KIND_ABNORMAL_OPERATIONS: "abnormal operations (经营异常)",
    archive_pb2.Listing.KIND_SERIOUS_ILLEGAL: "serious illegality (严重违法失信)",
}
SEVERITIES: Final = {
    archive_pb2.Penalty.SEVERITY_UNSPECIFIED: NOT_KNOWN,
    archive_pb2.Penalty.SEVERITY_NOT_KNOWN: NOT_KNOWN,
    archive_pb2.Penalty.SEVERITY_MINOR: "minor (轻微)",
    archive_pb2.Penalty.SEVERITY_MODERATE: "moderate (一般)",
    archive_pb2.Penalty.SEVERITY_SERIOUS: "serious (严重)",
}
MATCHES: Final = {
    archive_pb2.PublicRecord.MATCHED_BY_UNSPECIFIED: NOT_KNOWN,
    archive_pb2.PublicRecord.MATCHED_BY_CODE: "by code",
    archive_pb2.PublicRecord.MATCHED_BY_NAME: "by NAME alone",
}
STANDINGS: Final = {
    archive_pb2.PublicRecord.STANDING_UNSPECIFIED: NOT_KNOWN,
    archive_pb2.PublicRecord.STANDING_STANDS: "stands",
    archive_pb2.PublicRecord.STANDING_MATCHED_BY_NAME: "counts for nothing",
    archive_pb2.PublicRecord.STANDING_REMOVED: "removed",
    archive_pb2.PublicRecord.STANDING_EXPIRED: "expired",
    archive_pb2.PublicRecord.STANDING_WITHDRAWN: "withdrawn",
}


def word(words: Mapping[_Value, str], number: _Value) -> str:
    """Returns the word for an enum's value; a newer server may send one we have no word for."""
    return words.get(number, f"{NOT_KNOWN} ({number})")


def plain(text: str) -> str:
    """Returns the text on one line, each character that could act on a terminal as U+FFFD."""
    spaced = " ".join(text.split())
    return "".join("\ufffd" if unicodedata.category(char) in _HARMFUL else char for char in spaced)


def count(number: int) -> str:
    """Returns the number with its thousands apart."""
    return f"{number:,}"


def percent(rate_ppm: int) -> str:
    """Returns millionths as per cent, exactly."""
    return f"{(Decimal(rate_ppm) / _PPM_IN_PERCENT).normalize():f} %"


def money(amount: enterprise_pb2.Money) -> str:
    """Returns the currency and the amount in its major unit, exactly."""
    digits = minor_digits(amount.currency_code)
    major = Decimal(amount.amount_minor).scaleb(-digits)
    return f"{plain(amount.currency_code)} {major:,.{digits}f}"


def day(date: Date) -> str:
    """Returns the date as year-month-day."""
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}"


def moment(stamp: Timestamp) -> str:
    """Returns the instant to the second, on the clock of Shanghai."""
    try:
        local = to_datetime(from_timestamp(stamp)).astimezone(SHANGHAI)
    except OverflowError:
        return "out of range"
    return f"{local:%Y-%m-%d %H:%M:%S} Shanghai"


EMPLOYEES: Final = {
    archive_pb2.SelfDescription.EMPLOYEES_UNDER_10: "up to 9",
    archive_pb2.SelfDescription.EMPLOYEES_FROM_10_TO_49: "10 to 49",
    archive_pb2.SelfDescription.EMPLOYEES_FROM_50_TO_249: "50 to 249",
    archive_pb2.SelfDescription.EMPLOYEES_FROM_250_TO_999: "250 to 999",
    archive_pb2.SelfDescription.EMPLOYEES_FROM_1000: "1,000 or more",
}


def value(contribution: rating_pb2.Contribution) -> str:
    """Returns the value of a feature in its unit; "–" where it is missing or not applicable."""
    if not contribution.HasField("value"):
        return "–"
    match contribution.unit:
        case "ppm":
            return percent(contribution.value)
        case "count" | "":
            return count(contribution.value)
        case "days" | "months" | "years" | "hours" as unit:
            return f"{count(contribution.value)} {unit}"
        case unit:
            return f"{plain(unit)} {contribution.value}"


def peers(contribution: rating_pb2.Contribution) -> str:
    """Returns the mean of the peers in the feature's unit, and who they are; "" without any."""
    if not contribution.HasField("peers"):
        return ""
    shown = contribution.peers
    mean, unit = Decimal(shown.mean_milli).scaleb(-3), plain(contribution.unit)
    told = f"{mean.normalize():,f}"
    if contribution.unit == "ppm":
        told = percent(int(mean))
    elif unit not in {"count", ""}:
        told = f"{told} {unit}"
    who = " ".join(map(plain, (shown.title_zh, shown.title_en, f"[{shown.group}]")))
    return (
        f"peers: {told} (mean of {count(shown.members)} or more: {who}; {moment(shown.as_of_time)})"
    )


def bar(points: int, max_points: int, widest: int) -> str:
    """Returns points of max_points as a bar whose full length says how much is at stake.

    `widest` is the largest max_points beside it, which fills the whole width. Points
    below zero leave the bar empty: the figure beside it tells.
    """
    cells = _share(max_points, widest, BAR_CELLS)
    filled = _share(points, max_points, cells)
    return "█" * filled + "░" * (cells - filled)


def _share(part: int, whole: int, cells: int) -> int:
    if whole <= 0 or part <= 0:
        return 0
    # Something is never drawn as nothing.
    return max(1, min(cells, round(cells * part / whole)))
