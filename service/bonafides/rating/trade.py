"""The features that follow from what authorized platforms report.

One of the two halves of `bonafides.rating.features`, which has the rules.

    orders_counted(inputs)     # 433: the largest buyer's 500 of 825 count for 108
"""

from __future__ import annotations

from typing import Final

from bonafides.archive.statistics import Certification, PlatformRecord
from bonafides.instants import Day
from bonafides.rating.measures import (
    MISSING,
    NOT_APPLICABLE,
    Counted,
    Declarations,
    Direction,
    RatingInputs,
    Share,
    Value,
    Words,
)
from bonafides.records.fold import RESPONSE_HOURS

YEAR_DAYS: Final = 365
# A certificate that names no end is believed for as long as agencies usually grant.
OPEN_CERTIFICATION_DAYS: Final = 2 * YEAR_DAYS
# One buyer counts for at most these orders, or a quarter of all that are counted,
# whichever is more: an enterprise that trades with itself stays small. In rates it
# counts for these alone: else a quarter of what was lost could be bought away.
ONE_BUYER_ORDERS: Final = 10
OTHERS_PER_ONE_BUYER: Final = 3

_UP: Final = Direction.HIGHER_IS_BETTER
_DOWN: Final = Direction.LOWER_IS_BETTER
_SOLD: Final = "record:PLATFORM:transaction:ID"
_ORDERS: Final = Words("个订单", "orders")

TRADE: Final = Declarations()


@TRADE.feature(
    "days",
    _UP,
    Counted(
        "最早的在营店铺已开店{value}天",
        "oldest open store has been open for {value} days",
        "record:PLATFORM:store:ID",
    ),
    zh="仍在营业的最早店铺的开店天数，越长越好。来源：获授权平台报告的店铺。",
)
def oldest_store_days(inputs: RatingInputs) -> Value:
    """For how many days the oldest store that is open has been open; longer is better.

    Source: the stores that authorized platforms report.
    """
    opened = [p.oldest_store_day for p in inputs.platforms if p.oldest_store_day is not None]
    return max(0, inputs.today - min(opened)) if opened else MISSING


@TRADE.feature(
    "count",
    _UP,
    Counted("12个月中有{value}个月有订单", "orders in {value} of 12 months", _SOLD, YEAR_DAYS),
    zh="近12个月中有已付款订单的月数，取各平台中最多者，越多越好。来源：获授权平台报告的交易。",
)
def active_months(inputs: RatingInputs) -> Value:
    """In how many of the last 12 months there were paid orders; more is better.

    The best of the authorized platforms counts. Source: the transactions they report.
    """
    if not inputs.platforms:
        return MISSING
    # Twelve months back begin in the middle of a thirteenth calendar month.
    return min(12, max(p.last_year.active_months for p in inputs.platforms))


@TRADE.feature(
    "count",
    _UP,
    Counted("计入{value}个已付款订单", "{value} paid orders counted", _SOLD, YEAR_DAYS),
    zh=(
        "近12个月的已付款订单数，越多越好。每个平台的最大买家最多计10单或所计订单的四分之一，取"
        "其多者。退款不影响。来源：获授权平台报告的交易。"
    ),
)
def paid_orders(inputs: RatingInputs) -> Value:
    """How many paid orders there were in the last 12 months; more is better.

    The largest buyer of a platform counts for at most 10 orders, or for a quarter of the
    orders counted there, whichever is more. Refunds change nothing. Source: the
    transactions that authorized platforms report.
    """
    return orders_counted(inputs) if inputs.platforms else MISSING


@TRADE.feature(
    "count",
    _UP,
    Counted("{value}个买家", "{value} buyers", _SOLD, YEAR_DAYS),
    zh=(
        "近12个月（按整月）的买家数，各平台分别计数，越多越好。没有平台区分买家时视为缺失。来源"
        "：获授权平台报告的交易。"
    ),
)
def distinct_buyers(inputs: RatingInputs) -> Value:
    """How many buyers there were in the last 12 months; more is better.

    Whole months are looked at. Buyers are counted for each platform apart. Missing if no
    platform tells buyers apart. Source: the transactions that authorized platforms report.
    """
    buyers = sum(p.last_year.buyers for p in inputs.platforms)
    return buyers or (MISSING if orders_counted(inputs) or not inputs.platforms else 0)


