"""What an application is, which way its life goes, and what it needs for each step.

1. It is made by a login and stays that login's: nothing changes who made it, its role, its
   country, its product or its test currency.
2. The client id names the environment: sandbox and live are two deployments, and an
   application of one is nothing in the other.
3. In sandbox: DRAFT until it has a key, TESTING, READY once staff found its acceptance run
   passed. It is never launched there.
4. In live: DRAFT until it has a key, a signed contract and an acceptance carried over
   from the sandbox, READY, LIVE once launched.
5. SUSPENDED stops its calls at once and can be taken back; for misuse or a key that is
   known to others it loses its keys too. CLOSED is for good.

    missing_for_launch(LIVE, has_key=True, contract=False, accepted=True)   # ("CONTRACT",)
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from bonafides.instants import DAY, MICROSECONDS

SANDBOX: Final = "sandbox"
LIVE: Final = "live"

MOST_KEYS: Final = 3
# What is published of key terms ranges from months to years; two years is the longest
# that a forgotten key may stay good (cryptoperiods, NIST SP 800-57 part 1, 5.3.6).
MOST_KEY_TERM: Final = 2 * 365 * DAY
USUAL_KEY_TERM: Final = 365 * DAY
CHALLENGE_TERM: Final = 15 * 60 * MICROSECONDS
CODE_TERM: Final = 15 * 60 * MICROSECONDS
CODE_DIGITS: Final = 8
# One in twenty million for whoever guesses.
MOST_TRIES: Final = 5
ACCEPTANCE_TERM: Final = 90 * DAY
# In 24 hours. A change sends a message; the others leave rows.
APPLICATIONS_PER_DAY: Final = 10
CHALLENGES_PER_DAY: Final = 20
CHANGES_PER_DAY: Final = 5

_ID_DIGITS: Final = 32
_CLIENT_ID: Final = re.compile(r"(sandbox|live)-[0-9a-f]{32}")
_MOST_URL: Final = 500
# Printable and no blank; # is never sent, and browsers take a backslash for a slash.
_URL: Final = re.compile(rf"(?:(?![#\\])[!-~]){{1,{_MOST_URL}}}")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
# Names that stand for the machine itself or for a network that only it sees.
_INNER_NAMES: Final = ("localhost", "local", "internal", "home.arpa", "lan", "intranet")

# IPv6 that stands for an IPv4 address, which may be an inner one: mapped, NAT64, 6to4,
# Teredo (RFC 4291, 6052, 3056, 4380).
_WRAPPING: Final = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "2001::/32"))
)


class Role(enum.StrEnum):
    """Whose integration it is. The values are names of v1.ApplicationRole without prefix."""

    MERCHANT = "MERCHANT"
    ACQUIRER = "ACQUIRER"
    INTEGRATOR = "INTEGRATOR"


class Kind(enum.StrEnum):
    """Where it runs. The values are names of v1.Application.Kind without prefix."""

    WEB = "WEB"
    MOBILE = "MOBILE"
    SERVER = "SERVER"


class Product(enum.StrEnum):
    """What it integrates. The values are names of v1.Product without prefix."""

    INTEGRITY_ARCHIVE = "INTEGRITY_ARCHIVE"
    IDENTITY_AUTHENTICATION = "IDENTITY_AUTHENTICATION"
    RECORD_REPORTING = "RECORD_REPORTING"


class State(enum.StrEnum):
    """Where it stands. The values are names of v1.Application.State without prefix."""

    DRAFT = "DRAFT"
    TESTING = "TESTING"
    READY = "READY"
    LIVE = "LIVE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class Step(enum.StrEnum):
    """What is done to an application, as its steps are kept."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    KEY_REGISTERED = "KEY_REGISTERED"
    KEY_REVOKED = "KEY_REVOKED"
    CHANGE_REQUESTED = "CHANGE_REQUESTED"
    CONTRACT_RECORDED = "CONTRACT_RECORDED"
    ACCEPTED = "ACCEPTED"
    ACCEPTANCE_ISSUED = "ACCEPTANCE_ISSUED"
    LAUNCHED = "LAUNCHED"
    SUSPENDED = "SUSPENDED"
    RESUMED = "RESUMED"
    CLOSED = "CLOSED"


