"""Makes the snapshots of an archive: what each audience sees, ready to be sent.

A view is made once, when something changed, and stored as bytes; reading is one
point read. Every view has a tag, the public one too, which does not show it. Two
audiences have no view: authorities and processors get what they may see by calls of
their own.

A platform may be shown less than its audience (access.field_masks): such a view is made of
the audience's own when it is first read, and goes with it.

A snapshot knows when time alone changes it: the next midnight in Shanghai, at the
latest. Whatever goes by days (the term of business, the expiry of a
certification, every window) changes at a midnight; what ends at an instant (the
verification, the level, a public record) may be sooner.

    views(archive)      # one Snapshot for each view, PUBLIC to OPERATOR
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from bonafides.access import disclosure
from bonafides.access.field_masks import NO_MASK, Mask, narrow
from bonafides.instants import Day, Instant, day_of, from_timestamp, start_of
from bonafides.v1 import archive_pb2, disclosure_pb2

# View names, as stored, by audience.
VIEWS: Final[dict[disclosure_pb2.Audience.ValueType, str]] = {
    disclosure_pb2.AUDIENCE_PUBLIC: "PUBLIC",
    disclosure_pb2.AUDIENCE_MEMBER: "MEMBER",
    disclosure_pb2.AUDIENCE_OWNER: "OWNER",
    disclosure_pb2.AUDIENCE_PLATFORM: "PLATFORM",
    disclosure_pb2.AUDIENCE_INTEGRATOR: "INTEGRATOR",
    disclosure_pb2.AUDIENCE_OPERATOR: "OPERATOR",
}
# The views that platforms read, whose changes they ask for.
_FOLLOWED: Final = frozenset({disclosure_pb2.AUDIENCE_MEMBER, disclosure_pb2.AUDIENCE_PLATFORM})
_ETAG_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one view shows; not to be served from `next_change_at` on.

    `content` is a digest of what it says, apart from when that was looked at; empty of views
    whose changes nobody asks for. `consents` are the bits of the purposes that its parts rest
    on (access.audit); None: not noted.
    """

    view: str
    next_change_at: Instant
    etag: str
    archive: bytes
    content: str = ""
    consents: int | None = None


class Stored(NamedTuple):
    """A view as it is stored; not to be served from `next_change_at` on.

    `revision` grows with every assembly of the enterprise's archive. A tuple: one is
    made for every read.
    """

    revision: int
    next_change_at: Instant
    etag: str
    archive: bytes
    consents: int | None = None


def views(archive: archive_pb2.Archive, consents: int = 0) -> tuple[Snapshot, ...]:
    """Returns a snapshot for each view, in the order of `VIEWS`."""
    changes_at = next_change_at(archive)
    made = []
    for audience, view in VIEWS.items():
        seen = shown(archive, audience)
        content = _content(seen) if audience in _FOLLOWED else ""
        made.append(Snapshot(view, changes_at, *_tagged(seen), content, consents))
    return tuple(made)


def view_name(audience: disclosure_pb2.Audience.ValueType, mask: Mask = NO_MASK) -> str | None:
    """Returns the name of the view, as stored; None: the audience has none.

    Every mask has a name of its own, so that one which was replaced is not found any more.
    """
    view = VIEWS.get(audience)
    return f"{view}:{mask.key}" if view is not None and mask.key else view


def narrowed(whole: Stored, view: str, mask: Mask) -> Snapshot:
    """Returns the view of this name: the stored one without what the mask withholds."""
    archive = archive_pb2.Archive.FromString(whole.archive)
    narrow(archive, mask.withheld)
    if archive.etag:
        archive.etag = etag(archive)
    return Snapshot(view, whole.next_change_at, *_tagged(archive), consents=whole.consents)


def next_change_at(archive: archive_pb2.Archive) -> Instant:
    """Returns the first instant after the archive's own at which time alone changes it."""
    as_of = from_timestamp(archive.as_of_time)
    midnight = start_of(Day(day_of(as_of) + 1))
    standing = archive.public_records
    ends = (
        archive.verification.expire_time,
        archive.rating.valid_until_time,
        *(case.record.expire_time for case in standing.court_cases),
        *(listing.record.expire_time for listing in standing.listings),
        *(penalty.record.expire_time for penalty in standing.penalties),
    )
    return min([midnight, *(end for end in map(from_timestamp, ends) if end > as_of)])


def shown(
    archive: archive_pb2.Archive, audience: disclosure_pb2.Audience.ValueType
) -> archive_pb2.Archive:
    """Returns the archive as the audience may see it, with a tag of that view."""
    seen = disclosure.view(archive, audience)
    if seen.etag:
        # The whole archive's tag is a digest of what this audience may not see, so
        # a guess at it could be checked; a tag of the view tells nothing more.
        seen.etag = etag(seen)
    return seen


def etag(archive: archive_pb2.Archive) -> str:
    """Returns a digest of everything but the tag itself and the archive's as-of time."""
    content = archive_pb2.Archive()
    content.CopyFrom(archive)
    content.ClearField("etag")
    content.ClearField("as_of_time")
    return _digest(content)


def _content(archive: archive_pb2.Archive) -> str:
    """Returns a digest of what a view says, apart from when that was looked at.

    A level has an as-of time and a term of its own, and sources are asked again and again:
    by the etag, which follows these, every archive would change every day.
    """
    content = archive_pb2.Archive()
    content.CopyFrom(archive)
    for apart in ("etag", "as_of_time", "freshness"):
        content.ClearField(apart)
    if content.HasField("rating"):
        content.rating.ClearField("as_of_time")
        content.rating.ClearField("valid_until_time")
    return _digest(content)


def _digest(content: archive_pb2.Archive) -> str:
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()[
        : 2 * _ETAG_BYTES
    ]


def _tagged(shown: archive_pb2.Archive) -> tuple[str, bytes]:
    """Returns the tag of a view, which the public one does not show, and the view's bytes."""
    return shown.etag or etag(shown), shown.SerializeToString(deterministic=True)
