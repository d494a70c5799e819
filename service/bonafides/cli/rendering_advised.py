"""Lays out advice and simulations for people; see `rendering` for the rules.

console.print(advice(told))
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from bonafides.cli import layout
from bonafides.cli.figures import LEVELS, count, day, moment, plain, word
from bonafides.cli.rendering import explained
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1 import rating_pb2


def advice(shown: rating_pb2.Advice) -> RenderableType:
    """Returns the ways to the next level, and what time alone does."""
    ways = table_of(
        shown.paths,
        ("What to do", lambda path: "\n".join(map(_step, path.steps))),
        ("On", lambda path: day(path.earliest_date)),
        ("Reaches", lambda path: f"{word(LEVELS, path.level)}, {count(path.score)} points"),
    )
    alone = day(shown.time_alone_date) if shown.HasField("time_alone_date") else "does not"
    return Group(
        layout.title("What would raise the level"),
        layout.facts(
            ("Resource", shown.name or None),
            ("As of", moment(shown.as_of_time)),
            ("Model version", shown.model_version or None),
            ("Level by points and rules", word(LEVELS, shown.level)),
            ("Next level", word(LEVELS, shown.target_level) if shown.target_level else "none"),
            ("Time alone reaches it", alone),
            ("Looked ahead", f"{count(shown.horizon_days)} days"),
        ),
        *([ways] if shown.paths else []),
        Text(plain(shown.text_zh)),
        Text(plain(shown.text_en)),
    )


def simulation(shown: rating_pb2.Simulation) -> RenderableType:
    """Returns the level as it would be, with its explanation."""
    return Group(
        layout.title("If this were done today", shown.name),
        layout.facts(
            ("Steps", ", ".join(map(_name, shown.steps)) or "none"), ("On", day(shown.date))
        ),
        explained(shown.rating),
    )


def _step(shown: rating_pb2.AdviceStep) -> str:
    begins = f"begin with: {shown.command}" if shown.command else ""
    parts = (_name(shown.step), shown.text_zh, shown.text_en, begins)
    return "\n".join(part for part in parts if part)


def _name(step: rating_pb2.Step.ValueType) -> str:
    known = rating_pb2.Step.Name(step) if step in rating_pb2.Step.values() else f"step {step}"
    return known.removeprefix("STEP_").lower().replace("_", "-")
