"""Builds the sources of evidence that the settings name, for the composition roots.

The registry's table comes first. After it come those of the file that
BONAFIDES_SOURCES names, in its order:

    [[source]]
    name = "tianyancha"                # what results call it
    shape = "tianyancha"               # one that comes with the package, or a TOML file
    url = "https://..."                # unset: that of the shape
    key_file = "tianyancha.key"        # mode 0600; unset: it needs no key
    attempts = 3                       # how often one question is tried at most
    rest_seconds = 30                  # how long it is left alone after five faults

    [source.signing]                   # unset: requests are not signed
    scheme = "tc3"                     # or acs3; the key file then holds the secret
    key_id = "AKID..."                 # which is no secret
    action = "..."                     # and version, service, region: the provider's

Paths are relative to the file. Addresses are https, on loopback http too. A key is
read once, and is in no error and no log.

    evidence_sources(settings, store, vault)
"""

from __future__ import annotations

import ipaddress
import random
import re
import time
import tomllib
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from bonafides.identity.guards import Guarded, Patience
from bonafides.identity.questions import Source
from bonafides.identity.sandbox import SANDBOX, Sandbox
from bonafides.identity.shapes import Shape, ShapeError, read_shape
from bonafides.identity.signing import Signing
from bonafides.identity.sources import REGISTRY, RegistryTable
from bonafides.keys import read_secret
from bonafides.personal.sealing import Vault
from bonafides.settings import Settings, SettingsError
from bonafides.storage.unit_of_work import Store

SHAPES: Final = Path(__file__).parent / "identity" / "source_shapes"
_FIELDS: Final = frozenset(
    {"name", "shape", "url", "key_file", "attempts", "rest_seconds", "signing"}
)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_USUAL: Final = Patience()
_MOST_ATTEMPTS: Final = 10
_MOST_REST_SECONDS: Final = 3_600


def evidence_sources(settings: Settings, store: Store, vault: Vault) -> tuple[Source, ...]:
    """Returns the sources in order of their authority.

    Raises:
        SettingsError: the file of sources, a shape or a key is at fault.
    """
    table = RegistryTable(store, vault)
    if settings.sources is None:
        return (table,)
    entries = _entries(settings.sources)
    names = [entry.get("name") for entry in entries]
    for number, name in enumerate(names, start=1):
        taken = names[: number - 1].count(name) or name in {REGISTRY, SANDBOX}
        if taken or not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _fault(f"source {number}", "give it a name of its own, such as tianyancha")
    return (table, *(_source(entry, settings.sources.parent) for entry in entries))


def magic(settings: Settings) -> Sandbox | None:
    """Returns what does as magic codes ask for; in live there is none."""
    return Sandbox(settings.environment) if settings.environment == SANDBOX else None


def _entries(file: Path) -> list[dict[str, Any]]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as fault:
        raise SettingsError(f"BONAFIDES_SOURCES: can't read {file}: {fault.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(f"BONAFIDES_SOURCES: {file} is no TOML: {fault}.") from None
    entries = document.get("source")
    if set(document) != {"source"} or not isinstance(entries, list):
        raise SettingsError(f"BONAFIDES_SOURCES: {file} must hold [[source]] tables alone.")
    return entries


def _source(entry: dict[str, Any], folder: Path) -> Source:
    # Only who asks over HTTP pays for loading it, a tenth of a second.
    from bonafides.identity.http_sources import HttpSource  # noqa: PLC0415

    name = entry["name"]
    if unknown := set(entry) - _FIELDS:
        raise _fault(name, f"no such field: {', '.join(sorted(unknown))}")
    shape = _shape(name, entry.get("shape"), folder)
    url = entry.get("url", shape.url)
    if not isinstance(url, str) or not _is_safe(url):
        raise _fault(name, "give a url that begins with https://")
    key_file = entry.get("key_file")
    key = "" if key_file is None else read_secret(folder / str(key_file))
    signing = _signing(name, entry.get("signing"), key=key)
    if not key and any("{key}" in each for each in (*shape.headers.values(), *shape.send.values())):
        raise _fault(name, "its shape needs a key; name the file that holds it as key_file")
    patience = Patience(
        attempts=_number(name, entry, "attempts", _USUAL.attempts, _MOST_ATTEMPTS),
        rest_seconds=_number(
            name, entry, "rest_seconds", int(_USUAL.rest_seconds), _MOST_REST_SECONDS
        ),
    )
    return Guarded(
        HttpSource(name, shape, url, key=key, signing=signing),
        patience,
        monotonic=time.monotonic,
        sleep=time.sleep,
        chance=random.random,
    )


def _signing(name: str, told: object, *, key: str) -> Signing | None:
    if told is None:
        return None
    try:
        made = Signing.model_validate(told)
    except ValidationError as fault:
        first = fault.errors(include_input=False)[0]
        where = ".".join(["signing", *map(str, first["loc"])])
        raise _fault(name, f"{where}: {first['msg']}") from None
    if not key:
        raise _fault(name, "signing needs a secret; name the file that holds it as key_file")
    return made


def _shape(name: str, shape: object, folder: Path) -> Shape:
    if not isinstance(shape, str):
        raise _fault(name, "name its shape")
    known = SHAPES / f"{shape}.toml"
    file = known if _NAME.fullmatch(shape) and known.is_file() else folder / shape
    try:
        return read_shape(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise _fault(name, f"can't read the shape {file}") from None
    except ShapeError as fault:
        raise _fault(name, f"the shape {file} {fault}") from None


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and loopback))


def _number(name: str, entry: dict[str, Any], field: str, default: int, most: int) -> int:
    value = entry.get(field, default)
    if not isinstance(value, int) or not 1 <= value <= most:
        raise _fault(name, f"{field} is a whole number from 1 to {most}")
    return value


def _fault(name: str, remedy: str) -> SettingsError:
    return SettingsError(f"BONAFIDES_SOURCES: {name}: {remedy}.")
