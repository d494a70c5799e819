"""Owners ask for each other's enterprises, by every owner's method (FEATURES.md D7)."""

from __future__ import annotations

import collections
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import proved
from scripts.trust.silence import silence
from tests.crossing import crossings, enroll
from tests.serving import serving


def prove(extent: Extent) -> Iterator[Figure]:
    """Yields how many calls let an owner in at another's enterprise."""
    with silence(), tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served:
        owned = enroll(served, extent.owners)
        methods: collections.Counter[str] = collections.Counter()
        let_in = []
        for each in crossings(served, owned):
            methods[each.method] += 1
            if each.let_in:
                let_in.append(f"{each.method} answered {each.status}")
    tried = f"{methods.total()} calls of {len(methods)} methods by {extent.owners} owners"
    yield proved("cross.let_in", len(let_in), "; ".join([tried, *sorted(set(let_in))]))
