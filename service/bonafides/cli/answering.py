"""Calls the service, and prints what it answers.

Rendered for people, or as one document for programs; what a command does beside that is
its own affair.

    answered(context, lambda client: client.reviews.request(code), rendering.review)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import RenderableType

from bonafides.cli.session import Session
from bonafides.client import Client

M = TypeVar("M", bound=Message)


def answered(
    context: typer.Context, call: Callable[[Client], M], rendered: Callable[[M], RenderableType]
) -> None:
    """Calls, and prints the answer: rendered for people, or as a document for programs."""
    session: Session = context.obj
    with session.client() as client:
        made = call(client)
    session.answer(made, rendered(made))


def listing(
    context: typer.Context,
    name: str,
    call: Callable[[Client], Sequence[M]],
    rendered: Callable[[Sequence[M]], RenderableType],
) -> None:
    """Calls, and prints the list that is the answer, under the name for programs."""
    session: Session = context.obj
    with session.client() as client:
        found = call(client)
    listed(session, name, found, rendered(found))


def each_of(rendered: Callable[[list[M]], RenderableType]) -> Callable[[M], RenderableType]:
    """Returns what lays one out as a list of one is."""
    return lambda one: rendered([one])


def listed(session: Session, name: str, found: Iterable[Message], rendered: RenderableType) -> None:
    """Prints a list: rendered for people, or one document for programs."""
    if session.as_json:
        told = [json_format.MessageToDict(row, preserving_proto_field_name=True) for row in found]
        session.document({name: told})
    else:
        session.show(rendered)
