"""Forms that change something: submitting with a copy, erasing, agreeing, platforms."""

from __future__ import annotations

import hashlib
import re

import pytest

from bonafides.identity.registry_operations import load_registry
from bonafides.v1 import enterprise_pb2
from tests import builders, licenses, rated
from tests.serving import Served
from tests.webbing import Visitor, filled, value_in

NEW = builders.code(801)
OWN = builders.code()
ARCHIVE = f"/enterprises/{OWN.text}"
OTHER_COPY = licenses.jpeg(licenses.license_image(NEW), quality=60)
COPY = licenses.jpeg(licenses.license_image(NEW))
DOCUMENT = b"a signed authorization"


@pytest.fixture
def registered(served: Served) -> Served:
    """The sandbox, whose registry knows an enterprise that takes no part yet."""
    row = builders.registry_row(NEW, established="2016-11-03")
    load_registry(served.store, served.vault, [row], now=builders.NOW)
    return served


def files() -> dict[str, tuple[str, bytes, str]]:
    return {
        "copy": ("licence.jpg", COPY, "image/jpeg"),
        "document": ("authorization.pdf", DOCUMENT, "application/pdf"),
    }


@pytest.mark.feature("A11")
def test_identity_is_submitted_with_its_copy_and_verified(
    registered: Served, visitor: Visitor
) -> None:
    visitor.log_in()
    page = visitor.post("/en/submit", filled(visitor, NEW), files=files())
    assert page.status_code == 200
    assert "/submissions/" in page.url.path
    assert "Verified" in page.text
    name = f"enterprises/{NEW.text}/documents/{hashlib.sha256(COPY).hexdigest()}"
    with registered.client(registered.token(subject="sandbox-visitor")) as client:
        assert client.read_document(name) == COPY
    with registered.client() as anybody:
        assert anybody.get_archive(NEW.text).registration.code == NEW.text


@pytest.mark.usefixtures("registered")
def test_same_form_sent_twice_submits_once(visitor: Visitor) -> None:
    visitor.log_in()
    form = filled(visitor, NEW)
    first = visitor.post("/en/submit", form, files=files())
    assert visitor.post("/en/submit", form, files=files()).url.path == first.url.path


@pytest.mark.feature("A11")
def test_faulty_form_is_shown_again_with_every_fault_and_what_was_entered(
    registered: Served, visitor: Visitor
) -> None:
    visitor.log_in()
    wrong = filled(visitor, NEW, phone="1", email="nobody", capital="much")
    page = visitor.post("/en/submit", wrong, files=files())
    assert page.status_code == 400
    assert 'href="#capital"' in page.text
    assert builders.registration().title in page.text
    wrong["capital"] = "1000000.00"
    page = visitor.post("/en/submit", wrong, files=files())
    assert page.status_code == 400
    assert 'href="#phone"' in page.text
    assert 'href="#email"' in page.text
    with registered.client() as anybody, pytest.raises(Exception, match="No such resource"):
        anybody.get_archive(NEW.text)


@pytest.mark.usefixtures("registered")
def test_form_without_documents_says_which_are_needed(visitor: Visitor) -> None:
    visitor.log_in()
    page = visitor.post("/en/submit", filled(visitor, NEW), files={"copy": ("", b"", "image/jpeg")})
    assert page.status_code == 400
    assert 'href="#copy"' in page.text
    assert 'href="#document"' in page.text


@pytest.mark.usefixtures("registered")
def test_what_is_no_image_is_refused_by_the_service(visitor: Visitor) -> None:
    visitor.log_in()
    told = files() | {"copy": ("x.exe", b"MZ" * 200, "image/jpeg")}
    page = visitor.post("/en/submit", filled(visitor, NEW), files=told)
    assert page.status_code == 400


