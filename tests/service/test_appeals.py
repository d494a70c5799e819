"""Appeals through a real channel, on both databases: marks, terms, rulings, what was wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bonafides.archive.facts import Kind as FactKind
from bonafides.archive.facts import to_json
from bonafides.client import Client, RemoteError
from bonafides.identity import correction_operations, registry_operations
from bonafides.instants import DAY, Instant
from bonafides.rating.scorecard import champion
from bonafides.records import operations as records
from bonafides.records.kinds import Kind
from bonafides.storage import archive as archive_rows
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2, rights_pb2
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY
from scripts.verify_rollups import verify
from tests import builders, rated
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
PENALTY = builders.penalty()
CASE = rights_pb2.Correction
FEATURE = "complaint_upheld_rate"


def about_fact(kind: FactKind, item: str = "") -> rights_pb2.CorrectionTarget:
    return rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind=kind.value, item=item))


def about_complaint(record_id: str = "c1") -> rights_pb2.CorrectionTarget:
    record = rights_pb2.RecordTarget(
        platform=builders.PLATFORM, kind=Kind.COMPLAINT.value, record_id=record_id
    )
    return rights_pb2.CorrectionTarget(record=record)


def appeal(served: Served, target: rights_pb2.CorrectionTarget) -> rights_pb2.Correction:
    with rated.owner(served, CODE) as owner:
        return owner.rights.correct(CODE, target, wrong="it is wrong", right="it would be right")


def rule(served: Served, name: str, *, by: str = "clerk", **told: Any) -> rights_pb2.Correction:
    with rated.staff(served, by) as clerk:
        return clerk.rights.decide(name, reason="The file says so.", **told)


def by_archive(owner: Client) -> rating_pb2.Rating:
    return owner.get_archive(CODE).rating


def by_rating(owner: Client) -> rating_pb2.Rating:
    return owner.get_rating(CODE)


READS = [by_archive, by_rating]


def upheld(served: Served, read: Callable[[Client], rating_pb2.Rating] = by_rating) -> str:
    """Returns how many complaints count, in the words of the explanation."""
    with rated.owner(served, CODE) as owner:
        found = {part.feature: part for part in read(owner).contributions}
    return found[FEATURE].facts.split(",")[0]


def marked(rating: rating_pb2.Rating) -> set[str]:
    parts = {part.feature for part in rating.contributions if part.disputed}
    return parts | {hit.reason for hit in rating.rules if hit.disputed}


# --- Marks ---------------------------------------------------------------------------


@pytest.mark.feature("E9")
def test_contested_public_record_is_marked_wherever_it_is_seen_or_counted(served: Served) -> None:
    rated.rated(served, COMPANY, facts=[PENALTY, builders.listing()])
    appeal(served, about_fact(PENALTY.kind, PENALTY.item))
    with rated.owner(served, CODE) as owner, rated.staff(served) as clerk:
        platform = served.client(served.token("platform", subject="shop"))
        for shown in (
            owner.get_archive(CODE),
            clerk.get_archive(CODE),
            platform.get_archive(CODE, purpose=READ_PURPOSE_ELIGIBILITY),
        ):
            (penalty,) = shown.public_records.penalties
            assert penalty.record.disputed
            # Another record is not.
            assert not shown.public_records.listings[0].record.disputed
            assert shown.rating.disputed
        assert marked(owner.get_rating(CODE)) == {"penalty_weight"}
        (told,) = owner.get_archive(CODE).disputed_facts
        assert (told.kind, told.item, told.overdue) == ("penalty", PENALTY.item, False)
        platform.close()


@pytest.mark.feature("E9", "D1", "D2")
def test_closed_lists_of_public_and_members_stay_closed(served: Served) -> None:
    rated.rated(served, COMPANY)
    with served.client() as public, rated.member(served) as member:
        before = [each.get_archive(CODE) for each in (public, member)]
        appeal(served, about_fact(FactKind.REGISTRATION))
        after = [each.get_archive(CODE) for each in (public, member)]
    assert before == after
    with rated.owner(served, CODE) as owner:
        assert owner.get_archive(CODE).registration_disputed


@pytest.mark.feature("E9")
def test_contested_record_is_marked_in_figures_and_points_that_count_it(served: Served) -> None:
    rated.rated(served, COMPANY, more=[rated.complaint(COMPANY, "c1")])
    made = appeal(served, about_complaint())
    with rated.owner(served, CODE) as owner:
        shown = owner.get_archive(CODE)
        assert [file.disputed for file in shown.platforms] == [True]
        (told,) = shown.disputed_facts
        assert (told.kind, told.item, told.platform) == ("complaint", "c1", builders.PLATFORM)
        assert marked(shown.rating) == {FEATURE, "case_settled_rate", "first_response_hours"}
    rule(served, made.name, upheld=False)
    with rated.owner(served, CODE) as owner:
        shown = owner.get_archive(CODE)
        assert not shown.platforms[0].disputed
        assert not marked(shown.rating)
        assert not shown.rating.disputed


@pytest.mark.feature("E9", "J2")
def test_contested_check_is_marked_in_its_submission_until_the_ruling(served: Served) -> None:
    registry_operations.load_registry(
        served.store, served.vault, [builders.registry_row()], now=served.clock.now
    )
    with served.client(served.token()) as member:
        told = builders.claims(title="九九别名样例有限公司")
        made = member.submit_identity(told, builders.request_id())
        check = next(c for c in made.checks if c.outcome == enterprise_pb2.OUTCOME_MISMATCH)
        target = rights_pb2.CheckTarget(submission=made.name, check=check.check)
        case = member.rights.correct(
            CODE, rights_pb2.CorrectionTarget(check=target), wrong="it is", right="it would be"
        )
        shown = member.get_submission(made.name).checks
        assert {each.check for each in shown if each.disputed} == {check.check}
        rule(served, case.name, upheld=False)
        assert not any(each.disputed for each in member.get_submission(made.name).checks)


# --- The term ------------------------------------------------------------------------


@pytest.mark.feature("E9")
@pytest.mark.parametrize("read", READS)
def test_record_leaves_the_score_at_the_instant_at_which_its_term_is_over(
    served: Served, read: Callable[[Client], rating_pb2.Rating]
) -> None:
    """Nothing runs in the background here: whoever reads first at the instant brings it about."""
    rated.rated(served, COMPANY, more=[rated.complaint(COMPANY, f"c{n}") for n in (1, 2)])
    made = appeal(served, about_complaint())
    end = rated.end_of_term(served)
    served.clock.now = Instant(end - 1)
    assert upheld(served, read) == "2 complaints upheld"
    served.clock.now = end
    assert upheld(served, read) == "1 complaints upheld"
    with rated.owner(served, CODE) as owner, rated.staff(served) as clerk:
        case = owner.rights.correction(made.name)
        assert (case.state, case.rulings[0].outcome) == (CASE.STATE_OVERDUE, CASE.STATE_OVERDUE)
        shown = owner.get_archive(CODE)
        assert [told.overdue for told in shown.disputed_facts] == [True]
        # What isn't counted is not marked where it is not.
        assert not marked(shown.rating)
        assert not shown.platforms[0].disputed
        # It waits for staff still.
        (item,) = clerk.rights.queue()
        assert (item.name, item.overdue) == (made.name, True)
    with served.store.writing() as work:
        assert not verify(work).differences


@pytest.mark.feature("E9")
def test_overdue_record_counts_again_when_the_appeal_is_refused(served: Served) -> None:
    rated.rated(served, COMPANY, more=[rated.complaint(COMPANY, "c1")])
    made = appeal(served, about_complaint())
    served.clock.now = rated.end_of_term(served)
    assert upheld(served) == "0 complaints upheld"
    rated.later(served)
    ruled = rule(served, made.name, upheld=False)
    assert [each.outcome for each in ruled.rulings] == [CASE.STATE_OVERDUE, CASE.STATE_REFUSED]
    assert upheld(served) == "1 complaints upheld"


@pytest.mark.feature("E9")
def test_overdue_record_stays_out_when_the_appeal_is_won_and_can_come_back(served: Served) -> None:
    rated.rated(served, COMPANY, more=[rated.complaint(COMPANY, "c1")])
    made = appeal(served, about_complaint())
    served.clock.now = rated.end_of_term(served)
    assert upheld(served) == "0 complaints upheld"
    rated.later(served)
    assert rule(served, made.name, upheld=True).rulings[-1].applied
    assert upheld(served) == "0 complaints upheld"
    rated.later(served)
    assert rule(served, made.name, upheld=False).rulings[-1].applied
    assert upheld(served) == "1 complaints upheld"
    with served.store.writing() as work:
        assert not verify(work).differences


@pytest.mark.feature("E9", "C4")
def test_what_a_court_published_stays_past_the_term_and_is_marked(served: Served) -> None:
    rated.rated(served, COMPANY, facts=[builders.court_case()])
    appeal(served, about_fact(FactKind.ENFORCEMENT, builders.court_case().item))
    with rated.owner(served, CODE) as owner:
        counted = [p for p in owner.get_rating(CODE).contributions if p.feature[:3] == "unf"]
    served.clock.now = rated.end_of_term(served)
    with rated.owner(served, CODE) as owner:
        shown = owner.get_archive(CODE)
        assert [told.overdue for told in shown.disputed_facts] == [True]
        assert shown.public_records.court_cases[0].record.disputed
        assert marked(shown.rating) == {"unfulfilled_cases"}
        now = [p for p in shown.rating.contributions if p.feature[:3] == "unf"]
        assert [p.value for p in now] == [p.value for p in counted] == [1]


@pytest.mark.feature("E9")
def test_background_work_withholds_what_nobody_reads_and_does_it_once(served: Served) -> None:
    rated.rated(served, COMPANY, more=[rated.complaint(COMPANY, "c1")])
    made = appeal(served, about_complaint())
    card = champion(served.settings.models_dir)
    served.clock.now = Instant(rated.end_of_term(served) - 1)
    assert correction_operations.withhold_overdue(served.store, card, now=served.clock.now) == 0
    rated.later(served, 1)
    assert correction_operations.withhold_overdue(served.store, card, now=served.clock.now) == 1
    assert correction_operations.withhold_overdue(served.store, card, now=served.clock.now) == 0
    assert [told.overdue for told in stored(served).disputed_facts] == [True]
    with rated.owner(served, CODE) as owner:
        assert len(owner.rights.correction(made.name).rulings) == 1


@pytest.mark.feature("E9")
def test_whoever_makes_the_views_anew_past_the_term_withholds_first(served: Served) -> None:
    rated.rated(served, COMPANY, more=[rated.complaint(COMPANY, "c1")])
    appeal(served, about_complaint())
    served.clock.now = rated.end_of_term(served)
    card = champion(served.settings.models_dir)
    told = [builders.transaction("t-new", buyer="somebody-new")]
    records.ingest(served.store, served.vault, builders.rates(), told, now=served.clock.now)
    records.fold_and_refresh(served.store, card, now=served.clock.now)
    assert stored(served).disputed_facts[0].overdue
    assert not stored(served).platforms[0].cumulative.upheld_complaint_rate_ppm


def stored(served: Served) -> archive_pb2.Archive:
    """Returns the owner's view as it is kept, which no read has touched."""
    with served.store.reading() as work:
        found = archive_rows.read_snapshot(work, CODE, "OWNER")
    assert found is not None
    return archive_pb2.Archive.FromString(found.archive)


