"""Says how a server is reached, and by which metadata a caller is known: for both clients.

Rules:
- only what `repeating` allows is tried again, with growing pauses, inside the deadline;
- plaintext goes to loopback alone; anywhere else the connection is TLS, checked
  against the root certificates that the caller names;
- the token stands in no error.

Pure: no channel is opened here.

    require_safe("127.0.0.1:50051", None)
    metadata = (*authorization(token), *beside(agent_token=None, forwarded_for=None))
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any, Final

from bonafides.client import repeating
from bonafides.client.faults import InsecureTargetError, TokenUnusableError
from bonafides.client.signed_channel import AGENT_KEY
from bonafides.client.signing import Credentials

DEFAULT_TIMEOUT_SECONDS: Final = 5.0
# That by which a proxy names the address that it calls for; believed of known ones alone.
FORWARDED_KEY: Final = "x-forwarded-for"
# Four attempts take 0.7 s of pauses at most: inside the default deadline.
_SERVICE_CONFIG: Final = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            },
            {"name": repeating.names()},
        ]
    }
)
_OPTIONS: Final = (
    ("grpc.service_config", _SERVICE_CONFIG),
    # A server that restarts is found again at once, not after the library's second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
# An http_proxy variable would carry plaintext, and the token in it, off the machine.
_PLAINTEXT_OPTIONS: Final = (*_OPTIONS, ("grpc.enable_http_proxy", 0))

# One address of one machine; a list of addresses does not match.
_HOST: Final = re.compile(r"(?:dns:///|ipv4:|ipv6:)?(?:\[([^]]+)\]|([^]\[:,/]+))(?::\d+)?")


def authorization(token: str | None) -> tuple[tuple[str, str], ...]:
    """Returns the metadata that carry the token; None is the anonymous caller.

    Raises:
        TokenUnusableError: the token can't stand in a header.
    """
    return () if token is None else (("authorization", f"Bearer {_usable(token)}"),)


def beside(*, agent_token: str | None, forwarded_for: str | None) -> tuple[tuple[str, str], ...]:
    """Returns the metadata that say for whom a call is made, beside who makes it.

    `agent_token` names the enterprise that an integrator acts for; `forwarded_for` is the
    address of whom a proxy calls for.

    Raises:
        TokenUnusableError: the token can't stand in a header.
    """
    acting = () if agent_token is None else ((AGENT_KEY, _usable(agent_token)),)
    told = () if forwarded_for is None else ((FORWARDED_KEY, forwarded_for),)
    return (*acting, *told)


def text_of(trailers: Any) -> dict[str, str]:
    """Returns the texts among the trailing metadata of a call."""
    return {key: value for key, value in trailers or () if isinstance(value, str)}


def require_safe(target: str, root_certificates: bytes | None) -> None:
    """Raises unless what goes to the target goes by TLS, or stays on this machine.

    Raises:
        InsecureTargetError: no root certificates, and not loopback.
    """
    if root_certificates is None and not _is_loopback(target):
        raise InsecureTargetError(target)


def options(
    root_certificates: bytes | None, credentials: Credentials | None
) -> tuple[tuple[str, str | int], ...]:
    """Returns the options of a channel."""
    base = _OPTIONS if root_certificates is not None else _PLAINTEXT_OPTIONS
    # What is tried again is signed again: not by the library.
    return base if credentials is None else (*base, ("grpc.enable_retries", 0))


def _usable(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenUnusableError
    return token


def _is_loopback(target: str) -> bool:
    """Tells whether every address of the target is this machine's own.

    Names other than localhost are not looked up: who answers for them may change
    between the look and the call.
    """
    match = _HOST.fullmatch(target)
    if match is None:
        return False
    host = match[1] or match[2]
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
