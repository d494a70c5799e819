"""Nobody calls as an application without being it: every attack of the table is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.credential_attacks import ATTACKS, HONEST, Stage, accepted, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage, on SQLite."""
    folder: Path = tmp_path_factory.mktemp("attacks") / "data"
    with staged(folder) as made:
        yield made


@pytest.mark.feature("I6")
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_refused_as_unauthenticated(stage: Stage, attack: str) -> None:
    *before, last = ATTACKS[attack](stage)
    assert [stage.send(each) for each in before] == [grpc.StatusCode.OK] * len(before)
    assert stage.send(last) is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.feature("I6")
@pytest.mark.parametrize("call", HONEST)
def test_honest_call_beside_the_attacks_is_answered(stage: Stage, call: str) -> None:
    assert stage.send(HONEST[call](stage)) is grpc.StatusCode.OK


@pytest.mark.feature("I6")
def test_table_has_more_than_sixty_attacks_and_none_is_accepted(
    database_url: str, tmp_path: Path
) -> None:
    assert len(ATTACKS) >= 60
    with staged(tmp_path / "data", database_url) as made:
        assert accepted(made) == []
