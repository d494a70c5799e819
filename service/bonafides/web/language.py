"""Says things in Chinese or English: texts, dates, money, numbers.

Texts are English in the code and in the templates; the catalogue in `locale` has the
Chinese ones, and is read at the start, so that there is nothing to compile. Days and
instants are those of Asia/Shanghai, as everywhere in the service.

    chinese.text("Look up")                   # 查询
    chinese.day(Date(year=2026, month=11, day=1))     # 2026年11月1日
"""

from __future__ import annotations

import datetime as dt
import gettext
import io
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers, units
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from bonafides.v1 import enterprise_pb2

_CATALOGUES: Final = Path(__file__).parent / "locale"
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_MILLION: Final = Decimal(1_000_000)
_MEBIBYTE: Final = 1_024 * 1_024
# From how many of it on a unit of time is named, and its seconds; the longest first.
_UNITS: Final[tuple[tuple[Literal["day", "hour", "minute", "second"], int, int], ...]] = (
    ("day", 2, 86_400),
    ("hour", 2, 3_600),
    ("minute", 1, 60),
    ("second", 1, 1),
)
_NO_LONGER_UNIT: Final = 1e9


class Language:
    """One language of the site. Safe to share between threads."""

    def __init__(self, code: str, locale: str, tag: str, prefix: str) -> None:
        """`prefix` is what the paths of its pages begin with."""
        self.code: Final = code
        self.tag: Final = tag
        self.prefix: Final = prefix
        self._locale: Final = Locale.parse(locale)
        self._texts: Final = _catalogue(code)

    def text(self, text: str) -> str:
        """Returns the text in this language; one that the catalogue lacks, in English."""
        return self._texts.gettext(text)

    def day(self, date: Date) -> str:
        """Returns the day as the language writes it."""
        if not (date.year and date.month and date.day):
            return "/".join(str(part) for part in (date.year, date.month, date.day) if part)
        shown = dt.date(date.year, date.month, date.day)
        return dates.format_date(shown, format="long", locale=self._locale)

    def day_of(self, stamp: Timestamp) -> str:
        """Returns the day of the instant in China."""
        at = stamp.ToDatetime(dt.UTC).astimezone(_SHANGHAI)
        return dates.format_date(at.date(), format="medium", locale=self._locale)

    def moment(self, stamp: Timestamp) -> str:
        """Returns the instant, to the minute, in China's time."""
        at = stamp.ToDatetime(dt.UTC).astimezone(_SHANGHAI)
        day = dates.format_date(at.date(), format="long", locale=self._locale)
        return f"{day} {at:%H:%M}"

    def money(self, money: enterprise_pb2.Money) -> str:
        """Returns the amount with its currency."""
        places = numbers.get_currency_precision(money.currency_code)
        amount = Decimal(money.amount_minor).scaleb(-places)
        return numbers.format_currency(amount, money.currency_code, locale=self._locale)

    def share(self, ppm: int) -> str:
        """Returns millionths as a percentage."""
        return numbers.format_percent(Decimal(ppm) / _MILLION, "#,##0.##%", locale=self._locale)

    def duration(self, seconds: int) -> str:
        """Returns a time to wait, of a second at least, rounded up to a whole unit."""
        waits = max(seconds, 1)
        unit, each = next((unit, each) for unit, least, each in _UNITS if waits >= least * each)
        whole = dt.timedelta(seconds=-(-waits // each) * each)
        return dates.format_timedelta(
            whole, granularity=unit, threshold=_NO_LONGER_UNIT, locale=self._locale
        )

    def size(self, size_bytes: int) -> str:
        """Returns a size, in MiB where it is a whole one."""
        if size_bytes and size_bytes % _MEBIBYTE == 0:
            return f"{self.number(size_bytes // _MEBIBYTE)} MiB"
        return units.format_unit(size_bytes, "digital-byte", locale=self._locale)

    def number(self, number: Decimal | int) -> str:
        """Returns a number with its groups."""
        return numbers.format_decimal(number, locale=self._locale)


def _catalogue(code: str) -> gettext.NullTranslations:
    file = _CATALOGUES / code / "LC_MESSAGES" / "bonafides.po"
    if not file.exists():
        return gettext.NullTranslations()
    with file.open("rb") as opened:
        catalogue = read_po(opened, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


# The first is the one of a path without a prefix.
LANGUAGES: Final = (Language("zh", "zh_CN", "zh-CN", ""), Language("en", "en", "en", "/en"))
