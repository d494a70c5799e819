"""The gates that a candidate passes before it may be served, as a table.

Each gate looks at one thing and says whether it holds, with the figure and the bound. All
are asked every time, so that whoever is refused learns every reason at once. A gate whose
evidence is missing does not pass: nothing is promoted on what nobody looked at. The one
exception: an EXPERT card may come without outcomes, for there are none at first, and then
the gates that need labelled rows say that they were not asked.

    refusals = [verdict for verdict in judge(case) if not verdict.passed]
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from bonafides.instants import DAY, Instant
from bonafides.rating import soundness
from bonafides.rating.reports import CardName, Evaluation, GroupFairness, Shadow
from bonafides.rating.scorecard import Scorecard

MOST_AUC_LOST: Final = 0.003
SLOPES: Final = (0.9, 1.1)
MOST_MOVED: Final = 0.15
MOST_MOVED_TWO: Final = 0.01
MOST_RATIO: Final = 1.25
FEWEST_TRAIN_BADS: Final = 200
FEWEST_OUT_OF_TIME_BADS: Final = 50
APPROVERS: Final = 2
# Levels move by themselves: whom a card would move is asked again after a week.
SHADOW_DAYS: Final = 7
ANNOUNCED_DAYS: Final = 30
# These always take part; Spark where there is an endpoint.
ENGINES_NEEDED: Final = frozenset({"store", "duckdb"})


@dataclass(frozen=True, slots=True)
class Announcement:
    """That the falls of a candidate were announced, and from when on they may take effect."""

    candidate_digest: str
    champion_digest: str
    effective_at: Instant


@dataclass(frozen=True, slots=True)
class Case:
    """All that the gates look at. None: nobody looked.

    `golden` has, for each engine that was asked, the numbers of the golden rows that it
    scores otherwise. `signed`: whether the signature is good; None where no key is trusted.
    `shadow_at` is the instant of the shadow's facts.
    """

    candidate: Scorecard
    champion: Scorecard
    environment: Literal["sandbox", "live"]
    approvers: Sequence[str]
    now: Instant
    evaluation: Evaluation | None = None
    shadow: Shadow | None = None
    shadow_at: Instant | None = None
    golden: Mapping[str, Sequence[int]] = field(default_factory=dict)
    signed: bool | None = None
    announcement: Announcement | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a gate let the candidate through, and on what figure against what bound."""

    gate: str
    passed: bool
    told: str


Gate = Callable[[Case], Verdict]


def judge(case: Case) -> list[Verdict]:
    """Returns the verdict of every gate, in order."""
    return [gate(case) for gate in GATES]


def approvers(case: Case) -> Verdict:
    """Holds if two different people approve. Case, width and blanks make nobody another."""
    names = {unicodedata.normalize("NFKC", name).strip().casefold() for name in case.approvers}
    count = len(names - {""})
    return _verdict("approvers", count >= APPROVERS, f"{count} approve, {APPROVERS} are needed")


def basis(case: Case) -> Verdict:
    """Holds unless something SYNTHETIC, the card or what it was judged on, goes live."""
    told: list[str] = [case.candidate.basis]
    if case.evaluation is not None:
        told.append(case.evaluation.data_basis)
    fine = case.environment != "live" or "SYNTHETIC" not in told
    return _verdict(
        "basis", fine, f"{' judged on '.join(told)} in {case.environment}; live takes no SYNTHETIC"
    )


def signature(case: Case) -> Verdict:
    """Holds if the artifact is signed by the key that is trusted; live must have one."""
    if case.signed is None:
        fine = case.environment != "live"
        return _verdict("signature", fine, "no key is trusted; live needs one")
    return _verdict(
        "signature", case.signed, "the trusted key signed it" if case.signed else "no good one"
    )


def directions(case: Case) -> Verdict:
    """Holds if the card is sound over all its bins: directions, missing, bounds, rules."""
    first = next(soundness.faults(case.candidate.content), None)
    told = "no bin runs against its direction" if first is None else f"{first[0]} {first[1]}"
    return _verdict("directions", first is None, told)


