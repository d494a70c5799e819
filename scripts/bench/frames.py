"""Speaks enough HTTP/2 and HTTP/1.1 to load a server more cheaply than it answers.

A gRPC library as the client costs more CPU per call than the bare server it is to
saturate. Here a call is two frames, made before the clock starts, and an answer is
told by its frames' headers alone. Rules:

1. An answer counts if it brought a message (gRPC) or status 200 (HTTP/1.1); any
   other end of a call counts as refused, so that a fast error is never a success.
2. The first call of a connection puts its headers into the table of HPACK, as gRPC
   clients do; later calls name them by one byte each. A token goes literally.
3. Settings and pings are acknowledged; a server that ends a connection ends the run.

Source: RFC 9113 (frames), RFC 7541 (HPACK).
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from typing import Final, TypeAlias

# How a call ended: its number on this connection, and whether it was answered.
End: TypeAlias = tuple[int, bool]
Connection: TypeAlias = "Http2 | Http1"

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_FRAME_HEADER: Final = 9
_SETTING: Final = 6
_MOST_FRAME: Final = 16_384
_MESSAGE_PREFIX: Final = 5
_DEFAULT_WINDOW: Final = 65_535
_LARGEST_WINDOW: Final = 2**31 - 1
_FIRST_DYNAMIC: Final = 62
_INITIAL_WINDOW_SIZE: Final = 4
_READ_BYTES: Final = 1 << 18
_TIMEOUT: Final = "20S"


class ConnectionEndedError(Exception):
    """The server ended a connection that was still in use."""


class _Frames:
    """A connection of HTTP/2: sends frames, keeps its window, yields what comes."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket: Final = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        # What may still be sent over the connection, and over a stream that begins.
        self.window = _DEFAULT_WINDOW
        self.stream_window = _DEFAULT_WINDOW
        wide = _INITIAL_WINDOW_SIZE.to_bytes(2) + _LARGEST_WINDOW.to_bytes(4)
        more = (_LARGEST_WINDOW - _DEFAULT_WINDOW).to_bytes(4)
        self.socket.sendall(_PREFACE + frame(_SETTINGS, 0, 0, wide) + frame(_WINDOW, 0, 0, more))

    def received(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Reads once, and yields kind, flags, stream and payload of each frame of a stream."""
        self._buffer += _received(self.socket)
        start = 0
        while len(self._buffer) - start >= _FRAME_HEADER:
            body = start + _FRAME_HEADER
            end = body + int.from_bytes(self._buffer[start : start + 3])
            if len(self._buffer) < end:
                break
            kind, flags = self._buffer[start + 3], self._buffer[start + 4]
            stream = int.from_bytes(self._buffer[start + 5 : body])
            start = end
            if stream:
                yield kind, flags, stream, self._buffer[body:end]
            else:
                self._control(kind, flags, self._buffer[body:end])
        self._buffer = self._buffer[start:]

    def _control(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == _GOAWAY:
            raise ConnectionEndedError("the server said goodbye")
        if kind == _WINDOW:
            self.window += int.from_bytes(payload)
        elif kind == _SETTINGS and not flags & _ACK:
            for place in range(0, len(payload), _SETTING):
                if int.from_bytes(payload[place : place + 2]) == _INITIAL_WINDOW_SIZE:
                    size = int.from_bytes(payload[place + 2 : place + _SETTING])
                    self.stream_window += size - _DEFAULT_WINDOW
            self.socket.sendall(frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            self.socket.sendall(frame(_PING, _ACK, 0, payload))


class Http2:
    """A connection that calls one method of gRPC, many times at once."""

    def __init__(self, address: tuple[str, int], path: str, token: str | None) -> None:
        self._frames: Final = _Frames(address)
        self.socket: Final = self._frames.socket
        self._first, self._later = _header_blocks(f"{address[0]}:{address[1]}", path, token)
        self._number = -1
        # The calls that have not ended, and whether their message came.
        self._open: dict[int, bool] = {}

    def call(self, body: bytes) -> int:
        """Sends a call with the message and returns its stream's number."""
        self._number += 2
        block = self._first if self._number == 1 else self._later
        message = framed(body)
        self._frames.window -= len(message)
        if self._frames.window < 0:
            raise ConnectionEndedError("the server reads no more")
        self.socket.sendall(
            frame(_HEADERS, _END_HEADERS, self._number, block)
            + frame(_DATA, _END_STREAM, self._number, message)
        )
        self._open[self._number] = False
        return self._number

    def ends(self) -> Iterator[End]:
        """Reads once what has come, and yields the calls that it ends."""
        for kind, flags, stream, payload in self._frames.received():
            # A server may reset a stream that it has ended, where it did not read to the end.
            if stream not in self._open:
                continue
            if kind == _DATA and len(payload) > _MESSAGE_PREFIX:
                self._open[stream] = True
            if kind == _RESET or (kind in {_DATA, _HEADERS} and flags & _END_STREAM):
                answered = self._open.pop(stream)
                yield stream, kind != _RESET and answered


class Http2Stream:
    """A connection with one stream, over which all of `content` is sent as it may be.

    `content` is messages with their prefixes, one after the other. `ended` turns true
    when the server ends the stream.
    """

    def __init__(
        self, address: tuple[str, int], path: str, token: str | None, content: bytes
    ) -> None:
        self._frames: Final = _Frames(address)
        self.socket: Final = self._frames.socket
        self.ended = False
        self._content: Final = memoryview(content)
        self._sent = 0
        self._arrived = b""
        block, _ = _header_blocks(f"{address[0]}:{address[1]}", path, token)
        self.socket.sendall(frame(_HEADERS, _END_HEADERS, 1, block))

    def send(self) -> None:
        """Sends as much as the windows allow, in frames of the default size at most."""
        while self._sent < len(self._content):
            room = min(self._frames.window, self._frames.stream_window, _MOST_FRAME)
            if room <= 0:
                return
            part = bytes(self._content[self._sent : self._sent + room])
            self._sent += len(part)
            last = _END_STREAM if self._sent == len(self._content) else 0
            self.socket.sendall(frame(_DATA, last, 1, part))
            self._frames.window -= len(part)
            self._frames.stream_window -= len(part)

    def answers(self) -> Iterator[bytes]:
        """Reads once what has come, and yields the messages that are whole."""
        for kind, flags, _, payload in self._frames.received():
            if kind == _DATA:
                self._arrived += payload
            elif kind == _WINDOW:
                self._frames.stream_window += int.from_bytes(payload)
            if kind == _RESET or (kind in {_DATA, _HEADERS} and flags & _END_STREAM):
                self.ended = True
        while len(self._arrived) >= _MESSAGE_PREFIX:
            end = _MESSAGE_PREFIX + int.from_bytes(self._arrived[1:_MESSAGE_PREFIX])
            if len(self._arrived) < end:
                return
            yield self._arrived[_MESSAGE_PREFIX:end]
            self._arrived = self._arrived[end:]


class Http1:
    """A connection that gets paths, in order, one at a time."""

    def __init__(self, address: tuple[str, int], path: str, token: str | None) -> None:
        self.socket: Final = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._path: Final = path.encode()
        credential = f"Authorization: Bearer {token}\r\n" if token else ""
        self._rest: Final = f" HTTP/1.1\r\nHost: {address[0]}\r\n{credential}\r\n".encode()
        self._number = 0
        self._waiting: deque[int] = deque()
        self._buffer = b""

    def call(self, body: bytes) -> int:
        """Gets the path that ends in `body`, and returns the call's number."""
        self._number += 1
        self._waiting.append(self._number)
        self.socket.sendall(b"GET " + self._path + body + self._rest)
        return self._number

    def ends(self) -> Iterator[End]:
        """Reads once what has come, and yields the calls that it ends."""
        self._buffer += _received(self.socket)
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            yield self._waiting.popleft(), head.startswith(b"HTTP/1.1 200")


def framed(message: bytes) -> bytes:
    """Returns the message with gRPC's prefix: not compressed, and its length."""
    return b"\0" + len(message).to_bytes(4) + message


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Returns a frame of HTTP/2."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def _received(from_: socket.socket) -> bytes:
    received = from_.recv(_READ_BYTES)
    if not received:
        raise ConnectionEndedError("the server closed the connection")
    return received


def _header_blocks(authority: str, path: str, token: str | None) -> tuple[bytes, bytes]:
    """Returns the headers of a connection's first call, and of those after it (2)."""
    # :method POST and :scheme http stand in the static table.
    static = b"\x83\x86"
    named = {
        ":path": path,
        ":authority": authority,
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": "bonafides-bench",
        "grpc-timeout": _TIMEOUT,
    }
    first = b"".join(b"\x40" + _text(name) + _text(value) for name, value in named.items())
    # The entry that was added last has the lowest number.
    later = bytes(0x80 | _FIRST_DYNAMIC + place for place in reversed(range(len(named))))
    secret = b"\x10" + _text("authorization") + _text(f"Bearer {token}") if token else b""
    return static + first + secret, static + later + secret


def _text(value: str) -> bytes:
    """Returns a string literal of HPACK, not Huffman-coded."""
    raw = value.encode("ascii")
    return _integer(len(raw), 7) + raw


def _integer(value: int, bits: int) -> bytes:
    """Returns an integer of HPACK with a prefix of so many bits."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((value,))
    made = [most]
    value -= most
    while value >= 128:  # noqa: PLR2004 - seven bits to a byte
        made.append(value % 128 + 128)
        value //= 128
    return bytes((*made, value))
