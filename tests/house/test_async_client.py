"""The client for an event loop is the equal of the other one, call by call."""

from __future__ import annotations

import ast
import asyncio
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from bonafides.client import Client
from bonafides.client.aio import AsyncClient
from scripts import unasync
from tests.asking import methods

# Asks nobody.
_LOCAL: Final = {"last_revision"}
# For stubs, which `Client` has no need of.
_BESIDE: Final = {"call", "channel"}
_NOWHERE: Final = "127.0.0.1:1"
_WRITTEN: Final = list(unasync.written())


@pytest.mark.parametrize(("file", "text"), _WRITTEN, ids=[file.name for file, _ in _WRITTEN])
def test_module_is_made_of_the_asynchronous_one(file: Path, text: str) -> None:
    # After a change: python scripts/unasync.py
    assert _meaning(file.read_text(encoding="utf-8")) == _meaning(text)


def test_every_module_has_its_other_one() -> None:
    asynchronous = {file.name for file in (unasync.CLIENT / "aio").glob("*.py")}
    made = {file.name for file, _ in _WRITTEN}
    noted = {
        file.name
        for file in unasync.CLIENT.glob("*.py")
        if "scripts/unasync.py" in file.read_text(encoding="utf-8").partition("\n")[0]
    }
    assert asynchronous - unasync.BY_HAND == made == noted
    assert all((unasync.CLIENT / name).is_file() for name in unasync.BY_HAND)


def test_every_call_is_there_on_an_event_loop_with_the_same_parameters() -> None:
    blocking, awaited = _clients()
    areas = _areas(blocking)
    assert areas
    assert areas == _areas(awaited)
    for area in ["", *areas]:
        one, other = (_calls(getattr(each, area, each)) for each in (blocking, awaited))
        assert set(other) - set(one) == (set() if area else _BESIDE), area
        assert set(one) <= set(other), area
        for name, call in one.items():
            assert _told(call) == _told(other[name]), (area, name)


def test_every_call_on_an_event_loop_is_awaited() -> None:
    _, awaited = _clients()
    for area in ["", *_areas(awaited)]:
        for name, call in _calls(getattr(awaited, area, awaited)).items():
            waits = inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
            assert waits == (name not in _LOCAL | {"channel"}), (area, name)


def test_every_method_of_the_service_has_a_call() -> None:
    # A token is got by the channel itself.
    own = {"ExchangeAssertion"}
    named = {
        node.attr
        for file in (unasync.CLIENT / "aio").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert {name.rpartition("/")[2] for name in methods()} - named == own


def test_both_clients_are_opened_alike() -> None:
    one, other = (inspect.signature(each).parameters.values() for each in (Client, AsyncClient))
    # A token may be what gives one, where it can be waited for.
    assert [(each.name, each.kind, each.default) for each in one] == [
        (each.name, each.kind, each.default) for each in other
    ]


def _clients() -> tuple[Client, AsyncClient]:
    async def opened() -> AsyncClient:
        async with AsyncClient(_NOWHERE) as client:
            return client

    with Client(_NOWHERE) as client:
        return client, asyncio.run(opened())


def _areas(client: object) -> list[str]:
    return sorted(name for name in vars(client) if not name.startswith("_"))


def _calls(area: object) -> dict[str, Any]:
    kind = type(area)
    return {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}


def _told(call: Callable[..., Any]) -> tuple[str, ...]:
    """Returns parameters and answers of a call, of each way to call it, less `await`."""
    ways = (call, *typing.get_overloads(call))
    return tuple(unasync.without_await(str(inspect.signature(way))) for way in ways)


def _meaning(text: str) -> tuple[list[str], list[str], list[str]]:
    """Returns the imports of a module in any order, the rest of it, and its comments."""
    imported, rest = [], []
    for each in ast.parse(text).body:
        if isinstance(each, ast.Import | ast.ImportFrom):
            each.names.sort(key=lambda name: name.name)
            imported.append(ast.dump(each))
        else:
            rest.append(ast.dump(each))
    comments = [line.strip() for line in text.splitlines() if line.strip().startswith("#")]
    return sorted(imported), rest, comments
