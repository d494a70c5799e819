"""The methods of levels and scorecards; see `bonafides.rpc.services` for what a handler is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bonafides.access.disclosure import view
from bonafides.access.field_masks import narrow_rating
from bonafides.errors import NotFoundError
from bonafides.instants import Instant
from bonafides.rating import advising
from bonafides.rating import history_operations as history
from bonafides.rating import operations as rating
from bonafides.rating.scorecard import Served
from bonafides.rating.simulation import Step
from bonafides.rating.told import sign
from bonafides.rpc import messages
from bonafides.rpc.call import Call
from bonafides.rpc.consent_messages import after, page_size
from bonafides.rpc.sights import Sights
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import disclosure_pb2, rating_pb2
from bonafides.v1 import rating_service_pb2 as rating_service

# Names the card that is served, whatever its version.
_SERVED: Final = "champion"
_STEPS: Final = {rating_pb2.Step.Value(f"STEP_{step.name}"): step for step in Step}
# How a level came about over time is for the enterprise itself and for staff.
_SEE_HISTORY: Final = frozenset({disclosure_pb2.AUDIENCE_OWNER, disclosure_pb2.AUDIENCE_OPERATOR})


class RatingService:
    """Gives levels by a scorecard that anyone can recompute."""

    def __init__(
        self,
        store: Store,
        served: Served,
        models_dir: Path | None,
        sights: Sights,
        *,
        receipt_key: Ed25519PrivateKey | None = None,
    ) -> None:
        self._store: Final = store
        self._served: Final = served
        self._sights: Final = sights
        self._eyes: Final = sights.eyes
        self._models_dir: Final = models_dir
        self._receipt_key: Final = receipt_key

    def get_rating(self, request: rating_service.GetRatingRequest, call: Call) -> rating_pb2.Rating:
        """Gets the level; why it is what it is, for the enterprise itself and for staff."""
        code = messages.enterprise_of(request.name, "rating").text
        call.concerns(code)
        sight = self._sights.sight(call.caller, code, request.purpose)
        call.seen_as(sight.audience)
        full = rating.get_rating(self._store, self._served(), code, now=call.now)
        self._sights.note(call.caller, code, now=call.now)
        shown = view(full, sight.audience)
        narrow_rating(shown, sight.mask.withheld)
        return shown

    def list_ratings(
        self, request: rating_service.ListRatingsRequest, call: Call
    ) -> rating_service.ListRatingsResponse:
        """Lists the steps of the history, for the enterprise itself and for staff."""
        code, eyes = self._own(messages.parent_of(request.parent).text, call)
        until, _ = after(request)
        shown, more = history.list_ratings(
            self._store, code, until=Instant(until) if until else None, size=page_size(request)
        )
        return rating_service.ListRatingsResponse(
            ratings=[view(step, eyes) for step in shown],
            next_page_token="" if more is None else f"{more}.",
        )

    def get_receipt(
        self, request: rating_service.GetReceiptRequest, call: Call
    ) -> rating_pb2.Receipt:
        """Gets a receipt, signed if there is a key; the salt, for the enterprise itself."""
        code, eyes = self._own(messages.enterprise_of(request.name, "receipt").text, call)
        as_of = None
        if request.HasField("as_of_time"):
            as_of = messages.past_instant_of(request.as_of_time, "as_of_time", now=call.now)
        made = history.get_receipt(self._store, self._served(), code, as_of=as_of, now=call.now)
        if self._receipt_key is not None:
            sign(made, self._receipt_key)
        return view(made, eyes)

    def simulate_rating(
        self, request: rating_service.SimulateRatingRequest, call: Call
    ) -> rating_pb2.Simulation:
        """Tells what level steps would lead to."""
        code, eyes = self._own(messages.enterprise_of(request.name, "rating").text, call)
        steps = {_STEPS[step] for step in request.steps}
        day = messages.date_of(request.date, "date") if request.HasField("date") else None
        told = advising.simulate_rating(self._store, self._served(), code, steps, day, now=call.now)
        return view(told, eyes)

    def get_advice(self, request: rating_service.GetAdviceRequest, call: Call) -> rating_pb2.Advice:
        """Gets the ways to the next level."""
        code, eyes = self._own(messages.enterprise_of(request.name, "advice").text, call)
        return view(advising.get_advice(self._store, self._served(), code, now=call.now), eyes)

    def get_scorecard(
        self,
        request: rating_service.GetScorecardRequest,
        call: Call,  # noqa: ARG002 - a card is the same for everybody
    ) -> rating_pb2.Scorecard:
        """Gets a published card. It describes no enterprise, so nothing of it is withheld."""
        version = messages.scorecard_of(request.name)
        # The card of this process: the folder may name another by now.
        return rating.get_scorecard(
            self._models_dir, self._served().version if version == _SERVED else version
        )

    def _own(self, code: str, call: Call) -> tuple[str, disclosure_pb2.Audience.ValueType]:
        """Returns the code and the caller's eyes.

        Raises:
            NotFoundError: it is not the caller's own, as if it took no part.
        """
        call.concerns(code)
        eyes = self._eyes.audience(call.caller, code)
        if eyes not in _SEE_HISTORY:
            raise NotFoundError
        call.seen_as(eyes)
        return code, eyes
