"""Guards of cases of correction, of promotions, and of what waits and is remembered.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_IDENTITY: Final = "service/bonafides/identity"
_RATING: Final = "service/bonafides/rating"
_RPC: Final = "service/bonafides/rpc"
_CREDENTIALS_TEST: Final = "tests/service/test_credentials.py"
_CROSSING_TEST: Final = "tests/service/test_crossing.py"
_GATES_TEST: Final = "tests/unit/test_gates.py"
_HOT_READ_TEST: Final = "tests/service/test_hot_read.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_PROMOTIONS_TEST: Final = "tests/unit/test_promotions.py"
_RIGHTS_TEST: Final = "tests/service/test_rights.py"
_ANSWER: Final = "test_line_that_nobody_could_answer_for_can_not_be_made"
_GATE: Final = f"{_GATES_TEST}::test_a_candidate_that_fails_one_gate_is_refused_by_that_gate_alone"
_LISTED: Final = "test_submitter_lists_own_cases_and_none_of_the_enterprises[sqlite]"
_NOT_HELD: Final = "test_what_is_not_held_is_refused_with_a_remedy"
_OWN_ALONE: Final = "test_integrator_follows_its_own_corrections_and_submissions_alone[sqlite]"

GUARDS: Final = (
    Guard(
        "members' cases are not listed to an integrator",
        f"{_IDENTITY}/correction_operations.py",
        "member = acting and (actor is None or actor.agent is None)",
        "member = acting",
        (f"{_INTEGRATORS_TEST}::{_OWN_ALONE}",),
    ),
    Guard(
        "a member's case is not shown to an integrator",
        f"{_IDENTITY}/correction_operations.py",
        "return actor.agent is None and acts(work, actor, made.code, as_owner=False)",
        "return acts(work, actor, made.code, as_owner=False)",
        (f"{_INTEGRATORS_TEST}::{_OWN_ALONE}",),
    ),
    Guard(
        "cases of an enterprise are listed to its members",
        f"{_IDENTITY}/correction_operations.py",
        "acting = actor is None or acts(work, actor, code, as_owner=False)",
        "acting = True",
        (f"{_RIGHTS_TEST}::{_LISTED}",),
    ),
    Guard(
        "others than members are listed their own cases",
        f"{_IDENTITY}/correction_operations.py",
        "if member or (actor is not None and case.actor == actor.principal.name)",
        "if member or actor is not None",
        (f"{_RIGHTS_TEST}::{_LISTED}",),
    ),
    Guard(
        "who opened no case finds none to list",
        f"{_IDENTITY}/correction_operations.py",
        "if not found and not (acting and identity_rows.is_enrolled(work, code)):",
        "if not found and not identity_rows.is_enrolled(work, code):",
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "cases of who takes no part are not found",
        f"{_IDENTITY}/correction_operations.py",
        "if not found and not (acting and identity_rows.is_enrolled(work, code)):",
        "if not found and not acting:",
        (f"{_CROSSING_TEST}::test_staff_find_nothing_of_an_enterprise_that_takes_no_part[sqlite]",),
    ),
    Guard(
        "what is corrected otherwise is no case's",
        f"{_IDENTITY}/correction_operations.py",
        "for kind in rules.CORRECTABLE if kind.value == target.kind",
        "for kind in facts.Kind if kind.value == target.kind",
        (f"{_RIGHTS_TEST}::{_NOT_HELD}[sqlite-CorrectionTarget-NOT_CORRECTABLE0]",),
    ),
    Guard(
        "a fact that is not held is not contested",
        f"{_IDENTITY}/correction_operations.py",
        "if not archive_rows.current_facts(work, code, kind, target.item):",
        "if False:",
        (f"{_RIGHTS_TEST}::{_NOT_HELD}[sqlite-CorrectionTarget-NOT_HELD0]",),
    ),
    Guard(
        "whose a store is is disputed by its link",
        f"{_IDENTITY}/correction_operations.py",
        "if target.kind == RecordKind.STORE.value:",
        "if False:",
        (f"{_RIGHTS_TEST}::{_NOT_HELD}[sqlite-CorrectionTarget-NOT_CORRECTABLE1]",),
    ),
    Guard(
        "a record that is not held is not contested",
        f"{_IDENTITY}/correction_operations.py",
        "if not rows.revisions(work, code, target.subject, target.kind, target.item):",
        "if False:",
        (f"{_RIGHTS_TEST}::{_NOT_HELD}[sqlite-CorrectionTarget-NOT_HELD1]",),
    ),
    Guard(
        "a check that is not shown is not contested",
        f"{_IDENTITY}/correction_operations.py",
        "if target.kind not in identity_rows.latest_check_results(work, code, target.subject):",
        "if False:",
        (
            f"{_RIGHTS_TEST}::test_check_that_a_submission_does_not_show_can_not_be_contested[sqlite]",
        ),
    ),
    Guard(
        "the same ruling again changes nothing",
        f"{_IDENTITY}/correction_operations.py",
        "if made.state is not ruled.outcome:",
        "if True:",
        (
            f"{_RIGHTS_TEST}::test_upheld_correction_of_a_fact_shows_at_once_and_is_reversible[sqlite]",
        ),
    ),
    Guard(
        "a ruling on a fact says what holds",
        f"{_IDENTITY}/correction_operations.py",
        "if ruled.withdraw == bool(ruled.fact_value):",
        "if ruled.withdraw and ruled.fact_value:",
        (f"{_RIGHTS_TEST}::test_ruling_needs_another_person_and_says_what_holds[sqlite]",),
    ),
    Guard(
        "a ruling gives a value or withdraws",
        f"{_IDENTITY}/correction_operations.py",
        "if ruled.withdraw == bool(ruled.fact_value):",
        "if not ruled.withdraw and not ruled.fact_value:",
        (f"{_RIGHTS_TEST}::test_ruling_gives_a_value_or_withdraws_and_not_both[sqlite]",),
    ),
    Guard(
        "a record is given no value by a ruling",
        f"{_IDENTITY}/correction_operations.py",
        "if ruled.fact_value or ruled.withdraw:",
        "if ruled.withdraw:",
        (f"{_RIGHTS_TEST}::test_record_is_given_no_value_by_a_ruling[sqlite-value]",),
    ),
    Guard(
        "a record is not withdrawn as a fact is",
        f"{_IDENTITY}/correction_operations.py",
        "if ruled.fact_value or ruled.withdraw:",
        "if ruled.fact_value:",
        (f"{_RIGHTS_TEST}::test_record_is_given_no_value_by_a_ruling[sqlite-end]",),
    ),
    Guard(
        "a source's later word outlasts a ruling",
        f"{_IDENTITY}/correction_operations.py",
        "if any(each.recorded_at != last.at for each in standing):",
        "if False:",
        (
            f"{_RIGHTS_TEST}::test_word_of_the_source_after_a_correction_stands_when_the_ruling_is_reversed[sqlite]",
        ),
    ),
    Guard(
        "an approver in other letters is nobody else",
        f"{_RATING}/gates.py",
        'unicodedata.normalize("NFKC", name).strip().casefold() for name',
        "name for name",
        (f"{_GATE}[approvers-failing1-1 approve]",),
    ),
    Guard(
        "an approver without a name is nobody",
        f"{_RATING}/gates.py",
        'count = len(names - {""})',
        "count = len(names)",
        (f"{_GATE}[approvers-failing2-1 approve]",),
    ),
    Guard(
        "a card that was judged on generated data does not go live",
        f"{_RATING}/gates.py",
        "told.append(case.evaluation.data_basis)",
        "pass",
        (f"{_GATE}[basis-failing4-OUTCOMES judged on SYNTHETIC in live]",),
    ),
    Guard(
        "a card goes live by a key that is trusted",
        f"{_RATING}/gates.py",
        'fine = case.environment != "live"\n        return',
        "fine = True\n        return",
        (f"{_GATE}[signature-failing5-no key is trusted]",),
    ),
    Guard(
        "a card whose points run the wrong way is refused",
        f"{_RATING}/gates.py",
        '"directions", first is None, told',
        '"directions", True, told',
        (f"{_GATE}[directions-failing7-run against the direction]",),
    ),
    Guard(
        "a card is scored on every engine",
        f"{_RATING}/gates.py",
        "if lacking:",
        "if False:",
        (f"{_GATE}[golden-failing8-not asked on duckdb]",),
    ),
    Guard(
        "a card is scored alike on every engine",
        f"{_RATING}/gates.py",
        'if wrong:\n        told = "; "',
        'if False:\n        told = "; "',
        (f"{_GATE}[golden-failing9-spark: rows [4, 7]]",),
    ),
    Guard(
        "an evaluation is of the cards that it is shown for",
        f"{_RATING}/gates.py",
        '"evaluation", not wrong, wrong',
        '"evaluation", True, wrong',
        (f"{_GATE}[evaluation-failing10-in the place of the candidate]",),
    ),
    Guard(
        "a report is of the champion that is served",
        f"{_RATING}/gates.py",
        '        ("the champion", before, case.champion),\n',
        "",
        (f"{_GATE}[evaluation-failing11-in the place of the champion]",),
    ),
    Guard(
        "a card that orders worse is refused",
        f"{_RATING}/gates.py",
        '"auc", ours >= bound,',
        '"auc", True,',
        (f"{_GATE}[auc-failing12-0.7969 out of time, at least 0.7970]",),
    ),
    Guard(
        "a card that is further from what came is refused",
        f"{_RATING}/gates.py",
        "        told.low <= 0,\n",
        "        True,\n",
        (f"{_GATE}[log_loss-failing13-must not be above 0]",),
    ),
    Guard(
        "probabilities are not too far apart",
        f"{_RATING}/gates.py",
        "least <= slope <= most",
        "slope <= most",
        (f"{_GATE}[calibration-failing14-slope 0.890]",),
    ),
    Guard(
        "probabilities are not too close together",
        f"{_RATING}/gates.py",
        "least <= slope <= most",
        "least <= slope",
        (f"{_GATE}[calibration-failing15-slope 1.110]",),
    ),
    Guard(
        "probabilities were fitted on enough",
        f"{_RATING}/gates.py",
        "bads[0] < FEWEST_TRAIN_BADS or bads[1]",
        "bads[1]",
        (f"{_GATE}[calibration-failing16-199 bads in training]",),
    ),
    Guard(
        "probabilities were tried on enough",
        f"{_RATING}/gates.py",
        "bads[0] < FEWEST_TRAIN_BADS or bads[1] < FEWEST_OUT_OF_TIME_BADS",
        "bads[0] < FEWEST_TRAIN_BADS",
        (f"{_GATE}[calibration-failing17-49 out of time]",),
    ),
    Guard(
        "a card that is unfair to a group is refused",
        f"{_RATING}/gates.py",
        "if unfair:",
        "if False:",
        (f"{_GATE}[fairness-failing18-individual_business: 1.40]",),
    ),
    Guard(
        "fairness that nobody could judge is none",
        f"{_RATING}/gates.py",
        '"fairness", bool(judged),',
        '"fairness", True,',
        (f"{_GATE}[fairness-failing19-0 of 1 groups judged]",),
    ),
    Guard(
        "a shadow that is old is not taken",
        f"{_RATING}/gates.py",
        "if not 0 <= age < SHADOW_DAYS:",
        "if not 0 <= age:",
        (f"{_GATE}[shadow-failing20-is 7 days old]",),
    ),
    Guard(
        "a shadow of the future is not taken",
        f"{_RATING}/gates.py",
        "if not 0 <= age < SHADOW_DAYS:",
        "if not age < SHADOW_DAYS:",
        (f"{_GATE}[shadow-failing21-days old]",),
    ),
    Guard(
        "a shadow is of the cards that it is shown for",
        f"{_RATING}/gates.py",
        "if wrong := _of_others(case, case.shadow.before, case.shadow.after):",
        'if wrong := "":',
        (f"{_GATE}[shadow-failing22-in the place of the candidate]",),
    ),
    Guard(
        "a shadow of nobody is not taken",
        f"{_RATING}/gates.py",
        '"shadow", rated > 0,',
        '"shadow", True,',
        (f"{_GATE}[shadow-failing23-0 enterprises]",),
    ),
    Guard(
        "a card moves few",
        f"{_RATING}/gates.py",
        "moved <= MOST_MOVED and two <= MOST_MOVED_TWO",
        "two <= MOST_MOVED_TWO",
        (f"{_GATE}[migration-failing24-15.0% move]",),
    ),
    Guard(
        "a card moves hardly any far",
        f"{_RATING}/gates.py",
        "moved <= MOST_MOVED and two <= MOST_MOVED_TWO",
        "moved <= MOST_MOVED",
        (f"{_GATE}[migration-failing25-1.09% by two notches]",),
    ),
    Guard(
        "nobody falls before it was announced for long enough",
        f"{_RATING}/gates.py",
        '"announced", left <= 0,',
        '"announced", True,',
        (f"{_GATE}[announced-failing27-1 days to wait]",),
    ),
    Guard(
        "nobody falls by another card than was announced",
        f"{_RATING}/gates.py",
        "if known is None or not is_announced(case):",
        "if known is None:",
        (f"{_GATE}[announced-failing28-announce it]",),
    ),
    Guard(
        "a line of the log of promotions vouches for the one before",
        f"{_RATING}/promotions.py",
        'told.pop("previous", None) != last:',
        'told.pop("previous", None) is None:',
        (f"{_PROMOTIONS_TEST}::test_a_line_that_was_changed_or_taken_out_is_found",),
    ),
    Guard(
        "a line of the log of promotions is in one form alone",
        f"{_RATING}/promotions.py",
        "if isinstance(told, dict) and canonical(told) == line else None",
        "if isinstance(told, dict) else None",
        (f"{_PROMOTIONS_TEST}::test_last_line_is_as_it_was_written_or_refused",),
    ),
    Guard(
        "a line of another build is not read",
        f"{_RATING}/promotions.py",
        'strict=True, extra="forbid", frozen=True',
        "strict=True, frozen=True",
        (f"{_PROMOTIONS_TEST}::test_line_that_says_more_than_this_build_knows_is_refused",),
    ),
    Guard(
        "a promotion names who approved it",
        f"{_RATING}/promotions.py",
        "Field(min_length=1, strict=False)",
        "Field(strict=False)",
        (f"{_PROMOTIONS_TEST}::{_ANSWER}[nobody]",),
    ),
    Guard(
        "a promotion says why",
        f"{_RATING}/promotions.py",
        "Field(min_length=1, max_length=_MOST_REASON)",
        "Field(max_length=_MOST_REASON)",
        (f"{_PROMOTIONS_TEST}::{_ANSWER}[no reason]",),
    ),
    Guard(
        "the reason of a promotion is bounded",
        f"{_RATING}/promotions.py",
        "Field(min_length=1, max_length=_MOST_REASON)",
        "Field(min_length=1)",
        (f"{_PROMOTIONS_TEST}::{_ANSWER}[a long reason]",),
    ),
    Guard(
        "the champion before is a version",
        f"{_RATING}/promotions.py",
        "from_version: str = Field(pattern=VERSION_PATTERN)",
        "from_version: str",
        (f"{_PROMOTIONS_TEST}::{_ANSWER}[from elsewhere]",),
    ),
    Guard(
        "the champion to be is a version",
        f"{_RATING}/promotions.py",
        "to_version: str = Field(pattern=VERSION_PATTERN)",
        "to_version: str",
        (f"{_PROMOTIONS_TEST}::{_ANSWER}[to elsewhere]",),
    ),
    Guard(
        "a card takes the place of the one it was judged beside",
        f"{_RATING}/promotions.py",
        "if (served := self._served()) != entry.from_version:",
        "if (served := self._served()) is None:",
        (f"{_PROMOTIONS_TEST}::test_of_two_promotions_at_once_one_is_refused",),
    ),
    Guard(
        "one at a time writes the log of promotions",
        f"{_RATING}/promotions.py",
        "            fcntl.flock(log, fcntl.LOCK_EX)\n",
        "",
        (f"{_PROMOTIONS_TEST}::test_one_who_writes_waits_for_another_who_does",),
    ),
    Guard(
        "no card is served before its line is written",
        f"{_RATING}/promotions.py",
        '                log.truncate(raw.rfind(b"\\n") + 1)\n',
        "                self._serve(entry.to_version)\n"
        '                log.truncate(raw.rfind(b"\\n") + 1)\n',
        (f"{_PROMOTIONS_TEST}::test_line_is_there_before_the_champion_is_another",),
    ),
    Guard(
        "half a line of a writer that died is taken out",
        f"{_RATING}/promotions.py",
        '                log.truncate(raw.rfind(b"\\n") + 1)\n',
        "",
        (f"{_PROMOTIONS_TEST}::test_half_a_line_of_a_writer_that_died_is_taken_out",),
    ),
    Guard(
        "a card that is announced is not served",
        f"{_RATING}/promotions.py",
        'if entry.action in {"PROMOTED", "ROLLED_BACK"}:',
        "if True:",
        (
            f"{_PROMOTIONS_TEST}::test_an_announcement_serves_nothing_and_stands_until_it_is_carried_out",
        ),
    ),
    Guard(
        "an announcement that was withdrawn stands no more",
        f"{_RATING}/promotions.py",
        'if entry.action != "PROMOTED" or entry.to_version == served:',
        'if entry.action == "PROMOTED" and entry.to_version == served:',
        (f"{_PROMOTIONS_TEST}::test_a_withdrawn_announcement_stands_no_more",),
    ),
    Guard(
        "the champion is replaced as a whole",
        f"{_RATING}/promotions.py",
        'partial = self._folder / f".{CHAMPION}.new"',
        "partial = self._folder / CHAMPION",
        (f"{_PROMOTIONS_TEST}::test_who_reads_the_champion_meanwhile_reads_the_one_before_whole",),
    ),
    Guard(
        "remembered tokens of an application are bounded",
        f"{_ACCESS}/credentials.py",
        "if len(known.standing) >= _MOST_TOKENS:",
        "if False:",
        (
            f"{_CREDENTIALS_TEST}::test_tokens_of_one_application_that_are_remembered_are_bounded[sqlite]",
        ),
    ),
    Guard(
        "calls that wait for a revision are bounded",
        f"{_RPC}/pipeline.py",
        "if left <= pause or self._waiting >= self._limits.admitted:",
        "if left <= pause:",
        (f"{_HOT_READ_TEST}::test_no_more_readers_wait_than_calls_are_let_in",),
    ),
)
