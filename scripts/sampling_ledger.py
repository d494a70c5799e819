"""Makes up what platforms report of a block of enterprises over years, as the log has it.

Integrity drives what happens to an order: whether it comes late, whether the buyer
complains, who is right, how soon there is an answer. One row is one revision of one
record, with the instant at which the service learned of it: a delivery is reported when
it is done, a case when it is opened and again when it is decided. Nothing is recorded
after the last day. All arrays, no loop over orders: a million takes seconds.

    rows(block, seed=1)["kind"]         # pyarrow table in the columns of COLUMNS
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonafides.instants import DAY, HOUR, Day, start_of
from bonafides.records.fold import RESPONSE_HOURS
from scripts.sampling_latent import (
    BOUGHT,
    HOPPING,
    NEVER,
    PLATFORMS,
    RING,
    WITHDRAWN,
    YEAR,
    Block,
    Flags,
    Floats,
    Integers,
    generator,
    sigmoid,
)

# What stores sell; one of four is said to sell nothing in particular.
_CATEGORIES: Final = ("百货", "服装", "食品", "")


@dataclass(frozen=True, slots=True)
class Habits:
    """How trade goes, which nobody measured for us; shares, and log-odds at integrity 0."""

    late: float = -2.7
    late_slope: float = -0.55
    # Of orders; e to the power of `late_more` as many of those that came late.
    complaint: float = 0.045
    complaint_slope: float = -0.4
    late_more: float = 1.2
    upheld: float = -1.7
    upheld_slope: float = -0.9
    # Of complaints.
    disputed: float = 0.3
    lost: float = -0.7
    lost_slope: float = -1.2
    answer_hours: float = 6.0
    inspected: float = -1.6
    inspected_slope: float = 0.4
    # A ring orders so many times what honest buyers do, by so many hands.
    ring_orders: float = 3.0
    ring_hands: int = 4
    # A rival's victims: within so many days these shares of orders and of complaints.
    bought_days: int = 60
    bought: float = 0.7
    bought_disputed: float = 0.4
    bought_upheld: float = 0.05
    bought_rejected: float = 0.8
    # Days of one store, for whoever opens another before it has a name.
    hop_days: int = 270
    on_site_days: int = 400
    second_platform: float = 0.4
    # Stores whose platform names no buyers, or no promised days.
    unnamed: float = 0.05
    undated: float = 0.06


HABITS: Final = Habits()
_NOBODY: Final = -1
_UNDECIDED: Final = "undecided"
# Outcomes by number, in the words of the log.
_OUTCOMES: Final = (_UNDECIDED, "upheld", "lost", "rejected", "settled")
_UPHELD, _LOST, _REJECTED, _SETTLED = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Ledger:
    """Rows of one kind: arrays with an element for each. -1 stands for nothing."""

    kind: str
    of: Integers
    platform: Integers
    store: Integers
    serial: Integers
    revision: Integers
    occurred: Integers
    recorded: Integers
    buyer: Integers
    amount: Integers
    original: Integers
    promised: Integers
    delivered: Integers
    answered: Integers
    outcome: Integers
    decided: Integers
    from_day: Integers
    to_day: Integers

    def where(self, rows: npt.NDArray[Any]) -> Ledger:
        """Returns the rows that a mask chooses."""
        return Ledger(self.kind, *(getattr(self, each.name)[rows] for each in fields(self)[1:]))


def rows(block: Block, seed: int) -> pa.Table:
    """Returns the rows of every record of the block, in the order in which they were recorded."""
    chance = generator(seed, block.number, 2)
    stores = _stores(block)
    orders = _orders(block, stores, chance)
    complaints = _complaints(block, orders, chance)
    disputes = _disputes(block, complaints, chance)
    bought = _bought(block, orders, chance)
    told = _as_told(orders, len(stores.of), chance)
    made = [stores, told, *(_revised(cases) for cases in (complaints, disputes, *bought))]
    made.append(_certifications(block, chance))
    last = start_of(Day(block.span.last + 1))
    tables = [_table(block, each.where(each.recorded < last)) for each in made]
    whole = pa.concat_tables(tables)
    keys = [("recorded_at", "ascending"), ("kind", "ascending"), ("record_id", "ascending")]
    return whole.sort_by([*keys, ("revision", "ascending")])


def _ledger(kind: str, of: Integers, **columns: npt.NDArray[Any]) -> Ledger:
    names = [each.name for each in fields(Ledger)[2:]]
    empty = {name: np.full(of.size, _NOBODY, dtype=np.int64) for name in names}
    empty["revision"] = np.ones(of.size, dtype=np.int64)
    empty["serial"] = np.arange(of.size, dtype=np.int64)
    return Ledger(kind, of, **(empty | {k: v.astype(np.int64) for k, v in columns.items()}))


def _stores(block: Block) -> Ledger:
    """One store on each platform; whoever hops has one after the other."""
    last = block.span.last
    of: list[int] = []
    platform: list[int] = []
    opened: list[int] = []
    closed: list[int] = []
    for number in range(len(block)):
        end = int(block.leaves[number])
        for place in (int(block.first[number]), int(block.second[number])):
            if place == _NOBODY:
                continue
            step = HABITS.hop_days if block.manipulation[number] == HOPPING else NEVER
            begin = int(block.opens[number])
            if step != NEVER:
                begin = max(begin, block.span.first)
            while begin < min(end, last):
                until = min(begin + step, end)
                of.append(number)
                platform.append(place)
                opened.append(begin)
                closed.append(until - 1 if until <= last else _NOBODY)
                begin = until
    opens, closes = np.array(opened, dtype=np.int64), np.array(closed, dtype=np.int64)
    told = _ledger(
        "store",
        np.array(of, dtype=np.int64),
        platform=np.array(platform, dtype=np.int64),
        store=np.arange(len(of)),
        occurred=_at(opens),
        recorded=_at(np.maximum(opens, block.span.first) + 1),
        from_day=opens,
    )
    # The end of a store is another revision: nobody knew of it when it opened.
    ended = told.where(closes != _NOBODY)
    closes = closes[closes != _NOBODY]
    return _joined(
        told, _changed(ended, revision=ended.revision + 1, to_day=closes, recorded=_at(closes + 1))
    )


def _orders(block: Block, stores: Ledger, chance: np.random.Generator) -> Ledger:
    """Orders of every store over its days, some late, each reported when it came."""
    first = stores.revision == 1
    of, platform, store = stores.of[first], stores.platform[first], stores.store[first]
    ends = np.full(of.size, block.span.last + 1, dtype=np.int64)
    ended = stores.where(stores.revision > 1)
    ends[ended.store] = ended.to_day + 1
    begins = np.maximum(stores.from_day[first], block.span.first - YEAR)
    days = np.maximum(ends - begins, 0)
    share = np.where(platform == block.second[of], HABITS.second_platform, 1.0)
    ring = block.manipulation[of] == RING
    wanted = block.orders[of] * share * days / YEAR
    count = chance.poisson(wanted)
    fake = np.where(ring, chance.poisson(HABITS.ring_orders * wanted), 0)
    each = np.repeat(np.arange(of.size), count + fake)
    place = np.arange(each.size) - np.repeat(np.cumsum(count + fake) - count - fake, count + fake)
    made_up = place >= count[each]
    day = begins[each] + (chance.random(each.size) * days[each]).astype(np.int64)
    who = of[each]
    honest = _on(block, who, platform[each], day)
    late = (chance.random(each.size) < sigmoid(HABITS.late + HABITS.late_slope * honest)) & ~made_up
    took = np.ceil(chance.lognormal(1.9, 0.5, each.size)).astype(np.int64)
    delay = np.ceil(chance.exponential(6.0, each.size)).astype(np.int64)
    delivered = day + took
    promised = np.where(late, np.maximum(day, delivered - delay), delivered + delay // 2)
    late_really = np.where(late & (promised >= delivered), delivered - 1, promised)
    return _ledger(
        "transaction",
        who,
        platform=platform[each],
        store=store[each],
        occurred=_at(day) + chance.integers(8, 22, size=each.size) * HOUR,
        recorded=_at(delivered + 1),
        buyer=_buyers(chance, wanted[each], each, made_up),
        amount=np.rint(chance.lognormal(9.3, 0.81, each.size)),
        promised=late_really,
        delivered=delivered,
    )


def _buyers(
    chance: np.random.Generator, wanted: Floats, each: Integers, made_up: Flags
) -> Integers:
    """Returns who bought: many who come once, some who come again; a ring's own hands."""
    crowd = np.maximum(4.0, 3.0 * wanted)
    drawn = (crowd * chance.random(each.size) ** 1.4).astype(np.int64)
    hands = chance.integers(HABITS.ring_hands, size=each.size)
    return np.where(made_up, hands, drawn + HABITS.ring_hands)


