"""Makes up the trade of one sample enterprise, as its platforms would report it.

Decides stores, orders, refunds, complaints and disputes, memberships and on-site
certifications. The distributions are those measured on 99,441 orders of a
marketplace with 3,095 sellers, and on 541,909 rows of a wholesaler; `MEASURED`
names each. Nothing is dated after the last day: what would come later (a
delivery, a decision) is left open, as it would be in life.

    rows = trade(enterprise, seed=1, end=dt.date(2026, 11, 20))
    rows["transactions"][0]["amount"]        # "108.31"
"""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass, field
from typing import Final

from bonafides.instants import SHANGHAI
from scripts.sampling import Enterprise, stream

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """What real marketplaces look like; shares are of orders unless it says otherwise."""

    orders_per_store_ln: tuple[float, float] = (2.02, 1.58)
    orders_per_store_most: int = 1_854
    order_value_ln: tuple[float, float] = (4.69, 0.81)
    late_beta: tuple[float, float] = (2.19, 25.2)
    complaint_beta: tuple[float, float] = (7.4, 40.9)
    # Complaints of an average enterprise: all orders, those on time, those late.
    complaint: float = 0.153
    complaint_on_time: float = 0.096
    complaint_late: float = 0.637
    delivery_days_ln: tuple[float, float] = (math.log(10.2), 0.638)
    late_days_ln: tuple[float, float] = (math.log(7.6), 0.83)
    # Canceled and unavailable orders of retail; negative rows of wholesale.
    refund_retail: float = 0.0125
    refund_wholesale: float = 0.0196
    # Of buyers.
    repeat_retail: float = 0.031
    repeat_wholesale: float = 0.655


@dataclass(frozen=True, slots=True)
class Guessed:
    """What nobody measured for us; shares, and days or months where it says so."""

    buyer_not_named: float = 0.01
    dollars_on_alibaba: float = 0.7
    taken_back: float = 0.003
    corrected: float = 0.005
    refunded_whole: float = 0.7
    # How much likelier a late order is refunded.
    late_refund_factor: int = 4
    complaint_to_dispute: float = 0.125
    reported_while_open: float = 0.25
    days_between_orders: int = 40
    # A business older than this has been inspected twice, and has closed a store.
    old_months: int = 24


MEASURED: Final = Measured()
GUESSED: Final = Guessed()
WHOLESALE: Final = frozenset({"1688", "alibaba"})

_COMMON: Final = ("code", "platform", "record_id", "revision", "void", "store_id", "occurred_at")
_CASE: Final = ("buyer", "original_id", "outcome", "first_response_at", "decided_at")
COLUMNS: Final = {
    "stores": (*_COMMON, "from_day", "to_day", "title", "category", "address"),
    "transactions": (*_COMMON, "buyer", "amount", "currency", "promised_day", "delivered_day"),
    "refunds": (*_COMMON, "amount", "currency", "original_id"),
    "complaints": (*_COMMON, *_CASE),
    "disputes": (*_COMMON, *_CASE),
    "certifications": (*_COMMON, "from_day", "to_day", "agency", "scope"),
    "memberships": (*_COMMON, "from_day", "to_day", "program"),
}
_PROGRAMS: Final = {"1688": "诚信通", "alibaba": "Gold Supplier"}
_AGENCY: Final = "九九检验认证中心"


@dataclass(frozen=True, slots=True)
class Style:
    """How one enterprise does: shares of its orders, and of its cases."""

    late: float
    complaint: float
    upheld: float
    lost: float
    answers_hours: float


