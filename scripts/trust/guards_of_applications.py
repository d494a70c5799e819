"""Guards of applications: whose they are, their keys, and how they go live.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_STORAGE: Final = "service/bonafides/storage"
_ACCESS: Final = "service/bonafides/access"
_APPLICATIONS_TEST: Final = "tests/service/test_applications.py"
_APPLICATION_RULES_TEST: Final = "tests/unit/test_application_rules.py"
_GOING_LIVE_TEST: Final = "tests/service/test_going_live.py"

GUARDS: Final = (
    Guard(
        "an application is its maker's",
        f"{_STORAGE}/applications.py",
        "        query = query.where(_application.created_by == owner)\n",
        "        pass\n",
        (
            f"{_APPLICATIONS_TEST}::test_attack_anothers_application_is_not_found_by_any_method[sqlite]",
        ),
    ),
    Guard(
        "country and role never change",
        f"{_ACCESS}/application_forms.py",
        "        if name in _IMMUTABLE:\n",
        "        if False:\n",
        (
            f"{_APPLICATIONS_TEST}::test_what_never_changes_is_refused_by_name[sqlite-country_code-CN]",
        ),
    ),
    Guard(
        "an application has three keys at most",
        f"{_ACCESS}/key_operations.py",
        ('    if len(open_) >= rules.MOST_KEYS:\n        raise KeyNotAddedError("THREE_KEYS")\n'),
        "",
        (f"{_APPLICATIONS_TEST}::test_rotation_overlaps_and_a_fourth_key_is_refused[sqlite]",),
    ),
    Guard(
        "a key is registered by who holds it",
        f"{_ACCESS}/key_operations.py",
        "    return is_proof(key, offered.signature, message)\n",
        "    return True\n",
        (f"{_APPLICATIONS_TEST}::test_attack_proofs_that_are_not_good_register_nothing[sqlite]",),
    ),
    Guard(
        "a challenge is good once and its application's",
        f"{_ACCESS}/key_operations.py",
        ("    if taken is None:\n        return False\n    key = offered.key\n"),
        (
            "    key = offered.key\n"
            "    if taken is None:\n"
            '        return is_proof(key, offered.signature, b"") or True\n'
        ),
        (f"{_APPLICATIONS_TEST}::test_attack_proofs_that_are_not_good_register_nothing[sqlite]",),
    ),
    Guard(
        "a key that proves nothing is none",
        f"{_ACCESS}/application_keys.py",
        (
            "    if raw in _SMALL_ORDER:\n"
            '        raise _fault("PUBLIC_KEY", "This key proves nothing; make a new one.")\n'
        ),
        "",
        (f"{_APPLICATION_RULES_TEST}::test_attack_other_keys_are_refused[small order]",),
    ),
    Guard(
        "a launch waits for contract and acceptance and key",
        f"{_ACCESS}/application_operations.py",
        (
            "            if missing := _missing(work, room, row, now):\n"
            "                raise LaunchPreconditionError(missing)\n"
        ),
        "",
        (
            f"{_GOING_LIVE_TEST}::test_launch_waits_for_key_contract_and_acceptance_in_any_order[sqlite]",
        ),
    ),
    Guard(
        "a key after the launch waits for a code",
        f"{_ACCESS}/key_operations.py",
        ("        if row.launched_at is None:\n            held"),
        ("        if True:\n            held"),
        (f"{_GOING_LIVE_TEST}::test_key_after_launch_waits_for_the_code_that_was_mailed[sqlite]",),
    ),
    Guard(
        "a wrong code changes nothing",
        f"{_ACCESS}/managing.py",
        "    right = hmac.compare_digest(found.code_index, _index(room, client_id, uid, given))\n",
        "    right = bool(_index(room, client_id, uid, given))\n",
        (
            f"{_GOING_LIVE_TEST}::test_attack_codes_are_guessed_late_used_twice_or_of_another_change[sqlite]",
        ),
    ),
    Guard(
        "a code that is late changes nothing",
        f"{_ACCESS}/managing.py",
        "    over = now >= found.expires_at\n",
        "    over = False\n",
        (
            f"{_GOING_LIVE_TEST}::test_attack_codes_are_guessed_late_used_twice_or_of_another_change[sqlite]",
        ),
    ),
    Guard(
        "a code is good once",
        f"{_ACCESS}/managing.py",
        ("    if found.state != PENDING:\n        raise CodeNotValidError\n"),
        "",
        (
            f"{_GOING_LIVE_TEST}::test_attack_codes_are_guessed_late_used_twice_or_of_another_change[sqlite]",
        ),
    ),
    Guard(
        "an application that is stopped changes nothing",
        f"{_ACCESS}/managing.py",
        (
            "    if row.state in (State.SUSPENDED, State.CLOSED):\n"
            "        raise ApplicationStateError(row.state.value)\n"
        ),
        "",
        (f"{_APPLICATIONS_TEST}::test_misuse_locks_the_keys_and_leaves_a_report[sqlite]",),
    ),
    Guard(
        "an acceptance is the sandbox's word",
        f"{_ACCESS}/acceptance.py",
        (
            '    if header.get("typ") != TYPE or "crit" in header or not isinstance(claims, dict):\n'
            "        raise AcceptanceError\n"
        ),
        "",
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_statements_that_are_not_the_sandboxs_are_refused",
        ),
    ),
    Guard(
        "an acceptance is for one application",
        f"{_ACCESS}/acceptance_operations.py",
        (
            "        if ours != (passed.live_client_id, passed.role, passed.country, passed.product):\n"
            "            raise AcceptanceError\n"
        ),
        "",
        (
            f"{_GOING_LIVE_TEST}::test_attack_statement_serves_one_application_of_the_same_make_once[sqlite]",
        ),
    ),
)
