"""The scorecard as an artifact: one JSON file that anyone can read and recompute.

A card is loaded whole or refused with an error that says what and where. It is
refused unless
1. its bytes are canonical: the JSON Canonicalization Scheme of RFC 8785, restricted
   to objects with ASCII keys, arrays, strings and integers up to 2**53 - 1;
2. it has exactly the members that its schema version has, of exactly their types;
3. every feature is one of the code's, with the code's unit, direction and window, and
   none is of a person;
4. edges ascend, points follow the declared direction over all bins, missing is never
   above neutral, and the neutral points of a share are those of its expected mean;
5. no feature moves more than the card allows, the levels descend, and every rule of
   the code and of the schema version is there once;
6. its golden rows reach every slot of every feature and score exactly as they say;
7. it says on what it was fitted if it was, and has a calibration only where enough
   outcomes were behind it;
8. where a key is trusted, the champion's detached signature is by that key.

The digest, SHA-256 of the bytes, is the identity of the card. Nothing is ever
unpickled. Without a calibration levels are ordinal.

    card = champion(None)
    card.version, card.digest, card.basis
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from bonafides.rating import signature as signatures
from bonafides.rating import soundness
from bonafides.rating.card import (
    VERSION_PATTERN,
    CardFeature,
    Content,
    Level,
    Rule,
    RuleKind,
    level_at,
)

CHAMPION: Final = "CHAMPION"
ARTIFACT: Final = "scorecard.json"
_VERSION: Final = re.compile(VERSION_PATTERN)
# The shipped card has 30 kB; what is far larger is no card.
_MAX_BYTES: Final = 1 << 20
# RFC 8785 keeps numbers exact up to here.
_MAX_INTEGER: Final = 2**53 - 1


class ScorecardError(ValueError):
    """A card can't be used: which file, where in it, and what is wrong."""

    def __init__(self, origin: str, where: str, fault: str) -> None:
        super().__init__(f"{origin}: {where}: {fault}")
        self.origin: Final = origin
        self.where: Final = where
        self.fault: Final = fault


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A card that was loaded and found good. `artifact` is its canonical bytes.

    `signature` is what stood beside them, checked or not; empty: nothing did.
    """

    content: Content
    artifact: bytes
    digest: str
    signature: bytes = b""

    @property
    def version(self) -> str:
        """The version; the name of its folder."""
        return self.content.version

    @property
    def basis(self) -> str:
        """On what it rests: EXPERT, SYNTHETIC or OUTCOMES."""
        return self.content.basis

    @property
    def features(self) -> tuple[CardFeature, ...]:
        """The features, in the order of explanations."""
        return self.content.features

    def level_at(self, total: int) -> Level:
        """Returns the level that the points give."""
        return level_at(self.content.levels, total)

    def rules(self, kind: RuleKind) -> tuple[Rule, ...]:
        """Returns the rules of a kind, in the card's order."""
        return tuple(rule for rule in self.content.rules if rule.kind is kind)


# Gives the card that is served now: another may be promoted while a process serves.
Served: TypeAlias = Callable[[], Scorecard]


def champion(models_dir: Path | None, *, key: Ed25519PublicKey | None = None) -> Scorecard:
    """Returns the card that is served. None: the cards that come with the package.

    With a key the card must be signed by it.

    Raises:
        ScorecardError: there is none, or it can't be used.
    """
    folder = models_folder(models_dir)
    card = load(folder, champion_version(folder))
    if key is not None:
        require_signature(card, key, str(folder / card.version / ARTIFACT))
    return card


def require_signature(card: Scorecard, key: Ed25519PublicKey, origin: str) -> None:
    """Refuses a card that the key did not sign; `origin` says in errors where it came from.

    Raises:
        ScorecardError: it has no signature, or none of this key and these bytes.
    """
    if not card.signature:
        raise ScorecardError(origin, "signature", "is missing; run scripts/sign_card.py")
    if not signatures.is_good(card.artifact, card.signature, key):
        raise ScorecardError(origin, "signature", "is not by the trusted key over these bytes")


def models_folder(models_dir: Path | None) -> Path:
    """Returns the folder of cards: the one given, the installed one, or the checkout's."""
    if models_dir is not None:
        return models_dir
    package = Path(str(files("bonafides")))
    installed = package / "models"
    return installed if installed.is_dir() else package.parents[1] / "models"


def champion_version(folder: Path) -> str:
    """Returns the version that the file CHAMPION names, in its only line.

    Raises:
        ScorecardError: there is no such file, or it names no version.
    """
    file = folder / CHAMPION
    try:
        version = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise ScorecardError(str(file), "file", "can't be read; name the served version") from None
    if not is_version(version):
        raise ScorecardError(str(file), "line 1", "is no version, such as expert-1")
    return version


def is_version(text: str) -> bool:
    """Tells whether the text may name a version, and so a folder of cards."""
    return _VERSION.fullmatch(text) is not None


def load(path: Path, version: str | None = None) -> Scorecard:
    """Returns a card: the version in a folder of cards, or the card at a folder or file.

    Raises:
        ScorecardError: it can't be read, or can't be used.
    """
    folder = path if version is None else path / version
    file = folder / ARTIFACT if folder.is_dir() or version is not None else folder
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except OSError:
        raise ScorecardError(str(file), "file", "can't be read") from None
    card = parse(raw, str(file))
    if version is not None and card.version != version:
        raise ScorecardError(str(file), "version", f"is {card.version}, its folder is {version}")
    return replace(card, signature=signatures.read(file))


def parse(raw: bytes, origin: str) -> Scorecard:
    """Returns the card of the bytes; `origin` says in errors where they came from.

    Raises:
        ScorecardError: they are no card that can be used.
    """
    if len(raw) > _MAX_BYTES:
        raise ScorecardError(origin, "bytes", f"are more than {_MAX_BYTES}")
    try:
        expected = canonical(json.loads(raw))
    except (ValueError, RecursionError) as fault:
        raise ScorecardError(origin, "bytes", f"are no JSON of ours: {fault}") from None
    if expected != raw:
        raise ScorecardError(origin, "bytes", "are not canonical; seal the card again")
    try:
        content = Content.model_validate_json(raw)
    except ValidationError as faults:
        first = faults.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ScorecardError(origin, where, first["msg"]) from None
    for where, wrong in soundness.faults(content):
        raise ScorecardError(origin, where, wrong)
    return Scorecard(content, raw, hashlib.sha256(raw).hexdigest())


def canonical(document: object) -> bytes:
    """Returns the document's canonical bytes.

    Raises:
        ValueError: it holds something else than objects with ASCII keys, arrays,
            strings and integers up to 2**53 - 1 either way.
    """
    _restrict(document)
    # With these restrictions Python's writer and RFC 8785 agree: ASCII keys sort alike
    # by code point and by UTF-16 unit, and strings are escaped alike.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _restrict(part: object) -> None:
    match part:
        case bool() | float() | None:
            raise ValueError("only objects, arrays, strings and integers are allowed")
        case str():
            part.encode()
        case int() if abs(part) > _MAX_INTEGER:
            raise ValueError("an integer is beyond 2**53 - 1")
        case dict():
            for key, member in part.items():
                if not key.isascii():
                    raise ValueError("a member's name is not ASCII")
                _restrict(member)
        case list():
            for member in part:
                _restrict(member)
        case _:
            return
