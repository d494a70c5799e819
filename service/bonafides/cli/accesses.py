"""The command about who was shown something of an enterprise.

bonafides access-log 91990000MA00000011 --most 20
"""

from __future__ import annotations

from typing import Annotated

import typer

from bonafides.cli import rendering_accesses as rendering
from bonafides.cli.answering import listing
from bonafides.cli.commands import Code, app


@app.command("access-log")
def access_log(
    context: typer.Context,
    code: Code,
    *,
    most: Annotated[int, typer.Option(min=1, help="How many lines at most.")] = 100,
) -> None:
    """Shows who was shown something of your enterprise.

    Platforms, integrators and staff one by one, with purpose and time; persons as counts
    of a day. To those who act for the enterprise.
    """
    listing(
        context,
        "accesses",
        lambda client: client.accesses.log(code, most=most),
        rendering.access_log,
    )
