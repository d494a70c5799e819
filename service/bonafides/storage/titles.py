"""The rows of `title_key`: by which registered name an enterprise is found.

A name is kept as the digest of its folded form, so that one that fills its column and
one that doesn't are looked up alike, and nobody can list names that begin with
something. Only enterprises that take part have a row; it follows their registration
with every refresh of their archive.

    find(work, "九九市百草贸易有限公司", 10)     # ["91990000MA00000011"]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import sqlalchemy as sa

from bonafides.identity.texts import comparable
from bonafides.storage.tables import title_key
from bonafides.storage.unit_of_work import UnitOfWork


def keep(work: UnitOfWork, titles: Mapping[str, str]) -> None:
    """Has each enterprise, by code, found by this name and no other; "" has it found by none."""
    nameless = [code for code, title in titles.items() if not title]
    if nameless:
        work.execute(sa.delete(title_key).where(title_key.c.code.in_(nameless)))
    named = [{"code": code, "title_key": _key_of(title)} for code, title in titles.items() if title]
    if not named:
        return
    insert = work.insert(title_key)
    work.execute(
        insert.on_conflict_do_update(
            index_elements=["code"],
            set_={"title_key": insert.excluded.title_key},
            # Names seldom change, and archives are refreshed every few seconds.
            where=title_key.c.title_key != insert.excluded.title_key,
        ),
        named,
    )


def find(work: UnitOfWork, title: str, most: int) -> list[str]:
    """Returns the codes of the enterprises that bear the name, sorted, so many at most."""
    table = title_key.c
    asked = sa.select(table.code).where(table.title_key == _key_of(title))
    return list(work.execute(asked.order_by(table.code).limit(most)).scalars())


def _key_of(title: str) -> str:
    folded = comparable(title).casefold()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()
