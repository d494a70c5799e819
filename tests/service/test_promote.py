"""A card comes to be served by its gates alone, is announced where it lowers, and comes back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bonafides.archive.operations import get_archive
from bonafides.instants import DAY, Instant, from_datetime
from bonafides.rating import operations as rating_operations
from bonafides.rating.card import Level
from bonafides.rating.promotions import Promotions
from bonafides.rating.reports import CardName, Evaluation, Move, Shadow, read
from bonafides.rating.scorecard import Scorecard, canonical, champion_version, models_folder
from bonafides.rating.training import labelled
from bonafides.settings import Settings
from bonafides.storage import reviews
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import archive_pb2, disclosure_pb2, rating_pb2
from scripts import evaluate, promote, rollback, seal_card, sign_card
from tests import builders, labelled_rows, promotions
from tests.builders import NOW
from tests.promotions import CHAMPION, written

_RUN = CliRunner()
WHY = ["--approver", "li", "--approver", "wang", "--reason", "tried"]
FALL = Move(builders.code(1).text, Level.A, Level.B, -30)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of cards of one's own, which the settings name."""
    folder = tmp_path / "models"
    shutil.copytree(models_folder(None), folder)
    monkeypatch.setenv("BONAFIDES_MODELS_DIR", str(folder))
    monkeypatch.setenv("BONAFIDES_DATA_DIR", str(tmp_path / "data"))
    return folder


def settings(models: Path, **changes: Any) -> Settings:
    return Settings(models_dir=models, data_dir=models.parent / "data", **changes)


def reports(folder: Path, card: Scorecard, moves: Sequence[Move] = (), **changes: Any) -> list[str]:
    """Writes both reports; returns the options that name them."""
    shadow, evaluation = folder / "shadow.json", folder / "evaluation.json"
    shadow.write_text(written(promotions.shadow(card, moves, **changes)), encoding="utf-8")
    evaluation.write_text(written(promotions.evaluation(card)), encoding="utf-8")
    return ["--shadow", str(shadow), "--evaluation", str(evaluation)]


def asked(options: Sequence[str], version: str = "expert-9") -> promote.Asked:
    shadow, evaluation = Path(options[1]), Path(options[3])
    return promote.Asked(version, ("li", "wang"), "tried", shadow, evaluation, "", check=False)


def refusals(result: Result) -> dict[str, str]:
    """Returns which gates refused, of a command that was asked for JSON."""
    gates = json.loads(result.stdout)["gates"]
    return {each["gate"]: each["told"] for each in gates if not each["passed"]}


def now() -> Instant:
    """The instant by the clock, which scripts look at."""
    return from_datetime(dt.datetime.now(dt.UTC))


