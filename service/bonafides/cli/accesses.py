"""The command about who was shown something of an enterprise.

bonafides access-log 91990000MA00000011 --most 20
"""

from __future__ import annotations

from typing import Annotated

import typer

from bonafides.cli import rendering_accesses as rendering
from bonafides.cli.agreeing import listed
from bonafides.cli.commands import Code, app
from bonafides.cli.session import Session


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
    session: Session = context.obj
    with session.client() as client:
        found = client.accesses.log(code, most=most)
    listed(session, "accesses", found, rendering.access_log(found))
