"""Reviews by people, and refused automation, through a real channel on both databases."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner

from bonafides.archive import operations as archive
from bonafides.archive.facts import Fact
from bonafides.archive.facts import Kind as FactKind
from bonafides.archive.public_records import Performance
from bonafides.cli import app
from bonafides.client import RemoteError
from bonafides.instants import day_of
from bonafides.rating.people import REFUSED
from bonafides.rating.scorecard import champion
from bonafides.v1 import rating_pb2, review_pb2, rights_pb2
from tests import builders, rated
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
INDIVIDUAL = builders.code(2, department_and_type="92")
OF_INDIVIDUAL = INDIVIDUAL.text
CONSENTED = ("VERIFY_IDENTITY", "RATE")
STATES = review_pb2.Review
D, NR = rating_pb2.LEVEL_D, rating_pb2.LEVEL_NR


def debt(**changes: Any) -> Fact:
    return builders.court_case(FactKind.DISHONEST_DEBTOR, of=INDIVIDUAL, **changes)


def serious(**changes: Any) -> Fact:
    return builders.listing(FactKind.SERIOUS_ILLEGAL, of=INDIVIDUAL, item="r2", **changes)


def learn(served: Served, *facts: Fact) -> None:
    """A source says something new; the level follows, as after a load."""
    with served.store.writing() as work:
        archive.record_facts(work, facts, now=served.clock.now)
        card = champion(served.settings.models_dir)
        archive.refresh(work, card, facts[0].code, served.clock.now)
        work.commit()


def level(served: Served, code: str = OF_INDIVIDUAL) -> rating_pb2.Level.ValueType:
    with rated.member(served) as member:
        shown = member.get_rating(code)
        assert member.get_archive(code).rating.level == shown.level
        return shown.level


def reviews(served: Served, code: str = OF_INDIVIDUAL) -> list[review_pb2.Review]:
    with rated.staff(served) as clerk:
        return list(clerk.reviews.reviews(code))


def decide(
    served: Served, name: str, *, by: str = "clerk", stands: bool, four_eyes: bool = False
) -> review_pb2.Review:
    rated.later(served)
    with rated.staff(served, by) as clerk:
        return clerk.reviews.decide(
            name, stands=stands, reason="The court's page shows it.", four_eyes=four_eyes
        )


def waiting(served: Served) -> list[str]:
    with rated.staff(served) as clerk:
        kind = rights_pb2.QueueItem.KIND_REVIEW
        return [item.name for item in clerk.rights.queue() if item.kind == kind]


# --- Before D of an individual business ----------------------------------------------


@pytest.mark.feature("E13", "K9")
def test_d_of_an_individual_business_waits_for_a_person_in_the_queue(served: Served) -> None:
    rated.rated(served, INDIVIDUAL, facts=[debt()], purposes=CONSENTED)
    with rated.owner(served, OF_INDIVIDUAL) as owner:
        shown = owner.get_rating(OF_INDIVIDUAL)
        assert shown.level == NR
        assert [hit.reason for hit in shown.rules] == ["LISTING_REVIEW_BY_PERSON"]
    (made,) = reviews(served)
    assert (made.cause, made.state) == (STATES.CAUSE_KNOCK_OUT, STATES.STATE_OPEN)
    assert waiting(served) == [made.name]
    done = decide(served, made.name, stands=True)
    assert done.state == STATES.STATE_STANDS
    assert (done.findings[0].reason, done.findings[0].final) == ("The court's page shows it.", True)
    assert done.findings[0].found_by
    assert level(served) == D
    assert not waiting(served)
    with rated.owner(served, OF_INDIVIDUAL) as owner:
        assert [h.reason for h in owner.get_rating(OF_INDIVIDUAL).rules] == ["DISHONEST_DEBTOR"]
        (seen,) = owner.reviews.reviews(OF_INDIVIDUAL)
        # Who found it, staff alone see.
        assert (seen.findings[0].reason != "", seen.findings[0].found_by) == (True, "")
        assert "REVIEW_DECIDED" in {n.reason for n in owner.ownership.notices(OF_INDIVIDUAL)}


@pytest.mark.feature("E13")
def test_finding_holds_for_the_facts_that_were_looked_at_and_new_ones_wait_anew(
    served: Served,
) -> None:
    rated.rated(served, INDIVIDUAL, facts=[debt()], purposes=CONSENTED)
    (first,) = reviews(served)
    decide(served, first.name, stands=True)
    assert level(served) == D
    rated.later(served)
    learn(served, serious())
    assert level(served) == NR
    second, old = reviews(served)
    assert (second.state, old.state) == (STATES.STATE_OPEN, STATES.STATE_ENDED)
    assert waiting(served) == [second.name]
    with pytest.raises(RemoteError) as caught:
        decide(served, old.name, stands=True)
    assert caught.value.reason == "CASE_STATE"
    decide(served, second.name, stands=True)
    assert level(served) == D


@pytest.mark.feature("E13")
def test_the_same_facts_told_again_need_no_new_review(served: Served) -> None:
    rated.rated(served, INDIVIDUAL, facts=[debt()], purposes=CONSENTED)
    (made,) = reviews(served)
    decide(served, made.name, stands=True)
    rated.later(served)
    told = debt()
    again = Fact(
        code=told.code,
        kind=told.kind,
        value=told.value,
        source=told.source,
        retrieved_at=served.clock.now,
        valid_from=told.valid_from,
        item=told.item,
    )
    learn(served, again)
    assert level(served) == D
    assert len(reviews(served)) == 1


@pytest.mark.feature("E13")
def test_d_that_was_found_not_to_stand_is_not_given_nor_asked_for_again(served: Served) -> None:
    rated.rated(served, INDIVIDUAL, facts=[debt(), serious()], purposes=CONSENTED)
    (made,) = reviews(served)
    decide(served, made.name, stands=False)
    by_points = level(served)
    assert by_points not in {D, NR}
    # With one of the two gone the rest was looked at, too.
    rated.later(served)
    learn(served, debt(performance=Performance.PERFORMED))
    assert level(served) == by_points
    assert [each.state for each in reviews(served)] == [STATES.STATE_STANDS_NOT]


@pytest.mark.feature("E13")
def test_finding_that_d_stands_is_no_more_once_a_listing_is_gone(served: Served) -> None:
    rated.rated(served, INDIVIDUAL, facts=[debt(), serious()], purposes=CONSENTED)
    (made,) = reviews(served)
    decide(served, made.name, stands=True)
    rated.later(served)
    learn(served, serious(removed=day_of(served.clock.now)))
    # Nobody has looked at the one alone.
    assert level(served) == NR
    assert [each.state for each in reviews(served)] == [STATES.STATE_OPEN, STATES.STATE_ENDED]
    rated.later(served)
    learn(served, debt(performance=Performance.PERFORMED))
    assert level(served) not in {D, NR}
    assert not waiting(served)


@pytest.mark.feature("E13", "B5")
def test_without_consent_to_be_rated_there_is_neither_review_nor_d(served: Served) -> None:
    rated.rated(served, INDIVIDUAL, facts=[debt()])
    assert level(served) == NR
    assert not reviews(served)


@pytest.mark.feature("E13", "K9")
def test_second_person_has_to_find_the_same_where_one_asks_for_it(served: Served) -> None:
    rated.rated(served, INDIVIDUAL, facts=[debt()], purposes=CONSENTED)
    (made,) = reviews(served)
    first = decide(served, made.name, stands=True, four_eyes=True)
    assert (first.state, first.findings[0].final) == (STATES.STATE_OPEN, False)
    assert level(served) == NR
    with rated.staff(served) as clerk:
        (item,) = clerk.rights.queue()
        assert item.four_eyes
    with pytest.raises(RemoteError) as caught:
        decide(served, made.name, stands=True)
    assert caught.value.reason == "SECOND_PERSON_REQUIRED"
    # Another one who finds otherwise has no effect, either.
    decide(served, made.name, by="other-clerk", stands=False)
    assert level(served) == NR
    done = decide(served, made.name, by="third-clerk", stands=False)
    assert [each.final for each in done.findings] == [False, False, True]
    assert level(served) not in {D, NR}


# --- On request -----------------------------------------------------------------------


@pytest.mark.feature("E13", "K9")
def test_owner_asks_for_a_review_once_and_reads_what_a_person_found(served: Served) -> None:
    rated.rated(served, COMPANY)
    with rated.owner(served, CODE) as owner:
        made = owner.reviews.request(CODE)
        assert owner.reviews.request(CODE) == made
        assert (made.cause, made.state) == (STATES.CAUSE_REQUESTED, STATES.STATE_OPEN)
        before = owner.get_rating(CODE)
        assert waiting(served) == [made.name]
        with rated.staff(served, "owner") as same, pytest.raises(RemoteError) as caught:
            same.reviews.decide(made.name, stands=True, reason="Mine.")
        assert caught.value.reason == "SECOND_PERSON_REQUIRED"
        decide(served, made.name, stands=True)
        (seen,) = owner.reviews.reviews(CODE)
        assert seen.state == STATES.STATE_STANDS
        after = owner.get_rating(CODE)
        assert (after.level, after.score) == (before.level, before.score)
        # Once it is decided, another may be asked for.
        assert owner.reviews.request(CODE).name != made.name


@pytest.mark.feature("E13")
def test_reviews_are_for_owners_and_staff_alone(served: Served) -> None:
    rated.rated(served, COMPANY)
    with rated.member(served) as stranger, rated.staff(served) as clerk:
        for call in (
            stranger.reviews.request,
            stranger.reviews.reviews,
            stranger.reviews.automatic_rating,
            stranger.reviews.refuse,
            stranger.reviews.overrides,
        ):
            with pytest.raises(RemoteError) as caught:
                call(CODE)
            assert caught.value.code is grpc.StatusCode.NOT_FOUND
        for refused in (clerk.reviews.request, clerk.reviews.refuse):
            with pytest.raises(RemoteError) as caught:
                refused(CODE)
            assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED


# --- Refused automation ---------------------------------------------------------------


@pytest.mark.feature("E13", "E4")
def test_refused_automatic_level_is_nr_like_any_other_until_it_is_taken_back(
    served: Served,
) -> None:
    rated.rated(served, COMPANY)
    before = level(served, CODE)
    assert before != NR
    rated.later(served)
    with rated.owner(served, CODE) as owner:
        assert not owner.reviews.automatic_rating(CODE).refused
        assert owner.reviews.refuse(CODE).refused
        shown = owner.get_rating(CODE)
        assert [hit.reason for hit in shown.rules] == [REFUSED]
        assert "nothing adverse" in shown.rules[0].text_en
        assert "不是负面评价" in shown.rules[0].text_zh
        assert not shown.contributions
        assert not shown.HasField("score")
    assert level(served, CODE) == NR
    with rated.member(served) as member:
        seen = member.get_rating(CODE)
    thin = thin_nr(served)
    # Of another the same fields are set, with the same values but its own name and coverage.
    assert {field.name for field, _ in seen.ListFields()} == {f.name for f, _ in thin.ListFields()}
    assert (seen.range_low, seen.range_high) == (thin.range_low, thin.range_high) == (NR, NR)
    rated.later(served)
    with rated.owner(served, CODE) as owner:
        assert not owner.reviews.refuse(CODE, refused=False).refused
    assert level(served, CODE) == before


def thin_nr(served: Served) -> rating_pb2.Rating:
    """Returns what a member sees of an enterprise with a platform and too few orders."""
    thin = builders.code(3)
    rated.rated_thinly(served, thin)
    with rated.member(served) as member:
        return member.get_rating(thin.text)


@pytest.mark.feature("E13")
def test_d_by_a_public_record_is_not_refused_away(served: Served) -> None:
    rated.rated(served, COMPANY, facts=[builders.listing(FactKind.SERIOUS_ILLEGAL)])
    rated.later(served)
    with rated.owner(served, CODE) as owner:
        owner.reviews.refuse(CODE)
    assert level(served, CODE) == D


def run(served: Served, token: str, *arguments: str) -> Any:
    done = CliRunner().invoke(
        app,
        [*arguments, "--json"],
        env={"BONAFIDES_SERVER": served.address, "BONAFIDES_TOKEN": token},
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.feature("E13", "K9")
def test_reviews_and_refusals_are_handled_by_commands(served: Served) -> None:
    rated.rated(served, COMPANY)
    owner = served.token(subject="owner", owns=[CODE])
    clerk = served.token("operator", subject="clerk")
    name = run(served, owner, "review", "request", CODE)["name"]
    (item,) = run(served, clerk, "queue")["items"]
    assert (item["name"], item["kind"]) == (name, "KIND_REVIEW")
    told = ("--reason", "It follows from the record.", "--four-eyes")
    waits = run(served, clerk, "review", "decide", name, "stands", *told)
    assert waits["state"] == "STATE_OPEN"
    (seen,) = run(served, owner, "review", "list", CODE)["reviews"]
    assert seen["findings"][0]["reason"] == "It follows from the record."
    assert run(served, owner, "review", "refuse", CODE)["refused"]
    assert run(served, owner, "review", "automatic", CODE)["refused"]
    assert not run(served, owner, "review", "accept", CODE).get("refused", False)
