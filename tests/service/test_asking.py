"""Submissions whose evidence comes over HTTP, and magic codes, on each database."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from bonafides.archive.facts import FactSheet, Registration
from bonafides.client.faults import RemoteError
from bonafides.errors import BonafidesError
from bonafides.identity import operations, registry_operations
from bonafides.identity.claims import read_claims
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.guards import Guarded, Patience
from bonafides.identity.http_sources import HttpSource
from bonafides.identity.operations import Desk
from bonafides.identity.questions import Source
from bonafides.identity.sandbox import ERRORS, OUTCOMES, Sandbox, magic_code
from bonafides.identity.sealed import answer_place
from bonafides.identity.shapes import read_shape
from bonafides.identity.sources import RegistryTable
from bonafides.identity.submission import Claims, Depth, Outcome, State, SubmissionStatus
from bonafides.instants import DAY, MICROSECONDS, Day, Instant, start_of
from bonafides.once import Request
from bonafides.personal.sealing import Sealed, Vault
from bonafides.rating.scorecard import champion
from bonafides.rpc.status import documented_reasons
from bonafides.sourcing import SHAPES
from bonafides.storage import archive as archive_rows
from bonafides.storage import consents, tables
from bonafides.storage import identity as rows
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import enterprise_pb2 as enterprise
from tests import builders
from tests.serving import Served
from tests.simulator import Known, Simulator, simulating

_OWNER = "issuer/owner"
_CODE = builders.code()
_MINUTE = 60 * MICROSECONDS
Building = Callable[..., Desk]


@pytest.fixture
def desk_of(store: Store, vault: Vault) -> Building:
    """Returns a desk that asks the registry's table, then the sources given."""

    def build(*sources: Source, **changes: object) -> Desk:
        made = Desk(
            store=store,
            vault=vault,
            sources=[RegistryTable(store, vault), *sources],
            card=champion(None),
            agreement_version=builders.AGREEMENT,
            submissions_per_day=100,
            verification_days=365,
            source_seconds=5.0,
        )
        return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # by keyword

    return build


@pytest.fixture
def aliyun() -> Iterator[Simulator]:
    with simulating("aliyun", Known()) as simulator:
        yield simulator


@pytest.fixture
def remote(aliyun: Simulator) -> Iterator[Source]:
    """The simulator as it is asked in earnest, without pauses."""
    shape = read_shape((SHAPES / "aliyun.toml").read_text(encoding="utf-8"))
    source = HttpSource("aliyun", shape, aliyun.url, key="k")
    yield Guarded(
        source,
        Patience(first_pause=0.001),
        monotonic=time.monotonic,
        sleep=time.sleep,
        chance=random.random,
    )
    source.close()


def _claims(code: UnifiedCode = _CODE, depth: Depth = Depth.FOUR) -> Claims:
    return dataclasses.replace(read_claims(builders.claims(code), now=builders.NOW), depth=depth)


def _submit(
    desk: Desk, claims: Claims, *, request: int = 1, now: Instant = builders.NOW
) -> SubmissionStatus:
    return operations.submit(
        desk,
        claims,
        submitter=_OWNER,
        request=Request(builders.request_id(request), bytes(32)),
        now=now,
    )


def _again(desk: Desk, status: SubmissionStatus, now: Instant) -> SubmissionStatus:
    operations.recheck_due(desk, now)
    return operations.get_submission(desk, status.code, status.uid, submitter=_OWNER, now=now)


def _sheet(desk: Desk, now: Instant, code: UnifiedCode = _CODE) -> FactSheet:
    with desk.store.reading() as work:
        return archive_rows.fact_sheet(work, code.text, now)


def _kept(desk: Desk, status: SubmissionStatus) -> Sequence[rows.AnswerRow]:
    with desk.store.reading() as work:
        return rows.answers(work, status.code.text, status.uid)


@pytest.mark.feature("A5")
def test_what_the_registry_does_not_know_is_asked_of_the_next_source(
    desk_of: Building, remote: Source, aliyun: Simulator
) -> None:
    desk = desk_of(remote)
    status = _submit(desk, _claims())
    assert status.state is State.VERIFIED
    deciding = {each.check: each.source for each in status.checks if each.outcome is Outcome.MATCH}
    assert set(deciding.values()) == {"aliyun"}
    told = _sheet(desk, builders.NOW).registration
    assert told is not None
    assert (told.source, told.retrieved_at) == ("aliyun", builders.NOW)
    assert len(aliyun.sent) == 1


@pytest.mark.feature("A5", "B1")
def test_what_the_registry_decides_is_asked_of_nobody_else(
    desk_of: Building, remote: Source, aliyun: Simulator
) -> None:
    desk = desk_of(remote)
    registry_operations.load_registry(
        desk.store, desk.vault, [builders.registry_row()], now=builders.NOW
    )
    assert _submit(desk, _claims()).state is State.VERIFIED
    assert aliyun.sent == []


