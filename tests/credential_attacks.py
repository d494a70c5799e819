"""Every way we know to call as an application without being it, as one table.

Each attack is a name and what is sent: bytes of a request and its metadata, over a real
socket. A call counts as accepted unless it is refused as UNAUTHENTICATED. Two servers
share one database, so that what one has seen can be tried at the other.

    with staged(folder) as stage:
        assert accepted(stage) == []
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.access.callers import SANDBOX_ISSUER, mint
from bonafides.access.tokens import digest_of
from bonafides.instants import DAY, MICROSECONDS
from bonafides.v1 import (
    archive_service_pb2,
    record_service_pb2,
    rights_service_pb2,
    token_service_pb2,
)
from tests import builders
from tests.credentials import (
    Application,
    add_key,
    claims,
    ed25519,
    header,
    p256,
    registered,
    revoke,
    set_state,
    signed,
)
from tests.integrators import authorized
from tests.serving import PATIENCE_SECONDS, Served, serving

ERASE: Final = "/bonafides.v1.RightsService/EraseBuyer"
CURSOR: Final = "/bonafides.v1.RecordService/GetWriteCursor"
EXCHANGE: Final = "/bonafides.v1.TokenService/ExchangeAssertion"
ARCHIVE: Final = "/bonafides.v1.ArchiveService/GetArchive"
AGENT: Final = "bonafides-agent-token"
SECONDS: Final = builders.NOW // MICROSECONDS

Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Attempt:
    """One call. `elsewhere`: at the other server."""

    method: str
    request: bytes
    metadata: Metadata = ()
    elsewhere: bool = False


class Stage:
    """Two servers with one database, and applications of every sort."""

    def __init__(self, one: Served, other: Served) -> None:
        self.served: Final = one
        self.channels: Final = [grpc.insecure_channel(each.address) for each in (one, other)]
        store = one.store
        self.app: Final = registered(store, 1)
        self.curve: Final = registered(store, 2, private_key=p256())
        self.other: Final = registered(store, 3)
        self.revoked: Final = registered(store, 4)
        self.suspended: Final = registered(store, 5)
        self.closed: Final = registered(store, 6)
        self.homeless: Final = registered(store, 7, platform=None)
        # Links are for who is launched; calls of the sandbox for who is not yet.
        self.agent: Final = registered(store, 8, role="INTEGRATOR", platform=None, state="LIVE")
        # Of one enterprise each, and both good: an attack takes one for the other.
        self.agent_tokens: Final = [self._authorized(number) for number in (1, 2)]
        set_state(store, self.agent, "TESTING")
        # Keys beside the honest one of the application.
        self.early: Final = self._key(11, not_before=builders.NOW + DAY)
        self.late: Final = self._key(12, not_after=builders.NOW)
        self.gone: Final = self._key(13, revoked_at=builders.NOW - DAY)
        self.mislabelled: Final = self._key(14, algorithm="ES256")
        revoke(store, self.revoked)
        set_state(store, self.suspended, "SUSPENDED")
        set_state(store, self.closed, "CLOSED")

    def send(self, attempt: Attempt) -> grpc.StatusCode:
        """Sends the call; returns how it ended."""
        call: Any = self.channels[attempt.elsewhere].unary_unary(attempt.method)
        try:
            call(attempt.request, timeout=PATIENCE_SECONDS, metadata=tuple(attempt.metadata))
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def token(self, application: Application | None = None) -> str:
        """Returns an honest access token."""
        attempt = exchange(application or self.app)
        call: Any = self.channels[0].unary_unary(EXCHANGE)
        return token_service_pb2.AccessToken.FromString(
            call(attempt.request, timeout=PATIENCE_SECONDS)
        ).token

    def _authorized(self, number: int) -> str:
        code = builders.code(number)
        builders.enroll(self.served.store, code)
        return authorized(self.served, self.agent.client_id, code)[0]

    def _key(self, number: int, **changes: Any) -> Application:
        key = ed25519(number)
        key_id = add_key(self.served.store, self.app.client_id, key, **changes)
        return Application(self.app.client_id, key, key_id)


@contextlib.contextmanager
def staged(folder: Path, database_url: str = "") -> Iterator[Stage]:
    """Serves the stage from the folder."""
    with serving(folder, database_url) as one, serving(folder, database_url) as other:
        stage = Stage(one, other)
        yield stage
        for channel in stage.channels:
            channel.close()


def accepted(stage: Stage) -> list[str]:
    """Returns the names of the attacks that were not refused; honest ones that were, too."""
    wrong = []
    for name, attack in ATTACKS.items():
        *before, last = attack(stage)
        opened = [stage.send(each) for each in before]
        if any(code is not grpc.StatusCode.OK for code in opened):
            wrong.append(f"{name}: what comes before it was refused")
        if stage.send(last) is not grpc.StatusCode.UNAUTHENTICATED:
            wrong.append(name)
    wrong += [
        f"honest: {name}"
        for name, call in HONEST.items()
        if stage.send(call(stage)) is not grpc.StatusCode.OK
    ]
    return wrong


# --- What is sent --------------------------------------------------------------------------


def erasing(number: int = 1) -> bytes:
    """Returns a request that writes."""
    return rights_service_pb2.EraseBuyerRequest(buyer=f"buyer-{number}").SerializeToString()


def asking(source: str = "orders") -> bytes:
    """Returns a request that reads."""
    return record_service_pb2.GetWriteCursorRequest(source=source).SerializeToString()


def reading() -> bytes:
    """Returns a request that reads an archive."""
    name = f"enterprises/{builders.code(1)}/archive"
    return archive_service_pb2.GetArchiveRequest(name=name).SerializeToString()


def bearing(credential: str) -> Metadata:
    """Returns the metadata that carry a credential."""
    return (("authorization", f"Bearer {credential}"),)


def honest(
    application: Application, method: str = CURSOR, request: bytes | None = None, **more: Any
) -> Attempt:
    """Returns a call that is signed as it should be; claims can be added."""
    wire = asking() if request is None else request
    told = claims(application, method, wire) | more
    made = signed(header(application), told, application.private_key)
    return Attempt(method, wire, bearing(made))


def exchange(
    application: Application, head: Mapping[str, Any] | None = None, **more: Any
) -> Attempt:
    """Returns an exchange; claims can be changed, and are left out where None."""
    told = {k: v for k, v in (claims(application, EXCHANGE) | more).items() if v is not None}
    made = signed(header(application) | dict(head or {}), told, application.private_key)
    request = token_service_pb2.ExchangeAssertionRequest(assertion=made)
    return Attempt(EXCHANGE, request.SerializeToString())


def forged(
    application: Application,
    *,
    head: Mapping[str, Any] | bytes | None = None,
    told: Mapping[str, Any] | bytes | None = None,
    sign: Any = None,
    method: str = ERASE,
) -> Attempt:
    """Returns a write whose header or claims are changed, and left out where None."""
    wire = erasing()
    top: Any = head
    if not isinstance(head, bytes):
        top = {k: v for k, v in (header(application) | dict(head or {})).items() if v is not None}
    body: Any = told
    if not isinstance(told, bytes):
        honest_claims = claims(application, method, wire) | dict(told or {})
        body = {k: v for k, v in honest_claims.items() if v is not None}
    return Attempt(method, wire, bearing(signed(top, body, sign or application.private_key)))


def head_of(**changes: Any) -> Attack:
    return lambda stage: [forged(stage.app, head=changes)]


def claims_of(**changes: Any) -> Attack:
    return lambda stage: [forged(stage.app, told=changes)]


def text_of(change: Callable[[str], str]) -> Attack:
    """Changes the JSON text of honest claims."""

    def made(stage: Stage) -> list[Attempt]:
        told = json.dumps(claims(stage.app, ERASE, erasing()))
        return [forged(stage.app, told=change(told).encode("utf-8", "surrogatepass"))]

    return made


def compact(change: Callable[[str], str]) -> Attack:
    """Changes the compact form of an honest assertion."""

    def made(stage: Stage) -> list[Attempt]:
        call = honest(stage.app, ERASE, erasing())
        credential = call.metadata[0][1].removeprefix("Bearer ")
        return [Attempt(ERASE, call.request, bearing(change(credential)))]

    return made


def hmac_with(secret: Callable[[Stage], bytes], name: str = "HS256") -> Attack:
    """Signs by a shared secret that is the public key."""

    def made(stage: Stage) -> list[Attempt]:
        key = secret(stage)
        return [
            forged(
                stage.app,
                head={"alg": name},
                sign=lambda content: hmac.digest(key, content, hashlib.sha256),
            )
        ]

    return made


def raw_public(stage: Stage) -> bytes:
    assert isinstance(stage.app.private_key, Ed25519PrivateKey)
    return stage.app.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def pem_public(stage: Stage) -> bytes:
    public = stage.app.private_key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def der_public(stage: Stage) -> bytes:
    public = stage.app.private_key.public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


_RSA: Final = rsa.generate_private_key(65_537, 2_048)


def rsa_signed(content: bytes) -> bytes:
    return _RSA.sign(content, padding.PKCS1v15(), SHA256())


def der_signed(stage: Stage) -> list[Attempt]:
    """An ECDSA signature in the form that certificates have."""
    key = stage.curve.private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return [forged(stage.curve, sign=lambda content: key.sign(content, ec.ECDSA(SHA256())))]


def other_request(stage: Stage) -> list[Attempt]:
    call = honest(stage.app, ERASE, erasing(1))
    return [Attempt(ERASE, erasing(2), call.metadata)]


def same_but_longer(stage: Stage) -> list[Attempt]:
    """An unknown field behind it: the message is the same, its bytes are not."""
    call = honest(stage.app, ERASE, erasing())
    return [Attempt(ERASE, call.request + b"\xf8\x3f\x01", call.metadata)]


def replayed(*, elsewhere: bool) -> Attack:
    def made(stage: Stage) -> list[Attempt]:
        call = honest(stage.app, request=asking(f"replay-{elsewhere}".lower()))
        return [call, Attempt(call.method, call.request, call.metadata, elsewhere)]

    return made


def same_id_again(stage: Stage) -> list[Attempt]:
    once: dict[str, Any] = {"jti": digest_of(b"the same id")}
    return [
        honest(stage.app, request=asking("one"), **once),
        honest(stage.app, request=asking("two"), **once),
    ]


def exchange_replayed(stage: Stage) -> list[Attempt]:
    call = exchange(stage.app)
    return [call, Attempt(call.method, call.request, elsewhere=True)]


def exchange_assertion_as_credential(stage: Stage) -> list[Attempt]:
    sent = token_service_pb2.ExchangeAssertionRequest.FromString(exchange(stage.app).request)
    return [Attempt(CURSOR, asking(), bearing(sent.assertion))]


def request_assertion_in_exchange(stage: Stage) -> list[Attempt]:
    made = honest(stage.app, ERASE, erasing()).metadata[0][1].removeprefix("Bearer ")
    sent = token_service_pb2.ExchangeAssertionRequest(assertion=made)
    return [Attempt(EXCHANGE, sent.SerializeToString())]


def token_in_exchange(stage: Stage) -> list[Attempt]:
    sent = token_service_pb2.ExchangeAssertionRequest(assertion=stage.token())
    return [Attempt(EXCHANGE, sent.SerializeToString())]


def token_where_signed(stage: Stage) -> list[Attempt]:
    return [Attempt(ERASE, erasing(), bearing(stage.token()))]


def token_altered(stage: Stage) -> list[Attempt]:
    top, _, made = stage.token().split(".")
    told = jwt.decode(stage.token(), options={"verify_signature": False})
    body = base64.urlsafe_b64encode(json.dumps(told | {"platform": "olist"}).encode())
    return [Attempt(CURSOR, asking(), bearing(f"{top}.{body.rstrip(b'=').decode()}.{made}"))]


def own_token(signed_by: Any, **changes: Any) -> Attack:
    """A token as our token service makes it, signed by somebody else."""

    def made(stage: Stage) -> list[Attempt]:
        told = jwt.decode(stage.token(), options={"verify_signature": False}) | changes
        signer = signed_by(stage)
        forged_token = signed({"alg": "EdDSA", "typ": "at+jwt"}, told, signer)
        return [Attempt(CURSOR, asking(), bearing(forged_token))]

    return made


def sandbox_names_application(stage: Stage) -> list[Attempt]:
    """The sandbox's own issuer is no token service."""
    key = stage.served.server.keys.issuer_private_key
    honest_token = mint(
        key,
        issuer=SANDBOX_ISSUER,
        audience=stage.served.settings.token_audience,
        subject=stage.app.client_id,
        kind="platform",
        platform=builders.PLATFORM,
        ttl_seconds=600,
        now=builders.NOW,
    )
    told = jwt.decode(honest_token, options={"verify_signature": False})
    told |= {"application": stage.app.client_id, "key": stage.app.key_id}
    made = signed({"alg": "EdDSA", "typ": "at+jwt"}, told, key)
    return [Attempt(CURSOR, asking(), bearing(made))]


