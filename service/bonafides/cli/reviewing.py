"""The commands about what people decide of a level: reviews, refusals, overrides.

bonafides review request 91990000MA00000011
bonafides override propose 91990000MA00000011 B --days 14 --reason "..."
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bonafides.cli import rendering_reviewed as rendering
from bonafides.cli.agreeing import listed
from bonafides.cli.commands import Code, app
from bonafides.cli.session import Session
from bonafides.v1 import rating_pb2

ReviewName = Annotated[str, typer.Argument(help="enterprises/CODE/reviews/UID")]
OverrideName = Annotated[str, typer.Argument(help="enterprises/CODE/overrides/UID")]
Reason = Annotated[str, typer.Option(help="Why; the enterprise reads it.")]

review = typer.Typer(help="Levels that a person looks at, and levels by machine alone.")
override = typer.Typer(help="Levels that two members of staff set for a time.")
app.add_typer(review, name="review")
app.add_typer(override, name="override")


@review.command("request")
def review_request(context: typer.Context, code: Code) -> None:
    """Asks that a person look at your level."""
    session: Session = context.obj
    with session.client() as client:
        made = client.reviews.request(code)
    session.answer(made, rendering.reviews([made]))


@review.command("list")
def review_list(context: typer.Context, code: Code) -> None:
    """Shows the reviews of an enterprise, and what was found."""
    session: Session = context.obj
    with session.client() as client:
        found = client.reviews.reviews(code)
    listed(session, "reviews", found, rendering.reviews(found))


@review.command("decide")
def review_decide(
    context: typer.Context,
    name: ReviewName,
    outcome: Annotated[Literal["stands", "stands-not"], typer.Argument(help="What you found.")],
    *,
    reason: Reason,
    four_eyes: Annotated[
        bool, typer.Option("--four-eyes", help="Have a second member of staff find the same.")
    ] = False,
) -> None:
    """Records what you found, as staff."""
    session: Session = context.obj
    with session.client() as client:
        made = client.reviews.decide(
            name, stands=outcome == "stands", reason=reason, four_eyes=four_eyes
        )
    session.answer(made, rendering.reviews([made]))


@review.command("refuse")
def review_refuse(context: typer.Context, code: Code) -> None:
    """Refuses a level that a machine alone gave.

    You are not rated then, which says nothing adverse. D by a public record stays.
    """
    _say(context, code, refused=True)


@review.command("accept")
def review_accept(context: typer.Context, code: Code) -> None:
    """Takes a refusal of automatic levels back."""
    _say(context, code, refused=False)


@review.command("automatic")
def review_automatic(context: typer.Context, code: Code) -> None:
    """Shows whether an enterprise takes automatic levels."""
    session: Session = context.obj
    with session.client() as client:
        said = client.reviews.automatic_rating(code)
    session.answer(said, rendering.automatic_rating(said))


@override.command("propose")
def override_propose(
    context: typer.Context,
    code: Code,
    level: Annotated[
        Literal["AAA", "AA", "A", "B", "C", "NR"], typer.Argument(help="The level to be shown.")
    ],
    *,
    days: Annotated[int, typer.Option(help="How long it is to hold, 1 to 30 days.")],
    reason: Reason,
) -> None:
    """Proposes a level, as staff; another member of staff starts it."""
    session: Session = context.obj
    wanted = rating_pb2.Level.Value(f"LEVEL_{level}")
    with session.client() as client:
        made = client.reviews.propose_override(code, wanted, reason=reason, term_days=days)
    session.answer(made, rendering.overrides([made]))


@override.command("start")
def override_start(context: typer.Context, name: OverrideName) -> None:
    """Starts what another member of staff proposed."""
    session: Session = context.obj
    with session.client() as client:
        made = client.reviews.start_override(name)
    session.answer(made, rendering.overrides([made]))


@override.command("end")
def override_end(
    context: typer.Context,
    name: OverrideName,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept for staff.")],
) -> None:
    """Ends an override before its term, or takes a proposal back."""
    session: Session = context.obj
    with session.client() as client:
        made = client.reviews.end_override(name, reason=reason)
    session.answer(made, rendering.overrides([made]))


@override.command("list")
def override_list(context: typer.Context, code: Code) -> None:
    """Shows the levels that people set for an enterprise; to staff, with every step."""
    session: Session = context.obj
    with session.client() as client:
        found = client.reviews.overrides(code)
    listed(session, "overrides", found, rendering.overrides(found))


@app.command("wrong-levels")
def wrong_levels(context: typer.Context, code: Code) -> None:
    """Shows which levels a won appeal found wrong."""
    session: Session = context.obj
    with session.client() as client:
        found = client.reviews.wrong_levels(code)
    listed(session, "levels", found, rendering.wrong_levels(found))


def _say(context: typer.Context, code: str, *, refused: bool) -> None:
    session: Session = context.obj
    with session.client() as client:
        said = client.reviews.refuse(code, refused=refused)
    session.answer(said, rendering.automatic_rating(said))
