"""Who may call what, and in whose eyes: compared cell by cell with a printed table."""

from __future__ import annotations

from pathlib import Path

import pytest

from bonafides.access import policy, purposes
from bonafides.access.agents import SCOPES
from bonafides.access.callers import ANONYMOUS, Caller, CallerKind, audience
from bonafides.errors import (
    BugError,
    LoginRequiredError,
    MethodNotAllowedError,
    ScopeRequiredError,
)
from bonafides.v1.disclosure_pb2 import Audience

_TABLE = Path(__file__).parent / "policy.txt"
_OWN, _OTHER = "91990000MA0000001T", "91990000MA00000028"

# With every scope, for the enterprise that members of the table own.
INTEGRATOR = Caller(
    CallerKind.INTEGRATOR,
    "issuer",
    "app-1",
    application="app-1",
    role="INTEGRATOR",
    acts_for=_OWN,
    scopes=frozenset(SCOPES),
)


def caller(kind: CallerKind) -> Caller:
    if kind is CallerKind.ANONYMOUS:
        return ANONYMOUS
    owns = frozenset({_OWN}) if kind is CallerKind.MEMBER else frozenset[str]()
    if kind is CallerKind.INTEGRATOR:
        return INTEGRATOR
    return Caller(kind, "issuer", "subject", owns)


def answer(method: str, kind: CallerKind) -> str:
    try:
        policy.check(method, caller(kind))
    except LoginRequiredError:
        return "log in"
    except MethodNotAllowedError:
        return "no"
    except ScopeRequiredError:
        # Of its own affairs: without an agent token.
        return "alone"
    return "yes"


def expanded() -> str:
    """Returns the policy and the audiences, cell by cell."""
    lines = [f"{'method':64}" + "".join(f"{kind:11}" for kind in CallerKind) + "application"]
    for row in sorted(policy.POLICIES, key=lambda row: row.method):
        cells = "".join(f"{answer(row.method, kind):11}" for kind in CallerKind)
        lines.append(f"{row.method:64}{cells}{'signs' if row.signed else ''}")
    lines.append("")
    lines.append("a platform reads for")
    for row in sorted(policy.POLICIES, key=lambda row: row.method):
        for purpose in sorted(row.purposes or ()):
            seen_as = Audience.Name(purposes.audience(Audience.AUDIENCE_PLATFORM, purpose))
            without = ",".join(sorted(purposes.mask(purpose).withheld)) or "-"
            eyes = seen_as.removeprefix("AUDIENCE_").lower()
            lines.append(f"{row.method:64}{purposes.name_of(purpose):20}{eyes:11}{without}")
    lines.append("")
    lines.append(f"{'sees':64}" + "".join(f"{kind:11}" for kind in CallerKind))
    for whose, code in (("an enterprise that the caller owns", _OWN), ("any other", _OTHER)):
        seen = (Audience.Name(audience(caller(kind), code)) for kind in CallerKind)
        cells = "".join(f"{name.removeprefix('AUDIENCE_').lower():11}" for name in seen)
        lines.append(f"{whose:64}{cells}")
    lines.append("")
    lines.append(f"{'is paid with':64}budget")
    rows = sorted(policy.POLICIES, key=lambda row: row.method)
    lines.extend(f"{row.method:64}{row.budget}" for row in rows)
    return "\n".join(line.rstrip() for line in lines) + "\n"


@pytest.mark.feature("D9")
def test_policy_is_the_printed_table() -> None:
    assert expanded() == _TABLE.read_text(encoding="utf-8")


@pytest.mark.feature("D9")
def test_method_without_a_row_is_refused_to_everybody() -> None:
    for kind in CallerKind:
        with pytest.raises(BugError):
            policy.check("/bonafides.v1.ArchiveService/DropArchive", caller(kind))


def test_method_without_a_row_stops_the_start() -> None:
    with pytest.raises(BugError) as refusal:
        policy.require_rows(["/bonafides.v1.ArchiveService/DropArchive"])
    assert "DropArchive" in refusal.value.what


def test_no_method_has_two_rows() -> None:
    methods = [row.method for row in policy.POLICIES]
    assert sorted(set(methods)) == sorted(methods)
