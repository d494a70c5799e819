"""Calls a Bonafides service: typed, within a deadline, every fault mapped.

What a caller may see is the server's business alone. The package imports the compiled
protos and the errors' parts alone, so that a platform can use it by itself.

Rules:
- `connection` has those of a call;
- a stream of records that breaks is taken up again behind what is stored;
- only `ClientError` and its kind leave this package.

    with Client("127.0.0.1:50051", token=token) as client:
        archive = client.get_archive("91990000MA00000011")
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Self, overload

from bonafides.client import requests
from bonafides.client.accesses import AccessCalls
from bonafides.client.advising import AdviceCalls
from bonafides.client.agents import IntegratorCalls
from bonafides.client.agreeing import ConsentCalls
from bonafides.client.applying import ApplicationCalls
from bonafides.client.connection import BROKEN, Connection
from bonafides.client.documents import DigestDiffersError, UploadUnfinishedError
from bonafides.client.faults import (
    DOMAIN,
    ClientError,
    ClosedClientError,
    InsecureTargetError,
    KeyUnusableError,
    NotServingError,
    RemoteError,
    TokenUnusableError,
)
from bonafides.client.filing import DocumentCalls
from bonafides.client.identifying import IdentityCalls
from bonafides.client.levels import LevelCalls
from bonafides.client.naming import NameCalls
from bonafides.client.outbox import Outbox
from bonafides.client.owning import OwnershipCalls
from bonafides.client.platforms import PlatformCalls
from bonafides.client.requests import NO_PURPOSE, NOT_MODIFIED, NotModified
from bonafides.client.reviewing import ReviewCalls
from bonafides.client.rights import RightsCalls
from bonafides.client.signing import Credentials
from bonafides.client.switching import SwitchCalls
from bonafides.v1 import (
    archive_pb2,
    archive_service_pb2,
    archive_service_pb2_grpc,
    enterprise_pb2,
    identity_service_pb2,
    identity_service_pb2_grpc,
    rating_pb2,
    rating_service_pb2,
    rating_service_pb2_grpc,
    record_pb2,
    record_service_pb2,
    record_service_pb2_grpc,
)
from bonafides.v1.purpose_pb2 import ReadPurpose

__all__ = [
    "DEFAULT_TIMEOUT_SECONDS",
    "DOMAIN",
    "NOT_MODIFIED",
    "Client",
    "ClientError",
    "ClosedClientError",
    "Credentials",
    "DigestDiffersError",
    "InsecureTargetError",
    "KeyUnusableError",
    "NotModified",
    "NotServingError",
    "RemoteError",
    "TokenUnusableError",
    "UploadUnfinishedError",
]

DEFAULT_TIMEOUT_SECONDS: Final = 5.0
# Below the server's own bound on connections, so that streams end by our wish.
_STREAM_SECONDS: Final = 1_200.0
# A stream that got nowhere is opened again so often, with growing pauses.
_STREAM_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
# Revisions are remembered for reading one's own writes, not as a directory.
_MOST_REVISIONS: Final = 4_096


class Client(DocumentCalls):
    """A connection to one server, as one caller. Threads may share it."""

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        agent_token: str | None = None,
        credentials: Credentials | None = None,
        root_certificates: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        forwarded_for: str | None = None,
    ) -> None:
        """Opens a channel; the first call connects.

        `token` None is the anonymous caller, unless an application gives `credentials`.
        `agent_token` names the enterprise that an integrator acts for.
        `root_certificates`, PEM, makes the connection TLS. `timeout_seconds` is the
        deadline of each call. `forwarded_for` is for proxies: the address of whom they
        call for, which the service believes of those that its settings name.

        Raises:
            InsecureTargetError: no root certificates, and not loopback.
            TokenUnusableError: a token can't stand in a header.
        """
        super().__init__(
            Connection(
                target,
                token=token,
                agent_token=agent_token,
                root_certificates=root_certificates,
                timeout_seconds=timeout_seconds,
                credentials=credentials,
                forwarded_for=forwarded_for,
            )
        )
        self._revisions: Final[dict[str, int]] = {}
        channel = self._connection.channel
        self._identity: Final = identity_service_pb2_grpc.IdentityServiceStub(channel)
        self._archives: Final = archive_service_pb2_grpc.ArchiveServiceStub(channel)
        self._ratings: Final = rating_service_pb2_grpc.RatingServiceStub(channel)
        self._records: Final = record_service_pb2_grpc.RecordServiceStub(channel)
        # What is agreed to, and who acts for an enterprise.
        self.consents: Final = ConsentCalls(self._connection)
        self.ownership: Final = OwnershipCalls(self._connection)
        # What is held, corrections, erasures, and what waits for staff.
        self.rights: Final = RightsCalls(self._connection)
        self.reviews: Final = ReviewCalls(self._connection)
        self.levels: Final = LevelCalls(self._connection)
        self.applications: Final = ApplicationCalls(self._connection)
        self.switches: Final = SwitchCalls(self._connection)
        self.accesses: Final = AccessCalls(self._connection)
        # What is open for an enterprise; what if, and what would raise a level.
        self.identities: Final = IdentityCalls(self._connection)
        self.advising: Final = AdviceCalls(self._connection)
        # What platforms decide, ask and read in bulk.
        self.platforms: Final = PlatformCalls(self._connection)
        self.integrators: Final = IntegratorCalls(self._connection)
        # Who bears a name.
        self.names: Final = NameCalls(self._connection)

    def __repr__(self) -> str:
        caller = "logged in" if self._connection.logged_in else "anonymous"
        return f"Client({self._connection.target!r}, {caller})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; calls under way are cancelled."""
        self._connection.channel.close()

    def submit_identity(
        self, claims: enterprise_pb2.Claims, request_id: str | None = None
    ) -> enterprise_pb2.Submission:
        """Submits what an enterprise says of itself.

        `request_id` is a UUID, new for each submission: give one of your own to be
        able to repeat the call when its answer was lost. None draws one.

        Raises:
            RemoteError: refused or failed; `violations` names all faulty fields.
        """
        request = identity_service_pb2.SubmitIdentityRequest(
            request_id=request_id or str(uuid.uuid4()), claims=claims
        )
        made, trailers = self._connection.call(self._identity.SubmitIdentity, request)
        self._remember(_code_in(made.name), trailers)
        return made

    def get_submission(self, name: str) -> enterprise_pb2.Submission:
        """Gets a submission by its name, enterprises/{code}/submissions/{uid}.

        Raises:
            RemoteError: NOT_FOUND to all but its submitter and staff.
        """
        request = identity_service_pb2.GetSubmissionRequest(name=name)
        found, trailers = self._connection.call(self._identity.GetSubmission, request)
        self._remember(_code_in(found.name), trailers)
        return found

    @overload
    def get_archive(
        self,
        code: str,
        *,
        as_of: dt.datetime | None = None,
        min_revision: int | None = None,
        etag: None = None,
        purpose: ReadPurpose.ValueType = NO_PURPOSE,
    ) -> archive_pb2.Archive: ...

    @overload
    def get_archive(
        self,
        code: str,
        *,
        min_revision: int | None = None,
        etag: str,
        purpose: ReadPurpose.ValueType = NO_PURPOSE,
    ) -> archive_pb2.Archive | NotModified: ...

    def get_archive(
        self,
        code: str,
        *,
        as_of: dt.datetime | None = None,
        min_revision: int | None = None,
        etag: str | None = None,
        purpose: ReadPurpose.ValueType = NO_PURPOSE,
    ) -> archive_pb2.Archive | NotModified:
        """Gets the archive of an enterprise, as this caller may see it.

        With `as_of`, an aware datetime, as it was known then: for the enterprise
        itself and for staff.
        `min_revision`, for callers who are logged in, waits for what this client was
        told of, as `last_revision` has it. `etag` is that of an answer which the
        caller holds: NOT_MODIFIED says that it is still good. `purpose` is what a platform
        reads for; others name none.

        Raises:
            RemoteError: NOT_FOUND for an enterprise that takes no part, or took none
                then; PERMISSION_DENIED for others who ask for the past; UNAVAILABLE
                when the revision was not reached in time.
        """
        request = requests.archive(
            code, purpose=purpose, min_revision=min_revision, etag=etag, as_of=as_of
        )
        archive, told = self._read_archive(code, request)
        return NOT_MODIFIED if etag and told == etag else archive

    def get_archive_and_etag(
        self,
        code: str,
        *,
        min_revision: int | None = None,
        purpose: ReadPurpose.ValueType = NO_PURPOSE,
    ) -> tuple[archive_pb2.Archive, str]:
        """Gets the archive and its tag, which the public view itself does not show.

        Raises:
            RemoteError: as of `get_archive`.
        """
        request = requests.archive(code, purpose=purpose, min_revision=min_revision)
        return self._read_archive(code, request)

    def last_revision(self, code: str) -> int:
        """Returns the highest revision of an archive that answers to this client told of.

        0 if none did. Submissions tell it once they are VERIFIED, archives always, but
        not to anonymous callers.
        """
        return self._revisions.get(code, 0)

    def _read_archive(
        self, code: str, request: archive_service_pb2.GetArchiveRequest
    ) -> tuple[archive_pb2.Archive, str]:
        archive, trailers = self._connection.call(self._archives.GetArchive, request)
        self._remember(code, trailers)
        return archive, trailers.get("etag", "")

    def update_self_description(
        self, told: archive_pb2.SelfDescription, request_id: str | None = None
    ) -> archive_pb2.SelfDescription:
        """Replaces what the caller's enterprise says of itself; returns what stands.

        `told` names enterprises/{code}/self-description; one that says nothing takes it
        back. `request_id` as of submit_identity.

        Raises:
            RemoteError: refused; `violations` names all faulty fields. NOT_FOUND for
                any enterprise but the caller's own.
        """
        request = archive_service_pb2.UpdateSelfDescriptionRequest(
            request_id=request_id or str(uuid.uuid4()), self_description=told
        )
        stands, trailers = self._connection.call(self._archives.UpdateSelfDescription, request)
        self._remember(_code_in(stands.name), trailers)
        return stands

    def get_rating(
        self, code: str, *, purpose: ReadPurpose.ValueType = NO_PURPOSE
    ) -> rating_pb2.Rating:
        """Gets the level of an enterprise, with its explanation where this caller may see it.

        `purpose` as of `get_archive`.

        Raises:
            RemoteError: NOT_FOUND for an enterprise that takes no part.
        """
        return self._connection.call(self._ratings.GetRating, requests.rating(code, purpose))[0]

    def get_scorecard(self, version: str = "champion") -> rating_pb2.Scorecard:
        """Gets a scorecard; "champion" is the one that is served.

        Raises:
            RemoteError: NOT_FOUND for a version that was not published.
        """
        request = rating_service_pb2.GetScorecardRequest(name=f"scorecards/{version}")
        return self._connection.call(self._ratings.GetScorecard, request)[0]

    def list_stores(self, code: str) -> record_service_pb2.ListStoresResponse:
        """Lists the stores that platforms say are the enterprise's, and how that stands.

        To the enterprise itself and to staff all of them, to a platform its own.

        Raises:
            RemoteError: NOT_FOUND for anybody else's enterprise, and one that takes no part.
        """
        request = record_service_pb2.ListStoresRequest(name=f"enterprises/{code}/stores")
        return self._connection.call(self._records.ListStores, request)[0]

    def dispute_store(
        self,
        code: str,
        platform: str,
        link_id: str,
        ground: record_service_pb2.DisputeStoreRequest.Ground.ValueType,
        *,
        evidence_sha256: bytes = b"",
        request_id: str | None = None,
    ) -> archive_pb2.Store:
        """Disputes that a store is one's own enterprise's, or on which days.

        `link_id` is that of the store in `list_stores` or in the archive. `request_id`
        as in `submit_identity`.

        Raises:
            RemoteError: NOT_FOUND for anybody else's enterprise, and for no such store.
        """
        request = record_service_pb2.DisputeStoreRequest(
            request_id=request_id or str(uuid.uuid4()),
            name=f"enterprises/{code}/stores",
            platform=platform,
            link_id=link_id,
            ground=ground,
            evidence_sha256=evidence_sha256,
        )
        found, trailers = self._connection.call(self._records.DisputeStore, request)
        self._remember(code, trailers)
        return found

    def get_write_cursor(self, source: str) -> int:
        """Gets up to which batch a source is stored; 0 if none ever was.

        Raises:
            RemoteError: not for this kind of caller.
        """
        request = record_service_pb2.GetWriteCursorRequest(source=source)
        return self._connection.call(self._records.GetWriteCursor, request)[0].sequence

    def write_records(
        self,
        batches: Iterable[Sequence[record_pb2.Record]],
        *,
        source: str,
        first: int | None = None,
    ) -> Iterator[record_service_pb2.WriteRecordsResponse]:
        """Writes batches of 1 to 1000 records; yields acknowledgments of what is stored.

        `source` is a name of yours for what numbers the batches. `first` is the
        number of the first one: give the same batches the same numbers, and those
        that are stored already are not sent again. None numbers on from what is
        stored. A stream that breaks is taken up again; records that the server
        refuses stand in `rejections`. Nothing is sent before the first acknowledgment
        is asked for.

        Raises:
            RemoteError: refused, or broken again and again without getting on.
            Exception: whatever `batches` raised, once what came before is stored.
        """
        cursor = self.get_write_cursor(source)
        outbox = Outbox(source, batches, first=cursor + 1 if first is None else first)
        pauses = iter(_STREAM_PAUSES)
        while True:
            outbox.resume(cursor)
            try:
                for answer in self._stream(outbox):
                    outbox.acknowledged(answer.sequence)
                    pauses = iter(_STREAM_PAUSES)
                    yield answer
            except RemoteError as error:
                pause = next(pauses, None) if error.code in BROKEN else None
                if pause is None:
                    raise
                time.sleep(pause)
                cursor = self.get_write_cursor(source)
            else:
                if outbox.failure is not None:
                    raise outbox.failure
                return

    def access_token(self) -> tuple[str, dt.datetime]:
        """Gets a new access token for the application of `credentials`, and when it ends.

        Calls of this client get their own. Raises RemoteError if it is refused.
        """
        token, ends_at = self._connection.access_token()
        return token, dt.datetime.fromtimestamp(ends_at, dt.UTC)

    def wait_until_serving(self, timeout_seconds: float = 10.0) -> None:
        """Returns once the server's health is SERVING.

        Raises:
            NotServingError: it was not within the time given.
        """
        self._connection.wait_until_serving(timeout_seconds)

    def _remember(self, code: str, trailers: Mapping[str, str]) -> None:
        told = trailers.get("revision", "")
        if not code or not told.isdecimal():
            return
        if code not in self._revisions and len(self._revisions) >= _MOST_REVISIONS:
            self._revisions.clear()
        self._revisions[code] = max(int(told), self._revisions.get(code, 0))

    def _stream(self, outbox: Outbox) -> Iterator[record_service_pb2.WriteRecordsResponse]:
        with contextlib.closing(
            self._connection.stream(
                self._records.WriteRecords, outbox.requests(), seconds=_STREAM_SECONDS
            )
        ) as answers:
            try:
                yield from answers
            finally:
                outbox.stop()


def _code_in(name: str) -> str:
    """Returns the code in enterprises/{code}/...; empty where there is none."""
    return name.split("/")[1] if name.count("/") > 1 else ""
