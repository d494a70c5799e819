"""The parts of `make trust` itself, and that its tables are true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from scripts.measured import Figure
from scripts.trust import crossing, topics
from scripts.trust.extent import QUICK, WHOLE
from scripts.trust.figures import BARS, proved
from scripts.trust.guard_table import GUARDS, Guard
from scripts.trust.guards import listed
from scripts.trust.imports import reached
from scripts.trust.timing import area

_ROOT = Path(__file__).parents[2]


def test_every_row_is_documented() -> None:
    told = (_ROOT / "docs/trust.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \|", told, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(.*?)`", row)} == set(BARS)


def test_every_row_is_of_a_topic() -> None:
    prefixes = tuple(topics.TOPICS)
    assert all(name.startswith(prefixes) for name in BARS)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name.replace(" ", "_"))
def test_guard_stands_where_the_table_says(guard: Guard) -> None:
    assert (_ROOT / guard.file).read_text(encoding="utf-8").count(guard.text) == 1
    assert guard.without != guard.text


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name.replace(" ", "_"))
def test_guard_is_taken_out_for_one_test_that_is_there(guard: Guard) -> None:
    """One is enough, and SQLite is: the whole table is run in minutes."""
    (test,) = guard.tests
    file, _, name = test.partition("::")
    assert name.partition("[")[0] in _tests_of(file)
    assert "postgresql" not in name


def test_tests_of_guards_are_found_by_their_names() -> None:
    """With their parameters: a test that has no more of these would not be run."""
    names = {test for guard in GUARDS for test in guard.tests}
    arguments = ["-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *names]
    told = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout[-2_000:]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name.replace(" ", "_"))
def test_module_without_its_guard_can_be_read(guard: Guard) -> None:
    """Or the test would fail for that."""
    text = (_ROOT / guard.file).read_text(encoding="utf-8")
    ast.parse(text.replace(guard.text, guard.without))


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((_ROOT / file).read_text(encoding="utf-8"))
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef))


def test_guards_have_names_of_their_own() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS)


def test_change_reaches_whoever_imports_it_and_nobody_else() -> None:
    found = reached("service/bonafides/storage/audit_log.py")
    # Itself, who imports it, and who imports that.
    assert {
        "bonafides.storage.audit_log",
        "bonafides.rpc.recording",
        "bonafides.rpc.pipeline",
        "bonafides.server",
        "tests.serving",
    } <= found
    assert not {"bonafides.storage.audit", "bonafides.errors", "bonafides.website"} & found


def test_change_reaches_the_parts_of_a_package_that_imports_it() -> None:
    # The package's own file imports one part; any other runs that file first.
    found = reached("service/bonafides/client/repeating.py")
    assert {"bonafides.client", "bonafides.client.naming", "bonafides.cli"} <= found


@pytest.mark.parametrize("package", ["service/bonafides/rpc/__init__.py", "tests/__init__.py"])
def test_change_of_a_package_reaches_all_parts_of_it(package: str) -> None:
    name = package.removeprefix("service/").removesuffix("/__init__.py").replace("/", ".")
    parts = {
        f"{name}.{file.stem}"
        for file in (_ROOT / package).parent.glob("*.py")
        if file.stem != "__init__"
    }
    assert parts <= reached(package)


def test_change_of_what_is_no_module_reaches_everything() -> None:
    assert {"bonafides.server", "tests.builders"} <= reached("pyproject.toml")


def test_guards_are_listed_with_what_became_of_them() -> None:
    told = listed(GUARDS[:2], ["", GUARDS[1].name]).splitlines()
    (first, second) = (guard.tests[0] for guard in GUARDS[:2])
    assert told == [
        f"noticed\t{GUARDS[0].name}\t{GUARDS[0].file}\t{first}",
        f"UNNOTICED\t{GUARDS[1].name}\t{GUARDS[1].file}\t{second}",
    ]


def test_topic_that_breaks_leaves_its_other_rows_without_a_value() -> None:
    def broken() -> Iterator[Figure]:
        yield proved("fuzz.in_process.failures", 0)
        raise RuntimeError("no fuzzer")

    told = {figure.name: figure for figure in topics.reported("fuzz.", broken())}
    assert told["fuzz.in_process.failures"].holds is True
    assert told["fuzz.over_grpc.failures"].holds is False
    assert told["fuzz.over_grpc.failures"].beside == "RuntimeError: no fuzzer"


def test_topic_whose_process_dies_has_rows_without_a_value() -> None:
    work: Future[topics.Taken] = Future()
    work.set_exception(BrokenExecutor("it ended"))
    told = topics.result_of("cross.", work)
    assert [(figure.name, figure.holds) for figure in told.figures] == [("cross.let_in", False)]
    assert told.figures[0].beside == "BrokenExecutor: it ended"


def test_area_tells_nothing_of_equal_times_and_everything_of_apart_ones() -> None:
    assert area([1.0, 2.0], [1.0, 2.0]) == 0.5
    assert area([2.0, 3.0], [0.0, 1.0]) == 1.0


def test_quick_tries_less_of_everything_but_of_the_timings() -> None:
    for field in ("archives", "planted", "owners", "pairs", "fuzzed", "sent"):
        assert 0 < getattr(QUICK, field) < getattr(WHOLE, field)


def test_tiny_crossing_lets_nobody_in() -> None:
    figures = list(crossing.prove(replace(QUICK, owners=2)))
    assert [(figure.name, figure.value) for figure in figures] == [("cross.let_in", 0)]