@pytest.mark.feature("A5")
@pytest.mark.parametrize("mode", ["down", "wrong", "truncated", "refused"])
def test_a_source_that_is_down_leaves_pending_says_so_and_verifies_when_it_is_back(
    desk_of: Building, remote: Source, aliyun: Simulator, mode: str
) -> None:
    """NOW: down, asked again within minutes; then it is back."""
    aliyun.mode = mode
    desk = desk_of(remote)
    waiting = _submit(desk, _claims())
    assert waiting.state is State.PENDING
    required = next(each for each in waiting.checks if each.check == "representative")
    assert (required.outcome, required.source, required.note) == (
        Outcome.NO_EVIDENCE,
        "aliyun",
        "NOT_REACHED",
    )
    assert waiting.recheck_at is not None
    assert waiting.recheck_at - builders.NOW < 2 * _MINUTE
    aliyun.mode = "right"
    back = _again(desk, waiting, waiting.recheck_at)
    assert back.state is State.VERIFIED
    assert [step.state for step in back.history] == [State.PENDING, State.VERIFIED]
    faults = [each.fault for each in _kept(desk, back) if each.source == "aliyun"]
    assert faults[0]
    assert faults[1:] == [""]


@pytest.mark.feature("A5")
def test_a_source_that_fails_once_within_a_question_is_tried_again(
    desk_of: Building, remote: Source, aliyun: Simulator
) -> None:
    aliyun.mode, aliyun.misbehaves = "down", 2
    assert _submit(desk_of(remote), _claims()).state is State.VERIFIED
    assert len(aliyun.sent) == 3


@pytest.mark.feature("A4", "A13")
def test_not_found_over_a_year_of_rechecks_is_never_a_rejection(
    desk_of: Building, remote: Source, aliyun: Simulator
) -> None:
    aliyun.known = None
    desk = desk_of(remote)
    status = _submit(desk, _claims())
    for _ in range(30):
        assert status.state is State.PENDING
        assert status.recheck_at is not None
        status = _again(desk, status, status.recheck_at)
    assert status.recheck_at is not None
    assert status.recheck_at > builders.NOW + 300 * DAY
    assert {step.state for step in status.history} == {State.PENDING}


@pytest.mark.feature("A5", "J9")
def test_each_answer_is_kept_sealed_with_its_source_and_time(desk_of: Building) -> None:
    with simulating("tianyancha", Known()) as simulator:
        shape = read_shape((SHAPES / "tianyancha.toml").read_text(encoding="utf-8"))
        source = HttpSource("tianyancha", shape, simulator.url, key="k")
        desk = desk_of(source)
        status = _submit(desk, _claims())
        source.close()
    _registry, answer = _kept(desk, status)
    assert (answer.source, answer.retrieved_at, answer.fault) == ("tianyancha", builders.NOW, "")
    assert answer.raw_sealed is not None
    assert builders.PERSON.encode() not in bytes(answer.raw_sealed)
    with desk.store.reading() as work:
        wrapped = rows.wrapped_keys(work, [status.uid])[status.uid]
    place = answer_place(status.uid, "tianyancha", builders.NOW)
    key = desk.vault.unwrap(status.uid, wrapped)
    opened = desk.vault.open(key, place, Sealed(answer.raw_sealed)).decode()
    assert builders.PERSON in opened


@pytest.mark.feature("A5")
def test_sources_are_asked_outside_any_unit_of_work(
    desk_of: Building, remote: Source, aliyun: Simulator
) -> None:
    """While it is asked the source writes to the store itself, which a lock would stop."""
    desk = desk_of()

    class Writing:
        name = remote.name

        def ask(self, *args: object, **kwargs: object) -> object:
            with desk.store.writing() as work:
                work.execute(sa.update(tables.submission).values(title="written meanwhile"))
                work.commit()
            return remote.ask(*args, **kwargs)  # type: ignore[arg-type]  # handed through

    writing: Source = Writing()  # type: ignore[assignment]  # handed through
    assert _submit(desk_of(writing), _claims()).state is State.VERIFIED
    assert len(aliyun.sent) == 1


@pytest.mark.feature("A3")
@pytest.mark.parametrize("depth", [Depth.TWO, Depth.THREE])
def test_fewer_than_four_elements_verify_these_and_make_nobody_take_part(
    desk_of: Building, remote: Source, depth: Depth
) -> None:
    desk = desk_of(remote)
    status = _submit(desk, _claims(depth=depth))
    assert (status.state, status.depth) == (State.VERIFIED, depth)
    assert _sheet(desk, builders.NOW).registration is None
    with desk.store.reading() as work:
        assert not rows.is_enrolled(work, _CODE.text)
        assert consents.live_purposes(work, _CODE.text, builders.NOW) == frozenset()


