"""The command that serves the website.

bonafides web --server 127.0.0.1:50051
"""

from __future__ import annotations

from typing import Annotated

import typer

from bonafides import settings as settings_rules
from bonafides.cli.commands import DataDir, Environment, app
from bonafides.cli.faults import CommandError
from bonafides.cli.session import Session, content


@app.command()
def web(
    context: typer.Context,
    *,
    listen: Annotated[
        str | None, typer.Option(help="Address and port; else BONAFIDES_WEB_LISTEN.")
    ] = None,
    sample: Annotated[
        list[str] | None, typer.Option(help="Code of an enterprise that the first page shows.")
    ] = None,
    data_dir: DataDir = None,
    environment: Environment = None,
) -> None:
    """Serves the website until SIGTERM or Ctrl-C.

    It calls the service that --server names. In a sandbox one logs in with one click; in
    live at the provider that the settings name.
    """
    session: Session = context.obj
    # What the website needs is an extra, and loaded by this command alone.
    try:
        from bonafides import website  # noqa: PLC0415
    except ImportError as error:
        raise CommandError(
            "The website's libraries are not installed.", "Install bonafides[web]."
        ) from error
    settings = settings_rules.read(web_listen=listen, data_dir=data_dir, environment=environment)
    roots = None
    if session.root_certificates is not None:
        roots = content(session.root_certificates, "--root-certificates")
    site = website.site_of(
        settings, server=session.server, root_certificates=roots, samples=sample or ()
    )
    website.serve(settings, site)
