"""Lays out holdings, corrections, erasures and the queue for people.

See `rendering` for the rules.

    console.print(queue(items))
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from bonafides.cli.figures import day, moment, plain
from bonafides.cli.rendering_agreed import table_of
from bonafides.v1 import rights_pb2, rights_service_pb2


def holdings(shown: rights_pb2.Holdings) -> RenderableType:
    """Returns what is held, submission by submission."""
    parts: list[RenderableType] = []
    for told in shown.submissions:
        parts.append(Text(plain(f"{told.submission}, held since {moment(told.submit_time)}")))
        if told.HasField("erase_time"):
            parts.append(Text(f"Erased at {moment(told.erase_time)}."))
        elif not told.readable:
            parts.append(Text("Nobody may read the values any more."))
        fields = table_of(
            told.fields,
            ("Field", lambda f: f.field),
            ("Held", lambda f: f.masked),
            ("May be used for", lambda f: ", ".join(f.purposes) or "nothing"),
            ("Until", _until),
        )
        asked = table_of(
            told.sources,
            ("Source asked", lambda s: s.source),
            ("When", lambda s: moment(s.ask_time)),
            ("Answered", lambda s: "yes" if s.answered else "no"),
        )
        parts += [*([fields] if told.fields else []), *([asked] if told.sources else [])]
    return Group(*parts)


def buyer_holdings(shown: rights_service_pb2.GetBuyerHoldingsResponse) -> RenderableType:
    """Returns what is held of a buyer: by kind, record by record, and for what."""
    if not shown.kinds:
        return Text("No record names this buyer.")
    kinds = table_of(
        shown.kinds,
        ("Kind", lambda k: k.kind),
        ("Records", lambda k: str(k.records)),
        ("Revisions", lambda k: str(k.revisions)),
        ("From", lambda k: day(k.first_date)),
        ("To", lambda k: day(k.last_date)),
    )
    records = table_of(
        shown.records,
        ("Enterprise", lambda r: r.parent),
        ("Kind", lambda r: r.kind),
        ("Record", lambda r: r.record_id),
        ("Day", lambda r: day(r.date)),
        ("Counts", lambda r: "no" if r.superseded else "yes"),
    )
    uses = table_of(shown.uses, ("Used for", lambda u: u.use), ("That is", lambda u: u.description))
    return Group(kinds, records, uses)


def corrections(shown: Iterable[rights_pb2.Correction]) -> RenderableType:
    """Returns cases, with their rulings."""
    return table_of(
        shown,
        ("Case", lambda c: c.name),
        ("About", _about),
        ("Wrong", lambda c: c.wrong),
        ("Right", lambda c: c.right),
        ("State", lambda c: _state(c.state)),
        ("Due", lambda c: day(c.due_date)),
        ("Rulings", lambda c: "\n".join(map(_ruling, c.rulings))),
    )


def erasure(shown: rights_pb2.Erasure) -> RenderableType:
    """Returns what was erased, and what stays and why."""
    done = Text(plain(f"{shown.submission}: erased at {moment(shown.erase_time)}"))
    stays = table_of(
        shown.retained, ("Stays", lambda r: r.what), ("Because it is", lambda r: r.description)
    )
    return Group(done, Text(f"Gone: {', '.join(shown.erased)}"), stays)


def queue(shown: Iterable[rights_pb2.QueueItem]) -> RenderableType:
    """Returns what waits."""
    return table_of(
        shown,
        ("Due", lambda i: day(i.due_date) + (" OVERDUE" if i.overdue else "")),
        ("Kind", lambda i: rights_pb2.QueueItem.Kind.Name(i.kind).removeprefix("KIND_")),
        ("Waits", lambda i: f"{i.age_days} days"),
        ("Four eyes", lambda i: "yes" if i.four_eyes else ""),
        ("What", lambda i: i.name),
    )


def _until(field: rights_pb2.HeldField) -> str:
    if field.HasField("keep_until_time"):
        return moment(field.keep_until_time)
    return "taken back or erased"


def _about(case: rights_pb2.Correction) -> str:
    target = case.target
    match target.WhichOneof("target"):
        case "fact":
            return " ".join(filter(None, (target.fact.kind, target.fact.item)))
        case "record":
            return f"{target.record.platform} {target.record.kind} {target.record.record_id}"
        case "override":
            return f"level set by people, {target.override.override}"
    return f"{target.check.check} of {target.check.submission}"


def _ruling(told: rights_pb2.CorrectionRuling) -> str:
    applied = ", applied" if told.applied else ""
    return f"{moment(told.rule_time)} {_state(told.outcome)}{applied}: {told.reason}"


def _state(state: rights_pb2.Correction.State.ValueType) -> str:
    return rights_pb2.Correction.State.Name(state).removeprefix("STATE_")
