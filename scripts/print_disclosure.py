"""Writes docs/disclosure.md: which audience sees which field, and through which mask.

Read from the compiled protos, with the engine's own eyes; a test compares the page
with what this prints. Run it after a change of the protos:

    python scripts/print_disclosure.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bonafides.access.disclosure import MASKS, class_of, shown_to
from bonafides.v1 import (
    archive_pb2,
    consent_pb2,
    disclosure_pb2,
    document_pb2,
    draft_pb2,
    enterprise_pb2,
    ownership_pb2,
    rating_pb2,
    record_pb2,
    requirement_pb2,
    review_pb2,
    rights_pb2,
)

PAGE: Final = Path(__file__).parent.parent / "docs" / "disclosure.md"
ROOTS: Final = (
    archive_pb2.Archive.DESCRIPTOR,
    rating_pb2.Rating.DESCRIPTOR,
    enterprise_pb2.Submission.DESCRIPTOR,
    enterprise_pb2.Claims.DESCRIPTOR,
    record_pb2.Record.DESCRIPTOR,
    consent_pb2.Consent.DESCRIPTOR,
    consent_pb2.PlatformAuthorization.DESCRIPTOR,
    consent_pb2.AgreementAssent.DESCRIPTOR,
    ownership_pb2.OwnershipClaim.DESCRIPTOR,
    ownership_pb2.Member.DESCRIPTOR,
    ownership_pb2.Invitation.DESCRIPTOR,
    ownership_pb2.Notice.DESCRIPTOR,
    requirement_pb2.Requirement.DESCRIPTOR,
    draft_pb2.Draft.DESCRIPTOR,
    enterprise_pb2.Amendment.DESCRIPTOR,
    draft_pb2.DraftSupplement.DESCRIPTOR,
    document_pb2.Document.DESCRIPTOR,
    rights_pb2.Holdings.DESCRIPTOR,
    rights_pb2.Correction.DESCRIPTOR,
    rights_pb2.Erasure.DESCRIPTOR,
    rights_pb2.QueueItem.DESCRIPTOR,
    review_pb2.Review.DESCRIPTOR,
    review_pb2.AutomaticRating.DESCRIPTOR,
    review_pb2.Override.DESCRIPTOR,
    review_pb2.WrongLevel.DESCRIPTOR,
)
# Without the zeros, which say that nothing was chosen.
_AUDIENCES: Final = disclosure_pb2.Audience.values()[1:]
_CLASSES: Final = disclosure_pb2.InformationClass.values()[1:]
_MASKS: Final = disclosure_pb2.Mask.values()[1:]

_HEAD: Final = """\
# Who sees what

This page is printed by `python scripts/print_disclosure.py` from the declarations in
`protos/bonafides/v1`; do not edit it. To change what an audience sees, change
`disclosure.proto`.

Every field holds information of one class. An audience sees a field if it sees the
field's class and the class of every field around it; what no class is named for is
shown to nobody. An audience is derived from the caller and the enterprise asked for,
never requested.
"""


def main(
    page: Annotated[Path, typer.Argument(help="Where the page is written.")] = PAGE,
) -> None:
    """Writes the page."""
    page.write_text(rendered(), encoding="utf-8")


def rendered() -> str:
    """Returns the page, in Markdown."""
    return "\n".join([_HEAD, *_classes(), "", *_masks(), *_messages()]) + "\n"


def described(roots: Sequence[Descriptor] = ROOTS) -> tuple[Descriptor, ...]:
    """Returns the roots and every message of ours inside them, in the order of reading."""
    found: dict[str, Descriptor] = {}
    waiting = list(reversed(roots))
    while waiting:
        message = waiting.pop()
        if message.full_name in found or message.file.package != disclosure_pb2.DESCRIPTOR.package:
            continue
        found[message.full_name] = message
        inner = [field.message_type for field in message.fields if field.message_type]
        waiting.extend(reversed(inner))
    return tuple(found.values())


def _classes() -> Iterator[str]:
    yield "## Classes of information\n"
    yield _row("class", *(_short(disclosure_pb2.Audience.Name(one)) for one in _AUDIENCES))
    yield _row(*["---"] * (len(_AUDIENCES) + 1))
    for information in _CLASSES:
        shown = shown_to(information)
        cells = (_cell(shown.get(audience)) for audience in _AUDIENCES)
        yield _row(_short(disclosure_pb2.InformationClass.Name(information)), *cells)


def _cell(mask: disclosure_pb2.Mask.ValueType | None) -> str:
    if mask is None:
        return ""
    return _short(disclosure_pb2.Mask.Name(mask)) if mask else "yes"


def _masks() -> Iterator[str]:
    yield 'An empty cell: not shown. A mask in place of "yes":\n'
    yield _row("mask", "what is shown")
    yield _row("---", "---")
    for mask in _MASKS:
        yield _row(_short(disclosure_pb2.Mask.Name(mask)), MASKS[mask].__doc__ or "")


def _messages() -> Iterator[str]:
    for message in described():
        yield f"\n## {message.full_name.removeprefix(message.file.package + '.')}\n"
        yield _row("field", "holds", "class")
        yield _row("---", "---", "---")
        for field in message.fields:
            information = disclosure_pb2.InformationClass.Name(class_of(field))
            yield _row(field.name, _type(field), _short(information))


def _type(field: FieldDescriptor) -> str:
    kind = field.message_type or field.enum_type
    name = kind.name if kind else _SCALARS[field.cpp_type]
    return f"{name}, repeated" if field.is_repeated else name


_SCALARS: Final = {
    FieldDescriptor.CPPTYPE_BOOL: "yes or no",
    FieldDescriptor.CPPTYPE_INT32: "number",
    FieldDescriptor.CPPTYPE_INT64: "number",
    FieldDescriptor.CPPTYPE_STRING: "text",
}


def _short(name: str) -> str:
    for prefix in ("INFORMATION_CLASS_", "AUDIENCE_", "MASK_"):
        name = name.removeprefix(prefix)
    return name


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    typer.run(main)
