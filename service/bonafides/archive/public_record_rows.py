"""Reads one row of a file of public records, as `scripts/load_public_records.py` hands it over.

Every value comes as text; an empty one is the same as none. A row that can't be read
is refused whole, with one reason. No person may come in through a row:

1. what is no column of ours is not read, and so not kept;
2. numbers of cases and decisions, courts and authorities must have the form that such
   things have;
3. grounds and sanctions are recognized by their words and kept as a word of a closed
   list; OTHER, where none is recognized.

    read_row({"kind": "PENALTY", "code": "91990000MA0000007X", ...}, now=now)   # a Fact
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from bonafides.archive.facts import COURT_CASES, LISTINGS, PUBLIC_RECORDS, Fact, Kind
from bonafides.archive.public_records import (
    CourtCase,
    Ground,
    Listing,
    MatchedBy,
    Penalty,
    Performance,
    PublicRecord,
    RemovalGround,
    Sanction,
    Severity,
)
from bonafides.identity.codes import CodeError, UnifiedCode, out_of_scope
from bonafides.identity.registry import RowError, amount_in, day_in
from bonafides.identity.texts import comparable
from bonafides.instants import SHANGHAI, Day, Instant, day_of, from_datetime, start_of

REQUIRED_COLUMNS: Final = (
    "kind",
    "code",
    "source",
    "record_id",
    "matched_by",
    "begins",
    "retrieved_at",
)
COLUMNS: Final = (
    *REQUIRED_COLUMNS,
    "removed",
    "removal_ground",
    "expires",
    "case_number",
    "court",
    "performance",
    "decision_number",
    "authority",
    "ground",
    "sanction",
    "severity",
    "amount",
    "currency",
)
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# An id that a source made of a name or of an ID number would carry it in here.
_RECORD_ID: Final = re.compile(r"(?!\d{17}[\dXx]$)[A-Za-z0-9][A-Za-z0-9._-]{0,78}")
_CASE_NUMBER: Final = re.compile(
    r"\(\d{4}\)[\u4e00-\u9fff]{1,4}\d{0,6}[\u4e00-\u9fff]{1,6}\d{1,8}号(之[一二三四五六七八九十]{1,3})?"
)
_DECISION_NUMBER: Final = re.compile(
    r"[\u4e00-\u9fff]{1,16}[\[(〔]\d{4}[\])〕]第?\d{1,8}(-\d{1,4})?号"
)
_COURT: Final = re.compile(r"[\u4e00-\u9fff]{2,38}法院")
_AUTHORITY: Final = re.compile(
    r"[\u4e00-\u9fff]{2,38}(局|委员会|厅|部|署|政府|院|总队|支队|大队|海关)(\([\u4e00-\u9fff]{2,20}\))?"
)
# The first words that are found decide.
_GROUNDS: Final = {
    "年度报告|年报": Ground.NO_ANNUAL_REPORT,
    "无法联系|无法取得联系": Ground.NOT_AT_ADDRESS,
    "弄虚作假|隐瞒": Ground.FALSE_DISCLOSURE,
    "公示": Ground.NOT_DISCLOSED,
}
_REMOVAL_GROUNDS: Final = {
    "撤销|错误": RemovalGround.ANNULLED,
    "期满|届满|满三年": RemovalGround.TERM_OVER,
    "补报|改正|更正|履行|修复|恢复": RemovalGround.CORRECTED,
}
_SANCTIONS: Final = {
    "关闭": Sanction.CLOSURE,
    "吊销": Sanction.LICENSE_WITHDRAWN,
    "暂扣": Sanction.LICENSE_SUSPENDED,
    "停产|停业|限制": Sanction.BUSINESS_RESTRICTED,
    "没收": Sanction.CONFISCATION,
    "罚款": Sanction.FINE,
    "通报批评": Sanction.PUBLIC_CRITICISM,
    "警告": Sanction.WARNING,
}
_SEVERITIES: Final = {
    "轻微": Severity.MINOR,
    "一般": Severity.MODERATE,
    "严重": Severity.SERIOUS,
}
_PERFORMANCES: Final = {
    "部分": Performance.PARTLY_PERFORMED,
    "未履行": Performance.UNPERFORMED,
    "履行": Performance.PERFORMED,
}

_Word = TypeVar("_Word", bound=enum.Enum)
_Values = Mapping[str, str]


def read_row(row: Mapping[str, str | None], *, now: Instant) -> Fact:
    """Returns the row as a fact, valid from the day on which the record began.

    Raises:
        RowError: the first thing that is wrong with it; the reason is one of those of a
            code, OUT_OF_SCOPE, KIND, SOURCE, RECORD_ID, MATCHED_BY, DATE, RETRIEVED_AT,
            NUMBER, AUTHORITY, AMOUNT.
    """
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    try:
        code = UnifiedCode.parse(values["code"])
    except CodeError as fault:
        # Not chained: nothing of the row may reach a log through a traceback.
        raise RowError(fault.reason, fault.description) from None
    if reason := out_of_scope(code):
        raise RowError("OUT_OF_SCOPE", reason)
    kind = _kind(values["kind"])
    retrieved_at = _instant(values["retrieved_at"], "RETRIEVED_AT")
    if retrieved_at > now:
        raise RowError("RETRIEVED_AT", "The time of retrieval must not be to come.")
    record = _READERS[kind](values)
    if record.begins > day_of(retrieved_at):
        raise RowError("DATE", "A record can't begin after it was retrieved.")
    if record.removed is not None and record.removed < record.begins:
        raise RowError("DATE", "A record can't be removed before it began.")
    source = _matching(values["source"], _SOURCE, "SOURCE", "Name the source, as court-list.")
    record_id = _matching(
        values["record_id"], _RECORD_ID, "RECORD_ID", "Give the source's id, letters and digits."
    )
    return Fact(
        code=code.text,
        kind=kind,
        value=record,
        source=source,
        retrieved_at=retrieved_at,
        valid_from=start_of(record.begins),
        valid_to=None if record.removed is None else start_of(record.removed),
        item=f"{source}/{record_id}",
    )


def is_record_id(text: str) -> bool:
    """Tells whether the text has the form of a source's id, and so may be repeated."""
    return _RECORD_ID.fullmatch(text) is not None


