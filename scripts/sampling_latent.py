"""Invents who took part over years, and the truth that drives all they did.

Each enterprise has an integrity that nobody sees: a number around 0, the more the
better. It drives late delivery, disputes lost, penalties, listings and failure
(`scripts.sampling_ledger`, `scripts.sampling_listings`). The rules:

1. one in eight is of a worse sort from the start; of a thousand, so many turn worse every
   year (`SHARES.turning`), from the day on which the first store opened: were they to turn
   in some years alone, what is learned of the others would not hold there;
2. what manipulation is planted is labelled with its kind (`MANIPULATIONS`): rings that
   buy from themselves, complaints bought against a good rival, a store closed and opened
   anew each time it has a name, a platform whose record is bad withdrawn;
3. type, size and region say nothing of integrity: whoever is told apart by them is told
   apart wrongly;
4. everything is drawn block by block, each from the seed and its own number: a block is
   the same whatever the others are, and no more than one need be in memory.

The distributions are invented; only their shapes are those of real marketplaces
(`scripts.sampling_trade.MEASURED`). Codes lie in the reserved region.

    block = invent_block(seed=1, number=0, size=2_000, span=Span(first, last))
    block.integrity.mean(), block.codes[0]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from bonafides.identity.codes import GENERATED_REGION, compose

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

DEPARTMENTS: Final = ("91", "92", "93")
REGIONS: Final = tuple(f"{GENERATED_REGION}-{number:02d}" for number in range(1, 7))
PLATFORMS: Final = ("1688", "taobao", "tmall")
MANIPULATIONS: Final = ("", "ring", "bought complaints", "store hopping", "platform withdrawn")
NONE, RING, BOUGHT, HOPPING, WITHDRAWN = range(len(MANIPULATIONS))
RING_SIZE: Final = 5
# No instant of a plan lies so far ahead: what never happens is dated there.
NEVER: Final = 1_000_000
YEAR: Final = 365
# The serial numbers of codes begin here, so that none is one of the small sample's.
FIRST_SERIAL: Final = 20_000_000
_SERIALS_OF_BLOCK: Final = 10_000
_CAPITALS_WAN: Final = (5, 10, 50, 100, 300, 500, 1_000, 3_000)
_FEN_PER_WAN: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of enterprises, and means, that nobody measured for us."""

    departments: tuple[float, ...] = (0.62, 0.33, 0.05)
    worse: float = 0.12
    turning: float = 0.0175
    two_platforms: float = 0.25
    there_from_the_start: float = 0.55
    bought: float = 0.02
    hopping: float = 0.015
    withdrawn: float = 0.015
    ring: float = 0.015
    deregistered: float = 0.5


