# Made of aio/identifying.py by scripts/unasync.py: change it there.
"""Calls about drafts and about what is open for an enterprise: `client.identities`.

client.identities.requirements("91990000MA00000011")
"""

from __future__ import annotations

import uuid
from typing import Final

from bonafides.client.connection import Connection
from bonafides.client.paging import pages
from bonafides.v1 import (
    draft_pb2,
    draft_service_pb2,
    draft_service_pb2_grpc,
    enterprise_pb2,
    identity_service_pb2,
    identity_service_pb2_grpc,
    requirement_pb2,
)


class IdentityCalls:
    """What follows a submission. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._stub: Final = identity_service_pb2_grpc.IdentityServiceStub(connection.channel)
        self._drafts: Final = draft_service_pb2_grpc.DraftServiceStub(connection.channel)

    def requirements(self, code: str) -> list[requirement_pb2.Requirement]:
        """Lists what is past due, due, being checked and optional, in this order."""
        request = identity_service_pb2.ListRequirementsRequest(name=f"enterprises/{code}")
        return [
            each
            for page in pages(self._connection, self._stub.ListRequirements, request)
            for each in page.requirements
        ]

    def amend(
        self, code: str, changes: enterprise_pb2.Amendment, request_id: str | None = None
    ) -> enterprise_pb2.Submission:
        """Announces what changed of one's own enterprise; `request_id` as of `submit_identity`."""
        request = identity_service_pb2.AmendIdentityRequest(
            request_id=request_id or str(uuid.uuid4()), name=f"enterprises/{code}", changes=changes
        )
        return self._connection.answer(self._stub.AmendIdentity, request)

    def create_draft(
        self, code: str, prefill: draft_pb2.Prefill, request_id: str | None = None
    ) -> draft_pb2.Draft:
        """Makes, as a platform, a draft of what it holds; hand its name to the enterprise.

        `request_id` as of `submit_identity`.
        """
        request = draft_service_pb2.CreateDraftRequest(
            request_id=request_id or str(uuid.uuid4()),
            parent=f"enterprises/{code}",
            prefill=prefill,
        )
        return self._connection.answer(self._drafts.CreateDraft, request)

    def get_draft(self, name: str) -> draft_pb2.Draft:
        """Gets a draft by its name, enterprises/{code}/drafts/{uid}."""
        request = draft_service_pb2.GetDraftRequest(name=name)
        return self._connection.answer(self._drafts.GetDraft, request)

    def confirm_draft(
        self, name: str, claims: draft_pb2.DraftSupplement, request_id: str | None = None
    ) -> enterprise_pb2.Submission:
        """Confirms a draft with what it lacks; `request_id` as of `submit_identity`."""
        request = draft_service_pb2.ConfirmDraftRequest(
            request_id=request_id or str(uuid.uuid4()), name=name, claims=claims
        )
        return self._connection.answer(self._drafts.ConfirmDraft, request)

    def delete_draft(self, name: str) -> draft_pb2.Draft:
        """Takes, as the platform that made it, a draft back that nobody confirmed."""
        request = draft_service_pb2.DeleteDraftRequest(name=name)
        return self._connection.answer(self._drafts.DeleteDraft, request)
