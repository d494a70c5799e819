"""The labelled table: read whole or refused by column, and scored as when served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bonafides.rating.card import score
from bonafides.rating.features import FEATURES, MISSING, NOT_APPLICABLE, Share, Value
from bonafides.rating.scorecard import champion
from bonafides.rating.training.labelled import Labelled, LabelledError, points, read, write
from tests.history import labelled_rows


def _value(table: Labelled, name: str, row: int) -> Value:
    """Returns the value as the served features give it."""
    figure = table.figures[name][row]
    if np.isnan(figure):
        return MISSING if table.does_apply(name)[row] else NOT_APPLICABLE
    if not FEATURES[name].is_share:
        return int(figure)
    whole = int(table.wholes[name][row])
    return Share(round(figure * whole / 1e6), whole)


def _kept(table: Labelled, folder: Path) -> Path:
    write(table, folder / "labelled.parquet")
    return folder / "labelled.parquet"


@pytest.mark.feature("E6", "L5")
def test_every_row_of_the_table_scores_as_it_does_when_served() -> None:
    table, card = labelled_rows(300), champion(None)
    given = points(table, card.features)
    for row in range(len(table)):
        values = {name: _value(table, name, row) for name in FEATURES}
        served = score(card.features, values)
        assert given[row].tolist() == [part.points for part in served.contributions]


def test_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = labelled_rows(60)
    file = _kept(table, tmp_path)
    first = file.read_bytes()
    again = read(file)
    assert again.basis == "OUTCOMES"
    assert (again.as_of == table.as_of).all()
    assert (again.enterprise == table.enterprise).all()
    for name in FEATURES:
        assert np.array_equal(again.figures[name], table.figures[name], equal_nan=True)
    assert _kept(again, tmp_path).read_bytes() == first


@pytest.mark.feature("E14")
def test_generated_region_makes_a_table_synthetic_whatever_it_says(tmp_path: Path) -> None:
    table = labelled_rows(60, region=np.full(60, "990000-03"), basis="OUTCOMES")
    assert read(_kept(table, tmp_path)).basis == "SYNTHETIC"


def test_rows_are_chosen_with_all_their_columns() -> None:
    table = labelled_rows(90)
    out = table.of_split("out_of_time")
    assert len(out) == 30
    assert set(out.split.tolist()) == {"out_of_time"}
    assert all(column.size == 30 for column in out.figures.values())


def _without(name: str) -> Callable[[Any], Any]:
    return lambda told: told.drop_columns([name])


def _with(name: str, values: Any) -> Callable[[Any], Any]:
    return lambda told: told.set_column(told.column_names.index(name), name, values)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without("late_delivery_rate"), "lacks the columns late_delivery_rate"),
        (_without("late_delivery_rate_whole"), "lacks the columns late_delivery_rate_whole"),
        (_without("split"), "lacks the columns split"),
        (_with("bad", pa.array([2] * 60)), "bad must be 0 or 1"),
        (_with("as_of", pa.array(["2026-01-01"] * 60)), "as_of must be a date"),
        (_with("split", pa.array(["later"] * 60)), "split holds 'later'"),
        (_with("component", pa.array([""] * 60)), "component must be one of fraud"),
        (_with("region", pa.array([None] * 60, pa.string())), "region must be a text"),
        (_with("paid_orders", pa.array(["many"] * 60)), "paid_orders must hold numbers"),
        (_with("paid_orders", pa.array([float("inf")] * 60)), "paid_orders must be finite"),
        (_with("late_delivery_rate", pa.array([2e6] * 60)), "from 0 to 1000000 ppm"),
        (_with("late_delivery_rate_whole", pa.array([float("nan")] * 60)), "must be known"),
        (_with("enterprise", pa.array(["a"] * 60)), "an enterprise in two splits"),
        (_with("capital_band", pa.array([1.0] * 60)), "NaN where capital_band_applies is 0"),
        (lambda told: told.slice(0, 0), "has no rows"),
    ],
)
def test_table_that_can_not_be_used_is_refused_by_column(
    change: Callable[[Any], Any], told: str, tmp_path: Path
) -> None:
    file = _kept(labelled_rows(60), tmp_path)
    pq.write_table(change(pq.read_table(file)), file)
    with pytest.raises(LabelledError, match=told):
        read(file)


def test_enterprise_twice_on_a_day_is_refused(tmp_path: Path) -> None:
    table = labelled_rows(60, split=np.full(60, "train"), enterprise=np.full(60, "a"))
    with pytest.raises(LabelledError, match="a day twice"):
        read(_kept(table, tmp_path))


def test_file_of_another_form_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "labelled.parquet"
    file.write_text("no Parquet", encoding="utf-8")
    with pytest.raises(LabelledError, match="is no Parquet file"):
        read(file)
