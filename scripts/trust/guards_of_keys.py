"""Guards of applications' keys and of what waits for a code.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_APPLICATIONS_TEST: Final = "tests/service/test_applications.py"
_APPLICATION_RULES_TEST: Final = "tests/unit/test_application_rules.py"
_GOING_LIVE_TEST: Final = "tests/service/test_going_live.py"

GUARDS: Final = (
    Guard(
        "who is stopped gets no challenge",
        f"{_ACCESS}/key_operations.py",
        "require_running(own(work, maker, client_id))",
        "pass",
        (f"{_APPLICATIONS_TEST}::test_misuse_locks_the_keys_and_leaves_a_report[sqlite]",),
    ),
    Guard(
        "challenges of one application are bounded",
        f"{_ACCESS}/key_operations.py",
        "managing.limit(made, rules.CHALLENGES_PER_DAY, now)",
        "pass",
        (f"{_APPLICATIONS_TEST}::test_challenges_are_limited_by_the_day[sqlite]",),
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
        "a private key is not taken",
        f"{_ACCESS}/application_keys.py",
        'if b"PRIVATE KEY" in content:',
        "if False:",
        (f"{_APPLICATION_RULES_TEST}::test_attack_other_keys_are_refused[private PEM]",),
    ),
)
