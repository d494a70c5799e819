"""The commands about what would become of a level, each one call of the client.

bonafides advise 91990000MA00000011
bonafides simulate 91990000MA00000011 certify-on-site --on 2027-03-01
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated

import typer

from bonafides.cli import rendering_advised as rendering
from bonafides.cli.answering import answered
from bonafides.cli.commands import Code, app
from bonafides.v1 import rating_pb2

# Written as on a command line: certify-on-site.
_Step = StrEnum(  # type: ignore[misc]  # the names are the wire's
    "_Step",
    {
        name: name.removeprefix("STEP_").lower().replace("_", "-")
        for name, number in rating_pb2.Step.items()
        if number
    },
)


@app.command()
def advise(context: typer.Context, code: Code) -> None:
    """Shows what would honestly raise your level.

    The cheapest ways to the next level, each tried out with the served scorecard.
    """
    answered(context, lambda client: client.advising.advice(code), rendering.advice)


@app.command()
def simulate(
    context: typer.Context,
    code: Code,
    steps: Annotated[
        list[_Step] | None, typer.Argument(help="What is taken to be done today; none: nothing.")
    ] = None,
    *,
    on: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day of the level; else today."),
    ] = None,
) -> None:
    """Shows what level honest steps of today would lead to.

    Nothing is stored. Trade is taken to go on as it does.
    """
    numbers = [rating_pb2.Step.Value(step.name) for step in steps or ()]
    answered(
        context,
        lambda client: client.advising.simulate(code, numbers, on.date() if on else None),
        rendering.simulation,
    )
