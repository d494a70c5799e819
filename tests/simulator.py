"""A source of evidence on loopback that can be right, slow, wrong, broken off and down.

It knows one enterprise, or none, and answers in the shape of the source that it plays.
What was sent to it is kept as it came. "aliyun-signed" and "tencent-signed" are those
sources where they want requests signed with a secret, and refuse others as these do.

    with simulating("aliyun", Known(code, title, {"测一二": number})) as simulator:
        simulator.mode = "slow"
        HttpSource("aliyun", shape, simulator.url)
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from bonafides.identity.codes import UnifiedCode
from tests import builders

KEY_ID = "AKIDplanted"
SECRET = "planted-key"


@dataclass
class Known:
    """The enterprise that the simulator knows; its representatives by name."""

    code: UnifiedCode = field(default_factory=builders.code)
    title: str = field(default_factory=lambda: builders.registration().title)
    people: Mapping[str, str] = field(default_factory=lambda: {builders.PERSON: builders.ID_NUMBER})
    ended: bool = False


class Simulator:
    """Plays one source. `misbehaves` counts down the requests that `mode` is for; None: all."""

    def __init__(self, shape: str, known: Known | None) -> None:
        self.shape, _, signed = shape.partition("-")
        # By which requests must be signed; empty: they needn't be.
        self.secret = SECRET if signed else ""
        self.nonces: set[str] = set()
        self.known = known
        self.mode = "right"
        self.misbehaves: int | None = None
        self.sent: list[dict[str, str]] = []
        self.wire: list[str] = []
        self.url = ""
        # Whoever is slow waits for this, so that no test waits for them.
        self.over = threading.Event()

    def answer(self, sent: Mapping[str, str]) -> Any:
        """Returns the right answer."""
        return _ANSWERS[self.shape](sent, self.known)

    def turn(self) -> str:
        """Returns how this request is answered."""
        if self.misbehaves is None:
            return self.mode
        self.misbehaves -= 1
        return self.mode if self.misbehaves >= 0 else "right"


@contextlib.contextmanager
def simulating(shape: str, known: Known | None) -> Iterator[Simulator]:
    """Serves a simulator until the block ends."""
    simulator = Simulator(shape, known)

    class Handler(_Handler):
        played = simulator

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    server.block_on_close = True
    simulator.url = f"http://127.0.0.1:{server.server_address[1]}/check"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield simulator
    finally:
        simulator.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    played: Simulator
    body = b""

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(self.body.decode())

    def log_message(self, *_: object) -> None:
        """Logs nothing: what is asked about is personal."""

    def _answer(self, content: str) -> None:
        simulator = self.played
        sent = json.loads(content) if content.startswith("{") else dict(parse_qsl(content))
        simulator.sent.append(sent)
        simulator.wire.append(unquote_plus(f"{self.path}\n{self.headers}\n{content}"))
        told = simulator.answer(sent)
        if simulator.secret and not _is_signed(self):
            told = _UNSIGNED[simulator.shape]
        body = json.dumps(told, ensure_ascii=False).encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            _MODES[simulator.turn()](self, body)

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Sends an answer whole."""
        self.send_response(status)
        self.send_header("content-length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, body: bytes) -> None:
        """Sends an answer byte by byte, and never the last one while anybody listens."""
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        for byte in body:
            if self.played.over.wait(0.02):
                return
            self.wfile.write(bytes([byte]))


def _is_signed(handler: _Handler) -> bool:
    """Checks the signature of what came, by the headers that it says are signed."""
    told = re.fullmatch(
        r"(ACS3|TC3)-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w{64})",
        handler.headers.get("authorization", ""),
    )
    if told is None:
        return False
    scheme, credential, names, signature = told.groups()
    digest = hashlib.sha256(handler.body).hexdigest()
    path, _, query = handler.path.partition("?")
    canonical = f"{handler.command}\n{path}\n{query}\n"
    for name in names.split(";"):
        canonical += f"{name}:{handler.headers[name]}\n"
    whole = hashlib.sha256(f"{canonical}\n{names}\n{digest}".encode()).hexdigest()
    if scheme == "ACS3":
        nonce = handler.headers["x-acs-signature-nonce"]
        fresh = nonce not in handler.played.nonces
        handler.played.nonces.add(nonce)
        needed = {"host", "x-acs-action", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
        bound = handler.headers["x-acs-content-sha256"] == digest and needed <= set(
            names.split(";")
        )
        text = f"ACS3-HMAC-SHA256\n{whole}"
        expected = hmac.new(handler.played.secret.encode(), text.encode(), "sha256").hexdigest()
        return fresh and bound and credential == KEY_ID and expected == signature
    key_id, day, service, end = credential.split("/")
    second = handler.headers["x-tc-timestamp"]
    key = f"TC3{handler.played.secret}".encode()
    for part in (day, service, end):
        key = hmac.new(key, part.encode(), "sha256").digest()
    text = f"TC3-HMAC-SHA256\n{second}\n{day}/{service}/{end}\n{whole}"
    today = dt.datetime.fromtimestamp(int(second), dt.UTC).date().isoformat()
    expected = hmac.new(key, text.encode(), "sha256").hexdigest()
    bound = {"content-type", "host"} <= set(names.split(";"))
    return bound and (key_id, day, end) == (KEY_ID, today, "tc3_request") and expected == signature


# What these sources say to a request whose signature is wrong.
_UNSIGNED = {
    "aliyun": {"RequestId": "r", "Code": "Forbidden.AccountAccessDenied"},
    "tencent": {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure"}, "RequestId": "r"}},
}


def _slow(handler: _Handler, _body: bytes) -> None:
    handler.played.over.wait(30)


_MODES: dict[str, Callable[[_Handler, bytes], None]] = {
    "right": lambda handler, body: handler.reply(body),
    "slow": _slow,
    "drip": lambda handler, body: handler.drip(body),
    "wrong": lambda handler, _: handler.reply(b"<html>Maintenance</html>"),
    "other": lambda handler, _: handler.reply(b'{"unheard": "of"}'),
    "list": lambda handler, _: handler.reply(b"[1]"),
    "binary": lambda handler, _: handler.reply(b"\xff\xfe"),
    "truncated": lambda handler, body: handler.reply(
        body[: len(body) // 2], length=str(len(body)), connection="close"
    ),
    "none": lambda handler, _: handler.connection.close(),
    "busy": lambda handler, _: handler.reply(b"{}", 429),
    "down": lambda handler, _: handler.reply(b"{}", 502),
    "refused": lambda handler, _: handler.reply(b"{}", 403),
    "moved": lambda handler, _: handler.reply(b"{}", 302, location=handler.played.url),
    # Right, as far as anybody reads that far.
    "huge": lambda handler, body: handler.reply(body + b" " * 300_000),
    "packed": lambda handler, body: handler.reply(gzip.compress(body), content_encoding="gzip"),
    "said to be packed": lambda handler, body: handler.reply(body, content_encoding="gzip"),
}


def _aliyun(sent: Mapping[str, str], known: Known | None) -> Any:
    if known is None or sent["LicenseNo"] != known.code.text:
        return {"RequestId": "r", "Code": "200", "Result": {"BizCode": "3"}}
    person, number = sent.get("LegalPersonName"), sent.get("LegalPersonCertNo")
    right = {
        "EntNameFlag": sent["EntName"] == known.title,
        "LegalPersonNameFlag": person is None or person in known.people,
        "LegalPersonCertNoFlag": number is None or known.people.get(person or "") == number,
    }
    differing = [name for name, agrees in right.items() if not agrees]
    return {
        "RequestId": "r",
        "Code": "200",
        "Message": "success",
        "Result": {
            "BizCode": "2" if differing else "1",
            "ReasonDetail": ",".join(differing),
            "Status": "注销" if known.ended else "存续",
            "OpenTime": {"Start": "2016-11-03", "End": "29991231"},
        },
    }


def _tencent(sent: Mapping[str, str], known: Known | None) -> Any:
    if known is None or sent["CreditCode"] != known.code.text:
        return {"Response": {"StatusCode": 1, "RequestId": "r"}}
    flags = {
        "IsCreditCodeConsistent": 1,
        "IsEntNameConsistent": int(sent["EntName"] == known.title),
        "IsLrNameConsistent": int(sent["LrName"] in known.people),
        "IsIdNumConsistent": int(known.people.get(sent["LrName"]) == sent["IdNum"]),
    }
    return {
        "Response": {
            "StatusCode": 0,
            "VerifyResult": int(all(flags.values())),
            "OperatingStatus": 3 if known.ended else 1,
            "OperatingPeriod": "2016-11-03至长期",
            **flags,
        }
    }


def _tianyancha(sent: Mapping[str, str], known: Known | None) -> Any:
    if known is None or sent["keyword"] != known.code.text:
        return {"result": None, "reason": "无数据", "error_code": 300000}
    result = {
        "creditCode": known.code.text,
        "name": known.title,
        "legalPersonName": "、".join(known.people),
        "regStatus": "注销" if known.ended else "存续",
        "regCapital": "100万人民币",
        "estiblishTime": 1_478_102_400_000,
        "toTime": None,
        "historyNames": "",
    }
    return {"result": result, "reason": "ok", "error_code": 0}


def _gleif(sent: Mapping[str, str], known: Known | None) -> Any:
    meta = {"goldenCopy": {"publishDate": "2026-10-30T08:00:00Z"}}
    if known is None or sent["filter[entity.registeredAs]"] != known.code.text:
        return {"meta": meta, "data": []}
    entity = {
        "legalName": {"name": known.title, "language": "zh"},
        "registeredAt": {"id": "RA000999"},
        "registeredAs": known.code.text,
        "jurisdiction": "CN",
        "status": "INACTIVE" if known.ended else "ACTIVE",
    }
    registration = {"status": "ISSUED", "corroborationLevel": "FULLY_CORROBORATED"}
    attributes = {"lei": "0" * 20, "entity": entity, "registration": registration}
    return {"meta": meta, "data": [{"type": "lei-records", "attributes": attributes}]}


_ANSWERS: dict[str, Callable[[Mapping[str, str], Known | None], Any]] = {
    "aliyun": _aliyun,
    "tencent": _tencent,
    "tianyancha": _tianyancha,
    "gleif": _gleif,
}
