"""Guards of credentials: what applications sign, and what they are known by.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_STORAGE: Final = "service/bonafides/storage"
_RPC: Final = "service/bonafides/rpc"
_ASSERTIONS_TEST: Final = "tests/unit/test_assertions.py"
_CALLERS_TEST: Final = "tests/unit/test_callers.py"
_CREDENTIAL_ATTACKS: Final = (
    "tests/service/test_credential_attacks.py::test_attack_is_refused_as_unauthenticated"
)
_CREDENTIALS_TEST: Final = "tests/service/test_credentials.py"

GUARDS: Final = (
    Guard(
        "a credential is bounded",
        f"{_ACCESS}/tokens.py",
        ('    if len(token) > MOST_BYTES:\n        raise CredentialError("SIZE")\n'),
        "",
        (f"{_ASSERTIONS_TEST}::test_credential_beyond_8_kib_is_not_read[8193]",),
    ),
    Guard(
        "no name stands twice in a credential",
        f"{_ACCESS}/tokens.py",
        ('    if len(members) != len(pairs):\n        raise ValueError("a name stands twice")\n'),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[claim twice]",),
    ),
    Guard(
        "a credential is written in one way",
        f"{_ACCESS}/tokens.py",
        (
            "    if encoded(content).encode() != segment:\n"
            '        raise ValueError("not the one way to write it")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[bits that nobody reads]",),
    ),
    Guard(
        "numbers that are none are no JSON",
        f"{_ACCESS}/tokens.py",
        ", parse_constant=_no_constant)",
        ")",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[not a number]",),
    ),
    Guard(
        "a header names an algorithm of ours and nothing critical",
        f"{_ACCESS}/tokens.py",
        (
            '    if not known or "crit" in header or "b64" in header:\n'
            '        raise CredentialError("ALGORITHM")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[unknown critical part]",),
    ),
    Guard(
        "a header brings no key along",
        f"{_ACCESS}/tokens.py",
        (
            "    if not _KEYS_BROUGHT_ALONG.isdisjoint(header):\n"
            '        raise CredentialError("HEADER")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[key in the header]",),
    ),
    Guard(
        "the algorithm is the key's",
        f"{_ACCESS}/tokens.py",
        (
            '    if opened.header.get("alg") != key.algorithm:\n'
            '        raise CredentialError("ALGORITHM")\n'
        ),
        "",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[ECDSA of another key]",),
    ),
    Guard(
        "a stored key signs by the algorithm of its type",
        f"{_ACCESS}/tokens.py",
        "return key if key.algorithm == algorithm and algorithm in {EDDSA, ES256} else None",
        "return key",
        (f"{_ASSERTIONS_TEST}::test_stored_key_counts_for_the_algorithm_of_its_type_alone[ES256]",),
    ),
    Guard(
        "an RSA key has 2048 bits",
        f"{_ACCESS}/tokens.py",
        "case RSAPublicKey() if public.key_size >= _LEAST_RSA_BITS:",
        "case RSAPublicKey():",
        (
            "tests/service/test_logins.py::test_other_token_of_the_issuer_is_refused[a small RSA key]",
        ),
    ),
    Guard(
        "times are whole seconds",
        f"{_ACCESS}/tokens.py",
        "if not isinstance(value, int) or isinstance(value, bool):",
        "if False:",
        (f"{_CALLERS_TEST}::test_forged_or_slipshod_token_is_refused[no end]",),
    ),
    Guard(
        "an assertion says what it is",
        f"{_ACCESS}/assertions.py",
        ('    if not is_assertion(header):  # 1\n        raise CredentialError("TYPE")\n'),
        "",
        (f"{_CREDENTIAL_ATTACKS}[exchange under another type]",),
    ),
    Guard(
        "an assertion's header holds three parts",
        f"{_ACCESS}/assertions.py",
        ('    if header.keys() != _HEADER:\n        raise CredentialError("HEADER")\n'),
        "",
        (f"{_CREDENTIAL_ATTACKS}[no key id]",),
    ),
    Guard(
        "no claim is there that is not checked",
        f"{_ACCESS}/assertions.py",
        ('    if not claims.keys() <= _CLAIMS:  # 2\n        raise CredentialError("CLAIMS")\n'),
        "",
        (f"{_CREDENTIAL_ATTACKS}[a claim that makes staff of it]",),
    ),
    Guard(
        "an assertion is its application's own word",
        f"{_ACCESS}/assertions.py",
        ('    if claims.get("sub") != client_id:\n        raise CredentialError("SUBJECT")\n'),
        "",
        (f"{_CREDENTIAL_ATTACKS}[subject is not the issuer]",),
    ),
    Guard(
        "an assertion is signed",
        f"{_ACCESS}/assertions.py",
        "    require_signature(claimed.opened, key)  # 4\n",
        "",
        (f"{_CREDENTIAL_ATTACKS}[signature of zeros]",),
    ),
    Guard(
        "an assertion is for one method of one environment",
        f"{_ACCESS}/assertions.py",
        (
            '    if claims.get("aud") != expected.audience:  # 5\n'
            '        raise CredentialError("AUDIENCE")\n'
        ),
        "",
        (f"{_CREDENTIAL_ATTACKS}[another environment]",),
    ),
    Guard(
        "an assertion is good for a minute",
        f"{_ACCESS}/assertions.py",
        "0 < expires - issued <= MOST_SECONDS",
        "0 < expires - issued",
        (f"{_CREDENTIAL_ATTACKS}[good for too long]",),
    ),
    Guard(
        "an assertion is not of the future",
        f"{_ACCESS}/assertions.py",
        ('    if issued > seconds + SKEW_SECONDS:\n        raise CredentialError("NOT_YET")\n'),
        "",
        (f"{_CREDENTIAL_ATTACKS}[from the future]",),
    ),
    Guard(
        "an assertion that is over is refused",
        f"{_ACCESS}/assertions.py",
        "if expires <= seconds or issued < seconds - SKEW_SECONDS:",
        "if issued < seconds - SKEW_SECONDS:",
        (f"{_CREDENTIAL_ATTACKS}[over]",),
    ),
    Guard(
        "an assertion that is stale is refused",
        f"{_ACCESS}/assertions.py",
        "if expires <= seconds or issued < seconds - SKEW_SECONDS:",
        "if expires <= seconds:",
        (f"{_CREDENTIAL_ATTACKS}[stale]",),
    ),
    Guard(
        "an id that is used once is long enough",
        f"{_ACCESS}/assertions.py",
        "if not isinstance(once, str) or not _matches(_ONCE, once):  # 7",
        "if not isinstance(once, str):",
        (f"{_CREDENTIAL_ATTACKS}[a short id]",),
    ),
    Guard(
        "an assertion is of this very request",
        f"{_ACCESS}/assertions.py",
        '    _check_digest(claims, "bd", expected.request, "REQUEST")  # 8\n',
        "",
        (f"{_CREDENTIAL_ATTACKS}[another request]",),
    ),
    Guard(
        "an assertion is of this very agent token",
        f"{_ACCESS}/assertions.py",
        '    _check_digest(claims, "at", agent, "AGENT")  # 9\n',
        "",
        (f"{_CREDENTIAL_ATTACKS}[agent token swapped]",),
    ),
    Guard(
        "nothing is bound to what did not come",
        f"{_ACCESS}/assertions.py",
        ("        if name in claims:\n            raise CredentialError(fault)\n        return"),
        "        return",
        (f"{_CREDENTIAL_ATTACKS}[exchange with a digest]",),
    ),
    Guard(
        "a purpose that is signed is one of ours",
        f"{_ACCESS}/assertions.py",
        'if "pur" in claims and (not isinstance(purpose, str) or purpose not in PURPOSES):',
        "if False:",
        (f"{_CREDENTIAL_ATTACKS}[no purpose of ours]",),
    ),
    Guard(
        "a request is for the purpose that was signed",
        f"{_ACCESS}/assertions.py",
        "if signed_for and signed_for != purpose_name(requested):",
        "if False:",
        (
            f"{_ASSERTIONS_TEST}::test_request_for_another_purpose_than_was_signed_is_refused[ACCESS_ASSESSMENT-0]",
        ),
    ),
    Guard(
        "a revoked key signs nothing",
        f"{_STORAGE}/known_applications.py",
        "if row is None or row.revoked_at is not None:",
        "if row is None:",
        (f"{_CREDENTIAL_ATTACKS}[revoked key]",),
    ),
    Guard(
        "a key signs in its window alone",
        f"{_STORAGE}/known_applications.py",
        "return key if row.not_before <= now < row.not_after else None",
        "return key",
        (f"{_CREDENTIAL_ATTACKS}[key before its time]",),
    ),
    Guard(
        "a key is its application's",
        f"{_ACCESS}/credentials.py",
        ('        if key is None:\n            raise CredentialError("KEY")\n        checked'),
        ("        key = key or next(iter(known.keys.values()))[1]\n        checked"),
        (f"{_CREDENTIAL_ATTACKS}[revoked key]",),
    ),
    Guard(
        "an assertion is used once",
        f"{_ACCESS}/credentials.py",
        (
            "            if not used.use(work, claimed.client_id, checked.once, now=now):\n"
            '                raise AssertionUsedError("REPLAYED")\n'
        ),
        "            used.use(work, claimed.client_id, checked.once, now=now)\n",
        (f"{_CREDENTIAL_ATTACKS}[replayed]",),
    ),
    Guard(
        "an application that is stopped calls nothing",
        f"{_ACCESS}/credentials.py",
        (
            "        if not may_call(self._environment, row.state):\n"
            '            raise ApplicationNotActiveError("STATE")\n'
        ),
        "",
        (f"{_CREDENTIAL_ATTACKS}[suspended application]",),
    ),
    Guard(
        "a platform is named by its contract",
        f"{_ACCESS}/credentials.py",
        "if kind is None or (kind is CallerKind.PLATFORM and not row.platform):",
        "if kind is None:",
        (f"{_CREDENTIAL_ATTACKS}[application without a platform]",),
    ),
    Guard(
        "a token ends with its key",
        f"{_ACCESS}/credentials.py",
        ("        if known.key(caller.key_id, now) is None:\n            return False\n"),
        "",
        (
            f"{_CREDENTIALS_TEST}::test_what_is_taken_out_of_use_at_one_server_is_out_at_all[sqlite-key]",
        ),
    ),
    Guard(
        "a token is of the platform as it is now",
        f"{_ACCESS}/credentials.py",
        'return (_KINDS[row.role], row.platform or "") == (caller.kind, caller.platform)',
        "return True",
        (f"{_CREDENTIAL_ATTACKS}[token for another platform]",),
    ),
    Guard(
        "whether a token stands is looked at each time",
        f"{_RPC}/authentication.py",
        ("        if caller.key_id:  # 3\n            self._require_standing(caller, now)\n"),
        "",
        (
            f"{_CREDENTIALS_TEST}::test_what_is_taken_out_of_use_at_one_server_is_out_at_all[sqlite-key]",
        ),
    ),
    Guard(
        "who signed a stream is looked at again",
        f"{_RPC}/authentication.py",
        "            self._require_standing(received.signed_by, now)\n",
        "",
        (f"{_CREDENTIALS_TEST}::test_stream_ends_when_its_key_is_revoked[sqlite]",),
    ),
    Guard(
        "two credentials are none",
        f"{_RPC}/authentication.py",
        (
            "        if len(received.authorizations) > 1:  # 1\n"
            '            raise CredentialError("REPEATED")\n'
        ),
        "",
        ("tests/service/test_pipeline.py::test_two_credentials_are_none",),
    ),
)
