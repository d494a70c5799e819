"""Sessions of the website: who logs in leaves the session before, and none lives on."""

from __future__ import annotations

import pytest

from bonafides.web import sessions
from bonafides.web.sessions import Login, Session, Sessions

NOW = 1_000.0


def logged_in(held: Sessions, *, seconds: float = 600.0) -> tuple[Session, Session]:
    """Returns the session before a login, and the one of the login."""
    before = held.open(NOW)
    return before, held.log_in(before, Login("token", "Somebody"), seconds=seconds, now=NOW)


@pytest.mark.feature("D3")
def test_session_fixation_login_ends_the_session_before() -> None:
    held = Sessions()
    before, after = logged_in(held)
    assert held.find(before.id, NOW) is None
    assert held.find(after.id, NOW) is after


def test_login_has_an_id_and_a_form_token_of_its_own() -> None:
    before, after = logged_in(Sessions())
    assert len({before.id, after.id, before.csrf, after.csrf}) == 4


def test_session_is_over_at_its_end_and_stays_over() -> None:
    held = Sessions()
    _, after = logged_in(held, seconds=60.0)
    assert held.find(after.id, NOW + 59.0) is after
    assert held.find(after.id, NOW + 60.0) is None
    assert held.find(after.id, NOW) is None


def test_login_lives_an_hour_at_most_whatever_the_provider_says() -> None:
    held = Sessions()
    _, after = logged_in(held, seconds=86_400.0)
    assert held.find(after.id, NOW + 3_599.0) is after
    assert held.find(after.id, NOW + 3_600.0) is None


def test_session_that_waits_for_a_login_is_over_after_ten_minutes() -> None:
    held = Sessions()
    waiting = held.open(NOW)
    assert held.find(waiting.id, NOW + 599.0) is waiting
    assert held.find(waiting.id, NOW + 600.0) is None


def test_session_that_ended_is_found_no_more() -> None:
    held = Sessions()
    _, after = logged_in(held)
    held.end(after)
    assert held.find(after.id, NOW) is None


def test_sessions_that_wait_push_out_the_oldest_of_them_and_nobody_logged_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "_MOST_WAITING", 3)
    held = Sessions()
    _, after = logged_in(held)
    waiting = [held.open(NOW) for _ in range(5)]
    found = [held.find(each.id, NOW) for each in waiting]
    assert found == [None, None, *waiting[2:]]
    assert held.find(after.id, NOW) is after


def test_ids_and_tokens_stand_in_no_repr() -> None:
    _, after = logged_in(Sessions())
    shown = repr(after)
    assert after.id not in shown
    assert after.csrf not in shown
    assert "token" not in repr(after.login)
