"""Whether, when and how often a call is tried again: by its method, its fault and its deadline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from bonafides.client.faults import DOMAIN
from bonafides.client.repeating import PAUSES, Again, Attempts

_READ: Final = "/bonafides.v1.ArchiveService/GetArchive"
_WITH_ID: Final = "/bonafides.v1.PlatformService/RecordDecision"
_WITHOUT_ID: Final = "/bonafides.v1.PlatformService/CloseInquiry"
_UNAVAILABLE: Final = grpc.StatusCode.UNAVAILABLE


class Fault(grpc.RpcError):
    """What the library raises, with what a server may say."""

    def __init__(
        self,
        code: grpc.StatusCode = _UNAVAILABLE,
        *,
        reason: str = "",
        trailers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__()
        status = status_pb2.Status(code=code.value[0], message="no")
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
        self._code = code
        self._trailers = (*trailers, ("grpc-status-details-bin", status.SerializeToString()))

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "no"

    def trailing_metadata(self) -> Any:
        return self._trailers


def course(attempts: Attempts, *faults: Fault) -> list[Again | None]:
    return [attempts.after(fault, sent=True) for fault in faults]


@pytest.mark.parametrize("method", [_READ, _WITH_ID])
def test_unavailable_is_tried_again_thrice_with_growing_pauses(method: str) -> None:
    told = course(Attempts(method, None), *[Fault()] * 4)
    assert told == [*map(Again, PAUSES), None]
    assert sorted(PAUSES) == list(PAUSES)


def test_write_without_a_request_id_is_left_to_its_caller() -> None:
    assert course(Attempts(_WITHOUT_ID, None), Fault()) == [None]


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not _UNAVAILABLE])
def test_nothing_but_unavailable_is_tried_again(code: grpc.StatusCode) -> None:
    assert course(Attempts(_READ, None), Fault(code)) == [None]


def test_server_that_asks_for_no_more_is_obeyed() -> None:
    told = Fault(trailers=[("grpc-retry-pushback-ms", "-1")])
    assert course(Attempts(_READ, None), told) == [None]


def test_pause_that_the_deadline_cuts_is_not_begun() -> None:
    """0.25 s are left: 0.1 s are waited, an attempt takes 0.05 s, and 0.2 s are too long."""
    now = 10.0
    attempts = Attempts(_READ, 0.25, clock=lambda: now)
    assert attempts.left() == 0.25
    assert course(attempts, Fault()) == [Again(0.1)]
    now = 10.15
    assert course(attempts, Fault()) == [None]
    now = 11.0
    assert attempts.left() == 0.0


def test_call_without_a_deadline_has_no_time_left_to_tell() -> None:
    assert Attempts(_READ, None).left() is None


@pytest.mark.parametrize("reason", ["CREDENTIAL_INVALID", "CREDENTIAL_EXPIRED"])
def test_token_that_is_taken_no_more_is_replaced_once(reason: str) -> None:
    stale = Fault(grpc.StatusCode.UNAUTHENTICATED, reason=reason)
    assert course(Attempts(_READ, None), stale, stale) == [Again(0.0, is_stale=True), None]


def test_replaced_token_takes_none_of_the_other_attempts() -> None:
    stale = Fault(grpc.StatusCode.UNAUTHENTICATED, reason="CREDENTIAL_EXPIRED")
    told = course(Attempts(_READ, None), Fault(), stale, *[Fault()] * 3)
    assert told == [Again(0.1), Again(0.0, is_stale=True), Again(0.2), Again(0.4), None]


def test_signature_that_is_not_taken_is_not_replaced() -> None:
    stale = Fault(grpc.StatusCode.UNAUTHENTICATED, reason="CREDENTIAL_EXPIRED")
    assert course(Attempts(_WITH_ID, None), stale) == [None]


def test_refused_exchange_is_no_stale_token() -> None:
    refused = Fault(grpc.StatusCode.UNAUTHENTICATED, reason="CREDENTIAL_INVALID")
    assert Attempts(_READ, None).after(refused, sent=False) is None
