"""What can be done about integrators: ask, authorize, fetch the token, look, take back.

create_url, get_url      a link by which a live integrator asks enterprises; what it asks
authorize                an owner lets the application of a link act, scope by scope
exchange                 the integrator fetches its agent token, by the code, once
of_enterprise, of_application, statistics      who may act for whom, and how many
revoke                   an owner or staff take it back, the integrator gives it up
grant_test_enterprise    a token for a generated enterprise; in the sandbox alone
submit                   submits claims as an integrator

The way is that of OAuth's authorization code (RFC 6749, 4.1), without a browser between:
the owner hands the code over, and the application proves who it is by its own credential,
to which the code is bound. Of code and token digests are kept alone, keyed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bonafides.access import agents as rules
from bonafides.access.agents import Agent
from bonafides.errors import (
    AuthorizationStateError,
    BugError,
    CodeNotValidError,
    FieldViolation,
    IntegratorNotLiveError,
    InvalidFieldsError,
    NotFoundError,
    RateLimitedError,
)
from bonafides.identity.codes import GENERATED_REGION, UnifiedCode
from bonafides.identity.consent_operations import require_actor, require_assent, require_reader
from bonafides.identity.membership import Actor
from bonafides.identity.operations import Arrival, Desk, enter
from bonafides.identity.submission import Claims, State, SubmissionStatus, Transition
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.once import Request, require_same, uid_of
from bonafides.personal.sealing import Vault
from bonafides.storage import agents as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage import membership as member_rows
from bonafides.storage.agents import AuthorizationRow, Counts, IntegratorRow, UrlRow
from bonafides.storage.unit_of_work import UnitOfWork

# How tokens are kept; whoever looks them up (storage.agencies) makes the digest so.
AGENT_INDEX: Final = "agent_token"
_URL_INDEX: Final = "authorization_url"
_CODE_INDEX: Final = "authorization_code"
_TEST_INDEX: Final = "test_token"
# 128 bits; a code of an authorization is bound to its application beside that.
_CODE_BYTES: Final = 16
_SANDBOX: Final = "sandbox"


class Standing(enum.StrEnum):
    """Where an authorization stands. The values are names of v1's states."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Integration:
    """What is needed here. `draw` gives random bytes, as many as asked for.

    `site_url` is where links lead to, without a slash at its end.
    """

    desk: Desk
    environment: str
    site_url: str
    draw: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Link:
    """A link, and the application that asks by it. `url` empty: for others than itself."""

    row: UrlRow
    integrator: IntegratorRow
    url: str = ""


@dataclass(frozen=True, slots=True)
class Granting:
    """What an owner gives, by which request."""

    url_code: str
    scopes: Sequence[str]
    term_days: int
    request: Request


def standing(row: AuthorizationRow, now: Instant) -> Standing:
    """Returns where the authorization stands."""
    if row.revoked_at is not None:
        return Standing.REVOKED
    if row.exchanged_at is None:
        return Standing.PENDING if now < row.code_expires_at else Standing.EXPIRED
    return Standing.ACTIVE if now < row.expires_at else Standing.EXPIRED


# --- Asking ----------------------------------------------------------------------------


def create_url(
    room: Integration, client_id: str, scopes: Sequence[str], *, request: Request, now: Instant
) -> Link:
    """Makes a link by which enterprises can authorize the application; by request id once.

    Raises:
        NotFoundError: there is no such integrator.
        IntegratorNotLiveError: its application is not live.
        InvalidFieldsError: a scope doesn't exist.
        RequestIdReusedError: the request id came before with other scopes.
        RateLimitedError: too many links in 24 hours.
    """
    _require_scopes(scopes)
    vault = room.desk.vault
    # Worked out and not drawn, so that a repeated call shows the same link.
    shown = request.mark(vault, "authorization_link", client_id).seed[:_CODE_BYTES].hex()
    made = UrlRow(
        client_id,
        request.mark(vault, "authorization_link_uid", client_id).uid,
        vault.index(_URL_INDEX, shown),
        tuple(sorted(set(scopes))),
        now,
        Instant(now + rules.URL_TERM),
    )
    with room.desk.store.writing() as work:
        identity_rows.take_turns(work, f"integrator {client_id}")
        integrator = _live(work, client_id)
        known = rows.find_url(work, client_id, made.uid)
        if known is not None:
            require_same(known.scopes, made.scopes)
        else:
            since = Instant(now - DAY)
            _limit(rows.urls_since(work, client_id, since), rules.URLS_PER_DAY, now)
            rows.insert_url(work, made)
        work.commit()
    return Link(known or made, integrator, f"{room.site_url}/authorize/{shown}")


