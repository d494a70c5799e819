"""The methods, each from a parsed request to the answer that its caller may see.

A handler is named after its method and is given the request, valid in shape, and
the call. It calls one operation of one room and discloses the answer to the
caller's audience. It may hand out a stored snapshot as bytes: that was disclosed
when it was made. `at_once_<method>` answers on the event loop if it can without
waiting, None otherwise. `faults_in_<method>` tells what a handler would refuse in a
request whose shape is at fault already, so that the caller learns all at once. The
handler of a stream is given the call alone, and gives a session.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final

from bonafides.access import purposes
from bonafides.access.callers import Caller, CallerKind
from bonafides.access.disclosure import view
from bonafides.archive import operations as archive
from bonafides.archive import self_description
from bonafides.archive.categories import main_category
from bonafides.archive.snapshot import Stored
from bonafides.archive.stores import store_message, store_messages
from bonafides.errors import (
    BugError,
    FieldViolation,
    InvalidFieldsError,
    LoginRequiredError,
    MethodNotAllowedError,
    NotFoundError,
)
from bonafides.identity import announcing
from bonafides.identity import integrator_operations as integrators
from bonafides.identity import operations as identity
from bonafides.identity.claims import read_changes, read_claims
from bonafides.identity.requirement_operations import list_requirements
from bonafides.identity.submission import Depth, State, SubmissionStatus
from bonafides.instants import day_of, to_datetime, to_timestamp
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import Served
from bonafides.records import batches, linking, reported
from bonafides.records import operations as records
from bonafides.records.batches import Batch, Source, Taken
from bonafides.records.group_commit import GroupCommit
from bonafides.records.links import Ground, open_categories
from bonafides.rpc import messages
from bonafides.rpc.asking import actor, reader, request_in
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import page
from bonafides.rpc.eyes import Eyes
from bonafides.rpc.identity_messages import requirement_message
from bonafides.rpc.sights import Sights
from bonafides.storage.snapshots import Snapshots
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2, enterprise_pb2
from bonafides.v1 import archive_service_pb2 as archive_service
from bonafides.v1 import identity_service_pb2 as identity_service
from bonafides.v1 import record_service_pb2 as record_service

# What platforms say of stores; which of it, by the platform that asks.
_SEE_STORES: Final = frozenset(
    {
        disclosure_pb2.AUDIENCE_OWNER,
        disclosure_pb2.AUDIENCE_PLATFORM,
        disclosure_pb2.AUDIENCE_OPERATOR,
    }
)
_GROUNDS: Final = {
    record_service.DisputeStoreRequest.Ground.Value(f"GROUND_{ground.name}"): ground
    for ground in Ground
}
# What was once known and is known better now is for the enterprise itself and for staff.
_SEE_THE_PAST: Final = frozenset({disclosure_pb2.AUDIENCE_OWNER, disclosure_pb2.AUDIENCE_OPERATOR})
# Trailing metadata.
_ETAG: Final = "etag"
# Until when what a platform reads for its users may be shown to them.
VALID_UNTIL: Final = "valid-until"
_REVISION: Final = "revision"


class IdentityService:
    """Checks an enterprise's identity against named sources."""

    def __init__(self, desk: identity.Desk, eyes: Eyes) -> None:
        self._desk: Final = desk
        self._eyes: Final = eyes

    def submit_identity(
        self, request: identity_service.SubmitIdentityRequest, call: Call
    ) -> enterprise_pb2.Submission:
        """Submits claims; a repetition with the same request id answers as the first did."""
        claims = read_claims(request.claims, now=call.now)
        call.concerns(claims.code.text)
        agent = actor(call, claims.code.text).agent
        submit = identity.submit if agent is None else partial(integrators.submit, agent)
        status = submit(
            self._desk,
            claims,
            submitter=call.caller.submitter,
            request=request_in(request, call),
            now=call.now,
        )
        return self._told(status, call)

    def faults_in_submit_identity(
        self, request: identity_service.SubmitIdentityRequest, call: Call
    ) -> Sequence[FieldViolation]:
        """Returns what is wrong with the meaning of the claims."""
        try:
            read_claims(request.claims, now=call.now)
        except InvalidFieldsError as fault:
            return fault.violations
        return ()

    def get_submission(
        self, request: identity_service.GetSubmissionRequest, call: Call
    ) -> enterprise_pb2.Submission:
        """Gets a submission for its submitter, or for staff; to others it is not found."""
        code, uid = messages.submission_of(request.name)
        call.concerns(code.text)
        staff = call.caller.kind is CallerKind.OPERATOR
        status = identity.get_submission(
            self._desk,
            code,
            uid,
            submitter=None if staff else call.caller.submitter,
            now=call.now,
        )
        return self._told(status, call)

    def amend_identity(
        self, request: identity_service.AmendIdentityRequest, call: Call
    ) -> enterprise_pb2.Submission:
        """Announces what changed of the caller's own enterprise; another's is not found."""
        code = messages.parent_of(request.name, "name")
        call.concerns(code.text)
        status = announcing.announce(
            self._desk,
            actor(call, code.text),
            code,
            read_changes(request.changes, code, now=call.now),
            request=request_in(request, call),
            now=call.now,
        )
        return self._told(status, call)

    def list_requirements(
        self, request: identity_service.ListRequirementsRequest, call: Call
    ) -> identity_service.ListRequirementsResponse:
        """Lists what is open: all of it to the enterprise, of their own to others."""
        code = messages.parent_of(request.name, "name")
        call.concerns(code.text)
        found = list_requirements(self._desk, reader(call, code.text), code, now=call.now)
        shown, more = page(found, request)
        seen_as = self._eyes.audience(call.caller, code.text)
        call.seen_as(seen_as)
        return identity_service.ListRequirementsResponse(
            requirements=[view(requirement_message(code, each), seen_as) for each in shown],
            next_page_token=more,
        )

    def _told(self, status: SubmissionStatus, call: Call) -> enterprise_pb2.Submission:
        """Returns what the caller may see, beside the revision that shows what was changed."""
        # Who knows code and title alone is anybody, and learns nothing of the archive.
        if status.state is State.VERIFIED and status.depth is Depth.FOUR:
            call.tell(_REVISION, str(archive.get_revision(self._desk.store, status.code.text)))
        seen_as = self._eyes.audience(call.caller, status.code.text)
        call.seen_as(seen_as)
        return view(messages.submission_message(status), seen_as)


