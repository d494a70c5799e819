"""Draws the pictures of a report, as SVG that needs nothing beside itself.

The same figures give the same text: no clock, no random ids. Text stays text, so that a
picture is small and can be searched and read aloud.

    levels_plot({"expert-2": results}, title="Bad by level")     # "<svg ..."
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from bonafides.rating.card import CardFeature
from bonafides.rating.training.binning import Flags, Floats, Integers
from bonafides.rating.training.results import LevelResult, wilson

_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bonafides",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}
_METADATA: Final = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_PART_IDS: Final = re.compile(r' id="[A-Za-z0-9.]+_\d+"')
_WIDE: Final = (7.2, 3.2)
_BINS: Final = 40
_TENTHS: Final = 10
_FEATURES_IN_A_ROW: Final = 4


def scores_plot(score: Integers, bad: Integers) -> str:
    """Draws how scores of good and of bad rows are spread, each as shares of their own."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes()
        edges = np.linspace(score.min(), score.max() + 1, _BINS + 1)
        for name, value in (("good", 0), ("bad", 1)):
            told = score[bad == value]
            counts, _ = np.histogram(told, edges)
            axes.stairs(counts / max(1, told.size), edges, fill=True, alpha=0.45, label=name)
        axes.set_xlabel("score")
        axes.set_ylabel("share of rows")
        axes.legend(frameon=False)
        return _svg(figure)


def roc_plot(scores: Mapping[str, Integers], bad: Integers) -> str:
    """Draws, for each card, how many of the bad rows are caught among how many good ones."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes((4.2, 3.6))
        for name, score in scores.items():
            false, true, _ = roc_curve(bad, -score)
            axes.plot(false, true, label=name)
        axes.plot((0, 1), (0, 1), linestyle=":", color="gray")
        axes.set_xlabel("share of good rows")
        axes.set_ylabel("share of bad rows caught")
        axes.legend(frameon=False)
        return _svg(figure)


def levels_plot(levels: Mapping[str, Sequence[LevelResult]]) -> str:
    """Draws, for each card, the share of bad rows at each level with its 95 % bounds."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes()
        shift = 0.8 / max(1, len(levels))
        for number, (name, of) in enumerate(levels.items()):
            told = [(place, each) for place, each in enumerate(of) if each.rate is not None]
            at = [place + (number - (len(levels) - 1) / 2) * shift for place, _ in told]
            rates = np.array([100 * (each.rate or 0.0) for _, each in told])
            low = rates - [100 * each.low for _, each in told]
            high = [100 * each.high for _, each in told] - rates
            axes.errorbar(at, rates, yerr=[low, high], fmt="o", capsize=3, label=name)
            axes.set_xticks(range(len(of)), [each.level for each in of])
        axes.set_ylabel("bad, %")
        axes.legend(frameon=False)
        return _svg(figure)


def calibration_plot(told: Floats, bad: Integers) -> str:
    """Draws the share of bad rows by tenths of the probability, with its 95 % bounds."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes((4.2, 3.6))
        parts = [
            part for part in np.array_split(np.argsort(told, kind="stable"), _TENTHS) if part.size
        ]
        at = np.array([100 * float(told[part].mean()) for part in parts])
        seen = np.array([100 * float(bad[part].mean()) for part in parts])
        bounds = np.array([wilson(int(bad[part].sum()), part.size) for part in parts])
        yerr = [seen - 100 * bounds[:, 0], 100 * bounds[:, 1] - seen]
        axes.errorbar(at, seen, yerr=yerr, fmt="o", capsize=3)
        axes.plot((0, at.max()), (0, at.max()), linestyle=":", color="gray")
        axes.set_xlabel("probability, %")
        axes.set_ylabel("bad, %")
        return _svg(figure)


def cohorts_plot(days: Sequence[str], rows: Sequence[int], bads: Sequence[int]) -> str:
    """Draws the share of bad rows of each cohort, with its 95 % bounds."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes()
        rates = np.array([100 * bad / max(1, row) for bad, row in zip(bads, rows, strict=True)])
        bounds = np.array([wilson(bad, row) for bad, row in zip(bads, rows, strict=True)])
        yerr = [rates - 100 * bounds[:, 0], 100 * bounds[:, 1] - rates]
        axes.errorbar(range(len(days)), rates, yerr=yerr, fmt="o-", capsize=3)
        axes.set_xticks(range(len(days)), days, rotation=30, ha="right")
        axes.set_ylim(bottom=0)
        axes.set_ylabel("bad, %")
        return _svg(figure)


def features_plot(features: Sequence[CardFeature], known: Mapping[str, Flags]) -> str:
    """Draws the points of every bin, feature by feature; `known` says which rows have a figure."""
    with mpl.rc_context(_STYLE):
        lines = -(-len(features) // _FEATURES_IN_A_ROW)
        figure = Figure(figsize=(9.6, 1.7 * lines), layout="constrained")
        grid = figure.subplots(lines, _FEATURES_IN_A_ROW, squeeze=False, sharey=True)
        for axes in grid.flat[len(features) :]:
            axes.set_visible(False)
        for axes, feature in zip(grid.flat, features, strict=False):
            axes.bar(range(len(feature.points)), feature.points, width=0.9)
            axes.axhline(feature.not_applicable, linestyle=":", color="gray")
            axes.set_title(f"{feature.name}\nknown {known[feature.name].mean():.0%}", fontsize=7)
            axes.set_xticks([])
        return _svg(figure)


def _axes(size: tuple[float, float] = _WIDE) -> tuple[Any, Any]:
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Any) -> str:
    """Returns the figure as an element: without the heading of a file, which HTML has not."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    # Ids of parts repeat from picture to picture, and nothing refers to them; what refers
    # elsewhere are the names of vocabularies in the metadata.
    bare = _PART_IDS.sub("", _METADATA.sub("", text[text.index("<svg") :]))
    return bare.replace("<svg ", '<svg role="img" ', 1)