@TRADE.feature(
    "ppm",
    _UP,
    Counted(
        "{whole}个买家中有{part}个至少在两天购买",
        "{part} of {whole} buyers bought on at least two days",
        _SOLD,
        YEAR_DAYS,
        Words("个买家", "buyers"),
    ),
    zh=(
        "近12个月（按整月）内至少在两天购买的买家占比，越高越好。没有平台区分买家时视为缺失。来"
        "源：获授权平台报告的交易。"
    ),
)
def repeat_buyer_rate(inputs: RatingInputs) -> Value:
    """The share of buyers who bought on at least two days of the last 12 months; more is better.

    Whole months are looked at. Missing if no platform tells buyers apart. Source: the
    transactions that authorized platforms report.
    """
    return _share(
        sum(p.last_year.repeat_buyers for p in inputs.platforms),
        sum(p.last_year.buyers for p in inputs.platforms),
    )


@TRADE.feature(
    "ppm",
    _DOWN,
    Counted(
        "{whole}个订单中有{part}个来自同一买家",
        "{part} of {whole} orders came from one buyer",
        _SOLD,
        YEAR_DAYS,
        _ORDERS,
    ),
    zh=(
        "近12个月订单中最大买家所占比例，越低越好。不报告买家的平台不计。来源：获授权平台报告的"
        "交易。"
    ),
)
def largest_buyer_share(inputs: RatingInputs) -> Value:
    """The share of the largest buyer in the orders of the last 12 months; less is better.

    Platforms that name no buyers are left out. Source: the transactions that authorized
    platforms report.
    """
    years = [p.last_year for p in inputs.platforms if p.last_year.buyers]
    largest = max((year.largest_buyer_transactions for year in years), default=0)
    return _share(largest, sum(year.transactions for year in years))


@TRADE.feature(
    "ppm",
    _DOWN,
    Counted(
        "败诉纠纷{part}件，计入订单{whole}个",
        "{part} disputes lost, {whole} orders counted",
        "record:PLATFORM:dispute:ID",
        YEAR_DAYS,
        _ORDERS,
    ),
    zh=(
        "近12个月裁定企业败诉的纠纷与所计订单之比，越低越好。未决、和解或企业胜诉的不计。每个平"
        "台的最大买家在所计订单中最多计10单。来源：获授权平台报告的纠纷。"
    ),
)
def dispute_lost_rate(inputs: RatingInputs) -> Value:
    """Disputes that were decided against the enterprise, for each order counted; less is better.

    Disputes of the last 12 months. One that is open, settled, or decided for the
    enterprise does not count. Of the orders, the largest buyer of a platform counts for at
    most 10. Source: the disputes that authorized platforms report.
    """
    lost = sum(p.last_year.disputes_lost for p in inputs.platforms)
    return _share(lost, _orders_in_rates(inputs))


@TRADE.feature(
    "ppm",
    _DOWN,
    Counted(
        "成立投诉{part}件，计入订单{whole}个",
        "{part} complaints upheld, {whole} orders counted",
        "record:PLATFORM:complaint:ID",
        YEAR_DAYS,
        _ORDERS,
    ),
    zh=(
        "近12个月平台认定成立的投诉与所计订单之比，越低越好。未决、和解或驳回的不计。每个平台的"
        "最大买家在所计订单中最多计10单。来源：获授权平台报告的投诉。"
    ),
)
def complaint_upheld_rate(inputs: RatingInputs) -> Value:
    """Complaints that the platform upheld, for each order counted; less is better.

    Complaints of the last 12 months. One that is undecided, settled or rejected does not
    count. Of the orders, the largest buyer of a platform counts for at most 10. Source: the
    complaints that authorized platforms report.
    """
    upheld = sum(p.last_year.complaints_upheld for p in inputs.platforms)
    return _share(upheld, _orders_in_rates(inputs))


