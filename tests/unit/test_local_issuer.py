"""The codes of the sandbox's own provider: good for a minute, once, and no more of them kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bonafides.web import local_issuer
from bonafides.web.local_issuer import LocalIssuer


class _Signer:
    """Signs nothing that anybody takes."""

    seconds = 600
    keys: Mapping[str, Any] = {"keys": []}

    def access_token(self, subject: str, owns: Sequence[str]) -> str:
        return f"{subject} {' '.join(owns)}"

    def id_token(self, claims: Mapping[str, Any]) -> str:
        return str(claims)


class _Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def provider(clock: _Clock) -> LocalIssuer:
    return LocalIssuer(_Signer(), origin="http://x", callback="http://x/y", seconds=clock)


def grant(clock: _Clock) -> local_issuer._Grant:
    ends = clock() + local_issuer._CODE_SECONDS
    return local_issuer._Grant("client", "address", "challenge", "nonce", (), ends)


def test_code_is_good_until_its_minute_is_over() -> None:
    clock = _Clock()
    held = provider(clock)
    early, late = held._keep(grant(clock)), held._keep(grant(clock))
    clock.now += 59.0
    assert held._take(early) is not None
    clock.now += 1.0
    assert held._take(late) is None


def test_code_is_good_once() -> None:
    clock = _Clock()
    held = provider(clock)
    code = held._keep(grant(clock))
    assert held._take(code) is not None
    assert held._take(code) is None


def test_codes_that_nobody_takes_push_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_issuer, "_MOST_CODES", 2)
    clock = _Clock()
    held = provider(clock)
    codes = [held._keep(grant(clock)) for _ in range(3)]
    assert [held._take(code) is not None for code in codes] == [False, True, True]


@pytest.mark.parametrize(
    ("client", "address", "known"),
    [
        (local_issuer.CLIENT, "http://x/y", True),
        (local_issuer.CLIENT, "http://x/y/z", False),
        (local_issuer.CLIENT, "http://127.0.0.1:5/callback", False),
        (local_issuer.COMMAND_LINE, "http://127.0.0.1:5/callback", True),
        (local_issuer.COMMAND_LINE, "http://x/y", False),
        (local_issuer.COMMAND_LINE, "http://127.0.0.1.example:5/callback", False),
        ("another", "http://x/y", False),
    ],
)
def test_codes_are_sent_where_their_client_is_alone(client: str, address: str, known: bool) -> None:  # noqa: FBT001 - a column of the table
    assert provider(_Clock())._is_known(client, address) is known
