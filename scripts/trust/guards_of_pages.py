"""Guards of the website: answers, cookies, forms and logins.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_SERVICE: Final = "service/bonafides"
_WEB: Final = "service/bonafides/web"
_ATTACKS_TEST: Final = "tests/web/test_attacks.py"
_FORMS_TEST: Final = "tests/web/test_forms.py"
_PAGES_TEST: Final = "tests/web/test_pages.py"
_SESSIONS_TEST: Final = "tests/unit/test_sessions.py"

GUARDS: Final = (
    Guard(
        "a consent on the website names what it is to",
        f"{_WEB}/agreed_pages.py",
        "if text is None or _PREFIX + kind not in _PURPOSES or not document or not _is_day(until):",
        "if False:",
        (f"{_FORMS_TEST}::test_consent_to_nothing_that_there_is_is_refused[changes0]",),
    ),
    Guard(
        "only a proxy that the website names is believed",
        f"{_WEB}/clients.py",
        "if peer not in trusted:",
        "if False:",
        (f"{_PAGES_TEST}::test_address_that_a_visitor_claims_is_not_believed",),
    ),
    Guard(
        "a login's code goes to known addresses alone",
        f"{_WEB}/local_issuer.py",
        "if not self._is_known(client, address):",
        "if False:",
        (f"{_ATTACKS_TEST}::test_provider_sends_codes_to_the_site_alone",),
    ),
    Guard(
        "a login's code is good once and for its verifier",
        f"{_WEB}/local_issuer.py",
        (
            "grant is None\n"
            '            or told.get("grant_type") != "authorization_code"\n'
            '            or told.get("client_id") != grant.client\n'
            '            or told.get("redirect_uri") != grant.address\n'
            "            or not hmac.compare_digest(challenge, grant.challenge)"
        ),
        "False",
        (f"{_ATTACKS_TEST}::test_code_of_a_login_is_good_once_and_for_its_verifier",),
    ),
    Guard(
        "what is erased was asked for twice",
        f"{_WEB}/rights_pages.py",
        'if visit.form.get("sure") != "yes":',
        "if False:",
        (f"{_FORMS_TEST}::test_erasing_is_asked_twice_and_then_done",),
    ),
    Guard(
        "the website is not served plainly outside",
        f"{_WEB}/site.py",
        'if parts.scheme == "http" and parts.hostname not in LOOPBACK:',
        "if False:",
        (f"{_ATTACKS_TEST}::test_plain_http_outside_this_machine_is_refused",),
    ),
    Guard(
        "a page for who is logged in asks to log in",
        f"{_WEB}/visits.py",
        "if page.login and not visit.logged_in:  # 1",
        "if False:  # 1",
        (f"{_ATTACKS_TEST}::test_logged_out_session_is_over_for_whoever_has_its_id",),
    ),
    Guard(
        "live has no provider of its own",
        f"{_SERVICE}/website.py",
        'elif settings.environment == "live":',
        "elif False:",
        (f"{_ATTACKS_TEST}::test_live_has_no_provider_of_its_own",),
    ),
    Guard(
        "the provider of live is another's over TLS",
        f"{_SERVICE}/website.py",
        'if not issuer.startswith("https://") or local_issuer.PATH in issuer:',
        "if False:",
        (f"{_ATTACKS_TEST}::test_live_has_no_provider_of_its_own",),
    ),
    Guard(
        "login on the website ends the session from before",
        f"{_WEB}/sessions.py",
        "        self.end(before)\n",
        "",
        (f"{_SESSIONS_TEST}::test_session_fixation_login_ends_the_session_before",),
    ),
    Guard(
        "a login on the website lives an hour at most",
        f"{_WEB}/sessions.py",
        "expires_at = now + min(seconds, _MOST_SECONDS)",
        "expires_at = now + seconds",
        (f"{_SESSIONS_TEST}::test_login_lives_an_hour_at_most_whatever_the_provider_says",),
    ),
    Guard(
        "a session that is over is none",
        f"{_WEB}/sessions.py",
        "                if found.expires_at > now:\n",
        "                if True:\n",
        (f"{_SESSIONS_TEST}::test_session_is_over_at_its_end_and_stays_over",),
    ),
    Guard(
        "sessions that wait are bounded",
        f"{_WEB}/sessions.py",
        ("            if len(held) > most:\n                held.popitem(last=False)\n"),
        "",
        (
            f"{_SESSIONS_TEST}::test_sessions_that_wait_push_out_the_oldest_of_them_and_nobody_logged_in",
        ),
    ),
    Guard(
        "a page is not guessed to be another type",
        f"{_WEB}/doors.py",
        '    "X-Content-Type-Options": "nosniff",\n',
        "",
        (f"{_ATTACKS_TEST}::test_every_answer_forbids_scripts_frames_and_other_hosts",),
    ),
    Guard(
        "a page stands in no frame of old browsers",
        f"{_WEB}/doors.py",
        '    "X-Frame-Options": "DENY",\n',
        "",
        (f"{_ATTACKS_TEST}::test_every_answer_forbids_scripts_frames_and_other_hosts",),
    ),
    Guard(
        "a page loads nothing from elsewhere",
        f"{_WEB}/doors.py",
        "default-src 'none'; ",
        "",
        (f"{_ATTACKS_TEST}::test_every_answer_forbids_scripts_frames_and_other_hosts",),
    ),
    Guard(
        "a page stands in no frame",
        f"{_WEB}/doors.py",
        "frame-ancestors 'none'; ",
        "",
        (f"{_ATTACKS_TEST}::test_every_answer_forbids_scripts_frames_and_other_hosts",),
    ),
    Guard(
        "no script reads the cookie",
        f"{_WEB}/doors.py",
        "Path=/; HttpOnly; SameSite=Lax",
        "Path=/; SameSite=Lax",
        (f"{_ATTACKS_TEST}::test_cookie_holds_an_id_alone_and_no_script_reads_it",),
    ),
    Guard(
        "the cookie is not sent from other sites",
        f"{_WEB}/doors.py",
        "HttpOnly; SameSite=Lax",
        "HttpOnly",
        (f"{_ATTACKS_TEST}::test_cookie_holds_an_id_alone_and_no_script_reads_it",),
    ),
    Guard(
        "pages of who is logged in are stored nowhere",
        f"{_WEB}/doors.py",
        '"no-store" if before or after else "no-cache"',
        '"no-cache"',
        (f"{_ATTACKS_TEST}::test_pages_of_who_is_logged_in_are_stored_nowhere",),
    ),
    Guard(
        "the website is served by its own name",
        f"{_WEB}/doors.py",
        'if headers.get("host", "") != self._site.host:',
        "if False:",
        (f"{_ATTACKS_TEST}::test_host_of_somebody_else_is_not_served",),
    ),
    Guard(
        "a body that says it is larger is refused",
        f"{_WEB}/doors.py",
        "if not told.isdecimal() or int(told) > most:",
        "if False:",
        (f"{_ATTACKS_TEST}::test_oversized_form_is_refused_before_it_is_read",),
    ),
    Guard(
        "a form comes from our own site",
        f"{_WEB}/visits.py",
        'return told.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}',
        "return False",
        (
            f"{_ATTACKS_TEST}::test_csrf_form_of_another_site_is_refused_though_it_has_the_token[header2]",
        ),
    ),
    Guard(
        "nothing in a page is markup",
        f"{_WEB}/app.py",
        "autoescape=True,",
        "autoescape=False,",
        (f"{_ATTACKS_TEST}::test_markup_in_what_a_visitor_sends_stays_text",),
    ),
    Guard(
        "fields of a form are bounded",
        f"{_WEB}/visits.py",
        "read = await request.form(max_fields=_MOST_FIELDS)",
        "read = await request.form(max_fields=100_000)",
        (f"{_ATTACKS_TEST}::test_form_of_too_many_fields_is_refused",),
    ),
    Guard(
        "a login's code is good once",
        f"{_WEB}/local_issuer.py",
        "grant = self._grants.pop(code, None)",
        "grant = self._grants.get(code)",
        (f"{_ATTACKS_TEST}::test_code_of_a_login_is_good_once_and_for_its_verifier",),
    ),
    Guard(
        "a login's code is for its verifier",
        f"{_WEB}/local_issuer.py",
        "            or not hmac.compare_digest(challenge, grant.challenge)\n",
        "",
        (f"{_ATTACKS_TEST}::test_code_of_a_login_is_good_once_and_for_its_verifier",),
    ),
    Guard(
        "codes of the site go to the site",
        f"{_WEB}/local_issuer.py",
        "return client == CLIENT and address == self._callback",
        "return client == CLIENT",
        (f"{_ATTACKS_TEST}::test_provider_sends_codes_to_the_site_alone",),
    ),
    Guard(
        "a login has a verifier",
        f"{_WEB}/local_issuer.py",
        '            and told.get("code_challenge_method") == "S256"\n',
        "",
        (f"{_ATTACKS_TEST}::test_provider_gives_no_code_without_what_makes_it_safe[changes0]",),
    ),
)
