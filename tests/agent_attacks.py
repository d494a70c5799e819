"""Every way that we can think of to act for an enterprise without its word, as data.

Each case has an application and an enterprise of its own, tries one thing, and names the
reason for which it must be refused. `accepted` runs them all and returns the names of
those that were not refused so; it is to be empty.

    accepted(Stage(served, other))
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import grpc
import sqlalchemy as sa

from bonafides.access.agents import SCOPES, Agent
from bonafides.access.callers import Caller, CallerKind
from bonafides.client import Client, RemoteError
from bonafides.client.faults import remote_error
from bonafides.client.signed_channel import AGENT_KEY
from bonafides.errors import BonafidesError
from bonafides.identity import announcing, correction_operations, integrator_operations
from bonafides.identity.claims import read_changes, read_claims
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.corrections import Sort, Target
from bonafides.identity.integrator_operations import AGENT_INDEX
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.operations import Desk
from bonafides.instants import DAY, MICROSECONDS, Instant, to_datetime
from bonafides.once import Request
from bonafides.rpc import status
from bonafides.storage import tables
from bonafides.storage.agencies import Agents
from bonafides.v1 import (
    archive_service_pb2,
    archive_service_pb2_grpc,
    enterprise_pb2,
    rights_pb2,
)
from tests import builders, laws
from tests.integrators import (
    EVERY_SCOPE,
    application,
    at,
    authorized,
    integrator,
    owner,
    set_state,
)
from tests.serving import PATIENCE_SECONDS, Served

INVALID = "AGENT_TOKEN_INVALID"
ABSENT = "RESOURCE_NOT_FOUND"


@dataclass
class Stage:
    """A server of the sandbox, another process on its database, and numbers not used yet."""

    served: Served
    other: Served
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(7_000))

    def enterprise(self) -> UnifiedCode:
        """Returns an enterprise that takes part and is verified."""
        code = builders.code(next(self._numbers))
        builders.enroll(self.served.store, code)
        return code

    def application(self, **changes: str) -> str:
        """Returns the client id of an integrator that is live."""
        return application(self.served.store, f"app-{next(self._numbers)}", **changes)

    @property
    def desk(self) -> Desk:
        """What operations of the room are given, on the server's own database."""
        return laws.desk_of(self.served.store, self.served.vault)

    def swapped(self) -> Stage:
        """Returns the stage with the other process in front."""
        return Stage(self.other, self.served, self._numbers)

    def granted(self, client_id: str, code: UnifiedCode) -> str:
        """Returns a code that the application can exchange for a token."""
        with integrator(self.served, client_id) as asking, owner(self.served, code) as giving:
            link = asking.integrators.create_url(EVERY_SCOPE).url
            given = giving.integrators.authorize(code.text, link, EVERY_SCOPE, term_days=1)
        return given.authorization_code

    def cast(self, *scopes: str) -> Cast:
        """Returns an enterprise, an integrator, and the token by which it acts."""
        client_id, code = self.application(), self.enterprise()
        token, name = authorized(self.served, client_id, code, scopes or EVERY_SCOPE)
        return Cast(self, client_id, code, token, name)


@dataclass(frozen=True)
class Cast:
    """Who an attack is about."""

    stage: Stage
    client_id: str
    code: UnifiedCode
    token: str
    name: str

    def acts(self, call: Callable[[Client], object], *, token: str | None = None) -> None:
        """Calls as the integrator, by its agent token or another."""
        with integrator(self.stage.served, self.client_id, token or self.token) as client:
            call(client)

    def reads(self, *, token: str | None = None) -> None:
        """Reads the archive as the integrator."""
        self.acts(lambda client: client.get_archive(self.code.text), token=token)

    def revoked(self) -> None:
        """Has the owner take the authorization back."""
        with owner(self.stage.served, self.code) as client:
            client.integrators.revoke(self.name)

    def actor(self) -> Actor:
        """Returns the integrator as a room sees it that was let in before."""
        return Actor(Principal("issuer", self.client_id), agent=self.agent())

    def agent(self) -> Agent:
        """Returns the authorization by which it was let in."""
        return Agent(self.client_id, self.name.rsplit("/", 1)[1], builders.NOW)

    def raw(self, authorization: str | None, *tokens: str) -> None:
        """Reads the archive with whatever metadata."""
        metadata = [(AGENT_KEY, token) for token in tokens]
        if authorization is not None:
            metadata.append(("authorization", f"Bearer {authorization}"))
        request = archive_service_pb2.GetArchiveRequest(name=f"enterprises/{self.code}/archive")
        with grpc.insecure_channel(self.stage.served.address) as channel:
            stub = archive_service_pb2_grpc.ArchiveServiceStub(channel)
            try:
                stub.GetArchive(request, metadata=tuple(metadata), timeout=PATIENCE_SECONDS)
            except grpc.RpcError as error:
                raise remote_error(error) from error

    def own(self) -> str:
        """Returns the application's own credential."""
        served = self.stage.served
        return served.token("integrator", subject=self.client_id, application=self.client_id)


