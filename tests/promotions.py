"""Builders of what promotion looks at: candidates, reports, and a case that every gate passes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from bonafides.instants import Instant, to_datetime
from bonafides.rating import reports
from bonafides.rating.card import Level
from bonafides.rating.gates import Case
from bonafides.rating.reports import (
    CardName,
    CardResult,
    CurvePoint,
    Drift,
    DriftReport,
    Evaluation,
    GroupFairness,
    Interval,
    Migration,
    Move,
    Performance,
    Shadow,
)
from bonafides.rating.scorecard import Scorecard, champion
from scripts import seal_card
from tests.builders import NOW

CHAMPION = champion(None)
APPROVERS = ("li", "wang")
# On what a card that nobody fitted says that it was.
TRAINING: dict[str, Any] = {
    "table_sha256": "0" * 64,
    "first_cohort": "2024-03-31",
    "last_cohort": "2025-03-31",
    "rows": 2_000,
    "enterprises": 500,
    "bads": 200,
    "bads_recent": 60,
    "bads_out_of_time": 50,
    "seed": 0,
    "penalties": [["0.001", "0.01"]],
    "libraries": {"numpy": "2"},
}


def candidate(version: str = "expert-9", **changes: Any) -> Scorecard:
    """Returns the champion under another version, with members of its document replaced.

    Under another basis than its own it says on what it was fitted, as it must.
    """
    draft: dict[str, Any] = json.loads(CHAMPION.artifact)
    if changes.get("basis", "EXPERT") != "EXPERT":
        changes = {"training": TRAINING, **changes}
    return seal_card.sealed({**draft, "version": version, **changes}, "draft")


def performance(**changes: Any) -> Performance:
    """Returns a cohort on which a card does well."""
    made = Performance(
        rows=2_000,
        bads=200,
        auc=0.80,
        ks=0.45,
        log_loss=0.25,
        intercept=0.0,
        slope=1.0,
        curve=(CurvePoint(2_000, 0.1, 0.1),),
    )
    return dataclasses.replace(made, **changes)


def result(*, has_probabilities: bool = True, **changes: Any) -> CardResult:
    """Returns what a card does on its cohorts."""
    made = performance(**changes)
    return CardResult(has_probabilities, made, made, {"fraud": 0.8})


def group(name: str = "individual_business", **changes: Any) -> GroupFairness:
    """Returns a group that fares as others do."""
    share = Interval(0.1, 0.08, 0.12)
    made = GroupFairness(
        axis="entity_type",
        group=name,
        rows=1_000,
        goods=900,
        bads=100,
        levels={"A": 0.9, "C": 0.1},
        false_low=share,
        false_high=share,
        ratio=Interval(1.1, 0.9, 1.3),
    )
    return dataclasses.replace(made, **changes)


def evaluation(card: Scorecard, **changes: Any) -> Evaluation:
    """Returns an evaluation beside the champion that every gate lets through."""
    drift = Drift(0.01, 0.02)
    made = Evaluation(
        candidate=CardName.of(card),
        champion=CardName.of(CHAMPION),
        data_basis="OUTCOMES",
        data_sha256="0" * 64,
        seed=0,
        train_rows=20_000,
        train_bads=1_500,
        candidate_result=result(),
        champion_result=result(),
        log_loss_difference=Interval(0.0, -0.001, 0.001),
        boosting_auc=0.81,
        boosting_gap=0.01,
        drift=DriftReport(drift, drift, {}, None),
        migration=Migration({"A": {"A": 2_000}}),
        fairness=(group(), group("company")),
    )
    return dataclasses.replace(made, **changes)


def shadow(
    card: Scorecard, moves: Sequence[Move] = (), *, stay: int = 1_000, now: Instant = NOW
) -> Shadow:
    """Returns a shadow in which so many stay at A, and the given ones move."""
    matrix: dict[str, dict[str, int]] = {"A": {"A": stay}}
    for move in moves:
        row = matrix.setdefault(move.before.value, {})
        row[move.after.value] = row.get(move.after.value, 0) + 1
    return Shadow(
        as_of_time=to_datetime(now).isoformat(),
        before=CardName.of(CHAMPION),
        after=CardName.of(card),
        engine="store",
        matrix=matrix,
        moves=tuple(moves),
    )


def moves(count: int, before: Level = Level.A, after: Level = Level.AA) -> list[Move]:
    """Returns so many moves of enterprises that need not exist."""
    return [Move(f"code-{number}", before, after, None) for number in range(count)]


def case(card: Scorecard | None = None, **changes: Any) -> Case:
    """Returns a case that every gate lets through, live included."""
    card = card or candidate(basis="OUTCOMES")
    made = Case(
        candidate=card,
        champion=CHAMPION,
        environment="live",
        approvers=APPROVERS,
        now=NOW,
        evaluation=evaluation(card),
        shadow=shadow(card),
        shadow_at=NOW,
        golden={"store": [], "duckdb": []},
        signed=True,
    )
    return dataclasses.replace(made, **changes)


def written(report: Any) -> str:
    """Returns a report as its script writes it."""
    return reports.document(report)
