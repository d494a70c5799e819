"""The command line: `bonafides`.

Read `commands` first; `advising`, `agreeing`, `identifying`, `levels`, `owning`, `rights`
and `reviewing` have those about what would raise a level, about consents, about what is
open, about how a level came about, about who acts for an enterprise, about what is held of
persons, and about what people decide of a level. `session` is the one wrapper around every
command, `rendering` and `figures` write answers for people, `claims_file` reads what is
submitted.

    bonafides archive 91990000MA00000011 --json
"""

from __future__ import annotations

from bonafides.cli import (
    advising,
    agreeing,
    identifying,
    levels,
    naming,
    owning,
    reviewing,
    rights,
    website,
)
from bonafides.cli.commands import app

__all__ = [
    "advising",
    "agreeing",
    "app",
    "identifying",
    "levels",
    "naming",
    "owning",
    "reviewing",
    "rights",
    "website",
]
