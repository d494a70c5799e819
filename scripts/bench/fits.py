"""Fitting a card at fixed penalties: its CPU, and against monotone boosting of the same rows.

    cpu_s               `bonafides.rating.training.fit` on 30,000 rows of 23 columns
    over_boosting       the same over HistGradientBoostingClassifier with the same directions,
                        as scikit-learn has it, on one thread as well

The rows are generated: skewed columns of which half matter, one value in twenty missing,
one row in seven bad. The fit holds out folds for its calibration; that is part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import process_time
from typing import Any, Final

from scripts.bench.effort import Effort
from scripts.bench.figures import failed, of_rounds, ratios
from scripts.measured import Figure

ROWS: Final = 30_000
COLUMNS: Final = 23
_L1: Final = 3e-4
_L2: Final = 1e-3
_MISSING: Final = 0.05
_NAMES: Final = ("score.fit.cpu_s", "score.fit.over_boosting")


def measure(effort: Effort, *, rows: int = ROWS) -> Iterator[Figure]:
    """Yields the rows of fitting."""
    try:
        ours, theirs = contenders(rows)
    except ImportError:
        for name in _NAMES:
            yield failed(name, "the extra `train` brings what fits")
        return
    # The first runs load what they need.
    ours(), theirs()
    taken = [(_cpu_s(ours), _cpu_s(theirs)) for _ in range(effort.rounds)]
    fits, boosts = [one for one, _ in taken], [other for _, other in taken]
    told = f"{min(fits):.2f} CPU s to {min(boosts):.2f}"
    yield of_rounds(_NAMES[0], fits, f"{rows} rows, {COLUMNS} columns")
    yield of_rounds(_NAMES[1], ratios(fits, boosts), told)


def contenders(rows: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Returns our fit and boosting of the same rows.

    Raises:
        ImportError: what they need is not installed.
    """
    import numpy as np  # noqa: PLC0415 - of the extra `train`
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from bonafides.rating.training import fit  # noqa: PLC0415

    chance = np.random.default_rng(7)
    table = chance.lognormal(size=(rows, COLUMNS))
    weights = np.where(np.arange(COLUMNS) % 2, chance.normal(0.0, 0.5, COLUMNS), 0.0)
    odds = np.log(table) @ weights - 2.0 + chance.logistic(size=rows)
    bad = (odds > 0).astype(float)
    table[chance.random(table.shape) < _MISSING] = np.nan
    directions = [-1 if weight > 0 else 1 for weight in weights]

    def boosted() -> Any:
        with threadpool_limits(limits=1):
            return HistGradientBoostingClassifier(
                monotonic_cst=[-each for each in directions], random_state=7
            ).fit(table, bad)

    return lambda: fit(table, bad, directions=directions, l1=_L1, l2=_L2), boosted


def _cpu_s(work: Callable[[], object]) -> float:
    before = process_time()
    work()
    return process_time() - before
