"""Guards of what is asked of sources, read of copies, and taken of records.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ARCHIVE: Final = "service/bonafides/archive"
_IDENTITY: Final = "service/bonafides/identity"
_RECORDS: Final = "service/bonafides/records"
_BATCHES_TEST: Final = "tests/unit/test_batches.py"
_CODES_TEST: Final = "tests/unit/test_codes.py"
_GUARDS_TEST: Final = "tests/unit/test_guards.py"
_INGEST_TEST: Final = "tests/unit/test_ingest_rules.py"
_PUBLIC_TEST: Final = "tests/unit/test_public_record_rows.py"
_QR_TEST: Final = "tests/unit/test_qr.py"
_REGISTRY_TEST: Final = "tests/service/test_load_registry.py"
_BAD_ROWS: Final = "test_bad_rows_are_refused_with_their_reason_and_the_rest_is_loaded[sqlite]"
_BEYOND: Final = "test_row_beyond_any_registration_is_refused"
_RESTS: Final = "test_a_source_in_trouble_rests_and_one_question_tries_it"
_TRIES: Final = "test_tries_end_with_their_number_and_with_the_time"

GUARDS: Final = (
    Guard(
        "tries of one question are bounded",
        f"{_IDENTITY}/guards.py",
        "            state.attempt_number >= self._patience.attempts\n            or self",
        "            self",
        (f"{_GUARDS_TEST}::{_TRIES}",),
    ),
    Guard(
        "a source is not tried again beyond its time",
        f"{_IDENTITY}/guards.py",
        "            or self._monotonic() + longest >= deadline\n",
        "",
        (f"{_GUARDS_TEST}::{_TRIES}",),
    ),
    Guard(
        "a source gets the time that is left",
        f"{_IDENTITY}/guards.py",
        "left = deadline - self._monotonic()",
        "left = deadline",
        (
            f"{_GUARDS_TEST}::test_a_passing_fault_is_tried_again_after_pauses_that_double_and_are_drawn",
        ),
    ),
    Guard(
        "a source never gets less than no time",
        f"{_IDENTITY}/guards.py",
        "seconds=max(left, 0.0)",
        "seconds=left",
        (f"{_GUARDS_TEST}::test_a_try_that_comes_late_is_given_no_time_and_never_less",),
    ),
    Guard(
        "pauses between tries are drawn",
        f"{_IDENTITY}/guards.py",
        "return longest * self._chance()",
        "return longest",
        (
            f"{_GUARDS_TEST}::test_a_passing_fault_is_tried_again_after_pauses_that_double_and_are_drawn",
        ),
    ),
    Guard(
        "a fault that stays is not tried again",
        f"{_IDENTITY}/guards.py",
        "return isinstance(error, SourceError) and error.fault.passing",
        "return isinstance(error, SourceError)",
        (f"{_GUARDS_TEST}::test_a_fault_that_stays_is_not_tried_again[REFUSED]",),
    ),
    Guard(
        "a source in trouble rests",
        f"{_IDENTITY}/guards.py",
        "if self._tried or self._monotonic() < self._rests_until:",
        "if self._tried:",
        (f"{_GUARDS_TEST}::{_RESTS}",),
    ),
    Guard(
        "a source that rested is tried by one question at a time",
        f"{_IDENTITY}/guards.py",
        "if self._tried or self._monotonic() < self._rests_until:",
        "if self._monotonic() < self._rests_until:",
        (f"{_GUARDS_TEST}::test_a_source_that_rested_is_tried_by_one_question_at_a_time",),
    ),
    Guard(
        "a source that fails its trial rests anew",
        f"{_IDENTITY}/guards.py",
        "            if rests:\n                self._rests_until",
        "            if self._faults == self._patience.faults_to_rest:\n                self._rests_until",
        (f"{_GUARDS_TEST}::{_RESTS}",),
    ),
    Guard(
        "a source that failed its trial gets another",
        f"{_IDENTITY}/guards.py",
        "            self._faults += 1\n            self._tried = self._tried and not is_trial\n",
        "            self._faults += 1\n",
        (f"{_GUARDS_TEST}::{_RESTS}",),
    ),
    Guard(
        "a fault of an older question does not end a trial",
        f"{_IDENTITY}/guards.py",
        "            self._faults += 1\n            self._tried = self._tried and not is_trial\n",
        "            self._faults += 1\n            self._tried = False\n",
        (f"{_GUARDS_TEST}::test_a_fault_of_an_older_question_leaves_the_trial_alone",),
    ),
    Guard(
        "a trial that broke off is over",
        f"{_IDENTITY}/guards.py",
        "self._breaker.spared(is_trial=is_trial)",
        "pass",
        (f"{_GUARDS_TEST}::test_a_trial_that_broke_off_leaves_the_source_to_the_next_question",),
    ),
    Guard(
        "faults before an answer are not counted after it",
        f"{_IDENTITY}/guards.py",
        "self._faults, self._tried = 0, False",
        "self._tried = False",
        (f"{_GUARDS_TEST}::test_an_answer_ends_the_count_of_faults",),
    ),
    Guard(
        "a reader of copies has its time",
        f"{_IDENTITY}/qr.py",
        "while (left := end - time.monotonic()) > 0:",
        "while left := 60.0:",
        (f"{_QR_TEST}::test_answer_that_comes_too_late_is_a_fault",),
    ),
    Guard(
        "what a reader of copies says is bounded",
        f"{_IDENTITY}/qr.py",
        "if len(answer) > _MOST_ANSWER:",
        "if False:",
        (f"{_QR_TEST}::test_answer_that_is_longer_than_any_is_a_fault",),
    ),
    Guard(
        "a reader of copies says texts",
        f"{_IDENTITY}/qr.py",
        " if all(isinstance(text, str) for text in texts):\n",
        ":\n",
        (f"{_QR_TEST}::test_process_that_babbles_or_dies_is_a_fault[print('{{\"texts\": [1]}}')]",),
    ),
    Guard(
        "a reader of copies says a list",
        f"{_IDENTITY}/qr.py",
        'case {"texts": [*texts]}',
        'case {"texts": texts}',
        (
            f'{_QR_TEST}::test_process_that_babbles_or_dies_is_a_fault[print(\'{{"texts": "abc"}}\')]',
        ),
    ),
    Guard(
        "a reader of copies is given nothing of the service",
        f"{_IDENTITY}/qr.py",
        "            env={},\n",
        "",
        (f"{_QR_TEST}::test_reader_gives_its_process_nothing_of_its_own",),
    ),
    Guard(
        "a reader of copies is in a session of its own",
        f"{_IDENTITY}/qr.py",
        "            start_new_session=True,\n",
        "",
        (f"{_QR_TEST}::test_reader_gives_its_process_nothing_of_its_own",),
    ),
    Guard(
        "a reader of copies is ended with all that it started",
        f"{_IDENTITY}/qr.py",
        "os.killpg(process.pid, signal.SIGKILL)",
        "process.kill()",
        (f"{_QR_TEST}::test_process_that_hangs_is_killed_with_all_of_its_session",),
    ),
    Guard(
        "a reader of copies complains to nobody",
        f"{_IDENTITY}/qr.py",
        "            stderr=subprocess.DEVNULL,\n",
        "",
        (f"{_QR_TEST}::test_what_the_process_complains_of_is_heard_by_nobody",),
    ),
    Guard(
        "memory of a reader of copies is bounded",
        f"{_IDENTITY}/qr_program.py",
        "        resource.RLIMIT_AS: _MOST_ADDRESSES,\n",
        "",
        (f"{_QR_TEST}::test_confined_process_can_open_nothing_and_start_nothing",),
    ),
    Guard(
        "time of the processor of a reader of copies is bounded",
        f"{_IDENTITY}/qr_program.py",
        "        resource.RLIMIT_CPU: _MOST_CPU_SECONDS,\n",
        "",
        (f"{_QR_TEST}::test_confined_process_is_ended_once_its_time_is_used_up",),
    ),
    Guard(
        "a reader of copies writes to no file",
        f"{_IDENTITY}/qr_program.py",
        "        resource.RLIMIT_FSIZE: 0,\n",
        "",
        (f"{_QR_TEST}::test_confined_process_writes_to_no_file_that_is_open",),
    ),
    Guard(
        "an answer of a reader that is nested without end is a fault",
        f"{_IDENTITY}/qr.py",
        "except (ValueError, RecursionError):",
        "except ValueError:",
        (f"{_QR_TEST}::test_process_that_babbles_or_dies_is_a_fault[print('[' * 60_000)]",),
    ),
    Guard(
        "a reader of copies starts no process",
        f"{_IDENTITY}/qr_program.py",
        "        resource.RLIMIT_NPROC: 0,\n",
        "",
        (f"{_QR_TEST}::test_confined_process_has_no_limit_left_to_raise",),
    ),
    Guard(
        "a reader of copies opens nothing",
        f"{_IDENTITY}/qr_program.py",
        "        resource.RLIMIT_NOFILE: 0,\n",
        "",
        (f"{_QR_TEST}::test_confined_process_can_open_nothing_and_start_nothing",),
    ),
    Guard(
        "a reader of copies confines itself before it reads",
        f"{_IDENTITY}/qr_program.py",
        "    Image.preinit()\n    confine()\n",
        "    Image.preinit()\n",
        (f"{_QR_TEST}::test_reader_confines_itself_before_it_reads",),
    ),
    Guard(
        "no more is read than the largest copy has",
        f"{_IDENTITY}/qr_program.py",
        "sys.stdin.buffer.read(_MOST_INPUT + 1)",
        "sys.stdin.buffer.read()",
        (f"{_QR_TEST}::test_no_more_is_read_than_the_largest_copy_has",),
    ),
    Guard(
        "copies of other types are not decoded",
        f"{_IDENTITY}/qr_program.py",
        'Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))',
        "Image.open(io.BytesIO(content))",
        (f"{_QR_TEST}::test_sound_image_of_another_type_is_a_fault[BMP]",),
    ),
    Guard(
        "a copy with too many pixels is not decoded",
        f"{_IDENTITY}/qr_program.py",
        "if width * height > MOST_PIXELS:",
        "if False:",
        (f"{_QR_TEST}::test_image_a_little_larger_than_is_taken_is_not_decoded",),
    ),
    Guard(
        "of a copy a few QR codes are told",
        f"{_IDENTITY}/qr_program.py",
        "for each in found[:_MOST_TEXTS]]",
        "for each in found]",
        (f"{_QR_TEST}::test_of_the_qr_codes_of_an_image_four_are_told",),
    ),
    Guard(
        "a text longer than any code is not folded",
        f"{_IDENTITY}/codes.py",
        "if len(text) > _MAX_INPUT:",
        "if False:",
        (
            f"{_CODES_TEST}::test_code_with_more_blanks_than_any_is_written_with_is_refused_unfolded",
        ),
    ),
    Guard(
        "the registry's word on what can't take part is not taken",
        f"{_IDENTITY}/registry.py",
        "if reason := out_of_scope(code):",
        "if reason := None:",
        (f"{_REGISTRY_TEST}::{_BAD_ROWS}",),
    ),
    Guard(
        "a row that is longer than any registration is refused",
        f"{_IDENTITY}/registry.py",
        "if len(raw) > MAX_ROW_CHARACTERS:",
        "if False:",
        (f"{_REGISTRY_TEST}::{_BEYOND}[a long column of no name]",),
    ),
    Guard(
        "a title of the registry is bounded",
        f"{_IDENTITY}/registry.py",
        "if title is None or len(title) > _MAX_TITLE:",
        "if title is None:",
        (f"{_REGISTRY_TEST}::{_BEYOND}[title]",),
    ),
    Guard(
        "a number of the registry is its person's",
        f"{_IDENTITY}/registry.py",
        "if len(people) != len(numbers) or len(people) > _MAX_REPRESENTATIVES:",
        "if len(people) > _MAX_REPRESENTATIVES:",
        (f"{_REGISTRY_TEST}::{_BEYOND}[numbers]",),
    ),
    Guard(
        "representatives of the registry are bounded",
        f"{_IDENTITY}/registry.py",
        "if len(people) != len(numbers) or len(people) > _MAX_REPRESENTATIVES:",
        "if len(people) != len(numbers):",
        (f"{_REGISTRY_TEST}::{_BEYOND}[representatives]",),
    ),
    Guard(
        "a row of the registry is not of the future",
        f"{_IDENTITY}/registry.py",
        "if instant > now:",
        "if False:",
        (f"{_REGISTRY_TEST}::{_BAD_ROWS}",),
    ),
    Guard(
        "a record of what can't take part is not stored",
        f"{_RECORDS}/ingest.py",
        "            _scope_fault(record.code.text)\n            or _text_fault(record)\n",
        "            _text_fault(record)\n",
        (f"{_INGEST_TEST}::test_attack_identity_number_in_place_of_a_code_is_not_stored",),
    ),
    Guard(
        "a public record of what can't take part is not read",
        f"{_ARCHIVE}/public_record_rows.py",
        "if reason := out_of_scope(code):",
        "if reason := None:",
        (
            f"{_PUBLIC_TEST}::test_row_that_cannot_be_read_is_refused_with_its_reason[changes1-OUT_OF_SCOPE]",
        ),
    ),
    Guard(
        "a batch is of bounded size",
        f"{_RECORDS}/batches.py",
        "if not 1 <= len(records) <= MAX_RECORDS:",
        "if not 1 <= len(records):",
        (f"{_BATCHES_TEST}::test_batch_of_none_or_too_many_records_is_refused[1001]",),
    ),
    Guard(
        "a batch has records",
        f"{_RECORDS}/batches.py",
        "if not 1 <= len(records) <= MAX_RECORDS:",
        "if len(records) > MAX_RECORDS:",
        (f"{_BATCHES_TEST}::test_batch_of_none_or_too_many_records_is_refused[0]",),
    ),
    Guard(
        "a gap between batches is refused",
        f"{_RECORDS}/batches.py",
        "if sequence > cursor.sequence:",
        "if False:",
        (f"{_BATCHES_TEST}::test_gap_names_the_batch_to_send",),
    ),
    Guard(
        "a batch is passed over for one that is the same",
        f"{_RECORDS}/batches.py",
        "return end > 0 and self.digests[end - _DIGEST_BYTES : end] == digest",
        "return end > 0",
        (f"{_BATCHES_TEST}::test_number_with_other_content_is_taken_in_anew[1]",),
    ),
    Guard(
        "a batch is not taken for another one of its content",
        f"{_RECORDS}/batches.py",
        "return end > 0 and self.digests",
        "return self.digests",
        (f"{_BATCHES_TEST}::test_number_that_is_forgotten_is_not_looked_for_among_the_others",),
    ),
    Guard(
        "remembered batches of a source are bounded",
        f"{_RECORDS}/batches.py",
        "(self.digests + digest)[-REMEMBERED * _DIGEST_BYTES :]",
        "self.digests + digest",
        (f"{_BATCHES_TEST}::test_batch_too_old_to_be_remembered_is_taken_in_anew",),
    ),
)
