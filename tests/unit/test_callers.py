"""Access tokens: what resolves, and every forgery and slip that must not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bonafides.access import callers
from bonafides.access.callers import (
    ANONYMOUS,
    SANDBOX_ISSUER,
    Caller,
    CallerKind,
    Standing,
    TokenVerifier,
    audience,
    mint,
)
from bonafides.access.issuers import OWN_ISSUER, Issuer, Trust, stated_by
from bonafides.access.tokens import EDDSA, SigningKey
from bonafides.errors import CredentialError, CredentialExpiredError
from bonafides.instants import MICROSECONDS, Instant
from bonafides.v1 import disclosure_pb2

NOW = Instant(1_793_505_600_000_000)
SECONDS = NOW // MICROSECONDS
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PARTNER = "https://login.example"
AUDIENCE = "bonafides-sandbox"
CODE = "91990000MA0000001T"
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

HEADER = {"typ": "at+jwt", "alg": "EdDSA"}
CLAIMS = {
    "iss": SANDBOX_ISSUER,
    "aud": AUDIENCE,
    "sub": "member-1",
    "iat": SECONDS,
    "exp": SECONDS + 600,
    "jti": "one",
    "kind": "member",
}


def verifier(environment: str = "sandbox") -> TokenVerifier:
    issuers = {PARTNER: KEY.public_key()}
    if environment == "sandbox":
        issuers[SANDBOX_ISSUER] = KEY.public_key()
    return TokenVerifier(issuers, f"bonafides-{environment}", environment)


def encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def token(
    header: Any = HEADER,
    claims: Any = CLAIMS,
    sign: Callable[[bytes], bytes] = KEY.sign,
) -> str:
    """Returns a token with any header and claims; bytes stand as they are."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)
    ]
    signed = b".".join(encoded(part) for part in parts)
    return (signed + b"." + encoded(sign(signed))).decode()


def resolve(made: str, *, environment: str = "sandbox", now: Instant = NOW) -> callers.Caller:
    return verifier(environment).resolve(f"Bearer {made}", now)


def later(seconds: int) -> Instant:
    return Instant(NOW + seconds * MICROSECONDS)


def minted(**changes: Any) -> str:
    claims: dict[str, Any] = {
        "issuer": SANDBOX_ISSUER,
        "audience": AUDIENCE,
        "subject": "member-1",
        "kind": "member",
        "ttl_seconds": 600,
        "now": NOW,
    }
    return mint(KEY, **(claims | changes))


def test_no_credential_is_the_anonymous_caller() -> None:
    assert verifier().resolve(None, NOW) is ANONYMOUS


@pytest.mark.feature("D9")
@pytest.mark.parametrize("kind", ["member", "platform", "operator"])
def test_minted_token_resolves_to_its_caller(kind: str) -> None:
    platform = "1688" if kind == "platform" else ""
    caller = resolve(minted(kind=kind, platform=platform))
    assert (caller.kind, caller.issuer, caller.subject) == (kind, SANDBOX_ISSUER, "member-1")
    assert caller.platform == platform
    assert caller.submitter == f"{SANDBOX_ISSUER}|member-1"


def test_scheme_is_read_in_any_case() -> None:
    assert verifier().resolve(f"bearer {minted()}", NOW).kind is CallerKind.MEMBER


def test_token_of_the_sandbox_issuer_names_what_its_caller_owns() -> None:
    assert resolve(minted(owns=[CODE])).owns == {CODE}


@pytest.mark.feature("I4")
def test_ownership_claimed_in_live_does_not_count() -> None:
    made = token(claims=CLAIMS | {"iss": PARTNER, "aud": "bonafides-live", "owns": [CODE]})
    assert resolve(made, environment="live").owns == frozenset()


