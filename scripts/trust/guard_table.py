"""The guards: what stands between a caller and what it may not have, one row each.

A row says where the guard is, what its text becomes when it is taken out, and which tests
are about it. A guard that is rewritten makes its row fail to be found, and has to be
written anew here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. `text` stands once in `file`; `without` is what stands there without it."""

    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]


_ACCESS: Final = "service/bonafides/access"
_PERSONAL: Final = "service/bonafides/personal"
_DISCLOSURE: Final = ("tests/unit/test_disclosure.py",)

GUARDS: Final = (
    Guard(
        "a field without a class is withheld",
        f"{_ACCESS}/disclosure.py",
        "if mask is None or (mask and mask not in MASKS):",
        "if mask and mask not in MASKS:",
        _DISCLOSURE,
    ),
    Guard(
        "a mask that this build does not know withholds its field",
        f"{_ACCESS}/disclosure.py",
        "if mask is None or (mask and mask not in MASKS):",
        "if mask is None:",
        _DISCLOSURE,
    ),
    Guard(
        "unknown fields die",
        f"{_ACCESS}/disclosure.py",
        "    shown.DiscardUnknownFields()\n",
        "",
        _DISCLOSURE,
    ),
    Guard(
        "figures about fewer than five buyers are withheld",
        f"{_ACCESS}/disclosure.py",
        ">= MIN_BUYERS else None",
        ">= 0 else None",
        _DISCLOSURE,
    ),
    Guard(
        "an individual business's address is cut to the district",
        f"{_ACCESS}/disclosure.py",
        'if getattr(around, "code", "").startswith(_NOT_A_HOME):',
        "if True:",
        _DISCLOSURE,
    ),
    Guard(
        "a text with a personal number is hidden",
        f"{_ACCESS}/disclosure.py",
        "for field in net.hold(shown):",
        "for field in ():",
        ("tests/unit/test_net.py",),
    ),
    Guard(
        "a name that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        'return f"**{match[1]}" if match else HIDDEN',
        'return f"**{match[1]}" if match else value',
        ("tests/unit/test_masks.py",),
    ),
    Guard(
        "a method is for the callers of its row",
        f"{_ACCESS}/policy.py",
        "if caller.kind in row.callers:",
        "if True:",
        ("tests/unit/test_policy.py",),
    ),
    Guard(
        "a method without a row stops the start",
        "service/bonafides/rpc/pipeline.py",
        "        policy.require_rows(method.name for method in methods)\n",
        "",
        ("tests/service/test_pipeline.py",),
    ),
)