Attempt = Callable[[Stage], object]
ATTACKS: dict[str, tuple[str, Attempt]] = {}


def _attack(name: str, reason: str) -> Callable[[Attempt], Attempt]:
    def noted(attempt: Attempt) -> Attempt:
        ATTACKS[name] = (reason, attempt)
        return attempt

    return noted


# --- Another enterprise ----------------------------------------------------------------


def _of_another(call: Callable[[Client, str], object]) -> Attempt:
    def attempt(stage: Stage) -> None:
        cast, other = stage.cast(), stage.enterprise()
        cast.acts(lambda client: call(client, other.text))

    return attempt


_UID = str(uuid.UUID(int=7))
_FACT = rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind="registration"))
_CHANGES = enterprise_pb2.Amendment(email="new@example.com")
# Every method that a scope opens, as a call about an enterprise of one's choice.
CALLS: dict[str, Callable[[Client, str], object]] = {
    "ArchiveService/GetArchive": lambda client, code: client.get_archive(code),
    "RatingService/GetRating": lambda client, code: client.get_rating(code),
    "IdentityService/ListRequirements": lambda client, code: client.identities.requirements(code),
    "IdentityService/GetSubmission": lambda client, code: client.get_submission(
        f"enterprises/{code}/submissions/{_UID}"
    ),
    "IdentityService/SubmitIdentity": lambda client, code: client.submit_identity(
        builders.claims(UnifiedCode.parse(code))
    ),
    "IdentityService/AmendIdentity": lambda client, code: client.identities.amend(code, _CHANGES),
    "RightsService/ListCorrections": lambda client, code: client.rights.corrections(code),
    "RightsService/GetCorrection": lambda client, code: client.rights.correction(
        f"enterprises/{code}/corrections/{_UID}"
    ),
    "RightsService/OpenCorrection": lambda client, code: client.rights.correct(
        code, _FACT, wrong="a", right="b"
    ),
}
for _method, _call in CALLS.items():
    ATTACKS[f"token of one enterprise, {_method} of another"] = (ABSENT, _of_another(_call))


# --- Another's token, or none ----------------------------------------------------------


@_attack("token of another integrator", INVALID)
def _anothers(stage: Stage) -> None:
    mine, other = stage.cast(), stage.cast()
    mine.reads(token=other.token)


@_attack("token of another integrator for the same enterprise", INVALID)
def _anothers_same(stage: Stage) -> None:
    mine = stage.cast()
    token, _ = authorized(stage.served, stage.application(), mine.code)
    mine.reads(token=token)


@_attack("token without a credential", INVALID)
def _bare(stage: Stage) -> None:
    cast = stage.cast()
    cast.raw(None, cast.token)


@_attack("token as the credential", "CREDENTIAL_INVALID")
def _as_credential(stage: Stage) -> None:
    cast = stage.cast()
    cast.raw(cast.token)


@_attack("no token where an enterprise is meant", "AGENT_TOKEN_REQUIRED")
def _none(stage: Stage) -> None:
    cast = stage.cast()
    cast.raw(cast.own())


def _beside(kind: str) -> Attempt:
    def attempt(stage: Stage) -> None:
        cast = stage.cast()
        owns = [cast.code.text] if kind == "member" else []
        cast.raw(stage.served.token(kind, owns=owns), cast.token)

    return attempt


for _kind in ("member", "platform", "operator"):
    ATTACKS[f"token beside the credential of a {_kind}"] = (INVALID, _beside(_kind))


@_attack("token beside the credential of an application that is no integrator", INVALID)
def _acquirer(stage: Stage) -> None:
    cast = stage.cast()
    with stage.served.store.writing() as work:
        table = tables.application
        which = table.c.client_id == cast.client_id
        work.execute(sa.update(table).where(which).values(role="ACQUIRER"))
        work.commit()
    cast.reads()


