"""Shapes of sources: what their answers are taken for, and what is refused as configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bonafides.identity.questions import Fault, SourceError
from bonafides.identity.shapes import Reading, Shape, ShapeError, read_shape
from bonafides.instants import Day
from bonafides.records.money import Money
from bonafides.sourcing import SHAPES

_FOUR = ("code", "title", "representative", "representative_id_number")


def _shape(name: str) -> Shape:
    return read_shape((SHAPES / f"{name}.toml").read_text(encoding="utf-8"))


def _read(name: str, answer: Any, compared: tuple[str, ...] = _FOUR) -> Reading:
    return _shape(name).read(json.dumps(answer), compared)


def _aliyun(**result: str) -> Any:
    return {"Code": "200", "Result": {"BizCode": "1", "ReasonDetail": ""} | result}


def _tencent(**changes: int) -> Any:
    flags = ("IsCreditCodeConsistent", "IsEntNameConsistent", "IsLrNameConsistent")
    told = {"StatusCode": 0, "VerifyResult": 1, **dict.fromkeys((*flags, "IsIdNumConsistent"), 1)}
    return {"Response": told | changes}


@pytest.mark.feature("A3")
def test_aliyuns_list_of_what_differs_becomes_a_flag_for_each_element() -> None:
    told = _read("aliyun", _aliyun(BizCode="2", ReasonDetail="EntNameFlag, LegalPersonCertNoFlag"))
    assert told.flags == {
        "code": True,
        "title": False,
        "representative": True,
        "representative_id_number": False,
    }


@pytest.mark.feature("A3")
def test_tencents_flags_are_read_by_element_and_its_state_by_number() -> None:
    told = _read("tencent", _tencent(VerifyResult=0, IsLrNameConsistent=0, OperatingStatus=4))
    assert told.flags["representative"] is False
    assert told.flags["title"] is True
    assert told.registration.operating_state.name == "REVOKED"


@pytest.mark.feature("A4")
def test_a_shape_reads_json_within_json() -> None:
    inner = json.dumps({"BizCode": "3"})
    assert not _read("aliyun", {"Code": "200", "Result": inner}).found


@pytest.mark.feature("A4")
@pytest.mark.parametrize(
    ("name", "answer", "fault"),
    [
        ("aliyun", _aliyun(BizCode="2"), Fault.UNREADABLE),
        ("aliyun", _aliyun(ReasonDetail="EntNameFlag"), Fault.UNREADABLE),
        ("aliyun", _aliyun(BizCode="9"), Fault.UNREADABLE),
        ("aliyun", {"Code": "403"}, Fault.REFUSED),
        ("tencent", _tencent(IsEntNameConsistent=0), Fault.UNREADABLE),
        ("tencent", _tencent(IsEntNameConsistent=2), Fault.UNREADABLE),
        ("tencent", _tencent(OperatingStatus=-10002), Fault.REFUSED),
        ("tencent", {"Response": {"Error": {"Code": "RequestLimitExceeded"}}}, Fault.BUSY),
        ("tencent", {"Response": {"Error": {"Code": "Unheard"}}}, Fault.UNREADABLE),
        ("tianyancha", {"error_code": 300004}, Fault.BUSY),
        ("tianyancha", {"error_code": 300006}, Fault.REFUSED),
        ("tianyancha", {"error_code": 12345}, Fault.UNREADABLE),
        ("gleif", {"data": {}}, Fault.UNREADABLE),
    ],
)
def test_an_answer_that_is_not_understood_or_contradicts_itself_says_nothing(
    name: str, answer: Any, fault: Fault
) -> None:
    with pytest.raises(SourceError) as failed:
        _read(name, answer)
    assert failed.value.fault is fault


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1970-01-11", 10),
        ("1970年1月11日", 10),
        ("19700111", 10),
        (864_000_000, None),
        (1_478_102_400_000, 17_108),
        ("1970-01-11 00:00:00.0", 10),
        ("29991231", None),
        ("1970-13-40", None),
        ("长期", None),
        (None, None),
    ],
)
def test_dates_are_read_as_sources_write_them_or_not_at_all(written: Any, day: int | None) -> None:
    told = _read("tianyancha", {"error_code": 0, "result": {"toTime": written}})
    assert told.registration.term_end == (None if day is None else Day(day))


@pytest.mark.parametrize(
    ("written", "capital"),
    [
        ("100万人民币", Money("CNY", 100_000_000)),
        ("1,200.5万美元", Money("USD", 1_200_500_000)),
        ("500万元人民币", Money("CNY", 500_000_000)),
        ("300万港元", Money("HKD", 300_000_000)),
        ("若干", None),
        ("100万贝壳", None),
    ],
)
def test_capital_is_read_with_its_unit_and_currency_or_not_at_all(
    written: str, capital: Money | None
) -> None:
    told = _read("tianyancha", {"error_code": 0, "result": {"regCapital": written}})
    assert told.registration.registered_capital == capital


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("=", "TOML"),
        ("send = {}", "depths"),
        ('depths = {TWO = ""}\nsend = {a = "{phone}"}', "send"),
        ('depths = {FIVE = ""}\nsend = {}', "depths"),
        ('depths = {TWO = ""}\nsend = {}\nregistration = {phone = "x"}', "registration"),
        ('depths = {TWO = ""}\nsend = {}\nunheard = 1', "unheard"),
    ],
)
def test_a_shape_at_fault_is_refused_by_the_name_of_its_entry(text: str, named: str) -> None:
    with pytest.raises(ShapeError, match=named):
        read_shape(text)
