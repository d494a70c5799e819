"""Lays out consents, agreements and memberships for people; see `rendering` for the rules.

console.print(consents(ledger))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from google.protobuf.message import Message
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bonafides.cli.figures import moment, plain
from bonafides.v1 import consent_pb2, enterprise_pb2, ownership_pb2

T = TypeVar("T", bound=Message)

_NOTHING: Final = "Nothing."
_SHOWN_OF_DIGEST: Final = 12
_STATES: Final = {
    "CHALLENGED": "a code was sent; give it with `bonafides confirm`",
    "AWAITING_VOUCHER": "no contact on record; a platform that reports your records can vouch",
    "DISPUTED": "somebody else owns it; staff decide, and the owner was told",
    "GRANTED": "you act for the enterprise",
    "REFUSED": "staff decided against it",
    "EXPIRED": "the code is over; claim anew",
}


def texts(shown: Iterable[consent_pb2.PublishedText]) -> RenderableType:
    """Returns the texts, in full."""
    return table_of(
        shown,
        ("Text", lambda t: t.kind + (" (required)" if t.required else "")),
        ("Version", lambda t: t.version),
        ("In effect", lambda t: moment_in(t, "effective_time")),
        ("SHA-256", lambda t: t.sha256.hex()[:_SHOWN_OF_DIGEST]),
        ("Says", lambda t: "\n".join(part for part in (t.title, t.text) if part)),
    )


def assents(shown: Iterable[consent_pb2.AgreementAssent]) -> RenderableType:
    """Returns what was assented to."""
    return table_of(
        shown,
        ("Text", lambda a: a.kind),
        ("Version", lambda a: a.version),
        ("Assented", lambda a: moment_in(a, "assent_time")),
        ("By", lambda a: a.actor),
    )


def consents(shown: Iterable[consent_pb2.Consent]) -> RenderableType:
    """Returns the ledger."""
    return table_of(
        shown,
        ("Purpose", lambda c: enterprise_pb2.Purpose.Name(c.purpose).removeprefix("PURPOSE_")),
        ("Holds", lambda c: "yes" if c.live else "no"),
        ("Fields", lambda c: ", ".join(c.scope)),
        ("Text", lambda c: c.text_version or "own document"),
        ("Agreed", lambda c: moment_in(c, "grant_time")),
        ("Ends", lambda c: moment_in(c, "expire_time")),
        ("Taken back", lambda c: moment_in(c, "revoke_time")),
        ("About", lambda c: "one submission" if c.submission else "the enterprise"),
    )


def platforms(shown: Iterable[consent_pb2.PlatformAuthorization]) -> RenderableType:
    """Returns the platforms."""
    return table_of(
        shown,
        ("Platform", lambda p: p.platform),
        ("Authorized", lambda p: moment_in(p, "grant_time")),
        ("Taken back", lambda p: moment_in(p, "revoke_time")),
    )


def claims(shown: Iterable[ownership_pb2.OwnershipClaim]) -> RenderableType:
    """Returns claims, and what each state means."""
    return table_of(
        shown,
        ("Claim", lambda c: c.name),
        ("State", _state),
        ("Made", lambda c: moment_in(c, "claim_time")),
        ("Code sent to", lambda c: c.contact),
        ("Code good until", lambda c: moment_in(c, "expire_time")),
        ("Proposed", lambda c: _name(c.proposed) if c.proposed else ""),
    )


def members(shown: Iterable[ownership_pb2.Member]) -> RenderableType:
    """Returns who acts for the enterprise, and who did."""
    return table_of(
        shown,
        ("Member", lambda m: m.name),
        ("Role", lambda m: _role(m.member_role)),
        ("Login", lambda m: f"{m.subject} ({m.issuer})"),
        ("Since", lambda m: moment_in(m, "since_time")),
        ("By", lambda m: m.means.lower()),
        ("Removed", lambda m: moment_in(m, "end_time")),
    )


def invitation(shown: ownership_pb2.Invitation) -> RenderableType:
    """Returns the invitation with its code."""
    return table_of(
        [shown],
        ("Code", lambda i: i.one_time_code),
        ("Role", lambda i: _role(i.member_role)),
        ("Good until", lambda i: moment_in(i, "expire_time")),
    )


def notices(shown: Iterable[ownership_pb2.Notice]) -> RenderableType:
    """Returns what was told."""
    return table_of(
        shown,
        ("When", lambda n: moment_in(n, "notice_time")),
        ("What", lambda n: n.reason),
        ("In words", lambda n: n.description),
    )


def table_of(shown: Iterable[T], *columns: tuple[str, Callable[[T], str]]) -> RenderableType:
    """Returns a table without the columns that no row has a value for."""
    rows = list(shown)
    if not rows:
        return Text(_NOTHING)
    filled = [(title, [cell(row) for row in rows]) for title, cell in columns]
    kept = [(title, cells) for title, cells in filled if any(cells)]
    table = Table(header_style="dim")
    for title, _ in kept:
        table.add_column(title, overflow="fold")
    for number in range(len(rows)):
        table.add_row(*(Text(_plain(cells[number])) for _, cells in kept))
    return table


def _plain(cell: str) -> str:
    return "\n".join(plain(line) for line in cell.split("\n"))


def moment_in(message: Message, field: str) -> str:
    """Returns the moment of a field; empty if it is not set."""
    return moment(getattr(message, field)) if message.HasField(field) else ""


def _state(shown: ownership_pb2.OwnershipClaim) -> str:
    name = _name(shown.state)
    return f"{name}: {_STATES.get(name, '')}"


def _name(state: ownership_pb2.OwnershipClaim.State.ValueType) -> str:
    return ownership_pb2.OwnershipClaim.State.Name(state).removeprefix("STATE_")


def _role(role: ownership_pb2.MemberRole.ValueType) -> str:
    return ownership_pb2.MemberRole.Name(role).removeprefix("MEMBER_ROLE_").lower()
