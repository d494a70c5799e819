"""The command by which an application gets an access token to use elsewhere.

bonafides access-token --client-id sandbox-... --key-file app.pem > app.token
"""

from __future__ import annotations

import typer

from bonafides.cli.commands import app
from bonafides.cli.faults import CommandError
from bonafides.cli.session import Session


@app.command()
def access_token(context: typer.Context) -> None:
    """Gets an access token for an application, by its signature.

    It is good for reading, for an hour. Commands get their own by the same options.
    """
    session: Session = context.obj
    if session.credentials() is None:
        raise CommandError(
            "No application is named.", "Give --client-id and --key-file of the application."
        )
    with session.client() as client:
        token, ends_at = client.access_token()
    if session.as_json:
        session.document({"token": token, "expires": ends_at.isoformat()})
    else:
        typer.echo(token)
