"""Guards of what is submitted, compared and verified.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RPC: Final = "service/bonafides/rpc"
_STORAGE: Final = "service/bonafides/storage"
_AMENDMENTS_TEST: Final = "tests/service/test_amendments.py"
_APPLICATIONS_TEST: Final = "tests/service/test_applications.py"
_ASKING_TEST: Final = "tests/service/test_asking.py"
_BUDGETS_TEST: Final = "tests/service/test_budgets.py"
_CHECKS_TEST: Final = "tests/unit/test_checks.py"
_CLAIMS_TEST: Final = "tests/unit/test_claims.py"
_CODES_TEST: Final = "tests/unit/test_codes.py"
_CONSENTS_TEST: Final = "tests/service/test_consents.py"
_CONSENT_TEST: Final = "tests/unit/test_consent.py"
_DRAFTS_TEST: Final = "tests/service/test_drafts.py"
_IDENTITY_OPERATIONS_TEST: Final = "tests/service/test_identity_operations.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_OVERRIDES_TEST: Final = "tests/service/test_overrides.py"
_PIPELINE_TEST: Final = "tests/service/test_pipeline.py"
_REQUIREMENTS_TEST: Final = "tests/service/test_requirements.py"
_RIGHTS_TEST: Final = "tests/service/test_rights.py"
_SOURCING_TEST: Final = "tests/unit/test_sourcing.py"
_SUBMISSION_TEST: Final = "tests/unit/test_submission.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"

GUARDS: Final = (
    Guard(
        "an owner alone announces changes",
        f"{_IDENTITY}/announcing.py",
        "require_actor(work, actor, code.text)",
        "pass",
        (
            f"{_AMENDMENTS_TEST}::test_only_what_is_verified_is_amended_and_only_by_its_owner[sqlite]",
        ),
    ),
    Guard(
        "a change is announced of one's own verified record",
        f"{_IDENTITY}/announcing.py",
        "if not found or found[0] is None:",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_every_method_of_a_scope_is_tried[sqlite]",),
    ),
    Guard(
        "changes are announced of what is verified",
        f"{_IDENTITY}/announcing.py",
        "if state is not State.VERIFIED:",
        "if False:",
        (
            f"{_AMENDMENTS_TEST}::test_only_what_is_verified_is_amended_and_only_by_its_owner[sqlite]",
        ),
    ),
    Guard(
        "a code and title of another are refused",
        f"{_IDENTITY}/checks.py",
        'if {"code", "title"} <= set(differing):',
        "if False:",
        (
            f"{_ASKING_TEST}::test_a_magic_code_forces_the_state_that_it_is_documented_with[sqlite-MAG30000]",
        ),
    ),
    Guard(
        "who is struck off is not verified",
        f"{_IDENTITY}/checks.py",
        'if "operating_state" in differing and _ended(differing["operating_state"].source, evidence):',
        "if False:",
        (f"{_ASKING_TEST}::test_operating_states_of_a_simulated_source_are_read[sqlite]",),
    ),
    Guard(
        "who differs from the register is not verified",
        f"{_IDENTITY}/checks.py",
        "if differing:",
        "if False:",
        (f"{_ASKING_TEST}::test_magic_codes_work_over_a_real_channel[sqlite]",),
    ),
    Guard(
        "an identity is verified under its person's consent",
        f"{_IDENTITY}/claims.py",
        "if authorization is None or not set(authorization.scope) >= _IDENTITY_SCOPE:",
        "if False:",
        (
            f"{_AMENDMENTS_TEST}::test_new_representative_needs_an_authorization_and_is_checked[sqlite]",
        ),
    ),
    Guard(
        "a submission is its submitter's",
        f"{_IDENTITY}/operations.py",
        "if row is None or (submitter is not None and row.submitter != submitter):",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_every_method_of_a_scope_is_tried[sqlite]",),
    ),
    Guard(
        "a submission's request id is one request's",
        f"{_IDENTITY}/operations.py",
        "return _mark(desk, submitter, request).answer(known)",
        "return known",
        (f"{_IDENTITY_OPERATIONS_TEST}::test_a_request_id_with_other_content_is_refused[sqlite]",),
    ),
    Guard(
        "one submits under the agreement in effect",
        f"{_IDENTITY}/operations.py",
        "if made.assent.agreement_version != current:",
        "if False:",
        (
            f"{_CONSENTS_TEST}::test_new_agreement_blocks_what_is_new_until_assent_and_nothing_else[sqlite]",
        ),
    ),
    Guard(
        "a submission moves as its states allow",
        f"{_IDENTITY}/submission.py",
        "if after not in TRANSITIONS[before]:",
        "if False:",
        (
            f"{_DRAFTS_TEST}::test_confirmed_draft_is_confirmed_once_and_its_submission_is_not_the_platforms[sqlite]",
        ),
    ),
    Guard(
        "a switch has its bounds",
        f"{_IDENTITY}/switch_operations.py",
        "_require_bounded(asked, now)",
        "pass",
        (f"{_BUDGETS_TEST}::test_switch_that_closes_nothing_or_everything_is_refused[sqlite]",),
    ),
    Guard(
        "a switch's request id is one request's",
        f"{_IDENTITY}/switch_operations.py",
        "require_same(known.request_digest, digest)",
        "pass",
        (
            f"{_BUDGETS_TEST}::test_switch_is_set_once_for_a_request_id_and_in_place_of_one_for_the_same[sqlite]",
        ),
    ),
    Guard(
        "a canary is a generated enterprise",
        f"{_IDENTITY}/switch_operations.py",
        "if code.region != GENERATED_REGION:",
        "if False:",
        (f"{_BUDGETS_TEST}::test_code_of_a_real_enterprise_is_no_canary[sqlite]",),
    ),
    Guard(
        "an instant is of the past",
        f"{_RPC}/messages.py",
        "if not _EARLIEST <= instant <= now:",
        "if False:",
        (f"{_CONSENTS_TEST}::test_grant_time_to_come_is_refused[sqlite]",),
    ),
    Guard(
        "control characters are told apart",
        f"{_RPC}/validation.py",
        "if unicodedata.category(character) not in _REFUSED:",
        "if False:",
        (f"{_APPLICATIONS_TEST}::test_all_faults_of_a_new_application_are_told_at_once[sqlite]",),
    ),
    Guard(
        "every claim is checked",
        f"{_IDENTITY}/checks.py",
        "if unlisted := uncovered(claims, checks):",
        "if False:",
        (f"{_CHECKS_TEST}::test_an_empty_table_and_an_unlisted_claim_give_no_verdict",),
    ),
    Guard(
        "who lies outside the scope is not submitted",
        f"{_IDENTITY}/claims.py",
        "if reason := out_of_scope(code):",
        "if False:",
        (
            f"{_CLAIMS_TEST}::test_codes_that_name_no_enterprise_of_the_mainland_are_refused[811101051234567884-OUT_OF_SCOPE]",
        ),
    ),
    Guard(
        "a consent is to the text that was shown",
        f"{_IDENTITY}/claims.py",
        "if (message.text_version, message.text_sha256) != (text.version, text.sha256):",
        "if False:",
        (
            f"{_CONSENT_TEST}::test_authorization_with_another_text_or_a_past_end_is_refused[changes0-text_version-TEXT_NOT_CURRENT]",
        ),
    ),
    Guard(
        "a consent that is over is not given",
        f"{_IDENTITY}/claims.py",
        "if instant <= now:",
        "if False:",
        (
            f"{_CONSENT_TEST}::test_authorization_with_another_text_or_a_past_end_is_refused[changes2-expire_time-EXPIRED]",
        ),
    ),
    Guard(
        "what is no enterprise is not submitted",
        f"{_IDENTITY}/codes.py",
        "if code.department not in _ENTERPRISE_PREFIXES:",
        "if False:",
        (f"{_CODES_TEST}::test_other_departments_parse_and_are_out_of_scope[11]",),
    ),
    Guard(
        "enterprises outside the mainland are not submitted",
        f"{_IDENTITY}/codes.py",
        "if code.region.startswith(_REGIONS_OUTSIDE):",
        "if False:",
        (
            f"{_CODES_TEST}::test_enterprises_of_taiwan_hong_kong_and_macao_are_out_of_scope[710000-91]",
        ),
    ),
    Guard(
        "requirements are for whose they are",
        f"{_IDENTITY}/requirement_operations.py",
        "if not told and not member:",
        "if False:",
        (
            f"{_REQUIREMENTS_TEST}::test_requirements_are_for_members_submitters_and_staff_alone[sqlite]",
        ),
    ),
    Guard(
        "magic codes are the sandbox's alone",
        f"{_IDENTITY}/sandbox.py",
        "if environment != SANDBOX:",
        "if False:",
        (f"{_SOURCING_TEST}::test_magic_codes_are_built_in_the_sandbox_alone",),
    ),
    Guard(
        "control characters are not taken",
        f"{_IDENTITY}/texts.py",
        "if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in stripped):",
        "if False:",
        (f"{_CLAIMS_TEST}::test_titles_with_characters_that_cannot_be_seen_are_refused[\\x00]",),
    ),
    Guard(
        "what one holds is of one's own submissions",
        f"{_STORAGE}/identity.py",
        "            _submission.code == code, _submission.submitter == submitter\n",
        "            _submission.code == code\n",
        (f"{_WHOSE_ROWS_TEST}::test_requests_and_submissions_are_those_of_the_submitter[sqlite]",),
    ),
    Guard(
        "a request of one submitter is no other's",
        f"{_STORAGE}/identity.py",
        "work, _submission.submitter == submitter, _submission.request_id == request_id",
        "work, _submission.request_id == request_id",
        (f"{_WHOSE_ROWS_TEST}::test_requests_and_submissions_are_those_of_the_submitter[sqlite]",),
    ),
    Guard(
        "submissions listed are one's own",
        f"{_STORAGE}/identity.py",
        "        query = query.where(_submission.submitter.in_(sorted(submitters)))\n",
        "        pass\n",
        (f"{_WHOSE_ROWS_TEST}::test_requests_and_submissions_are_those_of_the_submitter[sqlite]",),
    ),
    Guard(
        "a switch that ended is over",
        f"{_STORAGE}/switches.py",
        "sa.select(operator_switch).where(_own.ended_at.is_(None))",
        "sa.select(operator_switch)",
        (f"{_BUDGETS_TEST}::test_closed_interface_answers_nobody_until_it_is_opened[sqlite]",),
    ),
    Guard(
        "an error outside the table tells nothing",
        f"{_RPC}/status.py",
        "message = _cut(str(told))",
        "message = _cut(str(error))",
        (f"{_PIPELINE_TEST}::test_text_of_a_foreign_exception_reaches_neither_caller_nor_log",),
    ),
    Guard(
        "a phone stands in no text of its claims",
        f"{_IDENTITY}/submission.py",
        ("    phone: str = field(repr=False)\n    email: str = field(repr=False)\n"),
        ("    phone: str\n    email: str = field(repr=False)\n"),
        (f"{_SUBMISSION_TEST}::test_personal_values_are_in_no_repr_and_not_in_the_open_part",),
    ),
    Guard(
        "a person stands in no text of its claims",
        f"{_IDENTITY}/submission.py",
        "    person: str = field(repr=False)\n",
        "    person: str\n",
        (f"{_SUBMISSION_TEST}::test_personal_values_are_in_no_repr_and_not_in_the_open_part",),
    ),
    Guard(
        "a check to correct is of the same enterprise",
        f"{_RPC}/rights_messages.py",
        ("submission_of(told.check.submission, where)\n            if owner.text != code:"),
        "submission_of(told.check.submission, where)\n            if False:",
        (
            f"{_RIGHTS_TEST}::test_what_is_not_held_is_refused_with_a_remedy[sqlite-CorrectionTarget-OTHER_ENTERPRISE]",
        ),
    ),
    Guard(
        "an override to appeal is of the same enterprise",
        f"{_RPC}/rights_messages.py",
        ("override_of(told.override.override, where)\n            if owner.text != code:"),
        "override_of(told.override.override, where)\n            if False:",
        (
            f"{_OVERRIDES_TEST}::test_only_an_override_of_the_same_enterprise_that_was_started_can_be_appealed[sqlite]",
        ),
    ),
    Guard(
        "what waited past its deadline is not carried out",
        f"{_RPC}/pipeline.py",
        "self._in_time(asyncio.wrap_future(work), received)",
        "self._in_time(asyncio.shield(asyncio.wrap_future(work)), received)",
        (f"{_PIPELINE_TEST}::test_call_whose_deadline_passed_in_the_queue_is_not_carried_out",),
    ),
)
