"""The commands about integrators, each one call of the client.

bonafides requested https://SITE/authorize/URL_CODE
bonafides authorize-app 91990000MA00000011 URL_CODE --scope archive.read --days 90
bonafides agent-token AUTHORIZATION_CODE
"""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.console import Group
from rich.text import Text

from bonafides.cli import rendering_integrators as rendering
from bonafides.cli.answering import answered, each_of, listing
from bonafides.cli.commands import Code, app
from bonafides.cli.session import Session

Link = Annotated[str, typer.Argument(help="The integrator's link, or the code at its end.")]
Name = Annotated[str, typer.Argument(help="enterprises/CODE/integrators/UID")]
Parent = Annotated[str, typer.Argument(help="enterprises/CODE or applications/CLIENT_ID")]
Scopes = Annotated[
    list[str],
    typer.Option("--scope", help="A scope, for example archive.read; once for each."),
]
_A_QUARTER: Final = 90


@app.command("request-link")
def request_link(context: typer.Context, *, scope: Scopes) -> None:
    """Makes a link by which enterprises authorize the integrator."""
    answered(context, lambda client: client.integrators.create_url(scope), rendering.link)


@app.command()
def requested(context: typer.Context, link: Link) -> None:
    """Shows who asks by a link, and for what."""
    answered(context, lambda client: client.integrators.get_url(link), rendering.link)


@app.command("authorize-app")
def authorize_app(
    context: typer.Context,
    code: Code,
    link: Link,
    *,
    scope: Scopes,
    days: Annotated[int, typer.Option(min=1, max=365, help="For how long.")] = _A_QUARTER,
) -> None:
    """Lets the application of a link act for an enterprise.

    Hand the code that is shown to the integrator; it is good once, for ten minutes.
    """
    answered(
        context,
        lambda client: client.integrators.authorize(code, link, scope, term_days=days),
        lambda given: Group(
            rendering.authorizations([given.authorization]),
            Text(f"Code for the integrator: {given.authorization_code}"),
        ),
    )


@app.command("agent-token")
def agent_token(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="The authorization code of the enterprise.")],
) -> None:
    """Fetches the agent token for an authorization code, once."""
    session: Session = context.obj
    with session.client() as client:
        fetched = client.integrators.exchange(code)
    if session.as_json:
        session.document(
            {"agent_token": fetched.agent_token, "authorization": fetched.authorization.name}
        )
    else:
        # Alone on its line, to be kept in a file.
        typer.echo(fetched.agent_token)


@app.command()
def integrators(context: typer.Context, parent: Parent) -> None:
    """Shows who may act for an enterprise, or whom one acts for."""
    listing(
        context,
        "authorizations",
        lambda client: client.integrators.authorizations(parent),
        rendering.authorizations,
    )


@app.command("agent-counts")
def agent_counts(context: typer.Context, parent: Parent) -> None:
    """Counts the authorizations of an enterprise or application."""
    answered(context, lambda client: client.integrators.statistics(parent), rendering.statistics)


@app.command("revoke-app")
def revoke_app(context: typer.Context, name: Name) -> None:
    """Takes an integrator's authorization back, or gives it up."""
    answered(
        context,
        lambda client: client.integrators.revoke(name),
        each_of(rendering.authorizations),
    )
