"""The rules of applications: addresses, keys, roles, what a launch waits for, statements."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.access import acceptance, policy
from bonafides.access.acceptance import TYPE, Passed
from bonafides.access.application_keys import is_proof, proof_message, read_public_key
from bonafides.access.application_roles import ROLES, opens
from bonafides.access.applications import (
    ACCEPTANCE_TERM,
    LIVE,
    SANDBOX,
    Ground,
    Kind,
    Product,
    Role,
    State,
    client_id,
    is_client_id,
    may_call,
    missing_for_launch,
    notification_url_fault,
    settled,
)
from bonafides.access.callers import Caller, CallerKind
from bonafides.access.policy import POLICIES
from bonafides.client import key_proofs
from bonafides.errors import AcceptanceError, InvalidFieldsError, MethodNotAllowedError
from bonafides.instants import MICROSECONDS, Instant
from bonafides.v1 import application_pb2 as v1
from tests import builders
from tests.applying import key, public_pem
from tests.searching import examples

# --- Addresses ---------------------------------------------------------------------------


@pytest.mark.feature("I8")
@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com:8443/bonafides?x=1",
        "https://xn--fiqs8s.example/hook",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1111]/hook",
    ],
)
def test_public_https_addresses_are_taken(url: str) -> None:
    assert notification_url_fault(url) is None


@pytest.mark.feature("I8")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.example.com",
        "ftp://hooks.example.com",
        "//hooks.example.com",
        "https://",
        "https:///path",
        "https://user@hooks.example.com",
        "https://user:word@hooks.example.com",
        "https://@hooks.example.com",
        "https://hooks.example.com#part",
        "https://hooks.example.com\\@evil.example",
        "https://hooks.example.com/\nHost: other",
        "https://hooks example.com",
        "https://例子.example",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://localhost/",
        "https://localhost./",
        "https://hooks.localhost/",
        "https://printer.local/",
        "https://db.internal/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00::1]/",
        "https://[ff0e::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[2002:a00:1::]/",
        "https://-a.example.com/",
        "https://a..example.com/",
        "https://" + "a" * 64 + ".example.com/",
        "https://hooks.example.com/" + "a" * 500,
    ],
)
def test_attack_other_addresses_are_refused_with_a_remedy(url: str) -> None:
    told = notification_url_fault(url)
    assert told is not None
    assert told.endswith(".")


@pytest.mark.feature("I8")
@settings(max_examples=examples(300))
@given(st.text(max_size=60))
def test_no_address_breaks_the_rule(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.example/{text}"):
        assert isinstance(notification_url_fault(url), str | None)


# --- Keys --------------------------------------------------------------------------------


def _der(public: Any) -> bytes:
    content: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return content


@pytest.mark.feature("I6")
def test_thumbprint_is_that_of_the_standard() -> None:
    """The key and the thumbprint of RFC 8037, appendix A.2 and A.3."""
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    public = ed25519.Ed25519PublicKey.from_public_bytes(raw)
    assert read_public_key(_der(public)).key_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.feature("I6")
def test_der_and_pem_are_the_same_key() -> None:
    assert (
        read_public_key(public_pem(key())).key_id
        == read_public_key(_der(key().public_key())).key_id
    )


@pytest.mark.feature("I6")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_der(rsa.generate_private_key(65537, 2048).public_key()), "KEY_TYPE"),
        (_der(ec.generate_private_key(ec.SECP384R1()).public_key()), "KEY_TYPE"),
        (_der(ec.generate_private_key(ec.SECP256K1()).public_key()), "KEY_TYPE"),
        (_der(ed448.Ed448PrivateKey.generate().public_key()), "KEY_TYPE"),
        (_der(ed25519.Ed25519PublicKey.from_public_bytes(bytes(32))), "PUBLIC_KEY"),
        (key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "PRIVATE_KEY"),
        (key().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "PUBLIC_KEY"),
        (b"garbage", "PUBLIC_KEY"),
        (b"", "PUBLIC_KEY"),
        (public_pem(key()).replace(b"MCow", b"MCox"), "PUBLIC_KEY"),
    ],
    ids=["RSA", "P-384", "secp256k1", "Ed448", "small order", "private PEM", "private DER",
         "garbage", "nothing", "broken PEM"],
)  # fmt: skip
def test_attack_other_keys_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidFieldsError) as fault:
        read_public_key(content)
    assert [each.reason for each in fault.value.violations] == [reason]


@pytest.mark.feature("I6")
@pytest.mark.parametrize(
    "private", [key(), ec.generate_private_key(ec.SECP256R1())], ids=["EdDSA", "ES256"]
)
def test_proof_is_of_this_key_this_application_this_environment_and_this_nonce(
    private: key_proofs.PrivateKey,
) -> None:
    nonce = bytes(range(32))
    challenge = v1.KeyChallenge(
        name="applications/sandbox-1/keyChallenges/1", nonce=nonce, environment=SANDBOX
    )
    public, signature = key_proofs.prove(private, challenge)
    read = read_public_key(public)
    right = (SANDBOX, "sandbox-1", read.key_id, nonce)
    assert is_proof(read, signature, proof_message(*right))
    for place, other in enumerate((LIVE, "sandbox-2", "another", bytes(32))):
        wrong: Any = list(right)
        wrong[place] = other
        assert not is_proof(read, signature, proof_message(*wrong))
    assert not is_proof(read, signature + b"\0", proof_message(*right))
    assert not is_proof(read, bytes(64), proof_message(*right))


# --- Roles and states ----------------------------------------------------------------------


@pytest.mark.feature("I1")
def test_every_method_of_programs_has_its_roles() -> None:
    kinds = {CallerKind.PLATFORM, CallerKind.INTEGRATOR}
    programs = {row.method for row in POLICIES if kinds & row.callers}
    # By which it gets the token that says which application it is.
    assert programs == set(ROLES) | {"/bonafides.v1.TokenService/ExchangeAssertion"}
    assert all(ROLES.values())


WRITING = "/bonafides.v1.RecordService/WriteRecords"
DECIDING = "/bonafides.v1.ReviewService/DecideReview"


@pytest.mark.feature("I1")
def test_role_fixes_which_methods_exist() -> None:
    opened = {role: {method for method in ROLES if opens(method, role)} for role in Role}
    assert WRITING in opened[Role.ACQUIRER]
    assert WRITING not in opened[Role.MERCHANT] | opened[Role.INTEGRATOR]
    assert opened[Role.MERCHANT] < opened[Role.ACQUIRER]
    alone = opened[Role.INTEGRATOR] - opened[Role.ACQUIRER]
    assert {method.split("/")[1].split(".")[-1] for method in alone} == {
        "IdentityService",
        "IntegratorService",
    }
    # What no row names exists for no application.
    assert not any(opens(DECIDING, role) for role in (*Role, ""))


@pytest.mark.feature("I1", "D9")
def test_policy_holds_an_application_to_its_role() -> None:
    rows = {row.method for row in POLICIES if CallerKind.PLATFORM in row.callers}
    for method in rows & set(ROLES):
        for role in (*Role, "", "OPERATOR"):
            caller = Caller(
                CallerKind.PLATFORM, platform="olist", application="sandbox-1", role=role
            )
            if opens(method, role):
                policy.check(method, caller)
            else:
                with pytest.raises(MethodNotAllowedError):
                    policy.check(method, caller)
    # Whatever kind its credential names.
    staff = Caller(CallerKind.OPERATOR, application="sandbox-1", role=Role.ACQUIRER)
    with pytest.raises(MethodNotAllowedError):
        policy.check(DECIDING, staff)
    # Who comes without an application is held by the kind alone.
    policy.check(WRITING, Caller(CallerKind.PLATFORM, platform="olist"))


@pytest.mark.feature("I3")
def test_launch_names_all_that_is_missing() -> None:
    for contract in (True, False):
        for accepted in (True, False):
            for has_key in (True, False):
                had = {"contract": contract, "accepted": accepted, "has_key": has_key}
                missing = missing_for_launch(LIVE, **had)
                words = {"contract": "CONTRACT", "accepted": "ACCEPTANCE", "has_key": "KEY"}
                assert set(missing) == {words[name] for name, there in had.items() if not there}
                assert (settled(LIVE, **had) is State.READY) == (not missing)
    assert missing_for_launch(SANDBOX, contract=True, accepted=True, has_key=True) == (
        "LIVE_DEPLOYMENT",
    )


@pytest.mark.feature("I3")
def test_calls_are_taken_in_few_states() -> None:
    assert {s for s in State if may_call(SANDBOX, s)} == {State.TESTING, State.READY}
    assert {s for s in State if may_call(LIVE, s)} == {State.LIVE}
    assert not any(may_call("elsewhere", s) for s in State)


@pytest.mark.feature("I4")
def test_client_id_names_its_environment() -> None:
    made = client_id(SANDBOX, bytes(32))
    assert len(made) <= 40
    assert is_client_id(made, SANDBOX)
    assert not is_client_id(made, LIVE)
    assert not is_client_id(made + "\n", SANDBOX)


def test_enums_and_protos_say_the_same() -> None:
    for enum, names, prefix in (
        (Role, v1.ApplicationRole.keys(), "APPLICATION_ROLE_"),
        (Product, v1.Product.keys(), "PRODUCT_"),
        (Ground, v1.SuspensionGround.keys(), "SUSPENSION_GROUND_"),
        (Kind, v1.Application.Kind.keys(), "KIND_"),
        (State, v1.Application.State.keys(), "STATE_"),
    ):
        told = {name.removeprefix(prefix) for name in names} - {"UNSPECIFIED"}
        assert {each.value for each in enum} == told


# --- Statements ----------------------------------------------------------------------------

SIGNER = key(7)
PASSED = Passed(
    sandbox_client_id=client_id(SANDBOX, bytes(32)),
    live_client_id=client_id(LIVE, bytes(32)),
    role="ACQUIRER",
    country="SG",
    product="INTEGRITY_ARCHIVE",
    evidence_sha256=bytes(range(32)),
    passed_at=Instant(builders.NOW // MICROSECONDS * MICROSECONDS),
)


@pytest.mark.feature("I3")
def test_statement_reads_as_it_was_signed_until_its_term_is_over() -> None:
    statement = acceptance.sign(PASSED, SIGNER)
    assert acceptance.sign(PASSED, SIGNER) == statement
    public = SIGNER.public_key()
    last = Instant(PASSED.passed_at + ACCEPTANCE_TERM - 1)
    for now in (PASSED.passed_at, last):
        assert acceptance.read(statement, public, now) == PASSED
    for now in (Instant(last + 1), Instant(PASSED.passed_at - 31 * MICROSECONDS)):
        with pytest.raises(AcceptanceError):
            acceptance.read(statement, public, now)


def _signed(claims: Any, *, signer: Any = SIGNER, alg: str = "EdDSA", typ: str = TYPE) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jwt.PyJWS(algorithms=["EdDSA", "HS256"]).encode(
        payload, signer, alg, headers={"typ": typ}
    )


def _claims() -> dict[str, Any]:
    parts = jwt.PyJWS(algorithms=["EdDSA"]).decode_complete(
        acceptance.sign(PASSED, SIGNER), SIGNER.public_key(), algorithms=["EdDSA"]
    )
    return dict(json.loads(parts["payload"]))


@pytest.mark.feature("I3")
def test_attack_statements_that_are_not_the_sandboxs_are_refused() -> None:
    claims = _claims()
    swapped = acceptance.sign(
        dataclasses.replace(PASSED, sandbox_client_id=PASSED.live_client_id), SIGNER
    )
    statements = [
        "",
        "a.b.c",
        "例",
        swapped,
        _signed(claims, signer=key(8)),
        _signed(claims, typ="at+jwt"),
        _signed(claims, signer=b"0" * 32, alg="HS256"),
        _signed(b"[]"),
        _signed(b"not JSON"),
        _signed(b"[" * 100_000),
        *(_signed({k: v for k, v in claims.items() if k != name}) for name in ("iss", "iat")),
        *(_signed(claims | {name: 1}) for name in ("sub", "aud", "evidence")),
        _signed(claims | {"evidence": "zz" * 32}),
        _signed(claims | {"aud": [claims["aud"]]}),
    ]
    for statement in statements:
        with pytest.raises(AcceptanceError) as fault:
            acceptance.read(statement, SIGNER.public_key(), PASSED.passed_at)
        assert fault.value.__cause__ is None
