"""The parts of a scorecard, and the arithmetic from values to points.

Every feature is cut into bins by ascending edges; a bin begins at its edge, so that
with edges 30 and 90 the bins are < 30, >= 30 and < 90, >= 90. Each bin has whole
points; what is missing has points of its own, and so has what does not apply. The
score is the sum, and nothing else.

A share is drawn towards the expected mean before it is binned, as a Beta prior says:
(part + alpha) / (whole + alpha + beta), in ppm, cut down. Uncertainty never goes into
the points: it goes into the range. The bounds of a share are those of the normal
approximation of its Beta posterior at 90 %, in integers:

    m = mean in ppm,   h = isqrt(1_645_000**2 * a * b // (n * n * (n + 1)))
    a = part + alpha,  b = whole - part + beta,  n = a + b,  bounds m - h and m + h

A feature may have priors of groups of peers beside its own: then the first group of the
enterprise's that has one is the one whose mean is expected. Who is in none of them is
drawn as the feature's own prior says, and so is everybody by a card without any.

    feature.slot(Share(0, 12))      # the bin near the expected mean: 0 of 12 proves little
    feature.drawn(("category/百货", "age/3-5")).prior       # of these peers, else the card's
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from bonafides.rating.features import Absent, Direction, Share, Value

PPM: Final = 1_000_000
# A version names a folder: nothing in it may lead out of the models' folder.
VERSION_PATTERN: Final = r"^[a-z0-9][a-z0-9.-]{0,39}$"
_DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
# Fewer outcomes than these carry no probability.
LEAST_BADS: Final = 200
LEAST_BADS_OUT_OF_TIME: Final = 50
# The normal quantile that leaves 5 % on either side, times PPM.
_QUANTILE_90_PPM: Final = 1_645_000
# So many groups a card may have priors of: it stays a file that people read.
MOST_GROUPS: Final = 60
# Keeps every sum far inside int32.
_MAX_POINTS: Final = 10_000

Points = Annotated[int, Field(ge=-_MAX_POINTS, le=_MAX_POINTS)]
GoldenValue = int | tuple[int, int] | Literal["missing", "not applicable"]
NonEmpty = Annotated[str, Field(min_length=1, max_length=600)]


class Level(enum.StrEnum):
    """The levels. D is given by a public record alone; NR is no judgement."""

    AAA = "AAA"
    AA = "AA"
    A = "A"
    B = "B"
    C = "C"
    D = "D"
    NR = "NR"


# Best first: those that points give.
POINT_LEVELS: Final = (Level.AAA, Level.AA, Level.A, Level.B, Level.C)


def lower(one: Level, other: Level) -> Level:
    """Returns the lower of two levels that points give."""
    return max(one, other, key=POINT_LEVELS.index)


class RuleKind(enum.StrEnum):
    """What a rule does beside the points."""

    KNOCK_OUT = "KNOCK_OUT"
    NOT_RATED = "NOT_RATED"
    CEILING = "CEILING"


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Text(_Part):
    """One text in both languages."""

    zh: NonEmpty
    en: NonEmpty


class Prior(_Part):
    """The Beta prior of a share: alpha of alpha + beta is the expected mean."""

    alpha: int = Field(ge=1, le=PPM)
    beta: int = Field(ge=1, le=PPM)

    @property
    def mean_ppm(self) -> int:
        """The expected mean, cut down."""
        return self.alpha * PPM // (self.alpha + self.beta)

    def estimate(self, share: Share) -> int:
        """Returns the share drawn towards the mean, in ppm, cut down."""
        return (share.part + self.alpha) * PPM // (share.whole + self.alpha + self.beta)

    def bounds(self, share: Share) -> tuple[int, int]:
        """Returns the 90 % bounds around the estimate, in ppm, within 0 to 1,000,000."""
        a, b = share.part + self.alpha, share.whole - share.part + self.beta
        n = a + b
        half = isqrt(_QUANTILE_90_PPM**2 * a * b // (n * n * (n + 1)))
        middle = self.estimate(share)
        return max(0, middle - half), min(PPM, middle + half)


class GroupPrior(Prior):
    """The prior of a share in one group of peers (`bonafides.rating.peers.prior_groups`)."""

    group: str = Field(min_length=1, max_length=120)
    title: Text


class Reason(_Part):
    """Why points were lost on a feature, in general words."""

    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,62}$")
    text: Text


class Remedy(_Part):
    """What an honest enterprise can do about it, or that only time does."""

    kind: Literal["YOU_CAN_CHANGE", "TIME_CHANGES", "LISTED_FACT"]
    text: Text


class CardFeature(_Part):
    """The bins of one feature and their points. `not_applicable` is the neutral slot."""

    name: str
    title: Text
    explanation: Text
    unit: str
    type: Literal["integer", "share"]
    direction: Direction
    window_days: int = Field(ge=0)
    edges: tuple[int, ...] = Field(min_length=1, max_length=11)
    points: tuple[Points, ...] = Field(min_length=2, max_length=12)
    missing: Points
    not_applicable: Points
    prior: Prior | None = None
    group_priors: tuple[GroupPrior, ...] | None = Field(
        default=None, min_length=1, max_length=MOST_GROUPS
    )
    reason: Reason
    remedy: Remedy

    def drawn(self, groups: Sequence[str]) -> CardFeature:
        """Returns the feature with the prior of the first of the groups that has one.

        Its own prior stays where none has.
        """
        if self.group_priors is None:
            return self
        known = (each for group in groups for each in self.group_priors if each.group == group)
        prior = next(known, None)
        return self if prior is None else self.model_copy(update={"prior": prior})

    def figure(self, value: Value) -> int | None:
        """Returns what is binned, in the feature's unit; None without a figure."""
        match value:
            case Absent():
                return None
            case Share():
                return self.prior.estimate(value) if self.prior else None
            case _:
                return value

    def slot(self, value: Value) -> int | Absent:
        """Returns the number of the bin, or why there is none."""
        figure = _binned(self, value)
        return figure if isinstance(figure, Absent) else bisect_right(self.edges, figure)

    def points_at(self, slot: int | Absent) -> int:
        """Returns the points of a slot."""
        match slot:
            case Absent.MISSING:
                return self.missing
            case Absent.NOT_APPLICABLE:
                return self.not_applicable
            case _:
                return self.points[slot]

    def range_of(self, value: Value) -> tuple[int, int]:
        """Returns the points on a pessimistic and on an optimistic reading of the value."""
        if not isinstance(value, Share) or self.prior is None:
            points = self.points_at(self.slot(value))
            return points, points
        ends = [self.points[bisect_right(self.edges, bound)] for bound in self.prior.bounds(value)]
        return min(ends), max(ends)

    @property
    def max_points(self) -> int:
        """The most points that any slot gives."""
        return max(*self.points, self.missing, self.not_applicable)

    @property
    def min_points(self) -> int:
        """The fewest points that any slot gives."""
        return min(*self.points, self.missing, self.not_applicable)


