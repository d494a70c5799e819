"""Guards of what is written down of each disclosure, and of who is shown it.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_RPC: Final = "service/bonafides/rpc"
_STORAGE: Final = "service/bonafides/storage"
_AUDIT_TEST: Final = "tests/service/test_audit.py"
_INDEX_TEST: Final = "tests/service/test_audit_index.py"
_LOG_TEST: Final = "tests/service/test_audit_log.py"

GUARDS: Final = (
    Guard(
        "a disclosure says of whom it is",
        f"{_RPC}/recording.py",
        (
            "        if codes[0] is None and shows is Discloses.ONE:\n"
            '            raise BugError(f"{method.name} shows an enterprise and does not say which")\n'
        ),
        "",
        (
            f"{_AUDIT_TEST}::test_answer_that_does_not_say_of_whom_it_is_is_a_fault_and_leaves_no_row[sqlite]",
        ),
    ),
    Guard(
        "reads of the public are counted before too many are not",
        f"{_RPC}/recording.py",
        (
            "        if self._uncounted >= MOST_COUNTS:\n"
            "            return self._batch.written(add_counts, [Count(day, name, 1)])\n"
        ),
        "",
        (f"{_AUDIT_TEST}::test_public_is_served_until_a_thousand_counts_are_not_written[sqlite]",),
    ),
    Guard(
        "rows of the audit go in under salts that stand",
        f"{_STORAGE}/audit.py",
        'source = f"SELECT * FROM ({values}) WHERE {_SALTS_HOLD}" if checked else values',
        'source = f"SELECT * FROM ({values}) WHERE {_SALTS_HOLD} OR 1" if checked else values',
        (
            (
                f"{_AUDIT_TEST}::test_rows_of_one_statement_bear_the_salt_that_stands"
                "_and_all_go_in_or_none"
            ),
        ),
    ),
    Guard(
        "rows of the audit name nobody",
        f"{_RPC}/recording.py",
        "lambda name: vault.index(_FIELD, name)[:PSEUDONYM_BYTES]",
        "lambda name: name.encode()[-PSEUDONYM_BYTES:]",
        (f"{_AUDIT_TEST}::test_rows_hold_neither_code_nor_subject[sqlite]",),
    ),
    Guard(
        "rows of the audit are on disk before anybody is told",
        f"{_STORAGE}/audit_log.py",
        "        operation.get_value()\n",
        "        pass\n",
        (f"{_LOG_TEST}::test_sync_that_fails_is_told_as_unavailable",),
    ),
    Guard(
        "a log tells what is not filed yet",
        f"{_STORAGE}/audit_index.py",
        "return sa.union(filed, new.where(_row.enterprise == pseudonym)).subquery()",
        "return filed.distinct().subquery()",
        (f"{_INDEX_TEST}::test_log_is_the_same_however_far_its_rows_are_filed[sqlite-1]",),
    ),
    Guard(
        "rows that another filed are not filed again",
        f"{_STORAGE}/audit_index.py",
        "if any(each.rowcount for each in taken):",
        "if taken:",
        (f"{_INDEX_TEST}::test_two_who_file_the_same_rows_tell_none_twice[sqlite]",),
    ),
    Guard(
        "what is filed goes with its rows",
        f"{_STORAGE}/audit.py",
        "audit_index.forget(work, first)",
        "pass",
        (f"{_INDEX_TEST}::test_what_is_filed_goes_with_the_rows_after_their_term[sqlite]",),
    ),
    Guard(
        "a disk that hangs keeps nobody waiting",
        f"{_STORAGE}/audit_log.py",
        "        synced.set_exception(TimeoutError())\n",
        "        pass\n",
        (f"{_LOG_TEST}::test_disk_that_hangs_is_told_as_unavailable",),
    ),
    Guard(
        "no more calls wait for their turn than may",
        f"{_STORAGE}/audit_log.py",
        "        if self._waiting + len(self._gathered) >= MOST_ROWS:\n",
        "        if False:\n",
        (f"{_LOG_TEST}::test_call_that_would_wait_behind_too_many_is_told_so",),
    ),
    Guard(
        "a caller that leaves before its turn holds up nobody",
        f"{_STORAGE}/audit_log.py",
        "            if not turn.done():\n",
        "            if True:\n",
        (f"{_LOG_TEST}::test_caller_that_left_before_its_turn_holds_nobody_up",),
    ),
    Guard(
        "accesses listed are those of the enterprise",
        f"{_STORAGE}/audit_index.py",
        "new.where(_row.enterprise == pseudonym)",
        "new",
        (f"{_AUDIT_TEST}::test_log_of_the_owner_is_complete_against_the_audit[sqlite-1]",),
    ),
    Guard(
        "accesses found in a run are those of the enterprise",
        f"{_STORAGE}/audit_index.py",
        "where(in_run, _filed.c.enterprise == pseudonym)",
        "where(in_run)",
        (f"{_INDEX_TEST}::test_log_is_the_same_however_far_its_rows_are_filed[sqlite-1]",),
    ),
    Guard(
        "persons who looked are not named",
        f"{_STORAGE}/access_log.py",
        ".where(place.rank == NAMED)",
        ".where(place.rank >= 0)",
        (f"{_AUDIT_TEST}::test_log_says_never_which_person_it_was[sqlite]",),
    ),
)