@pytest.mark.feature("I4")
def test_platform_of_an_issuer_is_refused_in_live_and_taken_in_sandbox() -> None:
    told = CLAIMS | {"iss": PARTNER, "kind": "platform", "platform": "1688"}
    assert resolve(token(claims=told)).platform == "1688"
    with pytest.raises(CredentialError) as refusal:
        resolve(token(claims=told | {"aud": "bonafides-live"}), environment="live")
    assert refusal.value.fault == "PLATFORM"


def test_ownership_claimed_by_another_issuer_does_not_count() -> None:
    assert resolve(token(claims=CLAIMS | {"iss": PARTNER, "owns": [CODE]})).owns == frozenset()


def test_same_subject_of_two_issuers_is_two_submitters() -> None:
    first, second = resolve(token()), resolve(token(claims=CLAIMS | {"iss": PARTNER}))
    assert first.submitter != second.submitter


def test_subject_stays_out_of_the_repr() -> None:
    assert "member-1" not in repr(resolve(minted()))


def test_token_expires_to_the_second_even_when_it_is_remembered() -> None:
    known = verifier()
    made = f"Bearer {minted(ttl_seconds=60)}"
    assert known.resolve(made, later(59)).kind is CallerKind.MEMBER
    assert known.resolve(made, later(59)).kind is CallerKind.MEMBER
    with pytest.raises(CredentialExpiredError):
        known.resolve(made, later(60))


def test_remembered_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_MOST_REMEMBERED", 3)
    known = verifier()
    for number in range(10):
        known.resolve(f"Bearer {minted(subject=f'member-{number}')}", NOW)
    assert len(known._remembered._callers) == 3


def test_tokens_of_an_issuer_are_forgotten_by_themselves() -> None:
    known = verifier()
    ours, theirs = f"Bearer {minted()}", f"Bearer {token(claims=CLAIMS | {'iss': PARTNER})}"
    for each in (ours, theirs):
        known.resolve(each, NOW)
    known.forget(PARTNER)
    assert known.recall(theirs, NOW) is None
    assert known.recall(ours, NOW) is not None


def test_token_whose_key_ends_while_it_is_verified_is_not_remembered() -> None:
    def key_of(_header: object) -> SigningKey:
        # The set of keys is renewed right after this one was taken out of it.
        known.forget(PARTNER)
        return SigningKey(EDDSA, KEY.public_key())

    known = TokenVerifier({PARTNER: Issuer(key_of)}, AUDIENCE, "sandbox")
    made = f"Bearer {token(claims=CLAIMS | {'iss': PARTNER})}"
    assert known.resolve(made, NOW).kind is CallerKind.MEMBER
    assert known.recall(made, NOW) is None


def test_clock_that_is_a_little_ahead_is_forgiven() -> None:
    made = token(claims=CLAIMS | {"iat": SECONDS + 30, "exp": SECONDS + 600})
    assert resolve(made).kind is CallerKind.MEMBER


def hmac_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, hashlib.sha256)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def altered(made: str) -> str:
    header, _, signature = made.split(".")
    return ".".join(
        (header, encoded(json.dumps(CLAIMS | {"kind": "operator"}).encode()).decode(), signature)
    )


P256 = ec.generate_private_key(ec.SECP256R1())

