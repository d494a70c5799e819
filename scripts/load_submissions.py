"""Submits identities from a file, in bulk, as an operator does for enterprises that asked.

Each line is one `bonafides.v1.SubmitIdentityRequest` in protobuf's JSON mapping. The
same rules hold as for the call: every faulty field of a line is named, never with its
value; the request id makes a repetition harmless; the sources decide. Only the daily
limit of one submitter is raised to the size of the file. What is submitted here can
be followed by staff.

    python scripts/load_submissions.py sample/submissions.jsonl

Exit code 1: one line or more was refused; the others were submitted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer
from google.protobuf.json_format import Parse, ParseError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import served_card
from bonafides.errors import (
    BonafidesError,
    FieldViolation,
    InvalidFieldsError,
    StoreUnavailableError,
)
from bonafides.identity.claims import read_claims
from bonafides.identity.operations import Desk, submit
from bonafides.identity.submission import Claims
from bonafides.instants import Instant, from_datetime
from bonafides.keys import load_or_create
from bonafides.once import Request
from bonafides.personal.sealing import Vault
from bonafides.rpc.validation import violations
from bonafides.settings import Settings
from bonafides.sourcing import evidence_sources, magic
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import identity_service_pb2 as service
from scripts.operating import DataDir, opened, read_settings, telling

SUBMITTER: Final = "operator|load_submissions"
# A request is 256 KiB at most on the wire; JSON needs more room for the same.
_MOST_CHARACTERS: Final = 1 << 20
# Refused lines that a person reads; the rest is counted.
_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not submitted, from 1, and every fault of it."""

    line: int
    faults: tuple[FieldViolation, ...]


@dataclass(slots=True)
class Report:
    """How many submissions are in which state now, and which lines were refused."""

    states: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)


def main(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Submits the identities of a file and says what became of them."""
    with telling("Nothing was submitted"):
        report = load(read_settings(data_dir), file, now=from_datetime(dt.datetime.now(dt.UTC)))
    for state, count in sorted(report.states.items()):
        Console().print(f"{count} {state}")
    if report.refusals:
        Console(stderr=True).print(_table(report.refusals))
        raise typer.Exit(1)


def load(settings: Settings, file: Path, *, now: Instant) -> Report:
    """Submits every line of the file.

    Raises:
        SettingsError: the keys are missing or not fit for this environment.
        StoreUnavailableError: the database can't be reached; run it again.
    """
    keys = load_or_create(settings)
    report = Report()
    with opened(settings) as store, Progress(console=Console(stderr=True)) as progress:
        total = sum(1 for _ in _lines(file))
        desk = _desk(settings, store, Vault(keys.kek, settings.environment), most=total)
        for number, line in progress.track(_lines(file), total, description="Submitting"):
            _submit_line(desk, line, number, report, now=now)
    return report


def _desk(settings: Settings, store: Store, vault: Vault, *, most: int) -> Desk:
    return Desk(
        store=store,
        vault=vault,
        sources=evidence_sources(settings, store, vault),
        card=served_card(settings),
        agreement_version=settings.agreement_version,
        # The limit is there against strangers who try codes out; this is staff.
        # What was submitted in earlier runs counts too, as repetitions do not.
        submissions_per_day=settings.submissions_per_day + 10 * most,
        verification_days=settings.verification_days,
        source_seconds=settings.source_seconds,
        sandbox=magic(settings),
    )


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    with file.open(encoding="utf-8") as opened:
        for number, line in enumerate(opened, start=1):
            if line.strip():
                yield number, line


def _submit_line(desk: Desk, line: str, number: int, report: Report, *, now: Instant) -> None:
    try:
        request = _request(line)
        status = submit(
            desk,
            _claims(request, now),
            submitter=SUBMITTER,
            request=Request(
                str(uuid.UUID(request.request_id)),
                hashlib.sha256(request.SerializeToString(deterministic=True)).digest(),
            ),
            now=now,
        )
    except InvalidFieldsError as fault:
        report.refusals.append(Refusal(number, fault.violations))
    except StoreUnavailableError:
        raise
    except BonafidesError as fault:
        told = FieldViolation("request", type(fault).__name__, str(fault))
        report.refusals.append(Refusal(number, (told,)))
    else:
        report.states[status.state.name] += 1


def _claims(request: service.SubmitIdentityRequest, now: Instant) -> Claims:
    """Returns the claims of the request.

    Raises:
        InvalidFieldsError: with all faults of shape and meaning, each field's once.
    """
    faults = violations(request)
    try:
        claims = read_claims(request.claims, now=now)
    except InvalidFieldsError as fault:
        told = {violation.field for violation in faults}
        meant = tuple(each for each in fault.violations if each.field not in told)
        raise InvalidFieldsError(faults + meant) from None
    if faults:
        raise InvalidFieldsError(faults)
    return claims


def _request(line: str) -> service.SubmitIdentityRequest:
    """Returns the request of the line; its fields are not looked at yet.

    Raises:
        InvalidFieldsError: it is no such JSON.
    """
    if len(line) > _MOST_CHARACTERS:
        raise _faulty("TOO_LARGE", "Is larger than any submission; send no documents in it.")
    try:
        return Parse(line, service.SubmitIdentityRequest())
    except ParseError:
        # The library's own text repeats the value.
        raise _faulty(
            "NOT_JSON", "Is not a SubmitIdentityRequest in protobuf's JSON mapping."
        ) from None


def _faulty(reason: str, description: str) -> InvalidFieldsError:
    return InvalidFieldsError((FieldViolation("request", reason, description),))


def _table(refusals: list[Refusal]) -> Table:
    table = Table("line", "field", "reason", "what to do", title=f"{len(refusals)} refused")
    for refusal in refusals[:_SHOWN]:
        for fault in refusal.faults:
            table.add_row(str(refusal.line), fault.field, fault.reason, fault.description)
    if len(refusals) > _SHOWN:
        table.caption = f"The first {_SHOWN} are shown."
    return table


if __name__ == "__main__":
    typer.run(main)
