"""A request that was read before is not read again, where that is said to be so."""

from __future__ import annotations

from typing import Any

import pytest

from bonafides.errors import MalformedMessageError
from bonafides.rpc import validation
from bonafides.rpc.call import Method, bound
from bonafides.v1 import archive_service_pb2 as service
from tests import builders

NAME = f"enterprises/{builders.code(1).text}/archive"
DESCRIPTOR = service.DESCRIPTOR.services_by_name["ArchiveService"]


class _Archives:
    """Has what `bound` looks for."""

    def get_archive(self, *_: Any) -> None:
        raise NotImplementedError

    at_once_get_archive = update_self_description = get_archive


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was validated."""
    found: list[Any] = []
    violations = validation.violations

    def noted(request: Any) -> Any:
        found.append(request)
        return violations(request)

    monkeypatch.setattr(validation, "violations", noted)
    return found


def method(name: str) -> Method:
    return bound(DESCRIPTOR.methods_by_name[name], _Archives())


def test_short_request_of_a_read_is_looked_at_once(looked: list[Any]) -> None:
    get = method("GetArchive")
    asked = [service.GetArchiveRequest(name=name).SerializeToString() for name in (NAME, "x", "")]
    first = [get.read(wire) for wire in asked]
    # Bytes of their own, as they come from the wire.
    assert [get.read(bytes(bytearray(wire))) for wire in asked] == first
    assert [request.name for request in looked] == [NAME, "x", ""]
    assert [bool(faults) for _, faults in first] == [False, False, True]


def test_long_request_is_read_each_time(looked: list[Any]) -> None:
    get = method("GetArchive")
    wire = service.GetArchiveRequest(name=NAME, if_none_match="x" * 300).SerializeToString()
    for _ in range(2):
        assert get.read(wire)[1]
    assert len(looked) == 2


def test_request_of_what_changes_something_is_read_each_time(looked: list[Any]) -> None:
    update = method("UpdateSelfDescription")
    for _ in range(2):
        update.read(b"")
    assert len(looked) == 2


@pytest.mark.parametrize("wire", [None, b"\xff"])
def test_what_is_no_message_is_refused_each_time(wire: bytes | None) -> None:
    get = method("GetArchive")
    for _ in range(2):
        with pytest.raises(MalformedMessageError):
            get.read(wire)
