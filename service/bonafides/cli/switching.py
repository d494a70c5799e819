"""The commands of staff against crawling: switches, canaries and limits.

bonafides switch close --interface bonafides.v1.ArchiveService --hours 2 --reason "..."
bonafides switch close --prefix 203.0.113.0/24 --reason "..."
bonafides canary mark 91990000MA0000001T
bonafides limit set platforms/1688/limit --enterprises 20000 --reason "contract 2026-1"
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from bonafides.cli import rendering_switches as rendering
from bonafides.cli.agreeing import listed
from bonafides.cli.commands import Code, app
from bonafides.cli.session import Session
from bonafides.v1 import switch_pb2

switch = typer.Typer(help="Interfaces that staff close, to all or to one caller.")
canary = typer.Typer(help="Generated codes that nobody has a reason to look up.")
app.add_typer(switch, name="switch")
limit = typer.Typer(help="What staff let callers spend.")
app.add_typer(canary, name="canary")
app.add_typer(limit, name="limit")


@switch.command("close")
def switch_close(
    context: typer.Context,
    *,
    interface: Annotated[
        str, typer.Option(help="A service or SERVICE/METHOD; unset: all, to one caller.")
    ] = "",
    application: Annotated[str, typer.Option(help="Close to this client id.")] = "",
    key: Annotated[str, typer.Option(help="Close to this account, by its key in the log.")] = "",
    prefix: Annotated[str, typer.Option(help="Close to this prefix: /24 or /56.")] = "",
    hours: Annotated[float, typer.Option(help="For how long; 0: until it is opened.")] = 0,
    reason: Annotated[str, typer.Option(help="Why; for staff.")],
) -> None:
    """Closes an interface, everywhere within a second. Say to whom, or it is to everybody."""
    session: Session = context.obj
    named = {"application": application, "key": key, "prefix": prefix}
    given = {kind: name for kind, name in named.items() if name}
    if len(given) > 1:
        raise typer.BadParameter("name one caller: --application, --key or --prefix")
    until = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours) if hours else None
    with session.client() as client:
        made = client.switches.close(
            interface,
            reason=reason,
            target=switch_pb2.Switch.Target(**given) if given else None,
            until=until,
        )
    session.answer(made, rendering.switches([made]))


@switch.command("open")
def switch_open(
    context: typer.Context, name: Annotated[str, typer.Argument(help="switches/UID")]
) -> None:
    """Opens what a switch closed."""
    session: Session = context.obj
    with session.client() as client:
        made = client.switches.open(name)
    session.answer(made, rendering.switches([made]))


@switch.command("list")
def switch_list(
    context: typer.Context,
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that are over.")] = False,
) -> None:
    """Shows what is closed."""
    session: Session = context.obj
    with session.client() as client:
        found = client.switches.switches(ended=ended)
    listed(session, "switches", found, rendering.switches(found))


@canary.command("mark")
def canary_mark(
    context: typer.Context,
    code: Code,
    *,
    off: Annotated[bool, typer.Option("--off", help="It is none any more.")] = False,
) -> None:
    """Says that a generated code is a canary: the log tells of whoever looks it up."""
    session: Session = context.obj
    with session.client() as client:
        made = client.switches.set_canary(code, marked=not off)
    session.answer(made, rendering.canaries([made]))


@canary.command("list")
def canary_list(context: typer.Context) -> None:
    """Shows the canaries."""
    session: Session = context.obj
    with session.client() as client:
        found = client.switches.canaries()
    listed(session, "canaries", found, rendering.canaries(found))


@limit.command("set")
def limit_set(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(help="platforms/NAME, applications/CLIENT_ID or payers/KIND, with /limit."),
    ],
    *,
    enterprises: Annotated[
        int | None, typer.Option(min=1, help="Distinct enterprises a day; unset: as usual.")
    ] = None,
    calls: Annotated[
        int | None, typer.Option(min=1, help="Calls a minute; unset: as usual.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; of a platform, its contract.")],
) -> None:
    """Sets what a platform, an application or a kind of caller may spend, within a second."""
    session: Session = context.obj
    with session.client() as client:
        made = client.switches.set_limit(name, reason=reason, calls=calls, enterprises=enterprises)
    session.answer(made, rendering.limits([made]))


@limit.command("list")
def limit_list(
    context: typer.Context,
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that were replaced.")] = False,
) -> None:
    """Shows the limits that staff set."""
    session: Session = context.obj
    with session.client() as client:
        found = client.switches.limits(ended=ended)
    listed(session, "limits", found, rendering.limits(found))
