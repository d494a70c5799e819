"""A small generated history, made once for a run of tests, and tables labelled from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bonafides.rating.features import FEATURES
from bonafides.rating.labelling import labelled_table
from bonafides.rating.training.cohorts import Cohort, quarters
from bonafides.rating.training.labelled import Labelled
from bonafides.storage.engines import DuckDb
from scripts.history_files import History, open_history
from scripts.make_history import write

SEED = 7
ENTERPRISES = 700
KEY = b"of a test"


def made(folder: Path, enterprises: int = ENTERPRISES, seed: int = SEED) -> History:
    """Writes a history into the folder and opens it."""
    write(folder, seed=seed, enterprises=enterprises)
    return open_history(folder)


def cohort_of(history: History, split: str) -> Cohort:
    """Returns the first cohort of a split."""
    found = quarters(history.first, history.last)
    return next(cohort for cohort in found if cohort.split == split)


def looked_at(history: History, *cohorts: Cohort) -> Labelled:
    """Returns the labelled table of some cohorts; of all without one."""
    with DuckDb(memory_mb=400, threads=1) as engine:
        engine.attach("history", str(history.records))
        return labelled_table(
            engine,
            history.participants,
            cohorts or quarters(history.first, history.last),
            key=KEY,
            basis="SYNTHETIC",
        )


def labelled_rows(rows: int = 400, *, seed: int = 1, **changes: Any) -> Labelled:
    """Returns a labelled table of made-up rows: who loses disputes and is late turns bad."""
    rng = np.random.default_rng(seed)
    wholes, figures = {}, {}
    for name, feature in FEATURES.items():
        whole = rng.integers(20, 400, rows).astype(np.float64)
        if feature.is_share:
            wholes[name] = whole
            figures[name] = rng.binomial(whole.astype(int), rng.beta(2, 40, rows)) / whole * 1e6
        else:
            figures[name] = rng.integers(0, 900, rows).astype(np.float64)
        unknown = rng.random(rows) < 0.05
        figures[name][unknown] = np.nan
    worse = np.nan_to_num(figures["dispute_lost_rate"] + figures["late_delivery_rate"], nan=1e5)
    bad = (worse / 1e6 + rng.normal(0, 0.04, rows) > 0.12).astype(np.int64)
    applies = {"capital_band": rng.random(rows) < 0.7}
    figures["capital_band"][~applies["capital_band"]] = np.nan
    split = np.array(["train", "recent", "out_of_time"])[np.arange(rows) * 3 // rows]
    columns: dict[str, Any] = {
        "basis": "OUTCOMES",
        "enterprise": np.array([f"{number:032x}" for number in range(rows)]),
        "as_of": np.full(rows, np.datetime64("2025-06-30")),
        "figures": figures,
        "wholes": wholes,
        "applies": applies,
        "bad": bad,
        "component": np.where(bad == 1, "disputes_lost", ""),
        "split": split,
        "entity_type": np.where(rng.random(rows) < 0.5, "company", "individual"),
        "size_band": np.full(rows, "small"),
        "region": np.full(rows, "330100"),
        "is_new": rng.random(rows) < 0.2,
    }
    return Labelled(**(columns | changes))
