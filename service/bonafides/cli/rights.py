"""The commands about what is held of persons, and staff's queue.

bonafides holdings 91990000MA00000011
bonafides queue
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from bonafides.cli import rendering_rights as rendering
from bonafides.cli.answering import answered, each_of, listing
from bonafides.cli.commands import Code, app
from bonafides.cli.session import Session, content
from bonafides.v1 import rights_pb2

CaseName = Annotated[str, typer.Argument(help="enterprises/CODE/corrections/UID")]
Pseudonym = Annotated[
    Path, typer.Argument(help="File that holds the buyer's pseudonym, or - for standard input.")
]

queue = typer.Typer(help="What waits for staff: a list, one case, a ruling.")
app.add_typer(queue, name="queue")


@app.command()
def holdings(context: typer.Context, code: Code) -> None:
    """Shows what is held of the persons in your submissions.

    Masked, with the purposes for which it may be used and the sources that were asked.
    """
    answered(context, lambda client: client.rights.holdings(code), rendering.holdings)


@app.command()
def appeal(
    context: typer.Context,
    code: Code,
    target: Annotated[
        str,
        typer.Argument(
            help="fact:KIND[:ITEM], record:PLATFORM:KIND:ID, check:UID:CHECK or override:UID."
        ),
    ],
    *,
    wrong: Annotated[str, typer.Option(help="What is wrong.")],
    right: Annotated[str, typer.Option(help="What would be right.")],
    document: Annotated[
        Path | None, typer.Option(help="Document that proves it; its SHA-256 is sent.")
    ] = None,
) -> None:
    """Asks that something be corrected.

    A fact, a record, a check, or a level that people set. Until staff rule on it, it is
    marked as disputed. Past the 15th working day, what a platform or staff put in counts
    no more until they do.
    """
    digest = b""
    if document is not None:
        digest = hashlib.sha256(content(document, "--document")).digest()
    answered(
        context,
        lambda client: client.rights.correct(
            code, _target(code, target), wrong=wrong, right=right, evidence_sha256=digest
        ),
        each_of(rendering.corrections),
    )


@app.command()
def corrections(context: typer.Context, code: Code) -> None:
    """Shows the cases of correction of an enterprise."""
    listing(
        context,
        "corrections",
        lambda client: client.rights.corrections(code),
        rendering.corrections,
    )


@app.command()
def erase(
    context: typer.Context,
    submission: Annotated[str, typer.Argument(help="enterprises/CODE/submissions/UID")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask; there is no way back.")] = False,
) -> None:
    """Erases the personal values of a submission.

    Whatever rested on them ends: consents, verification, level.
    """
    if not yes:
        typer.confirm("Nobody can read the values again. Erase them?", abort=True)
    answered(context, lambda client: client.rights.erase(submission), rendering.erasure)


@app.command("erase-buyer")
def erase_buyer(
    context: typer.Context,
    pseudonym: Pseudonym,
) -> None:
    """Erases a buyer of your platform from its records.

    Totals stay.
    """
    session: Session = context.obj
    with session.client() as client:
        done = client.rights.erase_buyer(_pseudonym(pseudonym))
    if session.as_json:
        session.document({"records": done})
    else:
        typer.echo(f"Erased from {done} revisions of records.")


@app.command("buyer-holdings")
def buyer_holdings(context: typer.Context, pseudonym: Pseudonym) -> None:
    """Shows, as a platform, what is held of one of your buyers.

    With what it is used for. PSEUDONYM as of erase-buyer.
    """
    answered(
        context,
        lambda client: client.rights.buyer_holdings(_pseudonym(pseudonym)),
        rendering.buyer_holdings,
    )


@app.command("correct-buyer")
def correct_buyer(
    context: typer.Context,
    code: Code,
    kind: Annotated[str, typer.Argument(help="Kind of the record, such as transaction.")],
    record_id: Annotated[str, typer.Argument(help="Your platform's id of the record.")],
    pseudonym: Pseudonym,
    *,
    right: Annotated[
        Path | None, typer.Option(help="File with the right pseudonym; left out: no buyer.")
    ] = None,
) -> None:
    """Corrects, as a platform, whose one of your records is.

    PSEUDONYM is the wrong one.
    """
    session: Session = context.obj
    wrong = _pseudonym(pseudonym)
    rightly = "" if right is None else _pseudonym(right)
    with session.client() as client:
        revision = client.rights.correct_buyer(code, kind, record_id, wrong=wrong, right=rightly)
    if session.as_json:
        session.document({"revision": revision})
    else:
        typer.echo(f"Revision {revision} holds now; your next one needs a higher number.")


def _pseudonym(file: Path) -> str:
    # Not as an argument: command lines are kept by shells and shown to other users.
    if str(file) == "-":
        return typer.get_text_stream("stdin").read().strip()
    return content(file, "PSEUDONYM").decode().strip()


@queue.callback(invoke_without_command=True)
def queue_list(context: typer.Context) -> None:
    """Shows what waits for staff, the nearest deadline first."""
    if context.invoked_subcommand is not None:
        return
    listing(context, "items", lambda client: client.rights.queue(), rendering.queue)


@queue.command("show")
def queue_show(context: typer.Context, name: CaseName) -> None:
    """Shows one case of correction."""
    answered(context, lambda client: client.rights.correction(name), each_of(rendering.corrections))


@queue.command("decide")
def queue_decide(
    context: typer.Context,
    name: CaseName,
    outcome: Annotated[Literal["uphold", "refuse"], typer.Argument(help="How to rule.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; the enterprise reads it.")],
    value: Annotated[
        Path | None, typer.Option(help="File with the right value of a fact, as JSON.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Of a fact: nothing of the kind holds.")
    ] = False,
) -> None:
    """Rules on a case of correction, or rules otherwise than before."""
    told = "" if value is None else content(value, "--value").decode()
    answered(
        context,
        lambda client: client.rights.decide(
            name,
            upheld=outcome == "uphold",
            reason=reason,
            fact_value=told,
            withdraw=withdraw,
        ),
        each_of(rendering.corrections),
    )


def _target(code: str, text: str) -> rights_pb2.CorrectionTarget:
    sort, _, rest = text.partition(":")
    if sort == "fact" and rest:
        kind, _, item = rest.partition(":")
        return rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind=kind, item=item))
    # Ids may hold colons, so the last part takes what is left.
    if sort == "record" and rest.count(":") > 1:
        platform, kind, record_id = rest.split(":", 2)
        record = rights_pb2.RecordTarget(platform=platform, kind=kind, record_id=record_id)
        return rights_pb2.CorrectionTarget(record=record)
    if sort == "check" and ":" in rest:
        uid, check = rest.split(":", 1)
        name = f"enterprises/{code}/submissions/{uid}"
        told = rights_pb2.CheckTarget(submission=name, check=check)
        return rights_pb2.CorrectionTarget(check=told)
    if sort == "override" and rest:
        name = f"enterprises/{code}/overrides/{rest}"
        return rights_pb2.CorrectionTarget(override=rights_pb2.OverrideTarget(override=name))
    text = (
        "TARGET must be fact:KIND[:ITEM], record:PLATFORM:KIND:ID, check:UID:CHECK or override:UID."
    )
    raise typer.BadParameter(text)
