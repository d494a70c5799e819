"""Lays out what the demo shows: views side by side, levels, contributions, faults.

console.print(side_by_side({"anonymous": archive, "member": archive, "owner": archive}))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from rich.table import Table

from bonafides.cli import figures
from bonafides.cli.figures import count, day, moment, money, percent, plain, word
from bonafides.errors import FieldViolation
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2
from scripts.sampling import Enterprise

# Three views beside one another, and Chinese titles, which take two columns a character.
LEAST_WIDTH: Final = 150
NOT_A_CREDIT_RATING: Final = (
    "The level says how far the verified record supports dealing in good faith. It is not a"
    " credit rating. Basis: {basis}."
)
_WITHHELD: Final = "·"

_Archive = archive_pb2.Archive
_Cells = Mapping[str, str]


def side_by_side(views: Mapping[str, _Archive]) -> Table:
    """Returns a table with a row for each thing that can be seen and a column for each view.

    A dot says that the view holds nothing there.
    """
    first = next(iter(views.values()))
    table = Table(
        title=f"{first.registration.title}  {first.registration.code}",
        title_style="bold",
        caption=f"{_WITHHELD} not in this view",
    )
    table.add_column("", style="dim", no_wrap=True)
    for view in views:
        table.add_column(view, overflow="fold")
    columns = [_cells(archive) for archive in views.values()]
    for label in dict.fromkeys(label for cells in columns for label in cells):
        table.add_row(label, *(plain(cells.get(label, _WITHHELD)) for cells in columns))
    return table


def contributions(rating: rating_pb2.Rating) -> Table:
    """Returns what each feature gave, as its owner sees it."""
    table = Table(title="Why, to the owner")
    for heading in ("feature", "value", "bin", "points", "", "what was counted"):
        table.add_column(heading, overflow="fold")
    widest = max((part.max_points for part in rating.contributions), default=0)
    for part in rating.contributions:
        table.add_row(
            f"{part.title_zh} {part.title_en}",
            figures.value(part),
            part.bin,
            f"{part.points} of {part.max_points}",
            figures.bar(part.points, part.max_points, widest),
            part.facts,
        )
    table.add_row("sum", "", "", str(rating.score), "", _rules(rating))
    table.caption = NOT_A_CREDIT_RATING.format(basis=rating_pb2.Basis.Name(rating.basis)[6:])
    return table


def levels(rows: Sequence[tuple[Enterprise, rating_pb2.Rating | None]]) -> Table:
    """Returns the levels of generated enterprises; None: it takes no part, so it has none."""
    table = Table(
        "code", "generated enterprise", "its part", "level", "range", title="What a member sees"
    )
    for of, rating in rows:
        known = ("not found", "") if rating is None else (_level(rating.level), _range(rating))
        table.add_row(of.code.text, of.title, of.character.name, *known)
    return table


def checks(submission: enterprise_pb2.Submission) -> Table:
    """Returns the results of a submission's checks."""
    state, meaning = figures.STATES[submission.state]
    table = Table("check", "outcome", "source", "what to do", title=f"{state}. {meaning}")
    for check in submission.checks:
        outcome = word(figures.OUTCOMES, check.outcome)
        table.add_row(check.check, outcome, check.provenance.source, check.remedy)
    return table


def faults(violations: Iterable[FieldViolation]) -> Table:
    """Returns the faulty fields of a refused submission."""
    table = Table("field", "reason", "what to do", title="Refused: every faulty field is named")
    for fault in violations:
        table.add_row(fault.field, fault.reason, fault.description)
    return table


def rules(rating: rating_pb2.Rating) -> Table:
    """Returns the rules that decided beside the points."""
    table = Table("rule", "why", "为什么", title=f"Level {_level(rating.level)}")
    for rule in rating.rules:
        table.add_row(rule.reason, rule.text_en, rule.text_zh)
    return table


