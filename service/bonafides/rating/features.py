"""The features that a scorecard may weigh, each a named function over facts as of a time.

A feature's docstring is its published explanation: it says the unit, the direction,
the window and the source, in words for the enterprise that is rated. Unit, direction
and window are policy: they are declared here, and a card that says otherwise is refused.

Rules:
- Nothing of a person is a feature: not the legal representative, not a shareholder,
  and no change record, for those name persons.
- Only what was decided against an enterprise counts against it. A case that is open
  or undecided counts against nobody; a refund is neutral and is no feature.
- MISSING means that nothing is known; NOT_APPLICABLE that the question does not arise.
- What is a part of a whole stays a Share, so that the card can draw it towards the
  peer mean: 0 of 12 is no proof.
- A public record counts only while it stands (`bonafides.archive.expiry`), and never
  if it was matched by name alone.
- Figures are summed over the authorized platforms; buyers are never merged across them.

    FEATURES["dispute_lost_rate"].measure(inputs)     # Share(part=3, whole=120)
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bonafides.archive.expiry import public_record, standing_records
from bonafides.archive.facts import FactSheet, Kind, Registration
from bonafides.archive.public_records import CourtCase, Penalty, Performance, Severity
from bonafides.archive.statistics import Certification, PlatformRecord
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, Instant, day_of
from bonafides.rating.people import NOBODY, People
from bonafides.records.fold import RESPONSE_HOURS

YEAR_DAYS: Final = 365
# A certificate that names no end is believed for as long as agencies usually grant.
OPEN_CERTIFICATION_DAYS: Final = 2 * YEAR_DAYS
# One buyer counts for at most these orders, or a quarter of all that are counted,
# whichever is more: an enterprise that trades with itself stays small.
ONE_BUYER_ORDERS: Final = 10
OTHERS_PER_ONE_BUYER: Final = 3
# Registered capital in fen at which the next band begins.
_CAPITAL_BANDS: Final = (10_000_000, 100_000_000, 1_000_000_000)
# What a penalty weighs on the day of its decision, and how often that halves. One
# whose severity is not known weighs as a minor one.
_PENALTY_WEIGHTS: Final = {
    Severity.NOT_KNOWN: 100,
    Severity.MINOR: 100,
    Severity.MODERATE: 300,
    Severity.SERIOUS: 900,
}
_PENALTY_HALVES_DAYS: Final = 180
# Legal forms that have no registered capital of their own.
_FORMS_WITHOUT_CAPITAL: Final = ("个体", "个人独资", "合伙", "分公司", "分支机构")


@dataclass(frozen=True, slots=True)
class RatingInputs:
    """All that a level is computed from: facts as of an instant.

    `platforms` holds the records of the platforms that are authorized and report
    any, sorted by name; `platforms_known` counts those that report any. `purposes`
    are the purposes of live consents, such as "RATE"; `purposes_end_at` is the first
    instant at which time alone ends one of them, None if never. `people` is what
    people said of the level: a review, a refusal, an override.
    """

    code: UnifiedCode
    as_of: Instant
    sheet: FactSheet
    platforms: tuple[PlatformRecord, ...]
    platforms_known: int
    purposes: frozenset[str]
    purposes_end_at: Instant | None = None
    people: People = NOBODY

    @property
    def today(self) -> Day:
        """The day of `as_of` in Shanghai."""
        return day_of(self.as_of)

    @property
    def registration(self) -> Registration | None:
        """What the registry says; None if it was not asked or knows nothing."""
        fact = self.sheet.registration
        return fact.value if fact and isinstance(fact.value, Registration) else None


class Absent(enum.Enum):
    """Why a feature has no figure."""

    MISSING = "missing"
    NOT_APPLICABLE = "not applicable"


MISSING: Final = Absent.MISSING
NOT_APPLICABLE: Final = Absent.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, 0 <= part <= whole."""

    part: int
    whole: int


Value = int | Share | Absent