@_attack("token twice", INVALID)
def _twice(stage: Stage) -> None:
    cast = stage.cast()
    cast.raw(cast.own(), cast.token, cast.token)


@_attack("token before another's", INVALID)
def _two(stage: Stage) -> None:
    cast, other = stage.cast(), stage.cast()
    cast.raw(cast.own(), cast.token, other.token)


@_attack("token that lost a character", INVALID)
def _cut(stage: Stage) -> None:
    cast = stage.cast()
    cast.reads(token=cast.token[:-1])


@_attack("token with a character more", INVALID)
def _longer(stage: Stage) -> None:
    cast = stage.cast()
    cast.reads(token=cast.token + "A")


@_attack("token of nobody", INVALID)
def _guessed(stage: Stage) -> None:
    stage.cast().reads(token="bfa_sandbox_" + "A" * 43)


@_attack("digest in place of the token", INVALID)
def _digest(stage: Stage) -> None:
    cast = stage.cast()
    digest = stage.served.vault.index(AGENT_INDEX, cast.token)
    cast.reads(token=digest.hex())


# --- Environments ----------------------------------------------------------------------


@_attack("token of the sandbox named as one of live", INVALID)
def _renamed(stage: Stage) -> None:
    cast = stage.cast()
    cast.reads(token=cast.token.replace("sandbox", "live"))


def _in_live(stage: Stage, cast: Cast, token: str) -> None:
    """Shows the token to what looks after tokens in live, even on the very same database."""
    served = stage.served
    agents = Agents(
        served.store,
        served.server.follower,
        lambda text: served.vault.index(AGENT_INDEX, text.replace("live", "sandbox")),
        "live",
    )
    caller = Caller(CallerKind.INTEGRATOR, "issuer", application=cast.client_id)
    agents.acting(caller, [token], builders.NOW)


@_attack("token of the sandbox in live", INVALID)
def _sandbox_in_live(stage: Stage) -> None:
    cast = stage.cast()
    _in_live(stage, cast, cast.token)


@_attack("token of the sandbox in live, renamed, its row copied", INVALID)
def _copied_to_live(stage: Stage) -> None:
    cast = stage.cast()
    _in_live(stage, cast, cast.token.replace("sandbox", "live"))


# --- Scopes ----------------------------------------------------------------------------


def _beyond(scope: str, call: Callable[[Client, str], object]) -> Attempt:
    def attempt(stage: Stage) -> None:
        cast = stage.cast(*(each for each in EVERY_SCOPE if each != scope))
        cast.acts(lambda client: call(client, cast.code.text))

    return attempt


for _scope in EVERY_SCOPE:
    for _method in sorted(SCOPES[_scope].methods):
        _name = _method.removeprefix("/bonafides.v1.")
        ATTACKS[f"token without {_scope}, {_name}"] = (
            "SCOPE_REQUIRED",
            _beyond(_scope, CALLS[_name]),
        )


@_attack("own affairs by a token", "SCOPE_REQUIRED")
def _own_affairs(stage: Stage) -> None:
    stage.cast().acts(lambda client: client.integrators.create_url(EVERY_SCOPE))


@_attack("own authorizations of others by a token", "SCOPE_REQUIRED")
def _own_list(stage: Stage) -> None:
    cast = stage.cast()
    cast.acts(lambda c: c.integrators.authorizations(f"enterprises/{cast.code}"))


@_attack("members by a token", "METHOD_NOT_ALLOWED")
def _members(stage: Stage) -> None:
    cast = stage.cast()
    cast.acts(lambda client: client.ownership.members(cast.code.text))


@_attack("receipt by a token", "METHOD_NOT_ALLOWED")
def _receipt(stage: Stage) -> None:
    cast = stage.cast()
    cast.acts(lambda client: client.levels.receipt(cast.code.text))


@_attack("the past by a token", "METHOD_NOT_ALLOWED")
def _past(stage: Stage) -> None:
    cast = stage.cast()
    cast.acts(lambda c: c.get_archive(cast.code.text, as_of=to_datetime(builders.NOW)))


# --- Ends ------------------------------------------------------------------------------


@_attack("token after it was taken back", INVALID)
def _after(stage: Stage) -> None:
    cast = stage.cast()
    cast.reads()
    cast.revoked()
    cast.reads()


@_attack("token after it was taken back in another process", INVALID)
def _elsewhere(stage: Stage) -> None:
    cast = stage.cast()
    # Remembered there, and fresh: that is no reason to let it pass.
    Cast(stage.swapped(), cast.client_id, cast.code, cast.token, cast.name).reads()
    cast.revoked()
    Cast(stage.swapped(), cast.client_id, cast.code, cast.token, cast.name).reads()


