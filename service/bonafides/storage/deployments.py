"""Which environment a database belongs to: the first that opens it, for good.

Sandbox and live are two deployments. What was written in one is worth nothing in the
other, and a process of the one that opened the other's database would mix them.

    owner = claim(work, "live")      # "sandbox": it is the sandbox's
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from bonafides.storage.tables import deployment
from bonafides.storage.unit_of_work import UnitOfWork

_ENVIRONMENT: Final = "environment"


def claim(work: UnitOfWork, environment: str) -> str:
    """Takes the database for the environment unless it has one; returns the one it has."""
    insert = work.insert(deployment).values(part=_ENVIRONMENT, value=environment)
    work.execute(insert.on_conflict_do_nothing(index_elements=["part"]))
    found = work.execute(sa.select(deployment.c.value).where(deployment.c.part == _ENVIRONMENT))
    return str(found.scalar_one())
