"""Which card is served, and the log of how it came to be.

The file CHAMPION names the version that is served; PROMOTIONS beside it says who put it
there, when, on which reports, and why. Rules:

1. A line of the log is canonical JSON and holds the SHA-256 of the line before it: lines
   are added, and one that was changed or taken out since is found. The last one nothing
   vouches for: keep a copy of the log where who writes it can't.
2. The line is on disk before CHAMPION changes. Who is interrupted in between repeats it:
   the log then has the intention twice, and never a card that nobody answers for.
3. CHAMPION is replaced as a whole: a reader sees the old version or the new one.
4. One writer at a time, by a lock on the log. What a writer that died left of a line
   without its end is taken out by the next one.

Lines tell of cards and of who approved by their logins; of no enterprise.

    promotions = Promotions(models_folder(None))
    promotions.write(entry)
    promotions.made("expert-2").from_version    # what expert-2 took the place of
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bonafides.rating.card import VERSION_PATTERN
from bonafides.rating.scorecard import CHAMPION, canonical

LOG: Final = "PROMOTIONS"
_NOTHING_BEFORE: Final = "0" * 64
_MOST_REASON: Final = 500


class PromotionError(ValueError):
    """The log or the champion can't be used or changed. The text says why, and the remedy."""


class Entry(BaseModel):
    """One line of the log. Times are RFC 3339 in UTC; digests are SHA-256, hexadecimal.

    `effective_time` is of an announcement: before it the falls must not take effect.
    `reports` are the digests of the reports that the gates looked at, by their names;
    `verdicts` what each gate told.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    action: Literal["ANNOUNCED", "WITHDRAWN", "PROMOTED", "ROLLED_BACK"]
    time: str
    from_version: str = Field(pattern=VERSION_PATTERN)
    from_digest: str
    to_version: str = Field(pattern=VERSION_PATTERN)
    to_digest: str
    approvers: tuple[str, ...] = Field(min_length=1, strict=False)
    reason: str = Field(min_length=1, max_length=_MOST_REASON)
    effective_time: str = ""
    reports: dict[str, str] = Field(default_factory=dict)
    verdicts: dict[str, str] = Field(default_factory=dict)


class Promotions:
    """The log and the champion of one folder of cards."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._log: Final = folder / LOG

    def entries(self) -> list[Entry]:
        """Returns the lines of the log, oldest first; none if nothing was ever promoted.

        Raises:
            PromotionError: it can't be read, or a line was changed since it was written.
        """
        try:
            raw = self._log.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as fault:
            raise PromotionError(f"{self._log} can't be read: {fault.strerror}") from None
        return self._read(raw)[0]

    def announcement(self) -> Entry | None:
        """Returns the announcement that is neither carried out nor withdrawn; None if none is.

        Raises:
            PromotionError: see `entries`; or there is no champion.
        """
        served = self._served()
        for entry in reversed(self.entries()):
            if entry.action == "ANNOUNCED":
                return entry
            # A promotion that was interrupted before CHAMPION changed carried out nothing.
            if entry.action != "PROMOTED" or entry.to_version == served:
                return None
        return None

    def made(self, version: str) -> Entry | None:
        """Returns the promotion that last made this version champion; None if none did.

        Raises:
            PromotionError: see `entries`.
        """
        made = (
            entry
            for entry in reversed(self.entries())
            if (entry.action, entry.to_version) == ("PROMOTED", version)
        )
        return next(made, None)

    def write(self, entry: Entry) -> None:
        """Adds a line, and makes its card the champion where it says so.

        Raises:
            PromotionError: the folder can't be written, the log was changed, or another
                champion is served by now than the line says.
        """
        try:
            with self._locked() as log:
                log.seek(0)
                raw = log.read()
                _, last = self._read(raw)
                if (served := self._served()) != entry.from_version:
                    raise PromotionError(
                        f"{served} is served by now, and not {entry.from_version}; begin anew"
                    )
                log.truncate(raw.rfind(b"\n") + 1)
                line = canonical({**entry.model_dump(mode="json"), "previous": last})
                log.write(line + b"\n")
                log.flush()
                os.fsync(log.fileno())
                if entry.action in {"PROMOTED", "ROLLED_BACK"}:
                    self._serve(entry.to_version)
        except OSError as fault:
            raise PromotionError(
                f"{self._folder} can't be written: {fault.strerror}; name a folder of your own"
                " with BONAFIDES_MODELS_DIR"
            ) from None

    def _served(self) -> str:
        try:
            return (self._folder / CHAMPION).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise PromotionError(f"{self._folder / CHAMPION} can't be read") from None

    def _read(self, raw: bytes) -> tuple[list[Entry], str]:
        """Returns the lines that have their end, and the digest of the last one."""
        entries, last = [], _NOTHING_BEFORE
        for number, line in enumerate(raw.split(b"\n")[:-1], start=1):
            told = _object(line)
            if told is None or told.pop("previous", None) != last:
                raise PromotionError(
                    f"{self._log}: line {number} is none of ours, or the one before it was changed"
                    " since it was written; restore the log from its backup"
                )
            try:
                entries.append(Entry.model_validate_json(json.dumps(told)))
            except ValidationError:
                raise PromotionError(
                    f"{self._log}: line {number} is of another build; restore the log from its"
                    " backup, or use that build"
                ) from None
            last = hashlib.sha256(line).hexdigest()
        return entries, last

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        with self._log.open("a+b") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            yield log

    def _serve(self, version: str) -> None:
        partial = self._folder / f".{CHAMPION}.new"
        with partial.open("w", encoding="ascii") as opened:
            opened.write(version + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(self._folder / CHAMPION)
        # The name, too, must outlast a loss of power.
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _object(line: bytes) -> dict[str, Any] | None:
    """Returns the object of a line; None: it is none, or not canonical."""
    try:
        told = json.loads(line)
        return told if isinstance(told, dict) and canonical(told) == line else None
    except (ValueError, RecursionError):
        return None
