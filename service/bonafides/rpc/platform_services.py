"""The methods of platforms, and of those who answer them; see `bonafides.rpc.services`.

A batch answers each question as GetArchive would, with a status of its own; what keeps
the service from answering at all fails it as a whole.
"""

from __future__ import annotations

from typing import Final

from bonafides.access import purposes
from bonafides.access.callers import Caller, CallerKind
from bonafides.access.disclosure import view
from bonafides.archive import changed_operations as changes
from bonafides.archive import operations as archive
from bonafides.archive.snapshot import Stored
from bonafides.errors import (
    BonafidesError,
    BugError,
    FieldViolation,
    InvalidFieldsError,
    LimitError,
    NotFoundError,
)
from bonafides.identity import decision_operations as decisions
from bonafides.identity import inquiry_operations as inquiries
from bonafides.identity import mask_operations as masks
from bonafides.identity.operations import Desk
from bonafides.instants import Instant, from_timestamp, to_timestamp
from bonafides.rpc import messages
from bonafides.rpc import platform_messages as written
from bonafides.rpc.asking import actor, enterprise_in, part_in, principal, reader, request_in
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import after, page, page_size, part
from bonafides.rpc.sights import Sights
from bonafides.rpc.status import reply
from bonafides.storage.platforms import Place
from bonafides.storage.snapshots import Snapshots
from bonafides.v1 import disclosure_pb2, error_reason_pb2, platform_pb2, rating_pb2
from bonafides.v1 import platform_service_pb2 as platform_service
from bonafides.v1.purpose_pb2 import ReadPurpose

_PLATFORM: Final = disclosure_pb2.AUDIENCE_PLATFORM


