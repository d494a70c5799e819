"""The commands of `bonafides`, each one call of the client or of the server's start.

The options of `main` may stand before or after the command's name. Operators' work on
data is not here: it lives in scripts/.

    bonafides serve
    bonafides token member --subject alice > alice.token
    bonafides level 91990000MA00000011 --token-file alice.token
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import uuid
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from bonafides import settings as settings_rules
from bonafides.cli import claims_file, options, rendering, stores_view, submission_view
from bonafides.cli.answering import answered
from bonafides.cli.faults import AnswerLostError, CommandError
from bonafides.cli.options import Purpose, moment_of, purpose_of, write
from bonafides.cli.session import DEFAULT_SERVER, CommandLine, Session, content
from bonafides.client import DEFAULT_TIMEOUT_SECONDS, RemoteError
from bonafides.instants import from_datetime
from bonafides.settings import Settings, SettingsError
from bonafides.v1 import record_service_pb2

app = typer.Typer(
    cls=CommandLine,
    no_args_is_help=True,
    # A traceback with local variables would print tokens and personal values.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

Code = Annotated[str, typer.Argument(help="Unified social credit code, 18 characters.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of database and keys; else BONAFIDES_DATA_DIR.")
]
Environment = Annotated[
    str | None, typer.Option(help="sandbox or live; else BONAFIDES_ENVIRONMENT.")
]


@app.callback()
def main(
    context: typer.Context,
    *,
    server: options.Server = DEFAULT_SERVER,
    token: options.Token = None,
    token_file: options.TokenFile = None,
    agent_token: options.AgentToken = None,
    client_id: options.ClientId = None,
    key_file: options.KeyFile = None,
    root_certificates: options.RootCertificates = None,
    timeout: options.Timeout = DEFAULT_TIMEOUT_SECONDS,
    as_json: options.AsJson = False,
) -> None:
    """Checks who an enterprise is, keeps its archive, and gives it an integrity level.

    The level is not a credit rating. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
    """
    context.obj = Session(
        server=server,
        token=token,
        token_file=token_file,
        agent_token=agent_token,
        client_id=client_id,
        key_file=key_file,
        root_certificates=root_certificates,
        timeout_seconds=timeout,
        as_json=as_json,
    )


@app.command()
def serve(
    *,
    listen: Annotated[
        str | None, typer.Option(help="Address and port; else BONAFIDES_LISTEN.")
    ] = None,
    data_dir: DataDir = None,
    environment: Environment = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help="PEM certificate chain; else BONAFIDES_TLS_CERTIFICATE.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="PEM private key; else BONAFIDES_TLS_KEY.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads that run calls; else BONAFIDES_THREADS.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that serve the port together; else BONAFIDES_WORKERS."),
    ] = None,
    models_dir: Annotated[
        Path | None, typer.Option(help="Folder of scorecards; else BONAFIDES_MODELS_DIR.")
    ] = None,
) -> None:
    """Serves gRPC until SIGTERM or Ctrl-C.

    An option wins over its BONAFIDES_* variable; docs/operations.md lists every setting.
    """
    # The server's rooms are loaded by this command alone: the others start quicker.
    from bonafides import server  # noqa: PLC0415
    from bonafides.rating.scorecard import ScorecardError  # noqa: PLC0415 - as above

    settings = settings_of(
        listen=listen,
        data_dir=data_dir,
        environment=environment,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        threads=threads,
        workers=workers,
        models_dir=models_dir,
    )
    try:
        server.serve(settings)
    except ScorecardError as error:
        raise CommandError(
            f"The scorecard can't be used: {error}.",
            "Mend or restore it, or name another folder in BONAFIDES_MODELS_DIR.",
        ) from error


@app.command()
def token(
    context: typer.Context,
    kind: Annotated[
        Literal["member", "owner", "platform", "operator"], typer.Argument(help="Whose token.")
    ],
    whose: Annotated[
        list[str] | None,
        typer.Argument(help="Of an owner: one or more codes. Of a platform: its name, as 1688."),
    ] = None,
    *,
    subject: Annotated[
        str, typer.Option(help="Who logs in: printable ASCII without blanks.")
    ] = "sandbox-user",
    minutes: Annotated[int, typer.Option(min=1, max=60, help="How long it lasts.")] = 30,
    data_dir: DataDir = None,
    environment: Environment = None,
) -> None:
    """Prints a new access token of the sandbox.

    A member is whoever is logged in, an owner acts for an enterprise, an operator is staff.
    """
    settings = settings_of(data_dir=data_dir, environment=environment)
    if settings.environment == "live":
        raise CommandError(
            "Live makes no access tokens of its own.",
            "Get one from an issuer that BONAFIDES_ISSUERS names.",
        )
    if not subject.isascii() or not subject.isprintable() or not subject or " " in subject:
        raise typer.BadParameter("--subject must be printable ASCII without blanks.")
    made = minted(settings, minutes, subject=subject, **_claims_of(kind, whose or []))
    session: Session = context.obj
    if session.as_json:
        session.document({"token": made, "kind": kind, "minutes": minutes})
    else:
        typer.echo(made)


@app.command()
def submit(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="JSON file of the claims; - is standard input.")],
    *,
    request_id: Annotated[
        str | None, typer.Option(help="UUID; the same again repeats a call, submitting once.")
    ] = None,
    license_copy: Annotated[
        Path | None, typer.Option(help="Copy of the licence; its SHA-256 is sent, not the file.")
    ] = None,
    authorization_document: Annotated[
        Path | None,
        typer.Option(help="Document of the authorizations; its SHA-256 is sent, not the file."),
    ] = None,
) -> None:
    """Submits an enterprise's identity.

    The file holds bonafides.v1.Claims in protobuf's JSON mapping.
    """
    session: Session = context.obj
    claims = claims_file.read(loaded(file))
    if license_copy is not None:
        claims.license.copy_sha256 = _sha256(license_copy, "--license-copy")
    if authorization_document is not None:
        digest = _sha256(authorization_document, "--authorization-document")
        for authorization in claims.authorizations:
            authorization.evidence_sha256 = digest
    request_id = request_id or str(uuid.uuid4())
    with session.client() as client:
        try:
            made = client.submit_identity(claims, request_id)
        except RemoteError as error:
            if error.code.name in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
                raise AnswerLostError(error, request_id) from error
            raise
    session.answer(made, submission_view.submission(made))


@app.command("upload-license")
def upload_license(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JPEG or PNG of the licence, at most 10 MiB.")],
    *,
    code: Annotated[str, typer.Option(help="Unified social credit code that it is for.")],
) -> None:
    """Uploads a copy of a business licence.

    Kept sealed, for the uploader and the enterprise itself alone; submissions name it by
    its SHA-256. The same file twice is stored once.
    """
    session: Session = context.obj
    with session.client() as client, session.progress("uploading") as progress:
        try:
            kept = client.upload_license(file, code, progress=progress)
        except OSError as error:
            message = f"can't read {file}: {error.strerror}. Name a file that is there."
            raise typer.BadParameter(message, param_hint="FILE") from error
    session.answer(kept, submission_view.document(kept))


@app.command()
def submission(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="enterprises/CODE/submissions/UID")],
) -> None:
    """Shows where a submission stands.

    To its submitter and to staff alone; others get the answer for an unknown one.
    """
    answered(context, lambda client: client.get_submission(name), submission_view.submission)


@app.command()
def archive(
    context: typer.Context,
    code: Code,
    *,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="As it was known at the end of this day in Shanghai, YYYY-MM-DD, or at this "
            "time in ISO 8601. For the enterprise itself and for staff."
        ),
    ] = None,
    purpose: Purpose = None,
) -> None:
    """Shows an enterprise's archive.

    Registration to anybody; level and business file to who is logged in; statistics and
    points to the enterprise itself.
    """
    session: Session = context.obj
    with session.client() as client:
        shown = client.get_archive(
            code,
            as_of=None if as_of is None else moment_of(as_of, "--as-of"),
            purpose=purpose_of(purpose),
        )
    session.answer(shown, rendering.archive(shown, logged_in=session.logged_in))


@app.command()
def describe(
    context: typer.Context,
    code: Code,
    file: Annotated[str, typer.Argument(help="JSON file of the description; - is standard input.")],
    *,
    request_id: Annotated[
        str | None, typer.Option(help="UUID; the same again repeats a call, changing once.")
    ] = None,
) -> None:
    """Replaces what an enterprise says of itself.

    For the enterprise itself. The file holds bonafides.v1.SelfDescription in protobuf's
    JSON mapping; an empty object takes back what was said.
    """
    session: Session = context.obj
    told = claims_file.read_self_description(loaded(file))
    told.name = f"enterprises/{code}/self-description"
    request_id = request_id or str(uuid.uuid4())
    with session.client() as client:
        try:
            stands = client.update_self_description(told, request_id)
        except RemoteError as error:
            if error.code.name in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
                raise AnswerLostError(error, request_id) from error
            raise
    session.answer(stands, rendering.self_description(stands))


@app.command()
def level(context: typer.Context, code: Code, *, purpose: Purpose = None) -> None:
    """Shows an enterprise's integrity level.

    To who is logged in. Not a credit rating and not meant for lending.
    """
    answered(
        context,
        lambda client: client.get_rating(code, purpose=purpose_of(purpose)),
        rendering.level,
    )


@app.command()
def explain(context: typer.Context, code: Code) -> None:
    """Shows how a level came about.

    Point by point, to the enterprise itself and to staff; others see the level.
    """
    answered(context, lambda client: client.get_rating(code), rendering.explained)


@app.command()
def stores(context: typer.Context, code: Code) -> None:
    """Shows an enterprise's stores.

    To the enterprise itself and to staff; to a platform its own.
    """
    answered(context, lambda client: client.list_stores(code), stores_view.stores)


@app.command()
def dispute(
    context: typer.Context,
    code: Code,
    platform: Annotated[str, typer.Argument(help="The platform that says so, such as 1688.")],
    link_id: Annotated[str, typer.Argument(help="The link's id, as `stores` shows it.")],
    *,
    ground: Annotated[
        Literal["not-ours", "wrong-dates", "other"], typer.Option(help="Why it is disputed.")
    ],
    evidence: Annotated[
        Path | None, typer.Option(help="Evidence; its SHA-256 is sent, not the file.")
    ] = None,
    request_id: Annotated[
        str | None, typer.Option(help="UUID; the same again repeats a call, disputing once.")
    ] = None,
) -> None:
    """Disputes whose a store is.

    Staff decide within 15 working days; until then the store is marked.
    """
    told = record_service_pb2.DisputeStoreRequest.Ground.Value(
        f"GROUND_{ground.upper().replace('-', '_')}"
    )
    digest = b"" if evidence is None else _sha256(evidence, "--evidence")
    answered(
        context,
        lambda client: client.dispute_store(
            code, platform, link_id, told, evidence_sha256=digest, request_id=request_id
        ),
        stores_view.store,
    )


@app.command()
def scorecard(
    context: typer.Context,
    version: Annotated[
        str, typer.Argument(help="Version; champion is the one that is served.")
    ] = "champion",
    *,
    output: Annotated[
        Path | None, typer.Option(help="Write the artifact, canonical JSON, to this file.")
    ] = None,
) -> None:
    """Shows a published scorecard.

    Open to everybody: with it anybody can recompute a level.
    """
    session: Session = context.obj
    with session.client() as client:
        shown = client.get_scorecard(version)
    if output is not None:
        write(output, shown.artifact)
    session.answer(shown, rendering.scorecard(shown))


def settings_of(**given: Any) -> Settings:
    """Returns the settings: options that were given, else variables, else defaults.

    Raises:
        typer.BadParameter: one of them is at fault.
    """
    try:
        return settings_rules.read(**given)
    except SettingsError as fault:
        raise typer.BadParameter(str(fault)) from None


def _claims_of(kind: str, whose: list[str]) -> dict[str, Any]:
    """Returns what a token says of its bearer; an owner is a member that owns codes."""
    match kind, whose:
        case "owner", [_, *_]:
            return {"kind": "member", "owns": [code_of(text) for text in whose]}
        case "owner", _:
            raise typer.BadParameter("Name the enterprise: bonafides token owner CODE.")
        case "platform", [platform] if _PLATFORM.fullmatch(platform):
            return {"kind": kind, "platform": platform}
        case "platform", _:
            raise typer.BadParameter("Name one platform: bonafides token platform 1688.")
        case _, [_, *_]:
            raise typer.BadParameter(f"A token of kind {kind} takes no name.")
        case _:
            return {"kind": kind}


def code_of(text: str) -> str:
    """Returns the code as the service writes it.

    Raises:
        typer.BadParameter: it is none.
    """
    # Tokens name codes as the service writes them, whatever the spelling here.
    from bonafides.identity.codes import CodeError, UnifiedCode  # noqa: PLC0415 - as above

    try:
        return UnifiedCode.parse(text).text
    except CodeError as fault:
        raise typer.BadParameter(f"CODE: {fault.description}") from None


def minted(settings: Settings, minutes: int, **claims: Any) -> str:
    """Returns an access token by the issuer of the sandbox whose key the settings name."""
    # Cryptography is loaded by this command alone: the others start quicker.
    from bonafides import keys  # noqa: PLC0415
    from bonafides.access import callers  # noqa: PLC0415

    return callers.mint(
        keys.load_or_create(settings).issuer_private_key,
        issuer=callers.SANDBOX_ISSUER,
        audience=settings.token_audience,
        ttl_seconds=60 * minutes,
        now=from_datetime(dt.datetime.now(dt.UTC)),
        **claims,
    )


def loaded(file: str) -> bytes:
    """Returns what the argument FILE names; "-" is standard input."""
    try:
        return claims_file.load(file)
    except OSError as error:
        message = f"can't read {file}: {error.strerror}. Name a file that is there, or -."
        raise typer.BadParameter(message, param_hint="FILE") from error


def _sha256(path: Path, option: str) -> bytes:
    return hashlib.sha256(content(path, option)).digest()
