"""Reads the QR codes of an image: a program of its own, which trusts nothing it is given.

Run by `bonafides.identity.qr`, never imported by it. The image comes on standard
input; one JSON line goes out, `{"texts": [...]}` or `{"fault": "..."}`. Before the
first byte is read it takes from itself what reading does not need, so that an image
which takes over the decoder finds nothing to work with:

- address space 1 GiB, processor time 5 s;
- no file or socket can be opened, no file written, no process started, no core dumped;
- the decoders of JPEG and PNG alone, at most 50 million pixels by the header.

Everything that will be needed is imported before, because files can't be opened after.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
from collections.abc import Iterator

import zxingcpp
from PIL import Image, ImageFile, ImageFilter, JpegImagePlugin

MOST_PIXELS = 50_000_000
_MOST_ADDRESSES = 1 << 30
# The largest take 1.5; one drawn to be slow, a page of false corners, takes 20.
_MOST_CPU_SECONDS = 5
_MOST_INPUT = 10 * 1_024 * 1_024
_MOST_TEXTS = 4
# No QR code holds more characters.
_MOST_CHARACTERS = 7_089
# Beyond, a code that can be read is large enough to be read in half the size.
_AMPLE_PIXELS = 12_000_000
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
# Small images are also looked at in twice the size.
_SMALL_PIXELS = 3_000_000


def confine() -> None:
    """Gives up for good what the rest does not need."""
    limits = {
        resource.RLIMIT_AS: _MOST_ADDRESSES,
        resource.RLIMIT_CPU: _MOST_CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        # What is open stays open; nothing more can be.
        resource.RLIMIT_NOFILE: 0,
    }
    for limit, most in limits.items():
        # Some systems don't let every limit go that low; the others hold.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


def texts_in(content: bytes) -> list[str]:
    """Returns what the QR codes in the image say, in no order. Empty: none was found."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ValueError
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        # The decoder drops colors, and half of the rows and columns, as it goes.
        ample = width * height > _AMPLE_PIXELS
        image.draft("L", (width // 2, height // 2) if ample else (width, height))
    gray = _gray(image)
    for attempt in _attempts(gray):
        found = zxingcpp.read_barcodes(attempt, formats=_QR)
        if found:
            return [each.text[:_MOST_CHARACTERS] for each in found[:_MOST_TEXTS]]
    return []


def _gray(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Sixteen bits would be cut off, not scaled.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in {"1", "PA", "P"}:
        # Black and white, or colors by number, can't be averaged.
        image = image.convert("L" if image.mode == "1" else "RGBA")
    if image.width * image.height > _AMPLE_PIXELS:
        image = image.reduce(2)
    if image.mode in {"RGBA", "LA"}:
        # What is transparent is shown on white.
        clear = image.convert("RGBA")
        shown = Image.new("RGBA", clear.size, "white")
        shown.alpha_composite(clear)
        image = shown
    return image.convert("L")


def _attempts(gray: Image.Image) -> Iterator[Image.Image]:
    """Yields the image, then what may be easier to read."""
    yield gray
    if gray.width * gray.height <= _SMALL_PIXELS:
        larger = gray.resize((gray.width * 2, gray.height * 2), Image.Resampling.LANCZOS)
        yield larger
        yield larger.filter(ImageFilter.UnsharpMask(radius=4, percent=200, threshold=0))
    else:
        yield gray.filter(ImageFilter.UnsharpMask(radius=3, percent=200, threshold=0))
    yield gray.filter(ImageFilter.GaussianBlur(1.5))


def main() -> None:
    """Reads the image from standard input and writes what was found."""
    # Loads the decoders: after this no file can be opened.
    Image.preinit()
    confine()
    try:
        told: dict[str, object] = {"texts": texts_in(sys.stdin.buffer.read(_MOST_INPUT + 1))}
    except Exception as error:  # noqa: BLE001 - whatever the decoder raises means the same
        # The type alone: a text could quote the image.
        told = {"fault": type(error).__name__}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
