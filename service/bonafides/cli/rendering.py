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

from rich.console import Group, RenderableType
from rich.text import Text

from bonafides.cli import figures, layout, stores_view
from bonafides.cli.figures import count, day, money, plain, word
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2

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


def archive(shown: archive_pb2.Archive, *, logged_in: bool) -> RenderableType:
    """Returns the archive; for the anonymous caller, with what logging in adds."""
    parts: list[RenderableType] = [
        layout.title(shown.registration.title or "Archive", shown.name),
        *([Text(f"The registration is {layout.DISPUTED}.")] if shown.registration_disputed else []),
        _registration(shown.registration),
        *_around_registration(shown),
    ]
    if shown.HasField("verification"):
        parts += [layout.heading("Authentication"), _verification(shown.verification)]
    if shown.HasField("rating"):
        parts += [
            layout.heading("Integrity level"),
            *_rating(shown.rating),
            *_explanation(shown.rating),
        ]
    if shown.HasField("public_records"):
        parts += [layout.heading("Courts and authorities"), *_public_records(shown.public_records)]
    if shown.HasField("withheld_records"):
        parts += [
            layout.heading("Counting no more, or never (staff)"),
            *_public_records(shown.withheld_records),
        ]
    for platform in shown.platforms:
        title = layout.heading(f"Business file: {platform.platform}", disputed=platform.disputed)
        parts += [title, *_platform(platform)]
    if shown.HasField("self_description"):
        parts += [layout.heading(_SELF_PROVIDED), *_self_description(shown.self_description)]
    if shown.disputed_facts:
        parts += [layout.heading("Disputed, to be ruled on"), _disputed(shown.disputed_facts)]
    if shown.freshness:
        parts += [layout.heading("How fresh this is"), _freshness(shown.freshness)]
    parts.append(
        layout.facts(("As of", layout.moment_of(shown, "as_of_time")), ("Etag", shown.etag or None))
        if logged_in
        else Text(f"\n{LOG_IN}")
    )
    return Group(*parts)


def self_description(shown: archive_pb2.SelfDescription) -> RenderableType:
    """Returns what an enterprise says of itself, marked as nothing more than that."""
    return Group(layout.title(_SELF_PROVIDED), *_self_description(shown))


def level(shown: rating_pb2.Rating) -> RenderableType:
    """Returns the level with all that must stand beside it, without the explanation."""
    return Group(layout.title("Integrity level"), *_rating(shown))


def explained(shown: rating_pb2.Rating) -> RenderableType:
    """Returns the level and how it came about, as far as this caller may see it."""
    parts = _explanation(shown) or [
        Text("\nThe explanation is shown to the enterprise itself and to staff alone.")
    ]
    return Group(layout.title("Integrity level"), *_rating(shown), *parts)


def scorecard(shown: rating_pb2.Scorecard) -> RenderableType:
    """Returns what the scorecard is, whether its digest holds, and the points it can give."""
    holds = hashlib.sha256(shown.artifact).hexdigest() == shown.digest
    digest = "agrees with the artifact" if holds else "DOES NOT AGREE with the artifact"
    return Group(
        layout.title("Scorecard", shown.name),
        layout.facts(
            ("Basis", word(figures.BASES, shown.basis)),
            ("SHA-256", f"{shown.digest} ({digest})"),
            ("Artifact", f"{count(len(shown.artifact))} bytes; --output FILE writes it"),
        ),
        *_card(shown.artifact),
        Text(NOT_A_CREDIT_RATING, style="italic"),
    )


def _card(artifact: bytes) -> list[RenderableType]:
    """Returns features and levels of a card of a known schema; models/README.md describes it."""
    features = layout.table("Feature", "Points", "Better when")
    levels = layout.table("Level", "From points")
    try:
        card = json.loads(artifact)
        for feature in card["features"]:
            points = (*feature["points"], feature["missing"], feature["not_applicable"])
            layout.add_row(
                features,
                layout.lines(feature["title"]["zh"], feature["title"]["en"], feature["name"]),
                f"{min(points):+,} to {max(points):+,}",
                "higher" if feature["direction"] == "HIGHER_IS_BETTER" else "lower",
            )
        for cut in card["levels"]:
            layout.add_row(levels, str(cut["level"]), count(cut["min_points"]))
    except (ValueError, TypeError, LookupError, AttributeError):
        return [Text("\nThis version of the command line can't read the card; --output does.")]
    return [features, levels]


