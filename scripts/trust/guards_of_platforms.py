"""Guards of what platforms decide, ask and report.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RECORDS: Final = "service/bonafides/records"
_RPC: Final = "service/bonafides/rpc"
_STORAGE: Final = "service/bonafides/storage"
_BUYERS_TEST: Final = "tests/service/test_buyers.py"
_CROSSING_TEST: Final = "tests/service/test_crossing.py"
_HOT_READ_TEST: Final = "tests/service/test_hot_read.py"
_LINKS_TEST: Final = "tests/service/test_links.py"
_PAST_ARCHIVE_TEST: Final = "tests/service/test_past_archive.py"
_PLATFORMS_TEST: Final = "tests/service/test_platforms.py"
_PURPOSES_TEST: Final = "tests/service/test_purposes.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"
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
        "known = mark.answer(rows.find_decision(work, code, platform, mark.uid))",
        "known = rows.find_decision(work, code, platform, mark.uid)",
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
            f"{_PLATFORMS_TEST}::test_inquiry_that_is_not_there_is_neither_answered_nor_closed[sqlite]",
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
        "known = mark.answer(next((each for each in before if each.uid == mark.uid), None))",
        "known = next((each for each in before if each.uid == mark.uid), None)",
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
        "an owner alone disputes a store",
        f"{_RPC}/services.py",
        (
            "        if self._eyes.audience_now(call.caller, code) != disclosure_pb2.AUDIENCE_OWNER:\n"
            "            raise NotFoundError\n"
            "        call.seen_as(disclosure_pb2.AUDIENCE_OWNER)\n"
            "        contest = linking.Contest(\n"
        ),
        (
            "        if False:\n"
            "            raise NotFoundError\n"
            "        call.seen_as(disclosure_pb2.AUDIENCE_OWNER)\n"
            "        contest = linking.Contest(\n"
        ),
        (
            f"{_LINKS_TEST}::test_owner_lists_and_disputes_over_the_wire_and_others_find_nothing[sqlite]",
        ),
    ),
    Guard(
        "an inquiry's request id is one request's",
        f"{_IDENTITY}/inquiry_operations.py",
        "known = mark.answer(rows.find_inquiry(work, code, mark.uid, platform))",
        "known = rows.find_inquiry(work, code, mark.uid, platform)",
        (f"{_PLATFORMS_TEST}::test_repeated_inquiry_is_one_and_tells_once[sqlite]",),
    ),
    Guard(
        "an inquiry of another is not answered",
        f"{_IDENTITY}/inquiry_operations.py",
        (
            "        if made is None:\n"
            "            raise NotFoundError\n"
            "        if made.closed_at is not None:\n"
        ),
        (
            "        if False:\n"
            "            raise NotFoundError\n"
            "        if made.closed_at is not None:\n"
        ),
        (
            f"{_PLATFORMS_TEST}::test_inquiry_that_is_not_there_is_neither_answered_nor_closed[sqlite]",
        ),
    ),
    Guard(
        "stores of who takes no part are not found",
        f"{_RECORDS}/linking.py",
        (
            "        if not identity_rows.is_enrolled(work, code):\n"
            "            raise NotFoundError\n"
            "        return link_rows.stores(work, code, platforms)\n"
        ),
        (
            "        if False:\n"
            "            raise NotFoundError\n"
            "        return link_rows.stores(work, code, platforms)\n"
        ),
        (f"{_CROSSING_TEST}::test_staff_find_nothing_of_an_enterprise_that_takes_no_part[sqlite]",),
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
    Guard(
        "decisions are those of the platform",
        f"{_STORAGE}/platforms.py",
        "        found = found.where(table.c.platform == whose.platform)\n",
        "        pass\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_decisions_and_inquiries_are_those_of_platform_and_enterprise[sqlite]",
        ),
    ),
    Guard(
        "an inquiry is its platform's",
        f"{_STORAGE}/platforms.py",
        "        found = found.where(table.c.platform == platform)\n",
        "        pass\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_decisions_and_inquiries_are_those_of_platform_and_enterprise[sqlite]",
        ),
    ),
    Guard(
        "decisions are counted by platform",
        f"{_STORAGE}/platforms.py",
        "table.c.code == code, table.c.platform == platform, _at(table) > since",
        "table.c.code == code, _at(table) > since",
        (
            f"{_WHOSE_ROWS_TEST}::test_decisions_and_inquiries_are_those_of_platform_and_enterprise[sqlite]",
        ),
    ),
    Guard(
        "a mask names fields that are there",
        f"{_IDENTITY}/mask_operations.py",
        "if found:",
        "if False:",
        (f"{_PURPOSES_TEST}::test_path_that_is_none_is_refused_by_its_place[sqlite]",),
    ),
    Guard(
        "decisions are those of the enterprise",
        f"{_STORAGE}/platforms.py",
        "        found = found.where(table.c.code == whose.code)\n",
        "        pass\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_decisions_and_inquiries_are_those_of_platform_and_enterprise[sqlite]",
        ),
    ),
    Guard(
        "an inquiry is of its enterprise",
        f"{_STORAGE}/platforms.py",
        "found = sa.select(table).where(table.c.code == code, table.c.uid == uid)",
        "found = sa.select(table).where(table.c.uid == uid)",
        (
            f"{_WHOSE_ROWS_TEST}::test_decisions_and_inquiries_are_those_of_platform_and_enterprise[sqlite]",
        ),
    ),
    Guard(
        "inquiries of a platform are bounded",
        f"{_IDENTITY}/inquiry_operations.py",
        "if today >= _MOST_PER_DAY or len(rows.open_inquiries(work, code, platform)) >= _MOST_OPEN:",
        "if False:",
        (f"{_PLATFORMS_TEST}::test_platform_that_asks_too_often_has_to_wait[sqlite]",),
    ),
    Guard(
        "open inquiries are those of the platform",
        f"{_STORAGE}/platforms.py",
        "        found = found.where(_inquiry.platform == platform)\n",
        "        pass\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_decisions_and_inquiries_are_those_of_platform_and_enterprise[sqlite]",
        ),
    ),
    Guard(
        "an erased buyer is gone from the log",
        f"{_STORAGE}/buyers.py",
        "            .values(buyer=None)\n",
        "            .values(buyer=_record.buyer)\n",
        (
            f"{_BUYERS_TEST}::test_erased_buyer_is_gone_from_log_and_rollups_and_totals_stay[sqlite]",
        ),
    ),
)
