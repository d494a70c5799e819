"""Has a write that comes again under its request id done once, and answered as before.

A write carries a request id, a UUID that its caller chooses. The rules:

1. The id of the row that the write makes is worked out and not drawn: of the sort of row,
   of whose it is, and of the request id. The same request finds what it made; the same id
   from somebody else, or about another enterprise where the row is the enterprise's, makes
   another row. It is keyed: nobody else can work the id of a row out.
2. A digest of the request's bytes stays beside the row. It is keyed too: by a plain digest
   of a request in which all but an ID number is known, the number could be found by trying.
3. A row that is there is the answer, if the request is the same; else it is refused, and
   a new UUID is the remedy.
4. Whether the caller may ask at all is looked at before that, anew each time; what bounds
   or judges something new, behind it: a repetition is nothing new.
5. Of two at once one must see the other: look and insertion are one unit of work, in which
   all who could make the row take turns first (`storage.identity.take_turns`).

A row that holds all that was asked needs no digest; there that is compared itself.

    mark = request.mark(vault, "mask", staff.name, platform)
    known = mark.answer(rows.find(work, mark.uid))      # None: go on, and make it

Source: AIP-155.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bonafides.errors import RequestIdReusedError
from bonafides.personal.sealing import Vault

_UUID_BYTES = 16


class Row(Protocol):
    """A row that a request made, with the keyed digest of that request; None: none was kept."""

    @property
    def request_digest(self) -> bytes | None:
        """32 bytes, as of `Mark.digest`."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Request:
    """By which request a write comes: its id, a UUID in lower case, and SHA-256 of its bytes."""

    id: str
    digest: bytes

    def mark(self, vault: Vault, sort: str, *whose: str) -> Mark:
        """Returns what the request leaves: the same for the same request (1).

        `sort` is the sort of row, `whose` the caller first, then what else the row is under.
        """
        seed = vault.index(sort, "|".join((*whose, self.id)))
        return Mark(seed, vault.index("request", self.digest.hex()))


@dataclass(frozen=True, slots=True)
class Mark:
    """What a request leaves, keyed: of what its row's id is made, and the digest to keep (2).

    Both have 32 bytes.
    """

    seed: bytes
    digest: bytes

    @property
    def uid(self) -> str:
        """The id of the row."""
        return uid_of(self.seed)

    def answer(self, known: R | None) -> R | None:
        """Returns the row that this very request made before; None: there is none (3).

        Raises:
            RequestIdReusedError: it was another request.
        """
        if known is not None:
            require_same(known.request_digest, self.digest)
        return known


def require_same(before: object, now: object) -> None:
    """Lets nothing pass but what was asked before: told by its digest, or by itself (3).

    Raises:
        RequestIdReusedError: it was something else.
    """
    if before != now:
        raise RequestIdReusedError


def uid_of(keyed: bytes) -> str:
    """Returns the UUID that is made of a keyed digest, of at least 16 bytes."""
    return str(uuid.UUID(bytes=keyed[:_UUID_BYTES], version=4))