def _registration(shown: enterprise_pb2.Registration) -> RenderableType:
    start = day(shown.term_start) if shown.HasField("term_start") else figures.NOT_KNOWN
    end = day(shown.term_end) if shown.HasField("term_end") else "no end, or not known"
    capital = money(shown.registered_capital) if shown.HasField("registered_capital") else None
    return layout.facts(
        ("Name", shown.title or figures.NOT_KNOWN),
        ("Code", shown.code or figures.NOT_KNOWN),
        ("Operating state", word(figures.OPERATING_STATES, shown.operating_state)),
        ("Term of business", f"{start} to {end}"),
        ("Registered address", shown.registered_address or figures.NOT_KNOWN),
        ("Established", day(shown.established) if shown.HasField("established") else "not known"),
        ("Registered capital", capital or "not known, or none (individual business)"),
        ("Scope of business", shown.business_scope or figures.NOT_KNOWN),
        ("Form of composition", shown.composition or None),
        ("Source", layout.provenance(shown.provenance)),
    )


def _around_registration(shown: archive_pb2.Archive) -> Iterable[RenderableType]:
    if shown.shareholders:
        yield layout.heading("Shareholders", disputed=shown.shareholders_disputed)
        yield _shareholders(shown.shareholders)
    if shown.findings:
        yield layout.heading("What does not agree (staff)")
        yield layout.facts(*((finding.reason, finding.description) for finding in shown.findings))
    if shown.changes:
        yield layout.heading("Changes of the registration", disputed=shown.changes_disputed)
        yield _changes(shown.changes)


def _shareholders(shown: Iterable[enterprise_pb2.Shareholder]) -> RenderableType:
    table = layout.table("Holder", "Subscribed", "Paid in", "Share")
    for holder in shown:
        by, on = layout.day_of(holder, "subscribe_date"), layout.day_of(holder, "pay_date")
        subscribed = money(holder.subscribed) if holder.HasField("subscribed") else "not known"
        layout.add_row(
            table,
            f"{holder.title} {holder.person}",
            layout.lines(subscribed, f"by {by}" if by else ""),
            layout.lines(money(holder.paid), f"on {on}" if on else "")
            if holder.HasField("paid")
            else "",
            layout.percent_of(holder, "share_ppm") or "",
        )
    return table


def _changes(shown: Iterable[enterprise_pb2.Change]) -> RenderableType:
    table = layout.table("Date", "Item", "Before", "After")
    for change in shown:
        layout.add_row(
            table,
            day(change.change_date) if change.HasField("change_date") else figures.NOT_KNOWN,
            change.item,
            f"{change.before} {change.personal_before}",
            f"{change.after} {change.personal_after}",
        )
    return table


def _verification(shown: archive_pb2.Verification) -> RenderableType:
    state, _ = figures.STATES.get(shown.state, (f"state {shown.state}", ""))
    return layout.facts(
        ("State", state),
        ("Verified since", layout.moment_of(shown, "verify_time")),
        ("Verified until", layout.moment_of(shown, "expire_time")),
    )


