"""Guards of what platforms decide, ask and report.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RECORDS: Final = "service/bonafides/records"
_RPC: Final = "service/bonafides/rpc"
_BUYERS_TEST: Final = "tests/service/test_buyers.py"
_HOT_READ_TEST: Final = "tests/service/test_hot_read.py"
_LINKS_TEST: Final = "tests/service/test_links.py"
_PAST_ARCHIVE_TEST: Final = "tests/service/test_past_archive.py"
_PLATFORMS_TEST: Final = "tests/service/test_platforms.py"
_PURPOSES_TEST: Final = "tests/service/test_purposes.py"
_WRITE_RECORDS_TEST: Final = "tests/service/test_write_records.py"

GUARDS: Final = (
    Guard(
        "a buyer who is unknown is not erased",
        f"{_IDENTITY}/buyer_operations.py",
        "if not found:",
        "if False:",
        (
            f"{_BUYERS_TEST}::test_attack_another_platform_learns_and_changes_nothing_of_a_buyer[sqlite]",
        ),
    ),
    Guard(
        "a buyer is corrected to one who is new",
        f"{_IDENTITY}/buyer_operations.py",
        "elif latest.buyer not in {new, None}:",
        "elif False:",
        (
            f"{_BUYERS_TEST}::test_record_that_is_corrected_to_no_buyer_still_counts_as_a_transaction[sqlite]",
        ),
    ),
    Guard(
        "decisions are about who takes part",
        f"{_IDENTITY}/decision_operations.py",
        "if not is_enrolled(work, code):",
        "if False:",
        (
            f"{_PLATFORMS_TEST}::test_enterprise_that_takes_no_part_is_neither_decided_on_nor_asked[sqlite]",
        ),
    ),
    Guard(
        "a decision's request id is one request's",
        f"{_IDENTITY}/decision_operations.py",
        "if known.request_digest != keyed:",
        "if False:",
        (
            f"{_PLATFORMS_TEST}::test_repeated_decision_is_one_and_another_under_its_id_is_refused[sqlite]",
        ),
    ),
    Guard(
        "decisions of a platform are bounded",
        f"{_IDENTITY}/decision_operations.py",
        "if rows.decisions_since(work, code, platform, since) >= _MOST_PER_DAY:",
        "if False:",
        (f"{_PLATFORMS_TEST}::test_platform_that_decides_too_often_has_to_wait[sqlite]",),
    ),
    Guard(
        "decisions are listed for who acts for the enterprise",
        f"{_IDENTITY}/decision_operations.py",
        "require_reader(work, actor, code)",
        "pass",
        (f"{_PLATFORMS_TEST}::test_decision_of_a_rival_platform_is_seen_by_no_other[sqlite]",),
    ),
    Guard(
        "a platform asks who takes part alone",
        f"{_IDENTITY}/inquiry_operations.py",
        "if not is_enrolled(work, code):",
        "if False:",
        (
            f"{_PLATFORMS_TEST}::test_enterprise_that_takes_no_part_is_neither_decided_on_nor_asked[sqlite]",
        ),
    ),
    Guard(
        "an inquiry's deadline is bounded",
        f"{_IDENTITY}/inquiry_operations.py",
        "_require_deadline(asked.deadline_at, now)",
        "pass",
        (f"{_PLATFORMS_TEST}::test_deadline_is_neither_over_nor_far_away[sqlite-0]",),
    ),
    Guard(
        "inquiries are listed for who acts for the enterprise",
        f"{_IDENTITY}/inquiry_operations.py",
        "require_reader(work, actor, code)",
        "pass",
        (f"{_PLATFORMS_TEST}::test_inquiry_is_between_the_platform_and_the_enterprise[sqlite]",),
    ),
    Guard(
        "an owner alone answers an inquiry",
        f"{_IDENTITY}/inquiry_operations.py",
        "require_actor(work, actor, code)",
        "pass",
        (f"{_PLATFORMS_TEST}::test_inquiry_is_between_the_platform_and_the_enterprise[sqlite]",),
    ),
    Guard(
        "a closed inquiry is not answered",
        f"{_IDENTITY}/inquiry_operations.py",
        "if made.closed_at is not None:",
        "if False:",
        (
            f"{_PLATFORMS_TEST}::test_inquiry_past_its_deadline_is_past_due_until_its_platform_closes_it[sqlite]",
        ),
    ),
    Guard(
        "an inquiry of another platform is not closed",
        f"{_IDENTITY}/inquiry_operations.py",
        (
            "        if made is None:\n"
            "            raise NotFoundError\n"
            "        if made.closed_at is None:\n"
        ),
        (
            "        if False:\n"
            "            raise NotFoundError\n"
            "        if made.closed_at is None:\n"
        ),
        (
            f"{_PLATFORMS_TEST}::test_inquiry_past_its_deadline_is_past_due_until_its_platform_closes_it[sqlite]",
        ),
    ),
    Guard(
        "an answer names a copy of one's own",
        f"{_IDENTITY}/inquiry_operations.py",
        "if not known:",
        "if False:",
        (f"{_PLATFORMS_TEST}::test_answer_names_a_copy_that_was_uploaded_and_no_other[sqlite]",),
    ),
    Guard(
        "a mask's request id is one request's",
        f"{_IDENTITY}/mask_operations.py",
        "if known.request_digest != keyed:",
        "if False:",
        (f"{_PURPOSES_TEST}::test_every_mask_is_kept_with_reason_and_who_set_it[sqlite]",),
    ),
    Guard(
        "a store that is not there is not disputed",
        f"{_RECORDS}/linking.py",
        "if not dispute_rows.is_link(work, told.link):",
        "if False:",
        (f"{_LINKS_TEST}::test_what_is_no_link_is_neither_disputed_nor_ruled_on[sqlite]",),
    ),
    Guard(
        "nobody rules on what he submitted",
        f"{_RECORDS}/linking.py",
        'if ruled.by in submitters | {name.rpartition("|")[2] for name in submitters}:',
        "if False:",
        (f"{_LINKS_TEST}::test_attack_who_disputed_does_not_rule[sqlite-owner]",),
    ),
    Guard(
        "who is not logged in does not see the past",
        f"{_RPC}/services.py",
        "if call.caller.kind is CallerKind.ANONYMOUS:",
        "if False:",
        (f"{_PAST_ARCHIVE_TEST}::test_past_is_for_the_enterprise_itself_and_for_staff[sqlite]",),
    ),
    Guard(
        "who is not logged in waits for no revision",
        f"{_RPC}/services.py",
        "if request.min_revision and call.caller.kind is CallerKind.ANONYMOUS:",
        "if False:",
        (f"{_HOT_READ_TEST}::test_anonymous_caller_learns_no_revision[sqlite]",),
    ),
    Guard(
        "a platform reports for itself alone",
        f"{_RECORDS}/reported.py",
        "if platform is not None and message.platform != platform:",
        "if False:",
        (f"{_WRITE_RECORDS_TEST}::test_platform_writes_its_own_records_alone[sqlite]",),
    ),
    Guard(
        "a stream is of one source",
        f"{_RPC}/services.py",
        "if source != self._source:",
        "if False:",
        (f"{_WRITE_RECORDS_TEST}::test_other_source_midway_ends_the_stream[sqlite]",),
    ),
)
