"""What is measured, how a figure is made of its rounds, and what must hold.

`BARS` names every figure that may be reported, with its bar and goal; a figure that
is not in the table can't be reported, and one without a bar is there to read others
by. Each round gives one value, taken inside that round, so that a machine that is
slow for a minute is slow for both sides of a ratio. The value is the median; the
least and the greatest stand beside it.

    of_rounds("fold.exponent", [1.02, 1.04, 1.01]).holds      # True
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from scripts.measured import Bar, Figure

RATIO: Final = "ratio"


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


def of_rounds(name: str, values: Sequence[float], beside: str = "") -> Figure:
    """Returns the figure of several rounds, one value each.

    Raises:
        KeyError: no such row.
        ValueError: there was no round.
    """
    bar = BARS[name]
    if not values:
        raise ValueError(f"{name} was measured in no round")
    middle = statistics.median(values)
    return Figure(name, middle, bar, min(values), max(values), beside)


def failed(name: str, why: str) -> Figure:
    """Returns the row of a figure that could not be measured."""
    return Figure(name, None, BARS[name], beside=why)


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
