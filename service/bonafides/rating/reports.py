"""What is known of a card before it may serve: how it was judged, and whom it would move.

Two documents, each bound to two cards by their digests: an `Evaluation` on labelled rows
(made by `scripts/evaluate.py`) and a `Shadow` of the levels of all who take part (made by
`scripts/rerate.py --dry-run`). They are read whole or refused, since gates rest on them.

    evaluation = read(Path("evaluation.json"), Evaluation)
    evaluation.candidate.digest == card.digest
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from bonafides.rating.card import POINT_LEVELS, Level
from bonafides.rating.scorecard import Scorecard

# The report of a million enterprises, of which 15 % move, has 20 MB.
_MAX_BYTES: Final = 1 << 28
_RANKS: Final = {level: rank for rank, level in enumerate((*POINT_LEVELS, Level.D))}
_TWO: Final = 2

Report = TypeVar("Report")


class ReportError(ValueError):
    """A report can't be used. Names the file, the member and the remedy, no enterprise."""


@dataclass(frozen=True, slots=True)
class CardName:
    """Which card: its version and the SHA-256 of its bytes, and on what it rests."""

    version: str
    digest: str
    basis: Literal["EXPERT", "SYNTHETIC", "OUTCOMES"]

    @classmethod
    def of(cls, card: Scorecard) -> CardName:
        """Returns the name of a card."""
        return cls(card.version, card.digest, card.content.basis)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its bounds at 95 %, both inclusive."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One tenth of the rows by probability: what was expected of it, and what was seen."""

    rows: int
    expected: float
    seen: float


@dataclass(frozen=True, slots=True)
class Performance:
    """What a score is worth on one cohort. Probabilities are of bad, 0 to 1."""

    rows: int
    bads: int
    auc: float
    ks: float
    log_loss: float
    intercept: float
    slope: float
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class CardResult:
    """How one card did, out of time.

    `has_probabilities`: of its own; else log-loss and slope are of those that the recent
    cohort gives to its score. `without_grey` leaves out rows whose outcome lies between;
    `components` has the AUC of each label against all good rows, None where it never came.
    """

    has_probabilities: bool
    out_of_time: Performance
    without_grey: Performance
    components: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a distribution is from the expected, and what chance alone gives."""

    psi: float
    bound: float

    @property
    def drifted(self) -> bool:
        """Whether it is farther than chance alone would take it in 95 of 100 cases."""
        return self.psi > self.bound


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """The drift of one feature over the card's slots, and the shares that are missing."""

    drift: Drift
    missing_expected: float
    missing_actual: float


@dataclass(frozen=True, slots=True)
class DriftReport:
    """From the rows that were fitted to those out of time.

    `bads` is actual over expected, None for a card without probabilities.
    """

    score: Drift
    levels: Drift
    features: Mapping[str, FeatureDrift]
    bads: Interval | None


@dataclass(frozen=True, slots=True)
class GroupFairness:
    """How one group fares beside the rest of its axis, D being no matter of points.

    `levels` are shares. `false_low` is the share of its good rows that got C or D, None
    without good rows; `false_high` of its bad rows that got A or better, None without bad
    ones. `ratio` is false_low over that of the rest; None: too few good rows to judge.
    """

    axis: str
    group: str
    rows: int
    goods: int
    bads: int
    levels: Mapping[str, float]
    false_low: Interval | None
    false_high: Interval | None
    ratio: Interval | None


@dataclass(frozen=True, slots=True)
class Migration:
    """How many go from which level to which."""

    matrix: Mapping[str, Mapping[str, int]]

    @property
    def rated(self) -> int:
        """How many have a level by one of the cards."""
        return sum(count for one, other, count in self._cells() if {one, other} != {Level.NR})

    @property
    def moved(self) -> int:
        """How many get another level, not being rated included."""
        return sum(count for one, other, count in self._cells() if one is not other)

    @property
    def moved_two(self) -> int:
        """How many move by two notches or more. To and from NR there are no notches."""
        return sum(
            count
            for one, other, count in self._cells()
            if Level.NR not in {one, other} and abs(_RANKS[one] - _RANKS[other]) >= _TWO
        )

    @property
    def falls(self) -> int:
        """How many fall: to a lower level, or from a level to none."""
        return sum(count for one, other, count in self._cells() if is_fall(one, other))

    def _cells(self) -> list[tuple[Level, Level, int]]:
        return [
            (Level(one), Level(other), count)
            for one, row in self.matrix.items()
            for other, count in row.items()
        ]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A candidate and the champion, judged on the same labelled rows."""

    candidate: CardName
    champion: CardName
    data_basis: Literal["SYNTHETIC", "OUTCOMES"]
    data_sha256: str
    # Of what is drawn for bounds: with it and the same rows the report is the same.
    seed: int
    train_rows: int
    train_bads: int
    candidate_result: CardResult
    champion_result: CardResult
    # Of the candidate less the champion, out of time: above 0 it is worse.
    log_loss_difference: Interval
    # What boosting with the same directions reaches, and what the candidate lacks to it.
    boosting_auc: float
    boosting_gap: float
    drift: DriftReport
    migration: Migration
    fairness: tuple[GroupFairness, ...]
    # From the rows that were fitted to who is served now, of whom no outcome is known;
    # None: nobody was looked at.
    served: DriftReport | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """An enterprise whose level changes. `score_change` None: one side has no score."""

    code: str
    before: Level
    after: Level
    score_change: int | None


@dataclass(frozen=True, slots=True)
class Shadow:
    """Whom a card would move, of all who take part, on the facts of one instant."""

    as_of_time: str
    before: CardName
    after: CardName
    engine: str
    matrix: Mapping[str, Mapping[str, int]]
    moves: tuple[Move, ...]

    @property
    def migration(self) -> Migration:
        """How many go from which level to which."""
        return Migration(self.matrix)

    @property
    def falls(self) -> tuple[Move, ...]:
        """Those who fall."""
        return tuple(move for move in self.moves if is_fall(move.before, move.after))


@dataclass(frozen=True, slots=True)
class Read(Generic[Report]):
    """A report that was read, and the SHA-256 of its file."""

    report: Report
    digest: str


def is_fall(before: Level, after: Level) -> bool:
    """Tells whether a level gets lower, or is lost to NR. Who had none can't fall."""
    if before is Level.NR:
        return False
    return after is Level.NR or _RANKS[after] > _RANKS[before]


def document(report: Any) -> str:
    """Returns a report as one JSON document with sorted members."""
    return json.dumps(asdict(report), sort_keys=True, indent=1, allow_nan=False) + "\n"


def read(file: Path, kind: type[Report]) -> Read[Report]:
    """Returns the report in a file.

    Raises:
        ReportError: it can't be read, or is no such report.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except OSError as fault:
        raise ReportError(f"{file} can't be read: {fault.strerror}") from None
    if len(raw) > _MAX_BYTES:
        raise ReportError(f"{file} has more than {_MAX_BYTES} bytes and is no report of ours")
    try:
        made = TypeAdapter(kind).validate_json(raw)
    except ValidationError as faults:
        first = faults.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"][:3])
        raise ReportError(
            f"{file}: {where or 'the document'}: {first['msg']}; make the report anew"
        ) from None
    return Read(made, hashlib.sha256(raw).hexdigest())
