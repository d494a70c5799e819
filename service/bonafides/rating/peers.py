"""Says with whom an enterprise is compared, and what the mean of such a group is.

The mean stands beside the enterprise's own figure and is never part of its points: who
deals in a trade with many late deliveries is not excused by it. The rules:

1. A group is of one type of enterprise: an individual business is never compared with
   a company. Within the type it is of one main store category; where there is none, or
   the group is too small, of one legal form and age band. Otherwise there is no group.
2. A group has at least 30 members that have a level by points, and a mean counts at
   least 30 figures. Whoever has no figure is left out of the mean.
3. No figure of a single member can be read from a mean: it is withheld where one member
   makes more than half of the sum; it is given with two significant digits, and the
   size cut down to tens, so that who joins or leaves between two days stays hidden.

4. What the Beta prior of a share is drawn from (`prior_groups`) is another matter: type
   and legal form, which tells the type, would be inputs of points there, and are left
   out. Such a group is of a main store category, else of an age band.

    tally = Tally()
    tally.add("91...", groups_of(code, registration, "百货", today), {"paid_orders": 812})
    tally.measured().means
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from bonafides.archive.facts import Registration
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Day

LEAST_MEMBERS: Final = 30
MILLI: Final = 1_000
# A mean tells of one member where that one makes more than this share of the sum.
_DOMINANT: Final = 2
_SIZE_STEP: Final = 10
_DIGITS: Final = 2
# A category that is longer is a description, and shared by nobody.
_LONGEST_CATEGORY: Final = 100

_TYPES: Final = {
    "91": ("company", "公司", "companies"),
    "92": ("individual_business", "个体工商户", "individual businesses"),
    "93": ("cooperative", "农民专业合作社", "cooperatives"),
}
# Words of a legal form as registries print it, the more telling first.
_FORMS: Final = (
    (("分公司", "分支机构", "营业单位"), ("branch", "分支机构", "branch")),
    (("股份",), ("joint_stock", "股份公司", "joint stock")),
    (("有限责任", "有限公司"), ("limited", "有限责任公司", "limited liability")),
    (("合伙",), ("partnership", "合伙企业", "partnership")),
    (("独资",), ("sole_investor", "个人独资企业", "sole investor")),
    (("个体",), ("individual", "个体工商户", "individual business")),
    (("合作社",), ("cooperative", "合作社", "cooperative")),
)
_YEAR_DAYS: Final = 365
# Years since the establishment at which the next band begins.
_AGES: Final = (0, 1, 3, 5, 10)


class Group(NamedTuple):
    """A group of enterprises: its key, and what it is called."""

    key: str
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class PeerMean:
    """The mean of one feature in one group.

    `mean_milli` is in thousandths of the feature's unit, with two significant digits;
    `members` are at least so many, cut down to tens.
    """

    group: Group
    feature: str
    mean_milli: int
    members: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured: the group of each enterprise that has one, and the means."""

    groups: Mapping[str, str]
    means: tuple[PeerMean, ...]


def groups_of(
    code: UnifiedCode, registration: Registration | None, category: str | None, today: Day
) -> tuple[Group, ...]:
    """Returns the groups that the enterprise belongs to, the closest first."""
    known = _TYPES.get(code.department)
    if known is None:
        return ()
    kind, zh, en = known
    groups = []
    if category and len(category) <= _LONGEST_CATEGORY:
        groups.append(
            Group(f"{kind}/category/{category}", f"{zh}，{category}", f"{en}, {category}")
        )
    if registration is not None and registration.established is not None:
        form = _form(registration.legal_form or "")
        age = _age(today - registration.established)
        if form is not None:
            groups.append(_of_form(known, form, age))
    return tuple(groups)


def prior_groups(
    registration: Registration | None, category: str | None, today: Day
) -> tuple[str, ...]:
    """Returns the keys of the groups whose priors a card may have, the closest first."""
    keys = []
    if category and len(category) <= _LONGEST_CATEGORY:
        keys.append(f"{_CATEGORY}{category}")
    if registration is not None and registration.established is not None:
        start, end = _age(today - registration.established)
        keys.append(f"{_AGE}{_band(start, end)}")
    return tuple(keys)


