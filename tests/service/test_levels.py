"""Published levels through the store: calendar, relief, outages, history, receipts, replay."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bonafides.archive import operations as archive
from bonafides.archive.facts import Fact, Kind
from bonafides.archive.public_records import Severity
from bonafides.client import RemoteError
from bonafides.errors import NotFoundError
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.submission import State
from bonafides.instants import DAY, HOUR, Day, Instant, day_of, from_timestamp, start_of
from bonafides.personal.sealing import Vault
from bonafides.rating.card import Level
from bonafides.rating.history_operations import get_receipt, list_ratings, replay
from bonafides.rating.operations import get_rating as read_rating
from bonafides.rating.publishing import FEED_SILENT_HOURS, last_evaluation, next_evaluation
from bonafides.rating.receipt import Receipt, subject
from bonafides.rating.scorecard import canonical, champion, models_folder
from bonafides.records.batches import Cursor, Source
from bonafides.records.kinds import Kind as RecordKind
from bonafides.records.kinds import Outcome, Record
from bonafides.records.operations import fold, ingest
from bonafides.storage import consents as consent_rows
from bonafides.storage import rating as rating_rows
from bonafides.storage import records as record_rows
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import rating_pb2
from scripts import check_receipt, replay_levels
from tests import builders
from tests.builders import NOW, PLATFORM, TODAY
from tests.searching import examples
from tests.serving import Served

CODE = builders.code(1)
CARD = champion(None)
CARD_FILE = models_folder(None) / CARD.version / "scorecard.json"
CHECKER = Path(check_receipt.__file__)
_HEX_DIGITS = 64
# A week before: by NOW the first evaluation has been.
BEGUN = Instant(NOW - 7 * DAY)


# --- What happens to an enterprise ----------------------------------------------------


def take_in(
    store: Store, vault: Vault, records: Sequence[Record], *, now: Instant, of: UnifiedCode = CODE
) -> None:
    """Stores and folds the records, and refreshes the enterprise."""
    assert not ingest(store, vault, builders.rates(), records, now=now).rejected
    fold(store, now=now)
    refresh(store, now, of=of)


def refresh(store: Store, now: Instant, *, of: UnifiedCode = CODE) -> None:
    """Rates and shows the enterprise as of now."""
    with store.writing() as work:
        archive.refresh(work, CARD, of.text, now)
        work.commit()


def tell(store: Store, told: Fact, *, now: Instant, of: UnifiedCode = CODE) -> None:
    """Records the fact, and refreshes the enterprise."""
    with store.writing() as work:
        archive.record_facts(work, [told], now=now)
        archive.refresh(work, CARD, of.text, now)
        work.commit()


def level(store: Store, now: Instant, *, of: UnifiedCode = CODE) -> int:
    """Returns the level as anybody reads it who may; a better one is the lower number."""
    return read_rating(store, CARD, of.text, now=now).level


def name_of(value: int) -> str:
    """Returns the level in words."""
    return list(Level)[value - 1].value


def opened(platform: str = PLATFORM, *, of: UnifiedCode = CODE, **changes: Any) -> Record:
    """Returns what a platform says of a store that has been open for years."""
    common = {"store_id": f"s-{of.text[8:17]}-{platform}", "from_day": Day(TODAY - 1_000)}
    return builders.store_record("open", of=of, platform=platform, **(common | changes))


def orders(
    count: int, today: Day, *, of: UnifiedCode = CODE, platform: str = PLATFORM, label: str = "t"
) -> list[Record]:
    """Returns orders of as many buyers, over the last hundred days."""
    return [
        builders.transaction(
            f"{label}{number}",
            of=of,
            platform=platform,
            store_id=f"s-{of.text[8:17]}-{platform}",
            buyer=f"{label}{number}",
            occurred_at=Instant(start_of(Day(today - 1 - number * 99 // count)) + HOUR),
        )
        for number in range(count)
    ]


def lost(
    count: int, today: Day, *, of: UnifiedCode = CODE, platform: str = PLATFORM, label: str = "d"
) -> list[Record]:
    """Returns disputes that were decided against the enterprise."""
    return [
        builders.transaction(
            f"{label}{number}",
            of=of,
            platform=platform,
            kind=RecordKind.DISPUTE,
            store_id=f"s-{of.text[8:17]}-{platform}",
            occurred_at=Instant(start_of(Day(today - 1)) + HOUR),
            amount=None,
            buyer=None,
            outcome=Outcome.LOST,
        )
        for number in range(count)
    ]


def traded(store: Store, vault: Vault, *more: Record) -> None:
    """Makes the enterprise take part, with a record that gives it a level that settles."""
    builders.enroll(store, CODE, now=Instant(BEGUN - 1))
    take_in(store, vault, more or [opened(), *orders(150, day_of(BEGUN))], now=BEGUN)
    refresh(store, NOW)


def rows(store: Store, of: UnifiedCode = CODE) -> list[rating_rows.RatingRow]:
    """Returns the levels that are kept, the oldest first."""
    with store.reading() as work:
        table = tables.rating
        found = work.execute(
            sa.select(table.c.as_of).where(table.c.code == of.text).order_by(table.c.as_of)
        )
        kept = [rating_rows.latest(work, of.text, at) for at in found.scalars()]
    return [row for row in kept if row is not None]


def checked(folder: Path, receipt: bytes, *more: str) -> subprocess.CompletedProcess[str]:
    """Runs the checker as a stranger would, with nothing of ours to import."""
    file = folder / "receipt.json"
    file.write_bytes(receipt)
    command = [sys.executable, "-I", str(CHECKER), str(file), str(CARD_FILE), *more]
    return subprocess.run(  # noqa: S603 - our own script
        command, capture_output=True, text=True, timeout=60, check=False
    )


# --- The calendar ---------------------------------------------------------------------


@pytest.mark.feature("E10")
def test_at_the_instant_at_which_negatives_end_the_level_is_restored(
    store: Store, vault: Vault
) -> None:
    traded(store, vault)
    before = level(store, NOW)
    for item in ("1", "2", "3", "4"):
        tell(store, builders.court_case(item=item, begins=TODAY), now=Instant(NOW + HOUR // 2))
    # No evaluation yet, then one, then the second in a row.
    assert level(store, Instant(NOW + HOUR)) == before
    first = next_evaluation(NOW)
    level(store, first)
    fallen = next_evaluation(first)
    assert level(store, fallen) > before
    gone = Day(TODAY + 39)
    for item in ("1", "2", "3", "4"):
        taken_off = builders.court_case(item=item, begins=TODAY, removed=gone)
        tell(store, taken_off, now=Instant(fallen + HOUR))
    # From that microsecond on, on a Thursday, with no evaluation near.
    ends = start_of(gone)
    assert last_evaluation(ends) < ends - DAY
    assert level(store, Instant(ends - 1)) > before
    assert level(store, ends) == before
    assert rows(store)[-1].cause == "RESTORED"


@pytest.mark.feature("E10")
def test_a_listing_gives_d_at_once_and_its_end_restores_at_once(store: Store, vault: Vault) -> None:
    traded(store, vault)
    before = level(store, NOW)
    listed = builders.listing(Kind.SERIOUS_ILLEGAL, begins=TODAY)
    tell(store, listed, now=Instant(NOW + HOUR))
    assert name_of(level(store, Instant(NOW + HOUR))) == "D"
    off = builders.listing(Kind.SERIOUS_ILLEGAL, begins=TODAY, removed=TODAY)
    tell(store, off, now=Instant(NOW + 2 * HOUR))
    assert level(store, Instant(NOW + 2 * HOUR)) == before
    causes = [row.cause for row in rows(store)]
    assert causes[-2:] == ["KNOCKED_OUT", "RESTORED"]


@pytest.mark.feature("E1", "E4")
def test_attack_orders_that_dilute_lost_disputes_lift_a_level_by_a_notch_a_month(
    store: Store, vault: Vault
) -> None:
    today = day_of(BEGUN)
    traded(store, vault, opened(), *orders(20, today), *lost(6, today))
    first = level(store, NOW)
    bought = Instant(NOW + HOUR)
    take_in(store, vault, orders(900, TODAY, label="more"), now=bought)
    told = read_rating(store, CARD, CODE.text, now=bought)
    assert told.level == first
    assert told.raw_level < first
    assert told.hold == rating_pb2.HOLD_ONE_NOTCH_A_MONTH
    assert from_timestamp(told.next_evaluation_time) == next_evaluation(NOW)
    # 30 days from the first evaluation, which was the last before now, to the next.
    month = next_evaluation(Instant(last_evaluation(NOW) + 30 * DAY))
    assert level(store, Instant(month - 1)) == first
    risen = read_rating(store, CARD, CODE.text, now=month)
    assert risen.level == risen.prior_level - 1 == first - 1
    assert from_timestamp(risen.publish_time) == month
    assert rows(store)[-1].cause == "GAINED"


def test_no_read_is_stale_past_an_evaluation(store: Store, vault: Vault) -> None:
    traded(store, vault)
    evaluation = next_evaluation(NOW)
    told = read_rating(store, CARD, CODE.text, now=Instant(evaluation - 1))
    assert from_timestamp(told.valid_until_time) == evaluation
    again = read_rating(store, CARD, CODE.text, now=evaluation)
    assert from_timestamp(again.as_of_time) == evaluation


def test_evaluations_are_made_though_nobody_reads(store: Store, vault: Vault) -> None:
    traded(store, vault)
    builders.enroll(store, builders.code(2), platforms=())
    evaluation = next_evaluation(NOW)
    seen = archive.Evaluations()
    archive.evaluate_due(store, CARD, seen, now=Instant(NOW + HOUR))
    assert rows(store)[-1].as_of == NOW
    for _ in range(3):
        archive.evaluate_due(store, CARD, seen, now=Instant(evaluation + HOUR))
    assert seen.done
    assert rows(store)[-1].as_of == rows(store, builders.code(2))[-1].as_of == evaluation + HOUR


# --- What does not answer, and what is withdrawn --------------------------------------


@pytest.mark.feature("E1")
def test_a_platform_that_falls_silent_lowers_no_level(store: Store, vault: Vault) -> None:
    """Orders leave their window; the feed is down for a year and comes back."""
    traded(store, vault)
    source = Source(PLATFORM, "orders")
    with store.writing() as work:
        record_rows.move_cursors(work, {source: Cursor().moved(bytes(32))}, now=NOW)
        work.commit()
    refresh(store, Instant(NOW + HOUR))
    before = read_rating(store, CARD, CODE.text, now=Instant(NOW + HOUR))
    assert not before.stale
    silent = Instant(NOW + FEED_SILENT_HOURS * HOUR)
    assert not read_rating(store, CARD, CODE.text, now=Instant(silent - 1)).stale
    assert read_rating(store, CARD, CODE.text, now=silent).stale
    for week in range(1, 60, 6):
        now = Instant(NOW + week * 7 * DAY)
        told = read_rating(store, CARD, CODE.text, now=now)
        assert told.stale
        # The verification is over by then, which is no fault of the feed.
        if now < NOW + 300 * DAY:
            assert told.level == before.level
    assert name_of(told.raw_level) == "NR"


@pytest.mark.feature("E4")
def test_a_platform_that_is_taken_back_lifts_no_level(store: Store, vault: Vault) -> None:
    builders.enroll(store, CODE, platforms=(PLATFORM, "bad"), now=Instant(BEGUN - 1))
    today = day_of(BEGUN)
    told = [opened(), *orders(150, today), opened("bad"), *orders(30, today, platform="bad")]
    take_in(store, vault, [*told, *lost(25, today, platform="bad")], now=BEGUN)
    refresh(store, NOW)
    before = level(store, NOW)
    with store.writing() as work:
        consent_rows.revoke_platform(work, CODE.text, "bad", Instant(NOW + HOUR))
        archive.refresh(work, CARD, CODE.text, Instant(NOW + HOUR))
        work.commit()
    after = read_rating(store, CARD, CODE.text, now=Instant(NOW + HOUR))
    assert after.raw_level < before
    assert after.level == before
    assert after.hold == rating_pb2.HOLD_WITHDRAWAL
    for week in range(1, 40):
        now = Instant(NOW + week * 7 * DAY)
        assert level(store, now) >= before


@pytest.mark.feature("E4")
def test_a_store_that_closes_caps_the_level(store: Store, vault: Vault) -> None:
    traded(store, vault)
    closed = opened(to_day=TODAY, revision=2)
    take_in(store, vault, [closed], now=Instant(NOW + HOUR))
    told = read_rating(store, CARD, CODE.text, now=Instant(NOW + HOUR))
    assert from_timestamp(told.cap_end_time) == NOW + HOUR + 365 * DAY


@pytest.mark.feature("E1")
@pytest.mark.parametrize(("submitter", "held"), [("issuer|own", True), ("issuer|stranger", False)])
def test_a_renewal_that_waits_for_a_source_holds_the_level(
    store: Store, vault: Vault, submitter: str, *, held: bool
) -> None:
    """The verification ends while a source is down; a stranger's submission holds nothing."""
    ends = Instant(NOW + 30 * HOUR)
    builders.enroll(
        store,
        CODE,
        facts=builders.registration_facts(CODE, expires_at=ends),
        now=Instant(BEGUN - 1),
    )
    take_in(store, vault, [opened(), *orders(150, day_of(BEGUN))], now=BEGUN)
    refresh(store, NOW)
    before = level(store, NOW)
    with store.writing() as work:
        taking_part = work.execute(sa.select(tables.enterprise.c.uid)).scalar_one()
        for uid, state, by in (
            (taking_part, State.VERIFIED, "issuer|own"),
            (_RENEWAL, State.PENDING, submitter),
        ):
            work.execute(tables.submission.insert(), _submission(uid, state, by))
        asked = {"code": CODE.text, "uid": _RENEWAL, "asked_at": NOW, "source": "registry"}
        work.execute(
            tables.evidence.insert(), asked | {"retrieved_at": NOW, "fault": "UNREACHABLE"}
        )
        work.commit()
    told = read_rating(store, CARD, CODE.text, now=ends)
    assert name_of(told.raw_level) == "NR"
    assert told.stale is held
    assert (told.level == before) is held


