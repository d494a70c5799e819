"""Receipts: recomputed by a stranger, made again byte for byte, and who is given them."""

from __future__ import annotations

import base64
import copy
import json
import shutil
import sys
from collections.abc import Iterator
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
from typer.testing import CliRunner, Result

from bonafides.archive import operations as archive
from bonafides.archive.facts import Kind
from bonafides.archive.public_records import Severity
from bonafides.cli import app
from bonafides.client import RemoteError
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import DAY, HOUR, Day, Instant, day_of, from_timestamp
from bonafides.personal.sealing import Vault
from bonafides.rating.history_operations import get_receipt, replay
from bonafides.rating.measures import Share
from bonafides.rating.operations import gather
from bonafides.rating.publishing import last_evaluation
from bonafides.rating.receipt import Receipt, subject
from bonafides.rating.scorecard import canonical
from bonafides.storage import consents as consent_rows
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import rating_pb2
from scripts import check_receipt, replay_levels, seal_card
from tests import builders, grouped
from tests.builders import NOW, PLATFORM, TODAY
from tests.searching import examples
from tests.service.rated import (
    BEGUN,
    CARD,
    CARD_FILE,
    CHECKER,
    CODE,
    checked,
    level,
    lost,
    name_of,
    opened,
    orders,
    refresh,
    rows,
    take_in,
    tell,
    traded,
)
from tests.serving import Served

_HEX_DIGITS = 64


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


@pytest.mark.feature("E4", "E5", "L2")
def test_a_level_that_was_drawn_towards_its_peers_is_recomputed_and_made_again(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    card = grouped.card()
    models = tmp_path / "models"
    shutil.copytree(CARD_FILE.parent, models / CARD.version)
    file = seal_card.write(card, models)
    traded(
        store,
        vault,
        opened(detail={"category": "百货"}),
        *orders(150, day_of(BEGUN)),
        *lost(2, day_of(BEGUN)),
    )
    with store.reading() as work:
        assert gather(work, CODE.text, NOW).peer_groups == (grouped.GOODS, grouped.ELDERS)
    at = Instant(NOW + 1)
    told = get_receipt(store, card, CODE.text, as_of=None, now=at)
    receipt_file = tmp_path / "receipt.json"
    receipt_file.write_bytes(told.document)
    check_receipt.main(str(receipt_file), str(file), told.digest)
    # 3 of 650, and not 3 of 250 as the prior of all would have it.
    slots = {each["feature"]: each["slot"] for each in json.loads(told.document)["features"]}
    part = next(each for each in card.features if each.name == "dispute_lost_rate")
    assert slots[part.name] == part.drawn((grouped.GOODS,)).slot(Share(2, 150))
    assert slots[part.name] != part.slot(Share(2, 150))
    later = Instant(NOW + 30 * DAY)
    again = list(replay(store, models, CODE.text, now=later))
    assert again[0].model_version == card.version
    assert all(each.agrees for each in again)


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


def _asked(rated: Served, *arguments: str) -> Result:
    token = rated.token("member", owns=[CODE.text])
    # Wide enough that no cell is broken into lines.
    return CliRunner().invoke(
        app,
        ["--server", rated.address, "--token", token, *arguments],
        env={"COLUMNS": "240"},
    )


@pytest.mark.feature("E11", "E14")
def test_the_history_is_printed_for_people_and_for_programs(rated: Served) -> None:
    printed = _asked(rated, "levels", CODE.text)
    assert printed.exit_code == 0
    assert "the first level" in printed.stdout
    assert "Not a credit rating" in printed.stdout
    document = json.loads(_asked(rated, "--json", "levels", CODE.text).stdout)
    assert [step["cause"] for step in document["ratings"]] == [
        "CAUSE_FIRST_LEVEL",
        "CAUSE_NOT_RATED",
    ]


@pytest.mark.feature("L2", "E14")
def test_the_receipt_that_the_command_writes_is_recomputed_by_the_checker(
    rated: Served, tmp_path: Path
) -> None:
    file = tmp_path / "given.json"
    printed = _asked(rated, "receipt", CODE.text, "--output", str(file))
    assert printed.exit_code == 0
    assert "agrees with the document" in printed.stdout.replace("\n", " ")
    assert "Not a credit rating" in printed.stdout
    told = json.loads(_asked(rated, "--json", "receipt", CODE.text).stdout)
    salt = base64.b64decode(told["salt"]).hex()
    run = checked(tmp_path, file.read_bytes(), told["digest"], CODE.text, salt)
    assert run.returncode == 0


@pytest.mark.feature("E1", "E14")
def test_the_owner_is_shown_the_raw_level_and_the_next_evaluation(rated: Served) -> None:
    printed = _asked(rated, "explain", CODE.text)
    assert printed.exit_code == 0
    for words in ("Raw level", "Published since", "Next evaluation", "Receipt SHA-256"):
        assert words in printed.stdout
    assert "EXPERT" in printed.stdout


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
