"""QR codes are read of every rendered condition, and hostile images harm nothing."""

from __future__ import annotations

import contextlib
import io
import random
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bonafides.identity import qr, qr_program
from bonafides.identity.documents import MOST_BYTES, MOST_PIXELS, Qr, compare
from bonafides.identity.qr import QrReader, UnreadableError
from tests import builders, licenses

pytestmark = pytest.mark.feature("A14")

CODE = builders.code(7)
PAGE = licenses.license_image(CODE)


def told_by(program: str, *, seconds: float = 10) -> list[str]:
    """Returns what a program in the reader's place makes the reader say."""
    return QrReader((sys.executable, "-I", "-c", program), seconds).read(licenses.png(PAGE))


@pytest.mark.parametrize("condition", licenses.CONDITIONS)
def test_qr_code_is_read_in_every_condition_but_the_smallest(condition: str) -> None:
    assert QrReader().read(licenses.CONDITIONS[condition](PAGE)) == [licenses.link(CODE)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
@pytest.mark.parametrize("width", [licenses.WIDTH, 5 * licenses.WIDTH])
def test_qr_code_is_read_whatever_the_colors_are_written_in(mode: str, width: int) -> None:
    page = PAGE.resize((width, width * licenses.HEIGHT // licenses.WIDTH))
    assert QrReader().read(licenses.in_mode(page, mode)) == [licenses.link(CODE)]


def test_qr_code_of_the_smallest_image_is_not_read_and_that_is_said() -> None:
    assert QrReader().read(licenses.SMALLEST(PAGE)) == []


@pytest.mark.parametrize("number", range(20, 28))
def test_qr_codes_of_other_enterprises_are_read_from_photographs(number: int) -> None:
    code = builders.code(number, department_and_type="91" if number % 2 else "92")
    shot = licenses.jpeg(licenses.photographed(licenses.license_image(code)), 55)
    assert compare(QrReader().read(shot), code) is Qr.MATCHES


def test_reader_is_installed_where_tests_run() -> None:
    assert qr.installed()


def test_page_without_a_qr_code_is_read_and_has_none() -> None:
    blank = PAGE.crop((0, 300, licenses.WIDTH, licenses.HEIGHT))
    assert QrReader().read(licenses.jpeg(blank)) == []


def test_bound_of_pixels_is_the_same_in_both_processes() -> None:
    assert qr_program.MOST_PIXELS == MOST_PIXELS


def test_bomb_that_lies_about_its_size_is_a_fault() -> None:
    """144 million pixels behind a header that tells of sixteen, and the other way round."""
    for bomb in (
        licenses.bomb_png(12_000, 12_000, told=(4, 4)),
        licenses.bomb_png(64, 64, told=(7_000, 7_000)),
        licenses.bomb_jpeg(7_000, 7_000),
    ):
        try:
            assert QrReader().read(bomb) == []
        except UnreadableError:
            continue


def test_page_that_is_drawn_to_be_slow_is_given_up() -> None:
    # A machine may be quick enough to get to its end.
    with contextlib.suppress(UnreadableError):
        assert QrReader().read(licenses.png(licenses.false_corners(7_000))) == []


def test_altered_images_are_read_or_a_fault_and_nothing_else() -> None:
    source = random.Random(1)  # noqa: S311 - repeatable, not secret
    small = licenses.small(PAGE, 400)
    whole = (licenses.png(small), licenses.jpeg(small))
    outcomes = set()
    for number in range(40):
        altered = bytearray(whole[number % 2])
        for _ in range(source.randrange(1, 20)):
            altered[source.randrange(len(altered))] = source.randrange(256)
        try:
            outcomes.add(len(QrReader().read(bytes(altered))))
        except UnreadableError:
            outcomes.add(-1)
    assert outcomes <= {-1, 0, 1}


def test_bomb_of_honest_size_is_refused_by_the_program_itself() -> None:
    with pytest.raises(UnreadableError):
        QrReader().read(licenses.bomb_png(12_000, 12_000))


def test_largest_image_that_is_taken_is_looked_at_within_the_limits() -> None:
    assert QrReader().read(licenses.bomb_png(7_000, 7_000)) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        licenses.png(PAGE)[:5_000],
        licenses.jpeg(PAGE)[:5_000],
        b"GIF89a" + bytes(100),
        b"%PDF-1.7",
        bytes(range(256)) * 100,
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 1_000,
    ],
    ids=["empty", "cut PNG", "cut JPEG", "GIF", "PDF", "garbage", "garbage behind the magic"],
)
def test_what_is_no_whole_image_is_a_fault(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        QrReader().read(content)


@pytest.mark.parametrize(
    "program",
    [
        "import sys; sys.stdout.write('x' * 10_000_000)",
        "print('{}')",
        "print('[1]')",
        "print('{\"texts\": [1]}')",
        'print(\'{"texts": "abc"}\')',
        "print('[' * 60_000)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.close(0); os.close(1)",
    ],
)
def test_process_that_babbles_or_dies_is_a_fault(program: str) -> None:
    with pytest.raises(UnreadableError):
        told_by(program)


def test_process_that_hangs_is_killed_with_all_of_its_session(tmp_path: Path) -> None:
    note = tmp_path / "child"
    program = (
        "import os, subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(note)!r}, 'w').write(str(child.pid));"
        "time.sleep(60)"
    )
    with pytest.raises(UnreadableError):
        told_by(program, seconds=5)
    child = int(note.read_text())
    # It was killed; that it is gone is the system's to do.
    assert any(not _runs(child) for _ in _looks())


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _looks() -> Iterator[None]:
    for _ in range(500):
        yield
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_confined_process_can_open_nothing_and_start_nothing() -> None:
    folder = Path(qr_program.__file__).parent
    program = f"""
import json, os, socket, subprocess, sys
sys.path.insert(0, {str(folder)!r})
import qr_program
sys.stdin.buffer.read()
qr_program.confine()
attempts = [
    lambda: open("/etc/hostname"),
    lambda: open("/tmp/bonafides-must-not-exist", "w"),
    lambda: socket.socket(),
    lambda: subprocess.Popen(["/bin/true"]),
    lambda: bytearray(2 << 30),
    lambda: os.pipe(),
]
kept = []
for attempt in attempts:
    try:
        attempt()
        kept.append("could")
    except (OSError, MemoryError) as fault:
        kept.append(type(fault).__name__)
print(json.dumps({{"texts": kept}}))
"""
    told = told_by(program)
    assert "could" not in told
    assert len(told) == 6


def test_reader_gives_its_process_nothing_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONAFIDES_TOKEN", "planted")
    program = (
        "import json, os; print(json.dumps({'texts': [str('BONAFIDES_TOKEN' in os.environ),"
        " str(os.getsid(0) == os.getpid())]}))"
    )
    before = _open_files()
    assert told_by(program) == ["False", "True"]
    assert _open_files() == before


def confined(then: str, before: str = "") -> str:
    """Returns a program that confines itself between two of its lines."""
    folder = Path(qr_program.__file__).parent
    return f"""
import json, resource, sys, time
sys.path.insert(0, {str(folder)!r})
import qr_program
sys.stdin.buffer.read()
{before}
qr_program.confine()
{then}
"""


def padded(size: int) -> bytes:
    """Returns a sound PNG with a part of this size, which nobody needs, behind its header."""
    content, part = licenses.png(PAGE), b"paDd" + bytes(size)
    made = size.to_bytes(4, "big") + part + zlib.crc32(part).to_bytes(4, "big")
    return content[:33] + made + content[33:]


def test_answer_that_comes_too_late_is_a_fault() -> None:
    program = 'import time; time.sleep(2); print(\'{"texts": ["late"]}\')'
    with pytest.raises(UnreadableError):
        told_by(program, seconds=0.5)


def test_answer_that_is_longer_than_any_is_a_fault() -> None:
    with pytest.raises(UnreadableError):
        told_by("import json; print(json.dumps({'texts': ['x' * 70_000]}))")


def test_what_the_process_complains_of_is_heard_by_nobody(
    capfd: pytest.CaptureFixture[str],
) -> None:
    program = "import sys; sys.stderr.write('planted'); print('{\"texts\": []}')"
    assert told_by(program) == []
    assert capfd.readouterr() == ("", "")


def test_confined_process_is_ended_once_its_time_is_used_up() -> None:
    """One second in the place of five."""
    spent = confined(
        "while time.process_time() < 3: pass\nprint(json.dumps({'texts': []}))",
        "qr_program._MOST_CPU_SECONDS = 1",
    )
    with pytest.raises(UnreadableError):
        told_by(spent, seconds=60)


def test_confined_process_writes_to_no_file_that_is_open(tmp_path: Path) -> None:
    note = tmp_path / "note"
    tried = """
try:
    opened.write(b"planted")
    told = "could"
except OSError as fault:
    told = type(fault).__name__
print(json.dumps({"texts": [told]}))
"""
    assert told_by(confined(tried, f"opened = open({str(note)!r}, 'wb', buffering=0)")) == [
        "OSError"
    ]
    assert note.read_bytes() == b""


def test_confined_process_has_no_limit_left_to_raise() -> None:
    """Who may do everything may start processes all the same: the limits are looked at."""
    told = told_by(
        confined(
            "names = ('RLIMIT_CORE', 'RLIMIT_NPROC')\n"
            "limits = [resource.getrlimit(getattr(resource, name)) for name in names]\n"
            "print(json.dumps({'texts': [str(limit) for limit in limits]}))"
        )
    )
    assert told == ["(0, 0)"] * 2


def test_reader_confines_itself_before_it_reads(tmp_path: Path) -> None:
    """What reads in its place tries to open a file."""
    folder = Path(qr_program.__file__).parent
    program = f"""
import sys
sys.path.insert(0, {str(folder)!r})
import qr_program
def tried(content):
    with open({str(tmp_path / "note")!r}, "w"):
        return ["could"]
qr_program.texts_in = tried
qr_program.main()
"""
    with pytest.raises(UnreadableError):
        told_by(program)
    assert not list(tmp_path.iterdir())


def test_no_more_is_read_than_the_largest_copy_has() -> None:
    assert QrReader().read(padded(1_000)) == [licenses.link(CODE)]
    with pytest.raises(UnreadableError):
        QrReader().read(padded(MOST_BYTES))


def test_image_a_little_larger_than_is_taken_is_not_decoded() -> None:
    with pytest.raises(UnreadableError):
        QrReader().read(licenses.bomb_png(7_100, 7_100))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "PPM"])
def test_sound_image_of_another_type_is_a_fault(kind: str) -> None:
    made = io.BytesIO()
    PAGE.save(made, kind)
    with pytest.raises(UnreadableError):
        QrReader().read(made.getvalue())


def test_of_the_qr_codes_of_an_image_four_are_told() -> None:
    page = Image.new("RGB", (900, 600), "white")
    codes = [builders.code(number) for number in range(30, 36)]
    for number, code in enumerate(codes):
        one = licenses.license_image(code).crop((1_280, 70, 1_540, 330))
        page.paste(one, (300 * (number % 3), 300 * (number // 3)))
    told = QrReader().read(licenses.png(page))
    assert len(told) == 4
    assert set(told) < {licenses.link(code) for code in codes}
