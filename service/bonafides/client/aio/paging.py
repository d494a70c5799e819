"""Reads lists page by page, from the first one or from where a request begins.

request = ListConsentsRequest(parent="enterprises/91990000MA00000011")
async for page in pages(connection, stub.ListConsents, request): ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from bonafides.client.aio.connection import AsyncConnection, Unary


class _List(Protocol):
    """A request for one page of a list."""

    page_token: str


class _Page(Protocol):
    """One page; its token is empty where there is none behind."""

    next_page_token: str


_Asked = TypeVar("_Asked", bound=_List)
_Told = TypeVar("_Told", bound=_Page)


async def pages(
    connection: AsyncConnection, method: Unary[_Asked, _Told], request: _Asked
) -> AsyncIterator[_Told]:
    """Yields every page of a list; each is asked for when it is waited for.

    Raises:
        RemoteError: refused or failed.
    """
    while True:
        page = await connection.answer(method, request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
