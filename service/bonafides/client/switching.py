# Made of aio/switching.py by scripts/unasync.py: change it there.
"""Calls of staff against crawling: `client.switches`.

client.switches.close("bonafides.v1.ArchiveService/GetArchive", reason="...")
client.switches.close(target=Switch.Target(prefix="203.0.113.0/24"), reason="...")
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

from bonafides.client.connection import Connection
from bonafides.client.paging import pages
from bonafides.v1 import switch_pb2, switch_service_pb2, switch_service_pb2_grpc


class SwitchCalls:
    """What staff close, canaries, and limits. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._stub: Final = switch_service_pb2_grpc.SwitchServiceStub(connection.channel)

    def close(
        self,
        interface: str = "",
        *,
        reason: str,
        target: switch_pb2.Switch.Target | None = None,
        until: dt.datetime | None = None,
        request_id: str | None = None,
    ) -> switch_pb2.Switch:
        """Closes an interface, or closes it to one caller; without `until`, until it is opened."""
        request = switch_service_pb2.SetSwitchRequest(
            request_id=request_id or str(uuid.uuid4()), interface=interface, reason=reason
        )
        if target is not None:
            request.target.CopyFrom(target)
        if until is not None:
            request.expire_time.FromDatetime(until)
        return self._connection.answer(self._stub.SetSwitch, request)

    def open(self, name: str) -> switch_pb2.Switch:
        """Ends a switch."""
        request = switch_service_pb2.DeleteSwitchRequest(name=name)
        return self._connection.answer(self._stub.DeleteSwitch, request)

    def switches(self, *, ended: bool = False) -> Sequence[switch_pb2.Switch]:
        """Lists the switches that hold, the latest first; ended ones too, if asked."""
        request = switch_service_pb2.ListSwitchesRequest(show_ended=ended)
        return [
            switch
            for page in pages(self._connection, self._stub.ListSwitches, request)
            for switch in page.switches
        ]

    def set_canary(self, code: str, *, marked: bool = True) -> switch_pb2.Canary:
        """Says that a generated code is a canary, or none any more."""
        name = f"enterprises/{code}/canary"
        request = switch_service_pb2.SetCanaryRequest(name=name, marked=marked)
        return self._connection.answer(self._stub.SetCanary, request)

    def canaries(self) -> Sequence[switch_pb2.Canary]:
        """Lists canaries by code, those that are none any more too."""
        request = switch_service_pb2.ListCanariesRequest()
        return [
            canary
            for page in pages(self._connection, self._stub.ListCanaries, request)
            for canary in page.canaries
        ]

    def set_limit(
        self,
        name: str,
        *,
        reason: str,
        calls: int | None = None,
        enterprises: int | None = None,
        request_id: str | None = None,
    ) -> switch_pb2.SpendingLimit:
        """Sets what an account may spend, such as platforms/1688/limit; neither: as usual."""
        request = switch_service_pb2.SetSpendingLimitRequest(
            request_id=request_id or str(uuid.uuid4()),
            name=name,
            calls_per_minute=calls,
            enterprises_per_day=enterprises,
            reason=reason,
        )
        return self._connection.answer(self._stub.SetSpendingLimit, request)

    def limits(self, *, ended: bool = False) -> Sequence[switch_pb2.SpendingLimit]:
        """Lists the limits that were set and hold, by name; replaced ones too, if asked."""
        request = switch_service_pb2.ListSpendingLimitsRequest(show_ended=ended)
        return [
            limit
            for page in pages(self._connection, self._stub.ListSpendingLimits, request)
            for limit in page.limits
        ]
