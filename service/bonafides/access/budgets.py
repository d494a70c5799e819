"""Says what a caller may spend: calls by a bucket of tokens, enterprises by the day.

Nobody may crawl the register. So each call is paid from accounts, and a method's row in
access.policy says what of:

- `CALLS`: one token of each account. A bucket holds a minute's worth and fills evenly.
- `READS`: the same, and each enterprise that the call is about counts once a day in each
  account, whether such an enterprise takes part or not.
- `NONE`: nothing. Streams of records bring and don't take; staff's switches must work.

Who pays: the anonymous caller by the prefix of its address (IPv4 /24, IPv6 /56); a person
by its login and, so that many logins are worth little, by its prefix once more; a platform
by its contract; an integrator by its application, its own enterprise being free; staff by
their login, generously but not without end. Two accounts both pay or neither does.

A refusal says when to come back, and never which account or which of the two was empty.
Sources: 002 §2.2(2); 000 §6(9, 10); 001 §3.4(h, j).

    accounts(caller, "203.0.113.0/24", limits, key_of)
    prefix_of("ipv4:203.0.113.9:50000")        # "203.0.113.0/24"
"""

from __future__ import annotations

import ipaddress
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bonafides.access.callers import Caller, CallerKind
from bonafides.instants import MICROSECONDS, Day, Instant, day_of, start_of

# Over how long a bucket fills.
PERIOD: Final = 60 * MICROSECONDS
UNKNOWN_PREFIX: Final = "unknown"

_LOCAL: Final = "local"
_IPV4_BITS: Final = 24
_IPV6_BITS: Final = 56
# A process leases so much of what an account has at once; more would be lost with it.
_CALLS_SHARE: Final = 8
_MOST_CALLS_LEASED: Final = 2_000
_ENTERPRISES_SHARE: Final = 6
_MOST_ENTERPRISES_LEASED: Final = 200


class Budget(StrEnum):
    """What a method is paid with."""

    NONE = "none"
    CALLS = "calls"
    READS = "reads"


