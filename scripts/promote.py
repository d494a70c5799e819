"""Makes a sealed scorecard the one that is served, if every gate lets it through.

    python scripts/promote.py expert-3 --shadow shadow.json --evaluation evaluation.json
        --approver li --approver wang --reason "refit on the outcomes of 2027"

Asked first, changing nothing, with --check. The gates, their bounds and what each report
is made of are in docs/promotion.md. A refusal lists every reason. Where the card alone
makes enterprises fall, this is announced first: each sees both levels beside its own, and
the card takes effect when the command is given again 30 days later, with a new shadow.
Servers that run take the card up within a second; afterwards run scripts/rerate.py.

Exit codes: 0 promoted, or --check found nothing; 1 refused; 2 wrong usage; 3 announced,
and not promoted yet.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import served_card, trusted_card_key
from bonafides.instants import DAY, Instant, from_datetime
from bonafides.rating import bulk, gates, reports, signature
from bonafides.rating.gates import ANNOUNCED_DAYS, Announcement, Case, Verdict
from bonafides.rating.promotions import Entry, PromotionError, Promotions
from bonafides.rating.reports import Evaluation, ReportError, Shadow
from bonafides.rating.scorecard import Scorecard, ScorecardError, is_version, load, models_folder
from bonafides.settings import Settings
from bonafides.storage.engines import DuckDb, EngineError, Native
from bonafides.storage.unit_of_work import Store
from scripts.bulk_engines import Spark, remote
from scripts.operating import AsJson, DataDir, opened, read_settings, telling
from scripts.promoting import Reason, announce, forget, instant_of, require_words, text_of

_REFUSED: Final = 1
_ANNOUNCED: Final = 3

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, and by whom."""

    version: str
    approvers: tuple[str, ...]
    reason: str
    shadow: Path | None
    evaluation: Path | None
    spark: str
    check: bool


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports that were given. None: none was."""

    evaluation: reports.Read[Evaluation] | None
    shadow: reports.Read[Shadow] | None

    @classmethod
    def of(cls, asked: Asked) -> Reports:
        """Returns the reports in the files that were named.

        Raises:
            ReportError: one can't be used.
        """
        return cls(
            reports.read(asked.evaluation, Evaluation) if asked.evaluation else None,
            reports.read(asked.shadow, Shadow) if asked.shadow else None,
        )

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file that was given, by its name."""
        told = {"evaluation": self.evaluation, "shadow": self.shadow}
        return {name: each.digest for name, each in told.items() if each is not None}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gates told, and what was done. `effective_at`: of what is announced."""

    action: Literal["PROMOTED", "ANNOUNCED", "REFUSED", "CHECKED"]
    verdicts: Sequence[Verdict]
    effective_at: Instant | None = None

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        refused = any(not verdict.passed for verdict in self.verdicts)
        if self.action == "ANNOUNCED":
            return _ANNOUNCED
        return _REFUSED if refused else 0


@app.command()
def main(
    version: Annotated[str, typer.Argument(help="The sealed version, such as expert-3.")],
    *,
    approver: Annotated[
        list[str], typer.Option(help="Login of one who approves; give two different ones.")
    ],
    reason: Reason,
    shadow: Annotated[
        Path | None, typer.Option(help="Report of rerate.py --dry-run --card --shadow.")
    ] = None,
    evaluation: Annotated[Path | None, typer.Option(help="Report of evaluate.py.")] = None,
    spark: Spark = "",
    check: Annotated[bool, typer.Option("--check", help="Ask the gates; change nothing.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Makes a sealed scorecard the one that is served, if every gate lets it through."""
    require_words(approver, reason)
    asked = Asked(version, tuple(approver), reason, shadow, evaluation, spark, check)
    now = from_datetime(dt.datetime.now(dt.UTC))
    with telling("Not promoted", EngineError, PromotionError, ReportError, OSError):
        settings = read_settings(data_dir)
        with opened(settings) as store:
            answer = run(store, settings, asked, now=now)
    _print(answer, asked, as_json=as_json)
    if answer.exit_code:
        raise typer.Exit(answer.exit_code)


def run(store: Store, settings: Settings, asked: Asked, *, now: Instant) -> Answer:
    """Asks every gate, and then promotes, announces or refuses.

    Raises:
        EngineError: an engine can't be asked.
        PromotionError: the log or the folder can't be used.
        ReportError: a report can't be used.
        ScorecardError: there is no such version, it can't be used, or is served already.
    """
    promotions = Promotions(models_folder(settings.models_dir))
    read = Reports.of(asked)
    case = _case(store, settings, asked, read, now=now)
    verdicts = gates.judge(case)
    refused = {verdict.gate for verdict in verdicts if not verdict.passed}
    if asked.check:
        return Answer("CHECKED", verdicts)
    if refused - {gates.announced.__name__}:
        return Answer("REFUSED", verdicts)
    entry = _entry(case, asked, verdicts, read.digests)
    if refused:
        return Answer("ANNOUNCED", verdicts, _announce(store, promotions, case, entry))
    promotions.write(entry)
    # Archives are refreshed when all are rated anew: the servers still have the old card.
    forget(store)
    return Answer("PROMOTED", verdicts)


