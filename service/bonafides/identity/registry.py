"""Reads one row of a registry file, as `scripts/load_registry.py` hands it over.

Every value comes as text; an empty one is the same as none. A row that can't be
read is refused whole, with one reason: half a registration would be compared as
if it were one. What the registry writes freely is read leniently: an operating
state that we don't know, or that is missing, is NOT_KNOWN, never in business.

    read_row({"code": "91990000MA0000007X", "title": "...", ...}, now=now)
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from bonafides.archive.facts import Change, OperatingState, Registration, Shareholder
from bonafides.archive.shareholding import PPM
from bonafides.identity.codes import CodeError, UnifiedCode, out_of_scope
from bonafides.identity.id_numbers import folded
from bonafides.identity.texts import legible
from bonafides.instants import SHANGHAI, Day, Instant, from_date, from_datetime
from bonafides.records import money
from bonafides.records.money import Money

REQUIRED_COLUMNS: Final = ("code", "title", "retrieved_at")
COLUMNS: Final = (
    *REQUIRED_COLUMNS,
    "operating_state",
    "legal_form",
    "registered_address",
    "established",
    "term_start",
    "term_end",
    "capital",
    "capital_currency",
    "business_scope",
    "composition",
    "representative",
    "representative_id_number",
    "shareholders",
    "changes",
)
# The largest registrations known hold some hundreds of changes; a row far larger is
# no registration, and would be held in memory whole.
MAX_ROW_CHARACTERS: Final = 1 << 20
_MAX_TITLE: Final = 200
# Between the names of several representatives, as registries print them.
_BETWEEN: Final = "、"
# Partnerships have a few; a list far longer is none of representatives.
_MAX_REPRESENTATIVES: Final = 50

_STATES: Final[Mapping[str, OperatingState]] = {
    word: state
    for state, words in {
        OperatingState.IN_BUSINESS: ("存续", "在业", "开业", "在营", "正常", "在册", "登记成立"),
        OperatingState.MOVED: ("迁入", "迁出", "迁往市外"),
        OperatingState.SUSPENDED: ("停业", "歇业"),
        OperatingState.IN_LIQUIDATION: ("清算",),
        OperatingState.DEREGISTERED: ("注销",),
        OperatingState.REVOKED: ("吊销",),
        OperatingState.ANNULLED: ("撤销",),
    }.items()
    for word in words
}
# "吊销,未注销" is revoked: what follows the first word only refines it.
_FIRST_WORD: Final = re.compile(r"[\s,，、;；(（]")
_AFFIXES: Final = re.compile(r"^已|(企业|状态|中)$")


class RowError(ValueError):
    """A row can't be read. Holds the reason and the remedy, never a value."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(f"{reason}: {description}")
        self.reason: Final = reason
        self.description: Final = description


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A representative as the registry has it. None: it doesn't tell."""

    person: str | None = field(repr=False)
    # Not parsed as an IdNumber: the registry doesn't tell the type of the document.
    id_number: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """What the registry says of one enterprise. Persons' values stay out of the repr.

    `representatives` are in the registry's order; empty: it tells none. `raw` is the
    row as it came, in JSON; it is kept as evidence.
    """

    code: UnifiedCode
    registration: Registration
    shareholders: tuple[Shareholder, ...]
    changes: tuple[Change, ...]
    retrieved_at: Instant
    representatives: tuple[KnownPerson, ...] = field(repr=False)
    raw: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _ChangeColumn:
    date: dt.date
    item: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class _HolderColumn:
    title: str
    is_person: bool
    subscribed: Money | None = None
    subscribed_by: dt.date | None = None
    paid: Money | None = None
    paid_on: dt.date | None = None
    share_ppm: Annotated[int, Field(ge=0, le=PPM)] | None = None


_SHAREHOLDERS: Final = TypeAdapter(tuple[_HolderColumn, ...])
_CHANGES: Final = TypeAdapter(tuple[_ChangeColumn, ...])


def read_row(row: Mapping[str, str | None], *, now: Instant) -> RegistryRow:
    """Returns the row's values.

    Raises:
        RowError: the first thing that is wrong with it; the reason is one of those
            of a code, OUT_OF_SCOPE, LENGTH, REQUIRED, DATE, CAPITAL,
            REPRESENTATIVES, SHAREHOLDERS, CHANGES, RETRIEVED_AT.
    """
    raw = json.dumps(dict(row), ensure_ascii=False, sort_keys=True)
    if len(raw) > MAX_ROW_CHARACTERS:
        raise RowError("LENGTH", "The row is longer than any registration.")
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    try:
        return _read(values, raw, now)
    except CodeError as fault:
        # Not chained: nothing of the row may reach a log through a traceback.
        raise RowError(fault.reason, fault.description) from None


def operating_state(text: str) -> OperatingState:
    """Returns the state that a registry's word or our own name for it means."""
    if text.upper() in OperatingState.__members__:
        return OperatingState[text.upper()]
    word = _AFFIXES.sub("", _FIRST_WORD.split(text.strip(), maxsplit=1)[0])
    return _STATES.get(word, OperatingState.NOT_KNOWN)


