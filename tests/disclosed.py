"""What each audience may see, read from the declarations and by nothing of the engine.

Messages are filled by walking the descriptors, so that a field that is added is looked at
without a change here.

    message = filled(archive_pb2.Archive, seed=1)
    expected(message, AUDIENCE_PUBLIC)      # [("registration.title", "..."), ...]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from bonafides.personal import masks
from bonafides.v1 import disclosure_pb2 as v1
from tests.asking import methods

Path = tuple[FieldDescriptor, ...]

COMPANY, INDIVIDUAL = "91990000MA0000001T", "92990000MA0000001R"
ADDRESS: Final = "浙江省杭州市西湖区样例路1号"
PERSON: Final = "测三四"
UNKNOWN: Final = b"UNKNOWN-CANARY"
# Field 1000, length-delimited: what a newer writer may have left.
UNKNOWN_FIELD: Final = b"\xc2\x3e" + bytes([len(UNKNOWN)]) + UNKNOWN


def viewed() -> list[type[Message]]:
    """Returns every message of classified fields that some method answers with or lists."""
    found: dict[str, type[Message]] = {}
    for method in methods().values():
        answer = method.output_type
        parts = [answer, *(field.message_type for field in answer.fields if field.message_type)]
        for kind in parts:
            if _is_classified(kind):
                found[kind.full_name] = GetMessageClass(kind)
    return [found[name] for name in sorted(found)]


def _is_classified(kind: Descriptor) -> bool:
    options = (field.GetOptions() for field in kind.fields)
    return any(each.HasExtension(v1.information) for each in options)


def filled(kind: type[Message], seed: int, *, share: float = 1.0) -> Any:
    """Returns a message with this share of its fields populated, unknown fields included."""
    message = kind()
    _fill(message, Random(seed), share)  # noqa: S311 - not for secrets
    return message


def _fill(message: Message, random: Random, share: float) -> None:
    for field in message.DESCRIPTOR.fields:
        if random.random() > share:
            continue
        if field.message_type is not None and field.is_repeated:
            for _ in range(random.randint(1, 3)):
                _fill(getattr(message, field.name).add(), random, share)
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
            _fill(getattr(message, field.name), random, share)
        elif field.is_repeated:
            getattr(message, field.name).extend([_value(field, random) for _ in range(2)])
        else:
            setattr(message, field.name, _value(field, random))
    message.MergeFromString(UNKNOWN_FIELD)


def _value(field: Any, random: Random) -> Any:
    if field.full_name == "bonafides.v1.Registration.code":
        return random.choice([COMPANY, INDIVIDUAL])
    if field.full_name == "bonafides.v1.Registration.registered_address":
        return ADDRESS
    if field.name == "person":
        return PERSON
    if field.enum_type is not None:
        return random.choice(field.enum_type.values[1:]).number
    if field.type == FieldDescriptor.TYPE_BYTES:
        return random.randbytes(32)
    return {
        FieldDescriptor.CPPTYPE_STRING: f"{field.full_name}#{random.randint(1, 999)}",
        FieldDescriptor.CPPTYPE_BOOL: True,
        FieldDescriptor.CPPTYPE_INT32: random.randint(1, 12),
        FieldDescriptor.CPPTYPE_INT64: random.randint(1, 12),
    }[field.cpp_type]


def populated(message: Message, path: Path = ()) -> Iterator[tuple[Path, Message, Any]]:
    """Yields every value with the fields that lead to it and the message that holds it."""
    for field, value in message.ListFields():
        here = (*path, field)
        values = value if field.is_repeated else [value]
        for one in values:
            if isinstance(one, Message) and one.DESCRIPTOR.file.package == "bonafides.v1":
                yield from populated(one, here)
            else:
                yield here, message, one


@cache
def dotted(path: Path) -> str:
    return ".".join(field.name for field in path)


def expected(message: Message, audience: v1.Audience.ValueType) -> list[tuple[str, Any]]:
    """Returns what the audience may see, by the declarations and nothing else."""
    return expected_of(populated(message), audience)


def expected_of(
    values: Iterable[tuple[Path, Message, Any]], audience: v1.Audience.ValueType
) -> list[tuple[str, Any]]:
    """Returns what of these values, as `populated` yields them, the audience may see."""
    seen = []
    for path, holder, value in values:
        shown = _masks(path).get(audience)
        if shown is None:
            continue
        told = value
        for mask in shown:
            told = _MASKED[mask](told, holder) if told is not None else None
        if told is not None:
            seen.append((dotted(path), told))
    return seen


def classes(field: FieldDescriptor) -> set[int] | None:
    """Returns the audiences that see the class of the field; None: it has no class."""
    if not field.GetOptions().HasExtension(v1.information):
        return None
    return {shown.audience for shown in _declared(field)}


@cache
def _masks(path: Path) -> Mapping[int, tuple[int, ...]]:
    """Returns who sees what these fields lead to: each audience, with the mask of each field."""
    steps = [{shown.audience: shown.mask for shown in _declared(field)} for field in path]
    seeing = set(v1.Audience.values()).intersection(*steps)
    return MappingProxyType(
        {audience: tuple(step[audience] for step in steps) for audience in seeing}
    )


def _declared(field: FieldDescriptor) -> Any:
    information = field.GetOptions().Extensions[v1.information]
    value = v1.InformationClass.DESCRIPTOR.values_by_number[information]
    return value.GetOptions().Extensions[v1.shown_to]


_MASKED: dict[Any, Callable[[Any, Any], Any]] = {
    v1.MASK_UNSPECIFIED: lambda value, _holder: value,
    v1.MASK_PERSON_NAME: lambda value, _holder: masks.person_name(value),
    v1.MASK_DISTRICT_OF_INDIVIDUAL: lambda value, holder: (
        value if holder.code == COMPANY else masks.district(value)
    ),
    v1.MASK_FIVE_BUYERS: lambda value, holder: value if holder.buyers >= 5 else None,
}
