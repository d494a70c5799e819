"""Calls about who acts for an enterprise: `client.ownership`.

claim = await client.ownership.claim(submission.name)
await client.ownership.confirm(claim.name, "12345678")
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.paging import pages
from bonafides.v1 import ownership_pb2, ownership_service_pb2, ownership_service_pb2_grpc


class AsyncOwnershipCalls:
    """Becoming an owner and working together. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = ownership_service_pb2_grpc.OwnershipServiceStub(connection.channel)

    async def claim(
        self, submission: str, request_id: str | None = None
    ) -> ownership_pb2.OwnershipClaim:
        """Claims the enterprise of one's own submission, by the submission's name."""
        request = ownership_service_pb2.ClaimOwnershipRequest(
            request_id=request_id or str(uuid.uuid4()), submission=submission
        )
        return await self._connection.answer(self._stub.ClaimOwnership, request)

    async def confirm(self, name: str, one_time_code: str) -> ownership_pb2.OwnershipClaim:
        """Gives the code that was sent, 8 digits."""
        request = ownership_service_pb2.ConfirmOwnershipRequest(
            name=name, one_time_code=one_time_code
        )
        return await self._connection.answer(self._stub.ConfirmOwnership, request)

    async def get(self, name: str) -> ownership_pb2.OwnershipClaim:
        """Gets a claim by its name."""
        request = ownership_service_pb2.GetOwnershipClaimRequest(name=name)
        return await self._connection.answer(self._stub.GetOwnershipClaim, request)

    async def vouch(self, code: str, *, issuer: str, subject: str) -> None:
        """Vouches, as a platform, that a login acts for the enterprise."""
        request = ownership_service_pb2.VouchOwnershipRequest(
            parent=f"enterprises/{code}", issuer=issuer, subject=subject
        )
        await self._connection.answer(self._stub.VouchOwnership, request)

    async def disputes(self) -> Sequence[ownership_pb2.OwnershipClaim]:
        """Lists the claims that staff have to decide, the oldest first."""
        request = ownership_service_pb2.ListOwnershipDisputesRequest()
        return [
            claim
            async for page in pages(self._connection, self._stub.ListOwnershipDisputes, request)
            for claim in page.claims
        ]

    async def decide(self, name: str, *, granted: bool) -> ownership_pb2.OwnershipClaim:
        """Proposes how a dispute ends, or confirms what another member of staff proposed."""
        states = ownership_pb2.OwnershipClaim
        request = ownership_service_pb2.DecideOwnershipRequest(
            name=name, outcome=states.STATE_GRANTED if granted else states.STATE_REFUSED
        )
        return await self._connection.answer(self._stub.DecideOwnership, request)

    async def members(self, code: str) -> Sequence[ownership_pb2.Member]:
        """Lists who acts for the enterprise, and who did."""
        request = ownership_service_pb2.ListMembersRequest(parent=f"enterprises/{code}")
        return [
            member
            async for page in pages(self._connection, self._stub.ListMembers, request)
            for member in page.members
        ]

    async def invite(
        self, code: str, *, owner: bool = False, request_id: str | None = None
    ) -> ownership_pb2.Invitation:
        """Invites staff, or another owner; hand the code to whom you mean."""
        role = ownership_pb2.MEMBER_ROLE_OWNER if owner else ownership_pb2.MEMBER_ROLE_STAFF
        request = ownership_service_pb2.InviteMemberRequest(
            request_id=request_id or str(uuid.uuid4()),
            parent=f"enterprises/{code}",
            member_role=role,
        )
        return await self._connection.answer(self._stub.InviteMember, request)

    async def join(self, code: str, one_time_code: str) -> ownership_pb2.Member:
        """Takes an invitation up."""
        request = ownership_service_pb2.TakeInvitationRequest(
            parent=f"enterprises/{code}", one_time_code=one_time_code
        )
        return await self._connection.answer(self._stub.TakeInvitation, request)

    async def remove(self, name: str) -> ownership_pb2.Member:
        """Removes a member, by the member's name."""
        request = ownership_service_pb2.RemoveMemberRequest(name=name)
        return await self._connection.answer(self._stub.RemoveMember, request)

    async def notices(self, code: str) -> Sequence[ownership_pb2.Notice]:
        """Lists what those who act for the enterprise are told, the latest first."""
        request = ownership_service_pb2.ListNoticesRequest(parent=f"enterprises/{code}")
        return [
            notice
            async for page in pages(self._connection, self._stub.ListNotices, request)
            for notice in page.notices
        ]
