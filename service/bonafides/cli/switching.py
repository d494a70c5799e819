"""The commands of staff against crawling: switches, canaries and limits.

bonafides switch close --interface bonafides.v1.ArchiveService --hours 2 --reason "..."
bonafides switch close --prefix 203.0.113.0/24 --reason "..."
bonafides canary mark 91990000MA0000001T
bonafides limit set platforms/1688/limit --enterprises 20000 --reason "contract 2026-1"
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import typer

from bonafides.cli import rendering_switches as rendering
from bonafides.cli.answering import answered, each_of, listing
from bonafides.cli.commands import Code, app
from bonafides.v1 import switch_pb2

# As long as the service takes it: a year.
_MOST_HOURS: Final = 8_760

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
    named = {"application": application, "key": key, "prefix": prefix}
    given = {kind: name for kind, name in named.items() if name}
    if len(given) > 1:
        raise typer.BadParameter("name one caller: --application, --key or --prefix")
    if not 0 <= hours <= _MOST_HOURS:
        raise typer.BadParameter(f"give 0 to {_MOST_HOURS} hours", param_hint="--hours")
    until = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours) if hours else None
    answered(
        context,
        lambda client: client.switches.close(
            interface,
            reason=reason,
            target=switch_pb2.Switch.Target(**given) if given else None,
            until=until,
        ),
        each_of(rendering.switches),
    )


@switch.command("open")
def switch_open(
    context: typer.Context, name: Annotated[str, typer.Argument(help="switches/UID")]
) -> None:
    """Opens what a switch closed."""
    answered(context, lambda client: client.switches.open(name), each_of(rendering.switches))


@switch.command("list")
def switch_list(
    context: typer.Context,
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that are over.")] = False,
) -> None:
    """Shows what is closed."""
    listing(
        context,
        "switches",
        lambda client: client.switches.switches(ended=ended),
        rendering.switches,
    )


@canary.command("mark")
def canary_mark(
    context: typer.Context,
    code: Code,
    *,
    off: Annotated[bool, typer.Option("--off", help="It is none any more.")] = False,
) -> None:
    """Says that a generated code is a canary: the log tells of whoever looks it up."""
    answered(
        context,
        lambda client: client.switches.set_canary(code, marked=not off),
        each_of(rendering.canaries),
    )


@canary.command("list")
def canary_list(context: typer.Context) -> None:
    """Shows the canaries."""
    listing(context, "canaries", lambda client: client.switches.canaries(), rendering.canaries)


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
    answered(
        context,
        lambda client: client.switches.set_limit(
            name, reason=reason, calls=calls, enterprises=enterprises
        ),
        lambda made: rendering.limits([made]),
    )


@limit.command("list")
def limit_list(
    context: typer.Context,
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that were replaced.")] = False,
) -> None:
    """Shows the limits that staff set."""
    listing(context, "limits", lambda client: client.switches.limits(ended=ended), rendering.limits)