SHARES: Final = Shares()


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last day of what is generated, counted as `bonafides.instants` does."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Block:
    """The enterprises of one block: arrays with an element for each.

    `turns` is the day from which integrity is 2 lower, `leaves` the day after the last
    of trade, `withdraws` the day on which the second platform was withdrawn; NEVER where
    there is none. `second` is -1 without a second platform. `orders` are expected a year.
    """

    number: int
    span: Span
    codes: tuple[str, ...]
    department: Integers
    region: Integers
    integrity: Floats
    turns: Integers
    orders: Floats
    established: Integers
    joins: Integers
    opens: Integers
    leaves: Integers
    deregistered: Flags
    capital_minor: Integers
    first: Integers
    second: Integers
    withdraws: Integers
    manipulation: Integers
    ring: Integers

    def __len__(self) -> int:
        """Returns how many enterprises there are."""
        return len(self.codes)

    def honest(self, of: Integers, day: npt.NDArray[np.int64]) -> Floats:
        """Returns the integrity that enterprises have on days, after a turn too."""
        told: Floats = self.integrity[of] - 2.0 * (day >= self.turns[of])
        return told


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """Returns random numbers that depend on the seed and on what they are for."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *purpose])))


def sigmoid(odds: Floats) -> Floats:
    """Returns the probability of log-odds."""
    made: Floats = 1.0 / (1.0 + np.exp(-odds))
    return made


def invent_block(seed: int, number: int, size: int, span: Span) -> Block:
    """Returns one block of enterprises; `size` of every block but the last is the same."""
    chance = generator(seed, number, 1)
    department = chance.choice(len(DEPARTMENTS), size, p=SHARES.departments)
    manipulation, ring = _manipulations(chance, size, number)
    integrity = _integrity(chance, manipulation)
    opens, joins = _arrivals(chance, size, span)
    leaves = joins + chance.exponential(YEAR * np.exp(2.5 + 0.5 * integrity)).astype(np.int64) + 30
    turns = opens + chance.exponential(YEAR / SHARES.turning, size).astype(np.int64)
    first, second = _platforms(chance, manipulation)
    days = span.last - span.first
    middle = span.first + days // 3 + chance.integers(days // 2, size=size)
    individual = department == 1
    return Block(
        number=number,
        span=span,
        codes=_codes(department, number),
        department=department,
        region=chance.integers(len(REGIONS), size=size),
        integrity=integrity,
        turns=np.where(turns > span.last, NEVER, turns),
        orders=np.clip(chance.lognormal(3.1 - 0.4 * individual, 1.15), 4, 1_200),
        established=opens - chance.integers(60, 4_000, size=size),
        joins=joins,
        opens=opens,
        leaves=np.where(leaves > span.last, NEVER, leaves),
        deregistered=chance.random(size) < SHARES.deregistered,
        capital_minor=np.where(individual, -1, chance.choice(_CAPITALS_WAN, size) * _FEN_PER_WAN),
        first=first,
        second=second,
        withdraws=np.where(manipulation == WITHDRAWN, middle, NEVER),
        manipulation=manipulation,
        ring=ring,
    )


def _codes(department: Integers, number: int) -> tuple[str, ...]:
    first = FIRST_SERIAL + number * _SERIALS_OF_BLOCK
    return tuple(
        compose(DEPARTMENTS[of], GENERATED_REGION, f"{serial:08d}").text
        for serial, of in enumerate(department.tolist(), start=first)
    )


def _manipulations(
    chance: np.random.Generator, size: int, number: int
) -> tuple[Integers, Integers]:
    """Returns who manipulates how, and to which ring each belongs; -1: to none."""
    drawn = chance.random(size)
    bounds = np.cumsum([SHARES.bought, SHARES.hopping, SHARES.withdrawn])
    kinds = np.select(
        [drawn < bound for bound in bounds], [BOUGHT, HOPPING, WITHDRAWN], default=NONE
    ).astype(np.int64)
    ring = np.full(size, -1, dtype=np.int64)
    # Rings are neighbors in the block: whole ones only.
    for place in np.flatnonzero(chance.random(size // RING_SIZE) < SHARES.ring).tolist():
        members = slice(place * RING_SIZE, (place + 1) * RING_SIZE)
        kinds[members] = RING
        ring[members] = number * _SERIALS_OF_BLOCK + place
    return kinds, ring


def _platforms(chance: np.random.Generator, kinds: Integers) -> tuple[Integers, Integers]:
    """Returns the first platform, and a second one or -1; whoever withdraws one has two."""
    size = kinds.size
    first = chance.integers(len(PLATFORMS), size=size)
    other = (first + chance.integers(1, len(PLATFORMS), size=size)) % len(PLATFORMS)
    has = (chance.random(size) < SHARES.two_platforms) | (kinds == WITHDRAWN)
    return first, np.where(has, other, -1)


def _integrity(chance: np.random.Generator, kinds: Integers) -> Floats:
    """Returns each one's integrity: victims of a rival are good, those who manipulate bad."""
    size = kinds.size
    worse = chance.random(size) < SHARES.worse
    usual = np.where(worse, chance.normal(-1.7, 0.7, size), chance.normal(0.4, 0.75, size))
    good = np.abs(chance.normal(0.8, 0.4, size))
    bad = chance.normal(-1.6, 0.5, size)
    manipulates = np.isin(kinds, (RING, HOPPING, WITHDRAWN))
    return np.where(kinds == BOUGHT, good, np.where(manipulates, bad, usual))


def _arrivals(chance: np.random.Generator, size: int, span: Span) -> tuple[Integers, Integers]:
    """Returns the day on which the first store opened, and the one of the verification."""
    early = chance.random(size) < SHARES.there_from_the_start
    days = span.last - span.first
    opens = np.where(
        early,
        span.first - chance.integers(1, 2_000, size=size),
        span.first + chance.integers(days - 60, size=size),
    )
    joins = np.maximum(opens, span.first) + chance.integers(1, 45, size=size)
    return opens.astype(np.int64), joins.astype(np.int64)
