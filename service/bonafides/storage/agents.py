"""Rows of integrators: links, authorizations, and the agent tokens that stand for them.

Whether an integrator acts for an enterprise is one question, `holds`: that of the
authorization, of the application and of the enterprise in one snapshot. Whoever reads or
changes something for an integrator asks it in a unit of work that is no older than what
he read, so that what an enterprise writes after it took an authorization back is never
read by it.

    agency = resolve(work, "app-1", token_index, environment="live", now=now)
    holds(work, "91990000MA0000001T", Agent("app-1", agency.uid, now))
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from bonafides.access.agents import Agency, Agent
from bonafides.archive.facts import Kind, Verification
from bonafides.instants import Instant
from bonafides.storage import tables
from bonafides.storage.archive import current_facts
from bonafides.storage.changes import APPLICATION, Change
from bonafides.storage.unit_of_work import UnitOfWork

_url: Final = tables.authorization_url.c
_given: Final = tables.integrator_authorization.c
_token: Final = tables.agent_token.c
_application: Final = tables.application.c
_enterprise: Final = tables.enterprise.c

LIVE: Final = "LIVE"
# In the sandbox an application may be tried out before it is launched.
TRIED: Final = frozenset({"TESTING", "READY", LIVE})
_ROLE: Final = "INTEGRATOR"


# --- Who acts for whom -----------------------------------------------------------------


def resolve(
    work: UnitOfWork, application: str, token_index: bytes, *, environment: str, now: Instant
) -> Agency | None:
    """Returns what the agent token stands for, if this very application acts by it now.

    None: unknown, another application's or environment's, not in force, or the
    enterprise or the application is not in a state for it.
    """
    asked = {"token_index": token_index, "client_id": application, "environment": environment}
    row = work.execute(_RESOLVE, asked).one_or_none()
    if row is None:
        return None
    agency = Agency(
        row.client_id,
        row.code,
        row.uid,
        frozenset(row.scopes.split()),
        Instant(row.expires_at),
    )
    agent = Agent(application, row.uid, now)
    return agency if holds(work, row.code, agent) else None


def holds(work: UnitOfWork, code: str, agent: Agent) -> bool:
    """Returns whether the application acts for the enterprise by this authorization.

    The authorization was exchanged and is neither over nor taken back, the application is
    an integrator and live, and the enterprise is verified.
    """
    asked = {"code": code, "uid": agent.uid, "client_id": agent.application, "now": agent.now}
    found = work.execute(_HOLDS, asked).first()
    return found is not None and is_verified(work, code, agent.now)


def is_verified(work: UnitOfWork, code: str, now: Instant) -> bool:
    """Returns whether the enterprise takes part and its verification is in force."""
    told = (recorded.fact for recorded in current_facts(work, code, Kind.VERIFICATION, ""))
    return any(
        isinstance(fact.value, Verification)
        and fact.valid_from <= now
        and (fact.valid_to is None or now < fact.valid_to)
        and now < fact.value.expires_at
        for fact in told
    )


@dataclass(frozen=True, slots=True)
class IntegratorRow:
    """What of an application is told to whoever is to authorize it."""

    client_id: str
    title: str
    description: str
    state: str


def find_integrator(work: UnitOfWork, client_id: str) -> IntegratorRow | None:
    """Returns the application, if it is an integrator's."""
    row = work.execute(
        sa.select(tables.application).where(
            _application.client_id == client_id, _application.role == _ROLE
        )
    ).one_or_none()
    if row is None:
        return None
    return IntegratorRow(row.client_id, row.name, row.description, row.state)


# --- Links -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UrlRow:
    """A link by which an integrator asks to be authorized."""

    client_id: str
    uid: str
    url_index: bytes = field(repr=False)
    scopes: tuple[str, ...]
    created_at: Instant
    expires_at: Instant


def insert_url(work: UnitOfWork, row: UrlRow) -> None:
    """Adds the link."""
    told = asdict(row) | {"scopes": " ".join(row.scopes)}
    work.execute(tables.authorization_url.insert(), told)


def find_url(work: UnitOfWork, client_id: str, uid: str) -> UrlRow | None:
    """Returns the application's own link, over or not."""
    return _one_url(work, _url.client_id == client_id, _url.uid == uid)


