"""The registry's table as a source: what the registry's data said when they were loaded.

It is asked in a unit of work of its own, never within one that changes something. It
says whether the claimed representatives are among those it knows; the table holds
persons' names and numbers only as keyed digests, so digest is compared with digest.
Other sources are in `bonafides.identity.http_sources` and `bonafides.identity.sandbox`.

    RegistryTable(store, vault).ask(question, now=now, seconds=1).entry.people
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from bonafides.archive.facts import Fact, Kind, Value
from bonafides.identity.codes import UnifiedCode
from bonafides.identity.evidence import Entry, Evidence, PersonAnswer
from bonafides.identity.questions import PersonAsked, Question
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

    name: Final = REGISTRY

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store: Final = store
        self._vault: Final = vault

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        """Returns what the table says; the row itself stays in the table, sealed.

        The evidence is as old as the row, which the loader retrieved; that there is
        no row is known as of now.

        Raises:
            StoreUnavailableError: the database can't be reached.
        """
        _ = seconds  # the database has limits of its own
        title = comparable(question.title)
        with self._store.reading() as work:
            found = registry_rows.find_entry(work, question.code.text)
            codes = {
                UnifiedCode(text)
                for text in registry_rows.codes_of_title(work, title, _CODES_OF_A_TITLE)
            }
        if found is None:
            return Evidence(REGISTRY, now, None, frozenset(codes))
        if not codes or comparable(found.registration.title) == title:
            codes.add(question.code)
        known = found.representatives_index
        people = tuple(self._answer(each, known) for each in question.people)
        entry = Entry(registration=found.registration, people=people)
        return Evidence(REGISTRY, found.retrieved_at, entry, frozenset(codes))

    def _answer(self, asked: PersonAsked, known: registry_rows.PeopleIndex) -> PersonAnswer:
        """Returns what the table knows of the person; a number counts beside its own name."""
        person = self._vault.index(PERSON_INDEX, comparable(asked.person))
        names = [name for name, _ in known if name is not None]
        agrees = _is_among(person, names) if names else None
        if asked.id_number is None:
            return PersonAnswer(agrees)
        number = self._vault.index(ID_NUMBER_INDEX, asked.id_number.text)
        numbers = [
            theirs
            for name, theirs in known
            if theirs is not None
            and (name is None or not agrees or hmac.compare_digest(name, person))
        ]
        return PersonAnswer(agrees, _is_among(number, numbers) if numbers else None)


def _is_among(digest: bytes, known: Iterable[bytes]) -> bool:
    return any(hmac.compare_digest(digest, each) for each in known)


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
