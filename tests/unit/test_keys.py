"""The keys of a deployment: made once in sandbox, never in live, never readable by others."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bonafides import keys
from bonafides.settings import Settings, SettingsError


def sandbox(folder: Path) -> Settings:
    return Settings(environment="sandbox", data_dir=folder / "data")


def live(folder: Path) -> Settings:
    return Settings(environment="live", data_dir=folder / "data")


@pytest.mark.feature("J9")
def test_first_run_makes_private_keys_and_warns_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = keys.load_or_create(sandbox(tmp_path))
    printed = capsys.readouterr()
    assert len(made.kek) == 32
    assert printed.out == ""
    events = [json.loads(line) for line in printed.err.splitlines()]
    assert [event["event"] for event in events] == ["insecure_sandbox_key_created"] * 4
    for file in (tmp_path / "data").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.feature("J9")
def test_second_run_has_the_same_keys_and_is_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = keys.load_or_create(sandbox(tmp_path))
    capsys.readouterr()
    second = keys.load_or_create(sandbox(tmp_path))
    assert second.kek == first.kek
    assert second.issuer_private_key.public_key() == first.issuer_private_key.public_key()
    assert capsys.readouterr().err == ""


def test_processes_that_start_at_once_share_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys.load_or_create(sandbox(tmp_path)), range(8)))
    assert len({one.kek for one in made}) == 1
    files = sorted(file.name for file in (tmp_path / "data").iterdir())
    assert files == ["issuer.pem", "kek.bin", "receipt.pem", "token.pem"]


@pytest.mark.feature("J9")
def test_live_makes_no_key_and_names_file_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"kek\.bin is missing.*restore it") as refusal:
        keys.load_or_create(live(tmp_path))
    assert not (tmp_path / "data").exists()
    assert "mode 0600" in str(refusal.value)


@pytest.mark.feature("I4")
def test_live_has_no_issuer_of_its_own(tmp_path: Path) -> None:
    keys.load_or_create(sandbox(tmp_path))
    loaded = keys.load_or_create(live(tmp_path))
    with pytest.raises(SettingsError, match="BONAFIDES_ISSUERS"):
        _ = loaded.issuer_private_key


@pytest.mark.feature("L2")
def test_live_signs_receipts_with_the_key_that_its_setting_names(tmp_path: Path) -> None:
    made = keys.load_or_create(sandbox(tmp_path))
    assert keys.load_or_create(live(tmp_path)).receipts is None
    file = tmp_path / "data" / keys.RECEIPT_FILE
    named = live(tmp_path).model_copy(update={"receipt_key": file})
    loaded = keys.load_or_create(named).receipts
    assert loaded is not None
    assert made.receipts is not None
    assert loaded.public_key() == made.receipts.public_key()


def test_a_receipt_key_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    keys.load_or_create(sandbox(tmp_path))
    named = live(tmp_path).model_copy(update={"receipt_key": tmp_path / "gone.pem"})
    with pytest.raises(SettingsError, match="BONAFIDES_RECEIPT_KEY"):
        keys.load_or_create(named)


@pytest.mark.parametrize("name", [keys.KEK_FILE, keys.ISSUER_FILE, keys.RECEIPT_FILE])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_key_that_others_can_open_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    keys.load_or_create(sandbox(tmp_path))
    (tmp_path / "data" / name).chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        keys.load_or_create(sandbox(tmp_path))


def test_cut_key_is_refused_rather_than_replaced(tmp_path: Path) -> None:
    keys.load_or_create(sandbox(tmp_path))
    file = tmp_path / "data" / keys.KEK_FILE
    file.write_bytes(b"short")
    with pytest.raises(SettingsError, match="holds 5 bytes"):
        keys.load_or_create(sandbox(tmp_path))
    assert file.read_bytes() == b"short"


def test_file_that_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    keys.load_or_create(sandbox(tmp_path))
    (tmp_path / "data" / keys.ISSUER_FILE).write_text("not a key")
    with pytest.raises(SettingsError, match="not an Ed25519 private key"):
        keys.load_or_create(sandbox(tmp_path))


@pytest.mark.feature("J9")
def test_repr_of_keys_holds_nothing_of_them(tmp_path: Path) -> None:
    assert repr(keys.load_or_create(sandbox(tmp_path))) == "Keys()"
