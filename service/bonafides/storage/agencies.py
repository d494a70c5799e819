"""Tells for whom an integrator acts, by its agent token; looks again before it is answered.

What a token stands for is remembered and forgotten through the table of changes, as
standings are (storage.standings). That alone would let an integrator read, for up to a
second, what its enterprise wrote after it took the authorization back. So it is asked
twice:

1. `acting`, before anything is done: from memory if that is fresh, else of the database.
2. `require`, after everything was read and before the answer leaves: of the database.
   What it says is as of later than what was read, so whatever was written after the end
   of the authorization is not in an answer that it lets pass.

What an integrator changes is looked at in the unit of work that changes it.

    caller = agents.acting(caller, ["bfa_live_..."], now)
    agents.require(caller, now)                            # AgentTokenError
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from bonafides.access.agents import Agency, Agent, environment_of
from bonafides.access.callers import Caller, CallerKind
from bonafides.errors import AgentTokenError
from bonafides.instants import Instant
from bonafides.storage import agents as rows
from bonafides.storage.changes import APPLICATION, Change
from bonafides.storage.follower import Follower
from bonafides.storage.unit_of_work import Store

# Some hundred bytes each.
_MOST_REMEMBERED: Final = 10_000
# Whoever sends one twice may mean either.
_REPEATED: Final = "REPEATED"


class Agents:
    """The agent tokens of one environment. Threads may share it.

    `index` gives the keyed digest by which a token is kept.
    """

    def __init__(
        self, store: Store, follower: Follower, index: Callable[[str], bytes], environment: str
    ) -> None:
        self._store: Final = store
        self._index: Final = index
        self._environment: Final = environment
        self._lock: Final = threading.Lock()
        self._known: Final[OrderedDict[bytes, Agency]] = OrderedDict()
        # Grows with everything that is heard: what was read before is not kept after.
        self._heard = 0
        self._follower: Final = follower
        follower.hear(self._told, self._lost)

    def acting(self, caller: Caller, tokens: Sequence[str], now: Instant) -> Caller:
        """Returns the caller as it acts by the agent token that came beside its credential.

        Raises:
            AgentTokenError: it doesn't; `fault` says why, for the log.
            StoreUnavailableError: the database can't be reached.
        """
        if len(tokens) != 1:
            raise AgentTokenError(_REPEATED)
        if caller.kind is not CallerKind.INTEGRATOR or not caller.application:
            raise AgentTokenError("NOT_AN_INTEGRATOR")
        environment = environment_of(tokens[0])
        if environment is None:
            raise AgentTokenError("FORM")
        if environment != self._environment:
            raise AgentTokenError("ENVIRONMENT")
        index = self._index(tokens[0])
        agency = self._at_once(index)
        if agency is None:
            agency = self._read(caller.application, index, now)
        if agency is None or agency.application != caller.application or agency.expires_at <= now:
            raise AgentTokenError("NOT_IN_FORCE")
        # What it does is the application's, whatever else its credential names.
        return dataclasses.replace(
            caller,
            subject=caller.application,
            acts_for=agency.code,
            scopes=agency.scopes,
            agency=agency.uid,
        )

    def require(self, caller: Caller, now: Instant) -> None:
        """Checks, by the database as it is now, that the caller still acts.

        Raises:
            AgentTokenError: it doesn't any more.
            StoreUnavailableError: the database can't be reached.
        """
        agent = Agent(caller.application, caller.agency, now)
        with self._store.reading() as work:
            if not rows.holds(work, caller.acts_for, agent):
                raise AgentTokenError("ENDED")

    def _at_once(self, index: bytes) -> Agency | None:
        if not self._follower.is_fresh():
            return None
        with self._lock:
            return self._known.get(index)

    def _read(self, application: str, index: bytes, now: Instant) -> Agency | None:
        with self._lock:
            heard = self._heard
        with self._store.reading() as work:
            found = rows.resolve(work, application, index, environment=self._environment, now=now)
        with self._lock:
            if found is not None and self._heard == heard:
                self._known[index] = found
                if len(self._known) > _MOST_REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def _told(self, heard: Sequence[Change]) -> None:
        clients = {change.key for change in heard if change.kind == APPLICATION}
        if clients:
            with self._lock:
                self._heard += 1
                gone = [i for i, agency in self._known.items() if agency.application in clients]
                for index in gone:
                    del self._known[index]

    def _lost(self) -> None:
        with self._lock:
            self._heard += 1
            self._known.clear()
