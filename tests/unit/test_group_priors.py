"""Shares are drawn towards the mean of a group of peers, as far as the card has one."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafides.instants import Day
from bonafides.rating.card import PPM, Prior, score
from bonafides.rating.explain import message
from bonafides.rating.features import FEATURES, Absent, RatingInputs, Share
from bonafides.rating.peers import named, prior_groups
from bonafides.rating.rate import rate
from bonafides.rating.scorecard import ScorecardError, canonical, load, models_folder, parse
from bonafides.rating.soundness import FEW, MANY
from bonafides.rating.sql import group_number, peer_row
from bonafides.rating.training.challenger import challenge
from bonafides.rating.training.labelled import Labelled, LabelledError, figures, points, read, write
from bonafides.rating.training.priors import group_priors, prior_of
from bonafides.records.links import Standing, Store
from scripts import seal_card
from tests import grouped
from tests.builders import TODAY, code, registration
from tests.grouped import CLOTHES, ELDERS, GOODS
from tests.history import labelled_rows
from tests.rating_inputs import inputs, platform_record
from tests.searching import examples

CARD = grouped.card()
PLAIN = load(models_folder(None), "expert-3")
_DISPUTES = next(part for part in CARD.features if part.name == "dispute_lost_rate")
_SHARES = [part for part in CARD.features if part.group_priors is not None]


def _store(category: str, *, opened: int = 900, standing: Standing = Standing.STANDS) -> Store:
    name = f"link-{category}-{opened}"
    return Store(name, name, Day(TODAY - opened), None, standing, category=category)


def _of(*stores: Store, **changes: Any) -> RatingInputs:
    return inputs(platform_record(stores=stores), **changes)


@pytest.mark.feature("E4")
def test_equal_counts_are_drawn_towards_the_mean_of_the_group_that_is_expected() -> None:
    share = Share(3, 100)
    # 4 of 600, 13 of 600, 5 of 300, and 4 of 200 by the card's own prior.
    drawn = {
        groups: _DISPUTES.drawn(groups).figure(share)
        for groups in ((GOODS,), (CLOTHES,), (ELDERS,), ())
    }
    assert drawn == {(GOODS,): 6_666, (CLOTHES,): 21_666, (ELDERS,): 16_666, (): 20_000}
    given = [_DISPUTES.points_at(_DISPUTES.drawn(of).slot(share)) for of in drawn]
    assert given == [114, 44, 44, 44]


@pytest.mark.feature("E4")
def test_bounds_of_a_share_are_those_of_its_group() -> None:
    few = Share(0, 12)
    assert _DISPUTES.drawn((GOODS,)).range_of(few) == (114, 120)
    assert Prior(alpha=10, beta=490).bounds(few) == (9_481, 29_581)
    assert _DISPUTES.drawn((CLOTHES,)).range_of(few) == (20, 114)


def test_first_group_that_has_a_prior_of_the_feature_is_the_one() -> None:
    settled = next(part for part in CARD.features if part.name == "case_settled_rate")
    groups = (GOODS, ELDERS)
    assert _DISPUTES.drawn(groups) == _DISPUTES.drawn((GOODS,))
    # The closest has none of this feature.
    assert settled.drawn(groups).prior == settled.drawn((ELDERS,)).prior != settled.prior
    assert settled.drawn(("category/x",)) == settled


@pytest.mark.feature("E4")
@pytest.mark.parametrize("part", _SHARES, ids=lambda part: part.name)
@pytest.mark.parametrize("group", [GOODS, CLOTHES, ELDERS])
def test_none_of_twelve_is_not_below_twenty_of_a_thousand_within_a_group(
    part: Any, group: str
) -> None:
    drawn = part.drawn((group,))
    assert drawn.points_at(drawn.slot(FEW)) >= drawn.points_at(drawn.slot(MANY))


@pytest.mark.feature("L6")
@pytest.mark.parametrize("part", _SHARES, ids=lambda part: part.name)
@given(st.data())
@settings(max_examples=examples(60))
def test_better_share_never_has_fewer_points_in_any_group(part: Any, data: st.DataObject) -> None:
    drawn = part.drawn((data.draw(st.sampled_from([GOODS, CLOTHES, ELDERS])),))
    whole = data.draw(st.integers(1, 10_000))
    parts = sorted(data.draw(st.tuples(*[st.integers(0, whole)] * 2)))
    worse, better = (Share(each, whole) for each in parts)
    if part.direction.value == "LOWER_IS_BETTER":
        worse, better = better, worse
    assert drawn.points_at(drawn.slot(worse)) <= drawn.points_at(drawn.slot(better))
    assert all(
        one <= other
        for one, other in zip(drawn.range_of(worse), drawn.range_of(better), strict=True)
    )


@pytest.mark.feature("E14")
def test_group_is_of_the_category_of_most_open_stores_and_of_age_next() -> None:
    open_ones = (_store("百货"), _store("百货", opened=800), _store("服装"))
    assert _of(*open_ones).peer_groups == (GOODS, ELDERS)
    ruled_out = _store("服装", opened=700, standing=Standing.REJECTED)
    assert _of(_store("百货"), ruled_out).peer_groups == (GOODS, ELDERS)
    assert _of().peer_groups == (ELDERS,)
    young = registration(established=Day(TODAY - 3 * 365))
    assert _of(told=young).peer_groups == ("age/3-5",)
    assert _of(told=registration(established=None)).peer_groups == ()
    # What was to open later is not known yet.
    assert _of(_store("服装", opened=-1)).peer_groups == (ELDERS,)


@pytest.mark.feature("E14")
def test_type_and_form_of_an_enterprise_change_no_point() -> None:
    company = _of(_store("百货"), told=registration(legal_form="有限责任公司"))
    business = _of(
        _store("百货"),
        of=code(2, department_and_type="92"),
        told=registration(legal_form="个体工商户"),
        purposes=frozenset({"VERIFY_IDENTITY", "RATE"}),
    )
    assert company.peer_groups == business.peer_groups
    shares = {part.name for part in CARD.features if part.prior is not None}
    one, other = (
        [part for part in rate(each, CARD).contributions if part.feature.name in shares]
        for each in (company, business)
    )
    assert one == other != []


@pytest.mark.parametrize(
    "key", ["category/百货", "age/0-1", "age/1-3", "age/3-5", "age/5-10", "age/10+"]
)
def test_every_group_has_a_name_in_both_languages(key: str) -> None:
    group = named(key)
    assert group is not None
    assert group.key == key
    assert group.title_zh
    assert group.title_en


@pytest.mark.parametrize("key", ["", "category/", "age/2-3", "company/category/x", "form/limited"])
def test_no_other_text_names_a_group(key: str) -> None:
    assert named(key) is None


def test_category_that_is_a_description_is_nobody_s_group() -> None:
    assert prior_groups(None, "长" * 101, TODAY) == ()


@pytest.mark.feature("E2")
def test_explanation_names_the_peers_whose_mean_was_expected() -> None:
    told = {
        part.feature: part for part in message(rate(_of(_store("服装")), CARD), CARD).contributions
    }
    dispute = told["dispute_lost_rate"]
    assert dispute.facts.endswith("drawn towards the expected mean of 2.00 % of its peers (服装)")
    assert dispute.facts_zh.endswith("向同类（服装）预期均值2.00%收缩")
    assert told["complaint_upheld_rate"].facts.endswith(
        "drawn towards the expected mean of 1.50 % of its peers (10 years or older)"
    )
    assert "peers" not in told["late_delivery_rate"].facts


@pytest.mark.feature("E5")
def test_card_without_groups_gives_what_it_gave_whatever_the_groups_are() -> None:
    one, other = _of(_store("服装")), _of()
    plain = [rate(each, PLAIN) for each in (one, other)]
    assert plain[0].contributions == plain[1].contributions
    assert all(part.feature in PLAIN.features for part in plain[0].contributions)
    assert rate(one, CARD).contributions != plain[0].contributions


@pytest.mark.feature("E6")
def test_golden_rows_look_at_every_group(tmp_path: Path) -> None:
    assert {row.group for row in CARD.content.golden} == {None, GOODS, CLOTHES, ELDERS}
    for row in CARD.content.golden:
        values: dict[str, Any] = {
            name: Share(*value) if isinstance(value, tuple) else value
            for name, value in row.values.items()
        }
        if row.group is not None:
            assert score(CARD.features, values, (row.group,)).total == row.score
    file = seal_card.write(CARD, tmp_path)
    assert load(file) == CARD
    described = (file.parent / "card.md").read_text("utf-8")
    assert "| 服装 服装 (`category/服装`) | Beta(10, 490) | 20000 ppm |" in described
    assert "group of peers: that of the main category" in described


def _priors(draft: dict[str, Any]) -> list[dict[str, Any]]:
    part = next(each for each in draft["features"] if each["name"] == "dispute_lost_rate")
    told: list[dict[str, Any]] = part["group_priors"]
    return told


def _unsorted(draft: dict[str, Any]) -> None:
    _priors(draft).reverse()


def _missing_as_before(draft: dict[str, Any]) -> None:
    part = next(each for each in draft["features"] if each["name"] == "dispute_lost_rate")
    part["missing"] = 48


def _on_a_count(draft: dict[str, Any]) -> None:
    part = next(each for each in draft["features"] if each["name"] == "paid_orders")
    part["group_priors"] = grouped.priors_of({GOODS: (1, 9)})


@pytest.mark.feature("E7", "L6")
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda draft: draft.update(schema_version=3), "belong to schema version 4"),
        (_unsorted, "must be sorted by group, each there once"),
        (lambda draft: _priors(draft)[-1].update(group="region/33"), "is no group of peers"),
        (lambda draft: _priors(draft)[0]["title"].update(en="the best"), "called otherwise"),
        (lambda draft: _priors(draft)[-1].update(alpha=15), "puts 0 of 12 below 20 of 1,000"),
        (_missing_as_before, "leaves missing better"),
        (_on_a_count, "they are of a share"),
    ],
)
def test_unsound_priors_of_groups_are_refused(
    change: Callable[[dict[str, Any]], None], fault: str
) -> None:
    draft = copy.deepcopy(grouped.draft())
    change(draft)
    with pytest.raises(ScorecardError, match=fault):
        seal_card.sealed(draft, "draft")


@pytest.mark.feature("E6")
def test_card_whose_golden_rows_pass_over_a_group_is_refused() -> None:
    draft = json.loads(CARD.artifact)
    draft["golden"] = [row for row in draft["golden"] if row.get("group") != CLOTHES]
    with pytest.raises(ScorecardError, match="is the group of no row"):
        parse(canonical(draft), "draft")
    draft = json.loads(CARD.artifact)
    for row in draft["golden"]:
        if row.get("group") == CLOTHES:
            row["group"] = GOODS
    with pytest.raises(ScorecardError, match="scores otherwise in this build"):
        parse(canonical(draft), "draft")


def test_engines_know_groups_by_numbers_that_every_one_of_them_keeps() -> None:
    of = code(1).text
    assert peer_row(of, ()) == (of, "", "", 0, 0)
    assert peer_row(of, (ELDERS,)) == (of, ELDERS, "", group_number(ELDERS), 0)
    assert 0 < group_number(GOODS) < 2**52
    assert len({group_number(group) for group in (GOODS, CLOTHES, ELDERS)}) == 3


# Training.


def _rows(count: int = 3_000, **changes: Any) -> Labelled:
    """Returns rows of three trades, of which the second loses more, and of one that is small."""
    table = labelled_rows(count)
    trade = np.array([GOODS, CLOTHES, "", "category/书"])[np.arange(count) % 4]
    trade[trade == "category/书"] = np.where(
        np.arange(count)[trade == "category/书"] < 100, "category/书", ""
    )
    told = dict(table.figures)
    less = np.where(trade == GOODS, 0.1, np.where(trade == CLOTHES, 0.25, 0.2))
    whole = table.wholes["dispute_lost_rate"]
    told["dispute_lost_rate"] = (
        np.floor(told["dispute_lost_rate"] / PPM * whole * less) / whole * PPM
    )
    groups = {"peer_group": trade, "wider_group": np.where(trade == "", "", ELDERS)}
    return dataclasses.replace(table, **({"figures": told, "groups": groups} | changes))


def test_group_has_the_prior_of_its_own_rows_and_a_small_one_has_none() -> None:
    table = _rows().of_split("train")
    found = {each.group: each for each in group_priors(table)["dispute_lost_rate"]}
    assert found.keys() == {GOODS, CLOTHES, ELDERS}
    assert found[GOODS].mean_ppm < found[CLOTHES].mean_ppm
    rows = (table.groups["peer_group"] == GOODS) & ~np.isnan(table.figures["dispute_lost_rate"])
    whole = table.wholes["dispute_lost_rate"][rows]
    part = np.rint(table.figures["dispute_lost_rate"][rows] * whole / PPM)
    own = prior_of(part, whole)
    assert (found[GOODS].alpha, found[GOODS].beta) == (own.alpha, own.beta)


def test_group_of_many_rows_of_few_enterprises_has_no_prior() -> None:
    table = _rows()
    few = np.array([f"{number % 29:032x}" for number in range(len(table))])
    assert group_priors(dataclasses.replace(table, enterprise=few)) == {}


def test_group_in_which_one_enterprise_has_most_of_the_cases_has_no_prior() -> None:
    table = _rows()
    wholes = dict(table.wholes)
    one = np.where(table.groups["peer_group"] == GOODS)[0]
    known = next(row for row in one if not np.isnan(table.figures["dispute_lost_rate"][row]))
    wholes["dispute_lost_rate"] = wholes["dispute_lost_rate"].copy()
    wholes["dispute_lost_rate"][known] = 1e7
    found = group_priors(dataclasses.replace(table, wholes=wholes))["dispute_lost_rate"]
    assert [each.group for each in found if each.group == GOODS] == []
    assert CLOTHES in [each.group for each in found]


@pytest.mark.feature("E4")
def test_group_whose_mean_would_make_little_worse_than_much_keeps_the_prior_of_all() -> None:
    made = group_priors(_rows())
    for priors in made.values():
        for each in priors:
            few, many = each.estimate(FEW), each.estimate(MANY)
            assert few <= many or few >= each.mean_ppm * 0.5
    # About 5 % of what these count is bad: 0 of 12 would be taken for worse than 2 %.
    assert "late_delivery_rate" not in made


@pytest.mark.feature("E6", "L6")
def test_challenger_draws_by_groups_and_is_the_same_twice() -> None:
    table = _rows()
    made = [
        seal_card.sealed(
            challenge(table, PLAIN, version="x", table_sha256="0" * 64, l1=1e-3, l2=1e-3).draft, "x"
        )
        for _ in range(2)
    ]
    card = made[0]
    assert card.digest == made[1].digest
    assert card.content.schema_version == 4
    part = next(each for each in card.features if each.name == "dispute_lost_rate")
    assert {each.group for each in part.group_priors or ()} == {GOODS, CLOTHES, ELDERS}
    # Points of the table are those served, group by group.
    told = points(table, card.features)
    for row in range(0, len(table), 97):
        values = {name: _value(table, name, row) for name in FEATURES}
        groups = [str(column[row]) for column in table.groups.values()]
        served = score(card.features, values, groups)
        assert told[row].tolist() == [each.points for each in served.contributions]


def _value(table: Labelled, name: str, row: int) -> Any:

    figure = table.figures[name][row]
    if not table.does_apply(name)[row]:
        return Absent.NOT_APPLICABLE
    if np.isnan(figure):
        return Absent.MISSING
    if not FEATURES[name].is_share:
        return int(figure)
    whole = int(table.wholes[name][row])
    return Share(round(figure * whole / PPM), whole)


def test_table_without_groups_gives_the_card_that_it_gave() -> None:
    table = dataclasses.replace(_rows(), groups={})
    made = challenge(table, PLAIN, version="x", table_sha256="0" * 64, l1=1e-3, l2=1e-3)
    assert made.draft["schema_version"] == 3
    assert not any("group_priors" in each for each in made.draft["features"])


def test_groups_come_back_from_the_file_and_one_column_alone_is_refused(tmp_path: Path) -> None:
    table = _rows(400)
    write(table, tmp_path / "told.parquet")
    again = read(tmp_path / "told.parquet")
    assert {name: column.tolist() for name, column in again.groups.items()} == {
        name: column.tolist() for name, column in table.groups.items()
    }
    half = {"peer_group": table.groups["peer_group"]}
    write(dataclasses.replace(table, groups=half), tmp_path / "half.parquet")
    with pytest.raises(LabelledError, match="export peer_group and wider_group, or neither"):
        read(tmp_path / "half.parquet")


def test_rows_are_drawn_by_the_closest_of_their_groups() -> None:
    table = _rows(400)
    drawn = figures(table, _DISPUTES)
    row = int(np.where((table.groups["peer_group"] == GOODS) & ~np.isnan(drawn))[0][0])
    whole = int(table.wholes["dispute_lost_rate"][row])
    part = round(table.figures["dispute_lost_rate"][row] * whole / PPM)
    assert drawn[row] == (part + 1) * PPM // (whole + 500)
