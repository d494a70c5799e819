"""The rules of consents, agreements and memberships, without a database."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.access.callers import ANONYMOUS, Caller, CallerKind, Standing, audience
from bonafides.errors import InvalidFieldsError
from bonafides.identity.claims import read_claims
from bonafides.identity.consent import (
    TEXTS,
    USES,
    Consent,
    PublishedText,
    consent_texts,
    covering,
    current_texts,
    standing,
)
from bonafides.identity.membership import Actor, Principal
from bonafides.identity.submission import Purpose, from_stored, to_stored
from bonafides.instants import DAY, Instant
from bonafides.rating.scorecard import (
    ScorecardError,
    canonical,
    champion,
    load,
    models_folder,
)
from bonafides.v1 import disclosure_pb2, enterprise_pb2
from tests import builders

CODE = builders.code().text
VERIFIER = USES["ask_verifier"]
INSTANTS = st.integers(0, 40).map(Instant)


def consent(**changes: object) -> Consent:
    made = Consent(
        code=CODE,
        uid="u1",
        of_submission="",
        purpose="VERIFY_IDENTITY",
        scope=("id_number", "person"),
        text_version="2026-11",
        text_sha256=bytes(32),
        evidence_sha256=bytes(32),
        granted_at=Instant(10),
        recorded_at=Instant(12),
        expires_at=None,
        revoked_at=None,
        actor="issuer|subject",
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # fields by keyword


@pytest.mark.feature("B1", "B3")
def test_every_purpose_has_a_text_and_only_one_is_required() -> None:
    assert set(TEXTS) == set(Purpose)
    assert [purpose for purpose, text in TEXTS.items() if text.required] == [
        Purpose.VERIFY_IDENTITY
    ]
    for text in consent_texts():
        assert text.sha256 == hashlib.sha256(text.text.encode()).digest()


@pytest.mark.feature("B1", "J1")
def test_no_use_needs_a_field_that_no_person_is_told_of() -> None:
    for use in USES.values():
        assert use.fields <= TEXTS[use.purpose].scope


@pytest.mark.feature("B1", "B4")
@pytest.mark.parametrize(
    ("held", "covers"),
    [
        (consent(), True),
        (consent(scope=("person",)), False),
        (consent(purpose="RATE"), False),
        (consent(of_submission="s1"), False),
        (consent(granted_at=Instant(21)), False),
        (consent(recorded_at=Instant(21)), False),
        (consent(expires_at=Instant(20)), False),
        (consent(expires_at=Instant(21)), True),
        (consent(revoked_at=Instant(20)), False),
        (consent(revoked_at=Instant(21)), True),
    ],
)
def test_consent_covers_its_purpose_fields_and_time_alone(held: Consent, covers: bool) -> None:  # noqa: FBT001 - the expectation
    found = covering([held], VERIFIER, of_submission="", at=Instant(20))
    assert (found is not None) == covers


@pytest.mark.feature("B2")
@given(
    st.lists(st.tuples(INSTANTS, INSTANTS, st.none() | INSTANTS, st.none() | INSTANTS)), INSTANTS
)
def test_standing_ends_no_later_than_any_consent_that_it_rests_on(
    ledger: list[tuple[Instant, Instant, Instant | None, Instant | None]], at: Instant
) -> None:
    rows = [
        consent(granted_at=granted, recorded_at=recorded, expires_at=expires, revoked_at=revoked)
        for granted, recorded, expires, revoked in ledger
    ]
    told = standing(rows, at)
    live = [row for row in rows if row.live(at)]
    assert bool(told.purposes) == bool(live)
    assert told.ends_at is None or told.ends_at > at
    for row in live:
        assert row.expires_at is None or (told.ends_at or 0) <= row.expires_at
    # Taking back can't be undone by time.
    for row in rows:
        if row.revoked_at is not None and row.revoked_at <= at:
            assert not row.live(at)


@pytest.mark.feature("B1")
def test_consent_that_came_with_an_unverified_submission_counts_for_no_enterprise() -> None:
    waiting = consent(of_submission="s1")
    assert waiting.live(Instant(20))
    assert standing([waiting], Instant(20)).purposes == frozenset()
    assert standing([consent()], Instant(20)).purposes == {"VERIFY_IDENTITY"}


@pytest.mark.feature("B7")
def test_text_counts_from_its_day_on_and_the_latest_one_alone() -> None:
    def text(version: str, effective: int | None, kind: str = "SERVICE_AGREEMENT") -> PublishedText:
        at = None if effective is None else Instant(effective)
        return PublishedText(kind, version, at, b"", "", "")

    texts = [text("c", 30), text("a", None), text("b", 20), text("p", 25, "PRIVACY_NOTICE")]
    versions = {
        at: {kind: found.version for kind, found in current_texts(texts, Instant(at)).items()}
        for at in (0, 20, 25, 30)
    }
    assert versions == {
        0: {"SERVICE_AGREEMENT": "a"},
        20: {"SERVICE_AGREEMENT": "b"},
        25: {"SERVICE_AGREEMENT": "b", "PRIVACY_NOTICE": "p"},
        30: {"SERVICE_AGREEMENT": "c", "PRIVACY_NOTICE": "p"},
    }


@pytest.mark.feature("A15")
@pytest.mark.parametrize("owns", [True, False])
def test_standing_decides_and_a_token_only_where_there_is_none(owns: bool) -> None:  # noqa: FBT001 - both are tried
    actor = Actor(Principal("issuer", "subject"), owns_by_token=owns)
    caller = Caller(CallerKind.MEMBER, "issuer", "subject", frozenset({CODE} if owns else ()))
    for told, writes, reads in (
        (Standing.OWNER, True, True),
        (Standing.STAFF, False, True),
        (Standing.REMOVED, False, False),
        (Standing.NONE, owns, owns),
    ):
        assert actor.may_act(told) == writes
        assert actor.may_act(told, as_owner=False) == reads
        seen_as = audience(caller, CODE, told)
        assert (seen_as == disclosure_pb2.AUDIENCE_OWNER) == reads
    assert audience(ANONYMOUS, CODE, Standing.OWNER) == disclosure_pb2.AUDIENCE_PUBLIC


def _authorized(**changes: object) -> enterprise_pb2.Claims:
    authorization = builders.authorization()
    for name, value in changes.items():
        field = getattr(authorization, name)
        if hasattr(field, "CopyFrom"):
            field.CopyFrom(value)
        else:
            setattr(authorization, name, value)
    return builders.claims(authorizations=[authorization])


@pytest.mark.feature("B1")
def test_authorization_names_the_published_text_or_none() -> None:
    text = TEXTS[Purpose.VERIFY_IDENTITY]
    ends = builders.stamp(builders.NOW + DAY)
    claims = read_claims(
        _authorized(text_version=text.version, text_sha256=text.sha256, expire_time=ends),
        now=builders.NOW,
    )
    (authorization,) = claims.authorizations
    assert (authorization.text_version, authorization.text_sha256) == (text.version, text.sha256)
    assert authorization.expires_at == builders.NOW + DAY
    assert from_stored(to_stored(claims)) == claims


@pytest.mark.feature("B1")
@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"text_version": "2020-01"}, "text_version", "TEXT_NOT_CURRENT"),
        ({"text_sha256": bytes(32)}, "text_version", "TEXT_NOT_CURRENT"),
        ({"expire_time": builders.stamp(builders.NOW)}, "expire_time", "EXPIRED"),
    ],
)
def test_authorization_with_another_text_or_a_past_end_is_refused(
    changes: dict[str, object], field: str, reason: str
) -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        read_claims(_authorized(**changes), now=builders.NOW)
    assert (f"claims.authorizations[0].{field}", reason) in {
        (fault.field, fault.reason) for fault in refused.value.violations
    }


@pytest.mark.feature("B5")
@pytest.mark.parametrize(
    "name", ["proprietor_age_days", "representative_gender", "id_number_region", "owner_phone"]
)
def test_card_with_a_feature_of_a_person_does_not_load(name: str, tmp_path: Path) -> None:
    version = champion(None).version
    card = json.loads((models_folder(None) / version / "scorecard.json").read_bytes())
    card["features"][0]["name"] = name
    (tmp_path / version).mkdir()
    (tmp_path / version / "scorecard.json").write_bytes(canonical(card))
    with pytest.raises(ScorecardError) as refused:
        load(tmp_path, version)
    assert "of a person" in str(refused.value)
