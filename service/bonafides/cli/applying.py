"""The commands about applications and their keys.

bonafides application create --role integrator --title "..." ...
bonafides application new-key app.pem
bonafides application key CLIENT_ID app.pem
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from google.protobuf.message import Message

from bonafides.cli import rendering_applied as rendering
from bonafides.cli.answering import answered, each_of, listing
from bonafides.cli.commands import app
from bonafides.cli.faults import CommandError
from bonafides.cli.session import Session, content
from bonafides.client import key_proofs
from bonafides.v1 import application_pb2 as v1

ClientId = Annotated[str, typer.Argument(help="As the application was given it: live-... .")]
KeyFile = Annotated[Path, typer.Argument(help="PEM file of the private key; it stays here.")]
Reason = Annotated[str, typer.Option(help="Why; kept for staff.")]

application = typer.Typer(help="Programs that call the service, and the keys they sign by.")
app.add_typer(application, name="application")


@application.command("create")
def application_create(
    context: typer.Context,
    *,
    role: Annotated[
        Literal["merchant", "acquirer", "integrator"], typer.Option(help="Whose integration.")
    ],
    title: Annotated[str, typer.Option(help="What it is called.")],
    kind: Annotated[Literal["web", "mobile", "server"], typer.Option(help="Where it runs.")],
    description: Annotated[str, typer.Option(help="What it does.")],
    country: Annotated[str, typer.Option(help="Two letters of ISO 3166; never changes.")],
    product: Annotated[
        Literal["integrity-archive", "identity-authentication", "record-reporting"],
        typer.Option(help="The one product; never changes."),
    ],
    currency: Annotated[str, typer.Option(help="The one test currency; never changes.")],
    email: Annotated[str, typer.Option(help="Where codes for changes are sent.")],
    notification_url: Annotated[str, typer.Option(help="https:// address; none: nowhere.")] = "",
) -> None:
    """Makes an application, which is yours and nobody else's."""
    answered(
        context,
        lambda client: client.applications.create(
            application_role=v1.ApplicationRole.Value(f"APPLICATION_ROLE_{role.upper()}"),
            title=title,
            kind=v1.Application.Kind.Value(f"KIND_{kind.upper()}"),
            description=description,
            country_code=country,
            product=v1.Product.Value(f"PRODUCT_{product.replace('-', '_').upper()}"),
            test_currency_code=currency,
            email=email,
            notification_url=notification_url,
        ),
        rendering.application,
    )


@application.command("list")
def application_list(context: typer.Context) -> None:
    """Lists your applications; to staff, all."""
    listing(
        context, "applications", lambda client: client.applications.list(), rendering.applications
    )


@application.command("show")
def application_show(context: typer.Context, client_id: ClientId) -> None:
    """Shows an application, and what its launch waits for."""
    answered(context, lambda client: client.applications.get(client_id), rendering.application)


@application.command("update")
def application_update(
    context: typer.Context,
    client_id: ClientId,
    *,
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    description: Annotated[str | None, typer.Option(help="What it does.")] = None,
    notification_url: Annotated[
        str | None, typer.Option(help="https:// address; empty: nowhere.")
    ] = None,
) -> None:
    """Changes an application. Once launched, another address waits for a code."""
    told = {"title": title, "description": description, "notification_url": notification_url}
    given = {name: value for name, value in told.items() if value is not None}
    wanted = v1.Application(
        name=f"applications/{client_id}",
        title=title or "",
        description=description or "",
        notification_url=notification_url or "",
    )
    answered(
        context, lambda client: client.applications.update(wanted, given), rendering.application
    )


@application.command("new-key")
def application_new_key(context: typer.Context, file: KeyFile) -> None:
    """Makes a private key in a file that only you can read; nothing is sent."""
    session: Session = context.obj
    key = key_proofs.new_key()
    try:
        # A file that is there is never written over: it may be the only copy of a key.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        message = f"can't write {file}: {error.strerror}."
        raise CommandError(message, "Name a file that is not there yet.") from None
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(key_proofs.to_pem(key))
    told = {"file": str(file), "thumbprint": key_proofs.thumbprint(key)}
    if session.as_json:
        session.document(told)
    else:
        typer.echo(f"{told['file']}: {told['thumbprint']}")


@application.command("key")
def application_key(
    context: typer.Context,
    client_id: ClientId,
    file: KeyFile,
    *,
    begin: Annotated[dt.datetime | None, typer.Option(help="From when, UTC; none: now.")] = None,
    expire: Annotated[dt.datetime | None, typer.Option(help="Until when; none: a year.")] = None,
) -> None:
    """Registers a key: sends its public half, and the proof that you hold the other."""
    try:
        key = key_proofs.from_pem(content(file, "FILE"))
    except key_proofs.KeyUnusableError as fault:
        raise typer.BadParameter(f"{fault}.", param_hint="FILE") from None
    answered(
        context,
        lambda client: client.applications.register_key(client_id, key, begin=begin, expire=expire),
        each_of(rendering.keys),
    )


