"""Says in configuration how a source is asked over HTTP and how its answer is read.

A shape is TOML. `send` names the parameters with templates of {code}, {title},
{person}, {id_number}, {id_type}, {depth} and {key}; a parameter that needs what the
question doesn't hold is left out. A path into the answer is names with dots between;
a text on the way is taken for JSON. The rules for reading:

1. `status` rules come first. A value that no list of them has is unreadable, never a
   match: an answer that isn't understood says nothing.
2. The source compares by itself (`flags`, or `differing` names beside a verdict), or
   tells its data (`registration`), or both.
3. A verdict that its own flags contradict is unreadable.
4. Data that can't be read are data that the source doesn't tell.

    shape = read_shape(text)
    shape.read(body, asked).flags["title"]
"""

from __future__ import annotations

import datetime as dt
import json
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bonafides.archive.facts import OperatingState, Registration
from bonafides.identity.id_numbers import IdType
from bonafides.identity.questions import Fault, SourceError
from bonafides.identity.registry import operating_state
from bonafides.identity.texts import legible
from bonafides.instants import SHANGHAI, Day, from_date
from bonafides.records import money
from bonafides.records.money import Money

PLACES: Final = frozenset({"code", "title", "person", "id_number", "id_type", "depth", "key"})
# The registration of a source that tells none.
NOT_TOLD: Final = Registration("", OperatingState.NOT_KNOWN)
# What a flag may be on: the elements, by the names of their checks.
ELEMENTS: Final = ("code", "title", "representative", "representative_id_number")
Meaning = Literal["ok", "not_found", "busy", "refused"]
_EPOCH_MILLISECONDS: Final = re.compile(r"-?[0-9]{11,14}")
_DATE: Final = re.compile(r"([0-9]{4})[-/.年]?([0-9]{1,2})[-/.月]?([0-9]{1,2})日?(?:[ T].*)?")
# 2999-12-31 and the like are written for a term without end.
_NO_END_YEAR: Final = 2900
_CAPITAL: Final = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)\s*([万亿]?)\s*元?\s*(\S*?)元?")
_UNITS: Final = {"": 1, "万": 10_000, "亿": 100_000_000}
_CURRENCIES: Final = {
    "": "CNY",
    "人民币": "CNY",
    "美": "USD",
    "港": "HKD",
    "欧": "EUR",
    "日": "JPY",
}


class ShapeError(Exception):
    """The configuration is at fault. The text names the entry and the remedy."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Status(_Part):
    """What the values at a path mean for the whole answer."""

    path: str
    ok: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    # What it means that there is no value; unset: unreadable.
    absent: Meaning | None = None


class _Verdict(_Part):
    """Whether all elements agree, and where the answer names those that differ."""

    path: str
    match: tuple[str, ...]
    mismatch: tuple[str, ...]
    differing: str = ""
    names: Mapping[str, str] = Field(default_factory=dict)


class _Flags(_Part):
    """Where the answer has a flag for each element, by the element's check."""

    paths: Mapping[str, str]
    match: tuple[str, ...]
    mismatch: tuple[str, ...]


