"""Gives the level that honest steps of today would lead to on a later day.

The steps are a closed list: none of them makes orders, buyers, repeated buyers or age.
What is assumed, and nothing else:

1. Steps are taken today and succeed. A record that may be taken off later only is taken
   off on the first day on which its term allows it.
2. Trade goes on as in the last 12 months: orders, buyers and deliveries stay as they are.
   Nothing new is assumed of cases and public records, good or bad.
3. Time does what it does: ages grow, penalties fade, records and certifications end, a
   verification lapses unless it is renewed, and each case leaves the window 365 days after
   it was opened.
4. Consents that stand go on standing.

An answer that is given today to a case of days ago counts as late as it is, and at the
worst end of its step. The level is the raw one: facts, card and day.

    simulate(present, card, {Step.CERTIFY_ON_SITE}, Day(present.inputs.today + 30)).level
"""

from __future__ import annotations

import dataclasses
import enum
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bonafides.archive.expiry import Standing, public_record, restorable_from, standing
from bonafides.archive.facts import Fact, Kind, Verification
from bonafides.archive.public_records import CourtCase, Performance
from bonafides.archive.statistics import CaseDay, Certification, PlatformRecord
from bonafides.instants import DAY, Day, Instant, day_of, start_of
from bonafides.rating.features import identity_established
from bonafides.rating.measures import RatingInputs
from bonafides.rating.rate import RatingResult, rate
from bonafides.rating.scorecard import Scorecard
from bonafides.rating.trade import YEAR_DAYS
from bonafides.records.fold import RESPONSE_HOURS

# How far ahead may be asked.
HORIZON_DAYS: Final = 730
_HOURS_A_DAY: Final = 24
_COUNTS: Final = (
    "complaints_upheld",
    "disputes_lost",
    "cases_settled",
    "cases_open",
    "cases_unanswered",
)


class Step(enum.StrEnum):
    """What an honest enterprise can do, the cheapest first."""

    RENEW_VERIFICATION = enum.auto()
    ANSWER_OPEN_CASES = enum.auto()
    SETTLE_OPEN_CASES = enum.auto()
    COMPLETE_VERIFICATION = enum.auto()
    END_ABNORMAL_LISTING = enum.auto()
    RESTORE_PENALTIES = enum.auto()
    CERTIFY_ON_SITE = enum.auto()
    PERFORM_COURT_ORDERS = enum.auto()
    END_SERIOUS_LISTING = enum.auto()


@dataclass(frozen=True, slots=True)
class Present:
    """What a simulation starts from: the facts as of now, and the cases of the last year.

    `cases` are by platform and day, and together make what the platforms' last year counts.
    """

    inputs: RatingInputs
    cases: tuple[CaseDay, ...]


def simulate(
    present: Present, card: Scorecard, steps: Collection[Step], day: Day | None = None
) -> RatingResult:
    """Rates the enterprise as it would be. `day` None, or today: as of now."""
    return rate(imagined(present, steps, day), card)


def imagined(present: Present, steps: Collection[Step], day: Day | None = None) -> RatingInputs:
    """Returns the facts as they would be, as of the start of the day; None, or today: as of now."""
    now = present.inputs.as_of
    at = now if day is None or day <= present.inputs.today else start_of(day)
    told = present
    for step in Step:
        if step in steps:
            told = _TAKEN[step](told, at)
    return _moved(present, told, at)


def matters(present: Present, step: Step) -> bool:
    """Tells whether the step would change anything, now or within a year."""
    last = Day(present.inputs.today + YEAR_DAYS)
    return any(imagined(present, {step}, day) != imagined(present, (), day) for day in (None, last))


def _complete(present: Present, at: Instant) -> Present:
    inputs = present.inputs
    if identity_established(inputs):
        return present
    return _verified(present, Verification("", inputs.as_of, Instant(at + DAY)))


def _renew(present: Present, at: Instant) -> Present:
    known = present.inputs.sheet.verification
    if known is None or not identity_established(present.inputs):
        return present
    expires = max(known.expires_at, Instant(at + DAY))
    return _verified(present, dataclasses.replace(known, expires_at=expires))


def _verified(present: Present, verification: Verification) -> Present:
    sheet = dataclasses.replace(present.inputs.sheet, verification=verification)
    return _with(present, sheet=sheet)


def _certify(present: Present, _at: Instant) -> Present:
    inputs = present.inputs
    # A certification is told by a platform; without one nobody would learn of it.
    if not inputs.platforms:
        return present
    first, *others = inputs.platforms
    made = Certification("", "", inspected=inputs.today, expires=None)
    told = dataclasses.replace(first, certifications=(*first.certifications, made))
    return _with(present, platforms=(told, *others))


