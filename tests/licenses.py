"""Draws copies of licences in the layout of 2019, with made-up names and codes.

Landscape, the code top left, the QR code top right, the items below in two columns,
a seal at the bottom. Without a Chinese font the lines are drawn as bars: what is
read of a copy is its QR code alone.

    png(license_image(code))
    photo(license_image(code))        # tilted, blurred, shaded, noisy, JPEG of quality 55
"""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from bonafides.identity.codes import UnifiedCode

WIDTH, HEIGHT = 1_600, 1_130
_PAPER = (250, 247, 238)
_INK = (30, 30, 30)
_SEAL = (200, 30, 30)
_FONTS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc"),
)
_ITEMS = (
    ("名称", "九九市百草贸易有限公司"),
    ("类型", "有限责任公司"),
    ("法定代表人", "测一二"),
    ("经营范围", "百货销售"),
    ("注册资本", "壹佰万元整"),
    ("成立日期", "2016年11月03日"),
    ("营业期限", "2016年11月03日至2036年10月29日"),
    ("住所", "九九省九九市试验区百草路1号"),
)


def link(code: UnifiedCode) -> str:
    """Returns a link of a made-up registry."""
    return f"https://registry.example/public/notice?uniscid={code.text}&lang=zh&from=license"


def license_image(code: UnifiedCode, *, qr: str | None = None) -> Image.Image:
    """Returns a clean copy of 1600 x 1130 pixels; `qr` is what its QR code holds."""
    page = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(page)
    draw.rectangle((40, 40, WIDTH - 40, HEIGHT - 40), outline=(160, 120, 40), width=8)
    _line(draw, (640, 90), "营业执照", 72)
    _line(draw, (100, 120), "统一社会信用代码", 26)
    draw.text((100, 160), code.text, _INK, font=ImageFont.load_default(28))
    page.paste(_qr(link(code) if qr is None else qr), (1_300, 90))
    for row, (name, value) in enumerate(_ITEMS):
        x, y = 120 + 740 * (row % 2), 380 + 120 * (row // 2)
        _line(draw, (x, y), f"{name}  {value}", 28)
    draw.ellipse((1_220, 840, 1_440, 1_060), outline=_SEAL, width=8)
    return page


def tilted(page: Image.Image, degrees: float = 7) -> Image.Image:
    """Returns the copy as a hand lays it on a scanner."""
    return page.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(90, 90, 90))


def blurred(page: Image.Image, radius: float = 2.0) -> Image.Image:
    """Returns the copy out of focus."""
    return page.filter(ImageFilter.GaussianBlur(radius))


def small(page: Image.Image, width: int = 800) -> Image.Image:
    """Returns the copy in fewer pixels."""
    return page.resize((width, round(page.height * width / page.width)), Image.Resampling.LANCZOS)


def rotated(page: Image.Image, degrees: int) -> Image.Image:
    """Returns the copy turned by a multiple of 90 degrees."""
    return page.rotate(degrees, expand=True)


def photographed(page: Image.Image) -> Image.Image:
    """Returns the copy as a telephone sees it: a little tilted, soft, shaded, noisy."""
    shot = blurred(tilted(page, 2.2), 1.0)
    shade = Image.linear_gradient("L").rotate(90).resize(shot.size).point(lambda v: 110 + v * 0.57)
    shot = ImageChops.multiply(shot, Image.merge("RGB", (shade,) * 3))
    source = random.Random(7)  # noqa: S311 - repeatable, not secret
    noise = Image.frombytes("L", shot.size, source.randbytes(shot.width * shot.height))
    noise = noise.point(lambda v: v // 6)
    return ImageChops.subtract(shot, Image.merge("RGB", (noise,) * 3))


def png(page: Image.Image) -> bytes:
    """Returns the copy as a PNG."""
    made = io.BytesIO()
    page.save(made, "PNG")
    return made.getvalue()


def in_mode(page: Image.Image, mode: str) -> bytes:
    """Returns the copy with its colors written in this way; CMYK as JPEG, the rest as PNG."""
    if mode == "I;16":
        wide = page.convert("L").convert("I").point(lambda value: value * 257)
        return png(wide.convert("I;16"))
    made = io.BytesIO()
    page.convert(mode).save(made, "JPEG" if mode == "CMYK" else "PNG")
    return made.getvalue()


def jpeg(page: Image.Image, quality: int = 85) -> bytes:
    """Returns the copy as a JPEG."""
    made = io.BytesIO()
    page.convert("RGB").save(made, "JPEG", quality=quality)
    return made.getvalue()


CONDITIONS: dict[str, Callable[[Image.Image], bytes]] = {
    "clean": png,
    "clean as JPEG": jpeg,
    "tilted": lambda page: png(tilted(page)),
    "tilted the other way": lambda page: png(tilted(page, -18)),
    "blurred": lambda page: jpeg(blurred(page)),
    "small": lambda page: jpeg(small(page)),
    "very small": lambda page: jpeg(small(page, 480)),
    "rotated by 90": lambda page: png(rotated(page, 90)),
    "rotated by 180": lambda page: png(rotated(page, 180)),
    "rotated by 270": lambda page: png(rotated(page, 270)),
    "photographed": lambda page: jpeg(photographed(page), 55),
    "photographed upside down": lambda page: jpeg(rotated(photographed(page), 180), 55),
    "scanned large": lambda page: jpeg(page.resize((6_400, 4_520))),
}
SMALLEST: Callable[[Image.Image], bytes] = lambda page: jpeg(small(page, 240))  # noqa: E731


def bomb_png(width: int, height: int, *, told: tuple[int, int] | None = None) -> bytes:
    """Returns a PNG of zeros, a thousandth of what it decodes to; `told` lies in the header."""
    squeezed = zlib.compressobj(9)
    row = bytes(width * 4 + 1)
    body = b"".join(squeezed.compress(row) for _ in range(height)) + squeezed.flush()
    shown_width, shown_height = told or (width, height)
    header = shown_width.to_bytes(4, "big") + shown_height.to_bytes(4, "big") + b"\x08\x06\0\0\0"
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", body), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bomb_jpeg(width: int, height: int) -> bytes:
    """Returns a small JPEG whose header tells of a large one."""
    small_one = bytearray(jpeg(Image.new("RGB", (8, 8))))
    at = small_one.index(b"\xff\xc0") + 5
    small_one[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(small_one)


def false_corners(side: int, step: int = 22) -> Image.Image:
    """Returns a page full of what looks like the corners of QR codes."""
    page = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(page)
    unit = step // 10
    for x in range(0, side, step):
        for y in range(0, side, step):
            for inset, ink in ((0, 0), (unit, 255), (2 * unit, 0)):
                far = 7 * unit - 1 - inset
                draw.rectangle((x + inset, y + inset, x + far, y + far), fill=ink)
    return page


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + name + content + check


def _qr(text: str) -> Image.Image:
    drawn = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    shown = zxingcpp.write_barcode_to_image(drawn, scale=1)
    return Image.fromarray(shown).resize((220, 220), Image.Resampling.NEAREST)


def _line(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int) -> None:
    for font in _FONTS:
        if font.is_file():
            draw.text(at, text, _INK, font=ImageFont.truetype(font, size))
            return
    for place, character in enumerate(text):
        if not character.isspace():
            x = at[0] + place * size
            draw.rectangle((x, at[1], x + size * 3 // 4, at[1] + size * 3 // 4), outline=_INK)
