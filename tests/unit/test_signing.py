"""Signatures of requests: what their providers publish as examples comes out."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from bonafides.identity.signing import Outgoing, Signing, signed_headers
from bonafides.instants import Instant, from_datetime

_QUERY = "RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"


def _at(text: str) -> Instant:
    return from_datetime(dt.datetime.fromisoformat(text))


@pytest.mark.feature("A5")
def test_acs3_gives_the_signature_of_the_providers_example() -> None:
    signing = Signing(
        scheme="acs3", key_id="YourAccessKeyId", action="RunInstances", version="2014-05-26"
    )
    sent = Outgoing("POST", "ecs.cn-shanghai.aliyuncs.com", "/", _QUERY, "", b"")
    told = signed_headers(
        signing,
        "YourAccessKeySecret",
        sent,
        now=_at("2023-10-26T10:22:32+00:00"),
        nonce="3156853299f313e23d1673dc12e1703d",
    )
    assert told["Authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_what_changes_a_request_changes_its_signature() -> None:
    signing = Signing(scheme="tc3", key_id="a", action="b", version="c", service="ocr")
    sent = Outgoing("POST", "example.com", "/", "", "application/json", b"{}")
    now = _at("2019-02-25T08:44:25+00:00")
    first = signed_headers(signing, "secret", sent, now=now, nonce="")["Authorization"]
    assert "Credential=a/2019-02-25/ocr/tc3_request, SignedHeaders=content-type;host" in first
    others = [
        Outgoing("GET", "example.com", "/", "", "application/json", b"{}"),
        Outgoing("POST", "example.org", "/", "", "application/json", b"{}"),
        Outgoing("POST", "example.com", "/x", "", "application/json", b"{}"),
        Outgoing("POST", "example.com", "/", "a=1", "application/json", b"{}"),
        Outgoing("POST", "example.com", "/", "", "application/json", b"[]"),
    ]
    told = {
        first,
        signed_headers(signing, "other", sent, now=now, nonce="")["Authorization"],
        signed_headers(signing, "secret", sent, now=Instant(now + 10**6), nonce="")[
            "Authorization"
        ],
        *(
            signed_headers(signing, "secret", other, now=now, nonce="")["Authorization"]
            for other in others
        ),
    }
    assert len(told) == 3 + len(others)


def test_a_header_can_not_be_ended_by_what_is_configured() -> None:
    with pytest.raises(ValidationError, match="key_id"):
        Signing(scheme="acs3", key_id="a\r\nx", action="b", version="c")
