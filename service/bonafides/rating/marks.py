"""Notes of what a level was computed, so that two levels can be told apart by their facts.

Marks are flat: a name such as "platforms/1688/transactions" or "public_records/PENALTY/..."
and a short value. What differs between two levels is a comparison of their marks, and so
is what changed for the enterprise's good or by its own doing:

1. **Relief**: less counts against it than before. New orders never lower a count, so they
   are no relief, however they dilute a rate.
2. **Withdrawal**: a platform that was covered is authorized no more, or a store is open no
   more. A store that was ruled not to be the enterprise's is no withdrawal, but relief;
   one that another enterprise contests is neither.

Nothing of a person is a mark.

    differing(marks(inputs, result), marks(later, result))     # what changed, by name
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bonafides.archive.expiry import standing_records
from bonafides.instants import Day, day_of, to_date
from bonafides.rating.card import RuleKind
from bonafides.rating.features import (
    FEATURES,
    NOT_APPLICABLE,
    Direction,
    RatingInputs,
    Share,
    Value,
)
from bonafides.rating.publishing import Down, Relief
from bonafides.rating.rate import RatingResult
from bonafides.rating.rules import RULES
from bonafides.records.links import Standing, Store

Marks = Mapping[str, str]

_AGAINST: Final = "against/"
_OPEN: Final = "open"
_CLOSED: Final = "closed"
_COVERED: Final = "covered"
# Less is better, but it says how trade is spread: nothing was decided against anybody.
_SPREAD: Final = frozenset({"largest_buyer_share"})
# Quick answers to new cases lower it.
_HOURS: Final = "hours"
# These wait for a person's look at a listing, in place of a D.
_REVIEWS: Final = frozenset({"LISTING_REVIEW_BY_PERSON", "REVIEW_BY_PERSON"})
_COUNTED: Final = (
    "transactions",
    "refunds",
    "complaints",
    "complaints_upheld",
    "disputes",
    "disputes_lost",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that differs between two levels. "": it was, or is, not there."""

    fact: str
    before: str
    after: str


def marks(
    inputs: RatingInputs,
    result: RatingResult,
    down: Iterable[Down],
    uncovered: Mapping[str, Iterable[Store]],
) -> dict[str, str]:
    """Returns the marks of a level, by name.

    `uncovered` are the platforms that are authorized and report nothing that counts, each
    with the stores that it says are the enterprise's.
    """
    made = {f"rules/{hit.rule.reason}": "hits" for hit in result.rules}
    made |= {
        f"features/{part.feature.name}": str(_slot(part.slot)) for part in result.contributions
    }
    made |= {f"down/{each}": "no answer" for each in down}
    made |= {f"consents/{purpose}": "given" for purpose in inputs.purposes}
    for name, feature in FEATURES.items():
        if counts_against(name) and feature.unit != _HOURS:
            value = feature.measure(inputs)
            if isinstance(value, int | Share):
                made[_AGAINST + name] = str(value.part if isinstance(value, Share) else value)
    for fact in standing_records(inputs.sheet):
        made[f"public_records/{fact.kind.name}/{fact.item}"] = "stands"
    if inputs.registration is not None:
        made["registration/operating_state"] = inputs.registration.operating_state.name
    if inputs.sheet.verification is not None:
        until = to_date(day_of(inputs.sheet.verification.expires_at))
        made["verification"] = f"until {until.isoformat()}"
    for platform, stores in uncovered.items():
        made[f"platforms/{platform}"] = "authorized"
        made.update(_of_stores(platform, stores, inputs.today))
    made.update(_of_platforms(inputs))
    return made


def _of_platforms(inputs: RatingInputs) -> Iterator[tuple[str, str]]:
    for each in inputs.platforms:
        yield f"platforms/{each.platform}", _COVERED
        for name in _COUNTED:
            yield f"platforms/{each.platform}/{name}", str(getattr(each.cumulative, name))
        yield from _of_stores(each.platform, each.stores, inputs.today)


def _of_stores(platform: str, stores: Iterable[Store], today: Day) -> Iterator[tuple[str, str]]:
    for store in stores:
        yield f"stores/{platform}/{store.link_id}", _store(store, today)


def _store(store: Store, today: Day) -> str:
    if store.standing is not Standing.STANDS:
        return store.standing.value
    return _OPEN if store.is_open(today) else _CLOSED


def _slot(slot: object) -> object:
    return slot if isinstance(slot, int) else getattr(slot, "value", slot)


def counts_against(name: str) -> bool:
    """Tells whether the feature counts what was decided against the enterprise."""
    return FEATURES[name].direction is Direction.LOWER_IS_BETTER and name not in _SPREAD


def clean(name: str, value: Value) -> Value:
    """Returns the value that the feature would have if nothing counted against anybody."""
    if not counts_against(name):
        return value
    if FEATURES[name].unit == _HOURS:
        return NOT_APPLICABLE
    match value:
        case Share():
            return Share(0, value.whole)
        case int():
            return 0
        case _:
            return value


def differing(before: Marks, after: Marks) -> tuple[Difference, ...]:
    """Returns what differs, by name."""
    names = sorted(before.keys() | after.keys())
    found = (Difference(name, before.get(name, ""), after.get(name, "")) for name in names)
    return tuple(each for each in found if each.before != each.after)


def withdrawn(before: Marks, after: Marks) -> bool:
    """Tells whether a platform's data was withdrawn, or a store was closed."""
    return any(each.after in _GONE.get(each.before, ()) for each in differing(before, after))


# What becomes of a platform and of a store that are taken back.
_GONE: Final = {_COVERED: ("",), _OPEN: ("", _CLOSED)}


def relief(before: Marks, after: Marks) -> tuple[Relief, ...]:
    """Returns what ended that counted against the enterprise, sorted."""
    found = {_relief(each) for each in differing(before, after)}
    return tuple(sorted(each for each in found if each is not None))


def _relief(changed: Difference) -> Relief | None:
    kind, _, name = changed.fact.partition("/")
    match kind:
        case "against" if changed.before and changed.after:
            return Relief.LESS_AGAINST if int(changed.after) < int(changed.before) else None
        case "rules" if not changed.after and _is_listing(name):
            return Relief.KNOCK_OUT_ENDED
        case "stores" if changed.before == _OPEN and changed.after in _RULED_OUT:
            return Relief.STORE_RULED_OUT
        case "down" if not changed.after:
            return Relief.FEED_CAME_BACK
        case _:
            return None


_RULED_OUT: Final = frozenset({Standing.REJECTED.value, Standing.OVERDUE.value})


def _is_listing(reason: str) -> bool:
    return reason in _REVIEWS or (reason in RULES and RULES[reason].kind is RuleKind.KNOCK_OUT)
