"""Tells from the time of an answer whether an enterprise takes part, if it can be told.

A stranger asks for another's enterprise and for one that there is not, in turn, by
several owner's methods. The area under the curve is the chance that an answer about one
that is there took longer: 0.5 says nothing, 1 everything. Which came first alternates,
and so does the code, so that no memory of the service favours one side.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import grpc
from sklearn.metrics import roc_auc_score

from scripts.measured import Figure
from scripts.trust.extent import Extent
from scripts.trust.figures import proved
from scripts.trust.silence import silence
from tests import builders
from tests.asking import request
from tests.crossing import enroll
from tests.serving import serving

_METHODS: Final = (
    "/bonafides.v1.RatingService/ListRatings",
    "/bonafides.v1.RatingService/GetReceipt",
    "/bonafides.v1.OwnershipService/ListMembers",
    "/bonafides.v1.IdentityService/ListRequirements",
)
_ENTERPRISES: Final = 20
# Codes of no enterprise, as many as there are of those that take part.
_ABSENT: Final = 500


def prove(extent: Extent) -> Iterator[Figure]:
    """Yields the greatest area of several methods, each the median of several timings."""
    with silence(), tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served:
        others = [owned.code for owned in enroll(served, _ENTERPRISES)]
        absent = [builders.code(_ABSENT + number).text for number in range(_ENTERPRISES)]
        token = served.token(subject="stranger", ttl_seconds=3_600)
        areas = {}
        with grpc.insecure_channel(served.address) as channel:
            for method in _METHODS:
                taken = [
                    area(*_timed(channel, method, (others, absent), token, extent.pairs))
                    for _ in range(extent.timings)
                ]
                areas[method] = statistics.median(taken)
    told = ", ".join(f"{name.rsplit('/', 1)[1]} {each:.3f}" for name, each in areas.items())
    beside = f"{told}; {extent.pairs} pairs, median of {extent.timings}"
    # Which of the two took longer is as good a tell one way as the other.
    worst = max(max(each, 1 - each) for each in areas.values())
    yield proved("timing.other_against_absent.auc", worst, beside)


def area(above: Sequence[float], below: Sequence[float]) -> float:
    """Returns the chance that one drawn from `above` exceeds one from `below`; ties halve."""
    sides = [1] * len(above) + [0] * len(below)
    return float(roc_auc_score(sides, [*above, *below]))


def _timed(
    channel: grpc.Channel,
    method: str,
    codes: tuple[list[str], list[str]],
    token: str,
    pairs: int,
) -> tuple[list[float], list[float]]:
    """Returns the seconds of calls about others' enterprises, and about none."""
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    metadata = (("authorization", f"Bearer {token}"),)
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs):
        for side in (0, 1) if number % 2 else (1, 0):
            asked = request(method, codes[side][number % _ENTERPRISES]).SerializeToString()
            began = time.perf_counter()
            try:
                call(asked, metadata=metadata, timeout=20)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
            seconds[side].append(time.perf_counter() - began)
    return seconds
