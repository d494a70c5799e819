"""Errors: every class is mapped, every reason is documented, no text holds a value."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import grpc

import bonafides
from bonafides import errors
from bonafides.errors import BonafidesError
from bonafides.rpc.status import STATUSES, documented_reasons, reasons

# Families: they say who must act, and are never raised themselves.
FAMILIES = {
    BonafidesError,
    errors.RequestError,
    errors.StateError,
    errors.LimitError,
    errors.ConsentError,
}


def error_classes() -> set[type[BonafidesError]]:
    """Returns every error class of the package, whichever module declares it."""
    for module in pkgutil.walk_packages(bonafides.__path__, "bonafides."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[type[BonafidesError]] = set()
    waiting = [BonafidesError]
    while waiting:
        declared = waiting.pop()
        found.add(declared)
        waiting.extend(declared.__subclasses__())
    return {declared for declared in found if declared.__module__.startswith("bonafides.")}


def test_every_error_class_has_its_row_of_the_status_table() -> None:
    assert error_classes() - FAMILIES == set(STATUSES)


def test_every_reason_is_documented_and_every_documented_one_is_used() -> None:
    assert reasons() == documented_reasons()


def test_reasons_are_written_as_the_aips_ask() -> None:
    for reason in reasons():
        assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,62}", reason)


def test_only_what_may_be_retried_is_unavailable() -> None:
    retried = {
        error for error, (code, _) in STATUSES.items() if code is grpc.StatusCode.UNAVAILABLE
    }
    assert retried == {
        errors.StoreUnavailableError,
        errors.RevisionNotReachedError,
        errors.ServerDrainingError,
    }


def test_no_constructor_default_is_copied_from_a_class_attribute() -> None:
    for declared in error_classes():
        if "__init__" in vars(declared):
            for parameter in inspect.signature(declared).parameters.values():
                assert parameter.default in (inspect.Parameter.empty, "")


def test_every_error_class_ends_in_error_and_says_what_it_means() -> None:
    for declared in error_classes():
        assert declared.__name__.endswith("Error")
        assert declared.__doc__
