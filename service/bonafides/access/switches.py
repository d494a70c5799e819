"""Says which calls staff have closed: an interface, a caller, or an interface to a caller.

A switch names an interface (a service such as `bonafides.v1.ArchiveService`, one method
such as `bonafides.v1.ArchiveService/GetArchive`, or none: all) and whom it is closed to
(an application by its client id, an account by its key, an address prefix, or nobody: all).
One of the two at least is named. It holds until its time, or until staff end it.

The interface by which switches are set closes only to accounts named by their key: a
switch must not keep staff from taking it back, but a stolen login is shut out.

    closed = Closed([switch])
    closed.until("/bonafides.v1.ArchiveService/GetArchive", {"prefix:203.0.113.0/24"}, now)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from bonafides.access.budgets import prefix_of_address
from bonafides.instants import DAY, Instant

# Far from now: a switch that staff end.
NEVER: Final = Instant(1 << 62)
MOST_TERM: Final = Instant(366 * DAY)

APPLICATION: Final = "application"
KEY: Final = "key"
PREFIX: Final = "prefix"

_KEY: Final = re.compile(r"[0-9a-f]{32}")
_APPLICATION: Final = re.compile(r"[!-~]{1,40}")
_OWN: Final = "bonafides.v1.SwitchService"


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch, by what it closes and to whom; empty: everything, everybody."""

    interface: str
    # application:ID, key:KEY or prefix:PREFIX.
    caller: str
    until: Instant


class Closed:
    """The switches that hold, made to be asked often. Immutable."""

    def __init__(self, switches: Iterable[Switch]) -> None:
        self._until: Final = {(each.interface, each.caller): each.until for each in switches}

    def __bool__(self) -> bool:
        return bool(self._until)

    def until(self, method: str, callers: Collection[str], now: Instant) -> Instant | None:
        """Returns until when the call is closed, the latest of all; None: it is open."""
        path = method.removeprefix("/")
        service = path.partition("/")[0]
        interfaces = ("", service, path)
        to_whom: Iterable[str] = ("", *callers)
        if service == _OWN:
            to_whom = [each for each in callers if each.startswith(f"{KEY}:")]
        found = (
            self._until.get((interface, caller), Instant(0))
            for interface in interfaces
            for caller in to_whom
        )
        last = max(found, default=Instant(0))
        return last if last > now else None


def read_caller(kind: str, name: str) -> str | None:
    """Returns whom a switch names, in its one way of writing; None if nobody is called so."""
    if kind == PREFIX:
        address, slash, _ = name.partition("/")
        prefix = prefix_of_address(address)
        # Narrower or wider ones are not told apart by budgets either.
        return f"{PREFIX}:{prefix}" if slash and prefix == name else None
    pattern = _KEY if kind == KEY else _APPLICATION
    return f"{kind}:{name}" if pattern.fullmatch(name) else None