@pytest.mark.feature("E6")
def test_a_good_candidate_is_served_and_its_promotion_logged(models: Path, tmp_path: Path) -> None:
    card = promotions.candidate()
    seal_card.write(card, models)
    options = reports(tmp_path, card, now=now())
    checked = _RUN.invoke(promote.app, [card.version, *options, *WHY, "--check"])
    assert checked.exit_code == 0, checked.stderr
    assert champion_version(models) == CHAMPION.version
    done = _RUN.invoke(promote.app, [card.version, *options, *WHY, "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["action"] == "PROMOTED"
    assert champion_version(models) == card.version
    (entry,) = Promotions(models).entries()
    assert (entry.approvers, entry.reason) == (("li", "wang"), "tried")
    assert (entry.from_digest, entry.to_digest) == (CHAMPION.digest, card.digest)
    assert entry.reports == {
        name: read(tmp_path / f"{name}.json", kind).digest
        for name, kind in (("shadow", Shadow), ("evaluation", Evaluation))
    }
    again = _RUN.invoke(promote.app, [card.version, *options, *WHY])
    assert again.exit_code == 1
    assert "is served already" in again.stderr


@pytest.mark.feature("E6")
def test_a_refusal_lists_every_reason_and_changes_nothing(models: Path) -> None:
    card = promotions.candidate(basis="SYNTHETIC")
    seal_card.write(card, models)
    one = ["--approver", "li", "--approver", "LI", "--reason", "tried", "--json"]
    refused = _RUN.invoke(promote.app, [card.version, *one])
    assert refused.exit_code == 1
    assert {"approvers", "evaluation", "auc", "fairness", "shadow"} <= refusals(refused).keys()
    # Asked all the same, on the store and DuckDB.
    assert "golden" not in refusals(refused)
    assert champion_version(models) == CHAMPION.version
    assert Promotions(models).entries() == []


@pytest.mark.feature("L6")
def test_a_card_with_one_bin_against_its_direction_is_not_even_loaded(models: Path) -> None:
    draft = json.loads(promotions.candidate().artifact)
    draft["features"][0]["points"].reverse()
    file = models / "expert-9" / "scorecard.json"
    file.parent.mkdir()
    file.write_bytes(canonical(draft))
    refused = _RUN.invoke(promote.app, ["expert-9", *WHY])
    assert refused.exit_code == 1
    assert "run against the direction" in refused.stderr
    assert champion_version(models) == CHAMPION.version


@pytest.mark.feature("E14")
def test_live_takes_a_signed_card_and_none_that_is_synthetic(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, generated = promotions.candidate(), promotions.candidate("s-1", basis="SYNTHETIC")
    public = tmp_path / "card-public.pem"
    for card in (good, generated):
        seal_card.write(card, models)
    # Signed in the sandbox, where the key is made; live is given the same.
    for version in (CHAMPION.version, "s-1"):
        signed = _RUN.invoke(sign_card.app, [version, "--public-key", str(public)])
        assert signed.exit_code == 0, signed.stderr
    monkeypatch.setenv("BONAFIDES_ENVIRONMENT", "live")
    unset = _RUN.invoke(promote.app, ["s-1", *WHY])
    assert (unset.exit_code, "BONAFIDES_CARD_KEY" in unset.stderr) == (1, True)
    monkeypatch.setenv("BONAFIDES_CARD_KEY", str(public))
    options = reports(tmp_path, generated, now=now())
    refused = _RUN.invoke(promote.app, ["s-1", *options, *WHY, "--json"])
    assert (refused.exit_code, set(refusals(refused))) == (1, {"basis"})
    options = reports(tmp_path, good, now=now())
    unsigned = _RUN.invoke(promote.app, ["expert-9", *options, *WHY, "--json"])
    assert (unsigned.exit_code, set(refusals(unsigned))) == (1, {"signature"})
    assert _RUN.invoke(sign_card.app, ["expert-9"]).exit_code == 0
    done = _RUN.invoke(promote.app, ["expert-9", *options, *WHY])
    assert done.exit_code == 0, done.stderr
    assert champion_version(models) == "expert-9"


@pytest.mark.feature("E6")
def test_falls_are_announced_shown_with_both_levels_and_take_effect_a_month_later(
    store: Store, models: Path, tmp_path: Path
) -> None:
    """Day 0: announced. Day 29: not yet. Day 30, with a shadow of that day: served."""
    fallen, other = builders.code(1), builders.code(2)
    for of in (fallen, other):
        builders.enroll(store, of)
    card = promotions.candidate()
    seal_card.write(card, models)
    given = settings(models)
    options = asked(reports(tmp_path, card, [FALL]))
    told = promote.run(store, given, options, now=NOW)
    assert (told.action, told.exit_code) == ("ANNOUNCED", 3)
    assert told.effective_at == NOW + 30 * DAY
    assert champion_version(models) == CHAMPION.version

    def announced(code: str, at: int) -> rating_pb2.Rating:
        return rating_operations.get_rating(store, CHAMPION, code, now=Instant(at))

    seen = announced(fallen.text, NOW + DAY).announced
    assert (seen.level, seen.model_version) == (rating_pb2.LEVEL_B, card.version)
    assert seen.effective_time.ToMicroseconds() == NOW + 30 * DAY
    assert not announced(other.text, NOW + DAY).HasField("announced")
    views = {}
    for audience in (disclosure_pb2.AUDIENCE_OWNER, disclosure_pb2.AUDIENCE_MEMBER):
        served = get_archive(store, CHAMPION, fallen.text, audience=audience, now=NOW)
        views[audience] = archive_pb2.Archive.FromString(served).rating
    assert views[disclosure_pb2.AUDIENCE_OWNER].announced == seen
    assert not views[disclosure_pb2.AUDIENCE_MEMBER].HasField("announced")
    with store.writing() as work:
        reviews.say(work, fallen.text, reviews.Refusal(refused=True, at=NOW), "owner")
        work.commit()
    assert not announced(fallen.text, NOW + 2 * DAY).HasField("announced")

    for days, action in ((29, "ANNOUNCED"), (30, "PROMOTED")):
        then = Instant(NOW + days * DAY)
        options = asked(reports(tmp_path, card, [FALL], now=then))
        assert promote.run(store, given, options, now=then).action == action
    assert champion_version(models) == card.version
    assert [each.action for each in Promotions(models).entries()] == ["ANNOUNCED", "PROMOTED"]
    later = rating_operations.get_rating(store, card, fallen.text, now=Instant(NOW + 30 * DAY))
    assert not later.HasField("announced")
    assert later.model_version == card.version


@pytest.mark.feature("E6")
def test_a_withdrawn_announcement_is_shown_to_nobody(tmp_path: Path, models: Path) -> None:
    given = settings(models)
    store = Store(given.url)
    store.migrate()
    builders.enroll(store, builders.code(1))
    card = promotions.candidate()
    seal_card.write(card, models)
    assert (
        promote.run(store, given, asked(reports(tmp_path, card, [FALL])), now=NOW).action
        == "ANNOUNCED"
    )
    taken = _RUN.invoke(rollback.app, ["--withdraw", "--approver", "li", "--reason", "refit"])
    assert taken.exit_code == 0, taken.stderr
    rating = rating_operations.get_rating(store, CHAMPION, builders.code(1).text, now=NOW)
    assert not rating.HasField("announced")
    assert champion_version(models) == CHAMPION.version
    again = _RUN.invoke(rollback.app, ["--withdraw", "--approver", "li", "--reason", "refit"])
    assert (again.exit_code, "nothing is announced" in again.stderr) == (1, True)
    store.close()


@pytest.mark.feature("E6", "E5")
def test_a_rollback_serves_the_card_before_at_once_and_says_why(
    models: Path, tmp_path: Path
) -> None:
    command = ["--approver", "li", "--reason", "too strict", "--json"]
    nothing = _RUN.invoke(rollback.app, command)
    assert (nothing.exit_code, "there is none before it" in nothing.stderr) == (1, True)
    for number, card in enumerate((promotions.candidate("v-1"), promotions.candidate("v-2"))):
        seal_card.write(card, models)
        shadow = promotions.shadow(card, now=now())
        if number:
            first = promotions.candidate("v-1")
            shadow = dataclasses.replace(shadow, before=CardName.of(first))
        file = tmp_path / "shadow.json"
        file.write_text(written(shadow), encoding="utf-8")
        done = _RUN.invoke(promote.app, [card.version, "--shadow", str(file), *WHY])
        assert done.exit_code == 0, done.stdout
    # The card that is served may be what is wrong.
    (models / "v-2" / "scorecard.json").write_bytes(b"{}")
    for before in ("v-1", CHAMPION.version):
        assert _RUN.invoke(rollback.app, command).exit_code == 0
        assert champion_version(models) == before
    last = Promotions(models).entries()[-1]
    assert (last.action, last.reason, last.to_digest) == (
        "ROLLED_BACK",
        "too strict",
        CHAMPION.digest,
    )


def test_a_card_that_was_changed_since_it_was_served_does_not_come_back(
    models: Path, tmp_path: Path
) -> None:
    card = promotions.candidate()
    seal_card.write(card, models)
    options = reports(tmp_path, card, now=now())
    assert _RUN.invoke(promote.app, [card.version, *options, *WHY]).exit_code == 0
    changed = promotions.candidate(CHAMPION.version, max_feature_points=999)
    (models / CHAMPION.version / "scorecard.json").write_bytes(changed.artifact)
    refused = _RUN.invoke(rollback.app, ["--approver", "li", "--reason", "tried"])
    assert refused.exit_code == 1
    assert "is not the card that was served" in refused.stderr
    assert champion_version(models) == card.version


@pytest.mark.feature("E6", "E12")
def test_evaluate_writes_what_promotion_reads_and_prints_fairness(
    models: Path, tmp_path: Path
) -> None:
    table, report = tmp_path / "rows.parquet", tmp_path / "evaluation.json"
    labelled.write(labelled_rows.rows(), table)
    card = promotions.candidate(basis="SYNTHETIC")
    seal_card.write(card, models)
    arguments = [str(models / card.version), str(table), "--report", str(report)]
    printed = _RUN.invoke(evaluate.app, arguments)
    assert printed.exit_code == 0, printed.stderr
    for heading in ("Quality", "Calibration", "Drift", "Fairness", "Boosting"):
        assert heading in printed.stdout
    told = read(report, Evaluation).report
    assert (told.candidate.digest, told.champion.digest) == (card.digest, CHAMPION.digest)
    alone = _RUN.invoke(evaluate.app, [*arguments, "--fairness"])
    assert "Fairness" in alone.stdout
    assert "Quality" not in alone.stdout
    as_json = _RUN.invoke(evaluate.app, [*arguments, "--json"])
    assert as_json.stdout == report.read_text(encoding="utf-8")
    shadow = tmp_path / "shadow.json"
    shadow.write_text(written(promotions.shadow(card, now=now())), encoding="utf-8")
    options = ["--evaluation", str(report), "--shadow", str(shadow)]
    done = _RUN.invoke(promote.app, [card.version, *options, *WHY, "--json"])
    assert done.exit_code == 0, done.stdout


@pytest.mark.parametrize("name", ["shadow", "evaluation"])
def test_a_report_of_another_form_is_refused_by_its_member(
    models: Path, tmp_path: Path, name: str
) -> None:
    card = promotions.candidate()
    seal_card.write(card, models)
    options = reports(tmp_path, card, now=now())
    file = tmp_path / f"{name}.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    del told[{"shadow": "before", "evaluation": "candidate"}[name]]
    file.write_text(json.dumps(told), encoding="utf-8")
    refused = _RUN.invoke(promote.app, [card.version, *options, *WHY])
    assert refused.exit_code == 1
    assert "make the report anew" in " ".join(refused.stderr.split())


@pytest.mark.usefixtures("models")
def test_words_that_a_log_can_not_hold_are_wrong_usage() -> None:
    for why in (
        ["--approver", "", "--reason", "tried"],
        ["--approver", "li", "--reason", ""],
        ["--approver", "li\n", "--reason", "tried"],
        ["--approver", "li", "--reason", "x" * 501],
    ):
        assert _RUN.invoke(promote.app, ["expert-9", *why]).exit_code == 2