class Payer(StrEnum):
    """Whose account it is: a row of the limits."""

    ANONYMOUS = "anonymous"
    MEMBER = "member"
    # All persons of one prefix together.
    GROUP = "group"
    PLATFORM = "platform"
    INTEGRATOR = "integrator"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Limit:
    """What an account has: calls a minute, and distinct enterprises a day."""

    calls: int
    enterprises: int

    @property
    def interval(self) -> int:
        """After how many microseconds a token comes back."""
        return max(1, PERIOD // self.calls)

    @property
    def calls_block(self) -> int:
        """How many tokens a process leases at once."""
        return max(1, min(self.calls // _CALLS_SHARE, _MOST_CALLS_LEASED))

    @property
    def enterprises_block(self) -> int:
        """How many enterprises a process leases at once, while there are plenty."""
        return max(1, min(self.enterprises // _ENTERPRISES_SHARE, _MOST_ENTERPRISES_LEASED))

    def part(self, count: int) -> Limit:
        """Returns what one of `count` has who can't ask the others."""
        return Limit(max(1, self.calls // count), max(1, self.enterprises // count))


# Enterprises a day: TRUST.md gave 30 and 100 to begin with; a platform's come from its contract.
DEFAULTS: Final[Mapping[Payer, Limit]] = MappingProxyType(
    {
        Payer.ANONYMOUS: Limit(calls=300, enterprises=30),
        Payer.MEMBER: Limit(calls=600, enterprises=100),
        Payer.GROUP: Limit(calls=3_000, enterprises=500),
        Payer.PLATFORM: Limit(calls=30_000, enterprises=2_000),
        # Others than its own: what anybody may read without a login.
        Payer.INTEGRATOR: Limit(calls=3_000, enterprises=30),
        Payer.OPERATOR: Limit(calls=6_000, enterprises=2_000),
    }
)


@dataclass(frozen=True, slots=True)
class SetLimit:
    """What staff set while the service runs; None: as it is without that."""

    calls: int | None = None
    enterprises: int | None = None

    def over(self, usual: Limit) -> Limit:
        """Returns what holds where this was otherwise the limit."""
        return Limit(self.calls or usual.calls, self.enterprises or usual.enterprises)


_AS_IT_IS: Final = SetLimit()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limit of each payer: of one account before its kind, staff's before the settings."""

    payers: Mapping[Payer, Limit] = field(default_factory=lambda: DEFAULTS)
    # Enterprises a day, by the platform's name.
    contracts: Mapping[str, int] = field(default_factory=dict)
    # What staff set, by kind, or by kind, colon and name; see access.spending_limits.
    said: Mapping[str, SetLimit] = field(default_factory=dict)

    def of(self, payer: Payer, name: str = "") -> Limit:
        """Returns the limit of an account of this kind and name."""
        limit = self.said.get(payer.value, _AS_IT_IS).over(self.payers[payer])
        if payer is Payer.PLATFORM:
            limit = Limit(limit.calls, self.contracts.get(name, limit.enterprises))
        return self.said.get(f"{payer.value}:{name}", _AS_IT_IS).over(limit)


@dataclass(frozen=True, slots=True)
class Account:
    """What is paid from. `key` tells it from all others and names nobody."""

    payer: Payer
    key: str
    limit: Limit


def accounts(
    caller: Caller, prefix: str, limits: Limits, key_of: Callable[[str], str]
) -> tuple[Account, ...]:
    """Returns what the caller's calls are paid from, its own account first.

    `key_of` makes a pseudonym of the name of an account, which may name a person.
    """

    def account(payer: Payer, name: str) -> Account:
        return Account(payer, key_of(f"{payer}|{name}"), limits.of(payer, name))

    if caller.kind is CallerKind.ANONYMOUS:
        return (account(Payer.ANONYMOUS, prefix),)
    if caller.acts_for:
        return (account(Payer.INTEGRATOR, caller.application or caller.submitter),)
    if caller.kind is CallerKind.PLATFORM:
        return (account(Payer.PLATFORM, caller.platform),)
    if caller.kind is CallerKind.OPERATOR:
        return (account(Payer.OPERATOR, caller.submitter),)
    return account(Payer.MEMBER, caller.submitter), account(Payer.GROUP, prefix)


def is_free(caller: Caller, code: str) -> bool:
    """Returns whether the enterprise costs the caller nothing: the one that it acts for."""
    return bool(caller.acts_for) and caller.acts_for == code


def prefix_of(peer: str) -> str:
    """Returns the prefix of a peer as gRPC writes it; `local` for a socket of this machine."""
    address = address_of(peer)
    return address if address == _LOCAL else prefix_of_address(address) or UNKNOWN_PREFIX


def address_of(peer: str) -> str:
    """Returns the address of a peer as gRPC writes it, such as `ipv6:%5B::1%5D:50000`."""
    kind, _, rest = peer.partition(":")
    if kind == "unix":
        return _LOCAL
    return urllib.parse.unquote(rest.rpartition(":")[0]).strip("[]")


def prefix_of_address(text: str) -> str | None:
    """Returns the prefix of an address; None if it is none."""
    try:
        # A zone names an interface of this machine, and no caller.
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = _IPV4_BITS if address.version == 4 else _IPV6_BITS  # noqa: PLR2004 - the protocol's number
    return str(ipaddress.ip_network((address, bits), strict=False))


def taken(limit: Limit, full_at: Instant, now: Instant, count: int) -> Instant | None:
    """Takes tokens; returns when the bucket will be full again, None if there are too few.

    A bucket is kept as that one instant: it lacks a token for each interval until then.
    Source: the generic cell rate algorithm, ITU-T I.371.
    """
    after = Instant(max(full_at, now) + count * limit.interval)
    return after if after <= now + limit.calls * limit.interval else None


def again_at(limit: Limit, full_at: Instant, count: int) -> Instant:
    """Returns when so many tokens will be there."""
    return Instant(full_at + (count - limit.calls) * limit.interval)


def new_day_at(day: Day) -> Instant:
    """Returns when the enterprises of the day after can be spent."""
    return start_of(Day(day + 1))


def wait_seconds(until: Instant, now: Instant) -> int:
    """Returns for how long to wait, in whole seconds, at least one."""
    return max(1, -((now - until) // MICROSECONDS))


def today(now: Instant) -> Day:
    """Returns the day whose enterprises are spent: that of Shanghai."""
    return day_of(now)
