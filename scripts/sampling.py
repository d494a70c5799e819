"""Invents the enterprises of the sample data, from a seed.

Decides who there is: codes, registrations, representatives, platforms, and the
character by which `scripts.sampling_trade` makes up each one's trade. The rules:

1. Nobody real: codes lie in the reserved region 990000, the place 九九市 does not
   exist, persons come from a name generator, ID numbers carry region 990000.
2. The first enterprises, `CAST`, are the same in every sample, so that every level
   from AAA to D, NR and every fate of a submission occurs; the others are drawn
   from the distributions measured on real marketplaces.
3. Everything follows from the seed and the last day; no clock is read.

    enterprises = invent(seed=1, count=40, attached=0, end=dt.date(2026, 11, 20))
    enterprises[0].code, enterprises[0].character.name
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from typing import Final, Literal

from faker import Faker
from stdnum.cn import ric

from bonafides.identity.codes import GENERATED_REGION, UnifiedCode, compose

# What the registry holds against what is submitted: all the same, another
# representative, another title, no row, or an enterprise that has ended; REVOKED
# is verified first and revoked by the registry's next delivery.
Fate = Literal[
    "VERIFIED", "OTHER_PERSON", "OTHER_TITLE", "UNKNOWN_TO_REGISTRY", "DEREGISTERED", "REVOKED"
]


@dataclass(frozen=True, slots=True)
class Character:
    """How an enterprise of the sample trades, and what becomes of its submission.

    `orders` None: drawn per store. `late` and `complaint` None: drawn per
    enterprise; both are shares of orders. `upheld` and `lost` are the shares of its
    complaints and disputes that were decided against it; `answers_hours` the median
    time to its first answer to one.
    """

    name: str
    platforms: tuple[str, ...] = ("1688",)
    months: int = 26
    stores: int = 1
    orders: int | None = None
    late: float | None = None
    complaint: float | None = None
    upheld: float = 0.06
    lost: float = 0.15
    answers_hours: float = 8.0
    members: bool = False
    inspected: bool = False
    withheld: tuple[str, ...] = ()
    fate: Fate = "VERIFIED"
    department: str = "91"
    rated: bool = True


CAST: Final = (
    Character(
        "exemplary",
        ("1688",),
        months=64,
        stores=3,
        orders=1_500,
        late=0.01,
        complaint=0.03,
        upheld=0.0,
        lost=0.0,
        answers_hours=2.0,
        members=True,
        inspected=True,
    ),
    Character("sound", ("1688",), 34, 2, 420, 0.05, 0.12, 0.03, 0.1, members=True),
    Character("usual", ("taobao", "tmall"), 28, 2, 300, 0.08, 0.15, 0.08, 0.2, 20.0),
    Character("uneven", ("taobao",), 20, 1, 160, 0.24, 0.35, 0.3, 0.6, 30.0),
    Character("poor", ("taobao",), 9, 1, 90, 0.45, 0.55, 0.6, 0.9, 90.0),
    Character("newcomer", ("1688",), 2, 1, 60, 0.05, 0.1),
    Character("one perfect order", ("taobao",), 7, 1, 1, 0.0, 0.0),
    Character("licence revoked later", ("1688",), 30, 1, 250, 0.1, 0.2, fate="REVOKED"),
    Character(
        "exporter", ("alibaba", "1688"), 36, 2, 500, 0.03, 0.08, members=True, inspected=True
    ),
    Character("one platform withheld", ("1688", "taobao"), 26, 2, 280, 0.06, withheld=("taobao",)),
    Character("individual", ("taobao",), 30, 1, 350, 0.04, 0.1, 0.03, department="92"),
    Character("individual, not rated", ("taobao",), 25, 1, 200, 0.06, department="92", rated=False),
    Character("cooperative", ("1688",), 26, 1, 150, 0.06, 0.1, department="93"),
    Character("representative differs", ("1688",), 24, 1, 80, fate="OTHER_PERSON"),
    Character("title differs", ("taobao",), 24, 1, 60, fate="OTHER_TITLE"),
    Character("unknown to the registry", ("1688",), 24, 1, 60, fate="UNKNOWN_TO_REGISTRY"),
    Character("deregistered", ("taobao",), 24, 1, 60, fate="DEREGISTERED"),
    Character("several representatives", ("1688",), 26, 1, 220, 0.05, 0.1, 0.04),
)

# Receives the stores of real marketplace records; trades nothing of its own.
ATTACHED: Final = Character("attached", ("1688", "olist", "online-retail"), 60, 0, 0)

_PLATFORM_SETS: Final = (("1688",), ("taobao",), ("tmall", "taobao"), ("1688", "taobao"))
_FIRST_SYLLABLES: Final = "禾澄沐砚芷翎岚珩筠汐"
_SECOND_SYLLABLES: Final = "越衡川煦朗宸棠垣霁杉"
_DISTRICTS: Final = ("东湾区", "西岭区", "南浦区", "北原区")
_INDUSTRIES: Final = {
    "五金": "五金工具、紧固件的批发与零售",
    "家纺": "床上用品、纺织品的生产与销售",
    "茶业": "茶叶、茶具的批发与零售",
    "电子": "电子元件、小家电的销售",
    "箱包": "箱包、皮具的设计与销售",
    "玩具": "玩具、文具用品的批发与零售",
    "包装": "纸制品、塑料包装材料的生产与销售",
}
_FORMS: Final = {
    "91": ("有限责任公司(自然人投资或控股)", "有限公司"),
    "92": ("个体工商户", "经营部"),
    "93": ("农民专业合作社", "专业合作社"),
}
_COMPOSITIONS: Final = ("个人经营", "家庭经营")
_CAPITAL_WAN: Final = (10, 50, 100, 200, 500, 1_000, 3_000)
_FEN_PER_WAN: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares among the enterprises that are drawn; nobody measured them for us."""

    individual: float = 0.25
    rating_authorized: float = 0.9
    members: float = 0.4
    inspected: float = 0.2
    term_ends: float = 0.5
    held_by_organization: float = 0.4


