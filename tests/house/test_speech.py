"""Whatever the service says by a code has a text on the website, in every language."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor

import bonafides
from bonafides import v1
from bonafides.identity import checks, erasing, membership, requirement_operations
from bonafides.identity.requirements import Effect
from bonafides.identity.sandbox import ERRORS as FORCED
from bonafides.identity.submission import Outcome, State
from bonafides.rating import advice
from bonafides.rpc import validation
from bonafides.rpc.status import documented_reasons
from bonafides.v1 import (
    access_pb2,
    archive_pb2,
    consent_pb2,
    enterprise_pb2,
    rating_pb2,
    requirement_pb2,
    review_pb2,
    rights_pb2,
    validate_pb2,
)
from bonafides.web import said_errors, said_faults, said_states, speech
from bonafides.web.labels import FIELDS, VALUES
from bonafides.web.language import LANGUAGES

ROOT = Path(bonafides.__file__).parent
CHINESE = LANGUAGES[0]
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
# What raises a fault of a field, in modules that have their own way to say so.
RAISERS = {
    "CodeError",
    "DocumentError",
    "FieldViolation",
    "_Fault",
    "_FieldError",
    "_fault",
    "_invalid",
}
# No page calls what is behind these: platforms, integrators' engineers and staff do.
NOT_BEHIND_PAGES = (
    "access/acceptance_operations.py",
    "access/application_forms.py",
    "access/application_keys.py",
    "access/field_masks.py",
    "archive/self_description.py",
    "cli",
    "identity/buyer_operations.py",
    "identity/drafting.py",
    "identity/inquiry_operations.py",
    "identity/override_operations.py",
    "identity/switch_operations.py",
    "records",
    "rpc/application_messages.py",
    "rpc/application_services.py",
    "rpc/platform_messages.py",
    "rpc/services.py",
    "rpc/switch_services.py",
    "v1",
    "web",
)
# What pages show; the values of enums in them are words.
SHOWN = (
    access_pb2.Access,
    archive_pb2.Archive,
    consent_pb2.Consent,
    enterprise_pb2.Submission,
    rating_pb2.Advice,
    rating_pb2.RatingStep,
    requirement_pb2.Requirement,
    review_pb2.AutomaticRating,
    review_pb2.Override,
    review_pb2.Review,
    rights_pb2.Correction,
    rights_pb2.Erasure,
    rights_pb2.Holdings,
)


def modules(left_out: tuple[str, ...]) -> Iterator[ast.Module]:
    for file in sorted(ROOT.rglob("*.py")):
        if not file.relative_to(ROOT).as_posix().startswith(left_out):
            yield ast.parse(file.read_text(encoding="utf-8"))


def codes_given_to(names: set[str], left_out: tuple[str, ...] = NOT_BEHIND_PAGES) -> set[str]:
    """Returns the codes that stand in calls of these names."""
    found = set()
    for tree in modules(left_out):
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _called(call) in names:
                found |= {
                    part.value
                    for argument in (*call.args, *(each.value for each in call.keywords))
                    for part in ast.walk(argument)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and CODE.fullmatch(part.value)
                }
    return found


def constants_of(file: str, *functions: str) -> set[str]:
    """Returns the codes that a module names, or some of its functions alone."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    within = [each for each in tree.body if not functions or getattr(each, "name", "") in functions]
    return {
        part.value
        for each in within
        for part in ast.walk(each)
        if isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and CODE.fullmatch(part.value)
    }


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def rules(kind: Descriptor) -> Iterator[str]:
    """Yields the reasons of what protovalidate finds in a message, as our pipeline names them."""
    for field in kind.fields:
        yield from _of_field(field.GetOptions().Extensions[validate_pb2.field])
    for rule in kind.GetOptions().Extensions[validate_pb2.message].cel:
        yield rule.id
    for inner in kind.nested_types:
        yield from rules(inner)