@dataclass(frozen=True, slots=True)
class Store:
    """A store on a platform, open from one day to another, both inclusive."""

    platform: str
    store_id: str
    opened: dt.date
    closed: dt.date | None


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint or a dispute: when it was opened, and how it ended or will end."""

    kind: str
    opened: dt.datetime
    answered: dt.datetime
    outcome: str


@dataclass(slots=True)
class Ledger:
    """The rows made so far, by kind, and how to add one."""

    code: str
    end: dt.date
    rows: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in COLUMNS})

    def add(self, kind: str, store: Store, at: dt.datetime, **values: str) -> Row:
        """Adds a first revision of a new record and returns its row."""
        number = len(self.rows[kind]) + 1
        row = dict.fromkeys(COLUMNS[kind], "") | {
            "code": self.code,
            "platform": store.platform,
            "record_id": f"{kind[0]}{self.code[8:16]}-{number}",
            "revision": "1",
            "void": "false",
            "store_id": store.store_id,
            "occurred_at": at.isoformat(),
            **values,
        }
        self.rows[kind].append(row)
        return row

    def revise(self, kind: str, row: Row, **values: str) -> None:
        """Adds the next revision of a record."""
        self.rows[kind].append(row | {"revision": str(int(row["revision"]) + 1), **values})

    def known(self, day: dt.date) -> bool:
        """Whether what happens on the day has happened yet."""
        return day <= self.end


def trade(enterprise: Enterprise, seed: int, *, end: dt.date) -> dict[str, list[Row]]:
    """Returns the rows of every kind in `COLUMNS`, values as text, "" where there is none."""
    ledger = Ledger(enterprise.code.text, end)
    chance = stream(seed, "trade", enterprise.code.text)
    style = _style(enterprise, chance)
    stores = _stores(enterprise, ledger, chance)
    for store, orders in zip(stores, _sizes(enterprise, chance), strict=True):
        for row in _orders(ledger, store, orders, chance):
            _fulfil(ledger, store, row, style, chance)
    if stores and enterprise.character.members:
        _memberships(ledger, stores)
    if stores and enterprise.character.inspected:
        _certifications(ledger, stores[0], enterprise)
    return ledger.rows


def _style(enterprise: Enterprise, chance: random.Random) -> Style:
    character = enterprise.character
    late = chance.betavariate(*MEASURED.late_beta)
    complaint = chance.betavariate(*MEASURED.complaint_beta)
    return Style(
        late=late if character.late is None else character.late,
        complaint=complaint if character.complaint is None else character.complaint,
        upheld=character.upheld,
        lost=character.lost,
        answers_hours=character.answers_hours,
    )


def _stores(enterprise: Enterprise, ledger: Ledger, chance: random.Random) -> list[Store]:
    character = enterprise.character
    stores = []
    for number in range(character.stores):
        # The first store of each platform opens with the business, others later.
        months = character.months if number < len(character.platforms) else character.months // 2
        opened = ledger.end - dt.timedelta(days=months * 30 + chance.randint(0, 20))
        closes = number > 1 and character.months > GUESSED.old_months
        store = Store(
            platform=character.platforms[number % len(character.platforms)],
            store_id=f"s{enterprise.code.text[8:16]}-{number + 1}",
            opened=opened,
            closed=ledger.end - dt.timedelta(days=90) if closes else None,
        )
        stores.append(store)
        ledger.add(
            "stores",
            store,
            _noon(opened),
            from_day=opened.isoformat(),
            to_day=store.closed.isoformat() if store.closed else "",
            title=f"{enterprise.title[3:5]}{enterprise.industry}店{number + 1}",
            category=enterprise.industry,
            address=enterprise.address,
        )
    return stores


def _sizes(enterprise: Enterprise, chance: random.Random) -> list[int]:
    character = enterprise.character
    if character.orders is None:
        return [
            min(
                math.ceil(chance.lognormvariate(*MEASURED.orders_per_store_ln)),
                MEASURED.orders_per_store_most,
            )
            for _ in range(character.stores)
        ]
    return [
        character.orders // character.stores + (number < character.orders % character.stores)
        for number in range(character.stores)
    ]


def _orders(ledger: Ledger, store: Store, count: int, chance: random.Random) -> list[Row]:
    """Adds the store's orders, buyer by buyer, and returns them."""
    wholesale = store.platform in WHOLESALE
    repeat = MEASURED.repeat_wholesale if wholesale else MEASURED.repeat_retail
    rows: list[Row] = []
    buyer = 0
    while len(rows) < count:
        buyer += 1
        returns = math.ceil(chance.expovariate(1 / 3)) if chance.random() < repeat else 0
        for day in _visits(ledger, store, 1 + returns, chance)[: count - len(rows)]:
            named = chance.random() >= GUESSED.buyer_not_named
            pseudonym = f"{store.store_id}-b{buyer}" if named else ""
            rows.append(_order(ledger, store, day, pseudonym, chance))
    return rows


