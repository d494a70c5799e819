"""What a caller may spend: who pays, from which bucket, and what a process remembers of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.access import budgets, spending_limits
from bonafides.access.budgets import DEFAULTS, Account, Limit, Limits, Payer, SetLimit
from bonafides.access.callers import ANONYMOUS, Caller, CallerKind
from bonafides.access.purses import Lease, Purses, Seen, ThreadWantedError, Want
from bonafides.errors import BudgetSpentError, StoreUnavailableError
from bonafides.instants import DAY, HOUR, MICROSECONDS, Instant, day_of, start_of
from tests import builders
from tests.searching import examples

NOW = builders.NOW
PUBLIC = Account(Payer.ANONYMOUS, "p" * 32, Limit(calls=60, enterprises=30))
PERSON = Account(Payer.MEMBER, "m" * 32, Limit(calls=60, enterprises=12))
GROUP = Account(Payer.GROUP, "g" * 32, Limit(calls=600, enterprises=18))


class Memory:
    """A ledger that forgets nothing and can be away."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0
        self.written: list[Seen] = []
        self._full_at: dict[str, Instant] = {}
        self._taken: dict[tuple[str, int], int] = {}

    def lease(self, wants: Sequence[Want], seen: Sequence[Seen], now: Instant) -> list[Lease]:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError
        self.written += seen
        return [self._one(want, now) for want in wants]

    def _one(self, want: Want, now: Instant) -> Lease:
        calls, again_at, enterprises = 0, Instant(0), 0
        if want.calls:
            full_at = self._full_at.get(want.key, Instant(0))
            again_at = budgets.again_at(want.limit, full_at, want.calls)
            for count in (max(want.calls, want.limit.calls_block), want.calls):
                after = budgets.taken(want.limit, full_at, now, count)
                if after is not None and not calls:
                    self._full_at[want.key], calls = after, count
        if want.enterprises:
            taken = self._taken.get((want.key, want.day), 0)
            left = max(0, want.limit.enterprises - taken)
            enterprises = min(want.limit.enterprises_block, left)
            self._taken[want.key, want.day] = taken + enterprises
        known = {s.enterprise for s in self.written if (s.key, s.day) == (want.key, want.day)}
        return Lease(calls, again_at, enterprises, frozenset(known) if want.first else frozenset())


def seen_by(purses: Purses, accounts: Sequence[Account], codes: range, now: Instant = NOW) -> int:
    """Returns how many of the enterprises were not refused."""
    count = 0
    for code in codes:
        try:
            purses.look_up(accounts, code, now, waits=True)
        except BudgetSpentError:
            continue
        count += 1
    return count


@pytest.mark.feature("D8")
@pytest.mark.parametrize(
    ("peer", "prefix"),
    [
        ("ipv4:203.0.113.9:50000", "203.0.113.0/24"),
        ("ipv6:%5B2001:db8:0:1ff::7%5D:50000", "2001:db8:0:100::/56"),
        ("ipv6:[2001:db8::1]:50000", "2001:db8::/56"),
        ("ipv6:%5B::ffff:203.0.113.9%5D:50000", "203.0.113.0/24"),
        ("ipv6:%5Bfe80::1%25eth0%5D:50000", "fe80::/56"),
        ("unix:/run/bonafides.sock", "local"),
        ("", "unknown"),
        ("ipv4:somewhere:50000", "unknown"),
    ],
)
def test_address_is_counted_by_its_prefix(peer: str, prefix: str) -> None:
    assert budgets.prefix_of(peer) == prefix


@given(st.text())
@settings(max_examples=examples(200))
def test_whatever_a_peer_is_called_it_has_a_prefix(peer: str) -> None:
    assert budgets.prefix_of(peer)