def _of_field(told: Any) -> Iterator[str]:
    if told.required:
        yield "required"
    yield from (rule.id for rule in told.cel)
    kind = told.WhichOneof("type")
    if kind is None:
        return
    names = [name.name for name, _ in getattr(told, kind).ListFields()]
    lower = [name for name in names if name in {"gt", "gte"}]
    upper = [name for name in names if name in {"lt", "lte"}]
    if lower and upper:
        yield f"{kind}.{lower[0]}_{upper[0]}"
        names = [name for name in names if name not in {*lower, *upper}]
    for name in names:
        if name == "items":
            yield from _of_field(getattr(told, kind).items)
        else:
            yield f"{kind}.{name}"


def without_text(codes: set[str], *texts: Mapping[str, str]) -> list[str]:
    """Returns the codes that have no text in any of the tables, or none in Chinese."""
    return sorted(code for code in codes if not any(in_chinese(table.get(code)) for table in texts))


def in_chinese(text: str | None) -> bool:
    return text is not None and speech.plain(text, CHINESE).lang == ""


def test_every_reason_of_an_error_is_said_on_a_page() -> None:
    assert set(said_errors.ERRORS) == documented_reasons()


def test_every_error_says_what_happened_and_what_to_do_in_chinese() -> None:
    for saying in (*said_errors.ERRORS.values(), *said_errors.BY_STATUS.values()):
        for text in (saying.what, saying.step, saying.why, saying.otherwise):
            assert not text or in_chinese(text)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda each: each.code)
def test_what_varies_in_an_error_is_known_from_its_metadata(language: Any) -> None:
    # The sandbox makes an error of every reason.
    assert {reason for reason, _ in FORCED.values()} == documented_reasons()
    for reason, make in FORCED.values():
        saying, error = said_errors.ERRORS[reason], make()
        for text in (saying.why, saying.step):
            if reason != "INTEGRATOR_NOT_LIVE" and text:
                assert speech.filled(text, error.metadata, language) is not None


def test_every_state_of_an_error_is_a_word() -> None:
    states = codes_given_to({"OwnershipStateError", "CaseStateError", "AuthorizationStateError"})
    states |= {state.name for state in membership.ClaimState}
    assert without_text(states, said_errors.CODES) == []
    assert [state for state in State if f"STATE_{state.name}" not in VALUES] == []


def test_every_fault_of_a_field_has_a_text() -> None:
    raised = codes_given_to(RAISERS)
    # The least that there must be, so that a scan that finds nothing is noticed.
    assert {"LENGTH", "PHONE", "DOCUMENT_TYPE", "NOT_HELD", "TEXT_CHARACTERS"} <= raised
    assert without_text(raised | {"FORBIDDEN_CHARACTER"}, said_faults.FAULTS) == []


def test_every_rule_in_the_protos_has_a_text() -> None:
    found = set()
    for module in pkgutil.iter_modules(v1.__path__):
        if module.name.endswith("_pb2") and module.name != "validate_pb2":
            file = importlib.import_module(f"bonafides.v1.{module.name}").DESCRIPTOR
            for kind in file.message_types_by_name.values():
                found |= {validation.reason_of(rule) for rule in rules(kind)}
    assert {"REQUIRED", "STRING_MAX_LEN", "STRING_PATTERN"} <= found
    assert without_text(found, said_faults.FAULTS) == []


def test_every_field_of_a_form_has_a_label_in_chinese() -> None:
    fields = {*said_faults.FORM_FIELDS.values(), *said_faults.FIELDS_BY_REASON.values()}
    assert without_text(fields, said_faults.LABELS) == []
    assert [text for text in said_faults.LABELS.values() if not in_chinese(text)] == []


def test_every_notice_has_a_text() -> None:
    notices = {*membership.NOTICES, *requirement_operations.NOTICES.values()}
    assert without_text(notices, VALUES, said_states.NOTICES) == []


