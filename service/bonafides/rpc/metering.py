"""Has each call paid for, and turned away where staff closed the way.

The pipeline asks once, when it is known that the caller may call the method and before
anything of the request is read: `enter` refuses what is closed, takes a token, and gives a
tab. The tab is charged by `Call.concerns` with each enterprise before it is looked up, so
that who has spent his budget learns of none whether it takes part.

On the event loop nothing waits: what takes the database raises ThreadWantedError, and the
call is tried again on a thread. A call pays once, however often it is tried.

    tab = meter.enter(method, caller, origin, now, waits=False)
    tab.look_up("91990000MA00000011")
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Final

import structlog

from bonafides.access import budgets, policy
from bonafides.access.budgets import Account, Budget, Limits, SetLimit
from bonafides.access.callers import ANONYMOUS, Caller, CallerKind
from bonafides.access.purses import Purses, ThreadWantedError
from bonafides.access.switches import APPLICATION, KEY, NEVER, PREFIX
from bonafides.errors import InterfaceClosedError, StoreUnavailableError
from bonafides.instants import Instant
from bonafides.storage.switches import Held, Switches

_KEY_BYTES: Final = 16
_ENTERPRISE_BYTES: Final = 8
# Peers, callers and enterprises whose digests are remembered; some hundred bytes each.
_MOST_REMEMBERED: Final = 16_384
_FORWARDED: Final = "x-forwarded-for"
_log: Final = structlog.get_logger("bonafides.budgets")

Index = Callable[[str, str], bytes]


class Tab:
    """What one call is paid from."""

    __slots__ = ("_accounts", "_alarmed", "_caller", "_meter", "_now", "_reads", "_spent", "waits")

    def __init__(
        self,
        meter: Meter,
        caller: Caller,
        accounts: tuple[Account, ...],
        now: Instant,
        *,
        reads: bool,
    ) -> None:
        self._meter: Final = meter
        self._caller: Final = caller
        self._accounts: Final = accounts
        self._now: Final = now
        self._reads: Final = reads
        self._spent = False
        # A call that is tried again on a thread alarms once.
        self._alarmed = ""
        # Whether the call may wait for the database: it is on a thread.
        self.waits = False

    def spend(self) -> None:
        """Takes the token of the call, once."""
        if not self._spent:
            self._meter.purses.spend(self._accounts, self._now, reads=self._reads, waits=self.waits)
            self._spent = True

    def spend_more(self, count: int) -> None:
        """Takes tokens for the further items of a batch: all of them, or none."""
        if count > 0:
            self._meter.purses.spend(self._accounts, self._now, calls=count, waits=self.waits)

    def look_up(self, code: str) -> None:
        """Charges with the enterprise, if the method reads."""
        if not self._reads:
            return
        held = self._meter.switches.last()
        if held.canaries and code in held.canaries and code != self._alarmed:
            self._alarmed = code
            self._meter.alarm(self._caller, self._accounts[0].key, code)
        if not budgets.is_free(self._caller, code):
            digest = self._meter.digest(code)
            self._meter.purses.look_up(self._accounts, digest, self._now, waits=self.waits)


class Meter:
    """What the pipeline is given to have calls paid for. Threads may share it.

    `index` makes keyed digests of a field's values; `trusted` are the addresses of
    proxies whose `x-forwarded-for` is believed.
    """

    def __init__(
        self,
        purses: Purses,
        switches: Switches,
        limits: Limits,
        index: Index,
        *,
        trusted: Collection[str] = (),
    ) -> None:
        self.purses: Final = purses
        self.switches: Final = switches
        self._trusted: Final = frozenset(trusted)
        self._index: Final = index
        self.digest: Final[Callable[[str], int]] = lru_cache(_MOST_REMEMBERED)(self._digest)
        self._prefix: Final = lru_cache(_MOST_REMEMBERED)(self._prefix_of)
        self._limits: Final = limits
        self._take_up({})

    def origin(self, peer: str, metadata: Iterable[Any]) -> str:
        """Returns the prefix that a call comes from."""
        prefix, believed = self._prefix(peer)
        if not believed:
            return prefix
        # The last one is the proxy's own word; those before it are the caller's.
        told = [str(value) for key, value in metadata if key == _FORWARDED]
        address = told[-1].rpartition(",")[2].strip() if told else ""
        return budgets.prefix_of_address(address) or prefix

    def enter(
        self,
        method: str,
        caller: Caller,
        origin: str,
        now: Instant,
        tab: Tab | None,
        *,
        waits: bool,
    ) -> Tab | None:
        """Returns the tab of a call, its token taken; None: it costs nothing.

        `tab` is that of an earlier try of the same call, which has paid already.

        Raises:
            InterfaceClosedError: staff closed it, to all or to this caller.
            BudgetSpentError: there is no token for it.
            ThreadWantedError: this takes the database, and the call can't wait.
            StoreUnavailableError: the same can't be reached, and the caller isn't anonymous.
        """
        # The anonymous are all one caller, and the most of all: no need to hash it.
        public = caller.kind is CallerKind.ANONYMOUS
        held = self._held(caller, waits=waits)
        if held.limits is not self._said:
            self._take_up(held.limits)
        accounts = self._public(origin) if public else self._accounts(caller, origin)
        if held.closed:
            self._require_open(held, method, _names(caller, origin, accounts), now)
        budget = policy.budget(method)
        if budget is Budget.NONE:
            return None
        if tab is None:
            tab = Tab(self, caller, accounts, now, reads=budget is Budget.READS)
        tab.waits = waits
        tab.spend()
        return tab

    def close(self, now: Instant) -> None:
        """Writes down what was charged. Without the database it is lost, which costs callers."""
        try:
            self.purses.close(now)
        except StoreUnavailableError:
            _log.warning("budgets_not_written")

    def alarm(self, caller: Caller, key: str, code: str) -> None:
        """Notes that somebody looked a canary up."""
        pseudonym = self._index("audit", code)[:_ENTERPRISE_BYTES].hex()
        _log.error("canary_looked_up", caller=caller.kind.value, key=key, enterprise=pseudonym)

    def _take_up(self, said: Mapping[str, SetLimit]) -> None:
        """Remembers accounts anew, by the limits that staff set."""
        limits = replace(self._limits, said=said)
        accounts = lru_cache(_MOST_REMEMBERED)(
            lambda caller, prefix: budgets.accounts(caller, prefix, limits, self._key)
        )
        self._said = said
        self._accounts = accounts
        self._public = lru_cache(_MOST_REMEMBERED)(partial(accounts, ANONYMOUS))

    def _held(self, caller: Caller, *, waits: bool) -> Held:
        exact = caller.kind is not CallerKind.ANONYMOUS
        held = self.switches.at_once(exact=exact)
        if held is not None:
            return held
        if not waits:
            raise ThreadWantedError
        try:
            return self.switches.read(exact=exact)
        except StoreUnavailableError:
            if exact:
                raise
            return self.switches.last()

    @staticmethod
    def _require_open(held: Held, method: str, names: Collection[str], now: Instant) -> None:
        until = held.closed.until(method, names, now)
        if until is not None:
            known = None if until == NEVER else budgets.wait_seconds(until, now)
            raise InterfaceClosedError(known)

    def _prefix_of(self, peer: str) -> tuple[str, bool]:
        """Returns the prefix of a peer, and whether it is a proxy that is believed."""
        return budgets.prefix_of(peer), budgets.address_of(peer) in self._trusted

    def _key(self, name: str) -> str:
        return self._index("budget", name)[:_KEY_BYTES].hex()

    def _digest(self, code: str) -> int:
        keyed = self._index("budget-enterprise", code)[:_ENTERPRISE_BYTES]
        return int.from_bytes(keyed, "big", signed=True)


def _names(caller: Caller, origin: str, accounts: Iterable[Account]) -> list[str]:
    """Returns what a switch may call the caller."""
    names = [f"{KEY}:{account.key}" for account in accounts]
    names.append(f"{PREFIX}:{origin}")
    if caller.application:
        names.append(f"{APPLICATION}:{caller.application}")
    return names
