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
        "an acceptance that is over is refused",
        f"{_ACCESS}/acceptance.py",
        "if passed.passed_at > now + _SKEW or now >= passed.expires_at:",
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_statement_that_is_over_is_refused[sqlite]",),
    ),
    Guard(
        "contracts are recorded in live alone",
        f"{_ACCESS}/acceptance_operations.py",
        ("    _require(room, LIVE)\n    with room.store.writing() as work:\n"),
        ("    pass\n    with room.store.writing() as work:\n"),
        (f"{_APPLICATIONS_TEST}::test_nothing_is_launched_in_sandbox[sqlite]",),
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
        "if known.request_digest != keyed:",
        "if False:",
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
        (f"{_APPLICATIONS_TEST}::test_misuse_locks_the_keys_and_leaves_a_report[sqlite]",),
    ),
    Guard(
        "an application that is stopped is not launched",
        f"{_ACCESS}/application_operations.py",
        ("        require_running(row)\n        if row.state is not State.LIVE:\n"),
        ("        pass\n        if row.state is not State.LIVE:\n"),
        (f"{_APPLICATIONS_TEST}::test_misuse_locks_the_keys_and_leaves_a_report[sqlite]",),
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
)