def agent(said: int | None, *sent: int | None) -> Attack:
    """A read about one agent token, by its place, with others beside it; None: an empty one."""

    def made(stage: Stage) -> list[Attempt]:
        tokens = stage.agent_tokens
        more = {} if said is None else {"at": digest_of(tokens[said].encode())}
        call = honest(stage.agent, ARCHIVE, reading(), **more)
        beside = [(AGENT, "" if place is None else tokens[place]) for place in sent]
        return [Attempt(call.method, call.request, [*call.metadata, *beside])]

    return made


def twice(stage: Stage) -> list[Attempt]:
    one, two = honest(stage.app), honest(stage.other)
    return [Attempt(CURSOR, asking(), [*one.metadata, *two.metadata])]


def two_tokens(stage: Stage) -> list[Attempt]:
    both = [*bearing(stage.token()), *bearing(stage.token(stage.other))]
    return [Attempt(CURSOR, asking(), both)]


def by(name: str, **options: Any) -> Attack:
    """An assertion that is right in itself, of an application or key that may not sign."""
    return lambda stage: [honest(getattr(stage, name), **options)]


def key_of(name: str) -> Attack:
    """The application's name and key id, signed by another's key."""
    return lambda stage: [forged(stage.app, sign=getattr(stage, name).private_key)]


