"""Reads and writes how the limits that staff set are named.

A limit is of all accounts of one kind, or of the one of a platform or of an integrator's
application; persons and prefixes have no limit of their own: staff close to them by a
switch, and nobody's pseudonym is a contract.

    read_payer("platforms/1688/limit")        # "platform:1688"
    name_of("platform:1688")                  # "platforms/1688/limit"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bonafides.access.budgets import Payer

_NAME: Final = re.compile(
    r"(payers|platforms|applications)/([A-Za-z0-9][A-Za-z0-9._-]{0,39})/limit"
)
_KINDS: Final[Mapping[str, Payer]] = MappingProxyType(
    {"platforms": Payer.PLATFORM, "applications": Payer.INTEGRATOR}
)
_COLLECTIONS: Final = MappingProxyType({kind.value: name for name, kind in _KINDS.items()})


def read_payer(name: str) -> str | None:
    """Returns whose limit is named: a kind, or kind, colon and name; None: nobody's."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    collection, whose = found.groups()
    if collection in _KINDS:
        return f"{_KINDS[collection].value}:{whose}"
    return whose if whose in set(Payer) else None


def name_of(payer: str) -> str:
    """Returns the name of the limit that `read_payer` read as this."""
    kind, _, whose = payer.partition(":")
    return f"{_COLLECTIONS[kind]}/{whose}/limit" if whose else f"payers/{kind}/limit"