def _rating(shown: rating_pb2.Rating) -> list[RenderableType]:
    covered, known = shown.coverage.platforms_covered, shown.coverage.platforms_known
    return [
        layout.facts(
            ("Level", _level(shown)),
            ("Resource", shown.name or None),
            ("As of", layout.moment_of(shown, "as_of_time")),
            ("Valid until", layout.moment_of(shown, "valid_until_time")),
            ("Model version", shown.model_version or None),
            ("Basis", word(figures.BASES, shown.basis)),
            ("Coverage", f"{covered} of {known} platforms" if shown.HasField("coverage") else None),
            ("Held (a source is down)", "yes" if shown.stale else "no"),
            ("Set by people", "yes" if shown.overridden else "no"),
            ("Set by", shown.override or None),
            ("Rests on something disputed", "yes" if shown.disputed else None),
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
    if shown.HasField("announced"):
        parts += [layout.heading("Announced: by a scorecard to come"), _announced(shown.announced)]
    if shown.rules:
        parts += [layout.heading("Rules that decided beside the points"), _rules(shown.rules)]
    if shown.reasons:
        parts += [layout.heading("Where the most points were lost"), _reasons(shown.reasons)]
    if shown.contributions:
        parts += [layout.heading("Points, feature by feature"), _contributions(shown.contributions)]
    if shown.raw_level:
        parts.append(_publication(shown))
    if shown.HasField("score") or shown.model_digest:
        parts.append(
            layout.facts(
                ("Score", f"{count(shown.score)} points" if shown.HasField("score") else None),
                ("Scorecard SHA-256", shown.model_digest or None),
                ("Receipt SHA-256", shown.receipt_digest or None),
            )
        )
    return parts


def _announced(shown: rating_pb2.AnnouncedLevel) -> RenderableType:
    return layout.facts(
        ("Level by it", word(figures.LEVELS, shown.level)),
        ("Not before", layout.moment_of(shown, "effective_time")),
        ("Announced", layout.moment_of(shown, "announce_time")),
        ("Model version", shown.model_version),
        ("Scorecard SHA-256", shown.model_digest),
    )


def _publication(shown: rating_pb2.Rating) -> RenderableType:
    before = None
    if shown.prior_level:
        since = layout.moment_of(shown, "prior_publish_time")
        before = f"{word(figures.LEVELS, shown.prior_level)}, since {since or figures.NOT_KNOWN}"
    return layout.facts(
        ("Raw level", word(figures.LEVELS, shown.raw_level)),
        ("Held back", word(figures.HOLDS, shown.hold) or None),
        ("Published since", layout.moment_of(shown, "publish_time")),
        ("Before that", before),
        ("Next evaluation", layout.moment_of(shown, "next_evaluation_time")),
        ("Capped until", layout.moment_of(shown, "cap_end_time")),
    )


def _rules(shown: Iterable[rating_pb2.RuleHit]) -> RenderableType:
    table = layout.table("Effect", "Reason", "In words")
    for rule in shown:
        words = layout.lines(rule.text_zh, rule.text_en, layout.mark(disputed=rule.disputed))
        layout.add_row(table, word(figures.RULES, rule.kind), rule.reason, words)
    return table


def _reasons(shown: Iterable[rating_pb2.Reason]) -> RenderableType:
    table = layout.table("Reason", "Looked at", "In words")
    for why in shown:
        more = why.cases_until_full
        layout.add_row(
            table,
            layout.lines(
                why.reason,
                f"{count(why.points_lost)} points lost on {why.feature}",
                word(figures.REMEDIES, why.kind),
            ),
            layout.lines(
                f"from {layout.day_of(why, 'from_date') or 'the beginning'}",
                f"to {layout.day_of(why, 'to_date') or figures.NOT_KNOWN}",
                f"told by {', '.join(why.sources) or 'nobody'}",
                f"counts fully after {count(more)} more" if more else "",
                f"to correct: {why.correction_target}",
            ),
            layout.lines(why.text_zh, why.text_en),
        )
    return table


def _contributions(shown: Iterable[rating_pb2.Contribution]) -> RenderableType:
    shown = list(shown)
    widest = max(part.max_points for part in shown)
    table = layout.table("Feature", "Value", "Points", "Counted")
    for part in shown:
        points = f"{part.points:+,} of {part.max_points:,}"
        window = f"last {count(part.window_days)} days" if part.window_days else "all time"
        layout.add_row(
            table,
            layout.lines(part.title_zh, part.title_en, part.feature),
            layout.lines(figures.value(part), part.bin, figures.peers(part)),
            layout.lines(points, figures.bar(part.points, part.max_points, widest)),
            layout.lines(part.facts_zh, part.facts, window, layout.mark(disputed=part.disputed)),
        )
    return table


def _public_records(shown: archive_pb2.PublicRecords) -> Iterable[RenderableType]:
    cases = layout.table("Court", "Case", "Published", "Performance", "Amount", "Record")
    for case in shown.court_cases:
        layout.add_row(
            cases,
            layout.lines(word(figures.COURT_CASES, case.kind), case.court),
            case.case_number,
            layout.day_of(case, "publish_date") or figures.NOT_KNOWN,
            word(figures.PERFORMANCES, case.performance),
            money(case.amount) if case.HasField("amount") else figures.NOT_KNOWN,
            _public_record(case.record),
        )
    listings = layout.table("List", "Listed", "Ground", "Record")
    for listing in shown.listings:
        removed = f"taken off: {listing.removal_ground}" if listing.removal_ground else ""
        layout.add_row(
            listings,
            layout.lines(word(figures.LISTINGS, listing.kind), listing.authority),
            layout.day_of(listing, "list_date") or figures.NOT_KNOWN,
            layout.lines(listing.ground, removed),
            _public_record(listing.record),
        )
    penalties = layout.table("Penalty", "Decided", "Sanction", "Amount", "Record")
    for penalty in shown.penalties:
        layout.add_row(
            penalties,
            layout.lines(penalty.decision_number, penalty.authority),
            layout.day_of(penalty, "decision_date") or figures.NOT_KNOWN,
            layout.lines(penalty.sanction, word(figures.SEVERITIES, penalty.severity)),
            money(penalty.amount) if penalty.HasField("amount") else "none, or not known",
            _public_record(penalty.record),
        )
    return [table for table in (cases, listings, penalties) if table.rows]


def _public_record(shown: archive_pb2.PublicRecord) -> Text:
    removed, ends = layout.day_of(shown, "removal_date"), layout.moment_of(shown, "expire_time")
    return layout.lines(
        layout.mark(disputed=shown.disputed),
        word(figures.STANDINGS, shown.standing),
        f"removed {removed}" if removed else "",
        f"until {ends}" if ends else "",
        f"matched {word(figures.MATCHES, shown.matched_by)}",
        f"id {shown.record_id}",
        layout.provenance(shown.provenance) or "",
    )


def _self_description(shown: archive_pb2.SelfDescription) -> list[RenderableType]:
    area = f"{count(shown.factory_area_sqm)} m²" if shown.factory_area_sqm else None
    employees = word(figures.EMPLOYEES, shown.employees) if shown.employees else None
    parts: list[RenderableType] = [
        layout.facts(
            ("Resource", shown.name or None),
            ("Main products", ", ".join(shown.main_products) or None),
            ("Website", shown.website or None),
            ("Employees", employees),
            ("Factory area", area),
            ("Languages", ", ".join(shown.contact_languages) or None),
            ("Source", layout.provenance(shown.provenance)),
        )
    ]
    if shown.certificates:
        table = layout.table("Certificate", "Agency", "Expires", "Corroborated by")
        for held in shown.certificates:
            ends = layout.day_of(held, "expiry_date") or "not said"
            layout.add_row(table, held.title, held.agency, ends, held.corroborated_by or "nobody")
        parts.append(table)
    return parts


def _disputed(shown: Iterable[archive_pb2.DisputedFact]) -> RenderableType:
    table = layout.table("Fact or record", "Item", "Ruled on by")
    for fact in shown:
        due = (layout.day_of(fact, "due_date") or "") + (" OVERDUE" if fact.overdue else "")
        layout.add_row(table, layout.lines(fact.kind, fact.platform), fact.item, due)
    return table


def _freshness(shown: Iterable[archive_pb2.Freshness]) -> RenderableType:
    table = layout.table("Section", "Source", "Asked", "Records through")
    for row in shown:
        asked = layout.moment_of(row, "retrieve_time") or "reports by itself"
        layout.add_row(
            table, row.section, row.source, asked, layout.day_of(row, "data_through") or ""
        )
    return table


def _platform(shown: archive_pb2.PlatformFile) -> list[RenderableType]:
    displayed = shown.displayed
    membership = "Chengxintong (诚信通)" if shown.platform == "1688" else "Paid membership"
    through = day(shown.data_through) if shown.HasField("data_through") else None
    parts: list[RenderableType] = [
        layout.facts(
            ("Open stores", layout.count_of(shown, "open_stores")),
            (membership, layout.with_unit(layout.count_of(displayed, "membership_years"), "years")),
            ("Transactions", layout.count_of(displayed, "transactions")),
            ("Buyers", layout.count_of(displayed.buyers, "buyers")),
            ("Buyers who came back", layout.percent_of(displayed.buyers, "repeat_rate_ppm")),
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
        parts += [Text("Refunds with a flag (count against nobody)"), layout.facts(*flagged)]
    return parts


def _certifications(shown: Iterable[archive_pb2.Certification]) -> RenderableType:
    table = layout.table("Agency", "Scope", "Inspected", "Expires", "")
    for held in shown:
        layout.add_row(
            table,
            held.agency,
            held.scope,
            day(held.inspection_date) if held.HasField("inspection_date") else figures.NOT_KNOWN,
            day(held.expiry_date) if held.HasField("expiry_date") else "no end given",
            "EXPIRED" if held.expired else "valid",
        )
    return table


def _statistics(shown: archive_pb2.PlatformFile) -> RenderableType:
    table = layout.table("", "All time", "Last 365 days")
    all_time = dict(_figures_of(shown.cumulative)) if shown.HasField("cumulative") else {}
    last_year = dict(_figures_of(shown.last_year)) if shown.HasField("last_year") else {}
    for label in all_time or last_year:
        cells = [column.get(label) for column in (all_time, last_year)]
        if any(cells):
            layout.add_row(table, label, *(cell or "" for cell in cells))
    return table


def _figures_of(shown: archive_pb2.TradeStatistics) -> Iterable[layout.Row]:
    yield "Transactions", count(shown.transactions)
    yield "Amount", money(shown.amount) if shown.HasField("amount") else None
    yield "Buyers (the year: 12 calendar months)", layout.count_of(shown.buyers, "buyers")
    yield "Buyers who came back", layout.percent_of(shown.buyers, "repeat_rate_ppm")
    yield "Refunds", layout.percent_of(shown, "refund_rate_ppm")
    yield "Complaints upheld", layout.percent_of(shown, "upheld_complaint_rate_ppm")
    yield "Disputes lost", layout.percent_of(shown, "lost_dispute_rate_ppm")
    yield "Late deliveries", layout.percent_of(shown, "late_delivery_rate_ppm")
    yield "Complaints of any outcome (staff)", layout.percent_of(shown, "complaint_rate_ppm")
    yield "Disputes of any outcome (staff)", layout.percent_of(shown, "dispute_rate_ppm")
    # Zero is also what a caller gets who may not see it; only a finding is worth a line.
    unmatched = shown.unmatched_refunds
    yield "Refunds without a known transaction (staff)", count(unmatched) if unmatched else None
