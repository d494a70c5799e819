"""What a server starts with, and what it refuses to start with."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bonafides import keys, server
from bonafides.access.callers import mint
from bonafides.client import Client, RemoteError
from bonafides.instants import HOUR, Instant
from bonafides.settings import Settings, SettingsError
from tests import builders
from tests.serving import Served, serving

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
PARTNER = "https://login.example"


def build(folder: Path, **changes: Any) -> server.Server:
    return server.build(Settings(**{"data_dir": folder / "data", **changes}), lambda: builders.NOW)


@pytest.mark.feature("J8")
@pytest.mark.parametrize(
    "listen", ["0.0.0.0:50051", "[::]:50051", "192.0.2.1:50051", "example.com:1"]
)
def test_plaintext_outside_loopback_is_refused_before_anything_is_made(
    tmp_path: Path, listen: str
) -> None:
    with pytest.raises(SettingsError, match="BONAFIDES_TLS_CERTIFICATE"):
        build(tmp_path, listen=listen)
    assert not (tmp_path / "data").exists()


@pytest.mark.feature("J8")
@pytest.mark.parametrize("half", ["tls_certificate", "tls_key"])
def test_half_of_a_tls_pair_is_refused(tmp_path: Path, half: str) -> None:
    with pytest.raises(SettingsError, match="or neither"):
        build(tmp_path, **{half: tmp_path / "x.pem"})


@pytest.mark.feature("J8")
def test_tls_is_served_with_the_certificate_of_the_settings(tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    with serving(tmp_path / "data", tls_certificate=certificate, tls_key=key) as served:
        with Client(served.address, root_certificates=certificate.read_bytes()) as client:
            assert client.get_scorecard().name.startswith("scorecards/")
        with grpc.insecure_channel(served.address) as channel:
            call: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
            with pytest.raises(grpc.RpcError):
                call(b"", timeout=3)


def test_taken_port_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "one") as first,
        pytest.raises(SettingsError, match="taken"),
        serving(tmp_path / "two", listen=first.address),
    ):
        pass


@pytest.mark.feature("I4")
def test_live_does_not_tell_its_schema_and_takes_no_sandbox_token(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as sandbox:
        token = sandbox.token("operator")
        assert _reflect(sandbox.address) is grpc.StatusCode.OK
    public = tmp_path / "partner.pem"
    partner = ed25519.Ed25519PrivateKey.generate()
    public.write_bytes(
        partner.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    data = _bring_key(tmp_path / "live")
    with serving(data, environment="live", issuers={PARTNER: public}) as live:
        address = live.address
        assert _reflect(address) is grpc.StatusCode.UNIMPLEMENTED
        with Client(address, token=token) as client, pytest.raises(RemoteError) as refusal:
            client.get_rating(builders.code().text)
        assert refusal.value.code is grpc.StatusCode.UNAUTHENTICATED
        good = mint(
            partner,
            issuer=PARTNER,
            audience="bonafides-live",
            subject="member-1",
            kind="member",
            ttl_seconds=600,
            now=builders.NOW,
        )
        with Client(address, token=good) as client, pytest.raises(RemoteError) as refusal:
            client.get_rating(builders.code().text)
        assert refusal.value.code is grpc.StatusCode.NOT_FOUND


def partner(folder: Path) -> Path:
    """Returns a file with the public key of an issuer."""
    file = folder / "partner.pem"
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


@pytest.mark.parametrize("name", ["bonafides-sandbox", "bonafides-tokens", "a|b", ""])
def test_issuer_whose_name_could_be_anothers_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="BONAFIDES_ISSUERS"):
        build(tmp_path, issuers={name: partner(tmp_path)})


@pytest.mark.feature("D9")
def test_issuer_is_set_in_one_way(tmp_path: Path) -> None:
    name = "https://login.example"
    told = {name: {"jwks": "https://login.example/jwks"}}
    with pytest.raises(SettingsError, match="choose one"):
        build(tmp_path, issuers={name: partner(tmp_path)}, oidc_issuers=told)


@pytest.mark.parametrize("content", [None, b"", b"not a key"])
def test_issuer_without_an_ed25519_key_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "x.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="BONAFIDES_ISSUERS"):
        build(tmp_path, issuers={PARTNER: file})


@pytest.mark.feature("D1")
def test_without_a_token_the_public_view_is_served(served: Served) -> None:
    enterprise = builders.code(1)
    builders.enroll(served.store, enterprise)
    with served.client() as client:
        public = client.get_archive(enterprise.text)
    with served.client(served.token("member")) as client:
        member = client.get_archive(enterprise.text)
    assert public.registration.title == builders.registration().title
    assert not public.HasField("rating")
    assert member.HasField("rating")


@pytest.mark.feature("D1")
def test_bad_token_is_no_way_to_the_public_view(served: Served) -> None:
    enterprise = builders.code(1)
    builders.enroll(served.store, enterprise)
    expired = served.token("member")
    served.clock.now = Instant(served.clock.now + HOUR)
    for token in (expired, expired[:-4] + "AAAA"):
        with served.client(token) as client, pytest.raises(RemoteError) as refusal:
            client.get_archive(enterprise.text)
        assert refusal.value.code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.feature("A10")
def test_submission_is_found_by_its_submitter_and_by_staff_alone(served: Served) -> None:
    with served.client(served.token("member", subject="one")) as client:
        made = client.submit_identity(builders.claims(), request_id=builders.request_id())
        assert client.get_submission(made.name).state == made.state
    with served.client(served.token("operator")) as client:
        assert client.get_submission(made.name).name == made.name
    for token in (
        served.token("member", subject="two"),
        served.token("member", subject="two", owns=[builders.code().text]),
        served.token("platform", subject="three"),
    ):
        with served.client(token) as client, pytest.raises(RemoteError) as refusal:
            client.get_submission(made.name)
        assert refusal.value.code is grpc.StatusCode.NOT_FOUND


def _bring_key(data: Path) -> Path:
    """Puts a key where an operator of live would."""
    data.mkdir(mode=0o700)
    (data / keys.KEK_FILE).touch(mode=0o600)
    (data / keys.KEK_FILE).write_bytes(bytes(range(32)))
    return data


def _reflect(address: str) -> grpc.StatusCode:
    with grpc.insecure_channel(address) as channel:
        method: Any = channel.stream_stream(REFLECTION)
        try:
            list(method(iter([b""]), timeout=3))
        except grpc.RpcError as error:
            failed: Any = error
            code: grpc.StatusCode = failed.code()
            return code
    return grpc.StatusCode.OK


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """Returns the files of a certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private
