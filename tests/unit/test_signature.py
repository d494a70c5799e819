"""A card is served under the signature of who operates the service, where a key is trusted."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from bonafides import card_keys
from bonafides.rating import explain, signature
from bonafides.rating.scorecard import ScorecardError, champion, load, models_folder
from bonafides.settings import Settings, SettingsError
from scripts import sign_card
from tests import promotions
from tests.serving import signed_cards

_RUN = CliRunner()


def _settings(folder: Path, environment: str = "live", **changes: object) -> Settings:
    given = {**signed_cards(folder), "data_dir": folder / "data", "environment": environment}
    return Settings(**{**given, **changes})


def _file(settings: Settings) -> Path:
    folder = models_folder(settings.models_dir)
    return folder / champion(folder).version / "scorecard.json"


@pytest.mark.feature("E5")
def test_live_serves_a_card_that_the_trusted_key_signed(tmp_path: Path) -> None:
    card = card_keys.served_card(_settings(tmp_path))
    assert card.digest == champion(None).digest
    assert len(card.signature) == 64
    # Anyone who reads the card gets it.
    assert explain.scorecard_message(card).signature == card.signature


@pytest.mark.feature("E5")
@pytest.mark.parametrize("environment", ["sandbox", "live"])
def test_a_card_without_a_good_signature_is_refused(tmp_path: Path, environment: str) -> None:
    settings = _settings(tmp_path, environment)
    file = signature.file_of(_file(settings))
    of_another = signature.signed(_file(settings).read_bytes(), Ed25519PrivateKey.generate())
    for content in (of_another, file.read_bytes()[:63], file.read_bytes() + b"\n", b"x" * 64):
        file.write_bytes(content)
        with pytest.raises(ScorecardError, match="not by the trusted key over these bytes"):
            card_keys.served_card(settings)
    file.unlink()
    with pytest.raises(ScorecardError, match=r"signature: is missing.*sign_card"):
        card_keys.served_card(settings)


@pytest.mark.feature("E5")
def test_another_card_under_the_signature_of_the_first_is_refused(tmp_path: Path) -> None:
    """A sound card, with cut-offs of the attacker's own."""
    settings = _settings(tmp_path)
    file = _file(settings)
    file.write_bytes(file.read_bytes().replace(b'"max_feature_points":', b'"max_feature_points":9'))
    assert load(file).content.max_feature_points > champion(None).content.max_feature_points
    with pytest.raises(ScorecardError, match="trusted key"):
        card_keys.served_card(settings)


def test_live_without_a_trusted_key_is_refused_and_a_sandbox_is_not(tmp_path: Path) -> None:
    settings = _settings(tmp_path, card_key=None)
    with pytest.raises(SettingsError, match=r"BONAFIDES_CARD_KEY.*docs/promotion\.md"):
        card_keys.served_card(settings)
    sandbox = settings.model_copy(update={"environment": "sandbox"})
    assert card_keys.served_card(sandbox).digest == champion(None).digest


@pytest.mark.parametrize("content", [None, b"", b"no key", "private"])
def test_a_file_that_holds_no_public_key_is_named(tmp_path: Path, content: object) -> None:
    file = tmp_path / "wrong.pem"
    if content == "private":
        card_keys.card_signing_key(Settings(data_dir=tmp_path))
        file = tmp_path / "card.pem"
    elif isinstance(content, bytes):
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"BONAFIDES_CARD_KEY.*\.pem"):
        card_keys.served_card(_settings(tmp_path / "more", card_key=file))


@pytest.mark.feature("E14")
def test_a_synthetic_card_is_not_served_in_live_whoever_signed_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path, card_key=None)
    file = _file(settings)
    file.write_bytes(promotions.candidate(file.parent.name, basis="SYNTHETIC").artifact)
    data = tmp_path / "data"
    data.mkdir()
    key = card_keys.card_signing_key(Settings(data_dir=data))
    signature.file_of(file).write_bytes(signature.signed(file.read_bytes(), key))
    public = tmp_path / "mine.pem"
    _RUN.invoke(
        sign_card.app,
        [file.parent.name, "--data-dir", str(data), "--public-key", str(public)],
        env={"BONAFIDES_MODELS_DIR": str(settings.models_dir)},
    )
    trusting = settings.model_copy(update={"card_key": public})
    with pytest.raises(SettingsError, match="SYNTHETIC"):
        card_keys.served_card(trusting)
    sandbox = trusting.model_copy(update={"environment": "sandbox"})
    assert card_keys.served_card(sandbox).basis == "SYNTHETIC"


@pytest.mark.feature("J9")
def test_the_sandbox_makes_the_signing_key_once_and_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    key = card_keys.card_signing_key(settings)
    (event,) = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert event["event"] == "insecure_sandbox_key_created"
    assert stat.S_IMODE((tmp_path / "data" / "card.pem").stat().st_mode) == 0o600
    assert card_keys.card_signing_key(settings).public_key() == key.public_key()
    assert capsys.readouterr().err == ""


@pytest.mark.feature("J9")
def test_live_makes_no_signing_key_and_names_how_to_make_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, environment="live")
    with pytest.raises(SettingsError, match=r"card\.pem is missing.*openssl genpkey"):
        card_keys.card_signing_key(settings)


@pytest.mark.parametrize("version", ["../expert-2", "absent-1"])
def test_what_is_no_sealed_version_is_not_signed(tmp_path: Path, version: str) -> None:
    settings = signed_cards(tmp_path)
    answer = _RUN.invoke(
        sign_card.app,
        [version, "--data-dir", str(tmp_path / "data")],
        env={"BONAFIDES_MODELS_DIR": str(settings["models_dir"])},
    )
    assert answer.exit_code == 1
    assert "Not signed" in answer.stderr


def test_a_key_that_was_not_trusted_is_told_from_a_missing_one(tmp_path: Path) -> None:
    models = signed_cards(tmp_path)["models_dir"]
    with pytest.raises(ScorecardError, match="not by the trusted key"):
        champion(models, key=Ed25519PrivateKey.generate().public_key())