class Cut(_Part):
    """A level, and the score from which on points give it."""

    level: Level
    min_points: int


class Rule(_Part):
    """A rule hits where its measure is below `at_least`. See `bonafides.rating.rules`.

    `holds_at` is the level that a ceiling leaves; other kinds have none. Texts may
    name {measured}, {at_least} and {lacking}.
    """

    reason: str
    kind: RuleKind
    at_least: int = Field(ge=1)
    holds_at: Level | None = None
    text: Text
    basis: Text


class GoldenRow(_Part):
    """Values and what they must score, so that a build that computes otherwise is seen.

    A value is an integer, a share as [part, whole], "missing" or "not applicable". A row
    may be of a group of peers; then the priors of that group are to be taken.
    """

    group: str | None = None
    values: dict[str, GoldenValue]
    points: dict[str, int]
    score: int
    level: Level
    range_low: Level
    range_high: Level


class Calibration(_Part):
    """What makes a probability of bad of a score, in whole numbers.

    probability = 1 / (1 + exp(-(intercept_e6 / 10**6 - slope_e9 / 10**9 * score)))

    `as_of` is the day of the cohort that it was fitted to.
    """

    as_of: str = Field(pattern=_DATE_PATTERN)
    intercept_e6: int = Field(ge=-(10**9), le=10**9)
    slope_e9: int = Field(ge=1, le=10**12)


class Training(_Part):
    """On what a card was fitted, so that whoever has the rows can fit it again.

    No clock and no commit is in it. `table_sha256` is of the labelled table's file; the
    two numbers of a penalty are written as texts, as Python prints them.
    """

    table_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    first_cohort: str = Field(pattern=_DATE_PATTERN)
    last_cohort: str = Field(pattern=_DATE_PATTERN)
    rows: int = Field(ge=1)
    enterprises: int = Field(ge=1)
    bads: int = Field(ge=1)
    bads_recent: int = Field(ge=0)
    bads_out_of_time: int = Field(ge=0)
    seed: int = Field(ge=0)
    penalties: tuple[tuple[str, str], ...]
    libraries: dict[str, str]


