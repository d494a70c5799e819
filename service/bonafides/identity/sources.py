"""Where evidence comes from. So far one source: the table that the registry's data fill.

A source is asked with the claims and answers with evidence, in a unit of work of
its own, never within one that changes something. It says whether the claimed
representative is the one it knows; the table holds the person's name and number
only as keyed digests, so digest is compared with digest.

    RegistryTable(store, vault).ask(claims, now=now).entry.representative_agrees
"""

from __future__ import annotations

import hmac
from typing import Final

from bonafides.archive.facts import Fact, Kind, Value
from bonafides.identity.checks import Entry, Evidence
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.submission import Claims
from bonafides.identity.texts import comparable
from bonafides.instants import Instant
from bonafides.personal.sealing import Vault
from bonafides.storage import registry as registry_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork

REGISTRY: Final = "registry"
# The fields under which the vault indexes what is compared digest to digest.
PERSON_INDEX: Final = "representative"
ID_NUMBER_INDEX: Final = "id_number"
# Names of small businesses are shared by hundreds; a few show that one is known.
_CODES_OF_A_TITLE: Final = 20


class RegistryTable:
    """The registry's table in the service's own database, filled by scripts/load_registry.py."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store: Final = store
        self._vault: Final = vault

    def ask(self, claims: Claims, *, now: Instant) -> Evidence:
        """Returns what the table says about the claims.

        The evidence is as old as the row, which the loader retrieved; that there is
        no row is known as of now.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        title = comparable(claims.title)
        with self._store.reading() as work:
            found = registry_rows.find_entry(work, claims.code.text)
            codes = {
                UnifiedCode(text)
                for text in registry_rows.codes_of_title(work, title, _CODES_OF_A_TITLE)
            }
        if found is None:
            return Evidence(REGISTRY, now, None, frozenset(codes))
        if not codes or comparable(found.registration.title) == title:
            codes.add(claims.code)
        entry = Entry(
            registration=found.registration,
            representative_agrees=self._agrees(
                found.representative_index, PERSON_INDEX, comparable(claims.representative.person)
            ),
            id_number_agrees=self._agrees(
                found.representative_id_index,
                ID_NUMBER_INDEX,
                claims.representative.id_number.text,
            ),
        )
        return Evidence(REGISTRY, found.retrieved_at, entry, frozenset(codes))

    def _agrees(self, known: bytes | None, field: str, claimed: str) -> bool | None:
        if known is None:
            return None
        return hmac.compare_digest(known, self._vault.index(field, claimed))


def registry_facts(work: UnitOfWork, code: str) -> list[Fact]:
    """Returns the facts that the registry's table holds now, in the caller's unit of work.

    The row stays as it is until that work is done, so that facts taken from it
    can't be overtaken by a row that is loaded meanwhile. Empty: no such row.
    """
    found = registry_rows.find_entry(work, code, lock=True)
    if found is None:
        return []
    told: dict[Kind, Value] = {
        Kind.REGISTRATION: found.registration,
        Kind.SHAREHOLDERS: found.shareholders,
        Kind.CHANGES: found.changes,
    }
    return [
        Fact(
            code=code,
            kind=kind,
            value=value,
            source=REGISTRY,
            retrieved_at=found.retrieved_at,
            valid_from=found.retrieved_at,
        )
        for kind, value in told.items()
    ]
