"""How much is measured: QUICK for a look, USUAL for a report, FULL for the largest sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Effort:
    """Rounds, and sizes within a round; all are counts.

    `calls` are those of one contender in one round, `batches` those of each size,
    `folded` the sizes of the log over which the exponent is taken, `built` the records
    that archives are built of in bulk.
    """

    rounds: int
    calls: int
    archives: int
    batches: int
    fold_records: int
    folded: tuple[int, ...]
    messages: int
    scores: int
    imports: int
    built: int


QUICK: Final = Effort(
    rounds=3,
    calls=800,
    archives=3_200,
    batches=8,
    fold_records=10_000,
    folded=(10_000, 30_000, 100_000),
    messages=2_000,
    scores=3_000,
    imports=3,
    built=1_000_000,
)
USUAL: Final = Effort(
    rounds=5,
    calls=3_000,
    archives=20_000,
    batches=20,
    fold_records=50_000,
    folded=(10_000, 100_000, 1_000_000),
    messages=20_000,
    scores=20_000,
    imports=5,
    built=10_000_000,
)
FULL: Final = Effort(
    rounds=5,
    calls=3_000,
    archives=20_000,
    batches=20,
    fold_records=50_000,
    folded=(10_000, 100_000, 1_000_000, 10_000_000),
    messages=20_000,
    scores=20_000,
    imports=5,
    built=10_000_000,
)