def golden(case: Case) -> Verdict:
    """Holds if every engine scores every golden row to the point."""
    lacking = sorted(ENGINES_NEEDED - case.golden.keys())
    if lacking:
        return _verdict("golden", False, f"was not asked on {', '.join(lacking)}")
    wrong = {engine: rows for engine, rows in case.golden.items() if rows}
    if wrong:
        told = "; ".join(f"{engine}: rows {list(rows)[:5]}" for engine, rows in wrong.items())
        return _verdict("golden", False, f"scored otherwise: {told}")
    told = f"{len(case.candidate.content.golden)} rows alike on {', '.join(sorted(case.golden))}"
    return _verdict("golden", True, told)


def evaluation(case: Case) -> Verdict:
    """Holds if the cards were judged on labelled rows; an EXPERT card may come without."""
    if case.evaluation is None:
        fine = case.candidate.basis == "EXPERT"
        return _verdict("evaluation", fine, _UNASKED if fine else "is missing: run evaluate.py")
    wrong = _of_others(case, case.evaluation.champion, case.evaluation.candidate)
    return _verdict("evaluation", not wrong, wrong or f"of rows {case.evaluation.data_sha256[:12]}")


def auc(case: Case) -> Verdict:
    """Holds if the AUC out of time is at most 0.003 below the champion's."""
    if case.evaluation is None:
        return _unasked("auc", case)
    ours = case.evaluation.candidate_result.out_of_time.auc
    bound = case.evaluation.champion_result.out_of_time.auc - MOST_AUC_LOST
    return _verdict("auc", ours >= bound, f"{ours:.4f} out of time, at least {bound:.4f}")


def log_loss(case: Case) -> Verdict:
    """Holds unless the log-loss out of time is higher than the champion's beyond chance."""
    if case.evaluation is None:
        return _unasked("log_loss", case)
    told = case.evaluation.log_loss_difference
    return _verdict(
        "log_loss",
        told.low <= 0,
        f"{told.estimate:+.5f} against the champion, {told.low:+.5f} to {told.high:+.5f};"
        " the lower bound must not be above 0",
    )


def calibration(case: Case) -> Verdict:
    """Holds if own probabilities have enough bads behind them and a slope near 1."""
    if case.evaluation is None:
        return _unasked("calibration", case)
    result = case.evaluation.candidate_result
    if not result.has_probabilities:
        return _verdict("calibration", True, "the card tells no probabilities")
    bads = (case.evaluation.train_bads, result.out_of_time.bads)
    if bads[0] < FEWEST_TRAIN_BADS or bads[1] < FEWEST_OUT_OF_TIME_BADS:
        return _verdict(
            "calibration",
            False,
            f"{bads[0]} bads in training and {bads[1]} out of time; probabilities need"
            f" {FEWEST_TRAIN_BADS} and {FEWEST_OUT_OF_TIME_BADS}",
        )
    slope, (least, most) = result.out_of_time.slope, SLOPES
    return _verdict(
        "calibration", least <= slope <= most, f"slope {slope:.3f}, within {least} and {most}"
    )


def boosting(case: Case) -> Verdict:
    """Always holds where it was measured: the gap to boosting is told, not bounded."""
    if case.evaluation is None:
        return _unasked("boosting", case)
    told = case.evaluation
    return _verdict(
        "boosting", True, f"{told.boosting_auc:.4f} by boosting, a gap of {told.boosting_gap:+.4f}"
    )


def fairness(case: Case) -> Verdict:
    """Holds if no group's good enterprises get C or D more than 1.25 times as often as others.

    A ratio that may be chance (its lower bound at 95 % is not above 1) does not refuse.
    """
    if case.evaluation is None:
        return _unasked("fairness", case)
    judged = [group for group in case.evaluation.fairness if group.ratio is not None]
    unfair = [
        f"{group.axis} {group.group}: {group.ratio.estimate:.2f}"
        f" ({group.ratio.low:.2f} to {group.ratio.high:.2f})"
        for group in judged
        if group.ratio and is_unfair(group)
    ]
    if unfair:
        return _verdict("fairness", False, f"{'; '.join(unfair)}; at most {MOST_RATIO}")
    told = f"{len(judged)} of {len(case.evaluation.fairness)} groups judged, each within"
    # What nobody could judge is no proof of fairness.
    return _verdict("fairness", bool(judged), f"{told} {MOST_RATIO} or chance")