def test_every_requirement_has_its_reason_and_its_remedy_in_words() -> None:
    named = constants_of("identity/requirements.py")
    reasons = named - {effect.value for effect in Effect}
    reasons |= {outcome.name for outcome in Outcome if outcome is not Outcome.MATCH}
    reasons |= {checks.NOT_REACHED, checks.VALUE_BEFORE}
    assert "LICENSE_COPY_NOT_UPLOADED" in reasons
    assert without_text(reasons, said_states.CODES) == []
    # Those that are the enterprise's to act on have what to do; the others wait.
    waiting = {
        "NOT_ASKED_YET",
        "NOT_FOUND",
        "NOT_REACHED",
        "NO_EVIDENCE",
        "SOURCE_NOT_REACHED",
        "STORE_DISPUTED",
        "VALUE_BEFORE",
        "CONSENT_MISSING",
    }
    assert without_text(reasons - waiting, said_states.REMEDIES) == []


def test_every_check_is_named_and_has_its_own_remedy() -> None:
    for check in checks.CHECKS:
        told = enterprise_pb2.CheckResult(check=check.name, remedy=check.remedy)
        for field, value in (("check", check.name), ("remedy", check.remedy)):
            said = speech.said_in(told, field, value, CHINESE)
            assert said is not None
            assert said.lang == ""
        due = requirement_pb2.Requirement(
            reason="MISMATCH", item=checks.claim_of(check.name), remedy=check.remedy
        )
        assert speech.said_in(due, "remedy", due.remedy, CHINESE) == said
        assert speech.said_in(due, "item", due.item, CHINESE) is not None


def test_checks_whose_remedies_differ_say_different_things() -> None:
    said = {}
    for check in checks.CHECKS:
        told = enterprise_pb2.CheckResult(check=check.name, remedy=check.remedy)
        said[check.remedy] = speech.said_in(told, "remedy", check.remedy, CHINESE)
    assert len(set(said.values())) == len(said)


def test_every_finding_has_a_text() -> None:
    found = codes_given_to({"Finding"}) | {"DOCUMENT_QR_NOT_READ"}
    assert "SHARES_SUM" in found
    assert without_text(found, said_states.DESCRIPTIONS) == []
    assert without_text(found, said_states.CODES) == []


def test_every_step_of_a_submission_or_an_override_is_a_word() -> None:
    everywhere = ("access", "cli", "v1", "web")
    steps = codes_given_to({"Transition", "Step", "take_out"}, everywhere)
    steps -= {state.name for state in State}
    steps |= constants_of("identity/checks.py", "_conclude", "_why")
    assert {"SUBMITTED", "REGISTRATION_ENDED", "STARTED", "APPEAL_OVERDUE"} <= steps
    assert without_text(steps, said_states.CODES) == []


def test_what_is_erased_and_what_stays_is_said() -> None:
    assert without_text({*erasing.ERASED, *erasing.RETAINED}, said_states.CODES) == []
    assert without_text({*erasing.RETAINED}, said_states.DESCRIPTIONS) == []


def test_every_step_of_advice_says_itself_in_both_languages() -> None:
    for step in advice.STEPS.values():
        assert step.words.zh
        assert step.words.en


def shown() -> Iterator[Descriptor]:
    """Yields the messages that pages show, and those within them."""
    seen = {enterprise_pb2.Money.DESCRIPTOR.full_name}
    todo = [kind.DESCRIPTOR for kind in SHOWN]
    while todo:
        kind = todo.pop()
        if kind.full_name not in seen and kind.full_name.startswith("bonafides."):
            seen.add(kind.full_name)
            todo += [field.message_type for field in kind.fields if field.message_type]
            yield kind


def test_every_value_of_an_enum_that_pages_show_is_a_word() -> None:
    values = {
        value.name
        for kind in shown()
        for field in kind.fields
        if field.enum_type is not None
        for value in field.enum_type.values
        # Levels are called alike everywhere.
        if value.number and not value.name.startswith("LEVEL_")
    }
    assert "STATE_PENDING" in values
    assert without_text(values, VALUES) == []


def test_every_field_that_pages_show_has_a_label() -> None:
    # The page of who looked has headings of its own.
    labelled = (kind for kind in shown() if kind is not access_pb2.Access.DESCRIPTOR)
    fields = {field.name for kind in labelled for field in kind.fields}
    assert sorted(fields - set(FIELDS)) == []
