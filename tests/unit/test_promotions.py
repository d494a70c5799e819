"""The log of promotions: added to, never changed; the champion is what its last line says."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bonafides.rating.promotions import LOG, Entry, PromotionError, Promotions
from bonafides.rating.scorecard import canonical, champion_version


def entry(action: str = "PROMOTED", before: str = "one", after: str = "two") -> Entry:
    told = {
        "action": action,
        "time": "2026-11-20T00:00:00+00:00",
        "from_version": before,
        "from_digest": "a" * 64,
        "to_version": after,
        "to_digest": "b" * 64,
        "approvers": ("li", "wang"),
        "reason": "by the gates",
        "effective_time": "2026-12-20T00:00:00+00:00" if action == "ANNOUNCED" else "",
    }
    return Entry.model_validate(told)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "CHAMPION").write_text("one\n", encoding="ascii")
    return tmp_path


@pytest.mark.feature("E6")
def test_a_promotion_is_logged_and_then_served(folder: Path) -> None:
    log = Promotions(folder)
    assert log.entries() == []
    log.write(entry())
    assert champion_version(folder) == "two"
    assert log.entries() == [entry()]
    assert log.made("two") == entry()
    assert log.made("one") is None


def test_an_announcement_serves_nothing_and_stands_until_it_is_carried_out(folder: Path) -> None:
    log = Promotions(folder)
    assert log.announcement() is None
    log.write(entry("ANNOUNCED"))
    assert champion_version(folder) == "one"
    assert log.announcement() == entry("ANNOUNCED")
    log.write(entry())
    assert log.announcement() is None


def test_a_withdrawn_announcement_stands_no_more(folder: Path) -> None:
    log = Promotions(folder)
    log.write(entry("ANNOUNCED"))
    log.write(entry("WITHDRAWN", "one", "one"))
    assert log.announcement() is None
    assert champion_version(folder) == "one"


def test_a_promotion_that_was_cut_off_before_it_was_served_is_given_again(folder: Path) -> None:
    log = Promotions(folder)
    log.write(entry("ANNOUNCED"))
    log.write(entry())
    # As if the power had failed between the line and the champion.
    (folder / "CHAMPION").write_text("one\n", encoding="ascii")
    assert log.announcement() == entry("ANNOUNCED")
    log.write(entry())
    assert champion_version(folder) == "two"


@pytest.mark.feature("E6")
def test_a_line_that_was_changed_or_taken_out_is_found(folder: Path) -> None:
    log = Promotions(folder)
    log.write(entry())
    log.write(entry("ROLLED_BACK", "two", "one"))
    log.write(entry())
    file = folder / LOG
    raw = file.read_bytes()
    lines = raw.splitlines(keepends=True)
    for spoiled in (
        raw.replace(b'"li"', b'"no"', 1),
        lines[0] + lines[2],
        lines[1] + lines[2],
        b"[]\n" + raw,
        b"x" + raw,
        raw.replace(b",", b", ", 1),
    ):
        file.write_bytes(spoiled)
        with pytest.raises(PromotionError, match="restore the log"):
            log.entries()
        with pytest.raises(PromotionError, match="restore the log"):
            log.write(entry("ROLLED_BACK", "two", "one"))


def test_half_a_line_of_a_writer_that_died_is_taken_out(folder: Path) -> None:
    log = Promotions(folder)
    log.write(entry("ANNOUNCED"))
    with (folder / LOG).open("ab") as file:
        file.write(b'{"action":"PROMO')
    assert log.entries() == [entry("ANNOUNCED")]
    log.write(entry())
    assert log.entries() == [entry("ANNOUNCED"), entry()]


def test_of_two_promotions_at_once_one_is_refused(folder: Path) -> None:
    def promote(version: str) -> str:
        try:
            Promotions(folder).write(entry(after=version))
        except PromotionError as fault:
            return str(fault)
        return version

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(promote, ("two", "three")))
    served = champion_version(folder)
    assert served in told
    assert sum("begin anew" in each for each in told) == 1
    assert [each.to_version for each in Promotions(folder).entries()] == [served]


def test_a_folder_that_can_not_be_written_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(PromotionError, match="BONAFIDES_MODELS_DIR"):
        Promotions(tmp_path / "absent").write(entry())


def test_last_line_is_as_it_was_written_or_refused(folder: Path) -> None:
    """No line behind it vouches for its bytes."""
    log = Promotions(folder)
    log.write(entry())
    file = folder / LOG
    raw = file.read_bytes()
    for spoiled in (
        raw.replace(b",", b", ", 1),
        raw.replace(b'{"action":"PROMOTED"', b'{"action":"ANNOUNCED","action":"PROMOTED"', 1),
    ):
        assert spoiled != raw
        file.write_bytes(spoiled)
        with pytest.raises(PromotionError, match="restore the log"):
            log.entries()


def test_line_that_says_more_than_this_build_knows_is_refused(folder: Path) -> None:
    told = {**entry().model_dump(mode="json"), "previous": "0" * 64, "more": "unknown"}
    (folder / LOG).write_bytes(canonical(told) + b"\n")
    with pytest.raises(PromotionError, match="of another build"):
        Promotions(folder).entries()


@pytest.mark.parametrize(
    "changes",
    [
        {"approvers": ()},
        {"reason": ""},
        {"reason": "x" * 501},
        {"from_version": "../one"},
        {"to_version": "../two"},
        {"action": "GUESSED"},
    ],
    ids=["nobody", "no reason", "a long reason", "from elsewhere", "to elsewhere", "no action"],
)
def test_line_that_nobody_could_answer_for_can_not_be_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Entry.model_validate({**entry().model_dump(), **changes})


def test_one_who_writes_waits_for_another_who_does(folder: Path) -> None:
    log = Promotions(folder)
    with (folder / LOG).open("ab") as held, ThreadPoolExecutor(1) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        writing = pool.submit(log.write, entry())
        try:
            with pytest.raises(TimeoutError):
                writing.result(timeout=0.5)
            assert champion_version(folder) == "one"
        finally:
            fcntl.flock(held, fcntl.LOCK_UN)
        writing.result(timeout=10)
    assert champion_version(folder) == "two"


def test_who_reads_the_champion_meanwhile_reads_the_one_before_whole(folder: Path) -> None:
    with (folder / "CHAMPION").open(encoding="ascii") as reading:
        Promotions(folder).write(entry(after="a-longer-version"))
        assert reading.read() == "one\n"
    assert champion_version(folder) == "a-longer-version"


def test_line_is_there_before_the_champion_is_another(folder: Path) -> None:
    """Nothing can be written in the place of the champion to be."""
    log = Promotions(folder)
    obstacle = folder / ".CHAMPION.new"
    obstacle.mkdir()
    with pytest.raises(PromotionError, match="can't be written"):
        log.write(entry())
    assert champion_version(folder) == "one"
    assert log.entries() == [entry()]
    obstacle.rmdir()
    log.write(entry())
    assert champion_version(folder) == "two"
    assert log.entries() == [entry()] * 2
