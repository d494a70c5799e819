"""Reads how the files of a folder are to be read as records.

A mapping is a TOML file. Each `[[records]]` block makes records of one kind from
one file of the folder, or from a DuckDB query over its files, which are tables
named by their stems and have the columns `file_name` and `file_row` (from 1)
beside their own. `[records.columns]` gives for each part of a record a column or
any DuckDB expression. CSV columns are texts; empty means unknown.

    dataset = "shop"
    last_record = "SELECT max(ordered) FROM orders"     # optional, see below

    [[records]]
    kind = "transaction"
    from = "orders.csv"
    where = "state <> 'test'"                            # optional

    [records.columns]
    record_id = "order_no"
    store_id = "shop_no"
    occurred_at = "ordered"
    amount = "CAST(price AS DECIMAL(18, 2)) * pieces"
    currency = "'CNY'"

Rules:

1. times without a zone are Shanghai's; days are dates;
2. a mapping that names no `code` and `platform` wants links, which say whose a
   store is; they are looked up under `dataset`;
3. with `last_record`, a query for an instant, all times and days are moved by the
   same number of whole days, so that this instant falls on the day asked for;
4. amounts are decimal numbers of the currency's major unit.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bonafides.records.kinds import DETAILS, Kind

# In the order in which a block's query gives them.
TEXTS: Final = (
    "code",
    "platform",
    "record_id",
    "store_id",
    "buyer",
    "amount",
    "currency",
    "original_id",
    "outcome",
    "refund_state",
)
NUMBERS: Final = {"revision": "BIGINT", "void": "BOOLEAN"}
INSTANTS: Final = ("occurred_at", "first_response_at", "decided_at", "requested_at")
DAYS: Final = ("promised_day", "delivered_day", "from_day", "to_day")
UNREADABLE: Final = "unreadable"

_REQUIRED: Final = frozenset({"record_id", "store_id", "occurred_at"})
_DAY_ZERO: Final = "DATE '1970-01-01'"


class MappingError(ValueError):
    """A mapping can't be used. The text says where it is at fault."""


class Block(BaseModel):
    """How records of one kind are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    columns: dict[str, str]
    file: Annotated[str | None, Field(alias="from")] = None
    sql: str | None = None
    where: str | None = None

    @property
    def details(self) -> tuple[str, ...]:
        """The parts of the record's detail that the block gives, sorted."""
        return tuple(sorted(DETAILS.get(self.kind, frozenset()) & self.columns.keys()))

    @property
    def linked(self) -> bool:
        """Whether links say whose a store is."""
        return "code" not in self.columns

    def query(self, shift_days: int = 0) -> str:
        """Returns the query whose rows are TEXTS, NUMBERS, INSTANTS, DAYS, details, UNREADABLE.

        Instants come in microseconds and days as counts, shifted. UNREADABLE names
        the parts that are there but are not of their type; null if there are none.
        """
        parts = [*(self._text(name) for name in TEXTS)]
        parts += [f"TRY_CAST({self._told(name)} AS {type_})" for name, type_ in NUMBERS.items()]
        parts += [
            f"epoch_us(TRY_CAST({self._told(name)} AS TIMESTAMPTZ)) + {shift_days} * 86400000000"
            for name in INSTANTS
        ]
        parts += [
            f"TRY_CAST({self._told(name)} AS DATE) - {_DAY_ZERO} + {shift_days}" for name in DAYS
        ]
        parts += [self._text(name) for name in self.details]
        parts.append(f"{self._unreadable()} AS {UNREADABLE}")
        return f"SELECT {', '.join(parts)} FROM {self._source()}"  # noqa: S608 - the operator's own query, in a database without anything of ours

    def count_query(self) -> str:
        """Returns the query for the number of rows."""
        return f"SELECT count(*) FROM {self._source()}"  # noqa: S608 - as above

    def _source(self) -> str:
        source = f"({self.sql})" if self.sql else quoted(Path(self.file or "").stem)
        return f"{source} AS source WHERE {self.where}" if self.where else f"{source} AS source"

    def _told(self, name: str) -> str:
        expression = self.columns.get(name)
        return f"({expression})" if expression else "NULL"

    def _text(self, name: str) -> str:
        return f"CAST({self._told(name)} AS VARCHAR)"

    def _unreadable(self) -> str:
        types = NUMBERS | dict.fromkeys(INSTANTS, "TIMESTAMPTZ") | dict.fromkeys(DAYS, "DATE")
        faults = [
            f"CASE WHEN {told} IS NOT NULL AND TRY_CAST({told} AS {type_}) IS NULL"
            f" THEN '{name}' END"
            for name, type_ in types.items()
            if name in self.columns
            for told in [self._told(name)]
        ]
        return f"nullif(concat_ws(', ', {', '.join(faults)}), '')"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.file is None) == (self.sql is None):
            raise ValueError("a block has either from or sql")
        known = {*TEXTS, *NUMBERS, *INSTANTS, *DAYS} | DETAILS.get(self.kind, frozenset())
        if unknown := self.columns.keys() - known:
            raise ValueError(f"a {self.kind} has no {sorted(unknown)}")
        if missing := _REQUIRED - self.columns.keys():
            raise ValueError(f"the columns lack {sorted(missing)}")
        if ("code" in self.columns) != ("platform" in self.columns):
            raise ValueError("give both code and platform, or neither and links")
        return self


class Mapping(BaseModel):
    """How the files of one data set are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: Annotated[tuple[Block, ...], Field(min_length=1)]
    # Short enough to be part of a counter's name.
    dataset: Annotated[str | None, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")] = None
    last_record: str | None = None

    @property
    def linked(self) -> bool:
        """Whether any block wants links."""
        return any(block.linked for block in self.records)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.dataset is None and (self.linked or self.last_record):
            raise ValueError("links and last_record want a dataset")
        return self


def load(path: Path) -> Mapping:
    """Returns the mapping that a TOML file holds.

    Raises:
        MappingError: no TOML, or no mapping; the text names the place.
    """
    try:
        return Mapping.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as fault:
        raise MappingError(f"{path.name}: {fault}") from None
    except ValidationError as fault:
        told = "; ".join(
            f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in fault.errors()
        )
        raise MappingError(f"{path.name}: {told}") from None


def quoted(name: str) -> str:
    """Returns a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