@_attack("token after the integrator gave it up", INVALID)
def _given_up(stage: Stage) -> None:
    cast = stage.cast()
    with integrator(stage.served, cast.client_id) as client:
        client.integrators.revoke(cast.name)
    cast.reads()


@_attack("token after staff took it back", INVALID)
def _by_staff(stage: Stage) -> None:
    cast = stage.cast()
    with stage.served.client(stage.served.token("operator", subject="staff")) as client:
        client.integrators.revoke(cast.name)
    cast.reads()


@_attack("token that a later one took the place of", INVALID)
def _superseded(stage: Stage) -> None:
    cast = stage.cast()
    authorized(stage.served, cast.client_id, cast.code, ["rating.read"])
    cast.reads()


@_attack("token whose term is over", INVALID)
def _over(stage: Stage) -> None:
    client_id, code = stage.application(), stage.enterprise()
    token, name = authorized(stage.served, client_id, code, term_days=1)
    with at(stage.served, Instant(builders.NOW + DAY)):
        Cast(stage, client_id, code, token, name).reads()


def _in_state(state: str) -> Attempt:
    def attempt(stage: Stage) -> None:
        cast = stage.cast()
        cast.reads()
        set_state(stage.served.store, cast.client_id, state)
        cast.reads()

    return attempt


for _state in ("DRAFT", "SUSPENDED", "CLOSED"):
    ATTACKS[f"token of an application that is {_state}"] = (INVALID, _in_state(_state))