def is_unfair(group: GroupFairness) -> bool:
    """Tells whether a group's ratio is above the bound, and not by chance."""
    ratio = group.ratio
    return ratio is not None and ratio.estimate > MOST_RATIO and ratio.low > 1.0


def shadow(case: Case) -> Verdict:
    """Holds if a shadow of the levels of all who take part is there, and of this week."""
    if case.shadow is None or case.shadow_at is None:
        return _verdict("shadow", False, "is missing: run rerate.py --dry-run --card")
    if wrong := _of_others(case, case.shadow.before, case.shadow.after):
        return _verdict("shadow", False, wrong)
    age = (case.now - case.shadow_at) // DAY
    if not 0 <= age < SHADOW_DAYS:
        return _verdict("shadow", False, f"is {age} days old; make one of this week")
    rated = case.shadow.migration.rated
    return _verdict("shadow", rated > 0, f"{rated} enterprises with a level")


def migration(case: Case) -> Verdict:
    """Holds if at most 15 % move, and at most 1 % by two notches."""
    if case.shadow is None:
        return _verdict("migration", False, "no shadow tells who would move")
    told = case.shadow.migration
    rated = max(1, told.rated)
    moved, two = told.moved / rated, told.moved_two / rated
    return _verdict(
        "migration",
        moved <= MOST_MOVED and two <= MOST_MOVED_TWO,
        f"{moved:.1%} move, at most {MOST_MOVED:.0%}; {two:.2%} by two notches,"
        f" at most {MOST_MOVED_TWO:.0%}",
    )


def announced(case: Case) -> Verdict:
    """Holds if nobody falls, or falls were announced 30 days ago.

    Who falls now and did not when it was announced falls by facts that came since.
    """
    if case.shadow is None:
        return _verdict("announced", False, "no shadow tells who would fall")
    falls, known = case.shadow.migration.falls, case.announcement
    if not falls:
        return _verdict("announced", True, "nobody falls")
    if known is None or not is_announced(case):
        return _verdict(
            "announced", False, f"{falls} fall: announce it, and wait for {ANNOUNCED_DAYS} days"
        )
    left = -(-(known.effective_at - case.now) // DAY)
    return _verdict("announced", left <= 0, f"{falls} fall, announced; {max(0, left)} days to wait")


def is_announced(case: Case) -> bool:
    """Tells whether this candidate was announced beside this champion, due or not."""
    known = case.announcement
    return known is not None and (known.candidate_digest, known.champion_digest) == (
        case.candidate.digest,
        case.champion.digest,
    )


# In the order in which they are told.
GATES: Final[tuple[Gate, ...]] = (
    approvers,
    basis,
    signature,
    directions,
    golden,
    evaluation,
    auc,
    log_loss,
    calibration,
    boosting,
    fairness,
    shadow,
    migration,
    announced,
)
_UNASKED: Final = "not asked: an EXPERT card, and no labelled rows"


def _unasked(gate: str, case: Case) -> Verdict:
    fine = case.candidate.basis == "EXPERT"
    return _verdict(gate, fine, _UNASKED if fine else "no evaluation tells")


def _of_others(case: Case, before: CardName, after: CardName) -> str:
    """Returns which card a report is not of; empty: it is of both."""
    for name, told, card in (
        ("the champion", before, case.champion),
        ("the candidate", after, case.candidate),
    ):
        if told.digest != card.digest:
            return f"is of {told.version} ({told.digest[:12]}) in the place of {name}; make it anew"
    return ""


def _verdict(gate: str, passed: bool, told: str) -> Verdict:  # noqa: FBT001 - it is what is told
    return Verdict(gate, passed, told)
