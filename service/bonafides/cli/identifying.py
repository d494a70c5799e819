"""The commands about drafts and about what is open, each one call of the client.

bonafides requirements 91990000MA00000011
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from bonafides.cli import claims_file
from bonafides.cli import rendering_identified as rendering
from bonafides.cli.answering import answered, listing
from bonafides.cli.commands import Code, app, loaded
from bonafides.cli.faults import AnswerLostError
from bonafides.cli.submission_view import submission
from bonafides.client import RemoteError

T = TypeVar("T")
File = Annotated[str, typer.Argument(help="JSON file; - is standard input.")]
DraftName = Annotated[str, typer.Argument(help="enterprises/CODE/drafts/UID")]
RequestId = Annotated[
    str | None, typer.Option(help="UUID; the same again repeats a call, done once.")
]


@app.command()
def requirements(context: typer.Context, code: Code) -> None:
    """Shows what you must do, and what is being checked.

    All of it to who acts for the enterprise; to others what is about their own submissions.
    """
    listing(
        context,
        "requirements",
        lambda client: client.identities.requirements(code),
        rendering.requirements,
    )


@app.command()
def amend(context: typer.Context, code: Code, file: File, *, request_id: RequestId = None) -> None:
    """Announces what changed of your enterprise.

    The file holds bonafides.v1.Amendment in protobuf's JSON mapping: the changed fields alone.
    """
    changes = claims_file.read_changes(loaded(file))
    asked = request_id or str(uuid.uuid4())
    answered(
        context,
        lambda client: _sent(lambda: client.identities.amend(code, changes, asked), asked),
        submission,
    )


@app.command()
def prefill(
    context: typer.Context, code: Code, file: File, *, request_id: RequestId = None
) -> None:
    """Drafts a submission for an enterprise, as a platform.

    The file holds bonafides.v1.Prefill in protobuf's JSON mapping. Hand the draft's name to
    the enterprise.
    """
    filled = claims_file.read_prefill(loaded(file))
    asked = request_id or str(uuid.uuid4())
    answered(
        context,
        lambda client: _sent(lambda: client.identities.create_draft(code, filled, asked), asked),
        rendering.draft,
    )


@app.command()
def draft(context: typer.Context, name: DraftName) -> None:
    """Shows a draft, and who supplied what.

    To that platform, to who is to confirm it, and to staff.
    """
    answered(context, lambda client: client.identities.get_draft(name), rendering.draft)


@app.command("delete-draft")
def delete_draft(context: typer.Context, name: DraftName) -> None:
    """Takes back, as the platform that made it, a draft.

    As long as nobody confirmed it.
    """
    answered(context, lambda client: client.identities.delete_draft(name), rendering.draft)


@app.command("confirm-draft")
def confirm_draft(
    context: typer.Context, name: DraftName, file: File, *, request_id: RequestId = None
) -> None:
    """Confirms a draft with what it lacks, and has it verified.

    The file holds bonafides.v1.DraftSupplement in protobuf's JSON mapping.
    """
    given = claims_file.read_supplement(loaded(file))
    asked = request_id or str(uuid.uuid4())
    answered(
        context,
        lambda client: _sent(lambda: client.identities.confirm_draft(name, given, asked), asked),
        submission,
    )


def _sent(call: Callable[[], T], request_id: str) -> T:
    """Returns the answer; one that was lost is told with the id that repeats the call."""
    try:
        return call()
    except RemoteError as error:
        if error.code.name in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
            raise AnswerLostError(error, request_id) from error
        raise
