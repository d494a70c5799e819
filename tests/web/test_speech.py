"""What the service says, on Chinese pages: in Chinese, whatever it says and however it errs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest

from bonafides.identity.registry_operations import load_registry
from bonafides.identity.sandbox import ERRORS, OUTCOMES, magic_code
from bonafides.instants import DAY, Instant, to_datetime
from bonafides.rpc.status import STATUSES
from bonafides.v1 import platform_pb2
from bonafides.web.owner_pages import LINKS
from tests import builders, licenses, rated
from tests.serving import Served, serving
from tests.spoken import english_in
from tests.webbing import Visitor, filled, serving_website, visiting

OWN = builders.code()
NEW = builders.code(802)
ARCHIVE = f"/enterprises/{OWN.text}"
COPY = licenses.jpeg(licenses.license_image(NEW))
DOCUMENT = ("signed.pdf", b"a signed authorization", "application/pdf")


@pytest.fixture
def owner(served: Served) -> Iterator[Visitor]:
    """The owner of a rated enterprise, on the website."""
    row = builders.registry_row(NEW, established="2016-11-03")
    load_registry(served.store, served.vault, [row], now=builders.NOW)
    with serving_website(served) as site, visiting(site) as visitor:
        visitor.log_in(OWN.text)
        yield visitor


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Visitor]:
    """Somebody who may submit as often as there are magic codes."""
    limits: dict[str, Any] = {"submissions_per_day": 1_000, "documents_per_day": 1_000}
    with (
        serving(tmp_path / "data", **limits) as served,
        serving_website(served) as site,
        visiting(site) as visitor,
    ):
        visitor.log_in()
        yield visitor


def submitted(visitor: Visitor, copy: bytes = COPY, **changes: str) -> httpx2.Response:
    files = {"copy": ("licence.jpg", copy, "image/jpeg"), "document": DOCUMENT}
    return visitor.post("/submit", filled(visitor, NEW, **changes), files=files)


def faults(page: httpx2.Response) -> dict[str, str]:
    """Returns by its field what the list at the top of a form calls it."""
    assert page.status_code == 400
    return dict(re.findall(r'<li><a href="#([^"]+)">([^<]+)</a>', page.text))


def label(page: httpx2.Response, field: str) -> str:
    found = re.search(rf'<label[^>]* for="{field}">([^<]+)', page.text)
    found = found or re.search(rf'<label for="{field}">([^<]+)', page.text)
    assert found is not None
    return found[1].strip()


# --- Errors of every kind ---------------------------------------------------------------


def test_every_error_of_the_service_is_told_in_chinese(roomy: Visitor) -> None:
    signed_out = set()
    for serial, (reason, _) in ERRORS.items():
        page = submitted(roomy, code=magic_code(serial).text)
        if page.url.path == "/login":
            # Whoever's login ended is sent to log in, and not told of it at length.
            signed_out.add(reason)
            roomy.log_in()
            continue
        assert page.status_code >= 400
        assert english_in(page.text) == []
        assert "请" in page.text.partition("<main")[2]
    assert signed_out == {
        reason for code, reason in STATUSES.values() if code is grpc.StatusCode.UNAUTHENTICATED
    }


@pytest.mark.feature("A11")
def test_every_outcome_of_a_submission_is_told_in_chinese(roomy: Visitor) -> None:
    for serial in OUTCOMES:
        code = magic_code(serial).text
        page = submitted(roomy, code=code)
        assert page.status_code == 200
        assert english_in(page.text) == []
        for below in ("requirements", "data"):
            assert english_in(roomy.get(f"/enterprises/{code}/{below}").text) == []


# --- Bad forms ------------------------------------------------------------------------------


def test_faulty_submission_names_each_field_as_the_form_does(owner: Visitor) -> None:
    page = submitted(
        owner,
        phone="1",
        email="nobody",
        id_number="11",
        established="1500-01-01",
        platforms="!!,??",
        title="名" * 250,
    )
    assert english_in(page.text) == []
    found = faults(page)
    assert set(found) >= {"phone", "email", "id_number", "established", "platforms"} - {"title"}
    for field, called in found.items():
        assert called == label(page, field)
    assert "请填写有效的电子邮箱" in page.text


def test_text_that_is_too_long_is_told_how_long_it_may_be(owner: Visitor) -> None:
    page = submitted(owner, title="名" * 250)
    assert faults(page) == {"title": "登记名称"}
    assert "最多填写 200 个字符" in page.text
    assert english_in(page.text) == []


FAULTY: tuple[tuple[dict[str, str], str], ...] = (
    ({"code": "91"}, "请按营业执照填写 18 位统一社会信用代码。"),
    ({"code": "123456789012345"}, "15 位旧版注册号"),
    ({"code": "11990000MA0000001X"}, "仅可提交在内地登记的企业和个体工商户。"),
    ({"title": "看不见\u200b的字"}, "请删除不可见字符"),
    ({"capital": "much"}, "金额请按"),
    ({"person": ""}, "此项必填。"),
)
NO_COPIES = (b"MZ" * 200, b"%PDF" + b"0" * 200, COPY[:-200], b"\xff\xd8\xff")


def test_fault_of_a_field_is_told_in_chinese(owner: Visitor) -> None:
    for changes, said in FAULTY:
        page = submitted(owner, COPY, **changes)
        assert page.status_code == 400
        assert said in page.text
        assert english_in(page.text) == []


def test_file_that_is_no_copy_is_refused_in_chinese(owner: Visitor) -> None:
    for copy in NO_COPIES:
        page = submitted(owner, copy)
        assert faults(page) == {"copy": label(page, "copy")}
        assert english_in(page.text) == []


def test_faulty_announcement_names_each_field_as_its_form_does(owner: Visitor) -> None:
    path = f"{ARCHIVE}/amend"
    form = {"csrf": owner.csrf(path), "phone": "1", "email": "x"}
    page = owner.post(path, form)
    assert faults(page) == {"phone": label(page, "phone"), "email": label(page, "email")}
    assert english_in(page.text) == []
    no_image = {"copy": ("licence.jpg", b"MZ" * 200, "image/jpeg")}
    page = owner.post(path, form, files=no_image)
    assert faults(page) == {"copy": label(page, "copy")}
    page = owner.post(path, {"csrf": form["csrf"]})
    assert "请至少填写一项有变更的内容。" in page.text
    assert english_in(page.text) == []


REFUSED = (
    ("corrections", {"target": "fact:nothing:1"}, 400),
    ("corrections", {"target": "fact:registration:nothing"}, 400),
    ("corrections", {"target": "override:nothing"}, 400),
    ("corrections", {"platform": "1688", "kind": "dispute", "record_id": "none"}, 400),
    ("corrections", {"platform": "!!", "kind": "none", "record_id": "none"}, 400),
    ("corrections", {"target": "fact:registration", "wrong": "错" * 3_000}, 400),
    ("consents/platform", {"platform": "!!"}, 400),
    ("consents/platform", {"platform": ""}, 400),
    ("consents/assent", {"kind": "NOTHING", "version": "1"}, 400),
    ("consents/assent", {"kind": "nothing", "version": ""}, 400),
    ("consents/assent", {"kind": "SERVICE_AGREEMENT", "version": "0"}, 409),
    ("consents/grant", {"purpose": "RATE", "expires": "2001-01-01"}, 400),
    ("consents/grant", {"purpose": "NOTHING"}, 400),
    ("erase", {"submission": "nothing", "sure": "yes"}, 400),
)


def test_forms_of_the_enterprise_are_refused_in_chinese(owner: Visitor) -> None:
    for below, form, status in REFUSED:
        told = {"csrf": owner.csrf(f"{ARCHIVE}/consents"), "wrong": "有误", "right": "正确"}
        page = owner.post(f"{ARCHIVE}/{below}", told | form, files={"document": DOCUMENT})
        assert page.status_code == status
        assert "处理办法" in page.text
        assert english_in(page.text) == []


# --- Pages that are not of forms ------------------------------------------------------------


def test_pages_of_the_enterprise_say_nothing_in_english(served: Served, owner: Visitor) -> None:
    form = {
        "csrf": owner.csrf(f"{ARCHIVE}/corrections"),
        "target": "fact:penalty:court-list/r1",
        "wrong": "已撤销",
        "right": "没有",
    }
    owner.post(f"{ARCHIVE}/corrections", form)
    rated.later(served)
    owner.post(f"{ARCHIVE}/automation", {"csrf": form["csrf"], "refused": "yes"})
    for path, _ in LINKS:
        assert english_in(owner.get(f"{ARCHIVE}{path}").text) == []


@pytest.mark.feature("A11")
def test_what_a_platform_asks_is_told_in_chinese_in_its_own_words(
    served: Served, owner: Visitor
) -> None:
    until = to_datetime(Instant(served.clock.now + 7 * DAY))
    with served.client(served.token("platform")) as shop:
        shop.platforms.ask(
            OWN.text, platform_pb2.Inquiry.KIND_DOCUMENT, "请提供店铺的租赁合同。", deadline=until
        )
    page = owner.get(f"{ARCHIVE}/requirements")
    assert "请提供店铺的租赁合同。" in page.text
    assert f"平台 {builders.PLATFORM}" in page.text
    assert english_in(page.text) == []
    inbox = owner.get(f"{ARCHIVE}/inbox")
    assert "有平台在作出决定前需要您补充说明" in inbox.text
    assert english_in(inbox.text) == []


def test_what_stays_after_an_erasure_is_told_in_chinese(owner: Visitor) -> None:
    page = submitted(owner)
    name = page.url.path.lstrip("/")
    form = {"csrf": owner.csrf(), "submission": name, "sure": "yes"}
    page = owner.post(f"/enterprises/{NEW.text}/erase", form)
    assert "授权台账" in page.text
    assert english_in(page.text) == []
    page = owner.get(f"/{name}")
    assert "个人信息已删除" in page.text
    assert english_in(page.text) == []


def test_address_that_is_not_there_is_told_in_chinese(owner: Visitor) -> None:
    for path in ("/nothing", f"/enterprises/{NEW.text}", "/enterprises/1", "/look-up?q=nobody"):
        page = owner.get(path)
        assert page.status_code >= 400
        assert english_in(page.text) == []


def test_english_pages_stay_english(owner: Visitor) -> None:
    page = owner.post(
        f"/en{ARCHIVE}/consents/platform",
        {"csrf": owner.csrf(f"/en{ARCHIVE}/consents"), "platform": "!!"},
    )
    assert "Name platforms as their records do" in page.text
    assert "平台" not in page.text.partition("<main")[2]
    assert english_in(page.text) != []