def golden_on_engines(store: Store, card: Scorecard, spark: str) -> dict[str, list[int]]:
    """Returns, by engine, which golden rows it scores otherwise.

    The store's own SQL and DuckDB; Spark where an endpoint is given.

    Raises:
        EngineError: one can't be asked.
    """
    # Temporary tables alone, and never committed.
    with store.writing() as work:
        found = {"store": bulk.golden_differences(Native(work), card)}
    with DuckDb() as duck:
        found["duckdb"] = bulk.golden_differences(duck, card)
    if spark:
        with remote(spark) as session:
            found["spark"] = bulk.golden_differences(session, card)
    return found


def _announce(store: Store, promotions: Promotions, case: Case, entry: Entry) -> Instant:
    """Announces the falls, or brings up to date who falls; returns from when on they may."""
    falls = case.shadow.falls if case.shadow else ()
    if gates.is_announced(case) and case.announcement is not None:
        effective_at = case.announcement.effective_at
    else:
        effective_at = Instant(case.now + ANNOUNCED_DAYS * DAY)
        announced = {"action": "ANNOUNCED", "effective_time": text_of(effective_at)}
        promotions.write(entry.model_copy(update=announced))
    cards = (case.champion, case.candidate)
    announce(store, cards, falls, (case.now, effective_at))
    return effective_at


def _case(
    store: Store,
    settings: Settings,
    asked: Asked,
    read: Reports,
    *,
    now: Instant,
) -> Case:
    folder = models_folder(settings.models_dir)
    served, candidate = served_card(settings), _candidate(folder, asked.version)
    if candidate.digest == served.digest:
        raise ScorecardError(str(folder), candidate.version, "is served already")
    return Case(
        candidate=candidate,
        champion=served,
        environment=settings.environment,
        approvers=asked.approvers,
        now=now,
        evaluation=read.evaluation.report if read.evaluation else None,
        shadow=read.shadow.report if read.shadow else None,
        shadow_at=_instant(read.shadow.report) if read.shadow else None,
        golden=golden_on_engines(store, candidate, asked.spark),
        signed=_signed(settings, candidate),
        announcement=_announcement(Promotions(folder)),
    )


def _candidate(folder: Path, version: str) -> Scorecard:
    if not is_version(version):
        raise ScorecardError(str(folder), version, "is no version, such as expert-1")
    return load(folder, version)


def _signed(settings: Settings, card: Scorecard) -> bool | None:
    key = trusted_card_key(settings)
    return None if key is None else signature.is_good(card.artifact, card.signature, key)


def _instant(shadow: Shadow) -> Instant:
    try:
        return instant_of(shadow.as_of_time)
    except ValueError:
        raise ReportError("the shadow's as_of_time is no time; make it anew") from None


def _announcement(promotions: Promotions) -> Announcement | None:
    entry = promotions.announcement()
    if entry is None:
        return None
    return Announcement(entry.to_digest, entry.from_digest, instant_of(entry.effective_time))


def _entry(case: Case, asked: Asked, verdicts: Sequence[Verdict], digests: dict[str, str]) -> Entry:
    return Entry(
        action="PROMOTED",
        time=text_of(case.now),
        from_version=case.champion.version,
        from_digest=case.champion.digest,
        to_version=case.candidate.version,
        to_digest=case.candidate.digest,
        approvers=asked.approvers,
        reason=asked.reason,
        reports=digests,
        verdicts={verdict.gate: verdict.told for verdict in verdicts},
    )


def _print(answer: Answer, asked: Asked, *, as_json: bool) -> None:
    effective = "" if answer.effective_at is None else text_of(answer.effective_at)
    if as_json:
        told = {
            "action": answer.action,
            "version": asked.version,
            "effective_time": effective,
            "gates": [
                {"gate": verdict.gate, "passed": verdict.passed, "told": verdict.told}
                for verdict in answer.verdicts
            ],
        }
        typer.echo(json.dumps(told))
        return
    table = Table("gate", "", "figure and bound", title=f"{asked.version}: {answer.action}")
    for verdict in answer.verdicts:
        table.add_row(verdict.gate, "holds" if verdict.passed else "REFUSES", verdict.told)
    console = Console()
    console.print(table)
    match answer.action:
        case "PROMOTED":
            console.print(
                "Servers take it up within a second. Now run scripts/rerate.py.", markup=False
            )
        case "ANNOUNCED":
            console.print(
                f"Announced. Not before {effective}: then give the command again, with a"
                " new shadow.",
                markup=False,
            )
        case _:
            console.print("Nothing was changed.", markup=False)


if __name__ == "__main__":
    app()
