"""The answer that says: what the caller holds is still good."""

from __future__ import annotations

import enum
from typing import Final


class NotModified(enum.Enum):
    """The answer that says: what the caller holds is still good."""

    NOT_MODIFIED = enum.auto()


NOT_MODIFIED: Final = NotModified.NOT_MODIFIED
