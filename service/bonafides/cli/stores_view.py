"""Shows stores to people, as tables of a terminal.

session.answer(shown, stores(shown))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bonafides.cli.figures import day, plain
from bonafides.v1 import archive_pb2, record_pb2, record_service_pb2

_COLUMNS: Final = ("Link", "Store", "From", "To", "Proof", "How it stands")
_AUTHENTICATIONS: Final = {
    record_pb2.StoreAuthentication.KIND_LICENSE: "licence",
    record_pb2.StoreAuthentication.KIND_REPRESENTATIVE: "representative",
    record_pb2.StoreAuthentication.KIND_BANK_ACCOUNT: "bank account",
    record_pb2.StoreAuthentication.KIND_SITE_VISIT: "visit",
}
_STANDINGS: Final = {
    archive_pb2.Store.STANDING_STANDS: "counts",
    archive_pb2.Store.STANDING_CONTESTED: "contested: another enterprise had it before",
    archive_pb2.Store.STANDING_REJECTED: "decided not to be the enterprise's",
    archive_pb2.Store.STANDING_OVERDUE: "dispute not decided in time: does not count",
}
_PROOFS: Final = {
    record_pb2.STORE_PROOF_LICENSE_ON_FILE: "licence on file",
    record_pb2.STORE_PROOF_PAYMENT_ACCOUNT: "payment account",
    record_pb2.STORE_PROOF_AUTHENTICATED_ON_PLATFORM: "authenticated on the platform",
    record_pb2.STORE_PROOF_SELF_DECLARED: "declared by the store",
}


def stores(shown: record_service_pb2.ListStoresResponse) -> RenderableType:
    """Returns a table for each platform."""
    parts: list[RenderableType] = []
    for file in shown.platforms:
        parts.append(Text(f"\nPlatform {plain(file.platform)}", style="bold"))
        if file.main_category:
            parts.append(Text(f"Main category: {plain(file.main_category)}"))
        parts.append(table(file.stores))
    return Group(*parts) if parts else Text("No platform says that a store is the enterprise's.")


def store(shown: archive_pb2.Store) -> RenderableType:
    """Returns a table of one store."""
    return table([shown])


def table(shown: Iterable[archive_pb2.Store]) -> Table:
    """Returns a table of stores, in the order given. What came from outside is never markup."""
    made = Table(header_style="dim")
    for column in _COLUMNS:
        made.add_column(column, overflow="fold")
    for each in shown:
        cells = (
            (each.link_id, each.code),
            (each.title, each.store_id, each.category, each.address),
            (day(each.open_date) if each.HasField("open_date") else "not known",),
            (day(each.close_date) if each.HasField("close_date") else "no end",),
            tuple(_proofs(each)),
            (_stands(each),),
        )
        made.add_row(*(_lines(cell) for cell in cells))
    return made


def _lines(texts: Iterable[str]) -> Text:
    return Text("\n".join(plain(text) for text in texts if text) or "–")


def _proofs(shown: archive_pb2.Store) -> Iterable[str]:
    yield _PROOFS.get(shown.proof, "not told" if shown.proof <= 1 else f"proof {shown.proof}")
    if shown.evidence_sha256:
        yield f"evidence {shown.evidence_sha256.hex()[:16]}"
    for each in shown.authentications:
        kind = _AUTHENTICATIONS.get(each.kind, f"kind {each.kind}")
        when = day(each.authenticate_date) if each.HasField("authenticate_date") else "not told"
        yield f"{kind} checked {when}"


def _stands(shown: archive_pb2.Store) -> str:
    told = ["open" if shown.open else "not open", _STANDINGS.get(shown.standing, "not known")]
    if shown.disputed:
        told.append("disputed")
    if shown.HasField("decision_due_date"):
        told.append(f"decision due {day(shown.decision_due_date)}")
    if shown.claimed_by_another:
        told.append("also given to another enterprise")
    return "; ".join(told)
