"""Sets a sandbox up with sample data, serves it, and says what to try.

The first run fills the data folder: registry, rates, submissions, records, each by
the operators' script for it. A run that was interrupted is taken up where it was; a
database that holds enterprises of somebody else's is served as it is. The website runs
beside, in a process of its own. Ctrl-C or SIGTERM drains.

    python scripts/run_sandbox.py       # BONAFIDES_LISTEN, BONAFIDES_DATA_DIR and so on apply
"""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides import server
from bonafides.client import Client, ClientError
from bonafides.errors import StoreUnavailableError
from bonafides.settings import Settings, SettingsError
from bonafides.storage import identity as identity_rows
from bonafides.storage.unit_of_work import Store
from scripts import sampling

SEED: Final = 1
_SCRIPTS: Final = Path(__file__).resolve().parent
_COMPLETE: Final = "complete"
_START_SECONDS: Final = 30.0
# Where the website beside the service calls from.
_LOOPBACK: Final = ("127.0.0.1", "::1")
# Enterprises that the first page of the website shows.
_SHOWN: Final = 6
_SERVING: Final = """
Serving gRPC on {listen}{website}. Ctrl-C stops both.
"""
_INVITATION: Final = (
    _SERVING
    + """
To try in another terminal, in this folder:

  what anybody sees
    {command} archive {exemplary}{server}

  what somebody sees who is logged in (a login lasts an hour)
    {command} login{server}{keys}
    {command} level {exemplary}{server}
    {command} archive {sound}{server}

  what the enterprise itself sees: point by point
    {command} login {sound}{server}{keys}
    {command} explain {sound}{server}

Every enterprise here is generated; {registry} lists them.
"""
)


class ScriptError(Exception):
    """A script that sets up failed. The text has its name and what it printed."""


def main() -> None:
    """Sets a sandbox up and serves it until Ctrl-C or SIGTERM."""
    console = Console(stderr=True)
    settings = Settings()
    try:
        _require_sandbox(settings)
        _require_free(settings.listen, "BONAFIDES_LISTEN", "127.0.0.1:50052")
        set_up(settings, console)
        # The website calls for its visitors, each of whom has a budget of their own.
        proxies = [*settings.trusted_proxies, *_LOOPBACK]
        settings = settings.model_copy(update={"trusted_proxies": proxies})
        beside = _Beside(settings, console)
        # Beside the server, which keeps this thread for itself.
        threading.Thread(target=beside.start, daemon=True).start()
        try:
            server.serve(settings)
        finally:
            beside.stop()
    except (SettingsError, StoreUnavailableError, ScriptError) as fault:
        console.print(f"Not serving: {fault}", style="red", markup=False)
        raise typer.Exit(1) from None


def set_up(settings: Settings, console: Console) -> None:
    """Fills an empty database with sample data; one that is filled stays as it is.

    Raises:
        ScriptError: one of the scripts failed; what the others did stays.
        StoreUnavailableError: the database can't be reached.
    """
    sample = settings.data_dir / "sample"
    if (sample / _COMPLETE).exists():
        return
    if not sample.exists() and _holds_enterprises(settings):
        console.print("The database holds enterprises already: no sample data are added.")
        return
    console.print("First run: making sample data. This takes some seconds.")
    if not (sample / "README.txt").exists():
        run_script("make_sample_data.py", "--out", str(sample), "--seed", str(SEED))
    load_sample(sample)
    (sample / _COMPLETE).touch()


def load_sample(sample: Path, *, environment: Mapping[str, str] | None = None) -> None:
    """Loads a folder of sample data, by the operators' scripts. Safe to repeat.

    Raises:
        ScriptError: one of the scripts failed; what the others did stays.
    """
    for script, *arguments in (
        ("load_registry.py", sample / "registry.csv"),
        ("load_public_records.py", sample / "public_records.csv"),
        ("load_rates.py", sample / "rates.csv"),
        ("load_submissions.py", sample / "submissions.jsonl"),
        ("import_records.py", sample / "mapping.toml", sample),
        ("load_registry.py", sample / "registry_update.csv"),
    ):
        run_script(str(script), *map(str, arguments), environment=environment)


