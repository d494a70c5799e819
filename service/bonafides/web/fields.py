"""Renders a message of the API as parts of a page: every field that is set, and no other.

Pages lay out what this gives them. Whatever a page does not place by name is placed
under "further details", so that a page shows the same fields as the message, always;
each shown value carries its path in `data-field`, by which a test compares the two.

Rules:
- a field that is not set, or has its default and no presence, is no part of a page, as
  in the JSON mapping of protobuf;
- amounts, days and instants are one value each;
- the same text in two languages is one value, in the language of the page.

    group = group_of(archive, language)
    group.take("registration")
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from bonafides.v1 import enterprise_pb2
from bonafides.web.labels import FIELDS, VALUES
from bonafides.web.language import Language
from bonafides.web.speech import Said, said_in

# The same in Chinese and in English.
_PAIRS: Final = {
    "text_zh": "text_en",
    "title_zh": "title_en",
    "facts_zh": "facts",
}
_WHOLE: Final = (Timestamp, Date, enterprise_pb2.Money)
_PPM: Final = "_ppm"
# Groups whose values say by themselves what they are, and stand among those around them.
_MERGED: Final = frozenset(
    {"provenance", "record", "coverage", "buyers", "target", "fact", "check", "override"}
)
# Numbers that name something; groups of digits would break them.
_PLAIN_NUMBERS: Final = frozenset({"value", "mean_milli", "depth"})
# Strings that are words of the API and not of an enterprise.
_WORDS: Final = frozenset(
    {
        "section",
        "sanction",
        "ground",
        "removal_ground",
        "flag",
        "unit",
        "kind",
        "source",
        "purposes",
        "reason",
    }
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. `paths` are the fields that it shows; `lang` is set where it isn't the page's."""

    name: str
    paths: str
    label: str
    text: str
    raw: Any = field(repr=False, default=None)
    lang: str = ""


@dataclass(slots=True)
class Group:
    """The fields of a message. `take` removes, so that what is left is what was not placed."""

    name: str
    label: str
    parts: dict[str, Leaf | Group | Items]

    def take(self, name: str) -> Any:
        """Returns the part and takes it out; None if it is not there."""
        return self.parts.pop(name, None)

    def has(self, name: str) -> bool:
        """Tells whether the part is there, and not taken."""
        return name in self.parts

    @property
    def leaves(self) -> Sequence[Leaf]:
        """What is left of values, and of groups that hold values alone."""
        return [*self._values()]

    @property
    def groups(self) -> Sequence[Group | Items]:
        """What is left of lists, and of groups with lists in them."""
        return [
            part
            for part in self.parts.values()
            if isinstance(part, Items) or (isinstance(part, Group) and _deep(part))
        ]

    def _values(self) -> Iterator[Leaf]:
        for part in self.parts.values():
            if isinstance(part, Leaf):
                yield part
            elif isinstance(part, Group) and not _deep(part):
                yield from part.leaves


@dataclass(frozen=True, slots=True)
class Items:
    """A list of messages or of values."""

    name: str
    label: str
    items: Sequence[Group]

    @property
    def columns(self) -> Sequence[str]:
        """What the columns of a table are called; empty: it is not fit for a table."""
        found: dict[str, None] = {}
        for item in self.items:
            if item.groups:
                return []
            found |= {leaf.label: None for leaf in item.leaves}
        return list(found) if len(found) <= _MOST_COLUMNS else []

    def cells(self, item: Group) -> Sequence[Sequence[Leaf]]:
        """Returns the values of an item by columns; more than one where they are called alike."""
        return [[leaf for leaf in item.leaves if leaf.label == label] for label in self.columns]


_MOST_COLUMNS: Final = 6
# The last sentence of a reason, as `rating.reasons` writes it.
_COMMAND: Final = re.compile(r"(?:(?<=。)|(?<=\. )|^)[^。.]*(bonafides appeal .*)$")


def group_of(message: Message, language: Language) -> Group:
    """Returns every field of the message that is set, in the order of the protos."""
    return _group(message, "", "", language)


def items_of(messages: Sequence[Message], name: str, language: Language) -> Items:
    """Returns a list of messages, as a field of that name would be."""
    return Items(
        name,
        _label(name, language),
        [_group(each, name, f"{name}[{at}].", language) for at, each in enumerate(messages)],
    )


def word(value: str, language: Language) -> str:
    """Returns what a word of the API is called; one that is not known, as it is."""
    known, slash, rest = value.partition("/")
    return f"{language.text(VALUES[known])}{slash}{rest}" if known in VALUES else value


