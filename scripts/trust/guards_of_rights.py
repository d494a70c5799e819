"""Guards of corrections, reviews, overrides and erasures.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ARCHIVE: Final = "service/bonafides/archive"
_IDENTITY: Final = "service/bonafides/identity"
_RATING: Final = "service/bonafides/rating"
_STORAGE: Final = "service/bonafides/storage"
_ADVISING_TEST: Final = "tests/service/test_advising.py"
_APPEALS_TEST: Final = "tests/service/test_appeals.py"
_AUDIT_TEST: Final = "tests/service/test_audit.py"
_CONSENTS_TEST: Final = "tests/service/test_consents.py"
_CONSENT_TEST: Final = "tests/unit/test_consent.py"
_CROSSING_TEST: Final = "tests/service/test_crossing.py"
_EXPIRY_TEST: Final = "tests/unit/test_expiry.py"
_GATES_TEST: Final = "tests/unit/test_gates.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_OVERRIDES_TEST: Final = "tests/service/test_overrides.py"
_PAST_ARCHIVE_TEST: Final = "tests/service/test_past_archive.py"
_PEOPLE_TEST: Final = "tests/unit/test_people.py"
_RATING_OPERATIONS_TEST: Final = "tests/service/test_rating_operations.py"
_REVIEWS_TEST: Final = "tests/service/test_reviews.py"
_RIGHTS_TEST: Final = "tests/service/test_rights.py"
_SCORECARD_TEST: Final = "tests/unit/test_scorecard.py"
_SELF_DESCRIPTION_TEST: Final = "tests/service/test_self_description.py"
_SIGNATURE_TEST: Final = "tests/unit/test_signature.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"

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
        (f"{_CROSSING_TEST}::test_staff_find_nothing_of_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "a level of who takes no part is not found",
        f"{_RATING}/operations.py",
        "if not identity_rows.is_enrolled(work, code):",
        "if False:",
        (f"{_CROSSING_TEST}::test_staff_find_nothing_of_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "a case that is not there is not ruled on",
        f"{_IDENTITY}/correction_operations.py",
        ("        if found is None:\n            raise NotFoundError\n"),
        ("        if False:\n            raise NotFoundError\n"),
        (f"{_CROSSING_TEST}::test_staff_find_nothing_of_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "a check is contested by its submitter or owner",
        f"{_IDENTITY}/correction_operations.py",
        "if not own and not (owner and target.subject in identity_rows.enrolled_by(work, code)):",
        "if False:",
        (f"{_RIGHTS_TEST}::test_attack_stranger_contests_no_check_of_anothers_submission[sqlite]",),
    ),
    Guard(
        "what has to stand is not withdrawn",
        f"{_IDENTITY}/correction_operations.py",
        "if ruled.withdraw and kind in rules.NEVER_WITHDRAWN:",
        "if False:",
        (f"{_RIGHTS_TEST}::test_registration_is_corrected_and_never_withdrawn[sqlite]",),
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
        ("        require_actor(work, actor, code)\n        known = mark.answer("),
        ("        pass\n        known = mark.answer("),
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
    Guard(
        "a case's request id is one request's",
        f"{_IDENTITY}/correction_operations.py",
        "require_same(known, mark.digest)",
        "pass",
        (
            f"{_RIGHTS_TEST}::test_submitter_contests_own_checks_and_nothing_of_the_enterprise[sqlite]",
        ),
    ),
    Guard(
        "a card that is not published is not found",
        f"{_RATING}/operations.py",
        "if not (folder / version).is_dir():",
        "if False:",
        (f"{_RATING_OPERATIONS_TEST}::test_a_name_that_is_no_version_finds_nothing[expert-99]",),
    ),
    Guard(
        "an override ends",
        f"{_STORAGE}/overrides.py",
        "            _own.expires_at > at,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_override_holds_for_its_enterprise_from_its_start_to_its_end[sqlite-after its term]",
        ),
    ),
    Guard(
        "an override that was ended is over",
        f"{_STORAGE}/overrides.py",
        "            sa.or_(_own.ended_at.is_(None), _own.ended_at > at),\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_override_holds_for_its_enterprise_from_its_start_to_its_end[sqlite-once it ended]",
        ),
    ),
    Guard(
        "an override holds once it is started",
        f"{_STORAGE}/overrides.py",
        "            _own.started_at <= at,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_override_holds_for_its_enterprise_from_its_start_to_its_end[sqlite-before it]",
        ),
    ),
    Guard(
        "an override is of one enterprise",
        f"{_STORAGE}/overrides.py",
        ("            _own.code == code,\n            _own.started_at"),
        "            _own.started_at",
        (
            f"{_WHOSE_ROWS_TEST}::test_override_holds_for_its_enterprise_from_its_start_to_its_end[sqlite-another enterprise]",
        ),
    ),
    Guard(
        "an override is of who takes part",
        f"{_IDENTITY}/override_operations.py",
        "if not is_enrolled(work, code):",
        "if False:",
        (f"{_CROSSING_TEST}::test_staff_find_nothing_of_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "a check is contested of one's own submission",
        f"{_IDENTITY}/correction_operations.py",
        "    if not own and not (owner and target.subject in identity_rows.enrolled_by(work, code)):",
        "    if not own and not owner:",
        (
            f"{_RIGHTS_TEST}::test_attack_owner_contests_no_check_that_does_not_enroll_the_enterprise[sqlite]",
        ),
    ),
    Guard(
        "the past begins when the enterprise took part",
        f"{_ARCHIVE}/operations.py",
        "if since is None or as_of < since:",
        "if since is None:",
        (f"{_PAST_ARCHIVE_TEST}::test_before_it_took_part_there_is_no_archive[sqlite]",),
    ),
    Guard(
        "who sees no archive sees none of the past",
        f"{_ARCHIVE}/operations.py",
        (
            "    if audience not in snapshot.VIEWS:\n"
            "        raise NotFoundError\n"
            "    with store.reading() as work:\n"
            "        since"
        ),
        ("    with store.reading() as work:\n        since"),
        (f"{_PAST_ARCHIVE_TEST}::test_before_it_took_part_there_is_no_archive[sqlite]",),
    ),
    Guard(
        "who takes no part describes itself nowhere",
        f"{_ARCHIVE}/operations.py",
        (
            "    with store.writing() as work:\n"
            "        if not is_enrolled(work, code):\n"
            "            raise NotFoundError\n"
            "        overdue"
        ),
        ("    with store.writing() as work:\n        overdue"),
        (
            f"{_SELF_DESCRIPTION_TEST}::test_description_of_another_enterprise_is_not_found_whether_it_takes_part_or_not[sqlite]",
        ),
    ),
    Guard(
        "what matches by name alone does not count",
        f"{_ARCHIVE}/expiry.py",
        (
            "    if record.matched_by is not MatchedBy.CODE:\n"
            "        return Standing.MATCHED_BY_NAME\n"
        ),
        "",
        (f"{_EXPIRY_TEST}::test_record_matched_by_name_stands_at_no_time",),
    ),
    Guard(
        "what was removed counts no more",
        f"{_ARCHIVE}/expiry.py",
        (
            "    if record.removed is not None and start_of(record.removed) <= as_of:\n"
            "        return Standing.REMOVED\n"
        ),
        "",
        (f"{_EXPIRY_TEST}::test_removed_record_stands_until_the_day_of_its_removal",),
    ),
    Guard(
        "what is over counts no more",
        f"{_ARCHIVE}/expiry.py",
        "return Standing.EXPIRED if _expires_at(fact.kind, record) <= as_of else Standing.STANDS",
        "return Standing.STANDS",
        (
            f"{_EXPIRY_TEST}::test_penalty_stands_for_its_calendar_months_to_the_microsecond[minor-20573]",
        ),
    ),
    Guard(
        "nothing of a person is a feature",
        f"{_RATING}/soundness.py",
        (
            "        if _OF_A_PERSON.search(feature.name):\n"
            '            yield where, "is of a person; nothing of a person may be a feature"\n'
            "        elif"
        ),
        "        if",
        (
            f"{_CONSENT_TEST}::test_card_with_a_feature_of_a_person_does_not_load[proprietor_age_days]",
        ),
    ),
    Guard(
        "a card is of features that this build knows",
        f"{_RATING}/soundness.py",
        "elif feature.name not in FEATURES:",
        "elif False:",
        (f"{_SCORECARD_TEST}::test_a_card_is_refused_for[unknown feature]",),
    ),
    Guard(
        "a card is signed by the trusted key",
        f"{_RATING}/signature.py",
        ("    except InvalidSignature:\n        return False\n"),
        ("    except InvalidSignature:\n        return True\n"),
        (f"{_SIGNATURE_TEST}::test_a_card_without_a_good_signature_is_refused[sandbox]",),
    ),
    Guard(
        "a person's finding is of the facts that he looked at",
        f"{_RATING}/people.py",
        "        return now == frozenset(looked_at)\n",
        "        return True\n",
        (
            f"{_PEOPLE_TEST}::test_finding_that_d_stands_covers_exactly_the_facts_and_the_other_any_part",
        ),
    ),
    Guard(
        "a finding against a level covers no new facts",
        f"{_RATING}/people.py",
        "    return now <= frozenset(looked_at)\n",
        "    return True\n",
        (
            f"{_PEOPLE_TEST}::test_finding_that_d_stands_covers_exactly_the_facts_and_the_other_any_part",
        ),
    ),
    Guard(
        "who refuses machines is shown no level of theirs",
        f"{_RATING}/people.py",
        "    if people.refuses and message.level != rating_pb2.LEVEL_D:",
        "    if False:",
        (f"{_PEOPLE_TEST}::test_refusal_leaves_nothing_of_what_a_machine_computed",),
    ),
    Guard(
        "an overridden level does not tell the computed one",
        f"{_RATING}/people.py",
        "    made.range_low = made.range_high = made.level\n",
        "",
        (f"{_PEOPLE_TEST}::test_override_changes_the_level_shown_and_nothing_that_was_computed",),
    ),
    Guard(
        "an override holds no longer than its term",
        f"{_RATING}/people.py",
        "valid_until = min(from_timestamp(message.valid_until_time), override.expires_at)",
        "valid_until = from_timestamp(message.valid_until_time)",
        (f"{_PEOPLE_TEST}::test_overridden_level_is_valid_until_the_override_ends_at_most",),
    ),
    Guard(
        "who did not consent to be rated is not looked at",
        f"{_RATING}/operations.py",
        'return people.digests(inputs.sheet) if "RATE" in inputs.purposes else frozenset()',
        "return people.digests(inputs.sheet)",
        (
            f"{_REVIEWS_TEST}::test_without_consent_to_be_rated_there_is_neither_review_nor_d[sqlite]",
        ),
    ),
    Guard(
        "the past is seen as far as it may be now",
        f"{_RATING}/operations.py",
        "        & consent_rows.live_purposes(work, code, now),\n",
        ",\n",
        (f"{_CONSENTS_TEST}::test_past_shows_nothing_that_was_taken_back_since[sqlite]",),
    ),
    Guard(
        "generated data judges nothing in live",
        f"{_RATING}/gates.py",
        'fine = case.environment != "live" or "SYNTHETIC" not in told',
        "fine = True",
        (
            f"{_GATES_TEST}::test_a_candidate_that_fails_one_gate_is_refused_by_that_gate_alone[basis-failing3-live takes no SYNTHETIC]",
        ),
    ),
    Guard(
        "a card goes live with enough people's word",
        f"{_RATING}/gates.py",
        "count >= APPROVERS",
        "True",
        (
            f"{_GATES_TEST}::test_a_candidate_that_fails_one_gate_is_refused_by_that_gate_alone[approvers-failing0-1 approve, 2 are needed]",
        ),
    ),
    Guard(
        "a card goes live signed",
        f"{_RATING}/gates.py",
        '        "signature", case.signed, "the',
        '        "signature", True, "the',
        (
            f"{_GATES_TEST}::test_a_candidate_that_fails_one_gate_is_refused_by_that_gate_alone[signature-failing6-no good one]",
        ),
    ),
    Guard(
        "erased values lose their key",
        f"{_IDENTITY}/erasing.py",
        ("    rows.delete_wrapped_key(work, row.uid)\n    digest"),
        "    digest",
        (
            f"{_RIGHTS_TEST}::test_erased_values_are_unreadable_at_once_and_the_verification_ends[sqlite]",
        ),
    ),
    Guard(
        "the log of who is erased is nobody's",
        f"{_IDENTITY}/erasing.py",
        "            audit.unlink(work, code)\n",
        "            pass\n",
        (
            f"{_AUDIT_TEST}::test_erasure_that_ends_the_verification_unlinks_and_a_strangers_does_not[sqlite]",
        ),
    ),
)
