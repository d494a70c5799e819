"""The methods about what is held of persons, and about what waits for staff.

As in `bonafides.rpc.consent_services`: what may be asked is decided by the rooms.
"""

from __future__ import annotations

from typing import Final

from bonafides.access.disclosure import view
from bonafides.errors import BugError, FieldViolation, InvalidFieldsError
from bonafides.identity import (
    buyer_operations,
    correction_operations,
    erasing,
    holding_operations,
    queue_operations,
)
from bonafides.identity.buyer_operations import RecordKey
from bonafides.identity.correction_operations import Asked, Decision
from bonafides.identity.corrections import State
from bonafides.identity.operations import Desk
from bonafides.rpc import messages
from bonafides.rpc import rights_messages as written
from bonafides.rpc.asking import (
    actor,
    enterprise_in,
    part_in,
    principal,
    reader,
    request_in,
    seen_as,
)
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import page, page_size
from bonafides.v1 import disclosure_pb2, rights_pb2
from bonafides.v1 import rights_service_pb2 as rights_service

# Nobody reads on so far; each page is found behind all before it.
_LAST_OFFSET: Final = 10_000


class RightsService:
    """Does what persons may ask for."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final = desk

    def get_holdings(
        self, request: rights_service.GetHoldingsRequest, call: Call
    ) -> rights_pb2.Holdings:
        """Tells what is held."""
        code = enterprise_in(request.parent, call)
        told = holding_operations.get_holdings(self._desk, actor(call, code), code, now=call.now)
        return view(written.holdings(code, told), seen_as(call))

    def open_correction(
        self, request: rights_service.OpenCorrectionRequest, call: Call
    ) -> rights_pb2.Correction:
        """Opens a case."""
        code = enterprise_in(request.parent, call)
        asked = Asked(
            target=written.target_of(request.target, code),
            wrong=request.wrong,
            right=request.right,
            evidence_sha256=request.evidence_sha256,
            request=request_in(request, call),
        )
        made = correction_operations.open_case(
            self._desk, actor(call, code), code, asked, now=call.now
        )
        return view(written.correction(made), seen_as(call))

    def get_correction(
        self, request: rights_service.GetCorrectionRequest, call: Call
    ) -> rights_pb2.Correction:
        """Gets a case."""
        code, uid = part_in(request.name, "corrections", call)
        found = correction_operations.get_case(self._desk, reader(call, code), code, uid)
        return view(written.correction(found), seen_as(call))

    def list_corrections(
        self, request: rights_service.ListCorrectionsRequest, call: Call
    ) -> rights_service.ListCorrectionsResponse:
        """Lists cases."""
        code = enterprise_in(request.parent, call)
        found = correction_operations.list_cases(self._desk, reader(call, code), code)
        shown, more = page(found, request)
        return rights_service.ListCorrectionsResponse(
            corrections=[view(written.correction(each), seen_as(call)) for each in shown],
            next_page_token=more,
        )

    def decide_correction(
        self, request: rights_service.DecideCorrectionRequest, call: Call
    ) -> rights_pb2.Correction:
        """Rules on a case."""
        code, uid = part_in(request.name, "corrections", call)
        upheld = request.outcome == rights_pb2.Correction.STATE_UPHELD
        ruled = Decision(
            outcome=State.UPHELD if upheld else State.REFUSED,
            reason=request.reason,
            fact_value=request.fact_value,
            withdraw=request.withdraw,
        )
        made = correction_operations.decide(
            self._desk, principal(call), code, uid, ruled, now=call.now
        )
        return view(written.correction(made), seen_as(call))

    def erase_personal_data(
        self, request: rights_service.ErasePersonalDataRequest, call: Call
    ) -> rights_pb2.Erasure:
        """Erases a submission's personal values."""
        code, uid = messages.submission_of(request.name)
        call.concerns(code.text)
        done = erasing.erase_personal_data(
            self._desk, actor(call, code.text), code.text, uid, now=call.now
        )
        return view(written.erasure(done), seen_as(call))

    def erase_buyer(
        self, request: rights_service.EraseBuyerRequest, call: Call
    ) -> rights_service.EraseBuyerResponse:
        """Erases a buyer of the calling platform."""
        done = buyer_operations.erase_buyer(
            self._desk,
            _platform(call),
            request.buyer,
            actor=principal(call).name,
            now=call.now,
        )
        return rights_service.EraseBuyerResponse(records=done)

    def get_buyer_holdings(
        self, request: rights_service.GetBuyerHoldingsRequest, call: Call
    ) -> rights_service.GetBuyerHoldingsResponse:
        """Tells what is held of a buyer of the calling platform."""
        told = buyer_operations.get_buyer(self._desk, _platform(call), request.buyer)
        return written.buyer_holdings(told)

    def correct_buyer(
        self, request: rights_service.CorrectBuyerRequest, call: Call
    ) -> rights_service.CorrectBuyerResponse:
        """Corrects whose a record of the calling platform is."""
        code = enterprise_in(request.parent, call)
        key = RecordKey(code, _platform(call), request.kind, request.record_id)
        revision = buyer_operations.correct_buyer(
            self._desk, key, request.wrong_buyer, request.right_buyer, now=call.now
        )
        return rights_service.CorrectBuyerResponse(revision=revision)

    def list_queue(
        self, request: rights_service.ListQueueRequest, call: Call
    ) -> rights_service.ListQueueResponse:
        """Lists what waits for staff."""
        token, size = request.page_token, page_size(request)
        if token and not (token.isascii() and token.isdecimal() and len(token) <= len("10000")):
            text = "Give the next_page_token of the answer before, or nothing."
            raise InvalidFieldsError((FieldViolation("page_token", "PAGE_TOKEN", text),))
        begin = min(int(token or 0), _LAST_OFFSET)
        found = queue_operations.list_queue(self._desk.store, offset=begin, limit=size + 1)
        more = str(begin + size) if len(found) > size and begin + size <= _LAST_OFFSET else ""
        call.shows(each.code for each in found[:size])
        return rights_service.ListQueueResponse(
            items=[
                view(written.queue_item(each, call.now), disclosure_pb2.AUDIENCE_OPERATOR)
                for each in found[:size]
            ],
            next_page_token=more,
        )


def _platform(call: Call) -> str:
    if not call.caller.platform:
        raise BugError("a buyer of no platform")
    return call.caller.platform
