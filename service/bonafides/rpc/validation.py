"""Validates the shape of a request: what its proto declares, and what its texts hold.

Shape alone: lengths, patterns, presence, and characters that no honest field
needs. What a value means (check digits, scope, dates in the future) is for the
room that it goes to. All violations are returned at once, none with the value.

Texts may not hold control, format, surrogate, private or unassigned characters:
they pass protobuf, and hide, reorder or split what people and logs are shown.

    violations(request)    # (FieldViolation("claims.title", "TEXT_CHARACTERS", ...),)

Source of the character rule: Unicode general categories Cc, Cf, Cs, Co, Cn, Zl, Zp.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

import protovalidate
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from bonafides.errors import FieldViolation

# Remedies in plain words for the rules that are broken most; others speak for themselves.
_REMEDIES: Final = {
    "required": ("REQUIRED", "Fill in this field."),
    "string.min_len": ("REQUIRED", "Fill in this field."),
    "string.uuid_empty": ("REQUIRED", "Send a UUID, new for each request."),
    "string.uuid": ("UUID", "Send a UUID, new for each request."),
    "enum.not_in": ("REQUIRED", "Choose one of the values of this enum."),
    "enum.defined_only": ("ENUM", "Choose one of the values of this enum."),
}

# 256 KiB hold 100,000 empty values, each of which could break several rules.
_MOST_VALUES: Final = 2_000

_REFUSED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that print as nothing: grapheme joiner, Hangul and Khmer
# fillers, the blank of Braille.
_BLANK: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")
# Planes 2 and 3 hold ideographs only. Those assigned after this Python's tables
# were made stand in names of persons and places.
_IDEOGRAPHIC_PLANES: Final = range(0x20000, 0x3FFFE)
_NONCHARACTER: Final = 0xFFFE


def violations(request: Message) -> tuple[FieldViolation, ...]:
    """Returns every fault of the request's shape: of its texts first, then of its proto."""
    found = [] if _is_flat_and_plain(request) else list(_text_violations(request))
    if found and found[-1].reason == "TOO_MANY_VALUES":
        return (found[-1],)
    faults = protovalidate.collect_violations(request)
    if not faults:
        return tuple(found)
    told = {violation.field for violation in found}
    for fault in faults:
        field = _path(fault.proto.field)
        if field not in told:
            reason, remedy = _remedy(fault.proto.rule_id, fault.proto.message)
            found.append(FieldViolation(field, reason, remedy, _limit(fault.rule_value)))
    return tuple(found)


def envelope_violations(request: Message) -> tuple[FieldViolation, ...]:
    """Returns every fault of a batch's own fields.

    What it carries is left out: each item is looked at where it is read, and one
    that is at fault is refused without the others.
    """
    envelope = type(request)()
    for field, value in request.ListFields():
        if not field.is_repeated and field.type != FieldDescriptor.TYPE_MESSAGE:
            setattr(envelope, field.name, value)
    return violations(envelope)


def is_plain(text: str) -> bool:
    """Returns whether the text holds only characters that show what they are."""
    if _BLANK.search(text):
        return False
    # Printable to Python are all but the refused categories and blanks like U+3000.
    return text.isprintable() or not any(map(_refused, text))


def _refused(character: str) -> bool:
    if unicodedata.category(character) not in _REFUSED:
        return False
    point = ord(character)
    return point not in _IDEOGRAPHIC_PLANES or point & _NONCHARACTER == _NONCHARACTER


def _is_flat_and_plain(request: Message) -> bool:
    """Returns whether it holds single values alone, and only plain texts; most reads do."""
    for field, value in request.ListFields():
        if field.is_repeated or field.type == FieldDescriptor.TYPE_MESSAGE:
            return False
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            return False
    return True


def _text_violations(request: Message) -> Iterator[FieldViolation]:
    for number, (path, value) in enumerate(_values(request, "")):
        if number == _MOST_VALUES:
            yield FieldViolation(
                path,
                "TOO_MANY_VALUES",
                f"Send at most {_MOST_VALUES} values in a request.",
                {"limit": str(_MOST_VALUES)},
            )
            return
        if isinstance(value, str) and not is_plain(value):
            yield FieldViolation(
                path,
                "TEXT_CHARACTERS",
                "Leave out control, invisible, private-use and unassigned characters.",
            )


def _values(message: Message, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yields every value that is set, with its path, messages before what they hold."""
    for field, value in message.ListFields():
        path = prefix + field.name
        if field.is_repeated:
            for index, element in enumerate(value):
                yield from _value(field, element, f"{path}[{index}]")
        else:
            yield from _value(field, value, path)


def _value(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, value
    if field.type == FieldDescriptor.TYPE_MESSAGE and isinstance(value, Message):
        yield from _values(value, f"{path}.")


def _path(field: Any) -> str:
    """Returns a protovalidate path as `claims.authorizations[0].scope`."""
    parts = []
    for element in field.elements if field else ():
        subscript = element.subscript
        parts.append(element.field_name + (f"[{subscript.value}]" if subscript else ""))
    return ".".join(parts)


def reason_of(rule: str) -> str:
    """Returns the reason of a violation of the rule of protovalidate, as `string.max_len`."""
    return _REMEDIES[rule][0] if rule in _REMEDIES else rule.replace(".", "_").upper()


def _limit(rule_value: Any) -> dict[str, str]:
    """Returns the number that the rule sets, such as how long a text may be; else nothing."""
    is_number = isinstance(rule_value, int) and not isinstance(rule_value, bool)
    return {"limit": str(rule_value)} if is_number else {}


def _remedy(rule: str, message: str) -> tuple[str, str]:
    """Returns reason and description of a broken rule. Rules' messages hold no values."""
    told = f"{message[:1].upper()}{message[1:]}{'' if message.endswith('.') else '.'}"
    return _REMEDIES.get(rule, (reason_of(rule), told))
