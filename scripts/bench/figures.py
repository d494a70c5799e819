"""What is measured, how a figure is made of its rounds, and what must hold.

`BARS` names every figure that may be reported, with its bar and goal; a figure that
is not in the table can't be reported, and one without a bar is there to read others
by. Each round gives one value, taken inside that round, so that a machine that is
slow for a minute is slow for both sides of a ratio. The value is the median; the
least and the greatest stand beside it.

    figure = of_rounds("fold.exponent", [1.02, 1.04, 1.01])
    document([figure])[0]["holds"]       # True
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

RATIO: Final = "ratio"


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold of a figure, and where it should go. `at_least`: more is better."""

    unit: str
    limit: float | None = None
    goal: float | None = None
    at_least: bool = False

    @property
    def text(self) -> str | None:
        """The bar as it is written, such as "<= 1.6"; None without one."""
        return None if self.limit is None else f"{self._sign} {self.limit:.4g}"

    @property
    def goal_text(self) -> str:
        """The goal as it is written; empty without one."""
        return "" if self.goal is None else f"{self._sign} {self.goal:.4g}"

    def holds(self, value: float | None) -> bool | None:
        """Tells whether the value keeps the bar; None without a bar.

        A value that could not be measured keeps none.
        """
        if self.limit is None:
            return None
        if value is None:
            return False
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def _sign(self) -> str:
        return ">=" if self.at_least else "<="


def _batches() -> dict[str, Bar]:
    """Returns the rows of batches: two databases, two sizes, in process and over gRPC."""
    limits = {"sqlite": (0.5, 0.9), "postgresql": (0.4, 0.7)}
    return {
        f"ingest.{way}{database}.batches_of_{size}.over_raw": Bar(RATIO, *limits[database], True)
        for way in ("", "stream.")
        for database in limits
        for size in (100, 1_000)
    }


BARS: Final[Mapping[str, Bar]] = MappingProxyType(
    {
        "read.anonymous.sqlite.over_bare": Bar(RATIO, 1.6, 1.25),
        "read.anonymous.postgresql.warm.over_bare": Bar(RATIO, 1.4, 1.15),
        "read.anonymous.postgresql.miss.over_bare": Bar(RATIO, 3.0, 2.0),
        "read.member.cached_token.over_bare": Bar(RATIO, 1.8, 1.5),
        "read.member.cached_token.p99_over_bare_ms": Bar("ms", 15.0),
        "read.anonymous.sqlite.over_peer": Bar(RATIO, 1 / 4, 1 / 6),
        "read.anonymous.postgresql.over_peer": Bar(RATIO, 1 / 6, 1 / 8),
        "read.p99_at_80_percent.over_bare": Bar(RATIO, 2.0, 1.3),
        "read.auth.added_us": Bar("us", 10.0, 5.0),
        "ingest.stream.messages.records_per_commit": Bar("records", 50.0, 200.0, True),
        "ingest.stream.messages.over_bare_stream": Bar(RATIO, 0.4, 0.6, True),
        **_batches(),
        "ingest.sqlite.repeated_over_fresh": Bar(RATIO, 0.5, 0.25),
        "ingest.postgresql.repeated_over_fresh": Bar(RATIO, 0.5, 0.25),
        # No bar: the disk's own time, without which no figure of ingest says anything.
        "ingest.fdatasync_ms": Bar("ms"),
        "fold.sqlite.over_raw_insert": Bar(RATIO, 0.3, 0.5, True),
        "fold.postgresql.over_raw_insert": Bar(RATIO, 0.3, 0.5, True),
        "fold.exponent": Bar("exponent", 1.15, 1.05),
        "build.over_duckdb": Bar(RATIO, 1.5, 1.0),
        "build.from_rollups.over_from_rows": Bar(RATIO, 0.2, 0.05),
        "score.with_reasons.over_bare_bisect": Bar(RATIO, 2.0, 1.6),
        "score.over_sklearn_row": Bar(RATIO, 1 / 500, 1 / 1_000),
        "score.rescore_1m.over_numpy": Bar(RATIO, 1.0, 0.35),
        "score.fit.cpu_s": Bar("CPU s", 1.5, 1.0),
        # No bar: what interactions would be worth is for the gates to say, not its time.
        "score.fit.over_boosting": Bar(RATIO),
        "process.idle_memory_mb": Bar("MB", 150.0, 110.0),
        "process.import_cpu_s": Bar("CPU s", 0.6, 0.4),
        # No bars: a submission is three commits where the bare write is one.
        "submit.sqlite.over_bare_write": Bar(RATIO),
        "submit.postgresql.over_bare_write": Bar(RATIO),
        "submit.sealing.over_bare_write": Bar(RATIO),
        "web.bytes": Bar("bytes", 60_000.0),
        # No bar: the call is a stored snapshot, the page is text made of it.
        "web.page": Bar(RATIO),
    }
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: the median of its rounds, their least and greatest, and what stands beside.

    `beside` holds the absolute figures that the ratio was made of, for people. A
    value of None could not be measured; `beside` then says why.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    beside: str = ""

    @property
    def bar(self) -> Bar:
        """What must hold of it."""
        return BARS[self.name]

    @property
    def holds(self) -> bool | None:
        """Whether it keeps its bar; None without one."""
        return self.bar.holds(self.value)


def of_rounds(name: str, values: Sequence[float], beside: str = "") -> Figure:
    """Returns the figure of several rounds, one value each.

    Raises:
        KeyError: no such row.
        ValueError: there was no round.
    """
    if not values:
        raise ValueError(f"{name} was measured in no round")
    _ = BARS[name]
    return Figure(name, statistics.median(values), min(values), max(values), beside)


def failed(name: str, why: str) -> Figure:
    """Returns the row of a figure that could not be measured."""
    _ = BARS[name]
    return Figure(name, None, beside=why)


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Returns the ratio of each round; both sides have the same rounds."""
    return [one / other for one, other in zip(above, below, strict=True)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Returns the exponent k of cost = c * size**k, by least squares over logarithms."""
    logs = [(math.log(size), math.log(cost)) for size, cost in points]
    return statistics.linear_regression(*zip(*logs, strict=True)).slope


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Returns the value below which the share (0 to 1) of the values lies."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def document(figures: Iterable[Figure]) -> list[dict[str, str | float | bool | None]]:
    """Returns what build/bench.json holds, in the order measured."""
    return [
        {
            "name": figure.name,
            "value": None if figure.value is None else round(figure.value, 6),
            "unit": figure.bar.unit,
            "bar": figure.bar.text,
            "holds": figure.holds,
        }
        for figure in figures
    ]


def write(file: Path, figures: Iterable[Figure]) -> None:
    """Writes the document, in place of an older one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(figures), indent=2, allow_nan=False)
    file.write_text(f"{text}\n", encoding="utf-8")