@TRADE.feature(
    "ppm",
    _DOWN,
    Counted(
        "{whole}个承诺送达日的订单中有{part}个延迟",
        "{part} of {whole} promised deliveries came late",
        _SOLD,
        YEAR_DAYS,
        Words("个承诺送达日的订单", "promised deliveries"),
    ),
    zh=(
        "近12个月有承诺日的订单中晚于承诺日送达的比例，越低越好。最大买家超出10单的部分视为准时"
        "送达，不予计入。没有平台报告承诺日时视为缺失。来源：获授权平台报告的交易。"
    ),
)
def late_delivery_rate(inputs: RatingInputs) -> Value:
    """The share of deliveries that came after the promised day; less is better.

    Deliveries of the last 12 months' orders for which a day was promised. What the largest
    buyer has beyond 10 orders is taken for delivered in time, and left out. Missing if no
    platform reports promised days. Source: the transactions that authorized platforms
    report.
    """
    late = sum(p.last_year.deliveries_late for p in inputs.platforms)
    return _share(late, sum(map(_deliveries_counted, inputs.platforms)))


@TRADE.feature(
    "hours",
    _DOWN,
    Counted(
        "半数案件等待首次答复{value}小时或以上",
        "half of the cases waited {value} hours or more for the first answer",
        "record:PLATFORM:complaint:ID",
        YEAR_DAYS,
    ),
    zh=(
        "近12个月投诉和纠纷的首次答复时长中位数（小时，按档位起点计），越短越好。没有已知答复时"
        "间时不适用，得分恰为中性：未决案件不对任何人不利；但若有已判定对企业不利的案件，则视为"
        "缺失。来源：获授权平台报告的案件。"
    ),
)
def first_response_hours(inputs: RatingInputs) -> Value:
    """The median time to the first answer to a complaint or dispute, in hours; less is better.

    Cases of the last 12 months. Times are kept in steps, and the start of the step
    counts. Missing if cases were decided against the enterprise and no time is known;
    otherwise, without a known time, it does not apply and is exactly neutral: a case that
    is undecided counts against nobody. Source: the cases that authorized platforms report.
    """
    years = [p.last_year for p in inputs.platforms]
    counts = [sum(step) for step in zip(*(year.responses for year in years), strict=True)]
    if not sum(counts):
        decided = any(year.complaints_upheld + year.disputes_lost for year in years)
        return MISSING if decided else NOT_APPLICABLE
    middle, passed = (sum(counts) + 1) // 2, 0
    for start, count in zip((0, *RESPONSE_HOURS), counts, strict=True):
        passed += count
        if passed >= middle:
            return start
    return MISSING


@TRADE.feature(
    "ppm",
    _UP,
    Counted(
        "{whole}件已结案件中有{part}件和解",
        "{part} of {whole} closed cases were settled",
        "record:PLATFORM:complaint:ID",
        YEAR_DAYS,
        Words("件已结案件", "closed cases"),
    ),
    zh=(
        "近12个月投诉和纠纷中，以和解结案者在和解与对企业不利的结案中所占比例，"
        "越高越好。未决案件和企业胜诉的案件不计；没有此类结案时不适用，得分恰为中性。"
        "来源：获授权平台报告的案件。"
    ),
)
def case_settled_rate(inputs: RatingInputs) -> Value:
    """The share of closed complaints and disputes that ended by agreement; more is better.

    Cases of the last 12 months that were settled or decided against the enterprise. One
    that is open, or was decided for the enterprise, does not count. Without any it does
    not apply and is exactly neutral. Source: the cases that authorized platforms report.
    """
    years = [p.last_year for p in inputs.platforms]
    settled = sum(year.cases_settled for year in years)
    lost = sum(year.complaints_upheld + year.disputes_lost for year in years)
    if not settled + lost:
        return NOT_APPLICABLE if years else MISSING
    return Share(settled, settled + lost)