class Content(_Part):
    """What a card says.

    Schema version 2 has the rules on public records. 3 has the ceiling of one buyer and
    explains its features as the code does; a card that was fitted says on what, and may
    have a calibration. Without one points order and give no probability. 4 may have priors
    of groups of peers.
    """

    schema_version: Literal[1, 2, 3, 4]
    version: str = Field(pattern=VERSION_PATTERN)
    basis: Literal["EXPERT", "SYNTHETIC", "OUTCOMES"]
    title: Text
    limits: Text
    # Points that no feature gives would be unexplained: contributions sum to the score.
    base: Literal[0]
    max_feature_points: int = Field(ge=1)
    features: tuple[CardFeature, ...] = Field(min_length=1)
    levels: tuple[Cut, ...]
    rules: tuple[Rule, ...]
    golden: tuple[GoldenRow, ...] = Field(min_length=1)
    training: Training | None = None
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature gave. `figure` is what was binned; None: no figure."""

    feature: CardFeature
    value: Value
    figure: int | None
    slot: int | Absent
    points: int


@dataclass(frozen=True, slots=True)
class Score:
    """Contributions in the card's order, their sum, and the sums of the range's ends."""

    contributions: tuple[Contribution, ...]
    total: int
    low: int
    high: int


def takes_groups(features: Sequence[CardFeature]) -> bool:
    """Tells whether a card has a prior of any group of peers."""
    return any(part.group_priors is not None for part in features)


def score(
    features: tuple[CardFeature, ...], values: Mapping[str, Value], groups: Sequence[str] = ()
) -> Score:
    """Returns the points of the values, one per feature.

    `groups` are those of the enterprise (`RatingInputs.peer_groups`), the closest first.
    """
    drawn = [part.drawn(groups) for part in features] if groups else features
    figures = {part.name: _binned(part, values[part.name]) for part in drawn}
    contributions = tuple(
        Contribution(
            part, values[part.name], None if isinstance(figure, Absent) else figure, slot, points
        )
        for part, figure, (slot, points) in zip(
            drawn, figures.values(), given(bins_of(features), figures), strict=True
        )
    )
    ends = [part.feature.range_of(part.value) for part in contributions]
    return Score(
        contributions,
        total=sum(part.points for part in contributions),
        low=sum(low for low, _ in ends),
        high=sum(high for _, high in ends),
    )


class Bins(NamedTuple):
    """The bins of one feature, out of the card: looked at for every score of everybody."""

    name: str
    edges: tuple[int, ...]
    points: tuple[int, ...]
    part: CardFeature


def bins_of(features: tuple[CardFeature, ...]) -> tuple[Bins, ...]:
    """Returns the bins of a card's features, made once for each card."""
    known = _BINS.get(id(features))
    # The features are kept, so that no other card gets their id.
    if known is None or known[0] is not features:
        made = tuple(Bins(part.name, part.edges, part.points, part) for part in features)
        if len(_BINS) >= _MOST_CARDS:
            _BINS.clear()
        known = _BINS[id(features)] = (features, made)
    return known[1]


_MOST_CARDS: Final = 64
_BINS: Final[dict[int, tuple[tuple[CardFeature, ...], tuple[Bins, ...]]]] = {}


def given(
    bins: Sequence[Bins], figures: Mapping[str, int | Absent]
) -> list[tuple[int | Absent, int]]:
    """Returns the slot and the points of each feature, in order, from what is binned.

    This is all that a score and its reasons cost beyond the figures themselves.
    """
    made: list[tuple[int | Absent, int]] = []
    for name, edges, points, part in bins:
        figure = figures[name]
        if figure.__class__ is int:
            slot = bisect_right(edges, figure)
            made.append((slot, points[slot]))
        else:
            absent = Absent(figure)
            made.append((absent, part.points_at(absent)))
    return made


def level_at(cuts: tuple[Cut, ...], total: int) -> Level:
    """Returns the level that the points give; the cuts are ordered best first."""
    return next((cut.level for cut in cuts if total >= cut.min_points), Level.C)


def golden_value(value: Value) -> GoldenValue:
    """Returns a value as golden rows write it."""
    match value:
        case Share(part, whole):
            return part, whole
        case Absent.MISSING:
            return "missing"
        case Absent.NOT_APPLICABLE:
            return "not applicable"
        case _:
            return value


def golden_row(content: Content, values: dict[str, Value], group: str | None = None) -> GoldenRow:
    """Returns the row of the values with what the card answers, before any rule.

    `group` is the group of peers that the row is of.
    """
    answer = score(content.features, values, () if group is None else (group,))
    return GoldenRow(
        group=group,
        values={name: golden_value(value) for name, value in values.items()},
        points={part.feature.name: part.points for part in answer.contributions},
        score=answer.total,
        level=level_at(content.levels, answer.total),
        range_low=level_at(content.levels, answer.low),
        range_high=level_at(content.levels, answer.high),
    )


def _binned(part: CardFeature, value: Value) -> int | Absent:
    """Returns what is binned of a value, or why there is nothing."""
    if isinstance(value, Absent):
        return value
    figure = part.figure(value)
    return Absent.MISSING if figure is None else figure
