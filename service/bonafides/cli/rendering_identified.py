"""Lays out drafts and what is open for an enterprise for people; see `rendering` for the rules.

console.print(requirements(client.identities.requirements(code)))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType

from bonafides.cli.rendering_agreed import moment_in, table_of
from bonafides.v1 import draft_pb2, enterprise_pb2, requirement_pb2

_STATES: Final = {
    "PAST_DUE": "you must act; it is late",
    "CURRENTLY_DUE": "you must act",
    "BEING_CHECKED": "we are checking",
    "OPTIONAL": "you may act",
}


def requirements(shown: Iterable[requirement_pb2.Requirement]) -> RenderableType:
    """Returns what is open."""
    return table_of(
        shown,
        ("Whose turn", lambda r: _STATES.get(_name(r), "")),
        ("About", lambda r: r.item),
        ("Why", lambda r: r.reason),
        ("What to do", lambda r: r.remedy),
        ("Until", lambda r: moment_in(r, "deadline_time")),
        ("Meanwhile without", _effects),
        ("Asked", lambda r: r.source),
        ("Asked again", lambda r: moment_in(r, "next_check_time")),
        ("Submission", lambda r: r.submission),
    )


def draft(shown: draft_pb2.Draft) -> RenderableType:
    """Returns the draft, and who supplied what."""
    supplied = [f"{each.field}: {each.supplier}" for each in shown.supplies]
    return table_of(
        [shown],
        ("Draft", lambda d: d.name),
        ("State", lambda d: enterprise_pb2.Submission.State.Name(d.state).removeprefix("STATE_")),
        ("Title", lambda d: d.prefill.title),
        ("Address", lambda d: d.prefill.registered_address),
        ("Supplied by", lambda _: "\n".join(supplied)),
        ("Erased", lambda d: moment_in(d, "expire_time")),
        ("Became", lambda d: d.submission),
    )


def _name(shown: requirement_pb2.Requirement) -> str:
    return requirement_pb2.Requirement.State.Name(shown.state).removeprefix("STATE_")


def _effects(shown: requirement_pb2.Requirement) -> str:
    names = (requirement_pb2.Requirement.Effect.Name(each) for each in shown.disables)
    return ", ".join(name.removeprefix("EFFECT_").lower().replace("_", " ") for name in names)
