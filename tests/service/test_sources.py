"""What every source of evidence keeps to, whichever it is, and what those over HTTP do."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bonafides.identity.checks import Verdict, verify
from bonafides.identity.claims import read_claims
from bonafides.identity.evidence import Evidence
from bonafides.identity.http_sources import HttpSource
from bonafides.identity.id_numbers import IdNumber, IdType
from bonafides.identity.questions import Fault, Source, SourceError, question
from bonafides.identity.registry_operations import load_registry
from bonafides.identity.sandbox import SandboxSource, magic_code
from bonafides.identity.shapes import read_shape
from bonafides.identity.signing import Signing
from bonafides.identity.sources import RegistryTable
from bonafides.identity.submission import Claims, Depth, Outcome, Purpose, Representative, State
from bonafides.personal.sealing import Vault
from bonafides.sourcing import SHAPES
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.simulator import KEY_ID, SECRET, Known, Simulator, simulating

_SECONDS = 30.0
_OTHER_TITLE = "九九市千草贸易有限公司"
_SECOND = "测七八"
_SECOND_NUMBER = "990000199003070048"
_TWO_PEOPLE = {builders.PERSON: builders.ID_NUMBER, _SECOND: _SECOND_NUMBER}
_OVER_HTTP = ("aliyun", "aliyun-signed", "tencent", "tencent-signed", "tianyancha", "gleif")
_SIGNED = {
    "aliyun-signed": Signing(scheme="acs3", key_id=KEY_ID, action="Verify", version="2019-03-07"),
    "tencent-signed": Signing(
        scheme="tc3", key_id=KEY_ID, action="Verify", version="2018-11-19", service="ocr"
    ),
}
# The deepest that each is asked at here: up to where it answers.
_DEPTHS = {"tianyancha": Depth.THREE, "gleif": Depth.TWO}


def _claims(depth: Depth = Depth.FOUR, **changes: Any) -> Claims:
    claims = read_claims(builders.claims(**changes), now=builders.NOW)
    return dataclasses.replace(claims, depth=depth)


def _source(name: str, simulator: Simulator, key: str = SECRET) -> HttpSource:
    file = SHAPES / f"{name.removesuffix('-signed')}.toml"
    shape = read_shape(file.read_text(encoding="utf-8"))
    return HttpSource(name, shape, simulator.url, key=key, signing=_SIGNED.get(name))


def _may_use(claims: Claims) -> frozenset[str]:
    """Returns what the ledger would say: the fields that the persons agreed to."""
    given = [one for one in claims.authorizations if one.purpose is Purpose.VERIFY_IDENTITY]
    return frozenset(scope for one in given for scope in one.scope)


def _ask(source: Source, claims: Claims, seconds: float = _SECONDS) -> Evidence:
    asked = question(claims, may_use=_may_use(claims), submitted_at=builders.NOW)
    return source.ask(asked, now=builders.NOW, seconds=seconds)


def _verdict(evidence: Evidence, claims: Claims) -> Verdict:
    return verify(claims, [evidence], builders.TODAY)


def _outcomes(verdict: Verdict) -> dict[str, Outcome]:
    return {each.check: each.outcome for each in verdict.results}


# --- The conformance suite: every source ----------------------------------------------


@dataclass
class Subject:
    """A source under test; `of` returns it as it knows an enterprise, or none."""

    name: str
    of: Callable[[Known | None], Source]

    @property
    def depth(self) -> Depth:
        return _DEPTHS.get(self.name, Depth.FOUR)


@pytest.fixture(params=["registry", "sandbox", *_OVER_HTTP])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Each source in turn; the registry's table on each database."""
    name: str = request.param
    with contextlib.ExitStack() as stack:

        def of(known: Known | None) -> Source:
            if name == "sandbox":
                return SandboxSource()
            if name == "registry":
                return _table(request.getfixturevalue("sqlite_store"), known)
            source = _source(name, stack.enter_context(simulating(name, known)))
            stack.callback(source.close)
            return source

        yield Subject(name, of)


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """A migrated store; the table on PostgreSQL is what test_identity_operations asks."""
    store = Store(f"sqlite:///{tmp_path / 'bonafides.db'}")
    store.migrate()
    yield store
    store.close()


