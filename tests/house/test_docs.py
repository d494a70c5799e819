"""The documentation says what is: settings, commands, make targets, scripts, errors, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from bonafides.cli import app
from bonafides.cli.session import SHARED_FLAGS, SHARED_VALUED
from bonafides.rpc.status import STATUSES, documented_reasons, reasons
from bonafides.settings import Settings

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_OPERATIONS = (_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_MAKEFILE = (_ROOT / "Makefile").read_text(encoding="utf-8")
_GROUP = cast("TyperGroup", get_command(app))
_COMMANDS = _GROUP.commands
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]


def _rows(text: str) -> list[list[str]]:
    """Returns the cells of every row of every table."""
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _options(command: Any) -> set[str]:
    return {
        option
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    } | {"--help"}


def _default(name: str) -> str:
    field = Settings.model_fields[name]
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None:
        return "unset"
    return f"`{default}`" if str(default) else "empty"


def test_every_setting_is_documented_with_default_and_unit() -> None:
    documented = {row[0]: row[1:] for row in _rows(_OPERATIONS) if row[0].startswith("`BONAFIDES_")}
    for name, field in Settings.model_fields.items():
        assert documented[f"`BONAFIDES_{name.upper()}`"] == [_default(name), field.description]


def test_no_setting_is_documented_that_is_not_there() -> None:
    documented = {
        name for page in _PAGES for name in re.findall(r"BONAFIDES_[A-Z_]+[A-Z]", page.read_text())
    }
    settings = {f"BONAFIDES_{name.upper()}" for name in Settings.model_fields}
    client = {
        "BONAFIDES_SERVER",
        "BONAFIDES_TOKEN",
        "BONAFIDES_LOGIN_ISSUER",
        "BONAFIDES_LOGIN_CLIENT_ID",
        "BONAFIDES_LOGIN_RESOURCE",
        "BONAFIDES_AGENT_TOKEN",
        "BONAFIDES_ROOT_CERTIFICATES",
    }
    assert documented == settings | client


def test_every_quantity_among_the_settings_names_its_unit() -> None:
    for name, field in Settings.model_fields.items():
        assert field.default is not PydanticUndefined or field.default_factory is not None
        if field.annotation is float or name.endswith("_days"):
            assert re.search(r"in (seconds|days)", field.description or "")


def test_every_command_is_documented_and_no_other() -> None:
    named = set(re.findall(r"\bbonafides ([a-z]+(?:-[a-z]+)*)\b", _code_of(_README + _OPERATIONS)))
    assert named == set(_COMMANDS)


def test_readme_says_of_each_command_what_its_help_says() -> None:
    shown = re.findall(r"^bonafides ([a-z-]+)\b[^\n#]*# ([^\n]+)$", _README, flags=re.MULTILINE)
    told = dict(reversed(shown))
    assert set(told) >= {
        *("login", "logout", "level", "explain", "advise", "requirements", "access-log"),
        *("appeal", "consents"),
    }
    assert told == {command: (_COMMANDS[command].help or "").splitlines()[0] for command in told}


def test_commands_of_the_readme_are_right_usage() -> None:
    block = _README.partition(". .venv/bin/activate")[2].partition("```")[0]
    lines = re.findall(r"^bonafides ([a-z-]+)([^\n#]*)", block, flags=re.MULTILINE)
    assert len(lines) > 20
    for command, rest in lines:
        _COMMANDS[command].make_context(command, rest.split(), resilient_parsing=False).close()


def test_documented_commands_have_the_options_they_are_shown_with() -> None:
    shown = re.findall(
        r"\bbonafides ([a-z]+(?:-[a-z]+)*)\b([^\n#]*)", _code_of(_README + _OPERATIONS)
    )
    assert [
        (command, option)
        for command, rest in shown
        for option in re.findall(r"--[a-z-]+", rest)
        if option not in _options(_COMMANDS[command]) | _options(_GROUP)
    ] == []


def test_shared_options_are_those_of_the_group() -> None:
    completion = {"--install-completion", "--show-completion"}
    assert _options(_GROUP) - {"--help"} - completion == SHARED_FLAGS | SHARED_VALUED
    assert not (SHARED_FLAGS | SHARED_VALUED) & {
        option for command in _COMMANDS.values() for option in _options(command)
    } - {"--help"}


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_help_of_every_command_begins_with_one_whole_sentence(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    first = (_COMMANDS[command].help or "").splitlines()[0]
    assert first.endswith(".")
    assert first in CliRunner().invoke(app, ["--help"]).stdout


def test_every_make_target_is_named_in_the_documentation_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", _MAKEFILE, flags=re.MULTILINE))
    pages = "\n".join(page.read_text(encoding="utf-8") for page in _PAGES)
    named = set(re.findall(r"\bmake ([a-z]+)\b", _code_of(pages)))
    assert named <= targets
    assert {"run", "demo", "test", "check", "features"} <= named


def test_every_script_named_in_the_documentation_is_there() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in _PAGES)
    named = set(re.findall(r"\bscripts/\w+\.py\b", pages))
    assert [name for name in sorted(named) if not (_ROOT / name).is_file()] == []


def test_every_reason_of_an_error_is_documented_with_its_status_code() -> None:
    documented = {row[0].strip("`"): row[1] for row in _rows(_OPERATIONS) if len(row) == 3}
    for reason in documented_reasons():
        assert reason in documented
    for code, reason in STATUSES.values():
        assert documented[reason] == code.name
    assert reasons() == documented_reasons()


def test_every_relative_link_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(_ROOT)}: {target}"
        for page in _PAGES
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def _code_of(text: str) -> str:
    """Returns what stands in fences and between backticks, continued lines joined."""
    fences = re.findall(r"^```.*?^```", text, flags=re.DOTALL | re.MULTILINE)
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return re.sub(r"\\\n\s*", " ", "\n".join([*fences, *inline]))
