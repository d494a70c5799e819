"""The commands about what is open for an enterprise, each one call of the client.

bonafides requirements 91990000MA00000011
"""

from __future__ import annotations

import typer

from bonafides.cli import rendering_identified as rendering
from bonafides.cli.agreeing import listed
from bonafides.cli.commands import Code, app
from bonafides.cli.session import Session


@app.command()
def requirements(context: typer.Context, code: Code) -> None:
    """Shows what you must do, and what is being checked.

    All of it to who acts for the enterprise; to others what is about their own submissions.
    """
    session: Session = context.obj
    with session.client() as client:
        found = client.identities.requirements(code)
    listed(session, "requirements", found, rendering.requirements(found))
