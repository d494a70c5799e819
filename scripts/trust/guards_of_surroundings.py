"""Guards of what the service talks to and is set up with.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_PERSONAL: Final = "service/bonafides/personal"
_SERVICE: Final = "service/bonafides"
_COURIERS_TEST: Final = "tests/service/test_couriers.py"
_GOING_LIVE_TEST: Final = "tests/service/test_going_live.py"
_KEYS_TEST: Final = "tests/unit/test_keys.py"
_SEALING_TEST: Final = "tests/unit/test_sealing.py"
_SERVER_TEST: Final = "tests/service/test_server.py"
_SOURCES_TEST: Final = "tests/service/test_sources.py"
_SOURCING_TEST: Final = "tests/unit/test_sourcing.py"

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
)
