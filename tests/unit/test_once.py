"""What a request leaves is the same for the same request, and another's is another's."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bonafides.errors import RequestIdReusedError
from bonafides.once import Request, require_same, uid_of
from bonafides.personal.sealing import Vault
from tests.searching import examples

# One for all examples: a fixture would be made once for all of them, too.
_VAULT = Vault(bytes(32), "sandbox")
_IDS = st.uuids().map(str)
_CODES = st.sampled_from(["91990000MA0000001T", "92990000MA0000002G"])
# Issuers and subjects hold what they like, bars too.
_CALLERS = st.text("ab|/:", min_size=1, max_size=8)
# Few of each, so that rows often differ in one of the three alone.
_ROWS = st.tuples(
    st.sampled_from(["a|1", "a", "1"]),
    _CODES,
    st.sampled_from([str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]),
)
_REQUESTS = st.builds(Request, _IDS, st.binary(min_size=32, max_size=32))


@dataclass(frozen=True, slots=True)
class _Row:
    request_digest: bytes | None


@given(_REQUESTS, _CALLERS, _CODES)
@settings(max_examples=examples(50))
def test_same_request_finds_its_row_and_is_answered_by_it(
    request: Request, caller: str, code: str
) -> None:
    mark = request.mark(_VAULT, "review", caller, code)
    again = Request(request.id, request.digest).mark(_VAULT, "review", caller, code)
    row = _Row(mark.digest)
    assert again == mark
    assert again.uid == mark.uid
    assert again.answer(row) is row
    assert again.answer(None) is None


@given(_REQUESTS, st.binary(min_size=32, max_size=32), _CALLERS)
@settings(max_examples=examples(50))
def test_other_request_under_the_id_finds_the_row_and_is_refused(
    request: Request, digest: bytes, caller: str
) -> None:
    assume(digest != request.digest)
    mark = request.mark(_VAULT, "mask", caller)
    other = Request(request.id, digest).mark(_VAULT, "mask", caller)
    assert other.uid == mark.uid
    with pytest.raises(RequestIdReusedError):
        other.answer(_Row(mark.digest))
    # Of rows from before digests were kept nobody knows what asked for them.
    with pytest.raises(RequestIdReusedError):
        mark.answer(_Row(None))


@given(_REQUESTS, _ROWS, _ROWS)
@settings(max_examples=examples(200))
def test_other_caller_enterprise_or_id_is_another_row(
    request: Request, one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assume(one != other)
    uids = {
        Request(own_id, request.digest).mark(_VAULT, "decision", caller, code).uid
        for caller, code, own_id in (one, other)
    }
    assert len(uids) == 2


@given(_REQUESTS, _CALLERS)
@settings(max_examples=examples(50))
def test_row_is_another_for_each_sort_and_each_key(request: Request, caller: str) -> None:
    others = (_VAULT, "claim"), (_VAULT, "consent"), (Vault(bytes(32), "live"), "claim")
    assert len({request.mark(vault, sort, caller).uid for vault, sort in others}) == 3


@given(_REQUESTS)
@settings(max_examples=examples(50))
def test_what_is_kept_can_not_be_tried_out_without_the_key(request: Request) -> None:
    mark = request.mark(_VAULT, "submission", "login")
    plain = {request.digest, hashlib.sha256(request.digest).digest()}
    assert mark.digest not in plain
    assert mark.digest != request.mark(Vault(bytes(32), "live"), "submission", "login").digest


@given(st.binary(min_size=16, max_size=32))
@settings(max_examples=examples(50))
def test_uid_is_a_uuid_in_lower_case(keyed: bytes) -> None:
    made = uid_of(keyed)
    assert str(uuid.UUID(made)) == made
    assert uuid.UUID(made).version == 4


def test_what_was_asked_passes_and_anything_else_is_refused() -> None:
    require_same(("a", 1), ("a", 1))
    with pytest.raises(RequestIdReusedError):
        require_same(("a", 1), ("a", 2))
