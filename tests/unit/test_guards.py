"""A guarded source is tried again, never beyond its time, and left alone when in trouble."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import pytest

from bonafides.identity.evidence import Evidence
from bonafides.identity.guards import Guarded, Patience
from bonafides.identity.questions import Fault, Question, Source, SourceError
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


class _Stumbling(_Scripted):
    """A source that meets its faults, then stumbles once over a fault that is not its own."""

    stumbled = False

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        told = super().ask(question, now=now, seconds=seconds)
        if not self.stumbled:
            self.stumbled = True
            raise RuntimeError("a fault of our own")
        return told


class _Held:
    """A source that is down until it is mended; then it holds the first question it gets."""

    name = "held"

    def __init__(self) -> None:
        self.mended = False
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def ask(self, _question: Question, *, now: Instant, seconds: float) -> Evidence:
        _ = now, seconds
        if not self.mended:
            raise SourceError(Fault.UNREACHABLE)
        if not self.asked.is_set():
            self.asked.set()
            assert self.let_go.wait(10)
        return _TOLD


class _Slow:
    """A source that holds what it is asked, each question until it is told how to end it."""

    name = "slow"

    def __init__(self) -> None:
        self.asked: queue.Queue[Future[Evidence]] = queue.Queue()

    def ask(self, _question: Question, *, now: Instant, seconds: float) -> Evidence:
        _ = now, seconds
        answer: Future[Evidence] = Future()
        self.asked.put(answer)
        return answer.result(10)


def _guarded(
    source: Source, clock: _Clock, patience: Patience | None = None, chance: float = 0.5
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


def test_a_try_that_comes_late_is_given_no_time_and_never_less() -> None:
    """A machine that is busy sleeps for longer than it was told to."""
    clock = _Clock()
    source = _Scripted(clock, Fault.BUSY)
    guarded = Guarded(
        source,
        Patience(),
        monotonic=clock,
        sleep=lambda seconds: clock.sleep(seconds + 10.0),
        chance=lambda: 0.5,
    )
    assert guarded.ask(_QUESTION, now=builders.NOW, seconds=1.0) == _TOLD
    assert source.given == [1.0, 0.0]


def test_a_source_that_rested_is_tried_by_one_question_at_a_time() -> None:
    clock, source = _Clock(), _Held()
    ask = _guarded(source, clock, Patience(attempts=1, faults_to_rest=1))
    with pytest.raises(SourceError):
        ask(1.0)
    clock.now += 31
    source.mended = True
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(ask, 1.0)
        try:
            assert source.asked.wait(10)
            with pytest.raises(SourceError) as beside:
                ask(1.0)
        finally:
            source.let_go.set()
        assert trial.result() == _TOLD
    assert beside.value.fault is Fault.RESTING
    assert ask(1.0) == _TOLD


def test_a_fault_of_an_older_question_leaves_the_trial_alone() -> None:
    clock, source = _Clock(), _Slow()
    ask = _guarded(source, clock, Patience(attempts=1, faults_to_rest=1))
    with ThreadPoolExecutor(3) as pool:
        older, first = pool.submit(ask, 1.0), pool.submit(ask, 1.0)
        left, right = source.asked.get(timeout=10), source.asked.get(timeout=10)
        left.set_exception(SourceError(Fault.UNREACHABLE))
        wait((older, first), timeout=10, return_when=FIRST_COMPLETED)
        clock.now += 31
        trial = pool.submit(ask, 1.0)
        tried = source.asked.get(timeout=10)
        right.set_exception(SourceError(Fault.UNREACHABLE))
        wait((older, first), timeout=10)
        clock.now += 31
        with pytest.raises(SourceError) as beside:
            ask(1.0)
        tried.set_result(_TOLD)
        assert trial.result(10) == _TOLD
    assert beside.value.fault is Fault.RESTING


def test_a_trial_that_broke_off_leaves_the_source_to_the_next_question() -> None:
    clock = _Clock()
    source = _Stumbling(clock, Fault.UNREACHABLE)
    ask = _guarded(source, clock, Patience(attempts=1, faults_to_rest=1))
    with pytest.raises(SourceError):
        ask(1.0)
    clock.now += 31
    with pytest.raises(RuntimeError):
        ask(1.0)
    assert ask(1.0) == _TOLD
