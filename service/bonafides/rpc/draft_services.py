"""The methods about drafts, from request to answer; as in `bonafides.rpc.services`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bonafides.access.callers import CallerKind
from bonafides.access.disclosure import view
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity import drafting
from bonafides.identity.drafting import Onlooker
from bonafides.identity.operations import Desk
from bonafides.rpc import messages
from bonafides.rpc.asking import request_in, seen_as
from bonafides.rpc.call import Call
from bonafides.rpc.identity_messages import draft_message
from bonafides.v1 import draft_pb2, enterprise_pb2
from bonafides.v1 import draft_service_pb2 as draft_service


class DraftService:
    """Keeps drafts until the enterprise confirms them."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final = desk

    def create_draft(
        self, request: draft_service.CreateDraftRequest, call: Call
    ) -> draft_pb2.Draft:
        """Makes a draft of what the platform holds."""
        code = messages.parent_of(request.parent)
        call.concerns(code.text)
        made = drafting.create(
            self._desk,
            code,
            request.prefill,
            platform=call.caller.platform,
            request=request_in(request, call),
            now=call.now,
        )
        return view(draft_message(made), seen_as(call))

    def faults_in_create_draft(
        self, request: draft_service.CreateDraftRequest, call: Call
    ) -> Sequence[FieldViolation]:
        """Returns what is wrong with the meaning of what was filled in."""
        try:
            code = messages.parent_of(request.parent)
        except InvalidFieldsError as fault:
            return fault.violations
        return drafting.faults_in(code, request.prefill, now=call.now)

    def get_draft(self, request: draft_service.GetDraftRequest, call: Call) -> draft_pb2.Draft:
        """Gets a draft by its name."""
        code, uid = messages.part_of(request.name, "drafts")
        call.concerns(code.text)
        caller = call.caller
        onlooker = Onlooker(
            caller.submitter, caller.platform, staff=caller.kind is CallerKind.OPERATOR
        )
        found = drafting.get(self._desk, code.text, uid, onlooker, now=call.now)
        return view(draft_message(found), seen_as(call))

    def delete_draft(
        self, request: draft_service.DeleteDraftRequest, call: Call
    ) -> draft_pb2.Draft:
        """Takes a draft of the calling platform's back."""
        code, uid = messages.part_of(request.name, "drafts")
        call.concerns(code.text)
        made = drafting.take_back(
            self._desk, code.text, uid, platform=call.caller.platform, now=call.now
        )
        return view(draft_message(made), seen_as(call))

    def confirm_draft(
        self, request: draft_service.ConfirmDraftRequest, call: Call
    ) -> enterprise_pb2.Submission:
        """Confirms a draft with what it lacks."""
        code, uid = messages.part_of(request.name, "drafts")
        call.concerns(code.text)
        status = drafting.confirm(
            self._desk,
            code,
            uid,
            request.claims,
            login=call.caller.submitter,
            request=request_in(request, call),
            now=call.now,
        )
        return view(messages.submission_message(status), seen_as(call))