ATTACKS: dict[str, tuple[str, str]] = {
    "no algorithm": (token(HEADER | {"alg": "none"}, sign=lambda _: b""), "ALGORITHM"),
    "no algorithm, capitals": (token(HEADER | {"alg": "NONE"}, sign=lambda _: b""), "ALGORITHM"),
    "HMAC with the public key": (
        token(HEADER | {"alg": "HS256"}, sign=hmac_with(PUBLIC)),
        "ALGORITHM",
    ),
    "HMAC with the PEM key": (
        token(HEADER | {"alg": "HS256"}, sign=hmac_with(PUBLIC_PEM)),
        "ALGORITHM",
    ),
    "ECDSA of another key": (
        token(HEADER | {"alg": "ES256"}, sign=lambda m: P256.sign(m, ec.ECDSA(SHA256()))),
        "ALGORITHM",
    ),
    "the newer name of the algorithm": (token(HEADER | {"alg": "Ed25519"}), "ALGORITHM"),
    "key of another": (token(sign=OTHER_KEY.sign), "SIGNATURE"),
    "no signature": (token(sign=lambda _: b""), "SIGNATURE"),
    "claims altered": (altered(token()), "SIGNATURE"),
    "algorithm as a list": (token(HEADER | {"alg": ["EdDSA"]}), "ALGORITHM"),
    "type as a list": (token(HEADER | {"typ": ["at+jwt"]}), "TYPE"),
    "an application": (
        token(claims=CLAIMS | {"application": "member-1", "key": "A" * 43}),
        "APPLICATION",
    ),
    "claims in UTF-16": (token(claims=json.dumps(CLAIMS).encode("utf-16")), "MALFORMED"),
    "bits that nobody reads": (token()[:-1] + chr(ord(token()[-1]) + 1), "MALFORMED"),
    "padding": (token() + "==", "MALFORMED"),
    "key in the header": (
        token(HEADER | {"jwk": {"kty": "OKP", "crv": "Ed25519"}}, sign=OTHER_KEY.sign),
        "HEADER",
    ),
    "address of a key in the header": (
        token(HEADER | {"jku": "https://evil.example/keys"}, sign=OTHER_KEY.sign),
        "HEADER",
    ),
    "key id with a path": (
        token(HEADER | {"kid": "../../etc/passwd"}, sign=OTHER_KEY.sign),
        "SIGNATURE",
    ),
    "another type": (token(HEADER | {"typ": "JWT"}), "TYPE"),
    "the type of another kind of issuer": (
        token(HEADER | {"typ": "application/at+jwt"}),
        "TYPE",
    ),
    "an application by another issuer": (
        token(claims=CLAIMS | {"iss": PARTNER, "application": "sandbox-1"}),
        "APPLICATION",
    ),
    "an integrator by another issuer": (
        token(claims=CLAIMS | {"iss": PARTNER, "kind": "integrator"}),
        "APPLICATION",
    ),
    "a role as a list": (
        token(
            claims=CLAIMS | {"kind": "integrator", "application": "sandbox-1", "role": ["ACQUIRER"]}
        ),
        "APPLICATION",
    ),
    "integrator as no application": (token(claims=CLAIMS | {"kind": "integrator"}), "APPLICATION"),
    "no type": (token({"alg": "EdDSA"}), "TYPE"),
    "an assertion's type": (token(HEADER | {"typ": "bonafides-assertion+jwt"}), "TYPE"),
    "unknown critical part": (token(HEADER | {"crit": ["exp"]}), "ALGORITHM"),
    "payload outside the signature": (token(HEADER | {"b64": False, "crit": ["b64"]}), "ALGORITHM"),
    "another issuer": (token(claims=CLAIMS | {"iss": "https://evil.example"}), "ISSUER"),
    "issuer as a list": (token(claims=CLAIMS | {"iss": [SANDBOX_ISSUER]}), "ISSUER"),
    "no issuer": (token(claims=without("iss")), "ISSUER"),
    "another environment's audience": (
        token(claims=CLAIMS | {"aud": "bonafides-live"}),
        "AUDIENCE",
    ),
    "audience as a list": (token(claims=CLAIMS | {"aud": [AUDIENCE]}), "AUDIENCE"),
    "audience among others": (token(claims=CLAIMS | {"aud": [AUDIENCE, "other"]}), "AUDIENCE"),
    "no audience": (token(claims=without("aud")), "AUDIENCE"),
    "a life of ten years": (token(claims=CLAIMS | {"exp": SECONDS + 315_360_000}), "TERM"),
    "a life a second too long": (token(claims=CLAIMS | {"exp": SECONDS + 3_601}), "TERM"),
    "end before beginning": (token(claims=CLAIMS | {"exp": SECONDS - 1}), "TERM"),
    "no end": (token(claims=without("exp")), "TERM"),
    "no beginning": (token(claims=without("iat")), "TERM"),
    "end as a text": (token(claims=CLAIMS | {"exp": str(SECONDS + 600)}), "TERM"),
    "end as a fraction": (token(claims=CLAIMS | {"exp": SECONDS + 0.5}), "TERM"),
    "beginning as a truth value": (token(claims=CLAIMS | {"iat": True}), "TERM"),
    "issued in the future": (
        token(claims=CLAIMS | {"iat": SECONDS + 31, "exp": SECONDS + 600}),
        "NOT_YET",
    ),
    "not to be used yet": (token(claims=CLAIMS | {"nbf": SECONDS + 31}), "NOT_YET"),
    "claim twice": (
        token(claims=json.dumps(CLAIMS)[:-1].encode() + b',"kind":"operator"}'),
        "MALFORMED",
    ),
    "header part twice": (token(b'{"typ":"at+jwt","alg":"none","alg":"EdDSA"}'), "MALFORMED"),
    "not a number": (token(claims=json.dumps(CLAIMS)[:-1].encode() + b',"x":NaN}'), "MALFORMED"),
    "a number of 5,000 digits": (
        token(claims=json.dumps(CLAIMS)[:-1].encode() + b',"x":' + b"1" * 5_000 + b"}"),
        "MALFORMED",
    ),
    "claims nested a thousand deep": (
        token(
            claims=json.dumps(CLAIMS)[:-1].encode() + b',"x":' + b"[" * 2_500 + b"]" * 2_500 + b"}"
        ),
        "MALFORMED",
    ),
    "claims that are a list": (token(claims=[CLAIMS]), "MALFORMED"),
    "claims in bad UTF-8": (token(claims=b'{"iss":"\xff\xfe"}'), "MALFORMED"),
    "two parts": (token().rsplit(".", 1)[0], "MALFORMED"),
    "four parts": (token() + ".x", "MALFORMED"),
    "nothing": ("", "MALFORMED"),
    "no base64": ("!!!.???.###", "MALFORMED"),
    "more than 8 KiB": (token(claims=CLAIMS | {"x": "y" * 8_192}), "SIZE"),
    "unknown kind": (token(claims=CLAIMS | {"kind": "admin"}), "KIND"),
    "anonymous with a token": (token(claims=CLAIMS | {"kind": "anonymous"}), "KIND"),
    "kind as a list": (token(claims=CLAIMS | {"kind": ["operator"]}), "KIND"),
    "no kind": (token(claims=without("kind")), "KIND"),
    "no subject": (token(claims=without("sub")), "SUBJECT"),
    "empty subject": (token(claims=CLAIMS | {"sub": ""}), "SUBJECT"),
    "subject with a line break": (token(claims=CLAIMS | {"sub": "member\n1"}), "SUBJECT"),
    "no token id": (token(claims=without("jti")), "SUBJECT"),
    "platform without a name": (token(claims=CLAIMS | {"kind": "platform"}), "PLATFORM"),
    "member with a platform": (token(claims=CLAIMS | {"platform": "1688"}), "PLATFORM"),
    "platform with a path": (
        token(claims=CLAIMS | {"kind": "platform", "platform": "../1688"}),
        "PLATFORM",
    ),
    "ownership as a text": (token(claims=CLAIMS | {"owns": CODE}), "OWNS"),
    "ownership of a number": (token(claims=CLAIMS | {"owns": [1]}), "OWNS"),
    "operator who owns": (token(claims=CLAIMS | {"kind": "operator", "owns": [CODE]}), "OWNS"),
}


