"""Script injection: markup in every text that the service can say, and in what is sent."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from contextlib import ExitStack
from html import escape
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

import bonafides.v1
from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.v1 import enterprise_pb2
from bonafides.web.app import PAGES
from bonafides.web.visits import Page
from tests import builders
from tests.serving import PROBE_KEY, Served, probing
from tests.webbing import Visitor, serving_website, visiting

CODE = builders.code().text
ARCHIVE = f"/enterprises/{CODE}"
PAYLOAD = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}"
SERVICES = [
    service
    for found in pkgutil.iter_modules(bonafides.v1.__path__)
    if found.name.endswith("_service_pb2")
    for service in importlib.import_module(
        f"bonafides.v1.{found.name}"
    ).DESCRIPTOR.services_by_name.values()
]
METHODS = {
    re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower(): method
    for service in SERVICES
    for method in service.methods
}
# What is one value on a page and holds no text that somebody wrote.
WHOLE = {
    Date.DESCRIPTOR.full_name: Date(year=2026, month=11, day=1),
    Timestamp.DESCRIPTOR.full_name: builders.stamp(builders.NOW),
}
TOKEN = "next_page_token"


def kinds_in(kind: Descriptor) -> Iterator[Descriptor]:
    """Yields the kind of message and every kind that may stand in it, each once."""
    seen = set[str]()
    todo = [kind]
    while todo:
        each = todo.pop()
        if each.full_name not in seen | WHOLE.keys():
            seen.add(each.full_name)
            yield each
            todo += [field.message_type for field in each.fields if field.message_type is not None]


def choices_in(kind: Descriptor) -> int:
    """Returns how many alternatives the widest choice in the message has; 1: there is none."""
    counts = [len(choice.fields) for each in kinds_in(kind) for choice in each.oneofs]
    return max(counts, default=1)


class Poisoner:
    """Answers every method with markup in every text.

    Of what can be set one at a time, `turn` says which is. `carried` and `answered` note
    the texts that had markup, and the messages that were answered.
    """

    def __init__(self) -> None:
        self.turn = 0
        self.refusing = False
        self.carried: set[str] = set()
        self.answered: list[Descriptor] = []

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise AttributeError(name)
        output = METHODS[name].output_type
        return lambda request, _call: self._answer(request, output)

    def _answer(self, request: Message, output: Descriptor) -> Message:
        if self.refusing:
            raise InvalidFieldsError((FieldViolation(PAYLOAD, "MARKUP", PAYLOAD),))
        self.answered.append(output)
        # A page that says there is another is followed to its end.
        last = bool(getattr(request, "page_token", ""))
        return self.poisoned(GetMessageClass(output)(), last=last)

    def poisoned(self, message: Message, *, last: bool = True) -> Message:
        """Fills every text of a message with markup, and everything else with something."""
        for field in message.DESCRIPTOR.fields:
            choice = field.containing_oneof
            chosen = choice is None or choice.fields[self.turn % len(choice.fields)] is field
            if not chosen or (field.name == TOKEN and last):
                continue
            held = getattr(message, field.name)
            if field.message_type is None:
                value = self._value(field)
                held.append(value) if field.is_repeated else setattr(message, field.name, value)
            elif field.message_type.full_name in WHOLE:
                held.CopyFrom(WHOLE[field.message_type.full_name])
            else:
                self.poisoned(held.add() if field.is_repeated else held)
        return message

    def _value(self, field: Any) -> Any:
        if field.type == field.TYPE_STRING:
            self.carried.add(field.full_name)
        kinds = {field.TYPE_STRING: PAYLOAD, field.TYPE_BYTES: b"x", field.TYPE_BOOL: True}
        return kinds.get(field.type, 1)


class Markup(HTMLParser):
    """Notes what of a page would run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "img", "iframe", "object", "embed", "style", "base"}:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}")
            if (value or "").strip().lower().startswith(("javascript:", "data:")):
                self.found.append(f"{tag} {name}={value}")


def require_plain(answer: httpx2.Response) -> None:
    """Checks that nothing of the page would run, and that no template ran what it was given."""
    markup = Markup()
    markup.feed(answer.text)
    assert markup.found == [], answer.url
    assert "49" not in re.findall(r"\{\{.*?\}\}|\$\{.*?\}", answer.text)


