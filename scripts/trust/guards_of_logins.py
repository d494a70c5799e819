"""Guards of access tokens and of the issuers that sign them.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_SERVICE: Final = "service/bonafides"
_STORAGE: Final = "service/bonafides/storage"
_AGENT_ATTACKS_TEST: Final = "tests/service/test_agent_attacks.py"
_CALLERS_TEST: Final = "tests/unit/test_callers.py"
_CREDENTIAL_ATTACKS_TEST: Final = "tests/service/test_credential_attacks.py"
_DOCUMENTS_TEST: Final = "tests/service/test_documents.py"
_FIELD_MASKS_TEST: Final = "tests/unit/test_field_masks.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_LOGINS_TEST: Final = "tests/service/test_logins.py"
_PURPOSES_TEST: Final = "tests/service/test_purposes.py"
_SERVER_TEST: Final = "tests/service/test_server.py"

GUARDS: Final = (
    Guard(
        "an assertion's key has an id of our form",
        f"{_ACCESS}/assertions.py",
        'if not _matches(_KEY_ID, header["kid"]):',
        "if False:",
        (
            f"{_CREDENTIAL_ATTACKS_TEST}::test_table_has_more_than_sixty_attacks_and_none_is_accepted[sqlite]",
        ),
    ),
    Guard(
        "an assertion's application has an id of our form",
        f"{_ACCESS}/assertions.py",
        "if not isinstance(client_id, str) or not _matches(_CLIENT_ID, client_id):",
        "if False:",
        (
            f"{_CREDENTIAL_ATTACKS_TEST}::test_table_has_more_than_sixty_attacks_and_none_is_accepted[sqlite]",
        ),
    ),
    Guard(
        "a digest is compared",
        f"{_ACCESS}/assertions.py",
        "if not hmac.compare_digest(said, digest_of(content)):",
        "if False:",
        (
            f"{_CREDENTIAL_ATTACKS_TEST}::test_table_has_more_than_sixty_attacks_and_none_is_accepted[sqlite]",
        ),
    ),
    Guard(
        "without a configured claim nobody is staff",
        f"{_ACCESS}/issuers.py",
        "if wanted is None:",
        "if False:",
        (f"{_LOGINS_TEST}::test_keys_are_read_from_a_file",),
    ),
    Guard(
        "keys of one issuer are bounded",
        f"{_ACCESS}/jwks.py",
        "if not isinstance(published, list) or len(published) > _MOST_KEYS:",
        "if False:",
        (f"{_LOGINS_TEST}::test_set_of_keys_that_nobody_may_trust_is_refused_whole[list]",),
    ),
    Guard(
        "who is not logged in is asked to log in",
        f"{_ACCESS}/policy.py",
        "if caller.kind is CallerKind.ANONYMOUS:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_copy_is_not_found_by_anybody_but_its_uploader[sqlite]",),
    ),
    Guard(
        "staff are named by claim and value",
        f"{_SERVICE}/issuing.py",
        "if bool(told.operator_claim) != bool(told.operator_value):",
        "if False:",
        (f"{_LOGINS_TEST}::test_issuer_that_is_set_wrongly_stops_the_start[half a claim]",),
    ),
    Guard(
        "keys of an issuer are fetched over TLS",
        f"{_SERVICE}/issuing.py",
        'if not parts.hostname or (parts.scheme == "http" and not inside):',
        "if False:",
        (f"{_LOGINS_TEST}::test_issuer_that_is_set_wrongly_stops_the_start[no host]",),
    ),
    Guard(
        "a login's key is known",
        f"{_SERVICE}/login_keys.py",
        "if key is None:",
        "if False:",
        (f"{_LOGINS_TEST}::test_new_key_of_the_issuer_is_taken_without_a_restart",),
    ),
    Guard(
        "keys of an issuer come plainly",
        f"{_SERVICE}/login_keys.py",
        'if answer.status_code != HTTPStatus.OK or "content-encoding" in answer.headers:',
        "if False:",
        (f"{_LOGINS_TEST}::test_keys_stay_for_a_day_while_the_issuer_is_at_fault[error]",),
    ),
    Guard(
        "of several agent tokens none counts",
        f"{_STORAGE}/agencies.py",
        "if len(tokens) != 1:",
        "if False:",
        (f"{_AGENT_ATTACKS_TEST}::test_log_is_told_why_a_token_is_refused[sqlite]",),
    ),
    Guard(
        "an agent token has our form",
        f"{_STORAGE}/agencies.py",
        "if environment is None:",
        "if False:",
        (f"{_AGENT_ATTACKS_TEST}::test_log_is_told_why_a_token_is_refused[sqlite]",),
    ),
    Guard(
        "whether an integrator acts is asked of the database",
        f"{_STORAGE}/agencies.py",
        "if not rows.holds(work, caller.acts_for, agent):",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "a token's type is its issuer's",
        f"{_ACCESS}/callers.py",
        "if typ not in issuer.types:",
        "if False:",
        (
            f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[the type of another kind of issuer]",
        ),
    ),
    Guard(
        "nobody but a member owns by a token",
        f"{_ACCESS}/callers.py",
        "if not _codes(owns) or (owns and kind != CallerKind.MEMBER):",
        "if False:",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[ownership as a text]",),
    ),
    Guard(
        "a kind is a text",
        f"{_ACCESS}/issuers.py",
        "if not isinstance(kind, str):",
        "if False:",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[kind as a list]",),
    ),
    Guard(
        "an issuer is named once",
        f"{_SERVICE}/issuing.py",
        "if name in found:",
        "if False:",
        (f"{_SERVER_TEST}::test_issuer_is_set_in_one_way",),
    ),
    Guard(
        "an issuer is not named as one of ours",
        f"{_SERVICE}/issuing.py",
        'if name in _OURS or "|" in name or not name:',
        "if False:",
        (
            f"{_SERVER_TEST}::test_issuer_whose_name_could_be_anothers_is_refused[bonafides-sandbox]",
        ),
    ),
    Guard(
        "another issuer names no application",
        f"{_ACCESS}/callers.py",
        'good = application == "" and kind != CallerKind.INTEGRATOR',
        "good = kind != CallerKind.INTEGRATOR",
        (
            f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[an application by another issuer]",
        ),
    ),
    Guard(
        "another issuer names no integrator",
        f"{_ACCESS}/callers.py",
        'good = application == "" and kind != CallerKind.INTEGRATOR',
        'good = application == ""',
        (
            f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[an integrator by another issuer]",
        ),
    ),
    Guard(
        "the sandbox's issuer names applications of integrators alone",
        f"{_ACCESS}/callers.py",
        "good = identifies(application) == (kind == CallerKind.INTEGRATOR)",
        "good = True",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[an application]",),
    ),
    Guard(
        "a token of ours is its application's",
        f"{_ACCESS}/callers.py",
        'good = application == claims["sub"] and identifies(claims.get("key"))',
        'good = identifies(claims.get("key"))',
        (
            f"{_CALLERS_TEST}::test_attack_token_of_ours_without_its_application_or_key_is_refused[of another]",
        ),
    ),
    Guard(
        "a token of ours names its key",
        f"{_ACCESS}/callers.py",
        'good = application == claims["sub"] and identifies(claims.get("key"))',
        'good = application == claims["sub"]',
        (
            f"{_CALLERS_TEST}::test_attack_token_of_ours_without_its_application_or_key_is_refused[empty key]",
        ),
    ),
    Guard(
        "who was removed owns by no token",
        f"{_ACCESS}/callers.py",
        "owner = standing in _ACTING or (standing is Standing.NONE and code in caller.owns)",
        "owner = standing in _ACTING or code in caller.owns",
        (f"{_CALLERS_TEST}::test_token_that_owns_counts_unless_its_login_was_removed[REMOVED]",),
    ),
    Guard(
        "who owns one enterprise owns no other",
        f"{_ACCESS}/callers.py",
        "owner = standing in _ACTING or (standing is Standing.NONE and code in caller.owns)",
        "owner = standing in _ACTING or (standing is Standing.NONE and bool(caller.owns))",
        (f"{_CALLERS_TEST}::test_owning_one_enterprise_is_owning_no_other",),
    ),
    Guard(
        "who shows to users sees as they do",
        f"{_ACCESS}/purposes.py",
        "        return disclosure_pb2.AUDIENCE_MEMBER\n",
        "        return seen_as\n",
        (
            f"{_PURPOSES_TEST}::test_what_is_shown_to_users_is_the_members_view_byte_for_byte[sqlite]",
        ),
    ),
    Guard(
        "keys of logins are kept a day",
        f"{_SERVICE}/login_keys.py",
        "return None if self._is_old(followed) else followed.keys.get(key_id)",
        "return followed.keys.get(key_id)",
        (f"{_LOGINS_TEST}::test_keys_stay_for_a_day_while_the_issuer_is_at_fault[error]",),
    ),
    Guard(
        "an unknown key asks its issuer once a minute",
        f"{_SERVICE}/login_keys.py",
        "return long_ago and not followed.wanted and self._thread.is_alive()",
        "return not followed.wanted and self._thread.is_alive()",
        (f"{_LOGINS_TEST}::test_unknown_keys_have_the_issuer_asked_once_a_minute_at_most",),
    ),
    Guard(
        "an issuer is believed by its certificate",
        f"{_SERVICE}/login_keys.py",
        "            verify=verify,\n",
        "            verify=False,\n",
        (f"{_LOGINS_TEST}::test_issuer_under_a_strange_certificate_is_not_believed",),
    ),
    Guard(
        "who reads to tell who it is sees no level",
        f"{_ACCESS}/purposes.py",
        "    return _MASKS.get(purpose, NO_MASK)\n",
        "    return NO_MASK\n",
        (f"{_FIELD_MASKS_TEST}::test_who_reads_to_tell_who_an_enterprise_is_is_told_no_level",),
    ),
    Guard(
        "a subject stands in no text of its caller",
        f"{_ACCESS}/callers.py",
        '    subject: str = field(default="", repr=False)\n',
        '    subject: str = ""\n',
        (f"{_CALLERS_TEST}::test_subject_stays_out_of_the_repr",),
    ),
    Guard(
        "a withdrawn key ends what is remembered",
        f"{_SERVICE}/server.py",
        "    login_keys.hear(verifier.forget)\n",
        "",
        (f"{_LOGINS_TEST}::test_withdrawn_key_ends_the_tokens_that_are_remembered",),
    ),
    Guard(
        "tokens of a withdrawn key are forgotten",
        f"{_ACCESS}/callers.py",
        "                del self._callers[digest]\n\n",
        "                pass\n\n",
        (f"{_CALLERS_TEST}::test_tokens_of_an_issuer_are_forgotten_by_themselves",),
    ),
    Guard(
        "a token whose key ends while it is verified is not remembered",
        f"{_ACCESS}/callers.py",
        "            if heard != self.forgotten:\n                return\n",
        "",
        (f"{_CALLERS_TEST}::test_token_whose_key_ends_while_it_is_verified_is_not_remembered",),
    ),
    Guard(
        "another key under a withdrawn key's id is another key",
        f"{_SERVICE}/login_keys.py",
        "followed.keys.get(key_id) != key for key_id, key in before.items()",
        "key_id not in followed.keys for key_id in before",
        (f"{_LOGINS_TEST}::test_whoever_remembers_hears_that_a_key_ended[another under its id]",),
    ),
    Guard(
        "keys that are kept too long end what is remembered",
        f"{_SERVICE}/login_keys.py",
        "            elif self._is_old(followed):\n                followed.keys = {}\n",
        "",
        (f"{_LOGINS_TEST}::test_whoever_remembers_hears_that_a_key_ended[issuer away for a day]",),
    ),
)
