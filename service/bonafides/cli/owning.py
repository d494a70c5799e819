"""The commands about who acts for an enterprise, each one call of the client.

bonafides claim enterprises/91990000MA00000011/submissions/UID
bonafides confirm enterprises/91990000MA00000011/ownershipClaims/UID 12345678
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bonafides.cli import rendering_agreed as rendering
from bonafides.cli.answering import answered, each_of, listing
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
    answered(context, lambda client: client.ownership.claim(submission), each_of(rendering.claims))


@app.command()
def confirm(
    context: typer.Context,
    name: ClaimName,
    code: Annotated[str, typer.Argument(help="The code that was sent, 8 digits.")],
) -> None:
    """Gives the one-time code of a claim."""
    answered(
        context, lambda client: client.ownership.confirm(name, code), each_of(rendering.claims)
    )


@app.command()
def claimed(context: typer.Context, name: ClaimName) -> None:
    """Shows where a claim stands."""
    answered(context, lambda client: client.ownership.get(name), each_of(rendering.claims))


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
    listing(context, "claims", lambda client: client.ownership.disputes(), rendering.claims)


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
    answered(
        context,
        lambda client: client.ownership.decide(name, granted=outcome == "grant"),
        each_of(rendering.claims),
    )


@app.command()
def members(context: typer.Context, code: Code) -> None:
    """Shows who acts for an enterprise, and who did."""
    listing(context, "members", lambda client: client.ownership.members(code), rendering.members)


@app.command()
def invite(
    context: typer.Context,
    code: Code,
    role: Annotated[Literal["owner", "staff"], typer.Argument(help="What the other may do.")],
) -> None:
    """Invites somebody to act for an enterprise.

    Hand the code that is shown to whom you mean; it is good once.
    """
    answered(
        context,
        lambda client: client.ownership.invite(code, owner=role == "owner"),
        rendering.invitation,
    )


@app.command()
def join(
    context: typer.Context,
    code: Code,
    invitation: Annotated[str, typer.Argument(help="The invitation's code.")],
) -> None:
    """Takes an invitation up."""
    answered(
        context, lambda client: client.ownership.join(code, invitation), each_of(rendering.members)
    )


@app.command()
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="enterprises/CODE/members/UID")],
) -> None:
    """Removes a member, at once."""
    answered(context, lambda client: client.ownership.remove(name), each_of(rendering.members))


@app.command()
def notices(context: typer.Context, code: Code) -> None:
    """Shows what those who act for an enterprise are told."""
    listing(context, "notices", lambda client: client.ownership.notices(code), rendering.notices)