@pytest.mark.feature("D9")
@pytest.mark.parametrize("attack", ATTACKS)
def test_forged_or_slipshod_token_is_refused(attack: str) -> None:
    made, fault = ATTACKS[attack]
    with pytest.raises(CredentialError) as refusal:
        resolve(made)
    assert refusal.value.fault == fault
    assert refusal.value.__cause__ is None
    assert str(refusal.value) == CredentialError.message


@pytest.mark.parametrize(
    "header", ["", "Basic dXNlcg==", "Bearer", "Token x", "Bearer\u00a0x", "Bearer \udcff"]
)
def test_other_scheme_is_refused(header: str) -> None:
    with pytest.raises(CredentialError) as refusal:
        verifier().resolve(header, NOW)
    assert refusal.value.fault in {"SCHEME", "MALFORMED"}


def test_good_token_under_another_scheme_is_refused() -> None:
    with pytest.raises(CredentialError) as refusal:
        # A word as long as the right one.
        verifier().resolve(f"Digest {minted()}", NOW)
    assert refusal.value.fault == "SCHEME"


@pytest.mark.feature("I4")
def test_sandbox_token_is_refused_in_live() -> None:
    for claims in (CLAIMS, CLAIMS | {"aud": "bonafides-live"}):
        with pytest.raises(CredentialError):
            resolve(token(claims=claims), environment="live")