def withheld(records: archive_pb2.PublicRecords) -> Table:
    """Returns the public records that count no more, or never, as staff see them."""
    table = Table("record", "began", "why it counts for nothing", title="What staff see besides")
    for case in records.court_cases:
        kind = word(figures.COURT_CASES, case.kind)
        table.add_row(kind, day(case.publish_date), _standing(case.record))
    for listing in records.listings:
        kind = word(figures.LISTINGS, listing.kind)
        table.add_row(kind, day(listing.list_date), _standing(listing.record))
    for penalty in records.penalties:
        kind = f"penalty: {penalty.sanction}"
        table.add_row(kind, day(penalty.decision_date), _standing(penalty.record))
    return table


def _standing(record: archive_pb2.PublicRecord) -> str:
    matched = word(figures.MATCHES, record.matched_by)
    return f"{word(figures.STANDINGS, record.standing)}, matched {matched}"


def _cells(archive: _Archive) -> _Cells:
    """Returns what the view holds, by label; what it does not hold has no entry."""
    told = archive.registration
    cells = {
        "operating state": word(figures.OPERATING_STATES, told.operating_state),
        "registered address": told.registered_address,
        "established": day(told.established) if told.HasField("established") else "",
        "capital": money(told.registered_capital) if told.HasField("registered_capital") else "",
        "scope": told.business_scope,
        "shareholders": ", ".join(holder.title or holder.person for holder in archive.shareholders),
        "changes": ", ".join(f"{day(each.change_date)} {each.item}" for each in archive.changes),
        "source": told.provenance.source,
    }
    if archive.HasField("verification"):
        cells["verified until"] = moment(archive.verification.expire_time)
    if archive.HasField("rating"):
        rating = archive.rating
        cells["LEVEL"] = f"{_level(rating.level)}, range {_range(rating)}"
        cells["model"] = f"{rating.model_version}, {rating_pb2.Basis.Name(rating.basis)[6:]}"
        cells["coverage"] = (
            f"{rating.coverage.platforms_covered} of {rating.coverage.platforms_known} platforms"
        )
        if rating.HasField("score"):
            cells["score"] = count(rating.score)
    standing = archive.public_records
    cells["court cases"] = ", ".join(case.case_number for case in standing.court_cases)
    cells["listings"] = ", ".join(
        word(figures.LISTINGS, listing.kind) for listing in standing.listings
    )
    cells["penalties"] = ", ".join(
        f"{day(penalty.decision_date)} {penalty.sanction}" for penalty in standing.penalties
    )
    for file in archive.platforms:
        cells |= _platform(file)
    return {label: cell for label, cell in cells.items() if cell}


def _platform(file: archive_pb2.PlatformFile) -> _Cells:
    own, shown = file.last_year, file.displayed
    buyers = shown.buyers
    cells = {
        "open stores": (file, "open_stores", count),
        "member for, years": (shown, "membership_years", count),
        "transactions": (shown, "transactions", count),
        "buyers": (buyers, "buyers", count),
        "repeat buyers": (buyers, "repeat_rate_ppm", percent),
        "refunds, 12 months": (own, "refund_rate_ppm", percent),
        "upheld complaints, 12 months": (own, "upheld_complaint_rate_ppm", percent),
        "lost disputes, 12 months": (own, "lost_dispute_rate_ppm", percent),
        "late deliveries, 12 months": (own, "late_delivery_rate_ppm", percent),
    }
    found: dict[str, str] = {}
    for label, (message, name, write) in cells.items():
        if message.HasField(name):
            found[f"{file.platform}: {label}"] = _written(write, getattr(message, name))
    if shown.certifications:
        found[f"{file.platform}: on-site"] = ", ".join(
            f"{each.agency} {day(each.inspection_date)}{' EXPIRED' if each.expired else ''}"
            for each in shown.certifications
        )
    if file.HasField("cumulative"):
        found[f"{file.platform}: turnover of all time"] = money(file.cumulative.amount)
    return found


def _written(write: Callable[[int], str], number: int) -> str:
    return write(number)


def _level(level: rating_pb2.Level.ValueType) -> str:
    return word(figures.LEVELS, level)


def _range(rating: rating_pb2.Rating) -> str:
    low, high = _level(rating.range_low), _level(rating.range_high)
    return low if low == high else f"{low} to {high}"


def _rules(rating: rating_pb2.Rating) -> str:
    return "; ".join(rule.text_en for rule in rating.rules)
