"""Operators' scripts that can't go on: one line of reason, exit code 1, no traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from scripts import (
    export_records,
    import_records,
    load_contracts,
    load_public_records,
    load_rates,
    load_registry,
    promote,
    rebuild_archives,
    reconcile,
    rerate,
    verify_rollups,
)

_CONTRACTS = "code,platform,currency,from_day\n"
_RATES = "currency,date,rate,source\n"
_REGISTRY = "code,title,retrieved_at\n"
_PUBLIC = "code,title,kind,source,record_id,matched_by,published,retrieved_at\n"

Arguments = Callable[[Path], list[str]]


def table(heading: str) -> Arguments:
    """Returns what makes the arguments of a script that loads a file: one without rows."""

    def made(folder: Path) -> list[str]:
        file = folder / "table.csv"
        file.write_text(heading, encoding="utf-8")
        return [str(file)]

    return made


def online_retail(folder: Path) -> list[str]:
    mappings = Path(import_records.__file__).parent / "mappings"
    return [str(mappings / "online_retail.toml"), str(folder)]


def promotion(_folder: Path) -> list[str]:
    return ["expert-9", "--approver", "li", "--approver", "wang", "--reason", "tried"]


SCRIPTS: dict[str, tuple[typer.Typer, Arguments]] = {
    "export_records": (export_records.app, lambda folder: [str(folder / "records.parquet")]),
    "import_records": (import_records.app, online_retail),
    "load_contracts": (load_contracts.app, table(_CONTRACTS)),
    "load_public_records": (load_public_records.app, table(_PUBLIC)),
    "load_rates": (load_rates.app, table(_RATES)),
    "load_registry": (load_registry.app, table(_REGISTRY)),
    "promote": (promote.app, promotion),
    "rebuild_archives": (rebuild_archives.app, lambda _folder: []),
    "reconcile": (reconcile.app, lambda _folder: ["--platform", "1688", "--status"]),
    "rerate": (rerate.app, lambda _folder: []),
    "verify_rollups": (verify_rollups.app, lambda _folder: []),
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize(
    ("setting", "remedy"),
    [
        ("BONAFIDES_DATABASE_URL=oracle://hidden", "give sqlite:///FILE or postgresql://"),
        ("BONAFIDES_WORKERS=hidden", "BONAFIDES_WORKERS: "),
    ],
)
def test_setting_that_can_not_stand_ends_a_script_with_the_remedy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    setting: str,
    remedy: str,
) -> None:
    monkeypatch.setenv("BONAFIDES_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(*setting.split("=", 1))
    app, arguments = SCRIPTS[name]
    result = CliRunner().invoke(app, arguments(tmp_path))
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert remedy in result.stderr
    assert "hidden" not in result.output