def open_url(work: UnitOfWork, url_index: bytes, now: Instant) -> UrlRow | None:
    """Returns the link with this code at its end; None: there is none, or it is over."""
    return _one_url(work, _url.url_index == url_index, _url.expires_at > now)


def urls_since(work: UnitOfWork, client_id: str, since: Instant) -> list[Instant]:
    """Returns when the application made links since, the oldest first."""
    found = work.execute(
        sa.select(_url.created_at)
        .where(_url.client_id == client_id, _url.created_at > since)
        .order_by(_url.created_at)
    )
    return [Instant(at) for at in found.scalars()]


# --- Authorizations --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AuthorizationRow:
    """What an enterprise let an application do. `title` is what the application is called."""

    code: str
    uid: str
    client_id: str
    scopes: tuple[str, ...]
    environment: str
    # May name a person, so it stays out of the repr and of logs.
    granted_by: str = field(repr=False)
    granted_at: Instant
    expires_at: Instant
    code_index: bytes = field(repr=False)
    code_expires_at: Instant
    exchanged_at: Instant | None = None
    revoked_at: Instant | None = None
    title: str = ""


def insert_authorization(work: UnitOfWork, row: AuthorizationRow) -> None:
    """Adds the authorization. Its application has no token for it yet."""
    told = asdict(row) | {"scopes": " ".join(row.scopes)}
    # That is the application's, and looked up with it.
    del told["title"]
    work.execute(tables.integrator_authorization.insert(), told)


def find_authorization(
    work: UnitOfWork, code: str, uid: str, *, of_application: str | None = None
) -> AuthorizationRow | None:
    """Returns the authorization; with `of_application` only if it is that one's."""
    where = [_given.code == code, _given.uid == uid]
    if of_application is not None:
        where.append(_given.client_id == of_application)
    return next(iter(_authorizations(work, *where)), None)


def of_enterprise(work: UnitOfWork, code: str) -> tuple[AuthorizationRow, ...]:
    """Returns the enterprise's authorizations, the latest first."""
    return _authorizations(work, _given.code == code)


def of_application(
    work: UnitOfWork, client_id: str, *, after: tuple[int, str], limit: int
) -> tuple[AuthorizationRow, ...]:
    """Returns authorizations of the application, the latest first, behind instant and uid.

    `after` (0, ""): from the latest on.
    """
    at, uid = after
    behind = sa.or_(_given.granted_at < at, sa.and_(_given.granted_at == at, _given.uid > uid))
    return _authorizations(
        work, _given.client_id == client_id, behind if at else sa.true(), limit=limit
    )


def exchange(
    work: UnitOfWork, client_id: str, code_index: bytes, token_index: bytes, now: Instant
) -> AuthorizationRow | None:
    """Uses the authorization code up, and puts the token in the place of earlier ones.

    None: there is no such code of this application, or it is used, over or taken back.
    Of two calls at once one gets the token.
    """
    taken = work.execute(
        sa.update(tables.integrator_authorization)
        .where(
            _given.client_id == client_id,
            _given.code_index == code_index,
            _given.exchanged_at.is_(None),
            _given.revoked_at.is_(None),
            _given.code_expires_at > now,
        )
        .values(exchanged_at=now)
        .returning(_given.code, _given.uid)
    ).one_or_none()
    if taken is None:
        return None
    work.execute(
        tables.agent_token.insert(),
        {"token_index": token_index, "client_id": client_id, "code": taken.code, "uid": taken.uid},
    )
    earlier = sa.and_(
        _given.client_id == client_id,
        _given.uid != taken.uid,
        _given.exchanged_at.is_not(None),
    )
    _end(work, taken.code, earlier, by="exchange", now=now)
    return find_authorization(work, taken.code, taken.uid)


