"""What a source says, in the form in which it is compared.

An answer keeps apart what is easily taken for one another: that the source doesn't
know the enterprise, that it knows it and holds nothing on something, and that it
gave no answer at all.

    Evidence("registry", now, Entry(registration), frozenset({code}))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bonafides.archive.facts import Registration
from bonafides.identity.codes import UnifiedCode
from bonafides.instants import Instant


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """Whether a claimed representative is one that the source knows. None: it can't tell.

    A source never hands the person's name or number out.
    """

    person_agrees: bool | None = None
    id_number_agrees: bool | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says of the enterprise that has the claimed code.

    In `registration` an empty title is one that the source doesn't tell. `flags`:
    what the source compared by itself, by the name of the check. `people` are in the
    order of the claimed representatives; none: it holds nothing on them.
    """

    registration: Registration
    people: tuple[PersonAnswer, ...] = ()
    flags: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A source's answer to one set of claims, and when its data were retrieved.

    `entry` is None when the source doesn't know the code. `codes` are those under
    which it knows the claimed title; where it knows the title under none, the
    claimed code itself if it knows that. Empty: it knows neither.

    `raw` is the answer as it came; None where it stays in our own tables. `fault`
    says why the source could not be asked, and then nothing else is known. The
    source vouches until `valid_until`; None: it says nothing on that.
    """

    source: str
    retrieved_at: Instant
    entry: Entry | None
    codes: frozenset[UnifiedCode]
    raw: str | None = field(default=None, repr=False)
    fault: str = ""
    valid_until: Instant | None = None
