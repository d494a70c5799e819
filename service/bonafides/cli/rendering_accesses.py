"""Lays out an access log for people.

See `rendering` for the rules.

    console.print(access_log(lines))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import RenderableType

from bonafides.cli.figures import count, moment, word
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1.access_pb2 import Access
from bonafides.v1.enterprise_pb2 import Purpose
from bonafides.v1.purpose_pb2 import ReadPurpose

_KINDS: Final[Mapping[int, str]] = {
    Access.KIND_PLATFORM: "platform",
    Access.KIND_INTEGRATOR: "integrator",
    Access.KIND_STAFF: "staff of the service",
    Access.KIND_PERSONS: "persons logged in",
    Access.KIND_OWN_PERSONS: "your own people",
}
_PURPOSES: Final[Mapping[int, str]] = {
    ReadPurpose.READ_PURPOSE_UNSPECIFIED: "",
    ReadPurpose.READ_PURPOSE_ACCESS_ASSESSMENT: "access assessment",
    ReadPurpose.READ_PURPOSE_AUTHENTICATION: "authentication",
    ReadPurpose.READ_PURPOSE_ELIGIBILITY: "eligibility",
    ReadPurpose.READ_PURPOSE_DISPLAY_TO_USERS: "display to users",
}


def access_log(shown: Iterable[Access]) -> RenderableType:
    """Returns the lines, the latest first."""
    return table_of(
        shown,
        ("When", _when),
        ("Who", _who),
        ("What for", lambda each: word(_PURPOSES, each.purpose)),
        ("What", lambda each: each.method + (" (refused)" if each.refused else "")),
        ("On consent to", _consents),
        ("Times", lambda each: count(each.count)),
    )


def _when(each: Access) -> str:
    if each.HasField("access_time"):
        return moment(each.access_time)
    return f"{each.date.year:04}-{each.date.month:02}-{each.date.day:02}"


def _consents(each: Access) -> str:
    names = map(Purpose.Name, each.consents)
    return ", ".join(name.removeprefix("PURPOSE_") for name in names)


def _who(each: Access) -> str:
    named = each.platform or each.application
    kind = word(_KINDS, each.kind)
    return f"{named} ({kind})" if named else kind
