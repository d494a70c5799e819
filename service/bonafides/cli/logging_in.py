"""The commands by which a person logs in and out.

bonafides login 91990000MA00000011        # sandbox: as its owner; without a code, as a visitor
bonafides login --issuer https://login.example.com
bonafides logout
"""

from __future__ import annotations

import sys
import time
import webbrowser
from typing import Annotated, Final

import typer
from rich.text import Text

from bonafides.cli import login_file
from bonafides.cli.commands import DataDir, Environment, app, code_of, minted, settings_of
from bonafides.cli.faults import CommandError
from bonafides.cli.login_file import Login
from bonafides.cli.session import Session, console
from bonafides.settings import Settings

# The longest that the sandbox's issuer makes.
_MINUTES: Final = 60
_VISITOR: Final = "visitor"
_PROVIDER_CLIENT: Final = "bonafides-cli"


@app.command()
def login(
    context: typer.Context,
    code: Annotated[
        str | None,
        typer.Argument(help="In a sandbox: the enterprise to act for; left out: none, a visitor."),
    ] = None,
    *,
    issuer: Annotated[
        str | None,
        typer.Option(
            envvar="BONAFIDES_LOGIN_ISSUER",
            help="OpenID Connect provider, by its https address; unset: the sandbox's own.",
        ),
    ] = None,
    login_client_id: Annotated[
        str,
        typer.Option(
            envvar="BONAFIDES_LOGIN_CLIENT_ID", help="What the command line is called there."
        ),
    ] = _PROVIDER_CLIENT,
    resource: Annotated[
        str,
        typer.Option(
            envvar="BONAFIDES_LOGIN_RESOURCE",
            help="What the service is called there, if the provider wants to know (RFC 8707).",
        ),
    ] = "",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Show the address alone; open no browser.")
    ] = False,
    data_dir: DataDir = None,
    environment: Environment = None,
) -> None:
    """Logs in, for the commands that follow.

    At a provider in your browser; in a sandbox with no proof at all. The access token is
    kept in a file of yours, for this server alone, until it ends or you log out.
    """
    session: Session = context.obj
    session.require_no_credential()
    settings = settings_of(data_dir=data_dir, environment=environment)
    named = None if code is None else code_of(code)
    if issuer is not None:
        told = (issuer.rstrip("/"), login_client_id, resource)
        made = _by_provider(told, named, opening=not no_browser)
    else:
        made = _in_sandbox(settings, named)
    # A token that the service doesn't take is said to be bad now, and not kept.
    with session.client(token=made.token) as client:
        client.consents.agreements()
    login_file.keep(session.server, made)
    minutes = round((made.expires_at - time.time()) / 60)
    if session.as_json:
        session.document({"server": session.server, "who": made.who, "minutes": minutes})
    else:
        session.show(Text(f"Logged in to {session.server} as {made.who}, for {minutes} minutes."))


@app.command()
def logout(context: typer.Context) -> None:
    """Logs out: forgets the access token.

    It stays good until it ends; a login in your browser is not ended.
    """
    session: Session = context.obj
    ended = login_file.forget(session.server)
    if session.as_json:
        session.document({"server": session.server, "logged_out": ended})
    else:
        told = "Logged out of" if ended else "Nobody was logged in to"
        session.show(Text(f"{told} {session.server}."))


def _in_sandbox(settings: Settings, code: str | None) -> Login:
    """Returns a login by the sandbox's own issuer, as the website's: one and the same person."""
    if settings.environment == "live":
        raise CommandError(
            "Live lets nobody in without a provider.",
            "Name the OpenID Connect provider: --issuer, or BONAFIDES_LOGIN_ISSUER.",
        )
    owner = code is not None
    subject = f"sandbox-owner-{code}" if owner else "sandbox-visitor"
    owns = [code] if owner else []
    token = minted(settings, _MINUTES, subject=subject, kind="member", owns=owns)
    who = f"the owner of {code}" if owner else "a visitor"
    return Login(token, who, time.time() + 60 * _MINUTES)


def _by_provider(named: tuple[str, str, str], code: str | None, *, opening: bool) -> Login:
    # HTTP is loaded by this command alone: the others start quicker.
    from bonafides.cli import provider  # noqa: PLC0415

    issuer, client_id, resource = named
    hint = ""
    if provider.is_loopback(issuer):
        # A sandbox's: it lets in whoever asks, as whom they say.
        hint = _VISITOR if code is None else f"owner:{code}"
    elif code is not None:
        raise typer.BadParameter("Leave CODE out: the provider says who you are.")

    def show(address: str) -> None:
        shown = console(sys.stderr)
        shown.print("Log in by this address:", markup=False)
        shown.print(address, markup=False, soft_wrap=True)
        if opening:
            webbrowser.open(address)

    told = provider.Provider(issuer, client_id, hint, resource)
    token, seconds = provider.log_in(told, show)
    return Login(token, f"whom {issuer} let in", time.time() + seconds)
