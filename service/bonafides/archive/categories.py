"""Names the main category of an enterprise: that of most of its open stores.

Of categories with equally many stores the first by name is the main one, so that the
answer depends on nothing but the stores. A store that names no category has no say.

    main_category(["百货", "服装", "百货"])      # "百货"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def main_category(of_open_stores: Iterable[str]) -> str | None:
    """Returns the category of most open stores; None: no open store names any.

    `of_open_stores` holds the category of each open store, "" where it names none.
    """
    counts = Counter(name for each in of_open_stores if (name := each.strip()))
    return min(counts, key=lambda name: (-counts[name], name), default=None)
