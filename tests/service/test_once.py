"""Every write that carries a request id is made once, on both databases.

Each row of `WRITES` is a write that is good where `Stage` sets it. It comes twice at once
and once more: one row, and one answer. Then another write comes under its request id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.message import Message

from bonafides.identity import registry_operations
from bonafides.identity.consent import TEXTS
from bonafides.identity.submission import Purpose
from bonafides.v1 import draft_pb2, enterprise_pb2, rating_pb2
from tests import applying, builders
from tests.asking import methods, request
from tests.integrators import application, integrator
from tests.service.test_pipeline import Answer, ask
from tests.serving import Served

CODE: Final = builders.code()
APP: Final = "app-1"
RATE: Final = TEXTS[Purpose.RATE]
_SECONDS: Final = 30.0

Fields: TypeAlias = "Callable[[Stage, Any], Mapping[str, Any]]"


@dataclass(frozen=True, slots=True)
class Write:
    """A write, and who makes it.

    `other` gives of stage and request, by its path, a field that another write under the
    same id has otherwise; `asks` what this one needs beside what is in `tests.asking`.
    """

    method: str
    by: str
    other: Fields
    asks: Fields = lambda *_: {}


class Stage:
    """A verified enterprise with a store, a live integrator and its link, and a draft."""

    def __init__(self, served: Served) -> None:
        self.served: Final = served
        row = builders.registry_row()
        registry_operations.load_registry(served.store, served.vault, [row], now=served.clock.now)
        application(served.store, APP)
        self.tokens: Final = {
            "owner": served.token(subject="owner", owns=[CODE.text], ttl_seconds=3_600),
            "platform": served.token("platform", subject="app", ttl_seconds=3_600),
            "staff": served.token("operator", subject="clerk", ttl_seconds=3_600),
            "integrator": served.token("integrator", subject=APP, application=APP),
        }
        self.submissions: Final = [self._submitted(number) for number in (201, 202)]
        builders.link_stores(served.store, [builders.transaction()])
        with served.client(self.tokens["platform"]) as client:
            prefill = draft_pb2.Prefill(title="九九市百草贸易有限公司")
            drafted = client.identities.create_draft(CODE.text, prefill)
            self.draft: Final = drafted.name.rpartition("/")[2]
        with served.client(self.tokens["owner"]) as client:
            self.application: Final = client.applications.create(**applying.told()).name
        with integrator(served, APP) as asking:
            scopes = ["archive.read", "rating.read"]
            self.link: Final = asking.integrators.create_url(scopes).url.rpartition("/")[2]

    def _submitted(self, number: int) -> str:
        with self.served.client(self.tokens["owner"]) as client:
            made = client.submit_identity(builders.claims(), builders.request_id(number))
        assert made.state == enterprise_pb2.Submission.STATE_VERIFIED
        return made.name

    def made(self, write: Write, number: int) -> Any:
        """Returns the request for the write."""
        submission = self.submissions[0].rpartition("/")[2]
        asked = request(
            path_of(write.method), CODE.text, number, draft=self.draft, submission=submission
        )
        return changed(asked, write.asks(self, asked))


WRITES: Final = (
    Write("SubmitIdentity", "owner", lambda *_: {"claims.title": "九九市新草贸易有限公司"}),
    Write("AmendIdentity", "owner", lambda *_: {"changes.title": "九九市又草贸易有限公司"}),
    Write("ConfirmDraft", "owner", lambda *_: {"claims.phone": "13900139000"}),
    Write("CreateDraft", "platform", lambda *_: {"prefill.title": "九九市新草贸易有限公司"}),
    Write(
        "GrantConsent",
        "owner",
        lambda *_: {"evidence_sha256": bytes(32)},
        lambda *_: {
            "purpose": enterprise_pb2.PURPOSE_RATE,
            "scope": sorted(RATE.scope),
            "text_version": RATE.version,
            "text_sha256": RATE.sha256,
        },
    ),
    Write("ClaimOwnership", "owner", lambda stage, _: {"submission": stage.submissions[1]}),
    Write("InviteMember", "owner", lambda *_: {"member_role": 1}),
    Write(
        "AuthorizeIntegrator",
        "owner",
        lambda *_: {"url_code": "0" * 32},
        lambda stage, _: {"url_code": stage.link},
    ),
    Write("CreateAuthorizationUrl", "integrator", lambda *_: {"scopes": ["rating.read"]}),
    Write("CreateApplication", "owner", lambda *_: {"title": "另一平台"}),
    Write(
        "UpdateSelfDescription", "owner", lambda *_: {"self_description.main_products": ["茶叶"]}
    ),
    Write("DisputeStore", "owner", lambda *_: {"ground": 2}, lambda *_: {"link_id": "link-s1"}),
    Write("OpenCorrection", "owner", lambda *_: {"wrong": "地址有误"}),
    # Nothing of it can be said otherwise: its bytes are others, the id in capitals.
    Write("RequestReview", "owner", lambda _, asked: {"request_id": asked.request_id.upper()}),
    Write("ProposeOverride", "staff", lambda *_: {"level": rating_pb2.LEVEL_B}),
    Write("RecordDecision", "platform", lambda *_: {"reason": "OTHER"}),
    Write("RequestMore", "platform", lambda *_: {"text": "请再补充"}),
    Write("SetPlatformMask", "staff", lambda *_: {"withheld_paths": ["registration"]}),
    Write("SetSwitch", "staff", lambda *_: {"reason": "再核对"}),
    Write("SetSpendingLimit", "staff", lambda *_: {"enterprises_per_day": 3_000}),
    Write(
        "UpdateApplication",
        "owner",
        lambda *_: {"application.title": "另一平台"},
        lambda stage, _: {"application.name": stage.application},
    ),
)


def test_every_method_with_a_request_id_is_looked_at() -> None:
    with_id = {
        name.rpartition("/")[2]
        for name, method in methods().items()
        if "request_id" in method.input_type.fields_by_name
    }
    assert with_id == {write.method for write in WRITES}


def test_write_is_made_once_however_often_it_comes_and_another_is_refused(
    served: Served,
) -> None:
    stage = Stage(served)
    with ThreadPoolExecutor(2) as pool:
        for number, write in enumerate(WRITES, 301):
            asked = stage.made(write, number)
            send = partial(sent, served, write.method, token=stage.tokens[write.by])
            answers = [told(each) for each in (*pool.map(send, (asked, asked)), send(asked))]
            assert answers == answers[:1] * 3, write.method
            refused = send(changed(asked, write.other(stage, asked)))
            assert refused.code is grpc.StatusCode.ALREADY_EXISTS, write.method
            assert refused.info.reason == "REQUEST_ID_REUSED"


def changed(asked: Any, fields: Mapping[str, Any]) -> Any:
    """Returns a copy with these fields, by their paths, as given."""
    made = type(asked)()
    made.CopyFrom(asked)
    for path, value in fields.items():
        *parents, last = path.split(".")
        message = made
        for parent in parents:
            message = getattr(message, parent)
        if isinstance(value, list):
            getattr(message, last)[:] = value
        else:
            setattr(message, last, value)
    return made


def sent(served: Served, method: str, asked: Message, token: str) -> Answer:
    path = path_of(method)
    return ask(served.address, asked.SerializeToString(), path=path, token=token, timeout=_SECONDS)


def told(answer: Answer) -> tuple[grpc.StatusCode, Any]:
    """Returns what is the same each time: a submission is answered as it stands by then."""
    if answer.code is grpc.StatusCode.OK and b"/submissions/" in answer.body:
        return answer.code, enterprise_pb2.Submission.FromString(answer.body).name
    return answer.code, answer.body or answer.everything


def path_of(method: str) -> str:
    return next(name for name in methods() if name.endswith(f"/{method}"))
