"""Who may import whom, and what the serving process may load."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from itertools import accumulate
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

_LINT = "from importlinter.cli import lint_imports_command as lint; lint()"
_LOADED = "import {module}, sys; print(*sorted(set(sys.modules) & {unwanted}))"
_UNWANTED = {
    "sklearn",
    "pandas",
    "numpy",
    "duckdb",
    "pyarrow",
    "sqlglot",
    "pyspark",
    "PIL",
    "zxingcpp",
}


def _python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words


def test_import_contracts_hold() -> None:
    told = _python(_LINT, "--no-cache")
    assert (told.returncode, told.stdout.count("BROKEN")) == (0, 0)


@pytest.mark.parametrize("module", ["bonafides.server", "bonafides.cli", "bonafides.client"])
def test_serving_process_loads_no_number_crunching(module: str) -> None:
    told = _python(_LOADED.format(module=module, unwanted=_UNWANTED))
    assert (told.returncode, told.stdout.split()) == (0, [])


def test_every_module_has_its_place_in_the_layers() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    placed = {name for layer in layers for name in re.split(r"[\s:]+", layer)}
    package = _ROOT / "service" / "bonafides"
    modules = (path.relative_to(package).with_suffix("") for path in package.rglob("*.py"))
    written = {".".join(m.parts) for m in modules if m.name != "__init__"}
    # A folder that is placed as a whole places what is in it.
    missing = {m for m in written if not placed & set(accumulate(m.split("."), "{}.{}".format))}
    assert {m for m in missing if not m.startswith("storage.migrations")} == set()