class PlatformService:
    """Serves platforms, and decides nothing for them."""

    def __init__(self, desk: Desk, snapshots: Snapshots, sights: Sights) -> None:
        self._desk: Final = desk
        self._snapshots: Final = snapshots
        self._sights: Final = sights

    def batch_get_archives(
        self, request: platform_service.BatchGetArchivesRequest, call: Call
    ) -> platform_service.BatchGetArchivesResponse:
        """Gets archives, each disclosed when its view was made, in the order asked for."""
        found: dict[str, Stored | BonafidesError] = {}
        read = []
        names = dict.fromkeys(question.name for question in request.questions)
        call.spend_more(len(names) - 1)
        for name in names:
            try:
                code = messages.enterprise_of(name, "archive").text
                call.concerns(code)
                found[name] = self._read(code, request.purpose, call)
                read.append(code)
            except (InvalidFieldsError, NotFoundError, LimitError) as error:
                found[name] = error
        self._sights.note(call.caller, *read, now=call.now)
        call.shows(read)
        return platform_service.BatchGetArchivesResponse(
            answers=(
                _answer(question, found[question.name], request.purpose)
                for question in request.questions
            )
        )

    def list_changed_archives(
        self, request: platform_service.ListChangedArchivesRequest, call: Call
    ) -> platform_service.ListChangedArchivesResponse:
        """Lists what changed, as of one look at the database for each page."""
        since = Instant(0)
        if request.HasField("since_time"):
            since = messages.past_instant_of(request.since_time, "since_time", now=call.now)
        sight = self._sights.of_platform(call.caller, request.purpose)
        asked = changes.Asked(
            platform=platform_of(call.caller),
            audience=sight.audience,
            mask=sight.mask,
            since=since,
            after=after(request) if request.page_token else (-1, ""),
            size=page_size(request),
        )
        shown, last = changes.list_changed(self._desk.store, asked, now=call.now)
        call.shows(each.code for each in shown)
        made = platform_service.ListChangedArchivesResponse(
            changes=[view(written.changed(each), _PLATFORM) for each in shown],
            next_page_token="" if last is None else f"{last.at}.{last.code}",
        )
        next_since = max(since, Instant(call.now - changes.OVERLAP))
        made.next_since_time.CopyFrom(to_timestamp(next_since))
        return made

    def record_decision(
        self, request: platform_service.RecordDecisionRequest, call: Call
    ) -> platform_pb2.PlatformDecision:
        """Records what the platform decided."""
        code = enterprise_in(request.parent, call)
        outcome = platform_pb2.PlatformDecision.Outcome.Name(request.outcome)
        told = decisions.Decided(
            outcome=outcome.removeprefix("OUTCOME_"),
            purpose=purposes.name_of(request.purpose),
            reason=request.reason,
            archive_etag=request.archive_etag,
            archive_revision=request.archive_revision,
            level=_level(request.level),
            request=request_in(request, call),
        )
        made = decisions.record(self._desk, platform_of(call.caller), code, told, now=call.now)
        return view(written.decision(made), _PLATFORM)

    def list_decisions(
        self, request: platform_service.ListDecisionsRequest, call: Call
    ) -> platform_service.ListDecisionsResponse:
        """Lists decisions: a platform's own, or those about an enterprise."""
        code, place = _whose(request.parent, call), _place(request)
        if call.caller.kind is CallerKind.PLATFORM:
            mine = platform_of(call.caller)
            found = decisions.list_of_platform(self._desk, mine, code, place)
        else:
            found = decisions.list_of_enterprise(self._desk, reader(call, code), code, place)
        shown, more = part(found, place.size, lambda last: (last.recorded_at, last.uid))
        call.shows({each.code: None for each in shown})
        return platform_service.ListDecisionsResponse(
            decisions=[view(written.decision(each), _eyes(call)) for each in shown],
            next_page_token=more,
        )

    def request_more(
        self, request: platform_service.RequestMoreRequest, call: Call
    ) -> platform_pb2.Inquiry:
        """Asks an enterprise for more."""
        code = enterprise_in(request.parent, call)
        asked = inquiries.Question(
            kind=platform_pb2.Inquiry.Kind.Name(request.kind).removeprefix("KIND_"),
            text=request.text,
            deadline_at=from_timestamp(request.deadline_time),
            request=request_in(request, call),
        )
        mine = platform_of(call.caller)
        made = inquiries.request_more(self._desk, mine, code, asked, now=call.now)
        return view(written.inquiry(made), _PLATFORM)

    def list_inquiries(
        self, request: platform_service.ListInquiriesRequest, call: Call
    ) -> platform_service.ListInquiriesResponse:
        """Lists inquiries: a platform's own, or those to an enterprise."""
        code, place = _whose(request.parent, call), _place(request)
        if call.caller.kind is CallerKind.PLATFORM:
            mine = platform_of(call.caller)
            found = inquiries.list_of_platform(self._desk, mine, code, place)
        else:
            found = inquiries.list_of_enterprise(self._desk, actor(call, code), code, place)
        shown, more = part(found, place.size, lambda last: (last.asked_at, last.uid))
        call.shows({each.code: None for each in shown})
        return platform_service.ListInquiriesResponse(
            inquiries=[view(written.inquiry(each), _eyes(call)) for each in shown],
            next_page_token=more,
        )

    def answer_inquiry(
        self, request: platform_service.AnswerInquiryRequest, call: Call
    ) -> platform_pb2.Inquiry:
        """Answers for one's own enterprise."""
        name = part_in(request.name, "inquiries", call)
        made = inquiries.answer(
            self._desk,
            actor(call, name[0]),
            name,
            request.answer,
            request.document_sha256,
            now=call.now,
        )
        return view(written.inquiry(made), _eyes(call))

    def close_inquiry(
        self, request: platform_service.CloseInquiryRequest, call: Call
    ) -> platform_pb2.Inquiry:
        """Closes an inquiry of the platform's own."""
        name = part_in(request.name, "inquiries", call)
        made = inquiries.close(self._desk, platform_of(call.caller), name, now=call.now)
        return view(written.inquiry(made), _PLATFORM)

    def set_platform_mask(
        self, request: platform_service.SetPlatformMaskRequest, call: Call
    ) -> platform_pb2.PlatformMask:
        """Sets what a platform is not shown. A mask describes no enterprise."""
        platform = written.platform_of(request.name, "/mask", "name")
        wanted = masks.Wanted(
            withheld=tuple(request.withheld_paths),
            reason=request.reason,
            request=request_in(request, call),
        )
        made = masks.set_mask(self._desk, principal(call), platform, wanted, now=call.now)
        return written.mask(platform, made)

    def get_platform_mask(
        self, request: platform_service.GetPlatformMaskRequest, call: Call
    ) -> platform_pb2.PlatformMask:
        """Gets what a platform is not shown; another platform's is not found."""
        platform = written.platform_of(request.name, "/mask", "name")
        own = call.caller.kind is CallerKind.PLATFORM
        if own and platform_of(call.caller) != platform:
            raise NotFoundError
        told = written.mask(platform, masks.get_mask(self._desk, platform))
        if own:
            # Who of the staff it was is theirs.
            told.ClearField("set_by")
        return told

    def list_platform_masks(
        self, request: platform_service.ListPlatformMasksRequest, call: Call
    ) -> platform_service.ListPlatformMasksResponse:
        """Lists every mask that a platform had."""
        platform = written.platform_of(request.parent, "", "parent")
        shown, more = page(masks.list_masks(self._desk, platform), request)
        call.count(masks=len(shown))
        return platform_service.ListPlatformMasksResponse(
            masks=[written.mask(platform, each) for each in shown], next_page_token=more
        )

    def _read(self, code: str, purpose: ReadPurpose.ValueType, call: Call) -> Stored:
        sight = self._sights.sight(call.caller, code, purpose)
        found = archive.read_view(
            self._desk.store,
            self._snapshots,
            self._desk.card,
            code,
            audience=sight.audience,
            now=call.now,
            mask=sight.mask,
        )
        call.rests_on(code, found.consents)
        return found