def named(key: str) -> Group | None:
    """Returns the group of a key of `prior_groups`, with what it is called; None: no such key."""
    if key.startswith(_CATEGORY):
        category = key.removeprefix(_CATEGORY)
        return Group(key, category, category) if 0 < len(category) <= _LONGEST_CATEGORY else None
    return _AGE_GROUPS.get(key)


class Tally:
    """Adds enterprises up, group by group."""

    def __init__(self) -> None:
        self._candidates: Final[dict[str, tuple[Group, ...]]] = {}
        self._members: Final[dict[str, int]] = {}
        self._figures: Final[dict[tuple[Group, str], _Figures]] = {}

    def add(self, code: str, groups: Sequence[Group], figures: Mapping[str, int]) -> None:
        """Adds an enterprise with its figures by feature; each code is added once."""
        self._candidates[code] = tuple(groups)
        for group in groups:
            self._members[group.key] = self._members.get(group.key, 0) + 1
            for feature, figure in figures.items():
                self._figures.setdefault((group, feature), _Figures()).add(figure)

    def measured(self) -> Measured:
        """Returns the groups that are large enough, and their means, sorted."""
        chosen = {
            code: group.key
            for code, groups in self._candidates.items()
            if (group := next(filter(self._is_large_enough, groups), None)) is not None
        }
        means = (
            PeerMean(group, feature, figures.mean_milli, _cut(figures.count))
            for (group, feature), figures in sorted(self._figures.items())
            if self._is_large_enough(group) and figures.tells_of_nobody
        )
        return Measured(chosen, tuple(means))

    def _is_large_enough(self, group: Group) -> bool:
        return self._members[group.key] >= LEAST_MEMBERS


@dataclass(slots=True)
class _Figures:
    count: int = 0
    total: int = 0
    largest: int = 0

    def add(self, figure: int) -> None:
        self.count += 1
        self.total += figure
        self.largest = max(self.largest, figure)

    @property
    def tells_of_nobody(self) -> bool:
        return self.count >= LEAST_MEMBERS and _DOMINANT * self.largest <= self.total

    @property
    def mean_milli(self) -> int:
        mean = _half_even(self.total * MILLI, self.count)
        step: int = 10 ** max(0, len(str(mean)) - _DIGITS)
        return _half_even(mean, step) * step


def _half_even(whole: int, by: int) -> int:
    quotient, rest = divmod(whole, by)
    return quotient + int(2 * rest > by or (2 * rest == by and quotient % 2 == 1))


def _cut(count: int) -> int:
    return count - count % _SIZE_STEP


def _form(text: str) -> tuple[str, str, str] | None:
    return next((form for words, form in _FORMS if any(word in text for word in words)), None)


def _age(days: int) -> tuple[int, int | None]:
    """Returns the years at which the band of this age begins and ends; None: it does not."""
    years = max(0, days) // _YEAR_DAYS
    place = sum(start <= years for start in _AGES) - 1
    return _AGES[place], _AGES[place + 1] if place + 1 < len(_AGES) else None


def _of_form(
    kind: tuple[str, str, str], form: tuple[str, str, str], age: tuple[int, int | None]
) -> Group:
    span, old = _span(*age)
    return Group(
        f"{kind[0]}/form/{form[0]}/age/{_band(*age)}",
        f"{kind[1]}，{form[1]}，{span}",
        f"{kind[2]}, {form[2]}, {old}",
    )


def _band(start: int, end: int | None) -> str:
    return f"{start}+" if end is None else f"{start}-{end}"


def _span(start: int, end: int | None) -> tuple[str, str]:
    if end is None:
        return f"满{start}年", f"{start} years or older"
    return f"满{start}年不满{end}年", f"{start} to under {end} years old"


_CATEGORY: Final = "category/"
_AGE: Final = "age/"
_AGE_GROUPS: Final = {
    (key := f"{_AGE}{_band(start, end)}"): Group(key, *_span(start, end))
    for start, end in zip(_AGES, (*_AGES[1:], None), strict=True)
}
