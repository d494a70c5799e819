"""Keeps a source that is slow, busy or down from doing harm: to callers, and to itself.

A guarded source is asked again where the fault may pass, after a pause that doubles
and is drawn at random up to its length, so that processes which were refused together
don't come back together. It is never asked beyond its time. After too many faults in
a row it rests: for a while nobody asks it, then one question tries it, and its answer
ends the rest. What it doesn't know is an answer and no fault.

    Guarded(source, monotonic=time.monotonic, sleep=time.sleep, chance=random.random)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
import tenacity

from bonafides.identity.evidence import Evidence
from bonafides.identity.questions import Fault, Question, Source, SourceError
from bonafides.instants import Instant

_log: Final = structlog.get_logger("bonafides.sources")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one source is tried. Pauses are in seconds.

    `attempts` bounds the tries of one question; `first_pause` doubles from try to
    try; `faults_to_rest` faults in a row make the source rest for `rest_seconds`.
    """

    attempts: int = 3
    first_pause: float = 0.2
    faults_to_rest: int = 5
    rest_seconds: float = 30.0


class Guarded:
    """A source, asked patiently and left alone when it is in trouble."""

    def __init__(
        self,
        source: Source,
        patience: Patience,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        chance: Callable[[], float],
    ) -> None:
        self.name: Final = source.name
        self._source: Final = source
        self._patience: Final = patience
        self._monotonic: Final = monotonic
        self._sleep: Final = sleep
        self._chance: Final = chance
        self._breaker: Final = _Breaker(source.name, patience, monotonic)

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        """Returns what the source says, within the time, tries and pauses included.

        Raises:
            SourceError: it gave no answer, or rests.
        """
        deadline = self._monotonic() + seconds
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            stop=lambda state: self._is_last(state, deadline),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._try, question, now, deadline)

    def _try(self, question: Question, now: Instant, deadline: float) -> Evidence:
        is_trial = self._breaker.admit()
        try:
            left = deadline - self._monotonic()
            told = self._source.ask(question, now=now, seconds=max(left, 0.0))
        except SourceError:
            self._breaker.failed(is_trial=is_trial)
            raise
        except BaseException:
            # Not the source's doing; the question that tried it must not stay under way.
            self._breaker.spared(is_trial=is_trial)
            raise
        self._breaker.answered()
        return told

    def _pause(self, state: tenacity.RetryCallState) -> float:
        longest: float = self._patience.first_pause * 2 ** (state.attempt_number - 1)
        return longest * self._chance()

    def _is_last(self, state: tenacity.RetryCallState, deadline: float) -> bool:
        longest = self._patience.first_pause * 2 ** (state.attempt_number - 1)
        return (
            state.attempt_number >= self._patience.attempts
            or self._monotonic() + longest >= deadline
        )


def _passes(error: BaseException) -> bool:
    return isinstance(error, SourceError) and error.fault.passing


class _Breaker:
    """Counts faults in a row; used by many threads."""

    def __init__(self, name: str, patience: Patience, monotonic: Callable[[], float]) -> None:
        self._name: Final = name
        self._patience: Final = patience
        self._monotonic: Final = monotonic
        self._lock: Final = threading.Lock()
        self._faults = 0
        self._rests_until = 0.0
        self._tried = False

    def admit(self) -> bool:
        """Lets a question through; returns whether it tries a source that rested.

        Raises:
            SourceError: RESTING, or another question is trying the source already.
        """
        with self._lock:
            if self._faults < self._patience.faults_to_rest:
                return False
            if self._tried or self._monotonic() < self._rests_until:
                raise SourceError(Fault.RESTING)
            self._tried = True
            return True

    def answered(self) -> None:
        """Notes an answer: the source is well."""
        with self._lock:
            rested = self._faults >= self._patience.faults_to_rest
            self._faults, self._tried = 0, False
        if rested:
            _log.info("source_answers_again", source=self._name)

    def failed(self, *, is_trial: bool) -> None:
        """Notes a fault. One of an older question leaves the trial under way."""
        with self._lock:
            self._faults += 1
            self._tried = self._tried and not is_trial
            rests = self._faults >= self._patience.faults_to_rest
            if rests:
                self._rests_until = self._monotonic() + self._patience.rest_seconds
        if rests:
            _log.warning("source_rests", source=self._name, seconds=self._patience.rest_seconds)

    def spared(self, *, is_trial: bool) -> None:
        """Notes that the question ended without telling anything of the source."""
        with self._lock:
            self._tried = self._tried and not is_trial
