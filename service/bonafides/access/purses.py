"""Holds in memory what this process may spend of each account, and spends it.

What an account has is kept by a ledger that all processes share; each leases some of it
at a time and spends that in memory. So a read asks the ledger for nothing, no two
processes spend the same, and what a process leased and did not spend is lost to the
account for the day, at most a block less one.

Which enterprises an account has seen today is remembered here as 64-bit keyed digests, so
that one read again costs nothing. What is new is written down with a later lease, and read
by whoever leases for the account for the first time of the day.

Leases are taken on a thread of their own, for all who ask at once in one unit of work. If
the ledger can't be reached, or not soon, the anonymous are given the part of their limit
that is a single process's, out of hand; everybody else is refused, or waits.

    purses.spend(accounts, now, reads=True, waits=False)
    purses.look_up(accounts, digest, now, waits=False)     # ThreadWantedError: ask again, waiting
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from bonafides.access import budgets
from bonafides.access.budgets import Account, Limit, Payer
from bonafides.errors import BudgetSpentError, StoreUnavailableError
from bonafides.instants import MICROSECONDS, Day, Instant

# Accounts that are remembered, and enterprises of all of them: some 60 bytes each.
_MOST_PURSES: Final = 20_000
_MOST_SEEN: Final = 1_000_000
# Whoever was away is asked again only after a while: a call must not wait for it each time.
_REST: Final = MICROSECONDS
# A lease can tell of tokens and of enterprises, each for two accounts.
_MOST_TRIES: Final = 4
_LONG_AGO: Final = Instant(0)
_NO_DAY: Final = Day(-1)
# Others wait as for any write: their own deadline is nearer.
_OTHERS_SECONDS: Final = 60.0
# When it is not known when there will be more.
_RETRY_SECONDS: Final = 60


class ThreadWantedError(Exception):  # not ours to tell: it never leaves the process
    """What was asked for takes the ledger, and the caller can't wait for that."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An enterprise that an account was charged with, to be written down."""

    key: str
    day: Day
    enterprise: int


@dataclass(frozen=True, slots=True)
class Want:
    """What a lease is to bring for one account, by its key."""

    key: str
    limit: Limit
    day: Day
    # Tokens; 0: none are needed.
    calls: int = 0
    # Whether an enterprise is to be leased, and whether those seen are to be told first.
    enterprises: bool = False
    first: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """What it brought. `again_at`: when tokens will be there, where there were too few."""

    calls: int = 0
    again_at: Instant = _LONG_AGO
    enterprises: int = 0
    seen: frozenset[int] = frozenset()
    # Given by this process by itself, the ledger being away.
    alone: bool = False


class Ledger(Protocol):
    """What all processes share."""

    def lease(self, wants: Sequence[Want], seen: Sequence[Seen], now: Instant) -> list[Lease]:
        """Leases for each want, and writes down what was seen, in one unit of work.

        Raises:
            StoreUnavailableError: it can't be reached; nothing was leased or written.
        """


@dataclass(slots=True)
class Purse:
    """What this process has of one account."""

    # Of what it was leased: staff may set another while the process runs.
    limit: Limit | None = None
    calls: int = 0
    # Until when there are not so many to be had: who wants as many needn't ask.
    again_at: Instant = _LONG_AGO
    lacked: int = 0
    # The day that the rest is of; -1: of none yet. `told`: the ledger said who was seen.
    day: Day = _NO_DAY
    told: bool = False
    enterprises: int = 0
    spent: bool = False
    seen: set[int] = field(default_factory=set)
    # What was given out of hand while the ledger was away.
    alone_full_at: Instant = _LONG_AGO
    alone_day: Day = _NO_DAY
    alone: int = 0

    def is_as_it_was(self, limit: Limit, day: Day) -> bool:
        """Returns whether it is of this limit still, and of this day or of none yet."""
        return self.limit is limit and (self.day == day or self.day < 0)