def get_url(room: Integration, url_code: str, *, now: Instant) -> Link:
    """Returns what the link asks for.

    Raises:
        NotFoundError: there is none with this code, it is over, or its application is
            not live any more.
    """
    with room.desk.store.reading() as work:
        found = _open_link(work, room, url_code, now)
    if found is None or found.integrator.state != rows.LIVE:
        raise NotFoundError
    return found


# --- Authorizing -----------------------------------------------------------------------


def authorize(
    room: Integration, actor: Actor, code: UnifiedCode, given: Granting, *, now: Instant
) -> tuple[AuthorizationRow, str]:
    """Lets the application of the link act for the enterprise; by request id once.

    Returns the authorization and the code by which the application fetches its token;
    the code is empty where it was used or is over.

    Raises:
        NotFoundError: the actor doesn't own the enterprise.
        AgreementNotCurrentError: a new version of an agreement waits for assent.
        AuthorizationStateError: the enterprise is not verified, in the sandbox not a
            generated one, or has too many open; or the application is not live.
        InvalidFieldsError: no such link, or a scope that it doesn't ask for.
        RequestIdReusedError: the request id came before with other content.
        RateLimitedError: the enterprise gave too many in 24 hours.
    """
    vault, whose = room.desk.vault, (actor.principal.name, code.text)
    uid = given.request.mark(vault, "authorization_uid", *whose).uid
    seed = given.request.mark(vault, "authorization_code_shown", *whose).seed
    shown = seed[:_CODE_BYTES].hex()
    with room.desk.store.writing() as work:
        identity_rows.take_turns(work, f"integrators of {code}")
        require_actor(work, actor, code.text)
        made = rows.find_authorization(work, code.text, uid)
        if made is None:
            require_assent(work, room.desk, code.text, now)
            link = _authorizable(work, room, code, given, now)
            made = AuthorizationRow(
                code=code.text,
                uid=uid,
                client_id=link.row.client_id,
                scopes=tuple(sorted(set(given.scopes))),
                environment=room.environment,
                granted_by=actor.principal.name,
                granted_at=now,
                expires_at=Instant(now + given.term_days * DAY),
                code_index=vault.index(_CODE_INDEX, shown),
                code_expires_at=Instant(now + rules.CODE_TERM),
                title=link.integrator.title,
            )
            rows.insert_authorization(work, made)
            member_rows.add_notice(work, code.text, "INTEGRATOR_AUTHORIZED", now)
        else:
            _require_same(work, room, made, given)
        work.commit()
    return made, shown if standing(made, now) is Standing.PENDING else ""


def exchange(
    room: Integration, client_id: str, given: str, *, now: Instant
) -> tuple[AuthorizationRow, str]:
    """Gives the agent token for an authorization code, once; earlier tokens end with it.

    Raises:
        NotFoundError: there is no such integrator.
        IntegratorNotLiveError: its application is not live.
        CodeNotValidError: no such code of this application, or it was used or is over.
    """
    token = rules.new_token(room.environment, room.draw(rules.TOKEN_BYTES))
    code_index = room.desk.vault.index(_CODE_INDEX, given)
    with room.desk.store.writing() as work:
        # Two codes for one enterprise at once: neither would see the other's token to end.
        identity_rows.take_turns(work, f"integrator {client_id}")
        _live(work, client_id)
        made = rows.exchange(work, client_id, code_index, _index(room, token), now)
        if made is None:
            raise CodeNotValidError
        work.commit()
    return made, token


def test_token(vault: Vault, client_id: str) -> str:
    """Returns the agent token of an integrator's test enterprise.

    Made from the client id under a key of this deployment, so that it can be shown again
    and nothing of it is stored but the digest that any agent token leaves.
    """
    return rules.new_token(_SANDBOX, vault.index(_TEST_INDEX, client_id))