def run_script(script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Runs one of the operators' scripts and returns what it printed.

    Raises:
        ScriptError: it exited otherwise than with 0.
    """
    done = subprocess.run(  # noqa: S603 - our own script, our own arguments
        [sys.executable, str(_SCRIPTS / script), *arguments],
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ScriptError(f"{script} exited with {done.returncode}.\n{done.stdout}{done.stderr}")
    return done.stdout


def _require_sandbox(settings: Settings) -> None:
    if settings.environment != "sandbox":
        raise SettingsError(
            f"BONAFIDES_ENVIRONMENT is {settings.environment}: sample data belong in a sandbox."
            " Serve with `bonafides serve`."
        )


def _require_free(listen: str, setting: str, other: str) -> None:
    """Looks at the port before the long work, not after it."""
    host, _, port = listen.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As the server does: a port that was just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, ValueError, OverflowError):
            raise SettingsError(
                f"can't listen on {listen}: is another server running there? Stop it, or choose"
                f" another port: {setting}={other} make run"
            ) from None


def _holds_enterprises(settings: Settings) -> bool:
    store = Store(settings.url)
    try:
        store.migrate()
        with store.reading() as work:
            return bool(identity_rows.enrolled_codes(work, "", 1))
    finally:
        store.close()


class _Beside:
    """The website and the invitation, once the server answers."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._website: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._over = False

    def start(self) -> None:
        """Waits for the server, starts the website, and prints what to try."""
        settings, console = self._settings, self._console
        try:
            with Client(settings.listen) as client:
                client.wait_until_serving(_START_SECONDS)
        except ClientError:
            # The server tells by itself why it did not come up.
            return
        sampled = (settings.data_dir / "sample" / _COMPLETE).exists()
        today = dt.datetime.now(dt.UTC).date()
        shown = sampling.invent(SEED, _SHOWN, attached=0, end=today) if sampled else []
        try:
            _require_free(settings.web_listen, "BONAFIDES_WEB_LISTEN", "127.0.0.1:8081")
        except SettingsError as fault:
            console.print(f"No website: {fault}", style="yellow", markup=False)
        else:
            with self._lock:
                if not self._over:
                    self._website = _start_website(settings, [each.code.text for each in shown])
        _invite(settings, console, shown, with_website=self._website is not None)

    def stop(self) -> None:
        """Ends the website."""
        with self._lock:
            self._over = True
            if self._website is not None:
                self._website.terminate()
                self._website.wait()


def _start_website(settings: Settings, samples: list[str]) -> subprocess.Popen[bytes]:
    arguments = [part for code in samples for part in ("--sample", code)]
    called = "from bonafides.cli import app; app()"
    return subprocess.Popen(  # noqa: S603 - our own command, our own arguments
        [sys.executable, "-c", called, "--server", settings.listen, "web", *arguments],
        # Ctrl-C goes to this process, which ends it when the server has drained.
        start_new_session=True,
    )


def _invite(
    settings: Settings,
    console: Console,
    shown: Sequence[sampling.Enterprise],
    *,
    with_website: bool,
) -> None:
    """Prints what to try."""
    told = _INVITATION if shown else _SERVING
    exemplary, sound = (each.code for each in shown[:2]) if shown else ("", "")
    default = Settings.model_fields
    text = told.format(
        command=_command(),
        exemplary=exemplary,
        sound=sound,
        listen=settings.listen,
        website=f", the website on http://{settings.web_listen}" if with_website else "",
        server=""
        if settings.listen == default["listen"].default
        else f" --server {settings.listen}",
        keys=""
        if settings.data_dir == default["data_dir"].default
        else f" --data-dir {settings.data_dir}",
        registry=settings.data_dir / "sample" / "registry.csv",
    )
    # Commands are copied from here: never broken into lines.
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _command() -> str:
    """Returns how to call `bonafides` from this folder."""
    command = Path(sys.executable).parent / "bonafides"
    try:
        return str(command.relative_to(Path.cwd()))
    except ValueError:
        return str(command)


if __name__ == "__main__":
    typer.run(main)
