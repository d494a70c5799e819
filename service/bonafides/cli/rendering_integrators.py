"""Lays out links, authorizations and counts for people; see `rendering` for the rules.

console.print(authorizations(found))
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from bonafides.cli.rendering_agreed import moment_in, table_of
from bonafides.v1 import integrator_pb2


def link(shown: integrator_pb2.AuthorizationUrl) -> RenderableType:
    """Returns what a link asks for."""
    return table_of(
        [shown],
        ("Application", lambda u: u.application_title),
        ("Says", lambda u: u.application_description),
        ("Asks for", lambda u: ", ".join(u.scopes)),
        ("Ends", lambda u: moment_in(u, "expire_time")),
        ("Link", lambda u: u.url),
    )


def authorizations(shown: Iterable[integrator_pb2.IntegratorAuthorization]) -> RenderableType:
    """Returns who may act for whom."""
    states = integrator_pb2.IntegratorAuthorization.State
    return table_of(
        shown,
        ("Authorization", lambda a: a.name),
        ("Application", lambda a: a.application_title or a.application),
        ("May", lambda a: ", ".join(a.scopes)),
        ("Stands", lambda a: states.Name(a.state).removeprefix("STATE_").lower()),
        ("Given", lambda a: moment_in(a, "grant_time")),
        ("Ends", lambda a: moment_in(a, "expire_time")),
        ("Taken back", lambda a: moment_in(a, "revoke_time")),
    )


def statistics(shown: integrator_pb2.IntegratorStatistics) -> RenderableType:
    """Returns the counts, in one line."""
    return Text(
        f"{shown.granted_count} given: {shown.active_count} active with "
        f"{shown.active_party_count} parties, {shown.pending_count} not fetched yet, "
        f"{shown.revoked_count} taken back, {shown.expired_count} over."
    )
