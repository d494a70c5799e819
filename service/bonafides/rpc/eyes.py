"""Tells in whose eyes an enterprise is shown to a caller, by its memberships.

Only callers who are persons are looked up: the public, platforms and staff are told by
their credential alone, so that an anonymous read asks for nothing more.

    eyes.at_once(caller, code)      # AUDIENCE_OWNER; None: ask `audience`, on a thread
"""

from __future__ import annotations

from typing import Final

from bonafides.access.callers import Caller, CallerKind, audience
from bonafides.storage.standings import Standings
from bonafides.v1 import disclosure_pb2


class Eyes:
    """Derives audiences. Threads may share it."""

    def __init__(self, standings: Standings) -> None:
        self._standings: Final = standings

    def at_once(self, caller: Caller, code: str) -> disclosure_pb2.Audience.ValueType | None:
        """Returns the audience, without waiting; None if the memberships aren't remembered."""
        if caller.kind is not CallerKind.MEMBER:
            return audience(caller, code)
        standing = self._standings.at_once(caller, code)
        return None if standing is None else audience(caller, code, standing)

    def audience_now(self, caller: Caller, code: str) -> disclosure_pb2.Audience.ValueType:
        """Returns the audience as the database has it now: for what changes something.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        return audience(caller, code, self._standings.read(caller, code))

    def audience(self, caller: Caller, code: str) -> disclosure_pb2.Audience.ValueType:
        """Returns the audience; asks the database what isn't remembered.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        known = self.at_once(caller, code)
        if known is not None:
            return known
        return audience(caller, code, self._standings.read(caller, code))
