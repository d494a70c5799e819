"""Guards of access tokens and of the policy: who calls, and whether he may.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_POLICY_TEST: Final = "tests/unit/test_policy.py"
_CALLERS_TEST: Final = "tests/unit/test_callers.py"
_LOGINS_TEST: Final = "tests/service/test_logins.py"
_PURPOSES_TEST: Final = "tests/service/test_purposes.py"

GUARDS: Final = (
    Guard(
        "a method is for the callers of its row",
        f"{_ACCESS}/policy.py",
        "if caller.kind in row.callers:",
        "if True:",
        (f"{_POLICY_TEST}::test_policy_is_the_printed_table",),
    ),
    Guard(
        "a token says what it is",
        f"{_ACCESS}/callers.py",
        (
            "        if not isinstance(typ, str) or typ not in LOGIN_TYPES:\n"
            '            raise CredentialError("TYPE")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[type as a list]",),
    ),
    Guard(
        "a token is of an issuer that is known",
        f"{_ACCESS}/callers.py",
        ('        if issuer is None:\n            raise CredentialError("ISSUER")\n'),
        "        issuer = issuer or next(iter(self._issuers.values()))\n",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[another issuer]",),
    ),
    Guard(
        "a token is signed by its issuer",
        f"{_ACCESS}/callers.py",
        "        require_signature(opened, issuer.key(opened.header))\n",
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[ECDSA of another key]",),
    ),
    Guard(
        "a token is for this environment",
        f"{_ACCESS}/callers.py",
        (
            '        if opened.claims.get("aud") != self._audience:\n'
            '            raise CredentialError("AUDIENCE")\n'
        ),
        "",
        (
            f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[another environment's audience]",
        ),
    ),
    Guard(
        "a token lives an hour at most",
        f"{_ACCESS}/callers.py",
        "if not 0 < expires - issued <= MOST_SECONDS:",
        "if not 0 < expires - issued:",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[a life of ten years]",),
    ),
    Guard(
        "a token is not of the future",
        f"{_ACCESS}/callers.py",
        (
            "        if max(issued, begins) > seconds + SKEW_SECONDS:\n"
            '            raise CredentialError("NOT_YET")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[issued in the future]",),
    ),
    Guard(
        "a token that is over is refused",
        f"{_ACCESS}/callers.py",
        ('        if expires <= seconds:\n            raise CredentialExpiredError("EXPIRED")\n'),
        "",
        (f"{_CALLERS_TEST}::test_token_expires_to_the_second_even_when_it_is_remembered",),
    ),
    Guard(
        "a remembered token ends all the same",
        f"{_ACCESS}/callers.py",
        (
            "            if found[1] <= seconds:\n"
            "                del self._callers[digest]\n"
            "                return None\n"
        ),
        "",
        (f"{_CALLERS_TEST}::test_token_expires_to_the_second_even_when_it_is_remembered",),
    ),
    Guard(
        "a token names who it is of",
        f"{_ACCESS}/callers.py",
        (
            '        if not (identifies(claims.get("sub")) and identifies(claims.get("jti"))):\n'
            '            raise CredentialError("SUBJECT")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[no subject]",),
    ),
    Guard(
        "a token's kind is one of ours",
        f"{_ACCESS}/callers.py",
        ('        if kind not in _KINDS:\n            raise CredentialError("KIND")\n'),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[unknown kind]",),
    ),
    Guard(
        "ownership that a token claims counts in sandbox alone",
        f"{_ACCESS}/callers.py",
        "owns=frozenset(owns) if counts else frozenset(),",
        "owns=frozenset(owns),",
        (f"{_CALLERS_TEST}::test_ownership_claimed_in_live_does_not_count",),
    ),
    Guard(
        "platforms in live are named by our own tokens alone",
        f"{_ACCESS}/callers.py",
        "if named and not self._sandbox and issuer.trust is not Trust.APPLICATIONS:",
        "if False:",
        (f"{_CALLERS_TEST}::test_platform_of_an_issuer_is_refused_in_live_and_taken_in_sandbox",),
    ),
    Guard(
        "a platform names itself and nobody else does",
        f"{_ACCESS}/callers.py",
        (
            "        if named != (kind == CallerKind.PLATFORM) or (platform and not named):\n"
            '            raise CredentialError("PLATFORM")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[platform without a name]",),
    ),
    Guard(
        "an integrator sees its own enterprise alone",
        f"{_ACCESS}/callers.py",
        "own = bool(code) and caller.acts_for == code",
        "own = True",
        ("tests/unit/test_agents.py::test_integrator_sees_its_enterprise_and_of_others_nothing",),
    ),
    Guard(
        "an ID token logs nobody in",
        f"{_ACCESS}/issuers.py",
        (
            "        if not _OF_ID_TOKENS.isdisjoint(claims):\n"
            '            raise CredentialError("TYPE")\n'
        ),
        "",
        (
            f"{_LOGINS_TEST}::test_other_token_of_the_issuer_is_refused[ID token under another type]",
        ),
    ),
    Guard(
        "staff are those whom the configured claim names",
        f"{_ACCESS}/issuers.py",
        "return _OPERATOR if _has(claims, issuer.operator) else _MEMBER",
        'return claims.get("kind") or (_OPERATOR if _has(claims, issuer.operator) else _MEMBER)',
        (f"{_LOGINS_TEST}::test_nobody_is_staff_by_another_claim[kind]",),
    ),
    Guard(
        "a set of keys with a private part is nobody's",
        f"{_ACCESS}/jwks.py",
        (
            "        if not _PRIVATE.isdisjoint(each):\n"
            '            raise JwksError("it holds the private part of a key")\n'
        ),
        "",
        (f"{_LOGINS_TEST}::test_set_of_keys_that_nobody_may_trust_is_refused_whole[private]",),
    ),
    Guard(
        "two keys have two ids",
        f"{_ACCESS}/jwks.py",
        (
            '            if each["kid"] in found:\n'
            '                raise JwksError("two keys have one id")\n'
        ),
        "",
        (f"{_LOGINS_TEST}::test_set_of_keys_that_nobody_may_trust_is_refused_whole[same id]",),
    ),
    Guard(
        "a key of another use is passed over",
        f"{_ACCESS}/jwks.py",
        'if reader is None or not for_signing or not identifies(published.get("kid")):',
        'if reader is None or not identifies(published.get("kid")):',
        (f"{_LOGINS_TEST}::test_key_of_another_use_is_passed_over[use enc]",),
    ),
    Guard(
        "an application calls what its role opens",
        f"{_ACCESS}/policy.py",
        (
            "    if caller.application and not application_roles.opens(method, caller.role):\n"
            "        raise MethodNotAllowedError\n"
        ),
        "",
        ("tests/unit/test_application_rules.py::test_policy_holds_an_application_to_its_role",),
    ),
    Guard(
        "an integrator calls what its scopes open",
        f"{_ACCESS}/policy.py",
        "            agents.require_open(method, caller)\n",
        "            pass\n",
        (f"{_POLICY_TEST}::test_policy_is_the_printed_table",),
    ),
    Guard(
        "an application signs what has to be signed",
        f"{_ACCESS}/policy.py",
        "if row.signed and caller.key_id and not caller.signed:",
        "if False:",
        (
            "tests/service/test_credential_attacks.py::test_attack_is_refused_as_unauthenticated[token where a signature is wanted]",
        ),
    ),
    Guard(
        "a platform names what it reads for",
        f"{_ACCESS}/policy.py",
        ("    if purpose == purposes.UNNAMED:\n        return purposes.missing(allowed)\n"),
        ("    if purpose == purposes.UNNAMED:\n        return None\n"),
        (f"{_PURPOSES_TEST}::test_platform_that_names_no_purpose_is_told_which_there_are[sqlite]",),
    ),
    Guard(
        "a level is not read to tell who somebody is",
        f"{_ACCESS}/policy.py",
        ("    if purpose not in allowed:\n        raise PurposeNotAllowedError\n"),
        "",
        (f"{_PURPOSES_TEST}::test_level_is_not_given_to_tell_who_an_enterprise_is[sqlite]",),
    ),
    Guard(
        "nobody but a platform names a purpose",
        f"{_ACCESS}/policy.py",
        "return purposes.unfounded() if purpose != purposes.UNNAMED else None",
        "return None",
        (f"{_PURPOSES_TEST}::test_nobody_but_a_platform_names_a_purpose[sqlite]",),
    ),
)
