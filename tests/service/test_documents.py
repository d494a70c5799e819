"""Copies of licences over a real channel: kept once, sealed, and for nobody else.

Uploads begin at `builders.NOW`. QR codes are read by a round that the tests run
themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from bonafides.client import Client, RemoteError
from bonafides.client.requests import NO_PURPOSE
from bonafides.identity import filing, registry_operations
from bonafides.identity.documents import MOST_BYTES, MOST_PART_BYTES
from bonafides.identity.qr import QrReader
from bonafides.instants import DAY, Instant
from bonafides.personal.sealing import Vault
from bonafides.rpc import documents as uploads
from bonafides.server import system_clock
from bonafides.storage import tables
from bonafides.storage.unit_of_work import Store
from bonafides.v1 import document_service_pb2 as service
from bonafides.v1 import enterprise_pb2
from bonafides.v1.purpose_pb2 import READ_PURPOSE_ELIGIBILITY as ELIGIBILITY
from bonafides.worker import read_documents
from tests import builders, licenses
from tests.logged import captured
from tests.serving import Served, serving

pytestmark = pytest.mark.feature("A14")

CODE = builders.code(11)
OTHER = builders.code(12)
IMAGE = licenses.png(licenses.license_image(CODE))
# Two parts as they are stored, more as they are sent.
LARGE = licenses.jpeg(licenses.license_image(CODE).resize((3_200, 2_260)), 97)
UPLOAD = "/bonafides.v1.DocumentService/UploadDocument"
_SERVE = (sys.executable, "-c", "from bonafides.cli import app; app()", "serve")


def file(folder: Path, content: bytes = IMAGE) -> Path:
    path = folder / "licence.img"
    path.write_bytes(content)
    return path


def name_of(content: bytes = IMAGE, code: str = CODE.text) -> str:
    return f"enterprises/{code}/documents/{hashlib.sha256(content).hexdigest()}"


def upload(served: Served, folder: Path, content: bytes = IMAGE, **who: Any) -> Any:
    with served.client(served.token(**who)) as client:
        return client.upload_license(file(folder, content), CODE.text)


def part(**fields: Any) -> service.UploadDocumentRequest:
    return service.UploadDocumentRequest(**fields)


def send(
    address: str, token: str, messages: Iterator[service.UploadDocumentRequest]
) -> tuple[list[service.UploadDocumentResponse], Any]:
    """Returns the answers to a stream, and the error at its end."""
    seen: list[service.UploadDocumentResponse] = []
    with grpc.insecure_channel(address) as channel:
        method: Any = channel.stream_stream(UPLOAD)
        wires = (message.SerializeToString() for message in messages)
        call = method(wires, timeout=20, metadata=(("authorization", f"Bearer {token}"),))
        try:
            seen.extend(service.UploadDocumentResponse.FromString(wire) for wire in call)
        except grpc.RpcError as error:
            return seen, error
    return seen, None


def refusal(served: Served, *messages: service.UploadDocumentRequest) -> str:
    """Returns why an upload is refused; sees to it that nothing is kept."""
    _, error = send(served.address, served.token(), iter(messages))
    assert error is not None
    assert kept(served.store) == (0, 0, 0)
    return str(error.details())


def kept(store: Store) -> tuple[int, int, int]:
    """Returns how many documents, parts and keys there are."""
    counted = (tables.document, tables.document_part, tables.subject_key)
    with store.reading() as work:
        numbers = [
            work.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in counted
        ]
    return (numbers[0], numbers[1], numbers[2])


def read_qr(served: Served) -> int:
    shelf = filing.Shelf(served.store, served.vault, 40)
    return filing.read_due(shelf, QrReader())


def reasons(findings: Sequence[enterprise_pb2.Finding]) -> list[str]:
    return [each.reason for each in findings if each.reason.startswith("DOCUMENT")]


def code_of(call: Any) -> grpc.StatusCode:
    with pytest.raises(RemoteError) as refused:
        call()
    return refused.value.code


# --- Kept ------------------------------------------------------------------------------


def test_uploaded_copy_is_read_back_byte_for_byte(served: Served, tmp_path: Path) -> None:
    assert len(LARGE) > 2 * MOST_PART_BYTES
    told: list[tuple[int, int]] = []
    with served.client(served.token()) as client:
        made = client.upload_license(
            file(tmp_path, LARGE), CODE.text, progress=lambda done, of: told.append((done, of))
        )
        assert client.get_document(made.name) == made
        assert client.read_document(made.name) == LARGE
    assert made.name == name_of(LARGE)
    assert (made.media_type, made.size_bytes) == ("image/jpeg", len(LARGE))
    assert made.upload_time.ToMicroseconds() == builders.NOW
    assert told == sorted(told)
    assert told[-1] == (len(LARGE), len(LARGE))


def test_same_file_twice_is_stored_once_under_the_same_digest(
    served: Served, tmp_path: Path
) -> None:
    first = upload(served, tmp_path)
    served.clock.now = Instant(builders.NOW + DAY)
    assert upload(served, tmp_path) == first
    assert kept(served.store)[0] == 1


def test_same_file_uploaded_at_once_many_times_is_stored_once(
    served: Served, tmp_path: Path
) -> None:
    path = file(tmp_path)

    def one(_: int) -> str:
        with served.client(served.token()) as client:
            return client.upload_license(path, CODE.text).name

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(one, range(6))) == {name_of()}
    assert kept(served.store) == (1, 1, 1)


@pytest.mark.feature("J9")
def test_no_byte_of_a_copy_lies_in_the_database_in_clear(served: Served, tmp_path: Path) -> None:
    upload(served, tmp_path, LARGE)
    with served.store.reading() as work:
        sealed = b"".join(work.execute(sa.select(tables.document_part.c.content_sealed)).scalars())
    assert len(sealed) > len(LARGE)
    pieces = (LARGE[at : at + 12] for at in range(0, len(LARGE) - 12, 997))
    assert [piece for piece in pieces if piece in sealed and len(set(piece)) > 4] == []


@pytest.mark.feature("J9")
def test_part_that_was_moved_or_altered_is_not_served(served: Served, tmp_path: Path) -> None:
    name = upload(served, tmp_path, LARGE).name
    table = tables.document_part
    with served.store.writing() as work:
        for before, after in ((0, 100), (1, 0), (100, 1)):
            work.execute(sa.update(table).where(table.c.part == before).values(part=after))
        work.commit()
    with served.client(served.token()) as client:
        assert code_of(lambda: client.read_document(name)) is grpc.StatusCode.INTERNAL


def test_deleted_copy_is_gone_with_its_key_and_its_digest_stays(
    served: Served, tmp_path: Path
) -> None:
    name = upload(served, tmp_path).name
    with served.client(served.token()) as client:
        left = client.delete_document(name)
        assert left.delete_time.ToMicroseconds() == builders.NOW
        assert reasons(left.findings) == ["DOCUMENT_QR_NOT_READ"]
        assert code_of(lambda: client.get_document(name)) is grpc.StatusCode.NOT_FOUND
        assert code_of(lambda: client.read_document(name)) is grpc.StatusCode.NOT_FOUND
        assert code_of(lambda: client.delete_document(name)) is grpc.StatusCode.NOT_FOUND
    assert kept(served.store) == (1, 0, 0)
    assert read_qr(served) == 0
    served.clock.now = Instant(builders.NOW + 1)
    assert upload(served, tmp_path).name == name


# --- Refused ---------------------------------------------------------------------------


def test_file_of_another_type_is_refused_with_its_first_part(
    served: Served,
) -> None:
    for content, told in ((b"%PDF-1.7 and more", "PDF"), (b"GIF89a and more", "JPEG or PNG")):
        first = part(name=name_of(content), size_bytes=1_000_000, content=content)
        assert told in refusal(served, first, part(content=b"x"))


def test_another_type_that_comes_byte_by_byte_is_refused(served: Served) -> None:
    first = part(name=name_of(b"x"), size_bytes=100, content=b"P")
    assert "JPEG or PNG" in refusal(served, first, *(part(content=b"K") for _ in range(20)))


def test_truncated_image_is_refused(served: Served, tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match="breaks off"):
        upload(served, tmp_path, IMAGE[:-100])
    assert kept(served.store) == (0, 0, 0)


def test_decompression_bomb_is_refused_by_its_header(served: Served, tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match="pixels"):
        upload(served, tmp_path, licenses.bomb_png(8_000, 8_000))
    assert kept(served.store) == (0, 0, 0)


def test_bytes_of_another_digest_are_refused(served: Served) -> None:
    told = refusal(served, part(name=name_of(b"x"), size_bytes=len(IMAGE), content=IMAGE))
    assert "SHA-256" in told


def test_size_beyond_ten_mebibytes_is_refused_before_it_is_sent(served: Served) -> None:
    for size in (0, MOST_BYTES + 1):
        told = refusal(served, part(name=name_of(), size_bytes=size, content=IMAGE[:100]))
        assert "size_bytes" in told
        assert f"1 to {MOST_BYTES:,} bytes" in told


def test_more_bytes_than_said_are_refused(served: Served) -> None:
    first = part(name=name_of(), size_bytes=200, content=IMAGE[:100])
    assert "Send as many bytes" in refusal(served, first, part(content=IMAGE[100:500]))


def test_upload_that_is_whole_takes_nothing_more(served: Served) -> None:
    whole = part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE)
    messages = iter([whole, part(content=IMAGE)])
    _, error = send(served.address, served.token(), messages)
    assert error is not None
    assert "Send as many bytes" in error.details()
    assert kept(served.store)[0] == 1


def test_fewer_bytes_than_said_are_refused_and_nothing_is_kept(served: Served) -> None:
    first = part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE[:100])
    assert "Fewer bytes" in refusal(served, first)
    assert "Fewer bytes" in refusal(served)


def test_empty_part_and_part_beyond_192_kib_are_refused(served: Served) -> None:
    first = part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE[:100])
    assert "content" in refusal(served, first, part())
    assert "content" in refusal(served, first, part(content=bytes(MOST_PART_BYTES + 1)))


def test_name_and_size_can_not_change_within_an_upload(served: Served) -> None:
    first = part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE[:100])
    for changed in ({"name": name_of(b"x")}, {"size_bytes": 7}):
        told = refusal(served, first, part(content=IMAGE[100:], **changed))
        assert next(iter(changed)) in told


@pytest.mark.parametrize(
    "name",
    [
        f"enterprises/{CODE}/documents/{'0F' * 32}",
        f"enterprises/{CODE}/documents/0f",
        f"enterprises/123/documents/{'0f' * 32}",
        f"enterprises/{CODE}/archive",
    ],
)
def test_names_of_another_form_are_refused(served: Served, name: str) -> None:
    assert "name" in refusal(served, part(name=name, size_bytes=9, content=IMAGE[:9]))
    with served.client(served.token()) as client:
        assert code_of(lambda: client.get_document(name)) is grpc.StatusCode.INVALID_ARGUMENT


def test_uploads_of_one_submitter_are_counted_deleted_ones_too(tmp_path: Path) -> None:
    def made(number: int) -> bytes:
        return licenses.png(licenses.small(licenses.license_image(CODE), 40 + number))

    with serving(tmp_path / "data", documents_per_day=2) as served:
        for number in range(2):
            name = upload(served, tmp_path, made(number)).name
        with served.client(served.token()) as client:
            client.delete_document(name)
        with pytest.raises(RemoteError) as refused:
            upload(served, tmp_path, made(2))
        assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.value.retry_after_seconds == 86_400
        assert upload(served, tmp_path, made(2), subject="member-2").size_bytes
        served.clock.now = Instant(builders.NOW + DAY)
        assert upload(served, tmp_path, made(2)).size_bytes


def test_third_upload_at_once_of_one_submitter_has_to_wait(served: Served) -> None:
    until = threading.Event()

    def dawdling() -> Iterator[service.UploadDocumentRequest]:
        yield part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE[:100])
        until.wait(10)

    with ThreadPoolExecutor(2) as pool:
        under_way = [
            pool.submit(send, served.address, served.token(), dawdling()) for _ in range(2)
        ]
        _wait_for_streams(served, 2)
        _, error = send(served.address, served.token(), iter(()))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        until.set()
        ended = [each.result(20)[1].code() for each in under_way]
    assert ended == [grpc.StatusCode.INVALID_ARGUMENT] * 2
    _, error = send(served.address, served.token(), iter(()))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_uploads_of_all_submitters_at_once_are_bounded(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_MOST_OPEN", 1)
    until = threading.Event()

    def dawdling() -> Iterator[service.UploadDocumentRequest]:
        yield part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE[:100])
        until.wait(10)

    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(send, served.address, served.token(), dawdling())
        _wait_for_streams(served, 1)
        _, error = send(served.address, served.token(subject="another"), iter(()))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        until.set()
        assert under_way.result(20)[1].code() is grpc.StatusCode.INVALID_ARGUMENT


def _wait_for_streams(served: Served, count: int) -> None:
    for _ in range(1_000):
        if len(served.server.pipeline._streams) == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError


def test_upload_that_its_caller_leaves_keeps_nothing_and_makes_room(served: Served) -> None:
    message = part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE[:100]).SerializeToString()
    until = threading.Event()
    for _ in range(4):
        with grpc.insecure_channel(served.address) as channel:
            method: Any = channel.stream_stream(UPLOAD)
            token = (("authorization", f"Bearer {served.token()}"),)
            call = method(itertools.chain([message], _nothing(until)), timeout=10, metadata=token)
            assert service.UploadDocumentResponse.FromString(next(call)).received_bytes == 100
            call.cancel()
        _wait_for_streams(served, 0)
    until.set()
    assert kept(served.store) == (0, 0, 0)


def _nothing(until: threading.Event) -> Iterator[bytes]:
    until.wait(10)
    yield from ()


def test_upload_that_goes_on_for_more_than_five_minutes_is_ended(served: Served) -> None:
    def slow() -> Iterator[service.UploadDocumentRequest]:
        yield part(name=name_of(), size_bytes=len(IMAGE), content=IMAGE[:100])
        _wait_for_streams(served, 1)
        served.clock.now = Instant(served.clock.now + 301 * 1_000_000)
        yield part(content=IMAGE[100:200])

    _, error = send(served.address, served.token(), slow())
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_server_killed_in_the_middle_of_an_upload_keeps_nothing_of_it(tmp_path: Path) -> None:
    """Half of one upload and a whole other one come; the server is killed, and starts again."""
    whole = licenses.png(licenses.small(licenses.license_image(CODE), 300))
    data = tmp_path / "data"
    token = ""
    until = threading.Event()

    def half() -> Iterator[service.UploadDocumentRequest]:
        yield part(name=name_of(LARGE), size_bytes=len(LARGE), content=LARGE[:100_000])
        until.wait(20)

    with serving(data) as made:
        made.clock.now = system_clock()
        token = made.token(ttl_seconds=3_000)
    for killed in (True, False):
        with (
            _another_process(data) as (address, process),
            Client(address, token=token) as client,
        ):
            client.wait_until_serving(20)
            if killed:
                with ThreadPoolExecutor(1) as pool:
                    under_way = pool.submit(send, address, token, half())
                    client.upload_license(file(tmp_path, whole), CODE.text)
                    process.kill()
                    assert under_way.result(20)[1].code() is grpc.StatusCode.UNAVAILABLE
                    until.set()
            else:
                assert client.read_document(name_of(whole)) == whole
                missing = code_of(lambda: client.get_document(name_of(LARGE)))
                assert missing is grpc.StatusCode.NOT_FOUND
    store = Store(f"sqlite:///{data / 'bonafides.db'}")
    assert kept(store) == (1, 1, 1)
    store.close()


def test_process_killed_at_the_commit_of_a_copy_leaves_no_part_of_it(
    store: Store, vault: Vault
) -> None:
    program = f"""