def _table(store: Store, known: Known | None) -> RegistryTable:
    vault = Vault(bytes(32), "sandbox")
    if known is not None:
        row = builders.registry_row(
            known.code,
            title=known.title,
            operating_state="注销" if known.ended else "存续",
            representative="、".join(known.people),
            representative_id_number="、".join(known.people.values()),
        )
        assert load_registry(store, vault, [row], now=builders.NOW).rejected == ()
    return RegistryTable(store, vault)


def _magic(subject: Subject, serial: str) -> dict[str, str]:
    """Returns the claimed code by which the sandbox does what the others' data do."""
    return {"code": magic_code(serial).text} if subject.name == "sandbox" else {}


@pytest.mark.feature("A5")
def test_a_source_bears_true_claims_out_and_says_who_and_when(subject: Subject) -> None:
    claims = _claims(subject.depth, **_magic(subject, "MAG10000"))
    told = _ask(subject.of(Known()), claims)
    verdict = _verdict(told, claims)
    outcomes = _outcomes(verdict)
    assert {outcomes["code"], outcomes["title"], outcomes["operating_state"]} == {Outcome.MATCH}
    assert verdict.state is State.VERIFIED
    assert {each.source for each in verdict.results} == {subject.name}
    assert 0 < told.retrieved_at <= builders.NOW
    # The registry's own row stays where it is, sealed.
    assert (told.raw is None) == (subject.name == "registry")


@pytest.mark.feature("A4")
def test_a_source_that_does_not_know_the_enterprise_never_refutes_it(subject: Subject) -> None:
    claims = _claims(subject.depth, **_magic(subject, "MAG20000"))
    verdict = _verdict(_ask(subject.of(None), claims), claims)
    assert (verdict.state, verdict.reason) == (State.PENDING, "NOT_FOUND")
    assert set(_outcomes(verdict).values()) == {Outcome.NOT_FOUND}


@pytest.mark.feature("A4", "A5")
def test_a_source_that_knows_another_title_asks_for_action(subject: Subject) -> None:
    claims = _claims(subject.depth, title=_OTHER_TITLE, **_magic(subject, "MAG40101"))
    verdict = _verdict(_ask(subject.of(Known()), claims), claims)
    assert _outcomes(verdict)["code"] is Outcome.MATCH
    assert _outcomes(verdict)["title"] is Outcome.MISMATCH
    assert verdict.state is State.ACTION_REQUIRED


@pytest.mark.feature("A6")
def test_a_source_that_knows_a_registration_as_ended_does_not_verify(subject: Subject) -> None:
    """GLEIF holds a copy: what it calls inactive is nothing that it may refute."""
    claims = _claims(subject.depth, **_magic(subject, "MAG30001"))
    verdict = _verdict(_ask(subject.of(Known(ended=True)), claims), claims)
    expected = State.PENDING if subject.name == "gleif" else State.REJECTED
    assert verdict.state is expected


@pytest.mark.feature("A9")
def test_two_representatives_are_verified_in_either_order(subject: Subject) -> None:
    claims = _claims(subject.depth, **_magic(subject, "MAG10000"))
    today = builders.TODAY
    second = Representative(_SECOND, IdNumber.parse(_SECOND_NUMBER, today=today))
    source = subject.of(Known(people=_TWO_PEOPLE))
    both = (*claims.representatives, second)
    for people in (both, both[::-1]):
        ordered = dataclasses.replace(claims, representatives=people)
        verdict = _verdict(_ask(source, ordered), ordered)
        assert verdict.state is State.VERIFIED
        assert ("representative[2]" in _outcomes(verdict)) == (subject.depth > Depth.TWO)


