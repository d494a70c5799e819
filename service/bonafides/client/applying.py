# Made of aio/applying.py by scripts/unasync.py: change it there.
"""Calls about applications and their keys: `client.applications`.

made = client.applications.create(application_role=..., title="...", ...)
client.applications.register_key(made.client_id, key_proofs.new_key())
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from bonafides.client.connection import Connection
from bonafides.client.paging import pages
from bonafides.v1 import application_pb2, application_service_pb2, application_service_pb2_grpc

if TYPE_CHECKING:
    from bonafides.client.key_proofs import PrivateKey


class ApplicationCalls:
    """The life of applications. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self._stub: Final = application_service_pb2_grpc.ApplicationServiceStub(connection.channel)

    def create(self, request_id: str | None = None, **told: Any) -> application_pb2.Application:
        """Makes an application; `told` are fields of CreateApplicationRequest."""
        request = application_service_pb2.CreateApplicationRequest(
            request_id=request_id or str(uuid.uuid4()), **told
        )
        return self._connection.answer(self._stub.CreateApplication, request)

    def get(self, client_id: str) -> application_pb2.Application:
        """Gets an application."""
        request = application_service_pb2.GetApplicationRequest(name=_name(client_id))
        return self._connection.answer(self._stub.GetApplication, request)

    def list(self, page_size: int = 0) -> Sequence[application_pb2.Application]:
        """Lists one's own applications, the oldest first; to staff, all."""
        request = application_service_pb2.ListApplicationsRequest(page_size=page_size)
        return [
            application
            for page in pages(self._connection, self._stub.ListApplications, request)
            for application in page.applications
        ]

    def update(
        self,
        told: application_pb2.Application,
        fields: Iterable[str],
        request_id: str | None = None,
    ) -> application_pb2.Application:
        """Changes the fields that are named; `told` names the application."""
        request = application_service_pb2.UpdateApplicationRequest(
            request_id=request_id or str(uuid.uuid4()), application=told
        )
        request.update_mask.paths.extend(fields)
        return self._connection.answer(self._stub.UpdateApplication, request)

    def challenge(self, client_id: str) -> application_pb2.KeyChallenge:
        """Has a challenge issued, which `key_proofs.prove` answers."""
        request = application_service_pb2.IssueKeyChallengeRequest(parent=_name(client_id))
        return self._connection.answer(self._stub.IssueKeyChallenge, request)

    def register_key(
        self,
        client_id: str,
        key: PrivateKey,
        *,
        begin: dt.datetime | None = None,
        expire: dt.datetime | None = None,
    ) -> application_pb2.ApplicationKey:
        """Registers the public half of the key, with the proof that the other is here."""
        # Only who registers a key pays for loading it.
        from bonafides.client.key_proofs import prove  # noqa: PLC0415

        challenge = self.challenge(client_id)
        public, signature = prove(key, challenge)
        request = application_service_pb2.RegisterKeyRequest(
            challenge=challenge.name, public_key=public, signature=signature
        )
        if begin is not None:
            request.begin_time.FromDatetime(begin)
        if expire is not None:
            request.expire_time.FromDatetime(expire)
        return self.send_key(request)

    def send_key(
        self, request: application_service_pb2.RegisterKeyRequest
    ) -> application_pb2.ApplicationKey:
        """Registers a key whose proof was made elsewhere."""
        return self._connection.answer(self._stub.RegisterKey, request)

    def keys(self, client_id: str) -> Sequence[application_pb2.ApplicationKey]:
        """Lists the keys of an application, the latest first."""
        request = application_service_pb2.ListKeysRequest(parent=_name(client_id))
        return [
            key
            for page in pages(self._connection, self._stub.ListKeys, request)
            for key in page.keys
        ]

    def revoke_key(self, name: str) -> application_pb2.ApplicationKey:
        """Revokes a key by its name, applications/{client_id}/keys/{thumbprint}."""
        request = application_service_pb2.RevokeKeyRequest(name=name)
        return self._connection.answer(self._stub.RevokeKey, request)

    def confirm(self, name: str, one_time_code: str) -> application_pb2.ApplicationChange:
        """Brings a change about by the code that was sent."""
        request = application_service_pb2.ConfirmChangeRequest(
            name=name, one_time_code=one_time_code
        )
        return self._connection.answer(self._stub.ConfirmChange, request)

    def record_contract(
        self, client_id: str, *, reference: str, signed: dt.datetime, platform: str = ""
    ) -> application_pb2.Application:
        """Records a signed contract, as staff of live."""
        request = application_service_pb2.RecordContractRequest(
            name=_name(client_id), reference=reference, platform=platform
        )
        request.sign_time.FromDatetime(signed)
        return self._connection.answer(self._stub.RecordContract, request)

    def record_acceptance(
        self, client_id: str, evidence_sha256: bytes
    ) -> application_pb2.Application:
        """Records a passed acceptance run, as staff of the sandbox."""
        request = application_service_pb2.RecordAcceptanceRequest(
            name=_name(client_id), evidence_sha256=evidence_sha256
        )
        return self._connection.answer(self._stub.RecordAcceptance, request)

    def issue_acceptance(
        self, client_id: str, live_client_id: str
    ) -> application_pb2.AcceptanceStatement:
        """Has the sandbox issue its statement for one application in live."""
        request = application_service_pb2.IssueAcceptanceRequest(
            name=_name(client_id), live_client_id=live_client_id
        )
        return self._connection.answer(self._stub.IssueAcceptance, request)

    def present_acceptance(self, client_id: str, statement: str) -> application_pb2.Application:
        """Brings the sandbox's statement to live."""
        request = application_service_pb2.PresentAcceptanceRequest(
            name=_name(client_id), statement=statement
        )
        return self._connection.answer(self._stub.PresentAcceptance, request)

    def launch(self, client_id: str) -> application_pb2.Application:
        """Launches an application in live."""
        request = application_service_pb2.LaunchApplicationRequest(name=_name(client_id))
        return self._connection.answer(self._stub.LaunchApplication, request)

    def suspend(
        self, client_id: str, ground: application_pb2.SuspensionGround.ValueType, reason: str
    ) -> application_pb2.Application:
        """Stops an application at once, as staff."""
        request = application_service_pb2.SuspendApplicationRequest(
            name=_name(client_id), ground=ground, reason=reason
        )
        return self._connection.answer(self._stub.SuspendApplication, request)

    def resume(self, client_id: str, reason: str) -> application_pb2.Application:
        """Takes a suspension back, as staff."""
        request = application_service_pb2.ResumeApplicationRequest(
            name=_name(client_id), reason=reason
        )
        return self._connection.answer(self._stub.ResumeApplication, request)

    def close(self, client_id: str) -> application_pb2.Application:
        """Ends an application for good."""
        request = application_service_pb2.CloseApplicationRequest(name=_name(client_id))
        return self._connection.answer(self._stub.CloseApplication, request)

    def service_key(self) -> application_pb2.ServiceKey:
        """Gets the public key by which the deployment signs."""
        request = application_service_pb2.GetServiceKeyRequest()
        return self._connection.answer(self._stub.GetServiceKey, request)


def _name(client_id: str) -> str:
    return f"applications/{client_id}"
