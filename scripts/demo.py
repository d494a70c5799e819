"""Runs the whole flow once, on free ports in a temporary folder, and checks what it shows.

Exit code 0 means that every expectation held; 1 names the first that did not. Only
generated enterprises are shown beside a level; with `--data`, the records of real
marketplaces go to generated enterprises, and their rows stay where they are.

    python scripts/demo.py
    python scripts/demo.py --data ../shared/data
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import typer
from google.protobuf.json_format import Parse
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.client import ClientError, RemoteError
from bonafides.instants import SHANGHAI
from bonafides.v1 import archive_pb2, enterprise_pb2, rating_pb2
from bonafides.v1 import identity_service_pb2 as service
from scripts import demo_views, sampling
from scripts.demo_stage import ExpectationError, Stage, expect, free_address, run_import, serving
from scripts.run_sandbox import ScriptError, load_sample, run_script

SEED: Final = 1
MEMORY_LIMIT_MB: Final = 500
ONLINE_RETAIL_ROWS: Final = 541_909
_REVOCATION_SECONDS: Final = 30.0


def main(
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder of real records.")
    ] = None,
    enterprises: Annotated[
        int, typer.Option(min=len(sampling.CAST), max=2_000, help="How many are generated.")
    ] = 40,
) -> None:
    """Runs the whole flow once."""
    # What the caller's shell sets for a real deployment has no place here.
    for name in [name for name in os.environ if name.startswith("BONAFIDES_")]:
        del os.environ[name]
    console = Console(width=max(Console().width, demo_views.LEAST_WIDTH))
    today = dt.datetime.now(SHANGHAI).date()
    attached = 60 if data else 0
    with tempfile.TemporaryDirectory(prefix="bonafides-demo-") as folder:
        stage = Stage(
            folder=Path(folder),
            console=console,
            address=free_address(),
            enterprises=sampling.invent(
                SEED, enterprises, attached=attached, end=today - dt.timedelta(days=1)
            ),
        )
        try:
            play(stage, data, today - dt.timedelta(days=1))
        except (ExpectationError, ScriptError, ClientError) as fault:
            console.print(f"The demo failed: {fault}", style="bold red", markup=False)
            raise typer.Exit(1) from None
    for title, took in stage.timings:
        console.print(f"{took:6.1f} s  {title}", highlight=False)
    console.print("Every expectation held.", style="bold green")


def play(stage: Stage, data: Path | None, end: dt.date) -> None:
    """Plays every part.

    Raises:
        ExpectationError: something did not come out as it must.
        ScriptError: one of the operators' scripts failed.
    """
    with stage.act(
        "Set-up: sample data of generated enterprises, loaded by the operators' scripts"
    ):
        first = _set_up(stage, data, end)
    if data is not None:
        with stage.act("Real marketplace records, attached to generated enterprises"):
            import_real(stage, data)
    with serving(stage):
        with stage.act("1. An identity is submitted and verified; a faulty one names every fault"):
            submit(stage, first)
            submit_faulty(stage, first)
        with stage.act("2. One enterprise, three views"):
            for part in ("exemplary", "uneven", "one platform withheld"):
                show_views(stage, stage.by_character(part))
            show_levels(stage)
            show_withheld(stage, stage.by_character("uneven"))
        with stage.act("3. A rival's false submission changes nothing"):
            refute_rival(stage)
        with stage.act("4. One perfect order is not rated"):
            show_one_order(stage)
        if data is not None:
            with stage.act("5. Views made of real marketplace records"):
                show_real(stage)


# --- Set-up ------------------------------------------------------------------------------


def _set_up(stage: Stage, data: Path | None, end: dt.date) -> service.SubmitIdentityRequest:
    """Makes and loads sample data; returns the submission that is kept back for the first scene."""
    arguments = ["--out", str(stage.sample), "--seed", str(SEED), "--end-day", end.isoformat()]
    trading = sum(of.character is not sampling.ATTACHED for of in stage.enterprises)
    arguments += ["--enterprises", str(trading)]
    if data is not None:
        arguments += ["--attach", str(data), "--attached", "60"]
    stage.console.print(run_script("make_sample_data.py", *arguments).strip(), highlight=False)
    file = stage.sample / "submissions.jsonl"
    first, *others = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(others), encoding="utf-8")
    load_sample(stage.sample, environment=stage.environment)
    return Parse(first, service.SubmitIdentityRequest())


# --- The scenes ----------------------------------------------------------------------------


def submit(stage: Stage, request: service.SubmitIdentityRequest) -> None:
    """Submits rightly: verified at once, with one result for each check."""
    with stage.client("member", subject="clerk") as client:
        made = client.submit_identity(request.claims, request.request_id)
        again = client.submit_identity(request.claims, request.request_id)
    stage.console.print(demo_views.checks(made))
    expect(
        made.state == enterprise_pb2.Submission.STATE_VERIFIED,
        "what the registry confirms is VERIFIED",
    )
    expect(again.name == made.name, "the same request id submits once")


def submit_faulty(stage: Stage, request: service.SubmitIdentityRequest) -> None:
    """Submits with six faults: all are named, none of the values is repeated."""
    claims = enterprise_pb2.Claims()
    claims.CopyFrom(request.claims)
    claims.code = "990000123456789"
    claims.title = ""
    claims.phone = "12"
    claims.email = "nobody"
    claims.representative.id_number = claims.representative.id_number[:-1] + "?"
    del claims.authorizations[:]
    with stage.client("member", subject="clerk") as client:
        try:
            client.submit_identity(claims)
        except RemoteError as refusal:
            faults = refusal.violations
        else:
            faults = ()
    stage.console.print(demo_views.faults(faults))
    expect(
        {
            "claims.code",
            "claims.title",
            "claims.phone",
            "claims.email",
            "claims.representative.id_number",
            "claims.authorizations",
        }
        <= {fault.field for fault in faults},
        "a faulty submission names all its faulty fields",
    )


def show_views(stage: Stage, of: sampling.Enterprise) -> None:
    """Shows what each caller sees of one enterprise, side by side."""
    views = _views(stage, of)
    public, member, owner = views.values()
    stage.console.print(demo_views.side_by_side(views))
    stage.console.print(demo_views.contributions(owner.rating))
    expect(not public.HasField("rating") and not public.platforms, "the public sees no level")
    expect(
        member.rating.level != rating_pb2.LEVEL_UNSPECIFIED and not member.rating.contributions,
        "a member sees the level, and not how it came about",
    )
    told = sum(part.points for part in owner.rating.contributions)
    expect(
        bool(owner.rating.contributions) and told == owner.rating.score,
        "the owner sees contributions, and they sum to the score",
    )
    shown = {file.platform for file in member.platforms}
    expect(
        shown.isdisjoint(of.character.withheld), "a platform that was not authorized is not shown"
    )


def show_levels(stage: Stage) -> None:
    """Shows a member's view of the whole cast: every level, and NR."""
    revoked = stage.by_character("licence revoked later")
    _await_level(stage, revoked, rating_pb2.LEVEL_D)
    rows: list[tuple[sampling.Enterprise, rating_pb2.Rating | None]] = []
    with stage.client("member") as client:
        for of in stage.enterprises[: len(sampling.CAST)]:
            try:
                rows.append((of, client.get_rating(of.code.text)))
            except RemoteError as refusal:
                rows.append((of, None))
                expect(
                    refusal.code.name == "NOT_FOUND"
                    and of.character.fate not in {"VERIFIED", "REVOKED"},
                    f"{of.code} takes part",
                )
    stage.console.print(demo_views.levels(rows))
    levels = {rating.level for _, rating in rows if rating is not None}
    wanted = {rating_pb2.LEVEL_AAA, rating_pb2.LEVEL_C, rating_pb2.LEVEL_D, rating_pb2.LEVEL_NR}
    expect(wanted <= levels, "levels from AAA to C, D and NR occur")


