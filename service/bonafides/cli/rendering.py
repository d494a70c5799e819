"""Lays out what the service answered, for people.

Every field that an answer holds is printed, and nothing else is: what a caller does
not see was withheld by the server, and this module neither guesses nor explains it
away. Absent is not zero: a line without a value is left out, or says "not known"
where the registry owes one. A level never stands without its range, dates, basis and
the words that it is not a credit rating.

    console.print(archive(message, logged_in=False))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bonafides.cli import figures, stores_view
from bonafides.cli.figures import count, day, moment, money, percent, plain, word
from bonafides.v1 import archive_pb2, document_pb2, enterprise_pb2, rating_pb2

NOT_A_CREDIT_RATING = (
    "Not a credit rating and not meant for lending: it says how far the verified record "
    "supports dealing with the enterprise in good faith."
)
LOG_IN = (
    "Log in to see the level and the business file: pass an access token with --token-file, "
    "--token or BONAFIDES_TOKEN. In the sandbox, `bonafides token member` makes one."
)
_SELF_PROVIDED: Final = "Self-provided, not verified"
# What is not rated, and what is not shown, lies in no range.
_WITHOUT_RANGE: Final = frozenset({rating_pb2.LEVEL_UNSPECIFIED, rating_pb2.LEVEL_NR})
_Row = tuple[str, str | None]


def archive(shown: archive_pb2.Archive, *, logged_in: bool) -> RenderableType:
    """Returns the archive; for the anonymous caller, with what logging in adds."""
    parts: list[RenderableType] = [
        _title(shown.registration.title or "Archive", shown.name),
        _registration(shown.registration),
        *_around_registration(shown),
    ]
    if shown.HasField("verification"):
        parts += [_heading("Authentication"), _verification(shown.verification)]
    if shown.HasField("rating"):
        parts += [_heading("Integrity level"), *_rating(shown.rating), *_explanation(shown.rating)]
    if shown.HasField("public_records"):
        parts += [_heading("Courts and authorities"), *_public_records(shown.public_records)]
    if shown.HasField("withheld_records"):
        parts += [
            _heading("Counting no more, or never (staff)"),
            *_public_records(shown.withheld_records),
        ]
    for platform in shown.platforms:
        parts += [_heading(f"Business file: {platform.platform}"), *_platform(platform)]
    if shown.HasField("self_description"):
        parts += [_heading(_SELF_PROVIDED), *_self_description(shown.self_description)]
    if shown.freshness:
        parts += [_heading("How fresh this is"), _freshness(shown.freshness)]
    parts.append(
        _facts(("As of", _moment(shown, "as_of_time")), ("Etag", shown.etag or None))
        if logged_in
        else Text(f"\n{LOG_IN}")
    )
    return Group(*parts)


def self_description(shown: archive_pb2.SelfDescription) -> RenderableType:
    """Returns what an enterprise says of itself, marked as nothing more than that."""
    return Group(_title(_SELF_PROVIDED), *_self_description(shown))


def level(shown: rating_pb2.Rating) -> RenderableType:
    """Returns the level with all that must stand beside it, without the explanation."""
    return Group(_title("Integrity level"), *_rating(shown))


def explained(shown: rating_pb2.Rating) -> RenderableType:
    """Returns the level and how it came about, as far as this caller may see it."""
    parts = _explanation(shown) or [
        Text("\nThe explanation is shown to the enterprise itself and to staff alone.")
    ]
    return Group(_title("Integrity level"), *_rating(shown), *parts)


def submission(shown: enterprise_pb2.Submission) -> RenderableType:
    """Returns where the submission stands, what to do, and how it came there."""
    state, meaning = figures.STATES.get(shown.state, (f"state {shown.state}", ""))
    parts: list[RenderableType] = [
        _title("Submission", shown.name),
        _facts(
            ("State", state),
            ("This means", meaning or None),
            ("Submitted", _moment(shown, "submit_time")),
            ("Asked again", _moment(shown, "recheck_time")),
            ("Verified until", _moment(shown, "expire_time")),
            ("Licence's copy", shown.license_document or None),
        ),
    ]
    if shown.checks:
        parts += [_heading("Checks"), _checks(shown.checks)]
    if shown.depths:
        told = ((figures.DEPTHS, each.depth, each.outcome) for each in shown.depths)
        rows = [(word(names, depth), word(figures.OUTCOMES, found)) for names, depth, found in told]
        parts += [_heading("At each depth"), _facts(*rows)]
    if shown.findings:
        found = [(finding.reason, finding.description) for finding in shown.findings]
        parts += [_heading("Worth knowing (refuses nothing)"), _facts(*found)]
    if shown.history:
        parts += [_heading("History"), _history(shown.history)]
    return Group(*parts)


def document(shown: document_pb2.Document) -> RenderableType:
    """Returns what is known of a copy of a licence, and how a submission names it."""
    digest = shown.name.rpartition("/")[2]
    parts: list[RenderableType] = [
        _title("Copy of a licence", shown.name),
        _facts(
            ("SHA-256", digest),
            ("Type", shown.media_type),
            ("Size", f"{count(shown.size_bytes)} bytes"),
            ("Uploaded", _moment(shown, "upload_time")),
            ("Deleted", _moment(shown, "delete_time")),
            *(("Named by", name) for name in shown.submissions),
        ),
    ]
    if shown.findings:
        found = [(finding.reason, finding.description) for finding in shown.findings]
        parts += [_heading("Worth knowing (refuses nothing)"), _facts(*found)]
    if not shown.submissions:
        parts.append(
            Text(
                "\nSubmit with the same file in --license-copy, and the submission names this copy."
            )
        )
    return Group(*parts)


def scorecard(shown: rating_pb2.Scorecard) -> RenderableType:
    """Returns what the scorecard is, whether its digest holds, and the points it can give."""
    holds = hashlib.sha256(shown.artifact).hexdigest() == shown.digest
    digest = "agrees with the artifact" if holds else "DOES NOT AGREE with the artifact"
    return Group(
        _title("Scorecard", shown.name),
        _facts(
            ("Basis", word(figures.BASES, shown.basis)),
            ("SHA-256", f"{shown.digest} ({digest})"),
            ("Artifact", f"{count(len(shown.artifact))} bytes; --output FILE writes it"),
        ),
        *_card(shown.artifact),
        Text(NOT_A_CREDIT_RATING, style="italic"),
    )


def _card(artifact: bytes) -> list[RenderableType]:
    """Returns features and levels of a card of a known schema; models/README.md describes it."""
    features = _table("Feature", "Points", "Better when")
    levels = _table("Level", "From points")
    try:
        card = json.loads(artifact)
        for feature in card["features"]:
            points = (*feature["points"], feature["missing"], feature["not_applicable"])
            _add(
                features,
                _lines(feature["title"]["zh"], feature["title"]["en"], feature["name"]),
                f"{min(points):+,} to {max(points):+,}",
                "higher" if feature["direction"] == "HIGHER_IS_BETTER" else "lower",
            )
        for cut in card["levels"]:
            _add(levels, str(cut["level"]), count(cut["min_points"]))
    except (ValueError, TypeError, LookupError, AttributeError):
        return [Text("\nThis version of the command line can't read the card; --output does.")]
    return [features, levels]


def _registration(shown: enterprise_pb2.Registration) -> RenderableType:
    start = day(shown.term_start) if shown.HasField("term_start") else figures.NOT_KNOWN
    end = day(shown.term_end) if shown.HasField("term_end") else "no end, or not known"
    capital = money(shown.registered_capital) if shown.HasField("registered_capital") else None
    return _facts(
        ("Name", shown.title or figures.NOT_KNOWN),
        ("Code", shown.code or figures.NOT_KNOWN),
        ("Operating state", word(figures.OPERATING_STATES, shown.operating_state)),
        ("Term of business", f"{start} to {end}"),
        ("Registered address", shown.registered_address or figures.NOT_KNOWN),
        ("Established", day(shown.established) if shown.HasField("established") else "not known"),
        ("Registered capital", capital or "not known, or none (individual business)"),
        ("Scope of business", shown.business_scope or figures.NOT_KNOWN),
        ("Form of composition", shown.composition or None),
        ("Source", _provenance(shown.provenance)),
    )


def _around_registration(shown: archive_pb2.Archive) -> Iterable[RenderableType]:
    if shown.shareholders:
        yield _heading("Shareholders")
        yield _shareholders(shown.shareholders)
    if shown.findings:
        yield _heading("What does not agree (staff)")
        yield _facts(*((finding.reason, finding.description) for finding in shown.findings))
    if shown.changes:
        yield _heading("Changes of the registration")
        yield _changes(shown.changes)


def _shareholders(shown: Iterable[enterprise_pb2.Shareholder]) -> RenderableType:
    table = _table("Holder", "Subscribed", "Paid in", "Share")
    for holder in shown:
        by, on = _day(holder, "subscribe_date"), _day(holder, "pay_date")
        subscribed = money(holder.subscribed) if holder.HasField("subscribed") else "not known"
        _add(
            table,
            f"{holder.title} {holder.person}",
            _lines(subscribed, f"by {by}" if by else ""),
            _lines(money(holder.paid), f"on {on}" if on else "") if holder.HasField("paid") else "",
            _percent(holder, "share_ppm") or "",
        )
    return table


def _changes(shown: Iterable[enterprise_pb2.Change]) -> RenderableType:
    table = _table("Date", "Item", "Before", "After")
    for change in shown:
        _add(
            table,
            day(change.change_date) if change.HasField("change_date") else figures.NOT_KNOWN,
            change.item,
            f"{change.before} {change.personal_before}",
            f"{change.after} {change.personal_after}",
        )
    return table


def _verification(shown: archive_pb2.Verification) -> RenderableType:
    state, _ = figures.STATES.get(shown.state, (f"state {shown.state}", ""))
    return _facts(
        ("State", state),
        ("Verified since", _moment(shown, "verify_time")),
        ("Verified until", _moment(shown, "expire_time")),
    )


def _rating(shown: rating_pb2.Rating) -> list[RenderableType]:
    covered, known = shown.coverage.platforms_covered, shown.coverage.platforms_known
    return [
        _facts(
            ("Level", _level(shown)),
            ("Resource", shown.name or None),
            ("As of", _moment(shown, "as_of_time")),
            ("Valid until", _moment(shown, "valid_until_time")),
            ("Model version", shown.model_version or None),
            ("Basis", word(figures.BASES, shown.basis)),
            ("Coverage", f"{covered} of {known} platforms" if shown.HasField("coverage") else None),
            ("Held (a source is down)", "yes" if shown.stale else "no"),
            ("Set by people", "yes" if shown.overridden else "no"),
        ),
        Text(NOT_A_CREDIT_RATING, style="italic"),
    ]


def _level(shown: rating_pb2.Rating) -> str:
    level = word(figures.LEVELS, shown.level)
    if shown.level == rating_pb2.LEVEL_NR:
        level = "NR (not rated: too little to say; no judgement)"
    if shown.range_low == shown.range_high and shown.range_low in _WITHOUT_RANGE:
        return level
    low, high = (word(figures.LEVELS, bound) for bound in (shown.range_low, shown.range_high))
    return f"{level}, range {low} to {high}"


def _explanation(shown: rating_pb2.Rating) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if shown.rules:
        parts += [_heading("Rules that decided beside the points"), _rules(shown.rules)]
    if shown.contributions:
        parts += [_heading("Points, feature by feature"), _contributions(shown.contributions)]
    if shown.HasField("score") or shown.model_digest:
        parts.append(
            _facts(
                ("Score", f"{count(shown.score)} points" if shown.HasField("score") else None),
                ("Scorecard SHA-256", shown.model_digest or None),
            )
        )
    return parts


def _rules(shown: Iterable[rating_pb2.RuleHit]) -> RenderableType:
    table = _table("Effect", "Reason", "In words")
    for rule in shown:
        words = _lines(rule.text_zh, rule.text_en)
        _add(table, word(figures.RULES, rule.kind), rule.reason, words)
    return table


def _contributions(shown: Iterable[rating_pb2.Contribution]) -> RenderableType:
    shown = list(shown)
    widest = max(part.max_points for part in shown)
    table = _table("Feature", "Value", "Points", "Counted")
    for part in shown:
        points = f"{part.points:+,} of {part.max_points:,}"
        window = f"last {count(part.window_days)} days" if part.window_days else "all time"
        _add(
            table,
            _lines(part.title_zh, part.title_en, part.feature),
            _lines(figures.value(part), part.bin, figures.peers(part)),
            _lines(points, figures.bar(part.points, part.max_points, widest)),
            _lines(part.facts, window),
        )
    return table


def _public_records(shown: archive_pb2.PublicRecords) -> Iterable[RenderableType]:
    cases = _table("Court", "Case", "Published", "Performance", "Amount", "Record")
    for case in shown.court_cases:
        _add(
            cases,
            _lines(word(figures.COURT_CASES, case.kind), case.court),
            case.case_number,
            _day(case, "publish_date") or figures.NOT_KNOWN,
            word(figures.PERFORMANCES, case.performance),
            money(case.amount) if case.HasField("amount") else figures.NOT_KNOWN,
            _public_record(case.record),
        )
    listings = _table("List", "Listed", "Ground", "Record")
    for listing in shown.listings:
        removed = f"taken off: {listing.removal_ground}" if listing.removal_ground else ""
        _add(
            listings,
            _lines(word(figures.LISTINGS, listing.kind), listing.authority),
            _day(listing, "list_date") or figures.NOT_KNOWN,
            _lines(listing.ground, removed),
            _public_record(listing.record),
        )
    penalties = _table("Penalty", "Decided", "Sanction", "Amount", "Record")
    for penalty in shown.penalties:
        _add(
            penalties,
            _lines(penalty.decision_number, penalty.authority),
            _day(penalty, "decision_date") or figures.NOT_KNOWN,
            _lines(penalty.sanction, word(figures.SEVERITIES, penalty.severity)),
            money(penalty.amount) if penalty.HasField("amount") else "none, or not known",
            _public_record(penalty.record),
        )
    return [table for table in (cases, listings, penalties) if table.rows]


def _public_record(shown: archive_pb2.PublicRecord) -> Text:
    removed, ends = _day(shown, "removal_date"), _moment(shown, "expire_time")
    return _lines(
        word(figures.STANDINGS, shown.standing),
        f"removed {removed}" if removed else "",
        f"until {ends}" if ends else "",
        f"matched {word(figures.MATCHES, shown.matched_by)}",
        f"id {shown.record_id}",
        _provenance(shown.provenance) or "",
    )


def _self_description(shown: archive_pb2.SelfDescription) -> list[RenderableType]:
    area = f"{count(shown.factory_area_sqm)} m²" if shown.factory_area_sqm else None
    employees = word(figures.EMPLOYEES, shown.employees) if shown.employees else None
    parts: list[RenderableType] = [
        _facts(
            ("Resource", shown.name or None),
            ("Main products", ", ".join(shown.main_products) or None),
            ("Website", shown.website or None),
            ("Employees", employees),
            ("Factory area", area),
            ("Languages", ", ".join(shown.contact_languages) or None),
            ("Source", _provenance(shown.provenance)),
        )
    ]
    if shown.certificates:
        table = _table("Certificate", "Agency", "Expires", "Corroborated by")
        for held in shown.certificates:
            ends = _day(held, "expiry_date") or "not said"
            _add(table, held.title, held.agency, ends, held.corroborated_by or "nobody")
        parts.append(table)
    return parts


def _freshness(shown: Iterable[archive_pb2.Freshness]) -> RenderableType:
    table = _table("Section", "Source", "Asked", "Records through")
    for row in shown:
        asked = _moment(row, "retrieve_time") or "reports by itself"
        _add(table, row.section, row.source, asked, _day(row, "data_through") or "")
    return table


def _platform(shown: archive_pb2.PlatformFile) -> list[RenderableType]:
    displayed = shown.displayed
    membership = "Chengxintong (诚信通)" if shown.platform == "1688" else "Paid membership"
    through = day(shown.data_through) if shown.HasField("data_through") else None
    parts: list[RenderableType] = [
        _facts(
            ("Open stores", _count(shown, "open_stores")),
            (membership, _unit(_count(displayed, "membership_years"), "years")),
            ("Transactions", _count(displayed, "transactions")),
            ("Buyers", _count(displayed.buyers, "buyers")),
            ("Buyers who came back", _percent(displayed.buyers, "repeat_rate_ppm")),
            ("Records through", through),
        )
    ]
    if displayed.certifications:
        parts += [Text("On-site certifications"), _certifications(displayed.certifications)]
    if shown.stores:
        parts += [Text(f"Stores, mostly of {plain(shown.main_category) or 'no category'}")]
        parts += [stores_view.table(shown.stores)]
    if shown.HasField("cumulative") or shown.HasField("last_year"):
        parts.append(_statistics(shown))
    if shown.refund_flags:
        flagged = [(each.flag, count(each.refunds)) for each in shown.refund_flags]
        parts += [Text("Refunds with a flag (count against nobody)"), _facts(*flagged)]
    return parts


def _certifications(shown: Iterable[archive_pb2.Certification]) -> RenderableType:
    table = _table("Agency", "Scope", "Inspected", "Expires", "")
    for held in shown:
        _add(
            table,
            held.agency,
            held.scope,
            day(held.inspection_date) if held.HasField("inspection_date") else figures.NOT_KNOWN,
            day(held.expiry_date) if held.HasField("expiry_date") else "no end given",
            "EXPIRED" if held.expired else "valid",
        )
    return table


def _statistics(shown: archive_pb2.PlatformFile) -> RenderableType:
    table = _table("", "All time", "Last 365 days")
    all_time = dict(_figures_of(shown.cumulative)) if shown.HasField("cumulative") else {}
    last_year = dict(_figures_of(shown.last_year)) if shown.HasField("last_year") else {}
    for label in all_time or last_year:
        cells = [column.get(label) for column in (all_time, last_year)]
        if any(cells):
            _add(table, label, *(cell or "" for cell in cells))
    return table


def _figures_of(shown: archive_pb2.TradeStatistics) -> Iterable[_Row]:
    yield "Transactions", count(shown.transactions)
    yield "Amount", money(shown.amount) if shown.HasField("amount") else None
    yield "Buyers (the year: 12 calendar months)", _count(shown.buyers, "buyers")
    yield "Buyers who came back", _percent(shown.buyers, "repeat_rate_ppm")
    yield "Refunds", _percent(shown, "refund_rate_ppm")
    yield "Complaints upheld", _percent(shown, "upheld_complaint_rate_ppm")
    yield "Disputes lost", _percent(shown, "lost_dispute_rate_ppm")
    yield "Late deliveries", _percent(shown, "late_delivery_rate_ppm")
    yield "Complaints of any outcome (staff)", _percent(shown, "complaint_rate_ppm")
    yield "Disputes of any outcome (staff)", _percent(shown, "dispute_rate_ppm")
    # Zero is also what a caller gets who may not see it; only a finding is worth a line.
    unmatched = shown.unmatched_refunds
    yield "Refunds without a known transaction (staff)", count(unmatched) if unmatched else None


def _checks(shown: Iterable[enterprise_pb2.CheckResult]) -> RenderableType:
    table = _table("Check", "Outcome", "Source", "What to do")
    for check in shown:
        _add(
            table,
            check.check,
            f"{word(figures.OUTCOMES, check.outcome)} {figures.NOTES.get(check.note, check.note)}",
            _provenance(check.provenance) or "",
            check.remedy,
        )
    return table


def _history(shown: Iterable[enterprise_pb2.Transition]) -> RenderableType:
    table = _table("When", "State", "Why")
    for step in shown:
        state, _ = figures.STATES.get(step.state, (f"state {step.state}", ""))
        _add(table, _moment(step, "transition_time") or "", state, step.reason)
    return table


def _provenance(shown: enterprise_pb2.Provenance) -> str | None:
    retrieved = _moment(shown, "retrieve_time")
    return ", asked ".join(part for part in (shown.source, retrieved) if part) or None


def _title(title: str, name: str = "") -> RenderableType:
    heading = _lines(title, name)
    heading.stylize("bold")
    return heading


def _heading(text: str) -> RenderableType:
    return Text(f"\n{plain(text)}", style="bold cyan")


def _facts(*rows: _Row) -> RenderableType:
    """Returns label and value side by side; a row whose value is None is left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, cell in rows:
        if cell is not None:
            grid.add_row(Text(plain(label)), Text(plain(cell)))
    return grid


def _table(*columns: str) -> Table:
    table = Table(header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _add(table: Table, *cells: str | Text) -> None:
    """Adds a row; a string is content from outside, never markup."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell) or "–") for cell in cells))


def _lines(*texts: str) -> Text:
    return Text("\n".join(plain(text) for text in texts if text))


def _moment(message: Message, field: str) -> str | None:
    stamp: Timestamp = getattr(message, field)
    return moment(stamp) if message.HasField(field) else None


def _day(message: Message, field: str) -> str | None:
    date: Date = getattr(message, field)
    return day(date) if message.HasField(field) else None


def _count(message: Message, field: str) -> str | None:
    return count(getattr(message, field)) if message.HasField(field) else None


def _percent(message: Message, field: str) -> str | None:
    return percent(getattr(message, field)) if message.HasField(field) else None


def _unit(figure: str | None, unit: str) -> str | None:
    return f"{figure} {unit}" if figure else None
