"""Guards of consents, of agreements, and of what rests on them.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_CONSENTS_TEST: Final = "tests/service/test_consents.py"
_DRAFTS_TEST: Final = "tests/service/test_drafts.py"
_OWNERSHIP_TEST: Final = "tests/service/test_ownership.py"
_RIGHTS_TEST: Final = "tests/service/test_rights.py"

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
        "holdings of nobody are not found",
        f"{_IDENTITY}/holding_operations.py",
        "if not uids:",
        "if False:",
        (
            f"{_RIGHTS_TEST}::test_owner_is_told_of_the_enrolling_submission_and_strangers_of_nothing[sqlite]",
        ),
    ),
)