def grant_test_enterprise(
    work: UnitOfWork, vault: Vault, client_id: str, code: UnifiedCode, *, now: Instant
) -> None:
    """Lets an integrator of the sandbox act for a generated enterprise by its test token.

    In every scope, for a year. The enterprise needn't take part yet: the token is good
    once it is verified.

    Raises:
        NotFoundError: there is no such integrator.
        BugError: the enterprise is not a generated one.
    """
    if code.region != GENERATED_REGION:
        raise BugError("a test token beside a real enterprise")
    if rows.find_integrator(work, client_id) is None:
        raise NotFoundError
    token = test_token(vault, client_id)
    code_index = vault.index(_CODE_INDEX, token)
    rows.insert_authorization(
        work,
        AuthorizationRow(
            code=code.text,
            uid=uid_of(code_index),
            client_id=client_id,
            scopes=tuple(sorted(rules.SCOPES)),
            environment=_SANDBOX,
            granted_by=_SANDBOX,
            granted_at=now,
            expires_at=Instant(now + rules.MOST_TERM_DAYS * DAY),
            code_index=code_index,
            code_expires_at=Instant(now + rules.CODE_TERM),
        ),
    )
    index = vault.index(AGENT_INDEX, token)
    if rows.exchange(work, client_id, code_index, index, now) is None:
        raise BugError("a code that is not good the moment it was made")


# --- Looking and taking back -----------------------------------------------------------


