"""Lays out what became of a submission, and a copy of a licence, for people.

Every field that the answer holds is printed, as in `rendering`.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from bonafides.cli import figures, layout
from bonafides.cli.figures import count, word
from bonafides.v1 import document_pb2, enterprise_pb2


def submission(shown: enterprise_pb2.Submission) -> RenderableType:
    """Returns where the submission stands, what to do, and how it came there."""
    state, meaning = figures.STATES.get(shown.state, (f"state {shown.state}", ""))
    parts: list[RenderableType] = [
        layout.title("Submission", shown.name),
        layout.facts(
            ("State", state),
            ("This means", meaning or None),
            ("Submitted", layout.moment_of(shown, "submit_time")),
            ("Asked again", layout.moment_of(shown, "recheck_time")),
            ("Verified until", layout.moment_of(shown, "expire_time")),
            ("Licence's copy", shown.license_document or None),
            ("Changes", shown.amends or None),
        ),
    ]
    if shown.checks:
        parts += [layout.heading("Checks"), _checks(shown.checks)]
    if shown.depths:
        told = ((figures.DEPTHS, each.depth, each.outcome) for each in shown.depths)
        rows = [(word(names, depth), word(figures.OUTCOMES, found)) for names, depth, found in told]
        parts += [layout.heading("At each depth"), layout.facts(*rows)]
    if shown.changes:
        parts += [layout.heading("What it changes"), _announced(shown.changes)]
    if shown.supplies:
        supplied = [(each.field, each.supplier) for each in shown.supplies]
        parts += [layout.heading("Who supplied it"), layout.facts(*supplied)]
    if shown.findings:
        found = [(finding.reason, finding.description) for finding in shown.findings]
        parts += [layout.heading("Worth knowing (refuses nothing)"), layout.facts(*found)]
    if shown.history:
        parts += [layout.heading("History"), _history(shown.history)]
    return Group(*parts)


def document(shown: document_pb2.Document) -> RenderableType:
    """Returns what is known of a copy of a licence, and how a submission names it."""
    digest = shown.name.rpartition("/")[2]
    parts: list[RenderableType] = [
        layout.title("Copy of a licence", shown.name),
        layout.facts(
            ("SHA-256", digest),
            ("Type", shown.media_type),
            ("Size", f"{count(shown.size_bytes)} bytes"),
            ("Uploaded", layout.moment_of(shown, "upload_time")),
            ("Deleted", layout.moment_of(shown, "delete_time")),
            *(("Named by", name) for name in shown.submissions),
        ),
    ]
    if shown.findings:
        found = [(finding.reason, finding.description) for finding in shown.findings]
        parts += [layout.heading("Worth knowing (refuses nothing)"), layout.facts(*found)]
    if not shown.submissions:
        parts.append(
            Text(
                "\nSubmit with the same file in --license-copy, and the submission names this copy."
            )
        )
    return Group(*parts)


def _announced(shown: Iterable[enterprise_pb2.AnnouncedChange]) -> RenderableType:
    table = layout.table("Field", "Before", "After")
    for change in shown:
        layout.add_row(table, change.field, change.before, change.after)
    return table


def _checks(shown: Iterable[enterprise_pb2.CheckResult]) -> RenderableType:
    table = layout.table("Check", "Outcome", "Source", "What to do")
    for check in shown:
        layout.add_row(
            table,
            check.check,
            f"{word(figures.OUTCOMES, check.outcome)} {figures.NOTES.get(check.note, check.note)}",
            layout.provenance(check.provenance) or "",
            layout.lines(check.remedy, layout.mark(disputed=check.disputed)),
        )
    return table


def _history(shown: Iterable[enterprise_pb2.Transition]) -> RenderableType:
    table = layout.table("When", "State", "Why")
    for step in shown:
        state, _ = figures.STATES.get(step.state, (f"state {step.state}", ""))
        layout.add_row(table, layout.moment_of(step, "transition_time") or "", state, step.reason)
    return table
