"""The command line: `bonafides`.

Read `commands` first. `session` is the one wrapper around every command, `rendering`
and `figures` write answers for people, `claims_file` reads what is submitted.

    bonafides archive 91990000MA00000011 --json
"""

from __future__ import annotations

from bonafides.cli.commands import app

__all__ = ["app"]
