"""Guards of consents, of agreements, and of what rests on them.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RPC: Final = "service/bonafides/rpc"
_STORAGE: Final = "service/bonafides/storage"
_CONSENTS_TEST: Final = "tests/service/test_consents.py"
_CONSENT_TEST: Final = "tests/unit/test_consent.py"
_CROSSING_TEST: Final = "tests/service/test_crossing.py"
_DRAFTS_TEST: Final = "tests/service/test_drafts.py"
_IDENTITY_OPERATIONS_TEST: Final = "tests/service/test_identity_operations.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_OWNERSHIP_TEST: Final = "tests/service/test_ownership.py"
_RIGHTS_TEST: Final = "tests/service/test_rights.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"

GUARDS: Final = (
    Guard(
        "an owner alone assents",
        f"{_IDENTITY}/consent_operations.py",
        (
            "        require_actor(work, actor, code)\n"
            "        text = rows.agreements(work, desk.agreement_version, now).get(kind)\n"
        ),
        (
            "        pass\n"
            "        text = rows.agreements(work, desk.agreement_version, now).get(kind)\n"
        ),
        (f"{_OWNERSHIP_TEST}::test_nobody_owns_by_a_token_in_live[sqlite]",),
    ),
    Guard(
        "one assents to the text in effect",
        f"{_IDENTITY}/consent_operations.py",
        "if text.version != version:",
        "if False:",
        (
            f"{_CONSENTS_TEST}::test_new_agreement_blocks_what_is_new_until_assent_and_nothing_else[sqlite]",
        ),
    ),
    Guard(
        "assents are listed for who acts for the enterprise",
        f"{_IDENTITY}/consent_operations.py",
        ("        require_reader(work, actor, code)\n        return rows.assents(work, code)\n"),
        ("        pass\n        return rows.assents(work, code)\n"),
        (f"{_CONSENTS_TEST}::test_attack_strangers_find_nothing_of_anothers_consents[sqlite]",),
    ),
    Guard(
        "what needs the agreement is refused without it",
        f"{_IDENTITY}/consent_operations.py",
        "if (text.kind, text.version) not in given:",
        "if False:",
        (f"{_CONSENTS_TEST}::test_privacy_notice_waits_for_assent_as_well[sqlite]",),
    ),
    Guard(
        "a consent is shown to its giver and the enterprise",
        f"{_IDENTITY}/consent_operations.py",
        "if not own:",
        "if False:",
        (f"{_CONSENTS_TEST}::test_attack_strangers_find_nothing_of_anothers_consents[sqlite]",),
    ),
    Guard(
        "an owner alone grants consents",
        f"{_IDENTITY}/consent_operations.py",
        ("        require_actor(work, actor, code)\n        if asked.purpose is None:\n"),
        ("        pass\n        if asked.purpose is None:\n"),
        (f"{_CONSENTS_TEST}::test_attack_strangers_find_nothing_of_anothers_consents[sqlite]",),
    ),
    Guard(
        "consents are granted under the agreement",
        f"{_IDENTITY}/consent_operations.py",
        (
            "        require_assent(work, desk, code, now)\n"
            "        _check_text(asked, asked.purpose)\n"
        ),
        ("        pass\n        _check_text(asked, asked.purpose)\n"),
        (f"{_CONSENTS_TEST}::test_privacy_notice_waits_for_assent_as_well[sqlite]",),
    ),
    Guard(
        "a consent is to the current text and no more",
        f"{_IDENTITY}/consent_operations.py",
        "_check_text(asked, asked.purpose)",
        "pass",
        (f"{_CONSENTS_TEST}::test_consent_names_the_current_text_and_no_field_beyond_it[sqlite]",),
    ),
    Guard(
        "a consent is taken back by its giver or an owner",
        f"{_IDENTITY}/consent_operations.py",
        "if not owner and not own:",
        "if False:",
        (f"{_CONSENTS_TEST}::test_attack_strangers_find_nothing_of_anothers_consents[sqlite]",),
    ),
    Guard(
        "platforms are listed for who acts for the enterprise",
        f"{_IDENTITY}/consent_operations.py",
        (
            "        require_reader(work, actor, code)\n"
            "        return tuple(PlatformState(code, *row) for row in rows.platform_history(work, code))\n"
        ),
        (
            "        pass\n"
            "        return tuple(PlatformState(code, *row) for row in rows.platform_history(work, code))\n"
        ),
        (f"{_CONSENTS_TEST}::test_attack_strangers_find_nothing_of_anothers_consents[sqlite]",),
    ),
    Guard(
        "an owner alone authorizes platforms",
        f"{_IDENTITY}/consent_operations.py",
        (
            "        require_actor(work, actor, code)\n"
            "        if platform not in rows.authorized_platforms(work, code, now):\n"
        ),
        ("        pass\n        if platform not in rows.authorized_platforms(work, code, now):\n"),
        (f"{_OWNERSHIP_TEST}::test_nobody_owns_by_a_token_in_live[sqlite]",),
    ),
    Guard(
        "platforms are authorized under the agreement",
        f"{_IDENTITY}/consent_operations.py",
        (
            "            require_assent(work, desk, code, now)\n"
            "            rows.authorize_platforms(work, code, str(uuid.uuid4()), [platform], now)\n"
        ),
        (
            "            pass\n"
            "            rows.authorize_platforms(work, code, str(uuid.uuid4()), [platform], now)\n"
        ),
        (
            f"{_CONSENTS_TEST}::test_new_agreement_blocks_what_is_new_until_assent_and_nothing_else[sqlite]",
        ),
    ),
    Guard(
        "an owner alone takes a platform's authorization back",
        f"{_IDENTITY}/consent_operations.py",
        (
            "        require_actor(work, actor, code)\n"
            "        if rows.revoke_platform(work, code, platform, now):\n"
        ),
        ("        pass\n        if rows.revoke_platform(work, code, platform, now):\n"),
        (f"{_CONSENTS_TEST}::test_attack_strangers_find_nothing_of_anothers_consents[sqlite]",),
    ),
    Guard(
        "a consent is to the current words",
        f"{_IDENTITY}/consent_operations.py",
        "if (asked.text_version, asked.text_sha256) != (text.version, text.sha256):",
        "if False:",
        (f"{_CONSENTS_TEST}::test_consent_names_the_current_text_and_no_field_beyond_it[sqlite]",),
    ),
    Guard(
        "a consent's fields are those of its text",
        f"{_IDENTITY}/consent_operations.py",
        "if not set(asked.scope) <= text.scope:",
        "if False:",
        (f"{_CONSENTS_TEST}::test_consent_names_the_current_text_and_no_field_beyond_it[sqlite]",),
    ),
    Guard(
        "what was confirmed is not taken back",
        f"{_IDENTITY}/drafting.py",
        "if row.state is not State.DRAFT:",
        "if False:",
        (
            f"{_DRAFTS_TEST}::test_draft_that_was_confirmed_is_the_enterprises_and_not_taken_back[sqlite]",
        ),
    ),
    Guard(
        "a draft that is over is not found",
        f"{_IDENTITY}/drafting.py",
        "if row is None or row.expires_at <= now:",
        "if False:",
        (f"{_DRAFTS_TEST}::test_draft_is_erased_after_thirty_days[sqlite]",),
    ),
    Guard(
        "staff find who takes part alone",
        f"{_IDENTITY}/consent_operations.py",
        "elif not identity_rows.is_enrolled(work, code):",
        "elif False:",
        (f"{_CROSSING_TEST}::test_staff_find_nothing_of_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "holdings of nobody are not found",
        f"{_IDENTITY}/holding_operations.py",
        "if not uids:",
        "if False:",
        (
            f"{_RIGHTS_TEST}::test_owner_is_told_of_the_enrolling_submission_and_strangers_of_nothing[sqlite]",
        ),
    ),
    Guard(
        "holdings are told under a consent",
        f"{_IDENTITY}/holding_operations.py",
        'consent_rows.require(work, row.code, "tell_holdings", of_submission=row.uid, at=now)',
        "pass",
        (f"{_RIGHTS_TEST}::test_nothing_is_told_of_values_whose_consent_is_over[sqlite]",),
    ),
    Guard(
        "a consent that is over is not granted",
        f"{_RPC}/consent_services.py",
        "if expires_at <= call.now:",
        "if False:",
        (f"{_CONSENTS_TEST}::test_consent_that_would_be_over_is_not_granted[sqlite]",),
    ),
    Guard(
        "a consent is to its purpose",
        f"{_IDENTITY}/consent.py",
        ("            consent.purpose == use.purpose.value\n            and consent"),
        "            consent",
        (f"{_CONSENT_TEST}::test_consent_covers_its_purpose_fields_and_time_alone[held2-False]",),
    ),
    Guard(
        "a consent is to its fields",
        f"{_IDENTITY}/consent.py",
        "            and use.fields <= set(consent.scope)\n",
        "",
        (f"{_CONSENT_TEST}::test_consent_covers_its_purpose_fields_and_time_alone[held1-False]",),
    ),
    Guard(
        "a consent is live",
        f"{_IDENTITY}/consent.py",
        "            and consent.live(at)\n",
        "",
        (f"{_CONSENT_TEST}::test_consent_covers_its_purpose_fields_and_time_alone[held4-False]",),
    ),
    Guard(
        "an agreement counts from its day",
        f"{_IDENTITY}/consent.py",
        "        if (text.effective_at or 0) <= at:\n",
        "        if True:\n",
        (f"{_CONSENT_TEST}::test_text_counts_from_its_day_on_and_the_latest_one_alone",),
    ),
    Guard(
        "records of a platform count while it is authorized",
        f"{_STORAGE}/consents.py",
        (
            "            table.granted_at <= at,\n"
            "            sa.or_(table.revoked_at.is_(None), table.revoked_at > at),\n"
            "        )\n"
            "    )\n"
            "    # Sorted"
        ),
        ("            table.granted_at <= at,\n        )\n    )\n    # Sorted"),
        (f"{_CONSENTS_TEST}::test_platform_that_is_taken_back_is_absent_and_not_zero[sqlite]",),
    ),
    Guard(
        "a draft taken back leaves nothing",
        f"{_STORAGE}/drafts.py",
        '.values(state=state.value, prefill="{}")',
        ".values(state=state.value)",
        (f"{_DRAFTS_TEST}::test_platform_takes_its_draft_back_and_nothing_of_it_is_left[sqlite]",),
    ),
    Guard(
        "an integrator acts by its authorization",
        f"{_IDENTITY}/consent_operations.py",
        "        return agent_rows.holds(work, code, actor.agent)\n",
        "        return True\n",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "what waits counts for no enterprise",
        f"{_IDENTITY}/consent.py",
        "if not consent.of_submission and consent.live(at)]",
        "if consent.live(at)]",
        (
            f"{_CONSENT_TEST}::test_consent_that_came_with_an_unverified_submission_counts_for_no_enterprise",
        ),
    ),
    Guard(
        "one platform is taken back",
        f"{_STORAGE}/consents.py",
        ".where(table.code == code, table.platform == platform, table.revoked_at.is_(None))",
        ".where(table.code == code, table.revoked_at.is_(None))",
        (f"{_WHOSE_ROWS_TEST}::test_authorization_of_a_platform_is_taken_back_by_itself[sqlite]",),
    ),
    Guard(
        "a platform is taken back by one enterprise",
        f"{_STORAGE}/consents.py",
        ".where(table.code == code, table.platform == platform, table.revoked_at.is_(None))",
        ".where(table.platform == platform, table.revoked_at.is_(None))",
        (f"{_WHOSE_ROWS_TEST}::test_authorization_of_a_platform_is_taken_back_by_itself[sqlite]",),
    ),
    Guard(
        "what a submission claims counts once it is verified",
        f"{_STORAGE}/consents.py",
        'of_submission="" if established else submission_uid,',
        'of_submission="",',
        (
            f"{_IDENTITY_OPERATIONS_TEST}::test_attack_rivals_refuted_submission_changes_nothing_of_the_enterprise[sqlite-title]",
        ),
    ),
    Guard(
        "the ledger is the enterprise's",
        f"{_STORAGE}/consents.py",
        '_LEDGER: Final = _CONSENTS.where(_consent.code == sa.bindparam("code"))',
        '_LEDGER: Final = _CONSENTS.where(sa.bindparam("code") != "")',
        (f"{_WHOSE_ROWS_TEST}::test_ledger_of_consents_is_that_of_the_enterprise[sqlite]",),
    ),
    Guard(
        "a platform's requests of drafts are its own",
        f"{_STORAGE}/drafts.py",
        "return _one(work, query.where(_draft.platform == platform, _draft.request_id == request_id))",
        "return _one(work, query.where(_draft.request_id == request_id))",
        (f"{_WHOSE_ROWS_TEST}::test_request_of_a_draft_is_its_platforms[sqlite]",),
    ),
    Guard(
        "a confirmed draft leaves nothing",
        f"{_STORAGE}/drafts.py",
        'submission_uid=submission_uid, confirmed_by=by, prefill="{}")',
        "submission_uid=submission_uid, confirmed_by=by)",
        (f"{_WHOSE_ROWS_TEST}::test_request_of_a_draft_is_its_platforms[sqlite]",),
    ),
    Guard(
        "drafts go after their time",
        f"{_STORAGE}/drafts.py",
        "        work.execute(sa.delete(tables.draft).where(_draft.code == row.code, _draft.uid == row.uid))\n",
        "        pass\n",
        (f"{_DRAFTS_TEST}::test_draft_is_erased_after_thirty_days[sqlite]",),
    ),
)
