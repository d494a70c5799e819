"""Nobody is asked for a password: no table, no client and no command has a place for one.

That of our own mail server, which the settings name by its file, is nobody's account.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any, cast

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from bonafides import client
from bonafides.cli import app
from bonafides.storage.tables import metadata

_WORDS = ("password", "passwd", "passphrase", "passcode", "secret", "pin_code", "credentials")

pytestmark = pytest.mark.feature("I12")


def _asked(names: set[str]) -> list[str]:
    return sorted(name for name in names if any(word in name.lower() for word in _WORDS))


def test_no_column_holds_a_password() -> None:
    columns = {f"{t.name}.{c.name}" for t in metadata.tables.values() for c in t.columns}
    # The salts by which receipts name their enterprise are the service's own.
    ours = {name for name in columns if name.startswith("rating_secret.")}
    assert _asked(columns - ours) == []


def test_no_call_of_the_client_takes_a_password() -> None:
    # What an application signs by, which never leaves its machine.
    signed_by = {"credentials", "Credentials"}
    assert _asked(set(_parameters()) - signed_by) == []


def test_no_command_takes_a_password() -> None:
    assert _asked(set(_options(get_command(app)))) == []


def _parameters() -> Iterator[str]:
    for found in pkgutil.walk_packages(client.__path__, "bonafides.client."):
        module = importlib.import_module(found.name)
        for name, member in inspect.getmembers(module):
            if inspect.isfunction(member):
                yield from inspect.signature(member).parameters
            elif inspect.isclass(member) and member.__module__.startswith("bonafides.client"):
                for _, method in inspect.getmembers(member, inspect.isfunction):
                    yield from inspect.signature(method).parameters
                yield name


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
        yield parameter.name or ""
    if hasattr(command, "commands"):
        for each in cast("TyperGroup", command).commands.values():
            yield from _options(each)
