"""Says what the service says in the language of the page.

The service sends codes with what varies beside them, and English sentences for those who
know no better. A page goes by the codes:

1. A code has a text in `said_errors`, `said_faults`, `said_states` or among the values of
   fields; the catalogues have it in the other languages. No sentence is ever compared.
2. What varies is put in by name: numbers, durations and sizes as the language writes them,
   codes in words.
3. A code without a text, or without what its text names, is said in the service's English,
   and marked as English, so that a screen reader pronounces it so. What people wrote
   stays as they wrote it.

    refusal_of(error, 429, chinese).step.text           # 请在 5 分钟后重试。
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from bonafides.client import RemoteError
from bonafides.errors import FieldViolation
from bonafides.web import said_errors, said_faults, said_states
from bonafides.web.labels import VALUES
from bonafides.web.language import Language

_ENGLISH: Final = "en"
_PLACE: Final = re.compile(r"\[(\d+)\]")
# What requests wrap the fields of forms in.
_WRAPPERS: Final = ("claims.", "changes.")
_OTHERS: Final = "other_representatives["


@dataclass(frozen=True, slots=True)
class Said:
    """A text of a page. `lang` is set where it is not in the page's language."""

    text: str
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a form. `field` is the form's; "" where it is no field of a form."""

    field: str
    label: Said
    said: Said


@dataclass(frozen=True, slots=True)
class Refusal:
    """What happened, why, and what to do. `why` None: `what` says it all."""

    what: Said
    why: Said | None
    step: Said


def plain(text: str, language: Language) -> Said:
    """Returns one of our own texts; marked as English where the catalogue lacks it."""
    said = language.text(text)
    return Said(said, _ENGLISH if said == text and language.code != _ENGLISH else "")


def foreign(text: str, language: Language) -> Said:
    """Returns an English text of the service, marked so on other pages."""
    return Said(text, "" if language.code == _ENGLISH else _ENGLISH)


# --- Errors and faults of fields --------------------------------------------------------


def refusal_of(error: RemoteError, status: int, language: Language) -> Refusal:
    """Returns what an error says; one without a known reason goes by the page's status."""
    saying = said_errors.ERRORS.get(error.reason)
    if saying is None:
        general = said_errors.BY_STATUS.get(status, said_errors.UNKNOWN)
        # Without a reason it is no text of ours, but of a library about sockets.
        told = foreign(error.message, language) if error.reason and error.message else None
        return Refusal(plain(general.what, language), told, plain(general.step, language))
    why = filled(saying.why, error.metadata, language) if saying.why else None
    step = filled(saying.step, error.metadata, language)
    otherwise = plain(saying.otherwise or said_errors.UNKNOWN.step, language)
    return Refusal(plain(saying.what, language), why, step or otherwise)


def faults_of(violations: Iterable[FieldViolation], form: str, language: Language) -> list[Fault]:
    """Returns faulty fields, as the form names them; the same fault of the same field once."""
    found: dict[Fault, None] = {}
    for violation in violations:
        field = form_field(violation)
        label = label_of(field, form, language) if field else foreign(violation.field, language)
        text = said_faults.FAULTS.get(f"{field}:{violation.reason}") or said_faults.FAULTS.get(
            violation.reason
        )
        said = None if text is None else filled(text, violation.parameters, language)
        found[Fault(field, label, said or foreign(violation.description, language))] = None
    return list(found)


def fault(field: str, text: str, form: str, language: Language) -> Fault:
    """Returns a fault that the website itself found."""
    return Fault(field, label_of(field, form, language), plain(text, language))


def label_of(field: str, form: str, language: Language) -> Said:
    """Returns what the form calls the field. `form` is the name of its page in the path."""
    label = said_faults.LABELS.get(f"{form}:{field}") or said_faults.LABELS.get(field)
    return foreign(field, language) if label is None else plain(label, language)


def form_field(violation: FieldViolation) -> str:
    """Returns the field of a form that a field of a request comes from; "": none."""
    path = _PLACE.sub("", violation.field)
    for wrapper in _WRAPPERS:
        path = path.removeprefix(wrapper)
    path = path.removeprefix("other_")
    by_reason = said_faults.FIELDS_BY_REASON.get(f"{path}:{violation.reason}")
    while by_reason is None and path:
        by_reason = said_faults.FORM_FIELDS.get(path)
        path = path.rpartition(".")[0]
    return by_reason or ""


# --- Inside messages ---------------------------------------------------------------------


def said_in(message: Message, name: str, value: str, language: Language) -> Said | None:
    """Returns what a text of a message says; None: it is what somebody wrote, or a name.

    `value` is the field's, or one of its values.
    """
    reader = _READERS.get(f"{message.DESCRIPTOR.name}.{name}")
    return None if reader is None else reader(message, value, language)


