"""Guards of corrections, reviews, overrides and erasures.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RATING: Final = "service/bonafides/rating"
_ADVISING_TEST: Final = "tests/service/test_advising.py"
_APPEALS_TEST: Final = "tests/service/test_appeals.py"
_CROSSING_TEST: Final = "tests/service/test_crossing.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_LEVELS_TEST: Final = "tests/service/test_levels.py"
_OVERRIDES_TEST: Final = "tests/service/test_overrides.py"
_REVIEWS_TEST: Final = "tests/service/test_reviews.py"
_RIGHTS_TEST: Final = "tests/service/test_rights.py"

GUARDS: Final = (
    Guard(
        "a case is opened on one's own alone",
        f"{_IDENTITY}/correction_operations.py",
        "elif not owner:",
        "elif False:",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "nobody rules on what he entered",
        f"{_IDENTITY}/correction_operations.py",
        "if staff.name in _entered_by(work, made):",
        "if False:",
        (f"{_APPEALS_TEST}::test_who_entered_what_is_contested_does_not_rule_on_it[sqlite]",),
    ),
    Guard(
        "an override that ended does not start",
        f"{_IDENTITY}/override_operations.py",
        "if made.ended_at is not None:",
        "if False:",
        (f"{_OVERRIDES_TEST}::test_proposal_is_staffs_alone_and_can_be_taken_back[sqlite]",),
    ),
    Guard(
        "levels of who takes no part are not found",
        f"{_RATING}/history_operations.py",
        "if not identity_rows.is_enrolled(work, code):",
        "if False:",
        (
            f"{_LEVELS_TEST}::test_an_enterprise_that_takes_no_part_has_no_history_and_no_receipt[sqlite]",
        ),
    ),
    Guard(
        "personal data is erased by whose it is",
        f"{_IDENTITY}/erasing.py",
        "if row is None or uid not in askable(work, actor, code):",
        "if False:",
        (f"{_RIGHTS_TEST}::test_nobody_erases_what_another_submitted[sqlite]",),
    ),
    Guard(
        "overrides are listed for who acts for the enterprise",
        f"{_IDENTITY}/override_operations.py",
        "require_reader(work, actor, code)",
        "pass",
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "an owner alone asks for a review",
        f"{_IDENTITY}/review_operations.py",
        ("        require_actor(work, actor, code)\n        known = rows.find(work, code, uid)\n"),
        ("        pass\n        known = rows.find(work, code, uid)\n"),
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "reviews are listed for who acts for the enterprise",
        f"{_IDENTITY}/review_operations.py",
        (
            "        require_reader(work, actor, code)\n"
            "        return tuple(rows.of_enterprise(work, code))\n"
        ),
        ("        pass\n        return tuple(rows.of_enterprise(work, code))\n"),
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "four eyes are two people's",
        f"{_IDENTITY}/review_operations.py",
        "if same and last is not None and not last.final and last.by == staff.name:",
        "if False:",
        (
            f"{_REVIEWS_TEST}::test_second_person_has_to_find_the_same_where_one_asks_for_it[sqlite]",
        ),
    ),
    Guard(
        "whether it is rated by machines is told who acts for it",
        f"{_IDENTITY}/review_operations.py",
        (
            "        require_reader(work, actor, code)\n"
            "        return rows.refusal(work, code, now)\n"
        ),
        ("        pass\n        return rows.refusal(work, code, now)\n"),
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "an owner alone refuses machines",
        f"{_IDENTITY}/review_operations.py",
        (
            "        require_actor(work, actor, code)\n"
            "        known = rows.refusal(work, code, now)\n"
        ),
        ("        pass\n        known = rows.refusal(work, code, now)\n"),
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "a level is simulated for days to come",
        f"{_RATING}/advising.py",
        "if not today <= day <= today + HORIZON_DAYS:",
        "if False:",
        (
            f"{_ADVISING_TEST}::test_simulation_of_a_day_that_is_past_or_too_far_is_refused[sqlite-date0]",
        ),
    ),
    Guard(
        "advice is for who takes part",
        f"{_RATING}/advising.py",
        "if not identity_rows.is_enrolled(work, code):",
        "if False:",
        (f"{_ADVISING_TEST}::test_staff_find_no_advice_for_who_does_not_take_part[sqlite]",),
    ),
)