class Direction(enum.StrEnum):
    """Which way a feature may move the score."""

    HIGHER_IS_BETTER = "HIGHER_IS_BETTER"
    LOWER_IS_BETTER = "LOWER_IS_BETTER"


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature and the policy on it. `window_days` 0: all time.

    `facts` is a template that says which facts were counted, with {value}, or with
    {part} and {whole} where the feature is a share.
    """

    name: str
    measure: Callable[[RatingInputs], Value]
    unit: str
    direction: Direction
    window_days: int
    facts: str

    @property
    def is_share(self) -> bool:
        """Whether the value is a Share."""
        return self.unit == "ppm"

    @property
    def explanation(self) -> str:
        """The published explanation."""
        return inspect.getdoc(self.measure) or ""


_features: dict[str, Feature] = {}
_UP: Final = Direction.HIGHER_IS_BETTER
_DOWN: Final = Direction.LOWER_IS_BETTER
_Measure = Callable[[RatingInputs], Value]


def _feature(
    unit: str, direction: Direction, *, facts: str, window_days: int = 0
) -> Callable[[_Measure], _Measure]:
    def register(measure: _Measure) -> _Measure:
        name = measure.__name__
        _features[name] = Feature(name, measure, unit, direction, window_days, facts)
        return measure

    return register


@_feature("days", _UP, facts="verified without interruption for {value} days")
def verified_days(inputs: RatingInputs) -> Value:
    """For how many days the identity has been verified without interruption; longer is better.

    Counted from the first verification that was never allowed to lapse. Source: the
    verification of the enterprise's submission.
    """
    if not identity_established(inputs) or inputs.sheet.verification is None:
        return MISSING
    return inputs.today - day_of(inputs.sheet.verification.verified_at)


@_feature("level", _UP, facts="level {value}: 1 document, 2 registry, 3 on-site certification")
def evidence_level(inputs: RatingInputs) -> Value:
    """How strong the best evidence of the identity is; stronger is better.

    Level 1: the enterprise's own documents. Level 2: the registry agrees. Level 3: an
    agency was on site and its certification is valid. Source: the registry, and the
    certifications that authorized platforms report.
    """
    if not identity_established(inputs):
        return MISSING
    if inputs.registration is None:
        return 1
    return 3 if _valid_certifications(inputs) else 2


@_feature("days", _UP, facts="registered for {value} days")
def registration_days(inputs: RatingInputs) -> Value:
    """For how many days the enterprise has been registered; longer is better.

    Source: the date of establishment in the registry.
    """
    told = inputs.registration
    if told is None or told.established is None:
        return MISSING
    return max(0, inputs.today - told.established)


@_feature("band", _UP, facts="registered capital in band {value}")
def capital_band(inputs: RatingInputs) -> Value:
    """In which band the registered capital lies; higher is better, up to a cap.

    Band 0: below 100,000 CNY; 1: below 1 million; 2: below 10 million; 3: from 10
    million on. Does not apply, and is then exactly neutral, to individual businesses, to
    forms without registered capital, and to capital in another currency. Source: the
    registry.
    """
    told = inputs.registration
    if inputs.code.individual:
        return NOT_APPLICABLE
    if told is not None and any(form in (told.legal_form or "") for form in _FORMS_WITHOUT_CAPITAL):
        return NOT_APPLICABLE
    if told is None or told.registered_capital is None:
        return MISSING
    if told.registered_capital.currency != "CNY":
        return NOT_APPLICABLE
    return sum(told.registered_capital.minor >= start for start in _CAPITAL_BANDS)


@_feature("days", _UP, facts="oldest open store has been open for {value} days")
def oldest_store_days(inputs: RatingInputs) -> Value:
    """For how many days the oldest store that is open has been open; longer is better.

    Source: the stores that authorized platforms report.
    """
    opened = [p.oldest_store_day for p in inputs.platforms if p.oldest_store_day is not None]
    return max(0, inputs.today - min(opened)) if opened else MISSING


@_feature("count", _UP, facts="orders in {value} of 12 months", window_days=YEAR_DAYS)
def active_months(inputs: RatingInputs) -> Value:
    """In how many of the last 12 months there were paid orders; more is better.

    The best of the authorized platforms counts. Source: the transactions they report.
    """
    if not inputs.platforms:
        return MISSING
    # Twelve months back begin in the middle of a thirteenth calendar month.
    return min(12, max(p.last_year.active_months for p in inputs.platforms))


@_feature("count", _UP, facts="{value} paid orders counted", window_days=YEAR_DAYS)
def paid_orders(inputs: RatingInputs) -> Value:
    """How many paid orders there were in the last 12 months; more is better.

    The largest buyer of a platform counts for at most 10 orders, or for a quarter of the
    orders counted there, whichever is more. Refunds change nothing. Source: the
    transactions that authorized platforms report.
    """
    return orders_counted(inputs) if inputs.platforms else MISSING


@_feature("count", _UP, facts="{value} buyers", window_days=YEAR_DAYS)
def distinct_buyers(inputs: RatingInputs) -> Value:
    """How many buyers there were in the last 12 months; more is better.

    Whole months are looked at. Buyers are counted for each platform apart. Missing if no
    platform tells buyers apart. Source: the transactions that authorized platforms report.
    """
    buyers = sum(p.last_year.buyers for p in inputs.platforms)
    return buyers or (MISSING if orders_counted(inputs) or not inputs.platforms else 0)


@_feature(
    "ppm", _UP, facts="{part} of {whole} buyers bought on at least two days", window_days=YEAR_DAYS
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


@_feature("ppm", _DOWN, facts="{part} of {whole} orders came from one buyer", window_days=YEAR_DAYS)
def largest_buyer_share(inputs: RatingInputs) -> Value:
    """The share of the largest buyer in the orders of the last 12 months; less is better.

    Platforms that name no buyers are left out. Source: the transactions that authorized
    platforms report.
    """
    years = [p.last_year for p in inputs.platforms if p.last_year.buyers]
    largest = max((year.largest_buyer_transactions for year in years), default=0)
    return _share(largest, sum(year.transactions for year in years))


@_feature("ppm", _DOWN, facts="{part} disputes lost, {whole} orders counted", window_days=YEAR_DAYS)
def dispute_lost_rate(inputs: RatingInputs) -> Value:
    """Disputes that were decided against the enterprise, for each order counted; less is better.

    Disputes of the last 12 months. One that is open, settled, or decided for the
    enterprise does not count. Source: the disputes that authorized platforms report.
    """
    return _share(sum(p.last_year.disputes_lost for p in inputs.platforms), orders_counted(inputs))


@_feature(
    "ppm", _DOWN, facts="{part} complaints upheld, {whole} orders counted", window_days=YEAR_DAYS
)
def complaint_upheld_rate(inputs: RatingInputs) -> Value:
    """Complaints that the platform upheld, for each order counted; less is better.

    Complaints of the last 12 months. One that is undecided, settled or rejected does not
    count. Source: the complaints that authorized platforms report.
    """
    upheld = sum(p.last_year.complaints_upheld for p in inputs.platforms)
    return _share(upheld, orders_counted(inputs))


@_feature(
    "ppm", _DOWN, facts="{part} of {whole} promised deliveries came late", window_days=YEAR_DAYS
)
def late_delivery_rate(inputs: RatingInputs) -> Value:
    """The share of deliveries that came after the promised day; less is better.

    Deliveries of the last 12 months' orders for which a day was promised. Missing if no
    platform reports promised days. Source: the transactions that authorized platforms
    report.
    """
    return _share(
        sum(p.last_year.deliveries_late for p in inputs.platforms),
        sum(p.last_year.deliveries_promised for p in inputs.platforms),
    )


@_feature(
    "hours",
    _DOWN,
    facts="half of the cases waited {value} hours or more for the first answer",
    window_days=YEAR_DAYS,
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


@_feature("level", _UP, facts="level {value}: 0 none, 1 valid, 2 valid and inspected within a year")
def on_site_level(inputs: RatingInputs) -> Value:
    """Whether an agency inspected the enterprise on site; valid and recent is best.

    Level 0: no valid certification. Level 1: a valid one. Level 2: a valid one whose
    inspection is at most a year old. One without an end is taken as valid for two years.
    A paid membership is no certification. Source: the certifications that authorized
    platforms report.
    """
    ages = [inputs.today - c.inspected for c in _valid_certifications(inputs)]
    if not ages:
        return 0
    return 2 if min(ages) <= YEAR_DAYS else 1


@_feature("count", _DOWN, facts="{value} court cases not yet performed")
def unfulfilled_cases(inputs: RatingInputs) -> Value:
    """How many judgments and enforcements against the enterprise are not performed; less is better.

    An enforcement counts until the court says that it is performed, a judgment only if
    the source says that it is not performed in full. A case leaves the count when the
    source takes it off, or when its term is over. A case that was matched by name alone
    counts for nothing. Source: what courts published under the enterprise's code.
    """
    cases = [
        (fact.kind, public_record(fact))
        for fact in standing_records(inputs.sheet, Kind.ENFORCEMENT, Kind.JUDGMENT)
    ]
    return sum(
        isinstance(case, CourtCase)
        and case.performance is not Performance.PERFORMED
        and (kind is Kind.ENFORCEMENT or case.performance is not Performance.NOT_KNOWN)
        for kind, case in cases
    )


@_feature("weight", _DOWN, facts="penalties weigh {value}; 100 is a new minor one")
def penalty_weight(inputs: RatingInputs) -> Value:
    """What the administrative penalties against the enterprise weigh today; less is better.

    A minor one weighs 100 on the day of its decision, a moderate one 300, a serious one
    900; the weight halves every 180 days. A penalty leaves when the authority takes it
    off, or when its term is over. Source: what authorities published under the
    enterprise's code.
    """
    penalties = map(public_record, standing_records(inputs.sheet, Kind.PENALTY))
    return sum(
        _PENALTY_WEIGHTS[penalty.severity]
        >> (max(0, inputs.today - penalty.begins) // _PENALTY_HALVES_DAYS)
        for penalty in penalties
        if isinstance(penalty, Penalty)
    )


@_feature("days", _DOWN, facts="{value} days on the list of abnormal operations")
def abnormal_list_days(inputs: RatingInputs) -> Value:
    """For how many days the enterprise has been on the list of abnormal operations; less is better.

    0: it is not on the list. The day of listing counts. Of several entries the longest
    counts; one that was taken off counts no more. Source: what the market regulator
    published under the enterprise's code.
    """
    listed = standing_records(inputs.sheet, Kind.ABNORMAL_OPERATIONS)
    return max((inputs.today - public_record(fact).begins + 1 for fact in listed), default=0)


FEATURES: Final[Mapping[str, Feature]] = MappingProxyType(_features)


def identity_established(inputs: RatingInputs) -> bool:
    """Tells whether a verification is in force as of the inputs' instant."""
    verification = inputs.sheet.verification
    return (
        verification is not None
        and verification.verified_at <= inputs.as_of < verification.expires_at
    )