@pytest.mark.feature("J2")
def test_erasing_is_asked_twice_and_then_done(registered: Served, visitor: Visitor) -> None:
    visitor.log_in()
    visitor.post("/en/submit", filled(visitor, NEW), files=files())
    below = f"/en/enterprises/{NEW.text}"
    page = visitor.get(f"{below}/data").text
    name = value_in(page, "submission")
    form = {"csrf": visitor.csrf("/en"), "submission": name}
    assert "Erase for good?" in visitor.post(f"{below}/erase", form).text
    with registered.client(registered.token(subject="sandbox-visitor")) as client:
        assert client.rights.holdings(NEW.text).submissions[0].readable
        assert "Erased" in visitor.post(f"{below}/erase", form | {"sure": "yes"}).text
        assert not client.rights.holdings(NEW.text).submissions[0].readable


@pytest.mark.usefixtures("registered")
def test_persons_values_are_shown_masked_alone(visitor: Visitor) -> None:
    visitor.log_in()
    page = visitor.post("/en/submit", filled(visitor, NEW), files=files())
    held = visitor.get(f"/en/enterprises/{NEW.text}/data")
    for answer in (page, held):
        assert builders.ID_NUMBER not in answer.text
        assert builders.PHONE not in answer.text


@pytest.mark.feature("B7")
def test_platform_is_authorized_and_taken_back(served: Served, visitor: Visitor) -> None:
    visitor.log_in(OWN.text)
    path = f"/en{ARCHIVE}/consents"
    form = {"csrf": visitor.csrf(path), "platform": "Taobao"}
    assert "may be used from now on" in visitor.post(f"{path}/platform", form).text
    with rated.owner(served, OWN.text) as owner:
        assert "taobao" in {each.platform for each in owner.consents.platforms(OWN.text)}
        visitor.post(f"{path}/platform", form | {"platform": "taobao", "action": "revoke"})
        (found,) = [e for e in owner.consents.platforms(OWN.text) if e.platform == "taobao"]
        assert found.HasField("revoke_time")


@pytest.mark.feature("B7")
def test_further_consent_is_granted_by_one_form_and_sent_twice_stands_once(
    served: Served, visitor: Visitor
) -> None:
    visitor.log_in(OWN.text)
    path = f"/en{ARCHIVE}/consents"
    form = {
        "csrf": visitor.csrf(path),
        "request_id": value_in(visitor.get(path).text, "request_id"),
        "purpose": "SHOW_BUSINESS_FILE",
        "expires": "2027-06-30",
    }
    document = {"document": ("signed.pdf", DOCUMENT, "application/pdf")}
    for _ in range(2):
        page = visitor.post(f"{path}/grant", form, files=document)
        assert "Granted; it can be taken back at any time." in page.text
    with rated.owner(served, OWN.text) as owner:
        purpose = enterprise_pb2.PURPOSE_SHOW_BUSINESS_FILE
        (made,) = [each for each in owner.consents.ledger(OWN.text) if each.purpose == purpose]
    assert made.live
    assert made.evidence_sha256 == hashlib.sha256(DOCUMENT).digest()
    assert made.expire_time.ToJsonString() == "2027-06-30T15:59:59.999999Z"


@pytest.mark.parametrize(
    "changes", [{"purpose": "NOTHING"}, {"purpose": "SERVICE_AGREEMENT"}, {"expires": "tomorrow"}]
)
def test_consent_to_nothing_that_there_is_is_refused(
    visitor: Visitor, changes: dict[str, str]
) -> None:
    visitor.log_in(OWN.text)
    path = f"/en{ARCHIVE}/consents"
    form = {"csrf": visitor.csrf(path), "purpose": "RATE"} | changes
    document = {"document": ("signed.pdf", DOCUMENT, "application/pdf")}
    page = visitor.post(f"{path}/grant", form, files=document)
    assert page.status_code == 400
    assert "What to do" in page.text