_Lacking = list[tuple[Account, Want]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call that waits for a lease; its future says what is lacking after it."""

    wants: Sequence[Want]
    pay: Callable[[], _Lacking]
    now: Instant
    lacking: Future[_Lacking] = field(default_factory=Future)
    # Set by who gave up waiting: what was leased for it stays for the next call.
    left: threading.Event = field(default_factory=threading.Event)

    def settle(self) -> None:
        """Pays, with the purses locked."""
        if self.left.is_set():
            return
        try:
            self.lacking.set_result(self.pay())
        except BaseException as fault:  # noqa: BLE001 - raised where it was asked for
            self.lacking.set_exception(fault)


class Purses:
    """Spends for many callers at once. Threads may share it; nothing is locked while it waits.

    `processes`: how many may share the ledger; an anonymous caller is given that part of
    its limit while it is away. `wait_seconds`: for how long such a one waits for a lease;
    who writes to SQLite may have to wait for another's turn.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        processes: int,
        wait_seconds: float,
        most: int = _MOST_PURSES,
    ) -> None:
        self._ledger: Final = ledger
        self._wait_seconds: Final = wait_seconds
        self._processes: Final = processes
        self._most: Final = most
        self._lock: Final = threading.Lock()
        self._purses: Final[OrderedDict[str, Purse]] = OrderedDict()
        self._unwritten: list[Seen] = []
        self._remembered = 0
        self._asked: list[_Asked] = []
        self._leasing = False
        self._leaser: Final = ThreadPoolExecutor(1, thread_name_prefix="budgets")
        # Until when the ledger isn't asked: for anybody, and for the public.
        self._away_until = _LONG_AGO
        self._slow_until = _LONG_AGO

    def spend(
        self,
        accounts: Sequence[Account],
        now: Instant,
        *,
        calls: int = 1,
        reads: bool = False,
        waits: bool,
    ) -> None:
        """Takes tokens of all accounts, or of none. `reads`: enterprises will be looked up.

        Raises:
            BudgetSpentError: one of them has too few.
            ThreadWantedError: some have to be leased, and the caller doesn't wait.
            StoreUnavailableError: they can't be leased, and the caller isn't anonymous.
        """
        with self._lock:
            if calls == 1 and self._is_paid(accounts, now):
                return
            lacking = self._pay_calls(accounts, calls, now, reads=reads)
        if lacking:
            pay = partial(self._pay_calls, accounts, calls, now, reads=reads)
            self._lease_and(pay, lacking, now, waits=waits)

    def look_up(
        self, accounts: Sequence[Account], enterprise: int, now: Instant, *, waits: bool
    ) -> None:
        """Charges all accounts with the enterprise, unless they were charged with it today.

        Raises:
            BudgetSpentError: one of them has seen as many as it may; none is charged.
            ThreadWantedError: as in `spend`.
            StoreUnavailableError: as in `spend`.
        """
        with self._lock:
            if self._is_seen(accounts, enterprise, now):
                return
            lacking = self._pay_enterprise(accounts, enterprise, now)
        if lacking:
            pay = partial(self._pay_enterprise, accounts, enterprise, now)
            self._lease_and(pay, lacking, now, waits=waits)

    def close(self, now: Instant) -> None:
        """Writes down what was seen. What was leased and not spent is lost.

        Raises:
            StoreUnavailableError: the ledger can't be reached.
        """
        self._leaser.shutdown()
        with self._lock:
            unwritten, self._unwritten = self._unwritten, []
        if unwritten:
            self._ledger.lease((), unwritten, now)

    def _is_paid(self, accounts: Sequence[Account], now: Instant) -> bool:
        """Takes a token of each account, if all have one at hand, as nearly always."""
        day, paid = budgets.today(now), []
        for account in accounts:
            purse = self._purses.get(account.key)
            if purse is None or purse.calls < 1 or not purse.is_as_it_was(account.limit, day):
                return False
            paid.append(purse)
        for purse in paid:
            purse.calls -= 1
        return True

    def _is_seen(self, accounts: Sequence[Account], enterprise: int, now: Instant) -> bool:
        """Returns whether all accounts were charged with the enterprise today, by this process."""
        day = budgets.today(now)
        for account in accounts:
            purse = self._purses.get(account.key)
            if purse is None or enterprise not in purse.seen:
                return False
            if not purse.is_as_it_was(account.limit, day):
                return False
        return True

    def _pay_calls(
        self, accounts: Sequence[Account], calls: int, now: Instant, *, reads: bool
    ) -> _Lacking:
        """Takes the tokens, or returns what has to be leased first."""
        day = budgets.today(now)
        lacking: _Lacking = []
        paid: list[tuple[Purse, int]] = []
        for account in accounts:
            purse = self._purse(account.key, account.limit, day)
            # A bucket never holds more: what costs more would never be paid.
            count = calls if calls == 1 else min(calls, account.limit.calls)
            if purse.calls >= count:
                paid.append((purse, count))
                continue
            if purse.again_at > now and count >= purse.lacked:
                wait = budgets.wait_seconds(purse.again_at, now)
                raise BudgetSpentError(wait, account.key)
            lacking.append((account, _want(account, purse, day, calls=count, reads=reads)))
        if not lacking:
            for purse, count in paid:
                purse.calls -= count
        return lacking

    def _pay_enterprise(
        self, accounts: Sequence[Account], enterprise: int, now: Instant
    ) -> _Lacking:
        """Charges with the enterprise, or returns what has to be leased first."""
        day = budgets.today(now)
        lacking: _Lacking = []
        charged: list[tuple[str, Purse]] = []
        for account in accounts:
            purse = self._purse(account.key, account.limit, day)
            if enterprise in purse.seen:
                continue
            if purse.enterprises > 0:
                charged.append((account.key, purse))
            elif purse.spent:
                wait = budgets.wait_seconds(budgets.new_day_at(day), now)
                raise BudgetSpentError(wait, account.key)
            else:
                lacking.append((account, _want(account, purse, day, reads=True)))
        if not lacking:
            for key, purse in charged:
                purse.enterprises -= 1
                purse.seen.add(enterprise)
                self._remembered += 1
                self._unwritten.append(Seen(key, day, enterprise))
        return lacking

    def _lease_and(
        self, pay: Callable[[], _Lacking], lacking: _Lacking, now: Instant, *, waits: bool
    ) -> None:
        """Leases what is lacking and pays; again, where a lease told that more is needed."""
        if not waits:
            raise ThreadWantedError
        public = all(account.payer is Payer.ANONYMOUS for account, _ in lacking)
        for _ in range(_MOST_TRIES):
            if now < (self._slow_until if public else self._away_until):
                break
            asked = _Asked([want for _, want in lacking], pay, now)
            self._ask(asked)
            try:
                lacking = asked.lacking.result(self._wait_seconds if public else _OTHERS_SECONDS)
            except (StoreUnavailableError, TimeoutError) as fault:
                asked.left.set()
                self._slow_until = Instant(now + _REST)
                if isinstance(fault, StoreUnavailableError):
                    self._away_until = self._slow_until
                break
            if not lacking:
                return
        if not public:
            raise StoreUnavailableError
        with self._lock:
            for _, want in lacking:
                self._fill(want, self._out_of_hand(want, now))
            lacking = pay()
        if lacking:
            raise BudgetSpentError(_RETRY_SECONDS, lacking[0][1].key)

    def _ask(self, asked: _Asked) -> None:
        """Has a lease taken, together with what others ask for meanwhile."""
        with self._lock:
            self._asked.append(asked)
            begins = not self._leasing
            self._leasing = True
        if begins:
            try:
                self._leaser.submit(self._lease_all)
            except RuntimeError:
                # Closed: the process is being stopped.
                raise StoreUnavailableError from None

    def _lease_all(self) -> None:
        """Leases until nobody asks, each time in one unit of work for all who do."""
        while True:
            with self._lock:
                asked, self._asked = self._asked, []
                unwritten, self._unwritten = self._unwritten, []
                if not asked:
                    self._unwritten = unwritten
                    self._leasing = False
                    return
            wants = [want for each in asked for want in each.wants]
            try:
                leases = self._ledger.lease(wants, unwritten, max(each.now for each in asked))
            except BaseException as fault:  # noqa: BLE001 - raised where it was asked for
                with self._lock:
                    self._unwritten = [*unwritten, *self._unwritten][-_MOST_SEEN:]
                for each in asked:
                    each.lacking.set_exception(fault)
                continue
            # Under one lock: what was leased for a call can't be spent by another.
            with self._lock:
                for want, lease in zip(wants, leases, strict=True):
                    self._fill(want, lease)
                for each in asked:
                    each.settle()

    def _out_of_hand(self, want: Want, now: Instant) -> Lease:
        """Returns what one process may give without asking."""
        purse = self._purse(want.key, want.limit, want.day)
        limit = want.limit.part(self._processes)
        calls, again_at = 0, Instant(0)
        if want.calls:
            count = min(want.calls, limit.calls)
            after = budgets.taken(limit, purse.alone_full_at, now, count)
            if after is None:
                again_at = budgets.again_at(limit, purse.alone_full_at, count)
            else:
                purse.alone_full_at, calls = after, want.calls
        if purse.alone_day != want.day:
            purse.alone_day, purse.alone = want.day, 0
        given = int(want.enterprises and purse.alone < limit.enterprises)
        purse.alone += given
        return Lease(calls, again_at, given, alone=True)

    def _fill(self, want: Want, lease: Lease) -> None:
        purse = self._purse(want.key, want.limit, want.day)
        # The longest without a lease goes first: that is near enough to the longest unused.
        self._purses.move_to_end(want.key)
        purse.calls += lease.calls
        if lease.again_at:
            purse.again_at, purse.lacked = lease.again_at, want.calls
        if not want.enterprises:
            return
        purse.day = want.day
        purse.enterprises += lease.enterprises
        if not lease.alone:
            purse.told = True
            purse.spent = not lease.enterprises
            before = len(purse.seen)
            purse.seen |= lease.seen
            self._remembered += len(purse.seen) - before

    def _purse(self, key: str, limit: Limit, day: Day) -> Purse:
        """Returns the purse of an account; what it had of another day or limit is gone."""
        purse = self._purses.get(key)
        if purse is not None:
            if purse.limit is not limit:
                if purse.limit != limit:
                    # Whom it was charged with, it was charged with under any limit.
                    purse.calls, purse.again_at, purse.lacked = 0, _LONG_AGO, 0
                    purse.enterprises, purse.spent = 0, False
                purse.limit = limit
            if purse.day != day and purse.day >= 0:
                self._empty(purse)
            return purse
        while self._purses and (len(self._purses) >= self._most or self._remembered > _MOST_SEEN):
            self._empty(self._purses.popitem(last=False)[1])
        purse = self._purses[key] = Purse(limit)
        return purse

    def _empty(self, purse: Purse) -> None:
        self._remembered -= len(purse.seen)
        purse.seen = set()
        purse.day, purse.told, purse.enterprises, purse.spent = _NO_DAY, False, 0, False


def _want(account: Account, purse: Purse, day: Day, *, calls: int = 0, reads: bool) -> Want:
    first = not purse.told
    wanted = reads and (first or (purse.enterprises == 0 and not purse.spent))
    return Want(account.key, account.limit, day, calls, wanted, wanted and first)