def _visits(ledger: Ledger, store: Store, count: int, chance: random.Random) -> list[dt.date]:
    """Returns the days on which one buyer orders: the first by growth, the others weeks later."""
    last = store.closed or ledger.end
    day = store.opened + dt.timedelta(days=_growing((last - store.opened).days, chance))
    days = [day]
    for _ in range(count - 1):
        gap = dt.timedelta(days=math.ceil(chance.expovariate(1 / GUESSED.days_between_orders)))
        # A regular buyer of these days was one before, too.
        days.append(days[-1] + gap if days[-1] + gap <= last else max(store.opened, day - gap))
    return days


def _order(ledger: Ledger, store: Store, day: dt.date, buyer: str, chance: random.Random) -> Row:
    at = dt.datetime.combine(day, dt.time(chance.randint(8, 22)), SHANGHAI)
    at += dt.timedelta(seconds=chance.randrange(3_600))
    currency = "CNY"
    if store.platform == "alibaba":
        currency = "USD" if chance.random() < GUESSED.dollars_on_alibaba else "EUR"
    return ledger.add(
        "transactions",
        store,
        at,
        buyer=buyer,
        amount=f"{chance.lognormvariate(*MEASURED.order_value_ln):.2f}",
        currency=currency,
    )


def _growing(days: int, chance: random.Random) -> int:
    """Returns a day of the span: trade grows over its first half, then stays."""
    while True:
        position = chance.random()
        if chance.random() < 0.15 + 1.7 * position:
            return int(position * (days + 1))


def _fulfil(ledger: Ledger, store: Store, row: Row, style: Style, chance: random.Random) -> None:
    """Delivers an order, and lets happen what comes of it."""
    ordered = dt.datetime.fromisoformat(row["occurred_at"]).date()
    late = chance.random() < style.late
    took = max(1, round(chance.lognormvariate(*MEASURED.delivery_days_ln)))
    delay = max(1, round(chance.lognormvariate(*MEASURED.late_days_ln)))
    delivered = ordered + dt.timedelta(days=took)
    promised = delivered + dt.timedelta(days=-min(delay, took) if late else chance.randint(0, 12))
    row["promised_day"] = promised.isoformat()
    if ledger.known(delivered):
        row["delivered_day"] = delivered.isoformat()
    # A record taken back or corrected is rare, and must change what was folded.
    fate = chance.random()
    if fate < GUESSED.taken_back:
        ledger.revise("transactions", row, void="true")
        return
    if fate < GUESSED.taken_back + GUESSED.corrected:
        ledger.revise("transactions", row, amount=f"{float(row['amount']) * 0.9:.2f}")
        return
    _refund(ledger, store, row, chance, late=late)
    usual = MEASURED.complaint_late if late else MEASURED.complaint_on_time
    if chance.random() < min(0.95, usual * style.complaint / MEASURED.complaint):
        _complain(ledger, store, row, style, chance)


def _refund(ledger: Ledger, store: Store, row: Row, chance: random.Random, *, late: bool) -> None:
    usual = MEASURED.refund_wholesale if store.platform in WHOLESALE else MEASURED.refund_retail
    at = dt.datetime.fromisoformat(row["occurred_at"]) + dt.timedelta(
        hours=chance.randint(5, 24 * 60)
    )
    share = usual * (GUESSED.late_refund_factor if late else 1)
    if chance.random() >= share or not ledger.known(at.date()):
        return
    whole = chance.random() < GUESSED.refunded_whole
    part = 1.0 if whole else chance.uniform(0.1, 0.9)
    ledger.add(
        "refunds",
        store,
        at,
        amount=f"{float(row['amount']) * part:.2f}",
        currency=row["currency"],
        original_id=row["record_id"],
    )


