"""Guards of the website, and of where the server listens.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_WEB: Final = "service/bonafides/web"
_SERVICE: Final = "service/bonafides"
_ATTACKS_TEST: Final = "tests/web/test_attacks.py"
_DOORS_TEST: Final = "tests/unit/test_doors.py"
_VISITS_TEST: Final = "tests/unit/test_visits.py"

GUARDS: Final = (
    Guard(
        "a form bears its session's token",
        f"{_WEB}/visits.py",
        (
            "    if not hmac.compare_digest(given.encode(), visit.session.csrf.encode()):\n"
            "        return True\n"
        ),
        "",
        (f"{_VISITS_TEST}::test_form_with_another_token_is_forged[x]",),
    ),
    Guard(
        "a form comes from our own origin",
        f"{_WEB}/visits.py",
        ("    if origin is not None and origin != visit.world.site.origin:\n        return True\n"),
        "",
        (f"{_VISITS_TEST}::test_form_of_another_site_is_forged_though_it_has_the_token[headers0]",),
    ),
    Guard(
        "one is led to our own pages alone",
        f"{_WEB}/visits.py",
        'return path if _OWN_PATH.fullmatch(path) else "/"',
        "return path",
        (f"{_ATTACKS_TEST}::test_own_path_takes_own_paths_alone",),
    ),
    Guard(
        "logging out ends the session",
        f"{_WEB}/login.py",
        ("        visit.world.sessions.end(visit.session)\n    visit.session = None\n"),
        ("        pass\n    visit.session = None\n"),
        (f"{_ATTACKS_TEST}::test_logged_out_session_is_over_for_whoever_has_its_id",),
    ),
    Guard(
        "the website has no plaintext port that others reach",
        f"{_SERVICE}/website.py",
        "    if not has_tls(settings) and not listening.stays_here(settings.web_listen):\n",
        "    if False:\n",
        (
            "tests/web/test_attacks.py::test_plaintext_port_outside_this_machine_is_refused_to_a_proxy_too[https://example.com-0.0.0.0:8080]",
        ),
    ),
    Guard(
        "no page runs a script or stands in a frame",
        f"{_WEB}/doors.py",
        '                headers["Content-Security-Policy"] = self._policy\n',
        "",
        (f"{_DOORS_TEST}::test_every_answer_keeps_a_page_to_itself[/]",),
    ),
    Guard(
        "plaintext is served on loopback alone",
        f"{_SERVICE}/listening.py",
        "if settings.tls_certificate is None and not stays_here(settings.listen):",
        "if False:",
        (
            "tests/service/test_tls.py::test_plaintext_is_refused_wherever_it_could_be_reached_from_outside[0.0.0.0:0]",
        ),
    ),
)
