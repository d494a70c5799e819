"""A card is served whole and sound, or refused with what is wrong and where."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.rating.card import PPM, CardFeature, Level, Prior, RuleKind, score
from bonafides.rating.features import (
    FEATURES,
    MISSING,
    NOT_APPLICABLE,
    Absent,
    Direction,
    Share,
    Value,
)
from bonafides.rating.scorecard import (
    ScorecardError,
    canonical,
    champion,
    load,
    models_folder,
    parse,
)

CARD = champion(None)
_DRAFT: dict[str, Any] = json.loads(CARD.artifact)
_BY_NAME = {feature.name: feature for feature in CARD.features}


def _values(feature: CardFeature) -> st.SearchStrategy[Value]:
    absent = st.sampled_from([MISSING, NOT_APPLICABLE])
    if feature.prior is None:
        return st.integers(0, 10_000) | absent
    whole = st.integers(1, 10_000)
    return whole.flatmap(lambda n: st.integers(0, n).map(lambda part: Share(part, n))) | absent


_ROWS = st.fixed_dictionaries({feature.name: _values(feature) for feature in CARD.features})


def _refusal(change: Callable[[dict[str, Any]], None]) -> ScorecardError:
    draft = copy.deepcopy(_DRAFT)
    change(draft)
    with pytest.raises(ScorecardError) as refused:
        parse(canonical(draft), "draft")
    return refused.value


@pytest.mark.feature("E1")
def test_the_champion_publishes_cut_offs_from_best_to_lowest() -> None:
    assert [cut.level for cut in CARD.content.levels] == ["AAA", "AA", "A", "B", "C"]
    assert CARD.level_at(CARD.content.levels[1].min_points) is Level.AA
    assert CARD.level_at(CARD.content.levels[1].min_points - 1) is Level.A


@pytest.mark.feature("E14")
def test_the_champion_says_on_what_it_rests_and_what_it_is_not() -> None:
    assert CARD.basis == "EXPERT"
    assert "not a credit rating and not meant for lending" in CARD.content.limits.en
    assert "不是信用评级" in CARD.content.limits.zh


def test_the_champion_weighs_every_feature_and_can_reach_a_thousand_points() -> None:
    assert {feature.name for feature in CARD.features} == FEATURES.keys()
    assert sum(feature.max_points for feature in CARD.features) == 1_000


@pytest.mark.feature("E5")
def test_a_card_is_the_same_whether_named_by_folder_by_file_or_by_version() -> None:
    folder = models_folder(None)
    assert load(folder, CARD.version) == load(folder / CARD.version) == CARD
    assert load(folder / CARD.version / "scorecard.json").digest == CARD.digest


@pytest.mark.feature("E7")
@pytest.mark.parametrize("feature", CARD.features, ids=lambda feature: feature.name)
def test_points_follow_the_direction_over_all_bins(feature: CardFeature) -> None:
    points = list(feature.points)
    down = feature.direction is Direction.LOWER_IS_BETTER
    assert points == sorted(points, reverse=down)


@pytest.mark.feature("E7")
@pytest.mark.parametrize("feature", CARD.features, ids=lambda feature: feature.name)
@given(st.data())
def test_a_better_value_never_has_fewer_points(feature: CardFeature, data: st.DataObject) -> None:
    if feature.prior is None:
        pair: list[Value] = sorted(data.draw(st.tuples(*[st.integers(0, 10_000)] * 2)))
    else:
        whole = data.draw(st.integers(1, 10_000))
        parts = sorted(data.draw(st.tuples(*[st.integers(0, whole)] * 2)))
        pair = [Share(part, whole) for part in parts]
    worse, better = pair if feature.direction is Direction.HIGHER_IS_BETTER else reversed(pair)
    assert feature.points_at(feature.slot(worse)) <= feature.points_at(feature.slot(better))
    assert feature.range_of(worse)[0] <= feature.range_of(better)[0]
    assert feature.range_of(worse)[1] <= feature.range_of(better)[1]


@pytest.mark.feature("E4")
@pytest.mark.parametrize("feature", CARD.features, ids=lambda feature: feature.name)
def test_missing_is_never_better_than_neutral(feature: CardFeature) -> None:
    assert feature.points_at(MISSING) <= feature.points_at(NOT_APPLICABLE)


@pytest.mark.feature("E2")
@given(_ROWS)
def test_contributions_sum_to_the_score_within_its_range(values: dict[str, Value]) -> None:
    scored = score(CARD.features, values)
    assert sum(part.points for part in scored.contributions) == scored.total
    assert scored.low <= scored.total <= scored.high


@pytest.mark.feature("E4")
def test_none_of_twelve_is_near_the_mean_and_not_below_twenty_of_a_thousand() -> None:
    feature = _BY_NAME["dispute_lost_rate"]
    few, many = Share(0, 12), Share(20, 1_000)
    assert feature.slot(few) == feature.slot(Share(0, 0))
    assert feature.points_at(feature.slot(few)) > feature.points_at(feature.slot(many))


def test_a_bin_begins_at_its_edge() -> None:
    feature = _BY_NAME["verified_days"]
    assert [feature.slot(days) for days in (29, 30, 89, 90)] == [0, 1, 1, 2]


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 10**7), st.integers(0, 10**7))
def test_bounds_lie_around_the_estimate_within_nought_and_one(
    alpha: int, beta: int, part: int, rest: int
) -> None:
    prior, share = Prior(alpha=alpha, beta=beta), Share(part, part + rest)
    low, high = prior.bounds(share)
    assert 0 <= low <= prior.estimate(share) <= high <= PPM


def test_bounds_of_a_share_are_those_worked_out_by_hand() -> None:
    # Beta(3, 109): mean 26,785 ppm; 1.645 times the deviation 0.0151886 is 24,985 ppm.
    assert Prior(alpha=1, beta=99).bounds(Share(2, 12)) == (1_800, 51_770)


def test_more_of_the_same_narrows_the_range() -> None:
    prior = Prior(alpha=1, beta=99)
    few, many = prior.bounds(Share(1, 100)), prior.bounds(Share(100, 10_000))
    assert many[1] - many[0] < few[1] - few[0]


def test_canonical_bytes_are_those_of_the_standard() -> None:
    # The string sample of RFC 8785 section 3.2.2, and its rule on the order of members.
    sample = {"string": '€$\u000f\nA\'B"\\\\"/', "peach": 1, "literals": [-(2**53) + 1], "": 0}
    expected = (
        r"""{"":0,"literals":[-9007199254740991],"peach":1,"string":"€$\u000f\nA'B\"\\\\\"/"}"""
    )
    assert canonical(sample) == expected.encode()


@pytest.mark.parametrize("part", [1.5, True, None, 2**53, "\ud800", {"é": 1}])
def test_what_has_no_canonical_form_is_refused(part: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical([part])


# Of RFC 8785: strings of 3.2.2.2, order of 3.2.3 as far as names are ASCII, integers of
# appendix B; and the arrays, structures and values of the authors' own test data.
VECTORS = [
    (
        r"""{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}""",
        r"""{"string":"€$\u000f\nA'B\"\\\\\"/"}""",
    ),
    (
        r'{"1": {"f": {"f": "hi", "F": 5}, "\n": 56}, "10": {}, "": "empty", "a": {}, "111": []}',
        r'{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[],"a":{}}',
    ),
    (r'[56, {"d": 1, "10": 2, "1": []}]', r'[56,{"1":[],"10":2,"d":1}]'),
    (r'{"name": "\u0080 \u00f6 \u05d3\ufb33 \ud83d\ude02"}', '{"name":"\u0080 ö \u05d3\ufb33 😂"}'),
    (r'{"name": "A\u030a"}', '{"name":"A\u030a"}'),
    (r'["\b\t\n\f\r\u0000\u001f\u007f"]', '["\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"]'),
    ("[9007199254740991, -9007199254740991, 0, -0]", "[9007199254740991,-9007199254740991,0,0]"),
]


@pytest.mark.parametrize(("given_text", "expected"), VECTORS)
def test_canonical_form_agrees_with_the_vectors_of_rfc_8785(given_text: str, expected: str) -> None:
    made = canonical(json.loads(given_text))
    assert made == expected.encode()
    assert canonical(json.loads(made)) == made


# What of the RFC's data the restricted form leaves out, it refuses and never writes otherwise.
@pytest.mark.parametrize(
    "left_out",
    [
        '{"\\u20ac": "Euro Sign", "\\r": "Carriage Return"}',
        "[333333333.33333329, 1E30, 4.50, 6, 2e-3]",
        "[null, true, false]",
        "[9007199254740992]",
        "[-9007199254740992]",
        '["\\udead"]',
    ],
)
def test_vectors_outside_the_restricted_form_are_refused(left_out: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - UnicodeEncodeError is one, too
        canonical(json.loads(left_out))


@pytest.mark.feature("E5")
def test_bytes_that_are_not_canonical_are_refused() -> None:
    for raw in (
        CARD.artifact + b"\n",
        CARD.artifact.replace(b":", b": ", 1),
        b"\xff",
        b"[" * 9_999,
    ):
        with pytest.raises(ScorecardError) as refused:
            parse(raw, "card")
        assert refused.value.where == "bytes"


def test_a_pickle_is_no_card() -> None:
    with pytest.raises(ScorecardError):
        parse(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94.", "card.pkl")


def test_a_card_too_large_is_refused_unread() -> None:
    with pytest.raises(ScorecardError) as refused:
        parse(b" " * ((1 << 20) + 1), "card")
    assert refused.value.where == "bytes"


def _feature(draft: dict[str, Any], name: str) -> dict[str, Any]:
    return next(feature for feature in draft["features"] if feature["name"] == name)


def _set(feature: str, /, **members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda draft: _feature(draft, feature).update(members)


def _rule(draft: dict[str, Any], reason: str) -> dict[str, Any]:
    return next(rule for rule in draft["rules"] if rule["reason"] == reason)


_UNSOUND: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "unknown feature": (_set("paid_orders", name="luck"), "features.luck"),
    "feature twice": (_set("paid_orders", name="capital_band"), "features.capital_band"),
    "other unit": (_set("paid_orders", unit="days"), "features.paid_orders.unit"),
    "other window": (_set("paid_orders", window_days=30), "features.paid_orders.window_days"),
    "other direction": (
        _set("paid_orders", direction="LOWER_IS_BETTER"),
        "features.paid_orders.direction",
    ),
    "points against the direction": (
        _set("on_site_level", points=[0, 40, 25]),
        "features.on_site_level.points",
    ),
    "edges that do not ascend": (
        _set("on_site_level", edges=[2, 2]),
        "features.on_site_level.edges",
    ),
    "a bin without points": (
        _set("on_site_level", points=[0, 40]),
        "features.on_site_level.points",
    ),
    "missing better than neutral": (
        _set("active_months", missing=36),
        "features.active_months.missing",
    ),
    "neutral beyond the bins": (
        _set("active_months", not_applicable=61),
        "features.active_months.not_applicable",
    ),
    "a share not neutral at its mean": (
        _set("dispute_lost_rate", not_applicable=147),
        "features.dispute_lost_rate.not_applicable",
    ),
    "a feature that moves too much": (
        lambda draft: draft.update(max_feature_points=119),
        "features.dispute_lost_rate.points",
    ),
    "a prior for a count": (
        _set("paid_orders", prior={"alpha": 1, "beta": 1}),
        "features.paid_orders.prior",
    ),
    "a member too many": (
        lambda draft: draft["features"][3].update(color=1),
        "features.3.color",
    ),
    "points as text": (
        lambda draft: draft["features"][0]["points"].__setitem__(0, "10"),
        "features.0.points.0",
    ),
    "a base that nobody explains": (lambda draft: draft.update(base=5), "base"),
    "a schema of tomorrow": (lambda draft: draft.update(schema_version=5), "schema_version"),
    "a version that leads out": (lambda draft: draft.update(version="../x"), "version"),
    "levels out of order": (lambda draft: draft["levels"].reverse(), "levels"),
    "cut-offs that do not descend": (
        lambda draft: draft["levels"][1].update(min_points=904),
        "levels",
    ),
    "a score without level": (lambda draft: draft["levels"][4].update(min_points=200), "levels.C"),
    "a level out of reach": (
        lambda draft: draft["levels"][0].update(min_points=1_001),
        "levels.AAA",
    ),
    "a rule left out": (
        lambda draft: draft["rules"].remove(_rule(draft, "IDENTITY")),
        "rules.IDENTITY",
    ),
    "a knock-out by public record left out": (
        lambda draft: draft["rules"].remove(_rule(draft, "DISHONEST_DEBTOR")),
        "rules.DISHONEST_DEBTOR",
    ),
    "the ceiling of one buyer left out": (
        lambda draft: draft["rules"].remove(_rule(draft, "ONE_BUYER_MAKES_THE_RECORD")),
        "rules.ONE_BUYER_MAKES_THE_RECORD",
    ),
    "a knock-out that nobody escapes": (
        lambda draft: _rule(draft, "LICENSE_REVOKED").update(at_least=2),
        "rules.LICENSE_REVOKED.at_least",
    ),
    "a knock-out that never hits": (
        lambda draft: _rule(draft, "SERIOUS_ILLEGAL").update(at_least=0),
        "rules.2.at_least",
    ),
    "a knock-out that only holds down": (
        lambda draft: _rule(draft, "SERIOUS_ILLEGAL").update(kind="CEILING", holds_at="AA"),
        "rules.SERIOUS_ILLEGAL.kind",
    ),
    "a ceiling that nothing lifts": (
        lambda draft: _rule(draft, "NO_ON_SITE_EVIDENCE").update(at_least=4),
        "rules.NO_ON_SITE_EVIDENCE.at_least",
    ),
    "points that rise with what is bad": (
        _set("dispute_lost_rate", points=[120, 118, 114, 44, 45, 0]),
        "features.dispute_lost_rate.points",
    ),
    "an explanation of its own in English": (
        lambda draft: draft["features"][0]["explanation"].update(en="Whatever we like."),
        "features.verified_days.explanation",
    ),
    "an explanation of its own in Chinese": (
        lambda draft: draft["features"][0]["explanation"].update(zh="随意。"),
        "features.verified_days.explanation",
    ),
    "a rule of a later schema": (
        lambda draft: draft.update(schema_version=1),
        "rules.DISHONEST_DEBTOR",
    ),
    "a rule turned into another": (
        lambda draft: _rule(draft, "LICENSE_REVOKED").update(kind="NOT_RATED"),
        "rules.LICENSE_REVOKED.kind",
    ),
    "an unknown rule": (
        lambda draft: draft["rules"].append({**draft["rules"][0], "reason": "RUMOR"}),
        "rules.RUMOR",
    ),
    "a ceiling that holds nothing": (
        lambda draft: _rule(draft, "FEW_ORDERS_A_YEAR").pop("holds_at"),
        "rules.FEW_ORDERS_A_YEAR.holds_at",
    ),
    "a text that reaches for more": (
        lambda draft: _rule(draft, "IDENTITY")["text"].update(en="{measured.__class__}"),
        "rules.IDENTITY.text.en",
    ),
    "a golden row that scores otherwise": (
        lambda draft: draft["golden"][0].update(score=draft["golden"][0]["score"] + 1),
        "golden.0",
    ),
    "points moved under the golden rows": (
        _set("capital_band", points=[8, 14, 20, 24]),
        "golden.3",
    ),
    "golden rows that miss a slot": (
        lambda draft: draft["golden"].__delitem__(slice(1, None)),
        "golden.verified_days",
    ),
}


@pytest.mark.feature("E7")
@pytest.mark.parametrize("name", _UNSOUND)
def test_a_card_is_refused_for(name: str) -> None:
    change, where = _UNSOUND[name]
    assert _refusal(change).where.startswith(where)


@pytest.mark.parametrize("name", ["representative_age", "shareholder_count", "gender", "id_number"])
def test_a_card_that_names_anything_of_a_person_is_refused(name: str) -> None:
    refusal = _refusal(_set("paid_orders", name=name))
    assert refusal.where == f"features.{name}"
    assert "of a person" in refusal.fault


def test_a_card_in_the_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "expert-9").mkdir()
    (tmp_path / "expert-9" / "scorecard.json").write_bytes(CARD.artifact)
    with pytest.raises(ScorecardError) as refused:
        load(tmp_path, "expert-9")
    assert refused.value.where == "version"


@pytest.mark.parametrize("line", [None, "", "../expert-1", "expert-1\nexpert-2", "EXPERT"])
def test_a_champion_that_names_no_version_is_refused(tmp_path: Path, line: str | None) -> None:
    if line is not None:
        (tmp_path / "CHAMPION").write_text(line)
    with pytest.raises(ScorecardError) as refused:
        champion(tmp_path)
    assert "CHAMPION" in refused.value.origin


def test_a_champion_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "CHAMPION").write_text("expert-7\n")
    with pytest.raises(ScorecardError) as refused:
        champion(tmp_path)
    assert "expert-7" in refused.value.origin


def test_each_knock_out_has_its_basis_and_gives_no_level_but_d() -> None:
    knock_outs = CARD.rules(RuleKind.KNOCK_OUT)
    assert [rule.reason for rule in knock_outs] == [
        "LICENSE_REVOKED",
        "DISHONEST_DEBTOR",
        "SERIOUS_ILLEGAL",
    ]
    assert all("Source:" in rule.basis.en for rule in knock_outs)


def test_what_is_absent_has_a_slot_of_its_own() -> None:
    feature = _BY_NAME["active_months"]
    assert [feature.slot(absent) for absent in Absent] == list(Absent)
    assert [feature.figure(absent) for absent in Absent] == [None, None]