@application.command("keys")
def application_keys(context: typer.Context, client_id: ClientId) -> None:
    """Lists the keys of an application."""
    listing(context, "keys", lambda client: client.applications.keys(client_id), rendering.keys)


@application.command("revoke-key")
def application_revoke_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="applications/CLIENT_ID/keys/THUMBPRINT")],
) -> None:
    """Revokes a key: what it signs counts no more."""
    answered(context, lambda client: client.applications.revoke_key(name), each_of(rendering.keys))


@application.command("confirm")
def application_confirm(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="applications/CLIENT_ID/changes/UID")],
    code: Annotated[str, typer.Argument(help="The code that was sent, eight digits.")],
) -> None:
    """Brings a change about by the code that was sent to the registered e-mail."""
    answered(
        context, lambda client: client.applications.confirm(name, code), each_of(rendering.changes)
    )


@application.command("contract")
def application_contract(
    context: typer.Context,
    client_id: ClientId,
    *,
    reference: Annotated[str, typer.Option(help="What the contract is filed under.")],
    signed: Annotated[dt.datetime, typer.Option(help="When it was signed, UTC.")],
    platform: Annotated[str, typer.Option(help="The platform; none for an integrator.")] = "",
) -> None:
    """Records a signed contract, as staff of live."""
    answered(
        context,
        lambda client: client.applications.record_contract(
            client_id, reference=reference, signed=signed, platform=platform
        ),
        rendering.application,
    )


@application.command("passed")
def application_passed(
    context: typer.Context,
    client_id: ClientId,
    report: Annotated[Path, typer.Argument(help="The report of the acceptance run.")],
) -> None:
    """Records a passed acceptance run, as staff of the sandbox; the report stays here."""
    digest = hashlib.sha256(content(report, "REPORT")).digest()
    answered(
        context,
        lambda client: client.applications.record_acceptance(client_id, digest),
        rendering.application,
    )


@application.command("statement")
def application_statement(
    context: typer.Context,
    client_id: ClientId,
    live_client_id: Annotated[str, typer.Argument(help="The client id in live: live-... .")],
) -> None:
    """Has the sandbox state that the application passed, for its counterpart in live."""
    session: Session = context.obj
    with session.client() as client:
        made = client.applications.issue_acceptance(client_id, live_client_id)
    _print(session, made, made.statement)


@application.command("present")
def application_present(
    context: typer.Context,
    client_id: ClientId,
    file: Annotated[Path, typer.Argument(help="The statement, as the sandbox printed it.")],
) -> None:
    """Brings the sandbox's statement to live."""
    statement = content(file, "FILE").decode("utf-8", "replace").strip()
    answered(
        context,
        lambda client: client.applications.present_acceptance(client_id, statement),
        rendering.application,
    )


@application.command("launch")
def application_launch(context: typer.Context, client_id: ClientId) -> None:
    """Launches an application in live, with contract, acceptance and key."""
    answered(context, lambda client: client.applications.launch(client_id), rendering.application)


@application.command("suspend")
def application_suspend(
    context: typer.Context,
    client_id: ClientId,
    ground: Annotated[
        Literal["misuse", "key-compromised", "contract-ended", "requested"],
        typer.Argument(help="Why; the first two revoke its keys."),
    ],
    *,
    reason: Reason,
) -> None:
    """Stops an application at once, as staff."""
    name = f"SUSPENSION_GROUND_{ground.replace('-', '_').upper()}"
    answered(
        context,
        lambda client: client.applications.suspend(
            client_id, v1.SuspensionGround.Value(name), reason
        ),
        rendering.application,
    )


@application.command("resume")
def application_resume(context: typer.Context, client_id: ClientId, *, reason: Reason) -> None:
    """Takes a suspension back, as staff; revoked keys stay revoked."""
    answered(
        context, lambda client: client.applications.resume(client_id, reason), rendering.application
    )


@application.command("close")
def application_close(context: typer.Context, client_id: ClientId) -> None:
    """Ends an application for good, with its keys."""
    answered(context, lambda client: client.applications.close(client_id), rendering.application)


@application.command("service-key")
def application_service_key(context: typer.Context) -> None:
    """Prints the public key by which the server signs what it hands out, as PEM."""
    session: Session = context.obj
    with session.client() as client:
        found = client.applications.service_key()
    _print(session, found, rendering.service_key(found))


def _print(session: Session, message: Message, text: str) -> None:
    """Prints what goes into a file: laid out for people it would be broken into lines."""
    if session.as_json:
        session.answer(message, text)
    else:
        typer.echo(text)