def of_enterprise(
    room: Integration, actor: Actor | None, code: str
) -> tuple[AuthorizationRow, ...]:
    """Returns the enterprise's authorizations, the latest first. `actor` None: staff.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with room.desk.store.reading() as work:
        require_reader(work, actor, code)
        return rows.of_enterprise(work, code)


def of_application(
    room: Integration, client_id: str, *, after: tuple[int, str] = (0, ""), limit: int
) -> tuple[AuthorizationRow, ...]:
    """Returns authorizations of an integrator, the latest first, behind instant and uid.

    Raises:
        NotFoundError: there is no such integrator.
    """
    with room.desk.store.reading() as work:
        if rows.find_integrator(work, client_id) is None:
            raise NotFoundError
        return rows.of_application(work, client_id, after=after, limit=limit)


def revoke(
    room: Integration, actor: Actor | None, code: str, uid: str, *, now: Instant
) -> AuthorizationRow:
    """Takes an authorization back. `actor` None: staff. The same again changes nothing.

    Raises:
        NotFoundError: no such authorization, or the actor doesn't own the enterprise.
    """
    with room.desk.store.writing() as work:
        if actor is not None:
            require_actor(work, actor, code)
        by = "staff" if actor is None else actor.principal.name
        return _revoked(work, rows.find_authorization(work, code, uid), by, now)


def give_up(
    room: Integration, client_id: str, code: str, uid: str, *, now: Instant
) -> AuthorizationRow:
    """Gives an authorization up, as the application that holds it.

    Raises:
        NotFoundError: the application holds no such authorization.
    """
    with room.desk.store.writing() as work:
        found = rows.find_authorization(work, code, uid, of_application=client_id)
        return _revoked(work, found, client_id, now)


def statistics_of_enterprise(
    room: Integration, actor: Actor | None, code: str, *, now: Instant
) -> Counts:
    """Counts the enterprise's authorizations, by the table. `actor` None: staff.

    Raises:
        NotFoundError: not the actor's enterprise.
    """
    with room.desk.store.reading() as work:
        require_reader(work, actor, code)
        return rows.count(work, code=code, now=now)


def statistics_of_application(room: Integration, client_id: str, *, now: Instant) -> Counts:
    """Counts the integrator's authorizations, by the table.

    Raises:
        NotFoundError: there is no such integrator.
    """
    with room.desk.store.reading() as work:
        if rows.find_integrator(work, client_id) is None:
            raise NotFoundError
        return rows.count(work, client_id=client_id, now=now)


# --- Acting ----------------------------------------------------------------------------


def submit(
    agent: Agent,
    desk: Desk,
    claims: Claims,
    *,
    submitter: str,
    request: Request,
    now: Instant,
) -> SubmissionStatus:
    """Takes claims in as `identity.submit` does, while the integrator acts.

    Raises:
        NotFoundError: it acts for the enterprise no more.
        BonafidesError: as of `identity.submit`.
    """

    def require(work: UnitOfWork, made: identity_rows.SubmissionRow) -> None:
        if not rows.holds(work, made.code, agent):
            raise NotFoundError

    step = Transition(State.PENDING, now, "SUBMITTED")
    arrival = Arrival(submitter, request, (step,), require)
    return enter(desk, claims, arrival, now=now)


# --- Helpers ---------------------------------------------------------------------------


def _index(room: Integration, token: str) -> bytes:
    return room.desk.vault.index(AGENT_INDEX, token)


def _live(work: UnitOfWork, client_id: str) -> IntegratorRow:
    found = rows.find_integrator(work, client_id)
    if found is None:
        raise NotFoundError
    if found.state != rows.LIVE:
        raise IntegratorNotLiveError(found.state)
    return found


def _open_link(work: UnitOfWork, room: Integration, url_code: str, now: Instant) -> Link | None:
    row = rows.open_url(work, room.desk.vault.index(_URL_INDEX, url_code), now)
    integrator = None if row is None else rows.find_integrator(work, row.client_id)
    return None if row is None or integrator is None else Link(row, integrator)


def _authorizable(
    work: UnitOfWork, room: Integration, code: UnifiedCode, given: Granting, now: Instant
) -> Link:
    """Returns the link, if the enterprise can authorize its application as it wants to."""
    _require_scopes(given.scopes)
    link = _open_link(work, room, given.url_code, now)
    if link is None:
        raise _fault("url_code", "NO_SUCH_LINK", "Ask the integrator for a new link.")
    asked = [
        FieldViolation(f"scopes[{place}]", "NOT_ASKED_FOR", "Give scopes of the link alone.")
        for place, scope in enumerate(given.scopes)
        if scope not in link.row.scopes
    ]
    if asked:
        raise InvalidFieldsError(tuple(asked))
    if room.environment == _SANDBOX and code.region != GENERATED_REGION:
        raise AuthorizationStateError("NOT_A_TEST_ENTERPRISE")
    if link.integrator.state != rows.LIVE:
        raise AuthorizationStateError("APPLICATION_NOT_LIVE")
    if not rows.is_verified(work, code.text, now):
        raise AuthorizationStateError("NOT_VERIFIED")
    known = rows.of_enterprise(work, code.text)
    open_ones = [r for r in known if standing(r, now) in {Standing.PENDING, Standing.ACTIVE}]
    if len(open_ones) >= rules.MOST_OPEN:
        raise AuthorizationStateError("TOO_MANY")
    lately = sorted(r.granted_at for r in known if r.granted_at > now - DAY)
    _limit(lately, rules.AUTHORIZATIONS_PER_DAY, now)
    return link


def _require_same(
    work: UnitOfWork, room: Integration, made: AuthorizationRow, given: Granting
) -> None:
    """Refuses another link's application, other scopes or another term than were given."""
    # The link may be over by now; it was open when the authorization was made.
    link = rows.open_url(work, room.desk.vault.index(_URL_INDEX, given.url_code), made.granted_at)
    asked = (tuple(sorted(set(given.scopes))), given.term_days * DAY)
    require_same((made.scopes, made.expires_at - made.granted_at), asked)
    require_same(made.client_id, link and link.client_id)


def _revoked(
    work: UnitOfWork, found: AuthorizationRow | None, by: str, now: Instant
) -> AuthorizationRow:
    if found is None:
        raise NotFoundError
    if found.revoked_at is not None:
        return found
    rows.revoke(work, found.code, uid=found.uid, by=by, now=now)
    member_rows.add_notice(work, found.code, "INTEGRATOR_REVOKED", now)
    ended = rows.find_authorization(work, found.code, found.uid)
    work.commit()
    if ended is None:
        raise BugError("an authorization that is gone")
    return ended


def _limit(made: Sequence[Instant], most: int, now: Instant) -> None:
    if len(made) >= most:
        raise RateLimitedError(-(-(made[-most] + DAY - now) // MICROSECONDS))


def _require_scopes(scopes: Sequence[str]) -> None:
    names = ", ".join(rules.SCOPES)
    faults = [
        FieldViolation(f"scopes[{place}]", "NO_SUCH_SCOPE", f"Name one of: {names}.")
        for place in rules.unknown(scopes)
    ]
    if faults:
        raise InvalidFieldsError(tuple(faults))


def _fault(field: str, reason: str, description: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation(field, reason, description),))
