"""What is proved, and what must hold of it.

Every figure of build/trust.json has its bar here. Of what must never happen the bar is
none at all, of so many tried; how many those were stands beside.

    proved("disclosure.in_process.outside_policy", 0, "80,000 views").holds     # True
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from scripts.measured import Bar, Figure

_NONE: Final = Bar("cases", 0)
_ALL: Final = Bar("ratio", 1.0, at_least=True)

BARS: Final[Mapping[str, Bar]] = MappingProxyType(
    {
        # Sensitive fields that were visible outside the policy.
        "disclosure.in_process.outside_policy": _NONE,
        "disclosure.over_the_wire.outside_policy": _NONE,
        # Planted values found in answers, error texts, trailers and logs.
        "disclosure.over_the_wire.planted_found": _NONE,
        # Attacks that were not refused as they must be, honest calls that were; all attacks.
        "attack.accepted": _NONE,
        "attack.tried": Bar("attacks", 60, at_least=True),
        # Of all cells of the printed policy, those that are so over the wire, both ways.
        "matrix.sqlite.conforming": _ALL,
        "matrix.postgresql.conforming": _ALL,
        # Owners who got more of another's enterprise than any member does.
        "cross.let_in": _NONE,
        # How well the time of an answer tells an enterprise that takes part from none.
        "timing.other_against_absent.auc": Bar("AUC", 0.55),
        # Of all enterprises, those that a crawler saw; of honest calls, those refused.
        "crawl.seen": Bar("ratio", 0.01),
        "crawl.refused": Bar("ratio", 0.001),
        # No bar: how many the crawler saw, whatever the size of the register.
        "crawl.enterprises": Bar("enterprises"),
        # Requests of bent bytes that ended otherwise than the service says.
        "fuzz.in_process.failures": _NONE,
        "fuzz.over_grpc.failures": _NONE,
        # Guards without which no test fails.
        "guard.unnoticed": _NONE,
    }
)


def proved(name: str, value: float, beside: str = "") -> Figure:
    """Returns the figure.

    Raises:
        KeyError: no such row.
    """
    return Figure(name, value, BARS[name], beside=beside)


def failed(name: str, why: str) -> Figure:
    """Returns the row of a figure that could not be taken."""
    return Figure(name, None, BARS[name], beside=why)
