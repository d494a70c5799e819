"""Every table of the service, as SQLAlchemy Core: one module for each room.

Keys of enterprise data begin with the enterprise's code, so that the tables can be
sharded on it. Instants are microseconds UTC, days and months are counts (see
`bonafides.instants`), money is in minor units with its currency: all BIGINT, so
that the same expression means the same on every engine. What is personal is
stored sealed (`..._sealed`) or as a keyed digest (`..._index`), never in clear.
"""

from __future__ import annotations

from bonafides.storage.tables.applications import (
    application,
    application_change,
    application_key,
    application_step,
    key_challenge,
    used_assertion,
)
from bonafides.storage.tables.archive import (
    announced_level,
    bulk_run,
    fact,
    peer_group,
    peer_mean,
    rating,
    rating_secret,
    snapshot,
    title_key,
)
from bonafides.storage.tables.audit import (
    audit_salt,
    disclosure,
    disclosure_count,
    disclosure_filed,
    disclosure_run,
    disclosure_unfiled,
)
from bonafides.storage.tables.budgets import (
    budget_calls,
    budget_day,
    budget_seen,
    canary,
    operator_switch,
    spending_limit,
)
from bonafides.storage.tables.columns import metadata
from bonafides.storage.tables.consents import (
    assent,
    consent,
    consent_revocation,
    consent_use,
    platform_authorization,
    published_text,
)
from bonafides.storage.tables.housekeeping import (
    changes,
    counter,
    deployment,
    exchange_rate,
    owner_request,
    platform_contract,
    subject_key,
    write_cursor,
)
from bonafides.storage.tables.identity import (
    amendment,
    check_result,
    document,
    document_part,
    draft,
    enterprise,
    evidence,
    registry,
    submission,
    submission_supply,
    submission_transition,
)
from bonafides.storage.tables.integrators import (
    agent_token,
    authorization_url,
    integrator_authorization,
)
from bonafides.storage.tables.membership import (
    invitation,
    membership,
    notice,
    outbox,
    ownership_claim,
    voucher,
)
from bonafides.storage.tables.people import (
    automation_refusal,
    level_override,
    override_step,
    review,
    review_finding,
    wrong_level,
)
from bonafides.storage.tables.platforms import (
    inquiry,
    platform_decision,
    platform_mask,
    platform_reader,
)
from bonafides.storage.tables.records import (
    link_ruling,
    record,
    refund_flag,
    rollup_buyer,
    rollup_day,
    store_dispute,
    store_link,
    unmatched_refund,
)
from bonafides.storage.tables.rights import buyer_place, correction, correction_ruling, erasure

__all__ = [
    "agent_token",
    "amendment",
    "announced_level",
    "application",
    "application_change",
    "application_key",
    "application_step",
    "assent",
    "audit_salt",
    "authorization_url",
    "automation_refusal",
    "budget_calls",
    "budget_day",
    "budget_seen",
    "bulk_run",
    "buyer_place",
    "canary",
    "changes",
    "check_result",
    "consent",
    "consent_revocation",
    "consent_use",
    "correction",
    "correction_ruling",
    "counter",
    "deployment",
    "disclosure",
    "disclosure_count",
    "disclosure_filed",
    "disclosure_run",
    "disclosure_unfiled",
    "document",
    "document_part",
    "draft",
    "enterprise",
    "erasure",
    "evidence",
    "exchange_rate",
    "fact",
    "inquiry",
    "integrator_authorization",
    "invitation",
    "key_challenge",
    "level_override",
    "link_ruling",
    "membership",
    "metadata",
    "notice",
    "operator_switch",
    "outbox",
    "override_step",
    "owner_request",
    "ownership_claim",
    "peer_group",
    "peer_mean",
    "platform_authorization",
    "platform_contract",
    "platform_decision",
    "platform_mask",
    "platform_reader",
    "published_text",
    "rating",
    "rating_secret",
    "record",
    "refund_flag",
    "registry",
    "review",
    "review_finding",
    "rollup_buyer",
    "rollup_day",
    "snapshot",
    "spending_limit",
    "store_dispute",
    "store_link",
    "subject_key",
    "submission",
    "submission_supply",
    "submission_transition",
    "title_key",
    "unmatched_refund",
    "used_assertion",
    "voucher",
    "write_cursor",
    "wrong_level",
]
