"""What can be done with archives: record facts, refresh the views, read one.

record_facts    adds facts; what they differ from is superseded, never rewritten
refresh         rates, assembles, and stores one snapshot for each view
get_archive     reads a view, refreshed first if time alone has changed it
"""

from __future__ import annotations

from collections.abc import Sequence

from bonafides.archive import snapshot
from bonafides.archive.assemble import assemble
from bonafides.archive.facts import Fact
from bonafides.errors import NotFoundError
from bonafides.instants import Instant
from bonafides.rating import operations as rating_operations
from bonafides.rating.scorecard import Scorecard
from bonafides.storage import archive as rows
from bonafides.storage.identity import is_enrolled
from bonafides.storage.unit_of_work import Store, UnitOfWork
from bonafides.v1 import disclosure_pb2


def record_facts(work: UnitOfWork, facts: Sequence[Fact], *, now: Instant) -> None:
    """Records what was learned of enterprises, in the caller's unit of work.

    A fact that says the same as what is known changes nothing, but that a source
    which was asked again and said the same makes it as fresh as that. One that is valid
    already supersedes what was held valid; one that will be valid later stands
    beside it until then, and supersedes only what was announced before it.
    """
    for fact in facts:
        known = [
            recorded
            for recorded in rows.current_facts(work, fact.code, fact.kind, fact.item)
            if (recorded.fact.valid_from <= now) == (fact.valid_from <= now)
        ]
        if any(_tells_nothing_new(recorded.fact, fact) for recorded in known):
            continue
        for recorded in known:
            rows.supersede(work, recorded, now)
        rows.insert_fact(work, fact, now)


def refresh(work: UnitOfWork, card: Scorecard, code: str, now: Instant) -> None:
    """Rates and assembles the enterprise and stores its views, in the caller's unit of work.

    An enterprise that does not take part is left alone.
    """
    if not is_enrolled(work, code):
        return
    inputs = rating_operations.gather(work, code, now)
    rating = rating_operations.rate(work, card, inputs, now)
    rows.write_snapshots(work, code, snapshot.views(assemble(inputs, rating)))


def get_archive(
    store: Store,
    card: Scorecard,
    code: str,
    *,
    audience: disclosure_pb2.Audience.ValueType,
    now: Instant,
) -> bytes:
    """Returns the archive as the audience may see it, serialized.

    Raises:
        NotFoundError: no such enterprise takes part, or the audience has no view.
    """
    view = snapshot.VIEWS.get(audience)
    if view is None:
        raise NotFoundError
    with store.reading() as work:
        found = rows.read_snapshot(work, code, view)
        # Asked whether the code is known or not, so that both take the same time.
        if found is None and not is_enrolled(work, code):
            raise NotFoundError
    if found is not None and now < found.next_change_at:
        return found.archive
    return _refreshed(store, card, code, view, now)


def _refreshed(store: Store, card: Scorecard, code: str, view: str, now: Instant) -> bytes:
    with store.writing() as work:
        found = rows.read_snapshot(work, code, view)
        # Another reader may have refreshed it while this one waited to write.
        if found is not None and now < found.next_change_at:
            return found.archive
        refresh(work, card, code, now)
        work.commit()
    with store.reading() as work:
        found = rows.read_snapshot(work, code, view)
    if found is None:
        raise NotFoundError
    return found.archive


def _tells_nothing_new(known: Fact, told: Fact) -> bool:
    return (
        known.value == told.value
        and known.source == told.source
        and known.valid_to == told.valid_to
        and known.valid_from <= told.valid_from
        and known.retrieved_at >= told.retrieved_at
    )
