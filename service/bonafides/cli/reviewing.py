"""The commands about what people decide of a level: reviews, refusals, overrides.

bonafides review request 91990000MA00000011
bonafides override propose 91990000MA00000011 B --days 14 --reason "..."
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from bonafides.cli import rendering_reviewed as rendering
from bonafides.cli.answering import answered, each_of, listing
from bonafides.cli.commands import Code, app
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
    answered(context, lambda client: client.reviews.request(code), each_of(rendering.reviews))


@review.command("list")
def review_list(context: typer.Context, code: Code) -> None:
    """Shows the reviews of an enterprise, and what was found."""
    listing(context, "reviews", lambda client: client.reviews.reviews(code), rendering.reviews)


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
    answered(
        context,
        lambda client: client.reviews.decide(
            name, stands=outcome == "stands", reason=reason, four_eyes=four_eyes
        ),
        each_of(rendering.reviews),
    )


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
    answered(
        context, lambda client: client.reviews.automatic_rating(code), rendering.automatic_rating
    )


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
    wanted = rating_pb2.Level.Value(f"LEVEL_{level}")
    answered(
        context,
        lambda client: client.reviews.propose_override(code, wanted, reason=reason, term_days=days),
        each_of(rendering.overrides),
    )


@override.command("start")
def override_start(context: typer.Context, name: OverrideName) -> None:
    """Starts what another member of staff proposed."""
    answered(
        context, lambda client: client.reviews.start_override(name), each_of(rendering.overrides)
    )


@override.command("end")
def override_end(
    context: typer.Context,
    name: OverrideName,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept for staff.")],
) -> None:
    """Ends an override before its term, or takes a proposal back."""
    answered(
        context,
        lambda client: client.reviews.end_override(name, reason=reason),
        each_of(rendering.overrides),
    )


@override.command("list")
def override_list(context: typer.Context, code: Code) -> None:
    """Shows the levels that people set for an enterprise; to staff, with every step."""
    listing(
        context, "overrides", lambda client: client.reviews.overrides(code), rendering.overrides
    )


@app.command("wrong-levels")
def wrong_levels(context: typer.Context, code: Code) -> None:
    """Shows which levels a won appeal found wrong."""
    listing(
        context, "levels", lambda client: client.reviews.wrong_levels(code), rendering.wrong_levels
    )


def _say(context: typer.Context, code: str, *, refused: bool) -> None:
    answered(
        context,
        lambda client: client.reviews.refuse(code, refused=refused),
        rendering.automatic_rating,
    )
