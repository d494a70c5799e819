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
    guards_of_audit,
    guards_of_bounds,
    guards_of_callers,
    guards_of_consents,
    guards_of_corrections,
    guards_of_credentials,
    guards_of_documents,
    guards_of_enterprises,
    guards_of_going_live,
    guards_of_identity,
    guards_of_integrators,
    guards_of_keys,
    guards_of_logins,
    guards_of_masks,
    guards_of_ownership,
    guards_of_pages,
    guards_of_platforms,
    guards_of_records_and_sources,
    guards_of_requests,
    guards_of_rights,
    guards_of_site,
    guards_of_surroundings,
    guards_of_use,
    guards_of_views,
)
from scripts.trust.guard import Guard

__all__ = ["GUARDS", "Guard"]

GUARDS: Final = (
    *guards_of_credentials.GUARDS,
    *guards_of_callers.GUARDS,
    *guards_of_logins.GUARDS,
    *guards_of_use.GUARDS,
    *guards_of_audit.GUARDS,
    *guards_of_applications.GUARDS,
    *guards_of_going_live.GUARDS,
    *guards_of_keys.GUARDS,
    *guards_of_integrators.GUARDS,
    *guards_of_enterprises.GUARDS,
    *guards_of_ownership.GUARDS,
    *guards_of_consents.GUARDS,
    *guards_of_platforms.GUARDS,
    *guards_of_rights.GUARDS,
    *guards_of_documents.GUARDS,
    *guards_of_identity.GUARDS,
    *guards_of_surroundings.GUARDS,
    *guards_of_views.GUARDS,
    *guards_of_masks.GUARDS,
    *guards_of_site.GUARDS,
    *guards_of_pages.GUARDS,
    *guards_of_bounds.GUARDS,
    *guards_of_requests.GUARDS,
    *guards_of_records_and_sources.GUARDS,
    *guards_of_corrections.GUARDS,
)
