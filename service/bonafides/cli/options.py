"""What several commands read from their options, and write to their files.

The first of them may stand before or after the name of any command.
`session.SHARED_FLAGS` and `session.SHARED_VALUED` name them once more; a test compares.

    moment_of("2026-11-22", "--since")      # the end of that day in Shanghai
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from bonafides.cli.faults import CommandError
from bonafides.instants import SHANGHAI
from bonafides.v1.purpose_pb2 import ReadPurpose

_A_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

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
AgentToken = Annotated[
    str | None,
    typer.Option(envvar="BONAFIDES_AGENT_TOKEN", help="An integrator's for one CODE."),
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
Purpose = Annotated[
    Literal["access-assessment", "authentication", "eligibility", "display-to-users"] | None,
    typer.Option(help="What a platform reads for; others name none."),
]


def purpose_of(named: str | None) -> ReadPurpose.ValueType:
    """Returns the purpose of an option; None names none."""
    word = "UNSPECIFIED" if named is None else named.replace("-", "_").upper()
    return ReadPurpose.Value(f"READ_PURPOSE_{word}")


def write(path: Path, artifact: bytes) -> None:
    """Writes the bytes to the file.

    Raises:
        CommandError: it can't be written.
    """
    try:
        path.write_bytes(artifact)
    except OSError as error:
        raise CommandError(
            f"Can't write {path}: {error.strerror}.", "Name a file in a folder that is yours."
        ) from error


def moment_of(text: str, option: str) -> dt.datetime:
    """Returns the last microsecond of a day, or a time; without an offset, in Shanghai."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} must be YYYY-MM-DD or a time in ISO 8601.") from None
    if _A_DAY.fullmatch(text):
        moment = dt.datetime.combine(moment, dt.time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