@pytest.fixture
def poisoner() -> Poisoner:
    """A service that answers with markup everywhere."""
    return Poisoner()


@pytest.fixture
def poisoned_visitor(served: Served, poisoner: Poisoner) -> Iterator[Visitor]:
    """Who is logged in to a website of that service."""
    first, *more = SERVICES
    with probing(first, poisoner, more=more) as address, ExitStack() as stack:
        site = stack.enter_context(serving_website(served, server=address))
        # The probe believes another key than the sandbox's.
        object.__setattr__(site.site.signer, "_key", PROBE_KEY)
        visitor = stack.enter_context(visiting(site))
        visitor.log_in(CODE)
        yield visitor


def path_of(page: Page) -> str:
    path = page.path.replace("{code:str}", CODE).replace("{uid:str}", "1")
    return path.replace("{link:str}", "a1")


# What makes the forms that answer with a page do so.
FORM = {
    "sure": "yes",
    "submission": f"enterprises/{CODE}/submissions/1",
    "scope.archive.read": "yes",
    "term": "90",
    "code": CODE,
    "wrong": PAYLOAD,
}


def looked_at(visitor: Visitor, prefix: str) -> Iterator[tuple[str, httpx2.Response]]:
    """Yields each page, and each form's answer, that shows something of the service."""
    csrf = visitor.csrf("/submit")
    for page in PAGES:
        path = path_of(page)
        if page.path in {"/", "/login", "/logout"}:
            continue
        if page.method == "GET":
            yield path, visitor.get(f"{prefix}{path}", params={"q": PAYLOAD})
        else:
            form = {**FORM, "csrf": csrf}
            yield path, visitor.post(f"{prefix}{path}", form, follow_redirects=False)


@pytest.mark.parametrize("language", ["", "/en"])
def test_markup_in_any_text_of_any_message_stays_text(
    poisoned_visitor: Visitor, poisoner: Poisoner, language: str
) -> None:
    shown, reaching = 0, dict[str, Descriptor]()
    turns = max(choices_in(method.output_type) for method in METHODS.values())
    assert turns > 1
    for poisoner.turn in range(turns):
        poisoner.answered.clear()
        for path, answer in looked_at(poisoned_visitor, language):
            # What a look-up leads to has markup for a code.
            assert answer.status_code in ({404} if path == "/look-up" else {200, 303, 400}), path
            require_plain(answer)
            if not answer.is_redirect:
                reaching |= {kind.full_name: kind for kind in poisoner.answered}
            poisoner.answered.clear()
            shown += answer.text.count(escape("<script>alert(1)</script>"))
    # Texts were shown, not dropped.
    assert shown > 200 * turns
    # And each text of each message that came to a page had markup in it.
    texts = {
        field.full_name
        for output in reaching.values()
        for kind in kinds_in(output)
        for field in kind.fields
        if field.type == field.TYPE_STRING
    }
    assert texts - poisoner.carried == set()
    assert enterprise_pb2.Money.DESCRIPTOR.fields_by_name["currency_code"].full_name in texts
    assert any("RecordTarget" in name for name in texts)


def test_markup_in_a_refusal_stays_text(poisoned_visitor: Visitor, poisoner: Poisoner) -> None:
    csrf = poisoned_visitor.csrf("/submit")
    poisoner.refusing = True
    shown = 0
    for page in PAGES:
        if page.path in {"/", "/login", "/logout"}:
            continue
        if page.method == "GET":
            answer = poisoned_visitor.get(path_of(page), params={"q": PAYLOAD})
        else:
            answer = poisoned_visitor.post(path_of(page), {**FORM, "csrf": csrf})
        require_plain(answer)
        shown += answer.text.count(escape("<script>alert(1)</script>"))
    assert shown > 20


def test_markup_in_what_a_visitor_sends_stays_text(visitor: Visitor) -> None:
    visitor.log_in(CODE)
    for path in ("/look-up", f"{ARCHIVE}/corrections", f"{ARCHIVE}/accesses", "/login"):
        for name in ("q", "target", "next", "page"):
            require_plain(visitor.get(path, params={name: PAYLOAD}))
    form = {"csrf": visitor.csrf(f"{ARCHIVE}/corrections"), "wrong": PAYLOAD, "target": PAYLOAD}
    require_plain(visitor.post(f"{ARCHIVE}/corrections", form))
