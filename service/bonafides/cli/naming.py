"""The command that finds enterprises by name.

bonafides find 九九市百草贸易有限公司
"""

from __future__ import annotations

from typing import Annotated

import typer

from bonafides.cli.commands import app
from bonafides.cli.session import Session


@app.command()
def find(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The whole registered name.")],
) -> None:
    """Finds an enterprise by its exact registered name.

    Prints its code; several, where enterprises share the name.
    """
    session: Session = context.obj
    with session.client() as client:
        codes = client.names.look_up(name)
    if session.as_json:
        session.document({"codes": codes})
    else:
        for code in codes:
            typer.echo(code)
