"""Reads what is given as a table: arrays, and data frames with named columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bonafides.rating.training.binning import Floats


class FitError(ValueError):
    """The data can't be fitted, or scored. The text says why, and holds none of them."""


def table_of(table: Any, *, names: Sequence[str] | None = None) -> tuple[Floats, list[str]]:
    """Returns the rows as floats, NaN for missing, and the columns' names.

    Columns of an array are called x0, x1 and so on. With `names` the columns of a
    frame are taken in that order.

    Raises:
        FitError: it is no table of numbers, or lacks a column.
    """
    told = [str(name) for name in table.columns] if hasattr(table, "columns") else None
    if told is not None and names is not None:
        if missing := sorted(set(names) - set(told)):
            raise FitError(f"the table lacks the columns {', '.join(missing)}")
        table = table[[list(table.columns)[told.index(name)] for name in names]]
        told = list(names)
    if told is not None and len(set(told)) < len(told):
        raise FitError("each column must have a name of its own")
    try:
        rows = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError):
        raise FitError("every column must hold numbers; NaN stands for missing") from None
    if rows.ndim != 2 or rows.shape[1] == 0:  # noqa: PLR2004 - rows and columns
        raise FitError("give a table of rows and columns")
    if told is None:
        told = list(names) if names is not None else [f"x{place}" for place in range(rows.shape[1])]
    if rows.shape[1] != len(told):
        raise FitError(f"the table has {rows.shape[1]} columns; {len(told)} are needed")
    return rows, told


def outcomes_of(outcomes: Any, rows: int) -> Floats:
    """Returns 1.0 where a row is bad and 0.0 where it is good.

    Raises:
        FitError: other values, not one for each row, or only one kind.
    """
    try:
        bad = np.asarray(outcomes, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise FitError("the outcome of a row is 1 (bad) or 0 (good)") from None
    if bad.size != rows:
        raise FitError(f"there are {rows} rows and {bad.size} outcomes")
    if not np.isin(bad, (0.0, 1.0)).all():
        raise FitError("the outcome of a row is 1 (bad) or 0 (good)")
    if bad.min(initial=1.0) == bad.max(initial=0.0):
        raise FitError("there must be good rows and bad ones")
    return bad
