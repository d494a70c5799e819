"""Says what an integrator may do for an enterprise that authorized it, and by which token.

An integrator is an application with a credential of its own. It acts for one enterprise
at a time, by an agent token in the metadata key `bonafides-agent-token`:

1. The token is `bfa_<environment>_` and 32 random bytes. It tells nothing; what it stands
   for is looked up by its keyed digest (storage.agents): exactly one enterprise, one
   application, scopes, environment and end.
2. A scope opens the methods that stand beside it here, and no other. What is not in this
   table can't be called with an agent token, whatever the policy says.
3. Without an agent token an integrator has its own affairs alone: `OWN`.
4. Any other enterprise than the token's is not found, before anything of it is read
   (rpc.call.Call.concerns); of none other is anything shown (access.callers.audience).

    require_open("/bonafides.v1.RatingService/GetRating", caller)     # ScopeRequiredError
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bonafides.access.callers import Caller
from bonafides.errors import AgentTokenRequiredError, BugError, ScopeRequiredError
from bonafides.instants import DAY, MICROSECONDS, Instant

# 256 bits: nobody finds one by trying.
TOKEN_BYTES: Final = 32
# An enterprise looks again at least once a year.
MOST_TERM_DAYS: Final = 365
URL_TERM: Final = 30 * DAY
# As long as it takes to hand a code over (RFC 6749, 4.1.2: ten minutes at most).
CODE_TERM: Final = 10 * 60 * MICROSECONDS
# Of one enterprise, neither over nor taken back; and given by it in 24 hours.
MOST_OPEN: Final = 50
AUTHORIZATIONS_PER_DAY: Final = 20
# Links that one application makes in 24 hours.
URLS_PER_DAY: Final = 100

_TOKEN: Final = re.compile(r"bfa_(sandbox|live)_[A-Za-z0-9_-]{43}")
_V1: Final = "/bonafides.v1."


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing that an enterprise may let an integrator do. `says` is for its owner."""

    says: str
    methods: frozenset[str]


SCOPES: Final[Mapping[str, Scope]] = {
    "archive.read": Scope(
        "Read the archive, without the level and without what is personal.",
        frozenset({_V1 + "ArchiveService/GetArchive"}),
    ),
    "corrections.write": Scope(
        "Say that something in the archive is wrong, and follow what it said itself.",
        frozenset(
            {
                _V1 + "RightsService/OpenCorrection",
                _V1 + "RightsService/GetCorrection",
                _V1 + "RightsService/ListCorrections",
            }
        ),
    ),
    "identity.submit": Scope(
        "Submit the identity anew, announce changes, and follow what it submitted itself.",
        frozenset(
            {
                _V1 + "IdentityService/SubmitIdentity",
                _V1 + "IdentityService/GetSubmission",
                _V1 + "IdentityService/AmendIdentity",
            }
        ),
    ),
    "rating.read": Scope(
        "Read the level, without what it is made of.",
        frozenset({_V1 + "RatingService/GetRating"}),
    ),
    "requirements.read": Scope(
        "Read what is open for the enterprise, and until when.",
        frozenset({_V1 + "IdentityService/ListRequirements"}),
    ),
}

# What an integrator calls without an agent token: its own affairs, and what is anybody's.
OWN: Final = frozenset(
    {
        _V1 + "IntegratorService/CreateAuthorizationUrl",
        _V1 + "IntegratorService/ExchangeAuthorization",
        _V1 + "IntegratorService/ListIntegratorAuthorizations",
        _V1 + "IntegratorService/RevokeIntegrator",
        _V1 + "IntegratorService/GetIntegratorStatistics",
        _V1 + "RatingService/GetScorecard",
        _V1 + "ConsentService/ListAgreements",
    }
)

_SCOPE_OF: Final = {method: name for name, scope in SCOPES.items() for method in scope.methods}


@dataclass(frozen=True, slots=True)
class Agency:
    """What an agent token stands for: who acts for whom, in what, until when."""

    application: str
    code: str
    uid: str
    scopes: frozenset[str]
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class Agent:
    """An authorization by which something is done, to be looked at again as it is done."""

    application: str
    uid: str
    now: Instant


def require_open(method: str, caller: Caller) -> None:
    """Checks that the integrator may call the method (2, 3).

    Raises:
        AgentTokenRequiredError: it is called for an enterprise, and the caller names none.
        ScopeRequiredError: the enterprise did not give the scope that opens it, or none does.
    """
    scope = _SCOPE_OF.get(method, "")
    if not caller.acts_for:
        if method not in OWN:
            raise AgentTokenRequiredError
    elif scope not in caller.scopes:
        raise ScopeRequiredError(scope)


def new_token(environment: str, drawn: bytes) -> str:
    """Returns an agent token of these random bytes (1).

    Raises:
        BugError: there are fewer than 32.
    """
    if len(drawn) < TOKEN_BYTES:
        raise BugError("an agent token of too few bytes")
    text = base64.urlsafe_b64encode(drawn[:TOKEN_BYTES]).rstrip(b"=").decode()
    return f"bfa_{environment}_{text}"


def environment_of(token: str) -> str | None:
    """Returns the environment that the token says it is of; None: it is no agent token."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else match[1]


def unknown(scopes: Iterable[str]) -> list[int]:
    """Returns the places of the scopes that do not exist."""
    return [place for place, scope in enumerate(scopes) if scope not in SCOPES]
