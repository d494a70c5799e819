"""The methods about reviews, refused automation and levels that people set.

As in `bonafides.rpc.consent_services`: what may be done is decided by the rooms.
"""

from __future__ import annotations

from typing import Final

from bonafides.access.disclosure import view
from bonafides.identity import override_operations as overrides
from bonafides.identity import review_operations as reviews
from bonafides.identity.operations import Desk
from bonafides.identity.override_operations import Proposal
from bonafides.identity.review_operations import Found
from bonafides.rating.card import Level
from bonafides.rating.people import Outcome
from bonafides.rpc import messages
from bonafides.rpc import review_messages as written
from bonafides.rpc.asking import (
    actor,
    enterprise_in,
    member_eyes,
    part_in,
    principal,
    reader,
    request_in,
)
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import page
from bonafides.v1 import rating_pb2, review_pb2
from bonafides.v1 import review_service_pb2 as review_service


class ReviewService:
    """Lets people decide where a scorecard alone must not, or is not wanted to."""

    def __init__(self, desk: Desk) -> None:
        self._desk: Final = desk

    def request_review(
        self, request: review_service.RequestReviewRequest, call: Call
    ) -> review_pb2.Review:
        """Opens a review."""
        code = enterprise_in(request.parent, call)
        made = reviews.request_review(
            self._desk,
            actor(call, code),
            code,
            request_in(request, call),
            now=call.now,
        )
        return view(written.review(made), member_eyes(call))

    def list_reviews(
        self, request: review_service.ListReviewsRequest, call: Call
    ) -> review_service.ListReviewsResponse:
        """Lists reviews."""
        code = enterprise_in(request.parent, call)
        found = reviews.list_reviews(self._desk, reader(call, code), code)
        shown, more = page(found, request)
        return review_service.ListReviewsResponse(
            reviews=[view(written.review(each), member_eyes(call)) for each in shown],
            next_page_token=more,
        )

    def decide_review(
        self, request: review_service.DecideReviewRequest, call: Call
    ) -> review_pb2.Review:
        """Records what a person found."""
        code, uid = part_in(request.name, "reviews", call)
        stands = request.outcome == review_pb2.Review.STATE_STANDS
        found = Found(
            outcome=Outcome.STANDS if stands else Outcome.STANDS_NOT,
            reason=request.reason,
            four_eyes=request.four_eyes,
        )
        made = reviews.decide_review(self._desk, principal(call), code, uid, found, now=call.now)
        return view(written.review(made), member_eyes(call))

    def get_automatic_rating(
        self, request: review_service.GetAutomaticRatingRequest, call: Call
    ) -> review_pb2.AutomaticRating:
        """Tells whether automatic levels are taken."""
        code = _automatic(request.name, call)
        said = reviews.get_automatic_rating(self._desk, reader(call, code), code, now=call.now)
        return view(written.automatic_rating(code, said), member_eyes(call))

    def set_automatic_rating(
        self, request: review_service.SetAutomaticRatingRequest, call: Call
    ) -> review_pb2.AutomaticRating:
        """Refuses automatic levels, or takes that back."""
        code = _automatic(request.name, call)
        said = reviews.set_automatic_rating(
            self._desk, actor(call, code), code, refused=request.refused, now=call.now
        )
        return view(written.automatic_rating(code, said), member_eyes(call))

    def propose_override(
        self, request: review_service.ProposeOverrideRequest, call: Call
    ) -> review_pb2.Override:
        """Proposes a level."""
        code = enterprise_in(request.parent, call)
        asked = Proposal(
            level=Level(rating_pb2.Level.Name(request.level).removeprefix("LEVEL_")),
            reason=request.reason,
            term_days=request.term_days,
            request=request_in(request, call),
        )
        made = overrides.propose(self._desk, principal(call), code, asked, now=call.now)
        return view(written.override(made, call.now), member_eyes(call))

    def start_override(
        self, request: review_service.StartOverrideRequest, call: Call
    ) -> review_pb2.Override:
        """Starts what another proposed."""
        code, uid = part_in(request.name, "overrides", call)
        made = overrides.start(self._desk, principal(call), code, uid, now=call.now)
        return view(written.override(made, call.now), member_eyes(call))

    def end_override(
        self, request: review_service.EndOverrideRequest, call: Call
    ) -> review_pb2.Override:
        """Ends an override."""
        code, uid = part_in(request.name, "overrides", call)
        made = overrides.end(self._desk, principal(call), code, uid, request.reason, now=call.now)
        return view(written.override(made, call.now), member_eyes(call))

    def list_overrides(
        self, request: review_service.ListOverridesRequest, call: Call
    ) -> review_service.ListOverridesResponse:
        """Lists overrides."""
        code = enterprise_in(request.parent, call)
        found = overrides.list_overrides(self._desk, reader(call, code), code)
        shown, more = page(found, request)
        return review_service.ListOverridesResponse(
            overrides=[view(written.override(each, call.now), member_eyes(call)) for each in shown],
            next_page_token=more,
        )

    def list_wrong_levels(
        self, request: review_service.ListWrongLevelsRequest, call: Call
    ) -> review_service.ListWrongLevelsResponse:
        """Lists levels that were wrong."""
        code = enterprise_in(request.parent, call)
        shown, more = page(overrides.list_wrong_levels(self._desk, code), request)
        return review_service.ListWrongLevelsResponse(
            levels=[view(written.wrong_level(code, each), member_eyes(call)) for each in shown],
            next_page_token=more,
        )


def _automatic(name: str, call: Call) -> str:
    code = messages.enterprise_of(name, "automaticRating").text
    call.concerns(code)
    return code
