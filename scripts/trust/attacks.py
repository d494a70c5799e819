"""Tries every way to call as an application, or for an enterprise, that one may not.

The attacks are tables of the tests: `credential_attacks`, of what is signed and of access
tokens, and `agent_attacks`, of acting for an enterprise without its word. One that is not
refused as it must be counts as accepted, and so does an honest call beside them that is:
where nothing is let in, refusing says nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import proved
from scripts.trust.silence import silence
from tests import agent_attacks, credential_attacks
from tests.serving import serving


def prove(_extent: Extent) -> Iterator[Figure]:
    """Yields how many attacks were accepted, and how many were tried: all, however quick."""
    signed, acting = len(credential_attacks.ATTACKS), len(agent_attacks.ATTACKS)
    accepted = [*_credentials(), *_agents()]
    tried = f"{signed} of credentials and {acting} of agent tokens, each over two servers"
    yield proved("attack.accepted", len(accepted), "; ".join([tried, *accepted]))
    yield proved("attack.tried", signed + acting, "tables of tests/*_attacks.py")


def _credentials() -> list[str]:
    with (
        silence(),
        tempfile.TemporaryDirectory() as folder,
        credential_attacks.staged(Path(folder) / "data") as stage,
    ):
        return credential_attacks.accepted(stage)


def _agents() -> list[str]:
    with (
        silence(),
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "data") as first,
        serving(Path(folder) / "data") as second,
    ):
        return agent_attacks.accepted(agent_attacks.Stage(first, second))
