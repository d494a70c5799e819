"""The command line: `bonafides`.

Read `commands` first; `agreeing`, `identifying`, `owning`, `rights` and `levels` have
those about consents, about what is open, about who acts for an enterprise, about what is
held of persons, and about how a level came about. `session` is the one wrapper around
every command, `rendering` and `figures` write answers for people, `claims_file` reads what
is submitted.

    bonafides archive 91990000MA00000011 --json
"""

from __future__ import annotations

from bonafides.cli import agreeing, identifying, levels, owning, rights
from bonafides.cli.commands import app

__all__ = ["agreeing", "app", "identifying", "levels", "owning", "rights"]
