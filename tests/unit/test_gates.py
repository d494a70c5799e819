"""A good candidate passes every gate; one that fails in one thing is refused by that gate."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bonafides.instants import DAY, Instant
from bonafides.rating import bulk
from bonafides.rating.card import Level
from bonafides.rating.gates import GATES, Announcement, Case, judge
from bonafides.rating.reports import CardName, Interval, Migration, Move
from bonafides.rating.scorecard import Scorecard
from bonafides.storage.engines import DuckDb
from tests import promotions
from tests.builders import NOW
from tests.promotions import CHAMPION, case, evaluation, group, moves, result, shadow

CARD = promotions.candidate(basis="OUTCOMES")
OTHER = CardName("other-1", "f" * 64, "OUTCOMES")


def refusals(told: Case) -> dict[str, str]:
    return {verdict.gate: verdict.told for verdict in judge(told) if not verdict.passed}


def judged(**changes: Any) -> Case:
    return case(CARD, evaluation=evaluation(CARD, **changes))


def falling(count: int, **changes: Any) -> Case:
    return case(CARD, shadow=shadow(CARD, moves(count, Level.A, Level.B)), **changes)


def announced(effective_at: int, digest: str = CARD.digest) -> Announcement:
    return Announcement(digest, CHAMPION.digest, Instant(effective_at))


def unsound() -> Scorecard:
    """A card that a loader would refuse: the first feature's points run the other way."""
    first, *rest = CARD.content.features
    turned = first.model_copy(update={"points": tuple(reversed(first.points))})
    content = CARD.content.model_copy(update={"features": (turned, *rest)})
    return dataclasses.replace(CARD, content=content)


@pytest.mark.feature("E6")
def test_a_good_candidate_passes_every_gate() -> None:
    verdicts = judge(case(CARD))
    assert [verdict.gate for verdict in verdicts] == [gate.__name__ for gate in GATES]
    assert refusals(case(CARD)) == {}


# For each gate candidates made to fail in that alone, and words of the reason.
FAILING: dict[str, list[tuple[Case, str]]] = {
    "approvers": [
        (case(CARD, approvers=("li",)), "1 approve, 2 are needed"),
        # The same person in other letters, width and blanks.
        (case(CARD, approvers=("li", " ＬＩ ")), "1 approve"),
        (case(CARD, approvers=("li", " ")), "1 approve"),
    ],
    "basis": [
        (case(promotions.candidate(basis="SYNTHETIC")), "live takes no SYNTHETIC"),
        (judged(data_basis="SYNTHETIC"), "OUTCOMES judged on SYNTHETIC in live"),
    ],
    "signature": [
        (case(CARD, signed=None), "no key is trusted"),
        (case(CARD, signed=False), "no good one"),
    ],
    "directions": [(case(CARD, candidate=unsound()), "run against the direction")],
    "golden": [
        (case(CARD, golden={"store": []}), "not asked on duckdb"),
        (case(CARD, golden={"store": [], "duckdb": [], "spark": [4, 7]}), "spark: rows [4, 7]"),
    ],
    "evaluation": [
        (judged(candidate=OTHER), "in the place of the candidate"),
        (judged(champion=OTHER), "in the place of the champion"),
    ],
    "auc": [(judged(candidate_result=result(auc=0.7969)), "0.7969 out of time, at least 0.7970")],
    "log_loss": [
        (judged(log_loss_difference=Interval(0.004, 0.001, 0.007)), "must not be above 0"),
    ],
    "calibration": [
        (judged(candidate_result=result(slope=0.89)), "slope 0.890"),
        (judged(candidate_result=result(slope=1.11)), "slope 1.110"),
        (judged(train_bads=199), "199 bads in training"),
        (judged(candidate_result=result(bads=49)), "49 out of time"),
    ],
    "boosting": [],
    "fairness": [
        (judged(fairness=(group(ratio=Interval(1.4, 1.1, 1.8)),)), "individual_business: 1.40"),
        (judged(fairness=(group(ratio=None),)), "0 of 1 groups judged"),
    ],
    "shadow": [
        (case(CARD, shadow_at=Instant(NOW - 7 * DAY)), "is 7 days old"),
        (case(CARD, shadow_at=Instant(NOW + DAY)), "days old"),
        (
            case(CARD, shadow=dataclasses.replace(shadow(CARD), after=OTHER)),
            "in the place of the candidate",
        ),
        (case(CARD, shadow=dataclasses.replace(shadow(CARD), matrix={})), "0 enterprises"),
    ],
    "migration": [
        (case(CARD, shadow=shadow(CARD, moves(177), stay=1_000)), "15.0% move"),
        (
            case(CARD, shadow=shadow(CARD, moves(11, Level.B, Level.AA), stay=1_000)),
            "1.09% by two notches",
        ),
    ],
    "announced": [
        (falling(1), "1 fall: announce it"),
        (falling(1, announcement=announced(NOW + 1)), "1 days to wait"),
        (falling(1, announcement=announced(NOW - 1, digest="f" * 64)), "announce it"),
    ],
}


