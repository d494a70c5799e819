"""Guards of what is fetched, watched, sent and kept, and of second locks behind the first.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_IDENTITY: Final = "service/bonafides/identity"
_RPC: Final = "service/bonafides/rpc"
_SERVICE: Final = "service/bonafides"
_STORAGE: Final = "service/bonafides/storage"
_AGENT_ATTACKS_TEST: Final = "tests/service/test_agent_attacks.py"
_BUYERS_TEST: Final = "tests/service/test_buyers.py"
_CALLERS_TEST: Final = "tests/unit/test_callers.py"
_COURIERS_TEST: Final = "tests/service/test_couriers.py"
_DISCLOSURE_TEST: Final = "tests/unit/test_disclosure.py"
_DOCUMENTS_TEST: Final = "tests/service/test_documents.py"
_DRAFTS_TEST: Final = "tests/service/test_drafts.py"
_ENDED_TEST: Final = "tests/service/test_ended.py"
_FIELD_MASKS_TEST: Final = "tests/unit/test_field_masks.py"
_LOGINS_TEST: Final = "tests/service/test_logins.py"
_OWNERSHIP_TEST: Final = "tests/service/test_ownership.py"
_PLATFORMS_TEST: Final = "tests/service/test_platforms.py"
_CREDENTIALS_TEST: Final = "tests/service/test_credentials.py"
_GOING_LIVE_TEST: Final = "tests/service/test_going_live.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_LINKS_TEST: Final = "tests/service/test_links.py"
_OVERRIDES_TEST: Final = "tests/service/test_overrides.py"
_REVIEWS_TEST: Final = "tests/service/test_reviews.py"
_SELF_TEST: Final = "tests/service/test_self_description.py"
_STREAMS_TEST: Final = "tests/service/test_streams.py"
_WANTED_TEST: Final = "tests/service/test_wanted_views.py"
_WATCHERS_TEST: Final = "tests/service/test_watchers.py"
_ERASED: Final = "test_erasure_leaves_what_another_platform_names"
_TOLD: Final = "test_what_is_told_and_detached_of_a_buyer_is_its_platforms[sqlite]"

GUARDS: Final = (
    Guard(
        "what a call comes again after is fetched only one time",
        f"{_RPC}/call.py",
        "        if self._received.awaited is None:\n",
        "        if True:\n",
        (f"{_WANTED_TEST}::test_what_is_not_known_then_either_is_left_to_a_thread[fetched]",),
    ),
    Guard(
        "as many views as may be waited for",
        f"{_STORAGE}/snapshots.py",
        "        if len(self._wants) >= _MOST_WANTED:\n            return None\n",
        "",
        (f"{_WANTED_TEST}::test_question_is_of_64_views_and_512_may_wait",),
    ),
    Guard(
        "views are fetched for memory only while changes are followed",
        f"{_STORAGE}/snapshots.py",
        "or not self._follower.is_fresh() or",
        "or",
        (f"{_WANTED_TEST}::test_nothing_is_fetched_for_a_memory_that_hears_of_no_change[sqlite]",),
    ),
    Guard(
        "what was expected in vain is not kept",
        f"{_STORAGE}/snapshots.py",
        "                self._memory.put(*key, entry, found.get(key))",
        "                found.get(key) and self._memory.put(*key, entry, found.get(key))",
        (
            f"{_WANTED_TEST}::test_fault_of_the_database_ends_the_waiting_and_is_left_to_who_asks_next",
        ),
    ),
    Guard(
        "of two agent tokens none is chosen",
        f"{_RPC}/authentication.py",
        "if len(received.agent_tokens) > 1:",
        "if False:",
        (
            f"{_AGENT_ATTACKS_TEST}::test_attack_of_two_agent_tokens_none_is_chosen_before_anything_is_used_up",
        ),
    ),
    Guard(
        "an agent token is not looked up on the event loop",
        f"{_RPC}/authentication.py",
        "or received.agent_tokens:",
        "or False:",
        (
            f"{_AGENT_ATTACKS_TEST}::test_attack_of_two_agent_tokens_none_is_chosen_before_anything_is_used_up",
        ),
    ),
    Guard(
        "a buyer is erased from its platform's log alone",
        f"{_STORAGE}/buyers.py",
        ".where(_record.code == code, _record.platform == platform, _record.buyer == buyer)\n"
        "            .values(",
        ".where(_record.code == code, _record.buyer == buyer)\n            .values(",
        (f"{_BUYERS_TEST}::{_ERASED}[sqlite-log]",),
    ),
    Guard(
        "a buyer is erased from its platform's roll-ups alone",
        f"{_STORAGE}/buyers.py",
        "_rollup.code == code, _rollup.platform == platform, _rollup.buyer == buyer",
        "_rollup.code == code, _rollup.buyer == buyer",
        (f"{_BUYERS_TEST}::{_ERASED}[sqlite-roll-up]",),
    ),
    Guard(
        "a buyer is erased from its platform's places alone",
        f"{_STORAGE}/buyers.py",
        "sa.delete(tables.buyer_place).where(_place.platform == platform, _place.buyer == buyer)",
        "sa.delete(tables.buyer_place).where(_place.buyer == buyer)",
        (f"{_BUYERS_TEST}::{_ERASED}[sqlite-places]",),
    ),
    Guard(
        "a buyer is looked for in its platform's places alone",
        f"{_STORAGE}/buyers.py",
        "sa.select(_place.code).where(_place.platform == platform, _place.buyer == buyer)",
        "sa.select(_place.code).where(_place.buyer == buyer)",
        (f"{_BUYERS_TEST}::{_TOLD}",),
    ),
    Guard(
        "a buyer behind the mark is looked for in its platform's records alone",
        f"{_STORAGE}/buyers.py",
        "_record.sequence > after, _record.platform == platform, _record.buyer == buyer",
        "_record.sequence > after, _record.buyer == buyer",
        (f"{_BUYERS_TEST}::test_buyer_behind_the_mark_is_found_for_its_platform_alone[sqlite]",),
    ),
    Guard(
        "a platform is told of its own records of a buyer alone",
        f"{_STORAGE}/buyers.py",
        ").where(_record.code == code, _record.platform == platform, _record.buyer == buyer)",
        ").where(_record.code == code, _record.buyer == buyer)",
        (f"{_BUYERS_TEST}::{_TOLD}",),
    ),
    Guard(
        "a buyer is taken out of its platform's revisions alone",
        f"{_STORAGE}/buyers.py",
        "            _record.platform == platform,\n            _record.kind == kind,\n",
        "            _record.kind == kind,\n",
        (f"{_BUYERS_TEST}::{_TOLD}",),
    ),
    Guard(
        "the latest revision keeps its buyer",
        f"{_STORAGE}/buyers.py",
        "            _record.revision < before,\n",
        "",
        (f"{_BUYERS_TEST}::{_TOLD}",),
    ),
    Guard(
        "keys of an issuer that have no end are given up",
        f"{_SERVICE}/login_keys.py",
        "if len(content) > jwks.MOST_BYTES or monotonic() > deadline:",
        "if monotonic() > deadline:",
        (f"{_LOGINS_TEST}::test_answer_without_an_end_is_given_up_once_it_is_too_long",),
    ),
    Guard(
        "keys of an issuer that take too long are given up",
        f"{_SERVICE}/login_keys.py",
        "if len(content) > jwks.MOST_BYTES or monotonic() > deadline:",
        "if len(content) > jwks.MOST_BYTES:",
        (f"{_LOGINS_TEST}::test_answer_that_takes_too_long_in_all_is_given_up",),
    ),
    Guard(
        "an issuer's address leads nowhere else",
        f"{_SERVICE}/login_keys.py",
        "follow_redirects=False,",
        "follow_redirects=True,",
        (f"{_LOGINS_TEST}::test_fetch_is_led_nowhere_else",),
    ),
    Guard(
        "no proxy of the environment stands before an issuer",
        f"{_SERVICE}/login_keys.py",
        "trust_env=False,",
        "trust_env=True,",
        (f"{_LOGINS_TEST}::test_fetch_takes_no_proxy_of_the_environment",),
    ),
    Guard(
        "who watches health is bounded",
        f"{_RPC}/health.py",
        "if len(self._open) >= _MOST_OPEN:",
        "if False:",
        (f"{_WATCHERS_TEST}::test_watchers_are_bounded_and_one_that_leaves_makes_room",),
    ),
    Guard(
        "who watched health makes room",
        f"{_RPC}/health.py",
        "            self._open.discard(task)\n",
        "            pass\n",
        (f"{_WATCHERS_TEST}::test_watchers_are_bounded_and_one_that_leaves_makes_room",),
    ),
    Guard(
        "each item of a list lacks what is withheld",
        f"{_ACCESS}/field_masks.py",
        "for each in getattr(message, parts[0]):",
        "for each in getattr(message, parts[0])[:1]:",
        (f"{_FIELD_MASKS_TEST}::test_each_item_of_a_list_lacks_what_is_withheld",),
    ),
    Guard(
        "each person of a list is masked",
        f"{_ACCESS}/disclosure.py",
        "    if step.masking is not None:\n        masked = ",
        "    if False:\n        masked = ",
        (f"{_DISCLOSURE_TEST}::test_each_person_of_a_list_is_masked",),
    ),
    Guard(
        "each item of a list is shown by its own classes",
        f"{_ACCESS}/disclosure.py",
        "        _copy(value, shown.add(), step.inner)\n",
        "        shown.add().CopyFrom(value)\n",
        (f"{_DISCLOSURE_TEST}::test_operator_sees_persons_masked",),
    ),
    Guard(
        "a mail server is believed by its certificate",
        f"{_IDENTITY}/couriers.py",
        "*where, timeout=_PATIENCE_SECONDS, context=ssl.create_default_context()",
        "*where, timeout=_PATIENCE_SECONDS",
        (
            f"{_COURIERS_TEST}::test_attack_server_under_a_certificate_that_nobody_vouches_for_gets_nothing[tls]",
        ),
    ),
    Guard(
        "a mail server that begins in clear is believed by its certificate",
        f"{_IDENTITY}/couriers.py",
        "connection.starttls(context=ssl.create_default_context())",
        "connection.starttls()",
        (
            f"{_COURIERS_TEST}::test_attack_server_under_a_certificate_that_nobody_vouches_for_gets_nothing[starttls]",
        ),
    ),
    Guard(
        "what waits or is in force is not forgotten",
        f"{_STORAGE}/ended.py",
        "yield _some(table, table.c.expires_at < before)",
        "yield _some(table, sa.true())",
        (
            f"{_ENDED_TEST}::test_what_was_asked_for_is_forgotten_a_month_after_its_end[sqlite-change]",
        ),
    ),
    Guard(
        "an agent token in force is not forgotten",
        f"{_STORAGE}/ended.py",
        "_given.uid == _token.uid, ended)",
        "_given.uid == _token.uid)",
        (f"{_ENDED_TEST}::test_agent_token_that_was_taken_back_is_forgotten_and_no_other[sqlite]",),
    ),
    Guard(
        "agent tokens that ended are forgotten",
        f"{_SERVICE}/worker.py",
        '        Round("forget_ended", lambda now: ended.forget(desk.store, forgotten, now=now)),\n',
        "",
        (f"{_ENDED_TEST}::test_worker_forgets_what_ended[sqlite]",),
    ),
    Guard(
        "whoever claims an ownership decides nothing of it",
        f"{_IDENTITY}/ownership_operations.py",
        "        if staff.name == made.principal.name:\n            raise SecondPersonRequiredError\n",
        "",
        (f"{_OWNERSHIP_TEST}::test_attack_whoever_claims_decides_nothing_of_it_as_staff[sqlite]",),
    ),
    Guard(
        "members are removed by owners and by themselves alone",
        f"{_IDENTITY}/ownership_operations.py",
        "if found is None or not (leaves or acts(work, actor, code, as_owner=True)):",
        "if found is None:",
        (
            f"{_OWNERSHIP_TEST}::test_attack_member_who_owns_nothing_removes_nobody_and_may_leave[sqlite]",
        ),
    ),
    Guard(
        "a good token under another scheme is refused",
        f"{_ACCESS}/callers.py",
        "if not authorization.isascii() or not authorization.lower().startswith(_SCHEME):",
        "if not authorization.isascii():",
        (f"{_CALLERS_TEST}::test_good_token_under_another_scheme_is_refused",),
    ),
    Guard(
        "a set of keys is bounded",
        f"{_ACCESS}/jwks.py",
        "    if len(content) > MOST_BYTES:\n",
        "    if False:\n",
        (f"{_LOGINS_TEST}::test_set_of_keys_that_nobody_may_trust_is_refused_whole[long]",),
    ),
    Guard(
        "a message that is not ours is withheld",
        f"{_ACCESS}/disclosure.py",
        "if kind.file.package != _OURS or kind.GetOptions().map_entry:",
        "if kind.GetOptions().map_entry:",
        (f"{_DISCLOSURE_TEST}::test_message_that_is_not_ours_is_withheld_whatever_its_field_says",),
    ),
    Guard(
        "an upload has no more bytes than it said",
        f"{_RPC}/documents.py",
        "if self._whole or len(self._content) > self._size:",
        "if self._whole:",
        (f"{_DOCUMENTS_TEST}::test_more_bytes_than_said_are_refused[sqlite]",),
    ),
    Guard(
        "an upload that is whole takes nothing more",
        f"{_RPC}/documents.py",
        "if self._whole or len(self._content) > self._size:",
        "if len(self._content) > self._size:",
        (f"{_DOCUMENTS_TEST}::test_upload_that_is_whole_takes_nothing_more[sqlite]",),
    ),
    Guard(
        "what was decided of every enterprise is listed for platforms alone",
        f"{_RPC}/platform_services.py",
        ' and call.caller.kind is CallerKind.PLATFORM:\n        return ""',
        ':\n        return ""',
        (
            f"{_PLATFORMS_TEST}::test_every_enterprise_at_once_is_listed_for_platforms_alone[sqlite]",
        ),
    ),
    Guard(
        "a request that makes a submission is not another one",
        f"{_IDENTITY}/operations.py",
        "return _mark(desk, submitter, request).answer(known)",
        "return known",
        (f"{_DRAFTS_TEST}::test_request_that_makes_or_confirms_a_draft_is_no_other_one[sqlite]",),
    ),
    Guard(
        "drafts of one platform are bounded",
        f"{_IDENTITY}/drafting.py",
        "if oldest is not None and (wait := oldest + DAY - now) > 0:",
        "if False:",
        (f"{_DRAFTS_TEST}::test_drafts_of_one_platform_are_limited_by_the_day[sqlite]",),
    ),
    Guard(
        "who owns does not claim",
        f"{_IDENTITY}/ownership_operations.py",
        "if any(owner.principal == principal for owner in rows.owners(work, code)):",
        "if False:",
        (f"{_OWNERSHIP_TEST}::test_owner_neither_claims_nor_joins_what_it_owns[sqlite]",),
    ),
    Guard(
        "who is a member takes up no invitation",
        f"{_IDENTITY}/ownership_operations.py",
        "if principal in live:",
        "if False:",
        (f"{_OWNERSHIP_TEST}::test_owner_neither_claims_nor_joins_what_it_owns[sqlite]",),
    ),
    Guard(
        "who claims is verified",
        f"{_IDENTITY}/ownership_operations.py",
        "    if not _is_verified(work, code, submission_uid, now):\n        raise OwnershipStateError",
        "    if False:\n        raise OwnershipStateError",
        (
            f"{_OWNERSHIP_TEST}::test_claim_without_a_verified_submission_of_ones_own_is_refused[sqlite]",
        ),
    ),
    Guard(
        "an integrator's affairs are its own or staff's",
        f"{_RPC}/integrator_services.py",
        "if not own and call.caller.kind is not CallerKind.OPERATOR:",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "an integrator's affairs are of its own application",
        f"{_RPC}/integrator_services.py",
        "own = call.caller.kind is CallerKind.INTEGRATOR and call.caller.application == client_id",
        "own = call.caller.kind is CallerKind.INTEGRATOR",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "a token of ours that is looked at again counts while its key does",
        f"{_ACCESS}/credentials.py",
        '        if not self._is_as_before(known, caller, now):\n            raise CredentialError("KEY")\n',
        "",
        (
            f"{_CREDENTIALS_TEST}::test_what_is_taken_out_of_use_at_one_server_is_out_at_all[sqlite-key]",
        ),
    ),
    Guard(
        "a credential is ASCII",
        f"{_ACCESS}/callers.py",
        "if not authorization.isascii() or not authorization.lower().startswith(_SCHEME):",
        "if not authorization.lower().startswith(_SCHEME):",
        (f"{_CALLERS_TEST}::test_other_scheme_is_refused[Bearer \\udcff]",),
    ),
    Guard(
        "tokens that are remembered are bounded",
        f"{_ACCESS}/callers.py",
        "if len(self._callers) > _MOST_REMEMBERED:",
        "if False:",
        (f"{_CALLERS_TEST}::test_remembered_tokens_are_bounded",),
    ),
    Guard(
        "a role is a text",
        f"{_ACCESS}/callers.py",
        "if not isinstance(role, str):",
        "if False:",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[a role as a list]",),
    ),
    Guard(
        "what is of one environment is not done in the other",
        f"{_ACCESS}/acceptance_operations.py",
        "    if room.environment != environment:\n        raise",
        "    if False:\n        raise",
        (f"{_GOING_LIVE_TEST}::test_runs_are_accepted_in_sandbox_alone[sqlite]",),
    ),
    Guard(
        "open streams are bounded",
        f"{_RPC}/pipeline.py",
        "if len(self._streams) + self._opening >= self._limits.streams:",
        "if False:",
        (f"{_STREAMS_TEST}::test_streams_beyond_the_cap_are_told_when_to_come_back",),
    ),
    Guard(
        "half an upload is none",
        f"{_RPC}/documents.py",
        "if whole and not self._whole:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_fewer_bytes_than_said_are_refused_and_nothing_is_kept[sqlite]",),
    ),
    Guard(
        "an upload is of one document",
        f"{_RPC}/documents.py",
        'if request.name not in {"", self._name}:',
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_name_and_size_can_not_change_within_an_upload[sqlite]",),
    ),
    Guard(
        "an upload's size does not change",
        f"{_RPC}/documents.py",
        "if request.size_bytes not in {0, self._size}:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_name_and_size_can_not_change_within_an_upload[sqlite]",),
    ),
    Guard(
        "an override that was not started is not appealed",
        f"{_IDENTITY}/correction_operations.py",
        "if held is None or held.started_at is None:",
        "if held is None:",
        (
            f"{_OVERRIDES_TEST}::test_only_an_override_of_the_same_enterprise_that_was_started_can_be_appealed[sqlite]",
        ),
    ),
    Guard(
        "a review that ended is over",
        f"{_IDENTITY}/review_operations.py",
        "    if made.ended_at is not None:\n        raise CaseStateError",
        "    if False:\n        raise CaseStateError",
        (
            f"{_REVIEWS_TEST}::test_finding_holds_for_the_facts_that_were_looked_at_and_new_ones_wait_anew[sqlite]",
        ),
    ),
    Guard(
        "a link that is not there is not disputed",
        f"{_SERVICE}/records/linking.py",
        "        if not dispute_rows.is_link(work, told.link):\n            raise NotFoundError\n",
        "",
        (f"{_LINKS_TEST}::test_what_is_no_link_is_neither_disputed_nor_ruled_on[sqlite]",),
    ),
    Guard(
        "changes by an owner are bounded",
        f"{_SERVICE}/archive/operations.py",
        "if oldest is not None and (wait := oldest + DAY - now) > 0:",
        "if False:",
        (f"{_SELF_TEST}::test_twenty_first_change_of_a_day_is_told_when_to_come_back[sqlite]",),
    ),
    Guard(
        "long requests are not remembered",
        "service/bonafides/rpc/call.py",
        "return known(wire) if is_small else read(wire)",
        "return known(wire)",
        ("tests/unit/test_reading_requests.py::test_long_request_is_read_each_time",),
    ),
)
