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
_AMENDMENTS_TEST: Final = "tests/service/test_amendments.py"
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
_WATCHERS_TEST: Final = "tests/service/test_watchers.py"
_ERASED: Final = "test_erasure_leaves_what_another_platform_names"
_TOLD: Final = "test_what_is_told_and_detached_of_a_buyer_is_its_platforms[sqlite]"

GUARDS: Final = (
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
        "a request that makes a draft is not another one",
        f"{_IDENTITY}/drafting.py",
        "elif known.request_digest != made.request_digest:",
        "elif False:",
        (f"{_DRAFTS_TEST}::test_request_that_makes_or_confirms_a_draft_is_no_other_one[sqlite]",),
    ),
    Guard(
        "a request that confirms a draft is not another one",
        f"{_IDENTITY}/drafting.py",
        'if known.request_digest != desk.vault.index("request", request_digest.hex()):',
        "if False:",
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
        "a request that announces changes is not another one",
        f"{_IDENTITY}/announcing.py",
        'if known.request_digest != desk.vault.index("request", request_digest.hex()):',
        "if False:",
        (f"{_AMENDMENTS_TEST}::test_request_that_announces_a_change_is_no_other_one[sqlite]",),
    ),
)
