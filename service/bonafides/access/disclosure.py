"""Shows each audience the part of a message that it may see.

The classes of information, who is shown them and through which mask are declared
once, in protos/bonafides/v1/disclosure.proto; this module only reads them. The
rules:

1. A field is shown to an audience if its class is, and the class of every field
   around it: inner fields may narrow, never widen.
2. A field without a class is withheld, and so is a message that is not ours, but
   for instants and dates. Unknown fields, which a newer writer may have left, die.
3. A class may show its fields through a mask. A mask that this build does not
   know, or that does not fit the field, withholds it.
4. The view is a new message. Nothing is ever added, and a view of a view is the
   same view.
5. A text that holds a personal number is hidden, in whatever field it stands, and the
   field is named in the log (access.net).

    view(archive, AUDIENCE_PUBLIC)   # registration facts, no level, no contacts

docs/disclosure.md is printed from the same declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

import structlog
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from bonafides.access import net
from bonafides.personal import masks
from bonafides.v1 import disclosure_pb2 as v1

M = TypeVar("M", bound=Message)
Masking = Callable[[Any, Message], Any]

# Below this many, figures about buyers tell of single persons. Source: 000 §6(8).
MIN_BUYERS: Final = 5

_OURS: Final = v1.DESCRIPTOR.package
_LEAVES: Final = frozenset({"google.protobuf.Timestamp", "google.type.Date"})
# Departments whose addresses are places of business: companies, cooperatives.
_NOT_A_HOME: Final = ("91", "93")
_log: Final = structlog.get_logger("bonafides.disclosure")


def view(message: M, audience: v1.Audience.ValueType) -> M:
    """Returns a copy of the message holding only what the audience may see.

    An audience that no class names sees nothing. Source: 002 §1.9(2).
    """
    shown = type(message)()
    _copy(message, shown, _plan(message.DESCRIPTOR, audience))
    # Parts that are shown whole were copied with what this build can't classify.
    shown.DiscardUnknownFields()
    for field in net.hold(shown):
        _log.error("personal_number_held", field=field)
    return shown


def class_of(field: FieldDescriptor) -> v1.InformationClass.ValueType:
    """Returns the class of information that the field holds; 0 if it names none."""
    information: v1.InformationClass.ValueType = field.GetOptions().Extensions[v1.information]
    return information


@cache
def shown_to(
    information: v1.InformationClass.ValueType,
) -> Mapping[v1.Audience.ValueType, v1.Mask.ValueType]:
    """Returns the audiences that may see the class, each with the mask; 0 is no mask."""
    value = v1.InformationClass.DESCRIPTOR.values_by_number.get(information)
    if value is None:
        return {}
    return {shown.audience: shown.mask for shown in value.GetOptions().Extensions[v1.shown_to]}


def _person_name(value: Any, _around: Message) -> str | None:
    """The last character of a person's name, behind two stars."""
    return masks.person_name(value) if isinstance(value, str) else None


def _district_of_individual(value: Any, around: Message) -> str | None:
    """An individual business's address down to the district; others' in full."""
    if not isinstance(value, str):
        return None
    # Without a code nobody can tell whose address it is: it may be a home.
    if getattr(around, "code", "").startswith(_NOT_A_HOME):
        return value
    return masks.district(value)


def _five_buyers(value: Any, around: Message) -> Any:
    """Nothing below five buyers; else the figures as they are."""
    group = value if isinstance(value, Message) else around
    return value if getattr(group, "buyers", 0) >= MIN_BUYERS else None


# What each mask does: given the value and the message around it, answers the value
# to show, or None to withhold it. The docstrings are printed in docs/disclosure.md.
MASKS: Final[Mapping[v1.Mask.ValueType, Masking]] = {
    v1.MASK_PERSON_NAME: _person_name,
    v1.MASK_DISTRICT_OF_INDIVIDUAL: _district_of_individual,
    v1.MASK_FIVE_BUYERS: _five_buyers,
}


@dataclass(frozen=True, slots=True)
class _Step:
    """How one field is shown. `inner` None: its value is copied as it is."""

    name: str
    repeated: bool
    message: bool
    masking: Masking | None
    inner: Mapping[int, _Step] | None


_Plan = Mapping[int, _Step]


@cache
def _plan(descriptor: Descriptor, audience: v1.Audience.ValueType) -> _Plan:
    steps = ((field.number, _step(field, audience)) for field in descriptor.fields)
    return {number: step for number, step in steps if step is not None}


def _step(field: FieldDescriptor, audience: v1.Audience.ValueType) -> _Step | None:
    mask = shown_to(class_of(field)).get(audience)
    if mask is None or (mask and mask not in MASKS):
        return None
    masking = MASKS[mask] if mask else None
    kind = field.message_type
    if kind is None or kind.full_name in _LEAVES:
        return _Step(field.name, field.is_repeated, kind is not None, masking, None)
    if kind.file.package != _OURS or kind.GetOptions().map_entry:
        return None
    inner = None if _is_whole(kind, audience) else _plan(kind, audience)
    return _Step(field.name, field.is_repeated, message=True, masking=masking, inner=inner)


def _is_whole(descriptor: Descriptor, audience: v1.Audience.ValueType) -> bool:
    """Returns whether the audience sees every field, unmasked, so that one copy will do."""
    plan = _plan(descriptor, audience)
    return len(plan) == len(descriptor.fields) and not any(
        step.masking or step.inner is not None for step in plan.values()
    )


def _copy(source: Message, shown: Message, plan: _Plan) -> None:
    for field, value in source.ListFields():
        step = plan.get(field.number)
        if step is None:
            continue
        if step.repeated:
            _copy_each(value, source, getattr(shown, step.name), step)
            continue
        seen = value if step.masking is None else step.masking(value, source)
        if seen is None:
            continue
        if not step.message:
            setattr(shown, step.name, seen)
        elif step.inner is None:
            getattr(shown, step.name).CopyFrom(seen)
        else:
            part = getattr(shown, step.name)
            # What holds nothing for this audience still is there for it.
            part.SetInParent()
            _copy(seen, part, step.inner)


def _copy_each(values: Any, source: Message, shown: Any, step: _Step) -> None:
    seen = values
    if step.masking is not None:
        masked = (step.masking(value, source) for value in values)
        seen = [value for value in masked if value is not None]
    if step.inner is None:
        shown.extend(seen)
        return
    for value in seen:
        _copy(value, shown.add(), step.inner)