def _answer(present: Present, _at: Instant) -> Present:
    today = present.inputs.today
    return Present(present.inputs, tuple(_answered(each, today) for each in present.cases))


def _answered(cases: CaseDay, today: Day) -> CaseDay:
    # To the end of today, for a case that was opened as its day began.
    hours = (today - cases.day + 1) * _HOURS_A_DAY
    place = bisect_left(RESPONSE_HOURS, hours)
    responses = list(cases.responses)
    responses[place] += cases.cases_unanswered
    return dataclasses.replace(cases, cases_unanswered=0, responses=tuple(responses))


def _settle(present: Present, at: Instant) -> Present:
    # Who settles has answered.
    told = _answer(present, at)
    settled = tuple(
        dataclasses.replace(each, cases_open=0, cases_settled=each.cases_settled + each.cases_open)
        for each in told.cases
    )
    return Present(present.inputs, settled)


def _take_off(*kinds: Kind) -> _Taken:
    """Returns the step by which standing records of the kinds are taken off."""

    def take(present: Present, _at: Instant) -> Present:
        sheet = present.inputs.sheet
        records = tuple(
            _taken_off(fact, present.inputs.today)
            if fact.kind in kinds and standing(fact, sheet.as_of) is Standing.STANDS
            else fact
            for fact in sheet.public_records
        )
        return _with(present, sheet=dataclasses.replace(sheet, public_records=records))

    return take


def _taken_off(fact: Fact, today: Day) -> Fact:
    record = public_record(fact)
    day = max(today, restorable_from(fact.kind, record))
    removed = day if record.removed is None else min(day, record.removed)
    if isinstance(record, CourtCase):
        record = dataclasses.replace(record, performance=Performance.PERFORMED)
    return dataclasses.replace(fact, value=dataclasses.replace(record, removed=removed))


def _with(present: Present, **changes: Any) -> Present:
    return Present(dataclasses.replace(present.inputs, **changes), present.cases)


def _moved(before: Present, after: Present, at: Instant) -> RatingInputs:
    """Returns the facts after the steps, as of the instant."""
    inputs, today = after.inputs, day_of(at)
    ends = inputs.purposes_end_at
    return dataclasses.replace(
        inputs,
        as_of=at,
        sheet=dataclasses.replace(inputs.sheet, as_of=at),
        platforms=tuple(_counted(each, before, after, today) for each in inputs.platforms),
        purposes_end_at=None if ends is not None and ends <= at else ends,
    )


def _counted(
    platform: PlatformRecord, before: Present, after: Present, today: Day
) -> PlatformRecord:
    """Returns the platform's record with the cases that are in the window on the day."""
    year, name = platform.last_year, platform.platform
    was = _sums(each for each in before.cases if each.platform == name)
    stays = _sums(
        each for each in after.cases if each.platform == name and each.day > today - YEAR_DAYS
    )
    figures = (*(getattr(year, count) for count in _COUNTS), *year.responses)
    held = [max(0, all_ - old + new) for all_, old, new in zip(figures, was, stays, strict=True)]
    counts = dict(zip(_COUNTS, held, strict=False))
    responses = tuple(held[len(_COUNTS) :])
    told = dataclasses.replace(year, **counts, responses=responses)
    return dataclasses.replace(platform, last_year=told)


def _sums(cases: Iterable[CaseDay]) -> tuple[int, ...]:
    told = [(*(getattr(each, count) for count in _COUNTS), *each.responses) for each in cases]
    return tuple(map(sum, zip(*told, strict=True))) if told else _NONE


_Taken = Callable[[Present, Instant], Present]
_NONE: Final = (0,) * (len(_COUNTS) + len(RESPONSE_HOURS) + 1)
_TAKEN: Final[Mapping[Step, _Taken]] = {
    Step.RENEW_VERIFICATION: _renew,
    Step.ANSWER_OPEN_CASES: _answer,
    Step.SETTLE_OPEN_CASES: _settle,
    Step.COMPLETE_VERIFICATION: _complete,
    Step.END_ABNORMAL_LISTING: _take_off(Kind.ABNORMAL_OPERATIONS),
    Step.RESTORE_PENALTIES: _take_off(Kind.PENALTY),
    Step.CERTIFY_ON_SITE: _certify,
    Step.PERFORM_COURT_ORDERS: _take_off(Kind.ENFORCEMENT, Kind.JUDGMENT, Kind.DISHONEST_DEBTOR),
    Step.END_SERIOUS_LISTING: _take_off(Kind.SERIOUS_ILLEGAL),
}
