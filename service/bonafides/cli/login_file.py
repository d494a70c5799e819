"""Keeps logins between commands: one file, for its owner alone, a login for each server.

The file lies in the user's folder of configuration (XDG Base Directory Specification),
mode 0600; one that others can read is refused. A token is given to the server that it was
got for and to no other, and not once it has ended.

    keep("127.0.0.1:50051", Login(token, "visitor", expires_at))
    found = of("127.0.0.1:50051")
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bonafides.cli.faults import CommandError

_NAME: Final = "logins.json"
_FOLDER_MODE: Final = 0o700
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
# A bearer token has some hundred bytes.
_MOST_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True)
class Login:
    """One login: its access token, who that is, and when it ends, seconds since 1970."""

    token: str = field(repr=False)
    who: str
    expires_at: float


def path() -> Path:
    """Returns where logins are kept."""
    named = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative one is to be ignored, says the specification.
    folder = Path(named) if named.startswith("/") else Path.home() / ".config"
    return folder / "bonafides" / _NAME


def of(server: str) -> Login | None:
    """Returns the login to the server that commands use; None: there is none.

    Raises:
        CommandError: it has ended, or the file is not fit to hold one.
    """
    login = _read().get(server)
    if login is not None and login.expires_at <= time.time():
        raise CommandError(
            f"The login to {server} has ended.",
            "Log in again: bonafides login. To go on without one: bonafides logout.",
        )
    return login


def keep(server: str, login: Login) -> None:
    """Keeps a login in place of an earlier one to the same server.

    Raises:
        CommandError: the file can't be read or written.
    """
    now = time.time()
    kept = {name: other for name, other in _read().items() if other.expires_at > now}
    _write({**kept, server: login})


def forget(server: str) -> bool:
    """Forgets the login to the server; tells whether there was one.

    Raises:
        CommandError: the file can't be read or written.
    """
    left = dict(_read())
    if left.pop(server, None) is None:
        return False
    _write(left)
    return True


def _read() -> Mapping[str, Login]:
    file = path()
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & _OTHERS:
                raise CommandError(
                    f"Others can read {file}, which holds access tokens.",
                    f"Take that from them: chmod 600 {file}; or delete it and log in again.",
                )
            document = json.loads(opened.read(_MOST_BYTES))
        return {str(server): _login(each) for server, each in document.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandError(
            f"Can't read {file}: {error.strerror}.", "Make it yours, or pass a token: --token-file."
        ) from error
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise CommandError(
            f"{file} holds no logins.", "Delete it, and log in again: bonafides login."
        ) from None


def _login(told: Any) -> Login:
    return Login(str(told["token"]), str(told["who"]), float(told["expires_at"]))


def _write(logins: Mapping[str, Login]) -> None:
    """Replaces the file in one step: it is never there by half, nor with another mode."""
    file = path()
    try:
        file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        # Made with mode 0600, whatever the mask of the process.
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{_NAME}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                json.dump({server: asdict(login) for server, login in logins.items()}, opened)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(
            f"Can't write {file}: {error.strerror}.",
            "Name a folder of yours in XDG_CONFIG_HOME, or pass a token: --token-file.",
        ) from error
