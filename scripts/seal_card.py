"""Seals a scorecard: answers its golden rows, writes it canonically, and describes it.

    python -m json.tool --no-ensure-ascii models/expert-3/scorecard.json draft.json
    $EDITOR draft.json                      # a new version, other points
    python scripts/seal_card.py draft.json

What the features explain is taken from the code. A version never changes once it is
sealed: levels that it gave must stay recomputable. Sealing serves nothing; the file
models/CHAMPION names the card that is served.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console

from bonafides.rating.card import (
    PPM,
    CardFeature,
    Content,
    Prior,
    RuleKind,
    golden_row,
    takes_groups,
)
from bonafides.rating.explain import bin_text
from bonafides.rating.features import (
    FEATURES,
    MISSING,
    NOT_APPLICABLE,
    Absent,
    Direction,
    Share,
    Value,
)
from bonafides.rating.scorecard import (
    ARTIFACT,
    Scorecard,
    ScorecardError,
    canonical,
    models_folder,
    parse,
)
from bonafides.rating.soundness import WITH_EXPLANATIONS

DESCRIPTION: Final = "card.md"
# A share of so many is drawn towards the mean by nearly nothing, so that probes can
# land on either side of every edge.
_PROBE_WHOLE: Final = PPM
# Of so many the prior of a group still tells.
_GROUP_WHOLE: Final = 200

# Stands in until the card that it belongs to can answer.
_UNANSWERED: Final = {
    "values": {},
    "points": {},
    "score": 0,
    "level": "C",
    "range_low": "C",
    "range_high": "C",
}

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    draft: Annotated[Path, typer.Argument(help="The card as JSON; its golden rows are ignored.")],
    models_dir: Annotated[
        Path | None, typer.Option(help="Folder of cards; unset: that of the package.")
    ] = None,
) -> None:
    """Seals the draft as a new version."""
    console = Console(stderr=True)
    try:
        card = sealed(_read(draft), str(draft))
        written = write(card, models_folder(models_dir))
    except (OSError, ValueError) as fault:
        console.print(f"Not sealed: {fault}", markup=False)
        raise typer.Exit(1) from None
    console.print(f"Sealed {written}\nSHA-256 {card.digest}", markup=False)


def _read(draft: Path) -> dict[str, Any]:
    try:
        told = json.loads(draft.read_bytes())
    except (ValueError, RecursionError) as fault:
        raise ScorecardError(str(draft), "bytes", f"are no JSON: {fault}") from None
    if not isinstance(told, dict):
        raise ScorecardError(str(draft), "bytes", "are no object of JSON")
    return told


def sealed(draft: dict[str, Any], origin: str) -> Scorecard:
    """Returns the card of the draft, with golden rows that reach every slot.

    Raises:
        ScorecardError: the draft is not sound.
    """
    draft = _with_explanations(draft)
    try:
        content = Content.model_validate_json(json.dumps({**draft, "golden": [_UNANSWERED]}))
    except ValidationError as faults:
        first = faults.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ScorecardError(origin, where, first["msg"]) from None
    probes = {feature.name: _probes(feature) for feature in content.features}
    rows = [
        golden_row(content, {name: of[number % len(of)] for name, of in probes.items()})
        for number in range(max(len(of) for of in probes.values()))
    ]
    rows += [golden_row(content, *each) for each in _group_probes(content)]
    golden = [row.model_dump(mode="json", exclude_none=True) for row in rows]
    return parse(canonical({**draft, "golden": golden}), origin)


def _with_explanations(draft: dict[str, Any]) -> dict[str, Any]:
    """Puts in what the features of the code publish; earlier schemas have texts of their own."""
    if draft.get("schema_version", 0) < WITH_EXPLANATIONS:
        return draft
    told = [
        {**part, "explanation": FEATURES[part["name"]].explanation._asdict()}
        if part.get("name") in FEATURES
        else part
        for part in draft.get("features", [])
    ]
    return {**draft, "features": told}


def write(card: Scorecard, models: Path) -> Path:
    """Writes the card and its description into a folder of its version; returns the file.

    Raises:
        FileExistsError: the version is there with other content.
    """
    file = models / card.version / ARTIFACT
    if file.exists() and file.read_bytes() != card.artifact:
        raise FileExistsError(f"{file} is sealed with other content; choose a new version")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(card.artifact)
    (file.parent / DESCRIPTION).write_text(describe(card), encoding="utf-8")
    return file


def describe(card: Scorecard) -> str:
    """Returns the card in words, as its card.md has it; made of the card alone."""
    content = card.content
    lines = [
        f"# {content.title.en} (`{card.version}`)",
        "",
        content.title.zh,
        "",
        f"- Basis: **{card.basis}**",
        f"- SHA-256 of `{ARTIFACT}`: `{card.digest}`",
        "",
        "## What the level is, and what it is not",
        "",
        content.limits.en,
        "",
        content.limits.zh,
        "",
        "The operator of the service is no credit-reporting or rating agency by virtue of it.",
        "",
        "## Levels",
        "",
        "| level | from points |",
        "|---|---|",
        *(f"| {cut.level} | {cut.min_points} |" for cut in content.levels),
        "| D | a knock-out alone |",
        "| NR | not rated: too little to say, no judgement |",
        "",
        "## Features",
        "",
        *(line for feature in card.features for line in _feature(feature)),
        "## Rules beside the points",
        "",
        "A knock-out goes before NR, and NR before points.",
        "",
        *(line for kind in RuleKind for line in _rules(card, kind)),
        *_training(card),
        *_RECOMPUTE[:_STEP_ONE],
        *(_OF_GROUPS if takes_groups(card.features) else ()),
        *_RECOMPUTE[_STEP_ONE:],
    ]
    return "\n".join(lines) + "\n"


# After the lines of the first step.
_STEP_ONE: Final = 4
_OF_GROUPS: Final = (
    "   Alpha and beta are those of the enterprise's group of peers: that of the main category",
    "   of its open stores, else that of the years since it was established, else the prior of",
    "   the feature. A group without a prior of the feature is passed over.",
)
_RECOMPUTE: Final = (
    "## How to recompute a level",
    "",
    "1. Take each feature's value. A share is drawn towards the expected mean first:",
    "   `(part + alpha) * 1000000 // (whole + alpha + beta)`, in ppm.",
    "2. Find its bin: a bin begins at its edge. Take the bin's points, or those of missing",
    "   or not applicable.",
    "3. Add the points up, find the level in the table above, and apply the rules.",
    "4. For the range, do the same with each share's bounds:",
    "   `m - h` and `m + h`, where `h = isqrt(1645000**2 * a * b // (n * n * (n + 1)))`,",
    "   `a = part + alpha`, `b = whole - part + beta`, `n = a + b`, `m` the value of step 1,",
    "   cut to 0 and 1000000.",
    "",
    "All of it is arithmetic in integers; `//` cuts down.",
    "",
    "## Limits",
    "",
    "- Not trained on outcomes unless the basis says OUTCOMES: points then order, and are",
    "  no probability.",
    "- It sees what authorized platforms report, and the registry. It sees no court records",
    "  yet, and it knows nothing of persons.",
    "- A platform that reports no disputes can't be told from an enterprise that has none.",
)


def _feature(feature: CardFeature) -> list[str]:
    better = "higher" if feature.direction is Direction.HIGHER_IS_BETTER else "lower"
    window = f"last {feature.window_days} days" if feature.window_days else "all time"
    prior = feature.prior
    mean = f"; prior Beta({prior.alpha}, {prior.beta})" if prior else ""
    return [
        f"### {feature.title.en} {feature.title.zh} (`{feature.name}`)",
        "",
        feature.explanation.en,
        "",
        feature.explanation.zh,
        "",
        f"Unit: {feature.unit}; {better} is better; {window}{mean}.",
        "",
        *_groups(feature),
        "| value | points |",
        "|---|---|",
        *(
            f"| {bin_text(feature, slot)} | {feature.points_at(slot)} |"
            for slot in (*range(len(feature.points)), *Absent)
        ),
        "",
    ]


def _groups(feature: CardFeature) -> list[str]:
    if feature.group_priors is None:
        return []
    return [
        "| group of peers | prior | expected mean |",
        "|---|---|---|",
        *(
            f"| {each.title.en} {each.title.zh} (`{each.group}`) |"
            f" Beta({each.alpha}, {each.beta}) | {each.mean_ppm} ppm |"
            for each in feature.group_priors
        ),
        "",
    ]


def _rules(card: Scorecard, kind: RuleKind) -> list[str]:
    lines = [f"### {kind.replace('_', ' ').capitalize()}", ""]
    for rule in card.rules(kind):
        lines += [f"- `{rule.reason}` (at least {rule.at_least}): {rule.text.en} {rule.text.zh}"]
        lines += [f"  {rule.basis.en} {rule.basis.zh}"]
    return [*lines, ""]


def _training(card: Scorecard) -> list[str]:
    """Returns on what a card was fitted, and what makes a probability of its score."""
    training, calibration = card.content.training, card.content.calibration
    if training is None:
        return []
    lines = [
        "## What it was fitted on",
        "",
        f"{training.rows} rows of {training.enterprises} enterprises, {training.bads} of them bad,"
        f" as of {training.first_cohort} to {training.last_cohort};"
        f" {training.bads_out_of_time} bad out of time. The labelled table has the SHA-256"
        f" `{training.table_sha256}`; seed {training.seed}; "
        + ", ".join(f"{name} {number}" for name, number in sorted(training.libraries.items()))
        + ".",
        "",
    ]
    if calibration is None:
        return [*lines, "Too few outcomes for a probability: points order.", ""]
    slope = f"{calibration.slope_e9} / 10**9 * score"
    return [
        *lines,
        f"Fitted to the cohort of {calibration.as_of}, the probability of bad within a year is",
        f"`1 / (1 + exp(-({calibration.intercept_e6} / 10**6 - {slope})))`.",
        "",
    ]


def _probes(feature: CardFeature) -> list[Value]:
    """Returns values that reach every slot, and either side of every edge."""
    absent = [MISSING, NOT_APPLICABLE]
    if feature.prior is None:
        return [*(value for edge in feature.edges for value in (edge - 1, edge)), *absent]
    small = [Share(0, 0), Share(0, 12), Share(20, 1_000)]
    return [*small, *_shares_at(feature.edges, feature.prior, _PROBE_WHOLE), *absent]


def _shares_at(edges: Sequence[int], prior: Prior, whole: int) -> list[Share]:
    """Returns the shares of so many on either side of each edge, as the prior draws them."""
    drawn = whole + prior.alpha + prior.beta
    first = [max(1, -(-edge * drawn // PPM) - prior.alpha) for edge in edges]
    return [Share(min(part, whole), whole) for start in first for part in (start - 1, start)]


def _group_probes(content: Content) -> list[tuple[dict[str, Value], str]]:
    """Returns values for each group of peers: little of each share, and at one of its edges."""
    groups = sorted({each.group for part in content.features for each in part.group_priors or ()})
    probes = []
    for group in groups:
        columns = {part.name: _of_group(part, group) for part in content.features}
        for number in range(max(map(len, columns.values()))):
            row = {name: of[number % len(of)] for name, of in columns.items()}
            probes.append((row, group))
    return probes


def _of_group(feature: CardFeature, group: str) -> list[Value]:
    prior = feature.drawn((group,)).prior
    if prior is None:
        return [feature.edges[0]]
    middle = feature.edges[len(feature.edges) // 2]
    return [Share(0, 12), Share(20, 1_000), *_shares_at((middle,), prior, _GROUP_WHOLE)]


if __name__ == "__main__":
    app()
