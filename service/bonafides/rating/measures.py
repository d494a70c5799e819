"""What a feature is: facts as of a time, a function over them, and the policy on it.

- MISSING means that nothing is known; NOT_APPLICABLE that the question does not arise.
- What is a part of a whole stays a Share, so that the card can draw it towards the
  expected mean: 0 of 12 is no proof.
- A feature carries its published explanation in both languages: the English one is the
  docstring of its function, the Chinese one is declared beside it. Cards take both from
  here.

`bonafides.rating.features` has the features.

    Share(part=3, whole=120)
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from bonafides.archive.categories import main_category
from bonafides.archive.facts import FactSheet, Registration
from bonafides.archive.statistics import PlatformRecord
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day, Instant, day_of
from bonafides.rating.peers import prior_groups
from bonafides.rating.people import NOBODY, People
from bonafides.records.links import open_categories


@dataclass(frozen=True, slots=True)
class RatingInputs:
    """All that a level is computed from: facts as of an instant.

    `platforms` holds the records of the platforms that are authorized and report
    any, sorted by name; `platforms_known` counts those that report any. `purposes`
    are the purposes of live consents, such as "RATE"; `purposes_end_at` is the first
    instant at which time alone ends one of them, None if never. `people` is what
    people said of the level: a review, a refusal, an override.
    """

    code: UnifiedCode
    as_of: Instant
    sheet: FactSheet
    platforms: tuple[PlatformRecord, ...]
    platforms_known: int
    purposes: frozenset[str]
    purposes_end_at: Instant | None = None
    people: People = NOBODY

    @property
    def today(self) -> Day:
        """The day of `as_of` in Shanghai."""
        return day_of(self.as_of)

    @property
    def registration(self) -> Registration | None:
        """What the registry says; None if it was not asked or knows nothing."""
        fact = self.sheet.registration
        return fact.value if fact and isinstance(fact.value, Registration) else None

    @property
    def peer_groups(self) -> tuple[str, ...]:
        """The groups whose expected means its shares may be drawn towards, the closest first.

        That of the main category of its open stores on authorized platforms, then that of
        its age. No group is a feature: none has points.
        """
        stores = [store for each in self.platforms for store in each.stores]
        category = main_category(open_categories(stores, self.today))
        return prior_groups(self.registration, category, self.today)


class Absent(enum.Enum):
    """Why a feature has no figure."""

    MISSING = "missing"
    NOT_APPLICABLE = "not applicable"


MISSING: Final = Absent.MISSING
NOT_APPLICABLE: Final = Absent.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, 0 <= part <= whole."""

    part: int
    whole: int


Value = int | Share | Absent
Measure = Callable[[RatingInputs], Value]


class Direction(enum.StrEnum):
    """Which way a feature may move the score."""

    HIGHER_IS_BETTER = "HIGHER_IS_BETTER"
    LOWER_IS_BETTER = "LOWER_IS_BETTER"


class Words(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Which facts a feature counts. `window_days` 0: all time.

    `zh` and `en` are templates with {value}, or with {part} and {whole} where the
    feature is a share; `cases` is what a share is of, None if it is none. `target` says
    what a correction of such a fact is about, as the command `correct` takes it:
    "check:", "fact:" or "record:", and what follows.
    """

    zh: str
    en: str
    target: str
    window_days: int = 0
    cases: Words | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature and the policy on it."""

    name: str
    measure: Measure
    unit: str
    direction: Direction
    counted: Counted
    explanation_zh: str

    @property
    def is_share(self) -> bool:
        """Whether the value is a Share."""
        return self.unit == "ppm"

    @property
    def window_days(self) -> int:
        """The days looked back upon; 0: all time."""
        return self.counted.window_days

    @property
    def explanation(self) -> Words:
        """The published explanation, as cards print it."""
        told = inspect.getdoc(self.measure) or ""
        return Words(self.explanation_zh, " ".join(told.split()))


class Declarations(dict[str, Feature]):
    """Features by name, in the order in which they are declared."""

    def feature(
        self, unit: str, direction: Direction, counted: Counted, *, zh: str
    ) -> Callable[[Measure], Measure]:
        """Declares the function below as a feature under its own name."""

        def declare(measure: Measure) -> Measure:
            name = measure.__name__
            self[name] = Feature(name, measure, unit, direction, counted, zh)
            return measure

        return declare
