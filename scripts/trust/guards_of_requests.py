"""Guards of request ids: a write that comes again is one write, and another is refused.

Rows for `guard_table`; those of single writes stand with their rooms as well.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_SERVICE: Final = "service/bonafides"
_IDENTITY: Final = f"{_SERVICE}/identity"
_APPLICATIONS_TEST: Final = "tests/service/test_applications.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_ONCE_RULES: Final = "tests/unit/test_once.py"
_ONCE_TEST: Final = (
    "tests/service/test_once.py"
    "::test_write_is_made_once_however_often_it_comes_and_another_is_refused[sqlite]"
)

GUARDS: Final = (
    Guard(
        "a request id is one request's",
        f"{_SERVICE}/once.py",
        "if before != now:",
        "if False:",
        (f"{_ONCE_RULES}::test_other_request_under_the_id_finds_the_row_and_is_refused",),
    ),
    Guard(
        "a row that was made is held against the request",
        f"{_SERVICE}/once.py",
        "require_same(known.request_digest, self.digest)",
        "pass",
        (f"{_ONCE_RULES}::test_other_request_under_the_id_finds_the_row_and_is_refused",),
    ),
    Guard(
        "a request id is its caller's",
        f"{_SERVICE}/once.py",
        '"|".join((*whose, self.id))',
        "self.id",
        (f"{_ONCE_RULES}::test_other_caller_enterprise_or_id_is_another_row",),
    ),
    Guard(
        "a draft's request id is one request's",
        f"{_IDENTITY}/drafting.py",
        "mark.answer(rows.find_request(work, platform, request.id))",
        "rows.find_request(work, platform, request.id)",
        (_ONCE_TEST,),
    ),
    Guard(
        "a consent's request id is one consent's",
        f"{_IDENTITY}/consent_operations.py",
        "require_same(anew, made)",
        "pass",
        (_ONCE_TEST,),
    ),
    Guard(
        "a claim's request id is one submission's",
        f"{_IDENTITY}/ownership_operations.py",
        "require_same(known.submission_uid, submission_uid)",
        "pass",
        (_ONCE_TEST,),
    ),
    Guard(
        "an invitation's request id is one role's",
        f"{_IDENTITY}/ownership_operations.py",
        "require_same(made.role, role)",
        "pass",
        (_ONCE_TEST,),
    ),
    Guard(
        "an authorization's request id is one application's",
        f"{_IDENTITY}/integrator_operations.py",
        "require_same(made.client_id, link and link.client_id)",
        "pass",
        (
            f"{_INTEGRATORS_TEST}::test_link_and_authorization_are_made_once_for_a_request_id[sqlite]",
        ),
    ),
    Guard(
        "an override's request id is one request's",
        f"{_IDENTITY}/override_operations.py",
        "mark.answer(rows.find(work, code, uid))",
        "rows.find(work, code, uid)",
        (_ONCE_TEST,),
    ),
    Guard(
        "a review's request id is one request's",
        f"{_IDENTITY}/review_operations.py",
        "mark.answer(rows.find(work, code, mark.uid))",
        "rows.find(work, code, mark.uid)",
        (_ONCE_TEST,),
    ),
    Guard(
        "a limit's request id is one request's",
        f"{_IDENTITY}/limit_operations.py",
        "require_same(known.request_digest, mark.digest.hex())",
        "pass",
        (_ONCE_TEST,),
    ),
    Guard(
        "a self-description's request id is one request's",
        f"{_SERVICE}/archive/operations.py",
        "require_same(before, request.digest)",
        "pass",
        (_ONCE_TEST,),
    ),
    Guard(
        "a dispute's request id is one request's",
        f"{_SERVICE}/records/linking.py",
        "require_same(before, told.request.digest)",
        "pass",
        (_ONCE_TEST,),
    ),
    Guard(
        "a change of an application is made once",
        f"{_SERVICE}/access/application_operations.py",
        "if mark.answer(rows.find_step(work, client_id, mark.uid)) is not None:",
        "if False:",
        (
            f"{_APPLICATIONS_TEST}::test_change_that_comes_late_once_more_undoes_no_newer_one[sqlite]",
        ),
    ),
)
