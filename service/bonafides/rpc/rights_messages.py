"""Reads and writes messages about holdings, corrections, erasures and the queue."""

from __future__ import annotations

from bonafides.errors import FieldViolation, InvalidFieldsError
from bonafides.identity.buyer_operations import USES, BuyerHoldings
from bonafides.identity.corrections import Correction, Ruling, Sort, State, Target
from bonafides.identity.erasing import ERASED, RETAINED, Erasure
from bonafides.identity.holdings import SubmissionHoldings
from bonafides.identity.queue_operations import QueueItem
from bonafides.instants import Instant, to_date_message, to_timestamp
from bonafides.rpc import messages
from bonafides.v1 import rights_pb2
from bonafides.v1 import rights_service_pb2 as rights_service


def holdings(code: str, told: tuple[SubmissionHoldings, ...]) -> rights_pb2.Holdings:
    """Returns what is held."""
    return rights_pb2.Holdings(
        name=f"enterprises/{code}/holdings", submissions=[_submission(each) for each in told]
    )


def target_of(told: rights_pb2.CorrectionTarget, code: str) -> Target:
    """Returns what is to be corrected.

    Raises:
        InvalidFieldsError: nothing is named, or a submission of another enterprise.
    """
    match told.WhichOneof("target"):
        case "fact":
            return Target(Sort.FACT, "", told.fact.kind, told.fact.item)
        case "record":
            of = told.record
            return Target(Sort.RECORD, of.platform, of.kind, of.record_id)
        case "check":
            where = "target.check.submission"
            owner, uid = messages.submission_of(told.check.submission, where)
            if owner.text != code:
                text = "Name a submission of the same enterprise."
                raise InvalidFieldsError((FieldViolation(where, "OTHER_ENTERPRISE", text),))
            return Target(Sort.CHECK, uid, told.check.check, "")
        case "override":
            where = "target.override.override"
            owner, uid = messages.override_of(told.override.override, where)
            if owner.text != code:
                text = "Name an override of the same enterprise."
                raise InvalidFieldsError((FieldViolation(where, "OTHER_ENTERPRISE", text),))
            return Target(Sort.OVERRIDE, uid, "", "")
    text = "Name a fact, a record, a check or an override."
    raise InvalidFieldsError((FieldViolation("target", "REQUIRED", text),))


def correction(made: Correction) -> rights_pb2.Correction:
    """Returns the case."""
    return rights_pb2.Correction(
        name=f"enterprises/{made.code}/corrections/{made.uid}",
        target=_target(made),
        wrong=made.wrong,
        right=made.right,
        evidence_sha256=made.evidence_sha256,
        state=_state(made.state),
        open_time=to_timestamp(made.opened_at),
        due_date=to_date_message(made.due),
        rulings=[_ruling(each) for each in made.rulings],
    )


def buyer_holdings(told: BuyerHoldings) -> rights_service.GetBuyerHoldingsResponse:
    """Returns what is held of a buyer."""
    return rights_service.GetBuyerHoldingsResponse(
        enterprises=told.enterprises,
        kinds=[
            rights_service.BuyerKind(
                kind=each.kind,
                records=each.records,
                revisions=each.revisions,
                first_date=to_date_message(each.first_day),
                last_date=to_date_message(each.last_day),
            )
            for each in told.kinds
        ],
        records=[
            rights_service.BuyerRecord(
                parent=f"enterprises/{each.code}",
                kind=each.kind,
                record_id=each.record_id,
                revision=each.revision,
                date=to_date_message(each.day),
                superseded=not each.latest,
            )
            for each in told.latest
        ],
        uses=[rights_service.BuyerUse(use=use, description=text) for use, text in USES.items()],
    )


def erasure(done: Erasure) -> rights_pb2.Erasure:
    """Returns what was erased and what stays."""
    return rights_pb2.Erasure(
        submission=f"enterprises/{done.code}/submissions/{done.uid}",
        erase_time=to_timestamp(done.erased_at),
        erased=ERASED,
        retained=[
            rights_pb2.Retained(what=what, description=why) for what, why in RETAINED.items()
        ],
    )


def queue_item(item: QueueItem, now: Instant) -> rights_pb2.QueueItem:
    """Returns what waits, as of now."""
    return rights_pb2.QueueItem(
        name=item.name,
        kind=rights_pb2.QueueItem.Kind.Value(f"KIND_{item.kind.value}"),
        since_time=to_timestamp(item.since),
        due_date=to_date_message(item.due),
        age_days=item.age_days(now),
        overdue=item.overdue(now),
        four_eyes=item.four_eyes,
    )


def _submission(told: SubmissionHoldings) -> rights_pb2.SubmissionHoldings:
    made = rights_pb2.SubmissionHoldings(
        submission=f"enterprises/{told.code}/submissions/{told.uid}",
        submit_time=to_timestamp(told.submitted_at),
        readable=told.readable,
        sources=[
            rights_pb2.AskedSource(
                source=each.source, ask_time=to_timestamp(each.asked_at), answered=each.answered
            )
            for each in told.asked
        ],
    )
    if told.erased_at is not None:
        made.erase_time.CopyFrom(to_timestamp(told.erased_at))
    for held in told.fields:
        field = made.fields.add(
            field=held.field,
            masked=held.masked,
            purposes=held.purposes,
            consents=[f"enterprises/{told.code}/consents/{uid}" for uid in held.consents],
        )
        if held.keep_until is not None:
            field.keep_until_time.CopyFrom(to_timestamp(held.keep_until))
    return made


def _target(made: Correction) -> rights_pb2.CorrectionTarget:
    told = made.target
    if told.sort is Sort.FACT:
        fact = rights_pb2.FactTarget(kind=told.kind, item=told.item)
        return rights_pb2.CorrectionTarget(fact=fact)
    if told.sort is Sort.RECORD:
        record = rights_pb2.RecordTarget(platform=told.subject, kind=told.kind, record_id=told.item)
        return rights_pb2.CorrectionTarget(record=record)
    if told.sort is Sort.OVERRIDE:
        name = f"enterprises/{made.code}/overrides/{told.subject}"
        return rights_pb2.CorrectionTarget(override=rights_pb2.OverrideTarget(override=name))
    name = f"enterprises/{made.code}/submissions/{told.subject}"
    check = rights_pb2.CheckTarget(submission=name, check=told.kind)
    return rights_pb2.CorrectionTarget(check=check)


def _ruling(told: Ruling) -> rights_pb2.CorrectionRuling:
    return rights_pb2.CorrectionRuling(
        outcome=_state(told.outcome),
        reason=told.reason,
        rule_time=to_timestamp(told.at),
        applied=told.applied,
        ruled_by=told.by,
    )


def _state(state: State) -> rights_pb2.Correction.State.ValueType:
    return rights_pb2.Correction.State.Value(f"STATE_{state.value}")
