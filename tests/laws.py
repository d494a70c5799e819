"""What the machines of the laws share: a desk, a source that notes whom it was asked of.

A law is a machine of hypothesis beside a plain model: after every step the service must
be where the model is. All runs of one machine share a store; each has an enterprise of
its own, and the clock of each begins anew.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from bonafides.identity.codes import UnifiedCode
from bonafides.identity.evidence import Evidence
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.operations import Desk
from bonafides.identity.questions import Fault, Question, Source, SourceError
from bonafides.identity.sources import RegistryTable
from bonafides.instants import Instant
from bonafides.personal.sealing import Vault
from bonafides.rating.scorecard import champion
from bonafides.storage.tables import metadata
from bonafides.storage.unit_of_work import Store
from tests import builders
from tests.searching import examples

OWNER = Actor(Principal("issuer", "owner"), owns_by_token=True)


class Watched(RegistryTable):
    """The registry's table, which may be down, and notes of whose persons it was asked."""

    def __init__(self, store: Store, vault: Vault) -> None:
        super().__init__(store, vault)
        self.down = False
        self.asked: list[str] = []

    def ask(self, question: Question, *, now: Instant, seconds: float) -> Evidence:
        if question.people:
            self.asked.append(question.code.text)
        if self.down:
            raise SourceError(Fault.UNREACHABLE)
        return super().ask(question, now=now, seconds=seconds)


def desk_of(store: Store, vault: Vault, *sources: Source) -> Desk:
    """Returns a desk at which nobody is slowed down."""
    return Desk(
        store=store,
        vault=vault,
        sources=sources,
        card=champion(None),
        agreement_version=builders.AGREEMENT,
        submissions_per_day=1_000,
        verification_days=365,
    )


class Law(RuleBasedStateMachine):
    """A machine with a desk, an enterprise of its own, and a clock."""

    store: ClassVar[Store]
    vault: ClassVar[Vault]
    first: ClassVar[int]
    department_and_type: ClassVar[str] = "91"
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        Law.runs += 1
        self.number = self.first + Law.runs
        self.code = builders.code(self.number, department_and_type=self.department_and_type)
        self.now = builders.NOW
        self.source = Watched(self.store, self.vault)
        self.desk = desk_of(self.store, self.vault, self.source)

    def asked_of_persons(self) -> int:
        """Returns how often the source was asked of persons of this enterprise."""
        return self.source.asked.count(self.code.text)


def rows_of(store: Store, code: UnifiedCode, *, besides: set[str]) -> dict[str, list[Any]]:
    """Returns all rows of the code, by table."""
    with store.reading() as work:
        return {
            table.name: sorted(
                (
                    tuple(row)
                    for row in work.execute(sa.select(table).where(table.c.code == code.text))
                ),
                key=repr,
            )
            for table in metadata.sorted_tables
            if "code" in table.c and table.name not in besides
        }


def enforce(law: type[Law], store: Store, vault: Vault, *, few: int, steps: int) -> None:
    """Lets the machine run, `few` times in the suite and many times in a search."""
    machine = type("Bound", (law,), {"store": store, "vault": vault})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(few),
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