def _court_case(values: _Values) -> CourtCase:
    number = comparable(values["case_number"])
    return CourtCase(
        **_common(values),
        case_number=_matching(
            number, _CASE_NUMBER, "NUMBER", "Give a case number: (2026)九9901执1号."
        ),
        court=_matching(comparable(values["court"]), _COURT, "AUTHORITY", "Name the court, …法院."),
        performance=_word(values["performance"], _PERFORMANCES, Performance.NOT_KNOWN),
        amount=amount_in(values["amount"], values["currency"], "AMOUNT"),
    )


def _listing(values: _Values) -> Listing:
    removal: RemovalGround | None = None
    if values["removal_ground"]:
        removal = _word(values["removal_ground"], _REMOVAL_GROUNDS, RemovalGround.OTHER)
    return Listing(
        **_common(values),
        authority=_authority(values),
        ground=_word(values["ground"], _GROUNDS, Ground.OTHER),
        removal_ground=removal,
    )


def _penalty(values: _Values) -> Penalty:
    number = comparable(values["decision_number"])
    return Penalty(
        **_common(values),
        decision_number=_matching(
            number, _DECISION_NUMBER, "NUMBER", "Give a decision number: 九市监罚〔2026〕1号."
        ),
        authority=_authority(values),
        sanction=_word(values["sanction"], _SANCTIONS, Sanction.OTHER),
        severity=_word(values["severity"], _SEVERITIES, Severity.NOT_KNOWN),
        amount=amount_in(values["amount"], values["currency"], "AMOUNT"),
    )


_READERS: Final[Mapping[Kind, Callable[[_Values], PublicRecord]]] = {
    **dict.fromkeys(COURT_CASES, _court_case),
    **dict.fromkeys(LISTINGS, _listing),
    Kind.PENALTY: _penalty,
}


def _common(values: _Values) -> dict[str, Any]:
    begins = day_in(values["begins"])
    if begins is None:
        raise RowError("DATE", "Say when the record began, as YYYY-MM-DD.")
    if values["matched_by"].upper() not in MatchedBy.__members__:
        raise RowError("MATCHED_BY", "Say whether the source matched by CODE or by NAME.")
    return {
        "matched_by": MatchedBy[values["matched_by"].upper()],
        "begins": begins,
        "removed": day_in(values["removed"]),
        "expires_at": _end(values["expires"]),
    }


def _kind(text: str) -> Kind:
    found = Kind.__members__.get(text.upper())
    if found not in PUBLIC_RECORDS:
        names = ", ".join(sorted(kind.name for kind in PUBLIC_RECORDS))
        raise RowError("KIND", f"Give one of {names}.")
    return found


def _matching(text: str, form: re.Pattern[str], reason: str, remedy: str) -> str:
    if not form.fullmatch(text):
        raise RowError(reason, remedy)
    return text


def _authority(values: _Values) -> str:
    return _matching(
        comparable(values["authority"]), _AUTHORITY, "AUTHORITY", "Name the authority, as …局."
    )


def _word(text: str, words: Mapping[str, _Word], default: _Word) -> _Word:
    """Returns the member that the text names, or that its words are known for."""
    members = type(default).__members__
    if text.upper() in members:
        return members[text.upper()]
    return next((word for pattern, word in words.items() if re.search(pattern, text)), default)


def _end(text: str) -> Instant | None:
    """Returns when a record ends: a day is its last one, a time the end itself."""
    if "T" in text:
        return _instant(text, "DATE")
    last = day_in(text)
    return None if last is None else start_of(Day(last + 1))


def _instant(text: str, reason: str) -> Instant:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RowError(reason, "Give times in ISO 8601.") from None
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI))
