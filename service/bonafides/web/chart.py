"""Draws the history of a level as SVG, and bars: on the server, without scripts or styles.

What a chart shows stands beside it in a table, so it is decoration to a screen reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

# Best first, as on the scale; the rest of the height is for days.
LEVELS: Final = ("AAA", "AA", "A", "B", "C", "D", "NR")
_WIDTH: Final = 720
_LEFT: Final = 52
_ROW: Final = 26
_TOP: Final = 14
_BAR_WIDTH: Final = 160
_BAR_HEIGHT: Final = 10


@dataclass(frozen=True, slots=True)
class Point:
    """One step: the instant in seconds, the level's name, and the day in words."""

    at: int
    level: str
    day: str


def history(points: Sequence[Point], now: int) -> Markup:
    """Returns the chart of the steps, the earliest first, up to now."""
    begin, end = points[0].at, max(now, points[0].at + 1)
    bottom = _TOP + _ROW * len(LEVELS)
    parts = [_scale(bottom)]
    path, last = "", 0.0
    for number, point in enumerate(points):
        x, y = _x(point.at, begin, end), _y(point.level)
        path += f"M{x:.1f} {y:.1f}" if number == 0 else f"H{x:.1f}V{y:.1f}"
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        # Days that would be written over each other are left out; the table has them.
        if number == 0 or x - last > _LABEL_WIDTH:
            anchor = "end" if x > _WIDTH - _LABEL_WIDTH else "start"
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="{anchor}">'
                f"{_escaped(point.day)}</text>"
            )
            last = x
    parts.append(f'<path class="line" d="{path}H{_WIDTH - 8}"/>')
    return Markup(  # noqa: S704 - numbers of ours, and texts escaped above
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {bottom + 28}" role="img" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


_LABEL_WIDTH: Final = 120


def bar(points: int, most: int, *, bad: bool = False) -> Markup:
    """Returns a bar of so many points of the most there are; points below 0 are no bar."""
    share = max(0, min(points, most)) / most if most > 0 else 0
    name = "bar low" if bad else "bar"
    return Markup(  # noqa: S704 - numbers of ours
        f'<svg class="{name}" viewBox="0 0 {_BAR_WIDTH} {_BAR_HEIGHT}" aria-hidden="true" '
        f'preserveAspectRatio="none"><rect class="track" width="{_BAR_WIDTH}" '
        f'height="{_BAR_HEIGHT}" rx="5"/><rect class="fill" width="{_BAR_WIDTH * share:.1f}" '
        f'height="{_BAR_HEIGHT}" rx="5"/></svg>'
    )


def _scale(bottom: int) -> str:
    rows = []
    for level in LEVELS:
        y = _y(level)
        rows.append(
            f'<text class="tick" x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{level}</text>'
            f'<path class="grid" d="M{_LEFT} {y}H{_WIDTH - 8}"/>'
        )
    return f'{"".join(rows)}<path class="grid" d="M{_LEFT} {_TOP}V{bottom}"/>'


def _x(at: int, begin: int, end: int) -> float:
    return _LEFT + (at - begin) / (end - begin) * (_WIDTH - _LEFT - 12)


def _y(level: str) -> float:
    place = LEVELS.index(level) if level in LEVELS else len(LEVELS) - 1
    return _TOP + _ROW * place + _ROW / 2


def _escaped(text: str) -> str:
    return str(Markup.escape(text))