def low_bits(credential: str) -> str:
    """Sets the bits of the last character that nobody reads."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return credential[:-1] + alphabet[alphabet.index(credential[-1]) ^ 1]


def doubled(name: str, value: Any) -> Attack:
    return text_of(lambda told: told[:-1] + f', "{name}": {json.dumps(value)}}}')


def first_doubled(name: str, value: Any) -> Attack:
    return text_of(lambda told: f'{{"{name}": {json.dumps(value)}, ' + told[1:])


Attack = Callable[[Stage], list[Attempt]]
_AUD: Final = f"sandbox:{ERASE}"

HONEST: Final[Mapping[str, Callable[[Stage], Attempt]]] = {
    "EdDSA signs a write": lambda stage: honest(stage.app, ERASE, erasing()),
    "ES256 signs a write": lambda stage: honest(stage.curve, ERASE, erasing()),
    "a signed read": lambda stage: honest(stage.app),
    "an exchange": lambda stage: exchange(stage.app),
    "a token reads": lambda stage: Attempt(CURSOR, asking(), bearing(stage.token())),
    "an agent token that is bound": lambda stage: agent(0, 0)(stage)[0],
}

ATTACKS: Final[Mapping[str, Attack]] = {
    # Algorithms.
    "no algorithm": lambda stage: [forged(stage.app, head={"alg": "none"}, sign=lambda _: b"")],
    "no algorithm, capitals": lambda s: [forged(s.app, head={"alg": "NONE"}, sign=lambda _: b"")],
    "no algorithm named": head_of(alg=None),
    "algorithm as a list": head_of(alg=["EdDSA"]),
    "algorithm by its newer name": head_of(alg="Ed25519"),
    "HMAC with the raw public key": hmac_with(raw_public),
    "HMAC with the PEM public key": hmac_with(pem_public),
    "HMAC with the DER public key": hmac_with(der_public),
    "HMAC of 512 bits": hmac_with(pem_public, "HS512"),
    "HMAC under the name of the key's algorithm": hmac_with(raw_public, "EdDSA"),
    "RSA in place of Ed25519": lambda s: [forged(s.app, head={"alg": "RS256"}, sign=rsa_signed)],
    "ECDSA in place of Ed25519": lambda s: [forged(s.app, head={"alg": "ES256"}, sign=p256())],
    "Ed25519 in place of ECDSA": lambda s: [forged(s.curve, head={"alg": "EdDSA"}, sign=ed25519())],
    "key stored under another algorithm": by("mislabelled"),
    # Signatures.
    "no signature": lambda stage: [forged(stage.app, sign=lambda _: b"")],
    "signature of zeros": lambda stage: [forged(stage.app, sign=lambda _: bytes(64))],
    "ECDSA of zeros": lambda stage: [forged(stage.curve, sign=lambda _: bytes(64))],
    "ECDSA in DER": der_signed,
    "another application's key": key_of("other"),
    "an unregistered key": lambda stage: [forged(stage.app, sign=ed25519(99))],
    "signature of other claims": compact(lambda made: made.rsplit(".", 1)[0] + "." + "A" * 86),
    # Headers.
    "key id of another application": lambda stage: [
        forged(stage.app, head={"kid": stage.other.key_id}, sign=stage.other.private_key)
    ],
    "key id with a path": head_of(kid="../../../etc/passwd"),
    "key id with SQL": head_of(kid="' OR '1'='1"),
    "key id with a null character": lambda s: [forged(s.app, head={"kid": s.app.key_id + "\0"})],
    "key id as a list": lambda stage: [forged(stage.app, head={"kid": [stage.app.key_id]})],
    "no key id": head_of(kid=None),
    "key in the header": head_of(jwk={"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
    "address of keys in the header": head_of(jku="https://evil.example/jwks"),
    "address of a certificate in the header": head_of(x5u="https://evil.example/pem"),
    "certificate in the header": head_of(x5c=["MIIB"]),
    "unknown critical part": head_of(crit=["exp"]),
    "critical part that is empty": head_of(crit=[]),
    "payload outside the signature": head_of(b64=False, crit=["b64"]),
    "compressed": head_of(zip="DEF"),
    "another type": head_of(typ="JWT"),
    "the type of access tokens": head_of(typ="at+jwt"),
    "no type": head_of(typ=None),
    "type as a list": head_of(typ=["bonafides-assertion+jwt"]),
    "type in capitals": head_of(typ="BONAFIDES-ASSERTION+JWT"),
    "header part twice": lambda stage: [
        forged(
            stage.app,
            head=json.dumps(header(stage.app))[:-1].encode() + b', "alg": "EdDSA"}',
        )
    ],
    "header that is a list": lambda stage: [forged(stage.app, head=b'["EdDSA"]')],
    # Who.
    "subject is not the issuer": lambda s: [forged(s.app, told={"sub": s.other.client_id})],
    "issuer is not the subject": lambda s: [forged(s.app, told={"iss": s.other.client_id})],
    "another application by name": lambda stage: [
        forged(stage.app, told={"iss": stage.other.client_id, "sub": stage.other.client_id})
    ],
    "an application that is not there": claims_of(iss="sandbox-none", sub="sandbox-none"),
    "issuer with a look-alike letter": lambda stage: [
        forged(
            stage.app,
            told=dict.fromkeys(("iss", "sub"), stage.app.client_id.replace("a", "\u0430", 1)),
        )
    ],
    "issuer in full-width letters": lambda stage: [
        forged(stage.app, told=dict.fromkeys(("iss", "sub"), "\uff53" + stage.app.client_id[1:]))
    ],
    "issuer with a blank": lambda stage: [
        forged(stage.app, told=dict.fromkeys(("iss", "sub"), stage.app.client_id + " "))
    ],
    "issuer as a list": lambda stage: [
        forged(stage.app, told={name: [stage.app.client_id] for name in ("iss", "sub")})
    ],
    "no issuer": claims_of(iss=None),
    "no subject": claims_of(sub=None),
    "a claim that makes staff of it": claims_of(kind="operator"),
    "a claim that names a platform": claims_of(platform="olist"),
    "a claim that nobody knows": claims_of(admin=True),
    # For what.
    "another environment": claims_of(aud=f"live:{ERASE}"),
    "no environment": claims_of(aud=ERASE),
    "another method": claims_of(aud=f"sandbox:{CURSOR}"),
    "another service": claims_of(aud="sandbox:/bonafides.v1.DraftService/EraseBuyer"),
    "method in small letters": claims_of(aud=_AUD.lower()),
    "a slash more": claims_of(aud=f"sandbox:/{ERASE}"),
    "audience as a list": claims_of(aud=[_AUD]),
    "audience among others": claims_of(aud=[_AUD, "other"]),
    "audience as lists in a list": claims_of(aud=[[_AUD]]),
    "audience as an object": claims_of(aud={_AUD: True}),
    "audience with a blank": claims_of(aud=_AUD + " "),
    "audience is all methods": claims_of(aud="sandbox:*"),
    "no audience": claims_of(aud=None),
    "audience of access tokens": claims_of(aud="bonafides-sandbox"),
    # When.
    "stale": claims_of(iat=SECONDS - 31, exp=SECONDS + 20),
    "over": claims_of(iat=SECONDS - 20, exp=SECONDS),
    "from the future": claims_of(iat=SECONDS + 31, exp=SECONDS + 60),
    "good for too long": claims_of(exp=SECONDS + 61),
    "good for ten years": claims_of(exp=SECONDS + 315_360_000),
    "ends before it begins": claims_of(exp=SECONDS - 1),
    "no beginning": claims_of(iat=None),
    "no end": claims_of(exp=None),
    "beginning as a truth value": claims_of(iat=True),
    "end as a truth value": claims_of(exp=True),
    "beginning as a fraction": claims_of(iat=SECONDS + 0.5),
    "end as a float": claims_of(exp=float(SECONDS + 60)),
    "end as a text": claims_of(exp=str(SECONDS + 60)),
    "end beyond every integer": claims_of(exp=10**30),
    "end without end": text_of(lambda told: told.replace(str(SECONDS + 60), "Infinity")),
    "negative time": claims_of(iat=-SECONDS, exp=-SECONDS + 60),
    # Once.
    "replayed": replayed(elsewhere=False),
    "replayed at another server": replayed(elsewhere=True),
    "the same id for another request": same_id_again,
    "exchange replayed at another server": exchange_replayed,
    "no id": claims_of(jti=None),
    "a short id": claims_of(jti="abc"),
    "an id of 126 bits": claims_of(jti="A" * 21),
    "an id that is too long": claims_of(jti="A" * 65),
    "an id with a line break": claims_of(jti="A" * 22 + "\n"),
    "an id as a number": claims_of(jti=2**128),
    "an id as a list": claims_of(jti=["A" * 22]),
    # Of which request.
    "another request": other_request,
    "the same message in other bytes": same_but_longer,
    "no digest": claims_of(bd=None),
    "empty digest": claims_of(bd=""),
    "digest in hexadecimal": claims_of(bd=hashlib.sha256(erasing()).hexdigest()),
    "digest with padding": claims_of(bd=digest_of(erasing()) + "="),
    "digest as a list": claims_of(bd=[digest_of(erasing())]),
    "digest in letters beyond ASCII": claims_of(bd="\u0430" * 43),
    "no purpose of ours": claims_of(pur="EVERYTHING"),
    "unspecified purpose": claims_of(pur="UNSPECIFIED"),
    "purpose as a list": claims_of(pur=["DISPLAY_TO_USERS"]),
    # With whose consent.
    "agent token swapped": agent(1, 0),
    "agent token added": agent(None, 0),
    "agent token left out": agent(0),
    "agent token twice": agent(0, 0, 1),
    "agent token that is empty": agent(0, None),
    # Form.
    "claim twice": doubled("aud", _AUD),
    "claim twice, the good one last": first_doubled("aud", "live:/other"),
    "claim twice, escaped": text_of(lambda told: told[:-1] + ', "\\u0061ud": "other"}'),
    "claims that are a list": lambda stage: [forged(stage.app, told=b"[]")],
    "claims that are nothing": lambda stage: [forged(stage.app, told=b"null")],
    "claims in bad UTF-8": lambda stage: [forged(stage.app, told=b'{"iss": "\xff\xfe"}')],
    "claims with half a character": text_of(lambda told: told[:-1] + ', "x": "\ud800"}'),
    "claims in UTF-16": lambda stage: [
        forged(stage.app, told=json.dumps(claims(stage.app, ERASE, erasing())).encode("utf-16"))
    ],
    "nested a thousand deep": text_of(
        lambda told: told[:-1] + ', "x": ' + "[" * 1_500 + "]" * 1_500 + "}"
    ),
    "huge": claims_of(x="y" * 7_000),
    "not a number": text_of(lambda told: told[:-1] + ', "x": NaN}'),
    "two parts": compact(lambda made: made.rsplit(".", 1)[0]),
    "four parts": compact(lambda made: made + ".AAAA"),
    "blank inside": compact(lambda made: made.replace(".", ". ", 1)),
    "padding": compact(lambda made: made + "="),
    "bits that nobody reads": compact(low_bits),
    "as JSON": compact(
        lambda made: json.dumps(
            dict(zip(("protected", "payload", "signature"), made.split("."), strict=True))
        )
    ),
    "two credentials": twice,
    # Out of use.
    "revoked key": by("revoked"),
    "revoked key beside a good one": by("gone"),
    "key before its time": by("early"),
    "key after its time": by("late"),
    "suspended application": by("suspended"),
    "closed application": by("closed"),
    "application without a platform": by("homeless"),
    # Tokens.
    "token where a signature is wanted": token_where_signed,
    "two tokens": two_tokens,
    "token altered": token_altered,
    "token in place of an assertion": token_in_exchange,
    "assertion of the exchange elsewhere": exchange_assertion_as_credential,
    "assertion of a request in the exchange": request_assertion_in_exchange,
    "exchange for another method": lambda s: [exchange(s.app, aud=f"sandbox:{CURSOR}")],
    "exchange in another environment": lambda s: [exchange(s.app, aud=f"live:{EXCHANGE}")],
    "exchange under another type": lambda s: [exchange(s.app, {"typ": "JWT"})],
    "exchange with a digest": lambda s: [exchange(s.app, bd=digest_of(b""))],
    "exchange by a revoked key": lambda s: [exchange(s.revoked)],
    "exchange of a suspended application": lambda s: [exchange(s.suspended)],
    "token signed by the application": own_token(lambda stage: stage.app.private_key),
    "token signed by the sandbox's issuer": own_token(
        lambda stage: stage.served.server.keys.issuer_private_key
    ),
    "token of another issuer's name": own_token(
        lambda stage: stage.served.server.keys.issuer_private_key, iss=SANDBOX_ISSUER
    ),
    "token without an application": own_token(
        lambda stage: stage.served.server.keys.tokens, application=""
    ),
    "token for another application": own_token(
        lambda stage: stage.served.server.keys.tokens, application="sandbox-other"
    ),
    "token with another key": own_token(
        lambda stage: stage.served.server.keys.tokens, key="A" * 43
    ),
    "token for another platform": own_token(
        lambda stage: stage.served.server.keys.tokens, platform="another-platform"
    ),
    "sandbox issuer that names an application": sandbox_names_application,
}
