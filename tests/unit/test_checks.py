"""The table of checks and the verdict."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.archive.facts import OperatingState
from bonafides.errors import BugError
from bonafides.identity.checks import (
    CHECKS,
    NOT_COMPARED,
    NOT_REACHED,
    Verdict,
    by_depth,
    remedy,
    settled,
    uncovered,
    verify,
)
from bonafides.identity.claims import read_claims
from bonafides.identity.evidence import Entry, Evidence, PersonAnswer
from bonafides.identity.submission import (
    Claims,
    Depth,
    License,
    Outcome,
    Representative,
    State,
)
from bonafides.identity.texts import comparable
from bonafides.instants import DAY, Day
from bonafides.records.money import Money
from tests import builders

_OTHER = builders.code(2)


def _claims(**license_changes: Any) -> Claims:
    """Returns claims that `_evidence` bears out, with the license changed."""
    claims = read_claims(builders.claims(), now=builders.NOW)
    return dataclasses.replace(
        claims, license=dataclasses.replace(claims.license, **license_changes)
    )


def _answering(**answers: Any) -> Entry:
    agreeing = PersonAnswer(person_agrees=True, id_number_agrees=True)
    return dataclasses.replace(_entry(), people=(dataclasses.replace(agreeing, **answers),))


def _entry(**registration: Any) -> Entry:
    people = (PersonAnswer(person_agrees=True, id_number_agrees=True),)
    return Entry(builders.registration(**registration), people)


def _evidence(**changes: Any) -> Evidence:
    told = Evidence("registry", builders.NOW, _entry(), frozenset({builders.code()}))
    return dataclasses.replace(told, **changes)


def _verdict(*evidence: Evidence, claims: Claims | None = None) -> Verdict:
    return verify(claims or _claims(), evidence, builders.TODAY)


def _outcomes(verdict: Verdict) -> dict[str, Outcome]:
    return {result.check: result.outcome for result in verdict.results}


@pytest.mark.feature("A4")
def test_claims_that_evidence_bears_out_are_verified() -> None:
    verdict = _verdict(_evidence())
    assert verdict.state is State.VERIFIED
    assert set(_outcomes(verdict).values()) == {Outcome.MATCH}
    assert {result.remedy for result in verdict.results} == {""}


@pytest.mark.feature("A5")
def test_each_result_names_its_source_and_when_it_was_retrieved() -> None:
    verdict = _verdict(_evidence(source="elsewhere", retrieved_at=builders.NOW - DAY))
    assert {(result.source, result.retrieved_at) for result in verdict.results} == {
        ("elsewhere", builders.NOW - DAY)
    }


@pytest.mark.feature("A4")
def test_an_unknown_enterprise_waits_and_is_never_rejected() -> None:
    verdict = _verdict(_evidence(entry=None, codes=frozenset()))
    assert (verdict.state, verdict.reason) == (State.PENDING, "NOT_FOUND")
    assert set(_outcomes(verdict).values()) == {Outcome.NOT_FOUND}
    assert {result.remedy for result in verdict.results} == {""}


@pytest.mark.feature("A4")
@pytest.mark.parametrize("answer", ["person_agrees", "id_number_agrees"])
def test_a_source_that_is_silent_on_a_required_check_keeps_the_submission_waiting(
    answer: str,
) -> None:
    verdict = _verdict(_evidence(entry=_answering(**{answer: None})))
    assert (verdict.state, verdict.reason) == (State.PENDING, "NO_EVIDENCE")


@pytest.mark.feature("A6")
def test_an_operating_state_that_is_not_known_keeps_the_submission_waiting() -> None:
    verdict = _verdict(_evidence(entry=_entry(operating_state=OperatingState.NOT_KNOWN)))
    assert _outcomes(verdict)["operating_state"] is Outcome.NO_EVIDENCE
    assert verdict.state is State.PENDING


@pytest.mark.feature("A4")
def test_silence_on_an_optional_check_stands_in_nobodys_way() -> None:
    silent = _entry(legal_form=None, registered_address=None, registered_capital=None)
    verdict = _verdict(_evidence(entry=silent))
    assert _outcomes(verdict)["legal_form"] is Outcome.NO_EVIDENCE
    assert verdict.state is State.VERIFIED


@pytest.mark.feature("A6")
@pytest.mark.parametrize(
    "state", [OperatingState.DEREGISTERED, OperatingState.REVOKED, OperatingState.ANNULLED]
)
def test_an_ended_registration_is_rejected(state: OperatingState) -> None:
    verdict = _verdict(_evidence(entry=_entry(operating_state=state)))
    assert (verdict.state, verdict.reason) == (State.REJECTED, "REGISTRATION_ENDED")


@pytest.mark.feature("A6")
@pytest.mark.parametrize("state", [OperatingState.SUSPENDED, OperatingState.IN_LIQUIDATION])
def test_an_enterprise_that_is_not_in_business_must_act(state: OperatingState) -> None:
    verdict = _verdict(_evidence(entry=_entry(operating_state=state)))
    assert (verdict.state, verdict.reason) == (State.ACTION_REQUIRED, "MISMATCH")


@pytest.mark.feature("A6")
def test_a_term_ends_with_its_last_day() -> None:
    last_day = _verdict(_evidence(entry=_entry(term_end=builders.TODAY)))
    day_after = _verdict(_evidence(entry=_entry(term_end=Day(builders.TODAY - 1))))
    no_end = _verdict(_evidence(entry=_entry(term_end=None)))
    assert last_day.state is State.VERIFIED
    assert day_after.state is State.ACTION_REQUIRED
    assert no_end.state is State.VERIFIED


@pytest.mark.feature("A4")
def test_a_name_under_anothers_code_is_rejected() -> None:
    verdict = _verdict(_evidence(entry=_entry(title="另一家公司"), codes=frozenset({_OTHER})))
    assert _outcomes(verdict)["code"] is Outcome.MISMATCH
    assert _outcomes(verdict)["title"] is Outcome.MISMATCH
    assert (verdict.state, verdict.reason) == (State.REJECTED, "CODE_AND_TITLE_MISMATCH")


@pytest.mark.feature("A4")
def test_a_mistyped_title_and_a_mistyped_code_ask_for_action() -> None:
    title = _verdict(_evidence(entry=_entry(title="另一家公司")))
    code = _verdict(_evidence(entry=None, codes=frozenset({_OTHER})))
    assert (_outcomes(title)["code"], _outcomes(title)["title"]) == (
        Outcome.MATCH,
        Outcome.MISMATCH,
    )
    assert (_outcomes(code)["code"], _outcomes(code)["title"]) == (
        Outcome.MISMATCH,
        Outcome.NOT_FOUND,
    )
    assert (title.state, code.state) == (State.ACTION_REQUIRED, State.ACTION_REQUIRED)


@pytest.mark.feature("A4")
@pytest.mark.parametrize(
    ("answer", "check"),
    [("person_agrees", "representative"), ("id_number_agrees", "representative_id_number")],
)
def test_another_representative_asks_for_action_with_a_remedy(answer: str, check: str) -> None:
    verdict = _verdict(_evidence(entry=_answering(**{answer: False})))
    result = next(each for each in verdict.results if each.check == check)
    assert verdict.state is State.ACTION_REQUIRED
    assert result.outcome is Outcome.MISMATCH
    assert result.remedy == remedy(check, Outcome.MISMATCH) != ""


@pytest.mark.feature("A4")
@pytest.mark.parametrize(
    ("field", "claimed"),
    [
        ("legal_form", "股份有限公司"),
        ("registered_address", "别处"),
        ("registered_capital", Money("USD", 100_000_000)),
        ("established", Day(builders.TODAY - 1)),
        ("term_end", Day(builders.TODAY + 1)),
        ("business_scope", "餐饮"),
    ],
)
def test_a_license_field_is_compared_when_it_is_claimed(field: str, claimed: Any) -> None:
    differing = _verdict(_evidence(), claims=_claims(**{field: claimed}))
    unclaimed = _verdict(_evidence(), claims=_claims(**{field: None}))
    assert _outcomes(differing)[field] is Outcome.MISMATCH
    assert differing.state is State.ACTION_REQUIRED
    assert field not in _outcomes(unclaimed)
    assert unclaimed.state is State.VERIFIED


@pytest.mark.feature("A5")
def test_the_first_source_that_decides_is_believed() -> None:
    silent = _evidence(source="first", entry=None, codes=frozenset())
    differing = _evidence(source="third", entry=_entry(title="另一家公司"))
    verdict = _verdict(silent, _evidence(source="second"), differing)
    assert verdict.state is State.VERIFIED
    assert {result.source for result in verdict.results} == {"second"}


def test_titles_are_compared_by_print_and_never_by_likeness() -> None:
    assert comparable("测试（九九） 公司") == comparable("测试(九九)公司")
    assert comparable("ＡＢＣ公司") == comparable("ABC公司")
    assert comparable("古丽•测试") == comparable("古丽·测试")
    assert comparable("九九市百草贸易有限公司") != comparable("九九市百草贸易有限责任公司")


def test_every_field_of_the_claims_is_compared_or_exempted_with_a_reason() -> None:
    assert uncovered(_claims()) == ()
    assert all(NOT_COMPARED.values())
    nested = {"license": License, "representatives": Representative}
    paths = {
        f"{outer.name}.{inner.name}" if inner else outer.name
        for outer in dataclasses.fields(Claims)
        for inner in (dataclasses.fields(nested[outer.name]) if outer.name in nested else (None,))
    }
    assert {check.claim for check in CHECKS if check.claim} | set(NOT_COMPARED) == paths


def test_an_empty_table_and_an_unlisted_claim_give_no_verdict() -> None:
    for checks in ((), CHECKS[1:]):
        with pytest.raises(BugError):
            verify(_claims(), [_evidence()], builders.TODAY, checks=checks)


def test_no_source_gives_no_verdict() -> None:
    with pytest.raises(BugError):
        verify(_claims(), [], builders.TODAY)


def test_checks_have_names_of_their_own_and_a_remedy() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.remedy for check in CHECKS)


# --- Depths and several representatives ----------------------------------------------


@pytest.mark.feature("A3")
def test_the_same_claims_give_a_result_for_each_depth() -> None:
    """The representative's number is another: two and three elements agree, four don't."""
    evidence = _evidence(entry=_answering(id_number_agrees=False))
    verdict = _verdict(evidence)
    assert by_depth(verdict.results, Depth.FOUR) == (
        (Depth.TWO, Outcome.MATCH),
        (Depth.THREE, Outcome.MATCH),
        (Depth.FOUR, Outcome.MISMATCH),
    )
    states = {
        depth: _verdict(evidence, claims=dataclasses.replace(_claims(), depth=depth)).state
        for depth in Depth
    }
    assert states == {
        Depth.TWO: State.VERIFIED,
        Depth.THREE: State.VERIFIED,
        Depth.FOUR: State.ACTION_REQUIRED,
    }


@pytest.mark.feature("A3")
def test_each_depth_has_a_flag_for_each_of_its_elements_and_none_beyond() -> None:
    people = {"representative", "representative_id_number"}
    names = {
        depth: set(
            _outcomes(_verdict(_evidence(), claims=dataclasses.replace(_claims(), depth=depth)))
        )
        for depth in Depth
    }
    assert names[Depth.TWO] & people == set()
    assert names[Depth.THREE] & people == {"representative"}
    assert names[Depth.FOUR] & people == people
    assert all({"code", "title", "operating_state"} <= found for found in names.values())


@pytest.mark.feature("A3")
def test_the_worst_element_is_the_outcome_of_a_depth() -> None:
    unknown = _verdict(_evidence(entry=None, codes=frozenset()))
    silent = _verdict(_evidence(entry=_answering(id_number_agrees=None)))
    assert {outcome for _, outcome in by_depth(unknown.results, Depth.FOUR)} == {Outcome.NOT_FOUND}
    assert by_depth(silent.results, Depth.FOUR)[-1] == (Depth.FOUR, Outcome.NO_EVIDENCE)
    assert by_depth(silent.results, Depth.TWO) == ((Depth.TWO, Outcome.MATCH),)
    assert by_depth((), Depth.FOUR) == ()


@pytest.mark.feature("A9")
def test_several_representatives_are_compared_each_by_itself() -> None:
    claims = _claims()
    both = dataclasses.replace(claims, representatives=claims.representatives * 2)
    people = (
        PersonAnswer(person_agrees=True, id_number_agrees=True),
        PersonAnswer(person_agrees=True, id_number_agrees=False),
    )
    for answers, differing in ((people, "[2]"), (people[::-1], "")):
        verdict = _verdict(
            _evidence(entry=dataclasses.replace(_entry(), people=answers)), claims=both
        )
        found = [each for each in verdict.results if each.outcome is Outcome.MISMATCH]
        assert [each.check for each in found] == [f"representative_id_number{differing}"]
        assert found[0].remedy
        assert verdict.state is State.ACTION_REQUIRED


# --- Sources that were not reached ------------------------------------------------------


def _down(source: str = "down") -> Evidence:
    return Evidence(source, builders.NOW, None, frozenset(), fault="TIMED_OUT")


@pytest.mark.feature("A5")
def test_a_source_that_is_down_leaves_the_submission_waiting_and_is_named() -> None:
    verdict = _verdict(_down())
    assert (verdict.state, verdict.reason) == (State.PENDING, "SOURCE_NOT_REACHED")
    assert {(each.outcome, each.source, each.note) for each in verdict.results} == {
        (Outcome.NO_EVIDENCE, "down", NOT_REACHED)
    }


@pytest.mark.feature("A5")
def test_what_a_source_that_is_down_would_decide_is_decided_by_none_behind_it() -> None:
    lies = _evidence(source="behind", entry=_entry(title="另一家公司"), codes=frozenset({_OTHER}))
    ended = _evidence(source="behind", entry=_entry(operating_state=OperatingState.REVOKED))
    for behind in (lies, ended, _evidence(source="behind")):
        assert _verdict(_down(), behind).state is State.PENDING
    assert _verdict(_evidence(), _down()).state is State.VERIFIED


@pytest.mark.feature("A4")
def test_missing_and_failed_evidence_differ() -> None:
    silent = _evidence(source="first", entry=_answering(id_number_agrees=None))
    missing, failed = _verdict(silent), _verdict(silent, _down())
    assert missing.reason == "NO_EVIDENCE"
    assert failed.reason == "SOURCE_NOT_REACHED"
    notes = {each.check: (each.source, each.note) for each in failed.results}
    assert notes["representative_id_number"] == ("down", NOT_REACHED)
    assert notes["title"] == ("first", "")


@pytest.mark.feature("A5")
def test_a_source_that_compares_by_itself_is_believed_as_one_that_tells() -> None:
    told = Entry(
        dataclasses.replace(_entry().registration, title=""),
        _entry().people,
        {"code": True, "title": False},
    )
    verdict = _verdict(_evidence(entry=told))
    assert _outcomes(verdict)["title"] is Outcome.MISMATCH
    assert verdict.state is State.ACTION_REQUIRED


def test_evidence_settles_when_every_required_check_is_decided() -> None:
    silent = _evidence(entry=_answering(person_agrees=None))
    two = dataclasses.replace(_claims(), depth=Depth.TWO)
    assert settled(_claims(), [_evidence()], builders.TODAY)
    assert not settled(_claims(), [silent], builders.TODAY)
    assert settled(two, [silent], builders.TODAY)
    assert not settled(_claims(), [], builders.TODAY)
    assert not settled(_claims(), [_down()], builders.TODAY)


_FLAG = st.none() | st.booleans()
_PEOPLE = st.builds(PersonAnswer, _FLAG, _FLAG)
_REACHED = st.builds(
    lambda state, people, code, title: Evidence(
        "reached",
        builders.NOW,
        Entry(builders.registration(operating_state=state), (people,), {"title": title}),
        frozenset({builders.code() if code else _OTHER}),
    ),
    st.sampled_from(OperatingState),
    _PEOPLE,
    st.booleans(),
    st.booleans(),
)
_UNKNOWN = st.just(Evidence("unknown", builders.NOW, None, frozenset()))


@pytest.mark.feature("A4", "A5")
@given(st.lists(_UNKNOWN | st.builds(_down), min_size=1), st.sampled_from(Depth))
def test_property_silence_of_any_number_of_sources_is_pending(
    evidence: list[Evidence], depth: Depth
) -> None:
    claims = dataclasses.replace(_claims(), depth=depth)
    assert verify(claims, evidence, builders.TODAY).state is State.PENDING


@pytest.mark.feature("A5")
@given(st.lists(_UNKNOWN), st.lists(_REACHED | _UNKNOWN), st.sampled_from(Depth))
def test_property_nothing_behind_a_source_that_is_down_decides(
    before: list[Evidence], behind: list[Evidence], depth: Depth
) -> None:
    claims = dataclasses.replace(_claims(), depth=depth)
    verdict = verify(claims, [*before, _down(), *behind], builders.TODAY)
    assert (verdict.state, verdict.reason) == (State.PENDING, "SOURCE_NOT_REACHED")


@pytest.mark.feature("A4", "A6")
@given(st.lists(_UNKNOWN | _REACHED, min_size=1))
def test_property_a_rejection_rests_on_a_source_that_knows_the_enterprise(
    evidence: list[Evidence],
) -> None:
    verdict = verify(_claims(), evidence, builders.TODAY)
    by_name = {each.check: each for each in verdict.results}
    if verdict.state is State.REJECTED:
        ended = by_name["operating_state"]
        both = {by_name["code"].outcome, by_name["title"].outcome}
        assert ended.outcome is Outcome.MISMATCH or both == {Outcome.MISMATCH}
        assert "reached" in {each.source for each in verdict.results}
