"""An enterprise that is rated, and who talks to the service about it, for service tests."""

from __future__ import annotations

from collections.abc import Sequence

from bonafides.archive.facts import Fact
from bonafides.client import Client
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, HOUR, Day, Instant, day_of, start_of
from bonafides.records import operations as records
from bonafides.records.kinds import Kind, Outcome, Record
from bonafides.records.links import due_day
from tests import builders
from tests.serving import Served

ORDERS = 60
# Within the life of a token.
MOMENT = HOUR // 60


def orders(of: UnifiedCode) -> list[Record]:
    """Returns orders of most of a year, each from another buyer."""
    return [
        builders.transaction(
            f"t{number}",
            of=of,
            buyer=f"buyer-{number}",
            occurred_at=Instant(start_of(Day(builders.TODAY - 5 * number - 1))),
        )
        for number in range(ORDERS)
    ]


def complaint(of: UnifiedCode, record_id: str, **changes: object) -> Record:
    """Returns a complaint that the platform upheld a month ago."""
    opened = Instant(start_of(Day(builders.TODAY - 30)))
    told: dict[str, object] = {
        "kind": Kind.COMPLAINT,
        "buyer": None,
        "amount": None,
        "original_id": "t1",
        "occurred_at": opened,
        "first_response_at": Instant(opened + HOUR),
        "outcome": Outcome.UPHELD,
        "decided_at": Instant(opened + DAY),
    }
    return builders.transaction(record_id, of=of, **(told | changes))


def rated(
    served: Served,
    of: UnifiedCode,
    *,
    more: Sequence[Record] = (),
    facts: Sequence[Fact] = (),
    purposes: Sequence[str] = ("VERIFY_IDENTITY",),
) -> None:
    """Makes the enterprise take part, with orders, records and facts beside its registration."""
    told = [*orders(of), *more]
    builders.link_stores(served.store, told)
    report = records.ingest(served.store, served.vault, builders.rates(), told, now=builders.NOW)
    assert report.accepted == len(told), report
    records.fold(served.store, now=builders.NOW)
    known = [*builders.registration_facts(of), *facts]
    builders.enroll(served.store, of, facts=known, purposes=purposes)


def owner(served: Served, code: str) -> Client:
    """Returns a client of somebody who owns the enterprise."""
    return served.client(served.token(subject="owner", owns=[code]))


def member(served: Served) -> Client:
    """Returns a client of somebody who has nothing to do with it."""
    return served.client(served.token(subject="somebody"))


def staff(served: Served, subject: str = "clerk") -> Client:
    """Returns a client of a member of staff."""
    return served.client(served.token("operator", subject=subject))


def later(served: Served, microseconds: int = MOMENT) -> None:
    """Moves the clock."""
    served.clock.now = Instant(served.clock.now + microseconds)


def end_of_term(served: Served) -> Instant:
    """Returns the first instant after the last day for a ruling on what is opened now."""
    return start_of(Day(due_day(day_of(served.clock.now)) + 1))


def rated_thinly(served: Served, of: UnifiedCode) -> None:
    """Makes an enterprise take part that has too few orders to be rated."""
    told = orders(of)[:2]
    builders.link_stores(served.store, told)
    records.ingest(served.store, served.vault, builders.rates(), told, now=builders.NOW)
    records.fold(served.store, now=builders.NOW)
    builders.enroll(served.store, of)
