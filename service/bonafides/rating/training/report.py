"""Writes what a training gave as one page: figures, pictures, and what to beware of.

The page needs nothing beside itself: no script, no picture or font from elsewhere. It
names no enterprise. Everything in it follows from the labelled table and the two cards.

    text = page(table, challenger, card, champion)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import numpy as np

from bonafides.rating.scorecard import Scorecard
from bonafides.rating.training import plots
from bonafides.rating.training.challenger import Challenger
from bonafides.rating.training.labelled import COMPONENTS, GREY, SPLITS, Labelled, points
from bonafides.rating.training.results import Results, probability, results_of

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1f24; background: #fff }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.2rem }
table { border-collapse: collapse; margin: .8rem 0 } caption { text-align: left; color: #57606a }
th, td { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #d8dee4; text-align: right }
th:first-child, td:first-child { text-align: left }
figure { margin: .8rem 0 } figcaption { color: #57606a } svg { max-width: 100%; height: auto }
.note { border-left: 4px solid #bf8700; padding: .2rem .8rem; background: #fff8e5 }
code { overflow-wrap: anywhere }
"""


def page(table: Labelled, challenger: Challenger, card: Scorecard, champion: Scorecard) -> str:
    """Returns the page as HTML; the same table and cards give the same text."""
    out = table.of_split("out_of_time")
    ours, theirs = results_of(out, card), results_of(out, champion)
    parts = [
        f"<h1>{escape(card.content.title.en)}</h1>",
        _heading(table, card, champion),
        *_notes(card, challenger, ours),
        "<h2>Out of time</h2>",
        _comparison(card, champion, ours, theirs),
        *_pictures(out, card, champion),
        "<h2>Levels</h2>",
        _levels(card, champion, ours, theirs),
        _figure(
            plots.levels_plot({card.version: ours.levels, champion.version: theirs.levels}),
            "Share of bad rows at each level, out of time, with 95 % bounds; before any rule",
        ),
        "<h2>Rows</h2>",
        _splits(table),
        _cohorts(table),
        "<h2>Features</h2>",
        _features(table, challenger, card),
    ]
    return _whole(card, parts)


def _whole(card: Scorecard, parts: Iterable[str]) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{escape(card.version)}</title><style>{_STYLE}</style></head><body>",
            *parts,
            "</body></html>",
            "",
        )
    )


def _heading(table: Labelled, card: Scorecard, champion: Scorecard) -> str:
    training = card.content.training
    rows = [
        ("version", card.version),
        ("basis", card.basis),
        ("SHA-256 of the card", card.digest),
        ("SHA-256 of the labelled table", training.table_sha256 if training else ""),
        ("trained on", f"{training.rows} rows, {training.bads} bad" if training else ""),
        ("beside it, the champion", f"{champion.version}, basis {champion.basis}"),
        ("rows in all", str(len(table))),
    ]
    body = "".join(
        f"<tr><td>{escape(name)}</td><td><code>{escape(told)}</code></td></tr>"
        for name, told in rows
    )
    return f"<table>{body}</table>"


def _notes(card: Scorecard, challenger: Challenger, ours: Results) -> Iterable[str]:
    yield f'<p class="note">{escape(card.content.limits.en)}</p>'
    if challenger.why_no_probability:
        why = escape(challenger.why_no_probability)
        yield f'<p class="note">Points order and give no probability: {why}.</p>'
    for one, other in ours.alike:
        yield (
            f'<p class="note">{one} and {other} can\'t be told apart: their shares of bad do not'
            " differ at 95 %. Merge them, or wait for more outcomes.</p>"
        )


def _comparison(card: Scorecard, champion: Scorecard, ours: Results, theirs: Results) -> str:
    rows: list[tuple[str, float | None, float | None]] = [
        ("AUC", ours.auc, theirs.auc),
        ("KS", ours.ks, theirs.ks),
        ("log-loss", ours.log_loss, theirs.log_loss),
        *(
            (f"AUC, {name.replace('_', ' ')}", told, theirs.components[name])
            for name, told in ours.components.items()
        ),
    ]
    return _table(
        f"{ours.rows} rows, {ours.bads} bad, of enterprises that were not trained on",
        ("", card.version, champion.version),
        [(name, _number(one), _number(other)) for name, one, other in rows],
    )


def _pictures(out: Labelled, card: Scorecard, champion: Scorecard) -> Iterable[str]:
    score = points(out, card.features).sum(axis=1)
    if out.bad.size and out.bad.min() < out.bad.max():
        scores = {
            card.version: score,
            champion.version: points(out, champion.features).sum(axis=1),
        }
        yield _figure(plots.roc_plot(scores, out.bad), "Bad rows caught among good ones")
        yield _figure(plots.scores_plot(score, out.bad), "Scores of good and bad rows")
    if card.content.calibration and out.bad.size:
        told = probability(card.content.calibration, score)
        yield _figure(plots.calibration_plot(told, out.bad), "Probability told and share seen")


def _levels(card: Scorecard, champion: Scorecard, ours: Results, theirs: Results) -> str:
    rows = []
    for cut, one, other in zip(card.content.levels, ours.levels, theirs.levels, strict=True):
        bounds = f"{100 * one.low:.1f} - {100 * one.high:.1f}" if one.rows else "-"
        rate = "-" if one.rate is None else f"{100 * one.rate:.2f}"
        theirs_rate = "-" if other.rate is None else f"{100 * other.rate:.2f}"
        rows.append(
            (cut.level.value, str(cut.min_points), str(one.rows), rate, bounds, theirs_rate)
        )
    return _table(
        "The cuts keep the champion's shares of levels on the rows trained on",
        ("level", "from points", "rows", "bad, %", "95 % bounds", f"{champion.version}, %"),
        rows,
    )


def _splits(table: Labelled) -> str:
    rows = []
    for name in SPLITS:
        part = table.of_split(name)
        counts = [int((part.component == kind).sum()) for kind in (*COMPONENTS, GREY)]
        known = np.unique(part.enterprise).size
        rows.append((name, *map(str, (len(part), known, int(part.bad.sum()), *counts))))
    return _table(
        "A row is bad by the first component that fits; grey rows count as good",
        ("split", "rows", "enterprises", "bad", *COMPONENTS, GREY),
        rows,
    )


def _cohorts(table: Labelled) -> str:
    days = np.unique(table.as_of)
    rows = [int((table.as_of == day).sum()) for day in days]
    bads = [int(table.bad[table.as_of == day].sum()) for day in days]
    names = [str(day) for day in np.datetime_as_string(days, unit="D")]
    return _figure(plots.cohorts_plot(names, rows, bads), "Share of bad rows by cohort")


def _features(table: Labelled, challenger: Challenger, card: Scorecard) -> str:
    train = table.of_split("train")
    heard = [part for part in card.features if part.name not in challenger.silent]
    known = {part.name: ~np.isnan(train.figures[part.name]) for part in heard}
    told = _figure(
        plots.features_plot(heard, known),
        "Points of each bin, from low to high figures; the dotted line is what is neutral",
    )
    if not challenger.silent:
        return told
    names = ", ".join(f"<code>{escape(name)}</code>" for name in challenger.silent)
    return f"{told}<p>Told nothing apart in their direction, and give no points: {names}.</p>"


def _table(caption: str, heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heading)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _number(told: float | None) -> str:
    return "-" if told is None else f"{told:.4f}"
