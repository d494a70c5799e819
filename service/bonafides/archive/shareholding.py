"""Looks whether shareholders agree with one another and with the registered capital.

What does not agree is told to staff and refuses nothing: registries publish sums that
are years apart, and what is at odds is the source's to mend. The rules:

1. Shares that are all known add up to the whole; known ones are never more than it.
2. Subscriptions that are all known and in the capital's currency add up to the
   registered capital.
3. Nobody pays in more than was subscribed, in one currency.

Registries print shares in hundredths of a percent and contributions in ten-thousandths
of 10,000 yuan, cut or rounded: each holder may be off by one of these.

    findings(holders, Money("CNY", 100_000_000))      # () if all agrees
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bonafides.archive.facts import Shareholder
from bonafides.identity.codes import Finding
from bonafides.records.money import Money

PPM: Final = 1_000_000
# What rounding may make of one holder's share, and of one holder's contribution.
_SHARE_STEP_PPM: Final = 100
_AMOUNT_STEP_MINOR: Final = 100


def findings(holders: Sequence[Shareholder], capital: Money | None) -> tuple[Finding, ...]:
    """Returns what does not agree, in the order of the rules; it names no holder.

    `capital` None: not known, and rule 2 is not looked at.
    """
    return tuple(_found(holders, capital))


def _found(holders: Sequence[Shareholder], capital: Money | None) -> Iterator[Finding]:
    shares = [holder.share_ppm for holder in holders if holder.share_ppm is not None]
    over = sum(shares) - PPM
    slack = _SHARE_STEP_PPM * len(shares)
    if over > slack or (len(shares) == len(holders) and shares and -over > slack):
        yield Finding("SHARES_SUM", "The shares do not add up to the whole.")
    if capital is not None and not _adds_up(holders, capital):
        yield Finding(
            "CONTRIBUTIONS_SUM", "The subscriptions do not add up to the registered capital."
        )
    if any(map(_overpaid, holders)):
        yield Finding("PAID_ABOVE_SUBSCRIBED", "A holder paid in more than was subscribed.")


def _adds_up(holders: Sequence[Shareholder], capital: Money) -> bool:
    told = [
        holder.subscribed.minor
        for holder in holders
        if holder.subscribed is not None and holder.subscribed.currency == capital.currency
    ]
    if not told or len(told) < len(holders):
        return True
    return abs(sum(told) - capital.minor) <= _AMOUNT_STEP_MINOR * len(told)


def _overpaid(holder: Shareholder) -> bool:
    subscribed, paid = holder.subscribed, holder.paid
    return (
        subscribed is not None
        and paid is not None
        and paid.currency == subscribed.currency
        and paid.minor > subscribed.minor
    )
