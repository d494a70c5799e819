"""The features that a scorecard may weigh, each a named function over facts as of a time.

A feature's docstring is its published explanation in English, and the Chinese one stands
beside it: it says the unit, the direction, the window and the source, in words for the
enterprise that is rated. Unit, direction and window are policy: they are declared here,
and a card that says otherwise is refused.

Rules:
- Nothing of a person is a feature: not the legal representative, not a shareholder. Of
  a change record its day and its item alone are looked at, never what stood before and
  after, for that names persons.
- Only what was decided against an enterprise counts against it. A case that is open
  or undecided counts against nobody; a refund is neutral and is no feature.
- One buyer is a bounded part of everything: it counts for few orders, and in rates
  for fewer, so that nobody thins out lost disputes by buying from itself.
- A public record counts only while it stands (`bonafides.archive.expiry`), and never
  if it was matched by name alone.
- Figures are summed over the authorized platforms; buyers are never merged across them.

    FEATURES["dispute_lost_rate"].measure(inputs)     # Share(part=3, whole=120)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bonafides.archive.expiry import public_record, standing_records
from bonafides.archive.facts import Kind
from bonafides.archive.public_records import CourtCase, Penalty, Performance, Severity
from bonafides.instants import Day, day_of
from bonafides.rating.measures import (
    MISSING,
    NOT_APPLICABLE,
    Absent,
    Counted,
    Declarations,
    Direction,
    Feature,
    RatingInputs,
    Share,
    Value,
    Words,
)
from bonafides.rating.trade import TRADE, orders_counted, record_days, valid_certifications

__all__ = [
    "FEATURES",
    "MISSING",
    "NOT_APPLICABLE",
    "Absent",
    "Direction",
    "Feature",
    "RatingInputs",
    "Share",
    "Value",
    "Words",
    "identity_established",
    "orders_counted",
    "record_days",
]

# Registered capital in fen at which the next band begins.
_CAPITAL_BANDS: Final = (10_000_000, 100_000_000, 1_000_000_000)
# What a penalty weighs on the day of its decision, and how often that halves. One
# whose severity is not known weighs as a minor one.
_PENALTY_WEIGHTS: Final = {
    Severity.NOT_KNOWN: 100,
    Severity.MINOR: 100,
    Severity.MODERATE: 300,
    Severity.SERIOUS: 900,
}
PENALTY_HALVES_DAYS: Final = 180
# Legal forms that have no registered capital of their own.
_FORMS_WITHOUT_CAPITAL: Final = ("个体", "个人独资", "合伙", "分公司", "分支机构")


# What registries print of a change of control, without 变更 or 备案. Of a company's
# shareholders no item says whether control went with the shares, so none counts.
_CONTROL_ITEMS: Final = frozenset({"控股股东", "实际控制人", "控制权", "经营者"})
_CHANGED: Final = ("变更", "备案", "变化")

_UP: Final = Direction.HIGHER_IS_BETTER
_DOWN: Final = Direction.LOWER_IS_BETTER
_VERIFIED: Final = "check:UID:CHECK"
_REGISTERED: Final = "fact:registration"

_OWN: Final = Declarations()


@_OWN.feature(
    "days",
    _UP,
    Counted("已连续核验{value}天", "verified without interruption for {value} days", _VERIFIED),
    zh="身份自首次核验起未曾中断的天数，越长越好。来源：对企业提交资料的核验。",
)
def verified_days(inputs: RatingInputs) -> Value:
    """For how many days the identity has been verified without interruption; longer is better.

    Counted from the first verification that was never allowed to lapse. Source: the
    verification of the enterprise's submission.
    """
    if not identity_established(inputs) or inputs.sheet.verification is None:
        return MISSING
    return inputs.today - day_of(inputs.sheet.verification.verified_at)


@_OWN.feature(
    "level",
    _UP,
    Counted(
        "{value}级：1为企业文件，2为登记一致，3为实地认证",
        "level {value}: 1 document, 2 registry, 3 on-site certification",
        _VERIFIED,
    ),
    zh=(
        "身份的最强证据，越强越好。1级：企业自有文件；2级：与登记信息一致；3级：机构实地认证且"
        "在有效期内。来源：登记机关、获授权平台报告的认证。"
    ),
)
def evidence_level(inputs: RatingInputs) -> Value:
    """How strong the best evidence of the identity is; stronger is better.

    Level 1: the enterprise's own documents. Level 2: the registry agrees. Level 3: an
    agency was on site and its certification is valid. Source: the registry, and the
    certifications that authorized platforms report.
    """
    if not identity_established(inputs):
        return MISSING
    if inputs.registration is None:
        return 1
    return 3 if valid_certifications(inputs) else 2


@_OWN.feature(
    "days",
    _UP,
    Counted(
        "登记且控制权未变{value}天",
        "registered, and under the same control, for {value} days",
        _REGISTERED,
    ),
    zh=(
        "企业登记成立至今的天数，越长越好。控制权变更后自变更之日重新计算：以登记机关公示的控股"
        "股东、实际控制人或个体工商户经营者的变更为准，任何姓名均不查看。来源：登记信息的成立日"
        "期和变更事项。"
    ),
)
def registration_days(inputs: RatingInputs) -> Value:
    """For how many days the enterprise has been registered; longer is better.

    Begins again with a change of control: one that the registry published of the
    controlling shareholder, the actual controller, or an individual business's proprietor.
    No name is looked at. Source: the date of establishment and the changes in the registry.
    """
    told = inputs.registration
    if told is None or told.established is None:
        return MISSING
    since = max([told.established, *_control_days(inputs)])
    return max(0, inputs.today - since)


@_OWN.feature(
    "band",
    _UP,
    Counted("注册资本第{value}档", "registered capital in band {value}", _REGISTERED),
    zh=(
        "注册资本所在档位，越高越好，设有上限。0档：10万元以下；1档：100万元以下；2档：1000万元"
        "以下；3档：1000万元及以上。个体工商户、无注册资本的组织形式及外币资本不适用，得分恰为"
        "中性。来源：登记信息。"
    ),
)
def capital_band(inputs: RatingInputs) -> Value:
    """In which band the registered capital lies; higher is better, up to a cap.

    Band 0: below 100,000 CNY; 1: below 1 million; 2: below 10 million; 3: from 10
    million on. Does not apply, and is then exactly neutral, to individual businesses, to
    forms without registered capital, and to capital in another currency. Source: the
    registry.
    """
    told = inputs.registration
    if inputs.code.individual:
        return NOT_APPLICABLE
    if told is not None and any(form in (told.legal_form or "") for form in _FORMS_WITHOUT_CAPITAL):
        return NOT_APPLICABLE
    if told is None or told.registered_capital is None:
        return MISSING
    if told.registered_capital.currency != "CNY":
        return NOT_APPLICABLE
    return sum(told.registered_capital.minor >= start for start in _CAPITAL_BANDS)


@_OWN.feature(
    "count",
    _DOWN,
    Counted("未履行案件{value}件", "{value} court cases not yet performed", "fact:KIND:ITEM"),
    zh=(
        "以企业统一社会信用代码公示、尚未履行完毕的判决与执行案件数，越少越好。执行案件在法院载"
        "明履行完毕前计入；判决仅在来源载明未全部履行时计入。法院撤下或期满后不再计入；仅凭名称"
        "匹配的案件不计入。来源：法院公示。"
    ),
)
def unfulfilled_cases(inputs: RatingInputs) -> Value:
    """How many judgments and enforcements against the enterprise are not performed; less is better.

    An enforcement counts until the court says that it is performed, a judgment only if
    the source says that it is not performed in full. A case leaves the count when the
    source takes it off, or when its term is over. A case that was matched by name alone
    counts for nothing. Source: what courts published under the enterprise's code.
    """
    cases = [
        (fact.kind, public_record(fact))
        for fact in standing_records(inputs.sheet, Kind.ENFORCEMENT, Kind.JUDGMENT)
    ]
    return sum(
        isinstance(case, CourtCase)
        and case.performance is not Performance.PERFORMED
        and (kind is Kind.ENFORCEMENT or case.performance is not Performance.NOT_KNOWN)
        for kind, case in cases
    )


@_OWN.feature(
    "weight",
    _DOWN,
    Counted(
        "处罚权重{value}，一次新的轻微处罚为100",
        "penalties weigh {value}; 100 is a new minor one",
        "fact:penalty:ITEM",
    ),
    zh=(
        "行政处罚在今日的权重之和，越低越好。决定之日轻微为100，一般为300，严重为900，每180天减"
        "半。主管机关撤下或期满后不再计入。来源：主管机关以企业统一社会信用代码公示的处罚。"
    ),
)
def penalty_weight(inputs: RatingInputs) -> Value:
    """What the administrative penalties against the enterprise weigh today; less is better.

    A minor one weighs 100 on the day of its decision, a moderate one 300, a serious one
    900; the weight halves every 180 days. A penalty leaves when the authority takes it
    off, or when its term is over. Source: what authorities published under the
    enterprise's code.
    """
    penalties = map(public_record, standing_records(inputs.sheet, Kind.PENALTY))
    return sum(
        _PENALTY_WEIGHTS[penalty.severity]
        >> (max(0, inputs.today - penalty.begins) // PENALTY_HALVES_DAYS)
        for penalty in penalties
        if isinstance(penalty, Penalty)
    )


@_OWN.feature(
    "days",
    _DOWN,
    Counted(
        "列入经营异常名录{value}天",
        "{value} days on the list of abnormal operations",
        "fact:abnormal_operations:ITEM",
    ),
    zh=(
        "目前在经营异常名录中的天数，未列入为0，越少越好。列入当日计入；有多条时取最长者；移出"
        "后不再计入。来源：市场监督管理部门以企业统一社会信用代码公示的名录。"
    ),
)
def abnormal_list_days(inputs: RatingInputs) -> Value:
    """For how many days the enterprise has been on the list of abnormal operations; less is better.

    0: it is not on the list. The day of listing counts. Of several entries the longest
    counts; one that was taken off counts no more. Source: what the market regulator
    published under the enterprise's code.
    """
    listed = standing_records(inputs.sheet, Kind.ABNORMAL_OPERATIONS)
    return max((inputs.today - public_record(fact).begins + 1 for fact in listed), default=0)


FEATURES: Final[Mapping[str, Feature]] = MappingProxyType({**_OWN, **TRADE})


def identity_established(inputs: RatingInputs) -> bool:
    """Tells whether a verification is in force as of the inputs' instant."""
    verification = inputs.sheet.verification
    return (
        verification is not None
        and verification.verified_at <= inputs.as_of < verification.expires_at
    )


def _control_days(inputs: RatingInputs) -> list[Day]:
    """Returns the days on which control changed, none of which is to come."""
    return [
        change.day
        for change in inputs.sheet.changes
        if change.day <= inputs.today and _names_control(change.item)
    ]


def _names_control(item: str) -> bool:
    for ending in _CHANGED:
        item = item.strip().removesuffix(ending)
    return item in _CONTROL_ITEMS
