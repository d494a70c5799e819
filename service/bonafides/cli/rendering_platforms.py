"""Lays out what platforms read in bulk, decide and ask, for people.

See `rendering` for the rules.

    console.print(decisions(found))
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType

from bonafides.cli import figures, layout
from bonafides.cli.figures import moment, word
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1 import platform_pb2, purpose_pb2, rating_pb2


def answers(shown: Iterable[platform_pb2.ArchiveAnswer]) -> RenderableType:
    """Returns the answers of a batch."""
    return table_of(
        shown,
        ("Archive", lambda a: a.name),
        ("Name", lambda a: a.archive.registration.title),
        ("Level", lambda a: _level(a.archive.rating.level)),
        ("Etag", lambda a: a.etag),
        ("Revision", lambda a: str(a.revision or "")),
        ("Show until", lambda a: layout.moment_of(a, "valid_until_time") or ""),
        ("Held", lambda a: "still good" if a.not_modified else ""),
        ("Fault", lambda a: a.description),
    )


def changes(shown: Iterable[platform_pb2.ChangedArchive]) -> RenderableType:
    """Returns what changed."""
    return table_of(
        shown,
        ("Archive", lambda c: c.name),
        ("Changed", lambda c: moment(c.change_time)),
        ("Etag", lambda c: c.etag),
        ("Revision", lambda c: str(c.revision)),
        ("Levels that were wrong", lambda c: "\n".join(map(_corrected, c.corrected_levels))),
    )


def decisions(shown: Iterable[platform_pb2.PlatformDecision]) -> RenderableType:
    """Returns what platforms decided."""
    outcomes = platform_pb2.PlatformDecision.Outcome
    purposes = purpose_pb2.ReadPurpose
    return table_of(
        shown,
        ("Decision", lambda d: d.name),
        ("Platform", lambda d: d.platform),
        ("Outcome", lambda d: outcomes.Name(d.outcome).removeprefix("OUTCOME_")),
        ("For", lambda d: purposes.Name(d.purpose).removeprefix("READ_PURPOSE_")),
        ("Why", lambda d: d.reason),
        ("Level", lambda d: _level(d.level)),
        ("Etag", lambda d: d.archive_etag),
        ("Recorded", lambda d: moment(d.record_time)),
    )


def inquiries(shown: Iterable[platform_pb2.Inquiry]) -> RenderableType:
    """Returns what platforms asked."""
    kinds = platform_pb2.Inquiry
    return table_of(
        shown,
        ("Inquiry", lambda i: i.name),
        ("Platform", lambda i: i.platform),
        ("Asks for", lambda i: kinds.Kind.Name(i.kind).removeprefix("KIND_")),
        ("In its words", lambda i: i.text),
        ("State", lambda i: kinds.State.Name(i.state).removeprefix("STATE_")),
        ("Until", lambda i: moment(i.deadline_time)),
        ("Answer", lambda i: i.answer),
        ("Copy", lambda i: i.document_sha256.hex()),
    )


def masks(shown: Iterable[platform_pb2.PlatformMask]) -> RenderableType:
    """Returns what platforms are not shown."""
    return table_of(
        shown,
        ("Mask", lambda m: m.name),
        ("Version", lambda m: str(m.version)),
        ("Withheld", lambda m: "\n".join(m.withheld_paths)),
        ("Why", lambda m: m.reason),
        ("Set", lambda m: layout.moment_of(m, "set_time") or ""),
        ("By", lambda m: m.set_by),
    )


def _corrected(told: platform_pb2.CorrectedLevel) -> str:
    levels = f"{_level(told.shown_level)}, should have been {_level(told.restored_level)}"
    return f"{levels}, {moment(told.begin_time)} to {moment(told.end_time)}"


def _level(level: rating_pb2.Level.ValueType) -> str:
    return word(figures.LEVELS, level) if level else ""