_RENEWAL = "00000000-0000-4000-8000-000000000001"


def _submission(uid: str, state: State, submitter: str) -> dict[str, Any]:
    filled: dict[str, Any] = {
        column.name: (
            b""
            if isinstance(column.type, sa.LargeBinary)
            else 0
            if isinstance(column.type, sa.BigInteger)
            else False
            if isinstance(column.type, sa.Boolean)
            else ""
        )
        for column in tables.submission.columns
        if not column.nullable
    }
    told = {"code": CODE.text, "uid": uid, "state": state.value, "submitter": submitter}
    return filled | told | {"request_id": uid, "submitted_at": NOW}


# --- History --------------------------------------------------------------------------


@pytest.mark.feature("E11")
def test_history_names_the_cause_and_the_facts_of_each_step(store: Store, vault: Vault) -> None:
    traded(store, vault)
    listed = builders.listing(Kind.SERIOUS_ILLEGAL, begins=TODAY)
    tell(store, listed, now=Instant(NOW + HOUR))
    steps, more = list_ratings(store, CODE.text, until=None, size=10)
    assert more is None
    assert [rating_pb2.Cause.Name(step.cause).removeprefix("CAUSE_") for step in steps] == [
        "KNOCKED_OUT",
        "FIRST_LEVEL",
        "NOT_RATED",
    ]
    changed = {each.fact: (each.before, each.after) for each in steps[0].changed_facts}
    assert changed["public_records/SERIOUS_ILLEGAL/court-list/r1"] == ("", "stands")
    assert changed["rules/SERIOUS_ILLEGAL"] == ("", "hits")
    first = {each.fact: each.after for each in steps[1].changed_facts}
    assert first[f"platforms/{PLATFORM}/transactions"] == "150"
    assert not steps[2].changed_facts


