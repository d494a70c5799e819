"""Guards of the way to live: contracts, acceptances, states, addresses for notifications.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_RPC: Final = "service/bonafides/rpc"
_APPLICATIONS_TEST: Final = "tests/service/test_applications.py"
_APPLICATION_RULES_TEST: Final = "tests/unit/test_application_rules.py"
_GOING_LIVE_TEST: Final = "tests/service/test_going_live.py"

GUARDS: Final = (
    Guard(
        "contracts are recorded in live alone",
        f"{_ACCESS}/acceptance_operations.py",
        ("    _require(room, LIVE)\n    with room.store.writing() as work:\n"),
        ("    pass\n    with room.store.writing() as work:\n"),
        (f"{_APPLICATIONS_TEST}::test_nothing_is_launched_in_sandbox[sqlite]",),
    ),
    Guard(
        "who is stopped gets no contract",
        f"{_ACCESS}/acceptance_operations.py",
        ("        require_running(row)\n        _check_platform(row, platform)\n"),
        ("        pass\n        _check_platform(row, platform)\n"),
        (
            f"{_GOING_LIVE_TEST}::test_stopped_application_is_neither_contracted_nor_accepted_nor_launched[sqlite]",
        ),
    ),
    Guard(
        "a platform goes with a contract's role",
        f"{_ACCESS}/acceptance_operations.py",
        "_check_platform(row, platform)",
        "pass",
        (f"{_GOING_LIVE_TEST}::test_contract_names_a_platform_that_goes_with_the_role[sqlite]",),
    ),
    Guard(
        "a contract was signed by now",
        f"{_ACCESS}/acceptance_operations.py",
        "if not _EARLIEST <= signed_at <= now:",
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_contract_names_a_platform_that_goes_with_the_role[sqlite]",),
    ),
    Guard(
        "who is launched keeps its platform",
        f"{_ACCESS}/acceptance_operations.py",
        'if row.launched_at is not None and platform != (row.platform or ""):',
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_contract_names_a_platform_that_goes_with_the_role[sqlite]",),
    ),
    Guard(
        "runs are accepted in sandbox alone",
        f"{_ACCESS}/acceptance_operations.py",
        ("    _require(room, SANDBOX)\n    with room.store.writing() as work:\n"),
        ("    pass\n    with room.store.writing() as work:\n"),
        (f"{_GOING_LIVE_TEST}::test_runs_are_accepted_in_sandbox_alone[sqlite]",),
    ),
    Guard(
        "who has no key passed nothing",
        f"{_ACCESS}/acceptance_operations.py",
        "if not managing.has_key(work, client_id, now):",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_acceptance_run_without_a_key_is_none[sqlite]",),
    ),
    Guard(
        "who did not pass gets no acceptance",
        f"{_ACCESS}/acceptance_operations.py",
        "if row.accepted_at is None or row.acceptance_sha256 is None:",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_acceptance_run_without_a_key_is_none[sqlite]",),
    ),
    Guard(
        "an acceptance is issued for one application",
        f"{_ACCESS}/acceptance_operations.py",
        "if row.accepts_for not in (None, live_client_id):",
        "if False:",
        (
            f"{_GOING_LIVE_TEST}::test_attack_statement_serves_one_application_of_the_same_make_once[sqlite]",
        ),
    ),
    Guard(
        "acceptances are presented in live alone",
        f"{_ACCESS}/acceptance_operations.py",
        ("    _require(room, LIVE)\n    if room.sandbox_key is None:\n"),
        ("    pass\n    if room.sandbox_key is None:\n"),
        (f"{_GOING_LIVE_TEST}::test_attack_what_is_of_the_sandbox_is_nothing_in_live[sqlite]",),
    ),
    Guard(
        "what passed once lets one application in",
        f"{_ACCESS}/acceptance_operations.py",
        "if not known and rows.is_accepted_by(work, passed.sandbox_client_id):",
        "if False:",
        (
            f"{_GOING_LIVE_TEST}::test_attack_one_run_is_not_taken_for_two_applications_whoever_signs[sqlite]",
        ),
    ),
    Guard(
        "notifications go where the internet reaches",
        f"{_ACCESS}/application_forms.py",
        "if fault := notification_url_fault(value):",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_all_faults_of_a_new_application_are_told_at_once[sqlite]",),
    ),
    Guard(
        "a request that makes an application is not another one",
        f"{_ACCESS}/application_operations.py",
        "known = mark.answer(rows.find_own(work, client_id, maker.name))",
        "known = rows.find_own(work, client_id, maker.name)",
        (f"{_APPLICATIONS_TEST}::test_creation_is_idempotent_by_its_request_id[sqlite]",),
    ),
    Guard(
        "applications of one login are bounded",
        f"{_ACCESS}/application_operations.py",
        "managing.limit(made, rules.APPLICATIONS_PER_DAY, now)",
        "pass",
        (f"{_APPLICATIONS_TEST}::test_applications_of_a_login_are_limited_by_the_day[sqlite]",),
    ),
    Guard(
        "an application that is stopped is not updated",
        f"{_ACCESS}/application_operations.py",
        (
            "        require_running(row)\n"
            "        changed = {name: each for name, each in values.items() if getattr(row, name) != each}\n"
        ),
        (
            "        pass\n"
            "        changed = {name: each for name, each in values.items() if getattr(row, name) != each}\n"
        ),
        (f"{_APPLICATIONS_TEST}::test_suspended_application_is_changed_in_nothing[sqlite]",),
    ),
    Guard(
        "an application that is stopped is not launched",
        f"{_ACCESS}/application_operations.py",
        ("        require_running(row)\n        if row.state is not State.LIVE:\n"),
        ("        pass\n        if row.state is not State.LIVE:\n"),
        (
            f"{_GOING_LIVE_TEST}::test_stopped_application_is_neither_contracted_nor_accepted_nor_launched[sqlite]",
        ),
    ),
    Guard(
        "what is closed is not suspended",
        f"{_ACCESS}/application_operations.py",
        "if row.state is State.CLOSED:",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_closing_is_for_good_and_forgets_the_email[sqlite]",),
    ),
    Guard(
        "what is closed is not resumed",
        f"{_ACCESS}/application_operations.py",
        "if row.state is not State.SUSPENDED:",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_closing_is_for_good_and_forgets_the_email[sqlite]",),
    ),
    Guard(
        "notifications go over TLS",
        f"{_ACCESS}/applications.py",
        'if parts.scheme != "https" or not host or port == 0:',
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_all_faults_of_a_new_application_are_told_at_once[sqlite]",),
    ),
    Guard(
        "a contract names a platform of our form",
        f"{_RPC}/application_services.py",
        "if request.platform and not is_platform(request.platform):",
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_contract_names_a_platform_that_goes_with_the_role[sqlite]",),
    ),
    Guard(
        "an acceptance is issued for an application of live",
        f"{_RPC}/application_services.py",
        "if not rules.is_client_id(request.live_client_id, rules.LIVE):",
        "if False:",
        (
            f"{_GOING_LIVE_TEST}::test_attack_statement_serves_one_application_of_the_same_make_once[sqlite]",
        ),
    ),
    Guard(
        "an acceptance is a sandbox's",
        f"{_ACCESS}/acceptance.py",
        'if claims.get("iss") != f"bonafides-{SANDBOX}" or not isinstance(issued, int):',
        "if False:",
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_statements_that_are_not_the_sandboxs_are_refused",
        ),
    ),
    Guard(
        "an acceptance names one application on each side",
        f"{_ACCESS}/acceptance.py",
        "if not named or len(digest) != _DIGEST_BYTES:",
        "if False:",
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_statements_that_are_not_the_sandboxs_are_refused",
        ),
    ),
    Guard(
        "a notification's address names no user",
        f"{_ACCESS}/applications.py",
        'if "@" in parts.netloc:',
        "if False:",
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_other_addresses_are_refused_with_a_remedy[https://user@hooks.example.com]",
        ),
    ),
    Guard(
        "notifications go to no inner address",
        f"{_ACCESS}/applications.py",
        "if wrapped or not address.is_global or address.is_multicast:",
        "if False:",
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_other_addresses_are_refused_with_a_remedy[https://127.0.0.1/]",
        ),
    ),
    Guard(
        "notifications go to no inner name",
        f"{_ACCESS}/applications.py",
        "if inner or numeric or not well_formed:",
        "if False:",
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_other_addresses_are_refused_with_a_remedy[https://localhost/]",
        ),
    ),
    Guard(
        "a role opens its own methods",
        f"{_ACCESS}/application_roles.py",
        "return role in ROLES.get(method, frozenset())",
        "return method in ROLES",
        (f"{_APPLICATION_RULES_TEST}::test_role_fixes_which_methods_exist",),
    ),
    Guard(
        "a method that no role opens is no application's",
        f"{_ACCESS}/application_roles.py",
        "return role in ROLES.get(method, frozenset())",
        "return role in ROLES.get(method, _EVERY)",
        (f"{_APPLICATION_RULES_TEST}::test_role_fixes_which_methods_exist",),
    ),
    Guard(
        "an acceptance names the same application",
        f"{_ACCESS}/acceptance.py",
        "named = is_client_id(subject, SANDBOX) and is_client_id(audience, LIVE)",
        "named = True",
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_statements_that_are_not_the_sandboxs_are_refused",
        ),
    ),
    Guard(
        "an acceptance is signed",
        f"{_ACCESS}/acceptance.py",
        'parts = _JWS.decode_complete(statement.encode("ascii"), key, algorithms=[_ALGORITHM])',
        'parts = _JWS.decode_complete(statement.encode("ascii"), key, algorithms=[_ALGORITHM], options={"verify_signature": False})',
        (
            f"{_APPLICATION_RULES_TEST}::test_attack_statements_that_are_not_the_sandboxs_are_refused",
        ),
    ),
    Guard(
        "an acceptance ends",
        f"{_ACCESS}/acceptance.py",
        "if passed.passed_at > now + _SKEW or now >= passed.expires_at:",
        "if passed.passed_at > now + _SKEW:",
        (f"{_GOING_LIVE_TEST}::test_statement_that_is_over_is_refused[sqlite]",),
    ),
    Guard(
        "an acceptance is not of the future",
        f"{_ACCESS}/acceptance.py",
        "if passed.passed_at > now + _SKEW or now >= passed.expires_at:",
        "if now >= passed.expires_at:",
        (
            f"{_APPLICATION_RULES_TEST}::test_statement_reads_as_it_was_signed_until_its_term_is_over",
        ),
    ),
    Guard(
        "in live nobody calls before the launch",
        f"{_ACCESS}/applications.py",
        "    LIVE: frozenset({State.LIVE}),\n",
        "    LIVE: frozenset({State.LIVE, State.READY, State.DRAFT}),\n",
        (f"{_APPLICATION_RULES_TEST}::test_calls_are_taken_in_few_states",),
    ),
    Guard(
        "who is stopped calls nothing in sandbox",
        f"{_ACCESS}/applications.py",
        "    SANDBOX: frozenset({State.TESTING, State.READY}),\n",
        "    SANDBOX: frozenset(State),\n",
        (f"{_APPLICATION_RULES_TEST}::test_calls_are_taken_in_few_states",),
    ),
    Guard(
        "misuse locks the keys",
        f"{_ACCESS}/applications.py",
        "LOCKING: Final = frozenset({Ground.MISUSE, Ground.KEY_COMPROMISED})",
        "LOCKING: Final[frozenset[Ground]] = frozenset()",
        (f"{_APPLICATIONS_TEST}::test_misuse_locks_the_keys_and_leaves_a_report[sqlite]",),
    ),
    Guard(
        "a launch is in live alone",
        f"{_ACCESS}/applications.py",
        '        "LIVE_DEPLOYMENT": environment == LIVE,\n',
        "",
        (f"{_APPLICATION_RULES_TEST}::test_launch_names_all_that_is_missing",),
    ),
    Guard(
        "a launch waits for the contract",
        f"{_ACCESS}/applications.py",
        '        "CONTRACT": contract,\n',
        "",
        (f"{_APPLICATION_RULES_TEST}::test_launch_names_all_that_is_missing",),
    ),
    Guard(
        "a launch waits for the acceptance",
        f"{_ACCESS}/applications.py",
        '        "ACCEPTANCE": accepted,\n',
        "",
        (f"{_APPLICATION_RULES_TEST}::test_launch_names_all_that_is_missing",),
    ),
    Guard(
        "a launch waits for a key",
        f"{_ACCESS}/applications.py",
        '        "KEY": has_key,\n',
        "",
        (f"{_APPLICATION_RULES_TEST}::test_launch_names_all_that_is_missing",),
    ),
    Guard(
        "who is closed has no key",
        f"{_ACCESS}/application_operations.py",
        ("            rows.revoke_keys(work, client_id, now)\n            managing.end"),
        "            managing.end",
        (f"{_APPLICATIONS_TEST}::test_closing_is_for_good_and_forgets_the_email[sqlite]",),
    ),
    Guard(
        "who is closed has no e-mail",
        f"{_ACCESS}/application_operations.py",
        "            managing.forget_email(work, client_id)\n",
        "",
        (f"{_APPLICATIONS_TEST}::test_closing_is_for_good_and_forgets_the_email[sqlite]",),
    ),
    Guard(
        "who is suspended has no change that waits",
        f"{_ACCESS}/application_operations.py",
        (
            "            rows.revoke_keys(work, client_id, now)\n"
            "        managing.end_changes(work, client_id, now)\n"
        ),
        "            rows.revoke_keys(work, client_id, now)\n",
        (f"{_GOING_LIVE_TEST}::test_suspension_ends_what_waits_for_a_code[sqlite]",),
    ),
    Guard(
        "what is resumed is as launched as before",
        f"{_ACCESS}/application_operations.py",
        "state = State.DRAFT if row.launched_at is None else State.LIVE",
        "state = State.LIVE",
        (f"{_APPLICATIONS_TEST}::test_misuse_locks_the_keys_and_leaves_a_report[sqlite]",),
    ),
)
