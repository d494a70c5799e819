"""The peer: what one would otherwise build, FastAPI with SQLAlchemy's mapper and JSON.

One row of forty columns, read by its key through a session and answered through a
response model, on uvicorn with uvloop and httptools. No credential is looked at.

    python -m scripts.bench.peer sqlite:///peer.db 127.0.0.1:40001
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, registry

TEXTS: Final = tuple(f"text_{n}" for n in range(16))
INTEGERS: Final = tuple(f"integer_{n}" for n in range(14))
FLOATS: Final = tuple(f"float_{n}" for n in range(6))
TRUTHS: Final = tuple(f"truth_{n}" for n in range(4))
FIELDS: Final = {
    **dict.fromkeys(TEXTS, str),
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys(FLOATS, float),
    **dict.fromkeys(TRUTHS, bool),
}
_TYPES: Final[Mapping[type, Any]] = {
    str: sa.String,
    int: sa.BigInteger,
    float: sa.Float,
    bool: sa.Boolean,
}
_TEXT_LENGTH: Final = 24
_MOST_INTEGER: Final = 10**9
_CHUNK: Final = 2_000

archive: Final = sa.Table(
    "archive",
    sa.MetaData(),
    sa.Column("code", sa.String(18), primary_key=True),
    *(sa.Column(name, _TYPES[kind]) for name, kind in FIELDS.items()),
)


class Archive:
    """A row, as the mapper loads it."""


registry().map_imperatively(Archive, archive)


def fill(url: str, codes: Iterable[str]) -> None:
    """Writes a row of made-up values for each code into an empty database."""
    engine = sa.create_engine(url)
    archive.metadata.create_all(engine)
    chance = random.Random(1)  # noqa: S311 - filling, no secret
    rows = [{"code": code, **_values(chance)} for code in codes]
    with engine.begin() as connection:
        for start in range(0, len(rows), _CHUNK):
            connection.execute(archive.insert(), rows[start : start + _CHUNK])
    engine.dispose()


def serve(address: str, url: str) -> None:
    """Serves until the process is ended."""
    # Late: the table above is of use where neither is installed.
    import uvicorn  # noqa: PLC0415
    from fastapi import FastAPI  # noqa: PLC0415
    from pydantic import create_model  # noqa: PLC0415

    fields: dict[str, Any] = {name: (kind, ...) for name, kind in FIELDS.items()}
    engine = sa.create_engine(url, pool_size=8, max_overflow=32)

    def get(code: str) -> dict[str, Any]:
        with Session(engine) as session:
            row = session.get_one(Archive, code)
            return {name: getattr(row, name) for name in FIELDS}

    app = FastAPI()
    app.add_api_route("/archives/{code}", get, response_model=create_model("Answer", **fields))
    host, _, port = address.rpartition(":")
    uvicorn.run(
        app,
        host=host,
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


def _values(chance: random.Random) -> dict[str, Any]:
    make: dict[type, Callable[[], Any]] = {
        str: lambda: f"{chance.getrandbits(4 * _TEXT_LENGTH):x}",
        int: lambda: chance.randrange(_MOST_INTEGER),
        float: chance.random,
        bool: lambda: bool(chance.getrandbits(1)),
    }
    return {name: make[kind]() for name, kind in FIELDS.items()}


if __name__ == "__main__":
    serve(sys.argv[2], sys.argv[1])
