"""Pages for who acts for an enterprise: what is open, what one is told, who looks at it.

Whether a login acts for the enterprise is the service's to say, call by call; to others
these pages are not found.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from bonafides.web import speech
from bonafides.web.fields import group_of, items_of
from bonafides.web.labels import N_
from bonafides.web.visits import Page, Visit

# What the pages of one enterprise link to: path below it, and text. A slice of pages that
# is added has its row here and its PAGES in `app`.
LINKS: Final = (
    ("", N_("Archive")),
    ("/level", N_("Level and why")),
    ("/history", N_("History")),
    ("/advice", N_("What would raise it")),
    ("/requirements", N_("What is open")),
    ("/amend", N_("Announce a change")),
    ("/corrections", N_("Corrections and appeals")),
    ("/reviews", N_("Review by a person")),
    ("/consents", N_("Consents and agreements")),
    ("/integrators", N_("Integrators")),
    ("/data", N_("What is held, deletion")),
    ("/inbox", N_("Inbox")),
    ("/accesses", N_("Who looked")),
    ("/report", N_("Report to print")),
)

# What a method shows, in words of people; another is named as the API names it.
_SHOWN: Final = {
    "ArchiveService/GetArchive": N_("Archive"),
    "ArchiveService/BatchGetArchives": N_("Archive"),
    "RatingService/GetRating": N_("Integrity level"),
    "RatingService/ListRatings": N_("History of the level"),
    "IdentityService/GetSubmission": N_("Submission"),
    "IdentityService/ListRequirements": N_("What is open"),
}


def requirements(visit: Visit) -> Response:
    """Shows what must be done, what may be, and what is being checked."""
    found = visit.client().identities.requirements(visit.code)
    return visit.page(
        "requirements.html",
        code=visit.code,
        requirements=items_of(found, "requirements", visit.language),
    )


def inbox(visit: Visit) -> Response:
    """Shows what those who act for the enterprise are told."""
    notices = [
        (
            visit.language.moment(told.notice_time),
            speech.notice(told.reason, told.description, visit.language),
            told.reason.startswith("LEVEL"),
        )
        for told in visit.client().ownership.notices(visit.code)
    ]
    return visit.page("inbox.html", code=visit.code, notices=notices)


def accesses(visit: Visit) -> Response:
    """Shows who was shown something of the enterprise, the latest first, page by page."""
    token = visit.request.query_params.get("page", "")
    found = visit.client().accesses.page(visit.code, token)
    return visit.page(
        "accesses.html",
        code=visit.code,
        accesses=items_of(found.accesses, "accesses", visit.language),
        words={method: visit.say(text) for method, text in _SHOWN.items()},
        latest=not token,
        earlier=found.next_page_token,
    )


def reviews(visit: Visit) -> Response:
    """Shows reviews, whether automatic levels are taken, and levels that people set."""
    client = visit.client()
    return visit.page(
        "reviews.html",
        code=visit.code,
        reviews=items_of(client.reviews.reviews(visit.code), "reviews", visit.language),
        overrides=items_of(client.reviews.overrides(visit.code), "overrides", visit.language),
        automatic=group_of(client.reviews.automatic_rating(visit.code), visit.language),
    )


def request_review(visit: Visit) -> Response:
    """Asks that a person look at the level."""
    visit.client().reviews.request(visit.code)
    note = visit.say("A person will look at the level; the result is told in the inbox.")
    return visit.to(f"/enterprises/{visit.code}/reviews", note)


def refuse_automation(visit: Visit) -> Response:
    """Refuses automatic levels, or takes that back."""
    refused = visit.form.get("refused") == "yes"
    visit.client().reviews.refuse(visit.code, refused=refused)
    note = (
        visit.say("From now on no level that a machine alone gave is shown.")
        if refused
        else visit.say("Automatic levels are shown again.")
    )
    return visit.to(f"/enterprises/{visit.code}/reviews", note)


_BELOW: Final = "/enterprises/{code:str}"
PAGES: Final = (
    Page(f"{_BELOW}/requirements", requirements, login=True),
    Page(f"{_BELOW}/inbox", inbox, login=True),
    Page(f"{_BELOW}/accesses", accesses, login=True),
    Page(f"{_BELOW}/reviews", reviews, login=True),
    Page(f"{_BELOW}/reviews", request_review, method="POST", login=True),
    Page(f"{_BELOW}/automation", refuse_automation, method="POST", login=True),
)
