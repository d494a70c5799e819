"""Lays out switches, canaries and limits for staff.

See `rendering` for the rules.

    console.print(switches(found))
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType

from bonafides.cli import layout
from bonafides.cli.figures import moment
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1 import switch_pb2


def switches(shown: Iterable[switch_pb2.Switch]) -> RenderableType:
    """Returns switches: what is closed, to whom, why, by whom."""
    return table_of(
        shown,
        ("Switch", lambda s: s.name),
        ("Interface", lambda s: s.interface or "all"),
        ("Closed to", lambda s: _target(s.target)),
        ("Why", lambda s: s.reason),
        ("Since", lambda s: moment(s.set_time)),
        ("By", lambda s: s.set_by),
        ("Until", lambda s: layout.moment_of(s, "expire_time") or "opened"),
        ("Ended", lambda s: layout.moment_of(s, "end_time") or ""),
    )


def canaries(shown: Iterable[switch_pb2.Canary]) -> RenderableType:
    """Returns canaries."""
    return table_of(
        shown,
        ("Code", lambda c: c.name.split("/")[1]),
        ("Canary", lambda c: "yes" if c.marked else "no more"),
        ("Since", lambda c: moment(c.say_time)),
        ("By", lambda c: c.said_by),
    )


def limits(shown: Iterable[switch_pb2.SpendingLimit]) -> RenderableType:
    """Returns limits: what may be spent, why, by whom it was set."""
    return table_of(
        shown,
        ("Limit", lambda s: s.name),
        ("Enterprises a day", lambda s: str(s.enterprises_per_day or "as usual")),
        ("Calls a minute", lambda s: str(s.calls_per_minute or "as usual")),
        ("Why", lambda s: s.reason),
        ("Since", lambda s: moment(s.set_time)),
        ("By", lambda s: s.set_by),
        ("Until", lambda s: layout.moment_of(s, "end_time") or ""),
    )


def _target(target: switch_pb2.Switch.Target) -> str:
    kind = target.WhichOneof("kind")
    return "everybody" if kind is None else f"{kind} {getattr(target, kind)}"
