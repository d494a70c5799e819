"""A guarded source is tried again, never beyond its time, and left alone when in trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bonafides.identity.evidence import Evidence
from bonafides.identity.guards import Guarded, Patience
from bonafides.identity.questions import Fault, Question, SourceError
from bonafides.instants import Instant
from tests import builders

_QUESTION = Question(builders.code(), "九九市百草贸易有限公司", (), builders.NOW)
_TOLD = Evidence("scripted", builders.NOW, None, frozenset())


class _Clock:
    """A monotonic clock that only sleeping and answering moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class _Scripted:
    """A source that meets the faults of its script, then answers."""

    name = "scripted"

    def __init__(self, clock: _Clock, *faults: Fault, takes: float = 0.0) -> None:
        self.faults: Iterator[Fault] = iter(faults)
        self.given: list[float] = []
        self._clock = clock
        self._takes = takes

    def ask(self, _question: Question, *, now: Instant, seconds: float) -> Evidence:
        _ = now
        self.given.append(seconds)
        self._clock.now += self._takes
        fault = next(self.faults, None)
        if fault is not None:
            raise SourceError(fault)
        return _TOLD


def _guarded(
    source: _Scripted, clock: _Clock, patience: Patience | None = None, chance: float = 0.5
) -> Callable[[float], Evidence]:
    guarded = Guarded(
        source,
        patience or Patience(),
        monotonic=clock,
        sleep=clock.sleep,
        chance=lambda: chance,
    )
    return lambda seconds: guarded.ask(_QUESTION, now=builders.NOW, seconds=seconds)


@pytest.mark.feature("A5")
def test_a_passing_fault_is_tried_again_after_pauses_that_double_and_are_drawn() -> None:
    clock = _Clock()
    source = _Scripted(clock, Fault.BUSY, Fault.UNREACHABLE)
    assert _guarded(source, clock)(10.0) == _TOLD
    assert clock.pauses == [0.1, 0.2]
    assert source.given == pytest.approx([10.0, 9.9, 9.7])


@pytest.mark.feature("A5")
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNREADABLE])
def test_a_fault_that_stays_is_not_tried_again(fault: Fault) -> None:
    clock = _Clock()
    source = _Scripted(clock, fault)
    with pytest.raises(SourceError) as failed:
        _guarded(source, clock)(10.0)
    assert failed.value.fault is fault
    assert len(source.given) == 1


@pytest.mark.feature("A5")
def test_tries_end_with_their_number_and_with_the_time() -> None:
    clock = _Clock()
    source = _Scripted(clock, *[Fault.BUSY] * 9)
    with pytest.raises(SourceError):
        _guarded(source, clock)(10.0)
    assert len(source.given) == 3
    slow = _Scripted(clock, *[Fault.TIMED_OUT] * 9, takes=0.9)
    with pytest.raises(SourceError):
        _guarded(slow, clock)(1.0)
    assert len(slow.given) == 1


@pytest.mark.feature("A5")
def test_a_source_in_trouble_rests_and_one_question_tries_it() -> None:
    """Five faults in a row; 30 seconds of rest; one more fault; 30 more; an answer."""
    clock = _Clock()
    source = _Scripted(clock, *[Fault.UNREACHABLE] * 6)
    ask = _guarded(source, clock, Patience(attempts=1))
    for _ in range(5):
        with pytest.raises(SourceError):
            ask(1.0)
    with pytest.raises(SourceError) as resting:
        ask(1.0)
    assert resting.value.fault is Fault.RESTING
    assert len(source.given) == 5
    clock.now += 31
    with pytest.raises(SourceError) as failed:
        ask(1.0)
    assert failed.value.fault is Fault.UNREACHABLE
    with pytest.raises(SourceError) as again:
        ask(1.0)
    assert again.value.fault is Fault.RESTING
    clock.now += 31
    assert ask(1.0) == ask(1.0) == _TOLD
    assert len(source.given) == 8


def test_what_a_source_does_not_know_is_no_fault() -> None:
    clock = _Clock()
    source = _Scripted(clock)
    ask = _guarded(source, clock)
    assert [ask(1.0).entry for _ in range(20)] == [None] * 20


def test_an_answer_ends_the_count_of_faults() -> None:
    clock = _Clock()
    source = _Scripted(clock, *([Fault.UNREADABLE] * 4))
    ask = _guarded(source, clock)
    for _ in range(4):
        with pytest.raises(SourceError):
            ask(1.0)
    ask(1.0)
    source.faults = iter([Fault.UNREADABLE])
    with pytest.raises(SourceError):
        ask(1.0)
    assert ask(1.0) == _TOLD