import os
from bonafides.identity import filing
from bonafides.identity.codes import UnifiedCode
from bonafides.personal.sealing import Vault
from bonafides.storage.unit_of_work import Store, UnitOfWork
from tests import licenses
UnitOfWork.commit = lambda self: os.kill(os.getpid(), 9)
code = UnifiedCode.parse({CODE.text!r})
image = licenses.jpeg(licenses.license_image(code).resize((3_200, 2_260)), 97)
store = Store({store.url.render_as_string(hide_password=False)!r})
shelf = filing.Shelf(store, Vault(bytes(range(32)), "sandbox"), 40)
import hashlib
digest = hashlib.sha256(image).digest()
filing.keep(shelf, image, code=code, sha256=digest, submitter="clerk", now={builders.NOW})
"""
    died = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False
    )
    assert died.returncode == -signal.SIGKILL
    assert kept(store) == (0, 0, 0)
    shelf = filing.Shelf(store, vault, 40)
    digest = hashlib.sha256(LARGE).digest()
    filing.keep(shelf, LARGE, code=CODE, sha256=digest, submitter="clerk", now=builders.NOW)
    assert kept(store)[0] == 1


@contextlib.contextmanager
def _another_process(data: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serves the folder by a process of its own; gives address and process."""
    environment = {key: value for key, value in os.environ.items() if "BONAFIDES" not in key}
    process = subprocess.Popen(  # noqa: S603 - our own words
        [*_SERVE, "--listen", "127.0.0.1:0", "--data-dir", str(data)],
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    try:
        assert process.stderr is not None
        events = (json.loads(line) for line in process.stderr if line.startswith("{"))
        yield next(each["address"] for each in events if each["event"] == "serving"), process
    finally:
        process.terminate()
        process.communicate(timeout=30)


# --- For whom ---------------------------------------------------------------------------


@pytest.mark.feature("D7")
@pytest.mark.feature("A16")
def test_copy_is_not_found_by_anybody_but_its_uploader(served: Served, tmp_path: Path) -> None:
    """Not even by the enterprise under whose code a stranger uploaded it."""
    builders.enroll(served.store, CODE)
    name = upload(served, tmp_path, subject="stranger").name
    for who in ({"subject": "member-2"}, {"owns": [CODE.text]}, {"kind": "platform"}):
        with served.client(served.token(**who)) as client:
            for call in (client.get_document, client.read_document, client.delete_document):
                assert code_of(lambda call=call: call(name)) is grpc.StatusCode.NOT_FOUND
    with served.client(served.token("operator", subject="staff")) as client:
        assert code_of(lambda: client.get_document(name)) is grpc.StatusCode.PERMISSION_DENIED
        assert code_of(lambda: client.read_document(name)) is grpc.StatusCode.PERMISSION_DENIED
    with served.client() as client:
        assert code_of(lambda: client.get_document(name)) is grpc.StatusCode.UNAUTHENTICATED


def test_absent_copy_and_another_s_copy_are_refused_alike(served: Served, tmp_path: Path) -> None:
    name = upload(served, tmp_path, subject="stranger").name
    with served.client(served.token()) as client:
        texts = set()
        for asked in (name, name_of(b"absent")):
            with pytest.raises(RemoteError) as refused:
                client.get_document(asked)
            texts.add((refused.value.reason, refused.value.message))
    assert len(texts) == 1


def submit(served: Served, content: bytes = IMAGE, **who: Any) -> enterprise_pb2.Submission:
    claims = builders.claims(CODE)
    claims.license.copy_sha256 = hashlib.sha256(content).digest()
    with served.client(served.token(**who)) as client:
        return client.submit_identity(claims)


def load_registry(served: Served) -> None:
    row = builders.registry_row(CODE)
    registry_operations.load_registry(served.store, served.vault, [row], now=builders.NOW)


def test_enterprise_itself_sees_the_copy_that_its_verification_rests_on(
    served: Served, tmp_path: Path
) -> None:
    load_registry(served)
    name = upload(served, tmp_path, subject="clerk").name
    submission = submit(served, subject="clerk")
    assert submission.state == enterprise_pb2.Submission.STATE_VERIFIED
    with served.client(served.token(owns=[CODE.text])) as client:
        assert list(client.get_document(name).submissions) == [submission.name]
        assert client.read_document(name) == IMAGE
        assert code_of(lambda: client.delete_document(name)) is grpc.StatusCode.NOT_FOUND


@pytest.mark.feature("A1")
def test_submission_and_copy_name_each_other_whichever_came_first(
    served: Served, tmp_path: Path
) -> None:
    before = submit(served)
    assert before.license_document == ""
    made = upload(served, tmp_path)
    after = submit(served)
    assert list(made.submissions) == [before.name]
    assert after.license_document == made.name
    with served.client(served.token()) as client:
        assert client.get_submission(before.name).license_document == made.name
        assert set(client.get_document(made.name).submissions) == {before.name, after.name}
        client.delete_document(made.name)
        assert client.get_submission(before.name).license_document == ""


def test_another_s_copy_is_no_part_of_a_submission(served: Served, tmp_path: Path) -> None:
    upload(served, tmp_path, subject="stranger")
    read_qr(served)
    made = submit(served)
    assert made.license_document == ""
    assert reasons(made.findings) == []


@pytest.mark.feature("D11")
def test_copy_is_in_no_archive_view_and_in_no_log(served: Served, tmp_path: Path) -> None:
    load_registry(served)
    with captured() as events:
        name = upload(served, tmp_path).name
        submit(served)
        read_qr(served)
        views = []
        for who in (None, {}, {"owns": [CODE.text]}, {"kind": "platform"}, {"kind": "operator"}):
            token = None if who is None else served.token(**who)
            with served.client(token) as client:
                purpose = ELIGIBILITY if (who or {}).get("kind") == "platform" else NO_PURPOSE
                views.append(client.get_archive(CODE.text, purpose=purpose).SerializeToString())
    digest = name.rpartition("/")[2]
    for told in (*views, repr(events).encode()):
        assert digest.encode() not in told
        assert bytes.fromhex(digest) not in told
        assert b"DOCUMENT" not in told.replace(b"DocumentService", b"")
        assert b"registry.example" not in told
    (event,) = [each for each in events if each.get("method") == UPLOAD]
    assert (event["code"], event["parts"]) == ("OK", 1)


# --- The QR code ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holds", "reason"),
    [
        (licenses.link(CODE), "DOCUMENT_QR_MATCHES"),
        (licenses.link(OTHER), "DOCUMENT_QR_DIFFERS"),
        ("https://registry.example/opaque", "DOCUMENT_QR_NOT_READ"),
    ],
)
def test_qr_code_is_a_finding_beside_the_submission_and_decides_nothing(
    served: Served, tmp_path: Path, holds: str, reason: str
) -> None:
    load_registry(served)
    image = licenses.jpeg(licenses.license_image(CODE, qr=holds))
    name = upload(served, tmp_path, image).name
    made = submit(served, image)
    assert reasons(made.findings) == []
    assert read_qr(served) == 1
    assert read_qr(served) == 0
    for kind, subject in (("member", "member-1"), ("operator", "staff")):
        with served.client(served.token(kind, subject=subject)) as client:
            found = client.get_submission(made.name)
        assert reasons(found.findings) == [reason]
        assert found.state == enterprise_pb2.Submission.STATE_VERIFIED
        assert list(found.history) == list(made.history)
    with served.client(served.token()) as client:
        assert reasons(client.get_document(name).findings) == [reason]


