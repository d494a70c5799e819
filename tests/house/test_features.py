"""Every feature id that a test carries stands in the feature table."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import features

_TESTS = Path(__file__).parents[1]


def test_every_marked_feature_is_in_the_table() -> None:
    marked = {
        feature
        for path in _TESTS.rglob("*.py")
        for marks in re.findall(r"mark\.feature\(([^)]*)\)", path.read_text(encoding="utf-8"))
        for feature in re.findall(r'"([^"]+)"', marks)
    }
    assert marked - set(features()) - {"id"} == set()
    assert marked
