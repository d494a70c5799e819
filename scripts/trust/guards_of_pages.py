"""Guards of the website: answers, cookies, forms and logins.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_SERVICE: Final = "service/bonafides"
_WEB: Final = "service/bonafides/web"
_ATTACKS_TEST: Final = "tests/web/test_attacks.py"
_DOORS_TEST: Final = "tests/unit/test_doors.py"
_FORMS_TEST: Final = "tests/web/test_forms.py"
_LOCAL_ISSUER_TEST: Final = "tests/unit/test_local_issuer.py"
_SESSIONS_TEST: Final = "tests/unit/test_sessions.py"
_VISITS_TEST: Final = "tests/unit/test_visits.py"

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
        (
            f"{_VISITS_TEST}::test_address_of_a_visitor_is_the_word_of_our_own_proxy[no proxy of ours]",
        ),
    ),
    Guard(
        "a body that comes longer is cut off",
        f"{_WEB}/doors.py",
        "if came > most:",
        "if False:",
        (f"{_DOORS_TEST}::test_body_that_comes_longer_is_cut_off",),
    ),
    Guard(
        "a login's code goes to known addresses alone",
        f"{_WEB}/local_issuer.py",
        "if not self._is_known(client, address):",
        "if False:",
        (f"{_ATTACKS_TEST}::test_provider_sends_codes_to_the_site_alone",),
    ),
    Guard(
        "codes of the command line go to loopback alone",
        f"{_WEB}/local_issuer.py",
        "return _LOOPBACK.fullmatch(address) is not None",
        "return True",
        (
            f"{_LOCAL_ISSUER_TEST}::test_codes_are_sent_where_their_client_is_alone[bonafides-cli-http://x/y-False]",
        ),
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
        "a login begins by a form of ours",
        f"{_WEB}/login.py",
        "if session is None or forged_by(visit):",
        "if False:",
        (f"{_ATTACKS_TEST}::test_csrf_login_begins_by_a_form_of_the_session_alone",),
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
        "a form without a session is refused",
        f"{_WEB}/visits.py",
        "    if visit.session is None:\n        return True\n",
        "",
        (f"{_VISITS_TEST}::test_form_without_a_session_is_forged",),
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
        "token_ends_at = now + min(seconds, _MOST_SECONDS)",
        "token_ends_at = now + seconds",
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
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page stands in no frame of old browsers",
        f"{_WEB}/doors.py",
        '    "X-Frame-Options": "DENY",\n',
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page tells other sites no address",
        f"{_WEB}/doors.py",
        '    "Referrer-Policy": "same-origin",\n',
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page shares no window",
        f"{_WEB}/doors.py",
        '    "Cross-Origin-Opener-Policy": "same-origin",\n',
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page is embedded by no other site",
        f"{_WEB}/doors.py",
        '    "Cross-Origin-Resource-Policy": "same-origin",\n',
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page uses no camera and no microphone",
        f"{_WEB}/doors.py",
        '    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",\n',
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page loads nothing from elsewhere",
        f"{_WEB}/doors.py",
        "default-src 'none'; ",
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page has no other base",
        f"{_WEB}/doors.py",
        " base-uri 'none'; ",
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a page stands in no frame",
        f"{_WEB}/doors.py",
        "frame-ancestors 'none'; ",
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a form leads to our own site",
        f"{_WEB}/doors.py",
        "form-action 'self'{form_targets}",
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "browsers come back over TLS alone",
        f"{_WEB}/doors.py",
        'headers["Strict-Transport-Security"] = "max-age=31536000"',
        "pass",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "a cookie goes over TLS alone",
        f"{_WEB}/doors.py",
        'secure = "; Secure" if self._site.secure else ""',
        'secure = ""',
        (f"{_DOORS_TEST}::test_cookie_goes_over_tls_to_its_own_host_and_no_script_reads_it",),
    ),
    Guard(
        "a cookie is bound to its host",
        f"{_WEB}/doors.py",
        '"__Host-session" if site.secure else "session"',
        '"session"',
        (f"{_DOORS_TEST}::test_cookie_goes_over_tls_to_its_own_host_and_no_script_reads_it",),
    ),
    Guard(
        "no script reads the cookie",
        f"{_WEB}/doors.py",
        "Path=/; HttpOnly; SameSite=Lax",
        "Path=/; SameSite=Lax",
        (f"{_DOORS_TEST}::test_cookie_goes_over_tls_to_its_own_host_and_no_script_reads_it",),
    ),
    Guard(
        "the cookie is not sent from other sites",
        f"{_WEB}/doors.py",
        "HttpOnly; SameSite=Lax",
        "HttpOnly",
        (f"{_DOORS_TEST}::test_cookie_goes_over_tls_to_its_own_host_and_no_script_reads_it",),
    ),
    Guard(
        "pages of who is logged in are stored nowhere",
        f"{_WEB}/doors.py",
        '"no-store" if before or after else "no-cache"',
        '"no-cache"',
        (f"{_DOORS_TEST}::test_pages_of_a_session_are_stored_nowhere_and_pages_differ_by_cookie",),
    ),
    Guard(
        "pages differ by cookie",
        f"{_WEB}/doors.py",
        '        headers["Vary"] = "Cookie"\n',
        "",
        (f"{_DOORS_TEST}::test_pages_of_a_session_are_stored_nowhere_and_pages_differ_by_cookie",),
    ),
    Guard(
        "the website is served by its own name",
        f"{_WEB}/doors.py",
        'if headers.get("host", "") != self._site.host:',
        "if False:",
        (f"{_DOORS_TEST}::test_host_of_somebody_else_is_not_served[]",),
    ),
    Guard(
        "a body that says it is larger is refused",
        f"{_WEB}/doors.py",
        "if not told.isdecimal() or int(told) > most:",
        "if False:",
        (f"{_DOORS_TEST}::test_body_that_says_it_is_too_large_is_refused[/-65537-413]",),
    ),
    Guard(
        "a form comes from our own site",
        f"{_WEB}/visits.py",
        'return told.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}',
        "return False",
        (f"{_VISITS_TEST}::test_form_of_another_site_is_forged_though_it_has_the_token[headers4]",),
    ),
    Guard(
        "nothing in a page is markup",
        f"{_WEB}/app.py",
        "autoescape=True,",
        "autoescape=False,",
        ("tests/web/test_injection.py::test_markup_in_what_a_visitor_sends_stays_text",),
    ),
    Guard(
        "fields of a form are bounded",
        f"{_WEB}/visits.py",
        "read = await request.form(max_fields=_MOST_FIELDS)",
        "read = await request.form(max_fields=100_000)",
        (f"{_ATTACKS_TEST}::test_form_of_too_many_fields_is_refused",),
    ),
    Guard(
        "a login's code is kept for its term",
        f"{_WEB}/local_issuer.py",
        "return grant if grant is not None and grant.expires_at > self._seconds() else None",
        "return grant",
        (f"{_LOCAL_ISSUER_TEST}::test_code_is_good_until_its_minute_is_over",),
    ),
    Guard(
        "a login's code is good once",
        f"{_WEB}/local_issuer.py",
        "grant = self._grants.pop(code, None)",
        "grant = self._grants.get(code)",
        (f"{_LOCAL_ISSUER_TEST}::test_code_is_good_once",),
    ),
    Guard(
        "a login's code is for its verifier",
        f"{_WEB}/local_issuer.py",
        "            or not hmac.compare_digest(challenge, grant.challenge)\n",
        "",
        (
            f"{_ATTACKS_TEST}::test_code_of_a_login_is_worth_nothing_beside_what_it_was_given_for[another verifier]",
        ),
    ),
    Guard(
        "a login's code is for its client",
        f"{_WEB}/local_issuer.py",
        '            or told.get("client_id") != grant.client\n',
        "",
        (
            f"{_ATTACKS_TEST}::test_code_of_a_login_is_worth_nothing_beside_what_it_was_given_for[another client]",
        ),
    ),
    Guard(
        "a login's code is for its address",
        f"{_WEB}/local_issuer.py",
        '            or told.get("redirect_uri") != grant.address\n',
        "",
        (
            f"{_ATTACKS_TEST}::test_code_of_a_login_is_worth_nothing_beside_what_it_was_given_for[another address]",
        ),
    ),
    Guard(
        "codes of the site go to the site",
        f"{_WEB}/local_issuer.py",
        "return client == CLIENT and address == self._callback",
        "return client == CLIENT",
        (
            f"{_LOCAL_ISSUER_TEST}::test_codes_are_sent_where_their_client_is_alone[bonafides-web-http://x/y/z-False]",
        ),
    ),
    Guard(
        "a login has a verifier",
        f"{_WEB}/local_issuer.py",
        '            and told.get("code_challenge_method") == "S256"\n',
        "",
        (f"{_ATTACKS_TEST}::test_provider_gives_no_code_without_what_makes_it_safe[changes0]",),
    ),
    Guard(
        "a login's code is kept with few others",
        f"{_WEB}/local_issuer.py",
        (
            "            if len(self._grants) > _MOST_CODES:\n"
            "                self._grants.popitem(last=False)\n"
        ),
        "",
        (f"{_LOCAL_ISSUER_TEST}::test_codes_that_nobody_takes_push_out_the_oldest",),
    ),
    Guard(
        "an uploaded form is bounded",
        f"{_WEB}/doors.py",
        'most = UPLOAD_BYTES if self._uploads(scope["path"]) else FORM_BYTES',
        "most = UPLOAD_BYTES",
        (f"{_DOORS_TEST}::test_body_that_says_it_is_too_large_is_refused[/-65537-413]",),
    ),
    Guard(
        "the cookie of who left is taken away",
        f"{_WEB}/doors.py",
        '            headers.append("Set-Cookie", self._set_cookie("", "; Max-Age=0"))',
        "            pass",
        (f"{_DOORS_TEST}::test_cookie_goes_with_its_session",),
    ),
    Guard(
        "a proxy's own word counts on the website",
        f"{_WEB}/clients.py",
        'return _address(told[-1].rpartition(",")[2]) if told else peer',
        'return _address(told[0].partition(",")[0]) if told else peer',
        (
            f"{_VISITS_TEST}::test_address_of_a_visitor_is_the_word_of_our_own_proxy[behind what it was told]",
        ),
    ),
    Guard(
        "a form's token is its session's",
        f"{_WEB}/visits.py",
        "if not hmac.compare_digest(given.encode(), visit.session.csrf.encode()):",
        "if not given:",
        (f"{_VISITS_TEST}::test_form_with_another_token_is_forged[x]",),
    ),
    Guard(
        "a session's id stands in no text of its",
        f"{_WEB}/sessions.py",
        "    id: str = field(repr=False)\n",
        "    id: str\n",
        (f"{_SESSIONS_TEST}::test_ids_and_tokens_stand_in_no_repr",),
    ),
    Guard(
        "a form's token stands in no text of its session",
        f"{_WEB}/sessions.py",
        "    csrf: str = field(repr=False)\n",
        "    csrf: str\n",
        (f"{_SESSIONS_TEST}::test_ids_and_tokens_stand_in_no_repr",),
    ),
    Guard(
        "own paths lead to no other host",
        f"{_WEB}/visits.py",
        "    r\"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%?-][A-Za-z0-9._~!$&'()*+,;=:@%?/-]*)?\"",
        '    r"/.*"',
        (f"{_ATTACKS_TEST}::test_own_path_takes_own_paths_alone",),
    ),
)
