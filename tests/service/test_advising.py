"""Reasons, simulations and advice through a real channel, on both databases."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import uuid
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from bonafides.archive.facts import Fact, Kind
from bonafides.archive.operations import record_facts, refresh
from bonafides.archive.public_records import Listing
from bonafides.cli import app
from bonafides.client import RemoteError
from bonafides.identity import registry_operations
from bonafides.instants import DAY, HOUR, Day, Instant, start_of
from bonafides.rating.scorecard import champion
from bonafides.records import operations as records
from bonafides.records.kinds import Kind as RecordKind
from bonafides.records.kinds import Outcome, Record
from bonafides.v1 import rating_pb2
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY
from tests import builders
from tests.builders import NOW, TODAY
from tests.serving import Served

CODE = builders.code().text
CARD = champion(None)
LISTED = builders.listing(Kind.ABNORMAL_OPERATIONS, begins=Day(TODAY - 200))


@pytest.fixture
def enrolled(served: Served) -> Served:
    """A sandbox in which an enterprise traded for a year."""
    builders.enroll(served.store, builders.code())
    take(
        served,
        *(
            builders.transaction(
                f"t{number}",
                buyer=f"b{number // 2}",
                occurred_at=Instant(start_of(Day(TODAY - 3 * number - 1)) + HOUR * number % DAY),
            )
            for number in range(120)
        ),
    )
    return served


def take(served: Served, *told: Record) -> None:
    builders.link_stores(served.store, told)
    report = records.ingest(served.store, served.vault, builders.rates(), told, now=NOW)
    assert report.accepted == len(told)
    records.fold_and_refresh(served.store, CARD, now=NOW)


def case(record_id: str, **changes: Any) -> Record:
    common = {"kind": RecordKind.COMPLAINT, "amount": None, "outcome": Outcome.UNDECIDED}
    return builders.transaction(record_id, **(common | changes))


def publish(served: Served, *facts: Fact) -> None:
    with served.store.writing() as work:
        record_facts(work, facts, now=served.clock.now)
        refresh(work, CARD, CODE, served.clock.now)
        work.commit()


def owner(served: Served) -> Any:
    return served.client(served.token(owns=[CODE]))


def rating_of(served: Served) -> rating_pb2.Rating:
    with owner(served) as client:
        told: rating_pb2.Rating = client.get_rating(CODE)
    return told


# --- Reasons -------------------------------------------------------------------------


@pytest.mark.feature("E2")
def test_owner_reads_reasons_and_others_read_none(enrolled: Served) -> None:
    told = rating_of(enrolled)
    assert len(told.reasons) == 4
    lost = [why.points_lost for why in told.reasons]
    assert lost == sorted(lost, reverse=True)
    assert all(why.text_zh and why.text_en and why.sources for why in told.reasons)
    with enrolled.client(enrolled.token(subject="other")) as other:
        assert list(other.get_rating(CODE).reasons) == []
    with enrolled.client(enrolled.token("platform")) as platform:
        assert list(platform.get_rating(CODE, purpose=READ_PURPOSE_ELIGIBILITY).reasons) == []


# --- Simulations ---------------------------------------------------------------------


@pytest.mark.feature("E3")
def test_simulation_without_steps_is_the_level_and_stores_nothing(enrolled: Served) -> None:
    before = rating_of(enrolled)
    with owner(enrolled) as client:
        told = client.advising.simulate(CODE)
        client.advising.simulate(CODE, [rating_pb2.STEP_CERTIFY_ON_SITE])
    assert (told.rating.level, told.rating.score) == (before.level, before.score)
    assert list(told.rating.contributions) == list(before.contributions)
    assert rating_of(enrolled) == before


@pytest.mark.feature("E3")
def test_simulation_of_a_later_day_moves_ages_and_windows(enrolled: Served) -> None:
    lost = case("d1", kind=RecordKind.DISPUTE, outcome=Outcome.LOST)
    take(enrolled, dataclasses.replace(lost, occurred_at=start_of(Day(TODAY - 300))))
    with owner(enrolled) as client:
        now = client.advising.simulate(CODE).rating
        renewed = [rating_pb2.STEP_RENEW_VERIFICATION]
        later = client.advising.simulate(CODE, renewed, dt.date(2027, 1, 5))
    assert (later.date.year, later.date.month, later.date.day) == (2027, 1, 5)
    before, after = ({p.feature: p for p in each.contributions} for each in (now, later.rating))
    assert before["dispute_lost_rate"].facts.startswith("1 disputes lost")
    assert after["dispute_lost_rate"].facts.startswith("0 disputes lost")
    assert after["verified_days"].value - before["verified_days"].value == 65
    assert after["paid_orders"].value == before["paid_orders"].value


@pytest.mark.feature("E3")
@pytest.mark.parametrize("date", [dt.date(2026, 10, 31), dt.date(2028, 11, 1)])
def test_simulation_of_a_day_that_is_past_or_too_far_is_refused(
    enrolled: Served, date: dt.date
) -> None:
    with owner(enrolled) as client, pytest.raises(RemoteError) as refused:
        client.advising.simulate(CODE, date=date)
    assert refused.value.code.name == "INVALID_ARGUMENT"
    (fault,) = refused.value.violations
    assert (fault.field, fault.reason) == ("date", "OUT_OF_RANGE")
    assert "730 days" in fault.description


def test_simulation_of_a_step_that_is_not_listed_is_refused(enrolled: Served) -> None:
    with owner(enrolled) as client:
        for step in (0, 99):
            with pytest.raises(RemoteError) as refused:
                client.advising.simulate(CODE, [step])
            assert refused.value.code.name == "INVALID_ARGUMENT"
            assert refused.value.violations[0].field == "steps[0]"


# --- Advice --------------------------------------------------------------------------


@pytest.mark.feature("E3", "L7", "E10")
def test_following_the_advice_gives_the_promised_level(enrolled: Served) -> None:
    """A listing is corrected and taken off, as the first way says."""
    publish(enrolled, LISTED)
    listed = rating_of(enrolled)
    with owner(enrolled) as client:
        advice = client.advising.advice(CODE)
    assert advice.level == listed.level
    way = next(
        each
        for each in advice.paths
        if [step.step for step in each.steps] == [rating_pb2.STEP_END_ABNORMAL_LISTING]
    )
    assert (way.earliest_date.year, way.earliest_date.month, way.earliest_date.day) == (2026, 11, 1)
    assert isinstance(LISTED.value, Listing)
    removed = dataclasses.replace(LISTED.value, removed=TODAY)
    publish(enrolled, dataclasses.replace(LISTED, value=removed, retrieved_at=NOW))
    after = rating_of(enrolled)
    assert (after.level, after.score) == (way.level, way.score)
    assert after.level == advice.target_level


@pytest.mark.feature("E3")
def test_open_cases_of_the_store_can_be_settled_in_a_simulation(enrolled: Served) -> None:
    take(enrolled, case("c1"), case("c2", outcome=Outcome.UPHELD))
    with owner(enrolled) as client:
        told = client.advising.simulate(CODE, [rating_pb2.STEP_SETTLE_OPEN_CASES]).rating
    settled = next(part for part in told.contributions if part.feature == "case_settled_rate")
    assert settled.facts.startswith("1 of 2 closed cases were settled")


@pytest.mark.feature("E3", "D2")
def test_advice_and_simulation_are_for_the_enterprise_and_staff_alone(enrolled: Served) -> None:
    with enrolled.client(enrolled.token("operator", subject="clerk")) as staff:
        assert staff.advising.advice(CODE).text_en
    with enrolled.client(enrolled.token(subject="stranger")) as stranger:
        for call in (stranger.advising.advice, stranger.advising.simulate):
            for code in (CODE, builders.code(77).text):
                with pytest.raises(RemoteError) as refused:
                    call(code)
                assert refused.value.code.name == "NOT_FOUND"
    with enrolled.client(enrolled.token("platform")) as platform:
        with pytest.raises(RemoteError) as refused:
            platform.advising.advice(CODE)
        assert refused.value.code.name == "PERMISSION_DENIED"


def test_staff_find_no_advice_for_who_does_not_take_part(enrolled: Served) -> None:
    with enrolled.client(enrolled.token("operator", subject="clerk")) as staff:
        for call in (staff.advising.advice, staff.advising.simulate):
            with pytest.raises(RemoteError) as refused:
                call(builders.code(77).text)
            assert refused.value.code.name == "NOT_FOUND"


# --- What changes nothing ------------------------------------------------------------


@pytest.mark.feature("E4")
def test_goodwill_refund_and_undecided_complaint_change_no_level(enrolled: Served) -> None:
    before = rating_of(enrolled)
    refund = builders.transaction("f1", kind=RecordKind.REFUND, original_id="t1", buyer=None)
    take(enrolled, refund, case("c1"))
    after = rating_of(enrolled)
    assert (after.level, after.score) == (before.level, before.score)
    assert list(after.contributions) == list(before.contributions)


@pytest.mark.feature("A16")
def test_strangers_submission_changes_no_level(enrolled: Served) -> None:
    before = rating_of(enrolled)
    registry_operations.load_registry(
        enrolled.store, enrolled.vault, [builders.registry_row()], now=enrolled.clock.now
    )
    with enrolled.client(enrolled.token(subject="stranger")) as stranger:
        stranger.submit_identity(builders.claims(title="他人测试商行"), str(uuid.UUID(int=4)))
    after = rating_of(enrolled)
    assert (after.level, after.score) == (before.level, before.score)
    assert list(after.contributions) == list(before.contributions)


# --- On the command line -------------------------------------------------------------


def run(served: Served, *args: str) -> Result:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    env: dict[str, str | None] = {name: None for name in os.environ if "BONAFIDES" in name}
    env |= {
        "BONAFIDES_SERVER": served.address,
        "BONAFIDES_TOKEN": served.token(owns=[CODE]),
        "COLUMNS": "300",
    }
    done = CliRunner().invoke(app, args, env=env)
    assert done.exit_code == 0, done.stderr
    return done


@pytest.mark.feature("E3")
def test_advice_and_simulation_are_shown_on_the_command_line(enrolled: Served) -> None:
    publish(enrolled, LISTED)
    advised = run(enrolled, "advise", CODE).stdout
    assert "end-abnormal-listing" in advised
    assert "改正列入经营异常名录的原因" in advised
    shown = run(enrolled, "simulate", CODE, "end-abnormal-listing", "--on", "2026-12-01").stdout
    assert "If this were done today" in shown
    assert "2026-12-01" in shown
    told = json.loads(run(enrolled, "simulate", CODE, "certify-on-site", "--json").stdout)
    assert told["steps"] == ["STEP_CERTIFY_ON_SITE"]
    assert told["rating"]["level"].startswith("LEVEL_")


@pytest.mark.feature("E2")
def test_explanation_on_the_command_line_says_where_the_most_was_lost(enrolled: Served) -> None:
    shown = run(enrolled, "explain", CODE).stdout
    assert "Where the most points were lost" in shown
    assert f"bonafides appeal {CODE}" in "".join(shown.split("\n"))
