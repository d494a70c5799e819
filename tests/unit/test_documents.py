"""Which bytes are taken as a copy of a licence, and what a QR code says beside a code."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.identity.documents import (
    JPEG,
    MOST_PIXELS,
    PNG,
    DocumentError,
    Qr,
    compare,
    findings,
    inspect,
)
from tests import builders, licenses

pytestmark = pytest.mark.feature("A14")

CODE = builders.code(1)
OTHER = builders.code(2)
PAGE = licenses.license_image(CODE)


def refusal(content: bytes) -> str:
    with pytest.raises(DocumentError) as fault:
        inspect(content)
    assert fault.value.description.endswith(".")
    return fault.value.reason


@cache
def png() -> bytes:
    return licenses.png(PAGE)


@cache
def jpeg() -> bytes:
    return licenses.jpeg(PAGE)


def test_png_and_jpeg_are_told_by_their_headers() -> None:
    told = [(m.media_type, m.width, m.height) for m in map(inspect, (png(), jpeg()))]
    assert told == [(kind, licenses.WIDTH, licenses.HEIGHT) for kind in (PNG, JPEG)]


def test_jpeg_with_a_preview_and_a_tail_has_the_size_of_the_image() -> None:
    preview = licenses.jpeg(licenses.small(PAGE, 160))
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    told = inspect(jpeg()[:2] + segment + jpeg()[2:] + b"\0" * 100)
    assert (told.width, told.height) == (licenses.WIDTH, licenses.HEIGHT)


def test_jpeg_that_breaks_off_is_refused_though_its_preview_is_whole() -> None:
    preview = licenses.jpeg(licenses.small(PAGE, 160))
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    assert refusal(jpeg()[:2] + segment + jpeg()[2:-500]) == "DOCUMENT_TRUNCATED"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_image_that_breaks_off_is_refused(share: float) -> None:
    for whole in (png(), jpeg()):
        assert refusal(whole[: int(len(whole) * share)]) == "DOCUMENT_TRUNCATED"


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + bytes(100), b"RIFF\0\0\0\0WEBP", b"<svg/>", b"PK\x03\x04", b"MZ" * 50],
)
def test_another_type_is_refused(content: bytes) -> None:
    assert refusal(content) == "DOCUMENT_TYPE"


def test_pdf_is_refused_with_what_to_send_instead() -> None:
    with pytest.raises(DocumentError) as fault:
        inspect(b"%PDF-1.7\n")
    assert "JPEG or PNG" in fault.value.description


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (7_072, 7_072), (20_001, 1), (0, 10), (2**31, 2**31)]
)
def test_more_pixels_than_allowed_are_refused_by_the_header(width: int, height: int) -> None:
    assert refusal(licenses.bomb_png(4, 4, told=(width, height))) == "DOCUMENT_PIXELS"


def test_most_pixels_are_taken() -> None:
    assert inspect(licenses.bomb_png(4, 4, told=(10_000, MOST_PIXELS // 10_000))).width == 10_000


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 400))
def test_altered_bytes_are_taken_or_refused_and_nothing_else(
    junk: bytes, at: int, until: int
) -> None:
    reasons = set()
    for whole in (png(), jpeg()):
        try:
            inspect(whole[:at] + junk + whole[until:])
        except DocumentError as fault:
            reasons.add(fault.reason)
    assert reasons <= {"DOCUMENT_TYPE", "DOCUMENT_TRUNCATED", "DOCUMENT_PIXELS"}


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        ([], Qr.NONE_FOUND),
        (["https://registry.example/opaque?id=1f2e3d"], Qr.NO_CODE),
        ([licenses.link(CODE)], Qr.MATCHES),
        ([licenses.link(OTHER)], Qr.DIFFERS),
        ([licenses.link(OTHER), licenses.link(CODE)], Qr.MATCHES),
        ([CODE.text.lower()], Qr.MATCHES),
        ([f"https://registry.example/%3Fcode%3D{CODE}%26x"], Qr.MATCHES),
        ([f"{CODE}0"], Qr.NO_CODE),
        (["\ud800 \x00 %zz"], Qr.NO_CODE),
    ],
)
def test_links_are_searched_for_the_code(texts: list[str], outcome: Qr) -> None:
    assert compare(texts, CODE) is outcome


@pytest.mark.parametrize("outcome", Qr)
def test_every_outcome_is_one_of_three_findings_or_none(outcome: Qr) -> None:
    told = {finding.reason for finding in findings(outcome)}
    known = {"DOCUMENT_QR_MATCHES", "DOCUMENT_QR_DIFFERS", "DOCUMENT_QR_NOT_READ"}
    assert told <= known
    assert (not told) is (outcome is Qr.DUE)
