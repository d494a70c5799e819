"""Makes the parts of a server that settings shape, and draws what nobody may guess.

store = open_store(settings)
meter = open_meter(settings, store, follower, vault)
"""

from __future__ import annotations

import os
import secrets
from typing import Final

from bonafides.access import budgets
from bonafides.access.purses import Purses
from bonafides.errors import StoreUnavailableError
from bonafides.personal.sealing import Vault
from bonafides.rpc.metering import Meter
from bonafides.settings import Settings, SettingsError
from bonafides.storage import deployments
from bonafides.storage.budgets import StoredLedger
from bonafides.storage.follower import Follower
from bonafides.storage.switches import Switches
from bonafides.storage.unit_of_work import Store, StoreUrlError

_UUID_BYTES: Final = 16
_IDS_AT_ONCE: Final = 64
_SANDBOX_CALLS: Final = 1_000


def open_store(settings: Settings) -> Store:
    """Opens and migrates the database of the settings.

    Raises:
        SettingsError: it can't be reached, or is of another environment.
    """
    # A connection for each thread that serves, two for the worker, one for the writer,
    # two for the threads of streams, which look at the rates, one for uploads, one for
    # reading them, one to follow the changes of other processes, and one for the batch
    # that calls share.
    try:
        store = Store(settings.url, connections=settings.threads + 9)
    except StoreUrlError as fault:
        raise SettingsError(f"BONAFIDES_DATABASE_URL: {fault}.") from None
    try:
        store.migrate()
        with store.writing() as work:
            owner = deployments.claim(work, settings.environment)
            work.commit()
    except StoreUnavailableError:
        raise SettingsError(
            "BONAFIDES_DATABASE_URL: the database can't be reached; is it running?"
        ) from None
    if owner != settings.environment:
        store.close()
        raise SettingsError(
            f"BONAFIDES_DATABASE_URL: this database is of {owner}, and sandbox and live share "
            "nothing; name another one."
        )
    return store


def open_meter(settings: Settings, store: Store, follower: Follower, vault: Vault) -> Meter:
    """Returns what has calls paid for."""
    # Load on a sandbox harms nobody, and is what some try it for.
    times = _SANDBOX_CALLS if settings.environment == "sandbox" else 1
    limits = budgets.Limits(
        {
            payer: budgets.Limit(
                settings.calls_per_minute.get(payer.value, usual.calls * times),
                settings.enterprises_per_day.get(payer.value, usual.enterprises),
            )
            for payer, usual in budgets.DEFAULTS.items()
        },
        settings.contract_enterprises,
    )
    return Meter(
        Purses(
            StoredLedger(store),
            processes=settings.budget_processes,
            wait_seconds=settings.budget_seconds,
        ),
        Switches(store, follower),
        limits,
        vault.index,
        trusted=settings.trusted_proxies,
    )


class CallIds:
    """Draws random UUIDs, version 4, in a tenth of the time that the library takes."""

    def __init__(self) -> None:
        self._drawn: Final[list[str]] = []

    def __call__(self) -> str:
        # Drawn for many calls at once: asking the system lets another thread run.
        if not self._drawn:
            drawn = os.urandom(_UUID_BYTES * _IDS_AT_ONCE).hex()
            each = range(0, len(drawn), 2 * _UUID_BYTES)
            self._drawn.extend(_uuid(drawn[begin : begin + 2 * _UUID_BYTES]) for begin in each)
        return self._drawn.pop()


def _uuid(drawn: str) -> str:
    variant = "89ab"[int(drawn[16], 16) & 3]
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:]}"


def digits(count: int) -> str:
    """Returns random digits, fit to prove something by."""
    return "".join(secrets.choice("0123456789") for _ in range(count))
