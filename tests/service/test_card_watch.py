"""A card that is promoted or taken back is served by processes that run, within a second."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bonafides.card_watch import CardWatch
from bonafides.rating.scorecard import ARTIFACT, CHAMPION, models_folder
from bonafides.settings import Settings
from scripts import seal_card
from tests import builders, promotions
from tests.promotions import CHAMPION as SERVED
from tests.serving import PATIENCE_SECONDS, Served, serving


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of cards of one's own, with one more that is sealed and not served."""
    folder = tmp_path / "models"
    shutil.copytree(models_folder(None), folder)
    seal_card.write(promotions.candidate(), folder)
    return folder


@pytest.fixture
def running(tmp_path: Path, models: Path) -> Iterator[Served]:
    """A server over that folder, with one enterprise that takes part."""
    with serving(tmp_path / "data", models_dir=models) as served:
        builders.enroll(served.store, builders.code(1))
        yield served


def _until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _point_at(models: Path, version: str) -> None:
    """Names the champion as promotions do: the file is replaced as a whole."""
    (models / "new").write_text(f"{version}\n", encoding="ascii")
    (models / "new").replace(models / CHAMPION)


def _watch(models: Path, taken: list[str], clock: Callable[[], float]) -> CardWatch:
    settings = Settings(models_dir=models, data_dir=models.parent / "data")
    return CardWatch(
        settings, SERVED, take=lambda card: taken.append(card.version), monotonic=clock
    )


@pytest.mark.feature("E6")
def test_running_server_serves_a_promoted_card_and_the_one_before_once_it_is_taken_back(
    running: Served, models: Path
) -> None:
    token = running.token("operator")
    name = builders.code(1).text

    def serves(version: str) -> bool:
        with running.client(token) as client:
            told = (client.get_rating(name).model_version, client.get_scorecard().name)
        return told == (version, f"scorecards/{version}")

    assert serves(SERVED.version)
    for version in ("expert-9", SERVED.version):
        _point_at(models, version)
        assert _until(partial(serves, version))


def test_calls_under_way_never_mix_two_cards(running: Served, models: Path) -> None:
    """Levels are read all the while the champion goes to and fro: each is of one card."""
    digests = {SERVED.version: SERVED.digest, "expert-9": promotions.candidate().digest}
    name, token = builders.code(1).text, running.token("operator")
    mixed: list[object] = []
    seen: set[str] = set()
    stop = threading.Event()

    def read() -> None:
        with running.client(token) as client:
            while not stop.is_set():
                told = client.get_rating(name)
                seen.add(told.model_version)
                if digests[told.model_version] != told.model_digest:
                    mixed.append(told)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for version in ("expert-9", SERVED.version):
            seen.clear()
            _point_at(models, version)
            assert _until(partial(seen.__contains__, version))
    finally:
        stop.set()
        reader.join()
    assert mixed == []


@pytest.mark.feature("E6")
def test_a_card_that_can_not_be_used_changes_nothing_and_is_told_once(models: Path) -> None:
    taken: list[str] = []
    now = [100.0]
    watch = _watch(models, taken, lambda: now[0])
    good = (models / "expert-9" / ARTIFACT).read_bytes()
    (models / "expert-9" / ARTIFACT).write_bytes(b"{}")
    _point_at(models, "expert-9")
    with capture_logs() as logs:
        for _ in range(3):
            watch.look()
            now[0] += 20.0
    assert [each["event"] for each in logs] == ["card_not_taken"]
    assert taken == []
    (models / "expert-9" / ARTIFACT).write_bytes(good)
    now[0] += 30.0
    watch.look()
    assert taken == ["expert-9"]


def test_a_champion_that_can_not_be_read_leaves_the_card_as_it_is(models: Path) -> None:
    taken: list[str] = []
    watch = _watch(models, taken, time.monotonic)
    for content in (b"", b"../x\n", b"\xff"):
        (models / CHAMPION).write_bytes(content)
        watch.look()
    (models / CHAMPION).unlink()
    watch.look()
    assert taken == []


def test_nothing_is_loaded_while_the_champion_stays(models: Path) -> None:
    taken: list[str] = []
    watch = _watch(models, taken, time.monotonic)
    shutil.rmtree(models / SERVED.version)
    watch.look()
    assert taken == []
