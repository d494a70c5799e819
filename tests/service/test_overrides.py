"""Levels that people set, through a real channel and the command line, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from bonafides.cli import app
from bonafides.client import Client, RemoteError
from bonafides.instants import DAY, Instant, to_datetime
from bonafides.rating.history_operations import replay
from bonafides.v1 import rating_pb2, review_pb2, rights_pb2
from tests import builders, rated
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
INDIVIDUAL = builders.code(2, department_and_type="92")
C, NR = rating_pb2.LEVEL_C, rating_pb2.LEVEL_NR
STATES = review_pb2.Override
# The most that an override may hold.
MOST_DAYS = 30


def propose(served: Served, code: str = CODE, **told: Any) -> review_pb2.Override:
    asked: dict[str, Any] = {"reason": "A ring is being looked into.", "term_days": 10}
    with rated.staff(served, "first") as clerk:
        return clerk.reviews.propose_override(code, told.pop("level", C), **(asked | told))


def start(served: Served, name: str, by: str = "second") -> review_pb2.Override:
    with rated.staff(served, by) as clerk:
        return clerk.reviews.start_override(name)


def overridden(served: Served, code: str = CODE, **told: Any) -> review_pb2.Override:
    made = propose(served, code, **told)
    rated.later(served)
    return start(served, made.name)


def appeal(served: Served, name: str) -> rights_pb2.Correction:
    target = rights_pb2.CorrectionTarget(override=rights_pb2.OverrideTarget(override=name))
    with rated.owner(served, CODE) as owner:
        return owner.rights.correct(CODE, target, wrong="we are in no ring", right="our points")


def seen(served: Served, code: str = CODE) -> rating_pb2.Rating:
    with rated.member(served) as member:
        return member.get_rating(code)


def steps(served: Served) -> list[tuple[str, bool]]:
    with rated.staff(served) as clerk:
        return [
            (step.step, bool(step.taken_by))
            for override in reversed(clerk.reviews.overrides(CODE))
            for step in override.steps
        ]


def by_archive(member: Client) -> rating_pb2.Rating:
    return member.get_archive(CODE).rating


def by_rating(member: Client) -> rating_pb2.Rating:
    return member.get_rating(CODE)


# --- Two people, a reason, a term -----------------------------------------------------


@pytest.mark.feature("E8")
def test_level_that_two_people_set_is_shown_and_marked_and_changes_no_points(
    served: Served,
) -> None:
    rated.rated(served, COMPANY)
    with rated.owner(served, CODE) as owner:
        before = owner.get_rating(CODE)
        made = propose(served)
        assert made.state == STATES.STATE_PROPOSED
        assert owner.get_rating(CODE).level == before.level
        rated.later(served)
        live = start(served, made.name)
        assert live.state == STATES.STATE_LIVE
        shown = owner.get_rating(CODE)
        assert (shown.level, shown.range_low, shown.range_high) == (C, C, C)
        assert (shown.overridden, shown.override) == (True, made.name)
        assert shown.score == before.score
        assert shown.contributions == before.contributions
        (told,) = owner.reviews.overrides(CODE)
        assert told.reason == "A ring is being looked into."
        # Who set it, staff alone see.
        assert not told.steps
        assert "LEVEL_OVERRIDDEN" in {note.reason for note in owner.ownership.notices(CODE)}
    shown = seen(served)
    assert (shown.level, shown.overridden, shown.override) == (C, True, "")
    assert steps(served) == [("PROPOSED", True), ("STARTED", True)]


@pytest.mark.feature("E8", "E11")
def test_history_tells_what_people_set_and_that_it_ended(served: Served) -> None:
    rated.rated(served, COMPANY)
    with rated.owner(served, CODE) as owner:
        before = owner.get_rating(CODE).level
    overridden(served, term_days=1)
    assert seen(served).level == C
    rated.later(served, 2 * DAY)
    with rated.owner(served, CODE) as owner:
        assert owner.get_rating(CODE).level == before
        ended, began, *_ = owner.levels.history(CODE)
    assert (began.prior_level, began.level) == (before, C)
    assert (ended.prior_level, ended.level) == (C, before)
    assert began.cause == ended.cause == rating_pb2.CAUSE_BY_PEOPLE
    again = list(replay(served.store, None, CODE, now=served.clock.now))
    assert len(again) > 2
    assert all(each.agrees for each in again)


@pytest.mark.feature("E8", "K9")
def test_who_proposed_an_override_does_not_start_it(served: Served) -> None:
    rated.rated(served, COMPANY)
    made = propose(served)
    with rated.staff(served) as clerk:
        (item,) = clerk.rights.queue()
    assert (item.name, item.four_eyes) == (made.name, True)
    with pytest.raises(RemoteError) as caught:
        start(served, made.name, by="first")
    assert caught.value.reason == "SECOND_PERSON_REQUIRED"
    assert not seen(served).overridden
    start(served, made.name)
    with rated.staff(served) as clerk:
        assert not clerk.rights.queue()


@pytest.mark.feature("E8")
@pytest.mark.parametrize("days", [0, -1, MOST_DAYS + 1])
def test_override_of_no_day_or_of_more_than_thirty_is_refused(served: Served, days: int) -> None:
    rated.rated(served, COMPANY)
    with pytest.raises(RemoteError) as caught:
        propose(served, term_days=days)
    assert [(each.field, bool(each.description)) for each in caught.value.violations] == [
        ("term_days", True)
    ]
    assert propose(served, term_days=MOST_DAYS).term_days == MOST_DAYS


@pytest.mark.feature("E8")
def test_people_set_no_d_and_no_level_without_a_reason(served: Served) -> None:
    rated.rated(served, COMPANY)
    for told, field in (({"level": rating_pb2.LEVEL_D}, "level"), ({"reason": ""}, "reason")):
        with pytest.raises(RemoteError) as caught:
            propose(served, **told)
        assert [each.field for each in caught.value.violations] == [field]


@pytest.mark.feature("E8", "E10")
@pytest.mark.parametrize("read", [by_archive, by_rating])
def test_override_ends_by_itself_at_its_instant(
    served: Served, read: Callable[[Client], rating_pb2.Rating]
) -> None:
    """Nothing runs in the background here."""
    rated.rated(served, COMPANY)
    before = seen(served).level
    # An hour that no midnight shares.
    live = overridden(served, term_days=1)
    expires_at = Instant(live.expire_time.ToMicroseconds())
    assert expires_at == served.clock.now + DAY
    served.clock.now = Instant(expires_at - 1)
    with rated.member(served) as member:
        shown = read(member)
        assert (shown.level, shown.overridden) == (C, True)
        assert shown.valid_until_time == live.expire_time
        served.clock.now = expires_at
        shown = read(member)
        assert (shown.level, shown.overridden) == (before, False)
    with rated.owner(served, CODE) as owner:
        (over,) = owner.reviews.overrides(CODE)
        assert over.state == STATES.STATE_ENDED
        assert not over.HasField("end_time")


@pytest.mark.feature("E8", "C10")
def test_past_archive_shows_the_override_of_its_time_alone(served: Served) -> None:
    rated.rated(served, COMPANY)
    live = overridden(served, term_days=1)
    started = Instant(live.start_time.ToMicroseconds())
    rated.later(served, 2 * DAY)
    asked = {at: to_datetime(Instant(started + at)) for at in (-1, 0, DAY - 1, DAY)}
    with rated.owner(served, CODE) as owner:
        told = {
            at: owner.get_archive(CODE, as_of=when).rating.overridden for at, when in asked.items()
        }
    assert told == {-1: False, 0: True, DAY - 1: True, DAY: False}


@pytest.mark.feature("E8")
def test_override_is_ended_by_staff_or_replaced_by_the_next(served: Served) -> None:
    rated.rated(served, COMPANY)
    before = seen(served).level
    first = overridden(served)
    rated.later(served)
    second = overridden(served, level=NR)
    assert seen(served).level == NR
    rated.later(served)
    with rated.staff(served) as clerk:
        ended = clerk.reviews.end_override(second.name, reason="It is cleared up.")
        assert clerk.reviews.end_override(second.name, reason="Again.") == ended
        assert {each.name for each in clerk.reviews.overrides(CODE)} == {first.name, second.name}
    # The one before does not come back.
    assert seen(served).level == before
    ends = [step for step, _ in steps(served)]
    assert ends == ["PROPOSED", "STARTED", "REPLACED", "PROPOSED", "STARTED", "ENDED"]


@pytest.mark.feature("E8")
def test_proposal_is_staffs_alone_and_can_be_taken_back(served: Served) -> None:
    rated.rated(served, COMPANY)
    made = propose(served)
    with rated.owner(served, CODE) as owner:
        assert not owner.reviews.overrides(CODE)
        with pytest.raises(RemoteError) as caught:
            owner.reviews.start_override(made.name)
        assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
    with rated.staff(served) as clerk:
        clerk.reviews.end_override(made.name, reason="Not needed.")
    with pytest.raises(RemoteError) as caught:
        start(served, made.name)
    assert caught.value.reason == "CASE_STATE"
    assert not seen(served).overridden


@pytest.mark.feature("E8")
def test_repeated_proposal_is_the_same_and_another_under_its_id_is_refused(served: Served) -> None:
    rated.rated(served, COMPANY)
    made = propose(served, request_id=builders.request_id(5))
    assert propose(served, request_id=builders.request_id(5)) == made
    with pytest.raises(RemoteError) as caught:
        propose(served, request_id=builders.request_id(5), term_days=11)
    assert caught.value.reason == "REQUEST_ID_REUSED"
    started = start(served, made.name)
    assert start(served, made.name, by="third") == started


@pytest.mark.feature("E8", "B5")
def test_override_gives_no_level_to_who_did_not_consent_to_be_rated(served: Served) -> None:
    rated.rated(served, INDIVIDUAL)
    overridden(served, INDIVIDUAL.text, level=rating_pb2.LEVEL_A)
    shown = seen(served, INDIVIDUAL.text)
    assert (shown.level, shown.overridden) == (NR, False)


@pytest.mark.feature("E8", "E13")
def test_refused_automation_leaves_a_level_that_people_set(served: Served) -> None:
    rated.rated(served, COMPANY)
    with rated.owner(served, CODE) as owner:
        owner.reviews.refuse(CODE)
    rated.later(served)
    overridden(served, level=rating_pb2.LEVEL_B)
    assert seen(served).level == rating_pb2.LEVEL_B


# --- Appeals --------------------------------------------------------------------------


@pytest.mark.feature("E8", "E9")
def test_appeal_against_an_override_marks_it_and_when_won_restores_the_level(
    served: Served,
) -> None:
    rated.rated(served, COMPANY)
    before = seen(served).level
    live = overridden(served)
    rated.later(served)
    case = appeal(served, live.name)
    with rated.owner(served, CODE) as owner:
        shown = owner.get_rating(CODE)
        assert (shown.level, shown.disputed) == (C, True)
    for involved in ("first", "second"):
        with rated.staff(served, involved) as clerk, pytest.raises(RemoteError) as caught:
            clerk.rights.decide(case.name, upheld=True, reason="So.")
        assert caught.value.reason == "SECOND_PERSON_REQUIRED"
    assert seen(served).level == C
    rated.later(served)
    with rated.staff(served, "third") as clerk:
        ruled = clerk.rights.decide(case.name, upheld=True, reason="There is no ring.")
        assert ruled.rulings[0].applied
        (wrong,) = clerk.reviews.wrong_levels(CODE)
        assert (wrong.level, wrong.restored_level) == (C, before)
        assert wrong.begin_time == live.start_time
    assert seen(served).level == before
    assert [step for step, _ in steps(served)] == ["PROPOSED", "STARTED", "APPEALED", "APPEAL_WON"]


@pytest.mark.feature("E8", "E9")
def test_refused_appeal_leaves_the_override(served: Served) -> None:
    rated.rated(served, COMPANY)
    case = appeal(served, overridden(served).name)
    rated.later(served)
    with rated.staff(served, "third") as clerk:
        clerk.rights.decide(case.name, upheld=False, reason="There is one.")
        assert not clerk.reviews.wrong_levels(CODE)
    with rated.owner(served, CODE) as owner:
        shown = owner.get_rating(CODE)
    assert (shown.level, shown.overridden, shown.disputed) == (C, True, False)


@pytest.mark.feature("E8", "E9")
def test_appeal_that_is_won_after_the_override_was_over_still_tells_what_was_wrong(
    served: Served,
) -> None:
    rated.rated(served, COMPANY)
    live = overridden(served, term_days=1)
    case = appeal(served, live.name)
    rated.later(served, 2 * DAY)
    with rated.staff(served, "third") as clerk:
        ruled = clerk.rights.decide(case.name, upheld=True, reason="There was no ring.")
        assert not ruled.rulings[0].applied
        (wrong,) = clerk.reviews.wrong_levels(CODE)
    assert (wrong.level, wrong.begin_time, wrong.end_time) == (
        C,
        live.start_time,
        live.expire_time,
    )


@pytest.mark.feature("E8", "E9")
def test_override_whose_appeal_nobody_decides_ends_with_the_term(served: Served) -> None:
    rated.rated(served, COMPANY)
    before = seen(served).level
    live = overridden(served, term_days=MOST_DAYS)
    appeal(served, live.name)
    end = rated.end_of_term(served)
    assert end < live.expire_time.ToMicroseconds()
    served.clock.now = Instant(end - 1)
    assert seen(served).level == C
    served.clock.now = end
    assert seen(served).level == before
    assert steps(served)[-1] == ("APPEAL_OVERDUE", False)


@pytest.mark.feature("E8", "E9")
def test_only_an_override_of_the_same_enterprise_that_was_started_can_be_appealed(
    served: Served,
) -> None:
    rated.rated(served, COMPANY)
    proposed = propose(served)
    other = f"enterprises/{INDIVIDUAL.text}/overrides/{builders.request_id()}"
    for name, reason in ((proposed.name, "NOT_HELD"), (other, "OTHER_ENTERPRISE")):
        with pytest.raises(RemoteError) as caught:
            appeal(served, name)
        assert [each.reason for each in caught.value.violations] == [reason]


def run(served: Served, token: str, *arguments: str) -> Any:
    done = CliRunner().invoke(
        app,
        [*arguments, "--json"],
        env={"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token},
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.feature("E8", "E9", "K9")
def test_overrides_and_appeals_are_handled_by_commands(served: Served) -> None:
    rated.rated(served, COMPANY)
    owner = served.token(subject="owner", owns=[CODE])
    first, second, third = (served.token("operator", subject=name) for name in ("a", "b", "c"))
    told = ("--days", "14", "--reason", "A ring is being looked into.")
    name = run(served, first, "override", "propose", CODE, "C", *told)["name"]
    assert run(served, second, "override", "start", name)["state"] == "STATE_LIVE"
    (shown,) = run(served, owner, "override", "list", CODE)["overrides"]
    assert shown["level"] == "LEVEL_C"
    uid = name.rpartition("/")[2]
    why = ("--wrong", "there is none", "--right", "our points")
    case = run(served, owner, "appeal", CODE, f"override:{uid}", *why)["name"]
    rated.later(served)
    ruled = run(served, third, "queue", "decide", case, "uphold", "--reason", "There is none.")
    assert ruled["state"] == "STATE_UPHELD"
    (wrong,) = run(served, third, "wrong-levels", CODE)["levels"]
    assert wrong["correction"] == case
    rated.later(served)
    ended = run(served, third, "override", "end", name, "--reason", "It is over.")
    assert ended["state"] == "STATE_ENDED"
