"""The commands of platforms, on both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from bonafides.cli import app
from tests import builders, licenses
from tests.serving import Served

COMPANY = builders.code()
CODE = COMPANY.text
ABSENT = builders.code(9).text
FOR = ("--purpose", "eligibility")


def run(served: Served, *words: str, token: str) -> Any:
    return CliRunner().invoke(
        app, ["platform", *words, "--server", served.address, "--token", token]
    )


def asked(served: Served, *words: str, token: str) -> Any:
    done = run(served, *words, "--json", token=token)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_platform_reads_decides_and_asks_and_the_owner_answers(
    served: Served, tmp_path: Path
) -> None:
    builders.enroll(served.store, COMPANY)
    shop = served.token("platform", subject="shop")
    owner = served.token(subject="owner", owns=[CODE])
    found, missing = asked(served, "batch", CODE, ABSENT, *FOR, token=shop)["answers"]
    assert missing["reason"] == "ERROR_REASON_RESOURCE_NOT_FOUND"
    (changed,) = asked(served, "changed", *FOR, token=shop)["changes"]
    assert changed["etag"] == found["etag"]
    words = ("decide", CODE, "limited", "--reason", "CATEGORY_CLOSED", "--etag", found["etag"])
    made = asked(served, *words, *FOR, token=shop)
    assert made["outcome"] == "OUTCOME_LIMITED"
    assert asked(served, "decisions", token=shop)["decisions"] == [made]
    assert asked(served, "decisions", CODE, token=owner)["decisions"] == [made]
    until = ("--until", "2026-11-20")
    inquiry = asked(served, "ask", CODE, "document", "请提供授权书。", *until, token=shop)
    (told,) = asked(served, "inquiries", CODE, token=owner)["inquiries"]
    assert told == inquiry
    copy = tmp_path / "copy.png"
    copy.write_bytes(licenses.png(licenses.license_image(COMPANY)))
    with served.client(owner) as client:
        client.upload_license(copy, CODE)
    answer = ("answer", inquiry["name"], "已上传。", "--document", str(copy))
    assert asked(served, *answer, token=owner)["state"] == "STATE_ANSWERED"
    assert asked(served, "close", inquiry["name"], token=shop)["state"] == "STATE_CLOSED"
    for read in (
        ("batch", CODE, ABSENT, *FOR),
        ("changed", "--since", "2026-10-01", *FOR),
        ("decisions",),
        ("inquiries",),
    ):
        shown = run(served, *read, token=shop)
        assert (shown.exit_code, "Nothing" in shown.stdout) == (0, False), shown.output


def test_staff_set_and_see_what_a_platform_is_not_shown(served: Served) -> None:
    clerk, shop = served.token("operator"), served.token("platform", subject="shop")
    words = ("set-mask", builders.PLATFORM, "rating", "changes", "--reason", "Not agreed.")
    made = asked(served, *words, token=clerk)
    assert made["withheld_paths"] == ["changes", "rating"]
    assert asked(served, "masks", builders.PLATFORM, token=clerk)["masks"] == [made]
    own = asked(served, "mask", builders.PLATFORM, token=shop)
    assert own["withheld_paths"] == made["withheld_paths"]
    assert "set_by" not in own
    assert "rating" in run(served, "mask", builders.PLATFORM, token=shop).stdout


def test_platform_without_a_purpose_is_told_to_name_one(served: Served) -> None:
    refused = run(served, "batch", CODE, token=served.token("platform", subject="shop"))
    assert refused.exit_code == 1
    assert "READ_PURPOSE_ELIGIBILITY" in refused.output
