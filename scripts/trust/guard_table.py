"""The guards: what stands between a caller and what it may not have, one row each.

A row says where the guard is, what its text becomes when it is taken out, and which tests
are about it. A guard that is rewritten makes its row fail to be found, and has to be
written anew. What two guards keep, each behind the other, has no row: no test can tell
that one of them is gone.
"""

from __future__ import annotations

from typing import Final

from scripts.trust import (
    guards_of_applications,
    guards_of_callers,
    guards_of_credentials,
    guards_of_enterprises,
    guards_of_site,
    guards_of_use,
    guards_of_views,
)
from scripts.trust.guard import Guard

__all__ = ["GUARDS", "Guard"]

GUARDS: Final = (
    *guards_of_credentials.GUARDS,
    *guards_of_callers.GUARDS,
    *guards_of_use.GUARDS,
    *guards_of_applications.GUARDS,
    *guards_of_enterprises.GUARDS,
    *guards_of_views.GUARDS,
    *guards_of_site.GUARDS,
)
