"""The benchmark's own parts: figures, bars, the reader of CPU times, a tiny run of scores."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from pathlib import Path

import pytest

from scripts.bench import __main__ as bench
from scripts.bench import fits, processes, scores, workload
from scripts.bench.effort import QUICK
from scripts.bench.figures import (
    BARS,
    failed,
    of_rounds,
    percentile,
    ratios,
    slope,
)
from scripts.measured import Bar, document, write

_PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_TINY = dataclasses.replace(QUICK, rounds=2, scores=5)


def test_figure_of_rounds_is_their_median_with_least_and_greatest() -> None:
    figure = of_rounds("fold.exponent", [1.3, 1.0, 1.1])
    assert (figure.value, figure.low, figure.high) == (1.1, 1.0, 1.3)


def test_figure_without_a_round_is_refused() -> None:
    with pytest.raises(ValueError, match="no round"):
        of_rounds("fold.exponent", [])


def test_figure_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(KeyError):
        of_rounds("fold.unheard_of", [1.0])


def test_bar_holds_at_its_very_limit_on_either_side() -> None:
    assert Bar("ratio", 1.6).holds(1.6)
    assert Bar("ratio", 0.5, at_least=True).holds(0.5)
    assert not Bar("ratio", 1.6).holds(1.61)
    assert not Bar("ratio", 0.5, at_least=True).holds(0.49)


def test_what_could_not_be_measured_keeps_no_bar() -> None:
    assert failed("fold.exponent", "why").holds is False


def test_figure_without_a_bar_is_neither_kept_nor_missed() -> None:
    assert of_rounds("ingest.fdatasync_ms", [0.2]).holds is None


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([2.0, 30.0], [1.0, 10.0]) == [2.0, 3.0]


def test_slope_of_cost_that_grows_with_the_square_is_two() -> None:
    assert slope([(10, 100), (100, 10_000), (1_000, 1_000_000)]) == pytest.approx(2.0)


def test_percentile_leaves_its_share_below() -> None:
    assert percentile([float(n) for n in range(100)], 0.99) == 99.0
    assert percentile([1.0], 0.99) == 1.0


def test_document_holds_name_value_unit_bar_and_whether_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    write(file, [of_rounds("fold.exponent", [1.25]), failed("build.over_duckdb", "no DuckDB")])
    assert json.loads(file.read_text()) == [
        {
            "name": "fold.exponent",
            "value": 1.25,
            "unit": "exponent",
            "bar": "<= 1.15",
            "holds": False,
        },
        {
            "name": "build.over_duckdb",
            "value": None,
            "unit": "ratio",
            "bar": "<= 1.5",
            "holds": False,
        },
    ]


def test_tiny_run_of_scores_gives_rows_of_the_document_s_shape() -> None:
    rows = document(scores.measure(_TINY))
    assert [row["name"] for row in rows] == [
        "score.with_reasons.over_bare_bisect",
        "score.over_sklearn_row",
    ]
    assert all(list(row) == ["name", "value", "unit", "bar", "holds"] for row in rows)
    assert isinstance(rows[0]["value"], float)


def test_tiny_run_of_fits_gives_both_rows() -> None:
    rows = document(fits.measure(_TINY, rows=400))
    assert [row["name"] for row in rows] == ["score.fit.cpu_s", "score.fit.over_boosting"]
    assert all(isinstance(row["value"], float) for row in rows)


def test_cpu_time_is_summed_over_the_tasks_of_a_process(tmp_path: Path) -> None:
    for task, text in (("7", "1500000 20 3\n"), ("8", "500000 0 1\n")):
        (tmp_path / "7" / "task" / task).mkdir(parents=True)
        (tmp_path / "7" / "task" / task / "schedstat").write_text(text)
    assert processes.cpu_us(7, tmp_path) == 2_000.0


def test_cpu_time_of_no_process_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(processes.NotMeasuredError):
        processes.cpu_us(7, tmp_path)


def test_resident_memory_is_told_in_mb(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tx\nVmRSS:\t  102400 kB\n")
    assert processes.resident_mb(7, tmp_path) == 100.0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_own_cpu_time_and_memory_can_be_read() -> None:
    assert processes.cpu_us(os.getpid()) > 0
    assert processes.resident_mb(os.getpid()) > 0


def test_every_row_belongs_to_one_topic() -> None:
    for row in BARS:
        assert [row.startswith(prefixes) for prefixes, _ in bench.TOPICS].count(True) == 1


def test_fault_of_a_topic_leaves_its_other_rows_without_a_value() -> None:
    def broken() -> object:
        yield of_rounds("fold.exponent", [1.0])
        raise processes.NotMeasuredError("the disk is full")

    told = list(bench.reported(("fold.",), broken()))  # type: ignore[arg-type]  # a generator
    assert [figure.name for figure in told] == [
        "fold.exponent",
        "fold.sqlite.over_raw_insert",
        "fold.postgresql.over_raw_insert",
    ]
    assert told[1] == failed("fold.sqlite.over_raw_insert", "the disk is full")


def test_every_row_is_documented_with_its_bar_and_goal() -> None:
    lines = _PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    documented = {row[0].strip("`"): row[1:3] for row in cells if re.match(r"`\w+\.", row[0])}
    assert documented == {
        name: [bar.text or "-", bar.goal_text or "-"] for name, bar in BARS.items()
    }


def test_records_to_load_are_different_and_the_same_in_every_run() -> None:
    made = workload.records(50, enterprises=5)
    more = workload.records(50, enterprises=5, first=50)
    assert len({record.record_id for record in made + more}) == 100
    assert workload.records(50, enterprises=5) == made


def test_rows_to_fold_belong_to_codes_of_the_reserved_region() -> None:
    (made,) = workload.rows(40)
    assert len(made) == 40
    assert {row.code[2:8] for row in made} == {"990000"}
