"""Every call that a client has: its own, and those of its areas, such as `client.platforms`.

archive = await client.get_archive("91990000MA00000011")
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import Final, overload

from bonafides.client import requests
from bonafides.client.aio.accesses import AsyncAccessCalls
from bonafides.client.aio.advising import AsyncAdviceCalls
from bonafides.client.aio.agents import AsyncIntegratorCalls
from bonafides.client.aio.agreeing import AsyncConsentCalls
from bonafides.client.aio.applying import AsyncApplicationCalls
from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.identifying import AsyncIdentityCalls
from bonafides.client.aio.levels import AsyncLevelCalls
from bonafides.client.aio.naming import AsyncNameCalls
from bonafides.client.aio.owning import AsyncOwnershipCalls
from bonafides.client.aio.platforms import AsyncPlatformCalls
from bonafides.client.aio.recording import AsyncRecordCalls
from bonafides.client.aio.reviewing import AsyncReviewCalls
from bonafides.client.aio.rights import AsyncRightsCalls
from bonafides.client.aio.switching import AsyncSwitchCalls
from bonafides.client.aio.waiting import sleep
from bonafides.client.faults import NotServingError
from bonafides.client.requests import NO_PURPOSE, NOT_MODIFIED, NotModified
from bonafides.client.revisions import Revisions, code_in
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
    record_service_pb2,
)
from bonafides.v1.purpose_pb2 import ReadPurpose

# Between two looks at a server that is starting.
_POLL_SECONDS: Final = 0.05


class AsyncCalls(AsyncRecordCalls):
    """The calls of one caller, over one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._revisions: Final = Revisions()
        self._identity: Final = identity_service_pb2_grpc.IdentityServiceStub(connection.channel)
        self._archives: Final = archive_service_pb2_grpc.ArchiveServiceStub(connection.channel)
        self._ratings: Final = rating_service_pb2_grpc.RatingServiceStub(connection.channel)
        # What is agreed to, and who acts for an enterprise.
        self.consents: Final = AsyncConsentCalls(connection)
        self.ownership: Final = AsyncOwnershipCalls(connection)
        # What is held, corrections, erasures, and what waits for staff.
        self.rights: Final = AsyncRightsCalls(connection)
        self.reviews: Final = AsyncReviewCalls(connection)
        self.levels: Final = AsyncLevelCalls(connection)
        self.applications: Final = AsyncApplicationCalls(connection)
        self.switches: Final = AsyncSwitchCalls(connection)
        self.accesses: Final = AsyncAccessCalls(connection)
        # What is open for an enterprise; what if, and what would raise a level.
        self.identities: Final = AsyncIdentityCalls(connection)
        self.advising: Final = AsyncAdviceCalls(connection)
        # What platforms decide, ask and read in bulk.
        self.platforms: Final = AsyncPlatformCalls(connection)
        self.integrators: Final = AsyncIntegratorCalls(connection)
        # Who bears a name.
        self.names: Final = AsyncNameCalls(connection)

    async def submit_identity(
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
        made, trailers = await self._connection.call(self._identity.SubmitIdentity, request)
        self._revisions.remember(code_in(made.name), trailers)
        return made

    async def get_submission(self, name: str) -> enterprise_pb2.Submission:
        """Gets a submission by its name, enterprises/{code}/submissions/{uid}.

        Raises:
            RemoteError: NOT_FOUND to all but its submitter and staff.
        """
        request = identity_service_pb2.GetSubmissionRequest(name=name)
        found, trailers = await self._connection.call(self._identity.GetSubmission, request)
        self._revisions.remember(code_in(found.name), trailers)
        return found

    @overload
    async def get_archive(
        self,
        code: str,
        *,
        as_of: dt.datetime | None = None,
        min_revision: int | None = None,
        etag: None = None,
        purpose: ReadPurpose.ValueType = NO_PURPOSE,
    ) -> archive_pb2.Archive: ...

    @overload
    async def get_archive(
        self,
        code: str,
        *,
        min_revision: int | None = None,
        etag: str,
        purpose: ReadPurpose.ValueType = NO_PURPOSE,
    ) -> archive_pb2.Archive | NotModified: ...

    async def get_archive(
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
        archive, told = await self._read_archive(code, request)
        return NOT_MODIFIED if etag and told == etag else archive

    async def get_archive_and_etag(
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
        return await self._read_archive(code, request)

    def last_revision(self, code: str) -> int:
        """Returns the highest revision of an archive that answers to this client told of.

        0 if none did. Submissions tell it once they are VERIFIED, archives always, but
        not to anonymous callers.
        """
        return self._revisions.of(code)

    async def _read_archive(
        self, code: str, request: archive_service_pb2.GetArchiveRequest
    ) -> tuple[archive_pb2.Archive, str]:
        archive, trailers = await self._connection.call(self._archives.GetArchive, request)
        self._revisions.remember(code, trailers)
        return archive, trailers.get("etag", "")

    async def update_self_description(
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
        stands, trailers = await self._connection.call(
            self._archives.UpdateSelfDescription, request
        )
        self._revisions.remember(code_in(stands.name), trailers)
        return stands

    async def get_rating(
        self, code: str, *, purpose: ReadPurpose.ValueType = NO_PURPOSE
    ) -> rating_pb2.Rating:
        """Gets the level of an enterprise, with its explanation where this caller may see it.

        `purpose` as of `get_archive`.

        Raises:
            RemoteError: NOT_FOUND for an enterprise that takes no part.
        """
        return await self._connection.answer(
            self._ratings.GetRating, requests.rating(code, purpose)
        )

    async def get_scorecard(self, version: str = "champion") -> rating_pb2.Scorecard:
        """Gets a scorecard; "champion" is the one that is served.

        Raises:
            RemoteError: NOT_FOUND for a version that was not published.
        """
        request = rating_service_pb2.GetScorecardRequest(name=f"scorecards/{version}")
        return await self._connection.answer(self._ratings.GetScorecard, request)

    async def list_stores(self, code: str) -> record_service_pb2.ListStoresResponse:
        """Lists the stores that platforms say are the enterprise's, and how that stands.

        To the enterprise itself and to staff all of them, to a platform its own.

        Raises:
            RemoteError: NOT_FOUND for anybody else's enterprise, and one that takes no part.
        """
        request = record_service_pb2.ListStoresRequest(name=f"enterprises/{code}/stores")
        return await self._connection.answer(self._records.ListStores, request)

    async def dispute_store(
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
        found, trailers = await self._connection.call(self._records.DisputeStore, request)
        self._revisions.remember(code, trailers)
        return found

    async def access_token(self) -> tuple[str, dt.datetime]:
        """Gets a new access token for the application of `credentials`, and when it ends.

        Calls of this client get their own. Raises RemoteError if it is refused.
        """
        token, ends_at = await self._connection.access_token()
        return token, dt.datetime.fromtimestamp(ends_at, dt.UTC)

    async def wait_until_serving(self, timeout_seconds: float = 10.0) -> None:
        """Returns once the server's health is SERVING.

        Raises:
            NotServingError: it was not within the time given.
        """
        end = time.monotonic() + timeout_seconds
        while (left := end - time.monotonic()) > 0:
            if await self._connection.is_serving(left):
                return
            await sleep(min(_POLL_SECONDS, left))
        raise NotServingError(self._connection.target, timeout_seconds)
