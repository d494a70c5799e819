"""The commands about consents and agreements, each one call of the client.

bonafides agreements
bonafides grant 91990000MA00000011 RATE --document consent.pdf
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Annotated, Final

import typer

from bonafides.cli import rendering_agreed as rendering
from bonafides.cli.answering import answered, each_of, listed, listing
from bonafides.cli.commands import Code, app
from bonafides.cli.options import moment_of
from bonafides.cli.session import Session, content
from bonafides.v1 import enterprise_pb2

PurposeName = Annotated[str, typer.Argument(help="Purpose, as `bonafides agreements` lists it.")]
Platform = Annotated[str, typer.Argument(help="The platform, for example 1688.")]
_PREFIX: Final = "PURPOSE_"


@app.command()
def agreements(
    context: typer.Context,
    code: Annotated[
        str | None, typer.Argument(help="With a code: what was assented to for the enterprise.")
    ] = None,
) -> None:
    """Shows the agreements, notices and texts of consent.

    Texts to everybody; what was assented to for an enterprise to who acts for it.
    """
    session: Session = context.obj
    with session.client() as client:
        if code is not None:
            assents = client.consents.assents(code)
            listed(session, "assents", assents, rendering.assents(assents))
            return
        texts = client.consents.agreements()
    listed(session, "texts", texts, rendering.texts(texts))


@app.command()
def assent(
    context: typer.Context,
    code: Code,
    kind: Annotated[str, typer.Argument(help="SERVICE_AGREEMENT or PRIVACY_NOTICE.")],
    version: Annotated[str, typer.Argument(help="The version that you read.")],
) -> None:
    """Assents to a version of an agreement for an enterprise."""
    answered(
        context,
        lambda client: client.consents.assent(code, kind, version),
        each_of(rendering.assents),
    )


@app.command()
def consents(context: typer.Context, code: Code) -> None:
    """Shows what was agreed to, and what was taken back.

    All of it to who acts for the enterprise; to others what is about their own submissions.
    """
    listing(context, "consents", lambda client: client.consents.ledger(code), rendering.consents)


@app.command()
def grant(
    context: typer.Context,
    code: Code,
    purpose: PurposeName,
    *,
    document: Annotated[
        Path, typer.Option(help="Document that proves it; its SHA-256 is sent, not the file.")
    ],
    granted: Annotated[
        str | None, typer.Option(help="When the person agreed, ISO 8601; unset: now.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="From when on it holds no more, ISO 8601; unset: never.")
    ] = None,
) -> None:
    """Grants one consent, of a person who was shown its text.

    One purpose at a time; `bonafides agreements` shows what is agreed to.
    """
    session: Session = context.obj
    digest = hashlib.sha256(content(document, "--document")).digest()
    with session.client() as client:
        text = next((t for t in client.consents.agreements() if t.kind == purpose), None)
        if text is None or f"{_PREFIX}{purpose}" not in enterprise_pb2.Purpose.keys():  # noqa: SIM118 - an enum wrapper is no mapping
            raise _no_such_purpose()
        made = client.consents.grant(
            code,
            text,
            evidence_sha256=digest,
            granted=dt.datetime.now(dt.UTC) if granted is None else moment_of(granted, "--granted"),
            expires=None if expires is None else moment_of(expires, "--expires"),
        )
    session.answer(made, rendering.consents([made]))


@app.command()
def revoke(context: typer.Context, code: Code, purpose: PurposeName) -> None:
    """Takes a consent back, at once.

    Whatever rested on it is undone in the same step: archive, level, checks.
    """
    name = f"{_PREFIX}{purpose}"
    if name not in enterprise_pb2.Purpose.keys():  # noqa: SIM118 - an enum wrapper is no mapping
        raise _no_such_purpose()
    listing(
        context,
        "consents",
        lambda client: client.consents.revoke(code, enterprise_pb2.Purpose.Value(name)),
        rendering.consents,
    )


@app.command()
def platforms(context: typer.Context, code: Code) -> None:
    """Shows the platforms whose records may be used.

    To who acts for the enterprise, and to staff.
    """
    listing(
        context, "platforms", lambda client: client.consents.platforms(code), rendering.platforms
    )


@app.command()
def authorize(context: typer.Context, code: Code, platform: Platform) -> None:
    """Lets the service use what a platform reports."""
    answered(
        context,
        lambda client: client.consents.authorize_platform(code, platform),
        each_of(rendering.platforms),
    )


@app.command()
def unauthorize(context: typer.Context, code: Code, platform: Platform) -> None:
    """Takes a platform's authorization back, at once.

    Its section is gone from archive and level.
    """
    answered(
        context,
        lambda client: client.consents.revoke_platform(code, platform),
        each_of(rendering.platforms),
    )


def _no_such_purpose() -> typer.BadParameter:
    return typer.BadParameter("PURPOSE must be one that `bonafides agreements` lists.")
