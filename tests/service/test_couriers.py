"""Couriers against a real mail server on loopback, and against none."""

from __future__ import annotations

import email
import email.policy
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bonafides import mail
from bonafides.identity.couriers import (
    Courier,
    CourierError,
    InsecureFolderCourier,
    Message,
    SmtpCourier,
    SmtpServer,
)
from bonafides.settings import Settings, SettingsError
from tests.login_issuer import self_signed
from tests.mailbox import Mailbox, free_port, receiving

pytestmark = pytest.mark.feature("A15")

MESSAGE = Message("m1", "zhang@example.com", "一次性验证码", "验证码:12345678")


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, SmtpServer]]:
    with receiving() as received:
        yield received


def test_mail_arrives_whole(mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    SmtpCourier(server).carry(MESSAGE)
    (envelope,) = box.received
    assert envelope.rcpt_tos == ["zhang@example.com"]
    read = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert read["Subject"] == MESSAGE.subject
    assert read.get_content().strip() == MESSAGE.text


def test_refusal_of_the_server_quotes_no_address(mailbox: tuple[Mailbox, SmtpServer]) -> None:
    _, server = mailbox
    with pytest.raises(CourierError) as fault:
        SmtpCourier(server).carry(Message("m2", "nobody@example.com", "s", "t"))
    assert "nobody" not in repr(fault.value)
    assert fault.value.__cause__ is None


def test_attack_header_in_an_address_is_not_sent(mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    with pytest.raises(CourierError):
        SmtpCourier(server).carry(Message("m3", "a@example.com\nBcc: b@example.com", "s", "t"))
    assert box.received == []


def test_server_without_starttls_gets_nothing(mailbox: tuple[Mailbox, SmtpServer]) -> None:
    box, server = mailbox
    strict = SmtpServer(server.host, server.port, server.sender, tls="starttls")
    with pytest.raises(CourierError):
        SmtpCourier(strict).carry(MESSAGE)
    assert box.received == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_attack_server_under_a_certificate_that_nobody_vouches_for_gets_nothing(
    tmp_path: Path, tls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = self_signed(tmp_path)
    with receiving(tls, pair) as (box, server):
        with pytest.raises(CourierError):
            SmtpCourier(server).carry(MESSAGE)
        assert box.received == []
        # The same server is believed once this machine trusts its certificate.
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
        SmtpCourier(server).carry(MESSAGE)
        assert len(box.received) == 1


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
def test_server_that_is_away_can_be_tried_again(tls: Any) -> None:
    courier = SmtpCourier(SmtpServer("127.0.0.1", free_port(), "a@example.com", tls=tls))
    with pytest.raises(CourierError):
        courier.carry(MESSAGE)


def test_sandbox_writes_to_a_folder_that_nobody_else_reads(tmp_path: Path) -> None:
    InsecureFolderCourier(tmp_path / "outbox").carry(MESSAGE)
    file = tmp_path / "outbox" / "m1.txt"
    assert MESSAGE.text in file.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _made(tmp_path: Path, **changes: Any) -> Courier | None:
    return mail.courier(Settings(data_dir=tmp_path, **changes))


def test_live_sends_by_its_mail_server_or_not_at_all(tmp_path: Path) -> None:
    assert isinstance(_made(tmp_path), InsecureFolderCourier)
    assert _made(tmp_path, environment="live") is None
    sender = {"environment": "live", "smtp_sender": "a@example.com"}
    assert isinstance(_made(tmp_path, smtp_server="mail.example.com:587", **sender), SmtpCourier)
    for fault in (
        {"smtp_server": "mail.example.com"},
        {"smtp_server": "mail.example.com:25", "smtp_tls": "none"},
        {"smtp_server": "mail.example.com:25", "smtp_password_file": tmp_path / "absent"},
    ):
        with pytest.raises(SettingsError):
            _made(tmp_path, **sender, **fault)
    with pytest.raises(ValidationError):
        _made(tmp_path, smtp_tls="perhaps")