def revoke(work: UnitOfWork, code: str, *, uid: str | None = None, by: str, now: Instant) -> None:
    """Ends one authorization of the enterprise, or all; has every process hear of it."""
    _end(work, code, sa.true() if uid is None else _given.uid == uid, by=by, now=now)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many authorizations there are, by where they stand.

    `parties`: of an application, enterprises with an active one; of an enterprise,
    applications.
    """

    granted: int
    pending: int
    active: int
    revoked: int
    expired: int
    parties: int


def count(
    work: UnitOfWork, *, code: str | None = None, client_id: str | None = None, now: Instant
) -> Counts:
    """Returns the counts of one enterprise or of one application, by the table."""
    which, party = (
        (_given.client_id == client_id, _given.code)
        if code is None
        else (_given.code == code, _given.client_id)
    )
    standing = _given.revoked_at.is_(None)
    exchanged = _given.exchanged_at.is_not(None)
    active = sa.and_(standing, exchanged, _given.expires_at > now)
    pending = sa.and_(standing, sa.not_(exchanged), _given.code_expires_at > now)
    row = work.execute(
        sa.select(
            sa.func.count(),
            *(
                sa.func.coalesce(sa.func.sum(sa.case((each, 1), else_=0)), 0)
                for each in (pending, active, sa.not_(standing))
            ),
            sa.func.count(sa.distinct(sa.case((active, party)))),
        )
        .select_from(tables.integrator_authorization)
        .where(which)
    ).one()
    granted, waiting, acting, revoked, parties = map(int, row)
    return Counts(granted, waiting, acting, revoked, granted - waiting - acting - revoked, parties)


# --- Helpers ---------------------------------------------------------------------------


def _one_url(work: UnitOfWork, *where: sa.ColumnElement[bool]) -> UrlRow | None:
    row = work.execute(sa.select(tables.authorization_url).where(*where)).one_or_none()
    if row is None:
        return None
    return UrlRow(**(row._asdict() | {"scopes": tuple(row.scopes.split())}))


def _authorizations(
    work: UnitOfWork, *where: sa.ColumnElement[bool], limit: int | None = None
) -> tuple[AuthorizationRow, ...]:
    found = work.execute(
        sa.select(tables.integrator_authorization, _application.name.label("title"))
        .join_from(
            tables.integrator_authorization,
            tables.application,
            _application.client_id == _given.client_id,
            isouter=True,
        )
        .where(*where)
        .order_by(_given.granted_at.desc(), _given.uid)
        .limit(limit)
    )
    return tuple(map(_authorization_of, found))


def _authorization_of(row: sa.Row[Any]) -> AuthorizationRow:
    return AuthorizationRow(
        row.code,
        row.uid,
        row.client_id,
        tuple(row.scopes.split()),
        row.environment,
        row.granted_by,
        Instant(row.granted_at),
        Instant(row.expires_at),
        row.code_index,
        Instant(row.code_expires_at),
        _instant(row.exchanged_at),
        _instant(row.revoked_at),
        row.title or "",
    )


def _end(
    work: UnitOfWork, code: str, which: sa.ColumnElement[bool], *, by: str, now: Instant
) -> None:
    ended = work.execute(
        sa.update(tables.integrator_authorization)
        .where(_given.code == code, _given.revoked_at.is_(None), which)
        .values(revoked_at=now, revoked_by=by)
        .returning(_given.client_id)
    ).scalars()
    _note(work, ended, now)


def _note(work: UnitOfWork, clients: Iterable[str], now: Instant) -> None:
    for client_id in sorted(set(clients)):
        work.note(Change(APPLICATION, client_id, 0, now))


def _instant(value: int | None) -> Instant | None:
    return None if value is None else Instant(value)


# Made once: building a statement takes longer than running it.
_RESOLVE: Final = (
    sa.select(_given.client_id, _given.code, _given.uid, _given.scopes, _given.expires_at)
    .join_from(
        tables.agent_token,
        tables.integrator_authorization,
        sa.and_(_given.code == _token.code, _given.uid == _token.uid),
    )
    .where(
        _token.token_index == sa.bindparam("token_index"),
        # Both say whose token it is: a row that strayed gives nothing to another.
        _token.client_id == sa.bindparam("client_id"),
        _given.client_id == sa.bindparam("client_id"),
        _given.environment == sa.bindparam("environment"),
    )
)
_HOLDS: Final = (
    sa.select(_given.uid)
    .join_from(
        tables.integrator_authorization,
        tables.application,
        _application.client_id == _given.client_id,
    )
    .join(tables.enterprise, _enterprise.code == _given.code)
    .where(
        _given.code == sa.bindparam("code"),
        _given.uid == sa.bindparam("uid"),
        _given.client_id == sa.bindparam("client_id"),
        _given.exchanged_at.is_not(None),
        _given.revoked_at.is_(None),
        _given.expires_at > sa.bindparam("now"),
        _application.role == _ROLE,
        sa.or_(
            _application.state == LIVE,
            sa.and_(_given.environment == "sandbox", _application.state.in_(sorted(TRIED))),
        ),
    )
)
