"""Brings back the scorecard that was served before, at once.

    python scripts/rollback.py --approver li --reason "fitted-2 rates new stores too low"
    python scripts/rollback.py --withdraw --approver li --reason "refit first"

No gate is asked: the card that comes back passed them, and an error must not have to
wait. It is loaded as ever, and refused if it is not sound, not that which was served, or
not signed where a key is trusted. The log keeps who and why. Falls that were announced
are withdrawn; --withdraw does that alone, and leaves the champion. Servers that
run take the card up within a second; afterwards run scripts/rerate.py.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import trusted_card_key
from bonafides.instants import Instant, from_datetime
from bonafides.rating.promotions import Entry, PromotionError, Promotions
from bonafides.rating.scorecard import (
    Scorecard,
    ScorecardError,
    champion_version,
    load,
    models_folder,
    require_signature,
)
from bonafides.settings import Settings
from bonafides.storage.unit_of_work import Store
from scripts.operating import AsJson, DataDir, opened, read_settings, telling
from scripts.promoting import Reason, require_words, take_back, text_of

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    *,
    approver: Annotated[str, typer.Option(help="Login of who does it.")],
    reason: Reason,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw what is announced; serve the same card.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Brings back the scorecard that was served before, at once."""
    require_words([approver], reason)
    now = from_datetime(dt.datetime.now(dt.UTC))
    with telling("Not rolled back", PromotionError, OSError):
        settings = read_settings(data_dir)
        entry = (withdrawn if withdraw else rolled_back)(settings, approver, reason, now=now)
    with telling("It is done, but what was announced is still shown"), opened(settings) as store:
        told = _take_back(store, settings, entry.to_version, now)
    if as_json:
        shown = {"action": entry.action, "serves": entry.to_version, "told": told}
        typer.echo(json.dumps(shown))
        return
    console = Console()
    console.print(f"{entry.action}: {entry.to_version} is served.", markup=False)
    if not withdraw:
        console.print(
            "Servers take it up within a second. Now run scripts/rerate.py.", markup=False
        )


def rolled_back(settings: Settings, approver: str, reason: str, *, now: Instant) -> Entry:
    """Makes the card before the champion; returns the line of the log.

    Raises:
        PromotionError: no promotion made the champion, or the log can't be used.
        ScorecardError: the card of before can't be used, or is another one by now.
    """
    folder = models_folder(settings.models_dir)
    served = champion_version(folder)
    promotions = Promotions(folder)
    made = promotions.made(served)
    if made is None:
        raise PromotionError(f"no promotion made {served} the champion: there is none before it")
    # What is served now may be what is wrong: it is not loaded.
    card = _sound(settings, folder, made.from_version)
    if card.digest != made.from_digest:
        raise ScorecardError(str(folder), card.version, "is not the card that was served")
    entry = Entry(
        action="ROLLED_BACK",
        time=text_of(now),
        from_version=served,
        from_digest=made.to_digest,
        to_version=card.version,
        to_digest=card.digest,
        approvers=(approver,),
        reason=reason,
    )
    promotions.write(entry)
    return entry


def withdrawn(settings: Settings, approver: str, reason: str, *, now: Instant) -> Entry:
    """Withdraws what is announced; returns the line of the log.

    Raises:
        PromotionError: nothing is announced, or the log can't be used.
    """
    folder = models_folder(settings.models_dir)
    promotions = Promotions(folder)
    known = promotions.announcement()
    if known is None:
        raise PromotionError("nothing is announced")
    entry = Entry(
        action="WITHDRAWN",
        time=text_of(now),
        from_version=known.from_version,
        from_digest=known.from_digest,
        to_version=known.from_version,
        to_digest=known.from_digest,
        approvers=(approver,),
        reason=reason,
    )
    promotions.write(entry)
    return entry


def _sound(settings: Settings, folder: Path, version: str) -> Scorecard:
    card = load(folder, version)
    key = trusted_card_key(settings)
    if key is not None:
        require_signature(card, key, str(folder / version))
    if settings.environment == "live" and card.basis == "SYNTHETIC":
        raise ScorecardError(str(folder), version, "is SYNTHETIC; live serves no such card")
    return card


def _take_back(store: Store, settings: Settings, version: str, now: Instant) -> int:
    return take_back(store, load(models_folder(settings.models_dir), version), now)


if __name__ == "__main__":
    app()