class ArchiveService:
    """Shows each caller the part of an archive that the caller may see."""

    def __init__(self, store: Store, snapshots: Snapshots, served: Served, sights: Sights) -> None:
        self._store: Final = store
        self._snapshots: Final = snapshots
        self._served: Final = served
        self._sights: Final = sights
        self._eyes: Final = sights.eyes

    def at_once_get_archive(
        self, request: archive_service.GetArchiveRequest, call: Call
    ) -> bytes | None:
        """Gets the archive as stored for the caller's audience, if that takes no waiting."""
        if request.HasField("as_of_time"):
            return None
        code = _asked(request, call)
        sight = self._sights.at_once(call.caller, code, request.purpose, call.now)
        if sight is None:
            return None
        call.seen_as(sight.audience)
        found = archive.view_at_once(
            self._snapshots,
            code,
            audience=sight.audience,
            now=call.now,
            min_revision=request.min_revision,
            mask=sight.mask,
        )
        if found is None:
            fetch = partial(
                archive.fetch_view, self._snapshots, code, audience=sight.audience, mask=sight.mask
            )
            call.comes_again(fetch)
            return None
        return _answered(request, call, code, found)

    def get_archive(self, request: archive_service.GetArchiveRequest, call: Call) -> bytes:
        """Gets the archive as stored for the caller's audience; of the past, made for the call."""
        code = _asked(request, call)
        sight = self._sights.sight(call.caller, code, request.purpose)
        call.seen_as(sight.audience)
        if request.HasField("as_of_time"):
            return self._past(code, sight.audience, request, call)
        found = archive.read_view(
            self._store,
            self._snapshots,
            self._served(),
            code,
            audience=sight.audience,
            now=call.now,
            min_revision=request.min_revision,
            mask=sight.mask,
        )
        self._sights.note(call.caller, code, now=call.now)
        return _answered(request, call, code, found)

    def update_self_description(
        self, request: archive_service.UpdateSelfDescriptionRequest, call: Call
    ) -> archive_pb2.SelfDescription:
        """Replaces what the caller's own enterprise says of itself; another's is not found."""
        code = _described(request, call)
        if self._eyes.audience_now(call.caller, code) != disclosure_pb2.AUDIENCE_OWNER:
            raise NotFoundError
        call.seen_as(disclosure_pb2.AUDIENCE_OWNER)
        stands = archive.update_self_description(
            self._store,
            self._served(),
            code,
            self_description.read(request.self_description),
            request=request_in(request, call),
            now=call.now,
        )
        call.tell(_REVISION, str(archive.get_revision(self._store, code)))
        return view(stands, disclosure_pb2.AUDIENCE_OWNER)

    def faults_in_update_self_description(
        self, request: archive_service.UpdateSelfDescriptionRequest, call: Call
    ) -> Sequence[FieldViolation]:
        """Returns what is wrong with the meaning of the description."""
        try:
            _described(request, call)
            self_description.read(request.self_description)
        except InvalidFieldsError as fault:
            return fault.violations
        return ()

    def look_up_enterprise(
        self, request: archive_service.LookUpEnterpriseRequest, call: Call
    ) -> archive_service.LookUpEnterpriseResponse:
        """Finds enterprises by their exact registered name."""
        # Before it is looked up: a budget that is spent must not tell which names are there.
        call.looks_for(request.title)
        codes = archive.look_up(self._store, request.title)
        call.shows(codes)
        answer = archive_service.LookUpEnterpriseResponse()
        for code in codes:
            found = archive_service.FoundEnterprise(code=code)
            answer.enterprises.append(view(found, self._eyes.audience(call.caller, code)))
        return answer

    def _past(
        self,
        code: str,
        seen_as: disclosure_pb2.Audience.ValueType,
        request: archive_service.GetArchiveRequest,
        call: Call,
    ) -> bytes:
        # Before anything is looked up: whoever may not ask learns of no code.
        if call.caller.kind is CallerKind.ANONYMOUS:
            raise LoginRequiredError
        if seen_as not in _SEE_THE_PAST:
            raise MethodNotAllowedError
        as_of = messages.past_instant_of(request.as_of_time, "as_of_time", now=call.now)
        return archive.get_past_archive(
            self._store, self._served(), code, audience=seen_as, as_of=as_of, now=call.now
        )


