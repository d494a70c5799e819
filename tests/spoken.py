"""Reads what a page says in its main part, as somebody would who knows no English."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

# Elements that end what is read in one breath; others, as links, stand within a sentence.
_WITHIN: Final = frozenset({"a", "span", "strong", "code", "label"})
# A path, an e-mail address or a code is one word.
_RUN: Final = re.compile(r"[A-Za-z][\w'’.@/:-]*(?:[ ,;]+[A-Za-z][\w'’.@/:-]*){2,}")


class _Main(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.told: list[str] = []
        self.languages: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = self.inside or tag == "main"
        if self.inside:
            self.told.append("" if tag in _WITHIN else "\n")
            self.languages += [value or "" for name, value in attrs if name == "lang"]

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "main"
        self.told.append("" if tag in _WITHIN else "\n")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.told.append(data)


def english_in(html: str) -> list[str]:
    """Returns runs of three words and more in Latin letters, and whatever is marked English."""
    read = _Main()
    read.feed(html)
    runs = [run[0] for line in "".join(read.told).splitlines() for run in _RUN.finditer(line)]
    return [*runs, *(language for language in read.languages if language.startswith("en"))]
