"""Guards of applications' keys and of what waits for a code.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_STORAGE: Final = "service/bonafides/storage"
_APPLICATIONS_TEST: Final = "tests/service/test_applications.py"
_APPLICATION_RULES_TEST: Final = "tests/unit/test_application_rules.py"
_GOING_LIVE_TEST: Final = "tests/service/test_going_live.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"

GUARDS: Final = (
    Guard(
        "who is stopped gets no challenge",
        f"{_ACCESS}/key_operations.py",
        "require_running(own(work, maker, client_id))",
        "pass",
        (f"{_APPLICATIONS_TEST}::test_suspended_application_is_changed_in_nothing[sqlite]",),
    ),
    Guard(
        "challenges of one application are bounded",
        f"{_ACCESS}/key_operations.py",
        "managing.limit(made, rules.CHALLENGES_PER_DAY, now)",
        "pass",
        (f"{_APPLICATIONS_TEST}::test_challenges_are_limited_by_the_day[sqlite]",),
    ),
    Guard(
        "who is stopped registers no key",
        f"{_ACCESS}/key_operations.py",
        (
            "        require_running(row)\n"
            "        if not _proved(work, room, client_id, offered, now):\n"
        ),
        ("        pass\n        if not _proved(work, room, client_id, offered, now):\n"),
        (f"{_APPLICATIONS_TEST}::test_suspended_application_is_changed_in_nothing[sqlite]",),
    ),
    Guard(
        "a key that is not proved is not registered",
        f"{_ACCESS}/key_operations.py",
        "if not _proved(work, room, client_id, offered, now):",
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_attack_what_is_of_the_sandbox_is_nothing_in_live[sqlite]",),
    ),
    Guard(
        "who is stopped confirms no change",
        f"{_ACCESS}/key_operations.py",
        (
            "        require_running(row)\n"
            "        done = managing.confirm_change(work, room, client_id, uid, code, now=now)\n"
        ),
        (
            "        pass\n"
            "        done = managing.confirm_change(work, room, client_id, uid, code, now=now)\n"
        ),
        (f"{_GOING_LIVE_TEST}::test_suspension_ends_what_waits_for_a_code[sqlite]",),
    ),
    Guard(
        "a key that was known never comes back",
        f"{_ACCESS}/key_operations.py",
        "if any(each.key_id == key.key_id for each in known):",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_key_that_was_revoked_never_comes_back[sqlite]",),
    ),
    Guard(
        "what is launched does not fall back by itself",
        f"{_ACCESS}/managing.py",
        "if row.state not in (State.DRAFT, State.TESTING, State.READY):",
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_suspension_ends_what_waits_for_a_code[sqlite]",),
    ),
    Guard(
        "what is made in a day is bounded",
        f"{_ACCESS}/managing.py",
        "if len(made) >= most:",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_challenges_are_limited_by_the_day[sqlite]",),
    ),
    Guard(
        "without mail nothing changes that waits for a code",
        f"{_ACCESS}/managing.py",
        "if not room.can_send or address is None:",
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_change_without_a_mail_server_is_refused",),
    ),
    Guard(
        "changes by code are bounded",
        f"{_ACCESS}/managing.py",
        "limit(sorted(each.requested_at for each in before), rules.CHANGES_PER_DAY, now)",
        "pass",
        (f"{_GOING_LIVE_TEST}::test_changes_after_launch_are_limited_by_the_day[sqlite]",),
    ),
    Guard(
        "whose an application is never changes",
        f"{_STORAGE}/applications.py",
        "if fixed := FIXED & values.keys():",
        "if False:",
        (
            f"{_APPLICATIONS_TEST}::test_what_an_application_is_made_with_no_statement_changes[sqlite]",
        ),
    ),
    Guard(
        "a private key is not taken",
        f"{_ACCESS}/application_keys.py",
        'if b"PRIVATE KEY" in content:',
        "if False:",
        (f"{_APPLICATION_RULES_TEST}::test_attack_other_keys_are_refused[private PEM]",),
    ),
    Guard(
        "a code has few tries",
        f"{_ACCESS}/managing.py",
        "if over or tried.tries >= rules.MOST_TRIES:",
        "if over:",
        (
            f"{_GOING_LIVE_TEST}::test_attack_codes_are_guessed_late_used_twice_or_of_another_change[sqlite]",
        ),
    ),
    Guard(
        "tries of a code are counted",
        f"{_ACCESS}/managing.py",
        "tried = dataclasses.replace(found, tries=found.tries + 1)",
        "tried = found",
        (
            f"{_GOING_LIVE_TEST}::test_attack_codes_are_guessed_late_used_twice_or_of_another_change[sqlite]",
        ),
    ),
    Guard(
        "a newer change ends the one before",
        f"{_ACCESS}/managing.py",
        "    end_changes(work, row.client_id, now, kind=kind)\n",
        "",
        (
            f"{_GOING_LIVE_TEST}::test_attack_codes_are_guessed_late_used_twice_or_of_another_change[sqlite]",
        ),
    ),
    Guard(
        "a proof is of its environment and application",
        f"{_ACCESS}/application_keys.py",
        'f"{_PROOF}\\n{environment}\\n{client_id}\\n{key_id}\\n{nonce.hex()}\\n"',
        'f"{_PROOF}\\n{key_id}\\n{nonce.hex()}\\n"',
        (
            f"{_APPLICATION_RULES_TEST}::test_proof_is_of_this_key_this_application_this_environment_and_this_nonce[EdDSA]",
        ),
    ),
    Guard(
        "a challenge is its application's",
        f"{_STORAGE}/applications.py",
        (
            "            _challenge.client_id == client_id,\n"
            "            _challenge.uid == uid,\n"
            "            _challenge.used"
        ),
        ("            _challenge.uid == uid,\n            _challenge.used"),
        (
            f"{_WHOSE_ROWS_TEST}::test_challenge_is_good_for_its_application_in_its_term_and_once[sqlite-another application]",
        ),
    ),
    Guard(
        "a challenge is good once",
        f"{_STORAGE}/applications.py",
        "            _challenge.used_at.is_(None),\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_challenge_is_good_for_its_application_in_its_term_and_once[sqlite-its own in time]",
        ),
    ),
    Guard(
        "a challenge ends",
        f"{_STORAGE}/applications.py",
        "            _challenge.expires_at > now,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_challenge_is_good_for_its_application_in_its_term_and_once[sqlite-too late]",
        ),
    ),
    Guard(
        "an application is found by its maker alone",
        f"{_STORAGE}/applications.py",
        "return query if owner is None else query.where(_application.created_by == owner)",
        "return query",
        (
            f"{_WHOSE_ROWS_TEST}::test_application_is_found_and_listed_by_its_maker_and_staff[sqlite]",
        ),
    ),
    Guard(
        "a key is revoked of its application alone",
        f"{_STORAGE}/applications.py",
        ".where(_key.client_id == client_id, _key.revoked_at.is_(None), which)",
        ".where(_key.revoked_at.is_(None), which)",
        (
            f"{_APPLICATIONS_TEST}::test_revoking_a_key_leaves_those_of_other_applications_alone[sqlite]",
        ),
    ),
    Guard(
        "keys are those of the application",
        f"{_STORAGE}/applications.py",
        '    .where(_key.client_id == sa.bindparam("client_id"))\n',
        "",
        (f"{_WHOSE_ROWS_TEST}::test_keys_and_changes_are_those_of_the_application[sqlite]",),
    ),
    Guard(
        "changes are those of the application",
        f"{_STORAGE}/applications.py",
        "_changes(work, _change.client_id == client_id, _change.requested_at > since)",
        "_changes(work, _change.requested_at > since)",
        (f"{_WHOSE_ROWS_TEST}::test_keys_and_changes_are_those_of_the_application[sqlite]",),
    ),
    Guard(
        "a key that is over is not added",
        f"{_ACCESS}/key_operations.py",
        "if now >= key.not_after:",
        "if False:",
        (
            f"{_GOING_LIVE_TEST}::test_key_whose_term_is_over_before_its_code_came_is_not_added[sqlite]",
        ),
    ),
    Guard(
        "applications listed are one's own",
        f"{_STORAGE}/applications.py",
        (
            "    if owner is not None:\n"
            "        query = query.where(_application.created_by == owner)\n"
        ),
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_application_is_found_and_listed_by_its_maker_and_staff[sqlite]",
        ),
    ),
    Guard(
        "a change is found in its application",
        f"{_STORAGE}/applications.py",
        "            _change.client_id == client_id, _change.uid == uid\n",
        "            _change.uid == uid\n",
        (f"{_WHOSE_ROWS_TEST}::test_keys_and_changes_are_those_of_the_application[sqlite]",),
    ),
)
