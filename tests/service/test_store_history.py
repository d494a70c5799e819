"""Training looks at a store's own past as at generated years: as it was known, and no more."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from bonafides.archive.facts import Change, Fact, Kind, to_json
from bonafides.identity import consent
from bonafides.instants import DAY, Instant, start_of
from bonafides.rating import store_history
from bonafides.rating.training import labelled
from bonafides.rating.training.cohorts import TooYoungError
from bonafides.rating.training.labelled import Labelled
from bonafides.storage import consents, tables
from bonafides.storage import history as rows
from bonafides.storage.unit_of_work import Store, UnitOfWork
from scripts import retrain
from scripts.history_files import History
from tests import history

ENTERPRISES = 60


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> History:
    made = history.made(tmp_path_factory.mktemp("years"), ENTERPRISES)
    # Who withdrew a platform is known to files of every day before, and here of none.
    stayed = [each for each in made.participants if all(g.to_day is None for g in each.grants)]
    return dataclasses.replace(made, participants=tuple(stayed))


@pytest.fixture
def filled(store: Store, years: History) -> Store:
    """A store that recorded what the generated years hold, when they say that it was learned."""
    with store.writing() as work:
        _log(work, years)
        for each in years.participants:
            _participant(work, each)
        work.commit()
    return store


def _log(work: UnitOfWork, years: History) -> None:
    told = pq.read_table(years.records).to_pylist()
    names = {column.name for column in tables.record.c}
    made = []
    for row in told:
        known = {name: row[name] for name in names & row.keys()}
        filler: dict[str, Any] = {"digest": b"", "store_id": "", "occurred_at": 0, "day": 0}
        blank = dict.fromkeys(names)
        missing = {name: value for name, value in filler.items() if known.get(name) is None}
        made.append(blank | known | missing)
    work.execute(tables.record.insert(), made)


def _participant(work: UnitOfWork, each: Any) -> None:
    code, verified = each.code.text, each.verification.verified_at
    work.execute(tables.enterprise.insert(), {"code": code, "uid": code, "enrolled_at": verified})
    _agree(work, code, verified)
    for grant in each.grants:
        work.execute(
            tables.platform_authorization.insert(),
            {
                "code": code,
                "platform": grant.platform,
                "uid": grant.platform,
                "granted_at": start_of(grant.from_day),
            },
        )
    own = Fact(code, Kind.VERIFICATION, each.verification, "checks", verified, verified)
    for at, fact in ((verified, own), *((one.at, one.fact) for one in each.learned)):
        _superseded(work, fact, at)
        work.execute(
            tables.fact.insert(),
            {
                "code": code,
                "kind": fact.kind.value,
                "item": fact.item,
                "recorded_at": at,
                "valid_from": fact.valid_from,
                "valid_to": fact.valid_to,
                "source": fact.source,
                "retrieved_at": fact.retrieved_at,
                "value": to_json(fact),
            },
        )


def _superseded(work: UnitOfWork, fact: Fact, at: Instant) -> None:
    table = tables.fact.c
    work.execute(
        sa.update(tables.fact)
        .where(
            table.code == fact.code,
            table.kind == fact.kind.value,
            table.item == fact.item,
            table.superseded_at.is_(None),
        )
        .values(superseded_at=at)
    )


def _agree(work: UnitOfWork, code: str, at: Instant) -> None:
    consents.add(
        work,
        [
            consent.Consent(
                code=code,
                uid="rate",
                of_submission="",
                purpose="RATE",
                scope=("x",),
                text_version="1",
                text_sha256=b"0" * 32,
                evidence_sha256=b"0" * 32,
                granted_at=at,
                recorded_at=at,
                expires_at=None,
                revoked_at=None,
                actor="member-1",
            )
        ],
    )


def _looked_at(store: Store, years: History, folder: Path) -> Labelled:
    folder.mkdir()
    now = start_of(years.last)
    table = store_history.labelled_store(store, key=history.KEY, folder=folder, now=now)
    # The copy of the log is gone.
    assert list(folder.iterdir()) == []
    return table


def _without(table: Labelled, *names: str) -> dict[str, Any]:
    return {
        field.name: getattr(table, field.name)
        for field in dataclasses.fields(table)
        if field.name not in names
    }


@pytest.mark.feature("E6")
def test_a_store_gives_the_rows_that_its_history_in_files_gives(
    filled: Store, years: History, tmp_path: Path
) -> None:
    expected = history.looked_at(years)
    found = _looked_at(filled, years, tmp_path / "out")
    assert len(found) == len(expected) > 50
    both = zip(
        _without(found, "basis", "region").items(),
        _without(expected, "basis", "region").items(),
        strict=True,
    )
    for (name, one), (_, other) in both:
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            for column in one:
                np.testing.assert_array_equal(one[column], other[column], err_msg=column)
        else:
            np.testing.assert_array_equal(one, other, err_msg=name)
    assert set(found.region.tolist()) == {"990000"}
    assert {"category/百货", "category/服装"} <= set(found.groups["peer_group"].tolist())
    # Generated codes make what is fitted to them SYNTHETIC, whatever the store is.
    labelled.write(found, tmp_path / "table.parquet")
    assert labelled.read(tmp_path / "table.parquet").basis == "SYNTHETIC"


@pytest.mark.feature("E6", "A5")
def test_what_was_taken_back_is_looked_at_of_no_day(
    filled: Store, years: History, tmp_path: Path
) -> None:
    before = _looked_at(filled, years, tmp_path / "out")
    now = start_of(years.last)
    codes = [each.code.text for each in years.participants]
    with filled.writing() as work:
        for code in codes[::2]:
            told = consents.ledger(work, code)
            consents.revoke(work, told, actor="member-1", now=Instant(now - DAY))
        allowed = tables.platform_authorization
        mine = allowed.c.code.in_(codes[1::2])
        work.execute(sa.update(allowed).where(mine).values(revoked_at=now - DAY))
        members = list(store_history.participants(work, now=now))
        assert {each.code.text for each in members} == set(codes[1::2])
        day = members[0].grants[0].from_day
        assert members[0].authorized(day) == []
    assert len(before) > 0


@pytest.mark.feature("D11")
def test_nothing_of_a_person_is_read(filled: Store, years: History) -> None:
    code = years.participants[0].code.text
    at = start_of(years.last)
    change = (Change(years.last, "法定代表人变更", "前人", "后人"),)
    with filled.writing() as work:
        fact = Fact(code, Kind.CHANGES, change, "registry", at, at)
        work.execute(
            tables.fact.insert(),
            {
                "code": code,
                "kind": fact.kind.value,
                "item": "",
                "recorded_at": at,
                "valid_from": at,
                "source": "registry",
                "retrieved_at": at,
                "value": to_json(fact),
            },
        )
        told = rows.learned(work, [code])[code]
    (read,) = [each.fact.value for each in told if each.fact.kind is Kind.CHANGES]
    assert read == (Change(years.last, "法定代表人变更", "", ""),)
    assert {each.fact.kind for each in told} <= {*rows._READ}
    assert Kind.SHAREHOLDERS not in rows._READ


def test_a_ruling_that_took_a_fact_out_takes_it_out_of_every_later_day(
    filled: Store, years: History
) -> None:
    with filled.writing() as work:
        code, at = tuple(
            work.execute(
                sa.select(tables.fact.c.code, tables.fact.c.recorded_at)
                .where(
                    tables.fact.c.kind == Kind.PENALTY.value,
                    tables.fact.c.superseded_at.is_(None),
                )
                .limit(1)
            ).one()
        )
        table = tables.fact.c
        this = (table.code == code, table.kind == Kind.PENALTY.value, table.recorded_at == at)
        work.execute(sa.update(tables.fact).where(*this).values(superseded_at=at + 10 * DAY))
        now = start_of(years.last)
        members = {each.code.text: each for each in store_history.participants(work, now=now)}
    records = [
        len(members[code].sheet(Instant(at + days * DAY)).public_records) for days in (9, 10)
    ]
    assert records[0] == records[1] + 1


@pytest.mark.feature("E6")
def test_a_store_without_a_past_says_what_is_needed(store: Store, tmp_path: Path) -> None:
    with pytest.raises(TooYoungError, match="holds no record"):
        store_history.labelled_store(store, key=b"k", folder=tmp_path, now=Instant(0))


@pytest.mark.feature("E6")
def test_the_command_says_what_keeps_it_from_training_on_the_store(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONAFIDES_DATABASE_URL", store.url.render_as_string(hide_password=False))
    options = ["--data-dir", str(tmp_path / "keys"), "--out", str(tmp_path / "out")]
    young = CliRunner().invoke(retrain.app, ["--store", *options])
    assert (young.exit_code, "holds no record yet" in young.stderr) == (1, True)
    both = ["--store", "--labelled", str(Path(__file__)), *options]
    assert CliRunner().invoke(retrain.app, both).exit_code == 2
    monkeypatch.delenv("BONAFIDES_DATABASE_URL")
    nothing = CliRunner().invoke(retrain.app, ["--store", *options])
    assert (nothing.exit_code, "there are no data" in nothing.stderr) == (1, True)
