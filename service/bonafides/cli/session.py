"""What every command shares: the options before it, the client, how answers go out.

`CommandLine` is the one wrapper around every command. It lets the shared options
stand before or after the command's name, turns every expected error into a message
and an exit code, and leaves unexpected ones alone. Answers go to standard output,
everything else to standard error:

    bonafides --json archive CODE      bonafides archive CODE --json
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from typer.core import TyperGroup

from bonafides.cli import faults, login_file
from bonafides.client import Client, Credentials

DEFAULT_SERVER: Final = "127.0.0.1:50051"
# Tables in a pipe or a file: as wide as a screen, not as the 80 of a teletype.
_PIPE_COLUMNS: Final = 120
SHARED_FLAGS: Final = frozenset({"--json"})
SHARED_VALUED: Final = frozenset(
    {
        "--server",
        "--token",
        "--token-file",
        "--agent-token",
        "--client-id",
        "--key-file",
        "--root-certificates",
        "--timeout",
    }
)


@dataclass(frozen=True, slots=True)
class Session:
    """The options that stand before the command."""

    server: str = DEFAULT_SERVER
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    # Of an integrator: the enterprise that it acts for.
    agent_token: str | None = field(default=None, repr=False)
    # Of an application, which calls by what it signs.
    client_id: str | None = None
    key_file: Path | None = None
    root_certificates: Path | None = None
    timeout_seconds: float = 5.0
    as_json: bool = False

    @property
    def logged_in(self) -> bool:
        """Whether calls carry a credential."""
        return self._has_credential or login_file.of(self.server) is not None

    @property
    def _has_credential(self) -> bool:
        """Whether an option names a credential; then no login is used."""
        return (self.token, self.token_file, self.client_id, self.key_file) != (None,) * 4

    def require_no_credential(self) -> None:
        """Checks that none is named, as for logging in.

        Raises:
            typer.BadParameter: one is.
        """
        if self._has_credential:
            raise typer.BadParameter(
                "A token or key is named, which comes before a login: leave --token, --token-file, "
                "--client-id, --key-file and BONAFIDES_TOKEN out."
            )

    def client(self, *, token: str | None = None) -> Client:
        """Opens a client as the options say; with a token, of who bears that.

        Raises:
            typer.BadParameter: a file that an option names can't be read.
            CommandError: the login that would be used has ended, or can't be read.
        """
        token = token or self.token
        if token is None and not self._has_credential:
            kept = login_file.of(self.server)
            token = None if kept is None else kept.token
        if self.token_file is not None:
            token = content(self.token_file, "--token-file").decode("utf-8", "replace").strip()
        roots = None
        if self.root_certificates is not None:
            roots = content(self.root_certificates, "--root-certificates")
        return Client(
            self.server,
            token=token,
            agent_token=self.agent_token,
            credentials=self.credentials(),
            root_certificates=roots,
            timeout_seconds=self.timeout_seconds,
        )

    def credentials(self) -> Credentials | None:
        """Returns the credentials of the application that calls; None: none does.

        Raises:
            typer.BadParameter: one option of the two is missing, a token stands beside
                them, or the key can't be read.
        """
        if self.client_id is None and self.key_file is None:
            return None
        if self.client_id is None or self.key_file is None:
            message = "name both --client-id and --key-file: an application signs as itself."
            raise typer.BadParameter(message)
        if self.token is not None or self.token_file is not None:
            message = "an application gets its own tokens: leave --token and --token-file out."
            raise typer.BadParameter(message, param_hint="--key-file")
        content(self.key_file, "--key-file")
        return Credentials.read(self.client_id, self.key_file)

    def answer(self, message: Message, rendered: RenderableType) -> None:
        """Prints the answer: rendered for people, or the message for programs."""
        if self.as_json:
            self.document(json_format.MessageToDict(message, preserving_proto_field_name=True))
        else:
            self.show(rendered)

    def show(self, rendered: RenderableType) -> None:
        """Prints for people."""
        console(sys.stdout).print(rendered)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Shows a bar on standard error while bytes go out, if people look at it.

        What it gives is told how many bytes are done, and of how many.
        """
        shown = not self.as_json and sys.stderr.isatty()
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=console(sys.stderr),
            transient=True,
            disable=not shown,
        )
        task = bar.add_task(what, total=None)
        with bar:
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def document(self, shown: dict[str, Any]) -> None:
        """Prints one JSON document."""
        console(sys.stdout).out(json.dumps(shown, ensure_ascii=False, indent=2), highlight=False)


class CommandLine(TyperGroup):
    """The group of all commands, wrapped: see the module.

    A context is Any: the class that the library passes here is private to it.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        args = hoisted(args)
        # The library empties the list as it reads.
        as_json = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            raise _understood(error, as_json=as_json) from error

    def invoke(self, ctx: Any) -> Any:
        as_json = bool(ctx.params.get("as_json"))
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            raise _understood(error, as_json=as_json) from error
        except faults.EXPECTED as error:
            told = faults.fault(error, str(ctx.params.get("server")))
            faults.show(told, console(sys.stderr), as_json=as_json)
            raise typer.Exit(faults.REFUSED_OR_FAILED) from error


def hoisted(args: Iterable[str]) -> list[str]:
    """Returns the arguments with the shared options moved before the command's name.

    What follows a bare "--" stays where it is.
    """
    left = list(args)
    shared: list[str] = []
    own: list[str] = []
    while left and left[0] != "--":
        argument = left.pop(0)
        if argument in SHARED_FLAGS or argument.partition("=")[0] in SHARED_VALUED:
            shared.append(argument)
            if argument in SHARED_VALUED and left:
                shared.append(left.pop(0))
        else:
            own.append(argument)
    return [*shared, *own, *left]


def content(path: Path, option: str) -> bytes:
    """Returns what the file holds.

    Raises:
        typer.BadParameter: it can't be read; the text names the option.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"can't read {path}: {error.strerror}. Name a file that is there."
        raise typer.BadParameter(message, param_hint=option) from error


def console(stream: TextIO) -> Console:
    """Returns a console on the stream, as it is at the time of the call."""
    if isinstance(stream, TextIOWrapper):
        # A terminal without Chinese shows escapes rather than a traceback.
        stream.reconfigure(errors="backslashreplace")
    fixed = "COLUMNS" in os.environ or stream.isatty()
    return Console(file=stream, width=None if fixed else _PIPE_COLUMNS, highlight=False)


def _understood(error: typer.TyperException, *, as_json: bool) -> Exception:
    """Returns what to raise for wrong usage: the library prints it for people, we for programs."""
    if not as_json:
        return error
    told = faults.usage(error.format_message())
    faults.show(told, console(sys.stderr), as_json=True)
    return typer.Exit(faults.WRONG_USAGE)