SHARES: Final = Shares()


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up person; `id_type` is a name of v1.IdType without the prefix."""

    name: str
    id_number: str
    id_type: str = "RESIDENT_ID"


@dataclass(frozen=True, slots=True)
class Shareholder:
    """A holder of a share, with what was subscribed in fen."""

    title: str
    is_person: bool
    subscribed_minor: int


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the registration."""

    date: dt.date
    item: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise of the sample, as its registry knows it.

    `capital_minor` is None for individual businesses, which have none; they alone
    have a `composition`, else it is empty.
    """

    code: UnifiedCode
    character: Character
    title: str
    legal_form: str
    address: str
    industry: str
    business_scope: str
    established: dt.date
    term_end: dt.date | None
    capital_minor: int | None
    composition: str
    representative: Person
    # Representatives beside the first.
    partners: tuple[Person, ...]
    phone: str
    email: str
    shareholders: tuple[Shareholder, ...]
    changes: tuple[Change, ...]


def invent(seed: int, count: int, *, attached: int, end: dt.date) -> list[Enterprise]:
    """Returns `count` enterprises that trade, then `attached` ones that receive stores.

    The first are the `CAST`, in its order. Serial numbers, and so codes, follow
    from the position alone: a larger sample contains a smaller one's codes.
    """
    characters = [_character(seed, number) for number in range(count)] + [ATTACHED] * attached
    return [
        _enterprise(seed, number, character, end=end)
        for number, character in enumerate(characters, start=1)
    ]


def resident_number(birth: dt.date, order: int) -> str:
    """Returns an ID number of the reserved region, with its check digit (GB 11643)."""
    body = f"{GENERATED_REGION}{birth:%Y%m%d}{order % 1_000:03d}"
    return body + ric.calc_check_digit(body + "0")


def stream(seed: int, *of: object) -> random.Random:
    """Returns random numbers that depend on the seed and on what they are for.

    One stream for each purpose: a change to one enterprise leaves the others as
    they were.
    """
    return random.Random(":".join(map(str, (seed, *of))))  # noqa: S311 - sample data, no secret


def _character(seed: int, number: int) -> Character:
    if number < len(CAST):
        return CAST[number]
    chance = stream(seed, "character", number)
    individual = chance.random() < SHARES.individual
    return Character(
        "ordinary",
        chance.choice(_PLATFORM_SETS),
        months=chance.randint(4, 40),
        stores=1 + min(int(chance.expovariate(0.8)), 5),
        upheld=chance.betavariate(1.2, 12),
        lost=chance.betavariate(1.5, 6),
        members=chance.random() < SHARES.members,
        inspected=chance.random() < SHARES.inspected,
        department="92" if individual else "91",
        rated=not individual or chance.random() < SHARES.rating_authorized,
    )


def _enterprise(seed: int, number: int, character: Character, *, end: dt.date) -> Enterprise:
    chance = stream(seed, "enterprise", number)
    people = Faker("zh_CN")
    people.seed_instance(f"{seed}:{number}")
    representative = _person(people, chance, number)
    industry, scope = chance.choice(sorted(_INDUSTRIES.items()))
    form, ending = _FORMS[character.department]
    district = chance.choice(_DISTRICTS)
    established = end - dt.timedelta(days=character.months * 31 + chance.randint(60, 4_000))
    made = Enterprise(
        code=compose(character.department, GENERATED_REGION, f"{number:08d}"),
        character=character,
        title=f"九九市{_word(number)}{industry}{ending}",
        legal_form=form,
        address=f"九九省九九市{district}样例路{chance.randint(1, 999)}号",
        industry=industry,
        business_scope=scope,
        established=established,
        term_end=established.replace(year=established.year + 50, day=1)
        if chance.random() < SHARES.term_ends
        else None,
        capital_minor=chance.choice(_CAPITAL_WAN) * _FEN_PER_WAN,
        composition="",
        representative=representative,
        partners=_partners(character, people, chance, number),
        phone=f"1990000{number % 10_000:04d}",
        email=f"contact{number}@example.com",
        shareholders=(),
        changes=(),
    )
    if character.department == "92":
        return replace(
            made,
            capital_minor=None,
            composition=_COMPOSITIONS[number % len(_COMPOSITIONS)],
            changes=_changes(made, people, chance, end=end),
        )
    return replace(
        made,
        shareholders=_shareholders(made, people, chance),
        changes=_changes(made, people, chance, end=end),
    )


def _person(people: Faker, chance: random.Random, order: int) -> Person:
    birth = dt.date(1960, 1, 1) + dt.timedelta(days=chance.randrange(15_000))
    return Person(people.name(), resident_number(birth, order))


def _partners(
    character: Character, people: Faker, chance: random.Random, number: int
) -> tuple[Person, ...]:
    """Returns the other representatives, each with another type of document."""
    if character.name != "several representatives":
        return ()
    return (
        Person("TEST VISITOR", f"E99{number:06d}", "PASSPORT"),
        Person("測來港", f"H99{number:06d}", "HK_MACAO_PERMIT"),
        Person("測來臺", f"99{number:06d}", "TAIWAN_PERMIT"),
        Person(
            "TEST RESIDENT",
            _person(people, chance, number).id_number,
            "FOREIGN_PERMANENT_RESIDENT",
        ),
    )


def _word(number: int) -> str:
    """Returns a word that no other number up to 10,000 has."""
    first, second = divmod(number % 100, 10)
    word = _FIRST_SYLLABLES[first] + _SECOND_SYLLABLES[second]
    more = number // 100
    return word + "".join(_SECOND_SYLLABLES[int(digit)] for digit in str(more)) if more else word


def _shareholders(
    made: Enterprise, people: Faker, chance: random.Random
) -> tuple[Shareholder, ...]:
    capital = made.capital_minor or 0
    own = capital * chance.choice((51, 60, 70, 100)) // 100
    holders = [Shareholder(made.representative.name, is_person=True, subscribed_minor=own)]
    if own == capital:
        return tuple(holders)
    if chance.random() < SHARES.held_by_organization:
        parent = f"九九市{_word(99 - int(made.code.text[8:16]) % 99)}控股有限公司"
        holders.append(Shareholder(parent, is_person=False, subscribed_minor=capital - own))
    else:
        holders.append(Shareholder(people.name(), is_person=True, subscribed_minor=capital - own))
    return tuple(holders)


def _changes(
    made: Enterprise, people: Faker, chance: random.Random, *, end: dt.date
) -> tuple[Change, ...]:
    kinds = [
        ("经营范围变更", made.business_scope.split("的")[0], made.business_scope),
        ("住所变更", made.address.replace("样例路", "旧样例路"), made.address),
        ("名称变更", made.title.replace(made.industry, "贸易"), made.title),
    ]
    if made.character.department == "91":
        kinds.append(("法定代表人变更", people.name(), made.representative.name))
    age = (end - made.established).days
    chosen = chance.sample(kinds, k=chance.randint(0, 2))
    return tuple(
        sorted(
            (
                Change(
                    made.established + dt.timedelta(days=chance.randint(10, max(age - 400, 11))),
                    *kind,
                )
                for kind in chosen
            ),
            key=lambda change: (change.date, change.item),
        )
    )