def test_expired_token_is_told_apart() -> None:
    with pytest.raises(CredentialExpiredError):
        resolve(token(), now=later(600))


def test_expired_forgery_is_no_expired_token() -> None:
    with pytest.raises(CredentialError) as refusal:
        resolve(token(sign=OTHER_KEY.sign), now=later(600))
    assert not isinstance(refusal.value, CredentialExpiredError)


@pytest.mark.parametrize(
    "changes",
    [
        {"ttl_seconds": 3_601},
        {"ttl_seconds": 0},
        {"kind": "anonymous"},
        {"kind": "admin"},
        {"kind": "platform"},
        {"platform": "1688"},
    ],
)
def test_token_that_would_be_refused_is_not_minted(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        minted(**changes)


OURS = CLAIMS | {
    "iss": OWN_ISSUER,
    "sub": "sandbox-1",
    "kind": "platform",
    "platform": "1688",
    "application": "sandbox-1",
    "role": "ACQUIRER",
    "key": "A" * 43,
}


def resolve_ours(claims: dict[str, Any]) -> Caller:
    """Returns the caller of a token that is signed by our own token service."""
    ours = TokenVerifier(
        {OWN_ISSUER: stated_by(KEY.public_key(), Trust.APPLICATIONS)}, AUDIENCE, "sandbox"
    )
    return ours.resolve(f"Bearer {token(claims=claims)}", NOW)


def test_token_of_ours_names_application_role_and_key() -> None:
    caller = resolve_ours(OURS)
    assert (caller.application, caller.role, caller.key_id) == ("sandbox-1", "ACQUIRER", "A" * 43)


@pytest.mark.parametrize(
    "changes",
    [
        {"application": "sandbox-2"},
        {"application": ""},
        {"key": ""},
        {"key": None},
        {"key": "A\nB"},
    ],
    ids=["of another", "of none", "empty key", "no key", "key with a line break"],
)
def test_attack_token_of_ours_without_its_application_or_key_is_refused(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(CredentialError) as refusal:
        resolve_ours(OURS | changes)
    assert refusal.value.fault == "APPLICATION"


@pytest.mark.feature("A15")
@pytest.mark.parametrize("standing", Standing)
def test_token_that_owns_counts_unless_its_login_was_removed(standing: Standing) -> None:
    caller = Caller(CallerKind.MEMBER, owns=frozenset({CODE}))
    seen = audience(caller, CODE, standing)
    removed = standing is Standing.REMOVED
    assert seen == (disclosure_pb2.AUDIENCE_MEMBER if removed else disclosure_pb2.AUDIENCE_OWNER)


def test_owning_one_enterprise_is_owning_no_other() -> None:
    caller = Caller(CallerKind.MEMBER, owns=frozenset({CODE}))
    assert audience(caller, "91990000MA0000002R") == disclosure_pb2.AUDIENCE_MEMBER
