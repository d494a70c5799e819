"""Lists disputed links of stores, and rules on one: upheld, or rejected.

    python scripts/decide_store_link.py list
    python scripts/decide_store_link.py show CODE 1688 LINK_ID
    python scripts/decide_store_link.py rule CODE 1688 LINK_ID rejected --by li --reason "..."

A ruling takes effect at once, in statistics, levels and views. It is never deleted: rule
again to reverse it; the last one holds, for later revisions of the link too. Whoever
disputed a link, or entered it, doesn't rule on it. Two enterprises with one store are
two links: rule on each that is to change. Exit codes: 0 done, 1 refused or failed, 2
wrong usage.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.console import Console

from bonafides.card_keys import served_card
from bonafides.errors import BonafidesError
from bonafides.instants import Day, from_datetime, to_date, to_datetime
from bonafides.records import linking
from bonafides.records.links import Ruling
from bonafides.settings import Settings, SettingsError
from bonafides.storage.disputes import Ruled
from bonafides.storage.unit_of_work import Store

_MOST_REASON: Final = 200
_MOST_NAME: Final = 80
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help=_HELP)

Code = Annotated[str, typer.Argument(help="Unified social credit code, 18 characters.")]
Platform = Annotated[str, typer.Argument(help="The platform that says so, such as 1688.")]
LinkId = Annotated[str, typer.Argument(help="The platform's id of its statement.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the data; unset: BONAFIDES_DATA_DIR.")
]


@app.command("list")
def list_disputes(*, data_dir: DataDir = None) -> None:
    """Prints the links under dispute as JSON, the nearest deadline first."""
    found = [
        {**_named(link), "due": to_date(Day(due)).isoformat()}
        for link, due in _with(data_dir, lambda store, _: linking.waiting(store))
    ]
    print(json.dumps(found, ensure_ascii=False, indent=2))


@app.command()
def show(code: Code, platform: Platform, link_id: LinkId, *, data_dir: DataDir = None) -> None:
    """Prints what was disputed of a link and what was ruled on it, as JSON."""
    link = (code, platform, link_id)
    disputes, rulings = _with(data_dir, lambda store, _: linking.history(store, link))
    told = {
        **_named(link),
        "disputes": [
            {
                "ground": each.ground,
                "evidence_sha256": (each.evidence_sha256 or b"").hex(),
                "disputed_at": to_datetime(each.disputed_at).isoformat(),
                "due": to_date(each.due).isoformat(),
            }
            for each in disputes
        ],
        "rulings": [
            {
                "ruling": each.ruling,
                "reason": each.reason,
                "by": each.by,
                "at": to_datetime(each.at).isoformat(),
            }
            for each in rulings
        ],
    }
    print(json.dumps(told, ensure_ascii=False, indent=2))


@app.command()
def rule(
    code: Code,
    platform: Platform,
    link_id: LinkId,
    ruling: Annotated[Literal["upheld", "rejected"], typer.Argument(help="What is ruled.")],
    *,
    by: Annotated[str, typer.Option(help="Who rules; not who disputed or entered the link.")],
    reason: Annotated[str, typer.Option(help="Why, in up to 200 characters; names no person.")],
    data_dir: DataDir = None,
) -> None:
    """Rules on a link, and prints whose figures that concerns."""
    if not (0 < len(reason) <= _MOST_REASON and reason.isprintable()):
        raise typer.BadParameter("--reason must have 1 to 200 printable characters.")
    if not (0 < len(by) <= _MOST_NAME and by.isprintable()):
        raise typer.BadParameter("--by must have 1 to 80 printable characters.")

    def decide(store: Store, settings: Settings) -> frozenset[str]:
        now = from_datetime(dt.datetime.now(dt.UTC))
        told = Ruled(Ruling(ruling), reason, by, now)
        card = served_card(settings)
        return linking.decide(store, card, (code, platform, link_id), told)

    codes = _with(data_dir, decide)
    print(json.dumps({"ruling": ruling, "concerns": sorted(codes)}))


def _named(link: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("code", "platform", "link_id"), link, strict=True))


def _with(data_dir: Path | None, work: Any) -> Any:
    """Returns what the work gives on the store; a refusal is told, and exits 1."""
    try:
        settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
        store = Store(settings.url)
        try:
            return work(store, settings)
        finally:
            store.close()
    except linking.OwnCaseError:
        told = "whoever disputed a link doesn't rule on it; have a colleague do it."
    except (BonafidesError, SettingsError) as fault:
        told = str(fault)
    Console(stderr=True).print(f"Nothing was done: {told}", markup=False)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
