"""The level of an enterprise: the scale, what it rests on, and what it is not.

To who acts for the enterprise also why, point by point, its history, what would raise
it, and a report to print.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from bonafides.web import chart
from bonafides.web.fields import group_of, items_of
from bonafides.web.public_pages import is_owner, level_name, level_of
from bonafides.web.visits import Page, Visit

_MICROSECONDS: Final = 1_000_000


def level(visit: Visit) -> Response:
    """Shows the level as this visitor may see it."""
    told = visit.client().get_rating(visit.code, purpose=visit.purpose)
    return visit.page(
        "level.html",
        code=visit.code,
        rating=group_of(told, visit.language),
        level=level_name(told.level),
        low=level_name(told.range_low),
        high=level_name(told.range_high),
        owner=bool(told.model_digest),
        scale=chart.LEVELS,
    )


def history(visit: Visit) -> Response:
    """Shows how the level came about, as a chart and step by step."""
    steps = visit.client().levels.history(visit.code)
    points = [
        chart.Point(
            step.as_of_time.seconds,
            level_name(step.level),
            visit.language.day_of(step.as_of_time),
        )
        for step in reversed(steps)
    ]
    return visit.page(
        "history.html",
        code=visit.code,
        chart=chart.history(points, visit.world.site.clock() // _MICROSECONDS) if points else "",
        steps=items_of(steps, "ratings", visit.language),
    )


def advice(visit: Visit) -> Response:
    """Shows the honest ways to the next level."""
    told = visit.client().advising.advice(visit.code)
    return visit.page("advice.html", code=visit.code, advice=group_of(told, visit.language))


def report(visit: Visit) -> Response:
    """Shows archive and level on one page that is made to be printed."""
    told = visit.client().get_archive(visit.code, purpose=visit.purpose)
    group = group_of(told, visit.language)
    return visit.page(
        "report.html",
        code=visit.code,
        title=told.registration.title,
        archive=group,
        owner=is_owner(told),
        level=level_of(group),
    )


PAGES: Final = (
    Page("/enterprises/{code:str}/level", level, login=True),
    Page("/enterprises/{code:str}/history", history, login=True),
    Page("/enterprises/{code:str}/advice", advice, login=True),
    Page("/enterprises/{code:str}/report", report, login=True),
)
