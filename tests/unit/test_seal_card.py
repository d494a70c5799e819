"""Sealing a card by the command line: what is no draft is told, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.seal_card import app


@pytest.mark.parametrize("draft", ["", "[]", "[" * 100_000, "{}", "\x00\xff"], ids=range(5))
def test_what_is_no_draft_is_told_and_nothing_is_written(tmp_path: Path, draft: str) -> None:
    file, folder = tmp_path / "draft.json", tmp_path / "models"
    file.write_bytes(draft.encode("latin-1"))
    refused = CliRunner().invoke(app, [str(file), "--models-dir", str(folder)])
    assert refused.exit_code == 1
    assert "Not sealed" in refused.stderr
    assert not folder.exists()
