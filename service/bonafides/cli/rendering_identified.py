"""Lays out what is open for an enterprise for people; see `rendering` for the rules.

console.print(requirements(client.identities.requirements(code)))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import RenderableType

from bonafides.cli.rendering_agreed import moment_in, table_of
from bonafides.v1 import requirement_pb2

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


def _name(shown: requirement_pb2.Requirement) -> str:
    return requirement_pb2.Requirement.State.Name(shown.state).removeprefix("STATE_")


def _effects(shown: requirement_pb2.Requirement) -> str:
    names = (requirement_pb2.Requirement.Effect.Name(each) for each in shown.disables)
    return ", ".join(name.removeprefix("EFFECT_").lower().replace("_", " ") for name in names)
