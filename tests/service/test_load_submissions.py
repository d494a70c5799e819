"""Submitting in bulk: the same rules as the call, and a report that repeats no value."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from google.protobuf.json_format import MessageToJson

from bonafides.archive import operations as archive
from bonafides.errors import NotFoundError
from bonafides.identity import registry_operations
from bonafides.keys import load_or_create
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.settings import Settings
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import disclosure_pb2 as disclosure
from bonafides.v1 import enterprise_pb2 as enterprise
from bonafides.v1 import identity_service_pb2 as service
from scripts import load_submissions
from tests import builders


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a sandbox whose registry knows thirty enterprises."""
    made = Settings(data_dir=tmp_path / "data", database_url=database_url)
    store = Store(made.url)
    store.migrate()
    rows = [builders.registry_row(builders.code(number)) for number in range(1, 31)]
    vault = Vault(load_or_create(made).kek, made.environment)
    registry_operations.load_registry(store, vault, rows, now=builders.NOW)
    store.close()
    return made


def line(number: int, claims: enterprise.Claims) -> str:
    request = service.SubmitIdentityRequest(request_id=builders.request_id(number), claims=claims)
    return MessageToJson(request, indent=None)


def write(folder: Path, *lines: str) -> Path:
    file = folder / "submissions.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_more_submissions_than_one_caller_may_make_in_a_day_are_all_verified(
    settings: Settings, tmp_path: Path
) -> None:
    lines = [line(number, builders.claims(builders.code(number))) for number in range(1, 31)]
    report = load_submissions.load(settings, write(tmp_path, *lines), now=builders.NOW)
    assert (dict(report.states), report.refusals) == ({"VERIFIED": 30}, [])
    assert builders.registration().title.encode() in _archive(settings, 30)


def test_loading_a_file_again_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    file = write(tmp_path, line(1, builders.claims(builders.code(1))))
    first = load_submissions.load(settings, file, now=builders.NOW)
    assert load_submissions.load(settings, file, now=builders.NOW) == first


@pytest.mark.feature("A1")
def test_every_faulty_field_of_a_refused_line_is_named_and_the_rest_is_submitted(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = builders.claims(builders.code(2), phone="12", email="nobody", authorizations=[])
    file = write(
        tmp_path,
        line(1, builders.claims(builders.code(1))),
        line(2, faulty),
        '{"claims": {"phone": ' + builders.PHONE,
        line(4, builders.claims(builders.code(4), title="", phone="12")),
    )
    report = load_submissions.load(settings, file, now=builders.NOW)
    assert dict(report.states) == {"VERIFIED": 1}
    assert {
        refusal.line: [(fault.field, fault.reason) for fault in refusal.faults]
        for refusal in report.refusals
    } == {
        2: [
            ("claims.phone", "PHONE"),
            ("claims.email", "EMAIL"),
            ("claims.authorizations", "AUTHORIZATION_REQUIRED"),
        ],
        3: [("request", "NOT_JSON")],
        4: [("claims.title", "REQUIRED"), ("claims.phone", "PHONE")],
    }
    with pytest.raises(NotFoundError):
        _archive(settings, 2)
    assert builders.PHONE not in capsys.readouterr().err


def test_a_refused_line_makes_the_command_exit_with_1(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BONAFIDES_DATABASE_URL", settings.database_url)
    with pytest.raises(typer.Exit) as exited:
        load_submissions.main(write(tmp_path, "{}"), data_dir=settings.data_dir)
    assert exited.value.exit_code == 1
    assert "claims" in capsys.readouterr().err


def _archive(settings: Settings, number: int) -> bytes:
    store = Store(settings.url)
    try:
        return archive.get_archive(
            store,
            champion(None),
            builders.code(number).text,
            audience=disclosure.AUDIENCE_PUBLIC,
            now=builders.NOW,
        )
    finally:
        store.close()