def notice(reason: str, description: str, language: Language) -> Said:
    """Returns what a notice says."""
    text = said_states.NOTICES.get(reason) or VALUES.get(reason)
    return foreign(description, language) if text is None else plain(text, language)


def _code(_message: Message, value: str, language: Language) -> Said | None:
    text = said_states.CODES.get(value) or VALUES.get(value)
    return None if text is None else plain(text, language)


def _path(_message: Message, value: str, language: Language) -> Said | None:
    """Returns what a field of claims or a check is called, with its place from the second on."""
    head, slash, rest = value.partition("/")
    if slash:
        whole = said_states.ITEMS.get(head)
        if whole is None:
            return None
        what = " ".join(_word(part, language) or part for part in rest.split("/")[:2])
        said = plain(whole, language)
        return Said(said.text.format(what=what), said.lang)
    text = said_states.PATHS.get(_last(value))
    if text is None:
        return None
    place = _PLACE.search(value)
    number = int(place[1]) + (2 if value.startswith(_OTHERS) else 0) if place else 0
    said = plain(text, language)
    return Said(f"{said.text} {number}" if number > 1 else said.text, said.lang)


def _remedy_of_requirement(message: Message, value: str, language: Language) -> Said:
    item = getattr(message, "item", "")
    return _remedy(getattr(message, "reason", ""), item, value, language)


def _remedy_of_check(message: Message, value: str, language: Language) -> Said:
    # A check that names a remedy is one that differs.
    return _remedy("MISMATCH", getattr(message, "check", ""), value, language)


def _remedy(reason: str, about: str, told: str, language: Language) -> Said:
    name = _last(about.rpartition("/")[2])
    name = {"representative": "person", "representative_id_number": "id_number"}.get(name, name)
    text = said_states.REMEDIES.get(f"{reason}:{name}") or said_states.REMEDIES.get(reason)
    return foreign(told, language) if text is None else plain(text, language)


def _described(attribute: str) -> Callable[[Message, str, Language], Said]:
    """Returns a reader of sentences, by the code that stands beside them."""

    def read(message: Message, value: str, language: Language) -> Said:
        text = said_states.DESCRIPTIONS.get(getattr(message, attribute))
        return foreign(value, language) if text is None else plain(text, language)

    return read


_READERS: Final[Mapping[str, Callable[[Message, str, Language], Said | None]]] = {
    "AnnouncedChange.field": _path,
    "CheckResult.check": _path,
    "CheckResult.note": _code,
    "CheckResult.remedy": _remedy_of_check,
    "CheckTarget.check": _path,
    "Consent.scope": _path,
    "Contribution.bin": _code,
    "CorrectionRuling.reason": _code,
    "Erasure.erased": _code,
    "Finding.description": _described("reason"),
    "Finding.reason": _code,
    "HeldField.field": _path,
    "OverrideStep.step": _code,
    "Requirement.item": _path,
    "Requirement.reason": _code,
    "Requirement.remedy": _remedy_of_requirement,
    "Retained.description": _described("what"),
    "Retained.what": _code,
    "Supply.field": _path,
    "Transition.reason": _code,
}


def _last(path: str) -> str:
    return _PLACE.sub("", path).rpartition(".")[2]


# --- What varies -------------------------------------------------------------------------


def filled(text: str, parameters: Mapping[str, str], language: Language) -> Said | None:
    """Returns the text with what varies; None: something that it names is not known."""
    said = plain(text, language)
    values = {}
    for name in names_in(text):
        value = _value(name, parameters.get(name, ""), language)
        if not value:
            return None
        values[name] = value
    return Said(said.text.format_map(values), said.lang)


def names_in(text: str) -> list[str]:
    """Returns the names of what varies in a text."""
    return re.findall(r"\{(\w+)\}", text)


def _value(name: str, value: str, language: Language) -> str:
    if not value:
        return ""
    if name in _IN_WORDS:
        words = [_word(part, language) for part in value.split(",")]
        return language.text(", ").join(words) if all(words) else ""
    if not (value.isascii() and value.isdecimal()):
        return value
    number = int(value)
    if name.endswith("_seconds"):
        return language.duration(number)
    return language.size(number) if name.endswith("_bytes") else language.number(number)


_IN_WORDS: Final = frozenset({"from_state", "kind", "missing", "purpose", "state", "to_state"})


def _word(code: str, language: Language) -> str:
    """Returns a code of the metadata in words; "" where there are none."""
    for known, name in ((said_errors.CODES, code), (VALUES, code), (VALUES, f"STATE_{code}")):
        if name in known:
            return language.text(known[name])
    return ""