# --- Rulings -------------------------------------------------------------------------


@pytest.mark.feature("E9")
def test_won_appeal_restores_the_level_at_once_and_marks_the_entry_withdrawn(
    served: Served,
) -> None:
    wrong = builders.listing(FactKind.SERIOUS_ILLEGAL)
    rated.rated(served, COMPANY, facts=[wrong])
    made = appeal(served, about_fact(wrong.kind, wrong.item))
    with rated.member(served) as member:
        assert member.get_rating(CODE).level == rating_pb2.LEVEL_D
        rated.later(served)
        rule(served, made.name, upheld=True, withdraw=True)
        restored = member.get_rating(CODE).level
        assert restored != rating_pb2.LEVEL_D
        assert member.get_archive(CODE).rating.level == restored
    with rated.staff(served) as clerk, rated.owner(served, CODE) as owner:
        (entry,) = clerk.get_archive(CODE).withheld_records.listings
        assert entry.record.standing == archive_pb2.PublicRecord.STANDING_WITHDRAWN
        assert not owner.get_archive(CODE).public_records.listings
        assert "APPEAL_UPHELD" in {note.reason for note in owner.ownership.notices(CODE)}


@pytest.mark.feature("E9")
def test_who_read_the_wrong_level_can_be_found_as_long_as_the_appeal_is_won(
    served: Served,
) -> None:
    wrong = builders.listing(FactKind.SERIOUS_ILLEGAL)
    rated.rated(served, COMPANY, facts=[wrong])
    rated.later(served, 2 * DAY)
    with rated.member(served) as member:
        member.get_rating(CODE)
    made = appeal(served, about_fact(wrong.kind, wrong.item))
    with rated.staff(served) as clerk:
        assert not clerk.reviews.wrong_levels(CODE)
    rated.later(served)
    rule(served, made.name, upheld=True, withdraw=True)
    with rated.staff(served) as clerk, rated.member(served) as member:
        (told,) = clerk.reviews.wrong_levels(CODE)
        assert told.correction == made.name
        assert told.level == rating_pb2.LEVEL_D
        assert told.restored_level == member.get_rating(CODE).level
        assert told.begin_time.ToMicroseconds() <= builders.NOW
        assert told.end_time.ToMicroseconds() == served.clock.now
        with pytest.raises(RemoteError) as caught:
            member.reviews.wrong_levels(CODE)
        assert caught.value.reason == "METHOD_NOT_ALLOWED"
    rated.later(served)
    rule(served, made.name, upheld=False)
    with rated.staff(served) as clerk:
        assert not clerk.reviews.wrong_levels(CODE)
        assert not clerk.get_archive(CODE).withheld_records.listings


@pytest.mark.feature("E9", "K9")
def test_who_entered_what_is_contested_does_not_rule_on_it(served: Served) -> None:
    rated.rated(served, COMPANY)
    with served.store.reading() as work:
        (known,) = archive_rows.current_facts(work, CODE, FactKind.REGISTRATION, "")
    right = json.dumps(json.loads(to_json(known.fact)) | {"title": "九九更正样例有限公司"})
    first = appeal(served, about_fact(FactKind.REGISTRATION))
    rated.later(served)
    rule(served, first.name, by="clerk", upheld=True, fact_value=right)
    rated.later(served)
    second = appeal(served, about_fact(FactKind.REGISTRATION))
    with pytest.raises(RemoteError) as caught:
        rule(served, second.name, by="clerk", upheld=False)
    assert caught.value.reason == "SECOND_PERSON_REQUIRED"
    assert rule(served, second.name, by="other-clerk", upheld=False).state == CASE.STATE_REFUSED
    # In one's own case one may rule otherwise.
    rated.later(served)
    assert rule(served, first.name, by="clerk", upheld=False).state == CASE.STATE_REFUSED