def _complain(ledger: Ledger, store: Store, row: Row, style: Style, chance: random.Random) -> None:
    """Opens a complaint about an order; one in eight becomes a dispute as well."""
    came = dt.date.fromisoformat(row["delivered_day"] or row["promised_day"])
    opened = dt.datetime.combine(came, dt.time(chance.randint(8, 22)), SHANGHAI)
    opened += dt.timedelta(days=chance.randint(0, 6), minutes=chance.randrange(60))
    if not ledger.known(opened.date()):
        return
    answered = opened + _answer(style, chance)
    complaint = Case("complaints", opened, answered, _ending(style.upheld, "UPHELD", chance))
    _case(ledger, store, row, complaint, chance)
    escalated = opened + dt.timedelta(days=chance.randint(3, 10))
    if chance.random() < GUESSED.complaint_to_dispute and ledger.known(escalated.date()):
        answered = escalated + _answer(style, chance)
        dispute = Case("disputes", escalated, answered, _ending(style.lost, "LOST", chance))
        _case(ledger, store, row, dispute, chance)


def _answer(style: Style, chance: random.Random) -> dt.timedelta:
    return dt.timedelta(hours=chance.lognormvariate(math.log(style.answers_hours), 1.1))


def _ending(against: float, word: str, chance: random.Random) -> str:
    if chance.random() < against:
        return word
    return chance.choices(("SETTLED", "REJECTED", "UNDECIDED"), (45, 30, 25))[0]


def _case(ledger: Ledger, store: Store, row: Row, case: Case, chance: random.Random) -> None:
    kind, opened, answered, outcome = case.kind, case.opened, case.answered, case.outcome
    decided = opened + dt.timedelta(days=chance.randint(2, 25), hours=1)
    first = {
        "buyer": row["buyer"],
        "original_id": row["record_id"],
        "outcome": "UNDECIDED",
        "first_response_at": answered.isoformat(timespec="seconds")
        if ledger.known(answered.date())
        else "",
    }
    last = {"outcome": outcome, "decided_at": decided.isoformat()}
    if outcome == "UNDECIDED" or not ledger.known(decided.date()):
        ledger.add(kind, store, opened, **first)
    elif chance.random() < GUESSED.reported_while_open:
        ledger.revise(kind, ledger.add(kind, store, opened, **first), **last)
    else:
        ledger.add(kind, store, opened, **(first | last))


def _memberships(ledger: Ledger, stores: list[Store]) -> None:
    for platform in sorted({store.platform for store in stores} & _PROGRAMS.keys()):
        store = next(store for store in stores if store.platform == platform)
        start = store.opened
        while ledger.known(start):
            after = start + dt.timedelta(days=365)
            ledger.add(
                "memberships",
                store,
                _noon(start),
                from_day=start.isoformat(),
                to_day=(after - dt.timedelta(days=1)).isoformat(),
                program=_PROGRAMS[platform],
            )
            start = after


def _certifications(ledger: Ledger, store: Store, enterprise: Enterprise) -> None:
    """Adds an inspection that is still valid and, of an older business, one that has expired."""
    ages = (700, 150) if enterprise.character.months > GUESSED.old_months else (150,)
    for age in ages:
        inspected = ledger.end - dt.timedelta(days=age)
        ledger.add(
            "certifications",
            store,
            _noon(inspected),
            from_day=inspected.isoformat(),
            to_day=(inspected + dt.timedelta(days=365)).isoformat(),
            agency=_AGENCY,
            scope="经营场所、仓储与质量管理",
        )


def _noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12), SHANGHAI)
