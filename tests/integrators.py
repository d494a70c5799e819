"""What tests of integrators share: applications in the table, and the way to an agent token."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from bonafides.access.agents import SCOPES
from bonafides.client import Client
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.changes import APPLICATION, Change
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.serving import Served

EVERY_SCOPE = tuple(sorted(SCOPES))


def application(
    store: Store, client_id: str, *, role: str = "INTEGRATOR", state: str = "LIVE"
) -> str:
    """Puts an application into the table; returns its client id."""
    with store.writing() as work:
        work.execute(
            tables.application.insert(),
            {
                "client_id": client_id,
                "created_by": "issuer|developer",
                "role": role,
                "name": f"Application {client_id}",
                "type": "SERVER",
                "description": "Keeps the books of enterprises",
                "country": "CN",
                "product": "INTEGRITY_ARCHIVE",
                "test_currency": "CNY",
                "state": state,
                "email_sealed": b"",
                "created_at": builders.NOW,
                "updated_at": builders.NOW,
            },
        )
        work.commit()
    return client_id


def set_state(store: Store, client_id: str, state: str) -> None:
    """Sets the state of an application, and has every process hear of it."""
    with store.writing() as work:
        table = tables.application
        work.execute(sa.update(table).where(table.c.client_id == client_id).values(state=state))
        work.note(Change(APPLICATION, client_id, 0, builders.NOW))
        work.commit()


@contextlib.contextmanager
def integrator(served: Served, client_id: str, agent_token: str | None = None) -> Iterator[Client]:
    """Gives a client of the application, acting for an enterprise if it has a token."""
    own = served.token("integrator", subject=client_id, application=client_id)
    with served.client(own, agent_token) as client:
        yield client


@contextlib.contextmanager
def owner(served: Served, code: UnifiedCode) -> Iterator[Client]:
    """Gives a client of somebody who owns the enterprise."""
    with served.client(served.token(subject="owner", owns=[code.text])) as client:
        yield client


def authorized(
    served: Served,
    client_id: str,
    code: UnifiedCode,
    scopes: Sequence[str] = EVERY_SCOPE,
    *,
    term_days: int = 90,
) -> tuple[str, str]:
    """Lets the application act for the enterprise; returns its agent token, and the name."""
    with integrator(served, client_id) as asking, owner(served, code) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        given = giving.integrators.authorize(code.text, link, scopes, term_days=term_days)
        fetched = asking.integrators.exchange(given.authorization_code)
    return fetched.agent_token, fetched.authorization.name


def at(served: Served, now: Instant) -> contextlib.AbstractContextManager[None]:
    """Sets the server's clock for a while."""

    @contextlib.contextmanager
    def setting() -> Iterator[None]:
        before, served.clock.now = served.clock.now, now
        try:
            yield
        finally:
            served.clock.now = before

    return setting()