def platform_of(caller: Caller) -> str:
    """Returns the platform that calls."""
    if not caller.platform:
        raise BugError("a platform's method was called by no platform")
    return caller.platform


def _answer(
    question: platform_service.ArchiveQuestion,
    found: Stored | BonafidesError,
    purpose: ReadPurpose.ValueType,
) -> platform_pb2.ArchiveAnswer:
    made = platform_pb2.ArchiveAnswer(name=question.name)
    if isinstance(found, BonafidesError):
        told = reply(found, "")
        made.reason = error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{told.reason}")
        violations: tuple[FieldViolation, ...] = getattr(found, "violations", ())
        made.description = " ".join([told.message, *(one.description for one in violations)])
        return made
    made.etag, made.revision = found.etag, found.revision
    if purpose == purposes.DISPLAY_TO_USERS:
        made.valid_until_time.CopyFrom(to_timestamp(found.next_change_at))
    made.not_modified = question.if_none_match == found.etag
    if not made.not_modified:
        made.archive.ParseFromString(found.archive)
    return made


def _place(
    request: platform_service.ListDecisionsRequest | platform_service.ListInquiriesRequest,
) -> Place:
    at, uid = after(request)
    return Place(at, uid, page_size(request))


def _eyes(call: Call) -> disclosure_pb2.Audience.ValueType:
    """Returns the audience of what the rooms let this caller ask for."""
    match call.caller.kind:
        case CallerKind.PLATFORM:
            return _PLATFORM
        case CallerKind.OPERATOR:
            return disclosure_pb2.AUDIENCE_OPERATOR
        case _:
            return disclosure_pb2.AUDIENCE_OWNER


def _level(level: rating_pb2.Level.ValueType) -> str:
    return rating_pb2.Level.Name(level).removeprefix("LEVEL_") if level else ""


def _whose(parent: str, call: Call) -> str:
    """Returns the code; empty where a platform asks for all of its own."""
    if parent == f"enterprises/{written.ANY}" and call.caller.kind is CallerKind.PLATFORM:
        return ""
    return enterprise_in(parent, call)