@pytest.mark.feature("E11")
def test_history_comes_in_pages_without_gap_or_repetition(store: Store, vault: Vault) -> None:
    traded(store, vault)
    for hours in range(1, 6):
        fact = builders.listing(
            Kind.SERIOUS_ILLEGAL,
            begins=TODAY,
            removed=None if hours % 2 else TODAY,
        )
        tell(store, fact, now=Instant(NOW + hours * HOUR))
    whole, _ = list_ratings(store, CODE.text, until=None, size=100)
    paged: list[rating_pb2.RatingStep] = []
    until: Instant | None = None
    while True:
        page, until = list_ratings(store, CODE.text, until=until, size=2)
        paged += page
        if until is None:
            break
    assert len(whole) == 7
    assert paged == whole


def test_an_enterprise_that_takes_no_part_has_no_history_and_no_receipt(store: Store) -> None:
    with pytest.raises(NotFoundError):
        list_ratings(store, CODE.text, until=None, size=10)
    with pytest.raises(NotFoundError):
        get_receipt(store, CARD, CODE.text, as_of=None, now=NOW)


# --- Receipts and replay --------------------------------------------------------------


@pytest.mark.feature("L2")
def test_a_stranger_recomputes_the_level_from_receipt_and_card(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    traded(store, vault)
    told = get_receipt(store, CARD, CODE.text, as_of=None, now=NOW)
    run = checked(tmp_path, told.document, told.digest, CODE.text, told.salt.hex())
    assert (run.returncode, run.stderr) == (0, "")
    assert f"published {name_of(level(store, NOW))}: all agrees" in run.stdout


@pytest.mark.feature("L2")
def test_a_receipt_tells_nothing_of_a_person_and_no_value(store: Store, vault: Vault) -> None:
    traded(store, vault)
    told = get_receipt(store, CARD, CODE.text, as_of=None, now=NOW)
    document = json.loads(told.document)
    texts = {text for path, text in _leaves(document) if isinstance(text, str)}
    known = {"bonafides-receipt-1", CARD.version, CARD.digest, document["subject"]}
    known |= {"missing", "not applicable", "AAA", "AA", "A", "B", "C", "D", "NR"}
    known |= {part.name for part in CARD.features} | {r.reason for r in CARD.content.rules}
    assert texts <= known
    assert set(document["features"][0]) <= {"feature", "slot", "points", "worst", "best", "clean"}
    assert CODE.text not in told.document.decode()
    assert document["subject"] == subject(CODE.text, told.salt)


@pytest.mark.feature("L2")
def test_receipts_of_one_enterprise_do_not_show_that_they_are(store: Store, vault: Vault) -> None:
    traded(store, vault)
    refresh(store, Instant(NOW + DAY))
    names = {json.loads(row.receipt)["subject"] for row in rows(store)}
    assert len(names) == len(rows(store)) > 2


@pytest.mark.feature("L2")
def test_a_changed_byte_anywhere_in_a_receipt_is_found(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    traded(store, vault)
    refresh(store, Instant(NOW + DAY))
    told = get_receipt(store, CARD, CODE.text, as_of=None, now=Instant(NOW + DAY))
    document = json.loads(told.document)
    file = tmp_path / "receipt.json"
    for path, _ in _leaves(document):
        file.write_bytes(canonical(_changed(document, path)))
        with pytest.raises(ValueError, match="digest"):
            check_receipt.main(str(file), str(CARD_FILE), told.digest)
    run = checked(tmp_path, canonical(_changed(document, ("published", "level"))), told.digest)
    assert run.returncode == 1
    assert "digest" in run.stderr


@pytest.mark.feature("L2")
def test_a_receipt_that_was_made_up_with_a_digest_of_its_own_does_not_agree(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    """Whatever follows from something else is recomputed, whoever signs the rest."""
    traded(store, vault)
    refresh(store, Instant(NOW + DAY))
    told = get_receipt(store, CARD, CODE.text, as_of=None, now=Instant(NOW + DAY))
    document = json.loads(told.document)
    follows = ("raw", "published", "model", "schema")
    file = tmp_path / "receipt.json"
    for path, _ in _leaves(document):
        if path[0] in follows or path[-1] in {"points", "feature"}:
            forged = Receipt(canonical(_changed(document, path)))
            file.write_bytes(forged.document)
            with pytest.raises((ValueError, LookupError)):
                check_receipt.main(str(file), str(CARD_FILE), forged.digest)


def test_a_receipt_of_another_enterprise_is_told_from_one_s_own(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    traded(store, vault)
    told = get_receipt(store, CARD, CODE.text, as_of=None, now=NOW)
    run = checked(tmp_path, told.document, told.digest, builders.code(2).text, told.salt.hex())
    assert run.returncode == 1
    assert "subject" in run.stderr


def test_the_checker_is_a_hundred_lines_and_imports_the_standard_library_alone() -> None:
    text = CHECKER.read_text(encoding="utf-8")
    code = text.split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 100
    imported = {
        line.split()[1] for line in code.splitlines() if line.startswith(("import", "from"))
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.feature("E5")
def test_a_kept_level_is_made_again_by_its_card_byte_for_byte(store: Store, vault: Vault) -> None:
    traded(store, vault)
    tell(store, builders.penalty(begins=Day(TODAY + 1)), now=Instant(NOW + 30 * HOUR))
    take_in(store, vault, orders(60, Day(TODAY + 9), label="x"), now=Instant(NOW + 9 * DAY))
    listed = builders.listing(Kind.SERIOUS_ILLEGAL, begins=Day(TODAY + 10))
    tell(store, listed, now=Instant(NOW + 10 * DAY))
    kept = rows(store)
    assert len(kept) >= 5
    later = Instant(NOW + 30 * DAY)
    told = list(replay(store, None, CODE.text, now=later))
    assert [each.as_of for each in told] == [row.as_of for row in reversed(kept)]
    assert all(each.agrees for each in told)


@pytest.mark.feature("E5")
def test_a_level_that_was_changed_behind_the_service_s_back_is_not_made_again(
    store: Store, vault: Vault
) -> None:
    traded(store, vault)
    with store.writing() as work:
        forged = rows(store)[-1].message.replace(CARD.version.encode(), b"expert-9")
        work.execute(
            sa.update(tables.rating).where(tables.rating.c.as_of == NOW).values(message=forged)
        )
        work.commit()
    told = list(replay(store, None, CODE.text, now=NOW))
    assert [each.agrees for each in told] == [False, True, True]


@pytest.mark.feature("E5")
def test_the_script_replays_every_level_of_an_enterprise(tmp_path: Path, vault: Vault) -> None:
    made = Store(f"sqlite:///{tmp_path / 'bonafides.db'}")
    made.migrate()
    traded(made, vault)
    made.close()
    run = CliRunner().invoke(replay_levels.app, [CODE.text, "--data-dir", str(tmp_path), "--json"])
    assert run.exit_code == 0
    assert [each["agrees"] for each in json.loads(run.stdout)] == [True, True, True]
    unknown = CliRunner().invoke(
        replay_levels.app, [builders.code(2).text, "--data-dir", str(tmp_path)]
    )
    assert unknown.exit_code == 1


# --- Any history ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for the histories of many enterprises."""
    made = Store(f"sqlite:///{tmp_path_factory.mktemp('levels') / 'bonafides.db'}")
    made.migrate()
    yield made
    made.close()


_EVENTS = st.sampled_from(["orders", "lost", "penalty", "debtor", "cleared", "close", "revoke"])
_HISTORIES = st.lists(st.tuples(st.integers(1, 12 * 24), _EVENTS), min_size=3, max_size=12)
_NUMBERS = iter(range(100, 10_000))


def _begin(store: Store, vault: Vault, of: UnifiedCode) -> None:
    builders.enroll(store, of, platforms=(PLATFORM, "other"), now=Instant(BEGUN - 1))
    today = day_of(BEGUN)
    begun = [opened(of=of), opened("other", of=of), *orders(60, today, of=of)]
    begun += orders(15, today, of=of, platform="other") + lost(1, today, of=of, platform="other")
    take_in(store, vault, begun, now=BEGUN, of=of)


def _happens(store: Store, vault: Vault, of: UnifiedCode, event: str, *, now: Instant) -> None:
    today, label = day_of(now), f"{event}{now}"
    match event:
        case "orders":
            take_in(store, vault, orders(40, today, of=of, label=label), now=now, of=of)
        case "lost":
            take_in(store, vault, lost(4, today, of=of, label=label), now=now, of=of)
        case "penalty":
            made = builders.penalty(of=of, begins=today, severity=Severity.MINOR, item=label)
            tell(store, made, now=now, of=of)
        case "debtor" | "cleared":
            removed = today if event == "cleared" else None
            listed = builders.listing(
                Kind.SERIOUS_ILLEGAL, of=of, begins=Day(TODAY - 1), removed=removed
            )
            tell(store, listed, now=now, of=of)
        case "close":
            revision = (now - BEGUN) // HOUR + 1
            shut = opened(of=of, to_day=today, revision=revision)
            take_in(store, vault, [shut], now=now, of=of)
        case _:
            with store.writing() as work:
                consent_rows.revoke_platform(work, of.text, "other", now)
                archive.refresh(work, CARD, of.text, now)
                work.commit()


@settings(
    max_examples=examples(8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(_HISTORIES)
@pytest.mark.feature("L2")
def test_every_level_of_any_history_is_recomputed_by_the_checker(
    long_store: Store, vault: Vault, tmp_path: Path, history: list[tuple[int, str]]
) -> None:
    of = builders.code(next(_NUMBERS))
    _begin(long_store, vault, of)
    now = BEGUN
    for hours, event in history:
        now = Instant(now + hours * HOUR)
        _happens(long_store, vault, of, event, now=now)
        level(long_store, Instant(now + HOUR), of=of)
    kept = rows(long_store, of)
    file = tmp_path / "receipt.json"
    for row in kept:
        file.write_bytes(row.receipt)
        check_receipt.main(str(file), str(CARD_FILE), Receipt(row.receipt).digest)
        message = rating_pb2.Rating.FromString(row.message)
        assert name_of(message.level) == row.level == Receipt(row.receipt).published.level
        assert message.range_high <= message.level <= message.range_low
    for former, row in pairwise(kept):
        assert Receipt(row.receipt).prior == Receipt(former.receipt).published
    run = checked(tmp_path, kept[-1].receipt, Receipt(kept[-1].receipt).digest)
    assert run.returncode == 0


# --- Through the service --------------------------------------------------------------


@pytest.fixture
def rated(served: Served) -> Served:
    """A server that knows one enterprise with a level."""
    traded(served.store, served.vault)
    return served


@pytest.mark.feature("L2")
def test_the_owner_gets_a_signed_receipt_with_its_salt(rated: Served) -> None:
    with rated.client(rated.token("member", owns=[CODE.text])) as client:
        told = client.levels.receipt(CODE.text)
    key = load_pem_public_key(told.public_key.encode())
    assert isinstance(key, Ed25519PublicKey)
    key.verify(told.signature, told.document)
    with pytest.raises(InvalidSignature):
        key.verify(told.signature, told.document + b" ")
    assert json.loads(told.document)["subject"] == subject(CODE.text, told.salt)
    assert len(told.digest) == _HEX_DIGITS


@pytest.mark.feature("L2")
def test_staff_get_the_receipt_without_the_salt(rated: Served) -> None:
    with rated.client(rated.token("operator")) as client:
        told = client.levels.receipt(CODE.text)
        assert client.levels.history(CODE.text)
    assert told.document
    assert not told.salt


@pytest.mark.feature("E11")
def test_the_owner_reads_the_history_of_its_level(rated: Served) -> None:
    with rated.client(rated.token("member", owns=[CODE.text])) as client:
        steps = client.levels.history(CODE.text)
    assert [step.cause for step in steps] == [
        rating_pb2.CAUSE_FIRST_LEVEL,
        rating_pb2.CAUSE_NOT_RATED,
    ]
    assert steps[0].changed_facts


@pytest.mark.parametrize("kind", ["member", "platform"])
def test_attack_history_and_receipt_of_a_rival_are_not_found(rated: Served, kind: str) -> None:
    with rated.client(rated.token(kind)) as client:
        for call in (client.levels.history, client.levels.receipt):
            with pytest.raises(RemoteError) as refused:
                call(CODE.text)
            assert refused.value.code.name == (
                "NOT_FOUND" if kind == "member" else "PERMISSION_DENIED"
            )


def test_a_member_sees_the_published_level_and_nothing_of_how_it_came_about(
    rated: Served,
) -> None:
    with rated.client(rated.token("member")) as client:
        told = client.get_rating(CODE.text)
    assert told.level
    assert not told.raw_level
    assert not told.receipt_digest
    assert not told.HasField("publish_time")


def test_a_receipt_of_the_past_is_that_of_its_day(rated: Served) -> None:
    rated.clock.now = Instant(NOW + 3 * DAY)
    with rated.client(rated.token("member", owns=[CODE.text])) as client:
        now = client.levels.receipt(CODE.text)
        past = client.levels.receipt(
            CODE.text, as_of=builders.stamp(NOW + HOUR).ToDatetime(tzinfo=None)
        )
    assert from_timestamp(past.as_of_time) == NOW
    assert from_timestamp(now.as_of_time) == rated.clock.now


def _leaves(part: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(part, dict | list):
        steps = part.items() if isinstance(part, dict) else enumerate(part)
        for step, inner in steps:
            yield from _leaves(inner, (*path, step))
    else:
        yield path, part


def _changed(document: Any, path: tuple[Any, ...]) -> Any:
    made = copy.deepcopy(document)
    part = made
    for step in path[:-1]:
        part = part[step]
    told = part[path[-1]]
    part[path[-1]] = told + 1 if isinstance(told, int) else told + "A"
    return made


def test_the_last_evaluation_of_the_builders_now_is_a_monday() -> None:
    assert day_of(last_evaluation(NOW)) % 7 == 4
