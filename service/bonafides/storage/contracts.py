"""Contracts between platforms and enterprises, in the database.

with store.writing() as work:
    save_contracts(work, contracts)
    work.commit()
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bonafides.instants import Day
from bonafides.records.contracts import Contract, ContractTable
from bonafides.storage.tables import platform_contract
from bonafides.storage.unit_of_work import UnitOfWork


def save_contracts(work: UnitOfWork, contracts: Sequence[Contract]) -> None:
    """Stores contracts, in place of those with the same parties and first day."""
    rows = [
        {
            "code": each.code,
            "platform": each.platform,
            "from_day": each.from_day,
            "to_day": each.to_day,
            "currency": each.currency,
            "settlement_currency": each.settlement_currency,
        }
        for each in contracts
    ]
    if not rows:
        return
    insert = work.insert(platform_contract)
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["code", "platform", "from_day"],
            set_={
                name: insert.excluded[name]
                for name in ("to_day", "currency", "settlement_currency")
            },
        ),
        rows,
    )


def contract_table(work: UnitOfWork, codes: Iterable[str]) -> ContractTable:
    """Returns all contracts of the enterprises."""
    told = work.connection.execute(_OF[work.dialect], {"codes": json.dumps(sorted(set(codes)))})
    return ContractTable(
        Contract(
            code=row.code,
            platform=row.platform,
            currency=row.currency,
            settlement_currency=row.settlement_currency,
            from_day=Day(row.from_day),
            to_day=None if row.to_day is None else Day(row.to_day),
        )
        for row in told.all()
    )


def _of() -> Mapping[str, sa.Select[Any]]:
    """Returns, by dialect, one statement for any number of enterprises.

    Every batch of records asks for it; an IN list would be written out for each anew.
    """
    told = sa.bindparam("codes", type_=sa.Text)
    elements = {
        "sqlite": sa.func.json_each(told),
        "postgresql": sa.func.json_array_elements_text(sa.cast(told, postgresql.JSON)),
    }
    return {
        dialect: sa.select(platform_contract).where(
            platform_contract.c.code.in_(
                sa.select(element.table_valued("value", name="wanted").c.value)
            )
        )
        for dialect, element in elements.items()
    }


_OF: Final = _of()