@pytest.mark.feature("A13")
def test_a_verification_lapses_with_the_term_of_business_and_is_renewed(
    desk_of: Building,
) -> None:
    """The term ends in ten days; after that it is extended and submitted anew."""
    desk = desk_of()
    load = registry_operations.load_registry
    load(desk.store, desk.vault, [builders.registry_row(term_end="2026-11-11")], now=builders.NOW)
    status = _submit(desk, _claims())
    end = start_of(Day(builders.TODAY + 11))
    assert status.expires_at == end
    assert _again(desk, status, end).state is State.LAPSED
    retrieved = "2026-11-11T00:00:00+08:00"
    load(desk.store, desk.vault, [builders.registry_row(retrieved_at=retrieved)], now=end)
    renewed = _submit(desk, _claims(), request=2, now=end)
    assert (renewed.state, renewed.expires_at) == (State.VERIFIED, end + 365 * DAY)


@pytest.mark.feature("A9", "A7")
def test_an_individual_business_is_known_by_its_composition_without_capital_and_shareholders(
    desk_of: Building,
) -> None:
    code = builders.code(1, department_and_type="92")
    row = builders.registry_row(
        code,
        composition="家庭经营",
        shareholders='[{"title": "测三四", "is_person": true}]',
    )
    desk = desk_of()
    assert (
        registry_operations.load_registry(desk.store, desk.vault, [row], now=builders.NOW).loaded
        == 1
    )
    claims = _claims(code)
    told = dataclasses.replace(claims.license, composition="家庭经营")
    status = _submit(desk, dataclasses.replace(claims, license=told))
    assert status.state is State.VERIFIED
    assert "composition" in {each.check for each in status.checks}
    sheet = _sheet(desk, builders.NOW, code)
    assert sheet.registration is not None
    registration = sheet.registration.value
    assert isinstance(registration, Registration)
    assert (registration.composition, registration.registered_capital) == ("家庭经营", None)
    assert sheet.shareholders == ()


@pytest.mark.feature("A9")
@pytest.mark.parametrize(
    ("people", "numbers", "loaded"),
    [
        ("测一二、测七八", "", 1),
        ("测一二、测七八", "990000199003070021、", 1),
        ("", "990000199003070021", 1),
        ("测一二、测七八", "990000199003070021", 0),
        ("测一二", "990000199003070021、990000199003070048", 0),
    ],
)
def test_registry_rows_pair_representatives_with_their_numbers(
    desk_of: Building, people: str, numbers: str, loaded: int
) -> None:
    row = builders.registry_row(representative=people, representative_id_number=numbers)
    report = registry_operations.load_registry(
        desk_of().store, desk_of().vault, [row], now=builders.NOW
    )
    assert report.loaded == loaded
    assert {each.reason for each in report.rejected} <= {"REPRESENTATIVES"}


@pytest.mark.feature("A9")
def test_attack_anothers_number_beside_a_right_name_does_not_verify(desk_of: Building) -> None:
    """Both persons are representatives; each number belongs to one of them."""
    desk = desk_of()
    row = builders.registry_row(
        representative=f"{builders.PERSON}、测七八",
        representative_id_number=f"990000199003070048、{builders.ID_NUMBER}",
    )
    registry_operations.load_registry(desk.store, desk.vault, [row], now=builders.NOW)
    status = _submit(desk, _claims())
    outcomes = {each.check: each.outcome for each in status.checks}
    assert outcomes["representative"] is Outcome.MATCH
    assert outcomes["representative_id_number"] is Outcome.MISMATCH
    assert status.state is State.ACTION_REQUIRED


# --- Magic codes -----------------------------------------------------------------------


@pytest.mark.feature("I5")
@pytest.mark.parametrize("serial", sorted(OUTCOMES))
def test_a_magic_code_forces_the_state_that_it_is_documented_with(
    desk_of: Building, serial: str
) -> None:
    desk = desk_of(sandbox=Sandbox("sandbox"))
    claims = _claims(magic_code(serial))
    everything = dataclasses.replace(
        claims.license,
        established=Day(0),
        term_end=Day(builders.TODAY),
        business_scope="百货",
        composition="个人经营",
    )
    status = _submit(desk, dataclasses.replace(claims, license=everything))
    assert status.state.name == OUTCOMES[serial].does.partition(":")[0].partition(",")[0]
    assert {each.source for each in status.checks} == {"sandbox"}


