"""Guards of who owns an enterprise and who acts for it.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_STORAGE: Final = "service/bonafides/storage"
_CONSENTS_TEST: Final = "tests/service/test_consents.py"
_CONSENT_TEST: Final = "tests/unit/test_consent.py"
_OWNERSHIP_TEST: Final = "tests/service/test_ownership.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"

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
    Guard(
        "who was removed acts no more",
        f"{_STORAGE}/membership.py",
        "row.code: Standing(row.role) for row in found if row.ended_at is None",
        "row.code: Standing(row.role) for row in found",
        (
            f"{_OWNERSHIP_TEST}::test_staff_are_invited_read_and_are_out_at_once_when_removed[sqlite]",
        ),
    ),
    Guard(
        "memberships are looked up by the whole login",
        f"{_STORAGE}/membership.py",
        '_member.issuer == sa.bindparam("issuer"), _member.subject == sa.bindparam("subject")',
        '_member.subject == sa.bindparam("subject")',
        ("tests/service/test_whose_rows.py::test_standings_are_those_of_the_whole_login[sqlite]",),
    ),
    Guard(
        "what is remembered of memberships ends with their change",
        f"{_STORAGE}/standings.py",
        "if known is None or self._changed.get(code, 0) > known.heard:",
        "if known is None:",
        (
            (
                "tests/service/test_standings.py"
                "::test_enterprise_that_changed_is_asked_about_anew_and_others_are_not[sqlite]"
            ),
        ),
    ),
    Guard(
        "what is remembered of memberships ends without news",
        f"{_STORAGE}/standings.py",
        "        if not self._follower.is_fresh():\n            return None\n",
        "",
        (
            (
                "tests/service/test_standings.py"
                "::test_nothing_is_remembered_past_a_second_without_news[sqlite]"
            ),
        ),
    ),
    Guard(
        "staff of an enterprise are no owners",
        f"{_STORAGE}/membership.py",
        "if member.ended_at is None and member.role is Role.OWNER",
        "if member.ended_at is None",
        (f"{_WHOSE_ROWS_TEST}::test_owners_are_neither_staff_nor_who_was_removed[sqlite]",),
    ),
    Guard(
        "claimants' own records prove nothing",
        f"{_STORAGE}/membership.py",
        "            table.submitter != besides,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_record_that_proves_a_claim_is_anothers_verified_old_and_in_force[sqlite-one's own]",
        ),
    ),
    Guard(
        "a contact on record is of what was verified",
        f"{_STORAGE}/membership.py",
        "            table.state == State.VERIFIED.value,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_record_that_proves_a_claim_is_anothers_verified_old_and_in_force[sqlite-refuted]",
        ),
    ),
    Guard(
        "a contact on record is of four elements",
        f"{_STORAGE}/membership.py",
        "            table.depth == Depth.FOUR.value,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_record_that_proves_a_claim_is_anothers_verified_old_and_in_force[sqlite-three elements]",
        ),
    ),
    Guard(
        "a contact on record has its age",
        f"{_STORAGE}/membership.py",
        "            table.submitted_at <= before,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_record_that_proves_a_claim_is_anothers_verified_old_and_in_force[sqlite-too young]",
        ),
    ),
    Guard(
        "a contact on record is of what holds",
        f"{_STORAGE}/membership.py",
        "            sa.or_(table.expires_at.is_(None), table.expires_at > now),\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_record_that_proves_a_claim_is_anothers_verified_old_and_in_force[sqlite-over]",
        ),
    ),
    Guard(
        "an invitation is taken up once",
        f"{_STORAGE}/membership.py",
        ("        _invitation.taken_at.is_(None),\n        _invitation.expires"),
        "        _invitation.expires",
        (
            f"{_WHOSE_ROWS_TEST}::test_invitations_are_of_the_enterprise_untaken_and_in_their_term[sqlite]",
        ),
    ),
    Guard(
        "invitations of who is removed end",
        f"{_STORAGE}/membership.py",
        "which = _invitation.uid == uid if by is None else _invitation.invited_by == by",
        "which = _invitation.uid == uid if by is None else sa.false()",
        (f"{_WHOSE_ROWS_TEST}::test_invitations_end_with_who_made_them_and_no_others[sqlite]",),
    ),
    Guard(
        "staff of an enterprise do what owners leave them",
        f"{_IDENTITY}/membership.py",
        "                return not as_owner\n",
        "                return True\n",
        (
            f"{_OWNERSHIP_TEST}::test_staff_are_invited_read_and_are_out_at_once_when_removed[sqlite]",
        ),
    ),
    Guard(
        "who was removed acts by no token",
        f"{_IDENTITY}/membership.py",
        ("            case Standing.REMOVED:\n                return False\n"),
        ("            case Standing.REMOVED:\n                return self.owns_by_token\n"),
        (f"{_CONSENT_TEST}::test_standing_decides_and_a_token_only_where_there_is_none[True]",),
    ),
    Guard(
        "who was removed owns no more",
        f"{_STORAGE}/membership.py",
        "if member.ended_at is None and member.role is Role.OWNER",
        "if member.role is Role.OWNER",
        (f"{_WHOSE_ROWS_TEST}::test_owners_are_neither_staff_nor_who_was_removed[sqlite]",),
    ),
    Guard(
        "members are those of the enterprise",
        f"{_STORAGE}/membership.py",
        '    .where(_member.code == sa.bindparam("code"))\n',
        "",
        (f"{_WHOSE_ROWS_TEST}::test_members_are_those_of_the_enterprise[sqlite]",),
    ),
    Guard(
        "a claim goes on of its claimant alone",
        f"{_STORAGE}/membership.py",
        ("            _claim.subject == principal.subject,\n            _claim.state"),
        "            _claim.state",
        (f"{_WHOSE_ROWS_TEST}::test_open_claims_are_those_of_the_login_on_the_enterprise[sqlite]",),
    ),
    Guard(
        "a platform vouches for one enterprise",
        f"{_STORAGE}/membership.py",
        (
            "            table.code == code,\n"
            "            table.issuer == principal.issuer,\n"
            "            table.subject == principal.subject,\n"
            "            table.vouched_at"
        ),
        (
            "            table.issuer == principal.issuer,\n"
            "            table.subject == principal.subject,\n"
            "            table.vouched_at"
        ),
        (
            f"{_WHOSE_ROWS_TEST}::test_voucher_is_for_one_login_one_enterprise_and_its_term[sqlite-another enterprise]",
        ),
    ),
    Guard(
        "a platform vouches for one login",
        f"{_STORAGE}/membership.py",
        ("            table.subject == principal.subject,\n            table.vouched_at"),
        "            table.vouched_at",
        (
            f"{_WHOSE_ROWS_TEST}::test_voucher_is_for_one_login_one_enterprise_and_its_term[sqlite-another login]",
        ),
    ),
    Guard(
        "a voucher has its term",
        f"{_STORAGE}/membership.py",
        "            table.vouched_at > since,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_voucher_is_for_one_login_one_enterprise_and_its_term[sqlite-too late]",
        ),
    ),
    Guard(
        "an invitation is to its enterprise",
        f"{_STORAGE}/membership.py",
        ("        _invitation.code == code,\n        _invitation.taken_at"),
        "        _invitation.taken_at",
        (
            f"{_WHOSE_ROWS_TEST}::test_invitations_are_of_the_enterprise_untaken_and_in_their_term[sqlite]",
        ),
    ),
    Guard(
        "an invitation has its term",
        f"{_STORAGE}/membership.py",
        "        _invitation.expires_at > now,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_invitations_are_of_the_enterprise_untaken_and_in_their_term[sqlite]",
        ),
    ),
    Guard(
        "notices are those of the enterprise",
        f"{_STORAGE}/membership.py",
        ("        sa.select(tables.notice)\n        .where(table.code == code)\n"),
        "        sa.select(tables.notice)\n",
        (f"{_WHOSE_ROWS_TEST}::test_notices_are_those_of_the_enterprise[sqlite]",),
    ),
    Guard(
        "tries of a one-time code are counted",
        f"{_IDENTITY}/ownership_operations.py",
        "tried = dataclasses.replace(made, tries=made.tries + 1)",
        "tried = made",
        (f"{_OWNERSHIP_TEST}::test_attack_guessing_ends_the_claim_after_five_tries[sqlite]",),
    ),
    Guard(
        "claims are those of the enterprise",
        f"{_STORAGE}/membership.py",
        (
            "            _claim.code == code,\n"
            "            _claim.issuer == principal.issuer,\n"
            "            _claim.subject"
        ),
        ("            _claim.issuer == principal.issuer,\n            _claim.subject"),
        (f"{_WHOSE_ROWS_TEST}::test_open_claims_are_those_of_the_login_on_the_enterprise[sqlite]",),
    ),
    Guard(
        "a claim that was refused proves nothing",
        f"{_STORAGE}/membership.py",
        "            _claim.state.in_([ClaimState.CHALLENGED.value, ClaimState.AWAITING_VOUCHER.value]),\n",
        "",
        (f"{_WHOSE_ROWS_TEST}::test_open_claims_are_those_of_the_login_on_the_enterprise[sqlite]",),
    ),
    Guard(
        "a platform vouches for a login of one issuer",
        f"{_STORAGE}/membership.py",
        (
            "            table.issuer == principal.issuer,\n"
            "            table.subject == principal.subject,\n"
            "            table.vouched_at"
        ),
        ("            table.subject == principal.subject,\n            table.vouched_at"),
        (
            f"{_WHOSE_ROWS_TEST}::test_voucher_is_for_one_login_one_enterprise_and_its_term[sqlite-another issuer]",
        ),
    ),
    Guard(
        "an end is of the enterprise's own invitations",
        f"{_STORAGE}/membership.py",
        ".where(_invitation.code == code, _invitation.taken_at.is_(None), which)",
        ".where(_invitation.taken_at.is_(None), which)",
        (f"{_WHOSE_ROWS_TEST}::test_invitations_end_with_who_made_them_and_no_others[sqlite]",),
    ),
    Guard(
        "a record that proves a claim is of the enterprise",
        f"{_STORAGE}/membership.py",
        ("            table.code == code,\n            table.submitter != besides,"),
        "            table.submitter != besides,",
        (
            f"{_WHOSE_ROWS_TEST}::test_record_that_proves_a_claim_is_anothers_verified_old_and_in_force[sqlite-another enterprise]",
        ),
    ),
    Guard(
        "who loses an ownership loses what it authorized",
        f"{_IDENTITY}/ownership_operations.py",
        "        agent_rows.revoke(work, made.code, by=staff.name, now=now)\n",
        "        pass\n",
        (
            f"{_OWNERSHIP_TEST}::test_ownership_that_staff_give_to_another_ends_what_the_earlier_owner_authorized[sqlite]",
        ),
    ),
    Guard(
        "an invitation that was taken up is over",
        f"{_IDENTITY}/ownership_operations.py",
        "        rows.end_invitations(work, code, now, uid=found[0].uid)\n",
        "",
        (
            f"{_OWNERSHIP_TEST}::test_staff_are_invited_read_and_are_out_at_once_when_removed[sqlite]",
        ),
    ),
    Guard(
        "who is removed leaves no invitation",
        f"{_IDENTITY}/ownership_operations.py",
        "    rows.end_invitations(work, member.code, now, by=member.principal.name)\n",
        "",
        (
            f"{_OWNERSHIP_TEST}::test_attack_removed_leaver_keeps_nothing_by_token_or_invitation[sqlite]",
        ),
    ),
)
