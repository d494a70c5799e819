"""Publishes a version of the service agreement or of the privacy notice.

    python scripts/publish_agreement.py PRIVACY_NOTICE v2 text.txt --title X --effective 2027-01-01

From its day on (the beginning of the day in Shanghai) the version is the current one:
submissions must assent to it, and enterprises that take part can grant and open nothing
new until they assent; what they have goes on, and can be taken back. A version that was
published is never changed: publish another. The text is UTF-8; everybody can read it.
Exit codes: 0 published, or known already with the same text; 1 refused; 2 wrong usage.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.errors import StoreUnavailableError
from bonafides.identity.consent import PublishedText
from bonafides.identity.consent_operations import publish_text
from bonafides.instants import Instant, from_date, from_datetime, start_of
from bonafides.settings import Settings
from bonafides.storage.unit_of_work import Store

# A text that people are to read; beyond, it is some other file.
_MOST_BYTES: Final = 200_000
_MOST_VERSION: Final = 40

# \b: the lines of what is indented stay as they are.
_HELP: Final = (__doc__ or "").replace("\n\n    ", "\n\n\b\n    ")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(help=_HELP)
def main(
    kind: Annotated[
        Literal["SERVICE_AGREEMENT", "PRIVACY_NOTICE"], typer.Argument(help="What it is.")
    ],
    version: Annotated[str, typer.Argument(help="Its version, up to 40 characters.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The text.")],
    *,
    title: Annotated[str, typer.Option(help="What it is called.")],
    effective: Annotated[str, typer.Option(help="The day from which it counts, YYYY-MM-DD.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data; unset: BONAFIDES_DATA_DIR.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Publishes one text."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    text = _text(file)
    if not 0 < len(version) <= _MOST_VERSION:
        raise typer.BadParameter("VERSION has 1 to 40 characters.")
    made = PublishedText(
        kind=kind,
        version=version,
        effective_at=_day(effective),
        sha256=hashlib.sha256(text.encode()).digest(),
        title=title,
        text=text,
    )
    try:
        added = publish(settings, made, from_datetime(dt.datetime.now(dt.UTC)))
    except (StoreUnavailableError, ValueError) as fault:
        Console(stderr=True).print(f"Not published: {fault}", markup=False)
        raise typer.Exit(1) from None
    told = {"kind": kind, "version": version, "sha256": made.sha256.hex(), "added": added}
    done = "Published" if added else "Known already"
    typer.echo(json.dumps(told) if as_json else f"{done}: {kind} {version}, from {effective} on.")


def publish(settings: Settings, text: PublishedText, now: Instant) -> bool:
    """Publishes the text; returns False if it was published before.

    Raises:
        ValueError: the version was published with another text or day.
    """
    store = Store(settings.url)
    try:
        store.migrate()
        return publish_text(store, text, now=now)
    finally:
        store.close()


def _text(file: Path) -> str:
    content = file.read_bytes()
    if not 0 < len(content) <= _MOST_BYTES:
        raise typer.BadParameter(f"FILE must hold 1 to {_MOST_BYTES:,} bytes.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter("FILE must be text in UTF-8.") from None


def _day(text: str) -> Instant:
    try:
        return start_of(from_date(dt.date.fromisoformat(text)))
    except ValueError:
        raise typer.BadParameter("--effective must be a day, YYYY-MM-DD.") from None


if __name__ == "__main__":
    app()
