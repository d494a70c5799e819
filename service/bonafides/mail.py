"""Makes the way to people's contacts from the settings.

Sandbox writes messages to files in the data folder, where whoever runs it finds them.
Live hands them in at the mail server of the settings, encrypted unless that is on this
machine; without a server nothing is sent, and platforms vouch instead.

    courier(settings)      # None: nothing can be sent
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

from bonafides.identity.couriers import (
    Courier,
    InsecureFolderCourier,
    SmtpCourier,
    SmtpServer,
)
from bonafides.settings import Settings, SettingsError


def courier(settings: Settings) -> Courier | None:
    """Returns the way to people's contacts; None: nothing can be sent.

    Raises:
        SettingsError: the mail server is named wrongly, or mail would go out in clear.
    """
    if settings.environment == "sandbox":
        return InsecureFolderCourier(settings.data_dir / "outbox")
    if not settings.smtp_server:
        return None
    host, _, port = settings.smtp_server.rpartition(":")
    if not host or not port.isdecimal() or not settings.smtp_sender:
        raise SettingsError(
            "BONAFIDES_SMTP_SERVER: write it as host:port, and set BONAFIDES_SMTP_SENDER."
        )
    if settings.smtp_tls == "none" and not is_loopback(settings.smtp_server):
        raise SettingsError(
            "BONAFIDES_SMTP_TLS: without TLS mail is handed in on loopback alone; use starttls."
        )
    password = ""
    if settings.smtp_password_file is not None:
        password = _password(settings.smtp_password_file)
    return SmtpCourier(
        SmtpServer(
            host=host.strip("[]"),
            port=int(port),
            sender=settings.smtp_sender,
            user=settings.smtp_user,
            password=password,
            tls=settings.smtp_tls,
        )
    )


def is_loopback(listen: str) -> bool:
    """Returns whether host and port are of this machine alone."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"BONAFIDES_SMTP_PASSWORD_FILE: can't read {file}.") from None