def _as_told(orders: Ledger, stores: int, chance: np.random.Generator) -> Ledger:
    """Orders as platforms report them: of some stores without buyers, of some without days."""
    unnamed = chance.random(stores) < HABITS.unnamed
    undated = chance.random(stores) < HABITS.undated
    return _changed(
        orders,
        buyer=np.where(unnamed[orders.store], _NOBODY, orders.buyer),
        promised=np.where(undated[orders.store], _NOBODY, orders.promised),
    )


def _complaints(block: Block, orders: Ledger, chance: np.random.Generator) -> Ledger:
    day = orders.occurred // DAY
    honest = _on(block, orders.of, orders.platform, day)
    late = orders.delivered > orders.promised
    hands = (block.manipulation[orders.of] == RING) & (orders.buyer < HABITS.ring_hands)
    usual = np.minimum(
        0.6, HABITS.complaint * np.exp(HABITS.complaint_slope * honest + HABITS.late_more * late)
    )
    chosen = (chance.random(orders.of.size) < usual) & ~hands
    about, honest = orders.where(chosen), honest[chosen]
    opened = _at(about.delivered) + chance.integers(6 * 24, size=about.of.size) * HOUR
    upheld = chance.random(about.of.size) < sigmoid(HABITS.upheld + HABITS.upheld_slope * honest)
    other = chance.choice((_REJECTED, _SETTLED), about.of.size)
    return _case(
        "complaint", about, opened, np.where(upheld, _UPHELD, other), honest, chance=chance
    )


