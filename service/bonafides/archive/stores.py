"""Makes the messages of an enterprise's stores, in full: disclosed later.

store_message(store, code, today)       # a v1.Store
"""

from __future__ import annotations

from collections.abc import Iterable

from bonafides.instants import Day, to_date_message
from bonafides.records.links import Authentication, Store
from bonafides.v1 import archive_pb2, record_pb2


def store_messages(stores: Iterable[Store], code: str, today: Day) -> Iterable[archive_pb2.Store]:
    """Yields the message of each store, in the order given."""
    return (store_message(each, code, today) for each in stores)


def store_message(store: Store, code: str, today: Day) -> archive_pb2.Store:
    """Returns the message of one store of the enterprise with this code."""
    made = archive_pb2.Store(
        code=code,
        link_id=store.link_id,
        store_id=store.store_id,
        title=store.title,
        category=store.category,
        address=store.address,
        open_date=to_date_message(store.opened),
        open=store.is_open(today),
        proof=record_pb2.StoreProof.Value(f"STORE_PROOF_{store.proof.name}"),
        evidence_sha256=store.evidence_sha256,
        authentications=[_authentication(each) for each in store.authentications],
        standing=archive_pb2.Store.Standing.Value(f"STANDING_{store.standing.name}"),
        disputed=store.disputed,
        claimed_by_another=store.claimed,
    )
    if store.closed is not None:
        made.close_date.CopyFrom(to_date_message(store.closed))
    if store.due is not None:
        made.decision_due_date.CopyFrom(to_date_message(store.due))
    return made


def _authentication(told: Authentication) -> record_pb2.StoreAuthentication:
    return record_pb2.StoreAuthentication(
        kind=record_pb2.StoreAuthentication.Kind.Value(f"KIND_{told.kind.name}"),
        authenticate_date=to_date_message(told.day),
    )