@pytest.mark.feature("D8")
def test_person_pays_twice_and_everybody_else_once() -> None:
    member = Caller(CallerKind.MEMBER, "issuer", "somebody")
    paying = [
        [account.payer for account in budgets.accounts(caller, "local", Limits(), str)]
        for caller in (
            ANONYMOUS,
            member,
            Caller(CallerKind.PLATFORM, "issuer", "robot", platform="shop"),
            replace(member, acts_for="91990000MA0000001T", application="app"),
            Caller(CallerKind.OPERATOR, "issuer", "staff"),
        )
    ]
    assert paying == [
        [Payer.ANONYMOUS],
        [Payer.MEMBER, Payer.GROUP],
        [Payer.PLATFORM],
        [Payer.INTEGRATOR],
        [Payer.OPERATOR],
    ]


def test_accounts_of_different_callers_have_different_keys() -> None:
    callers = [
        (ANONYMOUS, "a"),
        (ANONYMOUS, "b"),
        (Caller(CallerKind.MEMBER, "i", "a"), "a"),
        (Caller(CallerKind.MEMBER, "j", "a"), "b"),
        (Caller(CallerKind.OPERATOR, "i", "a"), "a"),
        (Caller(CallerKind.PLATFORM, "i", "a", platform="a"), "a"),
    ]
    keys = [
        account.key
        for caller, prefix in callers
        for account in budgets.accounts(caller, prefix, Limits(), str)
    ]
    assert len(set(keys)) == len(keys)


def test_contract_says_how_many_enterprises_a_platform_sees() -> None:
    limits = Limits(contracts={"shop": 7})
    assert limits.of(Payer.PLATFORM, "shop").enterprises == 7
    assert limits.of(Payer.PLATFORM, "mall") == DEFAULTS[Payer.PLATFORM]