@pytest.mark.feature("A12")
def test_change_is_announced_with_the_new_copy_and_then_checked(
    registered: Served, visitor: Visitor
) -> None:
    visitor.log_in()
    visitor.post("/en/submit", filled(visitor, NEW), files=files())
    rated.later(registered)
    visitor.post("/en/logout", {"csrf": visitor.csrf("/en")})
    visitor.log_in(NEW.text)
    path = f"/en/enterprises/{NEW.text}/amend"
    form = {
        "csrf": visitor.csrf(path),
        "request_id": value_in(visitor.get(path).text, "request_id"),
        "registered_address": "九九市演示路二号",
    }
    copy = {"copy": ("licence.jpg", OTHER_COPY, "image/jpeg")}
    page = visitor.post(path, form, files=copy)
    assert page.status_code == 200
    assert "Announced. This page tells where it stands." in page.text
    assert "九九市演示路二号" in page.text
    # The same form sent again announces nothing anew.
    assert visitor.post(path, form, files=copy).url.path == page.url.path


@pytest.mark.feature("A12")
@pytest.mark.usefixtures("registered")
def test_new_representative_needs_number_document_and_consent(visitor: Visitor) -> None:
    visitor.log_in(OWN.text)
    path = f"/en{ARCHIVE}/amend"
    form = {"csrf": visitor.csrf(path), "person": builders.PERSON, "capital": "much"}
    page = visitor.post(path, form, files={"document": ("", b"", "application/pdf")})
    assert page.status_code == 400
    for name in ("id_number", "agrees", "document", "capital"):
        assert f'href="#{name}"' in page.text
    assert "much" in page.text


def test_review_is_asked_for_once_at_a_time(visitor: Visitor) -> None:
    visitor.log_in(OWN.text)
    path = f"/en{ARCHIVE}/reviews"
    form = {"csrf": visitor.csrf(path)}
    assert "A person will look at the level" in visitor.post(path, form).text
    assert "Under way" in visitor.get(path).text
    visitor.post(path, form)
    assert visitor.get(path).text.count("Under way") == 1


@pytest.mark.feature("E9")
@pytest.mark.usefixtures("registered")
def test_reason_about_a_check_leads_to_the_checks_by_their_names(
    served: Served, visitor: Visitor
) -> None:
    visitor.log_in(NEW.text)
    uid = visitor.post("/en/submit", filled(visitor, NEW), files=files()).url.path.rpartition("/")[
        2
    ]
    below = f"/enterprises/{NEW.text}/corrections"
    page = visitor.get(f"{below}?target=check:{uid}:CHECK").text
    offered = re.findall(r'<option value="(check:[^"]+)"', page)
    assert offered
    assert f"check:{uid}:CHECK" not in offered
    form = {"csrf": visitor.csrf(below), "target": offered[0], "wrong": "错", "right": "对"}
    assert visitor.post(below, form).status_code == 200
    with rated.owner(served, NEW.text) as owner:
        told = owner.rights.corrections(NEW.text)
    assert [each.target.check.check for each in told] == [offered[0].rpartition(":")[2]]


def test_checks_that_one_may_not_see_lead_to_a_review_by_a_person(visitor: Visitor) -> None:
    visitor.log_in(OWN.text)
    uid = "0b5f2a52-7f4c-4c58-9a43-2a3f0d1d9a11"
    page = visitor.get(f"{ARCHIVE}/corrections?target=check:{uid}:CHECK").text
    assert '<option value="check:' not in page
    assert f'<a href="{ARCHIVE}/reviews">' in page.replace("\n", "")


def test_reason_about_records_of_a_platform_fills_the_form_in(visitor: Visitor) -> None:
    visitor.log_in(OWN.text)
    page = visitor.get(f"{ARCHIVE}/corrections?target=record:taobao:complaint:ID").text
    assert 'name="platform" list="known" maxlength="40" value="taobao"' in page
    assert '<option value="complaint" selected>' in page
    assert 'name="record_id" maxlength="120" value=""' in page
