"""Writes the calls of the client without an event loop from those with one.

A call is written once, in `bonafides/client/aio`; what `Client` does is the same less
`await`. Each line is taken over with the few words below replaced, nothing else: what
differs by more is in the modules of `BY_HAND`, which have the same names on both sides.
A test compares the modules with what this makes. Run it after a change (`make format`
does):

    python scripts/unasync.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CLIENT: Final = Path(__file__).parent.parent / "service" / "bonafides" / "client"
# How each side opens, waits, sends and signs, and what its client is called.
BY_HAND: Final = frozenset({"__init__.py", "connection.py", "signed_channel.py", "waiting.py"})
# In this order; whole words.
_WORDS: Final = (
    (r"async (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync([A-Z])", r"\1"),
    (r"\bbonafides\.client\.aio\.", "bonafides.client."),
)
_NOTE: Final = "# Made of aio/{name} by scripts/unasync.py: change it there.\n"


def written() -> Iterator[tuple[Path, str]]:
    """Yields each module that is made, and its text before imports and lines are laid out."""
    for file in sorted((CLIENT / "aio").glob("*.py")):
        if file.name not in BY_HAND:
            text = file.read_text(encoding="utf-8")
            yield CLIENT / file.name, _NOTE.format(name=file.name) + without_await(text)


def without_await(text: str) -> str:
    """Returns the text of a module as it is without an event loop."""
    for word, other in _WORDS:
        text = re.sub(word, other, text)
    return text


def main() -> None:
    """Writes the modules, and lays them out."""
    files = []
    for file, text in written():
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    # Names change their order, and lines their length.
    for work in (("check", "--quiet", "--select=I", "--fix"), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *work, *files], check=True)  # noqa: S603 - our own files


if __name__ == "__main__":
    main()
