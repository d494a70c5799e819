"""The labelled table: what was known of enterprises as of a day, and what then came of them.

One row for each enterprise and day looked at, in a Parquet file. It is what cards are
fitted to and judged on; the project makes it of its own records, and takes one that a
platform made of its own. Nothing in it names anybody. Columns, all of them needed
unless it says otherwise:

1. `enterprise`, text: a keyed pseudonym, the same in every row of one enterprise;
2. `as_of`, date: nothing that was recorded after that day is in the features;
3. for each feature of `bonafides.rating.features` its figure as a float, NaN where it is
   missing. A share is its part of the whole in ppm, as it is and not drawn towards any
   mean, with the whole beside it as `<feature>_whole`, so that any card can draw it;
4. `<feature>_applies`, 0 or 1, if the feature does not apply to every row: where it is
   0 the figure is NaN, and NaN is then no missing value but neutral;
5. `bad`, 0 or 1, and `component`: for a bad row which label (`COMPONENTS`, the first that
   fits); for a good one "grey" if the outcome lies between good and bad, else "";
6. `split`: "train", "recent" (the cohort that probabilities are fitted to) or
   "out_of_time"; no enterprise may be in two of them;
7. the axes of audit, which no card sees: `entity_type`, `size_band` and `region`, texts,
   and `is_new`, 0 or 1;
8. if priors are to be fitted by group of peers: `peer_group` and `wider_group`, the keys
   of `bonafides.rating.peers.prior_groups`, the closest first; "" where there is none.
   No card bins them.

Rows without exposure (no trade) and censored ones (who left before the end of the
outcome's window) are not in the table: they are not known to be good. The schema's
metadata say `basis`: SYNTHETIC where data are generated, else OUTCOMES. A region of
generated codes makes it SYNTHETIC whatever the metadata say.

    table = read(Path("labelled.parquet"))
    table.where(table.split == "train").bad.mean()
    points(table, card.features).sum(axis=1)        # the score of each row
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bonafides.identity.codes import GENERATED_REGION
from bonafides.rating.card import PPM, CardFeature, Prior
from bonafides.rating.features import FEATURES
from bonafides.rating.training.binning import Flags, Floats, Integers

Texts: TypeAlias = npt.NDArray[np.str_]
Days: TypeAlias = npt.NDArray[np.datetime64]
Basis: TypeAlias = Literal["SYNTHETIC", "OUTCOMES"]

COMPONENTS: Final = ("fraud", "dishonest_debtor", "disputes_lost")
GREY: Final = "grey"
SPLITS: Final = ("train", "recent", "out_of_time")
# The groups of peers of a row, the closest first.
GROUPS: Final = ("peer_group", "wider_group")
# Texts by which results are told apart; `is_new` is the fourth axis.
AXES: Final = ("entity_type", "size_band", "region")
_BASIS: Final = b"basis"
_TEXTS: Final = ("enterprise", "component", "split", *AXES)


class LabelledError(ValueError):
    """A labelled table can't be used. Names the column and the remedy, and no row."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled table, column by column; every array has one element for each row.

    `figures` has every feature, NaN where it has no figure; `wholes` every share;
    `applies` only features that do not apply to some rows; `groups` either none or all
    of `GROUPS`, "" where a row has no such group.
    """

    basis: Basis
    enterprise: Texts
    as_of: Days
    figures: Mapping[str, Floats]
    wholes: Mapping[str, Floats]
    applies: Mapping[str, Flags]
    bad: Integers
    component: Texts
    split: Texts
    entity_type: Texts
    size_band: Texts
    region: Texts
    is_new: Flags
    groups: Mapping[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        """Returns how many rows there are."""
        return int(self.bad.size)

    def where(self, rows: npt.NDArray[Any]) -> Labelled:
        """Returns the rows that a mask or numbers of rows choose, in that order."""
        chosen: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, np.ndarray):
                chosen[each.name] = value[rows]
            elif isinstance(value, Mapping):
                chosen[each.name] = {name: column[rows] for name, column in value.items()}
        return replace(self, **chosen)

    def of_split(self, name: str) -> Labelled:
        """Returns the rows of one of `SPLITS`."""
        return self.where(self.split == name)

    def does_apply(self, name: str) -> Flags:
        """Returns whether a feature applies, row by row."""
        return self.applies.get(name, np.ones(len(self), dtype=np.bool_))


def figures(table: Labelled, feature: CardFeature) -> Floats:
    """Returns what a card bins of a feature, a whole number in each row, or NaN.

    A share is drawn towards the mean of the row's group of peers, as far as the card has
    one, else towards the feature's, and cut down, as `CardFeature.figure` does.
    """
    told = table.figures[feature.name]
    if feature.prior is None:
        return np.floor(told)
    whole = table.wholes[feature.name]
    known = ~np.isnan(told) & ~np.isnan(whole) & (whole > 0)
    drawn = np.full(told.size, np.nan)
    of = whole[known].astype(np.int64)
    # A share in ppm times its whole is the part, but for the last bits of a float.
    part = np.rint(told[known] * whole[known] / PPM).astype(np.int64)
    alpha, beta = (each[known] for each in _drawn_by(table, feature, feature.prior))
    drawn[known] = (part + alpha) * PPM // (of + alpha + beta)
    return drawn


def _drawn_by(table: Labelled, feature: CardFeature, prior: Prior) -> tuple[Integers, Integers]:
    """Returns alpha and beta of each row."""
    alpha = np.full(len(table), prior.alpha, dtype=np.int64)
    beta = np.full(len(table), prior.beta, dtype=np.int64)
    # The closest comes last, and has the say.
    for column in reversed(GROUPS):
        told = table.groups.get(column)
        if told is None:
            continue
        for each in feature.group_priors or ():
            alpha[told == each.group] = each.alpha
            beta[told == each.group] = each.beta
    return alpha, beta


def points(table: Labelled, features: Sequence[CardFeature]) -> Integers:
    """Returns the points that a card gives, shape (rows, features), as when served."""
    made = np.empty((len(table), len(features)), dtype=np.int64)
    for place, feature in enumerate(features):
        told = figures(table, feature)
        absent = np.isnan(told)
        slots = np.searchsorted(np.array(feature.edges), told, side="right")
        given = np.array([*feature.points, 0])[slots.clip(max=len(feature.edges))]
        given[absent] = feature.missing
        given[absent & ~table.does_apply(feature.name)] = feature.not_applicable
        made[:, place] = given
    return made


def write(table: Labelled, file: Path) -> None:
    """Writes the table, its rows in order, as Parquet; the same table gives the same bytes."""
    columns: dict[str, Any] = {name: pa.array(getattr(table, name).tolist()) for name in _TEXTS}
    columns |= {name: pa.array(column.tolist()) for name, column in table.groups.items()}
    columns["as_of"] = pa.array(table.as_of.astype("datetime64[D]"))
    for name in FEATURES:
        columns[name] = pa.array(table.figures[name])
        if name in table.wholes:
            columns[f"{name}_whole"] = pa.array(table.wholes[name])
        if name in table.applies:
            columns[f"{name}_applies"] = pa.array(table.applies[name].astype(np.int8))
    columns["bad"] = pa.array(table.bad.astype(np.int8))
    columns["is_new"] = pa.array(table.is_new.astype(np.int8))
    made = pa.table(columns).replace_schema_metadata({_BASIS: table.basis.encode()})
    pq.write_table(made, file, compression="zstd")


def joined(parts: Sequence[Labelled]) -> Labelled:
    """Returns the rows of all parts, one after the other."""
    first = parts[0]
    texts = ("enterprise", "as_of", "component", "split", "entity_type", "size_band", "region")
    whole: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (*texts, "bad", "is_new")
    }
    for name in ("figures", "wholes", "applies", "groups"):
        whole[name] = {
            column: np.concatenate([getattr(part, name)[column] for part in parts])
            for column in getattr(first, name)
        }
    return Labelled(basis=first.basis, **whole)


def read(file: Path) -> Labelled:
    """Returns the table in a Parquet file.

    Raises:
        LabelledError: it is none, lacks a column, or holds what it can't.
        OSError: it can't be read.
    """
    try:
        told = pq.read_table(file)
    except pa.ArrowInvalid:
        raise LabelledError(
            f"{file.name} is no Parquet file; export the table as Parquet"
        ) from None
    wholes = [f"{name}_whole" for name, feature in FEATURES.items() if feature.is_share]
    needed = [*_TEXTS, "as_of", *FEATURES, *wholes, "bad", "is_new"]
    if lacking := [name for name in needed if name not in told.column_names]:
        raise LabelledError(
            f"it lacks the columns {', '.join(lacking)}; a feature that nobody knows is a"
            " column of NaN (docs/training.md has the form)"
        )
    if not told.num_rows:
        raise LabelledError("it has no rows; export mature cohorts")
    texts = {name: _texts(told, name) for name in _TEXTS}
    made = Labelled(
        basis=_basis(told, texts["region"]),
        as_of=_days(told),
        figures={name: _floats(told, name) for name in FEATURES},
        wholes={name: _floats(told, f"{name}_whole") for name in FEATURES if _is_share(name)},
        applies={
            name: _flags(told, f"{name}_applies")
            for name in FEATURES
            if f"{name}_applies" in told.column_names
        },
        bad=_flags(told, "bad").astype(np.int64),
        is_new=_flags(told, "is_new"),
        groups=_groups(told),
        **texts,
    )
    check(made)
    return made


def check(table: Labelled) -> None:
    """Checks what columns must have in common.

    Raises:
        LabelledError: an enterprise is in two splits or twice on a day, a share has more
            part than whole, a figure stands where the feature does not apply, or a
            component or split is none of ours.
    """
    for name, allowed in (("split", SPLITS), ("component", (*COMPONENTS, GREY, ""))):
        if strange := sorted(set(np.unique(getattr(table, name)).tolist()) - set(allowed)):
            raise LabelledError(f"{name} holds {strange[0]!r}; use one of {', '.join(allowed)}")
    if (np.isin(table.component, COMPONENTS) != (table.bad == 1)).any():
        raise LabelledError(
            f"component must be one of {', '.join(COMPONENTS)} where bad is 1 alone"
        )
    of, first = np.unique(table.enterprise, return_inverse=True)
    pairs = np.unique(
        np.stack([first, np.searchsorted(np.unique(table.split), table.split)]), axis=1
    )
    if pairs.shape[1] > of.size:
        raise LabelledError("split has an enterprise in two splits; assign whole enterprises")
    days = np.unique(
        np.stack([first, table.as_of.astype("datetime64[D]").astype(np.int64)]), axis=1
    )
    if days.shape[1] < len(table):
        raise LabelledError("as_of has a day twice for one enterprise; keep one row for each")
    _check_figures(table)


def _check_figures(table: Labelled) -> None:
    for name, whole in table.wholes.items():
        told = table.figures[name]
        if (told[~np.isnan(told)] < 0).any() or (told[~np.isnan(told)] > PPM).any():
            raise LabelledError(f"{name} must lie from 0 to {PPM} ppm")
        if (np.isnan(whole) & ~np.isnan(told)).any():
            raise LabelledError(f"{name}_whole must be known wherever {name} is")
    for name, applies in table.applies.items():
        if (~applies & ~np.isnan(table.figures[name])).any():
            raise LabelledError(f"{name} must be NaN where {name}_applies is 0")


def _is_share(name: str) -> bool:
    return FEATURES[name].is_share


def _basis(told: Any, regions: Texts) -> Basis:
    said = (told.schema.metadata or {}).get(_BASIS, b"OUTCOMES")
    generated = np.char.startswith(regions, GENERATED_REGION).any()
    return "SYNTHETIC" if generated or said == b"SYNTHETIC" else "OUTCOMES"


def _groups(told: Any) -> dict[str, Texts]:
    found = [name for name in GROUPS if name in told.column_names]
    if found and len(found) < len(GROUPS):
        raise LabelledError(f"it has {found[0]} alone; export {' and '.join(GROUPS)}, or neither")
    return {name: _texts(told, name) for name in found}


def _texts(told: Any, name: str) -> Texts:
    column = told.column(name)
    if column.null_count or not _is_text(column.type):
        raise LabelledError(f"{name} must be a text in every row")
    return np.array(column.to_pylist(), dtype=np.str_)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _days(told: Any) -> Days:
    column = told.column("as_of")
    if column.null_count or not pa.types.is_date(column.type):
        raise LabelledError("as_of must be a date in every row")
    made: Days = column.cast(pa.date32()).to_numpy().astype("datetime64[D]")
    return made


def _floats(told: Any, name: str) -> Floats:
    try:
        column = told.column(name).cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise LabelledError(f"{name} must hold numbers, NaN where it is missing") from None
    made: Floats = column.to_numpy().astype(np.float64)
    if np.isinf(made).any():
        raise LabelledError(f"{name} must be finite, NaN where it is missing")
    return made


def _flags(told: Any, name: str) -> Flags:
    made = _floats(told, name)
    if not np.isin(made, (0.0, 1.0)).all():
        raise LabelledError(f"{name} must be 0 or 1 in every row")
    flags: Flags = made == 1.0
    return flags
