"""Takes up a card that was promoted, or taken back, while the process serves.

CHAMPION is read twice a second, a dozen bytes. When it names another version, the card is
loaded as at the start, with every check and under the trusted key, and handed on whole.
Rules:

1. A card that can't be used changes nothing: the one that is served goes on, the log says
   `card_not_taken`, and it is tried again every half minute, or when CHAMPION names
   another.
2. Cards go by value: whoever computes an answer takes the card once, so that no answer
   mixes two.
3. What is kept follows by itself: a level of another card is rated anew when it is read
   (`bonafides.rating.operations`), an archive when it is refreshed.

    watch = CardWatch(settings, card, take=desk.take_card, monotonic=time.monotonic)
    watch.start()
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from bonafides.card_keys import served_card
from bonafides.rating.scorecard import (
    Scorecard,
    ScorecardError,
    champion_version,
    models_folder,
)
from bonafides.settings import Settings, SettingsError

_PAUSE_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 30.0
_log: Final = structlog.get_logger("bonafides.card")


class CardWatch:
    """A thread that hands on the card that CHAMPION names, each time that it is another."""

    def __init__(
        self,
        settings: Settings,
        served: Scorecard,
        *,
        take: Callable[[Scorecard], object],
        monotonic: Callable[[], float],
    ) -> None:
        self._settings: Final = settings
        self._folder: Final = models_folder(settings.models_dir)
        self._take: Final = take
        self._monotonic: Final = monotonic
        self._served = served.version
        # The version that could not be taken, and when that was.
        self._refused: tuple[str, float] = ("", 0.0)
        self._stopping: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name="card", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; the card stays the one that was taken last."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Looks once; a card that can't be used is told in the log alone."""
        try:
            version = champion_version(self._folder)
        except ScorecardError:
            # It is replaced as a whole: what can't be read is a folder under repair.
            version = self._served
        if version == self._served or not self._is_due(version):
            return
        try:
            card = served_card(self._settings)
        except (OSError, ScorecardError, SettingsError) as fault:
            if version != self._refused[0]:
                _log.error("card_not_taken", version=version, fault=str(fault))
            self._refused = (version, self._monotonic())
            return
        self._take(card)
        self._served, self._refused = card.version, ("", 0.0)
        _log.info("card_taken", version=card.version, digest=card.digest)

    def _is_due(self, version: str) -> bool:
        refused, at = self._refused
        return version != refused or self._monotonic() - at >= _AGAIN_SECONDS

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - a thread that died would go unnoticed
                _log.error("card_not_watched", error=type(error).__name__)
