"""Guards of who owns an enterprise and who acts for it.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_CONSENTS_TEST: Final = "tests/service/test_consents.py"
_OWNERSHIP_TEST: Final = "tests/service/test_ownership.py"

GUARDS: Final = (
    Guard(
        "one claims by a submission of one's own",
        f"{_IDENTITY}/ownership_operations.py",
        "if submission is None or submission.submitter != principal.name:",
        "if False:",
        (
            f"{_OWNERSHIP_TEST}::test_claim_without_a_verified_submission_of_ones_own_is_refused[sqlite]",
        ),
    ),
    Guard(
        "one claims by a verified submission",
        f"{_IDENTITY}/ownership_operations.py",
        "_require_verified(work, code, submission_uid, now)",
        "pass",
        (f"{_OWNERSHIP_TEST}::test_fewer_than_four_elements_make_nobody_own[sqlite]",),
    ),
    Guard(
        "claims of one login are bounded",
        f"{_IDENTITY}/ownership_operations.py",
        "_limit(work, code, principal, now)",
        "pass",
        (f"{_OWNERSHIP_TEST}::test_attack_guessing_ends_the_claim_after_five_tries[sqlite]",),
    ),
    Guard(
        "a claim without a code is not confirmed",
        f"{_IDENTITY}/ownership_operations.py",
        "if made.state is not ClaimState.CHALLENGED or made.code_index is None:",
        "if False:",
        (f"{_OWNERSHIP_TEST}::test_code_is_good_once_and_only_for_its_term[sqlite]",),
    ),
    Guard(
        "a platform vouches for whom it has records of",
        f"{_IDENTITY}/ownership_operations.py",
        "if platform not in record_rows.platforms(work, code):",
        "if False:",
        (f"{_OWNERSHIP_TEST}::test_platform_that_reports_the_enterprises_records_vouches[sqlite]",),
    ),
    Guard(
        "what is not disputed is not decided",
        f"{_IDENTITY}/ownership_operations.py",
        "if made.state is not ClaimState.DISPUTED:",
        "if False:",
        (
            f"{_OWNERSHIP_TEST}::test_second_claim_is_a_dispute_that_the_owner_is_told_of_and_two_of_staff_decide[sqlite]",
        ),
    ),
    Guard(
        "a disputed ownership needs two members of staff",
        f"{_IDENTITY}/ownership_operations.py",
        "elif made.proposed_by == staff.name:",
        "elif False:",
        (
            f"{_OWNERSHIP_TEST}::test_second_claim_is_a_dispute_that_the_owner_is_told_of_and_two_of_staff_decide[sqlite]",
        ),
    ),
    Guard(
        "members are listed for who acts for the enterprise",
        f"{_IDENTITY}/ownership_operations.py",
        ("        require_reader(work, actor, code)\n        return rows.members(work, code)\n"),
        ("        pass\n        return rows.members(work, code)\n"),
        (f"{_OWNERSHIP_TEST}::test_nobody_acts_for_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "an owner alone invites",
        f"{_IDENTITY}/ownership_operations.py",
        "require_actor(work, actor, code)",
        "pass",
        (f"{_OWNERSHIP_TEST}::test_nobody_owns_by_a_token_in_live[sqlite]",),
    ),
    Guard(
        "one invites under the agreement",
        f"{_IDENTITY}/ownership_operations.py",
        "require_assent(work, room.desk, code, now)",
        "pass",
        (
            f"{_CONSENTS_TEST}::test_new_agreement_blocks_what_is_new_until_assent_and_nothing_else[sqlite]",
        ),
    ),
    Guard(
        "an invitation is of its code",
        f"{_IDENTITY}/ownership_operations.py",
        "if not found:",
        "if False:",
        (
            f"{_OWNERSHIP_TEST}::test_staff_are_invited_read_and_are_out_at_once_when_removed[sqlite]",
        ),
    ),
    Guard(
        "notices are for who acts for the enterprise",
        f"{_IDENTITY}/ownership_operations.py",
        ("        require_reader(work, actor, code)\n        return rows.notices(work, code)\n"),
        ("        pass\n        return rows.notices(work, code)\n"),
        (f"{_OWNERSHIP_TEST}::test_nobody_acts_for_an_enterprise_that_takes_no_part[sqlite]",),
    ),
)