@_attack("token of an enterprise that took its consent back", INVALID)
def _withdrawn(stage: Stage) -> None:
    cast = stage.cast()
    cast.reads()
    with owner(stage.served, cast.code) as client:
        client.consents.revoke(cast.code.text, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
    cast.reads()


@_attack("token of an enterprise whose verification is over", INVALID)
def _lapsed(stage: Stage) -> None:
    client_id, code = stage.application(), stage.enterprise()
    token, name = authorized(stage.served, client_id, code, term_days=365)
    with at(stage.served, Instant(builders.NOW + 364 * DAY)):
        Cast(stage, client_id, code, token, name).reads()


# --- What was let in just before the end -------------------------------------------------


@_attack("announcing after the end, let in before it", ABSENT)
def _announcing(stage: Stage) -> None:
    cast = stage.cast()
    cast.revoked()
    changes = read_changes(_CHANGES, cast.code, now=builders.NOW)
    announcing.announce(
        stage.desk,
        cast.actor(),
        cast.code,
        changes,
        request=Request(builders.request_id(), bytes(32)),
        now=builders.NOW,
    )


@_attack("submitting after the end, let in before it", ABSENT)
def _submitting(stage: Stage) -> None:
    cast = stage.cast()
    cast.revoked()
    integrator_operations.submit(
        cast.agent(),
        stage.desk,
        read_claims(builders.claims(cast.code), now=builders.NOW),
        submitter=cast.client_id,
        request=Request(builders.request_id(), bytes(32)),
        now=builders.NOW,
    )


@_attack("correcting after the end, let in before it", ABSENT)
def _correcting(stage: Stage) -> None:
    cast = stage.cast()
    cast.revoked()
    asked = correction_operations.Asked(
        Target(Sort.FACT, "", "registration", ""),
        "a",
        "b",
        b"",
        Request(builders.request_id(), bytes(32)),
    )
    correction_operations.open_case(
        stage.desk, cast.actor(), cast.code.text, asked, now=builders.NOW
    )


# --- Getting a token -------------------------------------------------------------------


@_attack("code of another integrator", "CODE_NOT_VALID")
def _anothers_code(stage: Stage) -> None:
    given = stage.granted(stage.application(), stage.enterprise())
    with integrator(stage.served, stage.application()) as thief:
        thief.integrators.exchange(given)


@_attack("code twice", "CODE_NOT_VALID")
def _code_twice(stage: Stage) -> None:
    client_id = stage.application()
    given = stage.granted(client_id, stage.enterprise())
    with integrator(stage.served, client_id) as client:
        client.integrators.exchange(given)
        client.integrators.exchange(given)


@_attack("code after ten minutes", "CODE_NOT_VALID")
def _code_late(stage: Stage) -> None:
    client_id = stage.application()
    given = stage.granted(client_id, stage.enterprise())
    with (
        at(stage.served, Instant(builders.NOW + 600 * MICROSECONDS)),
        integrator(stage.served, client_id) as client,
    ):
        client.integrators.exchange(given)


@_attack("code of an authorization that was taken back", "CODE_NOT_VALID")
def _code_revoked(stage: Stage) -> None:
    client_id, code = stage.application(), stage.enterprise()
    given = stage.granted(client_id, code)
    with owner(stage.served, code) as client:
        (name,) = (a.name for a in client.integrators.authorizations(f"enterprises/{code}"))
        client.integrators.revoke(name)
    with integrator(stage.served, client_id) as client:
        client.integrators.exchange(given)


@_attack("authorizing another's enterprise", ABSENT)
def _stranger(stage: Stage) -> None:
    client_id, code = stage.application(), stage.enterprise()
    with integrator(stage.served, client_id) as asking:
        link = asking.integrators.create_url(EVERY_SCOPE).url
    with owner(stage.served, stage.enterprise()) as stranger:
        stranger.integrators.authorize(code.text, link, EVERY_SCOPE, term_days=1)


@_attack("integrator that authorizes itself", "METHOD_NOT_ALLOWED")
def _itself(stage: Stage) -> None:
    client_id, code = stage.application(), stage.enterprise()
    with integrator(stage.served, client_id) as client:
        link = client.integrators.create_url(EVERY_SCOPE).url
        client.integrators.authorize(code.text, link, EVERY_SCOPE, term_days=1)


@_attack("scope that the link doesn't ask for", "INVALID_FIELD")
def _more_scopes(stage: Stage) -> None:
    client_id, code = stage.application(), stage.enterprise()
    with integrator(stage.served, client_id) as asking, owner(stage.served, code) as giving:
        link = asking.integrators.create_url(["archive.read"]).url
        giving.integrators.authorize(code.text, link, EVERY_SCOPE, term_days=1)


@_attack("term of more than a year", "INVALID_FIELD")
def _too_long(stage: Stage) -> None:
    client_id, code = stage.application(), stage.enterprise()
    with integrator(stage.served, client_id) as asking, owner(stage.served, code) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        giving.integrators.authorize(code.text, link, EVERY_SCOPE, term_days=366)


# --- Others' authorizations ---------------------------------------------------------------


@_attack("giving up what another integrator holds", ABSENT)
def _give_up(stage: Stage) -> None:
    cast = stage.cast()
    with integrator(stage.served, stage.application()) as client:
        client.integrators.revoke(cast.name)


@_attack("taking back what another enterprise gave", ABSENT)
def _take_back(stage: Stage) -> None:
    cast = stage.cast()
    with owner(stage.served, stage.enterprise()) as client:
        client.integrators.revoke(cast.name)


@_attack("list of another application", ABSENT)
def _list_other(stage: Stage) -> None:
    with integrator(stage.served, stage.application()) as client:
        client.integrators.authorizations(f"applications/{stage.application()}")


@_attack("list of an enterprise, as its integrator", ABSENT)
def _list_enterprise(stage: Stage) -> None:
    cast = stage.cast()
    with integrator(stage.served, cast.client_id) as client:
        client.integrators.authorizations(f"enterprises/{cast.code}")


@_attack("statistics of an enterprise, as its integrator", ABSENT)
def _count_enterprise(stage: Stage) -> None:
    cast = stage.cast()
    with integrator(stage.served, cast.client_id) as client:
        client.integrators.statistics(f"enterprises/{cast.code}")


@_attack("statistics of another application", ABSENT)
def _count_other(stage: Stage) -> None:
    with integrator(stage.served, stage.application()) as client:
        client.integrators.statistics(f"applications/{stage.application()}")


@_attack("statistics of an application, as an enterprise's owner", ABSENT)
def _count_application(stage: Stage) -> None:
    cast = stage.cast()
    with owner(stage.served, cast.code) as client:
        client.integrators.statistics(f"applications/{cast.client_id}")


def reason(stage: Stage, name: str) -> str:
    """Runs one attack; returns the reason for which it was refused, "" if it was not."""
    try:
        ATTACKS[name][1](stage)
    except RemoteError as error:
        return error.reason or error.code.name
    except BonafidesError as error:
        return status.STATUSES[type(error)][1]
    return ""


def accepted(stage: Stage) -> list[str]:
    """Runs every attack; returns the names of those that were not refused as they must be."""
    return [name for name, (wanted, _) in ATTACKS.items() if reason(stage, name) != wanted]
