"""Says what an announced change puts in question, and what stands as it was verified.

The rules:

1. Only the checks that depend on a changed field are made again; the others keep their
   results, with source and date, and the verification ends when it would have ended.
2. No source is asked about a person of whom nothing changed, and none at all where no
   check depends on the change.
3. For `PATIENCE` a source that still shows the value before is late, not in contradiction.
4. What was claimed before stays with the submission that claimed it, under its date.

    basis(store, row)       # None: the submission amends nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from bonafides.errors import BugError
from bonafides.identity import checks
from bonafides.identity.evidence import Evidence
from bonafides.identity.submission import (
    CheckResult,
    Claims,
    Depth,
    stored_license,
)
from bonafides.instants import DAY, Day, Instant, day_of, to_date
from bonafides.records.money import Money
from bonafides.storage import amendments as rows
from bonafides.storage import identity as identity_rows
from bonafides.storage.identity import SubmissionRow
from bonafides.storage.unit_of_work import Store, UnitOfWork

# Fifteen working days with a holiday of a week, and some to spare.
PATIENCE: Final = 30 * DAY
_DAYS: Final = frozenset({"established", "term_end"})


@dataclass(frozen=True, slots=True)
class Basis:
    """What a submission amends: the row before, what changed, and the results that stand."""

    before: SubmissionRow
    changed: tuple[str, ...]
    kept: Mapping[str, CheckResult]
    announced_at: Instant
    expires_at: Instant

    @property
    def asks(self) -> bool:
        """Whether any check depends on what changed."""
        return bool(checks.dependent(self.changed))

    def narrowed(self, claims: Claims) -> Claims:
        """Returns the claims as far as sources are to be asked about them (2)."""
        return claims if "representatives" in self.changed else replace(claims, depth=Depth.TWO)

    def verify(self, claims: Claims, evidence: Sequence[Evidence], now: Instant) -> checks.Verdict:
        """Returns the verdict on the amended claims."""
        earlier = replace(
            claims, title=self.before.title, license=stored_license(self.before.license)
        )
        return checks.verify_changes(
            claims,
            earlier,
            self.kept,
            evidence,
            day_of(now),
            patient=now < self.announced_at + PATIENCE,
        )


def basis(store: Store, row: SubmissionRow) -> Basis | None:
    """Returns what the submission amends; None: nothing."""
    with store.reading() as work:
        told_ = rows.find(work, row.code, row.uid)
        if told_ is None:
            return None
        before = identity_rows.find_submission(work, row.code, told_.amends_uid)
        if before is None or before.expires_at is None:
            raise BugError("an amendment of what was never verified")
        again = checks.dependent(told_.changed)
        found = identity_rows.latest_check_results(work, row.code, told_.amends_uid)
    kept = {name: each for name, each in found.items() if name.partition("[")[0] not in again}
    return Basis(before, told_.changed, kept, row.submitted_at, before.expires_at)


def told(work: UnitOfWork, row: SubmissionRow) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """Returns what the submission amends, and field, value before and after of each change.

    Values that may name or reach a person are left empty.
    """
    amendment = rows.find(work, row.code, row.uid)
    if amendment is None:
        return "", ()
    before = identity_rows.find_submission(work, row.code, amendment.amends_uid)
    if before is None:
        raise BugError("an amendment of nothing")
    earlier, later = _open_values(before), _open_values(row)
    return amendment.amends_uid, tuple(
        (path, earlier.get(path, ""), later.get(path, "")) for path in amendment.changed
    )


def _open_values(row: SubmissionRow) -> dict[str, str]:
    license_ = stored_license(row.license)
    values = {
        f"license.{part.name}": _text(part.name, getattr(license_, part.name))
        for part in fields(license_)
    }
    return {"title": row.title, **values}


def _text(name: str, value: str | int | bytes | Money | None) -> str:
    match value:
        case None:
            return ""
        case bytes():
            return value.hex()
        case Money():
            return f"{value.currency} {value.minor}"
        case int() if name in _DAYS:
            return to_date(Day(value)).isoformat()
        case _:
            return str(value)
