"""A source that is asked over HTTP, in a shape that is configuration.

The rules:

1. What is sent is what the shape's templates need and the question holds. A person is
   asked about in a request of their own, so that each answer is about one of them. A
   number whose type the source doesn't take is not sent, nor one that it would be sent
   at a depth that it doesn't have.
2. One request has one time for connecting, sending and reading; the answer is bounded
   in size; redirects and compressed answers are refused, proxies of the environment
   are not used.
3. Where the provider wants requests signed, the key is its secret: it makes the
   signature, and is sent nowhere.
4. Whatever goes wrong is a `SourceError` with a fault of the list. Nothing of question
   or answer is in an error, a log line or a traceback.

    HttpSource("tianyancha", shape, url, key="...").ask(question, now=now, seconds=1.0)
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx2

from bonafides.identity.codes import CodeError, UnifiedCode
from bonafides.identity.evidence import Entry, Evidence, PersonAnswer
from bonafides.identity.questions import Fault, PersonAsked, Question, SourceError
from bonafides.identity.shapes import ELEMENTS, NOT_TOLD, Reading, Shape, filled, places
from bonafides.identity.signing import Outgoing, Signing, signed_headers
from bonafides.identity.submission import Depth
from bonafides.identity.texts import comparable
from bonafides.instants import Instant, from_datetime

# An enterprise's whole public record has some tens of KiB.
MAX_ANSWER_BYTES: Final = 256 * 1_024
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_OF_ELEMENT: Final = dict(zip(ELEMENTS, ("code", "title", "person", "id_number"), strict=True))


class HttpSource:
    """One source over HTTP. May be asked from many threads."""

    def __init__(
        self,
        name: str,
        shape: Shape,
        url: str,
        *,
        key: str = "",
        signing: Signing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name: Final = name
        self._shape: Final = shape
        self._url: Final = url
        self._key: Final = key
        self._signing: Final = signing
        self._depths: Final = {str(depth): called for depth, called in shape.depths.items()}
        self._monotonic: Final = monotonic
        # They log addresses, and an address may hold what is asked about.
        for library in ("httpx2", "httpcore2"):
            logging.getLogger(library).disabled = True
        self._client: Final = httpx2.Client(
            follow_redirects=False,
            trust_env=False,
            headers={"accept": "application/json", "accept-encoding": "identity"},
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        """Returns what the source says, of everybody asked about.

        Raises:
            SourceError: it gave no answer, or one that can't be read.
        """
        deadline = self._monotonic() + seconds
        bodies: list[str] = []
        readings: list[Reading | None] = []
        told: dict[frozenset[tuple[str, str]], Reading] = {}
        for person in question.people or (None,):
            values = self._values(question, person)
            if values is None:
                readings.append(None)
                continue
            # What is asked about is the same for all where no person is sent.
            sent = frozenset(values.items())
            if sent not in told:
                bodies.append(self._send(values, deadline, now))
                told[sent] = self._shape.read(bodies[-1], self._compared(values))
            readings.append(told[sent])
        raw = bodies[0] if len(bodies) == 1 else json.dumps(bodies, ensure_ascii=False)
        return self._evidence(question, readings, raw, now)

    def _values(self, question: Question, person: PersonAsked | None) -> dict[str, str] | None:
        """Returns what may be sent; None where the source has no depth that fits."""
        values = {"code": question.code.text, "title": question.title}
        if self._signing is None:
            values["key"] = self._key
        depth = Depth.TWO
        if person is not None:
            depth = Depth.THREE
            values["person"] = person.person
            number = person.id_number
            if number is not None and number.type in self._shape.id_types:
                depth = Depth.FOUR
                values["id_number"] = number.text
                values["id_type"] = self._shape.id_types[number.type]
        fitting = [each for each in Depth if each <= depth and each.name in self._depths]
        if not fitting:
            return None
        taken = fitting[-1]
        if taken < Depth.THREE:
            values.pop("person", None)
        if taken < Depth.FOUR:
            values.pop("id_number", None)
            values.pop("id_type", None)
        return values | {"depth": self._depths[taken.name]}

    def _compared(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the elements that were sent, by the names of their checks."""
        used = {
            place
            for template in self._shape.send.values()
            if set(places(template)) <= set(values)
            for place in places(template)
        }
        return tuple(element for element in ELEMENTS if _OF_ELEMENT[element] in used)

    def _send(self, values: Mapping[str, str], deadline: float, now: Instant) -> str:
        parameters = filled(self._shape.send, values)
        carried: dict[str, Any] = {
            {"query": "params", "form": "data", "json": "json"}[self._shape.body]: parameters
        }
        left = deadline - self._monotonic()
        if left <= 0:
            raise SourceError(Fault.TIMED_OUT)
        try:
            request = self._client.build_request(
                self._shape.method,
                self._url,
                headers=filled(self._shape.headers, values),
                timeout=left,
                **carried,
            )
            self._sign(request, now)
            with contextlib.closing(self._client.send(request, stream=True)) as response:
                return self._read(response, deadline)
        except httpx2.TimeoutException:
            raise SourceError(Fault.TIMED_OUT) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError):
            # Not chained: the library's errors hold the request.
            raise SourceError(Fault.UNREACHABLE) from None

    def _sign(self, request: httpx2.Request, now: Instant) -> None:
        if self._signing is None:
            return
        sent = Outgoing(
            method=request.method,
            host=request.headers["host"],
            path=request.url.raw_path.partition(b"?")[0].decode(),
            query=request.url.query.decode(),
            content_type=request.headers.get("content-type", ""),
            body=request.read(),
        )
        nonce = uuid.uuid4().hex
        request.headers.update(signed_headers(self._signing, self._key, sent, now=now, nonce=nonce))

    def _read(self, response: httpx2.Response, deadline: float) -> str:
        if response.status_code in _BUSY:
            raise SourceError(Fault.BUSY)
        if response.is_server_error:
            raise SourceError(Fault.UNREACHABLE)
        if response.is_client_error:
            raise SourceError(Fault.REFUSED)
        if not response.is_success or "content-encoding" in response.headers:
            raise SourceError(Fault.UNREADABLE)
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise SourceError(Fault.UNREADABLE)
            # A source that drips keeps each single read within its time.
            if self._monotonic() > deadline:
                raise SourceError(Fault.TIMED_OUT)
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise SourceError(Fault.UNREADABLE) from None

    def _evidence(
        self, question: Question, readings: list[Reading | None], raw: str, now: Instant
    ) -> Evidence:
        told = [each for each in readings if each is not None]
        if not told:
            # It can't be asked at this depth, which says nothing on the enterprise.
            return Evidence(self.name, now, Entry(NOT_TOLD), frozenset())
        first = told[0]
        times = [from_datetime(each.retrieved_at) for each in told if each.retrieved_at]
        retrieved = min([*times, now])
        if not all(each.found for each in told):
            return Evidence(self.name, retrieved, None, frozenset(), raw)
        theirs = _code(first.code) if first.code else question.code
        if theirs != question.code:
            # It answered about another: all that this tells is whose title it is.
            same = comparable(first.registration.title) == comparable(question.title)
            codes = frozenset({theirs} if same else ())
            return Evidence(self.name, retrieved, None, codes, raw)
        flags = {
            element: all(each.flags[element] for each in told)
            for element in ("code", "title")
            if all(element in each.flags for each in told)
        }
        people = tuple(map(_person, question.people, readings))
        entry = Entry(first.registration, people, flags)
        return Evidence(self.name, retrieved, entry, frozenset({question.code}), raw)


def _person(asked: PersonAsked, reading: Reading | None) -> PersonAnswer:
    if reading is None:
        return PersonAnswer()
    known = {comparable(each) for each in reading.people}
    agrees = reading.flags.get("representative")
    if agrees is None and known:
        agrees = comparable(asked.person) in known
    return PersonAnswer(agrees, reading.flags.get("representative_id_number"))


def _code(text: str) -> UnifiedCode:
    try:
        return UnifiedCode.parse(text)
    except CodeError:
        raise SourceError(Fault.UNREADABLE) from None
