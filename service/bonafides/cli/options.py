"""The options that may stand before or after the name of any command.

`session.SHARED_FLAGS` and `session.SHARED_VALUED` name them once more; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Server = Annotated[
    str, typer.Option(envvar="BONAFIDES_SERVER", help="Address and port of the server.")
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="BONAFIDES_TOKEN",
        help="Access token. Other users of the machine see options: prefer the variable.",
    ),
]
TokenFile = Annotated[
    Path | None, typer.Option(help="File that holds the access token; wins over --token.")
]
ClientId = Annotated[
    str | None, typer.Option(help="Application that calls; it signs by --key-file.")
]
KeyFile = Annotated[Path | None, typer.Option(help="PEM file of the application's private key.")]
RootCertificates = Annotated[
    Path | None,
    typer.Option(
        envvar="BONAFIDES_ROOT_CERTIFICATES",
        help="PEM file of the certificates to trust; makes the connection TLS.",
    ),
]
Timeout = Annotated[float, typer.Option(min=0.001, max=600, help="Deadline of a call, in seconds.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document; errors too, on stderr.")
]
