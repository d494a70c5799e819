"""The commands about how a level came about over time.

bonafides levels 91990000MA00000011
bonafides receipt 91990000MA00000011 --output receipt.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bonafides.cli import rendering_levels as rendering
from bonafides.cli.answering import listing
from bonafides.cli.commands import Code, app
from bonafides.cli.options import moment_of, write
from bonafides.cli.session import Session


@app.command()
def levels(context: typer.Context, code: Code) -> None:
    """Shows the history of an enterprise's level.

    Step by step, with the cause and the facts that changed; to the enterprise itself and
    to staff.
    """
    listing(context, "ratings", lambda client: client.levels.history(code), rendering.history)


@app.command()
def receipt(
    context: typer.Context,
    code: Code,
    *,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="Of the level at the end of this day in Shanghai, YYYY-MM-DD, or at this time "
            "in ISO 8601."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the document, canonical JSON, to this file.")
    ] = None,
) -> None:
    """Shows the receipt of an enterprise's level.

    With it and the public scorecard anybody can recompute the level:
    scripts/check_receipt.py. To the enterprise itself and to staff.
    """
    session: Session = context.obj
    moment = None if as_of is None else moment_of(as_of, "--as-of")
    with session.client() as client:
        told = client.levels.receipt(code, as_of=moment)
    if output is not None:
        write(output, told.document)
    session.answer(told, rendering.receipt(told))
