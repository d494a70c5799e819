"""The file of sources: what it builds, in which order, and what is refused with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bonafides.errors import BugError
from bonafides.identity.sandbox import Sandbox
from bonafides.personal.sealing import Vault
from bonafides.settings import Settings, SettingsError
from bonafides.sourcing import SHAPES, evidence_sources, magic
from bonafides.storage.unit_of_work import Store

_KEY = "planted-key"
_SIGNED = 'name = "one"\nshape = "aliyun"\nurl = "https://example.com/"\n[source.signing]\n'
_VERB = 'action = "Verify"\nversion = "2019-03-07"\n'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'bonafides.db'}")
    yield made
    made.close()


def _built(store: Store, folder: Path, text: str) -> list[str]:
    file = folder / "sources.toml"
    file.write_text(text, encoding="utf-8")
    settings = Settings(data_dir=folder, sources=file)
    return [each.name for each in evidence_sources(settings, store, Vault(bytes(32), "sandbox"))]


def _key_file(folder: Path, mode: int = 0o600, content: str = f" {_KEY}\n") -> None:
    file = folder / "source.key"
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)


@pytest.mark.feature("A5")
def test_sources_are_asked_behind_the_registrys_table_in_the_order_of_the_file(
    store: Store, tmp_path: Path
) -> None:
    _key_file(tmp_path)
    (tmp_path / "own.toml").write_text((SHAPES / "gleif.toml").read_text("utf-8"), "utf-8")
    signing = '\n[source.signing]\nscheme = "acs3"\nkey_id = "a"\n' + _VERB
    entries = [
        'name = "second"\nshape = "tianyancha"\nkey_file = "source.key"\nattempts = 2',
        'name = "first"\nshape = "aliyun"\nurl = "https://example.com/"\nkey_file = "source.key"'
        + signing,
        'name = "own"\nshape = "own.toml"\nurl = "http://127.0.0.1:1/"\nrest_seconds = 5',
    ]
    text = "".join(f"[[source]]\n{entry}\n" for entry in entries)
    assert _built(store, tmp_path, text) == ["registry", "second", "first", "own"]


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ('shape = "gleif"', "name of its own"),
        ('name = "registry"\nshape = "gleif"', "name of its own"),
        ('name = "a b"\nshape = "gleif"', "name of its own"),
        ('name = "one"', "shape"),
        ('name = "one"\nshape = "unheard"', "can't read the shape"),
        ('name = "one"\nshape = "gleif"\nurl = "http://example.com/"', "https://"),
        ('name = "one"\nshape = "gleif"\nurl = "https://["', "https://"),
        ('name = "one"\nshape = "aliyun"', "https://"),
        ('name = "one"\nshape = "tianyancha"', "key_file"),
        ('name = "one"\nshape = "tianyancha"\nkey_file = "absent.key"', "can't be read"),
        ('name = "one"\nshape = "gleif"\nattempts = 0', "attempts"),
        ('name = "one"\nshape = "gleif"\nkey = "planted-key"', "no such field"),
        (f'{_SIGNED}scheme = "tc3"\nkey_id = "a"\n{_VERB}', "tc3 needs a service"),
        (f'{_SIGNED}scheme = "acs3"\nkey_id = "a"\n{_VERB}', "needs a secret"),
        (f'{_SIGNED}scheme = "acs3"\nkey_id = "a b"\n{_VERB}', "signing.key_id"),
        (f'{_SIGNED}scheme = "acs4"\nkey_id = "a"\n{_VERB}', "signing.scheme"),
    ],
)
def test_a_source_at_fault_stops_the_start_with_a_remedy(
    store: Store, tmp_path: Path, entry: str, remedy: str
) -> None:
    with pytest.raises(SettingsError, match=remedy) as refused:
        _built(store, tmp_path, f"[[source]]\n{entry}\n")
    assert _KEY not in str(refused.value)


@pytest.mark.parametrize(("mode", "content"), [(0o644, _KEY), (0o600, " \n"), (0o600, "\u6d4b")])
def test_a_key_that_others_can_read_or_that_is_none_is_refused(
    store: Store, tmp_path: Path, mode: int, content: str
) -> None:
    _key_file(tmp_path, mode, content)
    entry = 'name = "one"\nshape = "tianyancha"\nkey_file = "source.key"'
    with pytest.raises(SettingsError, match=r"source\.key") as refused:
        _built(store, tmp_path, f"[[source]]\n{entry}\n")
    assert content.strip() == "" or content not in str(refused.value)


@pytest.mark.parametrize("text", ["=", "", "source = 1", "[[source]]\nname='x'\n[other]"])
def test_a_file_that_names_no_sources_is_refused(store: Store, tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="BONAFIDES_SOURCES"):
        _built(store, tmp_path, text)


def test_two_sources_of_one_name_are_refused(store: Store, tmp_path: Path) -> None:
    entry = '[[source]]\nname = "one"\nshape = "gleif"\n'
    with pytest.raises(SettingsError, match="source 2"):
        _built(store, tmp_path, entry * 2)


@pytest.mark.feature("I5")
def test_magic_codes_are_built_in_the_sandbox_alone(tmp_path: Path) -> None:
    assert magic(Settings(data_dir=tmp_path)) is not None
    assert magic(Settings(data_dir=tmp_path, environment="live")) is None
    with pytest.raises(BugError):
        Sandbox("live")
