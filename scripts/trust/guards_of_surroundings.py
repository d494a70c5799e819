"""Guards of what the service talks to and is set up with.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_CLI: Final = "service/bonafides/cli"
_IDENTITY: Final = "service/bonafides/identity"
_PERSONAL: Final = "service/bonafides/personal"
_SERVICE: Final = "service/bonafides"
_COURIERS_TEST: Final = "tests/service/test_couriers.py"
_GOING_LIVE_TEST: Final = "tests/service/test_going_live.py"
_KEYS_TEST: Final = "tests/unit/test_keys.py"
_LOGGING_IN_TEST: Final = "tests/web/test_logging_in.py"
_LOGS_TEST: Final = "tests/unit/test_logs.py"
_SEALING_TEST: Final = "tests/unit/test_sealing.py"
_SERVER_TEST: Final = "tests/service/test_server.py"
_SIGNATURE_TEST: Final = "tests/unit/test_signature.py"
_SOURCES_TEST: Final = "tests/service/test_sources.py"
_SOURCING_TEST: Final = "tests/unit/test_sourcing.py"
_TLS_TEST: Final = "tests/service/test_tls.py"

GUARDS: Final = (
    Guard(
        "mail is handed over TLS",
        f"{_SERVICE}/mail.py",
        'if settings.smtp_tls == "none" and not is_loopback(settings.smtp_server):',
        "if False:",
        (f"{_COURIERS_TEST}::test_live_sends_by_its_mail_server_or_not_at_all",),
    ),
    Guard(
        "a database is of its environment",
        f"{_SERVICE}/opening.py",
        "if owner != settings.environment:",
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_attack_database_of_one_is_not_opened_by_the_other",),
    ),
    Guard(
        "live alone takes the word of a sandbox",
        f"{_SERVICE}/registers.py",
        'if settings.environment != "live":',
        "if False:",
        (f"{_GOING_LIVE_TEST}::test_sandbox_takes_nobodys_word",),
    ),
    Guard(
        "an answer that is packed is not read",
        f"{_IDENTITY}/http_sources.py",
        'if not response.is_success or "content-encoding" in response.headers:',
        "if False:",
        (
            f"{_SOURCES_TEST}::test_a_source_that_misbehaves_is_a_fault_and_never_an_answer[said to be packed-UNREADABLE-aliyun]",
        ),
    ),
    Guard(
        "an answer of a source is bounded",
        f"{_IDENTITY}/http_sources.py",
        "if len(body) > MAX_ANSWER_BYTES:",
        "if False:",
        (
            f"{_SOURCES_TEST}::test_a_source_that_misbehaves_is_a_fault_and_never_an_answer[huge-UNREADABLE-aliyun]",
        ),
    ),
    Guard(
        "an answer of a source has its time",
        f"{_IDENTITY}/http_sources.py",
        "if self._monotonic() > deadline:",
        "if False:",
        (
            f"{_SOURCES_TEST}::test_a_source_that_misbehaves_is_a_fault_and_never_an_answer[drip-TIMED_OUT-aliyun]",
        ),
    ),
    Guard(
        "live makes no keys",
        f"{_SERVICE}/keys.py",
        "if make is None:",
        "if False:",
        (f"{_KEYS_TEST}::test_live_makes_no_key_and_names_file_and_remedy",),
    ),
    Guard(
        "a key that others can read is refused",
        f"{_SERVICE}/keys.py",
        "if mode & _READABLE_BY_OTHERS:",
        "if False:",
        (f"{_KEYS_TEST}::test_key_that_others_can_open_is_refused[416-kek.bin]",),
    ),
    Guard(
        "TLS has certificate and key",
        f"{_SERVICE}/listening.py",
        "if (settings.tls_certificate is None) != (settings.tls_key is None):",
        "if False:",
        (f"{_SERVER_TEST}::test_half_of_a_tls_pair_is_refused[tls_certificate]",),
    ),
    Guard(
        "a key of keys has its length",
        f"{_PERSONAL}/sealing.py",
        "if len(kek) != KEY_BYTES:",
        "if False:",
        (f"{_SEALING_TEST}::test_key_of_another_length_is_refused",),
    ),
    Guard(
        "a source has a name of its own",
        f"{_SERVICE}/sourcing.py",
        "if taken or not isinstance(name, str) or not _NAME.fullmatch(name):",
        "if False:",
        (f"{_SOURCING_TEST}::test_two_sources_of_one_name_are_refused",),
    ),
    Guard(
        "a source is asked over TLS",
        f"{_SERVICE}/sourcing.py",
        "if not isinstance(url, str) or not _is_safe(url):",
        "if False:",
        (
            f'{_SOURCING_TEST}::test_a_source_at_fault_stops_the_start_with_a_remedy[name = "one"\\nshape = "gleif"\\nurl = "http://example.com/"-https://]',
        ),
    ),
    Guard(
        "a source leads nowhere else",
        f"{_IDENTITY}/http_sources.py",
        "            follow_redirects=False,\n",
        "            follow_redirects=True,\n",
        (
            f"{_SOURCES_TEST}::test_a_source_that_misbehaves_is_a_fault_and_never_an_answer[moved-UNREADABLE-aliyun]",
        ),
    ),
    Guard(
        "a number is sent of types that are taken",
        f"{_IDENTITY}/http_sources.py",
        "if number is not None and number.type in self._shape.id_types:",
        "if number is not None:",
        (f"{_SOURCES_TEST}::test_a_number_of_a_type_that_the_source_does_not_take_is_not_sent",),
    ),
    Guard(
        "mail in a folder is read by its owner alone",
        f"{_IDENTITY}/couriers.py",
        "os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600\n",
        "os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644\n",
        (f"{_COURIERS_TEST}::test_sandbox_writes_to_a_folder_that_nobody_else_reads",),
    ),
    Guard(
        "a wrapped key is its subject's",
        f"{_PERSONAL}/sealing.py",
        "return SubjectKey(self._wrapping.decrypt(wrapped, subject.encode()))",
        "return SubjectKey(self._wrapping.decrypt(wrapped, wrapped[:0]))",
        (f"{_SEALING_TEST}::test_sealed_value_is_read_back_with_the_unwrapped_key",),
    ),
    Guard(
        "an index is of its environment",
        f"{_PERSONAL}/sealing.py",
        '_derived(kek, f"index|{environment}")',
        '_derived(kek, "index")',
        (f"{_SEALING_TEST}::test_sandbox_row_does_not_open_in_live",),
    ),
    Guard(
        "an index is of its field",
        f"{_PERSONAL}/sealing.py",
        '_keyed(hmac.digest(self._indexing, field.encode(), "sha256"))',
        '_keyed(hmac.digest(self._indexing, b"", "sha256"))',
        (f"{_SEALING_TEST}::test_index_tells_fields_apart_and_is_stable",),
    ),
    Guard(
        "a key is wrapped for its subject",
        f"{_PERSONAL}/sealing.py",
        "return SubjectKey(key), WrappedKey(self._wrapping.encrypt(key, subject.encode()))",
        'return SubjectKey(key), WrappedKey(self._wrapping.encrypt(key, b""))',
        (f"{_SEALING_TEST}::test_sealed_value_is_read_back_with_the_unwrapped_key",),
    ),
    Guard(
        "live trusts the key of its cards",
        f"{_SERVICE}/card_keys.py",
        "    if key is None and live:",
        "    if False:",
        (f"{_SIGNATURE_TEST}::test_live_without_a_trusted_key_is_refused_and_a_sandbox_is_not",),
    ),
    Guard(
        "live serves no generated card",
        f"{_SERVICE}/card_keys.py",
        '    if card.basis == "SYNTHETIC" and live:',
        "    if False:",
        (f"{_SIGNATURE_TEST}::test_a_synthetic_card_is_not_served_in_live_whoever_signed_it",),
    ),
    Guard(
        "live makes no key for cards",
        f"{_SERVICE}/card_keys.py",
        '    if settings.environment == "live" and not file.exists():',
        "    if False:",
        (f"{_SIGNATURE_TEST}::test_live_makes_no_signing_key_and_names_how_to_make_one",),
    ),
    Guard(
        "live does not tell its schema",
        f"{_SERVICE}/server.py",
        'reflected=settings.environment != "live",',
        "reflected=True,",
        (f"{_SERVER_TEST}::test_live_does_not_tell_its_schema_and_takes_no_sandbox_token",),
    ),
    Guard(
        "a library's log is kept without its words",
        f"{_SERVICE}/logs.py",
        '            place=f"{record.module}:{record.lineno}",\n',
        "            place=record.getMessage(),\n",
        (f"{_LOGS_TEST}::test_what_libraries_log_is_kept_without_what_they_say",),
    ),
    Guard(
        "logins of the command line are their owner's",
        f"{_CLI}/login_file.py",
        "            if os.fstat(opened.fileno()).st_mode & _OTHERS:",
        "            if False:",
        (f"{_LOGGING_IN_TEST}::test_token_is_kept_for_its_owner_alone",),
    ),
    Guard(
        "a login of the command line ends",
        f"{_CLI}/login_file.py",
        "    if login is not None and login.expires_at <= time.time():",
        "    if False:",
        (f"{_LOGGING_IN_TEST}::test_login_that_has_ended_is_said_to_have",),
    ),
    Guard(
        "a login of the command line goes to its own server",
        f"{_CLI}/login_file.py",
        "    login = _read().get(server)\n",
        "    login = next(iter(_read().values()), None)\n",
        (f"{_LOGGING_IN_TEST}::test_token_goes_to_its_own_server_alone",),
    ),
    Guard(
        "an answer to the command line bears its state",
        f"{_CLI}/provider.py",
        (
            "            known = asked.path == _CALLBACK and secrets.compare_digest(\n"
            '                told.get("state", "").encode(), state.encode()\n'
            "            )\n"
        ),
        "            known = asked.path == _CALLBACK\n",
        (f"{_LOGGING_IN_TEST}::test_answer_with_another_state_ends_nothing",),
    ),
    Guard(
        "the command line logs in over TLS",
        f"{_CLI}/provider.py",
        '    if not address.startswith("https://") and not is_loopback(address):',
        "    if False:",
        (
            f"{_LOGGING_IN_TEST}::test_provider_that_is_none_is_named_with_the_remedy[http://login.example-not https]",
        ),
    ),
    Guard(
        "plaintext stays on this machine whatever its name says",
        f"{_SERVICE}/listening.py",
        "    return all(ipaddress.ip_address(each[4][0]).is_loopback for each in found)\n",
        "    return True\n",
        (f"{_TLS_TEST}::test_plaintext_is_refused_on_a_localhost_that_is_another_machine",),
    ),
    Guard(
        "a key is made for its owner alone",
        f"{_SERVICE}/keys.py",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)",
        (f"{_KEYS_TEST}::test_first_run_makes_private_keys_and_warns_on_stderr",),
    ),
    Guard(
        "keys stand in no text of theirs",
        f"{_SERVICE}/keys.py",
        "    kek: bytes = field(repr=False)\n",
        "    kek: bytes\n",
        (f"{_KEYS_TEST}::test_repr_of_keys_holds_nothing_of_them",),
    ),
)