@pytest.mark.feature("E6", "L6", "E14")
@pytest.mark.parametrize(
    ("gate", "failing", "words"),
    [(gate, failing, words) for gate, cases in FAILING.items() for failing, words in cases],
)
def test_a_candidate_that_fails_one_gate_is_refused_by_that_gate_alone(
    gate: str, failing: Case, words: str
) -> None:
    found = refusals(failing)
    assert found.keys() == {gate}
    assert words in found[gate]


def test_every_gate_has_candidates_that_it_refuses() -> None:
    assert list(FAILING) == [gate.__name__ for gate in GATES]


@pytest.mark.parametrize(
    "fine",
    [
        judged(candidate_result=result(auc=0.7971)),
        judged(log_loss_difference=Interval(0.004, -0.001, 0.009)),
        judged(candidate_result=result(slope=1.1), train_bads=200),
        # Points that order need no slope.
        judged(candidate_result=result(has_probabilities=False, slope=0.5, bads=10)),
        judged(fairness=(group(ratio=Interval(1.4, 0.9, 2.0)), group(ratio=None))),
        case(CARD, shadow_at=Instant(NOW - 7 * DAY + 1)),
        case(CARD, shadow=shadow(CARD, moves(176), stay=1_000)),
        falling(10, announcement=announced(NOW)),
        # Who had no level can't fall.
        case(CARD, shadow=shadow(CARD, moves(5, Level.NR, Level.C))),
    ],
)
def test_a_candidate_at_a_bound_passes(fine: Case) -> None:
    assert refusals(fine) == {}


@pytest.mark.feature("E6")
def test_every_reason_is_told_at_once() -> None:
    bare = case(CARD, approvers=(), evaluation=None, shadow=None, shadow_at=None, golden={})
    assert refusals(bare).keys() == {gate.__name__ for gate in GATES} - {
        "basis",
        "signature",
        "directions",
    }


def test_an_expert_card_may_come_without_outcomes_but_not_without_a_shadow() -> None:
    expert = promotions.candidate()
    assert refusals(case(expert, evaluation=None)) == {}
    bare = case(expert, evaluation=None, shadow=None, shadow_at=None)
    assert refusals(bare).keys() == {"shadow", "migration", "announced"}


@pytest.mark.feature("E14")
def test_a_synthetic_card_passes_in_the_sandbox() -> None:
    card = promotions.candidate(basis="SYNTHETIC")
    told = case(card, environment="sandbox", signed=None)
    assert refusals(told) == {}


@pytest.mark.feature("L5")
def test_an_engine_that_scores_a_golden_row_otherwise_is_found() -> None:
    row = CARD.content.golden[3]
    wrong = row.model_copy(update={"score": row.score + 1})
    golden = (*CARD.content.golden[:3], wrong, *CARD.content.golden[4:])
    changed = dataclasses.replace(CARD, content=CARD.content.model_copy(update={"golden": golden}))
    with DuckDb() as engine:
        assert bulk.golden_differences(engine, CARD) == []
        assert bulk.golden_differences(engine, changed) == [3]


def test_migration_counts_levels_and_not_those_without_one() -> None:
    told = Migration({"NR": {"NR": 50, "B": 1}, "AA": {"NR": 2, "AA": 3, "C": 4}, "A": {"AA": 5}})
    assert (told.rated, told.moved, told.moved_two, told.falls) == (15, 12, 4, 6)


def test_a_fall_is_a_lower_level_or_none() -> None:
    told = [("A", "B"), ("A", "NR"), ("B", "D"), ("NR", "C"), ("B", "A"), ("D", "C")]
    found = [Move("code", Level(one), Level(other), None) for one, other in told]
    assert [move.after for move in shadow(CARD, found).falls] == ["B", "NR", "D"]