@pytest.mark.feature("A9")
def test_a_stranger_among_the_representatives_is_told_by_place(subject: Subject) -> None:
    if subject.name == "sandbox" or subject.depth is Depth.TWO:
        pytest.skip("it knows no persons")
    claims = _claims(subject.depth)
    stranger = Representative("测九九", IdNumber.parse(_SECOND_NUMBER, today=builders.TODAY))
    source = subject.of(Known())
    for place, people in enumerate(
        ((stranger, *claims.representatives), (*claims.representatives, stranger))
    ):
        verdict = _verdict(
            _ask(source, ordered := dataclasses.replace(claims, representatives=people)), ordered
        )
        wrong = "representative[2]" if place else "representative"
        names = {name: found for name, found in _outcomes(verdict).items() if "_id" not in name}
        assert [n for n, found in names.items() if found is Outcome.MISMATCH] == [wrong]


@pytest.mark.feature("D5")
def test_no_person_is_in_what_a_source_shows_of_its_answer(subject: Subject) -> None:
    claims = _claims(subject.depth, **_magic(subject, "MAG10000"))
    told = _ask(subject.of(Known()), claims)
    asked = question(claims, may_use=_may_use(claims), submitted_at=builders.NOW)
    for shown in (repr(told), repr(asked), str(asked.people)):
        assert builders.PERSON not in shown
        assert builders.ID_NUMBER not in shown


# --- Over HTTP -----------------------------------------------------------------------


