"""The command line: `bonafides`.

Read `commands` first; the other modules of verbs are named after what they are about, and
`session` is the one wrapper around every command. `rendering` and `figures` write answers
for people, `claims_file` reads what is submitted.
"""

from __future__ import annotations

from bonafides.cli import (
    accesses,
    advising,
    agents,
    agreeing,
    applying,
    identifying,
    levels,
    logging_in,
    naming,
    owning,
    platforms,
    reviewing,
    rights,
    signing,
    switching,
    website,
)
from bonafides.cli.commands import app

__all__ = [
    "accesses",
    "advising",
    "agents",
    "agreeing",
    "app",
    "applying",
    "identifying",
    "levels",
    "logging_in",
    "naming",
    "owning",
    "platforms",
    "reviewing",
    "rights",
    "signing",
    "switching",
    "website",
]
