"""The commands of platforms, and of those who answer them.

bonafides platform batch 91990000MA00000011 91990000MA00000020 --purpose eligibility
bonafides platform decide 91990000MA00000011 admitted --purpose eligibility --reason TERMS_MET
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from bonafides.cli import rendering_platforms as rendering
from bonafides.cli.answering import answered, each_of, listed, listing
from bonafides.cli.commands import Code, app
from bonafides.cli.options import Purpose, moment_of, purpose_of
from bonafides.cli.session import Session, content
from bonafides.client.requests import RestsOn
from bonafides.v1 import platform_pb2

InquiryName = Annotated[str, typer.Argument(help="enterprises/CODE/inquiries/UID")]
PlatformName = Annotated[str, typer.Argument(help="The platform, for example 1688.")]
Whose = Annotated[str, typer.Argument(help="A code; - is every enterprise of your platform's.")]

platform = typer.Typer(help="What platforms read in bulk, decide and ask.")
app.add_typer(platform, name="platform")


@platform.command("batch")
def platform_batch(context: typer.Context, codes: list[str], *, purpose: Purpose = None) -> None:
    """Shows up to 50 archives, each with its own status."""
    listing(
        context,
        "answers",
        lambda client: client.platforms.batch(codes, purpose=purpose_of(purpose)),
        rendering.answers,
    )


@platform.command("changed")
def platform_changed(
    context: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option(help="A day or a time, as of `archive --as-of`; else all.")
    ] = None,
    purpose: Purpose = None,
) -> None:
    """Shows what changed among the enterprises that your platform reads."""
    session: Session = context.obj
    begun = None if since is None else moment_of(since, "--since")
    with session.client() as client:
        found = client.platforms.changed(begun, purpose=purpose_of(purpose))
    listed(session, "changes", found.archives, rendering.changes(found.archives))


@platform.command("decide")
def platform_decide(
    context: typer.Context,
    code: Code,
    outcome: Annotated[
        Literal["admitted", "refused", "limited", "ended"],
        typer.Argument(help="What your platform decided."),
    ],
    *,
    reason: Annotated[str, typer.Option(help="A code of your own; the enterprise reads it.")],
    purpose: Purpose = None,
    etag: Annotated[str, typer.Option(help="Of the archive that it rests on.")] = "",
    request_id: Annotated[
        str | None, typer.Option(help="UUID; the same again repeats a call, changing once.")
    ] = None,
) -> None:
    """Records what your platform decided; it has no effect here."""
    taken = platform_pb2.PlatformDecision.Outcome.Value(f"OUTCOME_{outcome.upper()}")
    answered(
        context,
        lambda client: client.platforms.decide(
            code,
            taken,
            purpose=purpose_of(purpose),
            reason=reason,
            rests_on=RestsOn(archive_etag=etag),
            request_id=request_id,
        ),
        each_of(rendering.decisions),
    )


@platform.command("decisions")
def platform_decisions(context: typer.Context, code: Whose = "-") -> None:
    """Shows what platforms decided: your own, or about your enterprise."""
    listing(
        context, "decisions", lambda client: client.platforms.decisions(code), rendering.decisions
    )


@platform.command("ask")
def platform_ask(
    context: typer.Context,
    code: Code,
    kind: Annotated[
        Literal["document", "explanation", "update"], typer.Argument(help="What you ask for.")
    ],
    text: Annotated[str, typer.Argument(help="The same in words, without a person's data.")],
    *,
    until: Annotated[str, typer.Option(help="A day or a time; at most 90 days from now.")],
    request_id: Annotated[
        str | None, typer.Option(help="UUID; the same again repeats a call, changing once.")
    ] = None,
) -> None:
    """Asks an enterprise for more, as a platform."""
    wanted = platform_pb2.Inquiry.Kind.Value(f"KIND_{kind.upper()}")
    answered(
        context,
        lambda client: client.platforms.ask(
            code, wanted, text, deadline=moment_of(until, "--until"), request_id=request_id
        ),
        each_of(rendering.inquiries),
    )


@platform.command("inquiries")
def platform_inquiries(context: typer.Context, code: Whose = "-") -> None:
    """Shows what platforms asked: your own, or your enterprise."""
    listing(
        context, "inquiries", lambda client: client.platforms.inquiries(code), rendering.inquiries
    )


@platform.command("answer")
def platform_answer(
    context: typer.Context,
    name: InquiryName,
    answer: Annotated[str, typer.Argument(help="In words, without a person's data.")] = "",
    *,
    document: Annotated[
        Path | None, typer.Option(help="A copy that you uploaded; its SHA-256 is told.")
    ] = None,
) -> None:
    """Answers a platform, for your enterprise."""
    digest = b""
    if document is not None:
        digest = hashlib.sha256(content(document, "--document")).digest()
    answered(
        context,
        lambda client: client.platforms.answer(name, answer, document_sha256=digest),
        each_of(rendering.inquiries),
    )


@platform.command("close")
def platform_close(context: typer.Context, name: InquiryName) -> None:
    """Closes an inquiry of your platform's own."""
    answered(context, lambda client: client.platforms.close(name), each_of(rendering.inquiries))


@platform.command("set-mask")
def platform_set_mask(
    context: typer.Context,
    name: PlatformName,
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Fields of Archive, for example rating; none withholds nothing more."),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept for good.")],
) -> None:
    """Sets what a platform is not shown, as staff."""
    answered(
        context,
        lambda client: client.platforms.set_mask(name, paths or [], reason=reason),
        each_of(rendering.masks),
    )


@platform.command("mask")
def platform_mask(context: typer.Context, name: PlatformName) -> None:
    """Shows what a platform is not shown: to staff, and to the platform itself."""
    answered(context, lambda client: client.platforms.mask(name), each_of(rendering.masks))


@platform.command("masks")
def platform_masks(context: typer.Context, name: PlatformName) -> None:
    """Shows every mask that a platform had, as staff."""
    listing(context, "masks", lambda client: client.platforms.masks(name), rendering.masks)