class Shape(_Part):
    """How one kind of source is asked and read. See the module."""

    url: str = ""
    method: Literal["GET", "POST"] = "GET"
    body: Literal["query", "form", "json"] = "query"
    # What the source calls each depth at which it can be asked.
    depths: Mapping[Literal["TWO", "THREE", "FOUR"], str]
    # What it calls each type of document; a number of another type is not sent.
    id_types: Mapping[IdType, str] = Field(default_factory=lambda: {IdType.RESIDENT_ID: ""})
    send: Mapping[str, str]
    headers: Mapping[str, str] = Field(default_factory=dict)
    status: tuple[_Status, ...] = ()
    # The path of a list whose first entry is the enterprise; empty: it isn't known.
    records: str = ""
    verdict: _Verdict | None = None
    flags: _Flags | None = None
    registration: Mapping[str, str] = Field(default_factory=dict)
    # The source's words for operating states, beside those that registries use.
    states: Mapping[str, OperatingState] = Field(default_factory=dict)
    # Paths of the representatives' names, 、 between them, and of when the data are of.
    people: str = ""
    retrieved_at: str = ""

    @field_validator("send", "headers")
    @classmethod
    def _known_places(cls, templates: Mapping[str, str]) -> Mapping[str, str]:
        for template in templates.values():
            if unknown := set(places(template)) - PLACES:
                raise ValueError(f"no such place: {', '.join(sorted(unknown))}")
        return templates

    @field_validator("registration")
    @classmethod
    def _known_fields(cls, paths: Mapping[str, str]) -> Mapping[str, str]:
        if unknown := set(paths) - {"code", *Registration.__dataclass_fields__}:
            raise ValueError(f"no such field of a registration: {', '.join(sorted(unknown))}")
        return paths

    def read(self, body: str, compared: tuple[str, ...]) -> Reading:
        """Returns what the answer says. `compared`: the elements that were sent.

        Raises:
            SourceError: BUSY, REFUSED or UNREADABLE.
        """
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise SourceError(Fault.UNREADABLE) from None
        if not isinstance(answer, dict):
            raise SourceError(Fault.UNREADABLE)
        if _not_found(self.status, answer):
            return Reading(found=False)
        retrieved = _text(at(answer, self.retrieved_at)) if self.retrieved_at else ""
        if self.records:
            records = at(answer, self.records)
            if not isinstance(records, list):
                raise SourceError(Fault.UNREADABLE)
            if not records:
                return Reading(found=False)
            answer = records[0]
        flags = dict(_flags(self, answer, compared))
        people = _text(at(answer, self.people)) if self.people else ""
        return Reading(
            found=True,
            flags=flags,
            registration=_registration(self, answer),
            code=_text(at(answer, self.registration.get("code", ""))),
            people=tuple(each for each in people.split("、") if each),
            retrieved_at=_moment(retrieved),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says. Empty: it doesn't tell. `people` are never kept."""

    found: bool
    flags: Mapping[str, bool] = field(default_factory=dict)
    registration: Registration = NOT_TOLD
    code: str = ""
    people: tuple[str, ...] = field(default=(), repr=False)
    retrieved_at: dt.datetime | None = None


def read_shape(text: str) -> Shape:
    """Returns the shape that the TOML says.

    Raises:
        ShapeError: it says none; the text names the entry.
    """
    try:
        return Shape.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise ShapeError(f"is no TOML: {fault}.") from None
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ShapeError(f"{where or 'the shape'}: {first['msg']}.") from None


def places(template: str) -> Iterator[str]:
    """Yields the names of the places in a template."""
    return (name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


def filled(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameters; one that needs a value that isn't there is left out."""
    return {
        name: template.format_map(values)
        for name, template in templates.items()
        if set(places(template)) <= set(values)
    }


def at(answer: Any, path: str) -> Any:
    """Returns what stands at the path; None where nothing does."""
    for name in path.split(".") if path else ():
        if isinstance(answer, str):
            # Some sources send JSON within JSON.
            try:
                answer = json.loads(answer)
            except (ValueError, RecursionError):
                return None
        if not isinstance(answer, dict):
            return None
        answer = answer.get(name)
    return answer if path else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return legible(str(value)) if isinstance(value, (str, int, float)) else ""


def _not_found(rules: tuple[_Status, ...], answer: Any) -> bool:
    for rule in rules:
        value = _text(at(answer, rule.path))
        meant = rule.absent if not value else None
        for meaning in ("ok", "not_found", "busy", "refused"):
            if value and value in getattr(rule, meaning):
                meant = meaning
        if meant == "not_found":
            return True
        if meant != "ok":
            faults = {"busy": Fault.BUSY, "refused": Fault.REFUSED}
            raise SourceError(faults.get(meant or "", Fault.UNREADABLE))
    return False


def _one_of(value: str, match: tuple[str, ...], mismatch: tuple[str, ...]) -> bool:
    if value not in match + mismatch:
        raise SourceError(Fault.UNREADABLE)
    return value in match


def _flags(shape: Shape, answer: Any, compared: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """Yields whether each of the elements that were sent agrees, if the source says so."""
    flags: dict[str, bool] = {}
    if shape.flags is not None:
        for element in compared:
            if path := shape.flags.paths.get(element):
                value = _text(at(answer, path))
                flags[element] = _one_of(value, shape.flags.match, shape.flags.mismatch)
    if shape.verdict is not None:
        verdict = shape.verdict
        agrees = _one_of(_text(at(answer, verdict.path)), verdict.match, verdict.mismatch)
        if verdict.differing:
            listed = _text(at(answer, verdict.differing)).replace(" ", "").split(",")
            differing = {verdict.names[name] for name in listed if name in verdict.names}
            flags = {element: element not in differing for element in compared}
        if agrees is not all(flags.values()):
            raise SourceError(Fault.UNREADABLE)
    yield from flags.items()


def _registration(shape: Shape, answer: Any) -> Registration:
    told = {name: _text(at(answer, path)) for name, path in shape.registration.items()}
    state = told.get("operating_state", "")
    return Registration(
        title=told.get("title", ""),
        operating_state=shape.states.get(state) or operating_state(state),
        legal_form=told.get("legal_form") or None,
        registered_address=told.get("registered_address") or None,
        established=_day(told.get("established", "")),
        term_start=_day(told.get("term_start", "")),
        term_end=_day(told.get("term_end", "")),
        registered_capital=_capital(told.get("registered_capital", "")),
        business_scope=told.get("business_scope") or None,
        composition=told.get("composition") or None,
    )


def _day(text: str) -> Day | None:
    try:
        if _EPOCH_MILLISECONDS.fullmatch(text):
            return from_date(dt.datetime.fromtimestamp(int(text) / 1_000, SHANGHAI).date())
        if not (match := _DATE.fullmatch(text)):
            return None
        year, month, day = map(int, match.groups())
        return None if year >= _NO_END_YEAR else from_date(dt.date(year, month, day))
    except (ValueError, OverflowError, OSError):
        return None


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _capital(text: str) -> Money | None:
    match = _CAPITAL.fullmatch(text)
    currency = _CURRENCIES.get(match[3]) if match else None
    if match is None or currency is None:
        return None
    try:
        one = money.parse(match[1].replace(",", ""), currency)
    except ValueError:
        return None
    return Money(currency, one.minor * _UNITS[match[2]])