def show_withheld(stage: Stage, of: sampling.Enterprise) -> None:
    """Shows what became of a removed listing, an expired penalty and a namesake's debt."""
    with stage.client("operator") as client:
        staff = client.get_archive(of.code.text)
    _, member, owner = _views(stage, of).values()
    stage.console.print(demo_views.withheld(staff.withheld_records))
    expect(len(owner.public_records.penalties) == 1, "the owner sees the penalty that stands")
    expect(
        not owner.public_records.listings and not owner.public_records.court_cases,
        "neither a removed listing nor a namesake's debt is shown",
    )
    expect(not member.HasField("public_records"), "a member sees no public record")
    expect(owner.rating.level != rating_pb2.LEVEL_D, "a namesake's debt gives nobody a D")
    kept = staff.withheld_records
    told = (len(kept.court_cases), len(kept.listings), len(kept.penalties))
    expect(told == (1, 1, 1), "staff see what counts no more, and what never did")


def refute_rival(stage: Stage) -> None:
    """Lets a rival submit itself under a victim's code: the rival is told, nothing moves."""
    victim = stage.by_character("sound")
    rival = stage.by_character("uneven")
    before = _bytes(stage, victim)
    claims = _claims_of(stage, victim)
    claims.title = rival.title
    claims.representative.person = rival.representative.name
    claims.representative.id_number = rival.representative.id_number
    with stage.client("member", subject="rival") as client:
        made = client.submit_identity(claims)
    stage.console.print(f"{rival.title} submits itself under the code of {victim.title}:")
    stage.console.print(demo_views.checks(made))
    after = _bytes(stage, victim)
    stage.console.print(
        "The victim's archive is the same, byte for byte, in every view: "
        + ", ".join(f"{view} {len(content)} bytes" for view, content in after.items()),
        highlight=False,
    )
    expect(
        made.state == enterprise_pb2.Submission.STATE_REJECTED, "a refuted submission is REJECTED"
    )
    expect(before == after, "a rival's submission changes no byte of the victim's archive")