def _asked(request: archive_service.GetArchiveRequest, call: Call) -> str:
    """Returns which enterprise is asked for."""
    if request.min_revision and call.caller.kind is CallerKind.ANONYMOUS:
        raise LoginRequiredError
    code = messages.enterprise_of(request.name, "archive").text
    call.concerns(code)
    return code


def _described(request: archive_service.UpdateSelfDescriptionRequest, call: Call) -> str:
    """Returns which enterprise is described."""
    name = request.self_description.name
    code = messages.enterprise_of(name, "self-description", "self_description.name").text
    call.concerns(code)
    return code


def _answered(
    request: archive_service.GetArchiveRequest, call: Call, code: str, found: Stored
) -> bytes:
    """Returns the body of the answer: none, if the caller holds what it would be."""
    call.rests_on(code, found.consents)
    call.tell(_ETAG, found.etag)
    # How often an archive is made anew tells how lively the business is, which is
    # more than the closed list of what the public sees.
    if call.caller.kind is not CallerKind.ANONYMOUS:
        call.tell(_REVISION, str(found.revision))
    if request.purpose == purposes.DISPLAY_TO_USERS:
        call.tell(VALID_UNTIL, to_datetime(found.next_change_at).isoformat())
    return b"" if request.if_none_match == found.etag else found.archive


