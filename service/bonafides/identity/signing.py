"""Signs requests to sources whose providers want them signed with a secret.

Two schemes, as their providers publish them:

    acs3    ACS3-HMAC-SHA256 of Alibaba Cloud, signature version 3
    tc3     TC3-HMAC-SHA256 of Tencent Cloud, signature method v3

Both sign method, path, query, some headers and the digest of the body, so that nobody on
the way can change any; date or nonce keep a copy from being used later. The secret goes
into the signature alone, and is in no header, no error and no repr.

    signed_headers(signing, secret, outgoing, now=now, nonce=nonce)["Authorization"]
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, Self
from urllib.parse import parse_qsl, quote

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bonafides.instants import MICROSECONDS, Instant, to_datetime

_UNRESERVED: Final = "-_.~"
# What stands in a header must not end it.
_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$")]


class Signing(BaseModel):
    """How the requests to one source are signed: configuration, and no secret in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: Literal["acs3", "tc3"]
    # The public half of the credential.
    key_id: _Word
    # The provider's names of the method and of its version.
    action: _Word
    version: _Word
    # Of tc3: the first part of the provider's host, such as ocr; and where, if it has places.
    service: _Word | None = None
    region: _Word | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.scheme == "tc3" and self.service is None:
            raise ValueError("tc3 needs a service, such as ocr")
        return self


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes out. `query` as it stands in the address."""

    method: str
    host: str
    path: str
    query: str = field(repr=False)
    content_type: str
    body: bytes = field(repr=False)


def signed_headers(
    signing: Signing, secret: str, sent: Outgoing, *, now: Instant, nonce: str
) -> dict[str, str]:
    """Returns the headers to add. `nonce` is new for each request."""
    if signing.scheme == "acs3":
        return _acs3(signing, secret, sent, now, nonce)
    return _tc3(signing, secret, sent, now)


def _acs3(
    signing: Signing, secret: str, sent: Outgoing, now: Instant, nonce: str
) -> dict[str, str]:
    added = {
        "x-acs-action": signing.action,
        "x-acs-version": signing.version,
        "x-acs-date": to_datetime(now).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": _digest(sent.body),
    }
    headers = added | {"host": sent.host}
    if sent.content_type:
        headers["content-type"] = sent.content_type
    canonical = _canonical(sent, headers)
    signature = _hmac(secret.encode(), f"ACS3-HMAC-SHA256\n{_digest(canonical)}").hex()
    told = f"Credential={signing.key_id},SignedHeaders={_names(headers)},Signature={signature}"
    return added | {"Authorization": f"ACS3-HMAC-SHA256 {told}"}


def _tc3(signing: Signing, secret: str, sent: Outgoing, now: Instant) -> dict[str, str]:
    second = str(now // MICROSECONDS)
    added = {
        "x-tc-action": signing.action,
        "x-tc-version": signing.version,
        "x-tc-timestamp": second,
    }
    if signing.region is not None:
        added["x-tc-region"] = signing.region
    headers = {"content-type": sent.content_type, "host": sent.host}
    canonical = _canonical(sent, headers)
    day = to_datetime(now).strftime("%Y-%m-%d")
    scope = f"{day}/{signing.service}/tc3_request"
    key = f"TC3{secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    text = f"TC3-HMAC-SHA256\n{second}\n{scope}\n{_digest(canonical)}"
    told = f"Credential={signing.key_id}/{scope}, SignedHeaders={_names(headers)}"
    return added | {"Authorization": f"TC3-HMAC-SHA256 {told}, Signature={_hmac(key, text).hex()}"}


def _canonical(sent: Outgoing, headers: Mapping[str, str]) -> bytes:
    """Returns the request as both schemes write it down to sign it."""
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    pairs = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in parse_qsl(sent.query, keep_blank_values=True)
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    parts = (sent.method, sent.path or "/", query, lines, _names(headers), _digest(sent.body))
    return "\n".join(parts).encode()


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
