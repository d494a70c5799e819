"""A certified OpenID Connect provider for tests, wherever node and its package are."""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.login_issuer import self_signed

_ROOT: Final = Path(__file__).parents[1]
_LIBRARY: Final = _ROOT / "build/oidc/node_modules/oidc-provider/lib/index.js"
_SCRIPT: Final = Path(__file__).parent / "web" / "certified_provider.mjs"
CLIENT: Final = "bonafides-web"
RESOURCE: Final = "urn:bonafides:service"


@dataclass
class Certified:
    """The provider. `told` is what it is told to be, `trust` how it is known."""

    process: subprocess.Popen[str] = field(repr=False)
    issuer: str
    certificate: Path
    told: dict[str, Any]
    trust: ssl.SSLContext = field(repr=False)

    def be(self, **changes: Any) -> None:
        """Has it be another from now on: other keys, another client."""
        self.told |= changes
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(self.told) + "\n")
        self.process.stdin.flush()
        # The library warns in between, of what is well enough for a test.
        while (line := _line(self.process)) != "ready":
            assert line, "the provider ended"

    def came(self) -> list[str]:
        """Returns what came to pass: what people were asked, and what was granted."""
        told: list[str] = httpx2.get(f"{self.issuer}/told", verify=self.trust).json()
        return told

    def stop(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


@contextlib.contextmanager
def certified(folder: Path, origin: str, **changes: Any) -> Iterator[Certified]:
    """Starts the provider for a site at the origin, or skips the test."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node: install it (apt-get install nodejs)")
    if not _LIBRARY.exists():
        pytest.skip("no oidc-provider: npm install --prefix build/oidc oidc-provider@9")
    certificate, key = self_signed(folder / "provider")
    command = [node, str(_SCRIPT), str(_LIBRARY), str(certificate), str(key)]
    with subprocess.Popen(  # noqa: S603 - our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        issuer = f"https://127.0.0.1:{_line(process)}"
        trust = ssl.create_default_context(cafile=str(certificate))
        told = {
            "client_id": CLIENT,
            "origin": origin,
            "resource": RESOURCE,
            "audience": "bonafides-live",
            "person": "person-1",
            "seconds": 600,
            "keys": ["one"],
        }
        made = Certified(process, issuer, certificate, told, trust)
        made.be(**changes)
        try:
            yield made
        finally:
            made.stop()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
