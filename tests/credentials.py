"""Applications with keys, and whatever may be signed by them: rightly and wrongly."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.access.assertions import TYPE
from bonafides.access.tokens import encoded, signing_key, thumbprint
from bonafides.client import Client, Credentials
from bonafides.client.signing import PrivateKey
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.storage import tables
from bonafides.storage.changes import APPLICATION, Change
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.serving import PATIENCE_SECONDS, Served


@dataclass(frozen=True)
class Application:
    """An application and one key of its own."""

    client_id: str
    private_key: PrivateKey
    key_id: str

    def credentials(self, clock: Callable[[], float], environment: str = "") -> Credentials:
        return Credentials(self.client_id, self.private_key, environment=environment, clock=clock)


def ed25519(number: int = 1) -> Ed25519PrivateKey:
    """Returns a private key of no worth."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"key %d" % number).digest())


def p256(number: int = 1) -> ec.EllipticCurvePrivateKey:
    """Returns a private key of no worth."""
    return ec.derive_private_key(1_000_003 + number, ec.SECP256R1())


def registered(
    store: Store,
    number: int = 1,
    *,
    private_key: PrivateKey | None = None,
    environment: str = "sandbox",
    **changes: Any,
) -> Application:
    """Registers an application with one key that is good for a century."""
    client_id = f"{environment}-{number:032x}"
    row = {
        "client_id": client_id,
        "created_by": "issuer|maker",
        "role": "ACQUIRER",
        "name": "Application",
        "type": "SERVER",
        "description": "",
        "country": "CN",
        "product": "INTEGRITY_ARCHIVE",
        "test_currency": "CNY",
        "state": "LIVE" if environment == "live" else "TESTING",
        "platform": builders.PLATFORM,
        "email_sealed": b"",
        "created_at": builders.NOW,
        "updated_at": builders.NOW,
    }
    with store.writing() as work:
        work.execute(tables.application.insert(), row | changes)
        work.note(Change(APPLICATION, client_id, 0, builders.NOW))
        work.commit()
    key = private_key or ed25519(number)
    return Application(client_id, key, add_key(store, client_id, key))


def add_key(
    store: Store,
    client_id: str,
    private_key: PrivateKey,
    *,
    not_before: int = 0,
    not_after: int = builders.NOW + 36_500 * DAY,
    **changes: Any,
) -> str:
    """Registers a key; returns its id."""
    public = private_key.public_key()
    known = signing_key(public)
    row = {
        "client_id": client_id,
        "key_id": thumbprint(known.public),
        "algorithm": known.algorithm,
        "public_key": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "not_before": not_before,
        "not_after": not_after,
        "created_at": builders.NOW,
    } | changes
    with store.writing() as work:
        work.execute(tables.application_key.insert(), row)
        work.note(Change(APPLICATION, client_id, 0, builders.NOW))
        work.commit()
    return str(row["key_id"])


def set_state(store: Store, application: Application, state: str, **changes: Any) -> None:
    """Changes the state of an application, or what else is given."""
    found = tables.application.c.client_id == application.client_id
    with store.writing() as work:
        work.execute(sa.update(tables.application).where(found).values(state=state, **changes))
        work.note(Change(APPLICATION, application.client_id, 0, builders.NOW))
        work.commit()


def revoke(store: Store, application: Application) -> None:
    """Revokes the application's key."""
    key = tables.application_key.c
    found = (key.client_id == application.client_id) & (key.key_id == application.key_id)
    with store.writing() as work:
        work.execute(sa.update(tables.application_key).where(found).values(revoked_at=builders.NOW))
        work.note(Change(APPLICATION, application.client_id, 0, builders.NOW))
        work.commit()


def claims(
    application: Application,
    method: str,
    request: bytes | None = None,
    *,
    now: Instant = builders.NOW,
    environment: str = "sandbox",
) -> dict[str, Any]:
    """Returns honest claims for a call of a method."""
    once = hashlib.sha256(repr((method, request, next(_numbers))).encode()).digest()[:16]
    told: dict[str, Any] = {
        "iss": application.client_id,
        "sub": application.client_id,
        "aud": f"{environment}:{method}",
        "iat": now // MICROSECONDS,
        "exp": now // MICROSECONDS + 60,
        "jti": encoded(once),
    }
    if request is not None:
        told["bd"] = encoded(hashlib.sha256(request).digest())
    return told


def header(application: Application) -> dict[str, Any]:
    """Returns an honest header."""
    algorithm = signing_key(application.private_key.public_key()).algorithm
    return {"alg": algorithm, "typ": TYPE, "kid": application.key_id}


def signed(
    header: Mapping[str, Any] | bytes,
    claims: Mapping[str, Any] | bytes,
    sign: PrivateKey | Callable[[bytes], bytes],
) -> str:
    """Returns a JWS with any header and claims; bytes stand as they are."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)
    ]
    content = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    made = sign(content) if callable(sign) else signature(sign, content)
    return (content + b"." + base64.urlsafe_b64encode(made).rstrip(b"=")).decode()


def signature(key: PrivateKey, content: bytes) -> bytes:
    """Returns the signature of the key as a JWS holds it."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(content)
    r, s = decode_dss_signature(key.sign(content, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def client(served: Served, application: Application, **options: Any) -> Client:
    """Returns a client that calls as the application, at the time of the server's clock."""
    told = application.credentials(lambda: served.clock.now / MICROSECONDS)
    return Client(
        served.address, credentials=told, **{"timeout_seconds": PATIENCE_SECONDS, **options}
    )


_numbers = iter(range(1_000_000_000))
