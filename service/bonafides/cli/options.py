"""What several commands read from their options, and write to their files.

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
