"""Planted personal values, and the search for them in whatever could let them out.

They are looked for as they are, in UTF-16, escaped as JSON does, in hex, and in base64
at every alignment.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from functools import cache
from typing import cast

import grpc
from stdnum.cn import ric

from tests import builders

CODE = builders.code(731)
ID_NUMBER = "99000019870605432" + ric.calc_check_digit("990000198706054320")
PERSON = "測漏針"
# National digits: they are part of every way to write the number.
PHONE = "19900007351"
EMAIL = "planted.needle@example.com"
NEEDLES = (ID_NUMBER, PERSON, PHONE, EMAIL)


def forms(needle: str) -> Iterator[bytes]:
    """Every way of writing the needle that is looked for, in lower case."""
    for text in (needle, needle.title(), needle.upper(), needle.lower()):
        for raw in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
            yield raw
            yield raw.hex().encode()
            for shift in range(3):
                # The characters that hold no bit of what stands before or after.
                encoded = base64.b64encode(bytes(shift) + raw)
                yield encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
    yield needle.encode("unicode_escape")


def found_in(haystack: bytes, needles: Sequence[str] = NEEDLES) -> list[str]:
    """The needles that are in it, in any form."""
    folded = haystack.lower()
    return [needle for needle in needles if any(form in folded for form in _folded(needle))]


@cache
def _folded(needle: str) -> frozenset[bytes]:
    """Every form once, in lower case, in the alphabet of addresses too."""
    return frozenset(each.lower() for form in forms(needle) for each in (form, _url_safe(form)))


def _url_safe(form: bytes) -> bytes:
    return form.replace(b"+", b"-").replace(b"/", b"_")


class Wire:
    """Calls methods with raw bytes and keeps every byte that comes back."""

    def __init__(self, address: str) -> None:
        self.received: list[bytes] = []
        self._channel = grpc.insecure_channel(address)

    def call(
        self, method: str, request: bytes, token: str | None = None, **headers: str
    ) -> bytes | None:
        """Returns the answer, or None for an error."""
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        made: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(
            f"/bonafides.v1.{method}"
        )
        try:
            answer, call = made.with_call(request, metadata=tuple(headers.items()), timeout=20)
        except grpc.RpcError as error:
            self._keep(cast("grpc.Call", error))
            return None
        self._keep(call)
        self.received.append(answer)
        return answer

    def _keep(self, call: grpc.Call) -> None:
        self.received += [(call.details() or "").encode(), str(call).encode()]
        for key, value in (*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())):
            self.received += [key.encode(), value if isinstance(value, bytes) else value.encode()]

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()
