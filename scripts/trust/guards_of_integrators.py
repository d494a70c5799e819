"""Guards of integrators: links, authorizations, and what they open.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_STORAGE: Final = "service/bonafides/storage"
_CROSSING_TEST: Final = "tests/service/test_crossing.py"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"

GUARDS: Final = (
    Guard(
        "a link asks for scopes that are there",
        f"{_IDENTITY}/integrator_operations.py",
        "_require_scopes(scopes)",
        "pass",
        (f"{_INTEGRATORS_TEST}::test_link_asks_for_scopes_that_there_are[sqlite]",),
    ),
    Guard(
        "a link's request id is one request's",
        f"{_IDENTITY}/integrator_operations.py",
        "require_same(known.scopes, made.scopes)",
        "pass",
        (
            f"{_INTEGRATORS_TEST}::test_link_and_authorization_are_made_once_for_a_request_id[sqlite]",
        ),
    ),
    Guard(
        "links of one application are bounded",
        f"{_IDENTITY}/integrator_operations.py",
        "_limit(rows.urls_since(work, client_id, since), rules.URLS_PER_DAY, now)",
        "pass",
        (f"{_INTEGRATORS_TEST}::test_links_of_an_application_are_limited_by_day[sqlite]",),
    ),
    Guard(
        "an authorization's request id is one request's",
        f"{_IDENTITY}/integrator_operations.py",
        "            _require_same(work, room, made, given)\n",
        "            pass\n",
        (
            f"{_INTEGRATORS_TEST}::test_link_and_authorization_are_made_once_for_a_request_id[sqlite]",
        ),
    ),
    Guard(
        "an authorization code that is not good gives no token",
        f"{_IDENTITY}/integrator_operations.py",
        ("        if made is None:\n            raise CodeNotValidError\n"),
        ("        if False:\n            raise CodeNotValidError\n"),
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "test tokens are for test enterprises alone",
        f"{_IDENTITY}/integrator_operations.py",
        "if code.region != GENERATED_REGION:",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_sandbox_authorizes_for_generated_enterprises_alone[sqlite]",),
    ),
    Guard(
        "an owner alone takes an authorization back",
        f"{_IDENTITY}/integrator_operations.py",
        "require_actor(work, actor, code)",
        "pass",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "who is not live makes no link",
        f"{_IDENTITY}/integrator_operations.py",
        "if found.state != rows.LIVE:",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_link_is_made_by_a_live_application_alone[sqlite-DRAFT]",),
    ),
    Guard(
        "an authorization gives scopes that are there",
        f"{_IDENTITY}/integrator_operations.py",
        "_require_scopes(given.scopes)",
        "pass",
        (
            f"{_INTEGRATORS_TEST}::test_faulty_authorization_names_field_and_remedy[sqlite-change1-scopes[1]-NO_SUCH_SCOPE]",
        ),
    ),
    Guard(
        "who has no link authorizes nobody",
        f"{_IDENTITY}/integrator_operations.py",
        "if link is None:",
        "if False:",
        (
            f"{_INTEGRATORS_TEST}::test_faulty_authorization_names_field_and_remedy[sqlite-change0-url_code-NO_SUCH_LINK]",
        ),
    ),
    Guard(
        "an authorization gives what the link asks for",
        f"{_IDENTITY}/integrator_operations.py",
        "if asked:",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "real enterprises authorize nobody in sandbox",
        f"{_IDENTITY}/integrator_operations.py",
        "if room.environment == _SANDBOX and code.region != GENERATED_REGION:",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_sandbox_authorizes_for_generated_enterprises_alone[sqlite]",),
    ),
    Guard(
        "who is not live is not authorized",
        f"{_IDENTITY}/integrator_operations.py",
        "if link.integrator.state != rows.LIVE:",
        "if False:",
        (
            f"{_INTEGRATORS_TEST}::test_link_of_an_application_that_is_live_no_more_leads_nowhere[sqlite]",
        ),
    ),
    Guard(
        "who is not verified authorizes nobody",
        f"{_IDENTITY}/integrator_operations.py",
        "if not rows.is_verified(work, code.text, now):",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_enterprise_that_is_not_verified_authorizes_nobody[sqlite]",),
    ),
    Guard(
        "open authorizations are bounded",
        f"{_IDENTITY}/integrator_operations.py",
        "if len(open_ones) >= rules.MOST_OPEN:",
        "if False:",
        (f"{_INTEGRATORS_TEST}::test_authorizations_are_limited_by_day_and_in_all[sqlite]",),
    ),
    Guard(
        "authorizations of a day are bounded",
        f"{_IDENTITY}/integrator_operations.py",
        "_limit(lately, rules.AUTHORIZATIONS_PER_DAY, now)",
        "pass",
        (f"{_INTEGRATORS_TEST}::test_authorizations_are_limited_by_day_and_in_all[sqlite]",),
    ),
    Guard(
        "an authorization of another is not found",
        f"{_IDENTITY}/integrator_operations.py",
        (
            "    if found is None:\n"
            "        raise NotFoundError\n"
            "    if found.revoked_at is not None:\n"
        ),
        ("    if False:\n        raise NotFoundError\n    if found.revoked_at is not None:\n"),
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "an enterprise's statistics are its own",
        f"{_IDENTITY}/integrator_operations.py",
        (
            "        require_reader(work, actor, code)\n"
            "        return rows.count(work, code=code, now=now)\n"
        ),
        ("        pass\n        return rows.count(work, code=code, now=now)\n"),
        (f"{_CROSSING_TEST}::test_other_s_enterprise_is_not_found_by_any_owner_s_method[sqlite]",),
    ),
    Guard(
        "a link has its term",
        f"{_STORAGE}/agents.py",
        "return _one_url(work, _url.url_index == url_index, _url.expires_at > now)",
        "return _one_url(work, _url.url_index == url_index)",
        (f"{_INTEGRATORS_TEST}::test_link_that_is_over_leads_nowhere[sqlite]",),
    ),
    Guard(
        "an application finds its own authorizations",
        f"{_STORAGE}/agents.py",
        "        where.append(_given.client_id == of_application)\n",
        "        pass\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_authorizations_are_those_of_the_enterprise_or_the_application[sqlite]",
        ),
    ),
    Guard(
        "an enterprise lists its own authorizations",
        f"{_STORAGE}/agents.py",
        "    return _authorizations(work, _given.code == code)\n",
        "    return _authorizations(work, sa.true())\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_authorizations_are_those_of_the_enterprise_or_the_application[sqlite]",
        ),
    ),
    Guard(
        "an application lists its own authorizations",
        f"{_STORAGE}/agents.py",
        "work, _given.client_id == client_id, behind if at else sa.true(), limit=limit",
        "work, sa.true(), behind if at else sa.true(), limit=limit",
        (
            f"{_WHOSE_ROWS_TEST}::test_authorizations_are_those_of_the_enterprise_or_the_application[sqlite]",
        ),
    ),
    Guard(
        "an end is of one enterprise's authorizations",
        f"{_STORAGE}/agents.py",
        ".where(_given.code == code, _given.revoked_at.is_(None), which)",
        ".where(_given.revoked_at.is_(None), which)",
        (f"{_WHOSE_ROWS_TEST}::test_end_of_an_enterprises_authorizations_is_nobody_elses[sqlite]",),
    ),
    Guard(
        "an authorization is found in its enterprise",
        f"{_STORAGE}/agents.py",
        "where = [_given.code == code, _given.uid == uid]",
        "where = [_given.uid == uid]",
        (
            f"{_WHOSE_ROWS_TEST}::test_authorizations_are_those_of_the_enterprise_or_the_application[sqlite]",
        ),
    ),
)