@TRADE.feature(
    "level",
    _UP,
    Counted(
        "{value}级：0无，1有效，2有效且一年内检查过",
        "level {value}: 0 none, 1 valid, 2 valid and inspected within a year",
        "record:PLATFORM:certification:ID",
    ),
    zh=(
        "机构是否实地检查过企业，有效且最近的为最好。0级：没有有效认证；1级：有有效认证；2级："
        "有效且检查不超过一年。未注明有效期的按两年计。付费会员不是认证。来源：获授权平台报告的"
        "认证。"
    ),
)
def on_site_level(inputs: RatingInputs) -> Value:
    """Whether an agency inspected the enterprise on site; valid and recent is best.

    Level 0: no valid certification. Level 1: a valid one. Level 2: a valid one whose
    inspection is at most a year old. One without an end is taken as valid for two years.
    A paid membership is no certification. Source: the certifications that authorized
    platforms report.
    """
    ages = [inputs.today - c.inspected for c in valid_certifications(inputs)]
    if not ages:
        return 0
    return 2 if min(ages) <= YEAR_DAYS else 1


def record_days(inputs: RatingInputs) -> int:
    """Returns for how many days the authorized platforms' records reach back; 0 without any."""
    first = [p.first_day for p in inputs.platforms if p.first_day is not None]
    return max(0, inputs.today - min(first)) if first else 0


def orders_counted(inputs: RatingInputs) -> int:
    """Returns the paid orders of the last 12 months, each platform's largest buyer capped."""
    return sum(_capped(p) for p in inputs.platforms)


def valid_certifications(inputs: RatingInputs) -> list[Certification]:
    return [
        certification
        for platform in inputs.platforms
        for certification in platform.certifications
        if certification.inspected <= inputs.today <= _last_valid_day(certification)
    ]


def _capped(platform: PlatformRecord) -> int:
    largest, others = _largest_and_others(platform)
    return others + min(largest, max(ONE_BUYER_ORDERS, others // OTHERS_PER_ONE_BUYER))


def buyers_of_weight(inputs: RatingInputs) -> int | None:
    """Returns how many buyers of equal weight would make as uneven a record; None: not known.

    The inverse of the Herfindahl index of the last 12 months' orders, cut down: four
    hands that buy nearly everything weigh as four, however many others buy once.
    Platforms that name no buyers are left out.
    """
    years = [p.last_year for p in inputs.platforms if p.last_year.buyers]
    squares = sum(year.buyer_squares for year in years)
    return sum(year.transactions for year in years) ** 2 // squares if squares else None


def _orders_in_rates(inputs: RatingInputs) -> int:
    pairs = map(_largest_and_others, inputs.platforms)
    return sum(others + min(largest, ONE_BUYER_ORDERS) for largest, others in pairs)


def _deliveries_counted(platform: PlatformRecord) -> int:
    largest, _ = _largest_and_others(platform)
    year = platform.last_year
    return max(year.deliveries_late, year.deliveries_promised - max(0, largest - ONE_BUYER_ORDERS))


def _largest_and_others(platform: PlatformRecord) -> tuple[int, int]:
    year = platform.last_year
    # Buyers are counted by whole months, orders by days: a buyer may seem to have more.
    largest = min(year.largest_buyer_transactions, year.transactions)
    return largest, year.transactions - largest


def _share(part: int, whole: int) -> Value:
    # Cases are counted on the day they were opened, orders on theirs: at the edge of
    # the window there may be more of the part than of the whole.
    return Share(min(part, whole), whole) if whole else MISSING


def _last_valid_day(certification: Certification) -> Day:
    if certification.expires is not None:
        return certification.expires
    return Day(certification.inspected + OPEN_CERTIFICATION_DAYS)
