"""Reads the records that a platform sends, as messages.

It decides what the message can't say by its type: that enums are known, dates are
days of the calendar, codes are codes, and that a platform reports for itself
alone. Everything else is for `bonafides.records.ingest`. What can't be read is a
fault of that one record; no fault holds a value.

    read(message, platform="1688")      # a Record, or a Fault such as CODE_FAULTY
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from google.type.date_pb2 import Date

from bonafides.identity.codes import CodeError, UnifiedCode
from bonafides.instants import Day, from_date, from_timestamp
from bonafides.records.ingest import Fault
from bonafides.records.kinds import Kind, Outcome, Record, RefundState
from bonafides.records.links import (
    Authentication,
    AuthenticationKind,
    Proof,
    authentications_text,
)
from bonafides.records.money import Money
from bonafides.v1 import record_pb2

_KINDS: Final = {record_pb2.RecordKind.Value(f"RECORD_KIND_{kind.name}"): kind for kind in Kind}
_OUTCOMES: Final = {
    record_pb2.RecordOutcome.Value(f"RECORD_OUTCOME_{outcome.name}"): outcome for outcome in Outcome
}
_REFUND_STATES: Final = {
    record_pb2.RefundState.Value(f"REFUND_STATE_{state.name}"): state for state in RefundState
}
_PROOFS: Final = {
    record_pb2.StoreProof.Value(f"STORE_PROOF_{proof.name}"): proof for proof in Proof
}
_AUTHENTICATIONS: Final = {
    record_pb2.StoreAuthentication.Kind.Value(f"KIND_{kind.name}"): kind
    for kind in AuthenticationKind
}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
# Codes are written in 18 characters; full-width ones and spaces leave this bound.
_MOST_CODE_LENGTH: Final = 60
_CODES_CACHED: Final = 100_000
_DAYS_CACHED: Final = 50_000

_KIND_FAULTY: Final = Fault("KIND_FAULTY", "Fill in one of the kinds of record.")
_OUTCOME_FAULTY: Final = Fault("OUTCOME_NOT_ALLOWED", "There is no such outcome.")
_STATE_FAULTY: Final = Fault("REFUND_STATE", "There is no such state of a refund.")
_PROOF_FAULTY: Final = Fault("DETAIL_FAULTY", "There is no such proof, or kind of authentication.")
_TIME_MISSING: Final = Fault("FIELD_MISSING", "A record needs occurred_at.")
_CURRENCY_FAULTY: Final = Fault("AMOUNT_FAULTY", "A currency is three capital letters (ISO 4217).")
_FOREIGN: Final = Fault(
    "PLATFORM_FOREIGN", "A platform reports its own records alone; send the token's platform."
)


class _DateError(ValueError):
    """A date that no calendar has."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.fault: Final = Fault("DATE_FAULTY", f"{name} must be a day of the calendar.")


def read(message: record_pb2.Record, *, platform: str | None) -> Record | Fault:
    """Returns the record as it was told, or why it can't be read.

    `platform` is the one that reports, which must be the record's; None: staff,
    who may write for any.
    """
    if platform is not None and message.platform != platform:
        return _FOREIGN
    code = code_of(message.code)
    if isinstance(code, CodeError):
        return Fault("CODE_FAULTY", code.description)
    fault = _fault(message) or _proof_fault(message)
    if fault:
        return fault
    try:
        return _record(message, code)
    except _DateError as error:
        return error.fault


def code_of(text: str) -> UnifiedCode | CodeError:
    """Returns the code that the text shows, or what is wrong with it."""
    if len(text) > _MOST_CODE_LENGTH:
        return CodeError("LENGTH", "Give the code's 18 characters.")
    return _parsed(text)


def _fault(message: record_pb2.Record) -> Fault | None:
    if message.kind not in _KINDS:
        return _KIND_FAULTY
    if message.outcome and message.outcome not in _OUTCOMES:
        return _OUTCOME_FAULTY
    if message.refund_state and message.refund_state not in _REFUND_STATES:
        return _STATE_FAULTY
    if not message.HasField("occur_time"):
        return _TIME_MISSING
    if message.HasField("amount") and not _CURRENCY.fullmatch(message.amount.currency_code):
        return _CURRENCY_FAULTY
    return None


def _record(message: record_pb2.Record, code: UnifiedCode) -> Record:
    has = message.HasField
    amount = message.amount if has("amount") else None
    # By position: names cost a microsecond, for each record.
    return Record(
        code,
        message.platform,
        _KINDS[message.kind],
        message.record_id,
        message.store_id,
        from_timestamp(message.occur_time),
        message.revision or 1,
        message.void,
        message.buyer or None,
        Money(amount.currency_code, amount.amount_minor) if amount is not None else None,
        message.original_id or None,
        _day(message.promised_date, "promised_date") if has("promised_date") else None,
        _day(message.delivered_date, "delivered_date") if has("delivered_date") else None,
        from_timestamp(message.first_response_time) if has("first_response_time") else None,
        _OUTCOMES.get(message.outcome),
        from_timestamp(message.decide_time) if has("decide_time") else None,
        _day(message.from_date, "from_date") if has("from_date") else None,
        _day(message.to_date, "to_date") if has("to_date") else None,
        _detail(message.detail) if has("detail") else _NO_DETAIL,
        _REFUND_STATES.get(message.refund_state),
        from_timestamp(message.request_time) if has("request_time") else None,
    )


_NO_DETAIL: Final[Mapping[str, str]] = {}


def _detail(told: record_pb2.Record.Detail) -> dict[str, str]:
    made = {field.name: value for field, value in told.ListFields()}
    if told.proof:
        made["proof"] = _PROOFS[told.proof].value
    if told.evidence_sha256:
        made["evidence_sha256"] = told.evidence_sha256.hex()
    if told.authentications:
        made["authentications"] = authentications_text(
            Authentication(
                _AUTHENTICATIONS[one.kind], _day(one.authenticate_date, "authenticate_date")
            )
            for one in told.authentications
        )
    return made


def _proof_fault(message: record_pb2.Record) -> Fault | None:
    if not message.HasField("detail"):
        return None
    told = message.detail
    known = not told.proof or told.proof in _PROOFS
    if known and all(one.kind in _AUTHENTICATIONS for one in told.authentications):
        return None
    return _PROOF_FAULTY


def _day(date: Date, name: str) -> Day:
    day = _calendar_day(date.year, date.month, date.day)
    if day is None:
        raise _DateError(name)
    return day


@lru_cache(maxsize=_DAYS_CACHED)
def _calendar_day(year: int, month: int, day: int) -> Day | None:
    try:
        return from_date(dt.date(year, month, day))
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=_CODES_CACHED)
def _parsed(text: str) -> UnifiedCode | CodeError:
    # The fault is returned, for lru_cache keeps what is returned alone.
    try:
        return UnifiedCode.parse(text)
    except CodeError as fault:
        return fault