def show_one_order(stage: Stage) -> None:
    """Shows why one perfect order gives no level, to the enterprise itself."""
    of = stage.by_character("one perfect order")
    with stage.client("member", owns=[of.code.text]) as client:
        rating = client.get_rating(of.code.text)
    stage.console.print(f"{of.title} delivered one order on time, and nobody complained.")
    stage.console.print(demo_views.rules(rating))
    expect(rating.level == rating_pb2.LEVEL_NR, "one perfect order is NR")
    expect(not rating.contributions, "no points stand behind NR")


# --- Real records ------------------------------------------------------------------------------


def import_real(stage: Stage, data: Path) -> None:
    """Imports Olist and Online Retail, each in a process whose peak memory is measured."""
    for mapping, folder in (("olist", "olist"), ("online_retail", "online_retail")):
        made = run_import(stage, mapping, data / folder)
        refused = sum(made.refused.values())
        reasons = ", ".join(f"{count} {reason}" for reason, count in made.refused.items())
        stage.console.print(
            f"{mapping}: {made.read} rows read, {made.accepted} records stored, {refused} refused"
            f" ({reasons or 'none'}); {made.seconds:.1f} s, peak {made.peak_mb:.0f} MB",
            highlight=False,
        )
        expect(made.peak_mb < MEMORY_LIMIT_MB, f"{mapping} is imported under {MEMORY_LIMIT_MB} MB")
        expect(
            made.read == made.accepted + made.replayed + refused,
            f"{mapping}: every row is accounted for",
        )


def show_real(stage: Stage) -> None:
    """Shows the generated enterprises that hold the most of the real records."""
    with (stage.sample / "store_links.csv").open(encoding="utf-8", newline="") as opened:
        links = list(csv.DictReader(opened))
    wholesaler = next(link["code"] for link in links if link["dataset"] == "online-retail")
    most = [code for code, _ in Counter(link["code"] for link in links).most_common(2)]
    by_code = {of.code.text: of for of in stage.enterprises}
    for code in dict.fromkeys([wholesaler, *most]):
        show_views(stage, by_code[code])
    with stage.client("operator") as client:
        files = client.get_archive(wholesaler).platforms
    counted = {file.platform: file.cumulative.transactions for file in files}
    expect(counted.get("online-retail", 0) > ONLINE_RETAIL_ROWS * 9 // 10, "Online Retail is there")


# --- What the scenes share ------------------------------------------------------------------


def _views(stage: Stage, of: sampling.Enterprise) -> dict[str, archive_pb2.Archive]:
    code = of.code.text
    with (
        stage.client() as anonymous,
        stage.client("member") as member,
        stage.client("member", subject="owner", owns=[code]) as owner,
    ):
        return {
            "anonymous": anonymous.get_archive(code),
            "member": member.get_archive(code),
            "owner": owner.get_archive(code),
        }


def _bytes(stage: Stage, of: sampling.Enterprise) -> dict[str, bytes]:
    return {
        view: shown.SerializeToString(deterministic=True)
        for view, shown in _views(stage, of).items()
    }


def _claims_of(stage: Stage, of: sampling.Enterprise) -> enterprise_pb2.Claims:
    """Returns what the enterprise submitted, out of the sample."""
    for line in (stage.sample / "submissions.jsonl").read_text(encoding="utf-8").splitlines():
        request = Parse(line, service.SubmitIdentityRequest())
        if request.claims.code == of.code.text:
            return request.claims
    raise ExpectationError(f"{of.code} is in the sample")


def _await_level(stage: Stage, of: sampling.Enterprise, level: rating_pb2.Level.ValueType) -> None:
    """Waits until the server's background work has taken the registry's news in."""
    end = time.monotonic() + _REVOCATION_SECONDS
    with stage.client("member") as client:
        while client.get_rating(of.code.text).level != level:
            expect(time.monotonic() < end, f"{of.code} becomes {rating_pb2.Level.Name(level)}")
            time.sleep(0.2)


if __name__ == "__main__":
    typer.run(main)