def record_days(inputs: RatingInputs) -> int:
    """Returns for how many days the authorized platforms' records reach back; 0 without any."""
    first = [p.first_day for p in inputs.platforms if p.first_day is not None]
    return max(0, inputs.today - min(first)) if first else 0


def orders_counted(inputs: RatingInputs) -> int:
    """Returns the paid orders of the last 12 months, each platform's largest buyer capped."""
    return sum(_capped(p) for p in inputs.platforms)


def _capped(platform: PlatformRecord) -> int:
    year = platform.last_year
    # Buyers are counted by whole months, orders by days: a buyer may seem to have more.
    largest = min(year.largest_buyer_transactions, year.transactions)
    others = year.transactions - largest
    return others + min(largest, max(ONE_BUYER_ORDERS, others // OTHERS_PER_ONE_BUYER))


def _share(part: int, whole: int) -> Value:
    # Cases are counted on the day they were opened, orders on theirs: at the edge of
    # the window there may be more of the part than of the whole.
    return Share(min(part, whole), whole) if whole else MISSING


def _valid_certifications(inputs: RatingInputs) -> list[Certification]:
    return [
        certification
        for platform in inputs.platforms
        for certification in platform.certifications
        if certification.inspected <= inputs.today <= _last_valid_day(certification)
    ]


def _last_valid_day(certification: Certification) -> Day:
    if certification.expires is not None:
        return certification.expires
    return Day(certification.inspected + OPEN_CERTIFICATION_DAYS)
