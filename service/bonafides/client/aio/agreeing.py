"""Calls about consents and agreements: `client.consents`.

await client.consents.revoke("91990000MA00000011", enterprise_pb2.PURPOSE_RATE)
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

from bonafides.client.aio.connection import AsyncConnection
from bonafides.client.aio.paging import pages
from bonafides.v1 import (
    consent_pb2,
    consent_service_pb2,
    consent_service_pb2_grpc,
    enterprise_pb2,
)


class AsyncConsentCalls:
    """What persons and enterprises agree to. Each call raises RemoteError if it is refused."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection
        self._stub: Final = consent_service_pb2_grpc.ConsentServiceStub(connection.channel)

    async def agreements(self) -> list[consent_pb2.PublishedText]:
        """Lists the texts that are current, then those that will be."""
        request = consent_service_pb2.ListAgreementsRequest()
        return [
            text
            async for page in pages(self._connection, self._stub.ListAgreements, request)
            for text in page.texts
        ]

    async def assent(self, code: str, kind: str, version: str) -> consent_pb2.AgreementAssent:
        """Assents to the current version of an agreement on behalf of an enterprise."""
        request = consent_service_pb2.AssentAgreementRequest(
            parent=f"enterprises/{code}", kind=kind, version=version
        )
        return await self._connection.answer(self._stub.AssentAgreement, request)

    async def assents(self, code: str) -> list[consent_pb2.AgreementAssent]:
        """Lists what was assented to on behalf of an enterprise, the latest first."""
        request = consent_service_pb2.ListAssentsRequest(parent=f"enterprises/{code}")
        return [
            given
            async for page in pages(self._connection, self._stub.ListAssents, request)
            for given in page.assents
        ]

    async def ledger(self, code: str) -> list[consent_pb2.Consent]:
        """Lists the ledger of an enterprise, or what of it is about one's own submissions."""
        request = consent_service_pb2.ListConsentsRequest(parent=f"enterprises/{code}")
        return [
            consent
            async for page in pages(self._connection, self._stub.ListConsents, request)
            for consent in page.consents
        ]

    async def grant(
        self,
        code: str,
        text: consent_pb2.PublishedText,
        *,
        evidence_sha256: bytes,
        granted: dt.datetime,
        expires: dt.datetime | None = None,
        scope: Sequence[str] = (),
        request_id: str | None = None,
    ) -> consent_pb2.Consent:
        """Grants one consent to what the text says, after the person was shown it.

        `text` is one of `agreements`; an empty scope is all of the text's. Datetimes are
        aware. `request_id` as of `submit_identity`.
        """
        request = consent_service_pb2.GrantConsentRequest(
            request_id=request_id or str(uuid.uuid4()),
            parent=f"enterprises/{code}",
            purpose=enterprise_pb2.Purpose.Value(f"PURPOSE_{text.kind}"),
            scope=scope or text.scope,
            text_version=text.version,
            text_sha256=text.sha256,
            evidence_sha256=evidence_sha256,
        )
        request.grant_time.FromDatetime(granted)
        if expires is not None:
            request.expire_time.FromDatetime(expires)
        return await self._connection.answer(self._stub.GrantConsent, request)

    async def revoke(
        self, code: str, purpose: enterprise_pb2.Purpose.ValueType
    ) -> Sequence[consent_pb2.Consent]:
        """Takes every consent to the purpose back; returns what this call took back."""
        request = consent_service_pb2.RevokeConsentRequest(
            parent=f"enterprises/{code}", purpose=purpose
        )
        answer = await self._connection.answer(self._stub.RevokeConsent, request)
        return answer.consents

    async def platforms(self, code: str) -> Sequence[consent_pb2.PlatformAuthorization]:
        """Lists the platforms whose records may be used, and those that may no more."""
        request = consent_service_pb2.ListPlatformAuthorizationsRequest(
            parent=f"enterprises/{code}"
        )
        return [
            platform
            async for page in pages(
                self._connection, self._stub.ListPlatformAuthorizations, request
            )
            for platform in page.platforms
        ]

    async def authorize_platform(
        self, code: str, platform: str
    ) -> consent_pb2.PlatformAuthorization:
        """Lets the service use what the platform reports."""
        request = consent_service_pb2.AuthorizePlatformRequest(
            name=f"enterprises/{code}/platforms/{platform}"
        )
        return await self._connection.answer(self._stub.AuthorizePlatform, request)

    async def revoke_platform(self, code: str, platform: str) -> consent_pb2.PlatformAuthorization:
        """Takes that back."""
        request = consent_service_pb2.RevokePlatformRequest(
            name=f"enterprises/{code}/platforms/{platform}"
        )
        return await self._connection.answer(self._stub.RevokePlatform, request)
