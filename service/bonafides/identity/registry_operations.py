"""What can be done with the registry's table: load rows into it, and carry them on.

load_registry       writes rows of a registry file to the registry's table
sync_registrations  carries reloaded registry rows into the archives of those who take part
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bonafides.archive import operations as archive
from bonafides.identity.registry import RegistryRow, RowError, read_row
from bonafides.identity.sources import ID_NUMBER_INDEX, PERSON_INDEX, REGISTRY, registry_facts
from bonafides.identity.texts import comparable
from bonafides.instants import Instant
from bonafides.personal.sealing import Place, SubjectKey, Vault, WrappedKey
from bonafides.rating.scorecard import Scorecard
from bonafides.storage import identity as rows
from bonafides.storage import registry as registry_rows
from bonafides.storage.unit_of_work import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was refused: its position in what was handed over, from 0, and why."""

    index: int
    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How many rows were read and stored, and which were refused."""

    loaded: int
    rejected: tuple[Rejection, ...]


def load_registry(
    store: Store | None,
    vault: Vault | None,
    table: Sequence[Mapping[str, str | None]],
    *,
    now: Instant,
) -> LoadReport:
    """Writes the rows to the registry's table in one unit of work; refused ones are left out.

    Safe to repeat. Columns are those of `bonafides.identity.registry`. Without a
    store and a vault the rows are only read, which tells what would be refused.
    """
    read: list[RegistryRow] = []
    rejected: list[Rejection] = []
    for index, values in enumerate(table):
        try:
            read.append(read_row(values, now=now))
        except RowError as fault:
            rejected.append(Rejection(index, fault.reason, fault.description))
    if store is not None and vault is not None and read:
        with store.writing() as work:
            # Two loads of one new row would each make a key for it.
            rows.take_turns(work, "registry")
            registry_rows.write_rows(work, _sealed(work, vault, read), now)
            work.commit()
    return LoadReport(len(read), tuple(rejected))


def sync_registrations(store: Store, card: Scorecard, *, now: Instant, limit: int = 100) -> int:
    """Records what reloaded registry rows say of enterprises that take part.

    So a revoked license reaches archive and level without anybody submitting
    anything. Returns how many enterprises it looked at; 0 means nothing is due.
    """
    with store.reading() as work:
        codes = registry_rows.due_for_sync(work, limit)
    for code in codes:
        with store.writing() as work:
            archive.record_facts(work, registry_facts(work, code), now=now)
            registry_rows.mark_synced(work, code)
            archive.refresh(work, card, code, now)
            work.commit()
    return len(codes)


def _sealed(
    work: UnitOfWork, vault: Vault, read: Sequence[RegistryRow]
) -> list[registry_rows.SealedRow]:
    subjects = {_subject(row): row for row in read}
    known = rows.wrapped_keys(work, list(subjects))
    keys = {subject: vault.unwrap(subject, wrapped) for subject, wrapped in known.items()}
    added: dict[str, WrappedKey] = {}
    for subject in subjects:
        if subject not in keys:
            keys[subject], added[subject] = vault.new_key(subject)
    rows.add_wrapped_keys(work, added)
    return [_seal_row(vault, keys[_subject(row)], row) for row in read]


def _subject(row: RegistryRow) -> str:
    return f"{REGISTRY}/{row.code.text}"


def _seal_row(vault: Vault, key: SubjectKey, row: RegistryRow) -> registry_rows.SealedRow:
    return registry_rows.SealedRow(
        row=row,
        title_key=comparable(row.registration.title),
        representatives_index=tuple(
            (
                None if each.person is None else vault.index(PERSON_INDEX, comparable(each.person)),
                None if each.id_number is None else vault.index(ID_NUMBER_INDEX, each.id_number),
            )
            for each in row.representatives
        ),
        raw_sealed=vault.seal(key, Place(REGISTRY, _subject(row), "raw"), row.raw.encode()),
    )
