"""Lays out applications, their keys and changes for people.

See `rendering` for the rules.

    console.print(application(found))
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from rich.console import Group, RenderableType

from bonafides.cli import layout
from bonafides.cli.figures import moment
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1 import application_pb2 as v1


def applications(shown: Iterable[v1.Application]) -> RenderableType:
    """Returns applications, one in a line."""
    return table_of(
        shown,
        ("Client id", lambda a: a.client_id),
        ("Title", lambda a: a.title),
        ("Role", _role),
        ("Product", _product),
        ("State", _state),
        ("Waits for", lambda a: ", ".join(a.missing_for_launch)),
        ("Made", lambda a: moment(a.create_time)),
    )


def application(shown: v1.Application) -> RenderableType:
    """Returns one application with all that is known of it."""
    trying = shown.sandbox_resources
    parts: list[RenderableType] = [
        layout.title(shown.title, shown.client_id),
        layout.facts(
            ("State", _state(shown)),
            ("Role", _role(shown)),
            ("Kind", v1.Application.Kind.Name(shown.kind).removeprefix("KIND_")),
            ("Product", _product(shown)),
            ("Country", shown.country_code),
            ("Test currency", shown.test_currency_code),
            ("Description", shown.description),
            ("Platform", shown.platform or None),
            ("E-mail", shown.masked_email or None),
            ("Notifications", shown.notification_url or None),
            ("Contract signed", layout.moment_of(shown, "contract_time")),
            ("Run passed", layout.moment_of(shown, "acceptance_time")),
            ("Launched", layout.moment_of(shown, "launch_time")),
            ("Launch waits for", ", ".join(shown.missing_for_launch) or None),
            ("Test enterprise", trying.test_enterprise or None),
            ("Test token", trying.test_token or None),
        ),
    ]
    if shown.pending_changes:
        parts += [layout.heading("Waiting for a code"), changes(shown.pending_changes)]
    return Group(*parts)


def changes(shown: Iterable[v1.ApplicationChange]) -> RenderableType:
    """Returns changes that wait for a code, or did."""
    kinds = v1.ApplicationChange
    return table_of(
        shown,
        ("Change", lambda c: c.name),
        ("Of", lambda c: kinds.Kind.Name(c.kind).removeprefix("KIND_")),
        ("To", lambda c: c.proposal),
        ("State", lambda c: kinds.State.Name(c.state).removeprefix("STATE_")),
        ("Until", lambda c: moment(c.expire_time)),
    )


def keys(shown: Iterable[v1.ApplicationKey]) -> RenderableType:
    """Returns keys."""
    states = v1.ApplicationKey.State
    return table_of(
        shown,
        ("Key", lambda k: k.name),
        ("Algorithm", lambda k: k.algorithm),
        ("State", lambda k: states.Name(k.state).removeprefix("STATE_")),
        ("From", lambda k: moment(k.begin_time)),
        ("Until", lambda k: moment(k.expire_time)),
        ("Revoked", lambda k: layout.moment_of(k, "revoke_time") or ""),
        ("Confirm by", lambda k: k.pending_change),
    )


def service_key(shown: v1.ServiceKey) -> str:
    """Returns the key as PEM, as files of keys hold it."""
    body = base64.encodebytes(shown.public_key).decode("ascii").strip()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"


def _state(shown: v1.Application) -> str:
    return v1.Application.State.Name(shown.state).removeprefix("STATE_")


def _role(shown: v1.Application) -> str:
    return v1.ApplicationRole.Name(shown.application_role).removeprefix("APPLICATION_ROLE_")


def _product(shown: v1.Application) -> str:
    return v1.Product.Name(shown.product).removeprefix("PRODUCT_")