@pytest.mark.feature("A5")
@pytest.mark.parametrize("name", _OVER_HTTP)
@pytest.mark.parametrize(
    ("mode", "fault"),
    [
        ("slow", Fault.TIMED_OUT),
        ("drip", Fault.TIMED_OUT),
        ("wrong", Fault.UNREADABLE),
        ("other", Fault.UNREADABLE),
        ("list", Fault.UNREADABLE),
        ("binary", Fault.UNREADABLE),
        ("huge", Fault.UNREADABLE),
        ("packed", Fault.UNREADABLE),
        ("said to be packed", Fault.UNREADABLE),
        ("moved", Fault.UNREADABLE),
        ("truncated", Fault.UNREACHABLE),
        ("none", Fault.UNREACHABLE),
        ("down", Fault.UNREACHABLE),
        ("busy", Fault.BUSY),
        ("refused", Fault.REFUSED),
    ],
)
def test_a_source_that_misbehaves_is_a_fault_and_never_an_answer(
    name: str, mode: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seconds = 0.15 if fault is Fault.TIMED_OUT else _SECONDS
    with simulating(name, Known()) as simulator:
        simulator.mode = mode
        source = _source(name, simulator)
        with pytest.raises(SourceError) as failed:
            _ask(source, _claims(_DEPTHS.get(name, Depth.FOUR)), seconds)
        source.close()
    assert failed.value.fault is fault
    shown = f"{failed.value} {failed.value!r} {failed.value.__cause__} {caplog.text}"
    for needle in (builders.PERSON, builders.ID_NUMBER, "planted-key", builders.code().text):
        assert needle not in shown


@pytest.mark.feature("A5")
@pytest.mark.parametrize("name", sorted(_SIGNED))
def test_a_secret_signs_and_is_sent_nowhere_and_a_wrong_one_is_refused(name: str) -> None:
    with simulating(name, Known()) as simulator:
        source = _source(name, simulator)
        assert _ask(source, _claims()).entry is not None
        assert _ask(source, _claims()).entry is not None
        source.close()
        assert all(SECRET not in wire and KEY_ID in wire for wire in simulator.wire)
        other = _source(name, simulator, "another-key")
        with pytest.raises(SourceError) as refused:
            _ask(other, _claims())
        other.close()
    assert refused.value.fault is Fault.REFUSED


@pytest.mark.feature("A5")
@pytest.mark.parametrize("name", _OVER_HTTP)
def test_a_source_that_is_not_there_is_not_reached(name: str) -> None:
    with simulating(name, Known()) as simulator:
        source = _source(name, simulator)
    with pytest.raises(SourceError) as failed:
        _ask(source, _claims())
    source.close()
    assert failed.value.fault is Fault.UNREACHABLE


@pytest.mark.feature("B1", "A3")
@pytest.mark.parametrize(
    ("name", "depth", "persons"),
    [
        ("aliyun", Depth.TWO, set()),
        ("aliyun", Depth.THREE, {"LegalPersonName"}),
        ("aliyun", Depth.FOUR, {"LegalPersonName", "LegalPersonCertNo"}),
        ("tencent", Depth.FOUR, {"LrName", "IdNum"}),
        ("tianyancha", Depth.FOUR, set()),
        ("gleif", Depth.FOUR, set()),
    ],
)
def test_what_is_sent_is_what_the_depth_needs(name: str, depth: Depth, persons: set[str]) -> None:
    values = {builders.PERSON, builders.ID_NUMBER}
    with simulating(name, Known()) as simulator:
        source = _source(name, simulator)
        _ask(source, _claims(depth))
        source.close()
    (sent,) = simulator.sent
    assert {parameter for parameter, value in sent.items() if value in values} == persons
    wire = "\n".join(simulator.wire)
    for absent in (builders.PHONE, builders.EMAIL, builders.registration().registered_address):
        assert str(absent) not in wire
    assert ("planted-key" in wire) == (name != "gleif")


@pytest.mark.feature("B1")
def test_without_an_authorization_nothing_of_a_person_is_sent() -> None:
    claims = dataclasses.replace(_claims(), authorizations=())
    narrow = dataclasses.replace(
        _claims(),
        authorizations=tuple(
            dataclasses.replace(each, scope=("person",)) for each in _claims().authorizations
        ),
    )
    with simulating("aliyun", Known()) as simulator:
        source = _source("aliyun", simulator)
        verdict = _verdict(_ask(source, claims), claims)
        _ask(source, narrow)
        source.close()
    assert builders.PERSON not in simulator.wire[0]
    assert builders.PERSON in simulator.wire[1]
    assert all(builders.ID_NUMBER not in wire for wire in simulator.wire)
    assert (verdict.state, verdict.reason) == (State.PENDING, "NO_EVIDENCE")


@pytest.mark.feature("A9", "B1")
def test_a_number_of_a_type_that_the_source_does_not_take_is_not_sent() -> None:
    passport = Representative("Test Person", IdNumber("E99000001", IdType.PASSPORT))
    claims = dataclasses.replace(_claims(), representatives=(passport,))
    with simulating("aliyun", Known(people={"Test Person": ""})) as simulator:
        source = _source("aliyun", simulator)
        outcomes = _outcomes(_verdict(_ask(source, claims), claims))
        source.close()
    assert "E99000001" not in simulator.wire[0]
    assert simulator.sent[0]["InfoVerifyType"] == "ENT_3META"
    assert outcomes["representative"] is Outcome.MATCH
    assert outcomes["representative_id_number"] is Outcome.NO_EVIDENCE


def test_a_source_that_takes_four_elements_alone_is_not_asked_at_less() -> None:
    with simulating("tencent", Known()) as simulator:
        source = _source("tencent", simulator)
        verdict = _verdict(_ask(source, claims := _claims(Depth.THREE)), claims)
        source.close()
    assert simulator.sent == []
    assert (verdict.state, verdict.reason) == (State.PENDING, "NO_EVIDENCE")


def test_data_of_a_source_that_tells_are_read_and_dated() -> None:
    with simulating("tianyancha", Known()) as simulator, simulating("gleif", Known()) as other:
        source, copy = _source("tianyancha", simulator), _source("gleif", other)
        told, copied = _ask(source, _claims()), _ask(copy, _claims())
        source.close()
        copy.close()
    assert told.entry is not None
    registration = told.entry.registration
    assert registration.registered_capital == builders.registration().registered_capital
    assert registration.established is not None
    assert registration.term_end is None
    assert told.retrieved_at == builders.NOW
    assert copied.retrieved_at < builders.NOW
