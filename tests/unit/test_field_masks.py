"""Paths that are withheld: a mask takes away, never adds, in any order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafides.access import purposes
from bonafides.access.field_masks import NO_MASK, Mask, faults, narrow, narrow_rating
from bonafides.archive.assemble import assemble
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2
from tests.views import inputs

PATHS = [
    "registration.title",
    "changes",
    "shareholders.title",
    "verification",
    "rating",
    "rating.coverage",
    "rating.coverage.platforms_known",
    "platforms.displayed",
    "platforms.stores",
    "public_records.penalties",
    "public_records.listings.record",
    "freshness.retrieve_time",
    "self_description",
]
WHOLE = assemble(inputs.inputs(), inputs.rating())
masks = st.sets(st.sampled_from(PATHS))


def narrowed(*paths: str) -> archive_pb2.Archive:
    made = archive_pb2.Archive()
    made.CopyFrom(WHOLE)
    narrow(made, paths)
    return made


@pytest.mark.feature("D4")
def test_paths_of_these_tests_are_fields_of_an_archive() -> None:
    assert faults(PATHS, "withheld_paths") == ()


@pytest.mark.feature("D4")
@pytest.mark.parametrize("path", PATHS)
def test_each_path_takes_something_away(path: str) -> None:
    assert narrowed(path).ByteSize() < WHOLE.ByteSize()


@pytest.mark.feature("D4")
@given(masks, masks)
def test_masks_together_take_away_what_either_does_in_any_order(
    one: set[str], other: set[str]
) -> None:
    both = narrowed(*one, *other)
    assert both == narrowed(*other, *one) == narrowed(*one, *other, *one)
    assert narrowed(*one).ByteSize() >= both.ByteSize()
    joined = Mask("1", frozenset(one)).also(Mask("2", frozenset(other)))
    assert narrowed(*joined.withheld) == both


@pytest.mark.feature("D4")
@given(masks)
def test_level_by_itself_lacks_what_the_one_in_the_archive_lacks(paths: set[str]) -> None:
    level = rating_pb2.Rating()
    level.CopyFrom(WHOLE.rating)
    narrow_rating(level, paths)
    assert level == narrowed(*paths).rating


@pytest.mark.feature("D4")
def test_each_item_of_a_list_lacks_what_is_withheld() -> None:
    holders = [enterprise_pb2.Shareholder(title=f"t{n}", share_ppm=n + 1) for n in range(3)]
    archive = archive_pb2.Archive(shareholders=holders)
    narrow(archive, ["shareholders.title"])
    assert [(each.title, each.share_ppm) for each in archive.shareholders] == [
        ("", 1),
        ("", 2),
        ("", 3),
    ]


def test_no_mask_changes_no_mask() -> None:
    mask = Mask("7", frozenset({"rating"}))
    assert mask.also(NO_MASK) == NO_MASK.also(mask) == mask


def test_path_that_this_build_lacks_is_passed_over() -> None:
    assert narrowed("of_a_newer_build.inner") == WHOLE


@pytest.mark.feature("L4")
def test_who_reads_to_tell_who_an_enterprise_is_is_told_no_level() -> None:
    withheld = purposes.mask(purposes.AUTHENTICATION).withheld
    assert withheld == {"rating", "platforms", "public_records", "self_description"}
    for purpose in purposes.EVERY - {purposes.AUTHENTICATION}:
        assert purposes.mask(purpose) is NO_MASK
