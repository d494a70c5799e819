"""A body is bounded as it comes, whatever it says of its length."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from bonafides.web.doors import TooLargeError, _bounded


def taken(*parts: int, most: int) -> int:
    """Returns how many bytes of the parts are let through."""
    coming = iter([{"type": "http.request", "body": bytes(part)} for part in parts])

    async def receive() -> Message:
        return next(coming)

    async def all_of_them() -> int:
        bounded = _bounded(receive, most)
        return sum([len((await bounded())["body"]) for _ in parts])

    return asyncio.run(all_of_them())


def test_body_of_the_largest_size_is_let_through() -> None:
    assert taken(6, 4, most=10) == 10


def test_body_that_comes_longer_is_cut_off() -> None:
    with pytest.raises(TooLargeError):
        taken(6, 5, most=10)