def without_command(text: str) -> str:
    """Returns a reason without the sentence that names a command: a page has a link instead."""
    return _COMMAND.sub("", text).strip()


def command_in(text: str) -> str:
    """Returns the command that a reason names; empty: none."""
    found = _COMMAND.search(text)
    return found[1] if found else ""


def _group(message: Message, name: str, prefix: str, language: Language) -> Group:
    parts: dict[str, Leaf | Group | Items] = {}
    for held, value in message.ListFields():
        path = f"{prefix}{held.name}"
        if held.is_repeated:
            parts[held.name] = _repeated(message, held, path, language)
        elif isinstance(value, Message) and not isinstance(value, _WHOLE):
            parts[held.name] = _group(value, held.name, f"{path}.", language)
        else:
            parts[held.name] = _leaf(message, held, path, language)
    _join_pairs(parts, language)
    return Group(name, _label(name, language), parts)


def _repeated(
    message: Message, held: FieldDescriptor, path: str, language: Language
) -> Leaf | Items:
    values: Any = getattr(message, held.name)
    if held.message_type is not None:
        items = [
            _group(each, held.name, f"{path}[{at}].", language) for at, each in enumerate(values)
        ]
        return Items(held.name, _label(held.name, language), items)
    said = [_said(message, held, value, language) for value in values]
    texts = [each.text for each in said]
    paths = " ".join(f"{path}[{at}]" for at in range(len(texts)))
    text = language.text(", ").join(texts)
    lang = next((each.lang for each in said if each.lang), _foreign(text, language))
    return Leaf(held.name, paths, _label(held.name, language), text, list(values), lang)


def _leaf(message: Message, held: FieldDescriptor, path: str, language: Language) -> Leaf:
    value = getattr(message, held.name)
    said = _said(message, held, value, language)
    lang = said.lang or _foreign(said.text, language)
    return Leaf(held.name, path, _label(held.name, language), said.text, value, lang)


def _said(message: Message, held: FieldDescriptor, value: Any, language: Language) -> Said:
    """Returns a value in words: what the service says by its codes, else as it is."""
    told = said_in(message, held.name, value, language) if isinstance(value, str) else None
    return told or Said(_text(held, value, language))


def _text(  # noqa: PLR0911 - a row for each kind of value
    held: FieldDescriptor, value: Any, language: Language
) -> str:
    match value:
        case Timestamp():
            return language.moment(value)
        case Date():
            return language.day(value)
        case enterprise_pb2.Money():
            return language.money(value)
        case bool():
            return language.text("yes") if value else language.text("no")
        case bytes():
            return value.hex()
        case int() if held.enum_type is not None:
            return _enum(held, value, language)
        case int() if held.name.endswith(_PPM):
            return language.share(value)
        case int():
            return str(value) if held.name in _PLAIN_NUMBERS else language.number(value)
        case str() if held.name in _WORDS:
            return word(value, language)
    return str(value)


def _enum(held: FieldDescriptor, value: int, language: Language) -> str:
    known = held.enum_type.values_by_number.get(value) if held.enum_type else None
    return str(value) if known is None else word(known.name, language)


def _join_pairs(parts: dict[str, Leaf | Group | Items], language: Language) -> None:
    """Makes one value of what is said in two languages."""
    for chinese, english in _PAIRS.items():
        pair = parts.get(chinese), parts.get(english)
        if not (isinstance(pair[0], Leaf) and isinstance(pair[1], Leaf)):
            continue
        shown = pair[0] if language.code == "zh" else pair[1]
        paths = f"{pair[0].paths} {pair[1].paths}"
        parts[chinese] = Leaf(chinese, paths, shown.label, shown.text, shown.raw, shown.lang)
        del parts[english]


def _label(name: str, language: Language) -> str:
    if not name:
        return ""
    return language.text(FIELDS[name]) if name in FIELDS else name.replace("_", " ")


def _foreign(text: str, language: Language) -> str:
    """Returns the language of a text in Chinese on a page that isn't: names stay as they are."""
    if language.code == "zh":
        return ""
    return "zh-CN" if any("CJK" in unicodedata.name(one, "") for one in text[:40]) else ""


def _deep(part: Leaf | Group | Items) -> bool:
    """Tells whether a group stands by itself, under its own heading."""
    if not isinstance(part, Group):
        return False
    if part.name not in _MERGED:
        return True
    return any(isinstance(one, Items) or _deep(one) for one in part.parts.values())
