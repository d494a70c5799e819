"""The shipped scorecards load, are described as they are, and can be served without more."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bonafides.rating.features import FEATURES
from bonafides.rating.scorecard import champion, load, models_folder
from scripts import seal_card

_MODELS = Path(__file__).parents[2] / "models"
_VERSIONS = sorted(path.parent.name for path in _MODELS.glob("*/scorecard.json"))


def test_the_package_serves_the_checkouts_cards() -> None:
    assert load(_MODELS, champion(None).version) == champion(None)
    assert models_folder(_MODELS) == _MODELS


@pytest.mark.feature("E5")
@pytest.mark.parametrize("version", _VERSIONS)
def test_every_card_loads_under_the_digest_that_its_description_names(version: str) -> None:
    card = load(_MODELS, version)
    raw = (_MODELS / version / "scorecard.json").read_bytes()
    assert card.digest == hashlib.sha256(raw).hexdigest()
    assert card.digest in (_MODELS / version / "card.md").read_text(encoding="utf-8")


@pytest.mark.feature("E1")
@pytest.mark.parametrize("version", _VERSIONS)
def test_every_card_is_described_as_it_is(version: str) -> None:
    description = (_MODELS / version / "card.md").read_text(encoding="utf-8")
    assert description == seal_card.describe(load(_MODELS, version))


@pytest.mark.feature("E14")
def test_the_champions_description_says_what_a_level_is_not() -> None:
    card = champion(None)
    description = (_MODELS / card.version / "card.md").read_text(encoding="utf-8")
    assert "not a credit rating and not meant for lending" in description
    assert f"Basis: **{card.basis}**" in description


def test_the_champion_weighs_only_features_of_the_code() -> None:
    assert {feature.name for feature in champion(None).features} <= FEATURES.keys()


def test_the_folder_says_how_the_artifact_is_written() -> None:
    readme = (_MODELS / "README.md").read_text(encoding="utf-8")
    assert "RFC 8785" in readme
    assert "SHA-256" in readme


def test_no_card_comes_as_anything_but_json_and_words() -> None:
    names = {path.name for path in _MODELS.rglob("*") if path.is_file()}
    assert names == {"README.md", "CHAMPION", "scorecard.json", "card.md"}