@pytest.mark.feature("I5")
def test_magic_codes_lapse_and_turn_up_as_documented(desk_of: Building) -> None:
    desk = desk_of(sandbox=Sandbox("sandbox"))
    lapsing, late, back = (
        _submit(desk, _claims(magic_code(serial)), request=number)
        for number, serial in enumerate(("MAG10001", "MAG10002", "MAG10003"))
    )
    minute_later = Instant(builders.NOW + 2 * _MINUTE)
    assert _again(desk, lapsing, minute_later).state is State.LAPSED
    assert _again(desk, back, minute_later).state is State.VERIFIED
    for _ in range(3):
        assert late.recheck_at is not None
        late = _again(desk, late, late.recheck_at)
        if late.state is not State.PENDING:
            break
    assert late.state is State.VERIFIED
    told = _sheet(desk, minute_later, magic_code("MAG10003")).registration
    assert told is not None
    assert told.source == "sandbox"


@pytest.mark.feature("I5")
def test_every_outcome_every_decided_state_and_every_error_has_a_magic_code() -> None:
    states = {state.name for state in State} - {"DRAFT", "WITHDRAWN"}
    said = " ".join(magic.does for magic in OUTCOMES.values())
    assert [state for state in states if state not in said] == []
    assert {reason for reason, _ in ERRORS.values()} == documented_reasons()


@pytest.mark.feature("I5")
def test_a_magic_code_is_a_code_like_any_other_where_magic_is_not_built(
    desk_of: Building,
) -> None:
    desk = desk_of()
    verified = _submit(desk, _claims(magic_code("MAG10000")))
    assert verified.state is State.PENDING
    assert {each.outcome for each in verified.checks} == {Outcome.NOT_FOUND}
    assert _submit(desk, _claims(magic_code("MAG50012")), request=2).state is State.PENDING


@pytest.mark.feature("I5")
def test_a_forced_error_stores_nothing(desk_of: Building) -> None:
    desk = desk_of(sandbox=Sandbox("sandbox"))
    for serial in ERRORS:
        with pytest.raises(BonafidesError):
            _submit(desk, _claims(magic_code(serial)))
    with desk.store.reading() as work:
        assert work.execute(sa.select(tables.submission)).all() == []


@pytest.mark.feature("I5")
def test_the_page_of_the_sandbox_lists_every_magic_code_with_what_it_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    listed = {
        cells[0].strip("`"): cells[1]
        for line in page.splitlines()
        if (cells := [cell.strip() for cell in line.strip("|").split("|")])[0].startswith("`9199")
    }
    expected = {magic_code(serial).text: magic.does for serial, magic in OUTCOMES.items()}
    expected |= {magic_code(serial).text: f"`{reason}`" for serial, (reason, _) in ERRORS.items()}
    assert listed == expected


def test_operating_states_of_a_simulated_source_are_read(
    desk_of: Building, remote: Source, aliyun: Simulator
) -> None:
    aliyun.known = Known(ended=True)
    desk = desk_of(remote)
    status = _submit(desk, _claims())
    assert (status.state, status.history[-1].reason) == (State.REJECTED, "REGISTRATION_ENDED")


@pytest.mark.feature("I5", "A3")
def test_magic_codes_work_over_a_real_channel(served: Served) -> None:
    """Those that a client tries again by itself are left to the test of operations."""
    retried = {"STORE_UNAVAILABLE", "SERVER_DRAINING", "REVISION_NOT_REACHED"}
    with served.client(served.token()) as client:
        made = client.submit_identity(builders.claims(magic_code("MAG40102")))
        assert made.state == enterprise.Submission.STATE_ACTION_REQUIRED
        assert [(each.depth, each.outcome) for each in made.depths] == [
            (enterprise.CHECK_DEPTH_TWO, enterprise.OUTCOME_MATCH),
            (enterprise.CHECK_DEPTH_THREE, enterprise.OUTCOME_MISMATCH),
            (enterprise.CHECK_DEPTH_FOUR, enterprise.OUTCOME_MISMATCH),
        ]
        down = client.submit_identity(builders.claims(magic_code("MAG20010")))
        assert {each.note for each in down.checks} == {"NOT_REACHED"}
        for serial, (reason, _) in ERRORS.items():
            if reason not in retried:
                with pytest.raises(RemoteError) as refused:
                    client.submit_identity(builders.claims(magic_code(serial)))
                assert refused.value.reason == reason


@pytest.mark.feature("A3", "A16")
def test_attack_a_stranger_who_knows_code_and_title_learns_nothing_of_the_archive(
    served: Served,
) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=builders.NOW
    )
    shallow = builders.claims()
    shallow.depth = enterprise.CHECK_DEPTH_TWO
    with served.client(served.token(subject="stranger")) as client:
        made = client.submit_identity(shallow)
        assert made.state == enterprise.Submission.STATE_VERIFIED
        assert [each.depth for each in made.depths] == [enterprise.CHECK_DEPTH_TWO]
        with pytest.raises(RemoteError) as refused:
            client.get_archive(_CODE.text)
    assert refused.value.reason == "RESOURCE_NOT_FOUND"
