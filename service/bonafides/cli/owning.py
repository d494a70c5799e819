"""The commands about who acts for an enterprise, each one call of the client.

bonafides claim enterprises/91990000MA00000011/submissions/UID
bonafides confirm enterprises/91990000MA00000011/ownershipClaims/UID 12345678
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bonafides.cli import rendering_agreed as rendering
from bonafides.cli.agreeing import listed
from bonafides.cli.commands import Code, app
from bonafides.cli.session import Session

ClaimName = Annotated[str, typer.Argument(help="enterprises/CODE/ownershipClaims/UID")]


@app.command()
def claim(
    context: typer.Context,
    submission: Annotated[str, typer.Argument(help="enterprises/CODE/submissions/UID")],
) -> None:
    """Claims to act for an enterprise.

    By a verified submission of one's own. A one-time code goes to the contact on record;
    in the sandbox, to the folder outbox in the data folder.
    """
    session: Session = context.obj
    with session.client() as client:
        made = client.ownership.claim(submission)
    session.answer(made, rendering.claims([made]))


@app.command()
def confirm(
    context: typer.Context,
    name: ClaimName,
    code: Annotated[str, typer.Argument(help="The code that was sent, 8 digits.")],
) -> None:
    """Gives the one-time code of a claim."""
    session: Session = context.obj
    with session.client() as client:
        ended = client.ownership.confirm(name, code)
    session.answer(ended, rendering.claims([ended]))


@app.command()
def claimed(context: typer.Context, name: ClaimName) -> None:
    """Shows where a claim stands."""
    session: Session = context.obj
    with session.client() as client:
        found = client.ownership.get(name)
    session.answer(found, rendering.claims([found]))


@app.command()
def vouch(
    context: typer.Context,
    code: Code,
    issuer: Annotated[str, typer.Argument(help="Issuer of the login's tokens.")],
    subject: Annotated[str, typer.Argument(help="The login, as its issuer names it.")],
) -> None:
    """Vouches, as a platform, that a login acts for an enterprise."""
    session: Session = context.obj
    with session.client() as client:
        client.ownership.vouch(code, issuer=issuer, subject=subject)
    if session.as_json:
        session.document({"vouched": True})
    else:
        typer.echo("Noted, for 30 days.")


@app.command()
def disputes(context: typer.Context) -> None:
    """Shows the claims that staff have to decide."""
    session: Session = context.obj
    with session.client() as client:
        found = client.ownership.disputes()
    listed(session, "claims", found, rendering.claims(found))


@app.command()
def decide(
    context: typer.Context,
    name: ClaimName,
    outcome: Annotated[
        Literal["grant", "refuse"], typer.Argument(help="How the dispute is to end.")
    ],
) -> None:
    """Decides a dispute, together with another member of staff.

    The first proposes how it ends; it takes effect when another gives the same word.
    """
    session: Session = context.obj
    with session.client() as client:
        made = client.ownership.decide(name, granted=outcome == "grant")
    session.answer(made, rendering.claims([made]))


@app.command()
def members(context: typer.Context, code: Code) -> None:
    """Shows who acts for an enterprise, and who did."""
    session: Session = context.obj
    with session.client() as client:
        found = client.ownership.members(code)
    listed(session, "members", found, rendering.members(found))


@app.command()
def invite(
    context: typer.Context,
    code: Code,
    role: Annotated[Literal["owner", "staff"], typer.Argument(help="What the other may do.")],
) -> None:
    """Invites somebody to act for an enterprise.

    Hand the code that is shown to whom you mean; it is good once.
    """
    session: Session = context.obj
    with session.client() as client:
        made = client.ownership.invite(code, owner=role == "owner")
    session.answer(made, rendering.invitation(made))


@app.command()
def join(
    context: typer.Context,
    code: Code,
    invitation: Annotated[str, typer.Argument(help="The invitation's code.")],
) -> None:
    """Takes an invitation up."""
    session: Session = context.obj
    with session.client() as client:
        made = client.ownership.join(code, invitation)
    session.answer(made, rendering.members([made]))


@app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="enterprises/CODE/members/UID")],
) -> None:
    """Removes a member, at once."""
    session: Session = context.obj
    with session.client() as client:
        ended = client.ownership.remove(name)
    session.answer(ended, rendering.members([ended]))


@app.command()
def notices(context: typer.Context, code: Code) -> None:
    """Shows what those who act for an enterprise are told."""
    session: Session = context.obj
    with session.client() as client:
        found = client.ownership.notices(code)
    listed(session, "notices", found, rendering.notices(found))
