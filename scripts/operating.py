"""What operators' scripts have in common: options, opening the data, ending with a reason.

A script that can't go on ends with exit code 1 and one line that says what was not
done, why, and the remedy; wrong usage ends with 2 (typer).

    with telling("Not loaded", FileError), opened(read_settings(data_dir)) as store:
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
from rich.console import Console

from bonafides import settings as settings_rules
from bonafides.errors import StoreUnavailableError
from bonafides.rating.scorecard import ScorecardError
from bonafides.settings import Settings, SettingsError
from bonafides.storage.unit_of_work import Store, StoreUrlError

DataDir: TypeAlias = Annotated[
    Path | None, typer.Option(help="Folder of the data; unset: BONAFIDES_DATA_DIR.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
TableFile: TypeAlias = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="A .csv or .parquet file.")
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Tell what would be refused; change nothing.")
]

# Whoever gave the command can mend these; the texts say how.
_FAULTS: Final = (ScorecardError, SettingsError, StoreUnavailableError, StoreUrlError)


def read_settings(data_dir: Path | None) -> Settings:
    """Returns the settings, with the folder of the data that was given.

    Raises:
        SettingsError: a variable holds what it can't.
    """
    return settings_rules.read(data_dir=data_dir)


def require_data(settings: Settings) -> None:
    """Refuses a folder without a database.

    Raises:
        SettingsError: there is none.
    """
    file = settings.data_dir / "bonafides.db"
    # SQLite would make an empty one of a misspelled folder, and find nobody in it.
    if not settings.database_url and not file.exists():
        raise SettingsError(f"there are no data at {file}.")


@contextmanager
def opened(settings: Settings, *, migrate: bool = True) -> Iterator[Store]:
    """Gives the store, its tables brought up to date, and closes it.

    Raises:
        StoreUrlError: the URL is none of SQLite or PostgreSQL.
        StoreUnavailableError: the database can't be reached.
    """
    store = Store(settings.url)
    try:
        if migrate:
            store.migrate()
        yield store
    finally:
        store.close()


@contextmanager
def telling(what: str, *faults: type[Exception]) -> Iterator[None]:
    """Ends the script with "what: why" where one of the faults, or of all scripts', is raised."""
    known: tuple[type[Exception], ...] = (*faults, *_FAULTS)
    try:
        yield
    except known as fault:
        Console(stderr=True).print(f"{what}: {fault}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
