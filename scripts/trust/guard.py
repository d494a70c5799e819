"""What one guard is, for the tables of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. `text` stands once in `file`; `without` is what stands there without it."""

    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]
