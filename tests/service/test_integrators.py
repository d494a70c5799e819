"""Integrators: from the link to the token, what they see, and how it ends; on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa

from bonafides.access import agents as rules
from bonafides.access.agents import SCOPES, Agent
from bonafides.client import RemoteError
from bonafides.errors import BugError, NotFoundError
from bonafides.identity import integrator_operations as operations
from bonafides.identity.codes import UnifiedCode, compose
from bonafides.identity.integrator_operations import Integration
from bonafides.instants import DAY, MICROSECONDS, Instant
from bonafides.storage import agents as rows
from bonafides.storage import tables
from bonafides.v1 import archive_pb2, enterprise_pb2, integrator_pb2, rights_pb2
from tests import agent_attacks, builders, laws
from tests.agent_attacks import ATTACKS, CALLS, Stage
from tests.integrators import (
    EVERY_SCOPE,
    application,
    at,
    authorized,
    integrator,
    owner,
    set_state,
)
from tests.serving import Served, serving

STATES = integrator_pb2.IntegratorAuthorization
CODE, OTHER = builders.code(1), builders.code(2)
APP = "app-1"


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    """Two processes of a sandbox on one database."""
    folder = tmp_path / "data"
    with serving(folder, database_url) as first, serving(folder, database_url) as second:
        yield Stage(first, second)


def ready(served: Served) -> None:
    """Has an enterprise take part, and an integrator that is live."""
    builders.enroll(served.store, CODE)
    application(served.store, APP)


def room(served: Served, environment: str = "sandbox") -> Integration:
    drawn = iter(range(1, 200))
    desk = laws.desk_of(served.store, served.vault)
    return Integration(desk, environment, "https://site", lambda n: bytes([next(drawn)]) * n)


def refusal(call: object) -> str:
    assert callable(call)
    with pytest.raises(RemoteError) as fault:
        call()
    return fault.value.reason


# --- From the link to the token ----------------------------------------------------------


@pytest.mark.feature("I9", "I10")
def test_owner_authorizes_and_the_integrator_reads_by_its_token(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(["archive.read", "rating.read"])
        assert link.url.startswith("http://127.0.0.1:8080/authorize/")
        told = giving.integrators.get_url(link.url)
        assert (told.application_title, told.url) == ("Application app-1", "")
        assert list(told.scopes) == ["archive.read", "rating.read"]
        given = giving.integrators.authorize(CODE.text, link.url, ["archive.read"], term_days=30)
        assert given.authorization.state == STATES.STATE_PENDING
        fetched = asking.integrators.exchange(given.authorization_code)
        assert fetched.authorization.state == STATES.STATE_ACTIVE
        assert list(fetched.authorization.scopes) == ["archive.read"]
        (notice,) = giving.ownership.notices(CODE.text)
        assert notice.reason == "INTEGRATOR_AUTHORIZED"
    with integrator(served, APP, fetched.agent_token) as acting:
        archive = acting.get_archive(CODE.text)
    assert archive.registration.code == CODE.text


@pytest.mark.feature("I9")
@pytest.mark.parametrize("state", ["DRAFT", "TESTING", "READY", "SUSPENDED", "CLOSED"])
def test_link_is_made_by_a_live_application_alone(served: Served, state: str) -> None:
    application(served.store, APP, state=state)
    with integrator(served, APP) as asking:
        with pytest.raises(RemoteError) as fault:
            asking.integrators.create_url(["archive.read"])
        assert (fault.value.reason, fault.value.metadata["state"]) == (
            "INTEGRATOR_NOT_LIVE",
            state,
        )
        set_state(served.store, APP, "LIVE")
        asking.integrators.create_url(["archive.read"])


@pytest.mark.feature("I1", "I9")
def test_application_of_another_role_makes_no_link(served: Served) -> None:
    application(served.store, APP, role="ACQUIRER")
    with integrator(served, APP) as asking:
        assert refusal(lambda: asking.integrators.create_url(["archive.read"])) == (
            "RESOURCE_NOT_FOUND"
        )


def test_link_and_authorization_are_made_once_for_a_request_id(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        links = {
            asking.integrators.create_url(EVERY_SCOPE, builders.request_id(1)).url for _ in range(2)
        }
        (link,) = links
        calls = [
            giving.integrators.authorize(
                CODE.text, link, ["archive.read"], term_days=30, request_id=builders.request_id(2)
            )
            for _ in range(2)
        ]
        assert calls[0] == calls[1]
        assert refusal(
            lambda: giving.integrators.authorize(
                CODE.text, link, ["rating.read"], term_days=30, request_id=builders.request_id(2)
            )
        ) == ("REQUEST_ID_REUSED")
        assert refusal(
            lambda: asking.integrators.create_url(["rating.read"], builders.request_id(1))
        ) == ("REQUEST_ID_REUSED")
        application(served.store, "app-2")
        with integrator(served, "app-2") as other:
            others = other.integrators.create_url(EVERY_SCOPE).url
        assert refusal(
            lambda: giving.integrators.authorize(
                CODE.text, others, ["archive.read"], term_days=30, request_id=builders.request_id(2)
            )
        ) == ("REQUEST_ID_REUSED")
        asking.integrators.exchange(calls[0].authorization_code)
        again = giving.integrators.authorize(
            CODE.text, link, ["archive.read"], term_days=30, request_id=builders.request_id(2)
        )
        assert (again.authorization.state, again.authorization_code) == (STATES.STATE_ACTIVE, "")


@pytest.mark.feature("I10")
def test_enterprise_that_is_not_verified_authorizes_nobody(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        giving.consents.revoke(CODE.text, enterprise_pb2.PURPOSE_VERIFY_IDENTITY)
        with pytest.raises(RemoteError) as fault:
            giving.integrators.authorize(CODE.text, link, ["archive.read"], term_days=1)
    assert fault.value.reason == "AUTHORIZATION_STATE"
    assert fault.value.metadata["state"] == "NOT_VERIFIED"


@pytest.mark.feature("I10")
def test_staff_of_the_enterprise_authorize_nobody(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        code = giving.ownership.invite(CODE.text).one_time_code
    with served.client(served.token(subject="clerk")) as clerk:
        clerk.ownership.join(CODE.text, code)
        assert refusal(
            lambda: clerk.integrators.authorize(CODE.text, link, ["archive.read"], term_days=1)
        ) == ("RESOURCE_NOT_FOUND")
        assert clerk.integrators.authorizations(f"enterprises/{CODE}") == []


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"link": "0" * 32}, "url_code", "NO_SUCH_LINK"),
        ({"scopes": ["archive.read", "archive.write"]}, "scopes[1]", "NO_SUCH_SCOPE"),
        ({"scopes": ["rating.read"]}, "scopes[0]", "NOT_ASKED_FOR"),
    ],
)
def test_faulty_authorization_names_field_and_remedy(
    served: Served, change: dict[str, object], field: str, rule: str
) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(["archive.read"]).url
        asked = {"link": link, "scopes": ["archive.read"], **change}
        with pytest.raises(RemoteError) as fault:
            giving.integrators.authorize(
                CODE.text,
                str(asked["link"]),
                asked["scopes"],  # type: ignore[arg-type]  # a list of texts, as made above
                term_days=1,
            )
    (violation,) = fault.value.violations
    assert (violation.field, violation.reason) == (field, rule)


def test_link_that_is_over_leads_nowhere(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking:
        link = asking.integrators.create_url(EVERY_SCOPE).url
    with at(served, Instant(builders.NOW + 30 * DAY)), owner(served, CODE) as giving:
        assert refusal(lambda: giving.integrators.get_url(link)) == "RESOURCE_NOT_FOUND"


@pytest.mark.feature("I9")
def test_link_of_an_application_that_is_live_no_more_leads_nowhere(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        set_state(served.store, APP, "SUSPENDED")
        assert refusal(lambda: giving.integrators.get_url(link)) == "RESOURCE_NOT_FOUND"
        assert refusal(
            lambda: giving.integrators.authorize(CODE.text, link, ["archive.read"], term_days=1)
        ) == ("AUTHORIZATION_STATE")


@pytest.mark.feature("I10")
def test_neither_token_nor_codes_are_stored_in_clear(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        given = giving.integrators.authorize(CODE.text, link, EVERY_SCOPE, term_days=1)
        fetched = asking.integrators.exchange(given.authorization_code)
    shown = (link.rpartition("/")[2], given.authorization_code, fetched.agent_token)
    with served.store.reading() as work:
        for table in (
            tables.authorization_url,
            tables.integrator_authorization,
            tables.agent_token,
        ):
            stored = str(work.execute(sa.select(table)).all())
            assert stored != "[]"
            assert not [text for text in shown if text in stored]


@pytest.mark.feature("I10")
def test_authorizations_are_limited_by_day_and_in_all(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        for _ in range(20):
            giving.integrators.authorize(CODE.text, link, ["archive.read"], term_days=1)
        assert refusal(
            lambda: giving.integrators.authorize(CODE.text, link, ["archive.read"], term_days=1)
        ) == ("RATE_LIMITED")
        with served.store.writing() as work:
            for number in range(50):
                rows.insert_authorization(work, earlier(number))
            work.commit()
        with pytest.raises(RemoteError) as fault:
            giving.integrators.authorize(CODE.text, link, ["archive.read"], term_days=1)
    assert fault.value.metadata["state"] == "TOO_MANY"


def test_links_of_an_application_are_limited_by_day(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "URLS_PER_DAY", 2)
    ready(served)
    with integrator(served, APP) as asking:
        for _ in range(2):
            asking.integrators.create_url(EVERY_SCOPE)
        assert refusal(lambda: asking.integrators.create_url(EVERY_SCOPE)) == "RATE_LIMITED"


def test_link_asks_for_scopes_that_there_are(served: Served) -> None:
    ready(served)
    with integrator(served, APP) as asking:
        with pytest.raises(RemoteError) as fault:
            asking.integrators.create_url(["archive.read", "archive.write"])
        assert fault.value.code is grpc.StatusCode.INVALID_ARGUMENT


def earlier(number: int) -> rows.AuthorizationRow:
    """Returns an authorization of some days ago whose token waits."""
    return rows.AuthorizationRow(
        code=CODE.text,
        uid=builders.request_id(number),
        client_id=APP,
        scopes=("archive.read",),
        environment="sandbox",
        granted_by="issuer|owner",
        granted_at=Instant(builders.NOW - 2 * DAY),
        expires_at=Instant(builders.NOW + DAY),
        code_index=bytes([number]) * 32,
        code_expires_at=Instant(builders.NOW + DAY),
    )


def test_sandbox_authorizes_for_generated_enterprises_alone(served: Served) -> None:
    application(served.store, APP)
    # In a region that there is not, so that it is nobody's.
    elsewhere = compose("91", "980000", "MA000001")
    builders.enroll(served.store, elsewhere)
    with integrator(served, APP) as asking, owner(served, elsewhere) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        with pytest.raises(RemoteError) as fault:
            giving.integrators.authorize(elsewhere.text, link, EVERY_SCOPE, term_days=1)
    assert fault.value.metadata["state"] == "NOT_A_TEST_ENTERPRISE"
    with pytest.raises(BugError):
        granted_for_tests(served, elsewhere)


def test_application_reads_its_list_page_by_page(served: Served) -> None:
    ready(served)
    with served.store.writing() as work:
        for number in range(7):
            rows.insert_authorization(work, earlier(number))
        work.commit()
    made, after, seen = room(served), (0, ""), list[str]()
    while found := operations.of_application(made, APP, after=after, limit=3):
        seen += [row.uid for row in found]
        after = (found[-1].granted_at, found[-1].uid)
    assert seen == sorted(builders.request_id(number) for number in range(7))
    with integrator(served, APP) as asking:
        assert len(asking.integrators.authorizations(f"applications/{APP}")) == 7


# --- What an integrator sees -------------------------------------------------------------


@pytest.mark.feature("I10", "L4")
def test_integrator_sees_its_view_and_the_level_by_its_own_scope(served: Served) -> None:
    ready(served)
    token, _ = authorized(served, APP, CODE)
    with integrator(served, APP, token) as acting:
        archive, level = acting.get_archive(CODE.text), acting.get_rating(CODE.text)
    assert not archive.HasField("rating")
    assert archive.verification.state == enterprise_pb2.Submission.STATE_VERIFIED
    assert level.level
    assert not level.contributions


@pytest.mark.feature("D7", "I10")
@pytest.mark.parametrize("method", CALLS)
def test_other_enterprises_are_not_found_known_or_not(served: Served, method: str) -> None:
    ready(served)
    builders.enroll(served.store, OTHER)
    token, _ = authorized(served, APP, CODE)
    with integrator(served, APP, token) as acting:
        told = {
            refusal(lambda code=code: CALLS[method](acting, code))
            for code in (OTHER.text, builders.code(77).text)
        }
    assert told == {"RESOURCE_NOT_FOUND"}


def test_every_method_of_a_scope_is_tried(served: Served) -> None:
    ready(served)
    opened = {name for scope in SCOPES.values() for name in scope.methods}
    assert {f"/bonafides.v1.{name}" for name in CALLS} == opened
    token, _ = authorized(served, APP, CODE)
    told = {}
    with integrator(served, APP, token) as acting:
        for name, call in CALLS.items():
            try:
                call(acting, CODE.text)
            except RemoteError as fault:
                told[name] = fault.reason
    # Of these there is none; the enterprise of the builders has no submission to amend.
    assert told == {
        "IdentityService/GetSubmission": "RESOURCE_NOT_FOUND",
        "IdentityService/AmendIdentity": "RESOURCE_NOT_FOUND",
        "RightsService/GetCorrection": "RESOURCE_NOT_FOUND",
    }


@pytest.mark.feature("I10")
def test_integrator_follows_its_own_corrections_and_submissions_alone(served: Served) -> None:
    ready(served)
    token, _ = authorized(served, APP, CODE)
    target = rights_pb2.CorrectionTarget(fact=rights_pb2.FactTarget(kind="registration"))
    with owner(served, CODE) as own, integrator(served, APP, token) as acting:
        theirs = own.rights.correct(CODE.text, target, wrong="a", right="b")
        submitted = own.submit_identity(builders.claims(CODE))
        assert list(acting.rights.corrections(CODE.text)) == []
        assert refusal(lambda: acting.rights.correction(theirs.name)) == "RESOURCE_NOT_FOUND"
        assert refusal(lambda: acting.get_submission(submitted.name)) == "RESOURCE_NOT_FOUND"
        mine = acting.rights.correct(CODE.text, target, wrong="c", right="d")
        assert [each.name for each in acting.rights.corrections(CODE.text)] == [mine.name]
        made = acting.submit_identity(builders.claims(CODE))
        assert acting.get_submission(made.name).state == made.state
        assert {each.name for each in own.rights.corrections(CODE.text)} == {
            theirs.name,
            mine.name,
        }


# --- How it ends -------------------------------------------------------------------------


@pytest.mark.feature("I10")
def test_no_attack_is_accepted(stage: Stage) -> None:
    told = {name: agent_attacks.reason(stage, name) for name in ATTACKS}
    assert told == {name: wanted for name, (wanted, _) in ATTACKS.items()}


@pytest.mark.feature("I10")
def test_what_is_written_after_the_end_is_never_read(stage: Stage) -> None:
    """The new enemy: revoke here, write here, and read there by whoever remembers.

    An integrator reads in the other process, over and over; meanwhile the owner takes the
    authorization back, and then writes. No answer holds what was written.
    """
    for number in range(6):
        cast = stage.cast("archive.read")
        seen: list[str] = []
        begun = threading.Event()
        secret = f"写于收回授权之后{number}"
        told = archive_pb2.SelfDescription(
            name=f"enterprises/{cast.code}/self-description", main_products=[secret]
        )
        reader = threading.Thread(target=_read_on, args=(stage.other, cast, seen, begun))
        reader.start()
        assert begun.wait(20)
        cast.revoked()
        with owner(stage.served, cast.code) as client:
            client.update_self_description(told)
        reader.join(30)
        assert not reader.is_alive()
        assert set(seen) == {"", "AGENT_TOKEN_INVALID"}


def _read_on(
    served: Served, cast: agent_attacks.Cast, seen: list[str], begun: threading.Event
) -> None:
    """Reads until it is refused, and notes what it saw."""
    with integrator(served, cast.client_id, cast.token) as client:
        while True:
            try:
                archive = client.get_archive(cast.code.text)
            except RemoteError as fault:
                seen.append(fault.reason)
                return
            seen.append(" ".join(archive.self_description.main_products))
            begun.set()


@pytest.mark.feature("I10")
def test_token_that_was_remembered_elsewhere_is_out_at_once(stage: Stage) -> None:
    cast = stage.cast()
    with integrator(stage.other, cast.client_id, cast.token) as there:
        there.get_archive(cast.code.text)
        cast.revoked()
        assert refusal(lambda: there.get_archive(cast.code.text)) == "AGENT_TOKEN_INVALID"


def test_taking_back_twice_changes_nothing(served: Served) -> None:
    ready(served)
    _, name = authorized(served, APP, CODE)
    with owner(served, CODE) as giving:
        first = giving.integrators.revoke(name)
        with at(served, Instant(builders.NOW + MICROSECONDS)):
            assert giving.integrators.revoke(name) == first
        assert first.state == STATES.STATE_REVOKED


@pytest.mark.feature("I10")
def test_of_codes_that_are_exchanged_at_once_one_token_is_left(served: Served) -> None:
    """Eight codes of one enterprise, and eight threads that begin together."""
    ready(served)
    with integrator(served, APP) as asking, owner(served, CODE) as giving:
        link = asking.integrators.create_url(EVERY_SCOPE).url
        codes = [
            giving.integrators.authorize(
                CODE.text, link, EVERY_SCOPE, term_days=90
            ).authorization_code
            for _ in range(8)
        ]
    here, together = room(served), threading.Barrier(len(codes))

    def exchange(code: str) -> str:
        together.wait(30)
        return operations.exchange(here, APP, code, now=served.clock.now)[0].uid

    with ThreadPoolExecutor(len(codes)) as threads:
        made = set(threads.map(exchange, codes))
    with served.store.reading() as work:
        acting = [uid for uid in made if rows.holds(work, CODE.text, Agent(APP, uid, builders.NOW))]
    assert len(made) == len(codes)
    assert len(acting) == 1


# --- Counting ----------------------------------------------------------------------------


@pytest.mark.feature("I11")
def test_statistics_equal_the_table(served: Served) -> None:
    for number in (1, 2, 3):
        builders.enroll(served.store, builders.code(number))
    for client_id in ("app-1", "app-2"):
        application(served.store, client_id)
        for number in (1, 2, 3):
            authorized(served, client_id, builders.code(number), term_days=number)
    authorized(served, "app-1", builders.code(3))
    with integrator(served, "app-1") as asking, owner(served, CODE) as giving:
        asking.integrators.revoke(asking.integrators.authorizations("applications/app-1")[0].name)
        link = asking.integrators.create_url(EVERY_SCOPE).url
        giving.integrators.authorize(CODE.text, link, EVERY_SCOPE, term_days=1)
    parents = [*(f"enterprises/{builders.code(n)}" for n in (1, 2, 3)), "applications/app-1"]
    staff = served.token("operator", subject="staff")
    for later in (0, DAY, 2 * DAY):
        with at(served, Instant(builders.NOW + later)):
            token = served.token("operator", subject="staff") if later else staff
            with served.client(token) as client:
                for parent in parents:
                    told = client.integrators.statistics(parent)
                    listed = client.integrators.authorizations(parent)
                    states = Counter(row.state for row in listed)
                    active = [row for row in listed if row.state == STATES.STATE_ACTIVE]
                    parties = {
                        row.application if parent.startswith("e") else row.name.split("/")[1]
                        for row in active
                    }
                    assert (
                        told.granted_count,
                        told.pending_count,
                        told.active_count,
                        told.revoked_count,
                        told.expired_count,
                        told.active_party_count,
                    ) == (
                        len(listed),
                        states[STATES.STATE_PENDING],
                        states[STATES.STATE_ACTIVE],
                        states[STATES.STATE_REVOKED],
                        states[STATES.STATE_EXPIRED],
                        len(parties),
                    )


# --- The sandbox -------------------------------------------------------------------------


def granted_for_tests(served: Served, code: UnifiedCode = CODE) -> str:
    with served.store.writing() as work:
        operations.grant_test_enterprise(work, served.vault, APP, code, now=builders.NOW)
        work.commit()
    return operations.test_token(served.vault, APP)


@pytest.mark.feature("I4")
def test_test_token_is_good_for_the_generated_enterprise_once_it_is_verified(
    served: Served,
) -> None:
    application(served.store, APP, state="TESTING")
    token = granted_for_tests(served)
    with integrator(served, APP, token) as acting:
        assert refusal(lambda: acting.get_archive(CODE.text)) == "AGENT_TOKEN_INVALID"
        builders.enroll(served.store, CODE)
        assert acting.get_archive(CODE.text).registration.code == CODE.text


@pytest.mark.feature("I4")
def test_no_test_token_for_an_application_of_another_role(served: Served) -> None:
    application(served.store, APP, role="MERCHANT")
    with pytest.raises(NotFoundError):
        granted_for_tests(served)
