"""Lays out the history of a level, and its receipt, for people.

See `rendering` for the rules.

    console.print(history(steps))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from bonafides.cli import figures, layout
from bonafides.cli.figures import count, moment, word
from bonafides.cli.rendering import NOT_A_CREDIT_RATING
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1 import rating_pb2

# Facts of one step that a person reads; a program takes all with --json.
_SHOWN = 12


def history(shown: Iterable[rating_pb2.RatingStep]) -> RenderableType:
    """Returns the steps, the latest first."""
    table = table_of(
        shown,
        ("When", lambda s: moment(s.as_of_time)),
        ("Level", _levels),
        ("Raw", lambda s: word(figures.LEVELS, s.raw_level)),
        ("Why", lambda s: word(figures.CAUSES, s.cause)),
        ("Card", lambda s: s.model_version),
        ("Facts that changed", _changes),
    )
    return Group(table, Text(NOT_A_CREDIT_RATING, style="italic"))


def receipt(shown: rating_pb2.Receipt) -> RenderableType:
    """Returns what the receipt says, and whether its digest holds."""
    holds = hashlib.sha256(shown.document).hexdigest() == shown.digest
    digest = "agrees with the document" if holds else "DOES NOT AGREE with the document"
    return Group(
        layout.title("Receipt", shown.name),
        layout.facts(
            ("As of", layout.moment_of(shown, "as_of_time")),
            *_content(shown.document),
            ("SHA-256", f"{shown.digest} ({digest})"),
            ("Salt", shown.salt.hex() or None),
            ("Signature", shown.signature.hex() or "none: this service signs no receipts"),
            ("Public key", shown.public_key.strip() or None),
            ("Document", f"{count(len(shown.document))} bytes; --output FILE writes it"),
        ),
        Text(NOT_A_CREDIT_RATING, style="italic"),
    )


def _content(document: bytes) -> list[layout.Row]:
    try:
        told = json.loads(document)
        model, raw, published = told["model"]["version"], told["raw"], told["published"]
        return [
            ("Level", str(published["level"])),
            ("Raw level", str(raw["level"])),
            ("Card", str(model)),
        ]
    except (KeyError, TypeError, ValueError):
        # Of another schema than this build knows; its bytes are still what was asked for.
        return []


def _levels(step: rating_pb2.RatingStep) -> str:
    level = word(figures.LEVELS, step.level)
    if not step.prior_level or step.prior_level == step.level:
        return level
    return f"{word(figures.LEVELS, step.prior_level)} to {level}"


def _changes(step: rating_pb2.RatingStep) -> str:
    told = [
        f"{each.fact}: {each.before or 'none'} to {each.after or 'none'}"
        for each in step.changed_facts
    ]
    more = [f"and {len(told) - _SHOWN} more; --json has all"] if len(told) > _SHOWN else []
    return "\n".join([*told[:_SHOWN], *more])
