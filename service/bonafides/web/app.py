"""Composes the site: pages in each language, login, styles, and what stands around them.

A module of pages has `PAGES`; adding one here adds its pages in every language. Pages for
who acts for an enterprise have a row in `owner_pages.LINKS`, too.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bonafides.web import (
    agreed_pages,
    amend_pages,
    chart,
    integrator_pages,
    level_pages,
    local_issuer,
    login,
    owner_pages,
    public_pages,
    rights_pages,
    submit_pages,
)
from bonafides.web.clients import Clients
from bonafides.web.doors import STATIC, Doors
from bonafides.web.fields import command_in, without_command, word
from bonafides.web.language import LANGUAGES
from bonafides.web.provider import provider_of
from bonafides.web.sessions import Sessions
from bonafides.web.site import Site
from bonafides.web.visits import Page, World, missing, route

_HERE: Final = Path(__file__).parent
_ROOM: Final = (
    public_pages,
    login,
    level_pages,
    owner_pages,
    agreed_pages,
    rights_pages,
    submit_pages,
    amend_pages,
    integrator_pages,
)
PAGES: Final[Sequence[Page]] = tuple(page for module in _ROOM for page in module.PAGES)


def app(site: Site) -> Doors:
    """Returns the site as an ASGI application."""
    world = World(site, Sessions(), Clients(site), _templates(), provider_of(site.provider))
    routes: list[Route | Mount] = [
        Mount(STATIC.rstrip("/"), StaticFiles(directory=_HERE / "static"))
    ]
    routes += login.routes(world)
    if site.signer is not None:
        callback = f"{site.origin}{login.CALLBACK}"
        issuer = local_issuer.LocalIssuer(
            site.signer, origin=site.origin, callback=callback, seconds=site.seconds
        )
        routes += issuer.routes()
    for language in LANGUAGES:
        routes += [route(page, world, language) for page in PAGES]
    inner = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _nothing_here(world)},
        lifespan=_lifespan(world),
    )
    # Outside everything, the library's own answers to our faults included.
    return Doors(
        inner,
        site=site,
        sessions=world.sessions,
        uploads=_takes_copies,
        form_targets=_form_targets(site),
    )


def _nothing_here(world: World) -> Callable[[Request, Exception], Awaitable[Response]]:
    answers = [missing(world, language) for language in LANGUAGES]

    async def answer(request: Request, error: Exception) -> Response:
        english = request.url.path.startswith("/en/") or request.url.path == "/en"
        return await answers[1 if english else 0](request, error)

    return answer


def _lifespan(world: World) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def live(_app: Starlette) -> AsyncIterator[None]:
        yield
        world.clients.close()

    return live


# The same for every site; what a template is compiled to is kept in it.
@functools.cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        # Whatever comes out of a message is text; nothing here is ever markup.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_HERE / "static" / "style.css").read_bytes()
    made.globals.update(
        style=f"{STATIC}style.css?v={hashlib.sha256(style).hexdigest()[:12]}",
        languages=LANGUAGES,
        word=word,
        without_command=without_command,
        command_in=command_in,
        links=owner_pages.LINKS,
        bar=chart.bar,
        name_of=lambda leaf: "" if leaf is None else public_pages.level_name(leaf.raw),
    )
    return made


_UPLOADS: Final = tuple(
    re.compile(re.escape(f"{language.prefix}{page.path}").replace(r"\{code:str\}", "[^/]+"))
    for page in PAGES
    if page.upload
    for language in LANGUAGES
)


def _takes_copies(path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in _UPLOADS)


def _form_targets(site: Site) -> str:
    """Returns where a form may lead besides here: the login form leads to the provider."""
    scheme, _, rest = site.provider.issuer.partition("://")
    origin = f"{scheme}://{rest.partition('/')[0]}"
    return "" if origin == site.origin else f" {origin}"