def _read(values: Mapping[str, str], raw: str, now: Instant) -> RegistryRow:
    code = UnifiedCode.parse(values["code"])
    if reason := out_of_scope(code):
        raise RowError("OUT_OF_SCOPE", reason)
    title = _text(values["title"])
    if title is None or len(title) > _MAX_TITLE:
        raise RowError("REQUIRED", f"Give the title, of at most {_MAX_TITLE} characters.")
    registration = Registration(
        title=title,
        operating_state=operating_state(values["operating_state"]),
        legal_form=_text(values["legal_form"]),
        registered_address=_text(values["registered_address"]),
        established=day_in(values["established"]),
        term_start=day_in(values["term_start"]),
        term_end=day_in(values["term_end"]),
        # Neither capital nor shareholders exist for an individual business.
        registered_capital=None
        if code.individual
        else amount_in(values["capital"], values["capital_currency"], "CAPITAL"),
        business_scope=_text(values["business_scope"]),
        composition=_text(values["composition"]) if code.individual else None,
    )
    return RegistryRow(
        code=code,
        registration=registration,
        shareholders=() if code.individual else _shareholders(values["shareholders"]),
        changes=_changes(values["changes"]),
        retrieved_at=_retrieved_at(values["retrieved_at"], now),
        representatives=_representatives(values),
        raw=raw,
    )


def _text(text: str) -> str | None:
    return legible(text) or None


def day_in(text: str) -> Day | None:
    """Returns the day that a cell of a row names; None: it is empty.

    Raises:
        RowError: it names none.
    """
    if not text:
        return None
    try:
        # Some writers of Parquet keep days as the instants at which they begin.
        return from_date(dt.date.fromisoformat(text.removesuffix(" 00:00:00")))
    except ValueError:
        raise RowError("DATE", "Give dates as YYYY-MM-DD.") from None


def amount_in(text: str, currency: str, reason: str) -> Money | None:
    """Returns the amount that a cell of a row names, in CNY without a currency; None: empty.

    Raises:
        RowError: for the reason; it is no amount, or less than 0.
    """
    if not text:
        return None
    try:
        amount = money.parse(text, currency or "CNY")
    except ValueError:
        amount = None
    if amount is None or amount.minor < 0:
        raise RowError(reason, "Give a decimal number, and its ISO 4217 currency.")
    return amount


def _capital(values: Mapping[str, str]) -> Money | None:
    return amount_in(values["capital"], values["capital_currency"], "CAPITAL")


def _representatives(values: Mapping[str, str]) -> tuple[KnownPerson, ...]:
    """Returns names and numbers in pairs; several are written with 、 between them."""
    people = values["representative"].split(_BETWEEN)
    numbers = values["representative_id_number"].split(_BETWEEN)
    if numbers == [""]:
        numbers *= len(people)
    if people == [""]:
        people *= len(numbers)
    if len(people) != len(numbers) or len(people) > _MAX_REPRESENTATIVES:
        raise RowError(
            "REPRESENTATIVES",
            "Give a number for each representative, in their order, with 、 between; an"
            f" unknown one is left empty; {_MAX_REPRESENTATIVES} at most.",
        )
    pairs = (
        KnownPerson(_text(person), folded(number) or None)
        for person, number in zip(people, numbers, strict=True)
    )
    return tuple(pair for pair in pairs if pair.person or pair.id_number)


def _shareholders(text: str) -> tuple[Shareholder, ...]:
    try:
        holders = _SHAREHOLDERS.validate_json(text or "[]")
    except ValidationError:
        raise RowError(
            "SHAREHOLDERS",
            "Give a JSON list of objects with title, is_person and, if known, subscribed"
            " and paid: {currency, minor}, subscribed_by and paid_on: YYYY-MM-DD, and"
            f" share_ppm: 0 to {PPM}.",
        ) from None
    if any(_negative(each.subscribed) or _negative(each.paid) for each in holders):
        raise RowError("SHAREHOLDERS", "Give contributions of 0 or more.")
    return tuple(
        Shareholder(
            title=_text(each.title) or "",
            is_person=each.is_person,
            subscribed=each.subscribed,
            subscribed_by=None if each.subscribed_by is None else from_date(each.subscribed_by),
            paid=each.paid,
            paid_on=None if each.paid_on is None else from_date(each.paid_on),
            share_ppm=each.share_ppm,
        )
        for each in holders
    )


def _negative(amount: Money | None) -> bool:
    return amount is not None and amount.minor < 0


def _changes(text: str) -> tuple[Change, ...]:
    try:
        changes = _CHANGES.validate_json(text or "[]")
    except ValidationError:
        raise RowError(
            "CHANGES", "Give a JSON list of objects with date, item, before and after."
        ) from None
    return tuple(
        Change(
            from_date(each.date),
            _text(each.item) or "",
            _text(each.before) or "",
            _text(each.after) or "",
        )
        for each in changes
    )


def _retrieved_at(text: str, now: Instant) -> Instant:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RowError("RETRIEVED_AT", "Give the time of retrieval in ISO 8601.") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
    instant = from_datetime(aware)
    if instant > now:
        raise RowError("RETRIEVED_AT", "The time of retrieval must not be to come.")
    return instant
