"""Tells what of an enterprise a caller is shown when it reads: in whose eyes, less which parts.

For most callers that is the audience alone. What a platform is shown follows also from what
it reads for (access.purposes) and from the mask that staff set for it (storage.masks), and
its reads are noted (storage.platform_reads), once a day for each enterprise.

    sights.at_once(caller, code, purpose, now)     # Sight; None: ask `sight`, on a thread
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bonafides.access import purposes
from bonafides.access.callers import Caller, CallerKind
from bonafides.access.field_masks import NO_MASK, Mask
from bonafides.instants import Instant
from bonafides.rpc.eyes import Eyes
from bonafides.storage.masks import Masks
from bonafides.storage.platform_reads import Readers
from bonafides.v1 import disclosure_pb2
from bonafides.v1.purpose_pb2 import ReadPurpose


@dataclass(frozen=True, slots=True)
class Sight:
    """In whose eyes, and less which parts."""

    audience: disclosure_pb2.Audience.ValueType
    mask: Mask = NO_MASK


class Sights:
    """Derives what callers are shown. Threads may share it."""

    def __init__(self, eyes: Eyes, masks: Masks, readers: Readers) -> None:
        self.eyes: Final = eyes
        self._masks: Final = masks
        self._readers: Final = readers

    def at_once(
        self, caller: Caller, code: str, purpose: ReadPurpose.ValueType, now: Instant
    ) -> Sight | None:
        """Returns what the caller is shown, without waiting; None: ask `sight`.

        For a platform, only if this read needn't be noted any more.
        """
        if caller.kind is not CallerKind.PLATFORM:
            seen_as = self.eyes.at_once(caller, code)
            return None if seen_as is None else _PLAIN[seen_as]
        mask = self._masks.at_once(caller.platform)
        if mask is None or not self._readers.is_noted(caller.platform, code, now):
            return None
        return _of_platform(mask, purpose)

    def sight(self, caller: Caller, code: str, purpose: ReadPurpose.ValueType) -> Sight:
        """Returns what the caller is shown; asks the database what isn't remembered.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        if caller.kind is not CallerKind.PLATFORM:
            return _PLAIN[self.eyes.audience(caller, code)]
        return self.of_platform(caller, purpose)

    def of_platform(self, caller: Caller, purpose: ReadPurpose.ValueType) -> Sight:
        """Returns what the platform that calls is shown, of whichever enterprise.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        mask = self._masks.at_once(caller.platform)
        if mask is None:
            mask = self._masks.read(caller.platform)
        return _of_platform(mask, purpose)

    def note(self, caller: Caller, *codes: str, now: Instant) -> None:
        """Notes that a platform read the enterprises; of others nothing is noted here.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        if caller.kind is CallerKind.PLATFORM:
            self._readers.note(caller.platform, codes, now)


def _of_platform(mask: Mask, purpose: ReadPurpose.ValueType) -> Sight:
    if mask is NO_MASK and (known := _UNMASKED.get(purpose)) is not None:
        return known
    return _made(mask, purpose)


def _made(mask: Mask, purpose: ReadPurpose.ValueType) -> Sight:
    seen_as = purposes.audience(disclosure_pb2.AUDIENCE_PLATFORM, purpose)
    return Sight(seen_as, purposes.mask(purpose).also(mask))


# Made once: a read makes none.
_PLAIN: Final = {audience: Sight(audience) for audience in disclosure_pb2.Audience.values()}
_UNMASKED: Final = {purpose: _made(NO_MASK, purpose) for purpose in purposes.EVERY}
