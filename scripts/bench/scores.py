"""Scoring one enterprise, with reasons: against the least that points cost, and sklearn.

    over_bare_bisect    the sum of points alone, by bisect over the same card's edges;
                        both from figures that are numbers already
    over_sklearn_row    predict_proba of a binned logistic regression with as many
                        features and bins, for one row

Ours is the served function that gives every feature its slot and points. What the rest
of a rating costs beside it, figures out of shares and both ends of the range, stands
beside. Times are CPU of this process.
"""

from __future__ import annotations

import timeit
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from time import process_time
from typing import Any, Final

from bonafides.rating.card import CardFeature, bins_of, given, score
from bonafides.rating.features import Absent, Share, Value
from bonafides.rating.scorecard import Scorecard, champion
from scripts.bench.effort import Effort
from scripts.bench.figures import failed, of_rounds, ratios
from scripts.measured import Figure

_US: Final = 1e6
_TRAINING_ROWS: Final = 5_000
_SKLEARN_SHARE: Final = 50
_TYPICAL: Final = Share(part=3, whole=120)

Scored = Callable[[], object]


def measure(effort: Effort) -> Iterator[Figure]:
    """Yields the rows of scoring."""
    card = champion(None)
    values = typical(card.features)
    figures = {part.name: part.figure(values[part.name]) or 0 for part in card.features}
    bins = bins_of(card.features)
    ready: Mapping[str, int | Absent] = figures
    bare = bare_score(card, figures)

    def ours() -> list[tuple[int | Absent, int]]:
        return given(bins, ready)

    if not bare() == score(card.features, values).total == sum(points for _, points in ours()):
        raise ArithmeticError("the scores differ")
    rounds = [(_us(ours, effort.scores), _us(bare, effort.scores)) for _ in range(effort.rounds)]
    with_reasons = [one for one, _ in rounds]
    whole = _us(lambda: score(card.features, values), effort.scores)
    yield _compared(
        "score.with_reasons.over_bare_bisect",
        with_reasons,
        [b for _, b in rounds],
        f"; {whole:.0f} with ranges",
    )
    row = "score.over_sklearn_row"
    try:
        theirs = sklearn_score(len(card.features), len(card.features[0].points))
    except ImportError:
        yield failed(row, "scikit-learn is not installed: the extra `bench` brings it")
        return
    number = max(1, effort.scores // _SKLEARN_SHARE)
    yield _compared(row, with_reasons, [_us(theirs, number) for _ in range(effort.rounds)])


def typical(features: Sequence[CardFeature]) -> dict[str, Value]:
    """Returns a value in the middle of each feature's bins, or a small share."""
    return {
        part.name: _TYPICAL if part.type == "share" else part.edges[len(part.edges) // 2]
        for part in features
    }


def bare_score(card: Scorecard, figures: Mapping[str, int]) -> Callable[[], int]:
    """Returns a function that sums the points of the figures, and does nothing else."""
    parts = [(part.name, list(part.edges), list(part.points)) for part in card.features]

    def total() -> int:
        made = 0
        for name, edges, points in parts:
            made += points[bisect_right(edges, figures[name])]
        return made

    return total


def sklearn_score(features: int, bins: int) -> Scored:
    """Returns a function that gives the probability of one row.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    import numpy as np  # noqa: PLC0415 - of the extra `bench`
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import KBinsDiscretizer  # noqa: PLC0415

    chance = np.random.default_rng(7)
    rows = chance.gamma(2.0, 1.0, size=(_TRAINING_ROWS, features))
    sums = rows @ chance.normal(size=features) + chance.logistic(size=_TRAINING_ROWS)
    pipeline: Any = make_pipeline(
        KBinsDiscretizer(bins, encode="onehot", strategy="quantile"),
        LogisticRegression(max_iter=200),
    )
    pipeline.fit(rows, sums > np.median(sums))
    row = rows[:1]
    return lambda: pipeline.predict_proba(row)


def _us(work: Scored, number: int) -> float:
    """Returns the CPU time of one run, in microseconds; the least of three: load only adds."""
    return min(timeit.repeat(work, number=number, repeat=3, timer=process_time)) / number * _US


def _compared(row: str, ours: Sequence[float], theirs: Sequence[float], more: str = "") -> Figure:
    beside = f"{median(ours):.1f} us to {median(theirs):.1f}{more}"
    return of_rounds(row, ratios(ours, theirs), beside)