class Ground(enum.StrEnum):
    """Why staff suspend. The values are names of v1.SuspensionGround without prefix."""

    # Proxy credentials, another's client id, passwords asked for (agreement, 4(7)-(9)).
    MISUSE = "MISUSE"
    KEY_COMPROMISED = "KEY_COMPROMISED"
    CONTRACT_ENDED = "CONTRACT_ENDED"
    REQUESTED = "REQUESTED"


class ChangeKind(enum.StrEnum):
    """What of a live application waits for a code."""

    KEY = "KEY"
    NOTIFICATION_URL = "NOTIFICATION_URL"


# After these no key of before counts any more.
LOCKING: Final = frozenset({Ground.MISUSE, Ground.KEY_COMPROMISED})

# In which states the calls of an application are taken.
_CALLING: Final[Mapping[str, frozenset[State]]] = {
    SANDBOX: frozenset({State.TESTING, State.READY}),
    LIVE: frozenset({State.LIVE}),
}


def client_id(environment: str, digest: bytes) -> str:
    """Returns the client id that a keyed digest makes: the environment and 32 hex digits."""
    return f"{environment}-{digest.hex()[:_ID_DIGITS]}"


def is_client_id(text: str, environment: str) -> bool:
    """Tells whether this is written as a client id of this environment."""
    found = _CLIENT_ID.fullmatch(text)
    return found is not None and found[1] == environment


def may_call(environment: str, state: State) -> bool:
    """Tells whether calls of an application in this state are taken."""
    return state in _CALLING.get(environment, frozenset())


def settled(environment: str, *, has_key: bool, contract: bool, accepted: bool) -> State:
    """Returns where an application stands that was neither launched nor stopped (3, 4)."""
    if environment == SANDBOX:
        if not has_key:
            return State.DRAFT
        return State.READY if accepted else State.TESTING
    return State.READY if has_key and contract and accepted else State.DRAFT


def missing_for_launch(
    environment: str, *, has_key: bool, contract: bool, accepted: bool
) -> tuple[str, ...]:
    """Returns what a launch waits for, all at once; empty: for nothing. Source: 004 S7."""
    wanted = {
        "LIVE_DEPLOYMENT": environment == LIVE,
        "CONTRACT": contract,
        "ACCEPTANCE": accepted,
        "KEY": has_key,
    }
    return tuple(name for name, there in wanted.items() if not there)


def notification_url_fault(url: str) -> str | None:
    """Returns what is wrong with an address for notifications, with the remedy; None: nothing.

    https alone, to a public name or address, without user info and fragment. What a
    name leads to is for whoever sends to it to look at: it may change at any time.
    """
    if not _URL.fullmatch(url):
        return f"Give at most {_MOST_URL} printable ASCII characters, without blanks, # and \\."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is no URL; write it as https://host/path."
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or not host or port == 0:
        return "Notifications go by https alone; write it as https://host/path."
    if "@" in parts.netloc:
        return "Leave user and password out of the address."
    return _host_fault(host)


def _host_fault(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _name_fault(host)
    wrapped = any(address in network for network in _WRAPPING)
    if wrapped or not address.is_global or address.is_multicast:
        return "Give an address that the internet reaches, not one of an inner network."
    return None


def _name_fault(host: str) -> str | None:
    labels = host.lower().split(".")
    inner = any(host.lower() == name or host.lower().endswith(f".{name}") for name in _INNER_NAMES)
    # The last label of a public name is never a number: 2130706433, 127.1 and 0x7f.1 are
    # addresses to a resolver, and names to nobody else.
    numeric = labels[-1][:1].isdigit()
    well_formed = len(labels) > 1 and all(map(_LABEL.fullmatch, labels))
    if inner or numeric or not well_formed:
        return "Give a host name that the internet knows, such as hooks.example.com."
    return None