@given(st.integers(1, 10_000), st.lists(st.integers(0, 5 * MICROSECONDS), max_size=50))
@settings(max_examples=examples(100))
def test_bucket_never_gives_more_than_its_fill_and_what_came_since(
    calls: int, pauses: list[int]
) -> None:
    limit = Limit(calls, 1)
    now, full_at, given_out = NOW, Instant(0), 0
    for pause in pauses:
        now = Instant(now + pause)
        after = budgets.taken(limit, full_at, now, max(1, calls // 3))
        if after is not None:
            full_at, given_out = after, given_out + max(1, calls // 3)
    assert given_out <= calls + (now - NOW) // limit.interval + 1


def test_refused_bucket_says_when_it_will_have_enough() -> None:
    limit = Limit(calls=60, enterprises=1)
    full_at = budgets.taken(limit, Instant(0), NOW, 60)
    assert full_at is not None
    assert budgets.taken(limit, full_at, NOW, 2) is None
    when = budgets.again_at(limit, full_at, 2)
    assert when == NOW + 2 * MICROSECONDS
    assert budgets.taken(limit, full_at, when, 2) is not None


@pytest.mark.feature("D8")
def test_enterprise_is_charged_once_a_day() -> None:
    purses = Purses(Memory(), processes=8, wait_seconds=60)
    assert seen_by(purses, [PUBLIC], range(30)) == 30
    assert seen_by(purses, [PUBLIC], range(30)) == 30
    assert seen_by(purses, [PUBLIC], range(30, 40)) == 0
    tomorrow = Instant(NOW + DAY)
    assert seen_by(purses, [PUBLIC], range(30, 70), tomorrow) == 30


@pytest.mark.feature("D8")
def test_spent_enterprises_come_back_at_midnight_in_shanghai() -> None:
    purses = Purses(Memory(), processes=8, wait_seconds=60)
    now = Instant(start_of(day_of(NOW)) + 23 * HOUR)
    seen_by(purses, [PUBLIC], range(30), now)
    with pytest.raises(BudgetSpentError) as refusal:
        purses.look_up([PUBLIC], 31, now, waits=True)
    assert refusal.value.retry_after_seconds == 3_600


@pytest.mark.feature("D8")
def test_logins_of_one_prefix_share_its_larger_budget() -> None:
    purses = Purses(Memory(), processes=8, wait_seconds=60)
    other = replace(PERSON, key="n" * 32)
    assert seen_by(purses, [PERSON, GROUP], range(100)) == 12
    assert seen_by(purses, [other, GROUP], range(100, 200)) == 6


def test_refusal_by_one_account_charges_no_other() -> None:
    ledger = Memory()
    purses = Purses(ledger, processes=8, wait_seconds=60)
    small = replace(GROUP, limit=Limit(calls=600, enterprises=1))
    assert seen_by(purses, [PERSON, small], range(5)) == 1
    assert seen_by(purses, [PERSON], range(5, 100)) == 11


@pytest.mark.feature("D8")
def test_who_is_refused_asks_the_ledger_for_nothing() -> None:
    ledger = Memory()
    purses = Purses(ledger, processes=8, wait_seconds=60)
    seen_by(purses, [PUBLIC], range(31))
    asked = ledger.asked
    assert seen_by(purses, [PUBLIC], range(100, 1_100)) == 0
    assert ledger.asked == asked


def test_spending_what_was_leased_asks_the_ledger_for_nothing() -> None:
    ledger = Memory()
    purses = Purses(ledger, processes=8, wait_seconds=60)
    many = replace(PUBLIC, limit=Limit(calls=8_000, enterprises=30))
    for _ in range(1_000):
        purses.spend([many], NOW, waits=True)
    assert ledger.asked == 1


def test_caller_that_does_not_wait_is_sent_to_where_it_can() -> None:
    purses = Purses(Memory(), processes=8, wait_seconds=60)
    with pytest.raises(ThreadWantedError):
        purses.spend([PUBLIC], NOW, reads=True, waits=False)
    purses.spend([PUBLIC], NOW, reads=True, waits=True)
    purses.spend([PUBLIC], NOW, reads=True, waits=False)
    # Leased ahead, together with the tokens.
    purses.look_up([PUBLIC], 1, NOW, waits=False)


@pytest.mark.feature("D8")
def test_batch_pays_for_each_of_its_items_or_not_at_all() -> None:
    purses = Purses(Memory(), processes=8, wait_seconds=60)
    purses.spend([PUBLIC], NOW, calls=50, waits=True)
    with pytest.raises(BudgetSpentError):
        purses.spend([PUBLIC], NOW, calls=20, waits=True)
    purses.spend([PUBLIC], NOW, calls=10, waits=True)


def test_what_was_seen_is_written_with_the_next_lease_and_at_the_end() -> None:
    ledger = Memory()
    purses = Purses(ledger, processes=8, wait_seconds=60)
    seen_by(purses, [PUBLIC], range(6))
    assert {seen.enterprise for seen in ledger.written} == set(range(5))
    purses.close(NOW)
    assert {seen.enterprise for seen in ledger.written} == set(range(6))


@pytest.mark.feature("D8")
def test_next_process_knows_what_the_one_before_was_charged_with() -> None:
    ledger = Memory()
    before = Purses(ledger, processes=8, wait_seconds=60)
    seen_by(before, [PUBLIC], range(30))
    before.close(NOW)
    assert seen_by(Purses(ledger, processes=8, wait_seconds=60), [PUBLIC], range(40)) == 30


def test_accounts_beyond_the_bound_are_forgotten_and_never_forgiven() -> None:
    purses = Purses(Memory(), processes=8, wait_seconds=60, most=2)
    crowd = [replace(PUBLIC, key=f"{number:032}") for number in range(10)]
    for _ in range(5):
        for account in crowd:
            purses.spend([account], NOW, waits=True)
    first = sum(seen_by(purses, [crowd[0]], range(9 * n, 9 * n + 9)) for n in range(9))
    assert first <= 30


@pytest.mark.feature("D8")
def test_without_the_ledger_the_public_has_a_part_and_nobody_else_anything() -> None:
    ledger = Memory()
    ledger.away = True
    purses = Purses(ledger, processes=6, wait_seconds=60)
    assert seen_by(purses, [PUBLIC], range(100)) == 5
    for _ in range(10):
        purses.spend([PUBLIC], NOW, waits=True)
    with pytest.raises(BudgetSpentError):
        purses.spend([PUBLIC], NOW, waits=True)
    with pytest.raises(StoreUnavailableError):
        purses.spend([PERSON, GROUP], NOW, waits=True)
    with pytest.raises(StoreUnavailableError):
        purses.look_up([PERSON, GROUP], 1, NOW, waits=True)


def test_ledger_that_is_away_is_not_asked_for_every_call() -> None:
    ledger = Memory()
    ledger.away = True
    purses = Purses(ledger, processes=6, wait_seconds=60)
    seen_by(purses, [PUBLIC], range(100))
    assert ledger.asked == 1


@pytest.mark.feature("D8")
def test_once_the_ledger_is_back_everything_is_as_before() -> None:
    ledger = Memory()
    ledger.away = True
    purses = Purses(ledger, processes=6, wait_seconds=60)
    assert seen_by(purses, [PUBLIC], range(100)) == 5
    ledger.away = False
    later = Instant(NOW + 2 * MICROSECONDS)
    assert seen_by(purses, [PUBLIC], range(100), later) == 35
    purses.look_up([PERSON, GROUP], 1, later, waits=True)


class Slow(Memory):
    """A ledger that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def lease(self, wants: Sequence[Want], seen: Sequence[Seen], now: Instant) -> list[Lease]:
        self.let.wait(30)
        return super().lease(wants, seen, now)


@pytest.mark.feature("D8")
def test_public_does_not_wait_for_a_slow_ledger_and_has_what_comes_late() -> None:
    ledger = Slow()
    purses = Purses(ledger, processes=6, wait_seconds=0.01)
    assert seen_by(purses, [PUBLIC], range(100)) == 5
    ledger.let.set()
    purses.close(NOW)
    # What was asked for then came after all.
    purses.look_up([PUBLIC], 200, NOW, waits=False)


@pytest.mark.feature("D8")
def test_limit_of_one_goes_before_that_of_its_kind_and_staffs_before_the_settings() -> None:
    limits = Limits(
        {**DEFAULTS, Payer.PLATFORM: Limit(10, 20)},
        {"shop": 30},
        {"platform": SetLimit(calls=11), "platform:shop": SetLimit(enterprises=40)},
    )
    assert limits.of(Payer.PLATFORM, "shop") == Limit(11, 40)
    assert limits.of(Payer.PLATFORM, "mall") == Limit(11, 20)
    assert limits.of(Payer.MEMBER, "shop") == DEFAULTS[Payer.MEMBER]


@pytest.mark.parametrize(
    ("name", "payer"),
    [
        ("platforms/1688/limit", "platform:1688"),
        ("applications/sandbox-1.a_b/limit", "integrator:sandbox-1.a_b"),
        ("payers/anonymous/limit", "anonymous"),
        ("payers/somebody/limit", None),
        ("platforms/1688/limits", None),
        ("platforms/a:b/limit", None),
        ("platforms//limit", None),
        ("members/x/limit", None),
    ],
)
def test_limits_are_of_kinds_platforms_and_applications(name: str, payer: str | None) -> None:
    assert spending_limits.read_payer(name) == payer
    if payer is not None:
        assert spending_limits.name_of(payer) == name


@pytest.mark.feature("D8")
def test_another_limit_voids_what_was_leased_and_forgets_no_enterprise_that_was_seen() -> None:
    purses = Purses(Memory(), processes=8, wait_seconds=60)
    wide = Account(Payer.ANONYMOUS, PUBLIC.key, Limit(6_000, 60))
    assert seen_by(purses, [PUBLIC], range(40)) == 30
    assert seen_by(purses, [wide], range(80)) == 60
    assert seen_by(purses, [PUBLIC], range(80)) == 60
