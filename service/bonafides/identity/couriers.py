"""Carries messages to people's contacts: by mail in live, into a folder in sandbox.

A courier is asked outside any unit of work, gives up after `_PATIENCE_SECONDS`, and says
nothing of the message in its errors: addresses and codes belong in no log.

    InsecureFolderCourier(folder).carry(Message(uid, "zhang@example.com", subject, text))
"""

from __future__ import annotations

import os
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Literal, Protocol

_PATIENCE_SECONDS: Final = 10.0


class CourierError(Exception):
    """The message couldn't be handed over; it may be tried again."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is carried. `uid` names it, for those who look for it in sandbox."""

    uid: str
    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)


class Courier(Protocol):
    """The way to people's contacts."""

    def carry(self, message: Message) -> None:
        """Hands the message over.

        Raises:
            CourierError: it wasn't taken.
        """


class InsecureFolderCourier:
    """Writes messages to files that who runs the sandbox can read. Refused in live."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder

    def carry(self, message: Message) -> None:
        """Writes `<uid>.txt`, mode 0600, in the folder."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(
                self._folder / f"{message.uid}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600
            )
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(f"To: {message.to}\nSubject: {message.subject}\n\n{message.text}\n")
        except OSError:
            # Not chained: the name of the file may lead to the message.
            raise CourierError("FOLDER") from None


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `tls` NONE is for a server on this machine alone."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Literal["starttls", "tls", "none"] = "starttls"


class SmtpCourier:
    """Hands messages in at a mail server."""

    def __init__(self, server: SmtpServer) -> None:
        self._server: Final = server

    def carry(self, message: Message) -> None:
        """Sends the message as mail."""
        try:
            mail = EmailMessage()
            mail["From"] = self._server.sender
            mail["To"] = message.to
            mail["Subject"] = message.subject
            mail.set_content(message.text)
            with self._connected() as connection:
                if self._server.user:
                    connection.login(self._server.user, self._server.password)
                connection.send_message(mail)
        except (smtplib.SMTPException, OSError, ValueError):
            # Not chained: servers quote addresses in what they refuse.
            raise CourierError("SMTP") from None

    def _connected(self) -> smtplib.SMTP:
        where = (self._server.host, self._server.port)
        if self._server.tls == "tls":
            return smtplib.SMTP_SSL(
                *where, timeout=_PATIENCE_SECONDS, context=ssl.create_default_context()
            )
        connection = smtplib.SMTP(*where, timeout=_PATIENCE_SECONDS)
        if self._server.tls == "starttls":
            try:
                connection.starttls(context=ssl.create_default_context())
            except BaseException:
                connection.close()
                raise
        return connection