class RecordService:
    """Takes records in, durably and once."""

    def __init__(
        self, store: Store, vault: Vault, writer: GroupCommit, *, served: Served, eyes: Eyes
    ) -> None:
        self._store: Final = store
        self._served: Final = served
        self._vault: Final = vault
        self._writer: Final = writer
        self._eyes: Final = eyes
        self._rates: Final = records.CurrentRates(store)

    def write_records(self, call: Call) -> Writing:
        """Opens a stream of batches."""
        return Writing(call, self._vault, self._rates, self._writer)

    def get_write_cursor(
        self, request: record_service.GetWriteCursorRequest, call: Call
    ) -> record_service.WriteCursor:
        """Gets how far the caller's own source is stored. It describes no enterprise."""
        source = Source(_writer(call.caller), request.source)
        sequence, written_at = records.write_cursor(self._store, source)
        cursor = record_service.WriteCursor(source=request.source, sequence=sequence)
        if written_at is not None:
            cursor.write_time.CopyFrom(to_timestamp(written_at))
        return cursor

    def list_stores(
        self, request: record_service.ListStoresRequest, call: Call
    ) -> record_service.ListStoresResponse:
        """Lists stores: to the enterprise and staff all, to a platform its own, to others none."""
        code = messages.enterprise_of(request.name, "stores").text
        call.concerns(code)
        seen_as = self._eyes.audience(call.caller, code)
        if seen_as not in _SEE_STORES:
            raise NotFoundError
        call.seen_as(seen_as)
        platform = call.caller.platform if call.caller.kind is CallerKind.PLATFORM else None
        told = linking.list_stores(self._store, code, None if platform is None else [platform])
        today = day_of(call.now)
        made = record_service.ListStoresResponse(
            platforms=(
                record_service.PlatformStores(
                    platform=platform,
                    stores=store_messages(stores, code, today),
                    main_category=main_category(open_categories(stores, today)) or "",
                )
                for platform, stores in told.items()
            )
        )
        return view(made, seen_as)

    def dispute_store(
        self, request: record_service.DisputeStoreRequest, call: Call
    ) -> archive_pb2.Store:
        """Disputes a store; a repetition with the same request id changes nothing."""
        code = messages.enterprise_of(request.name, "stores").text
        call.concerns(code)
        if self._eyes.audience_now(call.caller, code) != disclosure_pb2.AUDIENCE_OWNER:
            raise NotFoundError
        call.seen_as(disclosure_pb2.AUDIENCE_OWNER)
        contest = linking.Contest(
            link=(code, request.platform, request.link_id),
            ground=_GROUNDS[request.ground],
            evidence_sha256=request.evidence_sha256 or None,
            submitter=call.caller.submitter,
            request=request_in(request, call),
        )
        found = linking.dispute(self._store, self._served(), contest, now=call.now)
        call.tell(_REVISION, str(archive.get_revision(self._store, code)))
        made = store_message(found, code, day_of(call.now))
        return view(made, disclosure_pb2.AUDIENCE_OWNER)


class Writing:
    """One stream of batches, all of one source."""

    def __init__(
        self, call: Call, vault: Vault, rates: records.CurrentRates, writer: GroupCommit
    ) -> None:
        self._call: Final = call
        self._vault: Final = vault
        self._rates: Final = rates
        self._writer: Final = writer
        self._source: Source | None = None

    def take(self, request: record_service.WriteRecordsRequest, call: Call) -> Future[Taken]:
        """Prepares a batch and hands it in; the future is done once it is stored for good."""
        source = Source(_writer(call.caller), request.source)
        if self._source is None:
            self._source = source
        if source != self._source:
            text = "Send the batches of another source in a stream of their own."
            raise InvalidFieldsError((FieldViolation("source", "SOURCE_CHANGED", text),))
        batches.require_size(request.records)
        platform = _platform(call.caller)
        told = [reported.read(record, platform=platform) for record in request.records]
        content = records.prepare(self._vault, self._rates.table(call.now), told, now=call.now)
        digest = batches.digest_of(call.request_digest)
        return self._writer.put(Batch(source, request.sequence, digest, content))

    def answer(self, results: Sequence[Taken]) -> record_service.WriteRecordsResponse:
        """Acknowledges batches that are stored."""
        reports = [taken.report for taken in results]
        made = record_service.WriteRecordsResponse(
            sequence=max(taken.cursor for taken in results),
            accepted_count=sum(report.accepted for report in reports),
            replayed_count=sum(report.replayed for report in reports),
            repeated_batch_count=sum(taken.repeated for taken in results),
            rejections=(
                record_service.RecordRejection(
                    sequence=taken.sequence,
                    index=one.index,
                    reason=one.reason,
                    description=one.description,
                )
                for taken in results
                for one in taken.report.rejected
            ),
        )
        self._call.count(
            batches=len(results),
            accepted=made.accepted_count,
            replayed=made.replayed_count,
            repeated_batches=made.repeated_batch_count,
            rejected=len(made.rejections),
        )
        return made


def _platform(caller: Caller) -> str | None:
    """Returns whose records the caller may write; None: any platform's, as staff may."""
    if caller.kind is CallerKind.OPERATOR:
        return None
    if not caller.platform:
        raise BugError("a writer that is neither staff nor a platform")
    return caller.platform


def _writer(caller: Caller) -> str:
    """Returns the name under which the caller's sources are kept; it names no person."""
    platform = _platform(caller)
    # No platform's name holds a bar.
    return platform or f"staff|{hashlib.sha256(caller.submitter.encode()).hexdigest()}"