def test_image_that_can_not_be_decoded_is_a_finding_and_is_tried_once(
    served: Served, tmp_path: Path
) -> None:
    garbled = bytearray(IMAGE)
    middle = garbled.index(b"IDAT") + 40
    garbled[middle : middle + 2_000] = bytes(2_000)
    name = upload(served, tmp_path, bytes(garbled)).name
    assert (read_qr(served), read_qr(served)) == (1, 0)
    with served.client(served.token()) as client:
        assert reasons(client.get_document(name).findings) == ["DOCUMENT_QR_NOT_READ"]


def test_without_a_reader_that_is_said_and_read_once_there_is_one(
    served: Served, tmp_path: Path
) -> None:
    name = upload(served, tmp_path).name
    shelf = filing.Shelf(served.store, served.vault, 40)
    read_documents(shelf, None).run(builders.NOW)
    with served.client(served.token()) as client:
        (finding,) = client.get_document(name).findings
        assert finding.reason == "DOCUMENT_QR_NOT_READ"
        assert "no QR reader" in finding.description
        assert read_qr(served) == 1
        (finding,) = client.get_document(name).findings
    assert finding.reason == "DOCUMENT_QR_MATCHES"


def test_reader_that_can_not_be_started_leaves_the_copy_due(served: Served, tmp_path: Path) -> None:
    upload(served, tmp_path)
    shelf = filing.Shelf(served.store, served.vault, 40)
    with pytest.raises(FileNotFoundError):
        filing.read_due(shelf, QrReader(("/nonexistent/reader",)))
    assert read_qr(served) == 1


def test_round_of_a_server_reads_what_was_uploaded(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as served:
        name = upload(served, tmp_path).name
        served.server.reading.run_once()
        with served.client(served.token()) as client:
            assert reasons(client.get_document(name).findings) == ["DOCUMENT_QR_MATCHES"]