def _disputes(block: Block, complaints: Ledger, chance: np.random.Generator) -> Ledger:
    about = complaints.where(chance.random(complaints.of.size) < HABITS.disputed)
    honest = _on(block, about.of, about.platform, about.occurred // DAY)
    opened = about.occurred + chance.integers(3, 10, size=about.of.size) * DAY
    lost = chance.random(about.of.size) < sigmoid(HABITS.lost + HABITS.lost_slope * honest)
    outcome = np.where(lost, _LOST, chance.choice((_REJECTED, _SETTLED), about.of.size))
    return _case("dispute", about, opened, outcome, honest, chance=chance)


def _bought(block: Block, orders: Ledger, chance: np.random.Generator) -> tuple[Ledger, Ledger]:
    """Complaints and disputes that a rival paid for: many at once, most without ground."""
    victims = np.flatnonzero(block.manipulation == BOUGHT)
    days = block.span.last - block.span.first
    begin = block.span.first + chance.integers(days // 4, days, size=victims.size)
    by_victim = dict(zip(victims.tolist(), begin.tolist(), strict=True))
    start = np.array([by_victim.get(of, NEVER) for of in range(len(block))], dtype=np.int64)
    day = orders.occurred // DAY
    near = (day >= start[orders.of]) & (day < start[orders.of] + HABITS.bought_days)
    chosen = orders.where(near & (chance.random(orders.of.size) < HABITS.bought))
    opened = _at(chosen.delivered) + chance.integers(24, size=chosen.of.size) * HOUR
    outcome = _groundless(chosen, _UPHELD, chance)
    honest = block.integrity[chosen.of]
    complaints = _case("complaint", chosen, opened, outcome, honest, chance=chance)
    again = complaints.where(chance.random(complaints.of.size) < HABITS.bought_disputed)
    outcome = _groundless(again, _LOST, chance)
    disputes = _case(
        "dispute",
        again,
        again.occurred + 4 * DAY,
        outcome,
        block.integrity[again.of],
        chance=chance,
    )
    # Numbers of their own, beside those of cases that are what they say.
    return (
        _changed(complaints, serial=complaints.serial + 50_000_000),
        _changed(disputes, serial=disputes.serial + 50_000_000),
    )


def _groundless(cases: Ledger, against: int, chance: np.random.Generator) -> Integers:
    """How bought cases end: most are rejected, some never decided, a few believed."""
    fate = chance.random(cases.of.size)
    rejected = fate < HABITS.bought_upheld + HABITS.bought_rejected
    return np.where(fate < HABITS.bought_upheld, against, np.where(rejected, _REJECTED, 0)).astype(
        np.int64
    )


def _case(
    kind: str,
    about: Ledger,
    opened: Integers,
    outcome: npt.NDArray[np.int64],
    honest: Floats,
    *,
    chance: np.random.Generator,
) -> Ledger:
    """A case as it is once it is decided; `_revised` tells it as it came to be known."""
    size = about.of.size
    hours = np.exp(np.log(HABITS.answer_hours) - 0.5 * honest + chance.normal(0.0, 0.9, size))
    answered = opened + (np.minimum(hours, 4.0 * RESPONSE_HOURS[-1]) * HOUR).astype(np.int64)
    decided = opened + chance.integers(5, 40, size=size) * DAY
    return _ledger(
        kind,
        about.of,
        platform=about.platform,
        store=about.store,
        occurred=opened,
        recorded=decided + DAY // 2,
        buyer=about.buyer,
        original=about.serial,
        answered=answered,
        outcome=outcome,
        decided=np.where(outcome == 0, _NOBODY, decided),
    )


def _revised(cases: Ledger) -> Ledger:
    """Returns each case twice: as it was opened, and as it was decided."""
    nothing = np.full(cases.of.size, _NOBODY, dtype=np.int64)
    opened = _changed(
        cases,
        recorded=cases.occurred + DAY,
        answered=np.where(cases.answered <= cases.occurred + DAY, cases.answered, nothing),
        outcome=np.zeros(cases.of.size, dtype=np.int64),
        decided=nothing,
    )
    closed = _changed(cases, revision=cases.revision + 1, recorded=cases.recorded)
    return _joined(opened, closed)


def _certifications(block: Block, chance: np.random.Generator) -> Ledger:
    """Visits of an agency, year after year, of those who ask for them: the good ones more."""
    asks = chance.random(len(block)) < sigmoid(
        HABITS.inspected + HABITS.inspected_slope * block.integrity
    )
    first = block.joins + chance.integers(30, 400, size=len(block))
    of, visits = [], []
    for number in np.flatnonzero(asks).tolist():
        end = min(int(block.leaves[number]), block.span.last)
        for day in range(int(first[number]), end, HABITS.on_site_days):
            of.append(number)
            visits.append(day)
    who, visited = np.array(of, dtype=np.int64), np.array(visits, dtype=np.int64)
    return _ledger(
        "certification",
        who,
        platform=block.first[who],
        store=np.zeros(who.size, dtype=np.int64),
        occurred=_at(visited),
        recorded=_at(visited + 7),
        from_day=visited,
        to_day=visited + YEAR,
    )


def _on(block: Block, of: Integers, platform: Integers, day: Integers) -> Floats:
    """Integrity on a platform: whoever withdraws one behaved worse there."""
    worse = (block.manipulation[of] == WITHDRAWN) & (platform == block.second[of])
    told: Floats = block.honest(of, day) - 1.0 * worse
    return told


def _at(day: Integers) -> Integers:
    """The first instant of days, in Shanghai."""
    made: Integers = day.astype(np.int64) * DAY + start_of(Day(0))
    return made


def _changed(ledger: Ledger, **columns: npt.NDArray[Any]) -> Ledger:
    told = {each.name: getattr(ledger, each.name) for each in fields(Ledger)}
    return Ledger(**(told | {k: v.astype(np.int64) for k, v in columns.items()}))


def _joined(one: Ledger, other: Ledger) -> Ledger:
    return Ledger(
        one.kind,
        *(
            np.concatenate([getattr(one, each.name), getattr(other, each.name)])
            for each in fields(Ledger)[1:]
        ),
    )


def _table(block: Block, told: Ledger) -> pa.Table:
    """Returns rows in the columns of the log."""
    size = told.of.size
    code = pc.take(pa.array(block.codes), pa.array(told.of))
    ids = _numbered(f"{told.kind[:2]}{block.number:03d}", told.serial)
    shop = _numbered(f"st{block.number:03d}", told.store)
    buyer = pc.binary_join_element_wise(shop, pa.scalar("b"), _text(told.buyer), "-")
    nothing = pa.nulls(size, pa.string())
    original = _numbered(f"tr{block.number:03d}", told.original)
    outcome = pc.take(pa.array(_OUTCOMES), pa.array(np.maximum(told.outcome, 0)))
    stands = np.full(size, told.kind == "store")
    return pa.table(
        {
            "code": code,
            "platform": pc.take(pa.array(PLATFORMS), pa.array(told.platform)),
            "kind": pa.array([told.kind] * size, pa.string()),
            "record_id": ids,
            "revision": told.revision,
            "recorded_at": told.recorded,
            "void": np.zeros(size, dtype=np.bool_),
            "store_id": shop,
            "occurred_at": told.occurred,
            "day": (told.occurred - start_of(Day(0))) // DAY,
            "buyer": pc.if_else(told.buyer >= 0, buyer, nothing).cast(pa.binary()),
            "amount_cny_minor": _or_null(told.amount),
            "original_id": pc.if_else(told.original >= 0, original, nothing),
            "promised_day": _or_null(told.promised),
            "delivered_day": _or_null(told.delivered),
            "first_response_at": _or_null(told.answered),
            "outcome": pc.if_else(told.outcome >= 0, outcome, nothing),
            "decided_at": _or_null(told.decided),
            "from_day": _or_null(told.from_day),
            "to_day": _or_null(told.to_day),
            "detail": _trades(block, told) if told.kind == "store" else nothing,
            "refund_state": nothing,
            "stands": pa.array(stands, mask=~stands),
        }
    )


def _trades(block: Block, told: Ledger) -> Any:
    """Returns what platforms say of each store: a trade that its enterprise always has."""
    told_of = [json.dumps({"category": each}, ensure_ascii=False) for each in _CATEGORIES]
    trade = [int(code[-4:-1], 36) % len(told_of) for code in block.codes]
    return pc.take(pa.array(told_of), pa.array(np.array(trade)[told.of]))


def _numbered(prefix: str, numbers: Integers) -> Any:
    return pc.binary_join_element_wise(pa.scalar(prefix), _text(numbers), "-")


def _text(numbers: Integers) -> Any:
    return pa.array(numbers).cast(pa.string())


def _or_null(numbers: Integers) -> Any:
    return pa.array(numbers, mask=numbers == _NOBODY)
