"""Makes of the log what a platform and an enterprise settle a day by.

One statement is about one enterprise, platform and day: its transactions and refunds as
they stand, and their totals. The rules:

1. a record stands with its highest revision; a void one does not stand;
2. it belongs to the day on which it occurred, in Shanghai;
3. totals are per currency and kind: transactions, refunds (done, or of a state not told)
   and pending refunds (submitted or waiting), which no statistic counts;
4. amounts are in minor units of their currency, CNY amounts in fen, each at the rate that
   was recorded with it, whose source stands beside it;
5. nothing in a statement names a buyer.

    totals(entries)                     # {("refund", "CNY"): Total(records=2, ...), ...}
    table(entries)                      # a heading, the entries, the totals: lines of cells
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bonafides.instants import SHANGHAI, Day, Instant, to_date, to_datetime
from bonafides.records.kinds import Kind, RefundState

PENDING: Final = "refund_pending"
HEADING: Final = (
    "line",
    "record_id",
    "revision",
    "occurred_at",
    "original_id",
    "refund_state",
    "records",
    "currency",
    "amount_minor",
    "amount_cny_minor",
    "rate_e12",
    "rate_source",
    "rate_date",
    "settlement_currency",
    "settlement_minor",
    "flags",
)
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_UNDER_WAY: Final = frozenset({RefundState.SUBMITTED.value, RefundState.WAITING.value})


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction or a refund as it stands in the log."""

    code: str
    kind: str
    record_id: str
    revision: int
    occurred_at: int
    original_id: str | None
    refund_state: str | None
    currency: str
    amount_minor: int
    amount_cny_minor: int
    rate_e12: int
    rate_source: str
    rate_day: int
    settlement_currency: str | None
    settlement_minor: int | None
    flags: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Under which total it is counted: transaction, refund or refund_pending."""
        pending = self.kind == Kind.REFUND.value and self.refund_state in _UNDER_WAY
        return PENDING if pending else self.kind


@dataclass(frozen=True, slots=True)
class Total:
    """What records of one line and currency add up to."""

    records: int = 0
    amount_minor: int = 0
    amount_cny_minor: int = 0

    def plus(self, entry: Entry) -> Total:
        """Returns the total with one more record."""
        return Total(
            self.records + 1,
            self.amount_minor + entry.amount_minor,
            self.amount_cny_minor + entry.amount_cny_minor,
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Records of one line, of all currencies, and what they are in fen."""

    records: int = 0
    amount_cny_minor: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """How an enterprise stands with a platform: what was reported, and what is open.

    `last_day` is the newest day with a record, `flags` how many refunds have each.
    """

    code: str
    platform: str
    last_day: Day
    lines: dict[str, Standing]
    flags: dict[str, int]


def totals(entries: Sequence[Entry]) -> dict[tuple[str, str], Total]:
    """Returns totals by line and currency, sorted."""
    found: dict[tuple[str, str], Total] = {}
    for entry in entries:
        key = (entry.line, entry.currency)
        found[key] = found.get(key, Total()).plus(entry)
    return dict(sorted(found.items()))


def table(entries: Sequence[Entry]) -> list[tuple[str, ...]]:
    """Returns a statement as lines of cells that are safe to open in a spreadsheet."""
    lines: list[tuple[object, ...]] = [HEADING]
    lines += [_cells(entry) for entry in entries]
    blank = ("",)
    for (line, currency), total in totals(entries).items():
        sums = (total.records, currency, total.amount_minor, total.amount_cny_minor)
        lines.append((f"total_{line}", *blank * 5, *sums, *blank * 6))
    return [tuple(harmless(cell) for cell in line) for line in lines]


def harmless(cell: object) -> str:
    """Returns a cell as text that no spreadsheet takes for a formula; None is empty."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def _cells(entry: Entry) -> tuple[object, ...]:
    return (
        entry.line,
        entry.record_id,
        entry.revision,
        to_datetime(Instant(entry.occurred_at)).astimezone(SHANGHAI).isoformat(),
        entry.original_id,
        entry.refund_state,
        1,
        entry.currency,
        entry.amount_minor,
        entry.amount_cny_minor,
        entry.rate_e12,
        entry.rate_source,
        to_date(Day(entry.rate_day)).isoformat(),
        entry.settlement_currency,
        entry.settlement_minor,
        " ".join(entry.flags),
    )
