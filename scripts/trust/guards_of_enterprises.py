"""Guards of enterprises: whose they are, who decides on them, what is kept of them.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RPC: Final = "service/bonafides/rpc"
_STORAGE: Final = "service/bonafides/storage"
_PERSONAL: Final = "service/bonafides/personal"
_CROSSING_TEST: Final = "tests/service/test_crossing.py"
_OWNERSHIP_TEST: Final = "tests/service/test_ownership.py"
_SEALING_TEST: Final = "tests/unit/test_sealing.py"

GUARDS: Final = (
    Guard(
        "a member reads what it acts for alone",
        f"{_IDENTITY}/consent_operations.py",
        ("    if not acts(work, actor, code, as_owner=as_owner):\n        raise NotFoundError\n"),
        "",
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "a level's history is for the enterprise and staff",
        f"{_RPC}/rating_services.py",
        ("        if eyes not in _SEE_HISTORY:\n            raise NotFoundError\n"),
        "",
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "the past is for the enterprise and staff",
        f"{_RPC}/services.py",
        ("        if seen_as not in _SEE_THE_PAST:\n            raise MethodNotAllowedError\n"),
        "",
        (
            "tests/service/test_past_archive.py::test_past_is_for_the_enterprise_itself_and_for_staff[sqlite]",
        ),
    ),
    Guard(
        "stores are listed to whom they concern",
        f"{_RPC}/services.py",
        ("        if seen_as not in _SEE_STORES:\n            raise NotFoundError\n"),
        "",
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "a platform lists its own stores alone",
        f"{_RPC}/services.py",
        "platform = call.caller.platform if call.caller.kind is CallerKind.PLATFORM else None",
        "platform = None",
        (
            "tests/service/test_links.py::test_owner_lists_and_disputes_over_the_wire_and_others_find_nothing[sqlite]",
        ),
    ),
    Guard(
        "a draft is its platform's and its confirmer's",
        f"{_IDENTITY}/drafting.py",
        ("    if not allowed:\n        raise NotFoundError\n    return row"),
        "    return row",
        (
            "tests/service/test_drafts.py::test_draft_is_found_by_its_platform_its_name_and_staff_alone[sqlite]",
        ),
    ),
    Guard(
        "an override needs a second person",
        f"{_IDENTITY}/override_operations.py",
        (
            "            if staff.name == made.proposed_by:\n"
            "                raise SecondPersonRequiredError\n"
        ),
        "",
        (
            "tests/service/test_overrides.py::test_who_proposed_an_override_does_not_start_it[sqlite]",
        ),
    ),
    Guard(
        "nobody finds on a review that he opened",
        f"{_IDENTITY}/review_operations.py",
        ("        if staff.name == made.opened_by:\n            raise SecondPersonRequiredError\n"),
        "",
        (
            "tests/service/test_reviews.py::test_owner_asks_for_a_review_once_and_reads_what_a_person_found[sqlite]",
        ),
    ),
    Guard(
        "a case is its opener's and the enterprise's",
        f"{_IDENTITY}/correction_operations.py",
        ("        if not _may_see(work, actor, found):\n            raise NotFoundError\n"),
        "",
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "a wrong one-time code is refused",
        f"{_IDENTITY}/ownership_operations.py",
        "right = hmac.compare_digest(made.code_index, _index(room, uid, given))",
        "right = True",
        (f"{_OWNERSHIP_TEST}::test_attack_guessing_ends_the_claim_after_five_tries[sqlite]",),
    ),
    Guard(
        "a one-time code ends",
        f"{_IDENTITY}/ownership_operations.py",
        "        over = made.is_late(now)\n",
        "        over = False\n",
        (f"{_OWNERSHIP_TEST}::test_code_is_good_once_and_only_for_its_term[sqlite]",),
    ),
    Guard(
        "the last owner stays",
        f"{_IDENTITY}/ownership_operations.py",
        (
            "        if [owner.uid for owner in rows.owners(work, code)] == [uid]:\n"
            "            raise LastOwnerError\n"
        ),
        "",
        (
            f"{_OWNERSHIP_TEST}::test_staff_are_invited_read_and_are_out_at_once_when_removed[sqlite]",
        ),
    ),
    Guard(
        "a use without a consent is refused",
        f"{_STORAGE}/consents.py",
        ("    if found is None:\n        # Stays only"),
        ("    if False:\n        # Stays only"),
        (
            "tests/service/test_consents.py::test_verifier_is_not_asked_once_the_consent_is_over[sqlite]",
        ),
    ),
    Guard(
        "a sealed value opens at its place alone",
        f"{_PERSONAL}/sealing.py",
        'return f"{self._environment}|{place.table}|{place.subject}|{place.field}".encode()',
        "return self._environment.encode()",
        (f"{_SEALING_TEST}::test_sealed_value_moved_elsewhere_does_not_open[elsewhere0]",),
    ),
    Guard(
        "a sandbox's value does not open in live",
        f"{_PERSONAL}/sealing.py",
        '_derived(kek, f"wrap|{environment}")',
        '_derived(kek, "wrap")',
        (f"{_SEALING_TEST}::test_sandbox_row_does_not_open_in_live",),
    ),
    Guard(
        "submissions of one submitter are bounded",
        f"{_IDENTITY}/operations.py",
        "    if oldest is not None and (wait := oldest + _RATE_WINDOW - now) > 0:",
        "    if False:",
        (
            "tests/service/test_identity_operations.py::test_a_submitter_is_limited_over_24_hours_and_told_when_to_come_back[sqlite]",
        ),
    ),
    Guard(
        "a copy is what its digest says",
        f"{_IDENTITY}/filing.py",
        '        raise InvalidFieldsError((FieldViolation("name", "DIGEST_DIFFERS", text),))\n',
        "        pass\n",
        ("tests/service/test_documents.py::test_bytes_of_another_digest_are_refused[sqlite]",),
    ),
    Guard(
        "the text of a foreign exception stays out of the log",
        f"{_RPC}/events.py",
        'facts |= {"error": type(error).__name__, "frames": frames(error)}',
        'facts |= {"error": repr(error), "frames": frames(error)}',
        (
            "tests/service/test_pipeline.py::test_text_of_a_foreign_exception_reaches_neither_caller_nor_log",
        ),
    ),
    Guard(
        "an enterprise describes itself alone",
        f"{_RPC}/services.py",
        (
            "        if self._eyes.audience_now(call.caller, code) != disclosure_pb2.AUDIENCE_OWNER:\n"
            "            raise NotFoundError\n"
            "        call.seen_as(disclosure_pb2.AUDIENCE_OWNER)\n"
            "        stands"
        ),
        ("        call.seen_as(disclosure_pb2.AUDIENCE_OWNER)\n        stands"),
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "nobody acts for an enterprise that takes no part",
        f"{_IDENTITY}/consent_operations.py",
        "return identity_rows.is_enrolled(work, code) and actor.may_act(told, as_owner=as_owner)",
        "return actor.may_act(told, as_owner=as_owner)",
        (f"{_OWNERSHIP_TEST}::test_nobody_acts_for_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "a claim is its claimant's",
        f"{_IDENTITY}/ownership_operations.py",
        "    if found is None or (principal is not None and found.principal != principal):",
        "    if found is None:",
        (f"{_OWNERSHIP_TEST}::test_claim_is_found_by_its_claimant_and_staff_alone[sqlite]",),
    ),
    Guard(
        "cases of one person are bounded",
        f"{_IDENTITY}/correction_operations.py",
        "    if oldest is not None and (wait := oldest + DAY - now) > 0:",
        "    if False:",
        (
            "tests/service/test_rights.py::test_cases_of_one_person_are_limited_over_24_hours[sqlite]",
        ),
    ),
)
